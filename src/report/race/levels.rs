//! How many pods were ready, routed and there at all, at each moment at which one of the numbers changes.

use serde::Serialize;

use crate::ids::Revision;
use crate::record::{PodEvent, PodRecord, Trace};
use crate::report::times::{listening, routed, secs};
use crate::units::SimTime;

/// The numbers from a moment on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Level {
    pub(crate) at_s: f64,
    /// Ready and not terminating.
    pub(crate) ready: usize,
    /// In the routes of every element.
    pub(crate) routed: usize,
    /// Of these, such as do not listen.
    pub(crate) exposed: usize,
    /// Pod objects, terminating ones included.
    pub(crate) pods: usize,
}

/// From when to when, if it began; an end that is not known is open.
type Life = Option<(SimTime, Option<SimTime>)>;

/// Level by level, the first at the first moment that the trace knows.
pub(crate) fn levels(trace: &Trace, origin: SimTime) -> Vec<Level> {
    let lives: Vec<[Life; 4]> = trace.pods.iter().map(|pod| lives(trace, pod)).collect();
    let ends = |life: &Life| life.iter().flat_map(|&(from, to)| [Some(from), to]).flatten().collect::<Vec<_>>();
    let mut times: Vec<SimTime> = lives.iter().flatten().flat_map(ends).filter(|at| *at > SimTime::ZERO).collect();
    times.extend(trace.pods.iter().map(|_| SimTime::ZERO));
    times.sort();
    times.dedup();
    let mut levels: Vec<Level> = times.into_iter().map(|at| level(&lives, at, origin)).collect();
    levels.dedup_by(|next, last| Level { at_s: 0.0, ..*next } == Level { at_s: 0.0, ..*last });
    levels
}

fn level(lives: &[[Life; 4]], at: SimTime, origin: SimTime) -> Level {
    let alive = |life: &Life| life.is_some_and(|(from, to)| from <= at && to.is_none_or(|to| at < to));
    let count = |which: usize| lives.iter().filter(|life| alive(&life[which])).count();
    let exposed = lives.iter().filter(|life| alive(&life[1]) && !alive(&life[3])).count();
    Level { at_s: secs(at, origin), ready: count(0), routed: count(1), exposed, pods: count(2) }
}

/// Ready, routed everywhere, there, listening.
fn lives(trace: &Trace, pod: &PodRecord) -> [Life; 4] {
    let from = |event| if pod.revision == Revision::Old { Some(SimTime::ZERO) } else { pod.at(event) };
    let route = routed(trace, pod).and_then(|(_, every)| every);
    let open = |at: Option<SimTime>| at.or((pod.revision == Revision::Old).then_some(SimTime::ZERO));
    [
        from(PodEvent::Ready).map(|ready| (ready, pod.at(PodEvent::Deleted))),
        route.and_then(|route| Some((open(route.from)?, route.to))),
        from(PodEvent::Created).map(|created| (created, pod.at(PodEvent::Removed))),
        listening(pod).and_then(|stretch| Some((open(stretch.from)?, stretch.to))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn old_pods_are_ready_from_the_beginning_and_levels_follow_each_other() {
        let trace = sample::sample_trace();
        let levels = levels(&trace, SimTime::ZERO);
        assert!(levels[0].at_s.abs() < 1e-12);
        assert_eq!(levels[0].ready, trace.replicas as usize);
        assert!(levels.is_sorted_by(|one, other| one.at_s < other.at_s));
        assert!(levels.iter().any(|level| level.exposed > 0), "the sample has windows");
    }
}
