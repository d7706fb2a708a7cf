//! The controller as a room: when it syncs, what it reads, what its calls cost.

use crate::ids::Revision;
use crate::model::api::{
    DeploymentObject, DeploymentStatus, Object, ReplicaSetObject, TokenBucket, Watcher, WorkQueue, Write,
};
use crate::model::deployment::rolling::{
    OldReplicaSet, Rolling, deployment_complete, new_replicas, resolve_fenceposts, scale_down_old, scale_new,
};
use crate::model::msg::{Draws, Msg, RoomOut};
use crate::model::spec::{DelayId, Scenario};
use crate::units::{SimDuration, SimTime};

/// The first back-off of a work queue's item after an error (client-go util/workqueue).
const BASE_BACKOFF: SimDuration = SimDuration::from_millis(5);

/// What the controller calls itself back for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timer {
    /// A worker takes the key.
    Start,
    /// The sync has been computed from what the caches hold.
    Computed,
    /// All calls of the sync have returned.
    Done,
    /// The back-off after an error is over.
    BackedOff,
}

/// The Deployment controller.
#[derive(Debug)]
pub struct DeploymentController<'s> {
    scenario: &'s Scenario,
    rolling: Rolling,
    draws: Draws<'s>,
    limiter: TokenBucket,
    queue: WorkQueue,
    deployment: Option<DeploymentObject>,
    replica_sets: [Option<ReplicaSetObject>; 2],
    written_status: Option<DeploymentStatus>,
    created_new: bool,
    conflict: bool,
    failures: u32,
}

/// What one sync decides: at most one of its two halves changes something, but for the sync that creates the new
/// ReplicaSet, which goes on to the scale-down half.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Decision {
    create: Option<u32>,
    scale_new: Option<u32>,
    scale_old: Option<u32>,
}

impl<'s> DeploymentController<'s> {
    /// A controller whose caches hold the Deployment before the rollout.
    pub fn new(scenario: &'s Scenario, draws: Draws<'s>, old: ReplicaSetObject) -> Self {
        let spec = &scenario.deployment;
        let fenceposts = resolve_fenceposts(Some(spec.max_surge), Some(spec.max_unavailable), spec.replicas);
        DeploymentController {
            scenario,
            rolling: Rolling { desired: spec.replicas, fenceposts },
            draws,
            limiter: TokenBucket::new(20, 30),
            queue: WorkQueue::default(),
            deployment: None,
            replica_sets: [Some(old), None],
            written_status: None,
            created_new: false,
            conflict: false,
            failures: 0,
        }
    }

    /// A Deployment or ReplicaSet changed.
    pub fn on_watch(&mut self, now: SimTime, object: &Object, out: &mut RoomOut<Timer>) {
        match object {
            Object::Deployment(deployment) => self.deployment = Some(*deployment),
            Object::ReplicaSet(set) => self.replica_sets[set.revision as usize] = Some(*set),
            other => unreachable!("{:?} does not watch {other:?}", Watcher::Deployment),
        }
        self.enqueue(now, out);
    }

    /// The API server refused a scale: this sync ends with an error.
    pub fn on_conflict(&mut self) {
        self.conflict = true;
    }

    /// One of the controller's own timers.
    pub fn on_timer(&mut self, now: SimTime, timer: Timer, out: &mut RoomOut<Timer>) {
        match timer {
            Timer::Start => {
                self.queue.start();
                let compute = self.draws.draw(DelayId::DepSync, 0);
                out.set_timer(0, now + compute, Timer::Computed);
            }
            Timer::Computed => self.sync(now, out),
            Timer::Done => self.finish(now, out),
            Timer::BackedOff => self.enqueue(now, out),
        }
    }

    fn enqueue(&mut self, now: SimTime, out: &mut RoomOut<Timer>) {
        if self.queue.add() {
            self.call_worker(now, out);
        }
    }

    fn call_worker(&mut self, now: SimTime, out: &mut RoomOut<Timer>) {
        let wait = self.draws.draw(DelayId::QueueWait, 0);
        out.set_timer(0, now + wait, Timer::Start);
    }

    fn sync(&mut self, now: SimTime, out: &mut RoomOut<Timer>) {
        let decision = self.decide();
        let mut at = now;
        if let Some(replicas) = decision.create {
            self.created_new = true;
            at = self.call(at, Write::CreateReplicaSet { replicas }, out);
        }
        at = self.scale(at, Revision::New, decision.scale_new, out);
        at = self.scale(at, Revision::Old, decision.scale_old, out);
        at = self.write_status(at, out);
        out.set_timer(0, at, Timer::Done);
    }

    fn finish(&mut self, now: SimTime, out: &mut RoomOut<Timer>) {
        if std::mem::take(&mut self.conflict) {
            let backoff = BASE_BACKOFF * (1 << self.failures.min(15));
            self.failures += 1;
            out.set_timer(0, now + backoff, Timer::BackedOff);
        } else {
            self.failures = 0;
        }
        if self.queue.done() {
            self.call_worker(now, out);
        }
    }

    /// One API call: waits for the client's rate limit, then for the write. Returns when the call returns.
    fn call(&mut self, at: SimTime, write: Write, out: &mut RoomOut<Timer>) -> SimTime {
        let at = self.limiter.take(at) + self.draws.draw(DelayId::ApiWrite, 0);
        out.send(0, at, Msg::Write(write));
        at
    }

    fn scale(&mut self, at: SimTime, revision: Revision, replicas: Option<u32>, out: &mut RoomOut<Timer>) -> SimTime {
        let (Some(replicas), Some(set)) = (replicas, self.replica_sets[revision as usize]) else { return at };
        self.call(at, Write::ScaleReplicaSet { revision, replicas, seen: set.version }, out)
    }

    fn decide(&self) -> Decision {
        let template_is_new = self.deployment.is_some_and(|deployment| deployment.template == Revision::New);
        let (Some(old), true) = (self.replica_sets[Revision::Old as usize], template_is_new) else {
            return Decision::default();
        };
        match self.replica_sets[Revision::New as usize] {
            None if self.created_new => Decision::default(),
            None => {
                let replicas = new_replicas(&self.rolling, 0, old.replicas);
                Decision { create: Some(replicas), scale_old: self.scale_old(&old, replicas, 0), ..Decision::default() }
            }
            Some(new) => self.decide_between(&old, &new),
        }
    }

    fn decide_between(&self, old: &ReplicaSetObject, new: &ReplicaSetObject) -> Decision {
        let grown = scale_new(&self.rolling, new.replicas, old.replicas + new.replicas);
        if grown.is_some() {
            return Decision { scale_new: grown, ..Decision::default() };
        }
        let scale_old = self.scale_old(old, new.replicas, new.status.available);
        Decision { scale_old, ..Decision::default() }
    }

    fn scale_old(&self, old: &ReplicaSetObject, new_spec: u32, new_available: u32) -> Option<u32> {
        let mut sets = [OldReplicaSet { replicas: old.replicas, available: old.status.available }];
        scale_down_old(&self.rolling, &mut sets, new_spec, new_available);
        (sets[0].replicas != old.replicas).then_some(sets[0].replicas)
    }

    /// Writes the status if it differs from the last one written.
    fn write_status(&mut self, at: SimTime, out: &mut RoomOut<Timer>) -> SimTime {
        let status = self.status();
        if self.written_status == Some(status) {
            return at;
        }
        self.written_status = Some(status);
        let rolled = self.replica_sets[Revision::New as usize].is_some();
        let complete = rolled && deployment_complete(self.scenario.deployment.replicas, &status);
        self.call(at, Write::DeploymentStatus { status, complete }, out)
    }

    fn status(&self) -> DeploymentStatus {
        let sum = |of: fn(&ReplicaSetObject) -> u32| self.replica_sets.iter().flatten().map(of).sum();
        let template = self.deployment.map_or(Revision::Old, |deployment| deployment.template);
        DeploymentStatus {
            replicas: sum(|set| set.status.replicas),
            updated: self.replica_sets[template as usize].map_or(0, |set| set.status.replicas),
            available: sum(|set| set.status.available),
        }
    }
}
