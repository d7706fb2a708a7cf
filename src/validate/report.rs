//! The score as data: one versioned object, as the design documents it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::engine::StreamKey;
use crate::record::Metric;
use crate::validate::score::{Predictive, bias, coverage, crps_point};

/// What one metric of one scenario is scored by.
#[derive(Debug)]
pub struct Scored {
    /// Which metric.
    pub metric: Metric,
    /// The predictive distribution.
    pub predictive: Predictive,
    /// Observed runs: name and value.
    pub observed: Vec<(String, f64)>,
    /// Point forecasts by name.
    pub baselines: BTreeMap<&'static str, f64>,
}

/// One scenario with what is scored of it.
#[derive(Debug)]
pub struct ScoredScenario {
    /// Its name.
    pub name: String,
    /// Its client.
    pub client: String,
    /// Its metrics.
    pub metrics: Vec<Scored>,
}

/// The score of one metric, over one scenario or over all.
#[derive(Debug, Clone, Serialize)]
pub struct MetricScore {
    /// Share of the observed runs inside the central 50 % band.
    pub coverage50: Option<f64>,
    /// Inside the central 90 % band.
    pub coverage90: Option<f64>,
    /// The same without the scenarios whose outcome is deterministic (a 90 % band of one value).
    pub coverage90_random: Option<f64>,
    /// Relative difference of the means; absent where the mean observed is zero.
    pub bias: Option<f64>,
    /// Mean score; smaller is better.
    pub crps: f64,
    /// The same of point forecasts.
    pub crps_baselines: BTreeMap<&'static str, f64>,
    /// Mean of the observed runs.
    pub observed_mean: f64,
    /// Mean of the predictions for these runs.
    pub predicted_mean: f64,
    /// Observed runs.
    pub n: usize,
}

/// One observed run against its prediction.
#[derive(Debug, Clone, Serialize)]
pub struct RunScore {
    /// Which run.
    pub run: String,
    /// Which metric.
    pub metric: &'static str,
    /// The value observed.
    pub observed: f64,
    /// The predictive distribution's quantiles.
    pub p05: f64,
    /// The lower end of the central 50 % band.
    pub p25: f64,
    /// Median.
    pub p50: f64,
    /// The upper end of the central 50 % band.
    pub p75: f64,
    /// 95th percentile.
    pub p95: f64,
    /// Where the observed value falls, 0 to 1.
    pub pit: f64,
}

/// One scenario's part of the result.
#[derive(Debug, Clone, Serialize)]
pub struct ScenarioScore {
    /// Its name.
    pub scenario: String,
    /// Scores by metric.
    pub metrics: BTreeMap<&'static str, MetricScore>,
    /// Its runs.
    pub runs: Vec<RunScore>,
}

/// The result of `rollsim validate`.
#[derive(Debug, Clone, Serialize)]
pub struct ValidateResult {
    /// `rollsim/validate/v1`.
    pub schema: &'static str,
    /// The version that made it.
    pub version: &'static str,
    /// Replications a scenario.
    pub replications: u64,
    /// Scores by metric over all runs.
    pub metrics: BTreeMap<&'static str, MetricScore>,
    /// Scenario by scenario.
    pub scenarios: Vec<ScenarioScore>,
}

/// One pair of prediction and observation.
struct Pair<'a> {
    scored: &'a Scored,
    observed: f64,
}

impl ValidateResult {
    /// Scores all scenarios. `seed` is also that of the randomisation of the PIT at ties.
    pub fn new(scenarios: &[ScoredScenario], replications: u64, seed: u64) -> Self {
        let key = StreamKey { seed, replication: 0 };
        let all = || scenarios.iter().flat_map(|scenario| &scenario.metrics);
        ValidateResult {
            schema: "rollsim/validate/v1",
            version: env!("CARGO_PKG_VERSION"),
            replications,
            metrics: by_metric(all()),
            scenarios: scenarios.iter().enumerate().map(|(index, s)| scenario_score(s, index as u64, key)).collect(),
        }
    }

    /// The share of random outcomes of `metric` inside the 90 % band.
    pub fn coverage90(&self, metric: Metric) -> Option<f64> {
        self.metrics.get(metric.name())?.coverage90_random
    }
}

/// `n` uniform numbers between 0 and 1 for `purpose`, the same for the same seed.
pub fn shares(seed: u64, purpose: &str, n: usize) -> Vec<f64> {
    let mut stream = StreamKey { seed, replication: 0 }.stream("validate", purpose, 0);
    (0..n).map(|_| stream.uniform()).collect()
}

fn by_metric<'a>(scored: impl Iterator<Item = &'a Scored>) -> BTreeMap<&'static str, MetricScore> {
    let mut pairs: BTreeMap<&'static str, Vec<Pair<'a>>> = BTreeMap::new();
    for scored in scored {
        let of_metric = pairs.entry(scored.metric.name()).or_default();
        of_metric.extend(scored.observed.iter().map(|(_, observed)| Pair { scored, observed: *observed }));
    }
    pairs.into_iter().filter(|(_, pairs)| !pairs.is_empty()).map(|(name, pairs)| (name, metric_score(&pairs))).collect()
}

fn metric_score(pairs: &[Pair<'_>]) -> MetricScore {
    let n = pairs.len() as f64;
    let hits = |level: f64, keep: &dyn Fn(&Pair<'_>) -> bool| {
        let hit = |pair: &Pair<'_>| pair.scored.predictive.band(level).holds(pair.observed);
        coverage(&pairs.iter().filter(|pair| keep(pair)).map(hit).collect::<Vec<_>>())
    };
    let means: Vec<(f64, f64)> = pairs.iter().map(|pair| (pair.scored.predictive.mean(), pair.observed)).collect();
    MetricScore {
        coverage50: hits(0.5, &|_| true),
        coverage90: hits(0.9, &|_| true),
        coverage90_random: hits(0.9, &|pair| !pair.scored.is_deterministic()),
        bias: bias(&means),
        crps: pairs.iter().map(|pair| pair.scored.predictive.crps(pair.observed)).sum::<f64>() / n,
        crps_baselines: baseline_scores(pairs),
        observed_mean: means.iter().map(|(_, observed)| observed).sum::<f64>() / n,
        predicted_mean: means.iter().map(|(predicted, _)| predicted).sum::<f64>() / n,
        n: pairs.len(),
    }
}

/// The mean error of each point forecast over the runs that have one.
fn baseline_scores(pairs: &[Pair<'_>]) -> BTreeMap<&'static str, f64> {
    let mut errors: BTreeMap<&'static str, Vec<f64>> = BTreeMap::new();
    for pair in pairs {
        for (name, forecast) in &pair.scored.baselines {
            errors.entry(name).or_default().push(crps_point(*forecast, pair.observed));
        }
    }
    errors.into_iter().map(|(name, errors)| (name, errors.iter().sum::<f64>() / errors.len() as f64)).collect()
}

impl Scored {
    /// Whether the outcome is the same in nine of ten replications.
    fn is_deterministic(&self) -> bool {
        let band = self.predictive.band(0.9);
        band.high - band.low <= 0.0
    }
}

fn scenario_score(scenario: &ScoredScenario, index: u64, key: StreamKey) -> ScenarioScore {
    let mut luck = key.stream("validate", "pit", index);
    let mut runs = Vec::new();
    for scored in &scenario.metrics {
        for (run, observed) in &scored.observed {
            let predictive = &scored.predictive;
            let (band, half) = (predictive.band(0.9), predictive.band(0.5));
            runs.push(RunScore {
                run: run.clone(),
                metric: scored.metric.name(),
                observed: *observed,
                p05: band.low,
                p25: half.low,
                p50: predictive.quantile(0.5),
                p75: half.high,
                p95: band.high,
                pit: predictive.pit(*observed, luck.uniform()),
            });
        }
    }
    ScenarioScore { scenario: scenario.name.clone(), metrics: by_metric(scenario.metrics.iter()), runs }
}
