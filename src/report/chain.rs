//! The two chains that race after a pod is deleted, read from a trace: which steps each took, how the race ended for
//! each pod, and which segments of the unroute chain (or of a pod's start) a lost request waited for.
//!
//! Stories and pictures show what stands here; `explain` simulates again with one [`Segment`] at zero. The times of
//! a chain are what the trace noted: a step that did not happen (no hook, a mode without batching) is absent.

use std::cmp::Reverse;

use crate::ids::{Element, NodeId, PodId, ReplicaId, Revision};
use crate::record::{
    FailureKind, LostRequest, Met, PodEvent, PodRecord, RouteEvent, RouteRecord, RuleEvent, RuleRecord, Trace, between,
};
use crate::units::{SimDuration, SimTime};

/// A stretch of a chain that can be late, and can be switched off by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// Deletion stored → kube-proxy sees the new slice: watch, controller sync, slice write, watch.
    EndpointSliceHop,
    /// kube-proxy, or a balancer's replica, sees the slice → its sync begins: the minimum sync period, a batch, a limit, a
    /// poll, or a sync still running.
    ProxyWait,
    /// The sync begins → the rule is gone, or the pod off the lists of all workers.
    SyncTime,
    /// The process starts → it listens.
    Boot,
}

impl Segment {
    /// The segments of the unroute chain, in the order in which they pass.
    pub const UNROUTE: [Segment; 3] = [Segment::EndpointSliceHop, Segment::ProxyWait, Segment::SyncTime];

    /// A few words for people.
    pub const fn words(self) -> &'static str {
        match self {
            Segment::EndpointSliceHop => "EndpointSlice hop",
            Segment::ProxyWait => "proxy wait",
            Segment::SyncTime => "sync time",
            Segment::Boot => "boot",
        }
    }

    /// The name in `model.without` that sets this segment to zero.
    pub const fn mechanism(self) -> &'static str {
        match self {
            Segment::EndpointSliceHop => "endpoint_slice_hop",
            Segment::ProxyWait => "proxy_batching",
            Segment::SyncTime => "sync_time",
            Segment::Boot => "boot_before_listening",
        }
    }
}

/// The segments of `pod`'s way out of the rules of `node`, and of its start, as far as the trace knows both of their
/// ends; longest first.
pub fn segments(trace: &Trace, pod: PodId, node: NodeId) -> Vec<(Segment, SimDuration)> {
    let life = |event| trace.pod(pod).and_then(|record| record.at(event));
    let rule = |event| trace.rule(pod, node).and_then(|record| record.at(event));
    let spans = [
        (Segment::EndpointSliceHop, between(life(PodEvent::Deleted), rule(RuleEvent::OutSeen))),
        (Segment::ProxyWait, between(rule(RuleEvent::OutSeen), rule(RuleEvent::OutSync))),
        (Segment::SyncTime, between(rule(RuleEvent::OutSync), rule(RuleEvent::Out))),
        (Segment::Boot, between(life(PodEvent::Started), life(PodEvent::Listening))),
    ];
    longest_first(spans)
}

/// The same of `pod`'s way out of the lists of a balancer's replica, until its last worker took it off.
pub fn list_segments(trace: &Trace, pod: PodId, replica: ReplicaId) -> Vec<(Segment, SimDuration)> {
    let life = |event| trace.pod(pod).and_then(|record| record.at(event));
    let list = |event| {
        let its = |route: &&RouteRecord| (route.replica, route.pod, route.event) == (replica, pod, event);
        trace.routes.iter().filter(its).map(|route| route.at).max()
    };
    let (seen, begins) = (list(RouteEvent::OutSeen), list(RouteEvent::OutBegins));
    longest_first([
        (Segment::EndpointSliceHop, between(life(PodEvent::Deleted), seen)),
        (Segment::ProxyWait, between(seen, begins)),
        (Segment::SyncTime, between(begins, list(RouteEvent::Out))),
        (Segment::Boot, between(life(PodEvent::Started), life(PodEvent::Listening))),
    ])
}

fn longest_first(spans: [(Segment, Option<SimDuration>); 4]) -> Vec<(Segment, SimDuration)> {
    let mut known: Vec<_> = spans.into_iter().filter_map(|(segment, span)| Some((segment, span?))).collect();
    known.sort_by_key(|&(segment, span)| (Reverse(span), segment));
    known
}

/// Which clock a lost request lost against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// A new connection was still sent to a pod that had stopped listening.
    Unroute,
    /// An established connection was closed under the request; rules do not touch it.
    Kill,
    /// A new connection was sent to a pod that did not listen yet.
    Start,
    /// The node had no endpoint to send it to.
    NoEndpoints,
    /// The server was alive and too slow.
    Service,
    /// A balancer ended the connection by itself: it replaced its workers, or found the target unhealthy.
    Balancer,
}

/// The clock against which `lost` lost.
pub fn clock(lost: &LostRequest) -> Clock {
    match lost.met {
        Met::NotListeningYet => Clock::Start,
        Met::ListenerClosed => Clock::Unroute,
        // Behind a balancer the client's own connection stays: the address was silent for the balancer's.
        Met::NamespaceGone if opens_connection(lost.kind) || lost.replica.is_some() => Clock::Unroute,
        Met::NamespaceGone | Met::ClosedIdle | Met::ClosedUnread => Clock::Kill,
        Met::CutInService | Met::CutInResponse | Met::StoppingServer => Clock::Kill,
        Met::NoEndpoints | Met::NoLocalEndpoint | Met::NoAddress | Met::NoTargets => Clock::NoEndpoints,
        Met::RealServerDeleted => Clock::Unroute,
        Met::ClosedByReload | Met::UnhealthyTarget => Clock::Balancer,
        Met::SlowServer | Met::SlowNetwork | Met::Overload | Met::BacklogFull => Clock::Service,
    }
}

/// When the last worker of `replica` took `pod` off its list after `since`, if one did.
pub(crate) fn left_list(trace: &Trace, replica: ReplicaId, pod: PodId, since: SimTime) -> Option<SimTime> {
    let its = |route: &&RouteRecord| (route.replica, route.pod, route.event) == (replica, pod, RouteEvent::Out);
    trace.routes.iter().filter(its).map(|route| route.at).filter(|at| *at >= since).max()
}

/// Whether a failure of this kind happens while a connection is being opened.
fn opens_connection(kind: FailureKind) -> bool {
    matches!(kind, FailureKind::ConnectRefused | FailureKind::ConnectTimeout | FailureKind::HostUnreachable)
}

/// The segments that `lost` waited for, longest first: those that are worth setting to zero, one at a time, to see
/// whether the request is saved. Empty where no rule and no boot decided.
pub fn late_segments(trace: &Trace, lost: &LostRequest) -> Vec<(Segment, SimDuration)> {
    let Some(pod) = lost.pod else { return Vec::new() };
    let mut found = match lost.replica {
        Some(replica) => list_segments(trace, pod, replica),
        None => segments(trace, pod, lost.node),
    };
    let clock = clock(lost);
    found.retain(|(segment, _)| match segment {
        Segment::Boot => clock == Clock::Start,
        _ => clock == Clock::Unroute,
    });
    found
}

/// Pods that were deleted, in the order of deletion.
pub(crate) fn deleted_pods(trace: &Trace) -> Vec<&PodRecord> {
    let mut pods: Vec<_> = trace.pods.iter().filter(|pod| pod.at(PodEvent::Deleted).is_some()).collect();
    pods.sort_by_key(|pod| (pod.at(PodEvent::Deleted), pod.pod));
    pods
}

/// How many requests were lost on `pod`.
pub(crate) fn lost_on(trace: &Trace, pod: PodId) -> usize {
    trace.lost.iter().filter(|lost| lost.pod == Some(pod)).count()
}

/// When `pod` stopped listening: a process that ended without closing its socket closed it by ending.
pub(crate) fn closed_at(pod: &PodRecord) -> Option<SimTime> {
    pod.at(PodEvent::ListenerClosed).or(pod.at(PodEvent::Exited))
}

/// A pod's rules on all nodes, or places on lists, that noted `event`, earliest first; of those that choose for clients.
pub(crate) fn rules_by(trace: &Trace, pod: PodId, event: RuleEvent) -> Vec<(SimTime, Element)> {
    let noted = |rule: &RuleRecord| Some((rule.at(event)?, rule.element));
    let mut rules: Vec<_> = rules_of(trace, pod).filter_map(noted).collect();
    rules.sort();
    rules
}

/// What `pod` has in the elements that choose for the clients.
fn rules_of(trace: &Trace, pod: PodId) -> impl Iterator<Item = &RuleRecord> {
    trace.rules.iter().filter(move |rule| rule.pod == pod && trace.chooses(rule.element))
}

/// How the race between a pod's two chains ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The listener closed before the last rule was gone.
    Exposed {
        /// From the listener's end to the last rule's.
        window: SimDuration,
        /// The part of it with the network namespace gone.
        deserted: SimDuration,
        /// Where the last rule went.
        element: Element,
    },
    /// The last rule was gone first.
    Spared {
        /// From the last rule's end to the listener's.
        margin: SimDuration,
        /// Where the last rule went.
        element: Element,
    },
    /// The listener closed, and in so many elements the trace ends with the rule still there.
    StillRouted(u32),
    /// The trace ends with the listener open.
    StillListening,
    /// The listener closed; no rule was ever noted.
    NoRules,
}

/// How the race ended for `pod`.
pub(crate) fn ending(trace: &Trace, pod: &PodRecord) -> Ending {
    let Some(closed) = closed_at(pod) else { return Ending::StillListening };
    let outs = rules_by(trace, pod.pod, RuleEvent::Out);
    let routed = routed_nodes(trace, pod);
    match outs.last() {
        _ if routed == 0 => Ending::NoRules,
        Some(&(out, element)) if outs.len() >= routed => between_ends(pod, closed, out, element),
        _ => Ending::StillRouted((routed - outs.len()) as u32),
    }
}

/// In how many elements `pod` was in the rules: an old pod from the beginning, if there are rules at all.
fn routed_nodes(trace: &Trace, pod: &PodRecord) -> usize {
    if pod.revision == Revision::New {
        return rules_by(trace, pod.pod, RuleEvent::In).len();
    }
    if rules_of(trace, pod.pod).next().is_none() {
        return 0;
    }
    trace.held_by.get(pod.pod.index()).map_or(trace.n_choosers(), Vec::len)
}

fn between_ends(pod: &PodRecord, closed: SimTime, out: SimTime, element: Element) -> Ending {
    if out <= closed {
        return Ending::Spared { margin: closed - out, element };
    }
    let deserted = pod.at(PodEvent::NamespaceGone).map_or(SimDuration::ZERO, |gone| out.saturating_since(gone));
    Ending::Exposed { window: out - closed, deserted, element }
}

/// The time in which an element sent new connections to `pod` before it listened, if it did.
pub(crate) fn start_exposure(trace: &Trace, pod: &PodRecord) -> Option<(SimDuration, Element)> {
    let listening = pod.at(PodEvent::Listening)?;
    let &(first_in, element) = rules_by(trace, pod.pod, RuleEvent::In).first()?;
    (first_in < listening).then(|| (listening - first_in, element))
}

/// Which of several elements a step belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rank {
    /// The only one.
    Only,
    /// The one whose rule went first.
    First,
    /// The one whose rule went last.
    Last,
}

/// One step of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    /// When.
    pub(crate) at: SimTime,
    /// What, in a few words.
    pub(crate) words: &'static str,
    /// Where, of the steps that each element takes for itself.
    pub(crate) element: Option<(Element, Rank)>,
}

const KILL: [(PodEvent, &str); 8] = [
    (PodEvent::KubeletDeleted, "kubelet saw it"),
    (PodEvent::HookBegan, "hook began"),
    (PodEvent::HookEnded, "hook ended"),
    (PodEvent::Signalled, "stop signal"),
    (PodEvent::Killed, "SIGKILL"),
    (PodEvent::ListenerClosed, "listener closed"),
    (PodEvent::Exited, "process exited"),
    (PodEvent::NamespaceGone, "namespace gone"),
];

const UNROUTE: [(PodEvent, &str); 2] =
    [(PodEvent::EndpointsSeen, "EndpointSlice controller saw it"), (PodEvent::EndpointOut, "EndpointSlice stored")];

const RULE: [(RuleEvent, &str); 3] =
    [(RuleEvent::OutSeen, "kube-proxy saw it"), (RuleEvent::OutSync, "sync began"), (RuleEvent::Out, "rule gone")];

const LIST: [(RuleEvent, &str); 3] =
    [(RuleEvent::OutSeen, "balancer saw it"), (RuleEvent::OutSync, "update began"), (RuleEvent::Out, "off the list")];

/// How long `pod` had been out of the ready endpoints when `lost` met it; `None` if it was still among them.
pub(crate) fn out_of_slice(trace: &Trace, lost: &LostRequest, pod: PodId) -> Option<SimDuration> {
    let out = trace.pod(pod)?.at(PodEvent::EndpointOut)?;
    (out <= lost.met_at).then(|| lost.met_at - out)
}

/// Requests that met `pod` though the last rule was gone: they followed what an earlier packet had chosen.
pub(crate) fn lost_after_rules(trace: &Trace, pod: PodId) -> usize {
    let out = |lost: &&LostRequest| trace.rule(pod, lost.node).and_then(|rule| rule.at(RuleEvent::Out));
    let late = |lost: &&LostRequest| clock(lost) == Clock::Unroute && out(lost).is_some_and(|out| out <= lost.met_at);
    trace.lost.iter().filter(|lost| lost.pod == Some(pod)).filter(late).count()
}

/// The steps of `pod`'s kill chain in the order of their times.
pub(crate) fn kill_steps(pod: &PodRecord) -> Vec<Step> {
    in_order(life_steps(pod, &KILL))
}

/// The steps of `pod`'s unroute chain in the order of their times; of several elements those of the first and the last.
pub(crate) fn unroute_steps(trace: &Trace, pod: &PodRecord) -> Vec<Step> {
    let mut steps = life_steps(pod, &UNROUTE);
    for (rule, rank) in telling_rules(trace, pod.pod) {
        steps.extend(rule_steps(rule, rank));
    }
    in_order(steps)
}

fn life_steps(pod: &PodRecord, events: &[(PodEvent, &'static str)]) -> Vec<Step> {
    let step = |&(event, words): &(PodEvent, &'static str)| Some(Step { at: pod.at(event)?, words, element: None });
    events.iter().filter_map(step).collect()
}

fn rule_steps(rule: &RuleRecord, rank: Rank) -> impl Iterator<Item = Step> {
    let words = if matches!(rule.element, Element::Node(_)) { &RULE } else { &LIST };
    let element = Some((rule.element, rank));
    words.iter().filter_map(move |&(event, words)| Some(Step { at: rule.at(event)?, words, element }))
}

fn in_order(mut steps: Vec<Step>) -> Vec<Step> {
    steps.sort_by_key(|step| step.at);
    steps
}

/// The rules that went first and last; a rule that never went counts as the last.
fn telling_rules(trace: &Trace, pod: PodId) -> Vec<(&RuleRecord, Rank)> {
    let noted = |rule: &&RuleRecord| RULE.iter().any(|&(event, _)| rule.at(event).is_some());
    let mut rules: Vec<_> = rules_of(trace, pod).filter(noted).collect();
    rules.sort_by_key(|rule| (rule.at(RuleEvent::Out).unwrap_or(SimTime::MAX), rule.element));
    match rules[..] {
        [] => Vec::new(),
        [only] => {
            vec![(only, if trace.n_choosers() > 1 && trace.held_by.is_empty() { Rank::Last } else { Rank::Only })]
        }
        [first, .., last] => vec![(first, Rank::First), (last, Rank::Last)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SlotId;
    use crate::report::sample;

    fn millis(value: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_millis(value)
    }

    fn request(kind: FailureKind, met: Met, pod: Option<PodId>) -> LostRequest {
        LostRequest {
            client: 0,
            slot: SlotId(0),
            call: 0,
            sent: millis(0),
            met_at: millis(0),
            known: millis(0),
            kind,
            met,
            pod,
            node: NodeId(0),
            replica: None,
            reused: false,
            attempts: 1,
        }
    }

    #[test]
    fn segments_come_longest_first() {
        let trace = sample::sample_trace();
        let found = segments(&trace, PodId(2), NodeId(0));
        let names: Vec<_> = found.iter().map(|(segment, _)| *segment).collect();
        assert_eq!(names, [Segment::SyncTime, Segment::EndpointSliceHop, Segment::ProxyWait]);
        assert!(found.is_sorted_by_key(|&(_, span)| Reverse(span)));
    }

    #[test]
    fn segments_fill_the_way_from_deletion_to_out() {
        let trace = sample::sample_trace();
        for pod in deleted_pods(&trace) {
            let sum: SimDuration = segments(&trace, pod.pod, NodeId(0)).iter().map(|&(_, span)| span).sum();
            let out = trace.rule(pod.pod, NodeId(0)).and_then(|rule| rule.at(RuleEvent::Out));
            assert_eq!(Some(sum), between(pod.at(PodEvent::Deleted), out));
        }
    }

    #[test]
    fn a_started_pod_has_a_boot() {
        let trace = sample::sample_trace();
        let found = segments(&trace, PodId(3), NodeId(0));
        assert_eq!(found, [(Segment::Boot, SimDuration::from_millis(21))]);
    }

    #[test]
    fn segments_of_nothing_are_none() {
        assert_eq!(segments(&Trace::default(), PodId(9), NodeId(9)), []);
    }

    #[test]
    fn the_clock_follows_what_was_met() {
        let check = |kind, met, expected| assert_eq!(clock(&request(kind, met, None)), expected, "{met:?}");
        check(FailureKind::ConnectRefused, Met::ListenerClosed, Clock::Unroute);
        check(FailureKind::ConnectTimeout, Met::NamespaceGone, Clock::Unroute);
        check(FailureKind::Timeout, Met::NamespaceGone, Clock::Kill);
        check(FailureKind::ConnectRefused, Met::NotListeningYet, Clock::Start);
        check(FailureKind::Eof, Met::ClosedUnread, Clock::Kill);
        check(FailureKind::ConnectRefused, Met::NoEndpoints, Clock::NoEndpoints);
        check(FailureKind::Timeout, Met::SlowServer, Clock::Service);
    }

    #[test]
    fn only_segments_of_the_right_chain_are_late() {
        let trace = sample::sample_trace();
        let late = |met, pod| late_segments(&trace, &request(FailureKind::ConnectRefused, met, pod)).len();
        assert_eq!(late(Met::ListenerClosed, Some(PodId(2))), 3);
        assert_eq!(late(Met::NotListeningYet, Some(PodId(3))), 1);
        assert_eq!(late(Met::CutInService, Some(PodId(2))), 0);
        assert_eq!(late(Met::NoEndpoints, None), 0);
    }

    #[test]
    fn endings_tell_who_won() {
        let exposed = sample::sample_trace();
        assert!(matches!(ending(&exposed, &exposed.pods[2]), Ending::Exposed { .. }));
        let spared = sample::sample_with_hook();
        assert!(matches!(ending(&spared, &spared.pods[2]), Ending::Spared { .. }));
        let unmoved = PodRecord::new(PodId(0), Revision::Old, None);
        assert_eq!(ending(&exposed, &unmoved), Ending::StillListening);
    }

    #[test]
    fn a_rule_that_never_goes_is_still_there() {
        let mut trace = sample::sample_trace();
        trace.nodes = 2;
        assert_eq!(ending(&trace, &trace.pods[2]), Ending::StillRouted(1));
        trace.rules.clear();
        assert_eq!(ending(&trace, &trace.pods[2]), Ending::NoRules);
    }

    #[test]
    fn of_many_nodes_the_first_and_the_last_are_told() {
        let trace = sample::sample_wide();
        let ranks: Vec<_> = unroute_steps(&trace, &trace.pods[0]).iter().filter_map(|step| step.element).collect();
        assert_eq!(ranks.len(), 6);
        assert!(ranks.iter().any(|(_, rank)| *rank == Rank::First));
        assert!(ranks.iter().any(|(_, rank)| *rank == Rank::Last));
    }
}
