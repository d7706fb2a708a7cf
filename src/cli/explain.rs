//! `rollsim explain`: one replication told as a story, with pictures of the race.

use super::args::ExplainArgs;
use super::failure::Failure;
use super::{folders, input, print};
use crate::explain::{self, traced};
use crate::model::spec::Scenario;
use crate::record::{Metric, Trace};
use crate::report::sink::Folder;
use crate::report::{picture, story};
use crate::run::{self, Options};
use crate::scenario;

/// Among so many replications the first that loses a request is looked for.
const LOOKED_AT: u64 = 200;

/// Runs the command.
pub(super) fn run(args: &ExplainArgs) -> Result<(), Failure> {
    let input = load(args)?;
    let scenario = &input.scenario;
    let folder = folders::prepare(args.output.out.as_deref(), &[&scenario.name])?.pop().flatten();
    let replication = args.replication.unwrap_or_else(|| chosen(scenario, args.output.quiet));
    let trace = traced(scenario, replication);
    if let Some(folder) = &folder {
        draw(&trace, &format!("{}, replication {replication}", scenario.name), folder)?;
    }
    print::result(&told(scenario, replication, &trace))?;
    if let Some(folder) = folder.filter(|_| !args.output.quiet) {
        print::note(&format!("written: {}", folder.path().display()));
    }
    Ok(())
}

fn load(args: &ExplainArgs) -> Result<input::Input, Failure> {
    let input = input::load_one(&args.file, &args.manifests, &args.changes.as_sets(None), false)?;
    if !args.output.quiet {
        print::problems(&scenario::render(&input.problems, true));
        input.notes.iter().for_each(|note| print::note(note));
        print::assumptions(&input);
    }
    Ok(input)
}

/// The first replication that loses a request, else the first; says which.
fn chosen(scenario: &Scenario, quiet: bool) -> u64 {
    let found = (0..LOOKED_AT).find(|&replication| loses(scenario, replication));
    if !quiet {
        print::note(&match found {
            Some(replication) => format!("replication {replication} is the first that loses a request"),
            None => format!("none of the first {LOOKED_AT} replications loses a request; this is replication 0"),
        });
    }
    found.unwrap_or(0)
}

fn loses(scenario: &Scenario, replication: u64) -> bool {
    let output = run::run_once(scenario, replication, Options::default());
    output.metrics.get(Metric::Failed).is_some_and(|failed| failed > 0.0)
}

/// The story, each lost request with the segment of its chain that saves it when set to zero.
fn told(scenario: &Scenario, replication: u64, trace: &Trace) -> String {
    let savings = explain::savings(scenario, replication, trace);
    story::tell(trace, &scenario.name, scenario.run.seed, replication, &savings)
}

/// The only calls of the pictures.
fn draw(trace: &Trace, title: &str, folder: &Folder) -> Result<(), Failure> {
    folder.write("race.svg", picture::race_svg(trace, title).as_bytes())?;
    #[cfg(feature = "png")]
    match picture::race_png(trace, title) {
        Ok(png) => folder.write("race.png", &png)?,
        Err(error) => print::note(&format!("race.png could not be drawn: {error}")),
    }
    Ok(())
}
