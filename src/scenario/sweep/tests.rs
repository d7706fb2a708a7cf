//! What a `[sweep]` says, value by value, and what is refused.

use super::*;
use crate::scenario::{Problem, Source, render};
use crate::units::SimDuration;

fn read(text: &str) -> Result<SweepFile, Vec<Problem>> {
    read_sweep(&Source::new("a.toml", format!("name = \"a\"\n{text}")), &[])
}

fn good(text: &str) -> SweepFile {
    read(text).unwrap_or_else(|problems| panic!("{text}\n{}", render(&problems, false)))
}

/// The values of the first column of the first axis.
fn check_values(axis: &str, expected: &[&str]) {
    let file = good(&format!("[sweep.vary]\n{axis}"));
    let levels = file.sweep.axes[0].levels().unwrap();
    let value = |level| match &file.values(&[Coordinate::Level(level)])[0].1 {
        VariedValue::Number(value) => value.to_string(),
        VariedValue::Text(text) => text.clone(),
    };
    assert_eq!((0..levels).map(value).collect::<Vec<_>>(), expected, "{axis}");
}

#[test]
fn lists_and_ranges_give_their_values() {
    check_values("\"pod.pre_stop.sleep\" = [\"0s\", \"1m\"]", &["0s", "1m"]);
    check_values("pod.pre_stop.sleep = [\"0s\", \"1m\"]", &["0s", "1m"]);
    check_values("a = { from = \"0s\", to = \"1s\", step = \"250ms\" }", &["0s", "250ms", "500ms", "750ms", "1s"]);
    check_values("a = { from = \"0s\", to = \"1s\", step = \"400ms\" }", &["0s", "400ms", "800ms"]);
    check_values("a = { from = \"1ms\", to = \"1s\", count = 4, scale = \"log\" }", &["1ms", "10ms", "100ms", "1s"]);
    check_values("a = { from = 1, to = 10, count = 4 }", &["1", "4", "7", "10"]);
    check_values("a = { from = 0.1, to = 0.3, step = 0.1 }", &["0.1", "0.2", "0.3"]);
    check_values("a = { from = \"100/s\", to = \"200/s\", count = 3 }", &["100/s", "150/s", "200/s"]);
    check_values("a = { from = \"25%\", to = \"100%\", step = \"25%\" }", &["25%", "50%", "75%", "100%"]);
    check_values("a = [true, false]", &["true", "false"]);
    check_values("a = [{ uniform = [\"1s\", \"2s\"] }]", &["{ uniform = [\"1s\", \"2s\"] }"]);
}

fn check_wrong(sweep: &str, expected: &str, line: usize, column: usize) {
    let problems = read(sweep).unwrap_err();
    let found = problems.iter().find(|problem| problem.message.contains(expected));
    let found = found.unwrap_or_else(|| panic!("{sweep}: no `{expected}` in\n{}", render(&problems, false)));
    let place = found.place.as_ref().unwrap();
    assert_eq!((place.line, place.column), (line, column), "{sweep}: {expected}");
}

#[test]
fn every_wrong_axis_is_told_with_its_place() {
    check_wrong("[sweep.vary]\na = []", "at least one value", 3, 5);
    check_wrong("[sweep.vary]\na = 3", "an array of values or a range", 3, 5);
    check_wrong("[sweep.vary]\na = [1, 1]", "has 1 twice", 3, 9);
    check_wrong("[sweep.vary]\na = [1, 1979-05-27]", "a value of a scenario", 3, 9);
    check_wrong("[sweep.vary]\na = { from = 1 }", "without `to`", 3, 5);
    check_wrong("[sweep.vary]\na = { from = 1, to = 2 }", "without steps", 3, 5);
    check_wrong("[sweep.vary]\na = { from = 2, to = 1, count = 2 }", "smaller to a larger", 3, 5);
    check_wrong("[sweep.vary]\na = { from = 1, to = \"2s\", count = 2 }", "one kind of value", 3, 5);
    check_wrong("[sweep.vary]\na = { from = 1, to = 2, count = 9 }", "more steps than", 3, 5);
    check_wrong("[sweep.vary]\na = { from = 1, to = 2, count = 1 }", "at least 2", 3, 33);
    check_wrong("[sweep.vary]\na = { from = 1, to = 2, step = 1, count = 2 }", "both `step` and `count`", 3, 25);
    check_wrong("[sweep.vary]\na = { from = 0, to = 2, count = 2, scale = \"log\" }", "begins above zero", 3, 5);
    check_wrong("[sweep.vary]\na = { from = 1, to = 2, steps = 3 }", "found `steps`", 3, 25);
    check_wrong("[sweep.vary]\na = { from = 1, to = 2, count = 2, scale = \"lgo\" }", "must be one of", 3, 44);
    check_wrong("[sweep.vary]\n\"run.seed\" = [1, 2]", "cannot vary", 3, 1);
    check_wrong("[sweep.vary]\n\"a..b\" = [1, 2]", "is no key", 3, 1);
    check_wrong("[sweep.vary]\na = [1]\n[[sweep.zip]]\n\"a.b\" = [1]", "keep one", 5, 9);
    check_wrong("[[sweep.zip]]\na = [1]\nb = [1, 2]", "as many values", 4, 5);
    check_wrong("[sweep]\npoints = 3", "a grid has those of its axes", 3, 10);
    check_wrong("[sweep]\ndesign = \"sobol\"", "needs their number", 3, 10);
    check_wrong("[sweep]\nprecision = 0", "0.0001 to 1", 3, 13);
    check_wrong("[sweep]\nreplciations = 3", "unknown key", 3, 1);
    check_wrong(
        "[sweep.vary]\na = { from = 1, to = 9000, step = 1 }\nb = { from = 1, to = 9000, step = 1 }",
        "81000000 points",
        2,
        2,
    );
}

#[test]
fn a_wrong_sweep_is_told_whichever_command_reads_the_file() {
    let source = Source::new("a.toml", "name = \"a\"\n[sweep.vary]\na = 3\n[pod]\nboot = 3");
    let problems = crate::scenario::read(&source, &[]).unwrap_err();
    assert_eq!(problems.len(), 2, "{}", render(&problems, false));
}

#[test]
fn a_file_without_a_sweep_is_told_so() {
    assert_eq!(read("").unwrap_err()[0].message, "the scenario has no [sweep]");
}

#[test]
fn a_point_is_the_base_with_its_values() {
    let file = good("[sweep.vary]\n\"deployment.replicas\" = [1, 5]\n\"pod.pre_stop.sleep\" = [\"3s\"]");
    let scenario = file.point(&[Coordinate::Level(1), Coordinate::Level(0)]).unwrap();
    assert_eq!(scenario.deployment.replicas, 5);
    assert_eq!(scenario.pod.pre_stop.map(|hook| hook.duration), Some(SimDuration::from_secs(3)));
    let names: Vec<String> = file.values(&[Coordinate::Level(0); 2]).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["deployment.replicas", "pod.pre_stop.sleep", "pod.pre_stop.sleep_s"]);
}

#[test]
fn a_wrong_value_of_a_point_is_told_where_it_stands() {
    let file = good("[sweep.vary]\n\"deployment.replicas\" = [1, -5]\n\"pod.pre_stop.sleep\" = [\"3\"]");
    let problems = file.point(&[Coordinate::Level(1), Coordinate::Level(0)]).unwrap_err();
    let places: Vec<_> = problems.iter().map(|problem| problem.place.as_ref().unwrap()).collect();
    let places: Vec<_> = places.iter().map(|place| (place.line, place.column)).collect();
    assert_eq!(places, [(3, 29), (4, 25)], "{}", render(&problems, false));
}

#[test]
fn a_parameter_of_a_default_distribution_can_vary() {
    let axis = "\"delays.kp_sync.lognormal.median\" = { from = \"10ms\", to = \"40ms\", count = 3, scale = \"log\" }";
    let file = good(&format!("[sweep.vary]\n{axis}"));
    let scenario = file.point(&[Coordinate::Level(1)]).unwrap();
    let text = crate::scenario::settled_toml(&scenario);
    let base = crate::scenario::settled_toml(&file.base);
    let line = |text: &str| text.lines().find(|line| line.starts_with("kp_sync = ")).unwrap().to_owned();
    assert!(line(&text).contains("median = \"20ms\""), "{}", line(&text));
    assert_eq!(line(&text).split("p99").nth(1), line(&base).split("p99").nth(1));
}

#[test]
fn shares_cover_a_range_with_both_its_ends() {
    let file = good(
        "[sweep]\ndesign = \"sobol\"\npoints = 4\n[sweep.vary]\na = { from = 1, to = 3 }\nb = { from = \"0s\", to = \"2s\" }\nc = [\"x\", \"y\"]",
    );
    let at = |share| file.values(&[Coordinate::Share(share); 3]);
    let (first, last) = (at(0.0), at(0.999_999));
    assert_eq!((&first[0].1, &last[0].1), (&VariedValue::Number(1.0), &VariedValue::Number(3.0)));
    assert_eq!((&first[2].1, &at(0.5)[2].1), (&VariedValue::Number(0.0), &VariedValue::Number(1.0)));
    assert_eq!((&first[3].1, &last[3].1), (&VariedValue::Text("x".into()), &VariedValue::Text("y".into())));
}
