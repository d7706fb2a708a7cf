//! Inputs of a model by their shares of a variance, or by their effects: a row each, the largest first, with intervals.

use super::super::axis::{Axis, draw_axis};
use super::super::palette::{EVENT, Ink, LISTENING, ROUTED, STRIPE, TEXT};
use super::super::scene::{Anchor, Frame, SIZE, Scene, text_width};
use super::{MARGIN, WIDTH, titled};

const ROW: f64 = 46.0;

/// What the picture shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Tornado {
    /// What is seen.
    pub title: String,
    /// What the two bars of a row are.
    pub legend: [String; 2],
    /// What the axis says.
    pub axis: String,
    /// The inputs, the largest first.
    pub rows: Vec<TornadoRow>,
}

/// One input.
#[derive(Debug, Clone, PartialEq)]
pub struct TornadoRow {
    /// Its name.
    pub name: String,
    /// The bars, one above the other.
    pub bars: [Bar; 2],
}

/// A value with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    /// The value.
    pub value: f64,
    /// Its interval; one without width is not drawn.
    pub interval: (f64, f64),
}

const INKS: [Ink; 2] = [LISTENING, ROUTED];

pub(super) fn lay_out(tornado: &Tornado) -> Scene {
    let mut scene = titled(&tornado.title, "thin black line: 95 % interval");
    add_legend(&mut scene, tornado);
    let top = 130.0;
    let bottom = top + ROW * tornado.rows.len() as f64;
    let widest = tornado.rows.iter().map(|row| text_width(&row.name, SIZE)).fold(0.0, f64::max);
    let ends =
        tornado.rows.iter().flat_map(|row| &row.bars).flat_map(|bar| [bar.value, bar.interval.0, bar.interval.1]);
    let (from, to) = ends.fold((0.0f64, 0.0f64), |(low, high), end| (low.min(end), high.max(end)));
    let to = if to > from { to + (to - from) * 0.04 } else { from + 1.0 };
    let axis = Axis { from, to, left: MARGIN + widest + 24.0, right: f64::from(WIDTH) - MARGIN };
    add_stripes(&mut scene, tornado, top);
    draw_axis(&mut scene, axis, 8.0, (top, bottom), &tornado.axis);
    for (index, row) in tornado.rows.iter().enumerate() {
        add_row(&mut scene, row, axis, top + ROW * index as f64);
    }
    scene.vertical(axis.x(0.0), top, bottom, EVENT);
    scene.height = (bottom + 66.0) as u32;
    scene
}

fn add_legend(scene: &mut Scene, tornado: &Tornado) {
    let mut x = MARGIN;
    for (text, ink) in tornado.legend.iter().zip(INKS) {
        scene.area(Frame { left: x, top: 92.0, right: x + 28.0, bottom: 108.0 }, ink);
        scene.text((x + 36.0, 100.0), text, Anchor::Start);
        x += 60.0 + text_width(text, SIZE);
    }
}

fn add_stripes(scene: &mut Scene, tornado: &Tornado, top: f64) {
    for index in (0..tornado.rows.len()).step_by(2) {
        let top = top + ROW * index as f64;
        scene.area(Frame { left: MARGIN - 6.0, top, right: f64::from(WIDTH) - MARGIN, bottom: top + ROW }, STRIPE);
    }
}

fn add_row(scene: &mut Scene, row: &TornadoRow, axis: Axis, top: f64) {
    scene.text((MARGIN, top + ROW / 2.0), &row.name, Anchor::Start);
    let height = ROW / 2.0 - 6.0;
    for (index, (bar, ink)) in row.bars.iter().zip(INKS).enumerate() {
        let top = top + 5.0 + index as f64 * (height + 2.0);
        let (zero, end) = (axis.x(0.0), axis.x(bar.value));
        scene.area(Frame { left: zero.min(end), top, right: zero.max(end), bottom: top + height }, ink);
        if bar.interval.1 <= bar.interval.0 {
            continue;
        }
        let middle = top + height / 2.0;
        let (low, high) = (axis.x(bar.interval.0), axis.x(bar.interval.1));
        scene.area(Frame { left: low, top: middle - 1.0, right: high.max(low + 1.0), bottom: middle + 1.0 }, TEXT);
        scene.vertical(low, middle - 5.0, middle + 5.0, TEXT);
        scene.vertical(high, middle - 5.0, middle + 5.0, TEXT);
    }
}
