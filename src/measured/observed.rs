//! What counts as observed in a measured run.

use crate::measured::MeasuredRun;
use crate::record::{FailureKind, Metric, Metrics};

/// The findings of one run, in the names of the model's metrics.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observed {
    /// Failed requests by kind, in the order of [`FailureKind::ALL`].
    kinds: [f64; FailureKind::ALL.len()],
    sockets: Option<f64>,
    rollout_s: f64,
}

impl Observed {
    /// Failed requests less those before the update and those outside every window (stale conntrack entries on reused
    /// source ports, which the model leaves out); the latter are taken from the timed-out connects first.
    pub fn of(run: &MeasuredRun) -> Observed {
        let mut kinds = [0.0; FailureKind::ALL.len()];
        let mut set = |kind: FailureKind, count: f64| kinds[kind as usize] = count;
        set(FailureKind::ConnectRefused, run.n_connect_refused);
        set(FailureKind::ConnectTimeout, run.n_connect_timeout);
        set(FailureKind::HostUnreachable, run.n_connect_ehostunreach);
        set(FailureKind::Reset, run.n_connect_reset + run.n_read_reset + run.n_write_reset);
        set(FailureKind::Eof, run.n_eof + run.n_write_epipe);
        set(FailureKind::Truncated, run.n_read_reset_partial);
        set(FailureKind::Timeout, run.n_timeout_read);
        let all: f64 = kinds.iter().sum();
        // Attempts that a silent retry made good are in the kinds, not in the failed requests.
        let counted = run.failed_requests - run.failed_before_patch - run.connect_fail_outside_windows;
        take(&mut kinds, run.connect_fail_outside_windows, &[FailureKind::ConnectTimeout, FailureKind::ConnectRefused]);
        take(&mut kinds, all - run.failed_requests, &[FailureKind::Eof, FailureKind::Reset]);
        let rest = kinds.iter().sum::<f64>() - counted;
        take(&mut kinds, rest, &FailureKind::ALL);
        Observed { kinds, sockets: run.keeps_alive().then_some(run.sockets), rollout_s: run.rollout_s }
    }

    /// Failed requests of all kinds.
    pub fn failed(&self) -> f64 {
        self.kinds.iter().sum()
    }

    /// Failed requests of one kind.
    pub fn of_kind(&self, kind: FailureKind) -> f64 {
        self.kinds[kind as usize]
    }

    /// The value of a metric, if it was observed. Connections count for clients that keep them.
    pub fn get(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::Failed => Some(self.failed()),
            Metric::ConnectionsOpened => self.sockets,
            Metric::RolloutDurationS => Some(self.rollout_s),
            other => FailureKind::ALL.into_iter().find(|kind| kind.metric() == other).map(|kind| self.of_kind(kind)),
        }
    }
}

/// The measuring program looked so often whether the Deployment was complete: from the last status of the old
/// ReplicaSet to `rollout_s` the recordings with all events show 13 to 220 ms, evenly spread (n = 24).
const LOOKS_EVERY_S: f64 = 0.2;

/// A predicted run as the measuring program would have written it down, `u` (0 to 1) being where the end fell between two
/// looks.
pub fn as_recorded(run: &Metrics, u: f64) -> Metrics {
    let mut recorded = *run;
    let complete = run.get(Metric::RolloutDurationS);
    recorded.set(Metric::RolloutDurationS, complete.map(|seconds| seconds + LOOKS_EVERY_S * u));
    recorded
}

/// Takes `count` off the kinds, in order, none below zero.
fn take(kinds: &mut [f64], count: f64, order: &[FailureKind]) {
    let mut left = count.max(0.0);
    for kind in order {
        let part = kinds[*kind as usize].min(left);
        kinds[*kind as usize] -= part;
        left -= part;
    }
}
