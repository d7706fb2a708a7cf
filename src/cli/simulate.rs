//! The long work of `run` and of the built-in comparison: replications of each scenario, and of each ablation.

use super::failure::Failure;
use super::input::Input;
use super::progress::Progress;
use crate::model::spec::{Mechanism, Scenario};
use crate::record::Metrics;
use crate::replications::{self, Plan, Replicated};
use crate::report::result::Identity;
use crate::report::{Ablation, FAILURES_ONLY, RunResult, RunsResult, SeriesResult};
use crate::run::{Estimator, Refusal, refusals};

/// How to simulate.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct How {
    pub(super) precision: Option<f64>,
    pub(super) threads: Option<usize>,
    pub(super) check: bool,
    pub(super) estimator: Estimator,
    pub(super) ablate: bool,
    pub(super) series: bool,
    pub(super) quiet: bool,
}

/// A result with the replications it rests on.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) result: RunResult,
    pub(super) replications: Vec<Metrics>,
    /// Whether the precision asked for was reached.
    pub(super) precise: bool,
}

impl How {
    fn plan(&self, replications: u64) -> Plan {
        Plan {
            replications,
            threads: self.threads,
            precision: self.precision,
            check: self.check,
            estimator: self.estimator,
            series: self.series,
        }
    }
}

/// Simulates all scenarios, one after the other.
pub(super) fn all(inputs: &[Input], how: How) -> Result<Vec<Measured>, Failure> {
    if how.estimator == Estimator::FailuresOnly {
        refuse(inputs, how)?;
    }
    let progress = Progress::new(inputs.iter().map(|input| total(&input.scenario, how)).sum(), how.quiet);
    inputs.iter().map(|input| one(input, how, &progress)).collect()
}

/// The estimator of failures is exact or refused.
fn refuse(inputs: &[Input], how: How) -> Result<(), Failure> {
    let of = |input: &Input| {
        let name = input.scenario.name.clone();
        let line =
            move |refusal: Refusal| format!("{name}: {} stands against {FAILURES_ONLY}: {}", refusal.key, refusal.why);
        refusals(&input.scenario).into_iter().map(line)
    };
    let mut lines: Vec<String> = inputs.iter().flat_map(of).collect();
    if how.ablate {
        lines.push(format!("--ablate stands against {FAILURES_ONLY}: mechanisms are switched off that it relies on"));
    }
    if how.series {
        lines.push(format!("--series stands against {FAILURES_ONLY}: not every second is simulated"));
    }
    if lines.is_empty() { Ok(()) } else { Err(Failure::BadRequest(lines.join("\n       "))) }
}

fn total(scenario: &Scenario, how: How) -> u64 {
    let variants = if how.ablate { mechanisms(scenario).count() as u64 } else { 0 };
    u64::from(scenario.run.replications) * (1 + variants)
}

/// The mechanisms that are on.
fn mechanisms(scenario: &Scenario) -> impl Iterator<Item = Mechanism> + use<> {
    let off = scenario.without;
    Mechanism::ALL.into_iter().filter(move |&mechanism| !off.has(mechanism))
}

fn one(input: &Input, how: How, progress: &Progress) -> Result<Measured, Failure> {
    let scenario = &input.scenario;
    let plan = how.plan(scenario.run.replications.into());
    let Replicated { metrics, digest, precise, series } = replications::replicate(scenario, &plan, &progress.piece())?;
    let identity = Identity { scenario: &scenario.name, seed: scenario.run.seed, digest: digest.value() };
    let mut result = RunResult::new(&identity, &metrics, input.warnings());
    result.assumptions.clone_from(&input.assumptions);
    if how.estimator == Estimator::FailuresOnly {
        result.name_estimator(FAILURES_ONLY);
    }
    result.series = series.as_ref().map(SeriesResult::new);
    if how.ablate {
        result.ablation = ablations(scenario, &metrics, how, progress)?;
    }
    Ok(Measured { result, replications: metrics, precise })
}

/// As many replications without a mechanism as with it, so that each has its pair.
fn ablations(scenario: &Scenario, whole: &[Metrics], how: How, progress: &Progress) -> Result<Vec<Ablation>, Failure> {
    let plan = Plan { precision: None, series: false, ..how.plan(whole.len() as u64) };
    let without = |mechanism: Mechanism| {
        let scenario = Scenario { without: scenario.without.with(mechanism), ..scenario.clone() };
        let replicated = replications::replicate(&scenario, &plan, &progress.piece())?;
        Ok(Ablation::new(mechanism.name(), whole, &replicated.metrics))
    };
    mechanisms(scenario).map(without).collect()
}

/// As many replications of a scenario as another one took, so that each has its pair.
pub(super) fn as_many(input: &Input, how: How, replications: usize) -> Result<Measured, Failure> {
    let mut input = input.clone();
    input.scenario.run.replications = u32::try_from(replications).unwrap_or(u32::MAX);
    Ok(all(&[input], How { precision: None, ..how })?.swap_remove(0))
}

/// The results side by side.
pub(super) fn together(measured: &[Measured]) -> RunsResult {
    let runs = measured.iter().map(|one| one.result.clone()).collect();
    let replications: Vec<&[Metrics]> = measured.iter().map(|one| one.replications.as_slice()).collect();
    RunsResult::new(runs, &replications)
}
