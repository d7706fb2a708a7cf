//! The conditions of an endpoint: pure, and what upstream's own test table is run against.

use crate::model::api::Conditions;

/// Conditions of the endpoint of a pod. Source: endpointslice utils.go podToEndpoint.
pub fn conditions(pod_ready: bool, terminating: bool, publish_not_ready: bool) -> Conditions {
    Conditions { ready: publish_not_ready || (pod_ready && !terminating), serving: pod_ready, terminating }
}
