//! The recommendation as data: one versioned object, documented by `rollsim schema recommend`.

use serde::Serialize;

use super::lab::Verdict;
use super::search::Tested;
use crate::stats::SparseMean;

/// The version of the format.
pub const SCHEMA: &str = "rollsim/recommend/v1";

/// What is recommended and what it rests on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Recommendation {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// Version of the program.
    pub version: &'static str,
    /// Name of the scenario.
    pub scenario: String,
    /// Seed of the search.
    pub seed: u64,
    /// The largest share of requests lost that is asked for.
    pub target: f64,
    /// How sure the answer has to be.
    pub confidence: f64,
    /// Requests of a rollout as the scenario is: what the share is taken of.
    pub requests: f64,
    /// The scenario unchanged.
    pub as_given: LossEstimate,
    /// The hook; null if none of the hooks tried meets the target, or if that was not proved.
    pub answer: Option<Answer>,
    /// Loss against sleep, by sleep.
    pub curve: Vec<CurvePoint>,
    /// The sleep at the knee of the curve, seconds; null if the loss does not fall.
    pub knee_s: Option<u64>,
    /// What is lost at the best hook tried, and what would help; null if there is an answer, or if one was not proved.
    pub remains: Option<Remains>,
    /// The hook that lost nothing in too few rollouts to be the answer.
    pub unproved: Option<Unproved>,
    /// Strategies with the recommended hook, the file's own first; empty without an answer or if not asked for.
    pub strategies: Vec<StrategyPrice>,
    /// What the answer takes for granted.
    pub assumptions: Vec<String>,
    /// Doubts.
    pub warnings: Vec<Doubt>,
    /// Strategic merge patch of the Deployment, YAML; null without an answer.
    pub patch: Option<String>,
}

/// Requests lost by a rollout, on average.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LossEstimate {
    /// Replications.
    pub n: usize,
    /// Replications that lost a request.
    pub losing: usize,
    /// Mean number of requests lost.
    pub failed: f64,
    /// Bounds on the mean, each holding by itself.
    pub failed_bounds: [f64; 2],
    /// The mean as a share of the requests.
    pub share: f64,
    /// Bounds on the share, each holding by itself.
    pub share_bounds: [f64; 2],
}

/// The hook that meets the target.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// Seconds of sleep; 0 is no hook.
    pub sleep_s: u64,
    /// `sleep` (kubelet) or `exec` (a command in the container).
    pub action: &'static str,
    /// `terminationGracePeriodSeconds`.
    pub grace_s: u64,
    /// What the file gives.
    pub grace_given_s: u64,
    /// The longest time from stop signal to end of the process seen, rounded up and one second more.
    pub drain_s: u64,
    /// `maxSurge`.
    pub max_surge: String,
    /// `maxUnavailable`.
    pub max_unavailable: String,
    /// `minReadySeconds`.
    pub min_ready_s: u64,
    /// Whether the strategy is another than the file's.
    pub strategy_changed: bool,
    /// The answer simulated afresh, with this seed.
    pub verified: LossEstimate,
    /// The seed of that.
    pub verified_seed: u64,
    /// What the hook costs against no hook, seconds.
    pub cost: Cost,
}

/// Differences of means against no hook, with the same luck; null where a rollout did not complete.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Cost {
    /// Template change to Deployment complete.
    pub rollout_duration_s: Option<CostEstimate>,
    /// Template change to the end of the last old pod.
    pub all_terminated_s: Option<CostEstimate>,
}

/// A mean without the hook, and what the hook adds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CostEstimate {
    /// Mean without a hook.
    pub without_hook: f64,
    /// Mean difference.
    pub added: f64,
    /// Its 95 % interval by Student's t; null for a single pair.
    pub added_ci95: Option<[f64; 2]>,
    /// Pairs.
    pub n: usize,
}

/// One hook.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CurvePoint {
    /// Seconds of sleep.
    pub sleep_s: u64,
    /// What it loses.
    #[serde(flatten)]
    pub loss: LossEstimate,
    /// `meets`, `likely` (the mean does, the bounds do not tell), `fails` or `unclear`.
    pub verdict: &'static str,
}

/// A hook that lost little enough, in fewer rollouts than the target asks for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Unproved {
    /// Seconds of sleep.
    pub sleep_s: u64,
    /// What it may lose.
    pub loss: LossEstimate,
    /// Rollouts that would prove the target, about, if they lose no more.
    pub rollouts: u64,
}

/// What no hook saves.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Remains {
    /// The hook with the smallest loss.
    pub sleep_s: u64,
    /// What it loses.
    pub loss: LossEstimate,
    /// What the lost requests met, most frequent first.
    pub met: Vec<Part>,
    /// Changes that were tried with that hook, most helpful first.
    pub remedies: Vec<Tried>,
}

/// A part of the losses.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    /// What they met.
    pub what: &'static str,
    /// Share of all losses.
    pub share: f64,
}

/// A change that was simulated.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tried {
    /// Keys and values, as `--set` takes them, with a space between.
    pub set: String,
    /// In words.
    pub words: String,
    /// What is lost with it.
    pub loss: LossEstimate,
    /// `meets`, `fails` or `unclear`.
    pub verdict: &'static str,
}

/// One strategy with its prices.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StrategyPrice {
    /// `maxSurge`.
    pub max_surge: String,
    /// `maxUnavailable`.
    pub max_unavailable: String,
    /// `minReadySeconds`.
    pub min_ready_s: u64,
    /// Replications that completed.
    pub n: usize,
    /// Mean number of requests lost.
    pub failed: f64,
    /// Its 95 % interval, from 0 to the Poisson bound 3.69/n if none was lost; null if no two rollouts completed.
    pub failed_ci95: Option<[f64; 2]>,
    /// Mean rollout time, seconds.
    pub rollout_duration_s: f64,
    /// Its 95 % interval.
    pub rollout_duration_ci95: Option<[f64; 2]>,
    /// Mean pod-seconds beyond the desired number of pods.
    pub extra_pod_s: f64,
    /// Its 95 % interval.
    pub extra_pod_ci95: Option<[f64; 2]>,
    /// Not dominated by any other.
    pub on_front: bool,
    /// The file's own.
    pub given: bool,
    /// The one in the answer.
    pub chosen: bool,
}

/// A doubt about the answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Doubt {
    /// Which kind.
    pub code: &'static str,
    /// For people.
    pub message: String,
}

impl LossEstimate {
    /// An estimate as a share of `requests`.
    pub(super) fn new(loss: &SparseMean, requests: f64) -> LossEstimate {
        let bounds = [loss.bounds.low(), loss.bounds.high()];
        LossEstimate {
            n: loss.n,
            losing: loss.hits,
            failed: loss.mean,
            failed_bounds: bounds,
            share: loss.mean / requests,
            share_bounds: bounds.map(|bound| bound / requests),
        }
    }
}

impl CurvePoint {
    pub(super) fn new(tested: &Tested, requests: f64) -> CurvePoint {
        CurvePoint {
            sleep_s: tested.sleep_s,
            loss: LossEstimate::new(&tested.test.loss, requests),
            verdict: if tested.meets() && tested.test.verdict == Verdict::Unclear {
                "likely"
            } else {
                word(tested.test.verdict)
            },
        }
    }
}

pub(super) const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Meets => "meets",
        Verdict::Fails => "fails",
        Verdict::Unclear => "unclear",
    }
}
