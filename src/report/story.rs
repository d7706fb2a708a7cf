//! Stand-in.

use crate::record::Trace;

/// The story of a replication.
pub fn tell(trace: &Trace) -> String {
    format!("{} requests lost\n", trace.lost.len())
}
