//! The controller as a room: what it counts and when it writes.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::PodId;
use crate::model::api::{BudgetObject, Object, PodObject, TokenBucket, Watcher, WorkQueue, Write};
use crate::model::disruption::budget::{desired_healthy, disruptions_allowed};
use crate::model::msg::{Draws, Msg, RoomOut};
use crate::model::spec::{BudgetSpec, DelayId};
use crate::units::SimTime;

/// What the controller calls itself back for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timer {
    /// A worker takes the key.
    Start,
    /// The status has been written, or there was no news.
    Done,
}

/// The disruption controller.
#[derive(Debug)]
pub struct DisruptionController<'s> {
    budget: BudgetSpec,
    draws: Draws<'s>,
    limiter: TokenBucket,
    queue: WorkQueue,
    pods: BTreeMap<PodId, PodObject>,
    /// The scale of the workload.
    expected: u32,
    /// Pods evicted whose deletion is not seen yet: they do not count as healthy any more.
    disrupted: BTreeSet<PodId>,
    /// The status as last seen.
    status: BudgetObject,
}

impl<'s> DisruptionController<'s> {
    /// A controller whose cache holds the old pods, all healthy.
    pub fn new(budget: BudgetSpec, draws: Draws<'s>, pods: &[PodObject]) -> Self {
        let expected = pods.len() as u32;
        DisruptionController {
            budget,
            draws,
            limiter: TokenBucket::new(20, 30),
            queue: WorkQueue::default(),
            pods: pods.iter().map(|pod| (pod.id, *pod)).collect(),
            expected,
            disrupted: BTreeSet::new(),
            status: BudgetObject {
                allowed: disruptions_allowed(expected, expected, desired_healthy(budget, expected)),
                is_met: true,
                evicted: None,
                generation: 0,
            },
        }
    }

    /// `disruptionsAllowed` at the start.
    pub fn allowed(&self) -> u32 {
        self.status.allowed
    }

    /// The workload or one of its pods changed, or the budget was spent from.
    pub fn on_watch(&mut self, now: SimTime, object: &Object, out: &mut RoomOut<Timer>) {
        match object {
            Object::Deployment(deployment) => self.expected = deployment.desired,
            Object::Pod(pod) => {
                self.pods.insert(pod.id, *pod);
                if pod.deleted {
                    self.disrupted.remove(&pod.id);
                }
            }
            Object::PodRemoved(pod) => {
                self.pods.remove(pod);
                self.disrupted.remove(pod);
            }
            Object::Budget(status) => {
                self.status = *status;
                self.disrupted.extend(status.evicted.filter(|pod| self.serves(*pod)));
            }
            other => unreachable!("{:?} does not watch {other:?}", Watcher::Disruption),
        }
        if self.queue.add() {
            self.call_worker(now, out);
        }
    }

    /// One of the controller's own timers.
    pub fn on_timer(&mut self, now: SimTime, timer: Timer, out: &mut RoomOut<Timer>) {
        match timer {
            Timer::Start => {
                self.queue.start();
                let done = self.write_status(now, out);
                out.set_timer(0, done, Timer::Done);
            }
            Timer::Done => {
                if self.queue.done() {
                    self.call_worker(now, out);
                }
            }
        }
    }

    fn serves(&self, pod: PodId) -> bool {
        self.pods.get(&pod).is_some_and(|pod| !pod.deleted)
    }

    fn call_worker(&mut self, now: SimTime, out: &mut RoomOut<Timer>) {
        let wait = self.draws.draw(DelayId::QueueWait, 0);
        out.set_timer(0, now + wait, Timer::Start);
    }

    fn write_status(&mut self, now: SimTime, out: &mut RoomOut<Timer>) -> SimTime {
        let is_healthy = |pod: &&PodObject| pod.ready && !pod.deleted && !self.disrupted.contains(&pod.id);
        let healthy = self.pods.values().filter(is_healthy).count() as u32;
        let desired = desired_healthy(self.budget, self.expected);
        let allowed = disruptions_allowed(self.expected, healthy, desired);
        let is_met = healthy >= desired && desired > 0;
        if (allowed, is_met) == (self.status.allowed, self.status.is_met) {
            return now;
        }
        let at = self.limiter.take(now) + self.draws.draw(DelayId::ApiWrite, 0);
        out.send(0, at, Msg::Write(Write::BudgetStatus { allowed, is_met, seen: self.status.generation }));
        at
    }
}
