//! A lane: what happened to one pod, and the race of its two chains.

use serde::Serialize;

use crate::ids::Revision;
use crate::record::{PodEvent, PodRecord, Trace};
use crate::report::chain::{Step, closed_at, kill_steps, lost_on, unroute_steps};
use crate::report::story;
use crate::report::times::{Stretch, exposures, listening, routed, secs};
use crate::units::SimTime;

/// From when to when, seconds; an end that the trace does not know is null.
type Span = (Option<f64>, Option<f64>);

/// One pod.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Lane {
    name: String,
    /// "old" or "new".
    revision: &'static str,
    node: Option<String>,
    created_s: Option<f64>,
    ready_s: Option<f64>,
    deleted_s: Option<f64>,
    /// When the network namespace was gone.
    gone_s: Option<f64>,
    removed_s: Option<f64>,
    listening: Option<Span>,
    /// In the routes of some element, and of all of them.
    routed: Option<Span>,
    routed_everywhere: Option<Span>,
    /// In routes without listening, and whether in those of all elements.
    exposed: Vec<(Span, bool)>,
    hook: Option<Span>,
    /// From the stop signal to the end of the process.
    draining: Option<Span>,
    kill: Vec<Moment>,
    unroute: Vec<Moment>,
    /// How the race ended, in words; empty for a pod that was not deleted.
    verdict: String,
    lost: usize,
}

/// A step of a chain.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Moment {
    at_s: f64,
    words: String,
}

/// All lanes: old pods in the order of deletion, then new ones in the order of creation.
pub(super) fn lanes(trace: &Trace, origin: SimTime) -> Vec<Lane> {
    trace.pods.iter().map(|pod| lane(trace, pod, origin)).collect()
}

fn lane(trace: &Trace, pod: &PodRecord, origin: SimTime) -> Lane {
    let at = |event| pod.at(event).map(|at| secs(at, origin));
    let span = |stretch: Stretch| (stretch.from.map(|at| secs(at, origin)), stretch.to.map(|at| secs(at, origin)));
    let routes = routed(trace, pod);
    let deleted = pod.at(PodEvent::Deleted).is_some();
    Lane {
        name: pod.pod.name(trace.replicas),
        revision: if pod.revision == Revision::Old { "old" } else { "new" },
        node: pod.node.map(|node| node.to_string()),
        created_s: at(PodEvent::Created),
        ready_s: at(PodEvent::Ready),
        deleted_s: at(PodEvent::Deleted),
        gone_s: at(PodEvent::NamespaceGone),
        removed_s: at(PodEvent::Removed),
        listening: listening(pod).map(span),
        routed: routes.map(|(any, _)| span(any)),
        routed_everywhere: routes.and_then(|(_, every)| every).map(span),
        exposed: exposures(trace, pod).into_iter().map(|(stretch, every)| (span(stretch), every)).collect(),
        hook: at(PodEvent::HookBegan).map(|began| (Some(began), at(PodEvent::HookEnded))),
        draining: at(PodEvent::Signalled)
            .map(|signalled| (Some(signalled), at(PodEvent::Exited).or(closed_at(pod).map(|at| secs(at, origin))))),
        kill: moments(&kill_steps(pod), trace, origin),
        unroute: if deleted { moments(&unroute_steps(trace, pod), trace, origin) } else { Vec::new() },
        verdict: if deleted { story::verdict(trace, pod) } else { String::new() },
        lost: lost_on(trace, pod.pod),
    }
}

fn moments(steps: &[Step], trace: &Trace, origin: SimTime) -> Vec<Moment> {
    let moment =
        |step: &Step| Moment { at_s: secs(step.at, origin), words: story::step_words(step, trace.n_choosers()) };
    steps.iter().map(moment).collect()
}
