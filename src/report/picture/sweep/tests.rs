//! Sweeps made up so that everything occurs: values that are no numbers, a metric that never happened, nothing lost.

use super::*;
use crate::report::result::samples;
use crate::report::sweep::AxisValue;

fn manifest(axes: &[&str], points: u64) -> Manifest {
    let head = |key: &&str| AxisHead {
        keys: vec![(*key).to_owned()],
        columns: vec![(*key).to_owned()],
        numbers: if key.starts_with('n') { vec![(*key).to_owned()] } else { Vec::new() },
        log: *key == "n_log",
    };
    Manifest {
        schema: String::new(),
        version: String::new(),
        scenario: "shop".into(),
        seed: 1,
        replications: 3,
        precision: None,
        estimator: None,
        design: "grid".into(),
        points,
        plan: String::new(),
        axes: axes.iter().map(head).collect(),
        settled: String::new(),
    }
}

fn swept(axes: &[&str], values: &[&[i64]], failed: impl Fn(usize) -> u32) -> Swept {
    let mut swept = Swept::new(&manifest(axes, values.len() as u64));
    for (index, values) in values.iter().enumerate() {
        let value = |(key, value): (&&str, &i64)| {
            let value =
                if key.starts_with('n') { AxisValue::Whole(*value) } else { AxisValue::Text(format!("v{value}")) };
            ((*key).to_owned(), value)
        };
        let mut metrics = samples::replications(&[failed(index), failed(index)]);
        metrics.iter_mut().for_each(|metrics| metrics.set(Metric::AllTerminatedS, (index != 1).then_some(30.0)));
        let axes = axes.iter().zip(*values).map(value).collect();
        swept.take(&PointResult::new(index as u64, axes, true, samples::result("shop", &metrics)));
    }
    swept
}

fn polygons(svg: &str) -> usize {
    svg.matches("<polygon").count()
}

#[test]
fn a_single_point_has_no_picture_and_too_many_axes_have_none() {
    assert_eq!(refusal(&manifest(&["n"], 2)), None);
    assert_eq!(refusal(&manifest(&["a", "b", "c"], 8)), None);
    assert_eq!(refusal(&manifest(&["n"], 1)), Some("a single point"));
    assert_eq!(refusal(&manifest(&["n"; 25], 99)), Some("more than 24 axes"));
}

/// A dot with its rim for each point in each panel, and a bar of the mean for each shared value.
#[test]
fn three_axes_have_every_point_over_each() {
    let values: Vec<[i64; 3]> = (0..8).map(|index| [index / 4, index / 2 % 2, index]).collect();
    let rows: Vec<&[i64]> = values.iter().map(|values| &values[..]).collect();
    let svg = swept(&["mode", "n", "n_steps"], &rows, |index| index as u32).svg();
    // The time of one point is not known.
    assert_eq!(polygons(&svg), 3 * (8 + 7) * 2, "{svg}");
    assert_eq!(svg.matches("#D55E00").count(), 2 * 2 * 2, "{svg}");
    assert!(svg.contains("shop over mode and n and n_steps") && svg.contains("\nv1\n"), "{svg}");
}

#[test]
fn two_axes_of_a_random_design_have_every_point_over_each() {
    let mut swept = swept(&["n", "m"], &[&[1, 5], &[2, 9], &[3, 7]], |_| 2);
    swept.is_grid = false;
    assert_eq!(polygons(&swept.svg()), 2 * (3 + 2) * 2);
    insta::assert_snapshot!(swept.svg());
}

/// Two bands, and for each point a dot with its rim; the lines between them; and no line over a gap.
#[test]
fn a_line_joins_what_happened_at_neighbouring_points() {
    let svg = swept(&["n"], &[&[1], &[2], &[4]], |index| index as u32).svg();
    assert_eq!(polygons(&svg), (2 + 2 + 6) + (2 + 2) * 2, "{svg}");
    insta::assert_snapshot!(svg);
}

#[test]
fn values_that_are_no_numbers_are_not_joined() {
    let svg = swept(&["mode"], &[&[1], &[2], &[4]], |_| 3).svg();
    assert_eq!(polygons(&svg), 6 + 4);
    assert!(svg.contains("v4"));
}

#[test]
fn equal_factors_stand_at_equal_distances() {
    let places = |svg: &str| -> Vec<f64> {
        let rims = svg.split("<polygon").skip(1).filter(|polygon| polygon.contains("#222222"));
        rims.filter_map(|polygon| polygon.split("points=\"").nth(1)?.split(',').next()?.parse().ok()).collect()
    };
    let svg = swept(&["n_log"], &[&[1], &[10], &[100]], |_| 3).svg();
    let x = places(&svg);
    assert!((x[1] - x[0] - (x[2] - x[1])).abs() < 2.0, "{x:?}");
    assert!(svg.contains("(logarithmic)"));
}

#[test]
fn a_cell_where_nothing_was_lost_says_its_bound() {
    let svg = swept(&["mode", "n"], &[&[1, 1], &[1, 2], &[2, 1], &[2, 2]], |index| index as u32).svg();
    assert!(svg.contains("&lt; 1.84") && svg.contains("down: mode, across: n"), "{svg}");
    insta::assert_snapshot!(svg);
}

#[cfg(feature = "png")]
#[test]
fn the_png_is_a_png() {
    assert!(swept(&["n"], &[&[1], &[2]], |_| 0).png().unwrap().starts_with(b"\x89PNG"));
}
