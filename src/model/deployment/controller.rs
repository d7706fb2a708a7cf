//! The controller as a room: when it syncs, what it reads, what its calls cost.

use crate::engine::Tie;
use crate::ids::Revision;
use crate::model::api::{
    DeploymentObject, DeploymentStatus, Object, Phase, PodMap, PodObject, ProgressCondition, ProgressReason,
    ReplicaSetObject, RolloutState, TokenBucket, Watcher, WorkQueue, Write,
};
use crate::model::deployment::progress::{next_condition, requeue_stuck};
use crate::model::deployment::recreate::old_pods_running;
use crate::model::deployment::rolling::{Rolling, deployment_complete, resolve_fenceposts};
use crate::model::deployment::sync::{Decision, View, decide};
use crate::model::msg::{Draws, Msg, RoomOut};
use crate::model::spec::{DelayId, Scenario, Strategy};
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
    /// A call has returned; the next one follows.
    Called,
    /// All calls of the sync have returned.
    Done,
    /// The back-off after an error is over.
    BackedOff,
    /// The progress deadline may have passed.
    Recheck,
}

/// The Deployment controller.
#[derive(Debug)]
pub struct DeploymentController<'s> {
    scenario: &'s Scenario,
    draws: Draws<'s>,
    limiter: TokenBucket,
    queue: WorkQueue,
    deployment: DeploymentObject,
    replica_sets: [Option<ReplicaSetObject>; 2],
    /// Strategy Recreate only: the pods, of which version and in which phase.
    pods: PodMap<(Revision, Phase)>,
    written_status: Option<DeploymentStatus>,
    condition: Option<ProgressCondition>,
    /// ReplicaSets that were asked for, by template.
    created: [bool; 2],
    recheck: Option<(SimTime, Tie)>,
    /// What the sync under way has still to write, the next call last.
    calls: Vec<Write>,
    /// Condition Progressing says that the rollout is paused.
    says_paused: bool,
    /// The sync under way ends with an error.
    fails: bool,
    failures: u32,
}

impl<'s> DeploymentController<'s> {
    /// A controller whose caches hold the Deployment before the rollout.
    pub fn new(scenario: &'s Scenario, draws: Draws<'s>, old: ReplicaSetObject, pods: &[PodObject]) -> Self {
        DeploymentController {
            scenario,
            draws,
            limiter: TokenBucket::new(20, 30),
            queue: WorkQueue::default(),
            deployment: DeploymentObject::settled(scenario.deployment.replicas),
            replica_sets: [Some(old), None],
            pods: pods.iter().map(|pod| (pod.id, (pod.revision, pod.phase))).collect(),
            written_status: None,
            condition: Some(ProgressCondition {
                reason: ProgressReason::NewReplicaSetAvailable,
                updated: SimTime::ZERO,
            }),
            created: [true, false],
            recheck: None,
            calls: Vec::new(),
            says_paused: false,
            fails: false,
            failures: 0,
        }
    }

    /// The Deployment or a ReplicaSet changed; for the strategy Recreate, or a pod, of which only the end of the last
    /// starts a sync.
    pub fn on_watch(&mut self, now: SimTime, object: &Object, out: &mut RoomOut<Timer>) {
        match object {
            Object::Deployment(deployment) => self.deployment = *deployment,
            Object::ReplicaSet(set) => self.replica_sets[set.revision as usize] = Some(*set),
            Object::Pod(pod) => {
                self.pods.insert(pod.id, (pod.revision, pod.phase));
                return;
            }
            Object::PodRemoved(pod) => {
                self.pods.remove(pod);
                if !self.pods.is_empty() {
                    return;
                }
            }
            other => unreachable!("{:?} does not watch {other:?}", Watcher::Deployment),
        }
        self.enqueue(now, out);
    }

    /// The API server refused a write to a ReplicaSet: this sync ends with an error, and writes nothing more.
    pub fn on_conflict(&mut self) {
        self.calls.clear();
        self.fails = true;
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
            Timer::Called => self.next_call(now, out),
            Timer::Done => self.finish(now, out),
            Timer::BackedOff => self.enqueue(now, out),
            Timer::Recheck => {
                self.recheck = None;
                self.enqueue(now, out);
            }
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
        let view = self.view();
        self.calls = if self.has_unseen_pause() {
            self.fails = true;
            Vec::new()
        } else if let Some(number) = self.numbering(&view) {
            vec![number.clone(), number]
        } else {
            self.writes(now, &view, out)
        };
        self.calls.reverse();
        self.next_call(now, out);
    }

    /// A pause, or its end, is told in the status before anything is scaled; that write conflicts, and the sync ends with an error,
    /// while the cache lacks the controller's last status. Source: sync.go checkPausedConditions.
    fn has_unseen_pause(&self) -> bool {
        let lacks = self.written_status.is_some_and(|written| written != self.deployment.status);
        self.deployment.paused != self.says_paused && lacks
    }

    /// The ReplicaSet of the template in force has the greatest revision number; one gone back to has not, until it is given it. Upstream
    /// writes the annotation where it asks whether to scale, and again, from the same cache, where it rolls, which conflicts: the sync
    /// ends with an error, and so do those after it, at their first write, until the cache has the annotation. As one watch tells of all ReplicaSets in
    /// order, it then has all that this controller wrote before. Source: sync.go getNewReplicaSet, by isScalingEvent and by
    /// rolloutRolling or rolloutRecreate. Left out: a paused sync has no second write, and goes on.
    fn numbering(&self, view: &View) -> Option<Write> {
        let (new, old) = (view.new_set()?, view.old_set()?);
        let (revision, number) = (view.template, old.number + 1);
        (new.number < number).then_some(Write::NumberReplicaSet { revision, number, seen: new.version })
    }

    /// What the sync writes, in order: each call follows when the one before has returned.
    fn writes(&mut self, now: SimTime, view: &View, out: &mut RoomOut<Timer>) -> Vec<Write> {
        let mut calls = Vec::new();
        if std::mem::replace(&mut self.says_paused, view.paused) != view.paused {
            calls.push(Write::DeploymentStatus { status: self.deployment.status, state: RolloutState::UnderWay });
        }
        let decision = self.without_repetition(decide(view));
        let (desired, surge) = (view.rolling.desired, view.rolling.fenceposts.surge);
        if let Some(replicas) = decision.create {
            self.created[view.template as usize] = true;
            self.condition = Some(ProgressCondition { reason: ProgressReason::Progressing, updated: now });
            calls.push(Write::CreateReplicaSet { revision: view.template, replicas, desired, surge });
        }
        let sized =
            [view.template, view.template.other()].map(|revision| (revision, decision.sizes[revision as usize]));
        calls.extend(sized.into_iter().filter_map(|(revision, size)| self.scale(revision, size?, (desired, surge))));
        calls.extend(self.status_to_write(now, view, out));
        calls
    }

    /// One API call: waits for the client's rate limit, then for the write. Without another the sync is done.
    fn next_call(&mut self, now: SimTime, out: &mut RoomOut<Timer>) {
        let Some(write) = self.calls.pop() else {
            out.set_timer(0, now, Timer::Done);
            return;
        };
        if let Write::DeploymentStatus { status, .. } = write {
            self.written_status = Some(status);
        }
        let at = self.limiter.take(now) + self.draws.draw(DelayId::ApiWrite, 0);
        out.send(0, at, Msg::Write(write));
        out.set_timer(0, at, Timer::Called);
    }

    /// A ReplicaSet that was asked for and is not in the cache yet is not asked for again.
    fn without_repetition(&self, decision: Decision) -> Decision {
        let waits = decision.create.is_some() && self.created[self.deployment.template as usize];
        if waits { Decision::default() } else { decision }
    }

    fn view(&self) -> View {
        let (spec, desired) = (&self.scenario.deployment, self.deployment.desired);
        let fenceposts = resolve_fenceposts(Some(spec.max_surge), Some(spec.max_unavailable), desired);
        let strategy = self.scenario.strategy();
        View {
            strategy,
            rolling: Rolling { desired, fenceposts },
            paused: self.deployment.paused,
            template: self.deployment.template,
            sets: self.replica_sets,
            counts_terminating: spec.replaces_after_termination(),
            old_pods_running: strategy == Strategy::Recreate && self.old_pods_running(),
        }
    }

    fn old_pods_running(&self) -> bool {
        let old = self.deployment.template.other();
        let reported = self.replica_sets[old as usize].map(|set| set.status.replicas);
        let phases = self.pods.values().filter(|(revision, _)| *revision == old).map(|(_, phase)| *phase);
        old_pods_running(reported, phases)
    }

    fn finish(&mut self, now: SimTime, out: &mut RoomOut<Timer>) {
        if std::mem::take(&mut self.fails) {
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

    fn scale(&self, revision: Revision, replicas: u32, (desired, surge): (u32, u32)) -> Option<Write> {
        let seen = self.replica_sets[revision as usize]?.version;
        Some(Write::ScaleReplicaSet { revision, replicas, desired, surge, seen })
    }

    /// The status, if it differs from the last one written, or if the deadline has passed.
    fn status_to_write(&mut self, now: SimTime, view: &View, out: &mut RoomOut<Timer>) -> Option<Write> {
        let status = self.status();
        let timed_out = self.deadline_passes(now, view, &status);
        if self.written_status == Some(status) && !timed_out {
            self.recheck_later(now, view, &status, out);
            return None;
        }
        let rolled = self.replica_sets[Revision::New as usize].is_some();
        let settled = !self.scenario.deployment.replaces_after_termination() || status.terminating == 0;
        let state = if rolled && settled && deployment_complete(view.rolling.desired, &status) {
            RolloutState::Complete
        } else if timed_out {
            RolloutState::DeadlineExceeded
        } else {
            RolloutState::UnderWay
        };
        Some(Write::DeploymentStatus { status, state })
    }

    /// Brings the condition up to date, and says whether it has just become ProgressDeadlineExceeded. A pause resets it.
    fn deadline_passes(&mut self, now: SimTime, view: &View, status: &DeploymentStatus) -> bool {
        let exceeded = |condition: Option<ProgressCondition>| {
            condition.is_some_and(|condition| condition.reason == ProgressReason::DeadlineExceeded)
        };
        let before = exceeded(self.condition);
        self.condition = if view.paused {
            Some(ProgressCondition { reason: ProgressReason::Progressing, updated: now })
        } else {
            let written = self.written_status.unwrap_or(*status);
            let states = (view.rolling.desired, &written, status);
            next_condition(self.scenario.deployment.progress_deadline, self.condition.as_ref(), states, now)
        };
        exceeded(self.condition) && !before
    }

    /// A sync that finds no news looks again when the deadline is over, if the run lasts so long.
    fn recheck_later(&mut self, now: SimTime, view: &View, status: &DeploymentStatus, out: &mut RoomOut<Timer>) {
        let deadline = self.scenario.deployment.progress_deadline;
        if view.paused || deadline > self.scenario.horizon() {
            return;
        }
        let state = (view.rolling.desired, status);
        let Some(left) = requeue_stuck(Some(deadline), self.condition.as_ref(), state, now) else { return };
        let at = now + left + SimDuration::from_secs(1);
        match self.recheck {
            Some((earlier, _)) if earlier <= at => return,
            Some((_, timer)) => out.cancel(timer),
            None => {}
        }
        self.recheck = Some((at, out.set_timer(0, at, Timer::Recheck)));
    }

    fn status(&self) -> DeploymentStatus {
        let sum = |of: fn(&ReplicaSetObject) -> u32| self.replica_sets.iter().flatten().map(of).sum();
        DeploymentStatus {
            replicas: sum(|set| set.status.replicas),
            updated: self.replica_sets[self.deployment.template as usize].map_or(0, |set| set.status.replicas),
            ready: sum(|set| set.status.ready),
            available: sum(|set| set.status.available),
            terminating: sum(|set| set.status.terminating),
        }
    }
}
