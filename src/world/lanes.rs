//! The fast driver: connections on which nothing happens but their own requests go on by themselves, pod by pod.
//!
//! What such a connection ([`Lane`]) meets is its pod's queue alone, so lanes of different pods need no common order: each
//! pod is run up to the next moment at which anything else can happen, which is a control event, the wake of a slot that
//! the plain driver has, or the horizon before which no lane can end. Counts are sums and digests have no order, so the
//! results are those of the plain driver ([`path`](super::path)) byte for byte, which a test keeps.

use crate::engine::{Slots, WakeQueue, Wakes};
use crate::ids::PodId;
use crate::model::server::{Pool, Servers};
use crate::units::{SimDuration, SimTime};
use crate::world::lane::Lane;
use crate::world::path::Path;
use crate::world::slot::Slot;

/// All lanes.
#[derive(Debug)]
pub(super) struct Lanes {
    /// By slot.
    lanes: Vec<Option<Lane>>,
    /// By pod: its lanes in the order of their wakes.
    pods: Vec<WakeQueue>,
    /// By pod: the first wake of its lanes.
    next: Slots,
    /// No lane ends by itself before.
    horizon: SimTime,
    /// Pods that are being run.
    due: Vec<u32>,
}

impl Lanes {
    pub(super) fn new() -> Self {
        Lanes { lanes: Vec::new(), pods: Vec::new(), next: Slots::new(1), horizon: SimTime::MAX, due: Vec::new() }
    }

    /// When the next lane wakes.
    #[inline]
    pub(super) fn next(&self) -> SimTime {
        self.next.next().0
    }

    /// The slot, which wakes next at `at`, goes on as a lane if it can.
    pub(super) fn enter(&mut self, slot: &mut Slot<'_>, path: &mut Path<'_>) {
        let (index, at) = (slot.index as usize, path.wakes.at(slot.index));
        let Some(lane) = Lane::enter(slot, at, path) else { return };
        let (pod, horizon) = (lane.pod.index(), lane.horizon(path));
        if horizon <= at {
            slot.luck = lane.into_luck();
            return;
        }
        self.horizon = self.horizon.min(horizon);
        if self.lanes.len() <= index {
            self.lanes.resize_with(index + 1, || None);
        }
        if self.pods.len() <= pod {
            self.pods.resize_with(pod + 1, WakeQueue::default);
        }
        self.lanes[index] = Some(lane);
        self.pods[pod].push(at, slot.index);
        self.set_next(pod);
        path.wakes.set(slot.index, SimTime::MAX);
    }

    fn set_next(&mut self, pod: usize) {
        let next = self.pods[pod].first().map_or(SimTime::MAX, |first| first.at);
        self.next.set(pod as u32, next);
    }

    /// The slots of a pod's lanes get them back.
    pub(super) fn leave_pod<'s>(&mut self, pod: PodId, slots: &mut [Slot<'s>], path: &mut Path<'s>) {
        let Some(queue) = self.pods.get_mut(pod.index()) else { return };
        while let Some((at, index)) = queue.take_any() {
            give_back(self.lanes[index as usize].take(), at, &mut slots[index as usize], path);
        }
        self.next.set(pod.0, SimTime::MAX);
    }

    /// All slots get their lanes back.
    pub(super) fn leave_all<'s>(&mut self, slots: &mut [Slot<'s>], path: &mut Path<'s>) {
        (0..self.pods.len()).for_each(|pod| self.leave_pod(PodId(pod as u32), slots, path));
    }

    /// Runs the lanes that wake before `until`, a time and a slot. Stops earlier and says so if a slot got its lane back:
    /// that one may be the next to wake.
    pub(super) fn run<'s>(
        &mut self,
        until: (SimTime, u32),
        slots: &mut [Slot<'s>],
        path: &mut Path<'s>,
        servers: &mut Servers<'s>,
    ) -> bool {
        loop {
            let end = until.min((self.horizon, 0));
            self.take_due(end.0);
            if self.run_taken(end, slots, path, servers) {
                return true;
            }
            if end == until {
                return false;
            }
            if self.look_ahead(end.0, slots, path) {
                return true;
            }
        }
    }

    /// Runs the lanes of one pod up to `now`: something is about to happen there.
    pub(super) fn catch_up<'s>(
        &mut self,
        now: SimTime,
        pod: PodId,
        slots: &mut [Slot<'s>],
        path: &mut Path<'s>,
        servers: &mut Servers<'s>,
    ) {
        if self.may_wait(now, path) {
            self.run_alone(pod, (now, 0), slots, path, servers);
        } else if self.wakes_before(pod, (now, 0)) {
            self.run((now, 0), slots, path, servers);
        }
    }

    fn wakes_before(&self, pod: PodId, until: (SimTime, u32)) -> bool {
        let first = self.pods.get(pod.index()).and_then(WakeQueue::first);
        first.is_some_and(|first| (first.at, first.number) < until)
    }

    /// Runs the lanes of one pod that wake before `until`, which is before the horizon: those of the others may wait. Says whether
    /// a slot got its lane back.
    pub(super) fn run_alone<'s>(
        &mut self,
        pod: PodId,
        until: (SimTime, u32),
        slots: &mut [Slot<'s>],
        path: &mut Path<'s>,
        servers: &mut Servers<'s>,
    ) -> bool {
        if !self.wakes_before(pod, until) {
            return false;
        }
        self.due.push(pod.0);
        self.run_taken(until, slots, path, servers)
    }

    /// Until then nothing asks for the lanes, if they may be skipped: no end of a connection, no end of the run.
    #[inline]
    pub(super) fn may_wait(&self, until: SimTime, path: &Path<'_>) -> bool {
        path.window.is_some() && until < self.horizon && until < path.stop
    }

    /// Skips what is quiet on a pod before `end`, but for a window in which all queues forget how they were.
    fn skip(&mut self, pod: u32, end: SimTime, window: SimDuration, path: &mut Path<'_>, servers: &mut Servers<'_>) {
        let target = end.min(path.stop).saturating_sub(window);
        while let Some(first) = self.pods[pod as usize].first()
            && first.at < target
        {
            if self.is_on_schedule(pod) {
                self.skip_to(pod, target, path);
                return;
            }
            // A connection that is behind sends as fast as it can, and that is simulated.
            if self.run_pod(pod, ((first.at + window).min(target), 0), path, servers).is_some() {
                return;
            }
        }
    }

    fn is_on_schedule(&self, pod: u32) -> bool {
        let lane = |index: u32| self.lanes[index as usize].as_ref();
        self.pods[pod as usize].numbers().all(|index| lane(index).is_none_or(Lane::is_on_schedule))
    }

    fn skip_to(&mut self, pod: u32, target: SimTime, path: &mut Path<'_>) {
        let Lanes { pods, lanes, .. } = self;
        pods[pod as usize].put_off_all(|at, index| {
            let skipped = lanes[index as usize].as_mut().and_then(|lane| lane.skip(target, path));
            skipped.unwrap_or(at)
        });
    }

    /// Notes the pods with lanes that wake by then.
    fn take_due(&mut self, by: SimTime) {
        while let (at, pod) = self.next.next()
            && at <= by
            && !at.is_never()
        {
            self.due.push(pod);
            self.next.set(pod, SimTime::MAX);
        }
    }

    /// Runs the lanes of the pods noted. Says whether a slot got its lane back.
    fn run_taken<'s>(
        &mut self,
        end: (SimTime, u32),
        slots: &mut [Slot<'s>],
        path: &mut Path<'s>,
        servers: &mut Servers<'s>,
    ) -> bool {
        let given_back = self.leave_stopping(slots, path, servers) || self.run_due(end, slots, path, servers);
        while let Some(pod) = self.due.pop() {
            self.set_next(pod as usize);
        }
        given_back
    }

    /// The plain driver sees to the ends of connections. Says whether there are any.
    fn leave_stopping<'s>(&mut self, slots: &mut [Slot<'s>], path: &mut Path<'s>, servers: &mut Servers<'s>) -> bool {
        let mut given_back = false;
        for place in 0..self.due.len() {
            let pod = PodId(self.due[place]);
            if servers.reading(pod).is_none() {
                self.leave_pod(pod, slots, path);
                given_back = true;
            }
        }
        given_back
    }

    /// Says whether a slot got its lane back.
    fn run_due<'s>(
        &mut self,
        end: (SimTime, u32),
        slots: &mut [Slot<'s>],
        path: &mut Path<'s>,
        servers: &mut Servers<'s>,
    ) -> bool {
        let mut given_back = false;
        for place in 0..self.due.len() {
            let pod = self.due[place];
            if let Some(window) = path.window {
                self.skip(pod, end.0, window, path, servers);
            }
            if let Some((at, index)) = self.run_pod(pod, end, path, servers) {
                self.pods[pod as usize].remove(index);
                give_back(self.lanes[index as usize].take(), at, &mut slots[index as usize], path);
                given_back = true;
            }
        }
        given_back
    }

    /// Runs the lanes of one pod. Says which lane its slot must take over, and when it wakes.
    fn run_pod(
        &mut self,
        pod: u32,
        end: (SimTime, u32),
        path: &mut Path<'_>,
        servers: &mut Servers<'_>,
    ) -> Option<(SimTime, u32)> {
        let queue = &mut self.pods[pod as usize];
        let workers = servers.reading(PodId(pod))?;
        // Each shape has a loop of its own, which does not ask for the shape at every request.
        match workers.only() {
            Some(only) => run_queue(&mut self.lanes, queue, end, path, only),
            None => run_queue(&mut self.lanes, queue, end, path, workers),
        }
    }

    /// The horizon is reached: it lies further ahead by now, but for lanes that end there; those go back. Says whether there
    /// are any.
    fn look_ahead<'s>(&mut self, reached: SimTime, slots: &mut [Slot<'s>], path: &mut Path<'s>) -> bool {
        self.horizon = SimTime::MAX;
        let mut given_back = false;
        for (lane, slot) in self.lanes.iter_mut().zip(slots) {
            let Some((pod, horizon)) = lane.as_ref().map(|lane| (lane.pod, lane.horizon(path))) else { continue };
            if horizon > reached {
                self.horizon = self.horizon.min(horizon);
                continue;
            }
            let queue = &mut self.pods[pod.index()];
            give_back(lane.take(), queue.remove(slot.index), slot, path);
            self.next.set(pod.0, queue.first().map_or(SimTime::MAX, |first| first.at));
            given_back = true;
        }
        given_back
    }
}

fn run_queue(
    lanes: &mut [Option<Lane>],
    queue: &mut WakeQueue,
    end: (SimTime, u32),
    path: &mut Path<'_>,
    pool: &mut impl Pool,
) -> Option<(SimTime, u32)> {
    if let Some(mut few) = queue.few::<4>() {
        return run_lanes(lanes, &mut few, end, path, pool);
    }
    match queue.few::<8>() {
        Some(mut few) => run_lanes(lanes, &mut few, end, path, pool),
        None => run_lanes(lanes, queue, end, path, pool),
    }
}

/// Runs the lanes of `queue` up to `end`. Says which of them its slot must take over, and when it wakes.
#[inline(never)]
fn run_lanes(
    lanes: &mut [Option<Lane>],
    queue: &mut impl Wakes,
    end: (SimTime, u32),
    path: &mut Path<'_>,
    pool: &mut impl Pool,
) -> Option<(SimTime, u32)> {
    loop {
        let first = queue.first()?;
        if first.at >= end.0 && (first.at > end.0 || first.number >= end.1) {
            return None;
        }
        match lanes[first.number as usize].as_mut()?.wake(first.at, path, pool) {
            Some(next) => queue.put_off(first, next),
            None => return Some((first.at, first.number)),
        }
    }
}

fn give_back<'s>(lane: Option<Lane>, at: SimTime, slot: &mut Slot<'s>, path: &mut Path<'s>) {
    if let Some(lane) = lane {
        lane.leave(slot, path);
        path.wakes.set(slot.index, at);
    }
}
