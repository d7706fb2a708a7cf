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
        assert_eq!(row[key], result[key], "{key}");
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
    check(&[a, &other[1]], "their seeds differ (1 and 9)");
    let other = shards(&room, 2, "often", &["--replications", "4"]);
    check(&[a, &other[1]], "their scenarios differ");
    let other = shards(&room, 2, "named", &["--replications", "3", "--set", "name=other"]);
    check(&[a, &other[1]], "their scenarios differ (tiny and other)");
    let other = shards(&room, 3, "thirds", &["--replications", "3"]);
    check(&[a, &other[1]], "their numbers of shards differ (2 and 3)");
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
