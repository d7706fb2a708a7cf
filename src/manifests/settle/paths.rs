//! The way to the pods: Service, Ingress, cloud load balancer, and the clients, of which manifests say nothing.

use super::facts::{Facts, quoted, seconds};
use super::route::{Route, ingresses_of};
use crate::manifests::fields::At;
use crate::manifests::object::{Cloud, Ingress, Meta, Service, Workload};
use crate::manifests::read::Objects;
use crate::scenario::Spot;

/// Where requests enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    Service,
    Ingress,
    LoadBalancer,
}

pub(super) fn paths(facts: &mut Facts<'_>, workload: &Workload, route: &Route<'_>) {
    let Some(service) = route.service else {
        let why = "no Service selects these pods: a ClusterIP Service is assumed";
        facts.assume("service.kind", quoted("cluster_ip"), workload.meta.at, why);
        return;
    };
    service_keys(facts, service);
    match (entry(route), route.ingress) {
        (Entry::Ingress, Some(ingress)) => ingress_keys(facts, ingress),
        (Entry::LoadBalancer, Some(ingress)) => cloud_ingress(facts, ingress),
        (Entry::LoadBalancer, None) => cloud_service(facts, service),
        _ => {}
    }
}

/// Requests of one kind are simulated; the Ingresses beside the one they take are named.
pub(super) fn others(facts: &mut Facts<'_>, objects: &Objects, route: &Route<'_>) {
    let (Some(service), Some(taken)) = (route.service, route.ingress) else { return };
    for other in ingresses_of(objects, service).filter(|ingress| ingress.meta.name != taken.meta.name) {
        let message = format!(
            "requests come through {}; those through {} are not simulated",
            taken.meta.title(),
            other.meta.title()
        );
        facts.not_simulated(other.meta.at, message, None);
    }
}

fn service_keys(facts: &mut Facts<'_>, service: &Service) {
    let at = service.kind.as_ref().map_or(service.meta.at, |kind| kind.at);
    match (service.kind_name(), &service.headless) {
        (_, Some(headless)) => facts.read("service.kind", quoted("headless"), headless.at),
        ("NodePort", None) => facts.read("service.kind", quoted("node_port"), at),
        ("LoadBalancer", None) => facts.read("service.kind", quoted("load_balancer"), at),
        _ => facts.read("service.kind", quoted("cluster_ip"), at),
    }
    let policies = [
        ("external_traffic_policy", service.external_traffic_policy.as_ref().filter(|_| service.is_external())),
        ("internal_traffic_policy", service.internal_traffic_policy.as_ref()),
        ("traffic_distribution", service.traffic_distribution.as_ref()),
    ];
    for (key, policy) in policies {
        if let Some(At { value, at }) = policy {
            facts.read(&format!("service.{key}"), quoted(snake(value)), *at);
        }
    }
    if let Some(affinity) = service.session_affinity.as_ref().filter(|affinity| affinity.value == "ClientIP") {
        facts.read("service.session_affinity", quoted("client_ip"), affinity.at);
        if let Some(timeout) = service.session_affinity_timeout {
            facts.read("service.session_affinity_timeout", seconds(timeout.value), timeout.at);
        }
    }
}

/// `PreferSameZone` is `prefer_same_zone`.
fn snake(name: &str) -> String {
    let mut out = String::new();
    for (index, c) in name.char_indices() {
        if c.is_uppercase() && index > 0 {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

/// Classes that have a preset, by what is in their names.
const CLASSES: [(&str, &str); 6] = [
    ("nginx", "ingress-nginx"),
    ("haproxy", "haproxy"),
    ("traefik", "traefik"),
    ("istio", "istio"),
    ("skipper", "skipper"),
    ("contour", "envoy"),
];

fn service_preset(service: &Service) -> Option<(&'static str, Spot)> {
    if service.kind_name() != "LoadBalancer" {
        return None;
    }
    let annotation = service.meta.annotation("service.beta.kubernetes.io/aws-load-balancer-type");
    let by_annotation = annotation.filter(|kind| kind.value.starts_with("nlb") || kind.value == "external");
    let class = service.load_balancer_class.as_ref().filter(|class| class.value == "service.k8s.aws/nlb");
    by_annotation.or(class).map(|found| ("aws-nlb", found.at))
}

/// Where requests enter on this route.
pub(super) fn entry(route: &Route<'_>) -> Entry {
    match (route.ingress, route.service) {
        (Some(ingress), _) if ingress.cloud().is_some() => Entry::LoadBalancer,
        (Some(_), _) => Entry::Ingress,
        (None, Some(service)) if service_preset(service).is_some() => Entry::LoadBalancer,
        _ => Entry::Service,
    }
}

fn ingress_keys(facts: &mut Facts<'_>, ingress: &Ingress) {
    let class = ingress.class.as_ref();
    let known =
        class.and_then(|class| CLASSES.iter().find(|(part, _)| class.value.contains(part)).map(|row| (row, class)));
    match known {
        Some(((_, preset), class)) => {
            let why = format!("the class {} is taken for the controller of that name", class.value);
            facts.guess("ingress.preset", quoted(preset), class.at, &why);
        }
        None => {
            let at = class.map_or(ingress.meta.at, |class| class.at);
            let why = "the manifest does not tell the controller";
            facts.assume("ingress.preset", quoted("ingress-nginx"), at, why);
        }
    }
    if known.is_none_or(|((part, _), _)| *part == "nginx") {
        nginx_annotations(facts, &ingress.meta);
    }
}

/// Annotations of ingress-nginx, with the keys they set; `s` is the unit that the annotation leaves out.
const NGINX: [(&str, &str, &str); 4] = [
    ("proxy-connect-timeout", "ingress.connect_timeout", "s"),
    ("proxy-read-timeout", "ingress.read_timeout", "s"),
    ("proxy-next-upstream-timeout", "ingress.next_upstream_timeout", "s"),
    ("proxy-next-upstream-tries", "ingress.next_upstream_tries", ""),
];

fn nginx_annotations(facts: &mut Facts<'_>, meta: &Meta) {
    let annotation = |name: &str| meta.annotation(&format!("nginx.ingress.kubernetes.io/{name}"));
    for (name, key, unit) in NGINX {
        let Some(At { value, at }) = annotation(name) else { continue };
        if let Ok(number) = value.trim_end_matches('s').parse::<u32>() {
            let value = if unit.is_empty() { number.to_string() } else { seconds(number) };
            facts.read(key, value, *at);
        }
    }
    if let Some(At { at, .. }) = annotation("service-upstream").filter(|value| value.value == "true") {
        facts.read("ingress.target", quoted("service"), *at);
    }
    if let Some(At { value, at }) = annotation("proxy-next-upstream") {
        let known = crate::scenario::RETRY_CONDITIONS;
        let listed: Vec<String> = value.split_whitespace().filter(|word| known.contains(word)).map(quoted).collect();
        facts.read("ingress.next_upstream", format!("[{}]", listed.join(", ")), *at);
        if value.split_whitespace().any(|word| word == "non_idempotent") {
            facts.read("ingress.retry_non_idempotent", true, *at);
        }
    }
}

fn cloud_ingress(facts: &mut Facts<'_>, ingress: &Ingress) {
    let Some((cloud, at)) = ingress.cloud() else { return };
    let preset = if cloud == Cloud::Alb { "aws-alb" } else { "gcp" };
    let by_class = ingress.class.as_ref().filter(|class| class.at == at);
    let why = by_class.map_or_else(
        || "its annotations are read by this controller only".to_owned(),
        |class| format!("the class {}", class.value),
    );
    facts.guess("load_balancer.preset", quoted(preset), at, &why);
    if cloud != Cloud::Alb {
        return;
    }
    let annotation = |name: &str| ingress.meta.annotation(&format!("alb.ingress.kubernetes.io/{name}"));
    let target = annotation("target-type");
    let is_ip = target.is_some_and(|target| target.value == "ip");
    let at = target.map_or(ingress.meta.at, |target| target.at);
    facts.read("load_balancer.target", quoted(if is_ip { "ip" } else { "instance" }), at);
    let checks = [
        ("healthcheck-interval-seconds", "load_balancer.health_check.interval", "s"),
        ("healthcheck-timeout-seconds", "load_balancer.health_check.timeout", "s"),
        ("healthy-threshold-count", "load_balancer.health_check.healthy_threshold", ""),
        ("unhealthy-threshold-count", "load_balancer.health_check.unhealthy_threshold", ""),
    ];
    for (name, key, unit) in checks {
        let Some(At { value, at }) = annotation(name) else { continue };
        if let Ok(number) = value.parse::<u32>() {
            let value = if unit.is_empty() { number.to_string() } else { seconds(number) };
            facts.read(key, value, *at);
        }
    }
    let attributes = annotation("target-group-attributes");
    if let Some((delay, at)) = attributes.and_then(|At { value, at }| Some((deregistration(value)?, *at))) {
        facts.read("load_balancer.deregistration_delay", seconds(delay), at);
    }
}

/// `deregistration_delay.timeout_seconds=30,…`.
fn deregistration(attributes: &str) -> Option<u32> {
    let found =
        attributes.split(',').find_map(|one| one.trim().strip_prefix("deregistration_delay.timeout_seconds="))?;
    found.trim().parse().ok()
}

fn cloud_service(facts: &mut Facts<'_>, service: &Service) {
    let Some((preset, at)) = service_preset(service) else { return };
    facts.guess("load_balancer.preset", quoted(preset), at, "the annotation or class names it");
    let target = service.meta.annotation("service.beta.kubernetes.io/aws-load-balancer-nlb-target-type");
    let kind = service.meta.annotation("service.beta.kubernetes.io/aws-load-balancer-type");
    let is_ip = target.is_some_and(|target| target.value == "ip") || kind.is_some_and(|kind| kind.value == "nlb-ip");
    let at = target.map_or(at, |target| target.at);
    facts.read("load_balancer.target", quoted(if is_ip { "ip" } else { "instance" }), at);
}

/// The clients that are assumed.
pub(super) fn clients(facts: &mut Facts<'_>, workload: &Workload, route: &Route<'_>) {
    let at = route.service.map_or(workload.meta.at, |service| service.meta.at);
    let why = "manifests do not tell the traffic; --traffic does";
    facts.assume("clients.0.profile", quoted("paced"), at, "clients that keep connections and retry nothing");
    facts.assume("clients.0.rate", quoted("100/s"), at, why);
    facts.assume("clients.0.connections", 10, at, why);
    match entry(route) {
        Entry::Ingress => facts.read("clients.0.via", quoted("ingress"), route.ingress.map_or(at, |it| it.meta.at)),
        Entry::LoadBalancer => facts.read("clients.0.via", quoted("load_balancer"), at),
        Entry::Service => {}
    }
    let is_external = route.service.is_some_and(Service::is_external);
    if entry(route) == Entry::Service && route.service.is_some_and(|service| service.kind_name() == "LoadBalancer") {
        let why =
            "of which cloud the load balancer is, the manifest does not tell: it is taken to send to all nodes evenly";
        facts.assume("clients.0.traffic", quoted("external"), at, why);
    } else if is_external && entry(route) == Entry::Service {
        facts.assume("clients.0.traffic", quoted("external"), at, "clients outside of the cluster, at all nodes");
    }
}
