//! How long the path to a pod may take to stop sending to it: what a hook has to outlast.

use super::Subject;
use crate::manifests::object::{Cloud, Ingress, Service};

/// A part of the path that learns late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unroute {
    /// What it is, for "…, which may take so long".
    pub(super) by: &'static str,
    /// Seconds that a hook should last, at least.
    pub(super) seconds: u64,
}

/// kube-proxy's minimum sync period of 1 s, the EndpointSlice controller's retry after 1 s, and the rules' own time.
const KUBE_PROXY: Unroute = Unroute { by: "kube-proxy: up to a sync period and a retry of a second each", seconds: 3 };

/// By what is in the name of the class.
const CLASSES: &[(&str, Unroute)] = &[
    ("nginx", Unroute { by: "ingress-nginx: a sync every 3.3 s and a poll of its workers every second", seconds: 5 }),
    ("traefik", Unroute { by: "Traefik: its providers' throttle of 2 s", seconds: 3 }),
    ("haproxy", Unroute { by: "HAProxy ingress: an update every 2 to 5 s", seconds: 5 }),
    ("skipper", Unroute { by: "Skipper: a poll of the API server every 3 s", seconds: 4 }),
];

/// A headless Service has no rules: its clients resolve names.
const DNS: Unroute =
    Unroute { by: "DNS: names and caches keep an address for their TTL, 30 s as kubeadm sets it", seconds: 30 };

const ALB: Unroute = Unroute { by: "an AWS load balancer: deregistration and its propagation", seconds: 15 };
const NLB: Unroute = Unroute { by: "an AWS network load balancer: deregistration of new flows", seconds: 120 };
const GCP: Unroute = Unroute { by: "a Google Cloud load balancer: detachment and its propagation", seconds: 60 };

/// What has to be outlasted on the way to this workload.
pub(super) fn slowest(subject: Subject<'_>) -> Unroute {
    let of_ingress = subject.route.ingress.map(of_ingress);
    let of_service = subject.route.service.and_then(of_service);
    of_ingress.or(of_service).unwrap_or(KUBE_PROXY)
}

/// An Ingress whose controller is not known learns no faster than kube-proxy.
fn of_ingress(ingress: &Ingress) -> Unroute {
    let name = ingress.class.as_ref().map_or("", |class| class.value.as_str());
    match ingress.cloud() {
        Some((Cloud::Alb, _)) if sends_to_pods(ingress) => ALB,
        Some((Cloud::Alb, _)) => KUBE_PROXY,
        Some((Cloud::Gce, _)) => GCP,
        None => CLASSES.iter().find(|(part, _)| name.contains(part)).map_or(KUBE_PROXY, |(_, unroute)| *unroute),
    }
}

/// Whether an ALB has the pods as its targets; else it has nodes, and the rules on them decide.
pub(super) fn sends_to_pods(ingress: &Ingress) -> bool {
    ingress.meta.annotation("alb.ingress.kubernetes.io/target-type").is_some_and(|target| target.value == "ip")
}

fn of_service(service: &Service) -> Option<Unroute> {
    if service.headless.is_some() {
        return Some(DNS);
    }
    let annotation =
        |name: &str| service.meta.annotation(&format!("service.beta.kubernetes.io/aws-load-balancer-{name}"));
    let is_ip = annotation("nlb-target-type").is_some_and(|target| target.value == "ip")
        || annotation("type").is_some_and(|kind| kind.value == "nlb-ip");
    (service.kind_name() == "LoadBalancer" && is_ip).then_some(NLB)
}
