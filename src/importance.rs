//! Rare losses by importance sampling: an estimator of its own beside plain replications, for losses that plain ones would meet
//! once in a million.
//!
//! One delay on the way to the rules is pushed far out in half of the replications, and each replication counts by its weight
//! ([`crate::engine::ForcingPlan`] has the mathematics). Estimates are unbiased whatever is estimated; they are sharper than plain
//! ones only for what happens when such a delay is long. What balancers and DNS caches add to the way is not forced.

use rayon::prelude::*;

use crate::engine::ForcingPlan;
use crate::model::spec::Scenario;
use crate::record::{Metric, Metrics};
use crate::run::{self, Options, Weighed};
use crate::stats::{self, Weighted};

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
    /// The mean of a metric; none if it happened in no replication. A replication in which it did not happen counts as zero,
    /// which is right for counts.
    pub fn mean(&self, metric: Metric) -> Option<Estimate> {
        self.estimate(|metrics| metrics.get(metric).unwrap_or(0.0))
    }

    /// The probability that a rollout loses a request.
    pub fn any_failed(&self) -> Option<Estimate> {
        self.estimate(|metrics| f64::from(u8::from(metrics.get(Metric::Failed).unwrap_or(0.0) > 0.0)))
    }

    fn estimate(&self, value: impl Fn(&Metrics) -> f64) -> Option<Estimate> {
        let pairs: Vec<(f64, f64)> = self.replications.iter().map(|(weight, run)| (*weight, value(run))).collect();
        let weighted = stats::weighted_mean(&pairs)?;
        Some(Estimate { weighted, gain: gain(&pairs, &weighted) })
    }
}

impl Estimate {
    /// Whether the interval can be trusted: the mean rests on enough replications of about equal products.
    pub fn is_sound(&self) -> bool {
        self.weighted.effective_hits >= ENOUGH
    }
}

/// The variance of a plain value, E(w·y²) − (E(w·y))², over that of a weighted one.
fn gain(pairs: &[(f64, f64)], weighted: &Weighted) -> Option<f64> {
    let n = pairs.len() as f64;
    let mean = weighted.mean.mean;
    let plain = pairs.iter().map(|(weight, value)| weight * value * value).sum::<f64>() / n - mean * mean;
    let forced = pairs.iter().map(|(weight, value)| (weight * value - mean) * (weight * value - mean)).sum::<f64>() / n;
    (weighted.hits > 0 && forced > 0.0).then(|| plain / forced)
}
