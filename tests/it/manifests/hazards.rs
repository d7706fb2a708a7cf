//! Each hazard fires on its example and is silent on the other; what is found is written in every format.

use std::path::Path;

use rollsim::hazards::{ALL, Finding, annotations, by_code, document, find, junit, report, sarif, text};
use serde_json::Value;

use super::{file, objects};

fn found(name: &str, text: &str) -> Vec<Finding> {
    find(&objects(&[(name, text)]).unwrap())
}

fn example(code: &str, which: &str) -> Vec<Finding> {
    let path = format!("tests/data/hazards/{code}/{which}.yaml");
    found(&path, &file(&path))
}

#[test]
fn each_hazard_fires_on_its_example_and_is_silent_on_the_other() {
    for hazard in ALL {
        let of = |findings: &[Finding]| findings.iter().filter(|finding| finding.hazard.code == hazard.code).count();
        assert!(of(&example(hazard.code, "fires")) >= 1, "{} fires", hazard.code);
        assert_eq!(of(&example(hazard.code, "silent")), 0, "{} is silent", hazard.code);
    }
}

/// What is shown as right has nothing else wrong with it.
#[test]
fn a_silent_example_is_silent_altogether() {
    let mut found = Vec::new();
    for hazard in ALL {
        let codes = example(hazard.code, "silent").into_iter().filter(|finding| finding.ignored.is_none());
        found.extend(codes.map(|finding| format!("{}: {} {}", hazard.code, finding.hazard.code, finding.message)));
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// A patch is YAML that our own reader takes, with the object's kind put before it.
#[test]
fn every_patch_is_yaml() {
    for hazard in ALL {
        for patch in example(hazard.code, "fires").iter().filter_map(|finding| finding.patch.clone()) {
            let whole =
                if patch.starts_with("apiVersion") { patch } else { format!("apiVersion: v1\nkind: Patch\n{patch}") };
            let read = objects(&[("patch.yaml", &whole)]);
            assert!(read.is_ok(), "{}: {read:?}\n{whole}", hazard.code);
        }
    }
}

#[test]
fn examples_and_hazards_are_the_same() {
    let mut folders: Vec<String> = std::fs::read_dir("tests/data/hazards")
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    folders.sort();
    let mut codes: Vec<&str> = ALL.iter().map(|hazard| hazard.code).collect();
    codes.sort_unstable();
    assert_eq!(folders, codes);
}

/// `rollsim check --list > docs/hazards.md` writes it anew.
#[test]
fn the_page_of_hazards_is_the_programs() {
    assert_eq!(file("docs/hazards.md"), document());
}

#[test]
fn a_comment_with_a_reason_silences_its_object_only() {
    let text =
        file("tests/data/hazards/ignore-without-reason/silent.yaml").replace("kind: PodDisruptionBudget", "kind: Gone");
    let ignored = found("a.yaml", &text.replace("policy/v1", "gone/v1"));
    let budget = ignored.iter().find(|finding| finding.hazard.code == "no-budget").unwrap();
    assert_eq!(budget.ignored.as_deref(), Some("drains are announced"));
    assert!(text_of(&ignored).contains("1 ignored for a reason"));
    assert!(!annotations(&ignored).contains("no-budget"));
}

fn text_of(findings: &[Finding]) -> String {
    text(findings, false)
}

#[test]
fn people_see_the_line_the_reason_and_the_patch() {
    let text = text_of(&example("no-pre-stop-hook", "fires"));
    let parts = ["warning[no-pre-stop-hook]", "fires.yaml:21:17", "seconds: 3", "1 warning"];
    assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    assert!(text_of(&[]).contains("no hazards"));
}

#[test]
fn machines_get_the_same_as_data() {
    let findings = example("grace-zero", "fires");
    let json = serde_json::to_value(report(&findings)).unwrap();
    assert_eq!(json["schema"], "rollsim/check/v1");
    assert_eq!(json["findings"].as_array().unwrap().len(), findings.len());
    let row = json["findings"].as_array().unwrap().iter().find(|row| row["code"] == "grace-zero").unwrap();
    assert_eq!((&row["level"], &row["object"]), (&Value::from("error"), &Value::from("Deployment/web")));
    let junit = junit(&findings, &["Deployment/web".to_owned(), "Deployment/other".to_owned()]);
    assert!(junit.contains("<testcase classname=\"Deployment/other\" name=\"hazards\"/>"), "{junit}");
    assert!(junit.contains("name=\"grace-zero\"") && junit.contains("<failure type=\"error\""), "{junit}");
    assert_eq!(junit.matches("<testcase ").count(), findings.len() + 1);
    let lines = annotations(&findings);
    assert!(lines.contains("::error file=tests/data/hazards/grace-zero/fires.yaml,line=19,col="), "{lines}");
    assert_eq!(lines.lines().count(), findings.len());
}

/// What the standard asks of the parts that are written (SARIF 2.1.0, sections 3.13 to 3.30).
#[test]
fn sarif_has_the_shape_of_the_standard() {
    for hazard in ALL {
        check_sarif(&serde_json::from_str(&sarif(&example(hazard.code, "fires"))).unwrap());
    }
}

fn check_sarif(log: &Value) {
    assert_eq!(log["version"], "2.1.0");
    let [run] = &log["runs"].as_array().unwrap()[..] else { panic!("one run") };
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "rollsim");
    let rules = driver["rules"].as_array().unwrap();
    for rule in rules {
        assert!(by_code(rule["id"].as_str().unwrap()).is_some());
        assert!(
            ["none", "note", "warning", "error"].contains(&rule["defaultConfiguration"]["level"].as_str().unwrap())
        );
        assert!(rule["shortDescription"]["text"].is_string() && rule["help"]["text"].is_string());
    }
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        let place = &result["locations"][0]["physicalLocation"];
        assert!(Path::new(place["artifactLocation"]["uri"].as_str().unwrap()).exists());
        let region = &place["region"];
        assert!(region["startLine"].as_u64().unwrap() >= 1 && region["startColumn"].as_u64().unwrap() >= 1);
        assert!(region["endColumn"].as_u64() > region["startColumn"].as_u64());
    }
}
