//! The rules of the sources, read off the sources: who may use whom, what must not occur, how files begin.
//!
//! Each rule is a function from a file to complaints, so that it can be shown to fail on a bad sample.

mod code;

use std::path::Path;

use rollsim::scenario::{Source, read, render};

/// The parts of the program, each with the parts it may use.
///
/// The functional core comes first: what stands up to `run` is a function of a scenario and a replication.
const MAY_USE: &[(&str, &[&str])] = &[
    ("units", &[]),
    ("ids", &[]),
    ("engine", &["units"]),
    ("dist", &["units", "engine"]),
    ("record", &["units", "ids", "engine"]),
    ("model", &["units", "ids", "engine", "dist", "record"]),
    // What a scenario says, settled: rooms read it, controllers' code has no business in a file reader.
    ("scenario", &["units", "ids", "dist", "model::spec"]),
    ("world", &["units", "ids", "engine", "dist", "record", "model"]),
    ("run", &["engine", "record", "model::spec", "world"]),
    // Numbers in, numbers out.
    ("stats", &["units"]),
    // Texts in, distributions out.
    ("calibrate", &["units", "dist", "model::spec", "stats"]),
    ("importance", &["engine", "record", "model::spec", "run", "stats"]),
    ("replications", &["engine", "record", "model::spec", "run", "stats"]),
    // Reads the record: a result or a story must be possible without simulating again.
    ("report", &["units", "ids", "record", "stats"]),
    // Questions about a scenario that many replications answer, and functions of numbers.
    (
        "recommend",
        &["units", "engine", "record", "model::spec", "model::deployment", "run", "stats", "replications", "report"],
    ),
    ("sensitivity", &["units", "engine", "dist", "model::spec", "stats", "report"]),
    // Texts in, keys of scenarios out.
    ("manifests", &["units", "model::spec", "scenario"]),
    // Objects in, findings and their renderings out.
    ("hazards", &["units", "scenario", "manifests"]),
    ("measured", &["record"]),
    ("validate", &["engine", "record"]),
    ("explain", &["record", "model::spec", "run", "report"]),
    ("sweep", &["engine", "record", "model::spec", "scenario", "run", "replications", "report"]),
    (
        "cli",
        &[
            "units",
            "record",
            "model::spec",
            "scenario",
            "manifests",
            "hazards",
            "run",
            "stats",
            "importance",
            "replications",
            "report",
            "explain",
            "sweep",
            "recommend",
            "sensitivity",
            "measured",
            "validate",
            "calibrate",
        ],
    ),
    ("main", &["cli"]),
];

/// What all rooms share; everything else in `model` is a room, and rooms do not know each other.
const SHARED: [&str; 3] = ["model::api", "model::msg", "model::spec"];

/// Parts of the functional core: nothing there touches the world outside.
const CORE: [&str; 9] = ["units", "ids", "engine", "dist", "record", "model", "scenario", "world", "run"];

/// Not in the core, nor in `stats`.
const OUTSIDE: [&str; 7] = ["std::fs", "std::time", "std::thread", "std::env", "std::net", "std::process", "rayon"];
const PRINTING: [&str; 4] = ["println!", "eprintln!", "print!", "eprint!"];

/// Nowhere.
const UNFINISHED: [&str; 4] = ["todo!", "dbg!", "unimplemented!", "#[ignore"];

const MOST_LINES: usize = 800;

/// What a scenario file opens with.
const OPENING: [&str; 3] = ["# Shows:", "# Vary:", "# Expect:"];

/// A file, its path from the root of the repository.
#[derive(Debug)]
struct File {
    path: String,
    text: String,
}

impl File {
    fn new(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    /// The module a source of the library is: `src/a/b.rs` and `src/a/b/mod.rs` are `a::b`.
    fn module(&self) -> String {
        let inside = self.path.strip_prefix("src/").unwrap_or(&self.path).trim_end_matches(".rs");
        inside.trim_end_matches("/mod").replace('/', "::")
    }
}

/// All files with this extension in a folder and its folders, in the order of their paths.
fn files(folder: &str, extension: &str) -> Vec<File> {
    let mut paths = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    let mut files = Vec::new();
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            paths.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|found| found == extension) {
            let inside = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().to_str().unwrap().replace('\\', "/");
            files.push(File { path: inside, text: std::fs::read_to_string(&path).unwrap() });
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(!files.is_empty(), "{folder} has files");
    files
}

/// Fails with all complaints of a rule.
fn hold(files: &[File], rule: impl Fn(&File) -> Vec<String>) {
    let complaints: Vec<String> =
        files.iter().flat_map(|file| rule(file).into_iter().map(|what| format!("{}: {what}", file.path))).collect();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// The sources of the library and the program, without files that only tests have.
fn shipped_sources() -> Vec<File> {
    let mut sources = files("src", "rs");
    let of_tests: Vec<String> = sources.iter().flat_map(test_modules).collect();
    sources.retain(|file| !of_tests.iter().any(|module| is_within(&file.module(), module)));
    sources
}

fn test_modules(file: &File) -> Vec<String> {
    let names = code::shipped(&file.text).test_modules;
    names.iter().map(|name| format!("{}::{name}", file.module())).collect()
}

/// Whether a path is `part` or in it.
fn is_within(path: &str, part: &str) -> bool {
    path.strip_prefix(part).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The part of the program a path of the crate belongs to: in `model`, the room; else the first segment.
fn part(path: &str) -> &str {
    let segments = if is_within(path, "model") { 2 } else { 1 };
    path.match_indices("::").nth(segments - 1).map_or(path, |(place, _)| &path[..place])
}

/// The path from the root of the crate, if it is one of the crate.
fn in_crate(module: &str, path: &str) -> Option<String> {
    let (first, mut rest) = path.split_once("::")?;
    let mut base = match first {
        "crate" | "rollsim" => return Some(rest.to_owned()),
        "self" => Some(module),
        "super" => parent(module),
        _ => return None,
    };
    while let Some(further) = rest.strip_prefix("super::") {
        (base, rest) = (base.and_then(parent), further);
    }
    Some(base.map_or(rest.to_owned(), |base| format!("{base}::{rest}")))
}

fn parent(module: &str) -> Option<&str> {
    module.rsplit_once("::").map(|(parent, _)| parent)
}

fn may_use(user: &str, used: &str) -> bool {
    let row = MAY_USE.iter().find(|(name, _)| is_within(user, name));
    let listed = row.is_some_and(|(_, list)| list.iter().any(|name| is_within(used, name)));
    let shared = is_within(user, "model") && SHARED.contains(&used);
    user == used || listed || shared
}

/// Rule: nothing uses what stands above it.
fn imports(file: &File) -> Vec<String> {
    let module = file.module();
    let user = part(&module);
    let used = code::paths(&code::shipped(&file.text).text);
    let used = used.iter().filter_map(|path| in_crate(&module, path));
    used.filter(|path| !may_use(user, part(path))).map(|path| format!("{user} must not use {path}")).collect()
}

/// Rule: the functional core neither reads nor writes anything outside, and does not know wall time or threads.
fn absences(file: &File) -> Vec<String> {
    let module = file.module();
    if !CORE.contains(&part(&module).split("::").next().unwrap_or_default()) && part(&module) != "stats" {
        return Vec::new();
    }
    let code = code::shipped(&file.text).text;
    let reached = code::paths(&code).into_iter().filter(|path| OUTSIDE.iter().any(|outside| is_within(path, outside)));
    reached.chain(occurrences(&code, &PRINTING)).map(|what| format!("{what} in the functional core")).collect()
}

/// Which of the texts occur in the code, not as the end of a longer word.
fn occurrences(code: &str, texts: &[&str]) -> Vec<String> {
    let begins = |place: usize| !code[..place].ends_with(|c: char| c.is_alphanumeric() || c == '_');
    let occurs = |text: &&&str| code.match_indices(**text).any(|(place, _)| begins(place));
    texts.iter().filter(occurs).map(|text| (*text).to_owned()).collect()
}

/// Rule: nothing unfinished.
fn finished(file: &File) -> Vec<String> {
    let found = occurrences(&code::without_literals(&file.text), &UNFINISHED);
    found.into_iter().map(|what| format!("has {what}")).collect()
}

/// Rule: a file says why it exists and is not endless.
fn shape(file: &File) -> Vec<String> {
    let mut complaints = Vec::new();
    if !file.text.starts_with("//! ") {
        complaints.push("does not begin with what it is for (//!)".to_owned());
    }
    let lines = file.text.lines().count();
    if lines > MOST_LINES {
        complaints.push(format!("has {lines} lines, at most {MOST_LINES} are allowed"));
    }
    complaints
}

/// Rule: a scenario opens with what it shows, what to vary and what to expect, and settles.
fn gallery(file: &File) -> Vec<String> {
    let mut lines = file.text.lines();
    let missing = OPENING.iter().filter(|opening| !lines.next().is_some_and(|line| says(line, opening)));
    let mut complaints: Vec<String> = missing.map(|opening| format!("does not open with `{opening} …`")).collect();
    if let Err(problems) = read(&Source::new(&file.path, &file.text), &[]) {
        complaints.push(render(&problems, false));
    }
    complaints
}

fn says(line: &str, opening: &str) -> bool {
    line.strip_prefix(opening).is_some_and(|rest| !rest.trim().is_empty())
}

#[test]
fn nothing_uses_what_stands_above_it() {
    hold(&shipped_sources(), imports);
}

#[test]
fn the_core_touches_nothing_outside() {
    hold(&shipped_sources(), absences);
}

#[test]
fn nothing_is_unfinished() {
    ["src", "tests", "benches"].iter().for_each(|folder| hold(&files(folder, "rs"), finished));
}

#[test]
fn files_say_why_they_exist_and_end() {
    ["src", "tests", "benches"].iter().for_each(|folder| hold(&files(folder, "rs"), shape));
}

#[test]
fn every_scenario_says_what_it_shows_and_settles() {
    hold(&files("scenarios", "toml"), gallery);
}

/// The complaints of a rule on a sample.
fn check(rule: fn(&File) -> Vec<String>, path: &str, text: &str, expected: &[&str]) {
    assert_eq!(rule(&File::new(path, text)), expected, "{path}: {text}");
}

#[test]
fn a_use_of_what_stands_above_is_found() {
    let bad = "use crate::{units::SimTime, world::World};\nuse super::kubelet::Kubelet;\nuse super::api::PodObject;\n\
               #[cfg(test)]\nmod tests { use crate::cli; }";
    let expected = ["model::network must not use world::World", "model::network must not use model::kubelet::Kubelet"];
    check(imports, "src/model/network/mod.rs", bad, &expected);
    check(imports, "src/report/table.rs", "crate::world::Options", &["report must not use world::Options"]);
    check(imports, "src/stats/mean.rs", "use super::super::dist::Dist;", &["stats must not use dist::Dist"]);
    check(imports, "src/scenario/check.rs", "use crate::model::api::A;", &["scenario must not use model::api::A"]);
    check(imports, "src/model/network/mod.rs", "use crate::model::msg::Listener;", &[]);
    check(imports, "src/new_part.rs", "use crate::units::Rate;", &["new_part must not use units::Rate"]);
}

#[test]
fn a_look_outside_is_found() {
    let bad = "use std::{fmt, time::Instant}; fn a() { eprintln!(\"std::env\"); std::fs::read(b) } // std::net";
    let expected = [
        "std::time::Instant in the functional core",
        "std::fs::read in the functional core",
        "eprintln! in the functional core",
    ];
    check(absences, "src/world/mod.rs", bad, &expected);
    check(absences, "src/cli/run.rs", bad, &[]);
}

#[test]
fn what_is_unfinished_or_endless_is_found() {
    check(finished, "tests/it/a.rs", "#[test] #[ignore = \"slow\"] fn a() { todo!() }", &["has todo!", "has #[ignore"]);
    check(finished, "tests/it/a.rs", "let a = \"todo!\"; not_todo!(); // dbg!", &[]);
    check(shape, "src/a.rs", "// a\n", &["does not begin with what it is for (//!)"]);
    check(shape, "src/a.rs", &"//! a\n".repeat(801), &["has 801 lines, at most 800 are allowed"]);
}

#[test]
fn a_scenario_without_its_opening_is_found() {
    let expected = ["does not open with `# Vary: …`", "does not open with `# Expect: …`"];
    check(gallery, "scenarios/a.toml", "# Shows: a.\nname = \"a\"\n", &expected);
    let wrong = "# Shows: a.\n# Vary: b.\n# Expect: c.\nnmae = \"a\"\n";
    assert_eq!(gallery(&File::new("scenarios/a.toml", wrong)).len(), 1);
}
