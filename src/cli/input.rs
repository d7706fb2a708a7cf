//! From the files on the command line to settled scenarios: reads every file, then checks every text, so that all that
//! is wrong is said at once.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use super::args::ManifestArgs;
use super::failure::Failure;
use super::manifests;
use crate::model::spec::Scenario;
use crate::playground;
use crate::report::{Assumption, Warning};
use crate::scenario::{self, Problem, Source, SweepFile, plain};

/// The scenarios inside the program, by name: the article's pair.
pub(super) const ARTICLE: [(&str, &str); 2] = [
    ("article-no-hook", include_str!("../../scenarios/article-no-hook.toml")),
    ("article-with-hook", include_str!("../../scenarios/article-with-hook.toml")),
];

/// A settled scenario and the doubts about it.
#[derive(Debug, Clone)]
pub(super) struct Input {
    pub(super) scenario: Scenario,
    pub(super) problems: Vec<Problem>,
    /// What was guessed and assumed, if it comes from manifests.
    pub(super) assumptions: Vec<Assumption>,
    /// What is said about the manifests beside the problems.
    pub(super) notes: Vec<String>,
    /// The workload in the manifests: `namespace/Kind/name`.
    pub(super) workload: Option<String>,
    /// Its container that answers requests.
    pub(super) container: Option<String>,
}

impl Input {
    /// `namespace/Kind/name` of a workload, the name of a scenario.
    pub(super) fn identity(&self) -> &str {
        self.workload.as_deref().unwrap_or(&self.scenario.name)
    }

    /// It comes from manifests, and no Service in them sends requests to it.
    pub(super) fn is_unserved(&self) -> bool {
        self.assumptions.iter().any(|assumption| assumption.key == "service.kind")
    }

    /// The doubts as the result states them.
    pub(super) fn warnings(&self) -> Vec<Warning> {
        playground::warnings(&self.problems)
    }
}

/// Reads and settles all scenarios, each changed by `sets`. All manifests among the files are one set of objects; the
/// scenarios made of it come last.
pub(super) fn load(
    files: &[String],
    asked: &ManifestArgs,
    sets: &[String],
    as_json: bool,
) -> Result<Vec<Input>, Failure> {
    refuse_stdin_twice(files)?;
    let manifests::Sorted { scenarios, manifests } = manifests::sort(files)?;
    let sets = [sets, &asked.as_sets()].concat();
    manifests::refuse_what_is_for_manifests(asked, &manifests)?;
    let mut inputs = settle(&scenarios, &sets, as_json)?;
    if !manifests.is_empty() {
        inputs.extend(manifests::settle(&manifests, asked, &sets, as_json)?);
    }
    Ok(inputs)
}

/// Reads and settles what was there before a change: perhaps nothing that requests are sent to, or nothing at all.
pub(super) fn load_before(
    files: &[String],
    asked: &ManifestArgs,
    sets: &[String],
    as_json: bool,
) -> Result<Vec<Input>, Failure> {
    let files: Vec<String> = files.iter().filter(|file| !manifests::is_bare_folder(file)).cloned().collect();
    if files.is_empty() {
        return Ok(Vec::new());
    }
    match load(&files, asked, sets, as_json) {
        Err(Failure::BadInput { problems, .. }) if problems.iter().all(manifests::is_about_absence) => Ok(Vec::new()),
        loaded => loaded,
    }
}

/// Reads and settles the one scenario that a command is about.
pub(super) fn load_one(file: &str, asked: &ManifestArgs, sets: &[String], as_json: bool) -> Result<Input, Failure> {
    let mut inputs = load(&[file.to_owned()], asked, sets, as_json)?;
    if inputs.len() > 1 {
        let names: Vec<&str> = inputs.iter().map(Input::identity).collect();
        let message = format!("{file} has several workloads; choose one: --workload {}", names.join(", --workload "));
        return Err(Failure::BadRequest(message));
    }
    Ok(inputs.swap_remove(0))
}

/// Settles texts that are in the program.
pub(super) fn load_builtin(texts: &[(&str, &str)], sets: &[String]) -> Result<Vec<Input>, Failure> {
    let named = texts.iter().map(|(name, text)| (format!("{name}.toml"), text.as_bytes().to_vec()));
    settle(&named.collect::<Vec<_>>(), sets, false)
}

/// Reads a scenario with its sweep, changed by `sets`, and gives what was read, too.
pub(super) fn load_sweep(file: &str, sets: &[String]) -> Result<(SweepFile, Source), Failure> {
    let (name, bytes) = read_all(&[file.to_owned()])?.remove(0);
    let bad = |problems| Failure::BadInput { problems, as_json: false };
    if manifests::is_manifest(&name, &bytes) {
        let import = format!("rollsim import {file} > scenario.toml");
        return Err(Failure::BadRequest(format!(
            "{name} is a manifest; a sweep varies the keys of a scenario: {import}"
        )));
    }
    let mut messages = Vec::new();
    let source = Source::from_bytes(&name, &bytes).map_err(|problem| bad(vec![problem]))?;
    let source = with_traces(source, sets, &mut messages);
    if !messages.is_empty() {
        return Err(Failure::Environment(messages));
    }
    let file = scenario::read_sweep(&source, sets).map_err(bad)?;
    Ok((file, source))
}

fn refuse_stdin_twice(files: &[String]) -> Result<(), Failure> {
    if files.iter().filter(|file| *file == "-").count() > 1 {
        return Err(Failure::BadRequest("stdin (-) can be read only once".to_owned()));
    }
    Ok(())
}

/// Reads the files; a name and the bytes of each.
pub(super) fn read_all(files: &[String]) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let (mut texts, mut messages) = (Vec::new(), Vec::new());
    for file in files {
        match read(file) {
            Ok(bytes) => texts.push((shown_name(file), bytes)),
            Err(error) => messages.push(format!("failed to read {}: {error}{}", shown_name(file), hint(&error))),
        }
    }
    if messages.is_empty() { Ok(texts) } else { Err(Failure::Environment(messages)) }
}

pub(super) fn shown_name(file: &str) -> String {
    if file == "-" { "<stdin>".to_owned() } else { plain(file) }
}

/// A scenario is a page of text; more than this is something else.
const LARGEST: u64 = 16 << 20;

/// A file wins over a built-in scenario of the same name.
fn read(file: &str) -> io::Result<Vec<u8>> {
    let (bytes, is_whole) = read_beginning(file)?;
    if is_whole { Ok(bytes) } else { Err(too_large()) }
}

/// The file, or as much of it as is read at most; and whether that is all of it.
pub(super) fn read_beginning(file: &str) -> io::Result<(Vec<u8>, bool)> {
    if file == "-" {
        return read_at_most(io::stdin());
    }
    match File::open(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => builtin(file).map(|bytes| (bytes, true)).ok_or(error),
        opened => read_at_most(opened?),
    }
}

/// A scenario or a manifest of more than this is refused.
pub(super) fn too_large() -> io::Error {
    io::Error::new(ErrorKind::FileTooLarge, "larger than 16 MiB, which no scenario is")
}

fn read_at_most(source: impl Read) -> io::Result<(Vec<u8>, bool)> {
    let mut bytes = Vec::new();
    source.take(LARGEST + 1).read_to_end(&mut bytes)?;
    let is_whole = bytes.len() as u64 <= LARGEST;
    bytes.truncate(LARGEST as usize);
    Ok((bytes, is_whole))
}

fn builtin(name: &str) -> Option<Vec<u8>> {
    ARTICLE.iter().find(|(other, _)| *other == name).map(|(_, text)| text.as_bytes().to_vec())
}

pub(super) fn hint(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => format!(" (built-in scenarios: {})", ARTICLE.map(|(name, _)| name).join(", ")),
        _ => String::new(),
    }
}

/// Settles texts, each changed by `sets`.
pub(super) fn settle(texts: &[(String, Vec<u8>)], sets: &[String], as_json: bool) -> Result<Vec<Input>, Failure> {
    let (mut inputs, mut problems, mut messages) = (Vec::new(), Vec::new(), Vec::new());
    for (name, bytes) in texts {
        match settle_one(name, bytes, sets, &mut messages) {
            Ok(input) => inputs.push(input),
            Err(more) => problems.extend(more),
        }
    }
    if !messages.is_empty() {
        return Err(Failure::Environment(messages));
    }
    if problems.is_empty() { Ok(inputs) } else { Err(Failure::BadInput { problems, as_json }) }
}

/// The scenario with the traces of requests that it names, from the folder in which it lies. What cannot be read of them is
/// added to `messages`.
fn with_traces(source: Source, sets: &[String], messages: &mut Vec<String>) -> Source {
    let folder = Path::new(&source.name).parent().unwrap_or(Path::new("")).to_owned();
    scenario::wanted_files(&source, sets).into_iter().fold(source, |source, name| {
        let path = folder.join(&name);
        let whole = |(bytes, is_whole): (Vec<u8>, bool)| is_whole.then_some(bytes).ok_or_else(too_large);
        match File::open(&path).and_then(read_at_most).and_then(whole) {
            Ok(bytes) => source.attach(name, String::from_utf8_lossy(&bytes)),
            Err(error) => {
                messages.push(format!("failed to read {}, a trace of {}: {error}", path.display(), source.name));
                source
            }
        }
    })
}

fn settle_one(name: &str, bytes: &[u8], sets: &[String], messages: &mut Vec<String>) -> Result<Input, Vec<Problem>> {
    let source = with_traces(Source::from_bytes(name, bytes).map_err(|problem| vec![problem])?, sets, messages);
    let (scenario, problems) = scenario::read(&source, sets)?;
    Ok(Input { scenario, problems, assumptions: Vec::new(), notes: Vec::new(), workload: None, container: None })
}

/// Gives scenarios of the same name a number, since results and folders go by the name. Returns what was renamed, to say
/// so.
pub(super) fn tell_apart(inputs: &mut [Input]) -> Vec<String> {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut notes = Vec::new();
    for Input { scenario, .. } in inputs {
        let name = free_name(&scenario.name, &taken);
        if name != scenario.name {
            notes.push(format!(
                "note: there is more than one scenario '{}'; this one is called '{name}'",
                scenario.name
            ));
        }
        taken.insert(name.clone());
        scenario.name = name;
    }
    notes
}

fn free_name(name: &str, taken: &BTreeSet<String>) -> String {
    if !taken.contains(name) {
        return name.to_owned();
    }
    let numbered = (2u32..).map(|number| format!("{name}-{number}")).find(|name| !taken.contains(name));
    numbered.unwrap_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs(texts: &[(&str, &str)]) -> Vec<Input> {
        load_builtin(texts, &[]).unwrap()
    }

    #[test]
    fn the_built_in_scenarios_are_good_and_bear_their_names() {
        for (input, (name, _)) in inputs(&ARTICLE).iter().zip(ARTICLE) {
            assert_eq!(input.scenario.name, name);
        }
    }

    #[test]
    fn scenarios_of_one_name_are_told_apart() {
        let mut same = inputs(&[ARTICLE[0], ARTICLE[1], ARTICLE[0], ARTICLE[0]]);
        let notes = tell_apart(&mut same);
        let names: Vec<&str> = same.iter().map(|input| input.scenario.name.as_str()).collect();
        assert_eq!(names, ["article-no-hook", "article-with-hook", "article-no-hook-2", "article-no-hook-3"]);
        assert_eq!(notes.len(), 2);
    }

    #[test]
    fn every_file_that_is_missing_is_named() {
        let files = ["no/such/file.toml".to_owned(), "article-no-hook".to_owned(), "nor/this.toml".to_owned()];
        let Err(Failure::Environment(messages)) = load(&files, &ManifestArgs::default(), &[], false) else {
            panic!("two files are missing")
        };
        assert_eq!(messages.len(), 2);
        assert!(messages[1].starts_with("failed to read nor/this.toml: "), "{messages:?}");
    }

    #[test]
    fn the_problems_of_all_files_come_together() {
        let texts = [("a", "typo_one = 1"), ("b", "name = \"b\""), ("c", "typo_two = 1")];
        let Err(Failure::BadInput { problems, .. }) = load_builtin(&texts, &[]) else { panic!("two files are bad") };
        let about = |key: &str| problems.iter().any(|problem| problem.key.as_deref() == Some(key));
        assert!(about("typo_one") && about("typo_two"), "{problems:?}");
    }

    #[test]
    fn stdin_is_read_once() {
        let files = ["-".to_owned(), "-".to_owned()];
        assert!(matches!(load(&files, &ManifestArgs::default(), &[], false), Err(Failure::BadRequest(_))));
    }
}
