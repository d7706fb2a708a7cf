//! Pages and the other ways to look at a rollout: what is written, and that nothing is simulated again for it.

use std::fs;

use serde_json::Value;

use super::Room;

#[test]
fn a_run_leaves_a_page_and_report_makes_it_again() {
    let room = Room::new("page");
    room.check(&["run", "small.toml", "--replications", "5", "--out", "there", "--quiet", "--observed", "4"], 0);
    let page = room.read("there/report.html");
    let race: Value = serde_json::from_str(&room.read("there/race.json")).unwrap();
    assert_eq!(race["schema"], "rollsim/race/v1");
    assert!(room.read("there/failed.svg").contains("measured: 4"));
    // Without the scenario nothing could be simulated.
    fs::remove_file(room.path("small.toml")).unwrap();
    fs::remove_file(room.path("there/report.html")).unwrap();
    let (_, stderr) = room.check(&["report", "there"], 0);
    assert_eq!(room.read("there/report.html"), page);
    assert!(stderr.contains("written: "), "{stderr}");
}

#[test]
fn two_results_are_compared_pair_by_pair() {
    let room = Room::new("pair");
    let run = ["run", "article-no-hook", "article-with-hook", "--replications", "20", "--out", "both", "--quiet"];
    room.check(&run, 0);
    let report = ["report", "both/article-no-hook", "both/article-with-hook/result.json", "--out", "pair"];
    let (stdout, _) = room.check(&[&report[..], &["--format", "markdown", "--quiet"]].concat(), 0);
    assert!(stdout.contains("20 pairs with the same luck"), "{stdout}");
    assert!(room.read("pair/report.html").contains("fewer per rollout than article-no-hook, with the same luck"));
}

#[test]
fn a_report_of_something_else_says_what_is_wrong() {
    let room = Room::new("no-result");
    fs::write(room.path("result.json"), "{\"schema\": 1}").unwrap();
    let (_, stderr) = room.check(&["report", "result.json"], 2);
    assert!(stderr.contains("is no result of rollsim run") && stderr.contains("line 1"), "{stderr}");
    let (_, stderr) = room.check(&["report", "nowhere"], 1);
    assert!(stderr.contains("failed to read nowhere"), "{stderr}");
}

#[test]
fn a_broken_file_beside_a_result_is_named() {
    let room = Room::new("beside");
    room.check(&["run", "small.toml", "--replications", "2", "--out", "there", "--quiet"], 0);
    fs::write(room.path("there/replications.csv"), "replication,failed\n0,many\n").unwrap();
    let (_, stderr) = room.check(&["report", "there"], 2);
    assert!(stderr.contains("replications.csv: line 2: failed: 'many' is no number"), "{stderr}");
}

#[test]
fn teach_writes_one_page() {
    let room = Room::new("teach");
    let (stdout, stderr) = room.check(&["teach", "--out", "a/b.html"], 0);
    assert_eq!(stdout, "");
    assert!(stderr.contains("it works offline"), "{stderr}");
    assert!(room.read("a/b.html").contains("The race behind a rolling update"));
    room.check(&["teach", "--out", ".."], 2);
}

#[test]
fn a_story_is_told_as_a_diagram_and_as_trace_events() {
    let room = Room::new("formats");
    let told = |format: &str| {
        let options = ["--replication", "0", "--out", "none", "--quiet", "--format", format];
        room.check(&[&["explain", "article-no-hook"], &options[..]].concat(), 0).0
    };
    assert!(told("mermaid").contains("sequenceDiagram\n"));
    let events: Value = serde_json::from_str(&told("perfetto")).unwrap();
    assert!(events["traceEvents"].as_array().is_some_and(|events| events.len() > 20));
}

#[test]
fn another_scenario_stands_beside() {
    let room = Room::new("beside-picture");
    let options = ["--beside", "article-with-hook", "--replication", "0", "--out", "there", "--quiet"];
    room.check(&[&["explain", "article-no-hook"], &options[..]].concat(), 0);
    let svg = room.read("there/beside.svg");
    assert!(svg.contains("article-no-hook, replication 0") && svg.contains("article-with-hook, replication 0"));
    assert!(room.read("there/pods.svg").contains("replaced by") && room.read("there/course.svg").contains("ready"));
}

#[test]
fn the_race_plays_on_stderr() {
    let room = Room::new("watch");
    let options = ["--replications", "3", "--watch", "--out", "none", "--format", "json"];
    let (stdout, stderr) = room.check(&[&["run", "article-no-hook"], &options[..]].concat(), 0);
    assert!(serde_json::from_str::<Value>(&stdout).is_ok());
    assert!(stderr.contains("◆ request lost") && stderr.contains("old-0  "), "{stderr}");
}
