//! `rollsim import`: manifests in, scenario files out.

use serde::Serialize;

use super::args::{ImportArgs, ImportFormat};
use super::failure::Failure;
use super::{manifests, print};
use crate::manifests::{Draft, Objects, scenario_toml};
use crate::report::json;
use crate::scenario::{self, settled_toml};

/// Runs the command.
pub(super) fn run(args: &ImportArgs) -> Result<(), Failure> {
    let as_json = args.format == ImportFormat::Json;
    let sorted = manifests::sort(&args.files)?;
    if let Some((name, _)) = sorted.scenarios.first() {
        return Err(Failure::BadRequest(format!("{name} is a scenario already, not a Kubernetes manifest")));
    }
    let objects = manifests::objects(&sorted.manifests, as_json)?;
    let (mut drafts, notes) = manifests::drafts(&objects, &args.manifests, as_json)?;
    for (key, value) in args.manifests.as_sets().iter().filter_map(|set| set.split_once('=')) {
        drafts.iter_mut().for_each(|draft| draft.say(key, value));
    }
    if args.manifests.with.is_some() && args.format != ImportFormat::Settled {
        return Err(Failure::BadRequest(
            "--with goes with --format settled: a scenario file is yours to edit".to_owned(),
        ));
    }
    if !args.quiet {
        drafts.iter().for_each(|draft| print::problems(&scenario::render(&draft.doubts, true)));
        notes.iter().for_each(|note| print::note(note));
    }
    print::result(&match args.format {
        ImportFormat::Toml => as_toml(&objects, &drafts)?,
        ImportFormat::Settled => settled(args, &sorted.manifests)?,
        ImportFormat::Json => json::render(&Imported::new(&objects, &drafts)),
    })
}

/// One file holds one scenario.
fn as_toml(objects: &Objects, drafts: &[Draft]) -> Result<String, Failure> {
    match drafts {
        [draft] => Ok(scenario_toml(&objects.texts, draft)),
        _ => {
            let titles: Vec<&str> = drafts.iter().map(|draft| draft.title.as_str()).collect();
            let message = format!("a scenario file holds one workload; choose one: --workload {}", titles.join(", "));
            Err(Failure::BadRequest(message))
        }
    }
}

fn settled(args: &ImportArgs, manifests: &[manifests::Bytes]) -> Result<String, Failure> {
    let inputs = manifests::settle(manifests, &args.manifests, &args.manifests.as_sets(), false)?;
    match inputs.as_slice() {
        [input] => Ok(settled_toml(&input.scenario)),
        _ => Err(Failure::BadRequest("a scenario file holds one workload; choose one with --workload".to_owned())),
    }
}

/// `--format json`.
#[derive(Debug, Serialize)]
struct Imported {
    schema: &'static str,
    workloads: Vec<ImportedWorkload>,
}

#[derive(Debug, Serialize)]
struct ImportedWorkload {
    workload: String,
    keys: Vec<ImportedKey>,
}

#[derive(Debug, Serialize)]
struct ImportedKey {
    key: String,
    value: String,
    basis: &'static str,
    why: String,
    file: String,
    line: usize,
    column: usize,
}

impl Imported {
    fn new(objects: &Objects, drafts: &[Draft]) -> Imported {
        let workload = |draft: &Draft| ImportedWorkload {
            workload: draft.title.clone(),
            keys: draft.facts.iter().map(|fact| ImportedKey::new(objects, fact)).collect(),
        };
        Imported { schema: "rollsim/import/v1", workloads: drafts.iter().map(workload).collect() }
    }
}

impl ImportedKey {
    fn new(objects: &Objects, fact: &crate::manifests::Fact) -> ImportedKey {
        let at = fact.statement.at;
        let place = objects.texts[at.text].place(at.start, at.end);
        ImportedKey {
            key: fact.statement.key.clone(),
            value: fact.statement.value.clone(),
            basis: fact.basis.name(),
            why: fact.why.clone(),
            file: place.file,
            line: place.line,
            column: place.column,
        }
    }
}
