//! Which endpoints a node uses: pure, and what upstream's own test table is run against.

use crate::ids::PodId;
use crate::model::api::Endpoint;
use crate::units::Version;

/// The traffic policies of a Service, as they bear on the choice of endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TrafficPolicies {
    /// `internalTrafficPolicy: Local`.
    pub internal_local: bool,
    /// `externalTrafficPolicy: Local`.
    pub external_local: bool,
    /// NodePort, load balancer or external IPs.
    pub externally_accessible: bool,
}

/// The endpoints a node uses, by traffic policy. `None` where the Service never uses that policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Categorized {
    /// For policy Cluster.
    pub cluster: Option<Vec<PodId>>,
    /// For policy Local.
    pub local: Option<Vec<PodId>>,
    /// Either of the two, each endpoint once.
    pub all_reachable: Vec<PodId>,
    /// Some endpoint is usable somewhere.
    pub has_any: bool,
}

/// Sorts the endpoints of a Service by what traffic may use them on a node. `is_local` tells whether an endpoint is
/// on the node; `falls_back` whether terminating but serving endpoints are used where no ready one is left (KEP-1669,
/// on since 1.26). Source: pkg/proxy/topology.go CategorizeEndpoints.
pub fn categorize_endpoints(
    endpoints: &[Endpoint],
    policies: TrafficPolicies,
    falls_back: bool,
    is_local: impl Fn(PodId) -> bool,
) -> Categorized {
    let uses_cluster = !policies.internal_local || policies.externally_accessible;
    let uses_local = policies.internal_local || (policies.external_local && policies.externally_accessible);
    let all = |_: &Endpoint| true;
    let on_node = |endpoint: &Endpoint| is_local(endpoint.pod);
    let cluster = uses_cluster.then(|| usable(endpoints, falls_back, all));
    let local = uses_local.then(|| usable(endpoints, falls_back, on_node));
    let reached = |pod: &PodId| cluster.iter().chain(&local).any(|list| list.contains(pod));
    let all_reachable = endpoints.iter().map(|endpoint| endpoint.pod).filter(reached).collect();
    let has_any = !usable(endpoints, falls_back, all).is_empty();
    Categorized { cluster, local, all_reachable, has_any }
}

/// Ready endpoints; if none, those that terminate but still serve.
fn usable(endpoints: &[Endpoint], falls_back: bool, keep: impl Fn(&Endpoint) -> bool) -> Vec<PodId> {
    let pick = |wanted: &dyn Fn(&Endpoint) -> bool| -> Vec<PodId> {
        endpoints.iter().filter(|e| keep(e) && wanted(e)).map(|e| e.pod).collect()
    };
    let ready = pick(&|endpoint| endpoint.conditions.ready);
    if !ready.is_empty() || !falls_back {
        return ready;
    }
    pick(&|endpoint| endpoint.conditions.serving && endpoint.conditions.terminating)
}

/// The endpoints a node of this version uses for policy Cluster.
pub fn usable_endpoints(endpoints: &[Endpoint], version: Version) -> Vec<PodId> {
    usable(endpoints, version >= Version::minor(26), |_| true)
}
