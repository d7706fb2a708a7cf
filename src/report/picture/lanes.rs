//! The upper part: a lane for each pod over the whole rollout.

use std::cmp::Reverse;

use crate::ids::{PodId, Revision};
use crate::record::{LostRequest, PodEvent, PodRecord, Trace};
use crate::report::chain::lost_on;
use crate::report::story::count;
use crate::units::SimTime;

use super::axis::{Axis, draw_axis};
use super::palette::{
    DRAINING, EVENT, EXPOSED, FAINT_TEXT, Ink, LISTENING, PARTLY_EXPOSED, PARTLY_ROUTED, ROUTED, STRIPE,
};
use super::scene::{Anchor, Frame, SIZE, Scene, dodge, text_width};
use super::{MARGIN, WIDTH};
use crate::report::times::{Stretch, exposures, listening, moments, routed, secs};

/// Lanes at most; more pods than that are chosen from.
const MOST: usize = 12;
const NAMES: f64 = 92.0;
const EVENTS: f64 = 26.0;
/// Of a lane, from its top: the hook and the signal, then listening, then routed.
const PHASES: (f64, f64) = (6.0, 13.0);
const LISTENS: (f64, f64) = (16.0, 29.0);
const ROUTES: (f64, f64) = (31.0, 44.0);
const LANE: f64 = 50.0;

/// Adds the lanes below `top`; returns where they end.
pub(super) fn add_lanes(scene: &mut Scene, trace: &Trace, top: f64) -> f64 {
    let pods = choose(trace);
    let homeless = trace.lost.iter().any(|lost| lost.pod.is_none());
    let lanes_top = top + EVENTS;
    let bottom = lanes_top + LANE * (pods.len() + usize::from(homeless)).max(1) as f64;
    let view = View::of(trace);
    draw_stripes(scene, view.axis, lanes_top, bottom);
    draw_axis(scene, view.axis, 14.0, (lanes_top, bottom), view.caption);
    draw_events(scene, trace, view, (lanes_top, bottom));
    for (index, pod) in pods.iter().enumerate() {
        add_lane(scene, trace, view, pod, lanes_top + LANE * index as f64);
    }
    if homeless {
        add_homeless(scene, trace, view, bottom - LANE);
    }
    add_note(scene, trace, &pods, bottom + 66.0)
}

/// What part of time is seen, and from when it counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct View {
    pub(super) axis: Axis,
    origin: SimTime,
    pub(super) caption: &'static str,
}

impl View {
    pub(super) fn of(trace: &Trace) -> View {
        let origin = trace.template_changed.unwrap_or_default();
        let known: Vec<_> = moments(trace).map(|at| secs(at, origin)).collect();
        let first = known.iter().copied().reduce(f64::min).unwrap_or(0.0);
        let last = known.iter().copied().reduce(f64::max).unwrap_or(0.0);
        let right = f64::from(WIDTH) - MARGIN;
        let axis = Axis { from: first - 1.0, to: last + 1.0, left: MARGIN + NAMES, right };
        let changed = trace.template_changed.is_some();
        View { axis, origin, caption: if changed { "seconds since the template change" } else { "seconds" } }
    }

    pub(super) fn x(self, at: SimTime) -> f64 {
        self.axis.x(secs(at, self.origin))
    }

    /// Left and right of a stretch; open ends reach the edges.
    fn sides(self, stretch: Stretch) -> (f64, f64) {
        let left = stretch.from.map_or(self.axis.left, |at| self.x(at));
        let right = stretch.to.map_or(self.axis.right, |at| self.x(at));
        (left, right)
    }
}

/// The pods with a lane: old ones in order of deletion, then the rest; of too many those with losses, then the first.
fn choose(trace: &Trace) -> Vec<&PodRecord> {
    let mut pods: Vec<_> = trace.pods.iter().collect();
    pods.sort_by_key(|pod| order(pod));
    let mut by_loss = pods.clone();
    by_loss.sort_by_key(|pod| Reverse(lost_on(trace, pod.pod).min(1)));
    by_loss.truncate(MOST);
    pods.retain(|pod| by_loss.contains(pod));
    pods
}

fn order(pod: &PodRecord) -> (bool, SimTime, PodId) {
    let deleted = pod.at(PodEvent::Deleted).filter(|_| pod.revision == Revision::Old);
    (pod.revision == Revision::New, deleted.unwrap_or(SimTime::MAX), pod.pod)
}

fn draw_stripes(scene: &mut Scene, axis: Axis, top: f64, bottom: f64) {
    let mut y = top;
    while y < bottom {
        let frame = Frame { left: MARGIN, top: y, right: axis.right, bottom: (y + LANE).min(bottom) };
        scene.area(frame, STRIPE);
        y += 2.0 * LANE;
    }
}

/// The template change and the end of the rollout, as lines with words above; words that would collide are left out.
fn draw_events(scene: &mut Scene, trace: &Trace, view: View, (top, bottom): (f64, f64)) {
    let events = [(trace.template_changed, "template change"), (trace.rollout_complete, "Deployment complete")];
    let mut free_from = view.axis.left;
    for (at, words) in events.into_iter().filter_map(|(at, words)| Some((view.x(at?), words))) {
        scene.vertical(at, top - 6.0, bottom, EVENT);
        let left = (at - text_width(words, SIZE) / 2.0).max(view.axis.left);
        if left >= free_from && left + text_width(words, SIZE) <= view.axis.right {
            scene.styled_text((left, top - 17.0), words, SIZE, Anchor::Start, FAINT_TEXT);
            free_from = left + text_width(words, SIZE) + 12.0;
        }
    }
}

fn add_lane(scene: &mut Scene, trace: &Trace, view: View, pod: &PodRecord, top: f64) {
    let name = pod.pod.name(trace.replicas);
    scene.text((MARGIN + NAMES - 10.0, top + LANE / 2.0 + 4.0), &name, Anchor::End);
    if let Some(stretch) = listening(pod) {
        bar(scene, view, stretch, top, LISTENS, LISTENING);
    }
    if let Some((any, every)) = routed(trace, pod) {
        bar(scene, view, any, top, ROUTES, PARTLY_ROUTED);
        every.into_iter().for_each(|every| bar(scene, view, every, top, ROUTES, ROUTED));
    }
    add_phases(scene, view, pod, top);
    for (stretch, every) in exposures(trace, pod) {
        let ink = if every { EXPOSED } else { PARTLY_EXPOSED };
        bar(scene, view, stretch, top, (LISTENS.0, ROUTES.1), ink);
    }
    add_marks(scene, trace, view, Some(pod.pod), top);
}

fn bar(scene: &mut Scene, view: View, stretch: Stretch, top: f64, (from, to): (f64, f64), ink: Ink) {
    let (left, right) = view.sides(stretch);
    if right > left {
        scene.area(Frame { left, top: top + from, right: right.max(left + 3.0), bottom: top + to }, ink);
    }
}

/// The hook and the time from the signal to the end of the process, above the bars.
fn add_phases(scene: &mut Scene, view: View, pod: &PodRecord, top: f64) {
    let stretch = |from, to| pod.at(from).map(|at| Stretch { from: Some(at), to: pod.at(to) });
    if let Some(hook) = stretch(PodEvent::HookBegan, PodEvent::HookEnded) {
        let (left, right) = view.sides(hook);
        scene.hatched(Frame { left, top: top + PHASES.0, right, bottom: top + PHASES.1 });
    }
    if let Some(draining) = stretch(PodEvent::Signalled, PodEvent::Exited) {
        bar(scene, view, draining, top, PHASES, DRAINING);
    }
}

/// The requests lost on `pod`, and how many.
fn add_marks(scene: &mut Scene, trace: &Trace, view: View, pod: Option<PodId>, top: f64) {
    let mut lost: Vec<&LostRequest> = trace.lost.iter().filter(|lost| lost.pod == pod).collect();
    lost.sort_by_key(|lost| lost.met_at);
    let xs: Vec<_> = lost.iter().map(|lost| view.x(lost.met_at)).collect();
    let middle = top + (LISTENS.0 + ROUTES.1) / 2.0;
    for ((lost, x), level) in lost.iter().zip(&xs).zip(dodge(&xs, 17.0)) {
        scene.mark((*x, middle + 17.0 * level), lost.kind, 7.5);
    }
    if let Some(&last) = xs.last() {
        let bars = pod.and_then(|pod| trace.pod(pod)).map_or(0.0, |pod| exposed_to(trace, view, pod));
        add_count(scene, view, (xs[0], bars.max(last + 8.0)), middle, &format!("{} lost", lost.len()));
    }
}

/// Where the shaded time after the end of `pod` ends.
fn exposed_to(trace: &Trace, view: View, pod: &PodRecord) -> f64 {
    exposures(trace, pod).into_iter().map(|(stretch, _)| view.sides(stretch).1).fold(0.0, f64::max)
}

/// The number beside its marks: to the right, or to the left where the picture ends.
fn add_count(scene: &mut Scene, view: View, (first, last): (f64, f64), y: f64, words: &str) {
    if last + 8.0 + text_width(words, SIZE) < view.axis.right {
        scene.text((last + 8.0, y), words, Anchor::Start);
    } else {
        scene.patched_text((first - 18.0, y), words, Anchor::End);
    }
}

/// The lane of requests that met no pod at all.
fn add_homeless(scene: &mut Scene, trace: &Trace, view: View, top: f64) {
    scene.text((MARGIN + NAMES - 10.0, top + LANE / 2.0 + 4.0), "no pod", Anchor::End);
    add_marks(scene, trace, view, None, top);
}

/// Says which pods are missing; returns where the lanes end.
fn add_note(scene: &mut Scene, trace: &Trace, pods: &[&PodRecord], y: f64) -> f64 {
    if pods.len() == trace.pods.len() {
        return y;
    }
    let unseen: usize = trace.pods.iter().filter(|pod| !pods.contains(pod)).map(|pod| lost_on(trace, pod.pod)).sum();
    let rest = if unseen == 0 { String::new() } else { format!(" {} lost on the others.", count(unseen, "request")) };
    let note = format!(
        "{} of {} shown: those that lost requests, then the first to go.{rest}",
        pods.len(),
        count(trace.pods.len(), "pod"),
    );
    scene.styled_text((MARGIN, y), &note, SIZE, Anchor::Start, FAINT_TEXT);
    y + 26.0
}
