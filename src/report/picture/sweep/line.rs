//! One axis: the mean as a line, its interval and the middle of the replications as bands; dots where points stand apart.

use super::super::axis::Axis;
use super::super::palette::{EVENT, FAINT_TEXT, GRID, LISTENING, PARTLY_ROUTED, ROUTED, TEXT};
use super::super::scene::{Anchor, Frame, SIZE, Scene, Shape, text_width};
use super::super::{MARGIN, WIDTH};
use super::labels::{Labels, fitted};
use super::{Found, PANELS, Place, Spot, Swept};
use crate::report::number::short;

const TOP: f64 = 130.0;
/// Losses are what the picture is about; the cost is read beside them.
const HEIGHTS: [f64; PANELS.len()] = [430.0, 230.0];
const GAP: f64 = 66.0;
const SCALE: f64 = 92.0;
/// Of a dot, without and with its rim.
const DIAMETER: (f64, f64) = (8.0, 11.0);

/// Adds legend and panels.
pub(super) fn add(scene: &mut Scene, swept: &Swept) {
    add_legend(scene, &swept.basis(), 78.0);
    let order = order(swept);
    let xs = XAxis::of(swept, &order);
    let mut top = TOP;
    for (index, height) in HEIGHTS.into_iter().enumerate() {
        let frame = Frame { left: MARGIN + SCALE, top, right: f64::from(WIDTH) - MARGIN - 20.0, bottom: top + height };
        top += height + GAP + add_panel(scene, swept, &xs, (index, frame));
    }
    let room = f64::from(WIDTH) - 2.0 * MARGIN - SCALE;
    let caption = fitted(&swept.axes[0].caption(), SIZE, room);
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

fn place<'a>(swept: &'a Swept, spot: &Spot) -> &'a Place {
    &swept.axes[0].places[spot.places[0]]
}

/// The points from left to right.
fn order(swept: &Swept) -> Vec<usize> {
    let mut order: Vec<usize> = (0..swept.spots.len()).collect();
    let number = |index: &usize| place(swept, &swept.spots[*index]).number.unwrap_or(0.0);
    order.sort_by(|one, other| number(one).total_cmp(&number(other)));
    order
}

/// Where each point stands, and what is written below it.
struct XAxis<'a> {
    /// Values that are no numbers stand side by side, and no line joins them.
    joined: bool,
    /// From 0 to 1, with the value there and the point.
    places: Vec<(f64, &'a str, &'a Spot)>,
}

impl XAxis<'_> {
    fn of<'a>(swept: &'a Swept, order: &[usize]) -> XAxis<'a> {
        let joined = swept.axes[0].places.iter().all(|place| place.number.is_some());
        let log = joined && swept.axes[0].head.log;
        let value = |rank: usize, spot: &Spot| match place(swept, spot).number {
            Some(number) if log => libm::log10(number),
            Some(number) if joined => number,
            _ => rank as f64 + 0.5,
        };
        let values: Vec<f64> =
            order.iter().enumerate().map(|(rank, &index)| value(rank, &swept.spots[index])).collect();
        let (first, last) = if joined { (values[0], values[values.len() - 1]) } else { (0.0, values.len() as f64) };
        let share = |value: f64| if last > first { (value - first) / (last - first) } else { 0.5 };
        let spots = order.iter().map(|&index| &swept.spots[index]);
        let places = values.iter().zip(spots).map(|(&value, spot)| (share(value), &*place(swept, spot).text, spot));
        XAxis { joined, places: places.collect() }
    }

    /// The values below a panel.
    fn labels(&self, frame: Frame) -> Labels {
        let x = |share: f64| frame.left + share * (frame.right - frame.left);
        let values: Vec<(f64, &str)> = self.places.iter().map(|(share, text, _)| (x(*share), *text)).collect();
        Labels::below(&values, (MARGIN, f64::from(WIDTH) - 8.0))
    }
}

/// Adds a panel and returns by how much it is higher than others, because of its labels.
fn add_panel(scene: &mut Scene, swept: &Swept, xs: &XAxis<'_>, (panel, frame): (usize, Frame)) -> f64 {
    scene.text((frame.left, frame.top - 18.0), PANELS[panel].1, Anchor::Start);
    let most = swept.spots.iter().filter_map(|spot| spot.found[panel]).map(|found| found.ci95.1.max(found.middle90.1));
    let y = Axis { from: 0.0, to: most.fold(0.0, f64::max).max(1e-9) * 1.05, left: frame.bottom, right: frame.top };
    add_scale(scene, y, frame);
    let labels = xs.labels(frame);
    labels.add(scene, frame, (true, FAINT_TEXT));
    let x = |share: f64| frame.left + share * (frame.right - frame.left);
    let found: Vec<Option<(f64, Found)>> =
        xs.places.iter().map(|(share, _, spot)| spot.found[panel].map(|found| (x(*share), found))).collect();
    for stretch in found.split(Option::is_none).filter(|stretch| !stretch.is_empty()) {
        let stretch: Vec<(f64, Found)> = stretch.iter().flatten().copied().collect();
        match xs.joined {
            true => add_stretch(scene, &stretch, y),
            false => add_bars(scene, &stretch, (frame.right - frame.left) / xs.places.len() as f64, y),
        }
    }
    scene.horizontal(frame.bottom, frame.left, frame.right, EVENT);
    labels.drop()
}

/// Horizontal lines at round values with the numbers beside them.
pub(super) fn add_scale(scene: &mut Scene, y: Axis, frame: Frame) {
    let (ticks, _) = y.ticks(if frame.bottom - frame.top > 300.0 { 8.0 } else { 4.0 });
    for tick in ticks {
        scene.horizontal(y.x(tick), frame.left, frame.right, GRID);
        scene.styled_text((frame.left - 10.0, y.x(tick)), &short(tick), SIZE, Anchor::End, FAINT_TEXT);
    }
}

/// Neighbouring points joined: two bands, a line, and a dot for each point unless there are too many.
fn add_stretch(scene: &mut Scene, stretch: &[(f64, Found)], y: Axis) {
    add_band(scene, stretch, y, |found| found.middle90, PARTLY_ROUTED);
    add_band(scene, stretch, y, |found| found.ci95, ROUTED);
    let means: Vec<(f64, f64)> = stretch.iter().map(|(x, found)| (*x, y.x(found.mean))).collect();
    for pair in thinned(&means).windows(2) {
        scene.stroke(pair[0], pair[1], 2.5, LISTENING);
    }
    // Closer together the dots would hide the line, which says the same.
    let length = means[means.len() - 1].0 - means[0].0;
    if length >= (means.len() - 1) as f64 * DIAMETER.1 {
        add_dots(scene, &means);
    }
}

fn add_band(
    scene: &mut Scene,
    stretch: &[(f64, Found)],
    y: Axis,
    ends: impl Fn(&Found) -> (f64, f64),
    ink: super::Ink,
) {
    let upper: Vec<(f64, f64)> = stretch.iter().map(|(x, found)| (*x, y.x(ends(found).1))).collect();
    let lower: Vec<(f64, f64)> = stretch.iter().map(|(x, found)| (*x, y.x(ends(found).0))).collect();
    let points = thinned(&upper).into_iter().chain(thinned(&lower).into_iter().rev()).collect();
    scene.shapes.push(Shape::Polygon { points, ink });
}

/// Of all points above one pixel the first, the lowest, the highest and the last: the line through them covers the same
/// pixels as the line through all.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let same_pixel = |one: &(f64, f64), other: &(f64, f64)| (one.0.round() as u32) == (other.0.round() as u32);
    points.chunk_by(same_pixel).flat_map(corners).collect()
}

fn corners(pixel: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let height = |one: &usize, other: &usize| pixel[*one].1.total_cmp(&pixel[*other].1);
    let extreme = [(0..pixel.len()).min_by(height), (0..pixel.len()).max_by(height)];
    let mut kept: Vec<usize> = extreme.into_iter().flatten().chain([0, pixel.len() - 1]).collect();
    kept.sort_unstable();
    kept.dedup();
    kept.into_iter().map(|index| pixel[index]).collect()
}

/// Points that are no neighbours of each other, so many pixels apart: bars in place of bands.
fn add_bars(scene: &mut Scene, stretch: &[(f64, Found)], apart: f64, y: Axis) {
    let widest = (apart * 0.4).min(16.0);
    for (x, found) in stretch {
        for (half, (low, high), ink) in [(widest, found.middle90, PARTLY_ROUTED), (widest / 2.0, found.ci95, ROUTED)] {
            scene.area(Frame { left: x - half, top: y.x(high) - 1.0, right: x + half, bottom: y.x(low) + 1.0 }, ink);
        }
    }
    let means: Vec<(f64, f64)> = stretch.iter().map(|(x, found)| (*x, y.x(found.mean))).collect();
    if apart < DIAMETER.1 {
        means.iter().for_each(|(x, y)| scene.stroke((x - widest, *y), (x + widest, *y), 2.5, LISTENING));
    } else {
        add_dots(scene, &means);
    }
}

/// A dot for each point; where neighbours touch, none has a rim, which would hide the others.
fn add_dots(scene: &mut Scene, means: &[(f64, f64)]) {
    let touch = |pair: &[(f64, f64)]| libm::hypot(pair[1].0 - pair[0].0, pair[1].1 - pair[0].1) < DIAMETER.0;
    for (index, at) in means.iter().enumerate() {
        let around = &means[index.saturating_sub(1)..(index + 2).min(means.len())];
        match around.windows(2).any(touch) {
            true => scene.dot(*at, DIAMETER.0 / 2.0, TEXT),
            false => scene.disc(*at, DIAMETER.0 / 2.0, TEXT),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        /// Nothing is left out that a pixel would show: each pixel's ends and extremes are those of all points.
        #[test]
        fn thinning_keeps_what_reaches_out(ys in proptest::collection::vec(0.0..400.0f64, 1..200), apart in 0.01..3.0f64) {
            let all: Vec<(f64, f64)> = ys.iter().enumerate().map(|(index, y)| (apart * index as f64, *y)).collect();
            let kept = thinned(&all);
            let shown = |points: &[(f64, f64)], pixel: f64| {
                let ys: Vec<f64> = points.iter().filter(|(x, _)| x.round() as u32 == pixel as u32).map(|at| at.1).collect();
                let (low, high) = (ys.iter().copied().fold(f64::MAX, f64::min), ys.iter().copied().fold(f64::MIN, f64::max));
                [ys.first().copied(), ys.last().copied(), Some(low), Some(high)]
            };
            for pixel in 0..=(apart * 200.0) as u32 {
                proptest::prop_assert_eq!(shown(&all, f64::from(pixel)), shown(&kept, f64::from(pixel)));
            }
            proptest::prop_assert!(kept.len() <= 4 * (2 + (apart * 200.0) as usize));
        }
    }
}
