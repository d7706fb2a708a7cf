//! Hazards of Services, Ingresses and load balancers.

use super::{Findings, Level, Subject, hook, patch, unroute};
use crate::manifests::PortRef;
use crate::manifests::object::{Cloud, Ingress, Service, WorkloadKind};
use crate::units::IntOrPercent;

pub(super) fn look(findings: &mut Findings<'_>, subject: Subject<'_>) {
    let Some(service) = subject.route.service else { return };
    named_ports(findings, subject, service);
    not_ready(findings, service);
    local_policy(findings, subject, service);
    if let Some(ingress) = subject.route.ingress.filter(|ingress| is_alb(ingress)) {
        health_check(findings, subject, service, ingress);
        readiness_gate(findings, subject, ingress);
    }
}

fn named_ports(findings: &mut Findings<'_>, subject: Subject<'_>, service: &Service) {
    let pod = &subject.workload.pod;
    let has = |target: &PortRef| pod.containers.iter().chain(&pod.sidecars).any(|container| container.has_port(target));
    let missing = service
        .ports
        .iter()
        .filter_map(|port| port.target.as_ref())
        .find(|target| matches!(target, PortRef::Named(_)) && !has(target));
    if let Some(PortRef::Named(name)) = missing {
        let message = format!("no container of {} has a port named {name}", subject.title());
        findings.add("named-port-missing", service.meta.title(), service.meta.at, message, None);
    }
}

/// Peers of a StatefulSet find each other through a headless Service before they are ready: that is what it is for.
fn not_ready(findings: &mut Findings<'_>, service: &Service) {
    let Some(field) = service.publishes_not_ready.filter(|field| field.value && service.headless.is_none()) else {
        return;
    };
    let message = "pods that start or stop get requests, ready or not".to_owned();
    let mend = patch::spec("publishNotReadyAddresses: false\n");
    findings.add("publishes-not-ready", service.meta.title(), field.at, message, Some(mend));
}

fn local_policy(findings: &mut Findings<'_>, subject: Subject<'_>, service: &Service) {
    let local = |policy: &Option<crate::manifests::At<String>>| {
        policy.as_ref().filter(|policy| policy.value == "Local").map(|it| it.at)
    };
    let external = local(&service.external_traffic_policy).filter(|_| service.is_external());
    let internal = local(&service.internal_traffic_policy);
    let Some(at) = internal.or(external) else { return };
    let level = if internal.is_some() { Some(Level::Warning) } else { until_noticed(subject) };
    let Some(level) = level else { return };
    let surges = subject.workload.strategy.max_surge.is_some_and(|surge| surge.value != IntOrPercent::Int(0));
    let message = match subject.workload.kind {
        WorkloadKind::DaemonSet if surges => return,
        WorkloadKind::DaemonSet => "a node is without its only pod while that is replaced".to_owned(),
        _ => "a node whose only pod is replaced drops what still arrives there".to_owned(),
    };
    let surge = patch::spec("updateStrategy:\n  rollingUpdate:\n    maxSurge: 1\n    maxUnavailable: 0\n");
    let can_surge = subject.workload.kind == WorkloadKind::DaemonSet && !subject.workload.pod.takes_host_port();
    // The patch is the workload's, though the policy is the Service's.
    let (object, mend) = if can_surge { (subject.title(), Some(surge)) } else { (service.meta.title(), None) };
    findings.add_at(level, "local-policy-takes-node-out", object, at, message, mend);
}

/// A pod that ends still gets what arrives on its node if no other is there (KEP-1669, on by default since 1.26), while the
/// health check fails: a hook that outlasts the check loses nothing. Clouds check every 8 to 10 s and give up after 3 to 6
/// failures (cloud-provider-gcp and cloud-provider-aws, defaults of Services with policy Local). None if there is no hazard.
fn until_noticed(subject: Subject<'_>) -> Option<Level> {
    const SOONEST_S: f64 = 24.0;
    const LATEST_S: f64 = 60.0;
    let Some(hook) = subject.serving().and_then(|container| container.pre_stop.as_ref()) else {
        return Some(Level::Warning);
    };
    match hook::waits(hook) {
        (waits, _) if waits >= LATEST_S => None,
        (waits, true) if waits < SOONEST_S => Some(Level::Warning),
        _ => Some(Level::Note),
    }
}

fn is_alb(ingress: &Ingress) -> bool {
    ingress.cloud().is_some_and(|(cloud, _)| cloud == Cloud::Alb)
}

fn number(ingress: &Ingress, name: &str, default: u32) -> u32 {
    let annotation = ingress.meta.annotation(&format!("alb.ingress.kubernetes.io/{name}"));
    annotation.and_then(|found| found.value.parse().ok()).unwrap_or(default)
}

/// The controller's target groups are checked every 15 s and given up after 2 failures. Where pods are the targets they are
/// deregistered besides, so that the check is the slower way. Where nodes are, a node fails its check only if it may not send
/// to pods elsewhere. What an unknown program waits nobody can say, so it is not doubted.
fn health_check(findings: &mut Findings<'_>, subject: Subject<'_>, service: &Service, ingress: &Ingress) {
    let to_pods = unroute::sends_to_pods(ingress);
    let Some(container) = subject.serving().filter(|_| to_pods || service.is_local()) else { return };
    let Some(hook) = &container.pre_stop else { return };
    let interval = number(ingress, "healthcheck-interval-seconds", 15);
    let threshold = number(ingress, "unhealthy-threshold-count", 2);
    let notices = interval.saturating_mul(threshold);
    let (waits, is_all) = hook::waits(hook);
    if !is_all || waits <= 0.0 || waits >= f64::from(notices) {
        return;
    }
    let level = if to_pods { Level::Note } else { Level::Warning };
    let message = format!("the health check notices after {interval} s × {threshold}, the hook waits {waits} s");
    let seconds = u64::from(notices).max(unroute::slowest(subject).seconds);
    let mend = hook::instead(subject, container, hook, seconds);
    findings.add_at(level, "health-check-slower-than-hook", subject.title(), hook.at, message, mend);
}

fn readiness_gate(findings: &mut Findings<'_>, subject: Subject<'_>, ingress: &Ingress) {
    if !unroute::sends_to_pods(ingress) || !subject.workload.pod.readiness_gates.is_empty() {
        return;
    }
    let message =
        "pods are Ready before the load balancer has registered them, unless the namespace injects a gate".to_owned();
    findings.add("no-readiness-gate", subject.title(), ingress.meta.at, message, None);
}
