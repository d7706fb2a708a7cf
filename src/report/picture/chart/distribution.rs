//! How many replications lose how many requests, with a number that was measured or published marked among them.

use super::super::axis::{Axis, draw_axis};
use super::super::palette::{EXPOSED, FAINT_TEXT, GRID, LISTENING, TEXT};
use super::super::scene::{Anchor, Frame, SIZE, Scene, text_width};
use super::{MARGIN, WIDTH, stroke, titled};

/// More values than this share their bars.
const MOST_BARS: usize = 60;
/// A single bar as wide as the picture says nothing.
const FEWEST: f64 = 5.0;
const LEFT: f64 = 110.0;

/// What the picture shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// What is seen.
    pub title: String,
    /// What is counted.
    pub label: String,
    /// A value for each replication: whole numbers.
    pub values: Vec<f64>,
    /// Numbers from elsewhere, with their words.
    pub marked: Vec<(f64, String)>,
}

/// Values from `from` on, `width` of them a bar.
struct Bars {
    from: f64,
    width: f64,
    counts: Vec<usize>,
}

impl Bars {
    fn of(distribution: &Distribution) -> Bars {
        let seen = || distribution.values.iter().chain(distribution.marked.iter().map(|(value, _)| value)).copied();
        let (low, high) = (seen().fold(f64::INFINITY, f64::min), seen().fold(f64::NEG_INFINITY, f64::max));
        let (low, high) =
            if low.is_finite() { (low.floor(), high.floor().max(low.floor() + FEWEST)) } else { (0.0, FEWEST) };
        let width = ((high - low + 1.0) / MOST_BARS as f64).ceil().max(1.0);
        let mut counts = vec![0; ((high - low) / width) as usize + 1];
        distribution.values.iter().for_each(|value| counts[((value - low) / width) as usize] += 1);
        Bars { from: low, width, counts }
    }

    fn to(&self) -> f64 {
        self.from + self.width * self.counts.len() as f64
    }
}

pub(super) fn lay_out(distribution: &Distribution) -> Scene {
    let bars = Bars::of(distribution);
    let n = distribution.values.len();
    let wide = if bars.width > 1.0 { format!("; {} values a bar", bars.width) } else { String::new() };
    let mut scene = titled(&distribution.title, &format!("share of {n} replications that lose so many{wide}"));
    let frame = Frame { left: LEFT, top: 140.0, right: f64::from(WIDTH) - MARGIN, bottom: 470.0 };
    let most = bars.counts.iter().copied().max().unwrap_or(0) as f64 / n.max(1) as f64;
    let height = Axis { from: 0.0, to: (most * 1.15).max(1e-6), left: frame.bottom, right: frame.top };
    add_shares(&mut scene, height, frame);
    // Each value stands in the middle of its bar.
    let axis = Axis { from: bars.from - 0.5, to: bars.to() - 0.5, left: frame.left, right: frame.right };
    draw_axis(
        &mut scene,
        axis,
        (bars.counts.len() as f64).min(16.0),
        (frame.bottom, frame.bottom),
        &distribution.label,
    );
    add_bars(&mut scene, &bars, axis, height, n);
    add_marks(&mut scene, distribution, axis, frame);
    scene.height = 545;
    scene
}

fn add_shares(scene: &mut Scene, height: Axis, frame: Frame) {
    let percent = Axis { from: 0.0, to: height.to * 100.0, ..height };
    let (ticks, decimals) = percent.ticks(5.0);
    for tick in ticks {
        scene.horizontal(percent.x(tick), frame.left, frame.right, GRID);
        let at = (frame.left - 10.0, percent.x(tick));
        scene.styled_text(at, &format!("{tick:.decimals$} %"), SIZE, Anchor::End, FAINT_TEXT);
    }
}

fn add_bars(scene: &mut Scene, bars: &Bars, axis: Axis, height: Axis, n: usize) {
    for (index, &count) in bars.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let left = bars.from - 0.5 + bars.width * index as f64;
        let top = height.x(count as f64 / n as f64);
        let frame =
            Frame { left: axis.x(left) + 1.0, top, right: axis.x(left + bars.width) - 1.0, bottom: height.x(0.0) };
        scene.area(frame, LISTENING);
    }
}

/// A line at each number from elsewhere; the words stand above, so that they cover no bar.
fn add_marks(scene: &mut Scene, distribution: &Distribution, axis: Axis, frame: Frame) {
    for (index, (value, words)) in distribution.marked.iter().enumerate() {
        let (x, y) = (axis.x(*value), frame.top - 12.0 - 24.0 * index as f64);
        stroke(scene, (x, y + 10.0), (x, frame.bottom), 3.0, EXPOSED);
        let fits = x + 8.0 + text_width(words, SIZE) < frame.right;
        let (x, anchor) = if fits { (x + 8.0, Anchor::Start) } else { (x - 8.0, Anchor::End) };
        scene.styled_text((x, y), words, SIZE, anchor, TEXT);
    }
}
