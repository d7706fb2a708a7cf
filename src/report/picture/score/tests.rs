//! Scores made up so that everything occurs: runs outside, a clipped band, a metric that is not scored.

use super::*;

fn row(low: f64, width: f64, observed: &[f64]) -> ScoreRow {
    let at = |share: f64| low + width * share;
    ScoreRow { band90: (at(0.0), at(1.0)), band50: (at(0.3), at(0.7)), median: at(0.5), observed: observed.to_vec() }
}

fn sample() -> Score {
    let failed = ScoreColumn {
        title: "requests failed".into(),
        unit: "requests".into(),
        rows: vec![Some(row(2.0, 8.0, &[3.0, 3.0, 12.0])), Some(row(1.0, 5.0, &[2.0])), Some(row(5.0, 5e3, &[9.0]))],
        pits: vec![0.0, 0.2, 0.55, 1.0, 1.0],
    };
    let sockets = ScoreColumn { rows: vec![None, None, None], pits: Vec::new(), ..failed.clone() };
    Score { replications: 500, scenarios: vec!["a".into(), "b".into(), "late".into()], columns: vec![failed, sockets] }
}

fn polygons(svg: &str, ink: &str) -> usize {
    svg.split('<').filter(|tag| tag.starts_with("polygon") && tag.contains(ink)).count()
}

#[test]
fn runs_outside_their_band_have_their_own_colour() {
    let svg = score_svg(&sample());
    let legend = 1;
    assert_eq!(polygons(&svg, "#D55E00"), 1 + legend);
}

#[test]
fn what_goes_on_beyond_the_axis_has_an_arrow() {
    let svg = score_svg(&sample());
    let legend = 1;
    assert_eq!(polygons(&svg, "#56B4E9"), 1 + legend);
}

#[test]
fn the_title_says_what_is_seen() {
    let head = "5 measured rollouts of 3 scenarios, inside their 90 % bands: requests failed 80 % (n = 5)";
    assert!(score_svg(&sample()).contains(head), "{}", title(&sample()));
}

#[test]
fn nothing_scored_draws_an_empty_picture() {
    score_svg(&Score { replications: 0, scenarios: Vec::new(), columns: Vec::new() });
}

#[cfg(feature = "png")]
#[test]
fn the_png_is_a_png() {
    assert!(score_png(&sample()).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn the_score_is_drawn_as_before() {
    insta::assert_snapshot!(score_svg(&sample()));
}
