//! The readiness probe worker of one pod: thresholds and the grid of attempts.

use crate::model::spec::ProbeSpec;
use crate::units::{SimDuration, SimTime, Version};

/// Counts results and keeps the stored one. A new container starts with the stored result "failure".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadinessWorker {
    last: Option<bool>,
    run_length: u32,
    stored: bool,
}

impl ReadinessWorker {
    /// The worker of a new container, or of one that has been ready for long.
    pub fn new(stored: bool) -> Self {
        ReadinessWorker { last: None, run_length: 0, stored }
    }

    /// The stored result: whether the container counts as ready.
    pub fn is_ready(&self) -> bool {
        self.stored
    }

    /// An attempt's result. True if the stored result changed. Source: prober/worker.go doProbe.
    pub fn on_result(&mut self, spec: &ProbeSpec, success: bool) -> bool {
        self.run_length = if self.last == Some(success) { self.run_length.saturating_add(1) } else { 1 };
        self.last = Some(success);
        let threshold = if success { spec.success_threshold } else { spec.failure_threshold };
        if self.run_length < threshold || self.stored == success {
            return false;
        }
        self.stored = success;
        true
    }
}

/// Whether every worker first sleeps a random part of the period: up to 1.20 (mechanics 3.3).
pub(super) fn starts_with_jitter(version: Version) -> bool {
    version <= Version::minor(20)
}

/// Whether an attempt is made at once when a started container is found not ready: repaired in 1.22 (k/k#101738).
pub(super) fn is_triggered_by_status(version: Version) -> bool {
    version >= Version::minor(22)
}

/// Whether readiness probes go on while a pod terminates (mechanics 3.5).
pub(super) fn runs_while_terminating(version: Version) -> bool {
    !(Version::minor(22)..=Version::minor(24)).contains(&version)
}

/// Whether an attempt at `now` counts, the container having started at `started`.
pub(super) fn is_due(spec: &ProbeSpec, started: SimTime, now: SimTime) -> bool {
    let whole_seconds = SimDuration::from_secs(spec.initial_delay.as_whole_secs());
    now.saturating_since(started) >= whole_seconds
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(success_threshold: u32, failure_threshold: u32) -> ProbeSpec {
        let second = SimDuration::from_secs(1);
        ProbeSpec {
            initial_delay: SimDuration::ZERO,
            period: second,
            timeout: second,
            success_threshold,
            failure_threshold,
        }
    }

    #[test]
    fn the_stored_result_changes_at_the_threshold() {
        let (spec, mut worker) = (spec(1, 2), ReadinessWorker::new(false));
        let changes: Vec<bool> =
            [false, true, true, false, true, false, false, false].map(|ok| worker.on_result(&spec, ok)).into();
        assert_eq!(changes, [false, true, false, false, false, false, true, false]);
        assert!(!worker.is_ready());
    }
}
