//! The controller as a room: when it syncs, what it reads, what its calls cost.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{NodeId, PodId, Revision};
use crate::model::api::{DeploymentStatus, Object, PodObject, RolloutState, TokenBucket, Watcher, WorkQueue, Write};
use crate::model::daemonset::update::{DaemonPod, NodePods, next_steps};
use crate::model::msg::{Draws, Msg, RoomOut};
use crate::model::spec::{DaemonSetSpec, DelayId};
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

/// The DaemonSet controller.
#[derive(Debug)]
pub struct DaemonSetController<'s> {
    spec: &'s DaemonSetSpec,
    draws: Draws<'s>,
    limiter: TokenBucket,
    queue: WorkQueue,
    template: Revision,
    pods: BTreeMap<PodId, PodObject>,
    /// Pods that were asked for, or asked to go, and are not seen so yet.
    creating: BTreeSet<PodId>,
    deleting: BTreeSet<PodId>,
    /// The nodes in the order of this run: upstream goes through a map, whose order is random.
    order: Vec<NodeId>,
    /// How often each node's pod has been created.
    generations: Vec<u32>,
    written: Option<DeploymentStatus>,
}

impl<'s> DaemonSetController<'s> {
    /// A controller whose cache holds the old pods, one a node.
    pub fn new(spec: &'s DaemonSetSpec, mut draws: Draws<'s>, pods: &[PodObject]) -> Self {
        let mut order: Vec<(u64, NodeId)> = (0..pods.len() as u32)
            .map(|node| (draws.streams().get("order", node.into()).bits(), NodeId(node)))
            .collect();
        order.sort_unstable();
        DaemonSetController {
            spec,
            draws,
            limiter: TokenBucket::new(20, 30),
            queue: WorkQueue::default(),
            template: Revision::Old,
            pods: pods.iter().map(|pod| (pod.id, *pod)).collect(),
            creating: BTreeSet::new(),
            deleting: BTreeSet::new(),
            order: order.into_iter().map(|(_, node)| node).collect(),
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
        self.creating.remove(&pod.id);
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

    /// A sync that has not seen the last one's writes only writes the status, as expectations have it.
    fn sync(&mut self, now: SimTime, out: &mut RoomOut<Timer>) {
        let mut at = now;
        if self.creating.is_empty() && self.deleting.is_empty() {
            let nodes: Vec<NodePods> = self.order.iter().map(|node| self.pods_on(now, *node)).collect();
            let step = next_steps(&nodes, self.spec.max_unavailable, self.spec.max_surge);
            let created = step.create.into_iter().map(|place| self.order[place]).collect::<Vec<_>>();
            let calls = created.into_iter().map(|node| self.create(now, node, out)).collect::<Vec<_>>();
            let deletes = step.delete.into_iter().map(|pod| self.delete(now, pod, out)).collect::<Vec<_>>();
            at = calls.into_iter().chain(deletes).fold(now, SimTime::max);
        }
        at = self.write_status(now, at, out);
        out.set_timer(0, at, Timer::Done);
    }

    fn pods_on(&self, now: SimTime, node: NodeId) -> NodePods {
        let mut found = NodePods::default();
        let nodes = self.generations.len();
        for pod in self.pods.values().filter(|pod| pod.id.index() % nodes == node.index()) {
            let available = self.is_available(now, pod);
            let seen = Some(DaemonPod { pod: pod.id, terminating: pod.deleted, available });
            if pod.revision == self.template { found.new = seen } else { found.old = seen }
        }
        found
    }

    fn is_available(&self, now: SimTime, pod: &PodObject) -> bool {
        let age = pod.ready_since.map_or(SimDuration::ZERO, |since| since.age(now));
        pod.ready && age >= self.spec.min_ready
    }

    /// Creates and deletes of a sync are concurrent.
    fn create(&mut self, now: SimTime, node: NodeId, out: &mut RoomOut<Timer>) -> SimTime {
        let generation = &mut self.generations[node.index()];
        *generation += 1;
        let pod = PodId(*generation * self.generations.len() as u32 + node.0);
        self.creating.insert(pod);
        let uid = self.draws.streams().get("uid", pod.0.into()).bits();
        self.call(now, pod.0.into(), Write::CreatePod { pod, revision: self.template, node: Some(node), uid }, out)
    }

    fn delete(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) -> SimTime {
        self.deleting.insert(pod);
        self.call(now, pod.0.into(), Write::DeletePod { pod }, out)
    }

    fn call(&mut self, at: SimTime, entity: u64, write: Write, out: &mut RoomOut<Timer>) -> SimTime {
        let at = self.limiter.take(at) + self.draws.draw(DelayId::ApiWrite, entity);
        out.send(0, at, Msg::Write(write));
        at
    }

    fn write_status(&mut self, now: SimTime, at: SimTime, out: &mut RoomOut<Timer>) -> SimTime {
        let live: Vec<&PodObject> = self.pods.values().filter(|pod| !pod.deleted).collect();
        let count = |of: &dyn Fn(&PodObject) -> bool| live.iter().filter(|pod| of(pod)).count() as u32;
        let status = DeploymentStatus {
            replicas: live.len() as u32,
            updated: count(&|pod| pod.revision == self.template),
            ready: count(&|pod| pod.ready),
            available: count(&|pod| self.is_available(now, pod)),
            terminating: 0,
        };
        if self.written == Some(status) {
            return at;
        }
        self.written = Some(status);
        let size = self.generations.len() as u32;
        let all_there = [status.replicas, status.updated, status.available] == [size; 3];
        let complete = self.template == Revision::New && all_there;
        let state = if complete { RolloutState::Complete } else { RolloutState::UnderWay };
        self.call(at, 1 << 24, Write::DeploymentStatus { status, state }, out)
    }
}
