//! Stand-in.

use crate::record::Trace;

/// A lost request that one segment at zero would have saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Saving {
    /// The request's index.
    pub index: usize,
}

/// The story of a replication.
pub fn tell(trace: &Trace, scenario_name: &str, seed: u64, replication: u64, _savings: &[Saving]) -> String {
    format!("{scenario_name}, seed {seed}, replication {replication}: {} requests lost\n", trace.lost.len())
}
