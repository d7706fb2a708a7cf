//! The strategy Recreate: pure, and what upstream's own test table is run against.

use crate::model::api::Phase;

/// Whether anything of an older version still runs: the ReplicaSets report pods, or a pod of theirs has not ended.
/// Terminating pods run, too; so do those in phase Unknown. Source: recreate.go oldPodsRunning.
pub fn old_pods_running(
    reported: impl IntoIterator<Item = u32>,
    pods_of_others: impl IntoIterator<Item = Phase>,
) -> bool {
    reported.into_iter().any(|replicas| replicas > 0) || pods_of_others.into_iter().any(|phase| !phase.is_terminal())
}
