//! What `[[faults]]`, and a rollout that is no change of the template, do to the cluster, each at its time.

use crate::engine::{StreamKey, Tie};
use crate::ids::{NodeId, PodId, Revision};
use crate::model::api::{Watcher, Write};
use crate::model::msg::Msg;
use crate::model::spec::{FaultKind, RolloutKind, Scenario};
use crate::units::{SimDuration, SimTime};
use crate::world::{Event, World, rank};

/// Something that no message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The rollout begins, which is another way for pods to leave.
    PodsLeave,
    /// No controller acts for this long.
    LeaderLost(SimDuration),
    /// API calls and watches take so many times as long from now on.
    ApiSlows(u32),
}

/// Whether a fault may leave fewer pods ready than a rolling update promises. A rollback makes old pods the new ones, whose
/// availability, as last written, may count some that were condemned a moment before.
pub(super) fn takes(kind: FaultKind) -> bool {
    match kind {
        FaultKind::Scale { .. }
        | FaultKind::Rollback
        | FaultKind::NodeDrain { .. }
        | FaultKind::PodDelete { .. }
        | FaultKind::Hang { .. }
        | FaultKind::SpotNotice { .. } => true,
        FaultKind::Pause | FaultKind::Resume | FaultKind::LeaderFailover { .. } | FaultKind::ApiSlowness { .. } => {
            false
        }
    }
}

/// Whether API calls may become slower.
pub(super) fn slows(scenario: &Scenario) -> bool {
    scenario.all_faults().any(|kind| matches!(kind, FaultKind::ApiSlowness { .. }))
}

/// The controllers, which act only while there is a leader.
fn is_of_a_controller(event: &Event) -> bool {
    match event {
        Event::Deployment(_)
        | Event::ReplicaSet(_)
        | Event::Sets(_)
        | Event::Endpoints(_)
        | Event::Disruption(_)
        | Event::Autoscaler(_) => true,
        Event::Deliver(Msg::Watched { watcher, .. }) => {
            matches!(watcher, Watcher::Deployment | Watcher::ReplicaSet | Watcher::EndpointSlice | Watcher::Disruption)
        }
        _ => false,
    }
}

impl World<'_> {
    /// Puts the rollout and the faults into the calendar.
    pub(super) fn schedule_rollout(&mut self, key: StreamKey) {
        let at = SimTime::ZERO + self.scenario.rollout_at.draw(&mut key.stream("rollout", "at", 0));
        match self.scenario.rollout_kind {
            RolloutKind::Template(_) => self.put(at, Event::Deliver(Msg::Write(Write::ChangeTemplate(Revision::New)))),
            RolloutKind::Fault(kind) => {
                self.put(at, Event::Fault(Fault::PodsLeave));
                self.schedule_fault(at, kind, key, 0);
            }
            RolloutKind::None => {}
        }
        for (number, fault) in self.scenario.faults.iter().enumerate() {
            let at = SimTime::ZERO + fault.at.draw(&mut key.stream("fault", "at", number as u64));
            self.schedule_fault(at, fault.kind, key, number as u64 + 1);
        }
    }

    fn schedule_fault(&mut self, at: SimTime, kind: FaultKind, key: StreamKey, number: u64) {
        let write = |write| Event::Deliver(Msg::Write(write));
        match kind {
            FaultKind::Scale { replicas } => self.put(at, write(Write::ScaleDeployment { replicas })),
            FaultKind::Pause => self.put(at, write(Write::PauseDeployment(true))),
            FaultKind::Resume => self.put(at, write(Write::PauseDeployment(false))),
            FaultKind::Rollback => self.put(at, write(Write::ChangeTemplate(Revision::Old))),
            FaultKind::NodeDrain { node, evicts } => self.put(at, Event::Deliver(Msg::DrainNode(node, evicts))),
            FaultKind::PodDelete { pods } => {
                for pod in chosen(self.scenario.deployment.replicas, pods, key, number) {
                    self.put(at, write(Write::DeletePod { pod }));
                }
            }
            FaultKind::Hang { pods, ignores_stop } => {
                for pod in chosen(self.scenario.deployment.replicas, pods, key, number) {
                    self.put(at, Event::Deliver(Msg::Hang(pod, ignores_stop)));
                }
            }
            FaultKind::SpotNotice { node, notice, reaction } => {
                self.put(at + reaction, Event::Deliver(Msg::DrainNode(node, true)));
                self.put(at + notice, Event::Deliver(Msg::NodeEnds(node)));
            }
            FaultKind::LeaderFailover { duration } => self.put(at, Event::Fault(Fault::LeaderLost(duration))),
            FaultKind::ApiSlowness { duration, factor } => {
                self.put(at, Event::Fault(Fault::ApiSlows(factor)));
                self.put(at + duration, Event::Fault(Fault::ApiSlows(1)));
            }
        }
    }

    /// Schedules an event of the world's own.
    fn put(&mut self, at: SimTime, event: Event) {
        let tie = Tie::new(rank::WORLD, 0, self.scheduled);
        self.scheduled += 1;
        self.calendar.schedule(at, tie, event);
    }

    pub(super) fn on_fault(&mut self, fault: Fault) {
        match fault {
            Fault::PodsLeave => self.recorder.pods_leave(self.now),
            Fault::LeaderLost(duration) => self.leaderless_until = self.leaderless_until.max(self.now + duration),
            Fault::ApiSlows(factor) => {
                if let Some(slowness) = &self.slowness {
                    slowness.set(factor);
                }
            }
        }
    }

    /// Whether an event is a controller's and no controller leads.
    pub(super) fn is_leaderless(&self, event: &Event) -> bool {
        self.now < self.leaderless_until && is_of_a_controller(event)
    }

    /// Keeps what a controller would do until another leads. That one has everything that was missed in its caches, and looks at it
    /// once.
    pub(super) fn keep_for_leader(&mut self, event: Event) {
        self.put(self.leaderless_until, event);
    }

    pub(super) fn drain_node(&mut self, node: NodeId, evicts: bool) {
        let pods = self.api.pods_on(node);
        self.drain.on_start(self.now, node, &pods, evicts, self.outs.drain());
    }

    /// The processes of a node end with it, and nothing answers for their addresses any more.
    pub(super) fn node_ends(&mut self, node: NodeId) {
        self.kubelets[node.index()].on_node_ends(self.now, self.outs.kubelet(node));
    }
}

/// Which of the old pods are deleted: the first of a random order.
fn chosen(replicas: u32, count: u32, key: StreamKey, number: u64) -> Vec<PodId> {
    let draw = |pod: u32| key.stream("fault", "pod", number << 32 | u64::from(pod)).bits();
    let mut order: Vec<(u64, PodId)> = (0..replicas).map(|pod| (draw(pod), PodId(pod))).collect();
    order.sort_unstable();
    order.into_iter().take(count as usize).map(|(_, pod)| pod).collect()
}
