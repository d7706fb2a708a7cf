//! The request path of one connection slot: from the moment its client sends to the moment it knows.
//!
//! A slot wakes when a packet of its reaches the data plane, so all that the packet meets (rules, listener, workers) is
//! known and in order of time: one wake a request on an open connection, two on a fresh one. What the server does
//! later to a request in service ([`Path::sever`]) revokes the answer arranged for it. An answer is counted at the
//! slot's next wake, when nothing can come between any more.

use crate::dist::Dist;
use crate::engine::{Digest, Slots, Stream};
use crate::ids::{PodId, ReplicaId, SlotId, Target};
use crate::model::client::{Budget, is_given_up};
use crate::model::msg::Listener;
use crate::model::network::{ClosedFate, SynFate, closed_fate, next_syn, silent_syn_end, syn_fate, syn_given_up};
use crate::model::server::{Meets, Servers, Service};
use crate::model::spec::{DelayId, LEAST_CYCLE, LatencyFrom, Mechanism, ProxyMode, Scenario, ServiceKind, Via};
use crate::record::{FailureKind, LostRequest, Met, Series};
use crate::units::{SimDuration, SimTime};
use crate::world::balancers::Balancers;
use crate::world::failures_only;
use crate::world::load::AtPods;
use crate::world::proxied::on_trip;
use crate::world::route::{Routes, Way};
use crate::world::slot::{Answer, Call, Drawn, Ending, Failure, Schedule, Slot, Socket, State};
use crate::world::tally::Tally;
use crate::world::{Estimator, Options, keeps_series};

/// What a packet can meet: the rules of each node, the names' addresses and the servers.
#[derive(Debug)]
pub(super) struct View<'a, 's> {
    pub(super) routes: &'a mut Routes<'s>,
    pub(super) servers: &'a mut Servers<'s>,
    pub(super) balancers: &'a mut Balancers<'s>,
}

/// What remains of the requests of a run.
#[derive(Debug, Default)]
pub(super) struct Results {
    /// Of every request's outcome, if the run is checked or traced.
    pub(super) digest: Option<Digest>,
    pub(super) lost: Vec<LostRequest>,
    pub(super) connected: Vec<(SimTime, SlotId, PodId)>,
    /// How it goes second by second, if that is kept.
    pub(super) series: Option<Box<Series>>,
}

/// What a wake means beyond its slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// Nothing.
    Nothing,
    /// The slot's request has ended and no other is arranged.
    Free,
    /// The slot's warm-up request has ended.
    WarmedUp,
}

/// What the slots share: the wakes, the counts, the limits of the run.
#[derive(Debug)]
pub(super) struct Path<'s> {
    pub(super) scenario: &'s Scenario,
    pub(super) options: Options,
    pub(super) wakes: Slots,
    /// Requests due at or after this are not sent.
    pub(super) stop: SimTime,
    pub(super) now: SimTime,
    /// The rules may matter to packets of open connections.
    pub(super) minds_rules: bool,
    pub(super) round_trip: &'s Dist,
    pub(super) service_time: &'s Dist,
    pub(super) response_time: SimDuration,
    pub(super) keep_alive_timeout: SimDuration,
    /// Streams that a connection may carry at once.
    pub(super) most_streams: usize,
    /// Of the estimator that skips quiet stretches: how much of one is simulated before anything happens.
    pub(super) window: Option<SimDuration>,
    pub(super) tally: Tally,
    /// Requests whose first packet reached the data plane, warm-up excluded.
    pub(super) begun: u64,
    pub(super) established: u64,
    pub(super) closed: u64,
    pub(super) results: Results,
    /// Of a run that keeps its series: requests at pods.
    pub(super) at_pods: AtPods,
    /// By client: when it ended by a failure.
    pub(super) stopped: Vec<SimTime>,
    /// By client: the retries it may make, if they are limited.
    pub(super) budgets: Vec<Option<Budget>>,
    /// The last balancer on the way of the request being settled.
    pub(super) lost_through: Option<ReplicaId>,
}

impl<'s> Path<'s> {
    pub(super) fn new(scenario: &'s Scenario, options: Options) -> Self {
        let observed = (options.check || options.trace) && options.estimator == Estimator::EveryRequest;
        Path {
            scenario,
            options,
            wakes: Slots::new(8),
            stop: SimTime::MAX,
            now: SimTime::ZERO,
            minds_rules: scenario.service.kind != ServiceKind::Headless
                && (scenario.without.has(Mechanism::ConntrackPinning) || scenario.kube_proxy.mode == ProxyMode::Ipvs),
            round_trip: scenario.delays.get(DelayId::RttPod),
            service_time: &scenario.pod.server.service_time,
            response_time: scenario.pod.server.response_time,
            keep_alive_timeout: scenario.pod.server.keep_alive_timeout,
            most_streams: scenario.pod.server.max_streams.map_or(usize::MAX, |most| most as usize),
            window: failures_only::window(scenario, options.estimator),
            tally: Tally::new(options.estimator == Estimator::FailuresOnly),
            begun: 0,
            established: 0,
            closed: 0,
            stopped: vec![SimTime::MAX; scenario.clients.len()],
            budgets: scenario.clients.iter().map(|client| client.budget().map(Budget::new)).collect(),
            results: Results {
                digest: observed.then(Digest::default),
                series: keeps_series(scenario, options).then(|| Box::new(Series::new(scenario.horizon()))),
                ..Results::default()
            },
            at_pods: AtPods::default(),
            lost_through: None,
        }
    }

    /// Arranges a request on a closed-loop connection, to be sent at `sent`.
    #[inline(always)]
    pub(super) fn begin_call(&mut self, slot: &mut Slot<'s>, index: u64, sent: SimTime, warm_up: bool) {
        let drawn = match slot.drawn.take() {
            Some(drawn) => drawn,
            None if slot.plain => Drawn {
                round_trip: slot.luck.round_trip(self.round_trip),
                service_time: slot.luck.service_time(self.service_time),
                work: slot.call.work,
                idempotent: slot.call.idempotent,
            },
            None => slot.luck.varied(slot.spec, self.round_trip, self.service_time),
        };
        let call = &mut slot.call;
        (call.index, call.sent, call.attempt_sent) = (index, sent, sent);
        (call.round_trip, call.service_time, call.work, call.idempotent) =
            (drawn.round_trip, drawn.service_time, drawn.work, drawn.idempotent);
        (call.attempt, call.warm_up, call.may_have_run, call.runs) = (1, warm_up, false, 0);
        slot.state = State::Packet;
        self.wake_at(slot, sent + drawn.round_trip.half());
    }

    /// A client that knew of a failure while its packet was on the way may be due before now; it wakes now.
    #[inline(always)]
    pub(super) fn wake_at(&mut self, slot: &Slot<'s>, at: SimTime) {
        self.wakes.set(slot.index, at.max(self.now));
    }

    /// The slot wakes.
    #[inline]
    pub(super) fn wake(&mut self, slot: &mut Slot<'s>, view: &mut View<'_, 's>) -> After {
        match slot.state {
            State::Packet => self.packet(slot, view),
            State::AfterHandshake => self.request_arrives(slot, view),
            State::Retransmission => self.connect_again(slot, view),
            State::Answer => return self.answer_known(slot),
            State::GivesUp => self.gives_up(slot, view),
            State::Shares => self.wake_sharing(slot, view),
            State::Proxied => return self.wake_proxied(slot, view),
            State::Idle | State::Rejoins => unreachable!("an idle slot has no wake, and a stream joins elsewhere"),
        }
        After::Nothing
    }

    #[inline(never)]
    fn wake_proxied(&mut self, slot: &mut Slot<'s>, view: &mut View<'_, 's>) -> After {
        on_trip(self, slot, view, |proxied| proxied.wake()).unwrap_or(After::Nothing)
    }

    #[inline(always)]
    fn packet(&mut self, slot: &mut Slot<'s>, view: &mut View<'_, 's>) {
        self.settle(slot);
        if slot.call.sent >= self.stop && !is_made_after_the_end(slot) {
            self.rest(slot);
            return;
        }
        if !slot.plain && self.is_stopped(slot) {
            self.rest(slot);
            return;
        }
        self.begun += u64::from(slot.call.attempt == 1 && !slot.call.warm_up);
        if slot.socket.is_some() {
            self.request_arrives(slot, view);
        } else {
            self.connect(slot, view);
        }
    }

    /// What a client with rules of its own minds before it sends. Says whether it has ended.
    #[cold]
    pub(super) fn is_stopped(&mut self, slot: &mut Slot<'s>) -> bool {
        let call = &slot.call;
        if call.attempt == 1 && call.sent >= self.stopped[slot.client as usize] {
            return true;
        }
        if let (1, false, Some(budget)) = (call.attempt, call.warm_up, &mut self.budgets[slot.client as usize]) {
            budget.note_request();
        }
        let sent = call.attempt_sent;
        let left = slot.socket.filter(|socket| !socket.shared).map(|socket| socket.kept());
        if left.is_some_and(|kept| is_given_up(&slot.spec.pool, kept, sent)) {
            self.close_socket(slot);
        }
        false
    }

    /// When a client that sends by a schedule begins to send what it owes: now, if it is late, or when what it waits for is over,
    /// if that comes after its next request is due; never, if it is in time.
    pub(super) fn burst_at(&self, slot: &Slot<'s>) -> SimTime {
        let Some(Schedule { pacing, start, .. }) = slot.schedule else { return SimTime::MAX };
        let (index, wakes) = (slot.call.index, self.wakes.at(slot.index));
        match () {
            () if wakes.is_never() || slot.call.warm_up => SimTime::MAX,
            () if slot.call.sent != pacing.due_at(start, index) => self.now,
            () if wakes > pacing.due_at(start, index + 1) => wakes,
            () => SimTime::MAX,
        }
    }

    /// Takes the requests of a client that connects for each as answered, as far as they are due before `until` and the one
    /// on its way is not late. Says when the first of the others reaches the node; nothing if there is none to skip.
    pub(super) fn skip(&mut self, slot: &mut Slot<'s>, until: SimTime) -> Option<SimTime> {
        let Schedule { pacing, start, .. } = slot.schedule?;
        let call = slot.call;
        let plain = slot.state == State::Packet && call.attempt == 1 && !call.warm_up && slot.drawn.is_none();
        let next = pacing.first_due(start, until).min(pacing.calls().unwrap_or(u64::MAX).saturating_sub(2));
        let skipped = next.checked_sub(call.index).filter(|skipped| *skipped > 1)?;
        if !plain || call.sent != pacing.due_at(start, call.index) {
            return None;
        }
        self.settle(slot);
        if slot.socket.is_some() {
            return None;
        }
        self.tally.succeeded_unseen(skipped);
        self.tally.connections_opened += skipped;
        [&mut self.begun, &mut self.established, &mut self.closed].into_iter().for_each(|count| *count += skipped);
        slot.luck.skip(skipped - 1);
        slot.luck.skip_choices(skipped);
        self.begin_call(slot, next, pacing.due_at(start, next), false);
        Some(self.wakes.at(slot.index))
    }

    pub(super) fn rest(&mut self, slot: &mut Slot<'s>) {
        slot.state = State::Idle;
        self.wakes.set(slot.index, SimTime::MAX);
    }

    /// The SYN of a new connection reaches the node.
    pub(super) fn connect(&mut self, slot: &mut Slot<'s>, view: &mut View<'_, 's>) {
        self.tally.connections_opened += 1;
        slot.call.reused = false;
        slot.state = State::Packet;
        self.syn(slot, view);
    }

    fn syn(&mut self, slot: &mut Slot<'s>, view: &mut View<'_, 's>) {
        let call = slot.call;
        let given_up = syn_given_up(call.attempt_sent, slot.spec.connect_timeout);
        if self.now + call.one_way() > given_up && !slot.spec.free_connect {
            let (kind, met) = (FailureKind::ConnectTimeout, Met::SlowNetwork);
            let met_at = self.now.min(given_up);
            self.attempt_failed(slot, Failure { kind, met, met_at, known: given_up, pod: None }, view);
            return;
        }
        match self.way(slot, view) {
            Way::To(pod) => self.syn_to(slot, pod, view),
            Way::Rejected => self.answered(slot, None, FailureKind::ConnectRefused, Met::NoEndpoints, view),
            Way::Dropped => self.retransmit_later(slot, Way::Dropped, view),
            Way::NoAddress => {
                let (kind, met) = (FailureKind::HostUnreachable, Met::NoAddress);
                self.attempt_failed(slot, Failure { kind, met, met_at: self.now, known: self.now, pod: None }, view);
            }
        }
    }

    /// Where a new connection goes: what its node or name says, unless a load balancer forwards the connection to a pod; it
    /// may choose the node instead, and stays with its choice as long as the SYN is retransmitted.
    fn way(&mut self, slot: &mut Slot<'s>, view: &mut View<'_, 's>) -> Way {
        if let Some(pod) = slot.address {
            return Way::To(pod);
        }
        if slot.spec.via != Via::Service {
            if slot.state != State::Retransmission {
                slot.flow = view.balancers.forward(self.now, slot);
            }
            match slot.flow.map(|flow| flow.target) {
                Some(Target::Node(node)) => slot.call.node = node,
                target => return target.and_then(Target::pod).map_or(Way::Rejected, Way::To),
            }
        }
        view.routes.way(self.now, self.scenario, slot.call.node, slot)
    }

    /// The SYN reaches a pod, or where it was.
    fn syn_to(&mut self, slot: &mut Slot<'s>, pod: PodId, view: &mut View<'_, 's>) {
        let listener = view.servers.listener(pod);
        let fate = syn_fate(listener, self.scenario.cluster.cni);
        if fate != SynFate::Accepted {
            view.routes.syn_failed(self.now, slot, listener);
        }
        match fate {
            SynFate::Accepted if view.servers.is_full(pod, self.now) => self.dropped_at(slot, pod, view),
            SynFate::Accepted => self.established(slot, pod, view),
            SynFate::Answered(kind, met) => self.answered(slot, Some(pod), kind, met, view),
            SynFate::Silent => self.silent(slot, pod, view),
        }
    }

    /// The attempt fails by an answer of the network, one way later.
    pub(super) fn answered(
        &mut self,
        slot: &mut Slot<'s>,
        pod: Option<PodId>,
        kind: FailureKind,
        met: Met,
        view: &mut View<'_, 's>,
    ) {
        let known = self.now + slot.call.one_way();
        self.attempt_failed(slot, Failure { kind, met, met_at: self.now, known, pod }, view);
    }

    /// Nothing answers the SYN: its retransmissions go to the same pod, pinned by conntrack.
    fn silent(&mut self, slot: &mut Slot<'s>, pod: PodId, view: &mut View<'_, 's>) {
        let call = slot.call;
        let timeout = slot.spec.connect_timeout;
        if self.scenario.without.has(Mechanism::ConntrackPinning) {
            self.retransmit_later(slot, Way::To(pod), view);
            return;
        }
        let exited = view.servers.exited(pod).unwrap_or(self.now);
        let (known, kind) = silent_syn_end(call.attempt_sent, timeout, exited, call.one_way());
        let failure = Failure { kind, met: Met::NamespaceGone, met_at: self.now, known, pod: Some(pod) };
        self.attempt_failed(slot, failure, view);
    }

    /// The accept queue is full: the SYN is dropped and sent again, to the same pod, which conntrack knows.
    #[cold]
    fn dropped_at(&mut self, slot: &mut Slot<'s>, pod: PodId, view: &mut View<'_, 's>) {
        let (call, timeout) = (slot.call, slot.spec.connect_timeout);
        slot.pinned = Some(pod).filter(|_| !self.scenario.without.has(Mechanism::ConntrackPinning));
        let given_up = syn_given_up(call.attempt_sent, timeout);
        match next_syn(call.attempt_sent, self.now).filter(|at| *at < given_up) {
            Some(at) => {
                slot.state = State::Retransmission;
                self.wake_at(slot, at + call.one_way());
            }
            None => {
                slot.pinned = None;
                let (kind, met, met_at) = (FailureKind::ConnectTimeout, Met::BacklogFull, self.now);
                self.attempt_failed(slot, Failure { kind, met, met_at, known: given_up, pod: Some(pod) }, view);
            }
        }
    }

    /// Without pinning each retransmission chooses anew, and so does one of a SYN that no pod was chosen for.
    fn retransmit_later(&mut self, slot: &mut Slot<'s>, way: Way, view: &mut View<'_, 's>) {
        let call = slot.call;
        let given_up = syn_given_up(call.attempt_sent, slot.spec.connect_timeout);
        match next_syn(call.attempt_sent, self.now).filter(|at| *at < given_up) {
            Some(at) => {
                slot.state = State::Retransmission;
                self.wake_at(slot, at + call.one_way());
            }
            None => {
                let kind = FailureKind::ConnectTimeout;
                let failure = Failure { kind, met: way.met(), met_at: self.now, known: given_up, pod: way.pod() };
                self.attempt_failed(slot, failure, view);
            }
        }
    }

    fn connect_again(&mut self, slot: &mut Slot<'s>, view: &mut View<'_, 's>) {
        if let Some(pod) = slot.pinned.take() {
            self.syn_to(slot, pod, view);
            return;
        }
        slot.call.choice = None;
        self.syn(slot, view);
    }

    fn established(&mut self, slot: &mut Slot<'s>, pod: PodId, view: &mut View<'_, 's>) {
        self.established += 1;
        let free = slot.spec.free_connect;
        let node = slot.call.node;
        let (idle_since, accepted) = (self.now, view.servers.establish(pod, self.now));
        let (opened, closed_at) = (idle_since, None);
        slot.socket = Some(Socket {
            pod,
            node,
            carried: 0,
            closed_at,
            opened,
            idle_since,
            severed: false,
            shared: false,
            accepted,
        });
        slot.draw_reuses();
        if let Some(reconnect) = &slot.spec.reconnect {
            let nanos = slot.call.service_time.as_nanos() as f64;
            slot.call.service_time = SimDuration::from_nanos_f64_rounded(nanos * reconnect.work);
        }
        if self.options.trace {
            let id = SlotId(slot.ordinal);
            self.results.connected.push((self.now, id, pod));
        }
        if free && !slot.only_dials() {
            self.request_arrives(slot, view);
        } else {
            slot.state = State::AfterHandshake;
            let at = self.now + slot.call.round_trip;
            self.wake_at(slot, at);
        }
    }

    /// The request reaches the pod over the slot's connection.
    #[inline]
    fn request_arrives(&mut self, slot: &mut Slot<'s>, view: &mut View<'_, 's>) {
        if self.minds_rules && self.is_lost_on_the_way(slot, view) {
            return;
        }
        let server = &self.scenario.pod.server;
        let Some(socket) = &mut slot.socket else { unreachable!("a request travels over a connection") };
        slot.call.reused = socket.carried > 0;
        if socket.closed_at.is_none() && self.now.saturating_since(socket.idle_since) > server.keep_alive_timeout {
            socket.closed_at = Some(socket.idle_since + server.keep_alive_timeout);
        }
        match socket.closed_at {
            Some(closed) => self.meets_closed(slot, closed, view),
            None => self.serve(slot, view),
        }
    }

    #[inline(always)]
    fn serve(&mut self, slot: &mut Slot<'s>, view: &mut View<'_, 's>) {
        let Some(socket) = &slot.socket else { unreachable!("a request is served over a connection") };
        match view.servers.serve(socket.pod, self.now, slot.call.service_time) {
            Some(service) => self.serves(slot, service, false),
            None => self.meet(slot, view),
        }
    }

    /// The request meets more than the workers of its pod, or a server that is about to stop.
    #[cold]
    fn meet(&mut self, slot: &mut Slot<'s>, view: &mut View<'_, 's>) {
        let Some(socket) = &slot.socket else { unreachable!("a request is served over a connection") };
        match view.servers.meet(socket.pod, self.now, slot.call.service_time) {
            Meets::Served { service, last } => self.serves(slot, service, last),
            Meets::Shares => self.share(slot, socket.pod, view),
            Meets::Overload => self.answer_503(slot, Met::Overload),
            Meets::Rejected => self.answer_503(slot, Met::StoppingServer),
            Meets::Unread => self.give_up_later(slot),
        }
    }

    /// The server answers 503 at once; one that stops closes the connection.
    fn answer_503(&mut self, slot: &mut Slot<'s>, met: Met) {
        let Some(socket) = &mut slot.socket else { unreachable!("a request is answered over a connection") };
        let (call, now) = (slot.call, self.now);
        socket.carried += 1;
        socket.idle_since = now;
        let last = met == Met::StoppingServer || socket.carried >= self.scenario.pod.server.keep_alive_requests;
        let leaves = !slot.spec.keep_alive || slot.spec.closes_after_error || socket.carried >= slot.reuses;
        let leaves = leaves && slot.channel.is_none();
        if last || leaves {
            socket.closed_at = Some(now);
        }
        let known = now + call.one_way();
        let failure = Failure { kind: FailureKind::Http503, met, met_at: now, known, pod: Some(socket.pod) };
        self.answered_503(slot, failure, leaves || (last && slot.spec.honours_connection_close));
    }

    /// The request is served then; `last` says that the server closes the connection after it.
    #[inline(always)]
    fn serves(&mut self, slot: &mut Slot<'s>, service: Service, last: bool) {
        let patience = self.patience(slot);
        self.serves_until(slot, service, last, patience);
    }

    #[inline(always)]
    pub(super) fn serves_until(&mut self, slot: &mut Slot<'s>, service: Service, last: bool, patience: SimTime) {
        let server = &self.scenario.pod.server;
        let call = slot.call;
        let done = service.finish + server.response_time;
        let Some(socket) = &mut slot.socket else { unreachable!("a request is served over a connection") };
        if self.results.series.is_some() {
            self.observe_service(socket.pod, service, done);
        }
        socket.carried += 1;
        socket.idle_since = done;
        let last = last || socket.carried >= server.keep_alive_requests;
        if last {
            socket.closed_at = Some(done);
        }
        let leaves = !slot.spec.keep_alive || socket.carried >= slot.reuses;
        if leaves {
            socket.closed_at = Some(done);
        }
        let closes = leaves || (last && slot.spec.honours_connection_close);
        let known = done + call.one_way();
        slot.answer = Some(Answer { call, known, ending: Ending::Served { service, done }, closes });
        if known > patience {
            self.give_up_at(slot, patience);
        } else {
            self.go_on(slot, known);
        }
    }

    /// Until when the client waits for the response to a request that arrives now, counted from sending it; or until it knows that the
    /// connection is cut for its age.
    #[inline(always)]
    pub(super) fn patience(&self, slot: &Slot<'s>) -> SimTime {
        let one_way = slot.call.one_way();
        let patience = self.now.saturating_sub(one_way) + slot.spec.request_timeout;
        if slot.plain { patience } else { patience.min(slot.cut_at.saturating_add(one_way)) }
    }

    /// The client waits for the response as long as its patience lasts, counted from sending the request.
    fn give_up_later(&mut self, slot: &mut Slot<'s>) {
        self.give_up_at(slot, self.patience(slot));
    }

    fn give_up_at(&mut self, slot: &mut Slot<'s>, patience: SimTime) {
        slot.patience = patience;
        slot.state = State::GivesUp;
        self.wake_at(slot, slot.patience);
    }

    /// The client's patience ended before the response was there.
    pub(super) fn gives_up(&mut self, slot: &mut Slot<'s>, view: &mut View<'_, 's>) {
        let pod = slot.socket.map(|socket| socket.pod);
        slot.call.may_have_run |= self.abandon(slot, pod, view);
        let is_cut = slot.cut_at.saturating_add(slot.call.one_way()) <= slot.patience && slot.channel.is_some();
        let cut = (FailureKind::Eof, Met::CutInService);
        let (kind, met) = if is_cut { cut } else { (FailureKind::Timeout, Met::SlowServer) };
        let known = slot.patience;
        self.attempt_failed(slot, Failure { kind, met, met_at: self.now.min(known), known, pod }, view);
    }

    /// The server had closed the connection before the request arrived.
    fn meets_closed(&mut self, slot: &mut Slot<'s>, closed: SimTime, view: &mut View<'_, 's>) {
        let notices = slot.spec.notices_close;
        let call = slot.call;
        let pod = slot.socket.map(|socket| socket.pod);
        let reset = slot.flow.is_some_and(|flow| flow.reset);
        let (kind, met) =
            if reset { (FailureKind::Reset, Met::UnhealthyTarget) } else { (FailureKind::Eof, Met::ClosedIdle) };
        match closed_fate(closed, self.now, call.one_way()) {
            ClosedFate::SeenBeforeSending if notices && slot.channel.is_none() => {
                self.close_socket(slot);
                self.connect(slot, view);
            }
            ClosedFate::SeenBeforeSending => {
                let failure = Failure { kind, met, met_at: call.attempt_sent, known: call.attempt_sent, pod };
                self.attempt_failed(slot, failure, view);
            }
            ClosedFate::Crossed => {
                let known = (closed + call.one_way()).max(call.attempt_sent);
                let met_at = known.min(self.now);
                self.attempt_failed(slot, Failure { kind, met, met_at, known, pod }, view);
            }
        }
    }

    /// What the rules do to a packet of an open connection: nothing, but where a mechanism is off or in an old ipvs. A load
    /// balancer that forwards to pods leaves the rules out.
    #[cold]
    fn is_lost_on_the_way(&mut self, slot: &mut Slot<'s>, view: &mut View<'_, 's>) -> bool {
        if slot.flow.and_then(|flow| flow.target.pod()).is_some() {
            return false;
        }
        if self.scenario.without.has(Mechanism::ConntrackPinning) {
            self.unpin(slot, view);
            return false;
        }
        let broken = |socket: Socket| view.routes.proxies[socket.node.index()].has_deleted(socket.pod);
        let Some(socket) = slot.socket.filter(|socket| broken(*socket)) else { return false };
        self.forgotten(slot, socket.pod, view);
        true
    }

    /// The node's ipvs has deleted the real server under the connection: reset or ignored.
    fn forgotten(&mut self, slot: &mut Slot<'s>, pod: PodId, view: &mut View<'_, 's>) {
        let met = Met::RealServerDeleted;
        slot.call.reused = slot.socket.is_some_and(|socket| socket.carried > 0);
        if self.scenario.kube_proxy.expire_nodest_conn {
            self.answered(slot, Some(pod), FailureKind::Reset, met, view);
            return;
        }
        let known = self.now.saturating_sub(slot.call.one_way()) + slot.spec.request_timeout;
        let failure = Failure { kind: FailureKind::Timeout, met, met_at: self.now, known, pod: Some(pod) };
        self.attempt_failed(slot, failure, view);
    }

    /// Without conntrack pinning the packet chooses among the current rules, whatever its connection.
    fn unpin(&mut self, slot: &mut Slot<'s>, view: &mut View<'_, 's>) {
        let Some(node) = slot.socket.map(|socket| socket.node) else { return };
        let Way::To(pod) = view.routes.way(self.now, self.scenario, node, slot) else { return };
        let Some(socket) = &mut slot.socket else { return };
        if pod != socket.pod {
            socket.pod = pod;
            socket.closed_at = match view.servers.listener(pod) {
                Listener::Open => None,
                _ => Some(self.now),
            };
        }
    }

    pub(super) fn close_socket(&mut self, slot: &mut Slot<'s>) {
        if let Some(socket) = slot.socket.take() {
            self.closed += u64::from(!socket.shared);
        }
    }

    /// Whether the client would not use the slot's idle connection now: it has given it up, or has seen its end and looks.
    pub(super) fn knows_to_be_closed(&self, slot: &Slot<'s>) -> bool {
        let (pool, now) = (&slot.spec.pool, self.now);
        let front = slot.trip.as_ref().and_then(|trip| trip.front);
        let kept = slot.socket.map(|socket| socket.kept()).or(front.map(|front| front.kept()));
        let closed = slot.socket.and_then(|socket| socket.closed_at).or(front.and_then(|front| Some(front.closed?.0)));
        let seen = |closed: SimTime| slot.spec.notices_close && closed + slot.call.one_way() <= now;
        kept.is_some_and(|kept| is_given_up(pool, kept, now)) || closed.is_some_and(seen)
    }

    /// The client closes the slot's connection.
    pub(super) fn close(&mut self, slot: &mut Slot<'s>) {
        self.close_socket(slot);
        if slot.trip.as_mut().is_some_and(|trip| trip.front.take().is_some()) {
            self.closed += 1;
        }
    }

    /// The end of the request is arranged; a closed-loop connection goes on with its next call.
    #[inline(always)]
    pub(super) fn go_on(&mut self, slot: &mut Slot<'s>, known: SimTime) {
        let next = if slot.plain { slot.call.index + 1 } else { next_call(slot, known) };
        if let Some(schedule) = slot.schedule.filter(|schedule| schedule.pacing.goes_on(next) && !slot.call.warm_up) {
            let sent = match schedule.thinks {
                false => schedule.pacing.due_at(schedule.start, next).max(known),
                true => thought_over(slot, known),
            };
            if sent < self.stop || schedule.pacing.calls().is_some() {
                self.begin_call(slot, next, sent, false);
                return;
            }
        }
        slot.state = State::Answer;
        self.wake_at(slot, known);
    }

    /// The answer is known, and no next call was arranged.
    fn answer_known(&mut self, slot: &mut Slot<'s>) -> After {
        self.settle(slot);
        self.rest(slot);
        if slot.call.warm_up { After::WarmedUp } else { After::Free }
    }

    /// Counts the answer of the slot: nothing can come between any more.
    #[inline(always)]
    pub(super) fn settle(&mut self, slot: &mut Slot<'s>) {
        let Some(answer) = &slot.answer else { return };
        let closes = answer.closes;
        if !answer.call.warm_up {
            match answer.ending {
                Ending::Served { .. } => {
                    let from = if slot.plain { answer.call.sent } else { counted_from(slot, &answer.call) };
                    self.tally.succeeded(answer.known - from);
                    if let Some(series) = &mut self.results.series {
                        series.succeeded(answer.known, answer.known - from);
                    }
                    if answer.call.attempt > 1 {
                        self.tally.retried += 1;
                        self.tally.duplicated += u64::from(answer.call.ran_before());
                    }
                }
                Ending::Lost(failure) => {
                    self.tally.failed(failure.kind, answer.known);
                    self.tally.duplicated += u64::from(answer.call.runs + u8::from(answer.call.may_have_run) > 1);
                    if let Some(series) = &mut self.results.series {
                        series.failed(answer.known, failure.kind);
                    }
                }
            }
            if self.results.digest.is_some() {
                self.observe(slot, answer);
            }
        }
        slot.answer = None;
        if closes {
            self.close_socket(slot);
        }
    }

    #[cold]
    fn observe(&mut self, slot: &Slot<'s>, answer: &Answer) {
        let call = &answer.call;
        let who = slot.who();
        let Ending::Lost(failure) = answer.ending else {
            self.observe_served(who, call.index, call.sent, answer.known);
            return;
        };
        let words = [7, who, call.index, call.sent.as_nanos(), answer.known.as_nanos(), failure.kind as u64];
        self.results.digest.iter_mut().for_each(|digest| digest.add(&words));
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
            replica: self.lost_through,
            reused: call.reused,
            attempts: call.attempt,
        });
    }

    #[cold]
    pub(super) fn observe_served(&mut self, who: u64, call: u64, sent: SimTime, known: SimTime) {
        let words = [6, who, call, sent.as_nanos(), known.as_nanos()];
        self.results.digest.iter_mut().for_each(|digest| digest.add(&words));
    }
}

/// Whether the call, due at or after the end of the run, is still made. A retry belongs to a request under way. Fortio
/// makes at least two calls a connection, and the last, which is due at the end (periodic.go).
pub(super) fn is_made_after_the_end(slot: &Slot<'_>) -> bool {
    let made = |calls: u64| slot.call.index < 2 || slot.call.index + 1 == calls;
    let counted = slot.schedule.and_then(|schedule| schedule.pacing.calls()).is_some_and(made);
    slot.call.attempt > 1 || slot.call.warm_up || counted
}

/// Which call comes after the one that is known at `known`: a client that does not catch up makes the last of those it
/// missed, as a ticker that holds one tick does, and leaves out the others.
#[cold]
fn next_call(slot: &Slot<'_>, known: SimTime) -> u64 {
    let next = slot.call.index + 1;
    match slot.schedule {
        Some(Schedule { pacing, start, thinks: false }) if !slot.spec.catch_up => {
            next.max(pacing.first_due(start, known).saturating_sub(1))
        }
        _ => next,
    }
}

/// From when on the latency of the call counts.
#[cold]
fn counted_from(slot: &Slot<'_>, call: &Call) -> SimTime {
    match slot.schedule {
        Some(Schedule { pacing, start, thinks: false }) if slot.spec.latency_from == LatencyFrom::Due => {
            pacing.due_at(start, call.index).min(call.sent)
        }
        _ => call.sent,
    }
}

/// When a connection that knows an answer at `known` has thought.
#[cold]
fn thought_over(slot: &mut Slot<'_>, known: SimTime) -> SimTime {
    let drawn = slot.thought.take();
    let thinks = drawn.unwrap_or_else(|| slot.luck.think_time(&slot.spec.think_time));
    (known + thinks).max(slot.call.sent + LEAST_CYCLE)
}

/// One draw, the stream being opened only if the distribution needs it.
#[inline]
pub(super) fn draw<'a>(dist: &Dist, stream: impl FnOnce() -> &'a mut Stream) -> SimDuration {
    match dist {
        Dist::Constant(value) => *value,
        dist => dist.draw(stream()),
    }
}
