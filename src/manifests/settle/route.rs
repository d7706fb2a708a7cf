//! Which Service, Ingress, HorizontalPodAutoscaler and container belong to a workload.

use crate::manifests::object::{Autoscaler, Container, Ingress, Meta, Service, Workload, find, selects};
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

/// The route to a workload. Of several Services the one that an Ingress names is taken, else the one that reaches farthest.
pub fn route<'a>(objects: &'a Objects, workload: &'a Workload) -> Route<'a> {
    let near = |meta: &Meta| meta.namespace == workload.meta.namespace;
    let mut services: Vec<&Service> = objects
        .services
        .iter()
        .filter(|service| near(&service.meta) && selects(&service.selector, &workload.pod.labels))
        .collect();
    let ingress_of = |service: &Service| {
        let names = |ingress: &&Ingress| ingress.services.iter().any(|name| name.value == service.meta.name);
        objects.ingresses.iter().filter(|ingress| near(&ingress.meta)).find(names)
    };
    services.sort_by_key(|service| std::cmp::Reverse((ingress_of(service).is_some(), reach(service))));
    let service = services.first().copied();
    let scales = |scaler: &&Autoscaler| {
        let (kind, name) = &scaler.target;
        near(&scaler.meta) && kind == workload.kind.name() && *name == workload.meta.name
    };
    Route {
        service,
        ingress: service.and_then(ingress_of),
        autoscaler: objects.autoscalers.iter().find(scales),
        container: serving(workload, service),
    }
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

/// The container with the Service's port, else the one that is marked as the main one, else the first.
fn serving<'a>(workload: &'a Workload, service: Option<&Service>) -> Option<&'a Container> {
    let containers = &workload.pod.containers;
    let targets = service.iter().flat_map(|service| &service.ports).filter_map(|port| port.target.as_ref());
    let by_port = targets.filter_map(|target| containers.iter().find(|container| container.has_port(target))).next();
    let marked = find(&workload.pod.annotations, "kubectl.kubernetes.io/default-container");
    let by_name = marked.and_then(|name| containers.iter().find(|container| container.name == name.value));
    by_port.or(by_name).or_else(|| containers.first())
}
