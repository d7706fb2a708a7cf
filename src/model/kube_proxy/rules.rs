//! The rules of one node for the Service: which pods they hold for which traffic.

use std::sync::Arc;

use crate::ids::PodId;
use crate::model::api::{Endpoint, EndpointSliceObject};
use crate::model::kube_proxy::topology::{Topology, TrafficPolicies, categorize_endpoints, takes_all_ready};
use crate::model::spec::Traffic;

/// What the rules of a node say of the Service. Lists are in the order of pods.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Rules {
    /// For policy Cluster; most nodes share the list of the slice.
    pub(super) cluster: Arc<[PodId]>,
    /// For policy Local.
    pub(super) local: Vec<PodId>,
    /// Some endpoint is usable somewhere.
    pub(super) has_any: bool,
    /// Ready endpoints on the node, what the health-check node port counts; zero where there is no such port.
    pub(super) local_ready: usize,
}

impl Rules {
    /// What a slice comes to on a node.
    pub(super) fn of(slice: &EndpointSliceObject, policies: TrafficPolicies, topology: &Topology) -> Rules {
        let has_port = policies.external_local && policies.externally_accessible;
        if takes_all_ready(&slice.endpoints, policies, topology) && !slice.ready.is_empty() {
            return Rules { cluster: slice.ready.clone(), local: Vec::new(), has_any: true, local_ready: 0 };
        }
        let categorized = categorize_endpoints(&slice.endpoints, policies, topology);
        let local_ready = |e: &&Endpoint| e.conditions.ready && e.node == Some(topology.node);
        Rules {
            cluster: categorized.cluster.unwrap_or_default().into(),
            local: categorized.local.unwrap_or_default(),
            has_any: categorized.has_any,
            local_ready: if has_port { slice.endpoints.iter().filter(local_ready).count() } else { 0 },
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
        let mut cluster = self.cluster.to_vec();
        let changed = take_over_one(&mut cluster, &wanted.cluster, pod, comes);
        if changed {
            self.cluster = cluster.into();
        }
        take_over_one(&mut self.local, &wanted.local, pod, comes) || changed
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{NodeId, ZoneId};
    use crate::model::api::{Conditions, Hints};
    use proptest::prelude::*;

    proptest! {
        /// The list that nodes share is what the categories give, wherever it is taken.
        #[test]
        fn rules_are_the_categories_of_the_endpoints(
            pods in proptest::collection::vec((any::<[bool; 3]>(), 0u32..3, proptest::option::of(0u32..2)), 0..6),
            policies in any::<[bool; 3]>(),
            zone in proptest::option::of(0u32..2),
            falls_back: bool,
        ) {
            let endpoint = |(pod, ([ready, serving, terminating], node, zone)): (u32, ([bool; 3], u32, Option<u32>))| {
                let hints = Hints { zone: zone.map(ZoneId), node: None };
                let conditions = Conditions { ready, serving, terminating };
                Endpoint { pod: PodId(pod), conditions, node: Some(NodeId(node)), hints }
            };
            let endpoints: Vec<Endpoint> = (0..).zip(pods).map(endpoint).collect();
            let [internal_local, external_local, externally_accessible] = policies;
            let policies = TrafficPolicies { internal_local, external_local, externally_accessible };
            let topology = Topology { node: NodeId(0), zone: zone.map(ZoneId), falls_back, heeds_node_hints: true };
            let rules = Rules::of(&EndpointSliceObject::new(endpoints.as_slice().into(), 1), policies, &topology);
            let categorized = categorize_endpoints(&endpoints, policies, &topology);
            prop_assert_eq!(rules.cluster.to_vec(), categorized.cluster.unwrap_or_default());
            prop_assert_eq!(rules.local, categorized.local.unwrap_or_default());
            prop_assert_eq!(rules.has_any, categorized.has_any);
        }
    }
}
