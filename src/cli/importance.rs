//! `rollsim run --estimator importance`: rare losses, by weighted replications.

use super::args::{Format, RunArgs};
use super::failure::Failure;
use super::input::Input;
use super::progress::Progress;
use super::{folders, input, print};
use crate::importance::{self, Estimate, Sampled};
use crate::record::{FailureKind, Metric};
use crate::replications;
use crate::report::json;
use crate::report::weighted::{self, ANY_FAILED, NotForced, SCHEMA, WeightedEstimate, WeightedResult};
use crate::scenario;

/// Runs the command.
pub(super) fn run(args: &RunArgs) -> Result<(), Failure> {
    refuse_what_does_not_fit(args)?;
    let sets = args.changes.as_sets(args.replications);
    let input = input::load_one(&args.files[0], &args.manifests, &sets, args.format == Format::Json)?;
    if !args.output.quiet {
        print::problems(&scenario::render(&input.problems, true));
    }
    let folder = folders::prepare(args.output.out.as_deref(), &[&input.scenario.name])?.pop().flatten();
    let found = sample(args, &input)?;
    if let Some(folder) = &folder {
        folder.write("importance.json", json::render(&found).as_bytes())?;
        folder.write("scenario.toml", scenario::settled_toml(&input.scenario).as_bytes())?;
    }
    print::result(&if args.format == Format::Json { json::render(&found) } else { weighted::render(&found) })?;
    if !args.output.quiet {
        // The doubts about the file have been printed.
        let of_estimates = found.warnings.len() - input.problems.len();
        found.warnings[..of_estimates].iter().for_each(|warning| print::note(&format!("warning: {warning}")));
        folder.iter().for_each(|folder| print::note(&format!("written: {}", folder.path().display())));
    }
    Ok(())
}

/// Quantiles, pairs and gates are not defined for weighted replications.
fn refuse_what_does_not_fit(args: &RunArgs) -> Result<(), Failure> {
    let fits = args.files.len() == 1 && matches!(args.format, Format::Table | Format::Json);
    let alone = args.against.is_empty() && !args.watch;
    let plain =
        alone && args.precision.is_none() && !args.ablate && !args.check && !args.series && args.fail_if.is_empty();
    if fits && plain {
        return Ok(());
    }
    let message = "--estimator importance takes one scenario, --format table or json, and none of --against, --watch, --precision, \
                   --ablate, --check, --series and --fail-if";
    Err(Failure::BadRequest(message.to_owned()))
}

fn sample(args: &RunArgs, input: &Input) -> Result<WeightedResult, Failure> {
    let scenario = &input.scenario;
    let progress = Progress::new(scenario.run.replications.into(), args.output.quiet);
    let piece = progress.piece();
    let sampled = replications::on_threads(args.threads.number(), || {
        importance::sample(scenario, scenario.run.replications.into(), &piece)
    })?;
    Ok(result(input, &sampled))
}

fn result(input: &Input, sampled: &Sampled) -> WeightedResult {
    let scenario = &input.scenario;
    let kinds = FailureKind::ALL.into_iter().map(FailureKind::metric);
    let counts = [Metric::Failed].into_iter().chain(kinds).chain([Metric::Retried, Metric::ExposedShareS]);
    let all: Vec<(&'static str, Estimate)> =
        counts.filter_map(|metric| Some((metric.name(), sampled.mean(metric)?))).collect();
    let any = sampled.any_failed().map(|estimate| (ANY_FAILED, estimate));
    let weights = all.first().map(|(_, estimate)| estimate.weighted);
    let estimates: Vec<WeightedEstimate> = all
        .iter()
        .chain(&any)
        .map(|(name, one)| WeightedEstimate::new(name, &one.weighted, one.gain, one.is_sound()))
        .filter(|estimate| estimate.hits > 0 || ["failed", ANY_FAILED].contains(&estimate.name))
        .collect();
    let doubts = estimates.iter().filter_map(WeightedEstimate::doubt);
    let inputs = input.warnings().into_iter().map(|warning| warning.message);
    WeightedResult {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        estimator: "importance",
        scenario: scenario.name.clone(),
        seed: scenario.run.seed,
        replications: sampled.replications.len(),
        candidates: sampled.plan.candidates,
        tilt: sampled.plan.tilt,
        mean_weight: weights.expect("there are replications").mean_weight.into(),
        effective_sample_size: weights.map_or(0.0, |weights| weights.effective_sample_size),
        not_forced: NotForced::new(sampled.replications.len(), sampled.unmet()),
        warnings: doubts.chain(weighted::nothing_seen(&estimates)).chain(no_gain(&estimates)).chain(inputs).collect(),
        estimates,
    }
}

/// Where the way to the rules has nothing to do with the loss, forcing it only costs.
fn no_gain(estimates: &[WeightedEstimate]) -> Option<String> {
    let failed = estimates.iter().find(|estimate| estimate.name == "failed")?;
    let message = "plain replications give a narrower interval of failed here: leave --estimator out";
    (failed.gain? < 1.0).then(|| message.to_owned())
}
