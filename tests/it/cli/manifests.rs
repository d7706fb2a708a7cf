//! Manifests on the command line: stdin, folders, import, check, and a change against what was before it.

use std::fs;

use serde_json::Value;

use super::Room;

fn manifest(name: &str) -> String {
    fs::read_to_string(format!("{}/tests/data/manifests/article/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// A room with the article's manifests, the old one in `old/`, the new one in `new/`.
fn room(name: &str, old: &str, new: &str) -> Room {
    let room = Room::new(name);
    for (folder, text) in [("old", old), ("new", new)] {
        fs::create_dir(room.path(folder)).unwrap();
        fs::write(room.path(folder).join("app.yaml"), text).unwrap();
    }
    room
}

const FEW: [&str; 5] = ["--replications", "20", "--out", "none", "--quiet"];

#[test]
fn kubectls_output_on_stdin_gives_the_answer_and_says_what_it_rests_on() {
    let room = Room::new("stdin-manifest");
    let output =
        room.run_with(&[&["run", "-", "--format", "json"], &FEW[..]].concat(), manifest("no-hook.yaml").as_bytes());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&result["schema"], &result["scenario"]), (&"rollsim/run/v1".into(), &"myapp-without-hook".into()));
    let assumptions = result["assumptions"].as_array().unwrap();
    let about = |key: &str| assumptions.iter().find(|one| one["key"] == key).unwrap();
    assert_eq!(about("clients.0.rate")["basis"], "assumed");
    assert_eq!(about("pod.server.profile")["place"], "<stdin>:23:18");
    assert!(result["warnings"].as_array().unwrap().iter().any(|warning| warning["code"] == "no-readiness-probe"));
}

#[test]
fn what_is_said_is_not_assumed() {
    let room = room("said", &manifest("no-hook.yaml"), &manifest("with-hook.yaml"));
    let said =
        ["run", "new", "--traffic", "50/s,connections=2,profile=fortio", "--boot", "1s", "--set", "cluster.nodes=2"];
    let (stdout, _) = room.check(&[&said[..], &["--format", "json"], &FEW].concat(), 0);
    let result: Value = serde_json::from_str(&stdout).unwrap();
    let keys: Vec<&str> =
        result["assumptions"].as_array().unwrap().iter().map(|one| one["key"].as_str().unwrap()).collect();
    assert!(
        keys.iter().all(|key| !key.starts_with("clients.0.rate") && *key != "pod.boot" && *key != "cluster.nodes"),
        "{keys:?}"
    );
    room.check(&["run", "new", "--traffic", "many"], 2);
    room.check(&["run", "small.toml", "--workload", "web"], 2);
    let (_, stderr) = room.check(&["run", "new", "--workload", "web"], 2);
    assert!(stderr.contains("Deployment/myapp"), "{stderr}");
}

#[test]
fn an_imported_scenario_runs_to_the_same_bytes() {
    let room = room("import", &manifest("no-hook.yaml"), &manifest("with-hook.yaml"));
    let (toml, _) = room.check(&["import", "new", "--traffic", "200/s"], 0);
    assert!(toml.contains("fails_readiness = true") && toml.contains("app.yaml:6:13"), "{toml}");
    fs::write(room.path("myapp.toml"), toml).unwrap();
    let digest = |file: &str, more: &[&str]| {
        let (stdout, _) = room.check(&[&["run", file, "--format", "json"], &FEW[..], more].concat(), 0);
        serde_json::from_str::<Value>(&stdout).unwrap()["digest"].clone()
    };
    assert_eq!(digest("myapp.toml", &[]), digest("new", &["--traffic", "200/s"]));
}

#[test]
fn a_change_fails_only_where_it_makes_things_worse() {
    let (without, with) = (manifest("no-hook.yaml"), manifest("with-hook.yaml"));
    let worse = room("worse", &with, &without);
    let arguments = [&["run", "new", "--against", "old", "--traffic", "500/s,keep_alive=false"], &FEW[..]].concat();
    let (stdout, stderr) = worse.check(&arguments, 3);
    assert!(stdout.contains("loses more requests than before"), "{stdout}\n{stderr}");
    let (comment, _) = worse.check(&[&arguments[..], &["--format", "comment"]].concat(), 3);
    assert!(comment.starts_with("<!-- rollsim -->\n**This change loses more"), "{comment}");
    // It loses as before: no reason to stop it, gate or not.
    let same = room("same", &without, &without);
    let (stdout, _) = same.check(&[&arguments[..], &["--fail-if", "failed.mean > 0"]].concat(), 0);
    assert!(stdout.contains("as many as before"), "{stdout}");
    let better = room("better", &without, &with);
    let (stdout, _) = better.check(&[&arguments[..], &["--format", "json"]].concat(), 0);
    let found: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&found["schema"], &found["pairs"][0]["verdict"]), (&"rollsim/against/v1".into(), &"better".into()));
}

#[test]
fn check_denies_what_it_is_told_to() {
    let room = room("check", &manifest("no-hook.yaml"), &manifest("with-hook.yaml"));
    let (stdout, _) = room.check(&["check", "new"], 0);
    assert!(stdout.contains("hook-not-below-grace"), "{stdout}");
    room.check(&["check", "new", "--deny", "error"], 0);
    room.check(&["check", "new", "--deny", "warning"], 3);
    for format in ["json", "sarif", "junit", "github"] {
        assert!(!room.check(&["check", "new", "--format", format], 0).0.is_empty());
    }
    room.check(&["check", "small.toml"], 0);
    room.check(&["check"], 2);
    room.check(&["check", "nowhere.yaml"], 1);
}

/// Merged under another name the patch would add a container without an image.
#[test]
fn the_recommended_patch_names_the_workload_and_the_container() {
    let room = room("named-patch", &manifest("no-hook.yaml"), &manifest("with-hook.yaml"));
    let asked = ["recommend", "old", "--hook-only", "--target", "0.5", "--longest", "1s", "--format", "yaml"];
    let (patch, _) = room.check(&[&asked[..], &["--out", "none", "--quiet"]].concat(), 0);
    assert!(patch.starts_with("# kubectl patch deployment myapp-without-hook --patch-file"), "{patch}");
    assert!(patch.contains("- name: \"myapp\"\n"), "{patch}");
}

const AGAINST: [&str; 6] = ["run", "new", "--against", "old", "--traffic", "500/s"];

#[test]
fn a_service_that_lost_its_pods_passed_the_gate() {
    let good = manifest("no-hook.yaml");
    assert!(good.contains("  selector:\n"), "{good}");
    let broken = good.replacen("kind: Service", "kind: Endpoints", 1);
    let room = room("unserved", &good, &broken);
    let (stdout, _) = room.check(&[&AGAINST[..], &FEW].concat(), 3);
    assert!(stdout.contains("no Service sends requests to it any more"), "{stdout}");
    let (comment, _) = room.check(&[&AGAINST[..], &["--format", "comment"], &FEW].concat(), 3);
    assert!(comment.contains("**With this change requests reach no pod any more.**"), "{comment}");
}

#[test]
fn the_first_change_that_adds_manifests_has_nothing_before_it() {
    let room = room("first", "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\n", &manifest("with-hook.yaml"));
    let (stdout, _) = room.check(&[&AGAINST[..], &FEW].concat(), 0);
    assert!(stdout.contains("new; loses "), "{stdout}");
    fs::remove_file(room.path("old/app.yaml")).unwrap();
    room.check(&[&AGAINST[..], &FEW].concat(), 0);
}

#[test]
fn workloads_of_one_name_in_two_namespaces_could_not_be_chosen() {
    let text = manifest("no-hook.yaml");
    let other = text.replace("metadata:\n  name", "metadata:\n  namespace: other\n  name");
    assert_ne!(text, other);
    let room = room("namespaces", "a: 1\n", &format!("{text}\n---\n{other}"));
    let (_, stderr) = room.check(&["explain", "new"], 2);
    assert!(stderr.contains("--workload other/Deployment/"), "{stderr}");
    let (stdout, _) = room
        .check(&[&["run", "new", "--format", "json", "--workload", "other/myapp-without-hook"], &FEW[..]].concat(), 0);
    assert!(stdout.contains("rollsim/run/v1"), "{stdout}");
}

#[cfg(unix)]
#[test]
fn pipes_and_broken_links_in_a_folder_are_left_alone() {
    let room = room("pipes", "a: 1\n", &manifest("no-hook.yaml"));
    assert!(std::process::Command::new("mkfifo").arg(room.path("new/pipe.yaml")).status().unwrap().success());
    std::os::unix::fs::symlink("/nowhere", room.path("new/broken.yaml")).unwrap();
    std::os::unix::fs::symlink(room.path("old"), room.path("new/folder.yaml")).unwrap();
    room.check(&["check", "new"], 0);
}

#[test]
fn escape_sequences_of_manifests_stay_out_of_the_terminal() {
    let text = manifest("no-hook.yaml").replace("nginx:1.15-alpine", "\"nginx:1.15-\\e[31malpine\\u009b1m\"");
    let room = room("escapes", "a: 1\n", &text);
    for command in [&["check", "new"][..], &["import", "new"], &["run", "new", "--replications", "2", "--out", "none"]]
    {
        let (stdout, stderr) = room.check(command, 0);
        assert!(!format!("{stdout}{stderr}").contains(['\u{1b}', '\u{9b}']), "{command:?}: {stdout}{stderr}");
    }
}
