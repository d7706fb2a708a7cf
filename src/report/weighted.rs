//! The result of importance sampling: means of counts with the weights' worth, as data and as a table. It is another format
//! than that of plain replications, so that nobody takes one for the other.

use serde::Serialize;

use super::article::wrapped;
use super::rows::{SINGLY, SINGLY_NOTE};
use super::{percent, table::grid};
use crate::stats::{Interval, Weighted};

/// The version of the format.
pub const SCHEMA: &str = "rollsim/importance/v1";

/// The name of the share of rollouts that lose a request.
pub const ANY_FAILED: &str = "any_failed";

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
    /// What is not estimated more sharply.
    pub not_forced: NotForced,
    /// The estimates.
    pub estimates: Vec<WeightedEstimate>,
    /// Estimates that are not to be trusted.
    pub warnings: Vec<String>,
}

/// What loses requests without a forced delay: it is met as rarely as by plain replications, and if it was not met, no
/// interval of the estimates knows of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NotForced {
    /// The same for people.
    pub note: String,
    /// A cause that no replication met makes less than this share of the rollouts lose a request (95 %).
    pub any_failed_below: f64,
}

impl NotForced {
    /// After `replications`, none of which met it; `unmet` is the bound of its probability.
    pub fn new(replications: usize, unmet: f64) -> NotForced {
        let note = format!(
            "Only what the forced delays cause is estimated more sharply. Any other cause is met as rarely as in {replications} \
             plain replications: one that none of these met makes fewer than {} of the rollouts lose requests, however many each \
             (95 %).",
            percent(unmet)
        );
        NotForced { note, any_failed_below: unmet }
    }
}

/// A mean with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct WeightedMean {
    /// The mean.
    pub mean: f64,
    /// Its 95 % interval by Student's t, null for a single replication; if nothing was seen, from 0 to a bound.
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
    /// Whether the interval can be trusted as to what the forced delays cause.
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
        self.is_doubtful().then(|| {
            format!("{name} rests on {effective_hits:.1} effective replications of {hits}: raise --replications, its interval is not to be trusted")
        })
    }

    /// A bound on what was not seen is no doubtful estimate.
    fn is_doubtful(&self) -> bool {
        !self.sound && self.hits > 0
    }

    /// Its interval is a bound for what comes one by one.
    fn is_count_unseen(&self) -> bool {
        self.hits == 0 && self.name != ANY_FAILED && self.mean.ci95.is_some()
    }
}

/// What to make of it that no replication lost a request: nothing seen is a bound, not a zero.
pub fn nothing_seen(estimates: &[WeightedEstimate]) -> Option<String> {
    let any = estimates.iter().find(|estimate| estimate.name == ANY_FAILED && estimate.hits == 0)?;
    let [_, high] = any.mean.ci95?;
    let below = percent(high);
    Some(format!(
        "no replication lost a request: that is no zero, up to {below} of the rollouts may; raise --replications"
    ))
}

/// What stands behind an estimate that is not to be trusted.
const MARK: &str = " !";

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
         of them\n\n{table}{}\n{weights}\n{}",
        result.scenario,
        result.replications,
        result.seed,
        result.candidates,
        legend(&result.estimates),
        wrapped(&result.not_forced.note)
    )
}

/// What the signs in the table mean, if they are there.
fn legend(estimates: &[WeightedEstimate]) -> String {
    let doubtful = estimates.iter().any(WeightedEstimate::is_doubtful);
    let unseen = estimates.iter().any(WeightedEstimate::is_count_unseen);
    let mark = "! not to be trusted: fewer than 30 effective replications behind it\n";
    [(doubtful, mark), (unseen, SINGLY_NOTE)].iter().filter(|(shown, _)| *shown).map(|(_, line)| *line).collect()
}

fn row(estimate: &WeightedEstimate) -> Vec<String> {
    vec![
        estimate.name.to_owned(),
        cell(estimate),
        estimate.hits.to_string(),
        format!("{:.1}", estimate.effective_hits),
        estimate.gain.map_or("nothing seen".to_owned(), |gain| format!("× {gain:.3}")),
    ]
}

/// The mean with its interval, which ends where a count and a share do, and how far to trust it.
fn cell(estimate: &WeightedEstimate) -> String {
    let most = if estimate.name == ANY_FAILED { 1.0 } else { f64::INFINITY };
    let ci95 = estimate.mean.ci95.map(|[low, high]| [low.max(0.0), high.min(most)]);
    let text = interval(WeightedMean { ci95, ..estimate.mean });
    let singly = if estimate.is_count_unseen() { SINGLY } else { "" };
    format!("{text}{singly}{}", if estimate.is_doubtful() { MARK } else { "" })
}

fn interval(mean: WeightedMean) -> String {
    let number = |value: f64| match value.abs() {
        size if size <= 0.0 => "0".to_owned(),
        size if size >= 0.01 => format!("{value:.4}"),
        _ => format!("{value:.3e}"),
    };
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
        assert_eq!(row(&estimate)[1].chars().last(), Some('!'), "the table says so, too, with or without notes");
    }

    fn unseen() -> WeightedEstimate {
        let mut weighted = weighted_mean(&[(1.0, 0.0), (1.0, 0.0)]).unwrap();
        weighted.mean.ci95 = Some(Interval(0.0, 0.5));
        WeightedEstimate::new("failed", &weighted, None, false)
    }

    #[test]
    fn nothing_seen_is_said_with_its_bound_and_a_warning() {
        assert_eq!(row(&unseen())[1], "0 [0, 0.5000] singly");
        assert!(legend(&[unseen()]).starts_with("singly: "));
        let any = WeightedEstimate { name: ANY_FAILED, ..unseen() };
        assert!(nothing_seen(&[unseen(), any.clone()]).unwrap().contains("up to 50 % of the rollouts"));
        let seen = WeightedEstimate { hits: 3, ..any };
        assert_eq!(nothing_seen(&[seen]), None);
    }

    /// Thirty to forty times too few were said with effective hits enough, since the rare cause was not one that is forced.
    #[test]
    fn what_is_not_forced_is_not_claimed_to_be_known() {
        let found = NotForced::new(2_000, 0.001_842);
        assert!(found.note.contains("as rarely as in 2000 plain replications"), "{}", found.note);
        assert!(found.note.contains("fewer than 0.18 % of the rollouts"), "{}", found.note);
    }

    #[test]
    fn no_interval_leaves_what_can_be() {
        let weighted = weighted_mean(&[(0.1, 1.0), (0.1, 0.0), (0.1, 0.0)]).unwrap();
        let estimate = WeightedEstimate::new("failed", &weighted, Some(1.0), true);
        assert!(estimate.mean.ci95.unwrap()[0] < 0.0 && row(&estimate)[1].contains(" [0, "), "{estimate:?}");
    }
}
