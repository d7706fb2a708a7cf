//! Which Service, Ingress, HorizontalPodAutoscaler and container belong to a workload.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::manifests::object::{
    Autoscaler, Backend, Container, Ingress, Meta, Service, ServicePort, Workload, find, selects,
};
use crate::manifests::read::Objects;

/// How requests reach a workload.
#[derive(Debug, Clone, Copy)]
pub struct Route<'a> {
    /// The Service in front of the pods.
    pub service: Option<&'a Service>,
    /// The Ingress in front of the Service.
    pub ingress: Option<&'a Ingress>,
    /// What changes the number of replicas.
    pub autoscaler: Option<&'a Autoscaler>,
    /// The container that answers.
    pub container: Option<&'a Container>,
}

/// The route to a workload, whatever the order of the objects. Of several Services one that an Ingress names is taken, rather than
/// one for metrics, and then the one that reaches farthest; of several Ingresses that of a cloud's load balancer, which is slowest.
pub fn route<'a>(objects: &'a Objects, workload: &'a Workload) -> Route<'a> {
    let near = |meta: &Meta| meta.namespace == workload.meta.namespace;
    let selected = |service: &&Service| near(&service.meta) && selects(&service.selector, &workload.pod.labels);
    let ranked = objects.ranked_services.get_or_init(|| ranked(objects));
    let service = ranked.iter().map(|&index| &objects.services[index]).find(selected);
    let scales = |scaler: &&Autoscaler| {
        let (kind, name) = &scaler.target;
        near(&scaler.meta) && kind == workload.kind.name() && *name == workload.meta.name
    };
    let ingress = service.and_then(|service| ingresses_of(objects, service).min_by_key(|ingress| speed(ingress)));
    Route {
        service,
        ingress,
        autoscaler: objects.autoscalers.iter().find(scales),
        container: serving(workload, service, ingress),
    }
}

/// All Services, those first that are rather taken.
fn ranked(objects: &Objects) -> Vec<usize> {
    let with_ingress: BTreeSet<(&str, &str)> = objects
        .ingresses
        .iter()
        .flat_map(|ingress| {
            ingress.backends.iter().map(|one| (ingress.meta.namespace.as_str(), one.service.value.as_str()))
        })
        .collect();
    let mut ranked: Vec<usize> = (0..objects.services.len()).collect();
    ranked.sort_by_key(|&index| {
        let service = &objects.services[index];
        let (namespace, name) = (service.meta.namespace.as_str(), service.meta.name.as_str());
        (!with_ingress.contains(&(namespace, name)), is_for_metrics(name), Reverse(reach(service)), name)
    });
    ranked
}

/// The Ingresses that send to a Service.
pub(super) fn ingresses_of<'a>(objects: &'a Objects, service: &'a Service) -> impl Iterator<Item = &'a Ingress> {
    objects.ingresses.iter().filter(|ingress| {
        ingress.meta.namespace == service.meta.namespace
            && ingress.backends.iter().any(|backend| backend.service.value == service.meta.name)
    })
}

/// Small is slow to leave a pod out; names decide between equals.
fn speed(ingress: &Ingress) -> (bool, &str) {
    (ingress.cloud().is_none(), &ingress.meta.name)
}

/// How far from the pods its clients may be.
fn reach(service: &Service) -> u8 {
    match service.kind_name() {
        "LoadBalancer" => 3,
        "NodePort" => 2,
        _ if service.headless.is_some() => 0,
        _ => 1,
    }
}

/// By its name: what watches the pods, and sends none of the requests that a rollout could lose.
fn is_for_metrics(name: &str) -> bool {
    ["metrics", "exporter", "prom", "monitoring", "telemetry"].iter().any(|word| name.contains(word))
}

/// The container with the Service's port (the one that the Ingress sends to, else one that is not for metrics), else the one that is
/// marked as the main one, else the first.
fn serving<'a>(workload: &'a Workload, service: Option<&Service>, ingress: Option<&Ingress>) -> Option<&'a Container> {
    let containers = &workload.pod.containers;
    let mut ports: Vec<&ServicePort> = service.iter().flat_map(|service| &service.ports).collect();
    let backends: Vec<&Backend> = service.iter().flat_map(|service| backends_of(ingress, service)).collect();
    let is_entry =
        |port: &ServicePort| backends.iter().filter_map(|backend| backend.port.as_ref()).any(|it| port.is(it));
    let is_aside = |port: &ServicePort| port.name.as_deref().is_some_and(is_for_metrics);
    ports.sort_by_key(|port| (!is_entry(port), is_aside(port)));
    let with_port =
        |port: &&ServicePort| containers.iter().find(|one| port.target.as_ref().is_some_and(|it| one.has_port(it)));
    let by_port = ports.iter().find_map(with_port);
    let marked = find(&workload.pod.annotations, "kubectl.kubernetes.io/default-container");
    let by_name = marked.and_then(|name| containers.iter().find(|container| container.name == name.value));
    by_port.or(by_name).or_else(|| containers.first())
}

fn backends_of<'a>(ingress: Option<&'a Ingress>, service: &Service) -> impl Iterator<Item = &'a Backend> {
    let name = service.meta.name.clone();
    ingress.into_iter().flat_map(|ingress| &ingress.backends).filter(move |backend| backend.service.value == name)
}
