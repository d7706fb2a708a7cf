//! Services.

use super::{Labels, Meta};
use crate::manifests::fields::{At, Fields, PortRef};

/// A Service.
#[derive(Debug, Clone)]
pub struct Service {
    /// Name and place.
    pub meta: Meta,
    /// `spec.type`.
    pub kind: Option<At<String>>,
    /// `spec.clusterIP: None`.
    pub headless: Option<At<String>>,
    /// `spec.selector`.
    pub selector: Labels,
    /// `spec.ports`.
    pub ports: Vec<ServicePort>,
    /// `spec.externalTrafficPolicy`.
    pub external_traffic_policy: Option<At<String>>,
    /// `spec.internalTrafficPolicy`.
    pub internal_traffic_policy: Option<At<String>>,
    /// `spec.sessionAffinity`.
    pub session_affinity: Option<At<String>>,
    /// `spec.sessionAffinityConfig.clientIP.timeoutSeconds`.
    pub session_affinity_timeout: Option<At<u32>>,
    /// `spec.trafficDistribution`.
    pub traffic_distribution: Option<At<String>>,
    /// `spec.publishNotReadyAddresses`.
    pub publishes_not_ready: Option<At<bool>>,
    /// `spec.loadBalancerClass`.
    pub load_balancer_class: Option<At<String>>,
}

/// `spec.ports[]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServicePort {
    /// `name`.
    pub name: Option<String>,
    /// `port`.
    pub port: Option<u32>,
    /// `targetPort`; the port itself if absent.
    pub target: Option<PortRef>,
}

impl ServicePort {
    /// Whether an Ingress that names a port means this one.
    pub fn is(&self, port: &PortRef) -> bool {
        match port {
            PortRef::Number(number) => self.port == Some(u32::from(*number)),
            PortRef::Named(name) => self.name.as_ref() == Some(name),
        }
    }
}

impl Service {
    /// `spec.type`, filled in.
    pub fn kind_name(&self) -> &str {
        self.kind.as_ref().map_or("ClusterIP", |kind| &kind.value)
    }

    /// Whether its traffic can come from outside the cluster.
    pub fn is_external(&self) -> bool {
        matches!(self.kind_name(), "NodePort" | "LoadBalancer")
    }

    /// Whether `externalTrafficPolicy` is Local.
    pub fn is_local(&self) -> bool {
        self.external_traffic_policy.as_ref().is_some_and(|policy| policy.value == "Local")
    }
}

pub(in crate::manifests) fn service(fields: &Fields<'_>, meta: Meta) -> Option<Service> {
    let spec = fields.map("spec")?;
    let affinity = spec.map("sessionAffinityConfig").and_then(|config| config.map("clientIP"));
    Some(Service {
        meta,
        kind: spec.text("type"),
        headless: spec.text("clusterIP").filter(|address| address.value == "None"),
        selector: spec.strings("selector"),
        ports: spec.maps("ports").iter().map(port).collect(),
        external_traffic_policy: spec.text("externalTrafficPolicy"),
        internal_traffic_policy: spec.text("internalTrafficPolicy"),
        session_affinity: spec.text("sessionAffinity"),
        session_affinity_timeout: affinity.and_then(|affinity| affinity.whole("timeoutSeconds", 1)),
        traffic_distribution: spec.text("trafficDistribution"),
        publishes_not_ready: spec.truth("publishNotReadyAddresses"),
        load_balancer_class: spec.text("loadBalancerClass"),
    })
}

fn port(fields: &Fields<'_>) -> ServicePort {
    let port = fields.whole("port", 1).map(|port| port.value);
    let same = || port.and_then(|port| u16::try_from(port).ok()).map(PortRef::Number);
    ServicePort {
        name: fields.text("name").map(|name| name.value),
        port,
        target: fields.port("targetPort").or_else(same),
    }
}
