//! The program as a user runs it: exit codes, what goes to stdout and what to stderr, and the files it leaves.

mod calibrate;
mod estimates;
mod manifests;
mod pages;
mod results;
mod wrong_files;

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const SCENARIO: &str = "name = \"small\"\n[run]\nduration = \"60s\"\n[[clients]]\nprofile = \"fortio\"\n";

/// A folder of its own for each test, with the scenario in `small.toml`.
pub(crate) struct Room(PathBuf);

impl Room {
    pub(crate) fn new(name: &str) -> Room {
        let path = std::env::temp_dir().join(format!("rollsim-cli-{}-{name}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("small.toml"), SCENARIO).unwrap();
        Room(path)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rollsim"));
        command.args(arguments).current_dir(&self.0);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs with this on stdin.
    pub(crate) fn run_with(&self, arguments: &[&str], stdin: &[u8]) -> Output {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A program that refuses its arguments reads nothing.
        drop(child.stdin.take().unwrap().write_all(stdin));
        child.wait_with_output().unwrap()
    }

    /// Runs, checks the exit code and returns stdout and stderr.
    pub(crate) fn check(&self, arguments: &[&str], code: i32) -> (String, String) {
        let output = self.run(arguments);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{stdout}\n{stderr}");
        (stdout, stderr)
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.0.join(path)).unwrap()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

#[test]
fn a_missing_file_is_the_environment_and_all_are_named() {
    let (stdout, stderr) = Room::new("missing").check(&["run", "small.toml", "a.toml", "b/c.toml"], 1);
    assert_eq!(stdout, "");
    assert!(stderr.contains("failed to read a.toml") && stderr.contains("failed to read b/c.toml"), "{stderr}");
}

#[test]
fn a_bad_file_is_bad_input_and_the_problems_of_all_files_are_shown() {
    let room = Room::new("bad");
    fs::write(room.0.join("one.toml"), "name = \n").unwrap();
    fs::write(room.0.join("two.toml"), "typo_here = 1\n").unwrap();
    let (stdout, stderr) = room.check(&["run", "one.toml", "two.toml", "small.toml"], 2);
    assert_eq!(stdout, "");
    assert!(stderr.contains("one.toml") && stderr.contains("two.toml"), "{stderr}");
    let (stdout, _) = room.check(&["run", "one.toml", "two.toml", "--format", "json"], 2);
    let problems: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(problems["schema"], "rollsim/problems/v1");
    assert!(problems["problems"].as_array().unwrap().len() >= 2);
    room.check(&["explain", "one.toml"], 2);
    assert!(!room.0.join("output").exists());
}

#[test]
fn bad_options_are_bad_input() {
    let room = Room::new("options");
    room.check(&["run"], 2);
    room.check(&["fly"], 2);
    room.check(&["run", "small.toml", "--replications", "0"], 2);
    room.check(&["run", "small.toml", "--precision", "-1"], 2);
    room.check(&["run", "small.toml", "--set", "run.sede=1"], 2);
    room.check(&["run", "-", "-"], 2);
    room.check(&["recommend", "small.toml", "--longest", "0s"], 2);
    room.check(&["run", "small.toml", "--estimator", "importance", "--against", "small.toml"], 2);
    let (_, stderr) = room.check(&["run", "small.toml", "--fail-if", "faild.p95 > 0"], 2);
    assert!(stderr.contains("did you mean 'failed'?"), "{stderr}");
}

#[test]
fn help_version_schema_and_completions_go_to_stdout() {
    let room = Room::new("help");
    for arguments in
        [&["--help"][..], &["run", "--help"], &["--version"], &["schema", "result"], &["completions", "bash"]]
    {
        let (stdout, stderr) = room.check(arguments, 0);
        assert!(!stdout.is_empty() && stderr.is_empty(), "{arguments:?}");
    }
    assert!(room.check(&["--help"], 0).0.contains("Examples:"));
}

#[test]
fn a_run_leaves_result_scenario_and_replications() {
    let room = Room::new("files");
    let (stdout, stderr) =
        room.check(&["run", "small.toml", "--replications", "20", "--seed", "5", "--format", "json"], 0);
    assert!(stderr.contains("output/small"), "{stderr}");
    assert_eq!(stdout, room.read("output/small/result.json"));
    let result: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(result["schema"], "rollsim/run/v1");
    assert_eq!((&result["seed"], &result["replications"]), (&Value::from(5), &Value::from(20)));
    assert_eq!(result["probability"]["any_failed"]["n"], 20);
    assert_eq!(room.read("output/small/replications.csv").lines().count(), 21);
    assert!(room.read("output/small/scenario.toml").contains("small"));
    let mut names: Vec<_> =
        fs::read_dir(room.0.join("output/small")).unwrap().map(|file| file.unwrap().file_name()).collect();
    names.sort();
    let expected = ["failed.svg", "race.json", "replications.csv", "report.html", "result.json", "scenario.toml"];
    assert_eq!(names, expected);
}

#[test]
fn several_scenarios_are_one_object_and_folders_of_their_own() {
    let room = Room::new("several");
    let arguments = ["run", "small.toml", "small.toml", "--replications", "5", "--format", "json", "--out", "there"];
    let (stdout, stderr) = room.check(&arguments, 0);
    let result: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(result["schema"], "rollsim/runs/v1");
    assert_eq!(result["runs"][1]["scenario"], "small-2");
    assert_eq!(result["paired"][0]["metrics"]["failed"]["mean"], 0);
    assert!(stderr.contains("small-2"), "{stderr}");
    assert!(room.0.join("there/small/result.json").exists() && room.0.join("there/small-2/result.json").exists());
}

#[test]
fn the_bytes_do_not_depend_on_the_threads() {
    let room = Room::new("threads");
    let run = |threads| {
        let arguments = ["run", "small.toml", "--replications", "70", "--format", "json", "--out", "none"];
        room.check(&[&arguments[..], &["--threads", threads]].concat(), 0).0
    };
    assert!(run("1") == run("2"));
}

#[test]
fn stdin_is_a_file_too_and_none_writes_nothing() {
    let room = Room::new("stdin");
    let arguments = ["run", "-", "--replications", "5", "--format", "csv", "--out", "none", "--quiet"];
    let output = room.run_with(&arguments, SCENARIO.as_bytes());
    assert!(output.status.success() && output.stderr.is_empty());
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("scenario,seed,replications,metric,mean,"));
    assert!(!room.0.join("output").exists());
}

#[test]
fn gates_decide_the_exit_code_and_the_result_is_printed_all_the_same() {
    let room = Room::new("gates");
    let run = |gate: &str, code| {
        room.check(&["run", "small.toml", "--replications", "5", "--out", "none", "--fail-if", gate], code)
    };
    run("requests.max < 0", 0);
    let (stdout, stderr) = run("requests.min > 0", 3);
    assert!(stdout.contains("failed requests"));
    assert!(stderr.contains("small: 'requests.min > 0' holds: requests.min is "), "{stderr}");
}

#[test]
fn a_folder_that_cannot_be_written_is_said_before_the_work() {
    let room = Room::new("unwritable");
    let (stdout, stderr) = room.check(&["run", "small.toml", "--out", "small.toml/inside"], 1);
    assert_eq!(stdout, "");
    assert!(stderr.contains("small.toml/inside"), "{stderr}");
}

#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let room = Room::new("pipe");
    let mut command = room.command(&["schema", "result"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty());
}

#[test]
fn an_explanation_leaves_pictures() {
    let room = Room::new("explain");
    let (stdout, _) = room.check(&["explain", "small.toml", "--replication", "3", "--quiet"], 0);
    assert!(!stdout.is_empty());
    assert!(room.0.join("output/small/race.svg").exists());
}

#[test]
fn a_recommendation_does_not_stand_beside_pictures_of_an_earlier_one() {
    let room = Room::new("recommend");
    fs::create_dir_all(room.path("output/small")).unwrap();
    fs::write(room.path("output/small/strategies.svg"), "old").unwrap();
    let ask = ["recommend", "small.toml", "--target", "1e-1", "--longest", "1s", "--hook-only", "--quiet"];
    room.check(&ask, 0);
    assert!(room.path("output/small/patch.yaml").exists() && !room.path("output/small/strategies.svg").exists());
}

#[test]
fn ablation_has_a_row_for_each_mechanism() {
    let room = Room::new("ablate");
    let arguments = ["run", "small.toml", "--ablate", "--replications", "5", "--out", "none", "--format", "json"];
    let result: Value = serde_json::from_str(&room.check(&arguments, 0).0).unwrap();
    let names: Vec<&str> =
        result["ablation"].as_array().unwrap().iter().map(|row| row["without"].as_str().unwrap()).collect();
    assert_eq!(names[..2], ["silent_retry", "conntrack_pinning"]);
}
