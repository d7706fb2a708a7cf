//! The model against the measured rollouts: what `rollsim validate` says must not get worse.

use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;

/// Simulated once for all tests here, with the replications of the published score: bands are noisy with fewer.
fn score() -> &'static Value {
    static SCORE: LazyLock<Value> = LazyLock::new(validate);
    &SCORE
}

fn validate() -> Value {
    let arguments = ["validate", "--quiet", "--out", "none", "--format", "json"];
    let output = Command::new(env!("CARGO_BIN_EXE_rollsim")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// 90 % bands that hold 80 to 98 % of the observed runs whose outcome is not determined, and means off by a quarter at most.
#[test]
fn measured_runs_fall_where_the_model_says() {
    let score = score();
    assert_eq!(score["schema"], "rollsim/validate/v1");
    for metric in ["failed", "connections_opened", "rollout_duration_s"] {
        let found = &score["metrics"][metric];
        let coverage = found["coverage90_random"].as_f64().unwrap();
        assert!((0.80..=0.98).contains(&coverage), "{metric}: {coverage}");
        assert!(found["bias"].as_f64().unwrap().abs() <= 0.25, "{metric}: {found}");
    }
}

/// Scenarios of two or three runs on which a point forecast happens to be better than the distribution; the README says
/// why. A model that is exactly true would lose one or more of the 21 comparisons in three of four such sets of data.
const BETTER_BY_LUCK: [&str; 2] = ["preload100_close_term", "slow200_exit"];

#[test]
fn the_prediction_beats_both_point_forecasts() {
    let score = score();
    let mut lost = Vec::new();
    for scenario in score["scenarios"].as_array().unwrap() {
        let failed = &scenario["metrics"]["failed"];
        let baselines = failed["crps_baselines"].as_object().unwrap();
        let beaten = |baseline: &Value| failed["crps"].as_f64().unwrap() < baseline.as_f64().unwrap();
        if failed["observed_mean"].as_f64().unwrap() > 0.0 && !baselines.values().all(beaten) {
            lost.push(scenario["scenario"].as_str().unwrap());
        }
    }
    assert!(lost.iter().all(|name| BETTER_BY_LUCK.contains(name)), "{lost:?}");
}

/// Where there are four runs or more the 90 % band is no wider than three times their spread.
#[test]
fn bands_are_not_bought_by_width() {
    let score = score();
    for scenario in score["scenarios"].as_array().unwrap() {
        let runs: Vec<&Value> =
            scenario["runs"].as_array().unwrap().iter().filter(|run| run["metric"] == "failed").collect();
        let of = |run: &Value, key: &str| run[key].as_f64().unwrap();
        let observed = || runs.iter().map(|run| of(run, "observed"));
        let spread = observed().fold(f64::MIN, f64::max) - observed().fold(f64::MAX, f64::min);
        let width = of(runs[0], "p95") - of(runs[0], "p05");
        assert!(runs.len() < 4 || width <= 3.0 * spread, "{}: {width} against {spread}", scenario["scenario"]);
    }
}

/// Refused, timed out, reset and closed in the proportions observed, within 15 percentage points each.
#[test]
fn failures_are_of_the_right_kinds() {
    let score = score();
    let kinds = ["connect_refused", "connect_timeout", "reset", "eof"].map(|kind| format!("failed_{kind}"));
    let mean = |kind: &str, which: &str| score["metrics"][kind][which].as_f64().unwrap();
    let all = |which: &str| kinds.iter().map(|kind| mean(kind, which)).sum::<f64>();
    let (observed, predicted) = (all("observed_mean"), all("predicted_mean"));
    for kind in &kinds {
        let off = mean(kind, "predicted_mean") / predicted - mean(kind, "observed_mean") / observed;
        assert!(off.abs() < 0.15, "{kind}: {off}");
    }
}
