//! What passes between rooms, and what every room is given: its output buffer and its delays.

use std::cell::Cell;
use std::rc::Rc;

use crate::dist::Dist;
use crate::engine::{Forcing, Out, Places, Stream, StreamKey, Streams};
use crate::ids::{NodeId, PodId, ReplicaId, Target};
use crate::model::api::{ResourceVersion, Watcher, Write};
use crate::model::spec::{DelayId, IdlePolicy, NodeDelays, ProbeKind, Signal};
use crate::units::SimDuration;

pub use crate::record::{Fact, PodEvent, RouteEvent, RuleEvent};

/// A message between rooms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Msg {
    /// To the API server: commit this.
    Write(Write),
    /// From the API server to a watcher: an object has this state.
    Watched {
        /// To whom.
        watcher: Watcher,
        /// Which state.
        version: ResourceVersion,
    },
    /// From the API server to a client that evicts: whether the pod is being deleted.
    EvictionAnswered(PodId, bool),
    /// From a user or a node's termination handler: drain this node, through the Eviction API or not.
    DrainNode(NodeId, bool),
    /// From the cloud: the node ends.
    NodeEnds(NodeId),
    /// From the API server to the Deployment controller: another write of the ReplicaSet came first.
    Conflict,
    /// From a kubelet: the container's process starts.
    StartProcess(PodId),
    /// From a kubelet: a signal for the container's process.
    Signal(PodId, Signal),
    /// From a kubelet: the sidecar's process starts.
    StartSidecar(PodId),
    /// From a kubelet: an attempt of the sidecar's startup probe.
    ProbeSidecar(PodId),
    /// To a kubelet: the attempt's result.
    SidecarAnswered(PodId, bool),
    /// From a kubelet: a signal for the sidecar's process.
    SidecarSignal(PodId, Signal),
    /// From a server: the sidecar's process has ended.
    SidecarExited(PodId),
    /// From a kubelet: an attempt of a probe.
    Probe(PodId, ProbeKind),
    /// To a kubelet: the attempt's result.
    ProbeAnswered(PodId, ProbeKind, bool),
    /// From a fault: the process stops answering, and perhaps to act on the stop signal.
    Hang(PodId, bool),
    /// From a server: the process has ended.
    Exited(PodId),
    /// From a kubelet: the pod's network namespace is gone.
    NamespaceGone(PodId),
    /// From a server: its connections end now, as far as it says.
    Sever(PodId, Severing),
    /// From a balancer's replica to a target: do you serve?
    HealthCheck(ReplicaId, Target),
    /// From a balancer: the workers of a replica have been replaced, idle connections of its clients end now.
    Reloaded(ReplicaId),
    /// From a balancer's replica: requests to this target have had the deregistration delay.
    DrainOver(ReplicaId, PodId),
    /// From a load balancer's replica: the connections that it forwards to this target end by RST.
    FlowsEnd(ReplicaId, Target),
    /// From a balancer: what the workers of this generation of a replica still have is cut.
    WorkersEnd(ReplicaId, u32),
}

/// Which connections of a server end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Severing {
    /// Requests in service are cut, not drained.
    pub cut: bool,
    /// Connections in the listener's backlog that nobody accepted, too: the listener closes.
    pub backlog: bool,
    /// What becomes of those without a request.
    pub idle: IdlePolicy,
}

/// What a SYN to a pod meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// The process has not opened it yet.
    NotYet,
    /// It accepts.
    Open,
    /// It is closed, the network namespace still answers.
    Closed,
    /// The namespace is gone, too.
    Gone,
}

/// The output buffer of a room with timers of type `T`.
pub type RoomOut<T> = Out<T, Msg, Fact>;

/// The delays of a room, each drawn from a stream of its own for each entity.
#[derive(Debug)]
pub struct Draws<'s> {
    delays: &'s NodeDelays,
    streams: Streams,
    /// By delay and entity: the place of the stream among those open.
    places: Places,
    forced: Option<Forced>,
    slowness: Option<Slowness>,
}

/// By how much API calls and watches are slower at the moment, shared by all rooms.
#[derive(Debug, Clone)]
pub struct Slowness(Rc<Cell<u32>>);

impl Default for Slowness {
    fn default() -> Self {
        Slowness(Rc::new(Cell::new(1)))
    }
}

impl Slowness {
    /// From now on they take `factor` times as long.
    pub fn set(&self, factor: u32) {
        self.0.set(factor);
    }
}

/// Which draws of a room are candidates for forcing.
#[derive(Debug)]
struct Forced {
    forcing: Forcing,
    is_candidate: fn(DelayId, u64) -> bool,
}

/// Bits of an entity's ordinal; above them stands the delay.
const ENTITY_BITS: u32 = 56;

impl<'s> Draws<'s> {
    /// The draws of `room` with these delays.
    pub fn new(delays: &'s NodeDelays, key: StreamKey, room: &'static str) -> Self {
        Draws { delays, streams: Streams::new(key, room), places: Places::default(), forced: None, slowness: None }
    }

    /// The same, those draws that are candidates being forced, if anything is.
    pub fn forced(mut self, forcing: Option<&Forcing>, is_candidate: fn(DelayId, u64) -> bool) -> Self {
        self.forced = forcing.map(|forcing| Forced { forcing: forcing.clone(), is_candidate });
        self
    }

    /// The same, API calls and watches being as slow as `slowness` says, if anything makes them so.
    pub fn slowed(mut self, slowness: Option<&Slowness>) -> Self {
        self.slowness = slowness.cloned();
        self
    }

    /// The next draw of delay `id` for `entity`.
    pub fn draw(&mut self, id: DelayId, entity: u64) -> SimDuration {
        if self.forced.is_some() || self.slowness.is_some() {
            return self.draw_altered(id, entity);
        }
        self.draw_as_usual(id, entity)
    }

    fn draw_as_usual(&mut self, id: DelayId, entity: u64) -> SimDuration {
        match self.delays.get(id) {
            Dist::Constant(value) => *value,
            dist => dist.draw(self.stream(id, entity)),
        }
    }

    #[cold]
    fn draw_altered(&mut self, id: DelayId, entity: u64) -> SimDuration {
        let drawn = self.draw_forced(id, entity).unwrap_or_else(|| self.draw_as_usual(id, entity));
        match &self.slowness {
            Some(slowness) if matches!(id, DelayId::ApiWrite | DelayId::WatchHop) => {
                drawn * u64::from(slowness.0.get())
            }
            _ => drawn,
        }
    }

    /// The draw, if it is a candidate for forcing.
    fn draw_forced(&mut self, id: DelayId, entity: u64) -> Option<SimDuration> {
        let dist = self.delays.get(id);
        let forced = self.forced.as_ref();
        let forced = forced.filter(|forced| dist.is_inverted() && (forced.is_candidate)(id, entity));
        let forcing = forced.map(|forced| forced.forcing.clone())?;
        Some(dist.at(forcing.uniform(self.stream(id, entity).uniform())))
    }

    fn stream(&mut self, id: DelayId, entity: u64) -> &mut Stream {
        debug_assert!(entity >> ENTITY_BITS == 0, "an entity's ordinal leaves room for the delay");
        let key = (id as u64) << ENTITY_BITS | entity;
        let place = self.places.get(key).unwrap_or_else(|| self.open(key, id, entity));
        self.streams.at(place as usize)
    }

    #[cold]
    fn open(&mut self, key: u64, id: DelayId, entity: u64) -> u32 {
        let place = self.streams.open_apart(id.name(), entity) as u32;
        self.places.insert(key, place);
        place
    }

    /// Period and lateness of delay `id`, if it is a grid.
    pub fn grid(&self, id: DelayId) -> Option<(SimDuration, &'s Dist)> {
        match self.delays.get(id) {
            Dist::Grid(period, lateness) => Some((*period, lateness)),
            _ => None,
        }
    }

    /// The streams of the room, for draws that are not delays.
    pub fn streams(&mut self) -> &mut Streams {
        &mut self.streams
    }
}
