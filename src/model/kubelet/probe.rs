//! One probe worker of a pod: thresholds, and the rules of each version for when attempts are made.

use crate::engine::Tie;
use crate::model::spec::{ProbeKind, ProbeSpec};
use crate::units::{SimDuration, SimTime, Version};

/// Counts results and keeps the stored one. Source: pkg/kubelet/prober/worker.go (mechanics 3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeWorker {
    last: Option<bool>,
    run_length: u32,
    stored: Option<bool>,
    /// It makes no attempt until the container is another one.
    pub(super) on_hold: bool,
    /// An attempt is under way.
    pub(super) asked: bool,
    /// A tick came meanwhile; the ticker's channel keeps one.
    pub(super) missed: bool,
    pub(super) timer: Option<Tie>,
}

impl ProbeWorker {
    /// The worker of a new pod. A container without a result counts as not ready, not started, and alive.
    pub fn new(kind: ProbeKind) -> Self {
        ProbeWorker {
            last: None,
            run_length: 0,
            stored: initially(kind),
            on_hold: false,
            asked: false,
            missed: false,
            timer: None,
        }
    }

    /// The worker of a pod that has been ready for long.
    pub(super) fn settled(kind: ProbeKind) -> Self {
        ProbeWorker { stored: Some(true), on_hold: kind == ProbeKind::Startup, ..ProbeWorker::new(kind) }
    }

    /// The pod has a new container.
    pub(super) fn on_new_container(&mut self, kind: ProbeKind) {
        (self.stored, self.on_hold) = (initially(kind), false);
        (self.asked, self.missed) = (false, false);
    }

    /// Whether the stored result is a success.
    pub fn succeeds(&self) -> bool {
        self.stored == Some(true)
    }

    /// The result made the kubelet act: the worker waits for another container.
    pub(super) fn hold(&mut self) {
        (self.on_hold, self.run_length) = (true, 0);
    }

    /// An attempt's result. True if the stored result changed. Source: doProbe.
    pub fn on_result(&mut self, spec: &ProbeSpec, success: bool) -> bool {
        self.run_length = if self.last == Some(success) { self.run_length.saturating_add(1) } else { 1 };
        self.last = Some(success);
        let threshold = if success { spec.success_threshold } else { spec.failure_threshold };
        if self.run_length < threshold || self.stored == Some(success) {
            return false;
        }
        self.stored = Some(success);
        true
    }
}

fn initially(kind: ProbeKind) -> Option<bool> {
    match kind {
        ProbeKind::Readiness => Some(false),
        ProbeKind::Startup => None,
        ProbeKind::Liveness => Some(true),
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

/// Whether probes go on while a pod terminates: the others stop since 1.21 (k/k#98571; mechanics 3.5).
pub(super) fn runs_while_terminating(kind: ProbeKind, version: Version) -> bool {
    match kind {
        ProbeKind::Readiness => !(Version::minor(22)..=Version::minor(24)).contains(&version),
        ProbeKind::Startup | ProbeKind::Liveness => version <= Version::minor(20),
    }
}

/// The grace period of a container that a probe kills, the pod's being `pods`: a probe's own counts since 1.22 (KEP-2238).
pub(super) fn grace(spec: &ProbeSpec, pods: SimDuration, version: Version) -> SimDuration {
    spec.termination_grace_period.filter(|_| version >= Version::minor(22)).unwrap_or(pods)
}

/// Whether an attempt at `now` counts, the container having started at `started`.
pub(super) fn is_due(spec: &ProbeSpec, started: SimTime, now: SimTime) -> bool {
    is_after_delay(spec.initial_delay, started, now)
}

/// `initialDelaySeconds`, an integer, is over.
pub(super) fn is_after_delay(initial_delay: SimDuration, started: SimTime, now: SimTime) -> bool {
    now.saturating_since(started) >= SimDuration::from_secs(initial_delay.as_whole_secs())
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
            termination_grace_period: None,
        }
    }

    #[test]
    fn the_stored_result_changes_at_the_threshold() {
        let (spec, mut worker) = (spec(1, 2), ProbeWorker::new(ProbeKind::Readiness));
        let changes: Vec<bool> =
            [false, true, true, false, true, false, false, false].map(|ok| worker.on_result(&spec, ok)).into();
        assert_eq!(changes, [false, true, false, false, false, false, true, false]);
        assert!(!worker.succeeds());
    }

    #[test]
    fn a_container_without_a_result_is_alive_and_has_not_started() {
        let spec = spec(1, 3);
        let failures = |kind| {
            let mut worker = ProbeWorker::new(kind);
            (1..=9).find(|_| worker.on_result(&spec, false))
        };
        assert_eq!(ProbeKind::ALL.map(failures), [None, Some(3), Some(3)]);
        let mut startup = ProbeWorker::new(ProbeKind::Startup);
        assert!(!startup.succeeds() && startup.on_result(&spec, true) && startup.succeeds());
    }

    #[test]
    fn a_worker_that_made_the_kubelet_kill_counts_anew() {
        let (spec, mut worker) = (spec(1, 2), ProbeWorker::new(ProbeKind::Liveness));
        assert!(!worker.on_result(&spec, false) && worker.on_result(&spec, false));
        worker.hold();
        worker.on_new_container(ProbeKind::Liveness);
        assert!(worker.succeeds() && !worker.on_hold);
        assert!(!worker.on_result(&spec, false) && worker.on_result(&spec, false));
    }

    /// The table of mechanics 3.5.
    #[test]
    fn which_probes_go_on_while_a_pod_terminates_depends_on_the_version() {
        let runs = |minor: u32| ProbeKind::ALL.map(|kind| runs_while_terminating(kind, Version::minor(minor)));
        assert_eq!(runs(20), [true, true, true]);
        assert_eq!(runs(21), [true, false, false]);
        assert_eq!([22, 24].map(runs), [[false; 3]; 2]);
        assert_eq!([25, 36].map(runs), [[true, false, false]; 2]);
    }
}
