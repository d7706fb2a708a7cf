//! The lower part: for each deleted pod the moments around its end, large enough to see the race. Above the bars the
//! steps of the kill chain, below them those of the unroute chain; each has a row of its own, so no words collide.

use std::cmp::Reverse;

use crate::record::{LostRequest, PodEvent, PodRecord, Trace};
use crate::report::chain::{
    Clock, Ending, Rank, Step, clock, closed_at, deleted_pods, ending, kill_steps, lost_on, unroute_steps,
};
use crate::report::story::{count, span};
use crate::units::SimTime;

use super::axis::{Axis, draw_axis};
use super::palette::{EVENT, EXPOSED, FAINT_TEXT, Ink, LISTENING, PARTLY_EXPOSED, PARTLY_ROUTED, ROUTED, TEXT};
use super::scene::{Anchor, Frame, SIZE, Scene, dodge, text_width};
use super::{MARGIN, WIDTH};
use crate::report::times::{Stretch, exposures, listening, routed, secs};

/// Panels at most, and beside each other.
const MOST: usize = 6;
const COLUMNS: usize = 3;
const GAP: f64 = 36.0;
const ROW: f64 = 22.0;
const BAR: f64 = 17.0;
/// From the line of a step to its words.
const ASIDE: f64 = 6.0;
/// A hook longer than this hides the race at its end, if that is where requests were lost.
const LONG: f64 = 1.0;

/// Adds the panels below `top`; returns where they end.
pub(super) fn add_panels(scene: &mut Scene, trace: &Trace, top: f64) -> f64 {
    let pods = choose(trace);
    let Some(plan) = Plan::of(trace, &pods) else { return top };
    let title = "Each race, from the deletion of its pod: kill chain above, unroute chain below";
    scene.styled_text((MARGIN, top + 22.0), title, SIZE + 3.0, Anchor::Start, TEXT);
    let first_row = top + 48.0;
    for (index, pod) in pods.iter().enumerate() {
        add_panel(scene, trace, pod, plan.frame(index, first_row), plan);
    }
    let bottom = first_row + plan.height() * pods.len().div_ceil(plan.columns) as f64;
    add_note(scene, pods.len(), deleted_pods(trace).len(), bottom)
}

/// The deleted pods with a panel, in order of deletion: of too many those that lost most.
fn choose(trace: &Trace) -> Vec<&PodRecord> {
    let mut pods = deleted_pods(trace);
    let mut by_loss = pods.clone();
    by_loss.sort_by_key(|pod| Reverse(lost_on(trace, pod.pod)));
    by_loss.truncate(MOST);
    pods.retain(|pod| by_loss.contains(pod));
    pods
}

/// The sizes all panels share.
#[derive(Debug, Clone, Copy)]
struct Plan {
    columns: usize,
    kill_rows: usize,
    unroute_rows: usize,
}

impl Plan {
    fn of(trace: &Trace, pods: &[&PodRecord]) -> Option<Plan> {
        let kill_rows = pods.iter().map(|pod| kill_steps(pod).len()).max()?;
        let unroute_rows = pods.iter().map(|pod| unroute(trace, pod).len()).max()?;
        Some(Plan { columns: pods.len().min(COLUMNS), kill_rows, unroute_rows })
    }

    /// Header, rows, two bars, rows, axis.
    fn height(self) -> f64 {
        34.0 + ROW * (self.kill_rows + self.unroute_rows) as f64 + 2.0 * BAR + 24.0 + 74.0
    }

    fn frame(self, index: usize, top: f64) -> Frame {
        let room = f64::from(WIDTH) - 2.0 * MARGIN - GAP * (self.columns - 1) as f64;
        let width = room / self.columns as f64;
        let left = MARGIN + (width + GAP) * (index % self.columns) as f64;
        let top = top + self.height() * (index / self.columns) as f64;
        Frame { left, top, right: left + width, bottom: top + self.height() }
    }
}

/// The steps below the bars: of several elements all of the last one, of the first only its end.
fn unroute(trace: &Trace, pod: &PodRecord) -> Vec<Step> {
    let mut steps = unroute_steps(trace, pod);
    let ends = |step: &Step| ["rule gone", "off the list"].contains(&step.words);
    steps.retain(|step| ends(step) || step.element.is_none_or(|(_, rank)| rank != Rank::First));
    steps
}

/// One panel: its time axis and where its bars are.
#[derive(Debug, Clone, Copy)]
struct Panel {
    axis: Axis,
    deleted: SimTime,
    /// Units of the axis in a second: 1000 for milliseconds.
    unit: f64,
    bars: Frame,
}

impl Panel {
    fn value(&self, at: SimTime) -> f64 {
        secs(at, self.deleted) * self.unit
    }

    fn x(&self, at: SimTime) -> f64 {
        self.axis.x(self.value(at))
    }

    fn number(&self, at: SimTime) -> String {
        if self.unit > 1.0 { format!("{:.1}", self.value(at)) } else { format!("{:.3}", self.value(at)) }
    }
}

fn add_panel(scene: &mut Scene, trace: &Trace, pod: &PodRecord, frame: Frame, plan: Plan) {
    let Some(deleted) = pod.at(PodEvent::Deleted) else { return };
    let bars_top = frame.top + 34.0 + ROW * plan.kill_rows as f64 + 6.0;
    let bars = Frame { top: bars_top, bottom: bars_top + 2.0 * BAR + 2.0, ..frame };
    let (axis, unit) = axis(trace, pod, deleted, frame);
    let mut panel = Panel { axis, deleted, unit, bars };
    widen(&mut panel, &[&kill_steps(pod), &unroute(trace, pod)]);
    let axis = panel.axis;
    let axis_y = bars.bottom + 10.0 + ROW * plan.unroute_rows as f64;
    let name = pod.pod.name(trace.replicas);
    let caption = format!("{} after {name} was deleted", if unit > 1.0 { "ms" } else { "seconds" });
    draw_axis(scene, axis, 6.0, (frame.top + 28.0, axis_y), &caption);
    scene.text((frame.left, frame.top + 10.0), &headline(trace, pod), Anchor::Start);
    add_steps(scene, panel, &kill_steps(pod), Side::Above);
    add_steps(scene, panel, &unroute(trace, pod), Side::Below);
    add_bars(scene, trace, pod, panel);
    add_marks(scene, trace, pod, panel);
}

/// "old-2: 2 lost, 120.0 ms in the rules after closing".
fn headline(trace: &Trace, pod: &PodRecord) -> String {
    let name = pod.pod.name(trace.replicas);
    let lost = match lost_on(trace, pod.pod) {
        0 => "none lost".to_owned(),
        lost => format!("{lost} lost"),
    };
    match ending(trace, pod) {
        Ending::Exposed { window, .. } => format!("{name}: {lost}, routed {} after closing", span(window)),
        Ending::Spared { margin, .. } => format!("{name}: {lost}, unrouted {} before closing", span(margin)),
        Ending::StillRouted(left) => format!("{name}: {lost}, {} left", count(left as usize, "route")),
        Ending::StillListening => format!("{name}: {lost}, still listening"),
        Ending::NoRules => format!("{name}: {lost}"),
    }
}

/// The axis around the race: from the deletion to the end of both chains, or around the stop signal if a long hook
/// came before and requests were lost there.
fn axis(trace: &Trace, pod: &PodRecord, deleted: SimTime, frame: Frame) -> (Axis, f64) {
    let value = |at: SimTime| secs(at, deleted);
    let closed = closed_at(pod).map(value);
    let out = routed(trace, pod).and_then(|(any, _)| any.to).map(value);
    let lost = losses(trace, pod).map(|lost| value(lost.met_at));
    let last = closed.into_iter().chain(out).chain(lost).fold(0.0, f64::max);
    let first = if lost_by_the_kill(trace, pod) { signal(pod, deleted) } else { 0.0 };
    let width = 0.3f64.max((last - first) * 1.3);
    let unit = if first + width > 3.0 { 1.0 } else { 1000.0 };
    let (from, to) = (first - 0.05f64.max(width * 0.06), first + width);
    (Axis { from: from * unit, to: to * unit, left: frame.left, right: frame.right }, unit)
}

/// Makes the axis longer until all words find room right of their lines, or left of them where no earlier line is.
fn widen(panel: &mut Panel, chains: &[&[Step]]) {
    for _ in 0..4 {
        let wanted = chains.iter().flat_map(|steps| needs(*panel, steps)).fold(panel.axis.to, f64::max);
        panel.axis.to = wanted;
    }
}

/// For each step whose words find no room: where the axis would have to end.
fn needs(panel: Panel, steps: &[Step]) -> Vec<f64> {
    let shown = |step: &&Step| panel.axis.shows(panel.value(step.at));
    let shown: Vec<_> = steps.iter().filter(shown).collect();
    let crowded = shown.iter().enumerate().filter(|&(index, step)| is_crowded(panel, &shown[..index], step));
    crowded.map(|(_, step)| needed_end(panel, step)).collect()
}

fn is_crowded(panel: Panel, earlier: &[&Step], step: &Step) -> bool {
    let (x, width) = (panel.x(step.at), ASIDE + text_width(&words(panel, step), SIZE));
    let free = |other: &&Step| panel.x(other.at) > x - ASIDE || panel.x(other.at) < x - width - 2.0;
    x + width > panel.axis.right && !(x - width >= panel.axis.left && earlier.iter().all(free))
}

/// The end of the axis with which the words of `step` just fit right of its line.
fn needed_end(panel: Panel, step: &Step) -> f64 {
    let axis = panel.axis;
    let share = 1.0 - (ASIDE + 2.0 + text_width(&words(panel, step), SIZE)) / (axis.right - axis.left);
    axis.from + (panel.value(step.at) - axis.from) / share.max(0.3)
}

/// The time of the signal, if a long hook came before it.
fn signal(pod: &PodRecord, deleted: SimTime) -> f64 {
    let signal = pod.at(PodEvent::Signalled).map_or(0.0, |at| secs(at, deleted));
    if signal > LONG { signal } else { 0.0 }
}

/// Whether requests were lost on the pod, and all of them on established connections.
fn lost_by_the_kill(trace: &Trace, pod: &PodRecord) -> bool {
    lost_on(trace, pod.pod) > 0 && losses(trace, pod).all(|lost| clock(lost) == Clock::Kill)
}

fn losses<'a>(trace: &'a Trace, pod: &PodRecord) -> impl Iterator<Item = &'a LostRequest> + use<'a> {
    let pod = pod.pod;
    trace.lost.iter().filter(move |lost| lost.pod == Some(pod))
}

/// On which side of the bars steps stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Above,
    Below,
}

/// Draws the steps of a chain as stairs: the last stands next to the bars, each earlier one a row further away, so
/// that the line from its words to the bars passes no other words.
fn add_steps(scene: &mut Scene, panel: Panel, steps: &[Step], side: Side) {
    for (index, step) in steps.iter().enumerate() {
        let away = 14.0 + ROW * (steps.len() - 1 - index) as f64;
        add_stem(scene, panel, step.at, away, side);
    }
    for (index, step) in steps.iter().enumerate() {
        let away = 14.0 + ROW * (steps.len() - 1 - index) as f64;
        let y = if side == Side::Above { panel.bars.top - away } else { panel.bars.bottom + away };
        add_words(scene, panel, step, y);
    }
}

fn add_stem(scene: &mut Scene, panel: Panel, at: SimTime, away: f64, side: Side) {
    if !panel.axis.shows(panel.value(at)) {
        return;
    }
    let (top, bottom) = match side {
        Side::Above => (panel.bars.top - away - 7.0, panel.bars.top),
        Side::Below => (panel.bars.bottom, panel.bars.bottom + away + 7.0),
    };
    scene.vertical(panel.x(at), top, bottom, TEXT);
}

/// The words of a step: right of its line, left of it near the right edge, at the edge if it lies beyond or if there is
/// room on neither side.
fn add_words(scene: &mut Scene, panel: Panel, step: &Step, y: f64) {
    let (x, words) = (panel.x(step.at), words(panel, step));
    let value = panel.value(step.at);
    if value < panel.axis.from {
        scene.patched_text((panel.axis.left, y), &format!("← {words}"), Anchor::Start);
    } else if value > panel.axis.to {
        scene.patched_text((panel.axis.right, y), &format!("{words} →"), Anchor::End);
    } else if x + ASIDE + text_width(&words, SIZE) <= panel.axis.right {
        scene.patched_text((x + ASIDE, y), &words, Anchor::Start);
    } else if x - ASIDE - text_width(&words, SIZE) >= panel.axis.left {
        scene.patched_text((x - ASIDE, y), &words, Anchor::End);
    } else {
        scene.patched_text((panel.axis.right, y), &words, Anchor::End);
    }
}

fn words(panel: Panel, step: &Step) -> String {
    let number = panel.number(step.at);
    match step.element {
        Some((element, Rank::First | Rank::Last)) => format!("{number} {element}: {}", step.words),
        _ => format!("{number} {}", step.words),
    }
}

fn add_bars(scene: &mut Scene, trace: &Trace, pod: &PodRecord, panel: Panel) {
    let Frame { top, bottom, .. } = panel.bars;
    let (listens, routes) = ((top, top + BAR), (bottom - BAR, bottom));
    if let Some(stretch) = listening(pod) {
        bar(scene, panel, stretch, listens, LISTENING);
    }
    if let Some((any, every)) = routed(trace, pod) {
        bar(scene, panel, any, routes, PARTLY_ROUTED);
        every.into_iter().for_each(|every| bar(scene, panel, every, routes, ROUTED));
    }
    for (stretch, every) in exposures(trace, pod) {
        bar(scene, panel, stretch, (top, bottom), if every { EXPOSED } else { PARTLY_EXPOSED });
    }
    if panel.axis.shows(0.0) {
        scene.vertical(panel.axis.x(0.0), top - 8.0, bottom + 8.0, EVENT);
    }
}

fn bar(scene: &mut Scene, panel: Panel, stretch: Stretch, (top, bottom): (f64, f64), ink: Ink) {
    let left = stretch.from.map_or(panel.axis.left, |at| panel.x(at));
    let right = stretch.to.map_or(panel.axis.right, |at| panel.x(at));
    if right > left {
        scene.area(Frame { left, top, right, bottom }, ink);
    }
}

fn add_marks(scene: &mut Scene, trace: &Trace, pod: &PodRecord, panel: Panel) {
    let mut lost: Vec<_> = losses(trace, pod).filter(|lost| panel.axis.shows(panel.value(lost.met_at))).collect();
    lost.sort_by_key(|lost| lost.met_at);
    let xs: Vec<_> = lost.iter().map(|lost| panel.x(lost.met_at)).collect();
    for ((lost, x), level) in lost.iter().zip(&xs).zip(dodge(&xs, 18.0)) {
        scene.mark((*x, panel.bars.middle() + 15.0 * level), lost.kind, 8.0);
    }
}

fn add_note(scene: &mut Scene, shown: usize, deleted: usize, y: f64) -> f64 {
    if shown == deleted {
        return y;
    }
    let note = format!("{shown} of {} shown: those that lost most, then the first.", count(deleted, "deleted pod"));
    scene.styled_text((MARGIN, y), &note, SIZE, Anchor::Start, FAINT_TEXT);
    y + 22.0
}
