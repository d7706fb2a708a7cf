//! The result of importance sampling: means of counts with the weights' worth, as data and as a table. It is another format
//! than that of plain replications, so that nobody takes one for the other.

use serde::Serialize;

use crate::report::{percent, table::grid};
use crate::stats::{Interval, Weighted};

/// The version of the format.
pub const SCHEMA: &str = "rollsim/importance/v1";

/// What weighted replications of one scenario say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WeightedResult {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// Version of the program.
    pub version: &'static str,
    /// The estimator's name.
    pub estimator: &'static str,
    /// Name of the scenario.
    pub scenario: String,
    /// Seed of the experiment.
    pub seed: u64,
    /// Weighted replications.
    pub replications: usize,
    /// Draws of which one was forced in half of the replications.
    pub candidates: u32,
    /// The exponent that forced draws are tilted by.
    pub tilt: f64,
    /// Mean weight, 1 if all is well.
    pub mean_weight: WeightedMean,
    /// (Σw)² / Σw² over all replications.
    pub effective_sample_size: f64,
    /// The estimates.
    pub estimates: Vec<WeightedEstimate>,
    /// Estimates that are not to be trusted.
    pub warnings: Vec<String>,
}

/// A mean with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct WeightedMean {
    /// The mean.
    pub mean: f64,
    /// Its 95 % interval by Student's t; null for a single replication.
    pub ci95: Option<[f64; 2]>,
}

/// One estimate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WeightedEstimate {
    /// A metric of counts, or `any_failed`: the share of rollouts that lose a request.
    pub name: &'static str,
    /// The unbiased weighted mean a rollout.
    #[serde(flatten)]
    pub mean: WeightedMean,
    /// Replications in which it was not zero.
    pub hits: usize,
    /// How many equal ones the mean rests on.
    pub effective_hits: f64,
    /// Plain replications worth one of these; null if nothing was seen.
    pub gain: Option<f64>,
    /// Whether the interval can be trusted.
    pub sound: bool,
}

impl From<crate::stats::Mean> for WeightedMean {
    fn from(mean: crate::stats::Mean) -> Self {
        WeightedMean { mean: mean.mean, ci95: mean.ci95.map(|Interval(low, high)| [low, high]) }
    }
}

impl WeightedEstimate {
    /// The estimate of `name`.
    pub fn new(name: &'static str, weighted: &Weighted, gain: Option<f64>, sound: bool) -> WeightedEstimate {
        let Weighted { mean, hits, effective_hits, .. } = *weighted;
        WeightedEstimate { name, mean: mean.into(), hits, effective_hits, gain, sound }
    }

    /// Why its interval is not to be trusted, if it is not.
    pub fn doubt(&self) -> Option<String> {
        let Self { name, hits, effective_hits, .. } = self;
        (!self.sound && *hits > 0).then(|| {
            format!("{name} rests on {effective_hits:.1} effective replications of {hits}: raise --replications, its interval is not to be trusted")
        })
    }
}

/// The result as a table.
pub fn render(result: &WeightedResult) -> String {
    let header = ["", "mean a rollout [95 % interval]", "seen in", "effective", "worth plain ones"];
    let table = grid(header.map(str::to_owned).to_vec(), result.estimates.iter().map(row).collect(), 110);
    let weights = format!(
        "weights: mean {}, effective sample size {:.0} of {} ({})",
        interval(result.mean_weight),
        result.effective_sample_size,
        result.replications,
        percent(result.effective_sample_size / result.replications as f64),
    );
    format!(
        "{}: importance sampling, not plain replications; n = {}, seed {}\none of {} delays on the way to the rules forced in half \
         of them\n\n{table}\n{weights}\n",
        result.scenario, result.replications, result.seed, result.candidates
    )
}

fn row(estimate: &WeightedEstimate) -> Vec<String> {
    vec![
        estimate.name.to_owned(),
        interval(estimate.mean),
        estimate.hits.to_string(),
        format!("{:.1}", estimate.effective_hits),
        estimate.gain.map_or("nothing seen".to_owned(), |gain| format!("× {gain:.3}")),
    ]
}

fn interval(mean: WeightedMean) -> String {
    let number = |value: f64| if value.abs() >= 0.01 { format!("{value:.4}") } else { format!("{value:.3e}") };
    let ends = mean.ci95.map_or(String::new(), |[low, high]| format!(" [{}, {}]", number(low), number(high)));
    format!("{}{ends}", number(mean.mean)).replace('-', "−").replace("e−", "e-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::weighted_mean;

    #[test]
    fn an_estimate_on_one_heavy_replication_is_doubted() {
        let weighted = weighted_mean(&[(1e-6, 1.0), (1.0, 1.0), (1.0, 0.0)]).unwrap();
        let estimate = WeightedEstimate::new("failed", &weighted, Some(1.0), weighted.effective_hits >= 30.0);
        assert!(estimate.doubt().unwrap().starts_with("failed rests on 1.0 effective replications of 2"));
    }
}
