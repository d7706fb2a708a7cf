//! How requests arrive: counts against formulas, traces to the nanosecond.

use rollsim::record::Metric;
use rollsim::scenario::{self, Source};

use crate::common::{Estimate, count, runs, scenario, values};

/// An open loop of 50 a second for 20 s, answered at once.
const OPEN: &str = r#"
    [run]
    duration = "20s"
    [rollout]
    at = "10h"
    [[clients]]
    profile = "open"
    rate = "50/s"
    [pod.server]
    workers = "unlimited"
"#;

fn must_count(sets: &[&str], mean: f64, variance: f64) {
    let counts = values(&runs(&scenario(OPEN, sets), count(200, 4_000)), Metric::Requests);
    Estimate::of(&counts).must_hold(&format!("mean, {sets:?}"), mean, 0.0);
    let squares: Vec<f64> = counts.iter().map(|count| (count - mean).powi(2)).collect();
    Estimate::of(&squares).must_hold(&format!("variance, {sets:?}"), variance, 0.0);
}

#[test]
fn poisson_arrivals_vary_as_much_as_they_are() {
    must_count(&[], 1_000.0, 1_000.0);
}

/// A Poisson process whose rate is switched between `peak` and `low`, after exponential times of means `on` and `off`:
/// variance `λt + 2 p (1 − p) (peak − low)² (t − (1 − e^(−rt))/r) / r` with `r = 1/on + 1/off` and `p` the share of bursts.
#[test]
fn bursts_follow_the_switched_poisson_process() {
    for quiet in [0.0, 0.25] {
        let (on, off, t) = (0.5_f64, 1.5_f64, 20.0_f64);
        let peak = 50.0 * (on + off) / (on + quiet * off);
        let (p, r) = (on / (on + off), 1.0 / on + 1.0 / off);
        let switched = 2.0 * p * (1.0 - p) * (peak - quiet * peak).powi(2) / r;
        let variance = 50.0 * t + switched * (t - (1.0 - (-r * t).exp()) / r);
        let burst = format!("clients.0.burst={{ on = \"500ms\", off = \"1500ms\", quiet = {quiet} }}");
        must_count(&["clients.0.arrivals=bursty", &burst], 1_000.0, variance);
    }
}

/// A shape of half a minute, from its middle on: the area under it is the mean and the variance.
#[test]
fn a_shape_is_followed() {
    let shape = r#"clients.0.shape=[["0s", 0], ["10s", 2], ["20s", 2], ["30s", 0.5]]"#;
    let sets = ["clients.0.arrivals=daily", shape, "clients.0.shape_starts_at=10s"];
    let area = 10.0 * 2.0 + 10.0 * 1.25;
    must_count(&sets, 50.0 * area, 50.0 * area);
    let quiet = ["clients.0.arrivals=daily", "clients.0.shape_starts_at=4h"];
    must_count(&quiet, 50.0 * 20.0 * 0.2, 50.0 * 20.0 * 0.2);
}

const TRACED: &str = "[run]\nduration = \"2s\"\n[rollout]\nat = \"1h\"\n[delays]\nrtt_pod = \"0s\"\n[[clients]]\n\
                      profile = \"open\"\narrivals = \"trace\"\ntrace = \"requests.csv\"\n";

fn read_trace(csv: &str) -> Result<rollsim::model::spec::Scenario, String> {
    let source = Source::new("a.toml", TRACED).attach("requests.csv", csv);
    let read = scenario::read(&source, &[]).map(|(scenario, _)| scenario);
    read.map_err(|problems| scenario::render(&problems, false))
}

#[test]
fn a_trace_is_sent_as_it_stands_until_the_clients_stop() {
    let scenario = read_trace("at,path\n0.25,/\n\n\"500ms\",/a\n0.5\n1.999999999,x\n2.5,/\n").unwrap();
    let nanos: Vec<u64> = scenario.clients[0].trace.iter().map(|at| at.as_nanos()).collect();
    assert_eq!(nanos, [250_000_000, 500_000_000, 500_000_000, 1_999_999_999, 2_500_000_000]);
    assert_eq!(runs(&scenario, 1)[0].get(Metric::Requests), Some(4.0));
    // What spreadsheets write before a text is no part of it.
    assert_eq!(read_trace("\u{feff}0.25\n1\n").unwrap().clients[0].trace.len(), 2);
    // What is settled has the times in it and needs no file.
    let settled = scenario::settled_toml(&scenario);
    assert_eq!(scenario::read(&Source::new("a.toml", settled), &[]).unwrap().0, scenario);
}

#[test]
fn a_wrong_trace_is_told_its_place() {
    for (csv, expected) in [
        ("at\n1\ntwo\n", "requests.csv:3:1: \"two\" is no time"),
        ("at\r\n1\r\n2\r\n3\r\ntwo\r\n", "requests.csv:5:1: \"two\" is no time"),
        ("2\n1\n", "requests.csv:2:1: \"1\" comes after a later one"),
        ("-1\n", "requests.csv:1:1: \"-1\" is no time from 0 to 86400 s"),
        ("at\n1\n25h\n", "requests.csv:3:1: \"25h\" is no time from 0 to 86400 s"),
        ("0x10\n1\n", "requests.csv:1:1: \"0x10\" is no time"),
        ("1_000\n1\n", "requests.csv:1:1: \"1_000\" is no time"),
        ("at\n", "must have 1 to 1000000 times"),
        ("nan\n", "requests.csv:1:1: \"nan\" is no time from 0 to 86400 s"),
    ] {
        let told = read_trace(csv).unwrap_err();
        assert!(
            told.contains(expected) && told.contains("a.toml:10:9") && told.matches("error[").count() == 1,
            "{csv}: {told}"
        );
    }
    let source = Source::new("a.toml", TRACED);
    assert_eq!(scenario::wanted_files(&source, &[]), ["requests.csv"]);
    let told = scenario::render(&scenario::read(&source, &[]).unwrap_err(), false);
    assert!(told.contains("names the file \"requests.csv\", which cannot be read here"), "{told}");
    for (text, expected) in [
        (TRACED.replace("trace = \"requests.csv\"\n", ""), "has arrivals = \"trace\" but no `trace`"),
        (TRACED.replace("\"trace\"", "\"poisson\""), "is for arrivals = \"trace\""),
    ] {
        let source = Source::new("a.toml", text).attach("requests.csv", "1\n");
        let told = scenario::render(&scenario::read(&source, &[]).unwrap_err(), false);
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn a_trace_that_outlasts_the_run_is_warned_of() {
    let told = |csv: &str| {
        let source = Source::new("a.toml", TRACED).attach("requests.csv", csv);
        let (_, warnings) = scenario::read(&source, &[]).unwrap();
        warnings.into_iter().find(|warning| warning.code == "trace-beyond-run").map(|warning| warning.message)
    };
    assert_eq!(told("0.5\n1\n"), None);
    let some = told("0.5\n100\n200\n").unwrap();
    assert!(some.contains("2 of the 3 requests"), "{some}");
}

/// The file lies beside the scenario that names it.
#[test]
fn the_program_reads_the_trace_beside_its_scenario() {
    let folder = std::env::temp_dir().join(format!("rollsim-trace-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("traced.toml");
    std::fs::write(&file, TRACED).unwrap();
    let run = || {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_rollsim"));
        let arguments = ["--replications", "1", "--out", "none", "--quiet", "--format", "csv"];
        command.arg("run").arg(&file).args(arguments).output().unwrap()
    };
    let missing = run();
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("requests.csv"), "{missing:?}");
    std::fs::write(folder.join("requests.csv"), "0.5\n1.5\n").unwrap();
    let output = run();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.lines().any(|line| line.contains("requests,") && line.contains(",2")), "{text}");
}
