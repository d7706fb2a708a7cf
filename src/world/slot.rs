//! One connection slot of a client: what it waits for, its socket, its current call, its luck.

use crate::dist::{Ahead, Dist, times};
use crate::engine::{Stream, StreamKey, Streams};
use crate::ids::{NodeId, PodId, Target};
use crate::model::client::{Kept, Pacing};
use crate::model::server::Service;
use crate::model::spec::ClientSpec;
use crate::record::{FailureKind, Met};
use crate::units::{SimDuration, SimTime};
use crate::world::trip::{Stage, Trip};

/// What happens when the slot wakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing.
    Idle,
    /// The first packet of the call reaches the data plane: a SYN, or the request on an open connection.
    Packet,
    /// The request reaches the pod over a connection just made.
    AfterHandshake,
    /// The SYN is retransmitted.
    Retransmission,
    /// The answer is known and nothing else is arranged.
    Answer,
    /// The client loses patience with the response.
    GivesUp,
    /// A stream looks for a connection again.
    Rejoins,
    /// The request shares its pod's process: it may be done, or its client loses patience.
    Shares,
    /// What the slot's trip through balancers says.
    Proxied,
}

/// An established connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Socket {
    pub(super) pod: PodId,
    pub(super) node: NodeId,
    /// Requests it has carried.
    pub(super) carried: u32,
    /// When the server closed, or will have closed, its end.
    pub(super) closed_at: Option<SimTime>,
    /// When it was made.
    pub(super) opened: SimTime,
    /// When the server last finished with it.
    pub(super) idle_since: SimTime,
    /// A stopping server has ended it.
    pub(super) severed: bool,
    /// It is a stream's copy of a connection that streams share.
    pub(super) shared: bool,
    /// The process has accepted it; else it waits in the listener's backlog.
    pub(super) accepted: bool,
}

impl Socket {
    /// As the client's pool sees it.
    pub(super) fn kept(&self) -> Kept {
        Kept { opened: self.opened, idle_since: self.idle_since }
    }
}

/// The work of a request of which nothing else is said.
const UNIT: SimDuration = SimDuration::from_secs(1);

/// What is drawn at the birth of a call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drawn {
    pub(super) round_trip: SimDuration,
    pub(super) service_time: SimDuration,
    pub(super) work: SimDuration,
    pub(super) idempotent: bool,
}

/// Where a load balancer that forwards connections sends one: chosen for its first SYN.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flow {
    /// Which replica chose.
    pub(super) replica: u32,
    pub(super) target: Target,
    /// It has been ended by RST, because the target is unhealthy.
    pub(super) reset: bool,
}

/// One request, its randomness drawn at its birth.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    pub(super) index: u64,
    /// When the first attempt was sent.
    pub(super) sent: SimTime,
    /// When this attempt was sent.
    pub(super) attempt_sent: SimTime,
    pub(super) round_trip: SimDuration,
    pub(super) service_time: SimDuration,
    /// How much work it is, seconds for a factor; it is in `service_time`.
    pub(super) work: SimDuration,
    /// For an open-loop client: the bits that choose the pod.
    pub(super) choice: Option<u64>,
    pub(super) node: NodeId,
    pub(super) attempt: u8,
    /// Attempts that no server's application saw, and that count for no rule of the client.
    pub(super) unseen: u8,
    pub(super) warm_up: bool,
    /// It may be sent twice.
    pub(super) idempotent: bool,
    /// This attempt goes over a connection that has carried a request.
    pub(super) reused: bool,
    /// This attempt reached a server's work.
    pub(super) may_have_run: bool,
    /// So many of those before it did.
    pub(super) runs: u8,
}

impl Call {
    /// No request yet, entering at `node`.
    pub(super) fn none(node: NodeId) -> Self {
        Call {
            index: 0,
            sent: SimTime::ZERO,
            attempt_sent: SimTime::ZERO,
            round_trip: SimDuration::ZERO,
            service_time: SimDuration::ZERO,
            work: UNIT,
            choice: None,
            node,
            attempt: 1,
            unseen: 0,
            warm_up: false,
            idempotent: true,
            reused: false,
            may_have_run: false,
            runs: 0,
        }
    }

    #[inline]
    pub(super) fn one_way(&self) -> SimDuration {
        self.round_trip.half()
    }

    /// The next attempt is sent at `at`. Says when its first packet is there.
    pub(super) fn begin_attempt(&mut self, at: SimTime) -> SimTime {
        (self.attempt, self.attempt_sent, self.choice) = (self.attempt.saturating_add(1), at, None);
        self.leave_behind();
        at + self.one_way()
    }

    /// Another attempt follows, or another try of a balancer.
    pub(super) fn leave_behind(&mut self) {
        self.runs = self.runs.saturating_add(u8::from(std::mem::take(&mut self.may_have_run)));
    }

    /// Whether an attempt besides the last may have run.
    pub(super) fn ran_before(&self) -> bool {
        self.runs > 0 || self.may_have_run
    }

    pub(super) fn drawn(&self) -> Drawn {
        let Call { round_trip, service_time, work, idempotent, .. } = *self;
        Drawn { round_trip, service_time, work, idempotent }
    }
}

/// How a request fails.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failure {
    pub(super) kind: FailureKind,
    pub(super) met: Met,
    pub(super) met_at: SimTime,
    pub(super) known: SimTime,
    pub(super) pod: Option<PodId>,
}

/// How a request ends.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ending {
    /// Served then; the last byte leaves the server at `done`.
    Served { service: Service, done: SimTime },
    /// Lost.
    Lost(Failure),
}

/// The end of a request that the client will know, unless something comes between.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer {
    pub(super) call: Call,
    pub(super) known: SimTime,
    pub(super) ending: Ending,
    /// The client then closes the connection.
    pub(super) closes: bool,
}

impl Answer {
    /// When the server is done with the request, or the client knows that it is lost.
    pub(super) fn done(&self) -> SimTime {
        match self.ending {
            Ending::Served { done, .. } => done,
            Ending::Lost(failure) => failure.known,
        }
    }

    /// Whether the last byte of the response has not left the server at `now`.
    pub(super) fn in_service(&self, now: SimTime) -> Option<Service> {
        match self.ending {
            Ending::Served { service, done } if done > now => Some(service),
            _ => None,
        }
    }
}

/// The random streams of a slot, opened at first use.
#[derive(Debug)]
pub(super) struct Luck {
    key: StreamKey,
    entity: u64,
    round_trip: Option<Box<Ahead>>,
    service_time: Option<Box<Ahead>>,
    think_time: Option<Box<Ahead>>,
    work: Option<Box<Ahead>>,
    choice: Option<Box<Stream>>,
    /// What is drawn now and then.
    rare: Option<Box<Streams>>,
}

impl Luck {
    /// The streams named `connection/…` of the connection with this ordinal.
    pub(super) fn new(key: StreamKey, entity: u64) -> Self {
        let (round_trip, service_time, think_time, work) = (None, None, None, None);
        Luck { key, entity, round_trip, service_time, think_time, work, choice: None, rare: None }
    }

    /// Hands the streams over; what stays here opens them anew.
    pub(super) fn take(&mut self) -> Luck {
        let fresh = Luck::new(self.key, self.entity);
        std::mem::replace(self, fresh)
    }

    /// How long the next request and its answer are on their way, together.
    #[inline(always)]
    pub(super) fn round_trip(&mut self, dist: &Dist) -> SimDuration {
        match (dist, &mut self.round_trip) {
            (Dist::Constant(value), _) => *value,
            (dist, Some(ahead)) => ahead.draw(dist),
            (dist, none) => opened(none, self.key, "round_trip", self.entity).draw(dist),
        }
    }

    /// How long a worker is at the next request.
    #[inline(always)]
    pub(super) fn service_time(&mut self, dist: &Dist) -> SimDuration {
        match (dist, &mut self.service_time) {
            (Dist::Constant(value), _) => *value,
            (dist, Some(ahead)) => ahead.draw(dist),
            (dist, none) => opened(none, self.key, "service_time", self.entity).draw(dist),
        }
    }

    /// How long the connection thinks before the next request.
    pub(super) fn think_time(&mut self, dist: &Dist) -> SimDuration {
        match (dist, &mut self.think_time) {
            (Dist::Constant(value), _) => *value,
            (dist, Some(ahead)) => ahead.draw(dist),
            (dist, none) => opened(none, self.key, "think_time", self.entity).draw(dist),
        }
    }

    /// What is drawn for a request.
    pub(super) fn drawn(&mut self, spec: &ClientSpec, plain: bool, round_trip: &Dist, service_time: &Dist) -> Drawn {
        if !plain {
            return self.varied(spec, round_trip, service_time);
        }
        let (round_trip, service_time) = (self.round_trip(round_trip), self.service_time(service_time));
        Drawn { round_trip, service_time, work: UNIT, idempotent: spec.idempotent > 0.0 }
    }

    /// What is drawn for a request whose work or method differs from one to the next.
    #[cold]
    pub(super) fn varied(&mut self, spec: &ClientSpec, round_trip: &Dist, service_time: &Dist) -> Drawn {
        let (round_trip, service_time) = (self.round_trip(round_trip), self.service_time(service_time));
        let work = self.work(spec.work.seconds());
        let idempotent = match spec.idempotent {
            1.0 => true,
            0.0 => false,
            share => self.rare("method").uniform() < share,
        };
        Drawn { round_trip, service_time: times(service_time, work), work, idempotent }
    }

    /// How much work the next request is, in seconds for a factor.
    pub(super) fn work(&mut self, dist: &Dist) -> SimDuration {
        match (dist, &mut self.work) {
            (Dist::Constant(value), _) => *value,
            (dist, Some(ahead)) => ahead.draw(dist),
            (dist, none) => opened(none, self.key, "work", self.entity).draw(dist),
        }
    }

    /// How long a worker is at a request that one may have been at before: as long as at any other of its size.
    pub(super) fn service_time_again(&mut self, dist: &Dist, work: SimDuration) -> SimDuration {
        match dist {
            Dist::Constant(value) => times(*value, work),
            dist => times(dist.draw(self.rare("service_time_again")), work),
        }
    }

    /// The stream of this connection for what is drawn now and then.
    pub(super) fn rare(&mut self, purpose: &'static str) -> &mut Stream {
        let key = self.key;
        self.rare.get_or_insert_with(|| Box::new(Streams::new(key, "connection"))).get(purpose, self.entity)
    }

    /// Leaves out what `count` requests would have drawn.
    pub(super) fn skip(&mut self, count: u64) {
        [&mut self.round_trip, &mut self.service_time].into_iter().flatten().for_each(|ahead| ahead.skip(count));
    }

    /// Leaves out as many choices of pods.
    pub(super) fn skip_choices(&mut self, count: u64) {
        self.choice().skip(count);
    }

    pub(super) fn choice(&mut self) -> &mut Stream {
        let (key, entity) = (self.key, self.entity);
        self.choice.get_or_insert_with(|| Box::new(key.stream("connection", "choice", entity)))
    }
}

/// Once a connection and purpose, and only if the distribution needs it: kept out of the request path.
#[cold]
fn opened<'a>(ahead: &'a mut Option<Box<Ahead>>, key: StreamKey, purpose: &str, entity: u64) -> &'a mut Ahead {
    ahead.insert(Box::new(Ahead::new(key.stream("connection", purpose, entity))))
}

/// When the calls of a closed-loop connection are due.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    pub(super) pacing: Pacing,
    /// The client's start, and the connection's phase.
    pub(super) start: SimTime,
    /// Nothing is due: the connection thinks after each answer.
    pub(super) thinks: bool,
}

/// A connection slot.
#[derive(Debug)]
pub(super) struct Slot<'s> {
    /// Its place in the tournament of wakes.
    pub(super) index: u32,
    pub(super) client: u32,
    pub(super) spec: &'s ClientSpec,
    /// [`ClientSpec::is_plain`].
    pub(super) plain: bool,
    /// After so many requests the client closes its connection.
    pub(super) reuses: u32,
    /// The ordinal among the client's connections.
    pub(super) ordinal: u32,
    /// Of a closed-loop client.
    pub(super) schedule: Option<Schedule>,
    pub(super) state: State,
    pub(super) socket: Option<Socket>,
    /// Of a stream: its channel, and the address for which that is.
    pub(super) channel: Option<u32>,
    pub(super) address: Option<PodId>,
    /// Of a client whose connections a load balancer forwards.
    pub(super) flow: Option<Flow>,
    pub(super) call: Call,
    /// The end of the request before `call`, or of `call` itself in state `Answer`.
    pub(super) answer: Option<Answer>,
    /// Draws of the next call that were made before its turn was put off.
    pub(super) drawn: Option<Drawn>,
    /// How long the connection was to think after an answer that will not come.
    pub(super) thought: Option<SimDuration>,
    /// Of a stream: when its server cuts the connection, which is too old.
    pub(super) cut_at: SimTime,
    /// In states `GivesUp` and `Shares`: until when the client waits for the response.
    pub(super) patience: SimTime,
    /// The request shares the process of this pod.
    pub(super) shares: Option<PodId>,
    /// The SYN that is retransmitted goes to this pod again, pinned by conntrack.
    pub(super) pinned: Option<PodId>,
    pub(super) luck: Luck,
    /// Of a client that goes through balancers which terminate its connections.
    pub(super) trip: Option<Box<Trip>>,
}

impl Slot<'_> {
    /// It makes a connection that streams will share, and has no request of its own.
    pub(super) fn only_dials(&self) -> bool {
        self.call.warm_up && self.channel.is_some()
    }

    /// Whether the client has a connection.
    pub(super) fn is_connected(&self) -> bool {
        self.socket.is_some_and(|socket| !socket.shared) || self.trip.as_ref().is_some_and(|trip| trip.front.is_some())
    }

    /// A connection is made: how many requests the client will send over it.
    pub(super) fn draw_reuses(&mut self) {
        if let (Some((low, high)), None) = (self.spec.pool.max_requests, self.channel) {
            self.reuses = low + self.luck.rare("reuses").below((high - low) as usize + 1) as u32;
        }
    }

    /// Client and connection in one number.
    pub(super) fn who(&self) -> u64 {
        u64::from(self.client) << 32 | u64::from(self.ordinal)
    }

    /// The first packet of a call is arranged: for a client of balancers it reaches the first of them.
    pub(super) fn enter(&mut self) {
        if let Some(trip) = &mut self.trip {
            trip.stage = Stage::Packet;
            self.state = State::Proxied;
        }
    }
}
