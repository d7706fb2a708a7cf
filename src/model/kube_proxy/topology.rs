//! Which endpoints a node uses: pure, and what upstream's own test table is run against.

use crate::ids::{NodeId, PodId, ZoneId};
use crate::model::api::Endpoint;
use crate::model::spec::{Scenario, TrafficPolicy};
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

/// Where a kube-proxy runs and what its version knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topology {
    /// Its node.
    pub node: NodeId,
    /// The node's zone label.
    pub zone: Option<ZoneId>,
    /// Terminating but serving endpoints are used where no ready one is left (KEP-1669, on since 1.26).
    pub falls_back: bool,
    /// Hints for nodes are heeded (KEP-3015, on since 1.34).
    pub heeds_node_hints: bool,
}

/// The endpoints a node uses, by traffic policy. `None` where the Service never uses that policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Categorized {
    /// For policy Cluster.
    pub cluster: Option<Vec<PodId>>,
    /// For policy Local.
    pub local: Option<Vec<PodId>>,
    /// Some endpoint is usable somewhere.
    pub has_any: bool,
}

impl Categorized {
    /// Whether an endpoint is in either of the two.
    pub fn reaches(&self, pod: PodId) -> bool {
        self.cluster.iter().chain(&self.local).any(|list| list.contains(&pod))
    }
}

impl TrafficPolicies {
    /// What the scenario's Service says.
    pub fn of(scenario: &Scenario) -> Self {
        let service = &scenario.service;
        TrafficPolicies {
            internal_local: service.internal_traffic_policy == TrafficPolicy::Local,
            external_local: service.external_traffic_policy == TrafficPolicy::Local,
            externally_accessible: service.kind.is_externally_accessible(),
        }
    }
}

impl Topology {
    /// What holds for the kube-proxy of `node`.
    pub fn of(scenario: &Scenario, node: NodeId) -> Self {
        Topology {
            node,
            zone: scenario.cluster.zone_of(node),
            falls_back: scenario.cluster.version >= Version::minor(26),
            heeds_node_hints: scenario.cluster.version >= Version::minor(34),
        }
    }

    fn is_local(&self, endpoint: &Endpoint) -> bool {
        endpoint.node == Some(self.node)
    }
}

/// Whether traffic may use policy Cluster only and no hint counts, so that [`categorize_endpoints`] takes all ready endpoints, if
/// there are any, and no others.
pub(super) fn takes_all_ready(endpoints: &[Endpoint], policies: TrafficPolicies, topology: &Topology) -> bool {
    !uses_local(policies) && uses_cluster(policies) && Hinted::of(endpoints, topology) == Hinted::Everywhere
}

fn uses_cluster(policies: TrafficPolicies) -> bool {
    !policies.internal_local || policies.externally_accessible
}

fn uses_local(policies: TrafficPolicies) -> bool {
    policies.internal_local || (policies.external_local && policies.externally_accessible)
}

/// Sorts the endpoints of a Service by what traffic may use them on a node. Hints are heeded for policy Cluster and
/// ready endpoints only. Source: pkg/proxy/topology.go CategorizeEndpoints at 803d40a5 (mechanics 5.3).
pub fn categorize_endpoints(endpoints: &[Endpoint], policies: TrafficPolicies, topology: &Topology) -> Categorized {
    let hinted = Hinted::of(endpoints, topology);
    let cluster = uses_cluster(policies)
        .then(|| usable(endpoints, topology, |_| true, |endpoint| hinted.admits(endpoint, topology)));
    let local =
        uses_local(policies).then(|| usable(endpoints, topology, |endpoint| topology.is_local(endpoint), |_| true));
    let has_any = endpoints.iter().any(is_ready) || (topology.falls_back && endpoints.iter().any(serves_to_the_end));
    Categorized { cluster, local, has_any }
}

fn is_ready(endpoint: &Endpoint) -> bool {
    endpoint.conditions.ready
}

/// It terminates, but still serves.
fn serves_to_the_end(endpoint: &Endpoint) -> bool {
    endpoint.conditions.serving && endpoint.conditions.terminating
}

/// Of the endpoints to `keep`: those ready and hinted here; if none, those that terminate but still serve.
fn usable(
    endpoints: &[Endpoint],
    topology: &Topology,
    keep: impl Fn(&Endpoint) -> bool,
    hinted: impl Fn(&Endpoint) -> bool,
) -> Vec<PodId> {
    let pick = |wanted: &dyn Fn(&Endpoint) -> bool| -> Vec<PodId> {
        endpoints.iter().filter(|e| keep(e) && wanted(e)).map(|e| e.pod).collect()
    };
    let ready = pick(&|endpoint| is_ready(endpoint) && hinted(endpoint));
    if !ready.is_empty() || !topology.falls_back {
        return ready;
    }
    pick(&serves_to_the_end)
}

/// Which hints decide on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hinted {
    /// None: every endpoint is admitted.
    Everywhere,
    /// Those for zones.
    Zone,
    /// Those for nodes.
    Node,
}

impl Hinted {
    /// Hints count only if every ready endpoint has one and at least one is for this node or zone.
    fn of(endpoints: &[Endpoint], topology: &Topology) -> Hinted {
        let ready = || endpoints.iter().filter(|endpoint| endpoint.conditions.ready);
        let decides = |kind: Hinted| ready().all(|e| kind.has_hint(e)) && ready().any(|e| kind.admits(e, topology));
        match () {
            () if topology.heeds_node_hints && decides(Hinted::Node) => Hinted::Node,
            () if topology.zone.is_some() && decides(Hinted::Zone) => Hinted::Zone,
            () => Hinted::Everywhere,
        }
    }

    fn has_hint(self, endpoint: &Endpoint) -> bool {
        match self {
            Hinted::Everywhere => true,
            Hinted::Zone => endpoint.hints.zone.is_some(),
            Hinted::Node => endpoint.hints.node.is_some(),
        }
    }

    fn admits(self, endpoint: &Endpoint, topology: &Topology) -> bool {
        match self {
            Hinted::Everywhere => true,
            Hinted::Zone => endpoint.hints.zone == topology.zone,
            Hinted::Node => endpoint.hints.node == Some(topology.node),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::api::{Conditions, Hints};

    const CLUSTER: TrafficPolicies =
        TrafficPolicies { internal_local: false, external_local: false, externally_accessible: false };

    /// An endpoint on a node of its own in this zone, hinted for what is given.
    fn endpoint(pod: u32, ready: bool, zone: Option<u32>, node: Option<u32>) -> Endpoint {
        let hints = Hints { zone: zone.map(ZoneId), node: node.map(NodeId) };
        let conditions = Conditions { ready, serving: true, terminating: !ready };
        Endpoint { pod: PodId(pod), conditions, node: Some(NodeId(pod)), hints }
    }

    fn check(endpoints: &[Endpoint], (node, zone): (u32, Option<u32>), expected: &[u32]) {
        let topology =
            Topology { node: NodeId(node), zone: zone.map(ZoneId), falls_back: true, heeds_node_hints: true };
        let got = categorize_endpoints(endpoints, CLUSTER, &topology).cluster.unwrap();
        assert_eq!(got, expected.iter().map(|pod| PodId(*pod)).collect::<Vec<_>>(), "on {node} in {zone:?}");
    }

    #[test]
    fn hints_count_if_all_ready_endpoints_have_one_and_one_is_for_this_zone() {
        let zones = [endpoint(0, true, Some(0), None), endpoint(1, true, Some(1), None)];
        check(&zones, (5, Some(1)), &[1]);
        check(&zones, (5, Some(2)), &[0, 1]);
        check(&zones, (5, None), &[0, 1]);
        let one_without = [zones[0], zones[1], endpoint(2, true, None, None)];
        check(&one_without, (5, Some(1)), &[0, 1, 2]);
        let unready_without = [zones[0], zones[1], endpoint(2, false, None, None)];
        check(&unready_without, (5, Some(1)), &[1]);
    }

    #[test]
    fn hints_for_nodes_come_before_those_for_zones() {
        let both = [endpoint(0, true, Some(0), Some(0)), endpoint(1, true, Some(0), Some(1))];
        check(&both, (1, Some(0)), &[1]);
        check(&both, (5, Some(0)), &[0, 1]);
        let one_without = [both[0], endpoint(1, true, Some(1), None)];
        check(&one_without, (0, Some(1)), &[1]);
    }

    #[test]
    fn the_fall_back_to_terminating_endpoints_ignores_hints() {
        let terminating = [endpoint(0, false, Some(0), None), endpoint(1, false, Some(1), None)];
        check(&terminating, (5, Some(1)), &[0, 1]);
    }
}
