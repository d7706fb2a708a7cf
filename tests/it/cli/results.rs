//! What a run prints and leaves: the documented shape, files that read back, gates, stories.

use std::fs;
use std::io::Write;
use std::process::{Output, Stdio};

use rollsim::record::Metric;
use rollsim::report::Summary;
use rollsim::scenario::{Source, read};
use serde_json::Value;

use super::{Room, SCENARIO};

const PAIR: [&str; 2] = ["article-no-hook", "article-with-hook"];

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The result of both of the article's scenarios.
fn pair(room: &Room) -> Value {
    let options = ["--replications", "20", "--format", "json", "--out", "there", "--quiet"];
    let (stdout, stderr) = room.check(&[&["run"], &PAIR[..], &options].concat(), 0);
    assert_eq!(stderr, "");
    json(&stdout)
}

#[test]
fn several_runs_have_the_documented_shape() {
    let room = Room::new("shape");
    let result = pair(&room);
    assert_eq!(result["schema"], "rollsim/runs/v1");
    let runs = result["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 2);
    for (run, name) in runs.iter().zip(PAIR) {
        check_run(run, name);
        assert_eq!(run, &json(&room.read(&format!("there/{name}/result.json"))));
    }
}

#[test]
fn the_estimator_of_failures_is_named_and_leaves_latencies_out() {
    let room = Room::new("estimator");
    let run = |estimator: &str, format: &str| {
        let options =
            ["--replications", "20", "--out", "none", "--quiet", "--estimator", estimator, "--format", format];
        room.check(&[&["run", PAIR[0]], &options[..]].concat(), 0).0
    };
    let (every, only) = (json(&run("every-request", "json")), json(&run("failures-only", "json")));
    assert_eq!((&every["estimator"], &only["estimator"]), (&Value::Null, &"failures_only".into()));
    let (every, only) = (every["metrics"].as_object().unwrap(), only["metrics"].as_object().unwrap());
    assert!(only.len() < every.len() && only.keys().all(|name| !name.starts_with("latency")), "{only:?}");
    assert!(only.iter().all(|(name, summary)| summary == &every[name]));
    assert!(run("failures-only", "table").contains("estimator failures_only"));
    assert!(!run("failures-only", "markdown").contains("latency,"));
    assert!(run("failures-only", "csv").lines().skip(1).all(|line| line.ends_with(",failures_only")));
}

#[test]
fn the_estimator_of_failures_is_refused_where_it_would_not_be_exact() {
    let room = Room::new("refused");
    let options = ["--set", "kube_proxy.mode=ipvs", "--estimator", "failures-only", "--out", "none"];
    let (stdout, stderr) = room.check(&[&["run", PAIR[0]], &options[..]].concat(), 2);
    assert_eq!(stdout, "");
    assert!(stderr.contains("kube_proxy.mode stands against failures_only: ipvs may break"), "{stderr}");
}

fn check_run(run: &Value, name: &str) {
    assert_eq!((&run["schema"], &run["scenario"]), (&"rollsim/run/v1".into(), &name.into()));
    assert_eq!((&run["seed"], &run["replications"]), (&1.into(), &20.into()));
    assert_eq!(run["probability"]["any_failed"]["ci95"].as_array().unwrap().len(), 2);
    assert!(run["warnings"].is_array());
    let metrics = run["metrics"].as_object().unwrap();
    let names: Vec<&String> = metrics.keys().collect();
    assert_eq!(names.len(), Metric::COUNT, "{names:?}");
    for metric in Metric::ALL {
        check_summary(&metrics[metric.name()], metric.name());
    }
}

/// A metric that happened in no replication is null.
fn check_summary(summary: &Value, name: &str) {
    if summary.is_null() {
        let of_load =
            ["waiting_mean_s", "utilisation_peak", "queue_peak", "hump_begins_s", "hump_peak_s", "hump_ends_s"];
        let of_the_rollout = ["failure_span_s", "rollout_duration_s", "all_terminated_s"];
        let of_some_scenarios = ["container_restarts", "max_replicas"];
        let may_be_absent = [&of_the_rollout[..], &of_load, &of_some_scenarios];
        assert!(may_be_absent.concat().contains(&name), "{name}");
        return;
    }
    let ci95 = summary["ci95"].as_array().unwrap();
    assert!(ci95.len() == 2 && ci95[0].as_f64() <= ci95[1].as_f64(), "{name}");
    let plain = Summary::STATS.iter().filter(|stat| !stat.starts_with("ci95"));
    plain.for_each(|stat| assert!(summary[*stat].is_number(), "{name}.{stat}"));
}

#[test]
fn the_files_of_a_run_are_whole_and_the_scenario_reads_back() {
    let room = Room::new("whole");
    let result = pair(&room);
    for (index, name) in PAIR.into_iter().enumerate() {
        let settled = room.read(&format!("there/{name}/scenario.toml"));
        let (scenario, _) = read(&Source::new("scenario.toml", &settled), &[]).unwrap();
        assert_eq!((scenario.name.as_str(), scenario.run.replications), (name, 20));
        let rows = room.read(&format!("there/{name}/replications.csv"));
        check_rows(&rows, &result["runs"][index]["metrics"]["failed"]);
    }
    let (again, _) =
        room.check(&["run", "there/article-no-hook/scenario.toml", "--format", "json", "--out", "none"], 0);
    assert_eq!(json(&again), result["runs"][0], "the settled scenario gives the same result");
}

/// Every metric is a column, every replication a row, and the rows are what the summary sums up.
fn check_rows(rows: &str, failed: &Value) {
    let mut reader = rows.lines();
    let header: Vec<&str> = reader.next().unwrap().split(',').collect();
    assert!(Metric::ALL.iter().all(|metric| header.contains(&metric.name())), "{header:?}");
    let column = header.iter().position(|name| *name == "failed").unwrap();
    let values: Vec<f64> = reader.map(|row| row.split(',').nth(column).unwrap().parse().unwrap()).collect();
    assert_eq!(values.len(), 20);
    assert_eq!(failed["mean"].as_f64().unwrap(), values.iter().sum::<f64>() / 20.0);
}

#[test]
fn a_gate_and_its_opposite_end_differently() {
    let room = Room::new("opposite");
    let run = |scenario, gate, code| {
        room.check(&["run", scenario, "--replications", "20", "--out", "none", "--fail-if", gate], code).1
    };
    assert!(run(PAIR[0], "failed.p95 > 0", 3).contains("'failed.p95 > 0' holds"));
    run(PAIR[0], "failed.p95 <= 0", 0);
    run(PAIR[1], "failed.p95 > 0", 0);
    run(PAIR[1], "failed.p95 <= 0", 3);
}

#[test]
fn a_story_names_each_lost_request() {
    let room = Room::new("story");
    let (story, _) = room.check(&["explain", PAIR[0], "--out", "there", "--quiet"], 0);
    let picture = room.read("there/race.svg");
    assert!(picture.starts_with("<svg") && picture.trim_end().ends_with("</svg>"));
    let scenario =
        read(&Source::new("a", fs::read_to_string("scenarios/article-no-hook.toml").unwrap()), &[]).unwrap().0;
    let trace =
        (0..).map(|replication| rollsim::explain::traced(&scenario, replication)).find(|trace| !trace.lost.is_empty());
    for (index, lost) in trace.unwrap().lost.iter().enumerate() {
        let pod = lost.pod.unwrap().name(scenario.deployment.replicas);
        let who = format!("{}. client 0, connection-{}, request {}:", index + 1, lost.slot.0, lost.call);
        let told = story.split(&who).nth(1).unwrap_or_else(|| panic!("no {who} in\n{story}"));
        assert!(told.contains(&pod) && told.contains(lost.kind.words()), "{told}");
    }
}

/// Runs with a scenario on stdin.
fn piped(room: &Room, arguments: &[&str], stdin: &str) -> Output {
    let mut command = room.command(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn stdin_gives_what_the_file_gives() {
    let room = Room::new("piped");
    let options = ["--replications", "5", "--format", "json", "--out", "none"];
    let output = piped(&room, &[&["run", "-"], &options[..]].concat(), SCENARIO);
    let (of_file, _) = room.check(&[&["run", "small.toml"], &options[..]].concat(), 0);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), of_file);
    assert!(piped(&room, &["explain", "-", "--out", "none"], SCENARIO).status.success());
    let wrong = piped(&room, &["run", "-"], "replicas = 3\n");
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8(wrong.stderr).unwrap().contains(":1:1"));
}
