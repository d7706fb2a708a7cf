//! Sweeps made up so that everything occurs: values that are no numbers, a metric that never happened, nothing lost.

use super::super::palette::{EVENT, GRID, LISTENING, PAPER};
use super::super::scene::Shape;
use super::*;
use crate::report::result::samples;
use crate::report::sweep::AxisValue;

fn manifest(axes: &[&str], points: u64) -> Manifest {
    let head = |key: &&str| AxisHead {
        keys: vec![(*key).to_owned()],
        columns: vec![(*key).to_owned()],
        numbers: if key.starts_with('n') { vec![(*key).to_owned()] } else { Vec::new() },
        whole: Vec::new(),
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
        sweep: String::new(),
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

#[test]
fn thousands_of_names_along_one_axis_have_no_picture() {
    assert_eq!(refusal(&manifest(&["mode"], 1_000)), None);
    assert_eq!(refusal(&manifest(&["mode"], 1_001)), Some("more than 1,000 values that are no numbers"));
    assert_eq!(refusal(&manifest(&["n"], 100_000)), None);
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

/// The points of a design over one axis or two whose values are these texts and numbers.
fn drawn(axes: &[AxisHead], points: &[Vec<(&str, f64)>], is_grid: bool) -> Swept {
    let mut swept = Swept::new(&Manifest { axes: axes.to_vec(), ..manifest(&[], points.len() as u64) });
    swept.is_grid = is_grid;
    let mut metrics = samples::replications(&[3, 4]);
    metrics.iter_mut().for_each(|metrics| metrics.set(Metric::AllTerminatedS, Some(30.0)));
    let result = samples::result("shop", &metrics);
    for (index, values) in points.iter().enumerate() {
        let value = |(head, (text, number)): (&AxisHead, &(&str, f64))| {
            let numbers = head.numbers.iter().map(|column| (column.clone(), AxisValue::Number(*number)));
            [(head.keys[0].clone(), AxisValue::Text((*text).to_owned()))].into_iter().chain(numbers).collect::<Vec<_>>()
        };
        let row = axes.iter().zip(values).flat_map(value).collect();
        swept.take(&PointResult::new(index as u64, row, true, result.clone()));
    }
    swept
}

fn quantity(key: &str) -> AxisHead {
    let number = format!("{key}_s");
    AxisHead {
        keys: vec![key.into()],
        columns: vec![key.into(), number.clone()],
        numbers: vec![number],
        whole: Vec::new(),
        log: false,
    }
}

fn name(key: &str) -> AxisHead {
    AxisHead { keys: vec![key.into()], columns: vec![key.into()], numbers: Vec::new(), whole: Vec::new(), log: false }
}

/// Left, right, top and bottom of each text.
fn boxes(scene: &Scene) -> Vec<(String, [f64; 4])> {
    let of = |shape: &Shape| match shape {
        Shape::Text { at, text, size, anchor, .. } => {
            let width = text_width(text, *size);
            let left = match anchor {
                Anchor::Start => at.0,
                Anchor::Middle => at.0 - width / 2.0,
                Anchor::End => at.0 - width,
            };
            // From the top of capitals to the bottom of descenders.
            Some((text.clone(), [left, left + width, at.1 - size * 0.4, at.1 + size * 0.5]))
        }
        _ => None,
    };
    scene.shapes.iter().filter_map(of).collect()
}

/// No text runs over another or leaves the picture.
fn assert_readable(scene: &Scene) {
    let boxes = boxes(scene);
    for (index, (text, [left, right, top, bottom])) in boxes.iter().enumerate() {
        assert!(*left >= 0.0 && *right <= f64::from(scene.width), "{text} is cut off");
        assert!(*top >= 0.0 && *bottom <= f64::from(scene.height), "{text} is cut off");
        for (other, [l, r, t, b]) in &boxes[..index] {
            assert!(right <= l || left >= r || bottom <= t || top >= b, "{text} is written over {other}");
        }
    }
}

fn texts(scene: &Scene) -> Vec<String> {
    boxes(scene).into_iter().map(|(text, _)| text).collect()
}

/// A random design has values of sixteen digits.
#[test]
fn labels_of_neighbouring_panels_were_written_over_each_other() {
    let ends = [("54.12562868435546/s", 54.12562868435546), ("197.9839521966806/s", 197.9839521966806)];
    let times = [("10.564723ms", 0.010564723), ("9.432993363s", 9.432993363)];
    let points = [0, 1].map(|index| vec![ends[index], times[index], ("iptables", 0.0)]);
    let swept = drawn(&[quantity("rate"), quantity("period"), name("mode")], &points, false);
    assert_readable(swept.scene());
    let texts = texts(swept.scene());
    for label in ["54.1/s", "198/s", "10.6ms", "9.43s", "iptables"] {
        assert_eq!(texts.iter().filter(|text| *text == label).count(), 2, "{label} of {texts:?}");
    }
}

#[test]
fn long_names_ran_out_of_every_kind_of_picture() {
    let long = [r#"{ lognormal = { median = "4s", p99 = "9s" } }"#, "20ms", r#"{ uniform = ["1s", "2s"] }"#];
    let keys = [name("delays.exit_teardown.lognormal.a_long_name"), name("delays.watch_hop.lognormal.a_long_name")];
    let grid: Vec<Vec<(&str, f64)>> =
        long.iter().flat_map(|row| long.map(|column| vec![(*row, 0.0), (column, 0.0)])).collect();
    let row: Vec<Vec<(&str, f64)>> = long.iter().map(|text| vec![(*text, 0.0)]).collect();
    let pictures = [drawn(&keys, &grid, true), drawn(&keys, &grid, false), drawn(&keys[..1], &row, true)];
    for swept in pictures {
        assert_readable(swept.scene());
        let words = texts(swept.scene()).join(" ");
        assert!(words.matches("lognormal = {").count() >= 2 && words.matches("uniform").count() >= 2, "{words}");
    }
}

#[test]
fn a_bound_had_no_room_in_a_narrow_cell() {
    let columns = |n: i64| -> Vec<[i64; 2]> { (0..2 * n).map(|index| [index / n, index % n]).collect() };
    let scene = |n: i64| {
        let values = columns(n);
        let values: Vec<&[i64]> = values.iter().map(|values| &values[..]).collect();
        swept(&["mode", "n"], &values, |index| u32::from(index == 0)).scene().clone()
    };
    let count = |scene: &Scene, words: &str| texts(scene).iter().filter(|text| *text == words).count();
    let (wide, narrow, narrower) = (scene(5), scene(22), scene(60));
    assert_eq!(count(&wide, "< 1.84"), 9);
    assert_eq!((count(&narrow, "< 1.84"), count(&narrow, "< 2")), (0, 43));
    assert_eq!((count(&narrower, "< 2"), count(&narrower, "where nothing was lost: < 1.84")), (0, 1));
    [wide, narrow, narrower].iter().for_each(assert_readable);
}

#[test]
fn a_heat_map_of_ten_thousand_rows_needed_gigabytes() {
    let grid = |n_rows: i64| {
        let values: Vec<[i64; 2]> = (0..2 * n_rows).map(|index| [index / 2, index % 2]).collect();
        let values: Vec<&[i64]> = values.iter().map(|values| &values[..]).collect();
        swept(&["n", "n_m"], &values, |index| index as u32 % 7).scene().clone()
    };
    let (heat, dots) = (grid(400), grid(1_000));
    assert!(heat.height < 1_300 && dots.height < 1_300, "{} and {} pixels", heat.height, dots.height);
    assert!(texts(&heat).iter().any(|text| text.starts_with("down: ")));
    assert!(texts(&dots)[1].contains("a square is darker the more points"));
    assert_readable(&heat);
    assert_readable(&dots);
}

#[test]
fn the_mean_of_many_points_was_hidden_by_the_rims_of_its_dots() {
    let scene = |n: i64| {
        let values: Vec<[i64; 1]> = (0..n).map(|value| [value]).collect();
        let values: Vec<&[i64]> = values.iter().map(|values| &values[..]).collect();
        swept(&["n"], &values, |index| index as u32 % 5).scene().clone()
    };
    let rims = |scene: &Scene| {
        let is_rim = |shape: &&Shape| matches!(shape, Shape::Polygon { ink, .. } if *ink == PAPER);
        scene.shapes.iter().filter(is_rim).count()
    };
    assert_eq!(rims(&scene(30)), 30 + 29);
    // One beside a gap, through which no line goes.
    assert_eq!(rims(&scene(600)), 1);
    let line = |scene: &Scene| {
        let ends = scene.shapes.iter().filter_map(|shape| match shape {
            Shape::Polygon { points, ink } if *ink == LISTENING => Some((points[0], points[1])),
            _ => None,
        });
        ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (from, to)| (low.min(from.0), high.max(to.0)))
    };
    let (from, to) = line(&scene(3_000));
    assert!(from < 125.0 && to > 1545.0, "the line reaches from {from} to {to}");
}

#[test]
fn a_picture_of_many_points_was_many_megabytes() {
    let values: Vec<[i64; 2]> = (0..5_000).map(|index| [index, index * 7_919 % 5_000]).collect();
    let values: Vec<&[i64]> = values.iter().map(|values| &values[..]).collect();
    let mut dots = swept(&["n", "n_m"], &values, |index| index as u32 % 97);
    dots.is_grid = false;
    let line = swept(&["n"], &values, |index| index as u32 % 97);
    for svg in [dots.svg(), line.svg()] {
        assert!(svg.len() < 2_000_000, "{} bytes", svg.len());
    }
    // No square stands beyond the outermost point.
    let right = |shape: &Shape| {
        if let Shape::Area { to, ink, .. } = shape { (*ink != EVENT && *ink != GRID).then_some(to.0) } else { None }
    };
    let most = dots.scene().shapes.iter().filter_map(right).fold(0.0, f64::max);
    assert!((most - 1538.0).abs() < 1e-9, "squares reach to {most}");
}

/// Its numbers are those of another key, whose columns follow.
#[test]
fn a_zipped_text_key_was_drawn_at_the_numbers_of_a_key_whose_name_begins_alike() {
    let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let head = AxisHead {
        keys: texts(&["kp_sync", "kp_sync_spread"]),
        columns: texts(&["kp_sync", "kp_sync_spread", "kp_sync_spread_s"]),
        numbers: texts(&["kp_sync_spread_s"]),
        whole: Vec::new(),
        log: false,
    };
    assert_eq!(number_column(&head), None);
    let swept = drawn(&[head], &[("a", 1.0), ("b", 1.1), ("c", 9.0)].map(|value| vec![value]), true);
    assert!(swept.axes[0].places.iter().all(|place| place.number.is_none()), "{:?}", swept.axes);
    assert_eq!(number_column(&quantity("kp_sync")).map(String::as_str), Some("kp_sync_s"));
}

/// A random design over a list: names that stand side by side would be said again for each point.
#[test]
fn points_that_share_the_values_of_the_only_axis_are_dots() {
    let scene = swept(&["mode"], &[&[1], &[2], &[1], &[2]], |index| index as u32).scene().clone();
    assert_eq!(texts(&scene).iter().filter(|text| *text == "v1").count(), 2);
    assert_readable(&scene);
}

#[cfg(feature = "png")]
#[test]
fn the_png_is_a_png() {
    assert!(swept(&["n"], &[&[1], &[2]], |_| 0).png().unwrap().starts_with(b"\x89PNG"));
}
