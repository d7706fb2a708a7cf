//! One column of the score: for each scenario the predictive bands and, as dots on them, the measured runs.

use super::super::axis::draw_axis;
use super::super::palette::{Ink, PAPER};
use super::super::scene::{DISC, Shape, dodge};
use super::*;

/// Half the heights of the bands, the median's tick, and the radius of a dot.
pub(super) const THIN: f64 = 2.5;
pub(super) const THICK: f64 = 6.0;
pub(super) const TICK: f64 = 8.0;
const DOT: f64 = 4.5;

/// Bands are clipped at so many times the upper quartile of their rows' largest values.
const CLIPPED_AT: f64 = 1.5;

/// Adds the column.
pub(super) fn add(scene: &mut Scene, column: &ScoreColumn, frame: Frame) {
    add_column_title(scene, frame, &column.title);
    let axis = axis(column, frame);
    draw_axis(scene, axis, 6.0, (frame.top, frame.bottom), &column.unit);
    for (index, row) in column.rows.iter().enumerate() {
        let y = frame.top + ROW * (index as f64 + 0.5);
        if let Some(row) = row {
            add_row(scene, row, axis, y);
        }
    }
}

/// From zero to the largest value, unless that is the end of a band which would press most rows against the left. Every
/// measured run stays on the axis.
fn axis(column: &ScoreColumn, frame: Frame) -> Axis {
    let mut most: Vec<f64> = column.rows.iter().flatten().map(ScoreRow::most).collect();
    most.sort_by(f64::total_cmp);
    let largest = most.last().copied().unwrap_or(0.0);
    let quartile = most.get(most.len().saturating_sub(1) * 3 / 4).copied().unwrap_or(largest);
    let observed = column.rows.iter().flatten().flat_map(|row| &row.observed).copied().fold(0.0, f64::max);
    let to = largest.min(observed.max(quartile * CLIPPED_AT));
    Axis { from: 0.0, to: (to * 1.04).max(1.0), left: frame.left + DOT, right: frame.right }
}

fn add_row(scene: &mut Scene, row: &ScoreRow, axis: Axis, y: f64) {
    add_band(scene, row.band90, axis, (y - THIN, y + THIN), ROUTED);
    add_band(scene, row.band50, axis, (y - THICK, y + THICK), PARTLY_ROUTED);
    if row.band90.1 > axis.to {
        arrow(scene, (axis.right, y), ROUTED);
    }
    if axis.shows(row.median) {
        let x = axis.x(row.median);
        scene.area(Frame { left: x - 1.5, top: y - TICK, right: x + 1.5, bottom: y + TICK }, TEXT);
    }
    add_dots(scene, row, axis, y);
}

/// A band of one value is two pixels wide.
fn add_band(scene: &mut Scene, band: (f64, f64), axis: Axis, (top, bottom): (f64, f64), ink: Ink) {
    let (left, right) = (axis.x(band.0) - 1.0, axis.x(band.1) + 1.0);
    if axis.shows(band.0) {
        scene.area(Frame { left, top, right, bottom }, ink);
    }
}

/// Dots that would cover each other are spread over the height of the row.
fn add_dots(scene: &mut Scene, row: &ScoreRow, axis: Axis, y: f64) {
    let mut observed = row.observed.clone();
    observed.sort_by(f64::total_cmp);
    let xs: Vec<f64> = observed.iter().map(|value| axis.x(*value)).collect();
    for ((value, x), level) in observed.iter().zip(&xs).zip(dodge(&xs, 2.0 * DOT)) {
        dot(scene, (*x, y + 6.0 * level), row.holds(*value));
    }
}

fn ink(inside: bool) -> Ink {
    if inside { LISTENING } else { EXPOSED }
}

/// A measured run: a disc inside the band, a square on its tip outside, with a rim of paper.
pub(super) fn dot(scene: &mut Scene, at: (f64, f64), inside: bool) {
    for (radius, ink) in [(DOT + 1.5, PAPER), (DOT, ink(inside))] {
        let radius = if inside { radius } else { radius + 1.5 };
        let corners = if inside { &DISC[..] } else { &TIP[..] };
        let points = corners.iter().map(|&(x, y)| (at.0 + x * radius, at.1 + y * radius)).collect();
        scene.shapes.push(Shape::Polygon { points, ink });
    }
}

/// A triangle that points right, its tip at `tip`.
pub(super) fn arrow(scene: &mut Scene, tip: (f64, f64), ink: Ink) {
    let points = vec![(tip.0 + 6.0, tip.1), (tip.0 - 6.0, tip.1 - 8.0), (tip.0 - 6.0, tip.1 + 8.0)];
    scene.shapes.push(Shape::Polygon { points, ink });
}

const TIP: [(f64, f64); 4] = [(0.0, -1.0), (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)];
