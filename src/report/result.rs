//! The result of a run, versioned: what `--format json` prints and `result.json` holds. `rollsim schema result`
//! documents it.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Ablation, SeriesResult, number};
use crate::record::{Metric, Metrics};
use crate::stats::{self, Interval, Mean, Proportion, Sample};

/// The `schema` of a [`RunResult`].
pub const RUN_SCHEMA: &str = "rollsim/run/v1";

/// The `schema` of a [`RunsResult`].
pub const RUNS_SCHEMA: &str = "rollsim/runs/v1";

/// The estimator that skips what cannot fail.
pub const FAILURES_ONLY: &str = "failures_only";

/// The metrics of which two scenarios are compared pair by pair.
const PAIRED: [Metric; 2] = [Metric::Failed, Metric::ConnectionsOpened];

/// Values by name, in the order of the result.
#[derive(Debug, Clone, PartialEq)]
pub struct Named<T>(pub Vec<(String, T)>);

/// One metric over all replications in which it happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Arithmetic mean.
    #[serde(serialize_with = "number::plain")]
    pub mean: f64,
    /// 95 % interval of the mean, by Student's t, null for a single replication; of an event that was never seen, from 0 to the
    /// Poisson bound 3.69/n, which holds for what comes one by one: where one replication may have many, only the probability of
    /// any is bounded.
    #[serde(serialize_with = "number::interval")]
    pub ci95: Option<Interval>,
    /// Smallest value.
    #[serde(serialize_with = "number::plain")]
    pub min: f64,
    /// 5 % quantile (nearest rank, like all of them).
    #[serde(serialize_with = "number::plain")]
    pub p05: f64,
    /// 25 % quantile.
    #[serde(serialize_with = "number::plain")]
    pub p25: f64,
    /// Median.
    #[serde(serialize_with = "number::plain")]
    pub p50: f64,
    /// 75 % quantile.
    #[serde(serialize_with = "number::plain")]
    pub p75: f64,
    /// 95 % quantile.
    #[serde(serialize_with = "number::plain")]
    pub p95: f64,
    /// Largest value.
    #[serde(serialize_with = "number::plain")]
    pub max: f64,
    /// Replications in which the metric happened.
    pub n: usize,
}

/// A probability with its exact interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// Share of the replications.
    #[serde(serialize_with = "number::plain")]
    pub estimate: f64,
    /// Exact two-sided 95 % interval (Clopper and Pearson).
    #[serde(serialize_with = "number::interval")]
    pub ci95: Option<Interval>,
    /// Number of replications.
    pub n: usize,
}

/// Probabilities that a replication shows something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probability {
    /// At least one request is lost.
    pub any_failed: Option<Share>,
}

/// A doubt about the scenario that did not keep it from running.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Warning {
    /// Which kind.
    pub code: String,
    /// The dotted key it is about.
    pub key: String,
    /// For people.
    pub message: String,
}

/// A key of the scenario that its author did not say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assumption {
    /// The dotted key.
    pub key: String,
    /// Its value as TOML.
    pub value: String,
    /// `guessed` from what the author says, or `assumed`.
    pub basis: String,
    /// Why.
    pub why: String,
    /// `file:line:column` of what it was guessed from or is assumed about.
    pub place: String,
}

/// What identifies a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity<'a> {
    /// Name of the scenario.
    pub scenario: &'a str,
    /// Seed of the experiment.
    pub seed: u64,
    /// The joined trace digest of all replications.
    pub digest: u64,
}

/// The result of one scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// [`RUN_SCHEMA`].
    pub schema: String,
    /// Version of the program that simulated.
    pub version: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Seed of the experiment.
    pub seed: u64,
    /// Number of replications.
    pub replications: usize,
    /// How the metrics were estimated, unless every request was simulated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimator: Option<String>,
    /// Digest of everything that happened, 16 hexadecimal digits: equal digests, equal runs.
    pub digest: String,
    /// Each metric; null if it happened in no replication.
    pub metrics: Named<Option<Summary>>,
    /// Probabilities.
    pub probability: Probability,
    /// Doubts about the scenario.
    pub warnings: Vec<Warning>,
    /// What was guessed and assumed, if the scenario comes from manifests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assumptions: Vec<Assumption>,
    /// What each mechanism contributes, if that was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ablation: Vec<Ablation>,
    /// How it went second by second, if that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<SeriesResult>,
}

/// A difference of means under common random numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Mean of the differences.
    #[serde(serialize_with = "number::plain")]
    pub mean: f64,
    /// Their 95 % interval by Student's t, null for a single pair; where no pair differs, the bound 3.69/n to both sides, which
    /// holds if pairs differ by one at a time.
    #[serde(serialize_with = "number::interval")]
    pub ci95: Option<Interval>,
    /// Pairs that differ; not told by older results.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub differing: Option<usize>,
    /// Number of pairs.
    pub n: usize,
}

/// One scenario against the first, pair by pair.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Paired {
    /// The scenario.
    pub scenario: String,
    /// The scenario it is compared with.
    pub against: String,
    /// `scenario − against`, by metric.
    pub metrics: Named<Option<Difference>>,
}

/// The results of several scenarios.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunsResult {
    /// [`RUNS_SCHEMA`].
    pub schema: String,
    /// Version of the program that simulated.
    pub version: String,
    /// One for each scenario.
    pub runs: Vec<RunResult>,
    /// Each further scenario against the first. Replications of two scenarios are pairs if their seeds are equal; else
    /// this is empty.
    pub paired: Vec<Paired>,
}

impl RunResult {
    /// Summarises the replications of one scenario.
    pub fn new(identity: &Identity<'_>, replications: &[Metrics], warnings: Vec<Warning>) -> RunResult {
        RunResult {
            schema: RUN_SCHEMA.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            scenario: identity.scenario.to_owned(),
            seed: identity.seed,
            replications: replications.len(),
            estimator: None,
            digest: format!("{:016x}", identity.digest),
            metrics: Named(Metric::ALL.iter().map(|&metric| named_summary(metric, replications)).collect()),
            probability: Probability { any_failed: any_failed(replications) },
            warnings,
            assumptions: Vec::new(),
            ablation: Vec::new(),
            series: None,
        }
    }

    /// Says how the metrics were estimated. What was not estimated is absent: it is not that it did not happen.
    pub fn name_estimator(&mut self, name: &str) {
        self.estimator = Some(name.to_owned());
        self.metrics.0.retain(|(name, summary)| summary.is_some() || !name.starts_with("latency_"));
    }

    /// The summary of a metric, if it happened.
    pub fn metric(&self, metric: Metric) -> Option<&Summary> {
        self.metrics.get(metric.name())?.as_ref()
    }
}

impl RunsResult {
    /// Joins results that are not variants of one thing, without differences.
    pub fn side_by_side(runs: Vec<RunResult>) -> RunsResult {
        RunsResult {
            schema: RUNS_SCHEMA.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            runs,
            paired: Vec::new(),
        }
    }

    /// Joins results; `replications` are the metrics of each run, in the same order.
    pub fn new(runs: Vec<RunResult>, replications: &[&[Metrics]]) -> RunsResult {
        assert_eq!(runs.len(), replications.len(), "every run has its replications");
        let paired = pair_with_first(&runs, replications);
        RunsResult { schema: RUNS_SCHEMA.to_owned(), version: env!("CARGO_PKG_VERSION").to_owned(), runs, paired }
    }
}

fn pair_with_first(runs: &[RunResult], replications: &[&[Metrics]]) -> Vec<Paired> {
    let Some((first, others)) = runs.split_first() else { return Vec::new() };
    if others.iter().any(|other| other.seed != first.seed) {
        return Vec::new();
    }
    let all = others.iter().zip(&replications[1..]);
    all.map(|(other, metrics)| pair(first, replications[0], other, metrics)).collect()
}

fn pair(first: &RunResult, base: &[Metrics], other: &RunResult, metrics: &[Metrics]) -> Paired {
    let difference = |metric: Metric| (metric.name().to_owned(), difference(metric, base, metrics));
    Paired {
        scenario: other.scenario.clone(),
        against: first.scenario.clone(),
        metrics: Named(PAIRED.into_iter().map(difference).collect()),
    }
}

/// The mean of `other − base` over the replications both have.
pub fn difference(metric: Metric, base: &[Metrics], other: &[Metrics]) -> Option<Difference> {
    let pairs = base.iter().zip(other).filter_map(|(base, other)| base.get(metric).zip(other.get(metric)));
    let pairs: Vec<(f64, f64)> = pairs.collect();
    let Mean { n, mean, ci95 } = stats::paired_difference(&pairs)?;
    let differing = pairs.iter().filter(|(base, other)| base.total_cmp(other).is_ne()).count();
    // Pairs that all agree have no spread, which is no reason to call their difference certain.
    let bound = || stats::poisson_zero(n).high();
    let ci95 = if differing == 0 { ci95.map(|_| Interval(-bound(), bound())) } else { ci95 };
    Some(Difference { mean, ci95, differing: Some(differing), n })
}

impl Difference {
    /// Whether there are pairs and none of them differs.
    pub fn is_none(&self) -> bool {
        self.differing == Some(0)
    }
}

/// The values of a metric in the replications in which it happened.
pub fn values(metric: Metric, replications: &[Metrics]) -> Vec<f64> {
    replications.iter().filter_map(|metrics| metrics.get(metric)).collect()
}

fn named_summary(metric: Metric, replications: &[Metrics]) -> (String, Option<Summary>) {
    (metric.name().to_owned(), summary(metric, replications))
}

/// Summarises one metric; none if it happened in no replication.
pub fn summary(metric: Metric, replications: &[Metrics]) -> Option<Summary> {
    let values = values(metric, replications);
    let mean = stats::mean(&values)?;
    let sample = Sample::new(values)?;
    Some(Summary {
        mean: mean.mean,
        ci95: interval_of(metric, &mean, &sample),
        min: sample.min(),
        p05: sample.quantile(0.05),
        p25: sample.quantile(0.25),
        p50: sample.quantile(0.50),
        p75: sample.quantile(0.75),
        p95: sample.quantile(0.95),
        max: sample.max(),
        n: mean.n,
    })
}

/// An event never seen has no spread, which is no reason to call its mean certain. How many come at a time nobody has seen: the
/// bound is for one.
fn interval_of(metric: Metric, mean: &Mean, sample: &Sample) -> Option<Interval> {
    let never_seen = counts_events(metric) && sample.max() <= 0.0;
    if never_seen { Some(stats::poisson_zero(mean.n)) } else { mean.ci95 }
}

/// Whether the metric counts things that can go wrong, and that may be rarer than the replications can show.
fn counts_events(metric: Metric) -> bool {
    metric.name().starts_with("failed")
        || matches!(metric, Metric::Retried | Metric::Duplicated | Metric::ConnectionsSevered)
}

fn any_failed(replications: &[Metrics]) -> Option<Share> {
    let values = values(Metric::Failed, replications);
    let hits = values.iter().filter(|&&failed| failed > 0.0).count();
    let Proportion { n, estimate, ci95, .. } = stats::proportion(hits, values.len())?;
    Some(Share { estimate, ci95: Some(ci95), n })
}

impl Summary {
    /// The names of the statistics that [`Summary::stat`] knows.
    pub const STATS: [&str; 11] = ["mean", "ci95_lo", "ci95_hi", "min", "p05", "p25", "p50", "p75", "p95", "max", "n"];

    /// A statistic by its name.
    pub fn stat(&self, name: &str) -> Option<f64> {
        match name {
            "mean" => Some(self.mean),
            "ci95_lo" => self.ci95.map(Interval::low),
            "ci95_hi" => self.ci95.map(Interval::high),
            "min" => Some(self.min),
            "p05" => Some(self.p05),
            "p25" => Some(self.p25),
            "p50" => Some(self.p50),
            "p75" => Some(self.p75),
            "p95" => Some(self.p95),
            "max" => Some(self.max),
            "n" => Some(self.n as f64),
            _ => None,
        }
    }
}

impl Share {
    /// Number of replications in which it happened.
    pub fn hits(&self) -> usize {
        (self.estimate * self.n as f64).round() as usize
    }

    /// A statistic by its name: `estimate`, `ci95_lo`, `ci95_hi`, `n`.
    pub fn stat(&self, name: &str) -> Option<f64> {
        match name {
            "estimate" => Some(self.estimate),
            "ci95_lo" => self.ci95.map(Interval::low),
            "ci95_hi" => self.ci95.map(Interval::high),
            "n" => Some(self.n as f64),
            _ => None,
        }
    }
}

impl<T> Named<T> {
    /// The value with this name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }
}

impl<T: Serialize> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(NamedVisitor(PhantomData))
    }
}

struct NamedVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for NamedVisitor<T> {
    type Value = Named<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a value for each metric")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Named(entries))
    }
}

/// Results for the tests of the renderers.
#[cfg(test)]
pub(super) mod samples {
    use super::*;

    /// Replications with these failed counts and plausible other numbers.
    pub(crate) fn replications(failed: &[u32]) -> Vec<Metrics> {
        failed.iter().map(|&failed| one(f64::from(failed))).collect()
    }

    fn one(failed: f64) -> Metrics {
        let mut metrics = Metrics::default();
        Metric::ALL.iter().for_each(|&metric| metrics.set(metric, 0.0));
        metrics.set(Metric::Requests, 30_000.0);
        metrics.set(Metric::Succeeded, 30_000.0 - failed);
        metrics.set(Metric::Failed, failed);
        metrics.set(Metric::FailedConnectRefused, failed);
        metrics.set(Metric::ConnectionsOpened, 19.0 + failed);
        metrics.set(Metric::LatencyP99S, 0.0024 + failed / 1e5);
        metrics.set(Metric::RolloutDurationS, 13.0 + failed / 10.0);
        if failed <= 0.0 {
            metrics.set(Metric::FailureSpanS, None);
        }
        metrics
    }

    /// The result of these replications.
    pub(crate) fn result(scenario: &str, replications: &[Metrics]) -> RunResult {
        RunResult::new(&Identity { scenario, seed: 1, digest: 42 }, replications, Vec::new())
    }

    /// A pair: one that loses requests, one that does not.
    pub(crate) fn pair() -> RunsResult {
        let (no_hook, hook) = (replications(&[3, 4, 5, 0, 7, 4]), replications(&[0; 6]));
        let runs = vec![result("no-hook", &no_hook), result("with-hook", &hook)];
        RunsResult::new(runs, &[&no_hook, &hook])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_that_did_not_happen_everywhere_says_so() {
        let pair = samples::pair();
        assert_eq!(pair.runs[0].metric(Metric::FailureSpanS).unwrap().n, 5);
        assert_eq!(pair.runs[1].metrics.get("failure_span_s"), Some(&None));
    }

    #[test]
    fn nothing_lost_still_has_a_bound() {
        let pair = samples::pair();
        let failed = pair.runs[1].metric(Metric::Failed).unwrap();
        assert!((failed.ci95.unwrap().high() - 3.688_879 / 6.0).abs() < 1e-6);
        let any = pair.runs[1].probability.any_failed.as_ref().unwrap();
        assert_eq!((any.hits(), any.n), (0, 6));
        assert!((any.ci95.unwrap().high() - 0.459_258).abs() < 1e-6);
    }

    #[test]
    fn differences_are_taken_pair_by_pair() {
        let pair = samples::pair();
        let failed = pair.paired[0].metrics.get("failed").unwrap().as_ref().unwrap();
        assert!((failed.mean + 23.0 / 6.0).abs() < 1e-12);
        assert_eq!((pair.paired[0].against.as_str(), failed.n), ("no-hook", 6));
    }

    #[test]
    fn a_difference_that_no_pair_shows_is_not_zero_give_or_take_zero() {
        let metrics = samples::replications(&[3, 4, 5, 0, 7, 4]);
        let found = difference(Metric::Failed, &metrics, &metrics).unwrap();
        let Interval(low, high) = found.ci95.unwrap();
        assert!(found.is_none() && low < -0.6 && high > 0.6, "{found:?}");
        let other = difference(Metric::Failed, &metrics, &samples::replications(&[4, 3, 5, 0, 7, 4])).unwrap();
        assert!(!other.is_none() && other.mean.abs() < 1e-12, "as many more as fewer: {other:?}");
        assert_eq!(difference(Metric::Failed, &metrics[..1], &metrics[..1]).unwrap().ci95, None);
    }

    #[test]
    fn other_seeds_make_no_pairs() {
        let metrics = samples::replications(&[1, 2]);
        let first = samples::result("a", &metrics);
        let second = RunResult { seed: 2, ..samples::result("b", &metrics) };
        assert!(RunsResult::new(vec![first, second], &[&metrics, &metrics]).paired.is_empty());
    }

    #[test]
    fn one_replication_has_no_interval() {
        let result = samples::result("a", &samples::replications(&[3]));
        assert_eq!(result.metric(Metric::Failed).unwrap().ci95, None);
    }

    #[test]
    fn every_statistic_has_its_name() {
        let result = samples::result("a", &samples::replications(&[3, 5]));
        let summary = result.metric(Metric::Failed).unwrap();
        assert!(Summary::STATS.iter().all(|name| summary.stat(name).is_some()));
        assert_eq!(summary.stat("p99"), None);
    }
}
