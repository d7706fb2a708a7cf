//! The way of a request through balancers: the client's connection to the first replica, and one hop for each balancer
//! to its target. A plain record; what happens on the way stands in [`proxied`](super::proxied) and
//! [`upstream`](super::upstream).

use crate::engine::Stream;
use crate::ids::{Layer, ReplicaId, Target};
use crate::model::balancer::Place;
use crate::model::client::Kept;
use crate::record::Met;
use crate::units::{SimDuration, SimTime};
use crate::world::slot::Failure;

/// Who loses patience.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Impatient {
    /// The client.
    Client,
    /// The balancer of this hop.
    Hop(usize),
}

/// What happens when the slot wakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The first packet of the call reaches the first replica: a SYN, or the request on an open connection.
    Packet,
    /// The request reaches the first replica over a connection just made.
    AfterHandshake,
    /// The SYN of an upstream connection reaches its target.
    UpstreamSyn,
    /// It does so again.
    UpstreamSynAgain,
    /// The request reaches the target of the last hop.
    UpstreamRequest,
    /// The balancer of the last hop knows that its try failed.
    TryFailed,
    /// It tries again.
    TriesAgain,
    /// The request shares its pod's process: it may be done, or somebody loses patience.
    Shares(Impatient),
    /// Somebody loses patience.
    GivesUp(Impatient),
    /// The client knows the answer, and nothing else is arranged.
    Answer,
}

/// The connection of a client to a replica.
#[derive(Debug, Clone, Copy)]
pub(super) struct Front {
    pub(super) place: Place,
    /// Of the workers that took it.
    pub(super) generation: u32,
    pub(super) carried: u32,
    /// When the replica closed, or will have closed, its end, and why.
    pub(super) closed: Option<(SimTime, Met)>,
    /// When it was made.
    pub(super) opened: SimTime,
    /// When the replica last finished with it.
    pub(super) idle_since: SimTime,
    /// Its workers have been replaced: it ends with the request it carries.
    pub(super) retiring: bool,
}

impl Front {
    /// As the client's pool sees it.
    pub(super) fn kept(&self) -> Kept {
        Kept { opened: self.opened, idle_since: self.idle_since }
    }
}

/// One balancer on the way, and its try under way.
#[derive(Debug)]
pub(super) struct Hop {
    pub(super) layer: Layer,
    pub(super) place: Place,
    /// When the request came.
    pub(super) came: SimTime,
    /// When this try began.
    pub(super) began: SimTime,
    /// When its request was, or will have been, sent.
    pub(super) sent_at: SimTime,
    pub(super) sent: bool,
    pub(super) reused: bool,
    pub(super) target: Option<Target>,
    /// The upstream connection in the place's pool, and until when it is this request's; others may have it after that.
    pub(super) key: Option<u32>,
    pub(super) held_until: SimTime,
    /// The way of a packet to the target.
    pub(super) one_way: SimDuration,
    /// Tries over connections made for them, and all tries.
    pub(super) counted: u32,
    pub(super) made: u32,
    pub(super) tried: Vec<Target>,
}

impl Hop {
    /// A request has come to the balancer.
    pub(super) fn new(layer: Layer, place: Place, now: SimTime, one_way: SimDuration) -> Self {
        Hop {
            layer,
            place,
            came: now,
            began: now,
            sent_at: now,
            sent: false,
            reused: false,
            target: None,
            key: None,
            held_until: SimTime::MAX,
            one_way,
            counted: 0,
            made: 0,
            tried: Vec::new(),
        }
    }

    /// The upstream connection, if it is still this request's.
    pub(super) fn held(&self, now: SimTime) -> Option<u32> {
        self.key.filter(|_| now < self.held_until)
    }

    /// Which replica the balancer is.
    pub(super) fn replica(&self) -> ReplicaId {
        ReplicaId { layer: self.layer, number: self.place.replica }
    }
}

/// What a slot has whose client goes through balancers.
#[derive(Debug)]
pub(super) struct Trip {
    pub(super) stage: Stage,
    /// The first balancer.
    pub(super) entry: Layer,
    pub(super) front: Option<Front>,
    pub(super) hops: Vec<Hop>,
    /// Of the try of the last hop, in stage `TryFailed`.
    pub(super) failure: Option<Failure>,
    /// Until when the client waits for the response.
    pub(super) patience: SimTime,
    /// The client's own attempts of the call whose answer is arranged.
    pub(super) client_attempts: u8,
    /// Tries of balancers beyond the first of each, in this call.
    pub(super) extra_tries: u32,
    /// The replica that the request last reached.
    pub(super) replica: Option<ReplicaId>,
    /// Choices and round trips of upstream tries.
    pub(super) luck: Stream,
}

impl Trip {
    /// A trip that has not begun.
    pub(super) fn new(entry: Layer, luck: Stream) -> Self {
        Trip {
            stage: Stage::Packet,
            entry,
            front: None,
            hops: Vec::new(),
            failure: None,
            patience: SimTime::MAX,
            client_attempts: 1,
            extra_tries: 0,
            replica: None,
            luck,
        }
    }
}
