//! `rollsim validate --published`: the model against published experiments. A miss is a finding, not an error.

use std::collections::BTreeMap;

use super::args::{ValidateArgs, ValidateFormat};
use super::failure::Failure;
use super::print;
use super::progress::Progress;
use super::validate::replicate as replicate_scenario;
use crate::record::{Metric, Metrics};

use crate::report::json;
use crate::scenario::Source;
use crate::validate::{self, Experiment, Figure, FigureResult, Predictive, PublishedResult, PublishedRow};

/// The list of experiments.
const LIST: &str = include_str!("../../tests/data/published.toml");

/// The scenarios that the list names.
const SCENARIOS: [(&str, &str); 31] = [
    ("article-no-hook", include_str!("../../scenarios/article-no-hook.toml")),
    ("article-with-hook", include_str!("../../scenarios/article-with-hook.toml")),
    ("published/pe-11", include_str!("../../scenarios/published/pe-11.toml")),
    ("published/pe-12", include_str!("../../scenarios/published/pe-12.toml")),
    ("published/pe-13-node-port", include_str!("../../scenarios/published/pe-13-node-port.toml")),
    ("published/pe-13-cluster-ip", include_str!("../../scenarios/published/pe-13-cluster-ip.toml")),
    ("published/pe-16", include_str!("../../scenarios/published/pe-16.toml")),
    ("published/pe-29-30-sets", include_str!("../../scenarios/published/pe-29-30-sets.toml")),
    ("published/pe-29-150-sets", include_str!("../../scenarios/published/pe-29-150-sets.toml")),
    ("published/pe-36-no-hook", include_str!("../../scenarios/published/pe-36-no-hook.toml")),
    ("published/pe-36-hook-70", include_str!("../../scenarios/published/pe-36-hook-70.toml")),
    ("published/pe-47", include_str!("../../scenarios/published/pe-47.toml")),
    ("published/pe-04", include_str!("../../scenarios/published/pe-04.toml")),
    ("published/pe-05", include_str!("../../scenarios/published/pe-05.toml")),
    ("published/pe-19", include_str!("../../scenarios/published/pe-19.toml")),
    ("published/pe-21", include_str!("../../scenarios/published/pe-21.toml")),
    ("published/pe-22", include_str!("../../scenarios/published/pe-22.toml")),
    ("published/pe-23", include_str!("../../scenarios/published/pe-23.toml")),
    ("published/pe-30", include_str!("../../scenarios/published/pe-30.toml")),
    ("published/pe-32", include_str!("../../scenarios/published/pe-32.toml")),
    ("published/pe-39-no-gate", include_str!("../../scenarios/published/pe-39-no-gate.toml")),
    ("published/pe-39-gate", include_str!("../../scenarios/published/pe-39-gate.toml")),
    ("published/pe-52", include_str!("../../scenarios/published/pe-52.toml")),
    ("published/pe-27-up", include_str!("../../scenarios/published/pe-27-up.toml")),
    ("published/pe-27-down", include_str!("../../scenarios/published/pe-27-down.toml")),
    ("published/pe-46", include_str!("../../scenarios/published/pe-46.toml")),
    ("published/pe-53", include_str!("../../scenarios/published/pe-53.toml")),
    ("published/pe-48", include_str!("../../scenarios/published/pe-48.toml")),
    ("published/pe-49-full-surge", include_str!("../../scenarios/published/pe-49-full-surge.toml")),
    ("published/pe-50-hook", include_str!("../../scenarios/published/pe-50-hook.toml")),
    ("published/pe-49-one-at-a-time", include_str!("../../scenarios/published/pe-49-one-at-a-time.toml")),
];

/// Runs the command.
pub(super) fn run(args: &ValidateArgs) -> Result<(), Failure> {
    let experiments = validate::experiments(LIST).map_err(|error| Failure::BadRequest(error.to_string()))?;
    let simulated = simulate(args, &experiments)?;
    let rows = experiments.into_iter().map(|experiment| row(experiment, &simulated)).collect::<Result<_, _>>()?;
    let result = PublishedResult::new(rows, args.replications.into());
    print::result(&match args.format {
        ValidateFormat::Table => validate::published_table(&result),
        ValidateFormat::Json => json::render(&result),
    })
}

/// Simulates each scenario that is named once.
fn simulate<'a>(args: &ValidateArgs, experiments: &'a [Experiment]) -> Result<BTreeMap<String, Vec<Metrics>>, Failure> {
    let mut names: Vec<&'a str> =
        experiments.iter().flat_map(|one| &one.figure).map(|figure| figure.scenario.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let progress = Progress::new(names.len() as u64 * u64::from(args.replications), args.output.quiet);
    names.into_iter().map(|name| Ok((name.to_owned(), replicate(args, name, &progress)?))).collect()
}

fn replicate(args: &ValidateArgs, name: &str, progress: &Progress) -> Result<Vec<Metrics>, Failure> {
    let Some((_, text)) = SCENARIOS.iter().find(|(other, _)| *other == name) else {
        return Err(Failure::BadRequest(format!("the scenario {name} is not in the program")));
    };
    replicate_scenario(args, &Source::new(format!("scenarios/{name}.toml"), *text), progress)
}

fn row(experiment: Experiment, simulated: &BTreeMap<String, Vec<Metrics>>) -> Result<PublishedRow, Failure> {
    let figures = experiment.figure.iter().map(|figure| {
        judged(figure, simulated)
            .ok_or_else(|| Failure::BadRequest(format!("{}: no replication gives {}", experiment.id, figure.metric)))
    });
    let figures = figures.collect::<Result<_, _>>()?;
    Ok(PublishedRow::new(experiment, figures))
}

fn judged(figure: &Figure, simulated: &BTreeMap<String, Vec<Metrics>>) -> Option<FigureResult> {
    let metric = figure.metric()?;
    let values = simulated.get(&figure.scenario)?.iter().filter_map(|metrics| value(metrics, metric)).collect();
    Some(FigureResult::new(figure, metric, &Predictive::new(values)?))
}

/// A rollout that loses nothing has no failing window: of length zero, not unknown.
fn value(metrics: &Metrics, metric: Metric) -> Option<f64> {
    metrics.get(metric).or((metric == Metric::FailureSpanS).then_some(0.0))
}
