//! Strategies by rollout time and extra pod-seconds, with what each loses; those on the front joined by a line.

use super::super::axis::{Axis, draw_axis};
use super::super::palette::{EVENT, EXPOSED, FAINT_TEXT, GRID, LISTENING, PARTLY_ROUTED, TEXT};
use super::super::scene::{Anchor, Frame, SIZE, Scene, text_width};
use super::{MARGIN, WIDTH, dot, titled};

/// What the picture shows.
#[derive(Debug, Clone, PartialEq)]
pub struct TradeOff {
    /// What is seen.
    pub title: String,
    /// The strategies.
    pub options: Vec<TradeOffOption>,
    /// The largest mean loss that is allowed.
    pub limit: f64,
}

/// One strategy with its three prices.
#[derive(Debug, Clone, PartialEq)]
pub struct TradeOffOption {
    /// A few words.
    pub name: String,
    /// Mean rollout time, seconds.
    pub duration_s: f64,
    /// Mean extra pod-seconds.
    pub extra_pod_s: f64,
    /// Mean requests lost.
    pub failed: f64,
    /// Not dominated.
    pub on_front: bool,
    /// The one in the answer.
    pub chosen: bool,
}

pub(super) fn lay_out(trade_off: &TradeOff) -> Scene {
    let below = "blue: no other strategy beats it; pale: beaten; ring of orange: loses more than the target on average; named s/u/r: surge, unavailable, min_ready";
    let mut scene = titled(&trade_off.title, below);
    let frame = Frame { left: 120.0, top: 120.0, right: f64::from(WIDTH) - 2.0 * MARGIN, bottom: 640.0 };
    let most = |price: fn(&TradeOffOption) -> f64| trade_off.options.iter().map(price).fold(1.0, f64::max) * 1.08;
    let axis = Axis { from: 0.0, to: most(|one| one.duration_s), left: frame.left, right: frame.right };
    // The same scale stood upright: left is the bottom.
    let upright = Axis { from: 0.0, to: most(|one| one.extra_pod_s), left: frame.bottom, right: frame.top };
    add_grid(&mut scene, upright, frame);
    draw_axis(&mut scene, axis, 10.0, (frame.top, frame.bottom), "rollout time, s");
    add_dots(&mut scene, trade_off, axis, upright);
    add_names(&mut scene, trade_off, axis, upright);
    scene.height = 730;
    scene
}

fn add_grid(scene: &mut Scene, upright: Axis, frame: Frame) {
    let (ticks, decimals) = upright.ticks(8.0);
    for tick in ticks {
        scene.horizontal(upright.x(tick), frame.left, frame.right, GRID);
        let at = (frame.left - 12.0, upright.x(tick));
        scene.styled_text(at, &format!("{tick:.decimals$}"), SIZE, Anchor::End, FAINT_TEXT);
    }
    scene.vertical(frame.left, frame.top, frame.bottom, EVENT);
    scene.styled_text(
        (MARGIN, frame.top - 18.0),
        "pod-seconds beyond the desired number of pods",
        SIZE,
        Anchor::Start,
        FAINT_TEXT,
    );
}

fn add_dots(scene: &mut Scene, trade_off: &TradeOff, axis: Axis, upright: Axis) {
    // Those on the front cover the others.
    for on_front in [false, true] {
        for one in trade_off.options.iter().filter(|one| one.on_front == on_front) {
            let at = (axis.x(one.duration_s), upright.x(one.extra_pod_s));
            if one.failed > trade_off.limit {
                dot(scene, at, 11.0, EXPOSED);
            }
            dot(scene, at, 8.0, if on_front { LISTENING } else { PARTLY_ROUTED });
            if one.chosen {
                dot(scene, at, 3.5, TEXT);
            }
        }
    }
}

/// The names of the front, the chosen first; a name that would cover another one is left out.
fn add_names(scene: &mut Scene, trade_off: &TradeOff, axis: Axis, upright: Axis) {
    let mut taken: Vec<Frame> = Vec::new();
    let mut named: Vec<&TradeOffOption> = trade_off.options.iter().filter(|one| one.on_front || one.chosen).collect();
    named.sort_by_key(|one| !one.chosen);
    for one in named {
        let text = if one.chosen { format!("{} (chosen)", one.name) } else { one.name.clone() };
        let at = (axis.x(one.duration_s), upright.x(one.extra_pod_s) - 20.0);
        let half = text_width(&text, SIZE) / 2.0;
        let x = at.0.clamp(axis.left + half, (axis.right - half).max(axis.left + half));
        let place = Frame { left: x - half, top: at.1 - 9.0, right: x + half, bottom: at.1 + 9.0 };
        if !taken.iter().any(|other| overlap(*other, place)) {
            scene.text((x, at.1), &text, Anchor::Middle);
            taken.push(place);
        }
    }
}

fn overlap(one: Frame, other: Frame) -> bool {
    one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom
}
