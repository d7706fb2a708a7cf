//! What is said of estimates that rest on little: rare losses, inputs that do nothing, changes that cannot be told.

use std::fs;

use serde_json::Value;

use super::Room;

const SCENARIO: &str = "\
name = \"few\"
[run]
duration = \"40s\"
[rollout]
at = \"5s\"
[deployment]
replicas = 2
[pod]
termination_grace_period = \"30s\"
[[clients]]
profile = \"paced\"
connections = 1
rate = \"10/s\"
";

fn room(name: &str) -> Room {
    let room = Room::new(name);
    fs::write(room.path("few.toml"), SCENARIO).unwrap();
    room
}

const QUIET: [&str; 3] = ["--out", "none", "--quiet"];

fn check_sensitivity(room: &Room, arguments: &str, code: i32) -> (String, String) {
    let all: Vec<&str> = ["sensitivity", "few.toml"].into_iter().chain(arguments.split(' ')).chain(QUIET).collect();
    room.check(&all, code)
}

/// It was called 0 ± 0, without a warning.
#[test]
fn importance_sampling_that_saw_nothing_gives_a_bound_and_a_warning() {
    let room = room("unseen");
    let run = |more: &[&str]| {
        let arguments = ["run", "few.toml", "--set", "pod.pre_stop.sleep=15s", "--estimator", "importance"];
        room.check(&[&arguments[..], &["--replications", "20", "--out", "none"], more].concat(), 0)
    };
    let (json, _) = run(&["--format", "json"]);
    let found: Value = serde_json::from_str(&json).unwrap();
    let of =
        |name: &str| found["estimates"].as_array().unwrap().iter().find(|one| one["name"] == name).unwrap().clone();
    assert_eq!((&of("failed")["hits"], &of("failed")["sound"]), (&0.into(), &false.into()));
    assert!(of("failed")["ci95"][1].as_f64().unwrap() > 0.3 && of("any_failed")["ci95"][1].as_f64().unwrap() > 0.3);
    assert!(found["warnings"][0].as_str().unwrap().contains("no replication lost a request"), "{found}");
    assert!(found["not_forced"]["any_failed_below"].as_f64().unwrap() > 0.16, "{found}");
    let (table, notes) = run(&["--quiet"]);
    assert!(table.contains("singly") && table.contains("Any other cause is met as rarely as in"), "{table}");
    assert_eq!(notes, "");
}

/// A slower start was said to make rollouts shorter by 11.7 s.
#[test]
fn a_rollout_that_did_not_end_took_no_zero_seconds() {
    let room = room("absent");
    let vary = "--method morris --points 4 --replications 2 --vary delays.sandbox=1s..30s --vary delays.stop=0s..1s";
    let (stdout, stderr) = check_sensitivity(&room, &format!("{vary} --metric rollout_duration_s"), 2);
    assert_eq!(stdout, "");
    assert!(stderr.contains("rollout_duration_s did not happen in any of 2 replications at "), "{stderr}");
    assert!(stderr.contains("mostly where delays.sandbox is large"), "{stderr}");
}

/// It was said that no input was varied, and that the largest effect was 0.
#[test]
fn a_metric_that_does_not_vary_has_no_input_that_decides_it() {
    let room = room("unvarying");
    for method in ["sobol", "morris"] {
        let vary = "--points 4 --replications 1 --vary delays.sandbox=1s..2s --metric failed_http_502";
        let (stdout, _) = check_sensitivity(&room, &format!("--method {method} {vary}"), 0);
        assert!(stdout.starts_with("few: failed_http_502 does not vary with any of these inputs"), "{stdout}");
        assert!(stdout.contains("  delays.sandbox  "), "{stdout}");
    }
    let twice = "--vary delays.sandbox=1s..2s --vary delays.sandbox=1s..3s";
    let (_, stderr) = check_sensitivity(&room, twice, 2);
    assert!(stderr.contains("delays.sandbox is varied already"), "{stderr}");
}

/// "This change loses no more requests during a rollout than before" stood above 0 before, 4 now.
#[test]
fn a_change_of_which_nothing_can_be_told_has_no_headline_that_clears_it() {
    let room = room("undecided");
    let against = |n: &str| {
        let hook = SCENARIO.replace("name = \"few\"", "name = \"before\"") + "[pod.pre_stop]\nsleep = \"15s\"\n";
        fs::write(room.path("before.toml"), hook).unwrap();
        let arguments = ["run", "few.toml", "--against", "before.toml", "--format", "comment", "--replications", n];
        room.check(&[&arguments[..], &QUIET].concat(), 0).0
    };
    let comment = against("1");
    assert!(comment.contains("**Whether this change loses more requests during a rollout cannot be told"), "{comment}");
    assert!(comment.contains(", n = 1 |"), "{comment}");
}
