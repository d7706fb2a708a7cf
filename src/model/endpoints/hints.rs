//! The hints of an endpoint: for whose kube-proxies it is meant.

use crate::ids::NodeId;
use crate::model::api::Hints;
use crate::model::spec::{Scenario, TrafficDistribution};

/// The hints of an endpoint on `node`: with a traffic distribution each endpoint is for the zone it is in, and for its
/// node if that is preferred. Nodes without a zone label give none. Source: KEP-4444, KEP-3015
/// (staging/src/k8s.io/endpointslice/trafficdist).
pub fn hints(scenario: &Scenario, node: Option<NodeId>) -> Hints {
    let zone = node.and_then(|node| scenario.cluster.zone_of(node));
    match scenario.service.traffic_distribution {
        TrafficDistribution::None => Hints::default(),
        TrafficDistribution::PreferClose | TrafficDistribution::PreferSameZone => Hints { zone, node: None },
        TrafficDistribution::PreferSameNode => Hints { zone, node },
    }
}
