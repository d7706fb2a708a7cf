//! The controller as a room: when it syncs, what it reads, what its calls cost.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::Tie;
use crate::ids::{NodeId, PodId, Revision};
use crate::model::api::{
    Object, PodMap, PodObject, ReplicaSetObject, ReplicaSetStatus, TokenBucket, Watcher, WorkQueue, Write,
};
use crate::model::msg::{Draws, Msg, RoomOut};
use crate::model::replicaset::deletion::{AgeOrder, DeletionCandidate, pods_to_delete, slow_start_batches};
use crate::model::spec::{DelayId, Scenario};
use crate::units::{SimDuration, SimTime, Version};

/// At most so many creates or deletes in one sync (replica_set.go BurstReplicas).
const BURST_REPLICAS: usize = 500;

/// What the controller calls itself back for, each for the ReplicaSet of a revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timer {
    /// A worker takes the key.
    Start(Revision),
    /// The sync has been computed from what the caches hold.
    Computed(Revision),
    /// The next batch of creates begins, the one before having returned.
    NextBatch(Revision),
    /// All calls of the sync have returned.
    Done(Revision),
    /// A pod may have become available by age.
    Recheck(Revision),
}

/// The state the controller keeps for one ReplicaSet.
#[derive(Debug, Default)]
struct Key {
    set: Option<ReplicaSetObject>,
    queue: WorkQueue,
    pending_creates: BTreeSet<PodId>,
    pending_deletes: BTreeSet<PodId>,
    written: Option<ReplicaSetStatus>,
    /// Batches of creates that the sync under way has still to make, the next one last; then it writes `found`.
    batches: Vec<usize>,
    found: ReplicaSetStatus,
    /// When the key is queued again for pods that become available by age: one timer, the earliest asked for.
    recheck: Option<(SimTime, Tie)>,
}

/// The ReplicaSet controller.
#[derive(Debug)]
pub struct ReplicaSetController<'s> {
    scenario: &'s Scenario,
    draws: Draws<'s>,
    limiter: TokenBucket,
    keys: [Key; 2],
    pods: PodMap<PodObject>,
    /// The active pods of the ReplicaSet whose sync is under way: a buffer.
    active: Vec<PodObject>,
    next_pod: u32,
    /// Where in a wall-clock second the run began: times in objects have whole seconds.
    second_phase: SimDuration,
}

impl<'s> ReplicaSetController<'s> {
    /// A controller whose caches hold the old ReplicaSet and its pods.
    pub fn new(scenario: &'s Scenario, mut draws: Draws<'s>, old: ReplicaSetObject, pods: &[PodObject]) -> Self {
        let phase = draws.streams().get("second_phase", 0).uniform();
        let mut keys = [Key::default(), Key::default()];
        keys[0] = Key { set: Some(old), written: Some(old.status), ..Key::default() };
        ReplicaSetController {
            scenario,
            draws,
            limiter: TokenBucket::new(20, 30),
            keys,
            pods: pods.iter().map(|pod| (pod.id, *pod)).collect(),
            active: Vec::new(),
            next_pod: scenario.deployment.replicas,
            second_phase: SimDuration::from_secs_f64_rounded(phase),
        }
    }

    /// A ReplicaSet or a pod changed.
    pub fn on_watch(&mut self, now: SimTime, object: &Object, out: &mut RoomOut<Timer>) {
        let revision = match object {
            Object::ReplicaSet(set) => {
                self.keys[set.revision as usize].set = Some(*set);
                set.revision
            }
            Object::Pod(pod) => self.see_pod(now, pod, out),
            Object::PodRemoved(pod) => match self.pods.remove(pod) {
                Some(pod) => pod.revision,
                None => return,
            },
            other => unreachable!("{:?} does not watch {other:?}", Watcher::ReplicaSet),
        };
        self.enqueue(now, revision, out);
    }

    /// One of the controller's own timers.
    pub fn on_timer(&mut self, now: SimTime, timer: Timer, out: &mut RoomOut<Timer>) {
        match timer {
            Timer::Start(revision) => {
                self.keys[revision as usize].queue.start();
                let compute = self.draws.draw(DelayId::RsSync, revision as u64);
                out.set_timer(revision as u32, now + compute, Timer::Computed(revision));
            }
            Timer::Computed(revision) => self.sync(now, revision, out),
            Timer::NextBatch(revision) => self.next_batch(now, revision, out),
            Timer::Done(revision) => {
                if self.keys[revision as usize].queue.done() {
                    self.call_worker(now, revision, out);
                }
            }
            Timer::Recheck(revision) => {
                self.keys[revision as usize].recheck = None;
                self.enqueue(now, revision, out);
            }
        }
    }

    fn see_pod(&mut self, now: SimTime, pod: &PodObject, out: &mut RoomOut<Timer>) -> Revision {
        let before = self.pods.insert(pod.id, *pod);
        let key = &mut self.keys[pod.revision as usize];
        key.pending_creates.remove(&pod.id);
        if pod.deleted {
            key.pending_deletes.remove(&pod.id);
        }
        let became_ready = pod.ready && before.is_some_and(|before| !before.ready);
        if became_ready {
            self.recheck_after_ready(now, pod.revision, out);
        }
        pod.revision
    }

    /// Up to 1.33 a pod that becomes Ready is looked at again `minReadySeconds` + 1 s later (mechanics 1.5).
    fn recheck_after_ready(&mut self, now: SimTime, revision: Revision, out: &mut RoomOut<Timer>) {
        if self.rechecks_by_timer() {
            let after = self.scenario.deployment.min_ready + SimDuration::from_secs(1);
            self.recheck_at(now + after, revision, out);
        }
    }

    fn rechecks_by_timer(&self) -> bool {
        !self.scenario.deployment.min_ready.is_zero() && self.scenario.cluster.version < Version::minor(34)
    }

    /// A work queue keeps one delayed entry a key, the earliest.
    fn recheck_at(&mut self, at: SimTime, revision: Revision, out: &mut RoomOut<Timer>) {
        let key = &mut self.keys[revision as usize];
        match key.recheck {
            Some((earlier, _)) if earlier <= at => return,
            Some((_, timer)) => out.cancel(timer),
            None => {}
        }
        key.recheck = Some((at, out.set_timer(revision as u32, at, Timer::Recheck(revision))));
    }

    fn enqueue(&mut self, now: SimTime, revision: Revision, out: &mut RoomOut<Timer>) {
        if self.keys[revision as usize].queue.add() {
            self.call_worker(now, revision, out);
        }
    }

    fn call_worker(&mut self, now: SimTime, revision: Revision, out: &mut RoomOut<Timer>) {
        let wait = self.draws.draw(DelayId::QueueWait, revision as u64);
        out.set_timer(revision as u32, now + wait, Timer::Start(revision));
    }

    fn sync(&mut self, now: SimTime, revision: Revision, out: &mut RoomOut<Timer>) {
        let key = &self.keys[revision as usize];
        let Some(set) = key.set else {
            out.set_timer(revision as u32, now, Timer::Done(revision));
            return;
        };
        let mut active = std::mem::take(&mut self.active);
        active.clear();
        active.extend(self.pods.values().filter(|pod| pod.revision == revision && pod.is_active()));
        let status = self.status(now, revision, &active);
        self.recheck_later(now, revision, set.replicas, &status, &active, out);
        self.keys[revision as usize].found = status;
        let key = &self.keys[revision as usize];
        let expects_nothing = key.pending_creates.is_empty() && key.pending_deletes.is_empty();
        let desired = set.replicas as usize;
        if expects_nothing && active.len() < desired {
            let mut batches = slow_start_batches((desired - active.len()).min(BURST_REPLICAS), 1);
            batches.reverse();
            self.keys[revision as usize].batches = batches;
            self.next_batch(now, revision, out);
        } else {
            let surplus = if expects_nothing { active.len() - desired } else { 0 };
            let at = self.delete(now, revision, surplus.min(BURST_REPLICAS), &active, out);
            self.end_sync(at, revision, out);
        }
        self.active = active;
    }

    /// The status as found before the creates or deletes is written after them.
    fn end_sync(&mut self, at: SimTime, revision: Revision, out: &mut RoomOut<Timer>) {
        let at = self.write_status(at, revision, self.keys[revision as usize].found, out);
        out.set_timer(revision as u32, at, Timer::Done(revision));
    }

    /// Slow start: the calls of a batch are concurrent, and the next batch asks for its tokens only when all of them have
    /// returned.
    fn next_batch(&mut self, now: SimTime, revision: Revision, out: &mut RoomOut<Timer>) {
        let Some(batch) = self.keys[revision as usize].batches.pop() else {
            self.end_sync(now, revision, out);
            return;
        };
        let returned = (0..batch).map(|_| self.create_pod(now, revision, out)).max().unwrap_or(now);
        out.set_timer(revision as u32, returned, Timer::NextBatch(revision));
    }

    fn create_pod(&mut self, at: SimTime, revision: Revision, out: &mut RoomOut<Timer>) -> SimTime {
        let pod = PodId(self.next_pod);
        self.next_pod += 1;
        self.keys[revision as usize].pending_creates.insert(pod);
        let uid = self.draws.streams().get("uid", pod.0.into()).bits();
        self.call(at, revision, pod.0.into(), Write::CreatePod { pod, revision, node: None, uid }, out)
    }

    fn delete(
        &mut self,
        now: SimTime,
        revision: Revision,
        count: usize,
        active: &[PodObject],
        out: &mut RoomOut<Timer>,
    ) -> SimTime {
        if count == 0 {
            return now;
        }
        let candidates: Vec<_> = active.iter().map(|pod| self.candidate(now, pod)).collect();
        let ages = AgeOrder::of(self.scenario.cluster.version);
        let crowd = self.active_by_node();
        let doomed = pods_to_delete(&candidates, count, ages, |node| crowd.get(&node).copied().unwrap_or(0));
        let mut done = now;
        for pod in doomed {
            self.keys[revision as usize].pending_deletes.insert(pod);
            done = done.max(self.call(now, revision, pod.0.into(), Write::DeletePod { pod }, out));
        }
        done
    }

    /// Active pods of any ReplicaSet of the Deployment on each node.
    fn active_by_node(&self) -> BTreeMap<NodeId, u32> {
        let mut crowd = BTreeMap::new();
        for node in self.pods.values().filter(|pod| pod.is_active()).filter_map(|pod| pod.node) {
            *crowd.entry(node).or_insert(0) += 1;
        }
        crowd
    }

    fn candidate(&self, now: SimTime, pod: &PodObject) -> DeletionCandidate {
        DeletionCandidate {
            id: pod.id,
            node: pod.node,
            phase: pod.phase,
            ready: pod.ready,
            deletion_cost: 0,
            ready_age: pod.ready_since.map(|since| self.whole_second_age(now, since.age(now))),
            restarts: 0,
            created_age: Some(self.whole_second_age(now, pod.created.age(now))),
            uid: pod.uid,
        }
    }

    /// The age since a moment whose stamp is truncated to the whole second.
    fn whole_second_age(&self, now: SimTime, age: SimDuration) -> SimDuration {
        const SECOND: u64 = 1_000_000_000;
        // A day of lead keeps the difference positive for moments before the run.
        let clock = now.as_nanos() + self.second_phase.as_nanos() + 86_400 * SECOND;
        let fraction = (clock.saturating_sub(age.as_nanos())) % SECOND;
        age + SimDuration::from_nanos(fraction)
    }

    /// One API call: waits for the client's rate limit, then for the write. Returns when the call returns.
    fn call(
        &mut self,
        at: SimTime,
        revision: Revision,
        entity: u64,
        write: Write,
        out: &mut RoomOut<Timer>,
    ) -> SimTime {
        let at = self.limiter.take(at) + self.draws.draw(DelayId::ApiWrite, entity);
        out.send(revision as u32, at, Msg::Write(write));
        at
    }

    fn status(&self, now: SimTime, revision: Revision, active: &[PodObject]) -> ReplicaSetStatus {
        let count = |of: &dyn Fn(&PodObject) -> bool| active.iter().filter(|pod| of(pod)).count() as u32;
        ReplicaSetStatus {
            replicas: active.len() as u32,
            ready: count(&|pod| pod.ready),
            available: count(&|pod| self.is_available(now, pod)),
            terminating: if self.scenario.counts_terminating() { self.terminating(revision) } else { 0 },
        }
    }

    /// Pods being deleted that have not ended.
    fn terminating(&self, revision: Revision) -> u32 {
        let terminates = |pod: &&PodObject| pod.revision == revision && pod.deleted && !pod.phase.is_terminal();
        self.pods.values().filter(terminates).count() as u32
    }

    fn is_available(&self, now: SimTime, pod: &PodObject) -> bool {
        let min_ready = self.scenario.deployment.min_ready;
        let ready_age = pod.ready_since.map(|since| self.whole_second_age(now, since.age(now)));
        pod.ready && (min_ready.is_zero() || ready_age.is_some_and(|age| age > min_ready))
    }

    fn write_status(
        &mut self,
        at: SimTime,
        revision: Revision,
        status: ReplicaSetStatus,
        out: &mut RoomOut<Timer>,
    ) -> SimTime {
        if self.keys[revision as usize].written == Some(status) {
            return at;
        }
        self.keys[revision as usize].written = Some(status);
        let entity = (1 << 24) | revision as u64;
        self.call(at, revision, entity, Write::ReplicaSetStatus { revision, status }, out)
    }

    /// Arranges the next look at pods that are Ready but not available yet. Since 1.34 at the exact moment at which one
    /// becomes so (k/k#132121); before, if all desired are ready, `minReadySeconds` later.
    fn recheck_later(
        &mut self,
        now: SimTime,
        revision: Revision,
        desired: u32,
        status: &ReplicaSetStatus,
        active: &[PodObject],
        out: &mut RoomOut<Timer>,
    ) {
        let min_ready = self.scenario.deployment.min_ready;
        if self.rechecks_by_timer() && status.ready == desired && status.available != desired {
            self.recheck_at(now + min_ready, revision, out);
        }
        if self.scenario.cluster.version >= Version::minor(34)
            && let Some(left) = active.iter().filter_map(|pod| self.until_available(now, pod)).min()
        {
            self.recheck_at(now + left + SimDuration::from_nanos(1), revision, out);
        }
    }

    /// How long until a pod that is Ready becomes available.
    fn until_available(&self, now: SimTime, pod: &PodObject) -> Option<SimDuration> {
        let age = self.whole_second_age(now, pod.ready_since?.age(now));
        let waits = pod.ready && !self.is_available(now, pod);
        waits.then(|| self.scenario.deployment.min_ready.saturating_sub(age))
    }
}
