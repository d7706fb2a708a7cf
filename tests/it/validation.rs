//! The model against the measured rollouts: what `rollsim validate` says must not get worse.

use std::process::Command;

use serde_json::Value;

use crate::common::count;

fn score() -> Value {
    let replications = count(150, 500).to_string();
    let arguments = ["validate", "--quiet", "--out", "none", "--format", "json", "--replications", &replications];
    let output = Command::new(env!("CARGO_BIN_EXE_rollsim")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// 90 % bands that hold 80 to 98 % of the observed runs whose outcome is not determined, means off by a quarter at most,
/// and a better score than both point forecasts.
#[test]
fn measured_runs_fall_where_the_model_says() {
    let score = score();
    assert_eq!(score["schema"], "rollsim/validate/v1");
    for metric in ["failed", "connections_opened", "rollout_duration_s"] {
        let found = &score["metrics"][metric];
        let coverage = found["coverage90_random"].as_f64().unwrap();
        assert!((0.80..=0.98).contains(&coverage), "{metric}: {coverage}");
        assert!(found["bias"].as_f64().unwrap().abs() <= 0.25, "{metric}: {found}");
        for (name, baseline) in found["crps_baselines"].as_object().unwrap() {
            assert!(found["crps"].as_f64().unwrap() < baseline.as_f64().unwrap(), "{metric} against {name}");
        }
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
