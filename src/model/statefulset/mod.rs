//! The StatefulSet controller.
//!
//! Models: one sync at a time over watched pods; a pod is created again only when the object of its name is gone, in
//! order and each when all before it are ready (`OrderedReady`) or all at once (`Parallel`); rolling updates from the
//! highest ordinal down to the partition, one at a time or as many as `maxUnavailable` allows; `minReadySeconds`; the
//! client rate limit; the status. Leaves out: volumes, the strategy OnDelete, changes of the size, ControllerRevision objects. Source:
//! kubernetes/kubernetes pkg/controller/statefulset/{stateful_set,stateful_set_control}.go at v1.20.2; KEP-961, KEP-2599
//! (mechanics 1.11).

mod controller;
mod update;

pub use controller::{StatefulSetController, Timer};
pub use update::{Member, Update, pods_to_create, pods_to_delete};
