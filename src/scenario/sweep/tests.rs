//! What a `[sweep]` says, value by value, and what is refused.

use super::*;
use crate::model::spec::Scenario;
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
    check_values(
        "\"clients.0.work\" = { from = 0.0, to = 1.0, step = 0.1 }",
        &["0", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9", "1"],
    );
    check_values("pod.boot.weibull.scale = [\"1s\", \"2s\"]", &["1s", "2s"]);
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
    check_wrong("[sweep.vary]\na = [\"1s\", \"1000ms\"]", "has \"1000ms\" twice", 3, 12);
    check_wrong("[[sweep.zip]]\na = [1, 2, 1]\nb = [3, 3, 3]", "has 1 with 3 twice", 3, 12);
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
fn zipped_values_may_come_again_if_their_points_differ() {
    let file = good("[[sweep.zip]]\n\"deployment.replicas\" = [2, 2, 4]\n\"deployment.max_surge\" = [1, 2, 2]");
    assert_eq!(file.sweep.axes[0].levels(), Some(3));
}

#[test]
fn more_axes_than_sobol_points_know_are_refused_and_do_not_panic() {
    let axes: String = (0..257).map(|number| format!("a{number} = [1, 2]\n")).collect();
    check_wrong(&format!("[sweep]\ndesign = \"sobol\"\npoints = 2\n[sweep.vary]\n{axes}"), "has 257 axes", 2, 1);
}

#[test]
fn one_mistake_is_not_told_for_each_value() {
    let axis = "\"kube_proxy.min_sync_period\" = { from = 1, to = 300, step = 1 }";
    let file = good(&format!("[sweep.vary]\n{axis}\n\"deployment.replcas\" = [2, 3]"));
    let at = |level| [Coordinate::Level(level), Coordinate::Level(level % 2)];
    let problems = in_order((0..300).flat_map(|level| file.point(&at(level)).unwrap_err()).collect());
    let of = |key: &str| problems.iter().filter(|problem| problem.key.as_deref() == Some(key)).collect::<Vec<_>>();
    let (period, replicas) = (of("kube_proxy.min_sync_period"), of("deployment.replcas"));
    assert_eq!((period.len(), replicas.len()), (3, 1), "{}", render(&problems, false));
    assert!(period[2].message.ends_with("(and 297 more like this)"), "{}", period[2].message);
    let place = replicas[0].place.as_ref().unwrap();
    assert_eq!((place.line, place.column), (4, 1), "an unknown key is pointed at, not its value");
}

#[test]
fn a_set_of_a_key_that_varies_is_refused() {
    let source = Source::new("a.toml", "name = \"a\"\n[sweep.vary]\n\"pod.pre_stop.sleep\" = [\"0s\", \"3s\"]");
    let set = |set: &str| read_sweep(&source, &[set.to_owned()]);
    let problems = set("pod.pre_stop.sleep=5s").unwrap_err();
    assert!(problems[0].message.contains("which takes its place"), "{}", render(&problems, false));
    assert!(set("pod.boot=5s").is_ok() && set("sweep.vary.\"pod.pre_stop.sleep\"=[\"5s\"]").is_ok());
}

#[test]
fn an_element_has_one_name() {
    let file = good("[sweep.vary]\n\"clients.00.rate\" = [\"300/s\", \"400/s\"]\n[[clients]]\nprofile = \"fortio\"");
    let problems = file.point(&[Coordinate::Level(0)]).unwrap_err();
    assert!(problems[0].message.contains("`00` is no index") && problems[0].help.is_none());
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

/// The p99 of a watch's hop is 60 ms in a small cluster and 500 ms in a large one.
#[test]
fn a_default_that_a_parameter_goes_into_is_that_of_the_point() {
    let axes = "\"cluster.size\" = [\"small\", \"large\"]\n\"delays.watch_hop.lognormal.median\" = [\"50ms\"]";
    let file = good(&format!("[sweep.vary]\n{axes}"));
    let swept = |size| file.point(&[Coordinate::Level(size), Coordinate::Level(0)]).unwrap();
    let line = |scenario: &Scenario| {
        let text = crate::scenario::settled_toml(scenario);
        text.lines().find(|line| line.starts_with("watch_hop = ")).unwrap().to_owned()
    };
    for (level, size) in ["small", "large"].into_iter().enumerate() {
        let source = Source::new("b.toml", format!("name = \"b\"\n[cluster]\nsize = \"{size}\""));
        let whole = line(&crate::scenario::read(&source, &[]).unwrap().0);
        let (at, own) = (line(&swept(level)), whole.split("p99").nth(1).unwrap());
        assert!(at.contains("median = \"50ms\"") && at.ends_with(own), "{at}, where {size} has {whole}");
    }
}

#[test]
fn a_wrong_parameter_of_a_default_distribution_is_told_where_it_stands() {
    let file = good("[sweep.vary]\n\"pod.boot.lognormal.p99\" = [\"90ms\", \"1ms\"]");
    let problems = file.point(&[Coordinate::Level(1)]).unwrap_err();
    let place = problems[0].place.as_ref().unwrap();
    assert_eq!((place.line, place.column), (3, 37), "{}", render(&problems, false));
}

#[test]
fn a_trace_varies_over_files() {
    let text = "name = \"a\"\n[[clients]]\nprofile = \"open\"\narrivals = \"trace\"\ntrace = \"a.csv\"\n[sweep.vary]\n\"clients.0.trace\" = [\"a.csv\", \"b.csv\"]";
    let source = Source::new("a.toml", text);
    let mut wanted = crate::scenario::wanted_files(&source, &[]);
    wanted.dedup();
    assert_eq!(wanted, ["a.csv", "b.csv"]);
    let file = read_sweep(&source.attach("a.csv", "1\n2\n").attach("b.csv", "3\n"), &[]).unwrap();
    let times = |level| file.point(&[Coordinate::Level(level)]).map(|scenario| scenario.clients[0].trace.len());
    assert_eq!((times(0).unwrap(), times(1).unwrap()), (2, 1));
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
