//! The race as text, moment by moment: a lane for each pod that fills as time goes by, and what happened last. One frame is a
//! function of the trace and the moment; who shows frames waits between them.

use crate::record::{PodEvent, PodRecord, Trace};
use crate::report::chain::{deleted_pods, kill_steps, unroute_steps};
use crate::report::story::{self, count, span};
use crate::report::times::{Stretch, exposures, listening, moments, routed};
use crate::units::{SimDuration, SimTime};

/// Lanes in a frame, where there is room.
const MOST_PODS: usize = 16;
/// And where there is none.
const LEAST_PODS: usize = 3;
/// Lines of a frame besides its lanes: head, legend, how many more pods, two blank ones, and where the cursor stands.
const BESIDE_PODS: usize = TOLD + 6;
/// Events under the lanes.
const TOLD: usize = 8;
/// Width of the pods' names.
const NAMES: usize = 8;

/// What a cell of a lane shows, the most telling first.
const LEGEND: &str = "█ listening and routed  ▒ listening only  ! routed, not listening  ◆ request lost  ░ there";

/// The moments of the frames from before the first event to after the last. Between two events that are close, as in a window,
/// there are as many frames as between two that are far apart.
pub fn frames(trace: &Trace, most: usize) -> Vec<SimTime> {
    let mut events: Vec<SimTime> = moments(trace).collect();
    events.sort();
    events.dedup();
    let (Some(&first), Some(&last)) = (events.first(), events.last()) else { return vec![trace.end] };
    let margin = SimDuration::from_millis(200);
    let mut stops = vec![SimTime::ZERO + first.saturating_since(SimTime::ZERO + margin)];
    stops.extend(events);
    stops.push(last + margin);
    let each = (most / stops.len()).max(1);
    let gap = |pair: &[SimTime]| {
        let (from, length) = (pair[0], pair[1].saturating_since(pair[0]).as_nanos());
        (1..=each as u64).map(move |part| from + SimDuration::from_nanos(length / each as u64 * part))
    };
    stops.windows(2).flat_map(gap).collect()
}

/// The room that a frame has, characters and lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    pub columns: usize,
    pub lines: usize,
}

/// The frame of the moment `now`. Lines are cut at the room's columns; lanes are left out where it has too few lines.
pub fn frame(trace: &Trace, title: &str, now: SimTime, Room { columns, lines }: Room) -> String {
    let most_pods = lines.saturating_sub(BESIDE_PODS).clamp(LEAST_PODS, MOST_PODS);
    let scale = Scale::of(trace, columns.saturating_sub(NAMES + 2).max(20));
    let mut lines = vec![cut(&headline(trace, title, now), columns), cut(LEGEND, columns), String::new()];
    lines.extend(trace.pods.iter().take(most_pods).map(|pod| lane(trace, pod, now, scale)));
    if trace.pods.len() > most_pods {
        lines.push(format!("… and {} more", count(trace.pods.len() - most_pods, "pod")));
    }
    lines.push(String::new());
    lines.extend(latest(trace, now).iter().map(|line| cut(line, columns)));
    lines.join("\n") + "\n"
}

fn cut(line: &str, columns: usize) -> String {
    line.chars().take(columns).collect()
}

fn headline(trace: &Trace, title: &str, now: SimTime) -> String {
    let origin = trace.template_changed.unwrap_or_default();
    let lost = trace.lost.iter().filter(|lost| lost.known <= now).count();
    let time = if now < origin {
        format!("{} before the template change", span(origin - now))
    } else {
        format!("{} after the template change", span(now - origin))
    };
    format!("{title}: {time}, {} lost", count(lost, "request"))
}

/// Which stretch of time each cell of a lane stands for.
#[derive(Debug, Clone, Copy)]
struct Scale {
    from: SimTime,
    cell: u64,
    cells: usize,
}

impl Scale {
    fn of(trace: &Trace, cells: usize) -> Scale {
        let from = moments(trace).min().unwrap_or_default();
        let to = moments(trace).max().unwrap_or(trace.end);
        Scale { from, cell: (to.saturating_since(from).as_nanos() / cells as u64).max(1), cells }
    }

    /// From when to when.
    fn bounds(self, cell: usize) -> (SimTime, SimTime) {
        let at = |index: usize| self.from + SimDuration::from_nanos(self.cell * index as u64);
        (at(cell), at(cell + 1))
    }
}

fn lane(trace: &Trace, pod: &PodRecord, now: SimTime, scale: Scale) -> String {
    let cells = (0..scale.cells).map(|cell| scale.bounds(cell)).take_while(|(from, _)| *from <= now);
    let drawn: String = cells.map(|bounds| symbol(trace, pod, (bounds.0, bounds.1.min(now)))).collect();
    format!("{:<NAMES$}  {}", pod.pod.name(trace.replicas), drawn.trim_end())
}

fn symbol(trace: &Trace, pod: &PodRecord, cell: (SimTime, SimTime)) -> char {
    let touches =
        |stretch: Stretch| stretch.from.is_none_or(|at| at < cell.1) && stretch.to.is_none_or(|to| to > cell.0);
    let lost = |at: SimTime| cell.0 <= at && at < cell.1;
    let listens = listening(pod).is_some_and(touches);
    let routes = routed(trace, pod).is_some_and(|(any, _)| touches(any));
    if trace.lost.iter().any(|request| request.pod == Some(pod.pod) && lost(request.met_at)) {
        '◆'
    } else if exposures(trace, pod).iter().any(|(stretch, _)| touches(*stretch)) {
        '!'
    } else if listens {
        if routes { '█' } else { '▒' }
    } else if touches(Stretch { from: pod.at(PodEvent::Created), to: pod.at(PodEvent::NamespaceGone) }) {
        '░'
    } else {
        ' '
    }
}

/// The last steps of the chains and the last lost requests, the newest at the end.
fn latest(trace: &Trace, now: SimTime) -> Vec<String> {
    let origin = trace.template_changed.unwrap_or_default();
    let mut all: Vec<(SimTime, String)> = Vec::new();
    for pod in deleted_pods(trace) {
        let name = pod.pod.name(trace.replicas);
        let steps = [("kill", kill_steps(pod)), ("unroute", unroute_steps(trace, pod))];
        for (chain, step) in steps.iter().flat_map(|(chain, steps)| steps.iter().map(move |step| (chain, step))) {
            all.push((step.at, format!("{name} {chain}: {}", story::step_words(step, trace.n_choosers()))));
        }
    }
    all.extend(trace.lost.iter().map(|lost| {
        let name = lost.pod.map_or_else(|| "no pod".to_owned(), |pod| pod.name(trace.replicas));
        (lost.met_at, format!("LOST on {name}: {}", lost.kind.words()))
    }));
    all.retain(|(at, _)| *at <= now);
    all.sort();
    let line = |(at, words): &(SimTime, String)| format!("{:>12}  {words}", span(at.saturating_since(origin)));
    all[all.len().saturating_sub(TOLD)..].iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn the_last_frame_shows_the_whole_race() {
        let trace = sample::sample_trace();
        let last = *frames(&trace, 100).last().unwrap();
        insta::assert_snapshot!(frame(&trace, "sample", last, Room { columns: 100, lines: 40 }));
    }

    #[test]
    fn a_low_terminal_has_fewer_lanes() {
        let trace = sample::sample_wide();
        let last = *frames(&trace, 100).last().unwrap();
        for lines in [18, 20, 24, 40] {
            let text = frame(&trace, "wide", last, Room { columns: 80, lines });
            assert!(text.lines().count() < lines, "{text}");
            let lanes = text.lines().filter(|line| line.starts_with("old-") || line.starts_with("new-")).count();
            assert_eq!(lanes, (lines - BESIDE_PODS).clamp(LEAST_PODS, MOST_PODS).min(trace.pods.len()), "{text}");
            assert_eq!(text.contains("… and "), lanes < trace.pods.len(), "{text}");
        }
    }

    #[test]
    fn lines_fit_and_lanes_only_grow() {
        let trace = sample::sample_with_hook();
        let room = Room { columns: 60, lines: 24 };
        let mut longest = 0;
        for now in frames(&trace, 60) {
            let text = frame(&trace, "sample", now, room);
            assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
            let length = text.lines().nth(3).unwrap().chars().count();
            assert!(length >= longest, "{text}");
            longest = length;
        }
    }

    #[test]
    fn frames_go_forward() {
        for trace in [sample::sample_trace(), sample::sample_wide(), Trace::default()] {
            let frames = frames(&trace, 50);
            assert!(!frames.is_empty() && frames.is_sorted());
        }
    }
}
