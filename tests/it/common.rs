//! What several tests share: scenarios by text, replications, intervals.

use rollsim::model::spec::Scenario;
use rollsim::record::{Metric, Metrics};
use rollsim::replications::{Plan, replicate};
use rollsim::run::Estimator;
use rollsim::scenario::{self, Source};

/// The half-width of a 99.9 % interval in standard errors: a correct test with a fixed seed fails for one seed in 1,000.
const Z999: f64 = 3.29;

/// The full count where `ROLLSIM_SLOW` is set, as in CI; else the quick one.
pub(crate) fn count(quick: u32, slow: u32) -> u32 {
    if std::env::var_os("ROLLSIM_SLOW").is_some() { slow } else { quick }
}

/// A scenario from its text.
pub(crate) fn scenario(text: &str, sets: &[&str]) -> Scenario {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    match scenario::read(&Source::new("test.toml", text), &sets) {
        Ok((scenario, _)) => scenario,
        Err(problems) => panic!("{}", scenario::render(&problems, false)),
    }
}

/// A shipped scenario.
pub(crate) fn shipped(name: &str, sets: &[&str]) -> Scenario {
    scenario(&std::fs::read_to_string(format!("scenarios/{name}.toml")).unwrap(), sets)
}

/// The metrics of `n` replications, invariants checked.
pub(crate) fn runs(scenario: &Scenario, n: u32) -> Vec<Metrics> {
    let plan = Plan {
        replications: n.into(),
        threads: None,
        precision: None,
        check: true,
        estimator: Estimator::EveryRequest,
        series: false,
    };
    replicate(scenario, &plan, &|_| ()).unwrap().metrics
}

/// The values of one metric, where it happened.
pub(crate) fn values(runs: &[Metrics], metric: Metric) -> Vec<f64> {
    runs.iter().filter_map(|run| run.get(metric)).collect()
}

/// A mean with the half-width of its 99.9 % interval.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Estimate {
    pub(crate) mean: f64,
    pub(crate) half_width: f64,
}

impl Estimate {
    pub(crate) fn of(values: &[f64]) -> Estimate {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
        Estimate { mean, half_width: Z999 * (variance / n).sqrt() }
    }

    /// Fails unless the interval holds `expected`, itself known to `± slack`.
    pub(crate) fn must_hold(&self, what: &str, expected: f64, slack: f64) {
        let off = (self.mean - expected).abs();
        assert!(
            off <= self.half_width + slack,
            "{what}: {} ± {} against {expected} ± {slack}",
            self.mean,
            self.half_width
        );
    }
}
