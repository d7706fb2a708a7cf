//! The rules of one node for the Service: which pods they hold for which traffic.

use crate::ids::PodId;
use crate::model::api::Endpoint;
use crate::model::kube_proxy::topology::{Topology, TrafficPolicies, categorize_endpoints};
use crate::model::spec::Traffic;

/// What the rules of a node say of the Service. Lists are in the order of pods.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Rules {
    /// For policy Cluster.
    pub(super) cluster: Vec<PodId>,
    /// For policy Local.
    pub(super) local: Vec<PodId>,
    /// Some endpoint is usable somewhere.
    pub(super) has_any: bool,
    /// Ready endpoints on the node, what the health-check node port counts; zero where there is no such port.
    pub(super) local_ready: usize,
}

impl Rules {
    /// What these endpoints come to on a node.
    pub(super) fn of(endpoints: &[Endpoint], policies: TrafficPolicies, topology: &Topology) -> Rules {
        let categorized = categorize_endpoints(endpoints, policies, topology);
        let local_ready = |e: &&Endpoint| e.conditions.ready && e.node == Some(topology.node);
        let has_port = policies.external_local && policies.externally_accessible;
        Rules {
            cluster: categorized.cluster.unwrap_or_default(),
            local: categorized.local.unwrap_or_default(),
            has_any: categorized.has_any,
            local_ready: if has_port { endpoints.iter().filter(local_ready).count() } else { 0 },
        }
    }

    /// The pods that may get a new connection of this traffic.
    pub(super) fn of_traffic(&self, traffic: Traffic, policies: TrafficPolicies) -> &[PodId] {
        if is_local(traffic, policies) { &self.local } else { &self.cluster }
    }

    /// Takes over what `wanted` says beside its lists.
    pub(super) fn take_over_health(&mut self, wanted: &Rules) {
        (self.has_any, self.local_ready) = (wanted.has_any, wanted.local_ready);
    }

    /// Takes over what `wanted` says of one pod, where it comes or where it goes. True if a list changed.
    pub(super) fn take_over(&mut self, wanted: &Rules, pod: PodId, comes: bool) -> bool {
        self.take_over_health(wanted);
        let cluster = take_over_one(&mut self.cluster, &wanted.cluster, pod, comes);
        take_over_one(&mut self.local, &wanted.local, pod, comes) || cluster
    }
}

/// Whether policy Local holds for this traffic.
pub(super) fn is_local(traffic: Traffic, policies: TrafficPolicies) -> bool {
    match traffic {
        Traffic::Internal => policies.internal_local,
        Traffic::External => policies.external_local,
    }
}

fn take_over_one(list: &mut Vec<PodId>, wanted: &[PodId], pod: PodId, comes: bool) -> bool {
    let place = list.binary_search(&pod);
    if wanted.contains(&pod) != comes || place.is_ok() == comes {
        return false;
    }
    match place {
        Ok(place) => drop(list.remove(place)),
        Err(place) => list.insert(place, pod),
    }
    true
}
