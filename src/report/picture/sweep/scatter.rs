//! More axes than two, or points laid at random: for each axis all points over their values there. What the other axes do
//! is the spread of the dots; where many points share a value, a bar marks their mean.

use super::super::axis::Axis;
use super::super::palette::{EVENT, EXPOSED, FAINT_TEXT, LISTENING};
use super::super::scene::{Anchor, Frame, SIZE, Scene, text_width};
use super::super::{MARGIN, WIDTH};
use super::line::add_scale;
use super::{PANELS, Place, Swept};

const TOP: f64 = 140.0;
const HEIGHT: f64 = 190.0;
const GAP: f64 = 84.0;
const SCALE: f64 = 70.0;
/// Beyond this many values an axis is taken for continuous, and so is one whose values are hardly shared.
const FEW: usize = 12;

/// Adds a row of panels for each axis.
pub(super) fn add(scene: &mut Scene, swept: &Swept) {
    let basis = swept.basis() + "; a dot is the mean of a point, a bar the mean of the points with the same value";
    scene.styled_text((MARGIN, 74.0), &basis, SIZE, Anchor::Start, FAINT_TEXT);
    let width = (f64::from(WIDTH) - 2.0 * MARGIN) / PANELS.len() as f64;
    for axis in 0..swept.axes.len() {
        let top = TOP + axis as f64 * (HEIGHT + GAP);
        let values = Values::of(swept, axis);
        for panel in 0..PANELS.len() {
            let left = MARGIN + width * panel as f64;
            let frame = Frame { left: left + SCALE, top, right: left + width - 24.0, bottom: top + HEIGHT };
            add_panel(scene, swept, &values, (panel, frame));
        }
    }
    scene.height = (TOP + swept.axes.len() as f64 * (HEIGHT + GAP)) as u32;
}

/// The values of an axis, and where they stand from 0 to 1.
struct Values {
    caption: String,
    /// By point.
    shares: Vec<f64>,
    /// What is written below, with the points that stand there; a continuous axis has only its ends.
    marks: Vec<(f64, String, Vec<usize>)>,
    is_continuous: bool,
}

impl Values {
    fn of(swept: &Swept, axis: usize) -> Values {
        let places: Vec<&Place> = swept.spots.iter().map(|spot| &spot.places[axis]).collect();
        let shares = shares(&places, swept.axes[axis].log);
        let mut marks: Vec<(f64, String, Vec<usize>)> = Vec::new();
        for (point, (place, share)) in places.iter().zip(&shares).enumerate() {
            match marks.iter_mut().find(|(_, text, _)| *text == place.text) {
                Some((.., points)) => points.push(point),
                None => marks.push((*share, place.text.clone(), vec![point])),
            }
        }
        marks.sort_by(|one, other| one.0.total_cmp(&other.0));
        let is_continuous = marks.len() > FEW || marks.len() * 2 > places.len();
        let caption = swept.axes[axis].label() + if swept.axes[axis].log { " (logarithmic)" } else { "" };
        Values { caption, shares, marks, is_continuous }
    }
}

/// Numbers by their size or its logarithm, other values side by side.
fn shares(places: &[&Place], log: bool) -> Vec<f64> {
    let numbers: Option<Vec<f64>> = places.iter().map(|place| place.number).collect();
    let Some(numbers) = numbers else { return side_by_side(places) };
    let numbers: Vec<f64> = if log { numbers.into_iter().map(libm::log10).collect() } else { numbers };
    let least = numbers.iter().copied().fold(f64::INFINITY, f64::min);
    let most = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    numbers.into_iter().map(|number| if most > least { (number - least) / (most - least) } else { 0.5 }).collect()
}

fn side_by_side(places: &[&Place]) -> Vec<f64> {
    let mut texts: Vec<&str> = Vec::new();
    for place in places {
        if !texts.contains(&place.text.as_str()) {
            texts.push(&place.text);
        }
    }
    let rank = |place: &&Place| texts.iter().position(|text| *text == place.text).unwrap_or(0);
    places.iter().map(|place| (rank(place) as f64 + 0.5) / texts.len() as f64).collect()
}

fn add_panel(scene: &mut Scene, swept: &Swept, values: &Values, (panel, frame): (usize, Frame)) {
    scene.text((frame.left, frame.top - 18.0), PANELS[panel].1, Anchor::Start);
    let means: Vec<Option<f64>> = swept.spots.iter().map(|spot| spot.found[panel].map(|found| found.mean)).collect();
    let most = means.iter().flatten().copied().fold(0.0, f64::max).max(1e-9) * 1.05;
    let y = Axis { from: 0.0, to: most, left: frame.bottom, right: frame.top };
    // The outermost dots stand inside.
    let x = |share: f64| frame.left + 8.0 + share * (frame.right - frame.left - 16.0);
    add_scale(scene, y, frame);
    scene.horizontal(frame.bottom, frame.left, frame.right, EVENT);
    for (share, mean) in values.shares.iter().zip(&means) {
        mean.iter().for_each(|mean| scene.disc((x(*share), y.x(*mean)), 3.0, LISTENING));
    }
    if !values.is_continuous {
        for (share, _, points) in &values.marks {
            add_mean(scene, x(*share), y, &points.iter().filter_map(|point| means[*point]).collect::<Vec<f64>>());
        }
    }
    add_marks(scene, values, x, frame);
    let middle = (frame.left + frame.right) / 2.0;
    scene.styled_text((middle, frame.bottom + 38.0), &values.caption, SIZE, Anchor::Middle, FAINT_TEXT);
}

fn add_mean(scene: &mut Scene, x: f64, y: Axis, means: &[f64]) {
    if !means.is_empty() {
        let mean = y.x(means.iter().sum::<f64>() / means.len() as f64);
        scene.area(Frame { left: x - 12.0, top: mean - 1.5, right: x + 12.0, bottom: mean + 1.5 }, EXPOSED);
    }
}

/// The values below the panel; those that would run into another are left out, of a continuous axis all but the ends.
fn add_marks(scene: &mut Scene, values: &Values, x: impl Fn(f64) -> f64, frame: Frame) {
    let last = values.marks.len().saturating_sub(1);
    let mut free_from = f64::NEG_INFINITY;
    for (index, (share, text, _)) in values.marks.iter().enumerate() {
        let is_inner = index > 0 && index < last;
        let half = text_width(text, SIZE) / 2.0;
        if x(*share) - half > free_from && !(values.is_continuous && is_inner) {
            scene.vertical(x(*share), frame.bottom, frame.bottom + 5.0, EVENT);
            scene.styled_text((x(*share), frame.bottom + 18.0), text, SIZE, Anchor::Middle, FAINT_TEXT);
            free_from = x(*share) + half + 12.0;
        }
    }
}
