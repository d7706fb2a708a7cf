//! `rollsim calibrate` on files that users have: what each gives, how they combine, and how it refuses.

use std::fmt::Write;
use std::fs;

use serde_json::{Value, json};

use super::Room;

#[test]
fn calibrate_tells_a_missing_folder_from_bad_data() {
    let folder = std::env::temp_dir().join(format!("rollsim-calibrate-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let data = folder.to_str().unwrap().to_owned();
    let code = |line: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_rollsim")).args(line).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(code(&["calibrate", "--data", &data]).0, Some(1));
    for name in ["micro.csv", "pods.csv", "proxy_sync.csv", "runs.csv"] {
        std::fs::write(folder.join(name), "name,value_s,scenario,run\na,fast,b,c\n").unwrap();
    }
    let (status, message) = code(&["calibrate", "--data", &data]);
    assert_eq!(status, Some(2), "{message}");
    assert!(message.contains("micro.csv:2: `value_s` is `fast`"), "{message}");
    assert_eq!(code(&["calibrate"]).0, Some(2));
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Some 1 ms: 20 of 100 answers below 0.5 ms, 80 below 2 ms.
fn fortio() -> String {
    let buckets = [(0.0002, 0.0005, 20), (0.0005, 0.001, 30), (0.001, 0.002, 30), (0.002, 0.0071, 20)];
    let data: Vec<Value> =
        buckets.iter().map(|(start, end, count)| json!({"Start": start, "End": end, "Count": count})).collect();
    json!({"RunType": "HTTP", "DurationHistogram": {"Count": 100, "Data": data},
           "ErrorsDurationHistogram": {"Count": 0, "Data": null}, "RetCodes": {"200": 100}})
    .to_string()
}

fn k6() -> String {
    json!({"metrics": {"http_reqs": {"count": 100}, "http_req_waiting": {"med": 1.0, "p(90)": 2.5, "p(95)": 3.2}}})
        .to_string()
}

fn vegeta() -> String {
    json!({"latencies": {"50th": 1_000_000, "90th": 2_500_000, "95th": 3_200_000, "99th": 5_200_000}, "requests": 100})
        .to_string()
}

/// Eight pods, wrapped as `--output-watch-events` does.
fn events() -> String {
    let mut text = String::new();
    for pod in 0..8 {
        let steps = [
            ("Scheduled", 0, "assigned".to_owned()),
            (
                "Pulled",
                400_000 + 20_000 * pod,
                format!("Successfully pulled image \"a\" in 1.{pod}s (1.{pod}s including waiting)"),
            ),
            ("Started", 700_000 + 30_000 * pod, "Started container web".to_owned()),
        ];
        for (reason, micros, message) in steps {
            let event = json!({
                "kind": "Event", "reason": reason, "message": message, "eventTime": format!("2026-01-31T10:00:00.{micros:06}Z"),
                "involvedObject": {"kind": "Pod", "uid": pod.to_string()},
            });
            writeln!(text, "{:#}", json!({"type": "ADDED", "object": event})).unwrap();
        }
    }
    text
}

fn slices(seconds: u32) -> String {
    let slice = |i: u32| {
        let stamp = |second: u32| format!("2026-01-31T10:{i:02}:{second:02}Z");
        json!({"kind": "EndpointSlice", "metadata": {
            "uid": "s", "generation": i + 2,
            "annotations": {"endpoints.kubernetes.io/last-change-trigger-time": stamp(7)},
            "managedFields": [{"manager": "kube-controller-manager", "time": stamp(7 + seconds)}]}})
    };
    json!({"kind": "List", "items": (0..20).map(slice).collect::<Vec<_>>()}).to_string()
}

fn room(name: &str) -> Room {
    let room = Room::new(name);
    let files = [
        ("fortio.json", fortio()),
        ("k6.json", k6()),
        ("vegeta.json", vegeta()),
        ("events.json", events()),
        ("slices.json", slices(1)),
        ("at_once.json", slices(0)),
    ];
    files.iter().for_each(|(name, text)| fs::write(room.0.join(name), text).unwrap());
    room
}

/// The keys of the lines of `[delays]`.
fn keys(toml: &str) -> Vec<&str> {
    toml.lines().filter_map(|line| Some(line.split_once(" = ")?.0)).filter(|key| !key.starts_with('#')).collect()
}

#[test]
fn all_files_combine_to_one_table_that_a_scenario_can_hold() {
    let room = room("calibrate-all");
    let arguments = "calibrate --fortio fortio.json --k6 k6.json --vegeta vegeta.json --kubectl-events events.json \
                     --kubectl-endpointslices slices.json --service-time 100us --format toml --out delays.toml";
    let (toml, stderr) = room.check(&arguments.split_whitespace().collect::<Vec<_>>(), 0);
    assert_eq!(stderr, "");
    assert_eq!(keys(&toml), ["sandbox", "pull", "create_start", "eps_batch", "rtt_pod"]);
    assert_eq!(room.read("delays.toml"), toml);
    assert!(toml.contains("\neps_batch = \"1s\"\n"), "{toml}");
    assert!(toml.contains("less a service time of 100us") || toml.contains("less a service time of 100µs"), "{toml}");
    let scenario = format!("{}{toml}", room.read("small.toml"));
    fs::write(room.0.join("measured.toml"), scenario).unwrap();
    room.check(&["run", "measured.toml", "--replications", "1", "--out", "none"], 0);
}

#[test]
fn each_load_generator_gives_the_round_trip() {
    let room = room("calibrate-each");
    for (flag, file) in [("--fortio", "fortio.json"), ("--k6", "k6.json"), ("--vegeta", "vegeta.json")] {
        let found: Value =
            serde_json::from_str(&room.check(&["calibrate", flag, file, "--format", "json"], 0).0).unwrap();
        let estimate = &found["estimates"][0];
        assert_eq!((estimate["id"].as_str(), estimate["n"].as_u64()), (Some("rtt_pod"), Some(100)), "{found}");
        let median = estimate["fitted"][0].as_f64().unwrap();
        assert!((0.000_9..0.001_1).contains(&median), "{flag}: {median}");
        assert!(estimate["note"].as_str().unwrap().contains("the time of the server is in it"), "{found}");
    }
}

/// Not a delay is printed that whole seconds cannot say; alone that is an empty result, next to others a note.
#[test]
fn slices_written_at_once_give_a_note() {
    let room = room("calibrate-note");
    let (stdout, stderr) = room.check(&["calibrate", "--kubectl-endpointslices", "at_once.json"], 2);
    assert_eq!(stdout, "");
    assert!(stderr.starts_with("no eps_batch: in 20 changes"), "{stderr}");
    assert!(stderr.ends_with("error: no delay can be fitted to these data\n"), "{stderr}");
    let both = [
        "calibrate",
        "--kubectl-endpointslices",
        "at_once.json",
        "--kubectl-events",
        "events.json",
        "--format",
        "toml",
    ];
    let (stdout, stderr) = room.check(&both, 0);
    assert_eq!(keys(&stdout), ["sandbox", "pull", "create_start"]);
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

#[test]
fn a_bad_file_is_named_with_its_line_and_a_missing_one_is_the_environment() {
    let room = room("calibrate-bad");
    fs::write(room.0.join("bad.json"), "{}\n{\n").unwrap();
    for flag in [
        "--fortio",
        "--k6",
        "--vegeta",
        "--kubectl-events",
        "--kubectl-endpointslices",
        "--kubectl-pods",
        "--kube-proxy",
    ] {
        let (stdout, stderr) = room.check(&["calibrate", flag, "bad.json"], 2);
        assert!(stdout.is_empty() && stderr.starts_with("error: bad.json:"), "{flag}: {stderr}");
        let (_, stderr) = room.check(&["calibrate", flag, "none.json"], 1);
        assert!(stderr.starts_with("error: failed to read none.json"), "{flag}: {stderr}");
    }
    let (_, stderr) = room.check(&["calibrate", "--kubectl-events", "bad.json"], 2);
    assert!(stderr.starts_with("error: bad.json:3:1: the JSON ends too early"), "{stderr}");
}

#[test]
fn stdin_could_not_be_read() {
    let room = room("calibrate-stdin");
    let read = |arguments: &[&str], input: &[u8]| {
        let output = room.run_with(&[&["calibrate"], arguments].concat(), input);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    for (flag, file) in [("--fortio", "fortio.json"), ("--k6", "k6.json"), ("--kubectl-events", "events.json")] {
        let (code, stdout, stderr) = read(&[flag, "-"], room.read(file).as_bytes());
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{flag}");
        assert_eq!(stdout, room.check(&["calibrate", flag, file], 0).0);
    }
    let (code, _, stderr) = read(&["--k6", "-", "--fortio", "fortio.json"], room.read("k6.json").as_bytes());
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let (code, _, stderr) = read(&["--vegeta", "-"], b"{\n 7}");
    assert_eq!(code, Some(2));
    assert!(
        stderr.starts_with("error: <stdin>:2:2: no JSON: key must be a string; expected what `vegeta report"),
        "{stderr}"
    );
    let (code, _, stderr) = read(&["--vegeta", "-", "--k6", "-"], b"{}");
    assert_eq!((code, stderr.as_str()), (Some(2), "error: stdin (-) can be read only once\n"));
}

#[test]
fn a_file_that_is_no_text_lacked_its_place() {
    let room = room("calibrate-binary");
    let told = |bytes: &[u8]| {
        fs::write(room.0.join("binary"), bytes).unwrap();
        let (stdout, stderr) = room.check(&["calibrate", "--fortio", "binary"], 2);
        assert_eq!(stdout, "");
        stderr
    };
    assert_eq!(told(b"{\n\xc3\xa9 \xff"), "error: binary:2:3: byte 6 is not text, expected UTF-8\n");
    assert_eq!(told(b"\xff\xfe{\0"), "error: binary:1:1: byte 1 is not text, expected UTF-8 (it seems to be UTF-16)\n");
    assert!(told(b"\x7fELF\x02\x01\0\0").starts_with("error: binary:1:1: no JSON: "));
    let marked = format!("\u{feff}{}", fortio());
    fs::write(room.0.join("marked.json"), marked).unwrap();
    let (stdout, _) = room.check(&["calibrate", "--fortio", "marked.json"], 0);
    assert_eq!(stdout, room.check(&["calibrate", "--fortio", "fortio.json"], 0).0);
}

#[test]
fn a_service_time_needs_a_load_test_and_must_leave_something() {
    let room = room("calibrate-service");
    let (_, stderr) = room.check(&["calibrate", "--kubectl-events", "events.json", "--service-time", "1ms"], 2);
    assert!(stderr.contains("required arguments were not provided"), "{stderr}");
    let (_, stderr) = room.check(&["calibrate", "--k6", "k6.json", "--service-time", "1"], 2);
    assert!(stderr.contains("'1' for '--service-time <DURATION>'"), "{stderr}");
    let (_, stderr) = room.check(&["calibrate", "--k6", "k6.json", "--service-time", "2ms"], 2);
    assert!(
        stderr.contains(
            "`metrics.http_req_waiting` says that half of the answers took no longer than the service time of 2ms"
        ),
        "{stderr}"
    );
}
