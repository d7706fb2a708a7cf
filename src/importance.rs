//! Rare losses by importance sampling: an estimator of its own beside plain replications, for losses that plain ones would meet
//! once in a million.
//!
//! One delay on the way to the rules is pushed far out in half of the replications, and each replication counts by its weight
//! ([`crate::engine::ForcingPlan`] has the mathematics). Estimates are unbiased whatever is estimated; they are sharper than plain
//! ones only for what happens when such a delay is long. Whatever else loses requests (a pod that listens late, a hook that fails,
//! what balancers and DNS caches add to the way) is met as rarely as by plain replications, and one that was not met is in no
//! weight and in no interval: [`Sampled::unmet`] says how frequent it may be.

use rayon::prelude::*;

use crate::engine::ForcingPlan;
use crate::model::spec::Scenario;
use crate::record::{Metric, Metrics};
use crate::run::{self, Options, Weighed};
use crate::stats::{self, Interval, Weighted};

/// Replications that only count how many draws there are to force.
const PILOT: u64 = 32;
/// Half of the replications are plain, so that no weight is above 2.
const PLAIN: f64 = 0.5;
/// A forced exponential delay has ten times its mean.
const TILT: f64 = 0.1;
/// With fewer effective hits an interval is not to be trusted.
const ENOUGH: f64 = 30.0;

/// Weighted replications of one scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampled {
    /// Weight and metrics of each replication, in order.
    pub replications: Vec<(f64, Metrics)>,
    /// How the draws were forced.
    pub plan: ForcingPlan,
}

/// What the weighted replications say of one number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The weighted mean.
    pub weighted: Weighted,
    /// Plain replications that would give an interval of this width, over the replications there were; none if nothing was
    /// seen.
    pub gain: Option<f64>,
}

/// Runs `n` forced replications on the threads of [`crate::replications::on_threads`]. The number of draws that are candidates is
/// the most that a few plain replications have, so it is the same for the same scenario and seed.
pub fn sample(scenario: &Scenario, n: u64, progress: &(dyn Fn(u64) + Sync)) -> Sampled {
    let candidates = candidates(scenario);
    let plan = ForcingPlan { plain: PLAIN, candidates, tilt: TILT };
    let one = |replication| {
        let (output, Weighed { weight, .. }) = run::run_forced(scenario, replication, Options::default(), plan);
        progress(1);
        (weight, output.metrics)
    };
    Sampled { replications: (0..n).into_par_iter().map(one).collect(), plan }
}

/// Nothing is forced as long as the replication is plain with near certainty.
fn candidates(scenario: &Scenario) -> u32 {
    let plan = ForcingPlan { plain: 1.0 - f64::EPSILON, candidates: u32::MAX, tilt: TILT };
    let drawn = |replication| run::run_forced(scenario, replication, Options::default(), plan).1.drawn;
    (0..PILOT).into_par_iter().map(drawn).max().unwrap_or(0).max(1)
}

impl Sampled {
    /// The mean of a metric; none without replications. A replication in which it did not happen counts as zero, which is right
    /// for counts. Of a count that no replication showed the interval ends at 3.69/n times the largest weight, which holds if
    /// what is counted comes one by one; of a time it is none.
    pub fn mean(&self, metric: Metric) -> Option<Estimate> {
        let unseen = (!metric.is_seconds()).then(|| stats::poisson_zero(self.replications.len().max(1)));
        self.estimate(|metrics| metrics.get(metric).unwrap_or(0.0), unseen)
    }

    /// The probability that a rollout loses a request; if no replication showed it, the interval ends at the exact bound of n
    /// trials times the largest weight.
    pub fn any_failed(&self) -> Option<Estimate> {
        let lost = |metrics: &Metrics| f64::from(u8::from(metrics.get(Metric::Failed).unwrap_or(0.0) > 0.0));
        self.estimate(lost, Some(Interval(0.0, self.unmet())))
    }

    /// The probability below which lies, with 95 %, what no replication showed and what has nothing to do with the forced
    /// delays: that of plain replications, as such a thing is drawn no more often than in them.
    pub fn unmet(&self) -> f64 {
        stats::proportion(0, self.replications.len()).map_or(1.0, |share| share.ci95.high())
    }

    /// `unseen` is the interval of a value that the replications, as they were drawn, did not show. No weight exceeds 1 / `plain`,
    /// so no mean exceeds that many times the one as drawn.
    fn estimate(&self, value: impl Fn(&Metrics) -> f64, unseen: Option<Interval>) -> Option<Estimate> {
        let pairs: Vec<(f64, f64)> = self.replications.iter().map(|(weight, run)| (*weight, value(run))).collect();
        let mut weighted = stats::weighted_mean(&pairs)?;
        if weighted.hits == 0 {
            weighted.mean.ci95 = unseen.map(|Interval(low, high)| Interval(low, high / self.plan.plain));
        }
        Some(Estimate { weighted, gain: gain(&pairs, &weighted) })
    }
}

impl Estimate {
    /// Whether the interval can be trusted as to losses that come of the forced delays: the mean rests on enough replications of
    /// about equal products. Of other causes it says nothing.
    pub fn is_sound(&self) -> bool {
        self.weighted.effective_hits >= ENOUGH
    }
}

/// The variance of a plain value, E(w·y²) − (E(w·y))², which a small sample may put below 0, over that of a weighted one.
fn gain(pairs: &[(f64, f64)], weighted: &Weighted) -> Option<f64> {
    let n = pairs.len() as f64;
    let mean = weighted.mean.mean;
    let plain = pairs.iter().map(|(weight, value)| weight * value * value).sum::<f64>() / n - mean * mean;
    let forced = pairs.iter().map(|(weight, value)| (weight * value - mean) * (weight * value - mean)).sum::<f64>() / n;
    (weighted.hits > 0 && forced > 0.0).then(|| plain.max(0.0) / forced)
}
