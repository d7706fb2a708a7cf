//! The Deployment controller.
//!
//! Models: one sync at a time over watched, possibly stale ReplicaSets; the scale-up half, then the scale-down half
//! of a rolling update; conflicts with other writers; the client rate limit; the status and completion. Leaves out:
//! pause, rollback, scaling in mid-rollout, the progress deadline condition. Source: kubernetes/kubernetes
//! pkg/controller/deployment/{deployment_controller,rolling,sync}.go at v1.20.2, the algorithm unchanged at 95f08499
//! (mechanics 1.1 to 1.4).

mod controller;
mod rolling;

pub use controller::{DeploymentController, Timer};
pub use rolling::{
    Fenceposts, OldReplicaSet, Rolling, cleanup_unhealthy, deployment_complete, max_unavailable, new_replicas,
    resolve_fenceposts, scale_down_available, scale_down_old, scale_new,
};
