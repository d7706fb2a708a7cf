//! Where too many dots would cover each other: squares, darker the more of them lie there. None is left out.

use std::collections::BTreeMap;

use super::super::palette::{Ink, ROUTED};
use super::super::scene::{Frame, Scene};

/// Side of a square, pixels.
const SIDE: f64 = 4.0;
/// The square that holds most.
const FULL: Ink = Ink(8, 29, 70);

/// Adds the squares of all points in a panel; their shade is linear in the logarithm of the number of points, and one
/// alone is well seen.
pub(super) fn add(scene: &mut Scene, points: &[(f64, f64)], frame: Frame) {
    let counts = counts(points, frame);
    let most = counts.values().copied().max().unwrap_or(1) as f64;
    for ((column, row), count) in counts {
        let share = if most > 1.0 { libm::log(count as f64) / libm::log(most) } else { 0.0 };
        let (left, bottom) = (frame.left + SIDE * f64::from(column), frame.bottom - SIDE * f64::from(row));
        scene.area(Frame { left, top: bottom - SIDE, right: left + SIDE, bottom }, ROUTED.mixed(FULL, share));
    }
}

/// How many points lie in each square, by column from the left and row from below.
fn counts(points: &[(f64, f64)], frame: Frame) -> BTreeMap<(u32, u32), usize> {
    // The uppermost and rightmost points lie inside, too.
    let last = |length: f64| (length / SIDE).ceil() as u32 - 1;
    let (right, top) = (last(frame.right - frame.left), last(frame.bottom - frame.top));
    let mut counts = BTreeMap::new();
    for (x, y) in points {
        let (column, row) = (((x - frame.left) / SIDE) as u32, ((frame.bottom - y) / SIDE) as u32);
        *counts.entry((column.min(right), row.min(top))).or_insert(0) += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::picture::scene::Shape;

    fn ink(shape: &Shape) -> Option<Ink> {
        if let Shape::Area { ink, .. } = shape { Some(*ink) } else { None }
    }

    #[test]
    fn every_point_is_counted_and_most_is_darkest() {
        let frame = Frame { left: 100.0, top: 0.0, right: 160.0, bottom: 60.0 };
        let points = [(100.0, 60.0), (101.0, 59.0), (160.0, 0.0), (130.0, 31.0)];
        let counts = counts(&points, frame);
        assert_eq!(counts.into_iter().collect::<Vec<_>>(), [((0, 0), 2), ((7, 7), 1), ((14, 14), 1)]);
        let mut scene = Scene::new(200);
        add(&mut scene, &points, frame);
        let inks: Vec<Ink> = scene.shapes.iter().filter_map(ink).collect();
        assert_eq!(inks, [FULL, ROUTED, ROUTED]);
    }
}
