//! The ReplicaSet controller.
//!
//! Models: one sync at a time for each ReplicaSet over watched pods; expectations; slow-start batches of creates,
//! concurrent deletes, the client rate limit; which pods go first; `minReadySeconds` with the timing rule of each
//! version; the status. Leaves out: the controller's Events, which share the rate limit; failing API calls; the
//! five-minute expiry of expectations; the stale-cache guard of 1.36. Source: kubernetes/kubernetes
//! pkg/controller/replicaset/replica_set.go at v1.20.2 and 3e4a7900, controller_utils.go (mechanics 1.5, 1.10).

mod controller;
mod deletion;

pub use controller::{ReplicaSetController, Timer};
pub use deletion::{AgeOrder, DeletionCandidate, Ranked, compare_for_deletion, pods_to_delete, slow_start_batches};
