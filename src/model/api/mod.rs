//! The API server: the object store, and the watches through which every other part of the control plane learns of
//! changes, late and each in its own time.
//!
//! Models: objects with resource versions; a write takes effect when it is committed (its caller has already waited
//! for `api_write`); optimistic concurrency for the scale of a ReplicaSet; for each watcher one delay a change
//! (`watch_hop`), in order per watcher and kind of object. Leaves out: priority and fairness, watch cache restarts,
//! server fail-over. Sources: mechanics 2.1 to 2.3 (kubernetes/community sig-scalability/slos at 24e7d8f5;
//! client-go tools/cache/reflector.go at 32ce75a7).

mod difference;
mod eviction;
mod object;
mod pod_map;
mod server;
mod throttle;
mod work_queue;

pub use difference::difference;
pub use eviction::{Verdict, verdict};
pub use object::{
    BudgetObject, Conditions, DeploymentObject, DeploymentStatus, Endpoint, EndpointSliceObject, Hints, Object, Phase,
    PodObject, ProgressCondition, ProgressReason, ReplicaSetObject, ReplicaSetStatus, ResourceVersion, RolloutState,
    Timestamp,
};
pub use pod_map::PodMap;
pub use server::{ApiServer, PodCounts, Watcher, Write, hops_to_rules};
pub use throttle::TokenBucket;
pub use work_queue::WorkQueue;
