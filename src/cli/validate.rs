//! `rollsim validate`: the model against measured rollouts, scored.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::args::{ValidateArgs, ValidateFormat};
use super::failure::Failure;
use super::progress::Progress;
use super::{folders, print, published};
use crate::measured::{self, MeasuredRun, Observed};
use crate::record::{FailureKind, Metric, Metrics};
use crate::replications::{self, Plan};
use crate::report::picture::{
    self,
    score::{Score, ScoreColumn, ScoreRow},
};
use crate::report::sink::Folder;
use crate::run::Estimator;
use crate::scenario::{self, Source};
use crate::validate::{self, PodFact, Predictive, RunScore, ScenarioScore, Scored, ScoredScenario, ValidateResult};

/// The measurements that come with the program.
const RUNS: &str = include_str!("../../tests/data/measurements/runs.csv");
const PODS: &str = include_str!("../../tests/data/measurements/pods.csv");
/// The delays of the measured machine, fitted to its delays.
const DELAYS: &str = include_str!("../../tests/data/measurements/delays.toml");

/// The texts of a folder of measurements.
struct Data {
    name: String,
    runs: String,
    pods: Option<String>,
    delays: String,
}

/// Runs the command.
pub(super) fn run(args: &ValidateArgs) -> Result<(), Failure> {
    if args.published {
        return published::run(args);
    }
    let data = read(args)?;
    let folder = folders::prepare(args.output.out.as_deref(), &["validate"])?.pop().flatten();
    let runs = measured::read_runs(&data.name, &data.runs).map_err(|error| Failure::BadRequest(error.to_string()))?;
    let scored = score(args, &data, &runs)?;
    let result = ValidateResult::new(&scored, args.replications.into(), args.seed);
    print::result(&match args.format {
        ValidateFormat::Table => validate::table(&result),
        ValidateFormat::Json => crate::report::json::render(&result),
    })?;
    if let Some(folder) = &folder {
        write(&result, folder)?;
        if !args.output.quiet {
            print::note(&format!("written: {}", folder.path().display()));
        }
    }
    gate(args, &result)
}

fn write(result: &ValidateResult, folder: &Folder) -> Result<(), Failure> {
    folder.write("validate.json", crate::report::json::render(result).as_bytes())?;
    let picture = picture_of(result);
    folder.write("score.svg", picture::score::score_svg(&picture).as_bytes())?;
    #[cfg(feature = "png")]
    match picture::score::score_png(&picture) {
        Ok(png) => folder.write("score.png", &png)?,
        Err(error) => print::note(&format!("score.png could not be drawn: {error}")),
    }
    Ok(())
}

/// What the picture needs of the score.
fn picture_of(result: &ValidateResult) -> Score {
    let columns = [
        (Metric::Failed, "requests failed", "requests"),
        (Metric::ConnectionsOpened, "connections opened", "connections"),
        (Metric::RolloutDurationS, "rollout duration", "seconds"),
    ];
    let column = |(metric, title, unit): (Metric, &str, &str)| ScoreColumn {
        title: title.to_owned(),
        unit: unit.to_owned(),
        rows: result.scenarios.iter().map(|scenario| row_of(scenario, metric)).collect(),
        pits: result.scenarios.iter().flat_map(|scenario| of(scenario, metric)).map(|run| run.pit).collect(),
    };
    Score {
        replications: result.replications,
        scenarios: result.scenarios.iter().map(|scenario| scenario.scenario.clone()).collect(),
        columns: columns.map(column).into(),
    }
}

fn of(scenario: &ScenarioScore, metric: Metric) -> impl Iterator<Item = &RunScore> {
    scenario.runs.iter().filter(move |run| run.metric == metric.name())
}

/// All runs of a scenario have the same prediction.
fn row_of(scenario: &ScenarioScore, metric: Metric) -> Option<ScoreRow> {
    let first = of(scenario, metric).next()?;
    Some(ScoreRow {
        band90: (first.p05, first.p95),
        band50: (first.p25, first.p75),
        median: first.p50,
        observed: of(scenario, metric).map(|run| run.observed).collect(),
    })
}

fn read(args: &ValidateArgs) -> Result<Data, Failure> {
    let delays = match &args.delays {
        Some(path) => text_of(Path::new(path))?,
        None => DELAYS.to_owned(),
    };
    let Some(folder) = &args.data else {
        return Ok(Data { name: "runs.csv".into(), runs: RUNS.into(), pods: Some(PODS.into()), delays });
    };
    let path = Path::new(folder).join("runs.csv");
    let pods = Path::new(folder).join("pods.csv");
    let pods = pods.exists().then(|| text_of(&pods)).transpose()?;
    Ok(Data { name: path.display().to_string(), runs: text_of(&path)?, pods, delays })
}

fn text_of(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path)
        .map_err(|error| Failure::Environment(vec![format!("failed to read {}: {error}", path.display())]))
}

/// Simulates every measured scenario and pairs what came out with what was observed.
fn score(args: &ValidateArgs, data: &Data, runs: &[MeasuredRun]) -> Result<Vec<ScoredScenario>, Failure> {
    let groups = by_scenario(runs);
    let baselines = Baselines::new(runs, data.pods.as_deref())?;
    let progress = Progress::new(groups.len() as u64 * u64::from(args.replications), args.output.quiet);
    let one = |(name, group): &(String, Vec<&MeasuredRun>)| {
        let metrics = simulate(args, data, group[0], &progress)?;
        let looks = validate::shares(args.seed, "look", metrics.len());
        let recorded: Vec<Metrics> = metrics.iter().zip(looks).map(|(run, u)| measured::as_recorded(run, u)).collect();
        Ok(scored_scenario(name, group, &recorded, &baselines))
    };
    groups.iter().map(one).collect()
}

/// The runs of each scenario, in the order of the file.
fn by_scenario(runs: &[MeasuredRun]) -> Vec<(String, Vec<&MeasuredRun>)> {
    let mut groups: Vec<(String, Vec<&MeasuredRun>)> = Vec::new();
    for run in runs {
        match groups.iter_mut().find(|(name, _)| *name == run.scenario) {
            Some((_, group)) => group.push(run),
            None => groups.push((run.scenario.clone(), vec![run])),
        }
    }
    groups
}

fn simulate(args: &ValidateArgs, data: &Data, run: &MeasuredRun, progress: &Progress) -> Result<Vec<Metrics>, Failure> {
    let text = measured::scenario_text(run, &data.delays);
    replicate(args, &Source::new(format!("{} of {}", run.scenario, data.name), text), progress)
}

/// The replications of a scenario that is in the program or was made by it.
pub(super) fn replicate(args: &ValidateArgs, source: &Source, progress: &Progress) -> Result<Vec<Metrics>, Failure> {
    let settled = scenario::read(source, &[format!("run.seed={}", args.seed)]);
    let (scenario, _) = settled.map_err(|problems| Failure::BadInput { problems, as_json: false })?;
    let plan = Plan {
        replications: args.replications.into(),
        threads: args.threads.number(),
        precision: None,
        check: false,
        estimator: Estimator::EveryRequest,
        series: false,
    };
    Ok(replications::replicate(&scenario, &plan, &progress.piece())?.metrics)
}

fn scored_scenario(name: &str, group: &[&MeasuredRun], metrics: &[Metrics], baselines: &Baselines) -> ScoredScenario {
    let scored = |metric: Metric| {
        let values = metrics.iter().filter_map(|run| run.get(metric)).collect();
        let observed: Vec<_> =
            group.iter().filter_map(|run| Some((run.run.clone(), Observed::of(run).get(metric)?))).collect();
        let baselines = if metric == Metric::Failed { baselines.forecasts(group[0]) } else { BTreeMap::new() };
        Some(Scored { metric, predictive: Predictive::new(values)?, observed, baselines })
    };
    let totals = [Metric::Failed, Metric::ConnectionsOpened, Metric::RolloutDurationS];
    let kinds = FailureKind::ALL.into_iter().map(FailureKind::metric);
    let metrics = totals.into_iter().chain(kinds).filter_map(scored).collect();
    ScoredScenario { name: name.to_owned(), client: group[0].client.clone(), metrics }
}

/// What the point forecasts are made of.
struct Baselines {
    failed: Vec<(String, String, f64)>,
    pods: Vec<PodFact>,
}

#[derive(Deserialize)]
struct PodRow {
    scenario: String,
    generation: String,
    exit_s: String,
    rule_out_s: String,
}

impl Baselines {
    fn new(runs: &[MeasuredRun], pods: Option<&str>) -> Result<Baselines, Failure> {
        let failed = |run: &MeasuredRun| (run.scenario.clone(), run.client.clone(), Observed::of(run).failed());
        let mut facts = Vec::new();
        for row in csv::Reader::from_reader(pods.unwrap_or_default().as_bytes()).deserialize() {
            let row: PodRow = row.map_err(|error| Failure::BadRequest(format!("pods.csv: {error}")))?;
            facts.extend(pod_fact(&row, runs));
        }
        Ok(Baselines { failed: runs.iter().map(failed).collect(), pods: facts })
    }

    fn forecasts(&self, run: &MeasuredRun) -> BTreeMap<&'static str, f64> {
        let pooled = validate::pooled_average(&self.failed, &run.scenario, &run.client);
        let window = validate::window_rate(&self.pods, &run.scenario, run.rate_rps, run.replicas, hook_s(run));
        let named = [("pooled_average", pooled), ("window_rate", window)];
        named.into_iter().filter_map(|(name, forecast)| Some((name, forecast?))).collect()
    }
}

/// An old pod whose exit and rule were both seen.
fn pod_fact(row: &PodRow, runs: &[MeasuredRun]) -> Option<PodFact> {
    let (exit, out): (f64, f64) = (row.exit_s.parse().ok()?, row.rule_out_s.parse().ok()?);
    let run = runs.iter().find(|run| run.scenario == row.scenario)?;
    (row.generation == "old").then(|| PodFact {
        scenario: row.scenario.clone(),
        exit_to_rule_out_s: out - exit,
        hook_s: hook_s(run),
    })
}

/// Seconds that the hook keeps the pod serving.
fn hook_s(run: &MeasuredRun) -> f64 {
    run.prestop.rsplit_once("sleep ").and_then(|(_, seconds)| seconds.trim().parse().ok()).unwrap_or(0.0)
}

fn gate(args: &ValidateArgs, result: &ValidateResult) -> Result<(), Failure> {
    let Some(least) = args.min_coverage else { return Ok(()) };
    let totals = [Metric::Failed, Metric::ConnectionsOpened, Metric::RolloutDurationS];
    let low = totals.into_iter().filter_map(|metric| {
        let coverage = result.coverage90(metric)?;
        (coverage < least).then(|| format!("{}: the 90 % band covers {coverage:.2}, less than {least}", metric.name()))
    });
    let low: Vec<String> = low.collect();
    if low.is_empty() { Ok(()) } else { Err(Failure::Gates(low)) }
}
