//! Counts of requests and connections, and the distribution of latencies, in constant memory.

use crate::record::{FailureKind, Histogram, Metric, Metrics};
use crate::units::{SimDuration, SimTime};

/// 128 buckets an octave: quantiles are off by less than 0.8 %.
const FINE_BITS: u32 = 7;

/// What the clients have seen so far, warm-up excluded.
#[derive(Debug)]
pub(super) struct Tally {
    succeeded: u64,
    failed: [u64; FailureKind::ALL.len()],
    pub(super) retried: u64,
    pub(super) duplicated: u64,
    /// Attempts beyond the first of each request, those of balancers too.
    pub(super) extra_attempts: u64,
    pub(super) connections_opened: u64,
    pub(super) connections_severed: u64,
    latencies: Histogram<FINE_BITS>,
    latency_sum: SimDuration,
    latency_max: SimDuration,
    /// Some requests are not looked at: there are no latencies.
    unseen: bool,
    /// How many of the succeeded ones.
    pub(super) skipped: u64,
    first_failure: Option<SimTime>,
    last_failure: SimTime,
}

impl Tally {
    /// `unseen`: some requests will only be counted.
    pub(super) fn new(unseen: bool) -> Self {
        Tally {
            unseen,
            skipped: 0,
            succeeded: 0,
            failed: [0; FailureKind::ALL.len()],
            retried: 0,
            duplicated: 0,
            extra_attempts: 0,
            connections_opened: 0,
            connections_severed: 0,
            latencies: if unseen { Histogram::forgetful() } else { Histogram::new() },
            latency_sum: SimDuration::ZERO,
            latency_max: SimDuration::ZERO,
            first_failure: None,
            last_failure: SimTime::ZERO,
        }
    }

    #[inline(always)]
    pub(super) fn succeeded(&mut self, latency: SimDuration) {
        self.succeeded += 1;
        self.latency_sum += latency;
        // A new maximum is rare: a branch is cheaper than writing it each time.
        if latency > self.latency_max {
            self.latency_max = latency;
        }
        self.latencies.record(latency);
    }

    /// Requests whose answers are certain and were not looked at.
    pub(super) fn succeeded_unseen(&mut self, count: u64) {
        debug_assert!(self.unseen, "latencies of unseen requests are not known");
        self.succeeded += count;
        self.skipped += count;
    }

    pub(super) fn failed(&mut self, kind: FailureKind, known: SimTime) {
        self.failed[kind as usize] += 1;
        self.first_failure = Some(self.first_failure.map_or(known, |first| first.min(known)));
        self.last_failure = self.last_failure.max(known);
    }

    pub(super) fn requests(&self) -> u64 {
        self.succeeded + self.failed.iter().sum::<u64>()
    }

    pub(super) fn write(&self, metrics: &mut Metrics) {
        let mut count = |metric, value: u64| metrics.set(metric, value as f64);
        count(Metric::Requests, self.requests());
        count(Metric::Succeeded, self.succeeded);
        count(Metric::Failed, self.failed.iter().sum());
        FailureKind::ALL.iter().for_each(|kind| count(kind.metric(), self.failed[*kind as usize]));
        count(Metric::Retried, self.retried);
        count(Metric::Duplicated, self.duplicated);
        count(Metric::ConnectionsOpened, self.connections_opened);
        count(Metric::ConnectionsSevered, self.connections_severed);
        if self.requests() > 0 {
            let attempts = self.requests() + self.extra_attempts;
            metrics.set(Metric::RetryAmplification, attempts as f64 / self.requests() as f64);
        }
        let span = self.first_failure.map_or(SimDuration::ZERO, |first| self.last_failure - first);
        metrics.set(Metric::FailureSpanS, span.as_secs_f64());
        self.write_latencies(metrics);
    }

    fn write_latencies(&self, metrics: &mut Metrics) {
        if self.succeeded == 0 || self.unseen {
            return;
        }
        metrics.set(Metric::LatencyMeanS, self.latency_sum.as_secs_f64() / self.succeeded as f64);
        let quantiles = self.latencies.quantiles(self.succeeded, [0.5, 0.9, 0.99, 0.999]);
        let names = [Metric::LatencyP50S, Metric::LatencyP90S, Metric::LatencyP99S, Metric::LatencyP999S];
        for (name, quantile) in names.into_iter().zip(quantiles) {
            metrics.set(name, quantile.min(self.latency_max).as_secs_f64());
        }
        metrics.set(Metric::LatencyMaxS, self.latency_max.as_secs_f64());
    }
}
