//! One axis: the mean as a line, its interval and the middle of the replications as bands.

use super::super::axis::Axis;
use super::super::palette::{EVENT, FAINT_TEXT, GRID, LISTENING, PARTLY_ROUTED, ROUTED, TEXT};
use super::super::scene::{Anchor, Frame, SIZE, Scene, Shape, text_width};
use super::super::{MARGIN, WIDTH};
use super::{Found, PANELS, Spot, Swept};
use crate::report::number::short;

const TOP: f64 = 130.0;
/// Losses are what the picture is about; the cost is read beside them.
const HEIGHTS: [f64; PANELS.len()] = [430.0, 230.0];
const GAP: f64 = 66.0;
const SCALE: f64 = 92.0;

/// Adds legend and panels.
pub(super) fn add(scene: &mut Scene, swept: &Swept) {
    add_legend(scene, &swept.basis(), 78.0);
    let order = order(swept);
    let xs = XAxis::of(swept, &order);
    let mut top = TOP;
    for (index, height) in HEIGHTS.into_iter().enumerate() {
        let frame = Frame { left: MARGIN + SCALE, top, right: f64::from(WIDTH) - MARGIN - 20.0, bottom: top + height };
        add_panel(scene, swept, &xs, (index, frame));
        top += height + GAP;
    }
    let caption = swept.axes[0].label() + if xs.log { " (logarithmic)" } else { "" };
    let middle = (MARGIN + SCALE + f64::from(WIDTH) - MARGIN) / 2.0;
    scene.styled_text((middle, top - GAP + 42.0), &caption, SIZE, Anchor::Middle, FAINT_TEXT);
    scene.height = (top + 4.0) as u32;
}

fn add_legend(scene: &mut Scene, basis: &str, y: f64) {
    let bar = |x: f64, half: f64| Frame { left: x, top: y - half, right: x + 28.0, bottom: y + half };
    let mut x = MARGIN;
    for (half, ink, words) in [
        (1.5, LISTENING, "mean"),
        (7.0, ROUTED, "95 % interval of the mean"),
        (7.0, PARTLY_ROUTED, "middle 90 % of the replications"),
    ] {
        scene.area(bar(x, half), ink);
        scene.text((x + 36.0, y), words, Anchor::Start);
        x += 36.0 + text_width(words, SIZE) + 24.0;
    }
    scene.styled_text((f64::from(WIDTH) - MARGIN, y), basis, SIZE, Anchor::End, FAINT_TEXT);
}

/// The points from left to right.
fn order(swept: &Swept) -> Vec<usize> {
    let mut order: Vec<usize> = (0..swept.spots.len()).collect();
    let number = |index: &usize| swept.spots[*index].places[0].number.unwrap_or(0.0);
    order.sort_by(|one, other| number(one).total_cmp(&number(other)));
    order
}

/// Where each point stands, and what is written below it.
struct XAxis<'a> {
    log: bool,
    /// Values that are no numbers stand side by side, and no line joins them.
    joined: bool,
    /// From 0 to 1, with the point.
    places: Vec<(f64, &'a Spot)>,
}

impl XAxis<'_> {
    fn of<'a>(swept: &'a Swept, order: &[usize]) -> XAxis<'a> {
        let joined = swept.spots.iter().all(|spot| spot.places[0].number.is_some());
        let log = joined && swept.axes[0].log;
        let place = |rank: usize, spot: &Spot| match spot.places[0].number {
            Some(number) if log => libm::log10(number),
            Some(number) if joined => number,
            _ => rank as f64 + 0.5,
        };
        let values: Vec<f64> =
            order.iter().enumerate().map(|(rank, &index)| place(rank, &swept.spots[index])).collect();
        let (first, last) = if joined { (values[0], values[values.len() - 1]) } else { (0.0, values.len() as f64) };
        let share = |value: f64| if last > first { (value - first) / (last - first) } else { 0.5 };
        let places = order.iter().zip(&values).map(|(&index, &value)| (share(value), &swept.spots[index]));
        XAxis { log, joined, places: places.collect() }
    }
}

fn add_panel(scene: &mut Scene, swept: &Swept, xs: &XAxis<'_>, (panel, frame): (usize, Frame)) {
    scene.text((frame.left, frame.top - 18.0), PANELS[panel].1, Anchor::Start);
    let most = swept.spots.iter().filter_map(|spot| spot.found[panel]).map(|found| found.ci95.1.max(found.middle90.1));
    let y = Axis { from: 0.0, to: most.fold(0.0, f64::max).max(1e-9) * 1.05, left: frame.bottom, right: frame.top };
    add_scale(scene, y, frame);
    add_places(scene, xs, frame);
    let x = |share: f64| frame.left + share * (frame.right - frame.left);
    let found: Vec<Option<(f64, Found)>> =
        xs.places.iter().map(|(share, spot)| spot.found[panel].map(|found| (x(*share), found))).collect();
    for stretch in found.split(Option::is_none).filter(|stretch| !stretch.is_empty()) {
        let stretch: Vec<(f64, Found)> = stretch.iter().flatten().copied().collect();
        if xs.joined { add_stretch(scene, &stretch, y) } else { add_bars(scene, &stretch, y) }
    }
    scene.horizontal(frame.bottom, frame.left, frame.right, EVENT);
}

/// Horizontal lines at round values with the numbers beside them.
pub(super) fn add_scale(scene: &mut Scene, y: Axis, frame: Frame) {
    let (ticks, _) = y.ticks(if frame.bottom - frame.top > 300.0 { 8.0 } else { 4.0 });
    for tick in ticks {
        scene.horizontal(y.x(tick), frame.left, frame.right, GRID);
        scene.styled_text((frame.left - 10.0, y.x(tick)), &short(tick), SIZE, Anchor::End, FAINT_TEXT);
    }
}

/// The values of the axis below the panel; those that would run into another are left out.
fn add_places(scene: &mut Scene, xs: &XAxis<'_>, frame: Frame) {
    let mut free_from = f64::NEG_INFINITY;
    for (share, spot) in &xs.places {
        let (x, text) = (frame.left + share * (frame.right - frame.left), &spot.places[0].text);
        let half = text_width(text, SIZE) / 2.0;
        if x - half > free_from {
            scene.vertical(x, frame.bottom, frame.bottom + 5.0, EVENT);
            scene.styled_text((x, frame.bottom + 18.0), text, SIZE, Anchor::Middle, FAINT_TEXT);
            free_from = x + half + 12.0;
        }
    }
}

/// Neighbouring points joined: two bands, a line, and a dot for each point.
fn add_stretch(scene: &mut Scene, stretch: &[(f64, Found)], y: Axis) {
    add_band(scene, stretch, y, |found| found.middle90, PARTLY_ROUTED);
    add_band(scene, stretch, y, |found| found.ci95, ROUTED);
    for pair in stretch.windows(2) {
        let place = |(x, found): (f64, Found)| (x, y.x(found.mean));
        scene.stroke(place(pair[0]), place(pair[1]), 2.5, LISTENING);
    }
    add_dots(scene, stretch, y);
}

fn add_band(
    scene: &mut Scene,
    stretch: &[(f64, Found)],
    y: Axis,
    ends: impl Fn(&Found) -> (f64, f64),
    ink: super::Ink,
) {
    let upper = stretch.iter().map(|(x, found)| (*x, y.x(ends(found).1)));
    let lower = stretch.iter().rev().map(|(x, found)| (*x, y.x(ends(found).0)));
    scene.shapes.push(Shape::Polygon { points: upper.chain(lower).collect(), ink });
}

/// Points that are no neighbours of each other: bars in place of bands.
fn add_bars(scene: &mut Scene, stretch: &[(f64, Found)], y: Axis) {
    for (x, found) in stretch {
        for (half, (low, high), ink) in [(16.0, found.middle90, PARTLY_ROUTED), (8.0, found.ci95, ROUTED)] {
            scene.area(Frame { left: x - half, top: y.x(high) - 1.0, right: x + half, bottom: y.x(low) + 1.0 }, ink);
        }
    }
    add_dots(scene, stretch, y);
}

fn add_dots(scene: &mut Scene, stretch: &[(f64, Found)], y: Axis) {
    let ink = if stretch.len() > 100 { LISTENING } else { TEXT };
    stretch.iter().for_each(|(x, found)| scene.disc((*x, y.x(found.mean)), 4.0, ink));
}
