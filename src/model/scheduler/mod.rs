//! The scheduler.
//!
//! Models: one pod at a time, in the order seen; `sched` covers the decision and the binding; nodes with room for the
//! requests and a free pod slot that are not cordoned; among these the one with the fewest pods of the workload, ties at
//! random, or as `nodes.spread` says; pods that fit nowhere wait, with a back-off, until a pod is gone or ends. A pod
//! holds its room until its object is gone or it has ended. Leaves out: other
//! workloads' requests, affinities, preemption, the periodic flush of the pods that wait. Source: mechanics 1.15, 2.4 (kubernetes/kubernetes
//! pkg/scheduler at v1.20.2).

mod placement;

use std::collections::BTreeSet;

use crate::ids::{NodeId, PodId, Revision};
use crate::model::api::{Object, PodMap, PodObject, Watcher, Write};
use crate::model::msg::{Draws, Msg, RoomOut};
use crate::model::spec::{DelayId, Scenario};
use crate::units::{SimDuration, SimTime};

pub use placement::{NodeRoom, candidates, capacity};

/// Back-off of a pod that did not fit: the first, and the longest (PodInitialBackoffSeconds, PodMaxBackoffSeconds).
const FIRST_BACKOFF: SimDuration = SimDuration::from_secs(1);
const LONGEST_BACKOFF: SimDuration = SimDuration::from_secs(10);

/// What the scheduler calls itself back for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timer {
    /// The pod's turn has come and its node is chosen, or known if it is one of a DaemonSet.
    Bind(PodId),
    /// The back-off of a pod that waits is over.
    Retry(PodId),
}

/// A pod without a node.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    revision: Revision,
    pinned: Option<NodeId>,
    attempts: u32,
    /// It fitted nowhere, and is not tried before.
    backs_off_until: Option<SimTime>,
}

/// The scheduler.
#[derive(Debug)]
pub struct Scheduler<'s> {
    scenario: &'s Scenario,
    draws: Draws<'s>,
    /// What it knows of each node.
    nodes: Vec<NodeRoom>,
    node_of: PodMap<(NodeId, Revision)>,
    terminating: BTreeSet<PodId>,
    waiting: PodMap<Waiting>,
    busy_until: SimTime,
}

impl<'s> Scheduler<'s> {
    /// A scheduler that knows where the old pods are.
    pub fn new(scenario: &'s Scenario, draws: Draws<'s>, placed: impl Iterator<Item = (PodId, NodeId)>) -> Self {
        let mut scheduler = Scheduler {
            scenario,
            draws,
            nodes: vec![NodeRoom::default(); scenario.cluster.nodes as usize],
            node_of: PodMap::default(),
            terminating: BTreeSet::new(),
            waiting: PodMap::default(),
            busy_until: SimTime::ZERO,
        };
        placed.for_each(|(pod, node)| scheduler.place(pod, node, Revision::Old));
        scheduler
    }

    /// A pod without a node appeared, a pod has ended or is gone, or a node is cordoned.
    pub fn on_watch(&mut self, now: SimTime, object: &Object, out: &mut RoomOut<Timer>) {
        match object {
            Object::Pod(pod) if pod.node.is_none() && !pod.deleted => self.take_up(now, pod, out),
            Object::Pod(pod) if pod.phase.is_terminal() => self.leave(now, pod.id, out),
            Object::Pod(pod) if pod.deleted => self.terminates(pod.id),
            Object::Pod(_) => {}
            Object::PodRemoved(pod) => self.leave(now, *pod, out),
            Object::Cordoned(node) => self.nodes[node.index()].cordoned = true,
            other => unreachable!("{:?} does not watch {other:?}", Watcher::Scheduler),
        }
    }

    /// The scheduler's own timer.
    pub fn on_timer(&mut self, now: SimTime, timer: Timer, out: &mut RoomOut<Timer>) {
        match timer {
            Timer::Bind(pod) => self.bind(now, pod, out),
            Timer::Retry(pod) => self.queue(now, pod, out),
        }
    }

    fn take_up(&mut self, now: SimTime, pod: &PodObject, out: &mut RoomOut<Timer>) {
        let waiting = Waiting { revision: pod.revision, pinned: pod.pinned, attempts: 0, backs_off_until: None };
        self.waiting.insert(pod.id, waiting);
        self.queue(now, pod.id, out);
    }

    /// One pod after the other.
    fn queue(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let at = self.busy_until.max(now) + self.draws.draw(DelayId::Sched, pod.0.into());
        self.busy_until = at;
        out.set_timer(pod.0, at, Timer::Bind(pod));
    }

    fn bind(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let Some(waiting) = self.waiting.get(&pod).copied() else { return };
        let Some(node) = waiting.pinned.or_else(|| self.choose(pod, waiting.revision)) else {
            self.back_off(now, pod);
            return;
        };
        self.waiting.remove(&pod);
        self.place(pod, node, waiting.revision);
        out.send(pod.0, now, Msg::Write(Write::BindPod { pod, node }));
    }

    fn choose(&mut self, pod: PodId, revision: Revision) -> Option<NodeId> {
        let most = capacity(&self.scenario.nodes, &self.scenario.pod.requests);
        let ties = candidates(&self.nodes, most, self.scenario.nodes.spread, revision);
        if ties.is_empty() {
            return None;
        }
        let pick = self.draws.streams().get("tie", pod.0.into()).below(ties.len());
        Some(NodeId(ties[pick] as u32))
    }

    fn back_off(&mut self, now: SimTime, pod: PodId) {
        let Some(waiting) = self.waiting.get_mut(&pod) else { return };
        let backoff = FIRST_BACKOFF * (1 << waiting.attempts.min(4));
        waiting.attempts += 1;
        waiting.backs_off_until = Some(now + backoff.min(LONGEST_BACKOFF));
    }

    fn place(&mut self, pod: PodId, node: NodeId, revision: Revision) {
        self.nodes[node.index()].pods[revision as usize] += 1;
        self.node_of.insert(pod, (node, revision));
    }

    /// A pod is being deleted. Those that wait are not tried again for that: it still holds its room.
    fn terminates(&mut self, pod: PodId) {
        let Some((node, revision)) = self.node_of.get(&pod).copied() else { return };
        if self.terminating.insert(pod) {
            self.nodes[node.index()].terminating[revision as usize] += 1;
        }
    }

    /// A pod holds its room no more: those that wait are tried again, after their back-off.
    fn leave(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        self.waiting.remove(&pod);
        let Some((node, revision)) = self.node_of.remove(&pod) else { return };
        self.nodes[node.index()].pods[revision as usize] -= 1;
        if self.terminating.remove(&pod) {
            self.nodes[node.index()].terminating[revision as usize] -= 1;
        }
        for (pod, waiting) in self.waiting.iter_mut() {
            if let Some(until) = waiting.backs_off_until.take() {
                out.set_timer(pod.0, until.max(now), Timer::Retry(pod));
            }
        }
    }
}
