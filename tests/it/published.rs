//! The score's files and the list of published experiments: complete, readable, and simulated where it can be.

use std::process::Command;

use rollsim::validate::experiments;

use crate::common::shipped;

/// The ids of the shared set of published experiments.
const IDS: [u32; 29] =
    [1, 2, 4, 5, 6, 11, 12, 13, 16, 19, 21, 22, 23, 27, 29, 30, 32, 33, 36, 39, 43, 46, 47, 48, 49, 50, 52, 53, 54];

/// What the program prints on stdout; it must end well.
fn printed(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_rollsim")).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_published_experiment_has_a_row_and_every_scenario_settles() {
    let list = experiments(&std::fs::read_to_string("tests/data/published.toml").unwrap()).unwrap();
    let expected: Vec<String> = IDS.iter().map(|id| format!("PE-{id:02}")).collect();
    assert_eq!(list.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), expected);
    for figure in list.iter().flat_map(|row| &row.figure) {
        shipped(&figure.scenario, &[]);
    }
}

#[test]
fn the_published_table_has_a_row_each_and_a_miss_is_no_error() {
    let text = printed(&["validate", "--published", "--replications", "5", "--quiet"]);
    let header: Vec<&str> = text.lines().nth(2).unwrap().split_whitespace().collect();
    assert_eq!(header, ["id", "experiment", "published", "predicted", "verdict"]);
    assert_eq!(text.lines().filter(|line| line.starts_with(" PE-")).count(), IDS.len());
    assert!(text.contains("not modelled: needs a service that calls a service"));
}

#[test]
fn the_published_result_is_versioned_json() {
    let text = printed(&["validate", "--published", "--replications", "5", "--quiet", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["schema"], "rollsim/published/v1");
    let rows = json["rows"].as_array().unwrap();
    assert_eq!(rows.len(), IDS.len());
    assert_eq!(rows[0]["figures"][0]["metric"], "failed");
    let words = ["hit", "miss", "not_modelled", "not_judged"];
    assert!(rows.iter().all(|row| words.contains(&row["verdict"].as_str().unwrap())));
}

#[test]
fn the_score_is_written_with_its_picture() {
    let folder = std::env::temp_dir().join(format!("rollsim-score-{}", std::process::id()));
    let out = folder.to_str().unwrap();
    printed(&["validate", "--replications", "3", "--quiet", "--out", out]);
    let svg = std::fs::read_to_string(folder.join("score.svg")).unwrap();
    assert!(svg.contains("measured rollouts of") && svg.contains("prestop5_ka_term"));
    let json: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("validate.json")).unwrap()).unwrap();
    let run = &json["scenarios"][0]["runs"][0];
    assert!(run["p05"].as_f64() <= run["p25"].as_f64() && run["p25"].as_f64() <= run["p75"].as_f64());
    #[cfg(feature = "png")]
    assert!(folder.join("score.png").exists());
    std::fs::remove_dir_all(&folder).unwrap();
}
