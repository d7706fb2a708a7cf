//! Independent replications of one scenario on several threads, with results that do not depend on the threads.
//!
//! Replication `i` is a function of the scenario and `i` alone; results are collected by index. With a precision to
//! reach, replications run in blocks, and whether to go on is decided after whole blocks in order: how many replications
//! a result rests on then depends on the scenario, not on which thread was faster. What stays in memory is the metrics
//! of each replication, a few hundred bytes.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use crate::engine::Digest;
use crate::model::spec::Scenario;
use crate::record::{Metric, Metrics, RunOutput, Series};
use crate::run::{self, Estimator, Options};
use crate::stats;

/// Replications between two looks at the precision, and the unit of a sweep's work.
pub(crate) const BLOCK: u64 = 64;

/// How often, how exactly, on how many threads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// Number of replications; the most there will be if a precision is asked for.
    pub replications: u64,
    /// Threads; as many as there are processors if none is said.
    pub threads: Option<usize>,
    /// Stop as soon as the half-width of the 95 % interval of the mean failed count is at most this share of the mean. A
    /// mean of zero never stops: seeing nothing is no precision.
    pub precision: Option<f64>,
    /// Run the checkers of invariants.
    pub check: bool,
    /// What is estimated.
    pub estimator: Estimator,
    /// Keep how the replications go second by second, added up.
    pub series: bool,
}

/// What the replications left.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Replicated {
    /// The metrics of each replication, in order.
    pub metrics: Vec<Metrics>,
    /// The digests of all replications joined.
    pub digest: Digest,
    /// Whether the precision asked for was reached; true if none was.
    pub precise: bool,
    /// How they went second by second, if that was asked for.
    pub series: Option<Series>,
}

/// The operating system gives no threads.
#[derive(Debug, thiserror::Error)]
#[error("failed to start the threads: {0}")]
pub struct ThreadsError(#[from] rayon::ThreadPoolBuildError);

/// Does `work` with so many threads for [`each`]; as many as there are processors if none is said.
pub fn on_threads<T: Send>(threads: Option<usize>, work: impl FnOnce() -> T + Send) -> Result<T, ThreadsError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0)).build()?;
    Ok(pool.install(work))
}

/// What `read` takes from each of these replications, in their order, on the threads of [`on_threads`].
pub fn each<T: Send>(
    scenario: &Scenario,
    replications: Range<u64>,
    options: Options,
    read: &(dyn Fn(RunOutput) -> T + Sync),
) -> Vec<T> {
    replications.into_par_iter().map(|replication| read(run::run_once(scenario, replication, options))).collect()
}

/// Runs the replications of `scenario`. `progress` is called with the number done so far, from any thread, and not
/// necessarily in order.
pub fn replicate(
    scenario: &Scenario,
    plan: &Plan,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Replicated, ThreadsError> {
    let options = Options { check: plan.check, estimator: plan.estimator, series: plan.series, ..Options::default() };
    replicate_with(plan, progress, &|replication| run::run_once(scenario, replication, options))
}

fn replicate_with(
    plan: &Plan,
    progress: &(dyn Fn(u64) + Sync),
    run: &(dyn Fn(u64) -> RunOutput + Sync),
) -> Result<Replicated, ThreadsError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(plan.threads.unwrap_or(0)).build()?;
    let done = AtomicU64::new(0);
    let counted = |replication| {
        let output = run(replication);
        progress(done.fetch_add(1, Ordering::Relaxed) + 1);
        ((output.metrics, output.digest), output.series.filter(|_| plan.series))
    };
    Ok(pool.install(|| blocks(plan, &counted)))
}

/// What is kept of a replication.
type Kept = ((Metrics, Digest), Option<Box<Series>>);

/// Without a precision there is one block: no thread waits for another. Series are large and are added up block by block.
fn blocks(plan: &Plan, run: &(dyn Fn(u64) -> Kept + Sync)) -> Replicated {
    let block = if plan.precision.is_some() || plan.series { BLOCK } else { plan.replications.max(1) };
    let mut all = Replicated { precise: plan.precision.is_none(), ..Replicated::default() };
    let mut next = 0;
    while next < plan.replications && !(plan.precision.is_some() && all.precise) {
        let end = plan.replications.min(next + block);
        let outputs: Vec<Kept> = (next..end).into_par_iter().map(run).collect();
        let (outputs, series): (Vec<_>, Vec<_>) = outputs.into_iter().unzip();
        all.take(outputs);
        series.into_iter().flatten().for_each(|series| all.take_series(*series));
        all.precise = plan.precision.is_none_or(|precision| is_precise(&all.metrics, precision));
        next = end;
    }
    all
}

impl Replicated {
    /// Adds the next replications.
    pub(crate) fn take(&mut self, outputs: Vec<(Metrics, Digest)>) {
        for (metrics, digest) in outputs {
            self.metrics.push(metrics);
            self.digest.join(digest);
        }
    }

    fn take_series(&mut self, series: Series) {
        match &mut self.series {
            Some(all) => all.join(&series),
            none => *none = Some(series),
        }
    }
}

/// Whether the 95 % interval of the mean failed count is that narrow.
pub(crate) fn is_precise(metrics: &[Metrics], precision: f64) -> bool {
    let failed: Vec<f64> = metrics.iter().filter_map(|metrics| metrics.get(Metric::Failed)).collect();
    let Some(mean) = stats::mean(&failed) else { return false };
    mean.mean > 0.0 && mean.ci95.is_some_and(|interval| interval.half_width() <= precision * mean.mean)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::StreamKey;

    const PLAN: Plan = Plan {
        replications: 300,
        threads: Some(1),
        precision: None,
        check: false,
        estimator: Estimator::EveryRequest,
        series: false,
    };

    /// A run whose failed count is uniform on 0..below.
    fn luck(below: usize) -> impl Fn(u64) -> RunOutput + Sync {
        move |replication| {
            let mut stream = StreamKey { seed: 1, replication }.stream("test", "run", 0);
            let mut metrics = Metrics::default();
            metrics.set(Metric::Failed, stream.below(below) as f64);
            let mut digest = Digest::default();
            digest.add(&[replication]);
            RunOutput { metrics, digest, requests_digest: None, events: 0, trace: None, series: None, skipped: 0 }
        }
    }

    fn check(plan: Plan, below: usize) -> Replicated {
        let one = replicate_with(&plan, &|_| (), &luck(below)).unwrap();
        for threads in [Some(2), Some(5), None] {
            let many = replicate_with(&Plan { threads, ..plan }, &|_| (), &luck(below)).unwrap();
            assert_eq!(one, many, "{threads:?}");
        }
        one
    }

    #[test]
    fn threads_change_nothing() {
        let all = check(PLAN, 9);
        assert_eq!(all.metrics.len(), 300);
        assert_eq!(all.metrics[17], luck(9)(17).metrics);
    }

    #[test]
    fn precision_stops_after_whole_blocks() {
        let all = check(Plan { precision: Some(0.1), replications: 10_000, ..PLAN }, 9);
        assert!(all.precise);
        assert_eq!(all.metrics.len() as u64 % BLOCK, 0);
        assert!(all.metrics.len() < 1_000, "{}", all.metrics.len());
    }

    #[test]
    fn precision_out_of_reach_stops_at_the_cap_and_says_so() {
        let all = check(Plan { precision: Some(0.001), ..PLAN }, 9);
        assert!(!all.precise);
        assert_eq!(all.metrics.len(), 300);
    }

    #[test]
    fn a_mean_of_zero_is_never_precise() {
        let all = check(Plan { precision: Some(0.5), ..PLAN }, 1);
        assert!(!all.precise);
        assert_eq!(all.metrics.len(), 300);
    }

    #[test]
    fn a_shorter_experiment_is_the_start_of_a_longer_one() {
        let long = check(PLAN, 9);
        let short = check(Plan { replications: 100, ..PLAN }, 9);
        assert_eq!(long.metrics[..100], short.metrics);
    }

    #[test]
    fn progress_counts_every_replication() {
        let highest = AtomicU64::new(0);
        replicate_with(&PLAN, &|done| _ = highest.fetch_max(done, Ordering::Relaxed), &luck(2)).unwrap();
        assert_eq!(highest.into_inner(), 300);
    }
}
