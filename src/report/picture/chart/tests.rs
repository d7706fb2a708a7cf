//! Charts made up so that everything occurs.

use super::*;

fn curve() -> Chart {
    let point = |sleep_s, mean, bounds| LossPoint { sleep_s, mean, bounds };
    let points = vec![point(0, 5.0, (4.0, 6.0)), point(1, 0.01, (0.001, 0.2)), point(2, 0.0, (0.0, 0.1))];
    Chart::Loss(LossCurve {
        title: "curve".into(),
        rollouts: (64, 393),
        limit: 0.3,
        points,
        knee: Some(1),
        answer: Some(1),
    })
}

fn polygons(svg: &str, ink: &str) -> usize {
    svg.split('<').filter(|tag| tag.starts_with("polygon") && tag.contains(ink)).count()
}

#[test]
fn the_curve_names_knee_answer_and_target() {
    let svg = chart_svg(&curve());
    for text in ["knee, answer", "target", "2 s", "none"] {
        assert!(svg.contains(text), "{text}");
    }
    insta::assert_snapshot!(svg);
}

#[test]
fn what_loses_too_much_has_a_ring() {
    let option = |name: &str, failed, on_front, chosen| TradeOffOption {
        name: name.into(),
        duration_s: 10.0 + failed,
        extra_pod_s: 20.0,
        failed,
        on_front,
        chosen,
    };
    let options = vec![option("1/0/0s", 0.0, true, true), option("0/1/0s", 9.0, false, false)];
    let svg = chart_svg(&Chart::TradeOff(TradeOff { title: "options".into(), options, limit: 0.3 }));
    assert_eq!(polygons(&svg, "#D55E00"), 1);
    assert!(svg.contains("1/0/0s (chosen)") && !svg.contains("0/1/0s"));
    insta::assert_snapshot!(svg);
}

#[test]
fn a_tornado_has_a_row_for_each_input() {
    let bar = |value: f64| Bar { value, interval: (value - 0.1, value + 0.1) };
    let row = |name: &str, value| TornadoRow { name: name.into(), bars: [bar(value), bar(value + 0.05)] };
    let rows = vec![row("delays.kp_sync", 0.6), row("delays.watch_hop", 0.02)];
    let legend = ["first order".to_owned(), "total".to_owned()];
    let svg = chart_svg(&Chart::Tornado(Tornado { title: "t".into(), legend, axis: "share".into(), rows }));
    assert!(svg.contains("delays.kp_sync") && svg.contains("first order"));
    insta::assert_snapshot!(svg);
}

#[test]
fn nothing_to_show_draws_an_empty_picture() {
    let legend = [String::new(), String::new()];
    chart_svg(&Chart::Tornado(Tornado { title: String::new(), legend, axis: String::new(), rows: Vec::new() }));
    chart_svg(&Chart::TradeOff(TradeOff { title: String::new(), options: Vec::new(), limit: 0.0 }));
    chart_svg(&Chart::Loss(LossCurve {
        title: String::new(),
        rollouts: (0, 0),
        limit: 0.0,
        points: Vec::new(),
        knee: None,
        answer: None,
    }));
}

#[cfg(feature = "png")]
#[test]
fn the_png_is_a_png() {
    assert!(chart_png(&curve()).unwrap().starts_with(b"\x89PNG"));
}

fn distribution(values: &[f64], marked: &[(f64, &str)]) -> Chart {
    let marked = marked.iter().map(|&(value, words)| (value, words.to_owned())).collect();
    let (title, label) = ("a: requests lost by a rollout".into(), "requests lost".into());
    Chart::Distribution(Distribution { title, label, values: values.to_vec(), marked })
}

#[test]
fn a_distribution_has_a_bar_a_value_and_its_marks() {
    insta::assert_snapshot!(chart_svg(&distribution(&[3.0, 4.0, 4.0, 7.0], &[(4.0, "the article")])));
}

#[test]
fn a_distribution_of_many_values_shares_bars() {
    let values: Vec<f64> = (0..1_000).map(f64::from).collect();
    let svg = chart_svg(&distribution(&values, &[]));
    assert!(svg.contains("17 values a bar"), "{svg}");
    assert!(svg.matches("#0072B2").count() <= 60);
}

#[test]
fn a_distribution_of_nothing_is_drawn() {
    assert!(chart_svg(&distribution(&[], &[])).contains("share of 0 replications"));
    assert!(chart_svg(&distribution(&[0.0; 9], &[(400.0, "measured: 400")])).contains("measured: 400"));
}

#[test]
fn a_course_has_a_panel_for_each_kind_of_number() {
    let line = |name: &str, points: &[(f64, f64)], filled| Line { name: name.into(), points: points.to_vec(), filled };
    let chart = Chart::Course(Course {
        title: "course".into(),
        below: "below".into(),
        caption: "seconds since the template change",
        span: (-1.0, 4.0),
        moments: vec![(0.0, "template change".into()), (3.9, "complete".into()), (9.0, "unseen".into())],
        panels: vec![
            Panel { label: "pods".into(), lines: vec![line("ready", &[(-5.0, 3.0), (1.0, 2.0), (2.0, 3.0)], None)] },
            Panel {
                label: "latency, ms".into(),
                lines: vec![line("band", &[(0.0, 5.0), (1.0, 6.0)], Some(vec![2.0]))],
            },
        ],
    });
    let svg = chart_svg(&chart);
    assert!(!svg.contains("unseen"));
    insta::assert_snapshot!(svg);
}
