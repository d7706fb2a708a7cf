//! Where a recommendation gets its rollouts: the scenario with another hook, grace period or strategy, and the sequential
//! test that says whether it loses little enough.

use std::ops::Range;

use crate::model::spec::{DelayId, End, PreStop, PreStopAction, Scenario};
use crate::record::{Metric, Metrics, RunOutput};
use crate::replications;
use crate::run::{Estimator, Options, refusals};
use crate::stats::{SparseMean, sparse_mean};
use crate::units::{IntOrPercent, SimDuration, Version};

/// The first version in which the kubelet itself sleeps unless it is told otherwise (KEP-3960). In 1.29 an API server drops the
/// field but where its feature gate is set.
pub(super) const NATIVE_SLEEP: Version = Version::minor(30);

/// All but one of so many starts of a hook's command take no longer than the grace period leaves for it.
const USUAL_START: f64 = 1.0 - 1.0 / 4_096.0;

/// Requests simulated before the first look at a test, if that is not too few or too many replications.
const FIRST_LOOK: f64 = 2e6;
const FIRST_LOOK_REPLICATIONS: (f64, f64) = (16.0, 64.0);
/// Fewer replications than this are never the end of a test.
const FEWEST: f64 = 128.0;
const MOST: f64 = 50_000.0;
/// What replacing a pod costs to simulate, in requests, roughly: what many pods and few requests cost.
const REQUESTS_A_POD: f64 = 1_500.0;

/// What can be changed by a patch of the Deployment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Setup {
    /// The preStop hook: whole seconds of sleep, as Kubernetes has them; 0 is no hook.
    pub(super) sleep_s: u64,
    /// `terminationGracePeriodSeconds`.
    pub(super) grace_s: u64,
    pub(super) strategy: Strategy,
}

/// How a rolling update proceeds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Strategy {
    pub(super) surge: IntOrPercent,
    pub(super) unavailable: IntOrPercent,
    pub(super) min_ready: SimDuration,
}

impl Strategy {
    pub(super) fn of(scenario: &Scenario) -> Strategy {
        let spec = &scenario.deployment;
        Strategy { surge: spec.max_surge, unavailable: spec.max_unavailable, min_ready: spec.min_ready }
    }
}

/// What a test says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The bound from above is at most the limit.
    Meets,
    /// The bound from below is above the limit.
    Fails,
    /// Neither, within the replications allowed.
    Unclear,
}

/// A test with the rollouts it rests on.
#[derive(Debug, Clone)]
pub(super) struct Test {
    pub(super) rollouts: Vec<Metrics>,
    pub(super) loss: SparseMean,
    pub(super) verdict: Verdict,
}

impl Test {
    /// The largest loss of a rollout.
    pub(super) fn largest(&self) -> f64 {
        values(&self.rollouts, Metric::Failed).into_iter().fold(0.0, f64::max)
    }
}

/// Rollouts of one scenario under changes, all with the same luck.
pub(super) struct Lab<'a> {
    pub(super) scenario: &'a Scenario,
    /// Seconds that a pod needs from the stop signal to its end, rounded up.
    pub(super) drain_s: u64,
    /// Hooks that follow each other in a rollout: one where old pods stop side by side, each where one waits for another.
    pub(super) hooks_in_turn: u64,
    /// The largest mean loss of a rollout that meets the target, requests.
    pub(super) limit: f64,
    /// The largest loss of a rollout of the scenario as it is.
    pub(super) largest_given: f64,
    progress: &'a (dyn Fn(u64) + Sync),
}

impl<'a> Lab<'a> {
    pub(super) fn new(scenario: &'a Scenario, progress: &'a (dyn Fn(u64) + Sync)) -> Self {
        Lab { scenario, drain_s: 0, hooks_in_turn: 1, limit: 0.0, largest_given: 0.0, progress }
    }

    /// The file's strategy with this much sleep, and as much grace as the hook and the drain need, if the file gives less.
    pub(super) fn setup(&self, sleep_s: u64) -> Setup {
        let given = whole_seconds(self.scenario.pod.termination_grace_period);
        let grace_s = given.max(sleep_s + self.hook_start_s(sleep_s) + self.drain_s);
        Setup { sleep_s, grace_s, strategy: Strategy::of(self.scenario) }
    }

    /// Seconds until a hook of this length begins to sleep: a command has to be started.
    pub(super) fn hook_start_s(&self, sleep_s: u64) -> u64 {
        let is_command = sleep_s > 0 && self.scenario.cluster.version < NATIVE_SLEEP;
        let start = self.scenario.delays.get(DelayId::HookExecStart).quantile(USUAL_START);
        if is_command { whole_seconds(start) } else { 0 }
    }

    /// Requests that one pod gets in a second: what a rollout that loses is taken to lose at most where none was seen to lose any.
    pub(super) fn unseen_loss(&self) -> f64 {
        let rates: f64 = self.scenario.clients.iter().map(|client| client.rate.as_per_second()).sum();
        (rates / f64::from(self.scenario.deployment.replicas.max(1))).max(1.0)
    }

    /// The scenario with these changes. Old pods live longer by the hook, and where one waits for another by all their hooks, so
    /// the clients send for that much longer: else the last pods would end unseen.
    pub(super) fn scenario_with(&self, setup: Setup) -> Scenario {
        let mut scenario = self.scenario.clone();
        let sleep = SimDuration::from_secs(setup.sleep_s);
        scenario.pod.pre_stop = (setup.sleep_s > 0).then(|| hook(sleep, scenario.cluster.version));
        scenario.pod.termination_grace_period = SimDuration::from_secs(setup.grace_s);
        if let End::Duration(duration) = scenario.run.end {
            scenario.run.end = End::Duration(duration + sleep * self.hooks_in_turn);
        }
        scenario.deployment.max_surge = setup.strategy.surge;
        scenario.deployment.max_unavailable = setup.strategy.unavailable;
        scenario.deployment.min_ready = setup.strategy.min_ready;
        scenario
    }

    /// What `read` takes from each replication, whose trace has every request.
    pub(super) fn stories<T: Send>(
        &self,
        scenario: &Scenario,
        replications: Range<u64>,
        read: &(dyn Fn(RunOutput) -> T + Sync),
    ) -> Vec<T> {
        self.each(scenario, replications, Options { trace: true, ..Options::default() }, read)
    }

    /// What `read` takes from each replication, whose trace has the lives of its pods.
    pub(super) fn lives<T: Send>(
        &self,
        scenario: &Scenario,
        replications: Range<u64>,
        read: &(dyn Fn(RunOutput) -> T + Sync),
    ) -> Vec<T> {
        let options = Options { trace: true, estimator: estimator(scenario), ..Options::default() };
        self.each(scenario, replications, options, read)
    }

    /// The metrics of replications.
    pub(super) fn metrics(&self, scenario: &Scenario, replications: Range<u64>) -> Vec<Metrics> {
        let options = Options { estimator: estimator(scenario), ..Options::default() };
        self.each(scenario, replications, options, &|output| output.metrics)
    }

    fn each<T: Send>(
        &self,
        scenario: &Scenario,
        replications: Range<u64>,
        options: Options,
        read: &(dyn Fn(RunOutput) -> T + Sync),
    ) -> Vec<T> {
        let counted = |output| {
            (self.progress)(1);
            read(output)
        };
        replications::each(scenario, replications, options, &counted)
    }

    /// Rollouts that would prove the limit, about, after a test whose mean is below it. Without a loss its bound falls with their
    /// number, else the distance of the bound from the mean falls with its root.
    pub(super) fn rollouts_to_prove(&self, found: &SparseMean) -> u64 {
        let high = found.bounds.high();
        let times = match found.hits {
            0 => high / self.limit,
            _ => ((high - found.mean) / (self.limit - found.mean)).powi(2),
        };
        (found.n as f64 * times).ceil() as u64
    }

    /// Replications that cost about as much as `requests` requests, of a rollout in which so many are `simulated`.
    pub(super) fn affordable(&self, requests: f64, simulated: f64) -> f64 {
        let control_plane = REQUESTS_A_POD * f64::from(self.scenario.deployment.replicas);
        requests / simulated.max(control_plane)
    }

    /// The first rollouts of a scenario, and how many requests are simulated in one.
    fn first(&self, scenario: &Scenario) -> (Vec<Metrics>, f64) {
        let options = Options { estimator: estimator(scenario), ..Options::default() };
        let read = |output: RunOutput| (output.metrics, output.skipped as f64);
        let few = 0..FIRST_LOOK_REPLICATIONS.0 as u64;
        let (rollouts, skipped): (Vec<Metrics>, Vec<f64>) =
            self.each(scenario, few, options, &read).into_iter().unzip();
        let skipped = crate::stats::mean(&skipped).map_or(0.0, |mean| mean.mean);
        let simulated = (mean_of(&rollouts, Metric::Requests) - skipped).max(1.0);
        (rollouts, simulated)
    }

    /// Whether the mean loss is at most the limit, with `confidence`: looks after ever twice as many replications, until they have
    /// cost about as much as `requests` requests. Each look may err with the same share of 1 − confidence, so that all looks together do not err
    /// more often than that. `largest` is the loss that a rollout does not exceed on average while few have lost anything.
    pub(super) fn judge(&self, scenario: &Scenario, requests: f64, confidence: f64, largest: f64) -> Test {
        let (mut rollouts, simulated) = self.first(scenario);
        let most = self.affordable(requests, simulated).clamp(FEWEST, MOST) as u64;
        let (fewest, first) = FIRST_LOOK_REPLICATIONS;
        let mut next = (FIRST_LOOK / simulated).clamp(fewest, first) as u64;
        let error = (1.0 - confidence) / f64::from(looks(next, most));
        loop {
            let done = rollouts.len() as u64;
            rollouts.extend(self.metrics(scenario, done..next));
            let (loss, verdict) = self.look(&rollouts, 1.0 - error, largest);
            if verdict != Verdict::Unclear || next >= most {
                return Test { rollouts, loss, verdict };
            }
            next = (next * 2).min(most);
        }
    }

    fn look(&self, rollouts: &[Metrics], confidence: f64, largest: f64) -> (SparseMean, Verdict) {
        let failed = values(rollouts, Metric::Failed);
        let loss = sparse_mean(&failed, largest, confidence).expect("a test looks at rollouts");
        let verdict = match loss.bounds {
            bounds if bounds.high() <= self.limit => Verdict::Meets,
            bounds if bounds.low() > self.limit => Verdict::Fails,
            _ => Verdict::Unclear,
        };
        (loss, verdict)
    }
}

/// Whether what the rollout replaces was over within the run: else what is lost after it is not seen.
pub(super) fn is_over(rollout: &Metrics) -> bool {
    ends_at(rollout).is_some()
}

/// Seconds from the change to the end of the last old pod, or to the completion of a rollout that keeps some.
pub(super) fn ends_at(rollout: &Metrics) -> Option<f64> {
    rollout.get(Metric::AllTerminatedS).or_else(|| rollout.get(Metric::RolloutDurationS))
}

/// How many looks there are if each is after twice as many replications as the one before, and the last after `most`.
fn looks(first: u64, most: u64) -> u32 {
    let doubled = |looks: &u32| first << (looks - 1) < most;
    1 + (1..=u64::BITS - first.ilog2()).take_while(doubled).count() as u32
}

/// No answer asks for latencies, so quiet stretches are skipped where that changes no count.
pub(super) fn estimator(scenario: &Scenario) -> Estimator {
    if refusals(scenario).is_empty() { Estimator::FailuresOnly } else { Estimator::EveryRequest }
}

fn hook(duration: SimDuration, version: Version) -> PreStop {
    let action = if version < NATIVE_SLEEP { PreStopAction::Exec } else { PreStopAction::Sleep };
    PreStop { action, duration, fails_readiness: false, fails: false }
}

/// Rounded up.
pub(super) fn whole_seconds(time: SimDuration) -> u64 {
    time.as_whole_secs() + u64::from(time > SimDuration::from_secs(time.as_whole_secs()))
}

/// The values of a metric, where it happened.
pub(super) fn values(rollouts: &[Metrics], metric: Metric) -> Vec<f64> {
    rollouts.iter().filter_map(|run| run.get(metric)).collect()
}

/// Their mean, zero without any.
pub(super) fn mean_of(rollouts: &[Metrics], metric: Metric) -> f64 {
    crate::stats::mean(&values(rollouts, metric)).map_or(0.0, |mean| mean.mean)
}

/// Values of a metric in the same replications of two experiments.
pub(super) fn pairs(one: &[Metrics], other: &[Metrics], metric: Metric) -> Vec<(f64, f64)> {
    one.iter().zip(other).filter_map(|(one, other)| Some((one.get(metric)?, other.get(metric)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::Dist;

    #[test]
    fn looks_are_counted_to_the_last() {
        assert_eq!([looks(64, 64), looks(64, 65), looks(64, 128), looks(64, 4_000), looks(128, 50)], [1, 2, 2, 7, 1]);
    }

    #[test]
    fn part_of_a_second_is_a_second() {
        assert_eq!(whole_seconds(SimDuration::from_millis(2_001)), 3);
        assert_eq!(whole_seconds(SimDuration::from_secs(2)), 2);
    }

    #[test]
    fn a_command_that_starts_slowly_has_time_for_its_sleep() {
        let mut scenario = crate::scenario::defaults("test");
        scenario.pod.termination_grace_period = SimDuration::from_secs(5);
        scenario.cluster.version = Version::minor(29);
        scenario.delays.cluster.set(DelayId::HookExecStart, Dist::Constant(SimDuration::from_secs(3)));
        let lab = Lab { drain_s: 4, ..Lab::new(&scenario, &|_| ()) };
        assert_eq!((lab.setup(3).grace_s, lab.setup(0).grace_s), (10, 5));
        let hook = lab.scenario_with(lab.setup(3)).pod.pre_stop.unwrap();
        assert_eq!(hook.action, PreStopAction::Exec, "1.29 has the sleep behind a feature gate");
    }

    #[test]
    fn a_hook_has_the_grace_it_needs_and_the_clients_watch_the_last_pod_end() {
        let mut scenario = crate::scenario::defaults("test");
        scenario.run.end = End::Duration(SimDuration::from_secs(60));
        scenario.pod.termination_grace_period = SimDuration::from_secs(30);
        let lab = Lab { drain_s: 3, ..Lab::new(&scenario, &|_| ()) };
        assert_eq!((lab.setup(5).grace_s, lab.setup(40).grace_s), (30, 43));
        let changed = lab.scenario_with(lab.setup(40));
        assert_eq!(changed.run.end, End::Duration(SimDuration::from_secs(100)));
        assert_eq!(lab.scenario_with(lab.setup(0)).pod.pre_stop, None);
    }
}
