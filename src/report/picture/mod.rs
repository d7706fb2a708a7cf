//! The race as a picture: a lane for each pod with when it listened and when it was routed, the time in between
//! shaded, each lost request marked where it was lost; and below, a panel for each deleted pod that shows the tenths
//! of a second in which the two chains raced.
//!
//! The score of the model against measured runs, a sweep and the charts of answers are other pictures, made with the same means.
//!
//! A picture is laid out as a `Scene` (no fonts, no backend) and then drawn with plotters.

mod axis;
mod chart;
mod course;
mod draw;
mod heading;
mod lanes;
mod palette;
mod panels;
#[cfg(feature = "png")]
mod png;
mod scene;
pub mod score;
mod seconds;
pub mod sweep;

use crate::record::Trace;
use scene::Scene;

#[cfg(feature = "png")]
pub use chart::chart_png;
pub use chart::{
    Bar, Chart, Course, Distribution, Line, LossCurve, LossPoint, Panel, Tornado, TornadoRow, TradeOff, TradeOffOption,
    chart_svg,
};
pub use course::course;
pub use seconds::seconds;

#[cfg(feature = "png")]
pub use png::PictureError;

const WIDTH: u32 = 1600;
/// Blank space at the left and right edges, pixels.
const MARGIN: f64 = 30.0;

/// The race as SVG. `title` says which run it is ("article-no-hook, replication 0"); the picture adds what is seen.
pub fn race_svg(trace: &Trace, title: &str) -> String {
    draw::svg(&lay_out(trace, title))
}

/// The race as the bytes of a PNG file.
///
/// # Errors
///
/// If plotters or the encoder fail, which a valid trace does not cause.
#[cfg(feature = "png")]
pub fn race_png(trace: &Trace, title: &str) -> Result<Vec<u8>, PictureError> {
    png::png(&lay_out(trace, title))
}

/// The lives of the pods as SVG.
pub fn pods_svg(trace: &Trace, title: &str) -> String {
    draw::svg(&course::gantt(trace, title))
}

/// The lives of the pods as the bytes of a PNG file.
///
/// # Errors
///
/// As of [`race_png`].
#[cfg(feature = "png")]
pub fn pods_png(trace: &Trace, title: &str) -> Result<Vec<u8>, PictureError> {
    png::png(&course::gantt(trace, title))
}

/// Two races beside each other as SVG: the same rollout without and with a hook, say.
pub fn pair_svg(left: (&Trace, &str), right: (&Trace, &str)) -> String {
    draw::svg(&side_by_side(left, right))
}

/// Two races beside each other as the bytes of a PNG file.
///
/// # Errors
///
/// As of [`race_png`].
#[cfg(feature = "png")]
pub fn pair_png(left: (&Trace, &str), right: (&Trace, &str)) -> Result<Vec<u8>, PictureError> {
    png::png(&side_by_side(left, right))
}

fn side_by_side(left: (&Trace, &str), right: (&Trace, &str)) -> Scene {
    let mut scene = lay_out(left.0, left.1);
    scene.set_beside(lay_out(right.0, right.1));
    scene
}

fn lay_out(trace: &Trace, title: &str) -> Scene {
    let mut scene = Scene::new(WIDTH);
    let below_heading = heading::add_heading(&mut scene, trace, title);
    let below_lanes = lanes::add_lanes(&mut scene, trace, below_heading);
    let below_panels = panels::add_panels(&mut scene, trace, below_lanes);
    scene.height = (below_panels + 14.0) as u32;
    scene
}

#[cfg(test)]
mod tests;
