//! The request path: from the moment a client sends to the moment it knows, for every client.
//!
//! A slot wakes when a packet of its reaches the data plane, so all that the packet meets (rules, listener, workers) is
//! known and in order of time: one wake a request on an open connection, two on a fresh one. What the server does
//! later to a request in service ([`Requests::sever`]) revokes the answer arranged for it. An answer is counted at the
//! slot's next wake, when nothing can come between any more.

use crate::engine::{Digest, Slots, Stream, StreamKey};
use crate::ids::{NodeId, PodId, SlotId};
use crate::model::client::{Pacing, retries_silently};
use crate::model::kube_proxy::KubeProxy;
use crate::model::network::{ClosedFate, SynFate, closed_fate, next_syn, silent_syn_end, syn_fate};
use crate::model::server::{Listener, Servers};
use crate::model::spec::{Arrivals, ClientSpec, DelayId, End, EntryNode, Mechanism, QueuedPolicy, Scenario};
use crate::record::{FailureKind, LostRequest, Met, Metrics};
use crate::units::{SimDuration, SimTime};
use crate::world::Options;
use crate::world::slot::{Answer, Call, Ending, Failure, Luck, Slot, Socket, State};
use crate::world::tally::Tally;

/// What a packet can meet: the rules of each node and the servers.
#[derive(Debug)]
pub(super) struct View<'a, 's> {
    pub(super) proxies: &'a [KubeProxy<'s>],
    pub(super) servers: &'a mut Servers<'s>,
}

/// One client and where its connections are.
#[derive(Debug)]
struct Client<'s> {
    spec: &'s ClientSpec,
    pacing: Pacing,
    /// When the clock of a closed-loop client starts.
    start: SimTime,
    warm_ups_left: u32,
    slots: std::ops::Range<u32>,
    /// Of an open-loop client.
    source: Option<Source>,
}

/// Where the requests of an open-loop client come from.
#[derive(Debug)]
struct Source {
    slot: u32,
    next: u64,
    gaps: Stream,
    luck: Luck,
    /// Slots without a request, the last one used on top.
    free: Vec<u32>,
}

/// What remains of the requests of a run.
#[derive(Debug)]
pub(super) struct Results {
    pub(super) digest: Digest,
    pub(super) lost: Vec<LostRequest>,
    pub(super) connected: Vec<(SimTime, SlotId, PodId)>,
}

/// All requests of all clients.
#[derive(Debug)]
pub(super) struct Requests<'s> {
    scenario: &'s Scenario,
    key: StreamKey,
    options: Options,
    clients: Vec<Client<'s>>,
    wakes: Slots,
    slots: Vec<Slot>,
    /// Requests due at or after this are not sent.
    stop: SimTime,
    now: SimTime,
    tally: Tally,
    established: u64,
    closed: u64,
    results: Results,
}

impl<'s> Requests<'s> {
    pub(super) fn new(scenario: &'s Scenario, key: StreamKey, options: Options) -> Self {
        let mut requests = Requests {
            scenario,
            key,
            options,
            clients: Vec::new(),
            wakes: Slots::new(8),
            slots: Vec::new(),
            stop: SimTime::MAX,
            now: SimTime::ZERO,
            tally: Tally::new(),
            established: 0,
            closed: 0,
            results: Results { digest: Digest::default(), lost: Vec::new(), connected: Vec::new() },
        };
        scenario.clients.iter().for_each(|spec| requests.add_client(spec));
        requests
    }

    /// When and which slot wakes next.
    #[inline]
    pub(super) fn next(&self) -> (SimTime, u32) {
        self.wakes.next()
    }

    /// Starts all clients at time zero; requests are due before `end`, or until [`Requests::stop`].
    pub(super) fn start(&mut self, end: SimTime) {
        self.stop = end;
        for client in 0..self.clients.len() {
            if self.clients[client].source.is_some() {
                self.arrange_arrival(client, SimTime::ZERO);
            } else if self.clients[client].spec.warm_up {
                self.start_warm_up(client);
            } else {
                self.start_clock(client, SimTime::ZERO);
            }
        }
    }

    /// No request is sent from now on.
    pub(super) fn stop(&mut self, now: SimTime) {
        self.stop = now;
    }

    fn add_client(&mut self, spec: &'s ClientSpec) {
        let (index, first) = (self.clients.len() as u32, self.slots.len() as u32);
        let open = matches!(spec.arrivals, Arrivals::Constant | Arrivals::Poisson);
        let duration = match self.scenario.run.end {
            End::Duration(duration) => Some(duration),
            End::AfterOldPodsGone(_) => None,
        };
        let pacing = Pacing::new(spec, duration);
        // An open-loop client's first slot is its source.
        let count = if open { 1 } else { spec.connections };
        (0..count).for_each(|ordinal| self.add_slot(index, ordinal));
        let source = open.then(|| Source {
            slot: first,
            next: 0,
            gaps: self.key.stream("client", "gap", index.into()),
            luck: Luck::new(self.key, u64::from(index) << 32 | 0xFFFF_FFFF),
            free: Vec::new(),
        });
        let slots = first..self.slots.len() as u32;
        self.clients.push(Client { spec, pacing, start: SimTime::ZERO, warm_ups_left: 0, slots, source });
    }

    fn add_slot(&mut self, client: u32, ordinal: u32) {
        let spec = &self.scenario.clients[client as usize];
        let entity = u64::from(client) << 32 | u64::from(ordinal);
        let phase = if spec.arrivals == Arrivals::Staggered {
            let period = Pacing::new(spec, None).period().as_nanos() as f64;
            let u = self.key.stream("connection", "phase", entity).uniform();
            SimDuration::from_nanos_f64_rounded(period * u)
        } else {
            SimDuration::ZERO
        };
        let node = self.entry_node(spec, ordinal.into());
        self.slots.push(Slot {
            client,
            ordinal,
            state: State::Idle,
            socket: None,
            call: Call::none(node),
            answer: None,
            drawn: None,
            phase,
            luck: Luck::new(self.key, entity),
        });
    }

    fn entry_node(&self, spec: &ClientSpec, index: u64) -> NodeId {
        match spec.node {
            EntryNode::Node(node) => node,
            EntryNode::Spread => NodeId((index % u64::from(self.scenario.cluster.nodes)) as u32),
        }
    }

    /// One request on every connection before the clock starts.
    fn start_warm_up(&mut self, client: usize) {
        let slots = self.clients[client].slots.clone();
        self.clients[client].warm_ups_left = slots.len() as u32;
        for slot in slots {
            self.begin_call(slot, 0, SimTime::ZERO, true);
        }
    }

    /// The clock of a closed-loop client starts.
    fn start_clock(&mut self, client: usize, now: SimTime) {
        self.clients[client].start = now;
        for slot in self.clients[client].slots.clone() {
            let due = now + self.slots[slot as usize].phase;
            if due < self.stop {
                self.begin_call(slot, 0, due, false);
            }
        }
    }

    /// Arranges a request on a closed-loop connection, to be sent at `sent`.
    #[inline]
    fn begin_call(&mut self, index: u32, call: u64, sent: SimTime, warm_up: bool) {
        let slot = &mut self.slots[index as usize];
        let (round_trip, service_time) = match slot.drawn.take() {
            Some(drawn) => drawn,
            None => {
                let round_trip = self.scenario.delays.get(DelayId::RttPod);
                let service_time = &self.scenario.pod.server.service_time;
                (draw(round_trip, || slot.luck.round_trip()), draw(service_time, || slot.luck.service_time()))
            }
        };
        slot.call = Call {
            index: call,
            sent,
            attempt_sent: sent,
            round_trip,
            service_time,
            choice: None,
            node: slot.call.node,
            attempt: 1,
            warm_up,
            reused: false,
            may_have_run: false,
        };
        slot.state = State::Packet;
        self.wake_at(index, sent + round_trip.half());
    }

    /// A client that knew of a failure while its packet was on the way may be due before now; it wakes now.
    #[inline]
    fn wake_at(&mut self, index: u32, at: SimTime) {
        self.wakes.set(index, at.max(self.now));
    }

    /// Arranges the next arrival of an open-loop client.
    fn arrange_arrival(&mut self, client: usize, now: SimTime) {
        let Client { spec, source: Some(source), .. } = &mut self.clients[client] else { return };
        let rate = spec.rate.as_per_second();
        let gap = match spec.arrivals {
            Arrivals::Poisson => -libm::log(source.gaps.uniform()) / rate,
            _ => 1.0 / rate,
        };
        let at = now + SimDuration::from_secs_f64_rounded(gap);
        let at = if at < self.stop { at } else { SimTime::MAX };
        self.wakes.set(source.slot, at);
    }

    /// A request of an open-loop client is due: it takes a free slot.
    fn arrive(&mut self, client: usize, now: SimTime) {
        self.arrange_arrival(client, now);
        if now >= self.stop {
            return;
        }
        let taken = self.clients[client].source.as_mut().and_then(|source| source.free.pop());
        let index = taken.unwrap_or_else(|| self.add_open_slot(client));
        let scenario = self.scenario;
        let spec = self.clients[client].spec;
        let Some(source) = &mut self.clients[client].source else { return };
        let number = source.next;
        source.next += 1;
        let round_trip = draw(scenario.delays.get(DelayId::RttPod), || source.luck.round_trip());
        let service_time = draw(&scenario.pod.server.service_time, || source.luck.service_time());
        let choice = source.luck.choice().bits();
        let mut call = Call::none(self.entry_node(spec, number));
        call = Call { index: number, sent: now, attempt_sent: now, round_trip, service_time, ..call };
        call.choice = Some(choice);
        let slot = &mut self.slots[index as usize];
        slot.call = call;
        slot.state = State::Packet;
        self.wake_at(index, now + call.one_way());
    }

    fn add_open_slot(&mut self, client: usize) -> u32 {
        let index = self.slots.len() as u32;
        let ordinal = index - self.clients[client].slots.start;
        self.add_slot(client as u32, ordinal);
        index
    }

    /// The slot that is due wakes.
    #[inline]
    pub(super) fn wake(&mut self, now: SimTime, index: u32, view: &mut View<'_, 's>) {
        self.now = now;
        let client = self.slots[index as usize].client as usize;
        if self.clients[client].source.as_ref().is_some_and(|source| source.slot == index) {
            self.arrive(client, now);
            return;
        }
        match self.slots[index as usize].state {
            State::Packet => self.packet(now, index, view),
            State::AfterHandshake => self.request_arrives(now, index, view),
            State::Retransmission => self.connect_again(now, index, view),
            State::Answer => self.answer_known(now, index),
            State::GivesUp => self.gives_up(now, index, view),
            State::Idle => unreachable!("an idle slot has no wake"),
        }
    }

    #[inline]
    fn packet(&mut self, now: SimTime, index: u32, view: &mut View<'_, 's>) {
        self.settle(index);
        let slot = &self.slots[index as usize];
        if slot.call.sent >= self.stop && self.obeys_stop(index) {
            self.rest(index);
        } else if slot.socket.is_some() {
            self.request_arrives(now, index, view);
        } else {
            self.connect(now, index, view);
        }
    }

    /// A client with a known number of calls makes them all, as fortio does; a retry belongs to a request under way.
    fn obeys_stop(&self, index: u32) -> bool {
        let slot = &self.slots[index as usize];
        let counted = self.clients[slot.client as usize].pacing.calls().is_some();
        slot.call.attempt == 1 && !slot.call.warm_up && !counted
    }

    fn rest(&mut self, index: u32) {
        self.slots[index as usize].state = State::Idle;
        self.wakes.set(index, SimTime::MAX);
    }

    /// The SYN of a new connection reaches the node.
    fn connect(&mut self, now: SimTime, index: u32, view: &mut View<'_, 's>) {
        self.tally.connections_opened += 1;
        self.slots[index as usize].call.reused = false;
        self.syn(now, index, view);
    }

    fn syn(&mut self, now: SimTime, index: u32, view: &mut View<'_, 's>) {
        let slot = &mut self.slots[index as usize];
        let call = slot.call;
        let rules = view.proxies[call.node.index()].rules();
        let Some(pod) = choose(rules, slot) else {
            self.answered(now, index, None, FailureKind::ConnectRefused, Met::NoEndpoints, view);
            return;
        };
        match syn_fate(view.servers.listener(pod), self.scenario.cluster.cni) {
            SynFate::Accepted => self.established(now, index, pod, view),
            SynFate::Answered(kind, met) => self.answered(now, index, Some(pod), kind, met, view),
            SynFate::Silent => self.silent(now, index, pod, view),
        }
    }

    /// The attempt fails by an answer of the network, one way later.
    fn answered(
        &mut self,
        now: SimTime,
        index: u32,
        pod: Option<PodId>,
        kind: FailureKind,
        met: Met,
        view: &mut View<'_, 's>,
    ) {
        let known = now + self.slots[index as usize].call.one_way();
        self.attempt_failed(now, index, Failure { kind, met, met_at: now, known, pod }, view);
    }

    /// Nothing answers the SYN: its retransmissions go to the same pod, pinned by conntrack.
    fn silent(&mut self, now: SimTime, index: u32, pod: PodId, view: &mut View<'_, 's>) {
        let call = self.slots[index as usize].call;
        let timeout = self.client(index).connect_timeout;
        if self.scenario.without.has(Mechanism::ConntrackPinning) {
            self.retransmit_later(now, index, pod, view);
            return;
        }
        let exited = view.servers.exited(pod).unwrap_or(now);
        let (known, kind) = silent_syn_end(call.attempt_sent, timeout, exited, call.one_way());
        let failure = Failure { kind, met: Met::NamespaceGone, met_at: now, known, pod: Some(pod) };
        self.attempt_failed(now, index, failure, view);
    }

    /// Without pinning each retransmission chooses anew.
    fn retransmit_later(&mut self, now: SimTime, index: u32, pod: PodId, view: &mut View<'_, 's>) {
        let call = self.slots[index as usize].call;
        let given_up = call.attempt_sent + self.client(index).connect_timeout;
        match next_syn(call.attempt_sent, now).filter(|at| *at < given_up) {
            Some(at) => {
                self.slots[index as usize].state = State::Retransmission;
                self.wake_at(index, at + call.one_way());
            }
            None => {
                let kind = FailureKind::ConnectTimeout;
                let failure = Failure { kind, met: Met::NamespaceGone, met_at: now, known: given_up, pod: Some(pod) };
                self.attempt_failed(now, index, failure, view);
            }
        }
    }

    fn connect_again(&mut self, now: SimTime, index: u32, view: &mut View<'_, 's>) {
        self.slots[index as usize].call.choice = None;
        self.syn(now, index, view);
    }

    fn established(&mut self, now: SimTime, index: u32, pod: PodId, view: &mut View<'_, 's>) {
        self.established += 1;
        let free = self.client(index).free_connect;
        let slot = &mut self.slots[index as usize];
        let node = slot.call.node;
        slot.socket = Some(Socket { pod, node, carried: 0, closed_at: None, idle_since: now });
        if self.options.trace {
            let id = SlotId(slot.ordinal);
            self.results.connected.push((now, id, pod));
        }
        if free {
            self.request_arrives(now, index, view);
        } else {
            slot.state = State::AfterHandshake;
            let at = now + slot.call.round_trip;
            self.wake_at(index, at);
        }
    }

    /// The request reaches the pod over the slot's connection.
    #[inline]
    fn request_arrives(&mut self, now: SimTime, index: u32, view: &mut View<'_, 's>) {
        if self.scenario.without.has(Mechanism::ConntrackPinning) {
            self.unpin(now, index, view);
        }
        let server = &self.scenario.pod.server;
        let slot = &mut self.slots[index as usize];
        let Some(socket) = &mut slot.socket else { unreachable!("a request travels over a connection") };
        slot.call.reused = socket.carried > 0;
        if socket.closed_at.is_none() && now.saturating_since(socket.idle_since) > server.keep_alive_timeout {
            socket.closed_at = Some(socket.idle_since + server.keep_alive_timeout);
        }
        match socket.closed_at {
            Some(closed) => self.meets_closed(now, index, closed, view),
            None => self.serve(now, index, view),
        }
    }

    #[inline]
    fn serve(&mut self, now: SimTime, index: u32, view: &mut View<'_, 's>) {
        let server = &self.scenario.pod.server;
        let slot = &mut self.slots[index as usize];
        let client = &self.scenario.clients[slot.client as usize];
        let Some(socket) = &mut slot.socket else { unreachable!("a request is served over a connection") };
        let call = slot.call;
        let service = view.servers.serve(socket.pod, now, call.service_time);
        let done = service.finish + server.response_time;
        socket.carried += 1;
        socket.idle_since = done;
        let last = socket.carried >= server.keep_alive_requests;
        if last {
            socket.closed_at = Some(done);
        }
        let closes = !client.keep_alive || (last && client.honours_connection_close);
        let known = done + call.one_way();
        let answer = Answer { call, known, ending: Ending::Served { service, done }, closes };
        let patience = call.attempt_sent + client.request_timeout;
        if known > patience {
            slot.answer = Some(answer);
            slot.state = State::GivesUp;
            self.wake_at(index, patience);
        } else {
            self.arrange_answer(index, answer);
        }
    }

    /// The client's patience ends before the response is there.
    fn gives_up(&mut self, now: SimTime, index: u32, view: &mut View<'_, 's>) {
        let slot = &mut self.slots[index as usize];
        slot.answer = None;
        slot.call.may_have_run = true;
        let pod = slot.socket.map(|socket| socket.pod);
        let (kind, met) = (FailureKind::Timeout, Met::SlowServer);
        self.attempt_failed(now, index, Failure { kind, met, met_at: now, known: now, pod }, view);
    }

    /// The server had closed the connection before the request arrived.
    fn meets_closed(&mut self, now: SimTime, index: u32, closed: SimTime, view: &mut View<'_, 's>) {
        let notices = self.client(index).notices_close;
        let slot = &mut self.slots[index as usize];
        let call = slot.call;
        let pod = slot.socket.map(|socket| socket.pod);
        match closed_fate(closed, now, call.one_way()) {
            ClosedFate::SeenBeforeSending if notices => {
                self.close_socket(index);
                self.connect(now, index, view);
            }
            ClosedFate::SeenBeforeSending => {
                let (kind, met) = (FailureKind::Eof, Met::ClosedIdle);
                let failure = Failure { kind, met, met_at: now, known: call.attempt_sent, pod };
                self.attempt_failed(now, index, failure, view);
            }
            ClosedFate::Crossed => {
                self.answered(now, index, pod, FailureKind::Reset, Met::ClosedUnread, view);
            }
        }
    }

    /// Without conntrack pinning the packet chooses among the current rules, whatever its connection.
    fn unpin(&mut self, now: SimTime, index: u32, view: &mut View<'_, 's>) {
        let slot = &mut self.slots[index as usize];
        let Some(node) = slot.socket.map(|socket| socket.node) else { return };
        let Some(pod) = choose(view.proxies[node.index()].rules(), slot) else { return };
        let Some(socket) = &mut slot.socket else { return };
        if pod != socket.pod {
            socket.pod = pod;
            socket.closed_at = match view.servers.listener(pod) {
                Listener::Open => None,
                _ => Some(now),
            };
        }
    }

    /// The attempt fails. Either the client tries again by itself, or the request is lost.
    fn attempt_failed(&mut self, now: SimTime, index: u32, failure: Failure, view: &mut View<'_, 's>) {
        self.close_socket(index);
        let client = self.client(index);
        let slot = &mut self.slots[index as usize];
        let call = &mut slot.call;
        let retries = !self.scenario.without.has(Mechanism::SilentRetry)
            && retries_silently(client, failure.kind, call.reused, call.attempt);
        if !retries {
            let answer = Answer { call: *call, known: failure.known, ending: Ending::Lost(failure), closes: false };
            self.arrange_answer(index, answer);
            return;
        }
        (call.attempt, call.attempt_sent, call.choice) = (call.attempt + 1, failure.known, None);
        let at = failure.known + call.one_way();
        if at <= now {
            self.connect(now, index, view);
        } else {
            slot.state = State::Packet;
            self.wake_at(index, at);
        }
    }

    fn close_socket(&mut self, index: u32) {
        if self.slots[index as usize].socket.take().is_some() {
            self.closed += 1;
        }
    }

    fn client(&self, index: u32) -> &'s ClientSpec {
        &self.scenario.clients[self.slots[index as usize].client as usize]
    }

    /// The end of the request is arranged; a closed-loop connection goes on with its next call.
    #[inline]
    fn arrange_answer(&mut self, index: u32, answer: Answer) {
        let slot = &mut self.slots[index as usize];
        slot.answer = Some(answer);
        let client = &self.clients[slot.client as usize];
        let next = answer.call.index + 1;
        let goes_on =
            client.source.is_none() && !answer.call.warm_up && client.pacing.calls().is_none_or(|calls| next < calls);
        let due = if goes_on { client.pacing.due_at(client.start, next) + slot.phase } else { SimTime::MAX };
        let sent = due.max(answer.known);
        if sent < self.stop || (goes_on && client.pacing.calls().is_some()) {
            self.begin_call(index, next, sent, false);
        } else {
            slot.state = State::Answer;
            self.wake_at(index, answer.known);
        }
    }

    /// The answer is known, and no next call was arranged.
    fn answer_known(&mut self, now: SimTime, index: u32) {
        let warm_up = self.slots[index as usize].call.warm_up;
        self.settle(index);
        self.rest(index);
        let client = self.slots[index as usize].client as usize;
        if let Some(source) = &mut self.clients[client].source {
            source.free.push(index);
        } else if warm_up {
            self.clients[client].warm_ups_left -= 1;
            if self.clients[client].warm_ups_left == 0 {
                self.start_clock(client, now);
            }
        }
    }

    /// Counts the answer of the slot: nothing can come between any more.
    #[inline]
    fn settle(&mut self, index: u32) {
        let slot = &mut self.slots[index as usize];
        let Some(answer) = slot.answer.take() else { return };
        if !answer.call.warm_up {
            match answer.ending {
                Ending::Served { .. } => {
                    self.tally.succeeded(answer.known - answer.call.sent);
                    if answer.call.attempt > 1 {
                        self.tally.retried += 1;
                        self.tally.duplicated += u64::from(answer.call.may_have_run);
                    }
                }
                Ending::Lost(failure) => self.tally.failed(failure.kind, answer.known),
            }
            if self.options.check || self.options.trace {
                self.observe(index, &answer);
            }
        }
        if answer.closes {
            self.close_socket(index);
        }
    }

    #[cold]
    fn observe(&mut self, index: u32, answer: &Answer) {
        let slot = &self.slots[index as usize];
        let call = &answer.call;
        let who = u64::from(slot.client) << 32 | u64::from(slot.ordinal);
        let Ending::Lost(failure) = answer.ending else {
            let words = [6, who, call.index, call.sent.as_nanos(), answer.known.as_nanos()];
            self.results.digest.add(&words);
            return;
        };
        let words = [7, who, call.index, call.sent.as_nanos(), answer.known.as_nanos(), failure.kind as u64];
        self.results.digest.add(&words);
        self.results.lost.push(LostRequest {
            client: slot.client,
            slot: SlotId(slot.ordinal),
            call: call.index,
            sent: call.sent,
            met_at: failure.met_at,
            known: failure.known,
            kind: failure.kind,
            met: failure.met,
            pod: failure.pod,
            node: call.node,
            reused: call.reused,
            attempts: call.attempt,
        });
    }

    /// The server of `pod` ends its connections now; `cut` those with a request in service, too. Returns when the last
    /// request that is drained is done.
    pub(super) fn sever(&mut self, now: SimTime, pod: PodId, cut: bool, view: &mut View<'_, 's>) -> SimTime {
        self.now = now;
        let mut drained = now;
        for index in 0..self.slots.len() as u32 {
            let slot = &self.slots[index as usize];
            if slot.socket.is_some_and(|socket| socket.pod == pod) {
                drained = drained.max(self.sever_one(now, index, cut, view));
            }
        }
        drained
    }

    /// Returns when the connection's request is drained, or now.
    fn sever_one(&mut self, now: SimTime, index: u32, cut: bool, view: &mut View<'_, 's>) -> SimTime {
        let slot = &mut self.slots[index as usize];
        let Some(socket) = &mut slot.socket else { return now };
        if slot.answer.is_some_and(|answer| answer.closes && answer.known <= now) {
            // The client has closed it; that is noted at its next wake.
            return now;
        }
        self.tally.connections_severed += u64::from(socket.closed_at.is_none());
        let in_service = slot.answer.and_then(|answer| Some((answer, answer.in_service(now)?)));
        let Some((answer, service)) = in_service else {
            socket.closed_at = Some(socket.closed_at.map_or(now, |closed| closed.min(now)));
            return now;
        };
        let unread = service.start > now && self.scenario.pod.server.queued == QueuedPolicy::Reset;
        if !cut && !unread {
            socket.closed_at = Some(socket.idle_since);
            self.drain_one(index);
            return socket_done(&answer);
        }
        let (kind, met) = match () {
            () if service.start > now => (FailureKind::Reset, Met::ClosedUnread),
            () if service.finish > now => (FailureKind::Eof, Met::CutInService),
            () => (FailureKind::Truncated, Met::CutInResponse),
        };
        self.revoke(now, index, answer, kind, met, view);
        now
    }

    /// A drained request is answered with `Connection: close`.
    fn drain_one(&mut self, index: u32) {
        let honours = self.client(index).honours_connection_close;
        if let Some(answer) = &mut self.slots[index as usize].answer {
            answer.closes |= honours;
        }
    }

    /// The answer arranged for a request will not come: the connection ends instead.
    fn revoke(
        &mut self,
        now: SimTime,
        index: u32,
        answer: Answer,
        kind: FailureKind,
        met: Met,
        view: &mut View<'_, 's>,
    ) {
        let slot = &mut self.slots[index as usize];
        let pod = slot.socket.map(|socket| socket.pod);
        slot.answer = None;
        let next_was_arranged = slot.state == State::Packet;
        if next_was_arranged {
            slot.drawn = Some((slot.call.round_trip, slot.call.service_time));
        }
        slot.call = answer.call;
        slot.call.may_have_run |= met != Met::ClosedUnread;
        self.answered(now, index, pod, kind, met, view);
    }

    /// Settles what is left and, if asked, checks that nothing got lost on the way.
    pub(super) fn finish(&mut self, check: bool) {
        for index in 0..self.slots.len() as u32 {
            self.settle(index);
        }
        if check {
            let open = self.slots.iter().filter(|slot| slot.socket.is_some()).count() as u64;
            assert_eq!(self.established, self.closed + open, "connections opened are closed or open at the end");
            assert!(self.slots.iter().all(|slot| slot.answer.is_none()), "every request ends");
            self.check_requests();
        }
    }

    /// A client that makes a known number of calls has made each once.
    fn check_requests(&self) {
        let expected = |client: &Client<'_>| {
            Some(client.pacing.calls().filter(|_| client.source.is_none())? * client.slots.len() as u64)
        };
        let all: Option<u64> = self.clients.iter().map(expected).sum();
        if let Some(all) = all {
            assert_eq!(self.tally.requests(), all, "every request ends exactly once");
        }
    }

    /// The share of the offered load that enters at each node.
    pub(super) fn entering_shares(&self) -> Vec<f64> {
        let nodes = self.scenario.cluster.nodes;
        let mut shares = vec![0.0; nodes as usize];
        let all: f64 = self.scenario.clients.iter().map(|client| client.rate.as_per_second()).sum();
        for client in &self.scenario.clients {
            let entries = if self.opens_loop(client) { u64::from(nodes) } else { client.connections.into() };
            for entry in 0..entries {
                let node = self.entry_node(client, entry);
                shares[node.index()] += client.rate.as_per_second() / all / entries as f64;
            }
        }
        shares
    }

    fn opens_loop(&self, client: &ClientSpec) -> bool {
        matches!(client.arrivals, Arrivals::Constant | Arrivals::Poisson)
    }

    /// Writes the metrics and hands over the rest, lost requests in the order in which clients knew.
    pub(super) fn into_results(mut self, metrics: &mut Metrics) -> Results {
        self.tally.write(metrics);
        self.results.lost.sort_by_key(|lost| (lost.known, lost.client, lost.slot, lost.call));
        self.results
    }
}

impl Call {
    fn none(node: NodeId) -> Self {
        Call {
            index: 0,
            sent: SimTime::ZERO,
            attempt_sent: SimTime::ZERO,
            round_trip: SimDuration::ZERO,
            service_time: SimDuration::ZERO,
            choice: None,
            node,
            attempt: 1,
            warm_up: false,
            reused: false,
            may_have_run: false,
        }
    }
}

/// One draw, the stream being opened only if the distribution needs it.
#[inline]
fn draw<'a>(dist: &crate::dist::Dist, stream: impl FnOnce() -> &'a mut Stream) -> SimDuration {
    match dist {
        crate::dist::Dist::Constant(value) => *value,
        dist => dist.draw(stream()),
    }
}

/// Each pod in the rules with equal probability: by the call's own bits if it has some, else by the slot's stream.
fn choose(rules: &[PodId], slot: &mut Slot) -> Option<PodId> {
    let bits = slot.call.choice.unwrap_or_else(|| slot.luck.choice().bits());
    let place = (u128::from(bits) * rules.len() as u128) >> 64;
    rules.get(place as usize).copied()
}

fn socket_done(answer: &Answer) -> SimTime {
    match answer.ending {
        Ending::Served { done, .. } => done,
        Ending::Lost(failure) => failure.known,
    }
}
