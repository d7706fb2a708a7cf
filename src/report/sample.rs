//! Made-up traces with realistic times, for tests of stories and pictures.

use crate::ids::{NodeId, PodId, Revision, SlotId};
use crate::record::{FailureKind, LostRequest, Met, PodEvent, PodRecord, RuleEvent, RuleRecord, Trace};
use crate::units::{SimDuration, SimTime};

/// What a made-up rollout looks like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// Old pods, replaced one at a time.
    pub(crate) replicas: u32,
    /// Nodes, each with rules.
    pub(crate) nodes: u32,
    /// Length of the hook, milliseconds; 0: no hook.
    pub(crate) hook_ms: u64,
}

/// Old pods live and die in this order: the newest first.
const STEP_MS: u64 = 1_450;
const CHANGE_MS: u64 = 20_000;

/// Three old and three new pods on one node, no hook, windows of about 120 ms, four refused requests.
pub(crate) fn sample_trace() -> Trace {
    let mut trace = build(Sample { replicas: 3, nodes: 1, hook_ms: 0 });
    trace.lost = vec![
        refused(&trace, PodId(2), 3, 812, 31),
        refused(&trace, PodId(2), 5, 790, 74),
        refused(&trace, PodId(1), 0, 901, 12),
        refused(&trace, PodId(0), 7, 1_077, 96),
    ];
    trace
}

/// The same with hooks of ten seconds: nothing is lost.
pub(crate) fn sample_with_hook() -> Trace {
    build(Sample { replicas: 3, nodes: 1, hook_ms: 10_000 })
}

/// Ten old pods on three nodes, with a loss of each kind.
pub(crate) fn sample_wide() -> Trace {
    let mut trace = build(Sample { replicas: 10, nodes: 3, hook_ms: 0 });
    trace.lost = (0..7).map(|index| of_kind(&trace, index)).collect();
    trace
}

fn build(sample: Sample) -> Trace {
    let mut trace = Trace { replicas: sample.replicas, nodes: sample.nodes, end: ms(60_000), ..Trace::default() };
    trace.template_changed = Some(ms(CHANGE_MS));
    for index in 0..sample.replicas {
        trace.pods.push(PodRecord::new(PodId(index), Revision::Old, Some(NodeId(index % sample.nodes))));
    }
    for step in 0..u64::from(sample.replicas) {
        replace(&mut trace, sample, step);
    }
    trace.rollout_complete = Some(ms(CHANGE_MS + 40 + STEP_MS * u64::from(sample.replicas)));
    trace.rules.sort_by_key(|rule| (rule.pod, rule.element));
    trace
}

/// Step `step` of the rollout: a new pod comes, then an old one goes.
fn replace(trace: &mut Trace, sample: Sample, step: u64) {
    let begin = CHANGE_MS + 10 + step * STEP_MS;
    trace.scaled.push((ms(begin), Revision::New, step as u32 + 1));
    start_pod(trace, sample, begin + 30, PodId(sample.replicas + step as u32));
    let delete = begin + STEP_MS - 60;
    trace.scaled.push((ms(delete - 14), Revision::Old, sample.replicas - step as u32 - 1));
    stop_pod(trace, sample, delete, PodId(sample.replicas - step as u32 - 1));
}

fn start_pod(trace: &mut Trace, sample: Sample, at: u64, pod: PodId) {
    let node = NodeId(pod.0 % sample.nodes);
    let mut record = PodRecord::new(pod, Revision::New, Some(node));
    let events = [
        (PodEvent::Created, 0),
        (PodEvent::Scheduled, 25),
        (PodEvent::KubeletSeen, 40),
        (PodEvent::SandboxReady, 340),
        (PodEvent::Started, 490),
        (PodEvent::Listening, 511),
        (PodEvent::ProbeSucceeded, 1_013),
        (PodEvent::Ready, 1_027),
        (PodEvent::EndpointIn, 1_052),
    ];
    for (event, after) in events {
        record.note(event, ms(at + after));
    }
    trace.pods.push(record);
    for node in 0..sample.nodes {
        let late = at + 1_060 + 17 * u64::from(node);
        let events = [(RuleEvent::InSeen, late), (RuleEvent::InSync, late + 1), (RuleEvent::In, late + 52)];
        trace.rules.push(rule(pod, NodeId(node), &events));
    }
}

fn stop_pod(trace: &mut Trace, sample: Sample, at: u64, pod: PodId) {
    let signal = if sample.hook_ms == 0 { 33 } else { 29 + sample.hook_ms };
    let step = u64::from(pod.0 % 3);
    let record = &mut trace.pods[pod.index()];
    let mut note = |event, after| record.note(event, ms(at + after));
    note(PodEvent::Deleted, 0);
    note(PodEvent::KubeletDeleted, 18);
    if sample.hook_ms > 0 {
        note(PodEvent::HookBegan, 19);
        note(PodEvent::HookEnded, 19 + sample.hook_ms);
    }
    note(PodEvent::Signalled, signal);
    note(PodEvent::ListenerClosed, signal + 10);
    note(PodEvent::Exited, signal + 12);
    note(PodEvent::NamespaceGone, signal + 212);
    note(PodEvent::Removed, signal + 900);
    note(PodEvent::EndpointsSeen, 8);
    note(PodEvent::EndpointOut, 19);
    for node in 0..sample.nodes {
        let seen = at + 27 + 3 * u64::from(node);
        let sync = seen + 5 * step + 40 * u64::from(node);
        let out = sync + 118 + 4 * step;
        let events = [(RuleEvent::OutSeen, seen), (RuleEvent::OutSync, sync), (RuleEvent::Out, out)];
        trace.rules.push(rule(pod, NodeId(node), &events));
    }
}

fn rule(pod: PodId, node: NodeId, events: &[(RuleEvent, u64)]) -> RuleRecord {
    let mut record = RuleRecord::new(pod, node);
    for &(event, at) in events {
        record.note(event, ms(at));
    }
    record
}

/// A request refused `after_ms` after the listener of `pod` closed.
fn refused(trace: &Trace, pod: PodId, slot: u32, call: u64, after_ms: u64) -> LostRequest {
    let closed = trace.pods[pod.index()].at(PodEvent::ListenerClosed).unwrap();
    let sent = closed + SimDuration::from_millis(after_ms);
    LostRequest {
        client: 0,
        slot: SlotId(slot),
        call,
        sent: sent.saturating_sub(SimDuration::from_micros(400)),
        met_at: sent,
        known: sent + SimDuration::from_micros(300),
        kind: FailureKind::ConnectRefused,
        met: Met::ListenerClosed,
        pod: Some(pod),
        node: NodeId(0),
        replica: None,
        reused: true,
        attempts: 2,
    }
}

/// The `index`-th kind of loss, on the pod that goes `index`-th.
fn of_kind(trace: &Trace, index: usize) -> LostRequest {
    let mets = [
        Met::ListenerClosed,
        Met::NamespaceGone,
        Met::NamespaceGone,
        Met::ClosedIdle,
        Met::ClosedUnread,
        Met::CutInResponse,
        Met::CutInService,
    ];
    let base = refused(trace, PodId(trace.replicas - 1 - index as u32), index as u32, 300, 5 + 8 * index as u64);
    LostRequest { kind: FailureKind::ALL[index], met: mets[index], node: NodeId(index as u32 % 3), ..base }
}

fn ms(millis: u64) -> SimTime {
    SimTime::ZERO + SimDuration::from_millis(millis)
}
