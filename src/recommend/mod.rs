//! The smallest preStop sleep, with the grace period it needs, that meets a target share of lost requests at a confidence.
//!
//! The share is the mean number of requests that a rollout loses, over the requests of the scenario as it is. The search
//! (`search`) tests hooks of ever more whole seconds with the same luck; the shortest one found is then simulated afresh with
//! another seed, and only that second test gives the answer its confidence: what chance favoured in the search does not help
//! there. If it fails there, the next longer hook is tried with half of the error left.
//!
//! `lab` has the rollouts and the sequential test, `lives` what the lives of pods tell, `front` the strategies, `remedies` what
//! is tried where no hook suffices, `patch` the YAML, `result` the answer as data, `text` for people.

mod charts;
mod front;
mod lab;
mod lives;
mod patch;
mod remains;
mod remedies;
mod result;
mod search;
mod text;

use crate::engine::mix;
use crate::model::spec::{End, PreStopAction, Scenario, StopBehaviour, WorkloadKind};
use crate::record::{Metric, Metrics};
use crate::run::Estimator;
use crate::stats;
use crate::units::SimDuration;

pub use charts::{curve_chart, front_chart};
pub use result::{
    Answer, Cost, CostEstimate, CurvePoint, Doubt, LossEstimate, Part, Recommendation, Remains, SCHEMA, StrategyPrice,
    Tried, Unproved,
};
pub use text::{no_answer, render};

use front::Priced;
use lab::{Lab, NATIVE_SLEEP, Setup, Strategy, Test, Verdict, mean_of, pairs, whole_seconds};
use search::Tested;

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The largest mean share of requests lost.
    pub target: f64,
    /// The probability that an answer keeps the target.
    pub confidence: f64,
    /// The longest hook, seconds.
    pub longest_s: u64,
    /// Compare strategies, too.
    pub strategies: bool,
    /// The container that gets the hook.
    pub container: String,
    /// What the manifests call the workload, if the scenario comes from manifests.
    pub workload: Option<Patched>,
}

/// A workload in manifests, as `kubectl patch` wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patched {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`.
    pub namespace: String,
}

/// Replications of the scenario as it is.
const AS_GIVEN: u64 = 200;
/// Traced replications from which the drain is read.
const STOPS: u64 = 32;
/// Rollouts with a long hook from which is read how many hooks follow each other.
const FEW_ROLLOUTS: usize = 8;
const LONG_HOOK_S: u64 = 30;
/// Longer than any grace that matters, so that no stop is cut while the drain is read.
const AMPLE_GRACE_S: u64 = 600;
/// Requests simulated at most to verify an answer.
const REQUESTS_TO_VERIFY: f64 = 120e6;
/// So often a longer hook is tried when the verification fails.
const ATTEMPTS: u32 = 4;

/// No rollout of the scenario is over within its run, so that nothing can be said about what its old pods lose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "no rollout is over within the run, so what is lost when old pods stop is not seen and no hook can be judged: \
         make run.duration longer, or mend what holds the rollout up"
)]
pub struct NeverOver;

/// Answers the question, on the threads of [`crate::replications::on_threads`]. `progress` is called with each replication.
///
/// # Errors
///
/// If no rollout is over within the run.
pub fn recommend(
    scenario: &Scenario,
    question: &Question,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Recommendation, NeverOver> {
    let mut lab = Lab::new(scenario, progress);
    let given = lab.metrics(scenario, 0..AS_GIVEN);
    if !given.iter().any(lab::is_over) {
        return Err(NeverOver);
    }
    let requests = mean_of(&given, Metric::Requests).max(1.0);
    lab.limit = question.target * requests;
    lab.largest_given = lab::values(&given, Metric::Failed).into_iter().fold(0.0, f64::max);
    lab.drain_s = drain_s(&lab);
    lab.hooks_in_turn = hooks_in_turn(&lab, &given);
    let points = search::curve(&lab, question.longest_s, question.confidence);
    let settled = search::shortest(&points).map(|sleep_s| settle(&lab, question, &points, sleep_s, requests));
    let (found, unproved) = match settled {
        Some(Settled::Found(found)) => (Some(found), None),
        Some(Settled::Unproved(unproved)) => (None, Some(unproved)),
        Some(Settled::Failed) | None => (None, None),
    };
    let nothing_suffices = found.is_none() && unproved.is_none();
    let remains = nothing_suffices.then(|| remains::of(&lab, &points, question.confidence, requests));
    Ok(Recommendation {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        scenario: scenario.name.clone(),
        seed: scenario.run.seed,
        target: question.target,
        confidence: question.confidence,
        requests,
        as_given: as_given(&lab, &points, &given, question.confidence, requests),
        answer: found.as_ref().map(|found| answer(&lab, found, &points, requests)),
        curve: points.iter().map(|point| CurvePoint::new(point, requests)).collect(),
        knee_s: knee_s(&points),
        remains,
        unproved,
        strategies: found.as_ref().map_or_else(Vec::new, strategy_prices),
        assumptions: assumptions(&lab, &points, question),
        warnings: doubts(&lab, &points, &given, found.as_ref()),
        patch: found.as_ref().map(|found| patch::patch(subject(&lab, question), found.setup)),
    })
}

/// An answer that held when simulated afresh.
struct Found {
    setup: Setup,
    verified: Test,
    seed: u64,
    priced: Vec<Priced>,
    chosen: Option<usize>,
    /// Hooks that met the target in the search and not in the verification.
    failed_s: Vec<u64>,
}

/// What the verification came to.
enum Settled {
    Found(Found),
    Unproved(Unproved),
    Failed,
}

/// The seconds from the stop signal to the end of the process, the longest seen, rounded up, and one more for what was not
/// seen. A server that ignores the signal ends with the grace period, whatever that is: it needs none for itself.
fn drain_s(lab: &Lab<'_>) -> u64 {
    if lab.scenario.pod.server.on_stop == StopBehaviour::Ignores {
        return 0;
    }
    let setup = lab.setup(0);
    let scenario = lab.scenario_with(Setup { grace_s: setup.grace_s.max(AMPLE_GRACE_S), ..setup });
    let stops = lab.lives(&scenario, 0..STOPS, &|output| lives::longest_stop(&output.trace?));
    stops.into_iter().flatten().max().map_or(0, whole_seconds) + 1
}

/// How many hooks follow each other: by how much a rollout lasts longer with a long one. Where pods stop side by side it is one.
fn hooks_in_turn(lab: &Lab<'_>, given: &[Metrics]) -> u64 {
    let few = &given[..FEW_ROLLOUTS.min(given.len())];
    let all_end = given.iter().all(|rollout| rollout.get(Metric::AllTerminatedS).is_some());
    if !all_end || !matches!(lab.scenario.run.end, End::Duration(_)) {
        return 1;
    }
    let mut scenario = lab.scenario_with(lab.setup(LONG_HOOK_S));
    scenario.run.end = End::AfterOldPodsGone(SimDuration::ZERO);
    let longest = |rollouts: &[Metrics]| rollouts.iter().filter_map(lab::ends_at).fold(0.0, f64::max);
    let added = longest(&lab.metrics(&scenario, 0..few.len() as u64)) - longest(few);
    // Starting a command adds a part of a second to each.
    (added / LONG_HOOK_S as f64 - 0.1).ceil().max(1.0) as u64
}

/// Chooses the strategy for a hook, and verifies both with fresh luck; longer hooks if need be.
fn settle(lab: &Lab<'_>, question: &Question, points: &[Tested], sleep_s: u64, requests: f64) -> Settled {
    let error = (1.0 - question.confidence) / f64::from(ATTEMPTS);
    let (mut sleep_s, mut failed_s, mut unproved) = (sleep_s, Vec::new(), None);
    // A StatefulSet has no surge, and the surge of a DaemonSet is another one: nodes, not pods.
    let compares = question.strategies && lab.scenario.workload == WorkloadKind::Deployment;
    let priced = if compares { front::priced(lab, lab.setup(sleep_s), requests) } else { Vec::new() };
    let chosen = front::chosen(&priced);
    let strategy = chosen.map_or(Strategy::of(lab.scenario), |index| priced[index].setup.strategy);
    for _ in 0..ATTEMPTS {
        let setup = Setup { strategy, ..lab.setup(sleep_s) };
        let mut scenario = lab.scenario_with(setup);
        scenario.run.seed = fresh_seed(scenario.run.seed);
        let largest = search::largest_below(lab, points, sleep_s);
        let verified = lab.judge(&scenario, REQUESTS_TO_VERIFY, 1.0 - error, largest);
        if verified.verdict == Verdict::Meets {
            return Settled::Found(Found { setup, verified, seed: scenario.run.seed, priced, chosen, failed_s });
        }
        if verified.verdict == Verdict::Unclear && verified.loss.mean < lab.limit {
            let loss = LossEstimate::new(&verified.loss, requests);
            unproved = Some(Unproved { sleep_s, loss, rollouts: lab.rollouts_to_prove(&verified.loss) });
        }
        if verified.loss.hits == 0 {
            // A longer hook cannot lose less.
            break;
        }
        failed_s.push(sleep_s);
        sleep_s = (sleep_s + 1).max(sleep_s * 5 / 4);
        if sleep_s > question.longest_s {
            break;
        }
    }
    unproved.map_or(Settled::Failed, Settled::Unproved)
}

/// Another seed, the same for the same one; small enough for a scenario file.
fn fresh_seed(seed: u64) -> u64 {
    mix(seed ^ 0x7665_7269_6679) >> 1
}

fn as_given(lab: &Lab<'_>, points: &[Tested], given: &[Metrics], confidence: f64, requests: f64) -> LossEstimate {
    let largest = search::largest_seen(lab, points).unwrap_or_else(|| lab.unseen_loss());
    let loss = stats::sparse_mean(&lab::values(given, Metric::Failed), largest, confidence);
    LossEstimate::new(&loss.expect("the scenario ran"), requests)
}

/// Where the curve turns, if it falls by more than its bounds.
fn knee_s(points: &[Tested]) -> Option<u64> {
    let (first, last) = (points.first()?.test.loss.bounds, points.last()?.test.loss.bounds);
    if first.low() <= last.high() {
        return None;
    }
    let curve: Vec<(f64, f64)> = points.iter().map(|point| (point.sleep_s as f64, point.test.loss.mean)).collect();
    search::knee(&curve).map(|index| points[index].sleep_s)
}

fn answer(lab: &Lab<'_>, found: &Found, points: &[Tested], requests: f64) -> Answer {
    let Setup { sleep_s, grace_s, strategy } = found.setup;
    Answer {
        sleep_s,
        action: if lab.scenario.cluster.version < NATIVE_SLEEP { "exec" } else { "sleep" },
        grace_s,
        grace_given_s: whole_seconds(lab.scenario.pod.termination_grace_period),
        drain_s: lab.drain_s,
        max_surge: strategy.surge.to_string(),
        max_unavailable: strategy.unavailable.to_string(),
        min_ready_s: whole_seconds(strategy.min_ready),
        strategy_changed: strategy != Strategy::of(lab.scenario),
        verified: LossEstimate::new(&found.verified.loss, requests),
        verified_seed: found.seed,
        cost: cost(lab, points, found.setup),
    }
}

/// What the setup adds to the times of the rollouts without a hook.
fn cost(lab: &Lab<'_>, points: &[Tested], setup: Setup) -> Cost {
    let without = points.first().map_or(&[][..], |point| &point.test.rollouts);
    let scenario = lab.scenario_with(setup);
    let with = lab.metrics(&scenario, 0..without.len().min(AS_GIVEN as usize) as u64);
    let estimate = |metric| {
        let difference = stats::paired_difference(&pairs(without, &with, metric))?;
        let added_ci95 = difference.ci95.map(|interval| [interval.low(), interval.high()]);
        Some(CostEstimate {
            without_hook: mean_of(without, metric),
            added: difference.mean,
            added_ci95,
            n: difference.n,
        })
    };
    Cost { rollout_duration_s: estimate(Metric::RolloutDurationS), all_terminated_s: estimate(Metric::AllTerminatedS) }
}

fn strategy_prices(found: &Found) -> Vec<StrategyPrice> {
    let price = |(index, one): (usize, &Priced)| {
        let ([failed, rollout_duration_s, extra_pod_s], n) = one.means();
        let ci95 = |price| one.ci95(price).map(|interval| [interval.low(), interval.high()]);
        StrategyPrice {
            max_surge: one.setup.strategy.surge.to_string(),
            max_unavailable: one.setup.strategy.unavailable.to_string(),
            min_ready_s: whole_seconds(one.setup.strategy.min_ready),
            n,
            failed,
            failed_ci95: ci95(0),
            rollout_duration_s,
            rollout_duration_ci95: ci95(1),
            extra_pod_s,
            extra_pod_ci95: ci95(2),
            on_front: one.on_front,
            given: index == 0,
            chosen: found.chosen == Some(index),
        }
    };
    found.priced.iter().enumerate().map(price).collect()
}

fn subject<'a>(lab: &Lab<'a>, question: &'a Question) -> patch::Subject<'a> {
    patch::Subject {
        scenario: &lab.scenario.name,
        kind: kind(&lab.scenario.workload),
        workload: question.workload.as_ref(),
        container: &question.container,
        version: lab.scenario.cluster.version,
        strategy: Strategy::of(lab.scenario),
        grace_s: whole_seconds(lab.scenario.pod.termination_grace_period),
    }
}

const fn kind(workload: &WorkloadKind) -> &'static str {
    match workload {
        WorkloadKind::Deployment => "deployment",
        WorkloadKind::StatefulSet(_) => "statefulset",
        WorkloadKind::DaemonSet(_) => "daemonset",
    }
}

fn assumptions(lab: &Lab<'_>, points: &[Tested], question: &Question) -> Vec<String> {
    let size = match search::largest_seen(lab, points) {
        Some(_) => "while fewer than 20 rollouts lost anything, one that loses does not lose more on average than the worst rollout seen with the \
                    next shorter hook that lost any"
            .to_owned(),
        None => format!(
            "no rollout lost anything with any hook; one that does loses no more on average than a pod gets in a second, {:.0} requests",
            lab.unseen_loss()
        ),
    };
    let mut said = vec![
        format!(
            "the target is about the mean loss of a rollout over the requests of the scenario's own run, not about the worst \
             rollout; a longer hook makes the run longer by itself, which does not thin the loss"
        ),
        "the cluster is as the scenario says, its delays included (most are defaults: `rollsim calibrate` fits yours)"
            .to_owned(),
        format!(
            "hooks are whole seconds up to {} s; between two tested hooks a longer one loses no more",
            question.longest_s
        ),
        size,
    ];
    if lab::estimator(lab.scenario) == Estimator::FailuresOnly {
        said.push(
            "losses are counted by the estimator failures-only, which skips stretches in which no request can fail: the counts are those of \
             the run of every request"
                .to_owned(),
        );
    }
    if lab.scenario.cluster.version < NATIVE_SLEEP {
        said.push("before 1.30 the hook is a command (1.29 knows sleep behind a feature gate): the image has a `sleep`; without one the hook fails at once and saves nothing".to_owned());
    }
    said.extend(hook_replaced(lab.scenario));
    said
}

fn hook_replaced(scenario: &Scenario) -> Option<String> {
    let hook = scenario.pod.pre_stop?;
    let kind = match hook.action {
        PreStopAction::Sleep => return None,
        PreStopAction::Exec if !hook.fails_readiness && !hook.fails => return None,
        PreStopAction::Exec => "command",
        PreStopAction::Http => "HTTP call",
    };
    Some(format!("the file's hook, a {kind} of {}, is replaced by a plain sleep", hook.duration))
}

fn doubts(lab: &Lab<'_>, points: &[Tested], given: &[Metrics], found: Option<&Found>) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    let mut doubt = |code, message: String| doubts.push(Doubt { code, message });
    let short = search::not_monotone(points);
    if !short.is_empty() {
        doubt(
            "not-monotone",
            format!(
                "{} met the target though a longer hook did not: the loss does not fall with the hook alone",
                seconds(&short)
            ),
        );
    }
    let unfinished = |rollouts: &[Metrics]| rollouts.iter().filter(|rollout| !lab::is_over(rollout)).count();
    if unfinished(given) > 0 {
        let message = "rollouts are not over within the run: what old pods lose after it is not counted";
        doubt("not-over", format!("{} of {} {message}", unfinished(given), given.len()));
    } else if points.iter().any(|point| unfinished(&point.test.rollouts) > 0) {
        let late = points.iter().filter(|point| unfinished(&point.test.rollouts) > 0);
        let late: Vec<u64> = late.map(|point| point.sleep_s).collect();
        doubt(
            "not-over",
            format!(
                "with {} some rollouts are not over within the run: what is lost after it is not counted",
                seconds(&late)
            ),
        );
    }
    if search::ends_pointless(points) {
        let last = points.last().map_or(0, |point| point.sleep_s);
        doubt(
            "not-the-hook",
            format!(
                "hooks beyond {last} s were not tried: no pod was routed any more when it stopped listening, so a longer hook has nothing to save"
            ),
        );
    }
    if let Some(found) = found {
        if !found.failed_s.is_empty() {
            doubt(
                "not-verified",
                format!("{} met the target in the search and not when simulated afresh", seconds(&found.failed_s)),
            );
        }
        let given = whole_seconds(lab.scenario.pod.termination_grace_period);
        if found.setup.grace_s > given {
            doubt(
                "grace-too-short",
                format!(
                    "the grace period of {given} s is too short for {} s of hook and {} s of drain: with it the hook is cut",
                    found.setup.sleep_s, lab.drain_s
                ),
            );
        }
    }
    if lab.scenario.pod.server.on_stop == StopBehaviour::Ignores {
        doubt("signal-ignored", "the server ignores the stop signal and is killed when the grace period ends: the whole grace period acts as a hook".to_owned());
    }
    if matches!(lab.scenario.run.end, End::AfterOldPodsGone(_)) {
        doubt(
            "short-look",
            "the clients stop soon after the last old pod's process has ended: what is lost later is not counted"
                .to_owned(),
        );
    }
    doubts
}

/// "1 s", "1 s and 2 s", "1 s, 2 s and 3 s".
fn seconds(all: &[u64]) -> String {
    let texts: Vec<String> = all.iter().map(|one| format!("{one} s")).collect();
    match texts.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_knee_of_a_curve_that_does_not_fall_by_more_than_its_bounds_is_noise() {
        let point = |sleep_s: u64, least: u32| {
            let counts: Vec<f64> = (0..64).map(|number| f64::from(least + number % 7)).collect();
            let loss = stats::sparse_mean(&counts, 1.0, 0.99).unwrap();
            Tested { sleep_s, test: Test { rollouts: Vec::new(), loss, verdict: Verdict::Fails }, limit: 0.1 }
        };
        let curve = |least: [u32; 4]| {
            [0, 1, 2, 10].into_iter().zip(least).map(|(sleep_s, least)| point(sleep_s, least)).collect::<Vec<_>>()
        };
        assert_eq!(knee_s(&curve([100, 10, 5, 0])), Some(1));
        assert_eq!(knee_s(&curve([1, 0, 0, 0])), None);
    }

    #[test]
    fn seconds_are_listed() {
        assert_eq!(seconds(&[1]), "1 s");
        assert_eq!(seconds(&[1, 2, 3]), "1 s, 2 s and 3 s");
    }

    #[test]
    fn the_fresh_seed_is_another_one_and_fits_a_file() {
        for seed in [0, 1, 2, i64::MAX as u64] {
            assert_ne!(fresh_seed(seed), seed);
            assert!(fresh_seed(seed) <= i64::MAX as u64);
        }
    }
}
