//! `rollsim`: a discrete-event simulator of Kubernetes rolling updates.
//!
//! It simulates every request of every client and every clock of the control plane and the data plane that
//! decides its fate, and says how many requests a rollout loses, why, and how sure it is. The modules stand in
//! reading order: each may use those above it. `ARCHITECTURE.md` is the map.

#![cfg_attr(
    not(feature = "cli"),
    allow(
        dead_code,
        unused_imports,
        reason = "renderers of the command line share helpers with those that a page needs"
    )
)]

pub mod ids;
pub mod units;

pub mod engine;

pub mod dist;

pub mod record;

pub mod model;

pub mod scenario;

#[cfg(feature = "cli")]
pub mod manifests;

#[cfg(feature = "cli")]
pub mod measured;

pub mod world;

pub mod run;

pub mod stats;

#[cfg(feature = "cli")]
pub mod calibrate;

#[cfg(feature = "cli")]
pub mod replications;

#[cfg(feature = "cli")]
pub mod importance;

#[cfg(feature = "cli")]
pub mod validate;

pub mod report;

pub mod explain;

pub mod playground;

#[cfg(feature = "cli")]
pub mod sweep;

#[cfg(feature = "cli")]
pub mod recommend;

#[cfg(feature = "cli")]
pub mod sensitivity;

#[cfg(feature = "cli")]
pub mod hazards;

#[cfg(feature = "cli")]
pub mod cli;
