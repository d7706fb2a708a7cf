//! Sweeps as a user runs them: rows that agree with `run`, the same bytes whatever the threads, the interruptions and the
//! shards, and everything that is wrong said at once.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::cli::Room;
use crate::common::count;

const SWEEP: &str = r#"name = "tiny"
[run]
duration = "25s"
[rollout]
at = "3s"
[[clients]]
profile = "fortio"
rate = "40/s"
keep_alive = false
[sweep]
replications = 70
[sweep.vary]
"pod.pre_stop.sleep" = ["0s", "1500ms"]
"kube_proxy.min_sync_period" = { from = "1s", to = "4s", step = "1500ms" }
"delays.kp_sync.lognormal.median" = { from = "10ms", to = "90ms", count = 3, scale = "log" }
"#;

fn room(name: &str) -> Room {
    let room = Room::new(&format!("sweep-{name}"));
    fs::write(room.path("tiny.toml"), SWEEP).unwrap();
    room
}

/// The files of a folder with their bytes.
fn files(room: &Room, folder: &str) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(room.path(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<(String, Vec<u8>)> = entries
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

fn check_same(room: &Room, one: &str, other: &str) {
    let (one, other) = (files(room, one), files(room, other));
    let names = |files: &[(String, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&one), names(&other));
    assert!(names(&one).contains(&"sweep.csv".to_owned()));
    for ((name, one), (_, other)) in one.iter().zip(&other) {
        assert!(one == other, "{name} differs");
    }
}

fn rows(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A row writes a mean with its fraction, `1.0`, and a result without.
fn numbers_alike(value: &Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().unwrap().into(),
        Value::Array(items) => items.iter().map(numbers_alike).collect(),
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), numbers_alike(value))).collect(),
        other => other.clone(),
    }
}

#[test]
fn a_row_is_what_run_says_of_the_point() {
    let room = room("row");
    let (stdout, _) = room.check(&["sweep", "tiny.toml", "--quiet", "--format", "json", "--out", "none"], 0);
    let rows = rows(&stdout);
    assert_eq!(rows.len(), 18);
    let row = &rows[13];
    assert_eq!(row["axes"]["pod.pre_stop.sleep_s"], 1.5);
    let sets = ["--set", "pod.pre_stop.sleep=1500ms", "--set", "kube_proxy.min_sync_period=2500ms"];
    room.check(&["run", "tiny.toml", "--replications", "1", "--quiet"], 0);
    let settled = room.read("output/tiny/scenario.toml");
    let default = settled.lines().find(|line| line.starts_with("kp_sync = ")).unwrap();
    let p99 = default.split("p99 = \"").nth(1).unwrap().split('"').next().unwrap();
    let kp_sync = format!("delays.kp_sync={{ lognormal = {{ median = \"30ms\", p99 = \"{p99}\" }} }}");
    let run = [&["run", "tiny.toml", "--replications", "70", "--format", "json", "--quiet"][..], &sets].concat();
    let (stdout, _) = room.check(&[&run[..], &["--set", &kp_sync, "--out", "none"]].concat(), 0);
    let result: Value = serde_json::from_str(&stdout).unwrap();
    for key in ["digest", "metrics", "probability", "replications"] {
        assert_eq!(numbers_alike(&row[key]), numbers_alike(&result[key]), "{key}");
    }
}

#[test]
fn threads_change_no_byte() {
    let room = room("threads");
    for threads in ["1", "2", "5"] {
        room.check(&["sweep", "tiny.toml", "--quiet", "--threads", threads, "--out", threads], 0);
    }
    check_same(&room, "1", "2");
    check_same(&room, "1", "5");
    let precise = ["sweep", "tiny.toml", "--quiet", "--precision", "0.2", "--replications", "600"];
    for threads in ["1", "2"] {
        room.check(&[&precise[..], &["--threads", threads, "--out", &format!("p{threads}")]].concat(), 0);
    }
    check_same(&room, "p1", "p2");
}

/// Ends the process by a signal, as the kernel, a terminal or an engine does. False if it had ended by itself.
#[cfg(unix)]
fn interrupt(child: &mut std::process::Child, signal: &str) -> bool {
    let number = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-s", signal, &number]).status().unwrap().success());
    !child.wait().unwrap().success()
}

/// Interrupts the process at moments spread over its life; what was finished by then is not run again, and in the end nobody
/// can tell.
#[cfg(unix)]
fn goes_on_after(signal: &str, attempts: u32) {
    let room = room(&format!("interrupted-{signal}"));
    let sweep = ["sweep", "tiny.toml", "--quiet", "--threads", "1", "--replications", "200"];
    room.check(&[&sweep[..], &["--out", "whole"]].concat(), 0);
    for attempt in 0..attempts {
        let out = format!("interrupted-{attempt}");
        let arguments = [&sweep[..], &["--resume", "--out", &out]].concat();
        let mut finished = 0;
        for kills in 0..3 {
            let mut child = room.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(u64::from(37 * attempt + 90 * kills + 20)));
            if !interrupt(&mut child, signal) {
                break;
            }
            let journal = fs::read_to_string(room.path(&format!("{out}/sweep.journal"))).unwrap_or_default();
            let lines = journal.matches('\n').count();
            assert!(lines >= finished, "{signal}: {finished} lines of the journal have become {lines}");
            finished = lines;
        }
        room.check(&arguments, 0);
        check_same(&room, "whole", &out);
    }
}

#[cfg(unix)]
#[test]
fn a_sweep_that_was_killed_goes_on_to_the_same_bytes() {
    goes_on_after("KILL", count(2, 10));
}

/// Ctrl-C, and what an engine sends before it kills.
#[cfg(unix)]
#[test]
fn a_sweep_that_was_interrupted_goes_on_to_the_same_bytes() {
    goes_on_after("INT", count(1, 5));
    goes_on_after("TERM", count(1, 5));
}

#[test]
fn a_torn_journal_is_mended_and_finished_points_are_not_run_again() {
    let room = room("torn");
    room.check(&["sweep", "tiny.toml", "--quiet", "--out", "whole"], 0);
    let manifest: Value = serde_json::from_str(&room.read("whole/manifest.json")).unwrap();
    let head = serde_json::to_string(&manifest).unwrap();
    let lines: Vec<String> = room.read("whole/sweep.jsonl").lines().map(str::to_owned).collect();
    let torn = &lines[4][..lines[4].len() / 2];
    // A value that no simulation gives shows that the row is taken over.
    let marked = lines[3].replacen("\"requests\":{\"mean\":", "\"requests\":{\"mean\":7", 1);
    fs::create_dir_all(room.path("torn")).unwrap();
    fs::write(room.path("torn/sweep.journal"), format!("{head}\n{marked}\n{}\n{torn}", lines[17])).unwrap();
    let (_, stderr) = room.check(&["sweep", "tiny.toml", "--out", "torn"], 2);
    assert!(stderr.contains("holds 2 finished points") && stderr.contains("--resume"), "{stderr}");
    let (_, stderr) = room.check(&["sweep", "tiny.toml", "--out", "torn", "--resume"], 0);
    assert!(stderr.contains("2 finished points are taken over"), "{stderr}");
    let mended = room.read("torn/sweep.jsonl");
    assert_eq!(mended.lines().nth(3), Some(marked.as_str()));
    let others = |text: &str| {
        text.lines().enumerate().filter(|(index, _)| *index != 3).map(|(_, line)| line.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(others(&mended), others(&room.read("whole/sweep.jsonl")));
    assert!(!room.path("torn/sweep.journal").exists());
}

#[test]
fn the_journal_of_another_seed_is_refused() {
    let room = room("foreign");
    room.check(&["sweep", "tiny.toml", "--quiet", "--out", "a"], 0);
    let manifest: Value = serde_json::from_str(&room.read("a/manifest.json")).unwrap();
    fs::write(room.path("a/sweep.journal"), format!("{manifest}\n")).unwrap();
    let (_, stderr) = room.check(&["sweep", "tiny.toml", "--seed", "2", "--resume", "--out", "a"], 2);
    assert!(stderr.contains("finished points of another sweep"), "{stderr}");
}

fn shards(room: &Room, of: u32, out: &str, more: &[&str]) -> Vec<String> {
    let part = |index: u32| {
        let shard = format!("{index}/{of}");
        room.check(&[&["sweep", "tiny.toml", "--quiet", "--shard", &shard, "--out", out], more].concat(), 0);
        format!("{out}/part-{index}-of-{of}.jsonl")
    };
    (0..of).map(part).collect()
}

fn merge(room: &Room, parts: &[&str], code: i32) -> String {
    room.check(&[&["merge", "--quiet", "--out", "merged"], parts].concat(), code).1
}

#[test]
fn merged_shards_are_the_local_sweep_to_the_byte() {
    let room = room("shards");
    room.check(&["sweep", "tiny.toml", "--quiet", "--out", "local"], 0);
    let parts = shards(&room, 4, "parts", &[]);
    let parts: Vec<&str> = parts.iter().rev().map(String::as_str).collect();
    merge(&room, &parts, 0);
    check_same(&room, "local", "merged");
    let before = fs::metadata(room.path(parts[0])).unwrap().modified().unwrap();
    let (_, stderr) = room.check(&["sweep", "tiny.toml", "--shard", "3/4", "--out", "parts"], 0);
    assert!(stderr.contains("is there already"), "{stderr}");
    assert_eq!(fs::metadata(room.path(parts[0])).unwrap().modified().unwrap(), before);
}

#[test]
fn parts_that_do_not_fit_are_refused_in_a_sentence() {
    let room = room("unfit");
    let parts = shards(&room, 2, "parts", &["--replications", "3"]);
    let (a, b) = (parts[0].as_str(), parts[1].as_str());
    let check = |parts: &[&str], expected: &str| {
        let stderr = merge(&room, parts, 2);
        assert!(stderr.contains(expected), "{parts:?}: {stderr}");
        assert!(!room.path("merged").exists());
    };
    check(&[a], "part 1 of 2 is missing");
    check(&[a, b, a], "are both part 0");
    check(&["tiny.toml"], "is no part of a sweep");
    let other = shards(&room, 2, "seed", &["--replications", "3", "--seed", "9"]);
    check(&[a, &other[1]], "their seeds differ: 1 and 9");
    let other = shards(&room, 2, "often", &["--replications", "4"]);
    check(&[a, &other[1]], "their replications differ: 3 and 4");
    let other = shards(&room, 2, "precise", &["--replications", "3", "--precision", "0.5"]);
    check(&[a, &other[1]], "their precisions differ: none and 0.5");
    let other = shards(&room, 2, "named", &["--replications", "3", "--set", "name=other"]);
    check(&[a, &other[1]], "their scenarios differ: tiny and other");
    let other = shards(&room, 3, "thirds", &["--replications", "3"]);
    check(&[a, &other[1]], "their numbers of shards differ: 2 and 3");
    let text = room.read(b);
    let version = format!("\"version\":\"{}\"", env!("CARGO_PKG_VERSION"));
    fs::write(room.path("newer.jsonl"), text.replacen(&version, "\"version\":\"99.0.0\"", 1)).unwrap();
    check(&[a, "newer.jsonl"], "their versions differ");
    check(&["newer.jsonl"], "was made by version 99.0.0");
    fs::write(room.path("half.jsonl"), &text[..text.len() - 10]).unwrap();
    check(&[a, "half.jsonl"], "is not whole: it has 8 of its 9 points");
    let (_, stderr) = room.check(&["sweep", "tiny.toml", "--shard", "0/2", "--seed", "5", "--out", "parts"], 2);
    assert!(stderr.contains("is a part of another sweep"), "{stderr}");
    assert!(room.check(&["merge", "absent.jsonl"], 1).1.contains("absent.jsonl"));
    let lines: Vec<&str> = text.lines().collect();
    fs::write(room.path("broken.jsonl"), text.replacen(lines[3], "no row", 1)).unwrap();
    check(&[a, "broken.jsonl"], "broken.jsonl:4 is not the row that belongs there");
    fs::write(room.path("swapped.jsonl"), text.replacen(lines[3], lines[4], 1)).unwrap();
    check(&[a, "swapped.jsonl"], "expected point 5, found point 7");
    fs::copy(room.path("broken.jsonl"), room.path(b)).unwrap();
    let (_, stderr) = room.check(&["sweep", "tiny.toml", "--replications", "3", "--shard", "1/2", "--out", "parts"], 2);
    assert!(stderr.contains("part-1-of-2.jsonl:4 is not the row"), "{stderr}");
}

#[test]
fn the_engine_says_which_shard_it_is() {
    let room = room("engine");
    for (name, index) in [("JOB_COMPLETION_INDEX", "0"), ("SLURM_ARRAY_TASK_ID", "1")] {
        let arguments = ["sweep", "tiny.toml", "--quiet", "--replications", "2", "--shards", "2", "--out", "parts"];
        let output = room.command(&arguments).env(name, index).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        assert!(room.path(&format!("parts/part-{index}-of-2.jsonl")).exists());
    }
    let mut command = room.command(&["sweep", "tiny.toml", "--shards", "2"]);
    let output = command.env("JOB_COMPLETION_INDEX", "2").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let (_, stderr) = room.check(&["sweep", "tiny.toml", "--shards", "2"], 2);
    assert!(stderr.contains("neither JOB_COMPLETION_INDEX nor SLURM_ARRAY_TASK_ID is set"), "{stderr}");
}

#[test]
fn what_starts_shards_elsewhere_names_all_it_needs() {
    let room = room("emit");
    let emit = |engine| {
        let arguments = ["sweep", "tiny.toml", "--seed", "4", "--shards", "6", "--image", "here/rollsim:1", "--emit"];
        room.check(&[&arguments[..], &[engine]].concat(), 0).0
    };
    let job = emit("k8s-job");
    for line in [
        "completionMode: Indexed",
        "completions: 6",
        "image: \"here/rollsim:1\"",
        "- \"run.seed=4\"",
        "kind: ConfigMap",
    ] {
        assert!(job.contains(line), "{line}:\n{job}");
    }
    let script = emit("slurm");
    assert!(script.contains("#SBATCH --array=0-5") && script.contains("--shards 6 --set run.seed=4"), "{script}");
    assert!(!room.path("output").exists());
}

/// Every value of every axis is looked at before the first point runs, and every problem stands at its value.
#[test]
fn all_wrong_values_are_told_at_once_with_their_places() {
    let room = Room::new("sweep-wrong");
    let text = "name = \"wrong\"\n[sweep.vary]\n\"deployment.replicas\" = [1, -2]\n\"pod.pre_stop.slep\" = [\"1s\"]\n\
                \"pod.pre_stop.sleep\" = [\"0s\", \"5\", \"40s\"]\n\"cluster.cni\" = [\"bridge\", \"bridge\"]\n";
    fs::write(room.path("wrong.toml"), text).unwrap();
    let (stdout, stderr) = room.check(&["sweep", "wrong.toml"], 2);
    assert_eq!(stdout, "");
    for place in ["wrong.toml:3:29", "wrong.toml:4:1", "wrong.toml:5:31", "wrong.toml:5:36", "wrong.toml:6:28"] {
        assert!(stderr.contains(place), "{place}:\n{stderr}");
    }
    assert!(stderr.contains("did you mean `sleep`?") && stderr.contains("has \"bridge\" twice"), "{stderr}");
    fs::write(room.path("web.yaml"), "kind: Deployment\napiVersion: apps/v1\n").unwrap();
    let (_, stderr) = room.check(&["sweep", "web.yaml"], 2);
    assert!(
        stderr.contains("web.yaml is a manifest; a sweep varies the keys of a scenario: rollsim import"),
        "{stderr}"
    );
    let (_, stderr) = room.check(&["sweep", "small.toml"], 2);
    assert!(stderr.contains("the scenario has no [sweep]"), "{stderr}");
    assert!(!room.path("output").exists());
}

#[test]
fn random_designs_lay_their_points_by_the_seed() {
    let room = room("random");
    let text = "name = \"r\"\n[run]\nduration = \"2s\"\n[rollout]\nat = \"1s\"\n[sweep]\ndesign = \"sobol\"\npoints = 8\n\
                replications = 2\n[sweep.vary]\n\"pod.pre_stop.sleep\" = { from = \"0s\", to = \"8s\" }\n\
                \"deployment.replicas\" = { from = 1, to = 8 }\n\"cluster.cni\" = [\"bridge\", \"routed\"]\n";
    fs::write(room.path("r.toml"), text).unwrap();
    for design in ["sobol", "latin_hypercube"] {
        let set = format!("sweep.design={design}");
        let run = |seed: &str| {
            let arguments =
                ["sweep", "r.toml", "--quiet", "--format", "json", "--out", "none", "--set", &set, "--seed", seed];
            rows(&room.check(&arguments, 0).0)
        };
        let (one, other) = (run("1"), run("2"));
        assert_ne!(one[0]["axes"], other[0]["axes"], "{design}");
        let mut replicas: Vec<i64> =
            one.iter().map(|row| row["axes"]["deployment.replicas"].as_i64().unwrap()).collect();
        replicas.sort_unstable();
        assert_eq!(replicas, [1, 2, 3, 4, 5, 6, 7, 8], "{design}");
        let routed = one.iter().filter(|row| row["axes"]["cluster.cni"] == "routed").count();
        assert_eq!(routed, 4, "{design}");
    }
}

/// The estimator of failures is named in every row, agrees with the sweep of every request in all that it estimates, and has
/// no latencies; where it would not be exact the point's key is told.
#[test]
fn a_sweep_of_failures_only_is_the_sweep_without_its_latencies() {
    let room = room("failures");
    let text =
        SWEEP.replace("keep_alive = false\n", "connections = 4\n").replace("replications = 70", "replications = 10");
    fs::write(room.path("tiny.toml"), text).unwrap();
    let sweep = ["sweep", "tiny.toml", "--quiet", "--format", "json"];
    let (every, _) = room.check(&[&sweep[..], &["--out", "none"]].concat(), 0);
    let (failures, _) = room.check(&[&sweep[..], &["--estimator", "failures-only", "--out", "f"]].concat(), 0);
    for (every, failures) in rows(&every).iter().zip(rows(&failures)) {
        assert_eq!((&failures["estimator"], &every["estimator"]), (&Value::from("failures_only"), &Value::Null));
        let kept = every["metrics"].as_object().unwrap().iter().filter(|(name, _)| !name.starts_with("latency_"));
        let kept: serde_json::Map<String, Value> = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
        assert_eq!(failures["metrics"], Value::Object(kept));
    }
    let head = room.read("f/sweep.csv").lines().next().unwrap().to_owned();
    assert!(head.contains(",estimator,requests.mean,") && !head.contains("latency_"), "{head}");
    let refused = [&sweep[..], &["--estimator", "failures-only", "--set", "kube_proxy.mode=ipvs"]].concat();
    let (_, stderr) = room.check(&refused, 2);
    assert!(stderr.contains("kube_proxy.mode stands against sweep.estimator"), "{stderr}");
}

/// A folder is of one sweep: its picture and tables were those of the first when the second made none of its own.
#[test]
fn a_sweep_over_another_leaves_no_file_of_the_other() {
    let room = room("stale");
    let sweep = ["sweep", "tiny.toml", "--quiet", "--replications", "2", "--out", "a"];
    room.check(&sweep, 0);
    assert!(room.path("a/sweep.svg").exists());
    fs::write(room.path("a/sweep.parquet"), "of a program with the feature").unwrap();
    room.check(&[&sweep[..], &["--set", "sweep.vary={\"deployment.replicas\"=[3]}"]].concat(), 0);
    let left = files(&room, "a");
    assert!(left.iter().all(|(name, _)| !name.ends_with(".svg") && !name.ends_with(".png")), "{left:?}");
    assert!(left.iter().all(|(_, bytes)| bytes != b"of a program with the feature"), "{left:?}");
}

/// Where a manifest stands the tables are of its sweep, whatever kept the others from being written.
#[test]
fn a_manifest_does_not_outlive_its_tables() {
    let room = room("mixed");
    let sweep = |seed| ["sweep", "tiny.toml", "--quiet", "--replications", "2", "--out", "a", "--seed", seed];
    room.check(&sweep("1"), 0);
    fs::remove_file(room.path("a/sweep.csv")).unwrap();
    fs::create_dir_all(room.path("a/sweep.csv/in the way")).unwrap();
    let (_, stderr) = room.check(&sweep("2"), 1);
    assert!(stderr.contains("sweep.csv"), "{stderr}");
    assert!(!room.path("a/manifest.json").exists());
    fs::remove_dir_all(room.path("a/sweep.csv")).unwrap();
    room.check(&[&sweep("2")[..], &["--resume"]].concat(), 0);
    room.check(&[&sweep("2")[..6], &["b", "--seed", "2"]].concat(), 0);
    check_same(&room, "a", "b");
}

#[test]
fn a_file_that_is_no_journal_is_not_erased() {
    let room = room("notes");
    fs::create_dir_all(room.path("a")).unwrap();
    fs::write(room.path("a/sweep.journal"), "my notes\n").unwrap();
    for more in [&[][..], &["--resume"]] {
        let (_, stderr) = room.check(&[&["sweep", "tiny.toml", "--out", "a"], more].concat(), 2);
        assert!(stderr.contains("sweep.journal is no journal of this version"), "{stderr}");
    }
    assert_eq!(room.read("a/sweep.journal"), "my notes\n");
}

#[test]
fn a_complete_sweep_is_not_run_again() {
    let room = room("complete");
    let sweep = ["sweep", "tiny.toml", "--replications", "2", "--out", "a"];
    let (first, _) = room.check(&sweep, 0);
    // A row that no simulation gives shows that none was made.
    let rows = room.read("a/sweep.jsonl");
    fs::write(room.path("a/sweep.jsonl"), rows.replacen("\"digest\":\"", "\"digest\":\"taken", 1)).unwrap();
    let before = files(&room, "a");
    let (again, stderr) = room.check(&[&sweep[..], &["--resume"]].concat(), 0);
    assert!(stderr.contains("holds all of this sweep: there is nothing to resume"), "{stderr}");
    assert!(first == again && files(&room, "a") == before);
    let (_, stderr) = room.check(&[&sweep[..], &["--resume", "--seed", "2"]].concat(), 0);
    assert!(stderr.contains("the sweep begins"), "{stderr}");
}

/// The result is in the files; that it could not be printed, too, left a journal that stood in the way of the next sweep.
#[cfg(target_os = "linux")]
#[test]
fn a_full_stdout_leaves_no_journal() {
    let room = room("full");
    let sweep = ["sweep", "tiny.toml", "--quiet", "--replications", "2", "--out", "a"];
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = room.command(&sweep).stdout(full).stderr(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(1));
    assert!(room.path("a/manifest.json").exists() && !room.path("a/sweep.journal").exists());
    room.check(&sweep, 0);
}

#[test]
fn gates_judge_every_point_of_a_sweep_and_of_its_parts() {
    let room = room("gates");
    let sweep = ["sweep", "tiny.toml", "--replications", "3", "--format", "markdown", "--out", "none"];
    let (stdout, stderr) = room.check(&[&sweep[..], &["--fail-if", "requests.max > 99999"]].concat(), 0);
    assert!(stdout.contains("| pod.pre_stop.sleep | kube_proxy.min_sync_period |"), "{stdout}");
    assert!(!stderr.contains("holds"), "{stderr}");
    let gate = ["--fail-if", "requests.n == 3", "--fail-if", "failed.mean < 0"];
    let (_, stderr) = room.check(&[&sweep[..], &gate].concat(), 3);
    assert!(stderr.contains("tiny, point 0 (pod.pre_stop.sleep=0s, kube_proxy.min_sync_period=1s, "), "{stderr}");
    assert_eq!(stderr.matches("'requests.n == 3' holds: requests.n is 3").count(), 18, "{stderr}");
    let parts = shards(&room, 2, "parts", &["--replications", "3"]);
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    assert_eq!(merge(&room, &[&parts[..], &gate].concat(), 3).matches("requests.n is 3").count(), 18);
}

/// The manifest has all that lays the points: ends of ranges, lists, what was set.
#[test]
fn a_random_design_is_rebuilt_from_its_manifest() {
    let room = room("rebuilt");
    let design = ["--set", "sweep.design=latin_hypercube", "--set", "sweep.points=7", "--replications", "2"];
    room.check(&[&["sweep", "tiny.toml", "--quiet", "--seed", "5", "--out", "a"], &design[..]].concat(), 0);
    let manifest: Value = serde_json::from_str(&room.read("a/manifest.json")).unwrap();
    let text = |key: &str| manifest[key].as_str().unwrap().to_owned();
    fs::write(room.path("again.toml"), text("settled") + &text("sweep")).unwrap();
    room.check(&["sweep", "again.toml", "--quiet", "--out", "b"], 0);
    check_same(&room, "a", "b");
}

/// An engine that took the machine away starts the shard again, which goes on where the first was.
#[test]
fn a_shard_that_was_preempted_goes_on() {
    let room = room("preempted");
    let part = shards(&room, 2, "parts", &["--replications", "2"]).remove(0);
    let whole = room.read(&part);
    let (head, rows) = whole.split_once('\n').unwrap();
    let manifest = serde_json::from_str::<Value>(head).unwrap()["manifest"].to_string();
    let row = rows.lines().nth(3).unwrap();
    let marked = row.replacen("\"digest\":\"", "\"digest\":\"taken", 1);
    fs::remove_file(room.path(&part)).unwrap();
    fs::write(room.path("parts/part-0-of-2.journal"), format!("{manifest}\n{marked}\n{}", &row[..90])).unwrap();
    let shard = ["sweep", "tiny.toml", "--replications", "2", "--shard", "0/2", "--out", "parts"];
    let (_, stderr) = room.check(&shard, 0);
    assert!(stderr.contains("1 finished point is taken over"), "{stderr}");
    assert_eq!(room.read(&part), whole.replacen(row, &marked, 1));
    assert!(!room.path("parts/part-0-of-2.journal").exists());
}

#[test]
fn what_an_engine_could_not_run_is_refused() {
    let room = room("refused");
    let output = room.run_with(&["sweep", "-", "--shards", "4", "--emit", "slurm"], SWEEP.as_bytes());
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    assert!(String::from_utf8_lossy(&output.stderr).contains("needs the scenario as a file"), "{output:?}");
    let text = SWEEP.replace(
        "profile = \"fortio\"\nrate = \"40/s\"\nkeep_alive = false\n",
        "profile = \"open\"\narrivals = \"trace\"\ntrace = \"a.csv\"\n",
    );
    fs::write(room.path("traced.toml"), text).unwrap();
    fs::write(room.path("a.csv"), "0.5\n1.5\n").unwrap();
    let emit = ["sweep", "traced.toml", "--shards", "4", "--check", "--emit", "k8s-job"];
    let (job, _) = room.check(&emit, 0);
    assert!(job.contains("trace-0.csv: \"0.5\\n1.5\\n\"") && job.contains("path: \"a.csv\""), "{job}");
    assert!(job.contains("- \"--check\"") && job.contains("rollsim merge part-*-of-4.jsonl"), "{job}");
    let (_, stderr) = room.check(&[&emit[..], &["--out", "x"]].concat(), 2);
    assert!(stderr.contains("no pod can write"), "{stderr}");
}

/// Readers decide by the first rows what a column holds: an axis that is whole in those and not in later ones has a fraction in
/// all, what is counted has none.
#[test]
fn a_column_of_an_axis_is_whole_everywhere_or_nowhere() {
    let room = room("whole");
    let vary = r#"sweep.vary={"deployment.replicas"=[2,3],"clients.0.rate"=["40/s","50/s"],"clients.0.work"=[1,2.5]}"#;
    let axes = ["--set", vary];
    let sweep = ["sweep", "tiny.toml", "--quiet", "--replications", "2", "--out", "a", "--format", "json"];
    let (rows, _) = room.check(&[&sweep[..], &axes].concat(), 0);
    assert!(
        rows.starts_with("{\"schema\":\"rollsim/sweep-point/v1\",\"point\":0,\"axes\":{\"deployment.replicas\":2,"),
        "{rows}"
    );
    assert!(rows.contains(r#""clients.0.rate_per_s":40.0,"clients.0.work":1.0}"#), "{rows}");
    let csv = room.read("a/sweep.csv");
    assert!(csv.lines().nth(1).unwrap().starts_with("0,2,40/s,40.0,1.0,2,1,"), "{csv}");
}
