//! `rollsim run`: scenarios in, results out, gates last.

use super::args::{EstimatorName, Format, RunArgs};
use super::failure::Failure;
use super::input::{self, Input};
use super::simulate::{self, How, Measured};
use super::{against, folders, print, report, watch};
use crate::playground;
use crate::report::against::comment_on;
use crate::report::html::{self, Piece};
use crate::report::picture;
use crate::report::sink::Folder;
use crate::report::{Gate, RunsResult, csv, json, markdown, table};
use crate::run::Estimator;
use crate::scenario;

/// Runs the command. Files are written before anything is printed, so that a reader who leaves early loses nothing.
pub(super) fn run(args: &RunArgs) -> Result<(), Failure> {
    if !args.against.is_empty() {
        return against::run(args, how(args));
    }
    let inputs = load(args)?;
    let names: Vec<&str> = inputs.iter().map(|input| input.scenario.name.as_str()).collect();
    let folders = folders::prepare(args.output.out.as_deref(), &names)?;
    let measured = simulate::all(&inputs, how(args))?;
    write_all(args, &inputs, &measured, &folders)?;
    if args.watch {
        inputs.iter().zip(&measured).for_each(|(input, one)| watch::play(&input.scenario, shown(one)));
    }
    let together = beside(&inputs, &measured);
    print::result(&rendered(&together, args.format))?;
    if !args.output.quiet {
        notes(args, &measured, &folders).iter().for_each(|note| print::note(note));
    }
    judge(&args.fail_if, &together)
}

fn how(args: &RunArgs) -> How {
    How {
        precision: args.precision,
        threads: args.threads.number(),
        check: args.check,
        estimator: match args.estimator {
            // Weighted replications are a command of their own.
            EstimatorName::EveryRequest | EstimatorName::Importance => Estimator::EveryRequest,
            EstimatorName::FailuresOnly => Estimator::FailuresOnly,
        },
        ablate: args.ablate,
        series: args.series,
        quiet: args.output.quiet,
    }
}

fn load(args: &RunArgs) -> Result<Vec<Input>, Failure> {
    let sets = args.changes.as_sets(args.replications);
    let mut inputs = input::load(&args.files, &args.manifests, &sets, args.format == Format::Json)?;
    let notes = input::tell_apart(&mut inputs);
    if !args.output.quiet {
        inputs.iter().for_each(|input| print::problems(&scenario::render(&input.problems, true)));
        inputs.iter().flat_map(|input| &input.notes).chain(&notes).for_each(|note| print::note(note));
    }
    Ok(inputs)
}

fn write_all(
    args: &RunArgs,
    inputs: &[Input],
    measured: &[Measured],
    folders: &[Option<Folder>],
) -> Result<(), Failure> {
    for ((input, measured), folder) in inputs.iter().zip(measured).zip(folders) {
        if let Some(folder) = folder {
            write_one(&args.observed, input, measured, folder)?;
        }
    }
    Ok(())
}

/// The replication to look at.
fn shown(measured: &Measured) -> u64 {
    playground::first_loss(&measured.replications)
}

fn write_one(observed: &[u64], input: &Input, measured: &Measured, folder: &Folder) -> Result<(), Failure> {
    let settled = scenario::settled_toml(&input.scenario);
    let race = json::render(&playground::race(&input.scenario, shown(measured), true));
    folder.write("scenario.toml", settled.as_bytes())?;
    folder.write("replications.csv", csv::replications(&measured.replications).as_bytes())?;
    if let Some(series) = &measured.result.series {
        folder.write("series.csv", csv::series(series).as_bytes())?;
        let title = format!("{}, second by second", measured.result.scenario);
        folder.write("series.svg", picture::chart_svg(&picture::seconds(series, &title)).as_bytes())?;
    }
    folder.write("result.json", json::render(&measured.result).as_bytes())?;
    folder.write(report::RACE, race.as_bytes())?;
    let failed = report::distribution(&measured.result, &measured.replications, observed);
    folder.write(report::FAILED, failed.as_bytes())?;
    let piece = Piece {
        settled: Some(settled),
        race: Some(race),
        replications: measured.replications.clone(),
        failed: Some(failed),
    };
    let results = html::joined_results(vec![measured.result.clone()], std::slice::from_ref(&piece));
    report::write(folder, &results, &[piece])
}

/// Several workloads of one cluster are no variants of each other: no differences are taken.
fn beside(inputs: &[Input], measured: &[Measured]) -> RunsResult {
    let differ = inputs.iter().any(|input| input.workload.is_some() && input.workload != inputs[0].workload);
    if differ {
        return RunsResult::side_by_side(measured.iter().map(|one| one.result.clone()).collect());
    }
    simulate::together(measured)
}

/// One scenario is one object of JSON; several are one object with all of them.
pub(super) fn rendered(together: &RunsResult, format: Format) -> String {
    match (format, together.runs.as_slice()) {
        (Format::Table, _) => table::render(together),
        (Format::Csv, runs) => csv::render(runs),
        (Format::Markdown, _) => markdown::render(together),
        (Format::Comment, runs) => comment_on(runs),
        (Format::Json, [run]) => json::render(run),
        (Format::Json, _) => json::render(together),
    }
}

fn notes(args: &RunArgs, measured: &[Measured], folders: &[Option<Folder>]) -> Vec<String> {
    let imprecise = measured.iter().filter(|one| !one.precise).map(|one| imprecise_note(args, one));
    let seeds = other_seeds_note(measured);
    let written = folders.iter().flatten().map(|folder| format!("written: {}", folder.path().display()));
    imprecise.chain(seeds).chain(written).collect()
}

fn imprecise_note(args: &RunArgs, one: &Measured) -> String {
    let (scenario, n) = (&one.result.scenario, one.result.replications);
    let precision = args.precision.unwrap_or_default();
    format!("note: {scenario} did not reach the precision {precision} in {n} replications; raise --replications")
}

fn other_seeds_note(measured: &[Measured]) -> Option<String> {
    let differ = measured.iter().any(|one| one.result.seed != measured[0].result.seed);
    differ.then(|| "note: the scenarios have different seeds, so no differences are shown; --seed sets one".to_owned())
}

fn judge(gates: &[Gate], together: &RunsResult) -> Result<(), Failure> {
    let held: Vec<String> =
        together.runs.iter().flat_map(|run| gates.iter().filter_map(|gate| gate.held(run))).collect();
    if held.is_empty() { Ok(()) } else { Err(Failure::Gates(held)) }
}
