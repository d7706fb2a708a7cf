//! A time axis: seconds (or milliseconds) to pixels, and round numbers on it.

use super::palette::{EVENT, FAINT_TEXT, GRID};
use super::scene::{Anchor, SIZE, Scene};

/// Maps `from..to` onto `left..right`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Axis {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) left: f64,
    pub(super) right: f64,
}

impl Axis {
    /// The pixel of `value`; values beyond the axis stand at its ends.
    pub(super) fn x(self, value: f64) -> f64 {
        let share = (value - self.from) / (self.to - self.from);
        self.left + share.clamp(0.0, 1.0) * (self.right - self.left)
    }

    /// Whether `value` lies on the axis.
    pub(super) fn shows(self, value: f64) -> bool {
        (self.from..=self.to).contains(&value)
    }

    /// Round values on the axis, at most about `most`, with the number of decimals they need.
    pub(super) fn ticks(self, most: f64) -> (Vec<f64>, usize) {
        let (step, decimals) = round_step((self.to - self.from) / most);
        let first = (self.from / step).ceil() as i64;
        let last = (self.to / step).floor() as i64;
        ((first..=last).map(|index| index as f64 * step).collect(), decimals)
    }
}

/// The smallest of 0.001, 0.002, 0.005, 0.01, … that is not below `least`.
fn round_step(least: f64) -> (f64, usize) {
    let steps = (0..12).flat_map(|power| [1.0, 2.0, 5.0].map(|digit| (digit * 10f64.powi(power) / 1000.0, power)));
    let found = steps.into_iter().find(|&(step, _)| step >= least);
    found.map_or((1e9, 0), |(step, power)| (step, 3usize.saturating_sub(power as usize)))
}

/// Draws vertical lines at round values from `top` to `bottom`, the numbers below, and what they are below those.
pub(super) fn draw_axis(scene: &mut Scene, axis: Axis, most: f64, (top, bottom): (f64, f64), caption: &str) {
    let (ticks, decimals) = axis.ticks(most);
    for tick in ticks {
        scene.vertical(axis.x(tick), top, bottom, GRID);
        scene.styled_text((axis.x(tick), bottom + 16.0), &number(tick, decimals), SIZE, Anchor::Middle, FAINT_TEXT);
    }
    scene.horizontal(bottom, axis.left, axis.right, EVENT);
    let middle = (axis.left + axis.right) / 2.0;
    scene.styled_text((middle, bottom + 39.0), caption, SIZE, Anchor::Middle, FAINT_TEXT);
}

fn number(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    text.strip_prefix('-').map_or(text.clone(), |digits| format!("−{digits}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        let axis = Axis { from: -0.05, to: 0.31, left: 0.0, right: 100.0 };
        let (ticks, decimals) = axis.ticks(8.0);
        assert_eq!((ticks.len(), decimals), (8, 2));
        assert_eq!(number(ticks[0], decimals), "−0.05");
    }

    #[test]
    fn values_map_to_pixels_and_stay_inside() {
        let axis = Axis { from: 0.0, to: 10.0, left: 100.0, right: 200.0 };
        assert!((axis.x(5.0) - 150.0).abs() < 1e-9);
        assert!((axis.x(50.0) - 200.0).abs() < 1e-9);
        assert!(!axis.shows(10.1));
    }
}
