//! The controller as a room: when it syncs, what it reads, what its writes cost.

use std::sync::Arc;

use crate::ids::PodId;
use crate::model::api::{
    Endpoint, EndpointSliceObject, Object, PodMap, PodObject, TokenBucket, Watcher, WorkQueue, Write, difference,
};
use crate::model::endpoints::{conditions, hints};
use crate::model::msg::{Draws, Fact, Msg, PodEvent, RoomOut};
use crate::model::spec::{DelayId, Mechanism, Scenario};
use crate::units::{SimDuration, SimTime, Version};

/// The first back-off after a sync that found its cache stale (mechanics 4.1).
const STALE_BACKOFF: SimDuration = SimDuration::from_secs(1);
/// Retries before the key is dropped until its next event.
const MAX_RETRIES: u32 = 15;

/// What the controller calls itself back for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timer {
    /// The controller acts on a deletion.
    DeletionSeen(PodId),
    /// A batched event is due.
    Batched,
    /// A worker takes the key.
    Start,
    /// The sync has been computed.
    Computed,
    /// The write is stored; the slice without or with these pods is in force at the API server.
    Stored,
    /// The back-off after a stale cache is over.
    BackedOff,
}

/// The EndpointSlice controller.
#[derive(Debug)]
pub struct EndpointSliceController<'s> {
    scenario: &'s Scenario,
    draws: Draws<'s>,
    limiter: TokenBucket,
    queue: WorkQueue,
    pods: PodMap<PodObject>,
    /// Deleted pods that were delivered and not acted on yet.
    deleted: PodMap<PodObject>,
    /// What the controller last wrote, and what its informer last showed it.
    written: EndpointSliceObject,
    seen_generation: u32,
    /// Ready pods of the slice before the write under way.
    ready_before: Arc<[PodId]>,
    /// The endpoints as the sync under way finds them: a buffer.
    found: Vec<Endpoint>,
    retries: u32,
}

impl<'s> EndpointSliceController<'s> {
    /// A controller whose slice holds the old pods.
    pub fn new(scenario: &'s Scenario, draws: Draws<'s>, pods: &[PodObject]) -> Self {
        let mut controller = EndpointSliceController {
            scenario,
            draws,
            limiter: TokenBucket::new(20, 30),
            queue: WorkQueue::default(),
            pods: pods.iter().map(|pod| (pod.id, *pod)).collect(),
            deleted: PodMap::default(),
            written: EndpointSliceObject::new(Arc::from([]), 0),
            seen_generation: 0,
            ready_before: Arc::from([]),
            found: Vec::new(),
            retries: 0,
        };
        controller.find_endpoints();
        controller.written = EndpointSliceObject::new(controller.found.as_slice().into(), 0);
        controller
    }

    /// The slice as it stands at the start of the run.
    pub fn slice(&self) -> &EndpointSliceObject {
        &self.written
    }

    /// A pod changed, or one of the controller's own slices did.
    pub fn on_watch(&mut self, now: SimTime, object: &Object, out: &mut RoomOut<Timer>) {
        match object {
            Object::Pod(pod) => self.receive_pod(now, pod, out),
            Object::PodRemoved(pod) => {
                self.deleted.remove(pod);
                if self.pods.remove(pod).is_some() {
                    self.on_pod_event(now, out);
                }
            }
            Object::EndpointSlice(slice) => self.seen_generation = slice.generation,
            other => unreachable!("{:?} does not watch {other:?}", Watcher::EndpointSlice),
        }
    }

    /// One of the controller's own timers.
    pub fn on_timer(&mut self, now: SimTime, timer: Timer, out: &mut RoomOut<Timer>) {
        match timer {
            Timer::DeletionSeen(pod) => {
                if let Some(pod) = self.deleted.remove(&pod) {
                    self.see_pod(now, &pod, out);
                }
            }
            Timer::Batched | Timer::BackedOff => self.enqueue(now, out),
            Timer::Start => {
                self.queue.start();
                let compute = self.draw(DelayId::EpsSync);
                out.set_timer(0, now + compute, Timer::Computed);
            }
            Timer::Computed => self.sync(now, out),
            Timer::Stored => {
                self.record_changes(now, out);
                self.finish(now, out);
            }
        }
    }

    /// Without the EndpointSlice hop every delay of this room is zero.
    fn draw(&mut self, id: DelayId) -> SimDuration {
        self.draw_for(id, 0)
    }

    fn draw_for(&mut self, id: DelayId, entity: u64) -> SimDuration {
        if self.is_instant() { SimDuration::ZERO } else { self.draws.draw(id, entity) }
    }

    fn is_instant(&self) -> bool {
        self.scenario.without.has(Mechanism::EndpointSliceHop)
    }

    /// The first event that says deleted may take its time, and later ones of the pod with it.
    fn receive_pod(&mut self, now: SimTime, pod: &PodObject, out: &mut RoomOut<Timer>) {
        let known = self.pods.get(&pod.id).is_some_and(|before| before.deleted);
        if let Some(waiting) = self.deleted.get_mut(&pod.id) {
            *waiting = *pod;
            return;
        }
        let lag =
            if pod.deleted && !known { self.draw_for(DelayId::EpsDelSeen, pod.id.0.into()) } else { SimDuration::ZERO };
        if lag.is_zero() {
            self.see_pod(now, pod, out);
        } else {
            self.deleted.insert(pod.id, *pod);
            out.set_timer(0, now + lag, Timer::DeletionSeen(pod.id));
        }
    }

    fn see_pod(&mut self, now: SimTime, pod: &PodObject, out: &mut RoomOut<Timer>) {
        let before = self.pods.insert(pod.id, *pod);
        if pod.deleted && !before.is_some_and(|before| before.deleted) {
            out.record(Fact::Pod { at: now, pod: pod.id, event: PodEvent::EndpointsSeen });
        }
        let relevant = |pod: &PodObject| (pod.deleted, pod.ready, pod.has_ip, pod.phase.is_terminal());
        if before.as_ref().map(relevant) != Some(relevant(pod)) {
            self.on_pod_event(now, out);
        }
    }

    fn on_pod_event(&mut self, now: SimTime, out: &mut RoomOut<Timer>) {
        let batch = self.draw(DelayId::EpsBatch);
        if batch.is_zero() {
            self.enqueue(now, out);
        } else {
            out.set_timer(0, now + batch, Timer::Batched);
        }
    }

    fn enqueue(&mut self, now: SimTime, out: &mut RoomOut<Timer>) {
        if self.queue.add() {
            self.call_worker(now, out);
        }
    }

    fn call_worker(&mut self, now: SimTime, out: &mut RoomOut<Timer>) {
        let wait = self.draw(DelayId::QueueWait);
        out.set_timer(0, now + wait, Timer::Start);
    }

    fn finish(&mut self, now: SimTime, out: &mut RoomOut<Timer>) {
        if self.queue.done() {
            self.call_worker(now, out);
        }
    }

    fn sync(&mut self, now: SimTime, out: &mut RoomOut<Timer>) {
        if self.is_stale() {
            self.retry_later(now, out);
            return;
        }
        self.retries = 0;
        self.find_endpoints();
        if *self.found == *self.written.endpoints {
            self.finish(now, out);
            return;
        }
        let found = EndpointSliceObject::new(self.found.as_slice().into(), self.written.generation + 1);
        self.ready_before = std::mem::replace(&mut self.written, found).ready;
        let stored = self.limiter_take(now) + self.draw(DelayId::ApiWrite);
        out.send(0, stored, Msg::Write(Write::PutEndpointSlice(self.written.clone())));
        out.set_timer(0, stored, Timer::Stored);
    }

    fn limiter_take(&mut self, now: SimTime) -> SimTime {
        if self.is_instant() { now } else { self.limiter.take(now) }
    }

    /// Since 1.21: a sync that has not yet seen the controller's own last write in its informer fails (k/k#99345).
    fn is_stale(&self) -> bool {
        let checks = self.scenario.cluster.version >= Version::minor(21) && !self.is_instant();
        checks && self.seen_generation != self.written.generation
    }

    fn retry_later(&mut self, now: SimTime, out: &mut RoomOut<Timer>) {
        if self.retries < MAX_RETRIES {
            out.set_timer(0, now + STALE_BACKOFF * (1 << self.retries.min(6)), Timer::BackedOff);
            self.retries += 1;
        }
        self.finish(now, out);
    }

    /// The endpoints as the cached pods say. Up to 1.21 a terminating pod leaves the slice at once.
    fn find_endpoints(&mut self) {
        let keeps_terminating = self.scenario.cluster.version >= Version::minor(22);
        let endpoints = self
            .pods
            .values()
            .filter(|pod| pod.has_ip && !pod.phase.is_terminal() && (keeps_terminating || !pod.deleted))
            .map(|pod| Endpoint {
                pod: pod.id,
                conditions: conditions(pod.ready, pod.deleted, false),
                node: pod.node,
                hints: hints(self.scenario, pod.node),
            });
        self.found.clear();
        self.found.extend(endpoints);
    }

    fn record_changes(&mut self, now: SimTime, out: &mut RoomOut<Timer>) {
        let (before, after) = (&self.ready_before, &self.written.ready);
        let fact = |pod: PodId, event| Fact::Pod { at: now, pod, event };
        difference(after, before).for_each(|pod| out.record(fact(pod, PodEvent::EndpointIn)));
        difference(before, after).for_each(|pod| out.record(fact(pod, PodEvent::EndpointOut)));
    }
}
