//! Loss against sleep: a dot and its bounds for each hook, on a logarithmic scale, with the limit and the knee.

use super::super::palette::{EVENT, EXPOSED, FAINT_TEXT, GRID, LISTENING, ROUTED, TEXT};
use super::super::scene::{Anchor, Frame, SIZE, Scene};
use super::{MARGIN, WIDTH, dot, stroke, titled, upright};

/// What the picture shows.
#[derive(Debug, Clone, PartialEq)]
pub struct LossCurve {
    /// What is seen.
    pub title: String,
    /// The fewest and the most rollouts of a hook.
    pub rollouts: (usize, usize),
    /// The limit: mean requests lost by a rollout.
    pub limit: f64,
    /// The hooks tested, in the order of their sleeps.
    pub points: Vec<LossPoint>,
    /// The index of the point at the knee.
    pub knee: Option<usize>,
    /// The index of the answer.
    pub answer: Option<usize>,
}

/// One hook.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LossPoint {
    /// Seconds.
    pub sleep_s: u64,
    /// Mean requests lost by a rollout.
    pub mean: f64,
    /// Bounds on that.
    pub bounds: (f64, f64),
}

/// Powers of ten on the axis.
struct Decades {
    low: i32,
    high: i32,
    frame: Frame,
}

impl Decades {
    /// From below the smallest upper bound or limit to above the largest.
    fn of(curve: &LossCurve, frame: Frame) -> Decades {
        let shown = curve.points.iter().flat_map(|point| [point.bounds.1, point.mean]).chain([curve.limit]);
        let exponents: Vec<f64> = shown.filter(|value| *value > 0.0).map(libm::log10).collect();
        let least = exponents.iter().copied().fold(f64::INFINITY, f64::min).floor().max(-9.0);
        let most = exponents.iter().copied().fold(f64::NEG_INFINITY, f64::max).ceil().min(9.0);
        let low = if least.is_finite() { least as i32 - 1 } else { -1 };
        let high = if most.is_finite() { (most as i32).max(low + 2) } else { 1 };
        Decades { low, high, frame }
    }

    /// Values below the axis, zero too, stand at its foot.
    fn y(&self, value: f64) -> f64 {
        let exponent = if value > 0.0 { libm::log10(value) } else { f64::from(self.low) };
        let share = (exponent - f64::from(self.low)) / f64::from(self.high - self.low);
        self.frame.bottom - share.clamp(0.0, 1.0) * (self.frame.bottom - self.frame.top)
    }
}

pub(super) fn lay_out(curve: &LossCurve) -> Scene {
    let (fewest, most) = curve.rollouts;
    let below = format!(
        "dot: mean of {fewest} to {most} rollouts (at the foot: none lost); bar: bounds on it; bars that end below the line meet the target"
    );
    let mut scene = titled(&curve.title, &below);
    let frame = Frame { left: 150.0, top: 140.0, right: f64::from(WIDTH) - MARGIN, bottom: 560.0 };
    let decades = Decades::of(curve, frame);
    add_axes(&mut scene, curve, &decades);
    add_limit(&mut scene, curve.limit, &decades);
    for (index, point) in curve.points.iter().enumerate() {
        add_point(&mut scene, curve, index, point, &decades);
    }
    scene.height = 650;
    scene
}

fn x(curve: &LossCurve, index: usize, frame: Frame) -> f64 {
    frame.left + (frame.right - frame.left) * (index as f64 + 0.5) / curve.points.len().max(1) as f64
}

fn add_axes(scene: &mut Scene, curve: &LossCurve, decades: &Decades) {
    let frame = decades.frame;
    for exponent in decades.low..=decades.high {
        let y = decades.y(libm::pow(10.0, f64::from(exponent)));
        scene.horizontal(y, frame.left, frame.right, GRID);
        let text = if exponent == decades.low { "none".to_owned() } else { power(exponent) };
        scene.styled_text((frame.left - 12.0, y), &text, SIZE, Anchor::End, FAINT_TEXT);
    }
    for (index, point) in curve.points.iter().enumerate() {
        let at = (x(curve, index, frame), frame.bottom + 20.0);
        scene.styled_text(at, &format!("{} s", point.sleep_s), SIZE, Anchor::Middle, FAINT_TEXT);
    }
    scene.horizontal(frame.bottom, frame.left, frame.right, EVENT);
    let middle = (frame.left + frame.right) / 2.0;
    scene.styled_text((middle, frame.bottom + 58.0), "preStop sleep (not to scale)", SIZE, Anchor::Middle, FAINT_TEXT);
    scene.styled_text((MARGIN, frame.top - 30.0), "requests lost by a rollout", SIZE, Anchor::Start, FAINT_TEXT);
}

/// 0.001, 0.1, 1, 1000.
fn power(exponent: i32) -> String {
    let value = libm::pow(10.0, f64::from(exponent));
    if exponent < -4 { format!("{value:.0e}") } else { format!("{value:.*}", (-exponent).max(0) as usize) }
}

fn add_limit(scene: &mut Scene, limit: f64, decades: &Decades) {
    let (frame, y) = (decades.frame, decades.y(limit));
    stroke(scene, (frame.left, y), (frame.right, y), 2.0, EXPOSED);
    scene.patched_text((frame.right - 6.0, y - 14.0), "target", Anchor::End);
}

fn add_point(scene: &mut Scene, curve: &LossCurve, index: usize, point: &LossPoint, decades: &Decades) {
    let at = |index: usize, value: f64| (x(curve, index, decades.frame), decades.y(value));
    let (x, y) = at(index, point.mean);
    if let Some(next) = curve.points.get(index + 1) {
        stroke(scene, (x, y), at(index + 1, next.mean), 1.5, ROUTED);
    }
    upright(scene, x, (decades.y(point.bounds.1), decades.y(point.bounds.0)), 4.0, ROUTED);
    dot(scene, (x, y), 6.0, if curve.answer == Some(index) { TEXT } else { LISTENING });
    let notes = [(curve.knee, "knee"), (curve.answer, "answer")];
    let notes: Vec<&str> = notes.iter().filter(|(place, _)| *place == Some(index)).map(|(_, note)| *note).collect();
    if !notes.is_empty() {
        let above = decades.y(point.bounds.1.max(point.mean)).min(y) - 18.0;
        scene.patched_text((x, above), &notes.join(", "), Anchor::Middle);
    }
}
