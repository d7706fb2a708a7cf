//! `kubectl drain`.
//!
//! Models: the node is cordoned; all its pods are evicted at once, each by a worker of its own, which sleeps 5 s after a 429
//! and tries again; with `--disable-eviction` they are deleted, whatever the budget says. Leaves out: the wait for the pods' end, which
//! delays nothing but kubectl; timeouts; DaemonSet pods, which a drain leaves alone. Source:
//! kubernetes/kubectl pkg/drain/drain.go at 014e1fb5 (mechanics 1.14).

use crate::ids::{NodeId, PodId};
use crate::model::api::Write;
use crate::model::msg::{Draws, Msg, RoomOut};
use crate::model::spec::DelayId;
use crate::units::{SimDuration, SimTime};

/// What a worker sleeps after a 429.
const RETRY: SimDuration = SimDuration::from_secs(5);

/// What kubectl calls itself back for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timer {
    /// The next eviction of a pod.
    Evict(PodId),
}

/// All drains of a run.
#[derive(Debug)]
pub struct Drain<'s> {
    draws: Draws<'s>,
    /// Pods that are to go and have not been evicted.
    pending: u32,
}

impl<'s> Drain<'s> {
    /// No drain yet.
    pub fn new(draws: Draws<'s>) -> Self {
        Drain { draws, pending: 0 }
    }

    /// Whether every pod that was to go has been evicted.
    pub fn is_done(&self) -> bool {
        self.pending == 0
    }

    /// Somebody drains `node`, on which `pods` are.
    pub fn on_start(&mut self, now: SimTime, node: NodeId, pods: &[PodId], evicts: bool, out: &mut RoomOut<Timer>) {
        let cordoned = now + self.draws.draw(DelayId::ApiWrite, 1 << 24 | u64::from(node.0));
        out.send(node.0, cordoned, Msg::Write(Write::Cordon(node)));
        for &pod in pods {
            if evicts {
                self.pending += 1;
                out.set_timer(pod.0, cordoned, Timer::Evict(pod));
            } else {
                let at = cordoned + self.draws.draw(DelayId::ApiWrite, pod.0.into());
                out.send(pod.0, at, Msg::Write(Write::DeletePod { pod }));
            }
        }
    }

    /// The API server has evicted a pod, or answered 429.
    pub fn on_answer(&mut self, now: SimTime, pod: PodId, evicted: bool, out: &mut RoomOut<Timer>) {
        if evicted {
            self.pending -= 1;
        } else {
            out.set_timer(pod.0, now + RETRY, Timer::Evict(pod));
        }
    }

    /// One of kubectl's own timers.
    pub fn on_timer(&mut self, now: SimTime, timer: Timer, out: &mut RoomOut<Timer>) {
        let Timer::Evict(pod) = timer;
        let at = now + self.draws.draw(DelayId::ApiWrite, pod.0.into());
        out.send(pod.0, at, Msg::Write(Write::EvictPod { pod }));
    }
}
