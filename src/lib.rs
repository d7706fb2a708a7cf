//! `rollsim`: a discrete-event simulator of Kubernetes rolling updates.
//!
//! It simulates every request of every client and every clock of the control plane and the data plane that
//! decides its fate, and says how many requests a rollout loses, why, and how sure it is. The modules stand in
//! reading order: each may use those above it. `ARCHITECTURE.md` is the map.

pub mod ids;
pub mod units;

pub mod engine;

pub mod dist;

pub mod record;

pub mod model;

pub mod scenario;

pub mod manifests;

pub mod measured;

pub mod world;

pub mod run;

pub mod stats;

pub mod calibrate;

pub mod replications;

pub mod importance;

pub mod validate;

pub mod report;

pub mod explain;

pub mod sweep;

pub mod recommend;

pub mod sensitivity;

pub mod hazards;

pub mod cli;
