//! The HorizontalPodAutoscaler of the Deployment, with one resource metric.
//!
//! Models: the loop, 15 s after the end of its last sync; which pods count and how those without a sample are filled in; the
//! tolerance and the rounding of each version; up to 1.15 a size that is kept is that of the status, surge pods included (the
//! ratchet); stabilisation and limits without and with the default `behavior`. What a pod uses is not measured but follows from
//! the offered load, shared by the Ready pods, and from what each uses without load. Leaves out: several metrics, metrics that
//! are not of pods, policies other than the default ones, a metrics API that fails. Source: pkg/controller/podautoscaler at
//! 00067268 (about 1.20) and replica_calculator.go of about 1.33 (mechanics 1.13).

mod controller;
mod limits;
mod replicas;

pub use controller::{Autoscaler, Timer};
pub use limits::Memory;
pub use replicas::{Class, Counted, Rules, desired_replicas};
