//! More axes than two, or points laid at random: for each axis all points over their values there. What the other axes do
//! is the spread of the dots; where many points share a value, a bar marks their mean. Too many dots become squares.

use super::super::axis::Axis;
use super::super::palette::{EVENT, EXPOSED, FAINT_TEXT, LISTENING};
use super::super::scene::{Anchor, Frame, SIZE, Scene};
use super::super::{MARGIN, WIDTH};
use super::labels::{Labels, fitted};
use super::line::add_scale;
use super::{PANELS, Place, Swept, SweptAxis, density};

const TOP: f64 = 140.0;
const HEIGHT: f64 = 190.0;
const GAP: f64 = 84.0;
const SCALE: f64 = 70.0;
const RIGHT: f64 = 24.0;
/// Beyond this many values an axis is taken for continuous, and so is one whose values are hardly shared.
const FEW: usize = 12;
/// The outermost dots stand so far inside.
const INSIDE: f64 = 8.0;
/// More dots hide each other.
const MOST_DOTS: usize = 1_000;
/// Fewer dots have a rim that tells those apart which touch; of many it would hide those below.
const MOST_RIMS: usize = 100;

/// Adds a row of panels for each axis.
pub(super) fn add(scene: &mut Scene, swept: &Swept) {
    let basis = format!("{}; {}, a bar the mean of the points with the same value", swept.basis(), legend(swept));
    scene.styled_text((MARGIN, 74.0), &basis, SIZE, Anchor::Start, FAINT_TEXT);
    let mut top = TOP;
    for axis in 0..swept.axes.len() {
        top += add_row(scene, swept, axis, top) + GAP;
    }
    scene.height = top as u32;
}

fn legend(swept: &Swept) -> &'static str {
    if swept.spots.len() > MOST_DOTS {
        "a square is darker the more points have their mean there"
    } else {
        "a dot is the mean of a point"
    }
}

/// Adds both panels of an axis and returns their height.
fn add_row(scene: &mut Scene, swept: &Swept, axis: usize, top: f64) -> f64 {
    let values = Values::of(swept, axis);
    let width = (f64::from(WIDTH) - 2.0 * MARGIN) / PANELS.len() as f64;
    let mut height = HEIGHT;
    for panel in 0..PANELS.len() {
        let left = MARGIN + width * panel as f64;
        let frame = Frame { left: left + SCALE, top, right: left + width - RIGHT, bottom: top + HEIGHT };
        height = HEIGHT + add_panel(scene, swept, &values, (panel, frame));
    }
    height
}

/// The values of an axis, and where they stand from 0 to 1.
struct Values<'a> {
    axis: usize,
    swept: &'a SweptAxis,
    /// By place.
    shares: Vec<f64>,
    /// The places from left to right.
    order: Vec<usize>,
    is_continuous: bool,
}

impl Values<'_> {
    fn of(swept: &Swept, axis: usize) -> Values<'_> {
        let places = &swept.axes[axis].places;
        let shares = shares(places, swept.axes[axis].head.log);
        let mut order: Vec<usize> = (0..places.len()).collect();
        order.sort_by(|one, other| shares[*one].total_cmp(&shares[*other]));
        let is_continuous = places.len() > FEW || places.len() * 2 > swept.spots.len();
        Values { axis, swept: &swept.axes[axis], shares, order, is_continuous }
    }

    /// What is written below: of a continuous axis its ends alone.
    fn labels(&self, frame: Frame) -> Labels {
        let value = |place: &usize| (x(self.shares[*place], frame), &*self.swept.places[*place].text);
        let mut values: Vec<(f64, &str)> = self.order.iter().map(value).collect();
        if self.is_continuous && values.len() > 2 {
            values.drain(1..values.len() - 1);
        }
        // What stands beside belongs to the next panel.
        Labels::below(&values, (frame.left - SCALE + RIGHT, frame.right + RIGHT - 4.0))
    }
}

/// Numbers by their size or its logarithm, other values side by side.
fn shares(places: &[Place], log: bool) -> Vec<f64> {
    let numbers: Option<Vec<f64>> = places.iter().map(|place| place.number).collect();
    let Some(numbers) = numbers else {
        return (0..places.len()).map(|rank| (rank as f64 + 0.5) / places.len() as f64).collect();
    };
    let numbers: Vec<f64> = if log { numbers.into_iter().map(libm::log10).collect() } else { numbers };
    let least = numbers.iter().copied().fold(f64::INFINITY, f64::min);
    let most = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    numbers.into_iter().map(|number| if most > least { (number - least) / (most - least) } else { 0.5 }).collect()
}

fn x(share: f64, frame: Frame) -> f64 {
    frame.left + INSIDE + share * (frame.right - frame.left - 2.0 * INSIDE)
}

/// Adds a panel and returns by how much it is higher than others, because of its labels.
fn add_panel(scene: &mut Scene, swept: &Swept, values: &Values<'_>, (panel, frame): (usize, Frame)) -> f64 {
    scene.text((frame.left, frame.top - 18.0), PANELS[panel].1, Anchor::Start);
    let means: Vec<Option<f64>> = swept.spots.iter().map(|spot| spot.found[panel].map(|found| found.mean)).collect();
    let most = means.iter().flatten().copied().fold(0.0, f64::max).max(1e-9) * 1.05;
    let y = Axis { from: 0.0, to: most, left: frame.bottom, right: frame.top };
    add_scale(scene, y, frame);
    scene.horizontal(frame.bottom, frame.left, frame.right, EVENT);
    let places = || swept.spots.iter().map(|spot| spot.places[values.axis]);
    let dots = places().zip(&means).filter_map(|(place, mean)| Some((x(values.shares[place], frame), y.x((*mean)?))));
    add_points(scene, &dots.collect::<Vec<_>>(), frame);
    if !values.is_continuous {
        let all: Vec<(usize, Option<f64>)> = places().zip(means).collect();
        add_means(scene, values, &all, (y, frame));
    }
    let labels = values.labels(frame);
    labels.add(scene, frame, (true, FAINT_TEXT));
    let (middle, caption) =
        ((frame.left + frame.right) / 2.0, fitted(&values.swept.caption(), SIZE, frame.right - frame.left));
    scene.styled_text((middle, frame.bottom + labels.drop() + 38.0), &caption, SIZE, Anchor::Middle, FAINT_TEXT);
    labels.drop()
}

fn add_points(scene: &mut Scene, points: &[(f64, f64)], frame: Frame) {
    match points.len() {
        n if n <= MOST_RIMS => points.iter().for_each(|at| scene.disc(*at, 3.0, LISTENING)),
        n if n <= MOST_DOTS => points.iter().for_each(|at| scene.dot(*at, 3.0, LISTENING)),
        // Where the outermost points stand, so that none has a column of its own.
        _ => density::add(scene, points, Frame { left: frame.left + INSIDE, right: frame.right - INSIDE, ..frame }),
    }
}

/// A bar at the mean of the points of each value.
fn add_means(scene: &mut Scene, values: &Values<'_>, means: &[(usize, Option<f64>)], (y, frame): (Axis, Frame)) {
    let mut sums = vec![(0.0, 0.0); values.shares.len()];
    for (place, mean) in means.iter().filter_map(|(place, mean)| Some((*place, (*mean)?))) {
        sums[place] = (sums[place].0 + mean, sums[place].1 + 1.0);
    }
    for place in values.order.iter().filter(|place| sums[**place].1 > 0.0) {
        let (x, mean) = (x(values.shares[*place], frame), y.x(sums[*place].0 / sums[*place].1));
        scene.area(Frame { left: x - 12.0, top: mean - 1.5, right: x + 12.0, bottom: mean + 1.5 }, EXPOSED);
    }
}
