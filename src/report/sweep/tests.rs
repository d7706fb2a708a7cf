//! Rows as text, as cells and as a table.

use super::*;
use crate::report::result::samples;

fn manifest() -> Manifest {
    let axis = AxisHead {
        keys: vec!["pod.pre_stop.sleep".into()],
        columns: vec!["pod.pre_stop.sleep".into(), "pod.pre_stop.sleep_s".into()],
        numbers: vec!["pod.pre_stop.sleep_s".into()],
        whole: Vec::new(),
        log: false,
    };
    Manifest {
        schema: MANIFEST_SCHEMA.into(),
        version: "0.0.0".into(),
        scenario: "shop".into(),
        seed: 1,
        replications: 3,
        precision: None,
        estimator: None,
        design: "grid".into(),
        points: 2,
        plan: "0123456789abcdef".into(),
        axes: vec![axis],
        settled: "name = \"shop\"\n".into(),
        sweep: "[sweep]\n".into(),
    }
}

fn row(point: u64, failed: &[u32]) -> PointResult {
    let axes = vec![
        ("pod.pre_stop.sleep".to_owned(), AxisValue::Text("500ms".into())),
        ("pod.pre_stop.sleep_s".to_owned(), AxisValue::Number(0.5)),
    ];
    PointResult::new(point, axes, true, samples::result("shop", &samples::replications(failed)))
}

#[test]
fn a_row_reads_back_as_it_was() {
    let row = row(0, &[3, 4, 0]);
    let line = serde_json::to_string(&row).unwrap();
    assert_eq!(PointResult::parse(&line).unwrap(), row);
    assert!(line.contains(r#""axes":{"pod.pre_stop.sleep":"500ms","pod.pre_stop.sleep_s":0.5}"#), "{line}");
}

#[test]
fn every_cell_stands_below_its_column() {
    let text = csv::text(&manifest(), &[row(0, &[3, 4, 0]), row(1, &[0, 0, 0])]).unwrap();
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    let at = |line: usize, name: &str| lines[line][lines[0].iter().position(|column| *column == name).unwrap()];
    assert_eq!((lines.len(), lines[0].len(), lines[1].len()), (3, columns(&manifest()).len(), lines[0].len()));
    assert_eq!((at(1, "point"), at(2, "point"), at(1, "pod.pre_stop.sleep_s")), ("0", "1", "0.5"));
    assert_eq!((at(1, "failed.max"), at(1, "failed.n"), at(1, "any_failed.n")), ("4", "3", "3"));
    assert_eq!((at(2, "failure_span_s.mean"), at(2, "failure_span_s.n")), ("", "0"));
}

/// Whoever decides by the first rows that a mean is a whole number fails at the first that is none.
#[test]
fn means_have_a_fraction_where_nothing_is_lost_and_counts_stay_whole() {
    let rows = [row(0, &[0, 0, 0])];
    let text = csv::text(&manifest(), &rows).unwrap();
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    let at = |name: &str| lines[1][lines[0].iter().position(|column| *column == name).unwrap()];
    assert_eq!((at("failed.mean"), at("failed.ci95_lo"), at("any_failed.estimate")), ("0.0", "0.0", "0.0"));
    assert_eq!(
        (at("requests.mean"), at("requests.p50"), at("failed.max"), at("failed.n")),
        ("30000.0", "30000", "0", "3")
    );
    let line = serde_json::to_string(&rows[0]).unwrap();
    assert!(line.contains(r#""failed":{"mean":0.0,"ci95":[0.0,1.2"#), "{line}");
    assert!(line.contains(r#""min":0,"p05":0,"#) && line.contains(r#""any_failed":{"estimate":0.0,"#), "{line}");
}

#[test]
fn what_differs_is_told_by_its_name() {
    let one = manifest();
    let check = |change: &dyn Fn(&mut Manifest), expected: Option<&str>| {
        let mut other = manifest();
        change(&mut other);
        assert_eq!(one.difference(&other).as_deref(), expected);
    };
    check(&|_| (), None);
    check(&|other| other.replications = 6, Some("their replications differ: 3 and 6"));
    check(&|other| other.precision = Some(0.1), Some("their precisions differ: none and 0.1"));
    check(
        &|other| other.estimator = Some("failures_only".into()),
        Some("their estimators differ: every_request and failures_only"),
    );
    check(&|other| other.plan = "f".into(), Some("their scenarios differ: plan 0123456789abcdef and plan f"));
    check(&|other| other.sweep = String::new(), Some("their [sweep] is written in other words"));
}

#[test]
fn the_markdown_of_a_sweep_has_the_rows_of_its_table() {
    let text = markdown::render(&manifest(), &[row(0, &[3, 4, 0])]);
    assert!(text.contains("| pod.pre_stop.sleep | failed requests | middle 90 % |"), "{text}");
    assert!(
        text.contains("| 500ms | 2.3") && text.ends_with("and 1 more point in sweep.csv and sweep.jsonl\n"),
        "{text}"
    );
    assert!(text.starts_with("shop, 2 points with the same luck"), "{text}");
}

#[test]
fn nothing_lost_carries_its_bound() {
    let text = csv::text(&manifest(), &[row(0, &[0, 0, 0])]).unwrap();
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    let column = lines[0].iter().position(|column| *column == "failed.ci95_hi").unwrap();
    assert!((lines[1][column].parse::<f64>().unwrap() - 3.688_879 / 3.0).abs() < 1e-6);
}

#[test]
fn the_table_says_what_it_leaves_out() {
    let text = table::render(&manifest(), &[row(0, &[3, 4, 0])]);
    assert!(text.contains("500ms") && text.contains("and 1 more point in sweep.csv"), "{text}");
}
