//! `rollsim sensitivity`: which inputs decide a metric.

use super::args::{SensitivityArgs, SensitivityFormat, SensitivityMethod};
use super::failure::Failure;
use super::progress::Progress;
use super::{folders, input, print};
use crate::model::spec::Scenario;
use crate::record::Metric;
use crate::replications;
use crate::report::{json, picture};
use crate::run::Options;
use crate::sensitivity::inputs::{self, Input};
use crate::sensitivity::missing::{self, Value};
use crate::sensitivity::{self, InputResult, SCHEMA, Sensitivity, design, morris, sobol};
use crate::stats;

/// Runs the command.
pub(super) fn run(args: &SensitivityArgs) -> Result<(), Failure> {
    let metric = metric(&args.metric)?;
    let study = Study::new(args, metric)?;
    let folder = folders::prepare(args.output.out.as_deref(), &[&study.base.name])?.pop().flatten();
    let found = study.answer(args)?;
    if let Some(folder) = &folder {
        folder.write("sensitivity.json", json::render(&found).as_bytes())?;
        let chart = sensitivity::tornado(&found);
        folder.write("sensitivity.svg", picture::chart_svg(&chart).as_bytes())?;
        #[cfg(feature = "png")]
        match picture::chart_png(&chart) {
            Ok(png) => folder.write("sensitivity.png", &png)?,
            Err(error) => print::note(&format!("sensitivity.png could not be drawn: {error}")),
        }
    }
    print::result(&match args.format {
        SensitivityFormat::Text => sensitivity::render(&found),
        SensitivityFormat::Json => json::render(&found),
    })?;
    if let Some(folder) = folder.filter(|_| !args.output.quiet) {
        print::note(&format!("written: {}", folder.path().display()));
    }
    Ok(())
}

fn metric(name: &str) -> Result<Metric, Failure> {
    let found = Metric::ALL.iter().copied().find(|metric| metric.name() == name);
    let names: Vec<&str> = Metric::ALL.iter().map(|metric| metric.name()).collect();
    found.ok_or_else(|| Failure::BadRequest(format!("there is no metric {name}; there are {}", names.join(", "))))
}

/// A scenario with the inputs that are varied.
struct Study<'a> {
    args: &'a SensitivityArgs,
    texts: Vec<(String, Vec<u8>)>,
    base: Scenario,
    inputs: Vec<Input>,
    metric: Metric,
}

/// The metric at the points of a design.
struct Values {
    means: Vec<f64>,
    /// What to know of them.
    warning: Option<String>,
}

impl<'a> Study<'a> {
    fn new(args: &'a SensitivityArgs, metric: Metric) -> Result<Study<'a>, Failure> {
        let texts = input::read_all(std::slice::from_ref(&args.file))?;
        let json = args.format == SensitivityFormat::Json;
        let base = input::settle(&texts, &args.changes.as_sets(None), json)?.swap_remove(0);
        if !args.output.quiet {
            print::problems(&crate::scenario::render(&base.problems, true));
        }
        let base = base.scenario;
        let parsed = Input::parse_all(&args.vary, &base).map_err(|error| Failure::BadRequest(error.to_string()))?;
        let inputs = if parsed.is_empty() { inputs::defaults(&base) } else { parsed };
        Ok(Study { args, texts, base, inputs, metric })
    }

    fn answer(&self, args: &SensitivityArgs) -> Result<Sensitivity, Failure> {
        let (seed, inputs) = (self.base.run.seed, self.inputs.len());
        let (points, Values { means, warning }, variance, mut found) = match args.method {
            SensitivityMethod::Sobol => {
                let design = design::sobol(inputs, args.points.unwrap_or(256) as usize, seed);
                let values = self.evaluate(&design.points)?;
                let (variance, all) = sobol::indices(&design, &values.means, seed).unzip();
                let rows = all.map_or_else(|| self.unvarying(), |all| self.rows(all, InputResult::sobol));
                (design.rows, values, variance, rows)
            }
            SensitivityMethod::Morris => {
                let design = design::morris(inputs, args.points.unwrap_or(20) as usize, seed);
                let values = self.evaluate(&design.points)?;
                let rows = self.rows(morris::effects(&design, &values.means), InputResult::morris);
                (design.steps.len(), values, None, rows)
            }
        };
        found.sort_by(|one, other| other.importance().total_cmp(&one.importance()));
        Ok(Sensitivity {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            scenario: self.base.name.clone(),
            seed,
            method: if args.method == SensitivityMethod::Sobol { "sobol" } else { "morris" },
            metric: self.metric.name(),
            points,
            evaluations: means.len(),
            replications: args.replications,
            variance,
            inputs: found,
            warnings: warning.into_iter().collect(),
        })
    }

    fn rows<T>(&self, all: Vec<T>, row: fn(&Input, &T) -> InputResult) -> Vec<InputResult> {
        self.inputs.iter().zip(&all).map(|(input, one)| row(input, one)).collect()
    }

    /// The inputs of a metric that does not vary.
    fn unvarying(&self) -> Vec<InputResult> {
        self.inputs.iter().map(InputResult::named).collect()
    }

    /// The metric at each point; refused if it did not happen at one.
    fn evaluate(&self, points: &[Vec<f64>]) -> Result<Values, Failure> {
        let values = self.simulate(points)?;
        let (metric, replications) = (self.metric.name(), self.args.replications);
        let refusal = missing::refusal(metric, replications, &self.inputs, points, &values);
        refusal.map_or(Ok(()), |why| Err(Failure::BadRequest(why)))?;
        let warning = missing::warning(metric, replications, &values);
        Ok(Values { means: values.iter().filter_map(|value| value.mean).collect(), warning })
    }

    /// The mean of the metric at each point. Points are settled one by one, so that a bad one is refused like any scenario.
    fn simulate(&self, points: &[Vec<f64>]) -> Result<Vec<Value>, Failure> {
        let progress = Progress::new(points.len() as u64 * u64::from(self.args.replications), self.args.output.quiet);
        let piece = progress.piece();
        let mean = |point: &Vec<f64>| {
            let scenario = self.scenario_at(point)?;
            let values =
                replications::each(&scenario, 0..self.args.replications.into(), Options::default(), &|output| {
                    piece(1);
                    output.metrics.get(self.metric)
                });
            let values: Vec<f64> = values.into_iter().flatten().collect();
            Ok(Value { mean: stats::mean(&values).map(|mean| mean.mean), happened: values.len() })
        };
        replications::on_threads(self.args.threads.number(), || points.iter().map(mean).collect())?
    }

    fn scenario_at(&self, point: &[f64]) -> Result<Scenario, Failure> {
        let mut sets = self.args.changes.as_sets(None);
        sets.extend(self.inputs.iter().zip(point).map(|(input, u)| input.set(*u)));
        let json = self.args.format == SensitivityFormat::Json;
        Ok(input::settle(&self.texts, &sets, json)?.swap_remove(0).scenario)
    }
}
