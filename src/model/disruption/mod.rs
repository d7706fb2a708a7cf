//! The disruption controller, which counts how many pods may be evicted.
//!
//! Models: one PodDisruptionBudget over the workload's pods; the healthy ones as its cache knows them, less those evicted
//! within two minutes whose deletion it has not seen; one status write a change. Leaves out: several budgets, the condition
//! DisruptionAllowed, controllers other than the workload. Source: kubernetes/kubernetes
//! pkg/controller/disruption/disruption.go at 003e8629 (mechanics 1.14).

mod budget;
mod controller;

pub use budget::{desired_healthy, disruptions_allowed};
pub use controller::{DisruptionController, Timer};
