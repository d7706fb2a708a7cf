//! Where the measured runs fall in their predictive distributions: level if the model is true, high at both ends if it
//! is too sure of itself, high in the middle if it is not sure enough, slanted if it is off to one side.

use super::super::axis::draw_axis;
use super::super::palette::{GRID, ROUTED};
use super::*;
use crate::stats::binomial_band;

const BINS: usize = 10;
/// From the top of the frame to the highest bar.
const HEAD: f64 = 66.0;

/// Adds the histogram of one metric.
pub(super) fn add(scene: &mut Scene, column: &ScoreColumn, frame: Frame) {
    let n = column.pits.len();
    add_column_title(scene, Frame { top: frame.top + 40.0, ..frame }, "where the runs fall (PIT)");
    if n == 0 {
        return add_remark(scene, (frame.left, frame.top + 48.0), "no runs");
    }
    let band = binomial_band(n as u64, 1.0 / BINS as f64, 0.9);
    let words = format!("even: {:.1} of {n} each; grey: 90 % of luck, {}–{}", n as f64 / 10.0, band.low(), band.high());
    add_remark(scene, (frame.left, frame.top + 48.0), &words);
    add_bars(scene, &counts(&column.pits), (band.low(), band.high()), n, frame);
}

fn counts(pits: &[f64]) -> [usize; BINS] {
    let mut counts = [0; BINS];
    for pit in pits {
        counts[((pit * BINS as f64) as usize).min(BINS - 1)] += 1;
    }
    counts
}

/// The bars with their counts at their feet, where no line crosses them.
fn add_bars(scene: &mut Scene, counts: &[usize; BINS], band: (f64, f64), n: usize, frame: Frame) {
    let axis = Axis { from: 0.0, to: 1.0, left: frame.left, right: frame.right };
    let most = counts.iter().map(|count| *count as f64).fold(band.1, f64::max);
    let y = |value: f64| frame.bottom - value / most * (frame.bottom - frame.top - HEAD);
    scene.area(Frame { left: axis.left, top: y(band.1), right: axis.right, bottom: y(band.0) }, GRID);
    let share = |bin: usize| bin as f64 / BINS as f64;
    for (index, count) in counts.iter().enumerate() {
        let (left, right) = (axis.x(share(index)) + 4.0, axis.x(share(index + 1)) - 4.0);
        scene.area(Frame { left, top: y(*count as f64), right, bottom: frame.bottom }, ROUTED);
        scene.text(((left + right) / 2.0, frame.bottom - 12.0), &count.to_string(), Anchor::Middle);
    }
    let even = y(n as f64 / BINS as f64);
    scene.area(Frame { left: axis.left, top: even - 1.0, right: axis.right, bottom: even + 1.0 }, TEXT);
    draw_axis(scene, axis, 6.0, (frame.bottom, frame.bottom), "share of replications below the run");
}
