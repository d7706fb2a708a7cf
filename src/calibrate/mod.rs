//! From measured latencies to the distributions of the delay table: `[delays]` of a scenario.

pub mod fit;
pub mod interval;
pub mod ks;
pub mod law;
pub mod search;
