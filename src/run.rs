//! Stand-in: numbers that look like a run's.

use crate::engine::{Digest, StreamKey};
use crate::model::spec::Scenario;
use crate::record::{Metric, Metrics, RunOutput, Trace};

/// What a run does besides its numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Keep the story.
    pub trace: bool,
    /// Run the checkers of invariants.
    pub check: bool,
}

/// One replication.
pub fn run_once(scenario: &Scenario, replication: u64, options: Options) -> RunOutput {
    let mut stream = StreamKey { seed: scenario.run.seed, replication }.stream("stand-in/luck", 0);
    let hook = scenario.pod.pre_stop.is_some();
    let lost = if hook { 0 } else { stream.below(9) + scenario.without.iter().count() };
    let mut metrics = Metrics::default();
    for &metric in Metric::ALL {
        metrics.set(metric, if metric.is_seconds() { stream.uniform() * 0.01 } else { 0.0 });
    }
    metrics.set(Metric::Requests, 30_000.0);
    metrics.set(Metric::Succeeded, 30_000.0 - lost as f64);
    metrics.set(Metric::Failed, lost as f64);
    metrics.set(Metric::FailedConnectRefused, lost as f64);
    metrics.set(Metric::ConnectionsOpened, (16 + lost + stream.below(3)) as f64);
    metrics.set(Metric::RolloutDurationS, 12.0 + stream.uniform());
    if lost == 0 {
        metrics.set(Metric::FailureSpanS, None);
    }
    let mut digest = Digest::default();
    digest.add(&[replication, stream.bits()]);
    RunOutput { metrics, digest, trace: options.trace.then(Trace::default) }
}
