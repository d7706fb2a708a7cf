//! `rollsim run NEW --against OLD`: fails only where the change makes it worse.

use super::args::{Format, RunArgs};
use super::failure::Failure;
use super::input::{self, Input};
use super::simulate::{self, How, Measured};
use super::{folders, print};
use crate::record::{Metric, Metrics};
use crate::report::against::{self, Against, Pair, SCHEMA};
use crate::report::result::difference;
use crate::report::{RunsResult, json, table};
use crate::scenario;

/// Runs the command.
pub(super) fn run(args: &RunArgs, how: How) -> Result<(), Failure> {
    let sets = args.changes.as_sets(args.replications);
    let as_json = args.format == Format::Json;
    if matches!(args.format, Format::Csv | Format::Markdown) || args.ablate {
        let message = "--against takes --format table, json or comment, and not --ablate";
        return Err(Failure::BadRequest(message.to_owned()));
    }
    let new = input::load(&args.files, &args.manifests, &sets, as_json)?;
    let old = input::load_before(&args.against, &args.manifests, &sets, as_json)?;
    if !args.output.quiet {
        new.iter().for_each(|input| print::problems(&scenario::render(&input.problems, true)));
        new.iter().flat_map(|input| &input.notes).for_each(|note| print::note(note));
    }
    let folder = folders::prepare(args.output.out.as_deref(), &["against"])?.pop().flatten();
    let found = compare(&new, &old, how)?;
    if let Some(folder) = &folder {
        folder.write("against.json", json::render(&found).as_bytes())?;
        folder.write("comment.md", against::comment(&found).as_bytes())?;
    }
    print::result(&match args.format {
        Format::Json => json::render(&found),
        Format::Comment => against::comment(&found),
        _ => tables(&found) + &against::lines(&found),
    })?;
    if let Some(folder) = folder.filter(|_| !args.output.quiet) {
        print::note(&format!("written: {}", folder.path().display()));
    }
    judge(args, &found)
}

/// Each workload with the one of its name; two scenarios alone are a pair whatever they are called.
fn partner<'a>(input: &Input, new: &[Input], old: &'a [Input]) -> Option<&'a Input> {
    let same = |other: &&Input| other.identity() == input.identity();
    old.iter().find(same).or_else(|| old.first().filter(|_| old.len() == 1 && new.len() == 1))
}

fn compare(new: &[Input], old: &[Input], how: How) -> Result<Against, Failure> {
    let mut found = Against { schema: SCHEMA, ..Against::default() };
    for input in new {
        let after = simulate::all(std::slice::from_ref(input), how)?.swap_remove(0);
        match partner(input, new, old) {
            Some(partner) => {
                // As many replications as the new one took, so that each has its pair.
                let before = simulate::as_many(partner, how, after.replications.len())?;
                found.pairs.push(pair(input.identity(), before, after));
                if input.is_unserved() && !partner.is_unserved() {
                    found.unserved.push(input.identity().to_owned());
                }
            }
            None => found.added.push(after.result),
        }
    }
    let is_gone =
        |before: &&Input| new.iter().all(|input| partner(input, new, old).is_none_or(|it| !std::ptr::eq(it, *before)));
    found.removed = old.iter().filter(is_gone).map(|input| input.identity().to_owned()).collect();
    Ok(found)
}

fn pair(workload: &str, before: Measured, after: Measured) -> Pair {
    let failed = difference(Metric::Failed, &before.replications, &after.replications);
    let count = |metrics: &Metrics| metrics.get(Metric::Failed).map(f64::to_bits);
    let differs = before.replications.iter().map(count).ne(after.replications.iter().map(count));
    let verdict = against::verdict(failed.as_ref(), differs);
    Pair { workload: workload.to_owned(), old: before.result, new: after.result, failed, verdict }
}

fn tables(found: &Against) -> String {
    let both = |pair: &Pair| {
        let mut old = pair.old.clone();
        old.scenario = format!("{} before", old.scenario);
        // What is assumed stands once, with the new one.
        old.assumptions.clear();
        RunsResult::side_by_side(vec![old, pair.new.clone()])
    };
    found.pairs.iter().map(|pair| table::render(&both(pair)) + "\n").collect()
}

/// A gate that held before the change, too, is no reason to stop the change.
fn judge(args: &RunArgs, found: &Against) -> Result<(), Failure> {
    let worse = found.pairs.iter().filter(|pair| pair.verdict == against::Verdict::Worse);
    let unserved =
        found.unserved.iter().map(|workload| format!("{workload}: no Service sends requests to it any more"));
    let mut messages: Vec<String> = if args.fail_if.is_empty() {
        worse.map(|pair| format!("{} loses more requests than before", pair.workload)).collect()
    } else {
        let added = found.added.iter();
        worse
            .map(|pair| &pair.new)
            .chain(added)
            .flat_map(|run| args.fail_if.iter().filter_map(|gate| gate.held(run)))
            .collect()
    };
    messages.extend(unserved);
    if messages.is_empty() { Ok(()) } else { Err(Failure::Gates(messages)) }
}
