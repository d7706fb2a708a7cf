//! The Deployment controller.
//!
//! Models: one sync at a time over watched, possibly stale ReplicaSets; the scale-up half, then the scale-down half
//! of a rolling update; Recreate; pause, rollback, proportional shares when the size changes; terminating pods that hold
//! back new ones where `podReplacementPolicy` says so; conflicts with other writers of a ReplicaSet, which
//! end a sync; the revision number that a rollback writes first; the client rate limit; the status,
//! completion and the progress deadline. Leaves out: more than two ReplicaSets, the history limit, conflicts of the status, the write of the
//! Progressing condition when the ReplicaSet is created. Source: kubernetes/kubernetes
//! pkg/controller/deployment/{deployment_controller,rolling,recreate,sync,progress}.go at v1.20.2, the algorithm of a
//! rolling update unchanged at 95f08499; KEP-5882 (mechanics 1.1 to 1.9).

mod controller;
mod progress;
mod recreate;
mod rolling;
mod scaling;
mod sync;

pub use controller::{DeploymentController, Timer};
pub use progress::{deployment_progressing, deployment_timed_out, requeue_stuck};
pub use recreate::old_pods_running;
pub use rolling::{
    Fenceposts, OldReplicaSet, Rolling, cleanup_unhealthy, deployment_complete, max_unavailable, new_replicas,
    resolve_fenceposts, scale_down_available, scale_down_old, scale_new,
};
pub use scaling::{ScaledSet, is_scaling_event, scale};
pub use sync::{Decision, View, decide};
