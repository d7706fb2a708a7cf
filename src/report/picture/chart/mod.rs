//! Pictures of answers: loss against sleep, strategies with their prices, inputs with their shares of a variance.
//!
//! They are made from plain numbers; whoever has an answer fills them in.

mod course;
mod distribution;
mod loss;
mod tornado;
mod trade_off;

use super::draw;
use super::palette::{FAINT_TEXT, Ink, TEXT};
use super::scene::{Anchor, Frame, SIZE, Scene, Shape, text_width};

#[cfg(feature = "png")]
use super::{PictureError, png};

pub use course::{Course, Line, Panel};
pub use distribution::Distribution;
pub use loss::{LossCurve, LossPoint};
pub use tornado::{Bar, Tornado, TornadoRow};
pub use trade_off::{TradeOff, TradeOffOption};

const WIDTH: u32 = 1300;
const MARGIN: f64 = 30.0;
const TITLE_SIZE: f64 = 25.0;

/// One of the pictures.
#[derive(Debug, Clone, PartialEq)]
pub enum Chart {
    /// Loss against sleep.
    Loss(LossCurve),
    /// Strategies by their prices.
    TradeOff(TradeOff),
    /// Inputs by what they do to a metric.
    Tornado(Tornado),
    /// Numbers over time.
    Course(Course),
    /// How often each count came up.
    Distribution(Distribution),
}

/// The picture as SVG.
pub fn chart_svg(chart: &Chart) -> String {
    draw::svg(&lay_out(chart))
}

/// The picture as the bytes of a PNG file.
///
/// # Errors
///
/// If plotters or the encoder fail, which valid numbers do not cause.
#[cfg(feature = "png")]
pub fn chart_png(chart: &Chart) -> Result<Vec<u8>, PictureError> {
    png::png(&lay_out(chart))
}

fn lay_out(chart: &Chart) -> Scene {
    match chart {
        Chart::Loss(curve) => loss::lay_out(curve),
        Chart::TradeOff(options) => trade_off::lay_out(options),
        Chart::Tornado(rows) => tornado::lay_out(rows),
        Chart::Course(course) => course::lay_out(course),
        Chart::Distribution(distribution) => distribution::lay_out(distribution),
    }
}

/// A scene with its title and a line below it; both shrink if they are too long.
fn titled(title: &str, below: &str) -> Scene {
    let mut scene = Scene::new(WIDTH);
    let room = f64::from(WIDTH) - 2.0 * MARGIN;
    for (text, size, y, ink) in [(title, TITLE_SIZE, 34.0, TEXT), (below, SIZE, 68.0, FAINT_TEXT)] {
        let fitting = size.min(size * room / text_width(text, size).max(1.0));
        scene.styled_text((MARGIN, y), text, fitting, Anchor::Start, ink);
    }
    scene
}

/// A filled circle, as a polygon.
fn dot(scene: &mut Scene, at: (f64, f64), radius: f64, ink: Ink) {
    let corner = |step: i32| {
        let angle = f64::from(step) * std::f64::consts::TAU / 24.0;
        (at.0 + radius * libm::cos(angle), at.1 + radius * libm::sin(angle))
    };
    scene.shapes.push(Shape::Polygon { points: (0..24).map(corner).collect(), ink });
}

/// A straight line of some thickness.
fn stroke(scene: &mut Scene, from: (f64, f64), to: (f64, f64), thickness: f64, ink: Ink) {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = libm::sqrt(dx * dx + dy * dy).max(1e-9);
    let (nx, ny) = (-dy / length * thickness / 2.0, dx / length * thickness / 2.0);
    let points =
        vec![(from.0 + nx, from.1 + ny), (to.0 + nx, to.1 + ny), (to.0 - nx, to.1 - ny), (from.0 - nx, from.1 - ny)];
    scene.shapes.push(Shape::Polygon { points, ink });
}

/// A vertical bar between two heights.
fn upright(scene: &mut Scene, x: f64, (top, bottom): (f64, f64), half: f64, ink: Ink) {
    scene.area(Frame { left: x - half, top, right: x + half, bottom }, ink);
}

#[cfg(test)]
mod tests;
