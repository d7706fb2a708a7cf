//! The controller as a room: when it syncs, what it reads, what its calls cost.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{PodId, Revision};
use crate::model::api::{
    DeploymentStatus, Object, Phase, PodObject, RolloutState, TokenBucket, Watcher, WorkQueue, Write,
};
use crate::model::msg::{Draws, Msg, RoomOut};
use crate::model::spec::{DelayId, Scenario, StatefulSetSpec};
use crate::model::statefulset::update::{Member, Update, pods_to_create, pods_to_delete};
use crate::units::{SimDuration, SimTime};

/// What the controller calls itself back for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timer {
    /// A worker takes the key.
    Start,
    /// The sync has been computed from what the caches hold.
    Computed,
    /// All calls of the sync have returned.
    Done,
    /// A pod may have become available by age.
    Recheck,
}

/// The StatefulSet controller.
#[derive(Debug)]
pub struct StatefulSetController<'s> {
    scenario: &'s Scenario,
    spec: &'s StatefulSetSpec,
    draws: Draws<'s>,
    limiter: TokenBucket,
    queue: WorkQueue,
    template: Revision,
    pods: BTreeMap<PodId, PodObject>,
    /// Pods that were asked for, or asked to go, and are not seen so yet.
    creating: BTreeMap<usize, PodId>,
    deleting: BTreeSet<PodId>,
    /// How often each ordinal has been created.
    generations: Vec<u32>,
    written: Option<DeploymentStatus>,
}

impl<'s> StatefulSetController<'s> {
    /// A controller whose cache holds the old pods.
    pub fn new(scenario: &'s Scenario, spec: &'s StatefulSetSpec, draws: Draws<'s>, pods: &[PodObject]) -> Self {
        StatefulSetController {
            scenario,
            spec,
            draws,
            limiter: TokenBucket::new(20, 30),
            queue: WorkQueue::default(),
            template: Revision::Old,
            pods: pods.iter().map(|pod| (pod.id, *pod)).collect(),
            creating: BTreeMap::new(),
            deleting: BTreeSet::new(),
            generations: vec![0; pods.len()],
            written: None,
        }
    }

    /// The set or one of its pods changed.
    pub fn on_watch(&mut self, now: SimTime, object: &Object, out: &mut RoomOut<Timer>) {
        match object {
            Object::Deployment(set) => self.template = set.template,
            Object::Pod(pod) => self.see_pod(now, pod, out),
            Object::PodRemoved(pod) => {
                self.pods.remove(pod);
                self.deleting.remove(pod);
            }
            other => unreachable!("{:?} does not watch {other:?}", Watcher::ReplicaSet),
        }
        self.enqueue(now, out);
    }

    fn see_pod(&mut self, now: SimTime, pod: &PodObject, out: &mut RoomOut<Timer>) {
        let before = self.pods.insert(pod.id, *pod);
        self.creating.retain(|_, creating| *creating != pod.id);
        if pod.deleted {
            self.deleting.remove(&pod.id);
        }
        if pod.ready && before.is_some_and(|before| !before.ready) && !self.spec.min_ready.is_zero() {
            out.set_timer(0, now + self.spec.min_ready, Timer::Recheck);
        }
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
            Timer::Done => {
                if self.queue.done() {
                    self.call_worker(now, out);
                }
            }
            Timer::Recheck => self.enqueue(now, out),
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

    /// A sync whose cache has not seen the last one's writes does nothing: its calls would fail.
    fn sync(&mut self, now: SimTime, out: &mut RoomOut<Timer>) {
        let members = self.members(now);
        let update = Update { spec: self.spec, template: self.template, members: &members };
        let mut at = now;
        if self.creating.is_empty() && self.deleting.is_empty() {
            for ordinal in pods_to_create(&update) {
                at = self.create(at, ordinal, update.revision_of(ordinal), out);
            }
            for pod in pods_to_delete(&update) {
                self.deleting.insert(pod);
                at = self.call(at, pod.0.into(), Write::DeletePod { pod }, out);
            }
        }
        at = self.write_status(at, &members, out);
        out.set_timer(0, at, Timer::Done);
    }

    /// The pod at each ordinal: its number is the ordinal, and the number of the set's pods more each time it is created.
    fn members(&self, now: SimTime) -> Vec<Option<Member>> {
        let size = self.generations.len();
        let mut members = vec![None; size];
        for pod in self.pods.values() {
            members[pod.id.index() % size] = Some(Member {
                pod: pod.id,
                revision: pod.revision,
                terminating: pod.deleted,
                available: self.is_available(now, pod),
            });
        }
        members
    }

    fn is_available(&self, now: SimTime, pod: &PodObject) -> bool {
        let age = pod.ready_since.map_or(SimDuration::ZERO, |since| since.age(now));
        pod.phase == Phase::Running && pod.ready && age >= self.spec.min_ready
    }

    fn create(&mut self, at: SimTime, ordinal: usize, revision: Revision, out: &mut RoomOut<Timer>) -> SimTime {
        self.generations[ordinal] += 1;
        let pod = PodId(self.generations[ordinal] * self.generations.len() as u32 + ordinal as u32);
        self.creating.insert(ordinal, pod);
        let uid = self.draws.streams().get("uid", pod.0.into()).bits();
        self.call(at, pod.0.into(), Write::CreatePod { pod, revision, node: None, uid }, out)
    }

    /// One API call after the other: waits for the client's rate limit, then for the write.
    fn call(&mut self, at: SimTime, entity: u64, write: Write, out: &mut RoomOut<Timer>) -> SimTime {
        let at = self.limiter.take(at) + self.draws.draw(DelayId::ApiWrite, entity);
        out.send(0, at, Msg::Write(write));
        at
    }

    fn write_status(&mut self, at: SimTime, members: &[Option<Member>], out: &mut RoomOut<Timer>) -> SimTime {
        let count = |of: &dyn Fn(&&Member) -> bool| members.iter().flatten().filter(of).count() as u32;
        let live = |member: &&Member| !member.terminating;
        let status = DeploymentStatus {
            replicas: count(&live),
            updated: count(&|member| live(member) && member.revision == self.template),
            ready: self.pods.values().filter(|pod| pod.ready && !pod.deleted).count() as u32,
            available: count(&|member| live(member) && member.available),
            terminating: 0,
        };
        if self.written == Some(status) {
            return at;
        }
        self.written = Some(status);
        let size = self.scenario.deployment.replicas;
        let all_there = status.updated >= size.saturating_sub(self.spec.partition) && status.available == size;
        let complete = self.template == Revision::New && all_there;
        let state = if complete { RolloutState::Complete } else { RolloutState::UnderWay };
        self.call(at, 1 << 24, Write::DeploymentStatus { status, state }, out)
    }
}
