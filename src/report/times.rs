//! Stretches of time in a trace, in seconds since the template change, as pictures and pages need them.

use crate::ids::Revision;
use crate::record::{PodEvent, PodRecord, RuleEvent, Trace};
use crate::report::chain::{closed_at, rules_by};
use crate::units::SimTime;

/// `at` in seconds since `origin`.
pub(crate) fn secs(at: SimTime, origin: SimTime) -> f64 {
    (i128::from(at.as_nanos()) - i128::from(origin.as_nanos())) as f64 / 1e9
}

/// A stretch; an end that the trace does not know is open.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Stretch {
    pub(crate) from: Option<SimTime>,
    pub(crate) to: Option<SimTime>,
}

/// When the pod listened. Old pods did from the beginning.
pub(crate) fn listening(pod: &PodRecord) -> Option<Stretch> {
    let from = pod.at(PodEvent::Listening);
    (from.is_some() || pod.revision == Revision::Old).then(|| Stretch { from, to: closed_at(pod) })
}

/// When the pod was in the rules of any node (on the list of any worker), and when in those of every one.
pub(crate) fn routed(trace: &Trace, pod: &PodRecord) -> Option<(Stretch, Option<Stretch>)> {
    let ins = rules_by(trace, pod.pod, RuleEvent::In);
    let outs = rules_by(trace, pod.pod, RuleEvent::Out);
    let old = pod.revision == Revision::Old && trace.rules.iter().any(|rule| trace.chooses(rule.element));
    if ins.is_empty() && !old {
        return None;
    }
    let choosers = if old { trace.n_choosers() } else { ins.len() };
    let last_out = if outs.len() >= choosers { outs.last() } else { None };
    let any = Stretch { from: ins.first().map(|rule| rule.0), to: last_out.map(|rule| rule.0) };
    let every = Stretch { from: ins.last().map(|rule| rule.0), to: outs.first().map(|rule| rule.0) };
    let everywhere = old || ins.len() >= trace.n_choosers();
    Some((any, everywhere.then_some(every)))
}

/// When new connections could be sent to the pod while it did not listen (before its start, and after its end), and
/// whether every node, or worker, did so.
pub(crate) fn exposures(trace: &Trace, pod: &PodRecord) -> Vec<(Stretch, bool)> {
    let Some((any, every)) = routed(trace, pod) else { return Vec::new() };
    let some = unheard(pod, any).into_iter().map(|stretch| (stretch, false));
    let all = every.into_iter().flat_map(|every| unheard(pod, every)).map(|stretch| (stretch, true));
    some.chain(all).collect()
}

/// The parts of `routed` in which the pod did not listen.
fn unheard(pod: &PodRecord, routed: Stretch) -> Vec<Stretch> {
    let after = closed_at(pod).map(|closed| Stretch { from: Some(closed).max(routed.from), to: routed.to });
    let before = Stretch { from: routed.from, to: pod.at(PodEvent::Listening) };
    let before = (before.from.is_some() && before.to.is_some()).then_some(before);
    [before, after].into_iter().flatten().filter(|stretch| is_forward(*stretch)).collect()
}

fn is_forward(stretch: Stretch) -> bool {
    stretch.to.is_none_or(|to| stretch.from < Some(to))
}

/// Everything that happened to pods and rules and is worth seeing: not the end of a namespace or of an object.
pub(crate) fn moments(trace: &Trace) -> impl Iterator<Item = SimTime> {
    const DULL: [PodEvent; 2] = [PodEvent::NamespaceGone, PodEvent::Removed];
    const RULE: [RuleEvent; 2] = [RuleEvent::In, RuleEvent::Out];
    let events = || PodEvent::ALL.into_iter().filter(|event| !DULL.contains(event));
    let pods = trace.pods.iter().flat_map(move |pod| events().filter_map(|event| pod.at(event)));
    let chosen = trace.rules.iter().filter(|rule| trace.chooses(rule.element));
    let rules = chosen.flat_map(|rule| RULE.into_iter().filter_map(|event| rule.at(event)));
    let lost = trace.lost.iter().map(|lost| lost.met_at);
    pods.chain(rules).chain(lost).chain(trace.template_changed).chain(trace.rollout_complete)
}
