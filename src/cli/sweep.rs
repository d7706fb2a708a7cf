//! `rollsim sweep`: the points of a scenario's `[sweep]`, or one share of them, or what runs the shares elsewhere.

use std::collections::BTreeMap;
use std::io::{IsTerminal, stderr};

use super::args::{Engine, SweepArgs, SweepFormat};
use super::failure::Failure;
use super::progress::Progress;
use super::{folders, input, print};
use crate::report::picture::sweep::refusal;
use crate::report::sink::Folder;
use crate::report::sweep::{Manifest, PointResult, csv, markdown, table};
use crate::report::{Gate, Judged};
use crate::scenario::{self, Source};
use crate::sweep::{
    Emission, Finished, How, Parts, Plan, Rows, Shard, Store, Trace, k8s_job, part_name, simulate, slurm, write_files,
    write_part,
};

/// Where an engine says which shard a process is: Kubernetes' Indexed Job, Slurm's array.
const INDEX_VARIABLES: [&str; 2] = ["JOB_COMPLETION_INDEX", "SLURM_ARRAY_TASK_ID"];

/// Points told of which a gate holds.
const MOST_HELD: usize = 20;

/// Runs the command.
pub(super) fn run(args: &SweepArgs) -> Result<(), Failure> {
    let sets = sets(args);
    let (file, source) = input::load_sweep(&args.file, &sets)?;
    let plan = Plan::new(file).map_err(|problems| Failure::BadInput { problems, as_json: false })?;
    if let Some(engine) = args.emit {
        return print::result(&emitted(args, &plan, &source, engine)?);
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

fn emitted(args: &SweepArgs, plan: &Plan, source: &Source, engine: Engine) -> Result<String, Failure> {
    let sets = sets(args).into_iter().flat_map(|set| ["--set".to_owned(), set]);
    let traces: BTreeMap<&String, &String> = source.files().iter().map(|(path, text)| (path, text)).collect();
    let traces = traces.into_iter().map(|(path, text)| Trace { path: path.clone(), text: text.clone() });
    let emission = Emission {
        scenario: plan.manifest.scenario.clone(),
        file: args.file.clone(),
        text: source.text.clone(),
        traces: traces.collect(),
        changes: sets.chain(args.check.then(|| "--check".to_owned())).collect(),
        shards: args.shards.unwrap_or(1).into(),
        points: plan.points(),
        threads: args.threads.number().map(|threads| threads as u64),
        image: args.image.clone(),
        out: args.output.out.clone(),
    };
    let emitted = match engine {
        Engine::K8sJob => k8s_job(&emission),
        Engine::Slurm => slurm(&emission),
    };
    emitted.map_err(|error| Failure::BadRequest(error.to_string()))
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
    let mut store = Store::of_shard(&folder, &plan.manifest, shard)?;
    if store.finished() > 0 {
        note(args, &taken_over(&store));
    }
    fill(args, plan, shard.points(plan.points()), &mut store)?;
    write_part(&folder, &plan.manifest, shard, &mut store)?;
    store.remove()?;
    note(args, &format!("written: {place}"));
    Ok(())
}

fn whole(args: &SweepArgs, plan: &Plan) -> Result<(), Failure> {
    let folder = folder(args.output.out.as_deref(), &plan.manifest.scenario)?;
    let delivery = Delivery {
        manifest: &plan.manifest,
        folder: folder.as_ref(),
        format: args.format,
        gates: &args.fail_if,
        quiet: args.output.quiet,
    };
    let mut store = match &folder {
        Some(folder) => opened(folder, &plan.manifest)?,
        None => Store::memory(plan.points()),
    };
    if let Some((folder, mut rows)) = finished(args, &delivery, &store) {
        store.remove()?;
        note(args, &format!("note: {} holds all of this sweep: there is nothing to resume", folder.path().display()));
        let told = delivery.shown(&mut rows)?;
        told.tell()?;
        return told.judge();
    }
    say_what_is_there(args, &store)?;
    if let Some(hint) = hint(stderr().is_terminal(), folder.is_some()) {
        note(args, hint);
    }
    fill(args, plan, 0..plan.points(), &mut store)?;
    let unpainted = delivery.written(&mut store)?;
    let told = delivery.shown(&mut store)?;
    // The files are there: whether the result can be printed is no reason to keep the journal.
    store.remove()?;
    told.tell()?;
    delivery.notes(unpainted.as_deref());
    told.judge()
}

/// The rows of the sweep, if it was finished before.
fn finished<'a>(args: &SweepArgs, delivery: &Delivery<'a>, store: &Store) -> Option<(&'a Folder, Finished)> {
    let folder = delivery.folder.filter(|_| args.resume && store.finished() == 0)?;
    Some((folder, Finished::find(folder, delivery.manifest)?))
}

/// What whoever sits before the bar has to know before pressing Ctrl-C.
fn hint(is_terminal: bool, has_folder: bool) -> Option<&'static str> {
    (is_terminal && has_folder).then_some("Ctrl-C loses no finished point: the same command with --resume goes on")
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
        (_, true) => note(args, &taken_over(store)),
        (finished, false) => {
            let message =
                format!("the output folder holds {} of this sweep, which was interrupted", finished_points(finished));
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

fn taken_over(store: &Store) -> String {
    let finished = store.finished();
    format!("note: {} {} taken over", finished_points(finished), if finished == 1 { "is" } else { "are" })
}

fn finished_points(number: usize) -> String {
    format!("{number} finished {}", if number == 1 { "point" } else { "points" })
}

/// Where the rows of a sweep go.
#[derive(Debug)]
pub(super) struct Delivery<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) folder: Option<&'a Folder>,
    pub(super) format: SweepFormat,
    pub(super) gates: &'a [Gate],
    pub(super) quiet: bool,
}

/// What is said of the rows.
#[derive(Debug)]
pub(super) struct Told {
    text: String,
    held: Vec<String>,
}

impl Delivery<'_> {
    /// Writes the files; why no picture could be made, if none could.
    pub(super) fn written(&self, rows: &mut dyn Rows) -> Result<Option<String>, Failure> {
        Ok(self.folder.map_or(Ok(None), |folder| write_files(folder, self.manifest, rows))?)
    }

    /// What is to be printed, and which gates hold.
    pub(super) fn shown(&self, rows: &mut dyn Rows) -> Result<Told, Failure> {
        Ok(Told { text: rendered(self.manifest, self.format, rows)?, held: held(self.manifest, self.gates, rows)? })
    }

    /// Says where the files are, and why the picture is not among them.
    pub(super) fn notes(&self, unpainted: Option<&str>) {
        let Some(folder) = self.folder.filter(|_| !self.quiet) else { return };
        if let Some(why) = refusal(self.manifest) {
            print::note(&format!("note: there is no picture of {why}"));
        }
        if let Some(why) = unpainted {
            print::note(&format!("note: sweep.png is not among the files: {why}"));
        }
        print::note(&format!("written: {}", folder.path().display()));
    }
}

impl Told {
    /// Prints the result.
    pub(super) fn tell(&self) -> Result<(), Failure> {
        print::result(&self.text)
    }

    /// Fails if a gate holds.
    pub(super) fn judge(self) -> Result<(), Failure> {
        if self.held.is_empty() { Ok(()) } else { Err(Failure::Gates(self.held)) }
    }
}

/// Why gates hold, point by point; of many points the first.
fn held(manifest: &Manifest, gates: &[Gate], rows: &mut dyn Rows) -> Result<Vec<String>, Failure> {
    let (mut held, mut more) = (Vec::new(), 0);
    for point in (0..manifest.points).filter(|_| !gates.is_empty()) {
        let row = parsed(&[rows.row(point).map_err(|error| unreadable(&error))?])?.remove(0);
        let name = point_name(manifest, &row);
        let judged = Judged { name: &name, metrics: &row.metrics, probability: &row.probability };
        let here: Vec<String> = gates.iter().filter_map(|gate| gate.held_by(judged)).collect();
        if held.len() < MOST_HELD { held.extend(here) } else { more += here.len() }
    }
    held.extend((more > 0).then(|| format!("and {more} more")));
    Ok(held)
}

fn point_name(manifest: &Manifest, row: &PointResult) -> String {
    let keys = manifest.axes.iter().flat_map(|axis| &axis.keys);
    let values = keys.filter_map(|key| Some(format!("{key}={}", row.axes.get(key)?.text())));
    let values: Vec<String> = values.collect();
    format!("{}, point {} ({})", manifest.scenario, row.point, values.join(", "))
}

fn rendered(manifest: &Manifest, format: SweepFormat, rows: &mut dyn Rows) -> Result<String, Failure> {
    let is_short = matches!(format, SweepFormat::Table | SweepFormat::Markdown);
    let shown = if is_short { manifest.points.min(table::MOST as u64) } else { manifest.points };
    let lines: Result<Vec<String>, std::io::Error> = (0..shown).map(|point| rows.row(point)).collect();
    let lines = lines.map_err(|error| unreadable(&error))?;
    match format {
        SweepFormat::Json => Ok(lines.iter().map(|line| format!("{line}\n")).collect()),
        SweepFormat::Table => Ok(table::render(manifest, &parsed(&lines)?)),
        SweepFormat::Markdown => Ok(markdown::render(manifest, &parsed(&lines)?)),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The bar stays in the line of the prompt, and says nothing of --resume.
    #[test]
    fn whoever_may_press_ctrl_c_is_told_how_to_go_on() {
        assert!(hint(true, true).is_some_and(|hint| hint.contains("--resume")));
        assert_eq!((hint(false, true), hint(true, false)), (None, None));
    }

    #[test]
    fn one_point_is_no_points() {
        assert_eq!(
            (finished_points(1).as_str(), finished_points(2).as_str()),
            ("1 finished point", "2 finished points")
        );
    }
}
