//! The scheduler.
//!
//! Models: one pod at a time, in the order seen; `sched` covers the decision and the binding; each pod goes to the node
//! with the fewest pods of the Deployment, ties at random. Leaves out: capacity, affinities, scores, back-off. Source:
//! mechanics 2.4 and the assumed default of 1.15.

use std::collections::BTreeMap;

use crate::ids::{NodeId, PodId};
use crate::model::api::{Object, Watcher, Write};
use crate::model::msg::{Draws, Msg, RoomOut};
use crate::model::spec::DelayId;
use crate::units::SimTime;

/// What the scheduler calls itself back for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timer {
    /// The pod's turn has come and its node is chosen, or known if it is one of a DaemonSet.
    Bind(PodId, Option<NodeId>),
}

/// The scheduler.
#[derive(Debug)]
pub struct Scheduler<'s> {
    draws: Draws<'s>,
    /// Pods on each node, by what the scheduler knows.
    pods_on: Vec<u32>,
    node_of: BTreeMap<PodId, NodeId>,
    busy_until: SimTime,
}

impl<'s> Scheduler<'s> {
    /// A scheduler that knows where the old pods are.
    pub fn new(draws: Draws<'s>, nodes: u32, placed: impl Iterator<Item = (PodId, NodeId)>) -> Self {
        let mut scheduler =
            Scheduler { draws, pods_on: vec![0; nodes as usize], node_of: BTreeMap::new(), busy_until: SimTime::ZERO };
        placed.for_each(|(pod, node)| scheduler.place(pod, node));
        scheduler
    }

    /// A pod without a node appeared, or a pod is gone.
    pub fn on_watch(&mut self, now: SimTime, object: &Object, out: &mut RoomOut<Timer>) {
        match object {
            Object::Pod(pod) if pod.node.is_none() && !pod.deleted => {
                let at = self.busy_until.max(now) + self.draws.draw(DelayId::Sched, pod.id.0.into());
                self.busy_until = at;
                out.set_timer(pod.id.0, at, Timer::Bind(pod.id, pod.pinned));
            }
            Object::Pod(_) => {}
            Object::PodRemoved(pod) => self.forget(*pod),
            other => unreachable!("{:?} does not watch {other:?}", Watcher::Scheduler),
        }
    }

    /// The scheduler's own timer.
    pub fn on_timer(&mut self, now: SimTime, timer: Timer, out: &mut RoomOut<Timer>) {
        let Timer::Bind(pod, pinned) = timer;
        let node = pinned.unwrap_or_else(|| self.emptiest(pod));
        self.place(pod, node);
        out.send(pod.0, now, Msg::Write(Write::BindPod { pod, node }));
    }

    fn emptiest(&mut self, pod: PodId) -> NodeId {
        let fewest = self.pods_on.iter().copied().min().unwrap_or(0);
        let ties: Vec<usize> = (0..self.pods_on.len()).filter(|&node| self.pods_on[node] == fewest).collect();
        let pick = self.draws.streams().get("tie", pod.0.into()).below(ties.len());
        NodeId(ties[pick] as u32)
    }

    fn place(&mut self, pod: PodId, node: NodeId) {
        self.pods_on[node.index()] += 1;
        self.node_of.insert(pod, node);
    }

    fn forget(&mut self, pod: PodId) {
        if let Some(node) = self.node_of.remove(&pod) {
            self.pods_on[node.index()] -= 1;
        }
    }
}
