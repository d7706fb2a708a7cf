//! Ingresses.

use super::Meta;
use crate::manifests::fields::{At, Fields, PortRef};
use crate::scenario::Spot;

/// An Ingress.
#[derive(Debug, Clone)]
pub struct Ingress {
    /// Name and place.
    pub meta: Meta,
    /// `spec.ingressClassName`, or the annotation `kubernetes.io/ingress.class`.
    pub class: Option<At<String>>,
    /// The Services it sends to, each where it is named.
    pub backends: Vec<Backend>,
}

/// A Service that an Ingress sends to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backend {
    /// Its name.
    pub service: At<String>,
    /// Its port, by number or by name.
    pub port: Option<PortRef>,
}

/// A cloud whose load balancer serves an Ingress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cloud {
    /// An Application Load Balancer of AWS.
    Alb,
    /// A load balancer of Google Cloud.
    Gce,
}

/// Controllers in the cluster, by what is in the names of their classes: they read no annotations of clouds.
const IN_CLUSTER: [&str; 10] =
    ["nginx", "haproxy", "traefik", "istio", "skipper", "contour", "kong", "cilium", "apisix", "openshift"];

/// Annotations that one controller reads: aws-load-balancer-controller, GKE's.
const ALB: &str = "alb.ingress.kubernetes.io/";
const GCE: [&str; 2] = ["networking.gke.io/", "kubernetes.io/ingress.global-static-ip-name"];

impl Ingress {
    /// The cloud, by the class or else by annotations that only its controller reads; and where that stands.
    pub fn cloud(&self) -> Option<(Cloud, Spot)> {
        if let Some(class) = &self.class {
            let has_part = |name: &str| class.value.split('-').any(|part| part == name);
            if has_part("alb") || has_part("gce") {
                return Some((if has_part("alb") { Cloud::Alb } else { Cloud::Gce }, class.at));
            }
            if IN_CLUSTER.iter().any(|name| class.value.contains(name)) {
                return None;
            }
        }
        self.cloud_by_annotations()
    }

    /// None if ingress-nginx reads annotations of it, too.
    fn cloud_by_annotations(&self) -> Option<(Cloud, Spot)> {
        let first = |prefix: &str| self.meta.annotations.iter().find(|(key, _)| key.starts_with(prefix));
        if first("nginx.ingress.kubernetes.io/").is_some() {
            return None;
        }
        let gce = || GCE.iter().find_map(|prefix| first(prefix)).filter(|_| self.class.is_none());
        let alb = first(ALB).map(|(_, value)| (Cloud::Alb, value.at));
        alb.or_else(|| gce().map(|(_, value)| (Cloud::Gce, value.at)))
    }
}

pub(in crate::manifests) fn ingress(fields: &Fields<'_>, meta: Meta) -> Option<Ingress> {
    let spec = fields.map("spec")?;
    let class = spec.text("ingressClassName").or_else(|| meta.annotation("kubernetes.io/ingress.class").cloned());
    let mut backends: Vec<Backend> =
        ["defaultBackend", "backend"].iter().filter_map(|name| spec.map(name)).filter_map(|it| backend(&it)).collect();
    for rule in spec.maps("rules") {
        let paths = rule.map("http").map(|http| http.maps("paths")).unwrap_or_default();
        backends.extend(paths.iter().filter_map(|path| path.map("backend")).filter_map(|it| backend(&it)));
    }
    Some(Ingress { meta, class, backends })
}

/// `service.name` and `service.port`, or `serviceName` and `servicePort` as before networking.k8s.io/v1.
fn backend(fields: &Fields<'_>) -> Option<Backend> {
    match fields.map("service") {
        Some(service) => {
            let port = service.map("port").and_then(|port| port.port("number").or_else(|| port.port("name")));
            Some(Backend { service: service.text("name")?, port })
        }
        None => Some(Backend { service: fields.text("serviceName")?, port: fields.port("servicePort") }),
    }
}
