//! The DaemonSet controller.
//!
//! Models: one pod a node, one sync at a time over watched pods; a rolling update within `maxUnavailable`, unavailable old
//! pods first, or with `maxSurge`, new pods started beside the old ones; a node's pod is created again when the object of
//! the one before is gone; `minReadySeconds`; the client rate limit; the status. Leaves out: nodes that come and go,
//! the strategy OnDelete, taints. Source: kubernetes/kubernetes pkg/controller/daemon/{daemon_controller,update}.go at v1.20.2; KEP-1591
//! (mechanics 1.11).

mod controller;
mod update;

pub use controller::{DaemonSetController, Timer};
pub use update::{NodePods, Step, next_steps};
