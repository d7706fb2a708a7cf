//! One replication as numbers over time: ready and routed pods, connections of each pod (which shows that they are pinned), and
//! the lives of the pods.

use super::axis::draw_axis;
use super::chart::{Chart, Course, Line, Panel};
use super::lanes::View;
use super::palette::{DRAINING, FAINT_TEXT, Ink, LISTENING, PARTLY_ROUTED, STRIPE};
use super::scene::{Anchor, Frame, SIZE, Scene};
use super::{MARGIN, WIDTH};
use crate::ids::{PodId, Revision, SlotId};
use crate::record::{PodEvent, PodRecord, Trace};
use crate::report::chain::closed_at;
use crate::report::race::levels::{Level, levels};
use crate::report::story::count;
use crate::report::times::{moments, secs};
use crate::units::SimTime;

/// Pods with a line of their own; more than colours tell apart are no picture.
const MOST_LINES: usize = 6;
/// Lanes of a Gantt chart.
const MOST_LANES: usize = 30;

/// Ready and routed pods over time, and connections of the pods.
pub fn course(trace: &Trace, title: &str) -> Chart {
    let origin = trace.template_changed.unwrap_or_default();
    let first = moments(trace).min().map_or(0.0, |at| secs(at, origin));
    let last = moments(trace).max().map_or(1.0, |at| secs(at, origin));
    let levels = levels(trace, origin);
    let fewest = levels.iter().map(|level| level.ready).min().unwrap_or(0);
    let changed = trace.template_changed.map(|_| (0.0, "template change".to_owned()));
    let complete = trace.rollout_complete.map(|at| (secs(at, origin), "complete".to_owned()));
    Chart::Course(Course {
        title: format!("{title}: at least {} ready all the time", count(fewest, "pod")),
        below: "Kept-alive connections stay with their pod until it stops; the rules move only new ones.".to_owned(),
        caption: "seconds since the template change",
        span: (first - 1.0, last + 1.0),
        moments: changed.into_iter().chain(complete).collect(),
        panels: vec![ready_panel(&levels), routed_panel(&levels), connections_panel(trace, origin)],
    })
}

fn level_line(name: &str, levels: &[Level], value: fn(&Level) -> usize) -> Line {
    let points = levels.iter().map(|level| (level.at_s, value(level) as f64)).collect();
    Line { name: name.to_owned(), points, filled: None }
}

fn ready_panel(levels: &[Level]) -> Panel {
    let objects = level_line("all, terminating ones included", levels, |level| level.pods);
    Panel { label: "pods".to_owned(), lines: vec![level_line("ready", levels, |level| level.ready), objects] }
}

fn routed_panel(levels: &[Level]) -> Panel {
    let exposed = level_line("of these, not listening", levels, |level| level.exposed);
    Panel {
        label: "pods".to_owned(),
        lines: vec![level_line("routed everywhere", levels, |level| level.routed), exposed],
    }
}

fn connections_panel(trace: &Trace, origin: SimTime) -> Panel {
    let mut ends = lives_of_connections(trace);
    ends.sort();
    let mut pods: Vec<PodId> = ends.iter().map(|end| end.2).collect();
    pods.sort();
    pods.dedup();
    let shown = pods.iter().take(MOST_LINES);
    let mut lines: Vec<Line> = shown.map(|&pod| connections_of(trace, &ends, origin, &[pod])).collect();
    if pods.len() > MOST_LINES {
        let mut rest = connections_of(trace, &ends, origin, &pods[MOST_LINES..]);
        rest.name = format!("{} more", pods.len() - MOST_LINES);
        lines.push(rest);
    }
    Panel { label: "connections to".to_owned(), lines }
}

/// When the number of connections of a pod goes up or down.
fn lives_of_connections(trace: &Trace) -> Vec<(SimTime, i32, PodId)> {
    let mut ends = Vec::new();
    let mut by_slot: Vec<(SlotId, SimTime, PodId)> =
        trace.connected.iter().map(|&(at, slot, pod)| (slot, at, pod)).collect();
    by_slot.sort();
    for (index, &(slot, at, pod)) in by_slot.iter().enumerate() {
        let next = by_slot.get(index + 1).filter(|next| next.0 == slot).map(|next| next.1);
        // A server that stops closes what it has.
        let closed = trace.pod(pod).and_then(closed_at);
        ends.push((at, 1, pod));
        ends.extend(next.into_iter().chain(closed).min().map(|end| (end.max(at), -1, pod)));
    }
    ends
}

fn connections_of(trace: &Trace, ends: &[(SimTime, i32, PodId)], origin: SimTime, pods: &[PodId]) -> Line {
    let mut open = 0;
    let points = ends.iter().filter(|end| pods.contains(&end.2)).map(|&(at, step, _)| {
        open += step;
        (secs(at, origin), f64::from(open))
    });
    let start = (secs(SimTime::ZERO, origin), 0.0);
    Line {
        name: pods.first().map_or_else(String::new, |pod| pod.name(trace.replicas)),
        points: std::iter::once(start).chain(points).collect(),
        filled: None,
    }
}

const LANE: f64 = 30.0;

/// The lives of the pods: starting, ready, terminating.
pub(super) fn gantt(trace: &Trace, title: &str) -> Scene {
    let mut scene = Scene::new(WIDTH);
    scene.styled_text((MARGIN, 34.0), &gantt_title(trace, title), 25.0, Anchor::Start, super::palette::TEXT);
    let mut x = MARGIN;
    for (words, ink) in [("starting", PARTLY_ROUTED), ("ready", LISTENING), ("terminating", DRAINING)] {
        scene.area(Frame { left: x, top: 66.0, right: x + 30.0, bottom: 80.0 }, ink);
        scene.text((x + 38.0, 73.0), words, Anchor::Start);
        x += 180.0;
    }
    let view = View::of(trace);
    let pods: Vec<&PodRecord> = trace.pods.iter().take(MOST_LANES).collect();
    let (top, bottom) = (104.0, 104.0 + LANE * pods.len().max(1) as f64);
    for row in (0..pods.len()).step_by(2) {
        let y = top + LANE * row as f64;
        scene.area(Frame { left: MARGIN, top: y, right: f64::from(WIDTH) - MARGIN, bottom: y + LANE }, STRIPE);
    }
    draw_axis(&mut scene, view.axis, 14.0, (top, bottom), view.caption);
    pods.iter().enumerate().for_each(|(row, pod)| add_life(&mut scene, trace, view, pod, top + LANE * row as f64));
    if pods.len() < trace.pods.len() {
        let words = format!("{} of {} shown", pods.len(), count(trace.pods.len(), "pod"));
        scene.styled_text((MARGIN, bottom + 39.0), &words, SIZE, Anchor::Start, FAINT_TEXT);
    }
    scene.height = (bottom + 60.0) as u32;
    scene
}

fn gantt_title(trace: &Trace, title: &str) -> String {
    let new = trace.pods.iter().filter(|pod| pod.revision == Revision::New).count();
    let most = levels(trace, SimTime::ZERO).iter().map(|level| level.pods).max().unwrap_or(0);
    format!("{title}: {} replaced by {new}, at most {most} at a time", count(trace.replicas as usize, "pod"))
}

fn add_life(scene: &mut Scene, trace: &Trace, view: View, pod: &PodRecord, top: f64) {
    scene.text((view.axis.left - 10.0, top + LANE / 2.0), &pod.pod.name(trace.replicas), Anchor::End);
    let old = pod.revision == Revision::Old;
    let ready = if old { Some(SimTime::ZERO) } else { pod.at(PodEvent::Ready) };
    let deleted = pod.at(PodEvent::Deleted);
    let mut bar = |from: Option<SimTime>, to: Option<SimTime>, ink: Ink| {
        let Some(from) = from else { return };
        let (left, right) = (view.x(from), to.map_or(view.axis.right, |to| view.x(to)));
        if right > left {
            scene.area(Frame { left, top: top + 6.0, right, bottom: top + LANE - 6.0 }, ink);
        }
    };
    bar(pod.at(PodEvent::Created), ready.or(deleted), PARTLY_ROUTED);
    bar(ready, deleted, LISTENING);
    bar(deleted, pod.at(PodEvent::Removed).or(pod.at(PodEvent::NamespaceGone)), DRAINING);
}
