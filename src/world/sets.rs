//! StatefulSets and DaemonSets in the world: the room that owns the pods in the place of the Deployment's two.

use crate::engine::StreamKey;
use crate::model::api::{Object, PodObject};
use crate::model::daemonset::{self, DaemonSetController};
use crate::model::msg::{Draws, RoomOut};
use crate::model::spec::{Scenario, WorkloadKind};
use crate::model::statefulset::{self, StatefulSetController};
use crate::units::SimTime;
use crate::world::rank;

/// The room with its buffer, if there is one.
#[derive(Debug)]
pub(super) enum Sets<'s> {
    Deployment,
    StatefulSet(Box<(StatefulSetController<'s>, RoomOut<statefulset::Timer>)>),
    DaemonSet(Box<(DaemonSetController<'s>, RoomOut<daemonset::Timer>)>),
}

/// A timer of the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timer {
    StatefulSet(statefulset::Timer),
    DaemonSet(daemonset::Timer),
}

impl<'s> Sets<'s> {
    pub(super) fn new(scenario: &'s Scenario, key: StreamKey, pods: &[PodObject]) -> Self {
        let draws = |room| Draws::new(&scenario.delays.cluster, key, room);
        match &scenario.workload {
            WorkloadKind::Deployment => Sets::Deployment,
            WorkloadKind::StatefulSet(spec) => {
                let room = StatefulSetController::new(scenario, spec, draws("statefulset"), pods);
                Sets::StatefulSet(Box::new((room, RoomOut::new(rank::SETS))))
            }
            WorkloadKind::DaemonSet(spec) => {
                let room = DaemonSetController::new(spec, draws("daemonset"), pods);
                Sets::DaemonSet(Box::new((room, RoomOut::new(rank::SETS))))
            }
        }
    }

    /// Whether a Deployment owns the pods.
    pub(super) fn is_deployment(&self) -> bool {
        matches!(self, Sets::Deployment)
    }

    pub(super) fn on_watch(&mut self, now: SimTime, object: &Object) {
        match self {
            Sets::Deployment => {}
            Sets::StatefulSet(set) => set.0.on_watch(now, object, &mut set.1),
            Sets::DaemonSet(set) => set.0.on_watch(now, object, &mut set.1),
        }
    }

    pub(super) fn on_timer(&mut self, now: SimTime, timer: Timer) {
        match (self, timer) {
            (Sets::StatefulSet(set), Timer::StatefulSet(timer)) => set.0.on_timer(now, timer, &mut set.1),
            (Sets::DaemonSet(set), Timer::DaemonSet(timer)) => set.0.on_timer(now, timer, &mut set.1),
            (_, timer) => unreachable!("{timer:?} has its room"),
        }
    }
}
