//! The title, which says what is seen, and the legend of what occurs in the picture.

use crate::ids::Element;
use crate::record::{FailureKind, PodEvent, Trace};
use crate::report::chain::{Clock, Ending, clock, deleted_pods, ending};
use crate::report::story::{count, span};
use crate::units::SimDuration;

use super::palette::{DRAINING, EXPOSED, Ink, LISTENING, PARTLY_EXPOSED, PARTLY_ROUTED, ROUTED, TEXT};
use super::scene::{Anchor, Frame, SIZE, Scene, text_width};
use super::{MARGIN, WIDTH};
use crate::report::times::exposures;

const TITLE_SIZE: f64 = 27.0;
const ROW: f64 = 30.0;
const SWATCH: f64 = 34.0;

/// Adds title and legend; returns where they end.
pub(super) fn add_heading(scene: &mut Scene, trace: &Trace, title: &str) -> f64 {
    let title = format!("{title}: {}", what_is_seen(trace));
    let room = f64::from(WIDTH) - 2.0 * MARGIN;
    let size = TITLE_SIZE.min(TITLE_SIZE * room / text_width(&title, TITLE_SIZE)).max(SIZE);
    scene.styled_text((MARGIN, 34.0), &title, size, Anchor::Start, TEXT);
    add_legend(scene, trace, 76.0) + 12.0
}

/// "4 requests lost in 3 windows of 102.0 ms to 120.0 ms"; the windows stand apart if they did not lose them all.
fn what_is_seen(trace: &Trace) -> String {
    let lost = if trace.lost.is_empty() { "no request".to_owned() } else { count(trace.lost.len(), "request") };
    let caused = !trace.lost.is_empty() && trace.lost.iter().all(|lost| clock(lost) == Clock::Unroute);
    let link = if caused { " in" } else { ";" };
    let windows = windows(trace);
    let (Some(shortest), Some(longest)) = (windows.iter().min(), windows.iter().max()) else {
        return format!("{lost} lost");
    };
    let lengths =
        if shortest == longest { span(*longest) } else { format!("{} to {}", span(*shortest), span(*longest)) };
    format!("{lost} lost{link} {} of {lengths}", count(windows.len(), "window"))
}

fn windows(trace: &Trace) -> Vec<SimDuration> {
    let window = |ending| match ending {
        Ending::Exposed { window, .. } => Some(window),
        _ => None,
    };
    deleted_pods(trace).into_iter().filter_map(|pod| window(ending(trace, pod))).collect()
}

/// What a swatch of the legend shows.
#[derive(Debug, Clone, Copy)]
enum Swatch {
    Bar(Ink),
    Hook,
    Mark(FailureKind),
}

fn add_legend(scene: &mut Scene, trace: &Trace, top: f64) -> f64 {
    let (mut x, mut y) = (MARGIN, top);
    for (swatch, words) in legend(trace) {
        let width = SWATCH + 8.0 + text_width(&words, SIZE) + 22.0;
        if x + width > f64::from(WIDTH) && x > MARGIN {
            (x, y) = (MARGIN, y + ROW);
        }
        add_swatch(scene, swatch, x, y);
        scene.text((x + SWATCH + 8.0, y), &words, Anchor::Start);
        x += width;
    }
    y + ROW / 2.0
}

fn add_swatch(scene: &mut Scene, swatch: Swatch, x: f64, y: f64) {
    let frame = Frame { left: x, top: y - 7.0, right: x + SWATCH, bottom: y + 7.0 };
    match swatch {
        Swatch::Bar(ink) => scene.area(frame, ink),
        Swatch::Hook => scene.hatched(frame),
        Swatch::Mark(kind) => scene.mark((x + SWATCH - 10.0, y), kind, 9.0),
    }
}

/// The swatches of what occurs in the picture.
fn legend(trace: &Trace) -> Vec<(Swatch, String)> {
    let happened = |event| trace.pods.iter().any(|pod| pod.at(event).is_some());
    let exposed = trace.pods.iter().any(|pod| !exposures(trace, pod).is_empty());
    let several = trace.n_choosers() > 1;
    let lists = trace.choosers.iter().any(|element| matches!(element, Element::Worker(..)));
    let (routed, some) = match (several, lists) {
        (false, false) => ("in the rules", ""),
        (true, false) => ("in every node's rules", "in some nodes' rules"),
        (false, true) => ("on the balancer's list", ""),
        (true, true) => ("on every worker's list", "on some workers' lists"),
    };
    let exposed_words = format!("{routed}, not listening");
    let bars = [
        (true, Swatch::Bar(LISTENING), "listening"),
        (true, Swatch::Bar(ROUTED), routed),
        (several, Swatch::Bar(PARTLY_ROUTED), some),
        (exposed, Swatch::Bar(EXPOSED), exposed_words.as_str()),
        (exposed && several, Swatch::Bar(PARTLY_EXPOSED), "in some, not listening"),
        (happened(PodEvent::HookBegan), Swatch::Hook, "preStop hook"),
        (happened(PodEvent::Signalled), Swatch::Bar(DRAINING), "signal to exit"),
    ];
    let bars = bars.into_iter().filter(|&(seen, ..)| seen).map(|(_, swatch, words)| (swatch, words.to_owned()));
    bars.chain(marks(trace)).collect()
}

fn marks(trace: &Trace) -> impl Iterator<Item = (Swatch, String)> {
    let seen = |kind: &FailureKind| trace.lost.iter().any(|lost| lost.kind == *kind);
    let kinds = FailureKind::ALL.into_iter().filter(seen);
    kinds.map(|kind| (Swatch::Mark(kind), format!("lost: {}", kind.words())))
}
