//! The output buffers of the rooms, and which of them were handed out: only those are looked at after an event.

use std::cmp::Reverse;

use crate::engine::{Calendar, Effect};
use crate::ids::{Layer, NodeId};
use crate::model::msg::RoomOut;
use crate::model::{
    autoscaler, balancer, deployment, disruption, drain, endpoints, kube_proxy, kubelet, replicaset, scheduler, server,
};
use crate::world::recorder::Recorder;
use crate::world::sets::{self, Sets};
use crate::world::{Event, World, rank};

/// A buffer. The order is that in which those that were written in one event are emptied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Room {
    Api,
    Deployment,
    ReplicaSet,
    /// The buffer is beside its room, in [`Sets`](super::sets::Sets).
    Sets,
    Scheduler,
    Disruption,
    Drain,
    Autoscaler,
    Kubelet(NodeId),
    Endpoints,
    KubeProxy(NodeId),
    Balancer(Layer),
    Servers,
}

/// The output buffers of the rooms.
#[derive(Debug)]
pub(super) struct Outs {
    /// What was handed out since the buffers were emptied.
    used: Vec<Room>,
    api: RoomOut<()>,
    deployment: RoomOut<deployment::Timer>,
    replica_set: RoomOut<replicaset::Timer>,
    scheduler: RoomOut<scheduler::Timer>,
    disruption: RoomOut<disruption::Timer>,
    drain: RoomOut<drain::Timer>,
    autoscaler: RoomOut<autoscaler::Timer>,
    kubelets: Vec<RoomOut<kubelet::Timer>>,
    endpoints: RoomOut<endpoints::Timer>,
    proxies: Vec<RoomOut<kube_proxy::Timer>>,
    balancers: [RoomOut<balancer::Timer>; 2],
    servers: RoomOut<server::Timer>,
}

impl Outs {
    pub(super) fn new(nodes: u32) -> Self {
        Outs {
            used: Vec::with_capacity(2),
            api: RoomOut::new(rank::API),
            deployment: RoomOut::new(rank::DEPLOYMENT),
            replica_set: RoomOut::new(rank::REPLICA_SET),
            scheduler: RoomOut::new(rank::SCHEDULER),
            disruption: RoomOut::new(rank::DISRUPTION),
            drain: RoomOut::new(rank::DRAIN),
            autoscaler: RoomOut::new(rank::AUTOSCALER),
            kubelets: (0..nodes).map(|_| RoomOut::new(rank::KUBELET)).collect(),
            endpoints: RoomOut::new(rank::ENDPOINTS),
            proxies: (0..nodes).map(|_| RoomOut::new(rank::KUBE_PROXY)).collect(),
            balancers: [RoomOut::new(rank::LOAD_BALANCER), RoomOut::new(rank::INGRESS)],
            servers: RoomOut::new(rank::SERVER),
        }
    }

    /// The buffer of this room may have been written to.
    pub(super) fn use_of(&mut self, room: Room) {
        self.used.push(room);
    }

    pub(super) fn api(&mut self) -> &mut RoomOut<()> {
        self.use_of(Room::Api);
        &mut self.api
    }

    pub(super) fn deployment(&mut self) -> &mut RoomOut<deployment::Timer> {
        self.use_of(Room::Deployment);
        &mut self.deployment
    }

    pub(super) fn replica_set(&mut self) -> &mut RoomOut<replicaset::Timer> {
        self.use_of(Room::ReplicaSet);
        &mut self.replica_set
    }

    pub(super) fn scheduler(&mut self) -> &mut RoomOut<scheduler::Timer> {
        self.use_of(Room::Scheduler);
        &mut self.scheduler
    }

    pub(super) fn disruption(&mut self) -> &mut RoomOut<disruption::Timer> {
        self.use_of(Room::Disruption);
        &mut self.disruption
    }

    pub(super) fn drain(&mut self) -> &mut RoomOut<drain::Timer> {
        self.use_of(Room::Drain);
        &mut self.drain
    }

    pub(super) fn autoscaler(&mut self) -> &mut RoomOut<autoscaler::Timer> {
        self.use_of(Room::Autoscaler);
        &mut self.autoscaler
    }

    pub(super) fn kubelet(&mut self, node: NodeId) -> &mut RoomOut<kubelet::Timer> {
        self.use_of(Room::Kubelet(node));
        &mut self.kubelets[node.index()]
    }

    pub(super) fn endpoints(&mut self) -> &mut RoomOut<endpoints::Timer> {
        self.use_of(Room::Endpoints);
        &mut self.endpoints
    }

    pub(super) fn proxy(&mut self, node: NodeId) -> &mut RoomOut<kube_proxy::Timer> {
        self.use_of(Room::KubeProxy(node));
        &mut self.proxies[node.index()]
    }

    pub(super) fn balancer(&mut self, layer: Layer) -> &mut RoomOut<balancer::Timer> {
        self.use_of(Room::Balancer(layer));
        &mut self.balancers[layer as usize]
    }

    pub(super) fn servers(&mut self) -> &mut RoomOut<server::Timer> {
        self.use_of(Room::Servers);
        &mut self.servers
    }
}

impl World<'_> {
    /// Does what the rooms have asked for in an event, nearly always one room.
    pub(super) fn drain_all(&mut self) {
        if self.outs.used.len() > 1 {
            self.outs.used.sort_unstable_by_key(|room| Reverse(*room));
        }
        while let Some(room) = self.outs.used.pop() {
            self.drain_out(room);
        }
    }

    fn drain_out(&mut self, room: Room) {
        let (calendar, recorder, outs) = (&mut self.calendar, &mut self.recorder, &mut self.outs);
        match room {
            Room::Api => drain(calendar, recorder, &mut outs.api, |()| unreachable!("the API server sets no timers")),
            Room::Deployment => drain(calendar, recorder, &mut outs.deployment, Event::Deployment),
            Room::ReplicaSet => drain(calendar, recorder, &mut outs.replica_set, Event::ReplicaSet),
            Room::Sets => match &mut self.sets {
                Sets::Deployment => {}
                Sets::StatefulSet(set) => {
                    drain(calendar, recorder, &mut set.1, |t| Event::Sets(sets::Timer::StatefulSet(t)));
                }
                Sets::DaemonSet(set) => {
                    drain(calendar, recorder, &mut set.1, |t| Event::Sets(sets::Timer::DaemonSet(t)));
                }
            },
            Room::Scheduler => drain(calendar, recorder, &mut outs.scheduler, Event::Scheduler),
            Room::Disruption => drain(calendar, recorder, &mut outs.disruption, Event::Disruption),
            Room::Drain => drain(calendar, recorder, &mut outs.drain, Event::Drain),
            Room::Autoscaler => drain(calendar, recorder, &mut outs.autoscaler, Event::Autoscaler),
            Room::Kubelet(node) => {
                drain(calendar, recorder, &mut outs.kubelets[node.index()], |t| Event::Kubelet(node, t))
            }
            Room::Endpoints => drain(calendar, recorder, &mut outs.endpoints, Event::Endpoints),
            Room::KubeProxy(node) => {
                drain(calendar, recorder, &mut outs.proxies[node.index()], |t| Event::KubeProxy(node, t))
            }
            Room::Balancer(layer) => {
                drain(calendar, recorder, &mut outs.balancers[layer as usize], |t| Event::Balancer(layer, t))
            }
            Room::Servers => drain(calendar, recorder, &mut outs.servers, Event::Server),
        }
    }
}

/// Does what a room asked for.
fn drain<T>(
    calendar: &mut Calendar<Event>,
    recorder: &mut Recorder<'_>,
    out: &mut RoomOut<T>,
    wrap: impl Fn(T) -> Event,
) {
    for effect in out.drain() {
        match effect {
            Effect::Timer(at, tie, timer) => calendar.schedule(at, tie, wrap(timer)),
            Effect::Send(at, tie, msg) => calendar.schedule(at, tie, Event::Deliver(msg)),
            Effect::Cancel(tie) => calendar.cancel(tie),
            Effect::Record(fact) => recorder.note(fact),
        }
    }
}
