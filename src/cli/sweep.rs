//! `rollsim sweep`: the points of a scenario's `[sweep]`, or one share of them, or what runs the shares elsewhere.

use super::args::{Engine, SweepArgs, SweepFormat};
use super::failure::Failure;
use super::progress::Progress;
use super::{folders, input, print};
use crate::report::picture::sweep::refusal;
use crate::report::sink::Folder;
use crate::report::sweep::{Manifest, PointResult, csv, table};
use crate::scenario;
use crate::sweep::{
    Emission, How, Parts, Plan, Rows, Shard, Store, k8s_job, part_name, simulate, slurm, write_files, write_part,
};

/// Where an engine says which shard a process is: Kubernetes' Indexed Job, Slurm's array.
const INDEX_VARIABLES: [&str; 2] = ["JOB_COMPLETION_INDEX", "SLURM_ARRAY_TASK_ID"];

/// Runs the command.
pub(super) fn run(args: &SweepArgs) -> Result<(), Failure> {
    let sets = sets(args);
    let (file, text) = input::load_sweep(&args.file, &sets)?;
    let plan = Plan::new(file).map_err(|problems| Failure::BadInput { problems, as_json: false })?;
    if let Some(engine) = args.emit {
        return print::result(&emitted(args, &plan, text, engine));
    }
    if !args.output.quiet {
        print::problems(&scenario::render(plan.warnings(), true));
    }
    match shard(args)? {
        Some(shard) => one_shard(args, &plan, shard),
        None => whole(args, &plan),
    }
}

fn sets(args: &SweepArgs) -> Vec<String> {
    let mut sets = args.changes.as_sets(None);
    sets.extend(args.replications.map(|replications| format!("sweep.replications={replications}")));
    sets.extend(args.precision.map(|precision| format!("sweep.precision={precision:?}")));
    sets.extend(args.estimator.map(|estimator| format!("sweep.estimator={}", estimator.key())));
    sets
}

fn emitted(args: &SweepArgs, plan: &Plan, text: String, engine: Engine) -> String {
    let emission = Emission {
        scenario: plan.manifest.scenario.clone(),
        file: args.file.clone(),
        text,
        changes: sets(args).into_iter().flat_map(|set| ["--set".to_owned(), set]).collect(),
        shards: args.shards.unwrap_or(1).into(),
        image: args.image.clone(),
        out: args.output.out.clone(),
    };
    match engine {
        Engine::K8sJob => k8s_job(&emission),
        Engine::Slurm => slurm(&emission),
    }
}

/// The shard that was asked for: by name, or by number with its index from the engine that started the process.
fn shard(args: &SweepArgs) -> Result<Option<Shard>, Failure> {
    let Some(of) = args.shards.map(u64::from) else { return Ok(args.shard) };
    let found = INDEX_VARIABLES.iter().find_map(|name| Some((*name, std::env::var(name).ok()?)));
    let Some((name, text)) = found else {
        let names = INDEX_VARIABLES.join(" nor ");
        return Err(Failure::BadRequest(format!(
            "--shards takes its index from the engine, but neither {names} is set: say --shard I/{of}"
        )));
    };
    match text.parse().ok().filter(|index| *index < of) {
        Some(index) => Ok(Some(Shard { index, of })),
        None => Err(Failure::BadRequest(format!("{name} is '{text}', expected a number from 0 to {}", of - 1))),
    }
}

fn folder(out: Option<&str>, name: &str) -> Result<Option<Folder>, Failure> {
    Ok(folders::prepare(out, &[name])?.into_iter().next().flatten())
}

fn one_shard(args: &SweepArgs, plan: &Plan, shard: Shard) -> Result<(), Failure> {
    let Some(folder) = folder(args.output.out.as_deref(), &plan.manifest.scenario)? else {
        return Err(Failure::BadRequest("a shard leaves nothing but its part: --out none makes no sense".to_owned()));
    };
    let place = folder.path().join(part_name(shard)).display().to_string();
    if Parts::is_there(&folder, &plan.manifest, shard)? {
        note(args, &format!("{place} is there already"));
        return Ok(());
    }
    let mut store = Store::memory(plan.points());
    fill(args, plan, shard.points(plan.points()), &mut store)?;
    write_part(&folder, &plan.manifest, shard, &mut store)?;
    note(args, &format!("written: {place}"));
    Ok(())
}

fn whole(args: &SweepArgs, plan: &Plan) -> Result<(), Failure> {
    let folder = folder(args.output.out.as_deref(), &plan.manifest.scenario)?;
    let mut store = match &folder {
        Some(folder) => opened(folder, &plan.manifest)?,
        None => Store::memory(plan.points()),
    };
    say_what_is_there(args, &store)?;
    fill(args, plan, 0..plan.points(), &mut store)?;
    deliver(&plan.manifest, folder.as_ref(), args.format, &mut store)?;
    store.remove()?;
    notes(args.output.quiet, folder.as_ref(), &plan.manifest);
    Ok(())
}

/// The journal is locked, so nobody else writes the files of this sweep: what a killed process had begun of them can go.
fn opened(folder: &Folder, manifest: &Manifest) -> Result<Store, Failure> {
    let store = Store::open(folder, manifest)?;
    folder.remove_unfinished("sweep.")?;
    folder.remove_unfinished("manifest.")?;
    Ok(store)
}

/// Finished points of an earlier run are neither lost nor taken without a word.
fn say_what_is_there(args: &SweepArgs, store: &Store) -> Result<(), Failure> {
    match (store.finished(), args.resume) {
        (0, true) => note(args, "note: there is nothing to resume; the sweep begins"),
        (0, false) => {}
        (finished, true) => note(args, &format!("note: {finished} finished points are taken over")),
        (finished, false) => {
            let message =
                format!("the output folder holds {finished} finished points of this sweep, which was interrupted");
            return Err(Failure::BadRequest(format!("{message}: go on with --resume, or remove sweep.journal there")));
        }
    }
    Ok(())
}

/// Simulates those of the points that are missing.
fn fill(args: &SweepArgs, plan: &Plan, points: impl Iterator<Item = u64>, store: &mut Store) -> Result<(), Failure> {
    let todo = store.missing(points);
    let replications = todo.len() as u64 * u64::from(plan.manifest.replications);
    let progress = Progress::new(replications, args.output.quiet);
    let how = How { threads: args.threads.number(), check: args.check };
    simulate(plan, &todo, how, &progress.steps(), &mut |row| store.keep(row))?;
    Ok(())
}

/// Writes the files, then prints.
pub(super) fn deliver(
    manifest: &Manifest,
    folder: Option<&Folder>,
    format: SweepFormat,
    rows: &mut dyn Rows,
) -> Result<(), Failure> {
    if let Some(folder) = folder {
        write_files(folder, manifest, rows)?;
    }
    print::result(&rendered(manifest, format, rows)?)
}

fn rendered(manifest: &Manifest, format: SweepFormat, rows: &mut dyn Rows) -> Result<String, Failure> {
    let shown = if format == SweepFormat::Table { manifest.points.min(table::MOST as u64) } else { manifest.points };
    let lines: Result<Vec<String>, std::io::Error> = (0..shown).map(|point| rows.row(point)).collect();
    let lines = lines.map_err(|error| unreadable(&error))?;
    match format {
        SweepFormat::Json => Ok(lines.iter().map(|line| format!("{line}\n")).collect()),
        SweepFormat::Table => Ok(table::render(manifest, &parsed(&lines)?)),
        SweepFormat::Csv => csv::text(manifest, &parsed(&lines)?).map_err(|error| unreadable(&error)),
    }
}

fn parsed(lines: &[String]) -> Result<Vec<PointResult>, Failure> {
    let parse = |line: &String| PointResult::parse(line).map_err(|error| unreadable(&error));
    lines.iter().map(parse).collect()
}

fn unreadable(error: &std::io::Error) -> Failure {
    Failure::Environment(vec![format!("failed to read the finished points: {error}")])
}

fn note(args: &SweepArgs, text: &str) {
    if !args.output.quiet {
        print::note(text);
    }
}

/// Says where the files are, and why the picture is not among them.
pub(super) fn notes(quiet: bool, folder: Option<&Folder>, manifest: &Manifest) {
    if let Some(folder) = folder.filter(|_| !quiet) {
        refusal(manifest).iter().for_each(|why| print::note(&format!("note: there is no picture of {why}")));
        print::note(&format!("written: {}", folder.path().display()));
    }
}
