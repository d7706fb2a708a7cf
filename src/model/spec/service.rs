//! The Service in front of the pods, and the names its clients resolve.

use crate::units::SimDuration;

/// `service.kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceKind {
    /// A virtual address inside the cluster, through the client's own node.
    ClusterIp,
    /// From outside, through a port of a node.
    NodePort,
    /// The same, the nodes being reached through a load balancer.
    LoadBalancer,
    /// `clusterIP: None`: clients resolve the name to the pods themselves.
    Headless,
}

impl ServiceKind {
    /// Whether the Service can be reached from outside.
    pub const fn is_externally_accessible(self) -> bool {
        matches!(self, ServiceKind::NodePort | ServiceKind::LoadBalancer)
    }
}

/// `service.external_traffic_policy` and `service.internal_traffic_policy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrafficPolicy {
    /// All endpoints of the cluster.
    Cluster,
    /// Those on the node that the connection entered.
    Local,
}

/// `service.session_affinity`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionAffinity {
    /// Each new connection for itself.
    None,
    /// Connections from one address go to one pod.
    ClientIp,
}

/// `service.traffic_distribution` (KEP-4444, KEP-3015).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrafficDistribution {
    /// No hints.
    None,
    /// Endpoints of the client's zone; the older name of `PreferSameZone`.
    PreferClose,
    /// Endpoints of the client's zone.
    PreferSameZone,
    /// Endpoints of the client's node, else of its zone.
    PreferSameNode,
}

/// `[service]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceSpec {
    /// The path of a new connection.
    pub kind: ServiceKind,
    /// For connections from outside.
    pub external_traffic_policy: TrafficPolicy,
    /// For connections from pods.
    pub internal_traffic_policy: TrafficPolicy,
    /// Whether a client keeps its pod.
    pub session_affinity: SessionAffinity,
    /// `sessionAffinityConfig.clientIP.timeoutSeconds`, counted from the client's last new connection.
    pub session_affinity_timeout: SimDuration,
    /// Which endpoints are hinted to which nodes.
    pub traffic_distribution: TrafficDistribution,
}

/// `[dns]`: the cluster's resolver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DnsSpec {
    /// The TTL of a Service's records.
    pub ttl: SimDuration,
    /// How long the resolver's cache may keep an answer; not longer than the TTL. Zero is no cache.
    pub resolver_cache: SimDuration,
}
