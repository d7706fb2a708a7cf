//! A request through balancers, as its client sees it: the connection to the first replica, what a reload does to it, and
//! how the request ends. The tries of the balancers stand in [`upstream`](super::upstream).
//!
//! A request on open connections costs two wakes: at the first replica, and at the pod.

use crate::engine::mix;
use crate::ids::{PodId, ReplicaId};
use crate::model::client::is_given_up;
use crate::model::msg::Severing;
use crate::model::network::{ClosedFate, closed_fate};
use crate::model::server::Service;
use crate::model::spec::{IdlePolicy, QueuedPolicy};
use crate::record::{FailureKind, Met};
use crate::units::SimTime;
use crate::world::path::{After, Path, View, is_made_after_the_end};
use crate::world::slot::{Answer, Ending, Failure, Slot, State};
use crate::world::trip::{Front, Hop, Impatient, Stage, Trip};

/// One slot on its way through balancers.
#[derive(Debug)]
pub(super) struct Proxied<'a, 'v, 's> {
    pub(super) path: &'a mut Path<'s>,
    pub(super) slot: &'a mut Slot<'s>,
    pub(super) trip: &'a mut Trip,
    pub(super) view: &'a mut View<'v, 's>,
}

/// Takes the slot's trip in hand, if it has one.
pub(super) fn on_trip<'s, T>(
    path: &mut Path<'s>,
    slot: &mut Slot<'s>,
    view: &mut View<'_, 's>,
    act: impl FnOnce(&mut Proxied<'_, '_, 's>) -> T,
) -> Option<T> {
    let mut trip = slot.trip.take()?;
    let done = act(&mut Proxied { path, slot, trip: &mut trip, view });
    slot.trip = Some(trip);
    Some(done)
}

impl<'s> Proxied<'_, '_, 's> {
    /// The slot wakes.
    pub(super) fn wake(&mut self) -> After {
        match self.trip.stage {
            Stage::Packet => self.packet(),
            Stage::AfterHandshake => self.request_arrives(),
            Stage::UpstreamSyn | Stage::UpstreamSynAgain => self.upstream_syn(),
            Stage::UpstreamRequest => self.upstream_request(),
            Stage::TryFailed => self.try_failed(),
            Stage::TriesAgain => self.try_upstream(),
            Stage::GivesUp(who) => self.gives_up(who),
            Stage::Shares(who) => self.wake_sharing(who),
            Stage::Answer => return self.answer_known(),
        }
        After::Nothing
    }

    fn packet(&mut self) {
        self.settle();
        let call = &self.slot.call;
        if call.sent >= self.path.stop && !is_made_after_the_end(self.slot) {
            self.path.rest(self.slot);
            return;
        }
        if !self.slot.plain && self.is_stopped() {
            self.path.rest(self.slot);
            return;
        }
        let call = &self.slot.call;
        self.path.begun += u64::from(call.attempt == 1 && !call.warm_up);
        if call.attempt == 1 {
            self.trip.extra_tries = 0;
        }
        self.trip.hops.clear();
        if self.trip.front.is_some() { self.request_arrives() } else { self.connect() }
    }

    /// As on the direct path.
    #[cold]
    fn is_stopped(&mut self) -> bool {
        if self.path.is_stopped(self.slot) {
            return true;
        }
        let sent = self.slot.call.attempt_sent;
        if self.trip.front.is_some_and(|front| is_given_up(&self.slot.spec.pool, front.kept(), sent)) {
            self.close_front();
        }
        false
    }

    /// The SYN of a new connection reaches a replica, which takes it.
    fn connect(&mut self) {
        self.path.tally.connections_opened += 1;
        self.slot.call.reused = false;
        let call = self.slot.call;
        let given_up = call.attempt_sent + self.slot.spec.connect_timeout;
        let now = self.path.now;
        if now + call.one_way() > given_up && !self.slot.spec.free_connect {
            let (kind, met) = (FailureKind::ConnectTimeout, Met::SlowNetwork);
            self.attempt_failed(Failure { kind, met, met_at: now.min(given_up), known: given_up, pod: None });
            return;
        }
        self.established();
        if self.slot.spec.free_connect {
            self.request_arrives();
        } else {
            self.arrange(Stage::AfterHandshake, now + call.round_trip);
        }
    }

    /// Each replica, and each of its workers, takes the connection with equal probability.
    fn established(&mut self) {
        let bits = self.slot.call.choice.unwrap_or_else(|| self.slot.luck.choice().bits());
        let balancer = self.view.balancers.get(self.trip.entry);
        let replica = ((u128::from(bits) * u128::from(balancer.spec().replicas)) >> 64) as u32;
        let place = balancer.place(replica, mix(bits));
        let generation = balancer.generation(replica);
        let idle_since = self.path.now;
        let (opened, closed) = (idle_since, None);
        self.trip.front = Some(Front { place, generation, carried: 0, closed, opened, idle_since, retiring: false });
        self.slot.draw_reuses();
        self.path.established += 1;
    }

    /// The request reaches the first replica over the client's connection.
    fn request_arrives(&mut self) {
        let (now, one_way) = (self.path.now, self.slot.call.one_way());
        let spec = self.view.balancers.get(self.trip.entry).spec();
        let Some(front) = &mut self.trip.front else { unreachable!("a request travels over a connection") };
        self.trip.replica = Some(ReplicaId { layer: self.trip.entry, number: front.place.replica });
        self.slot.call.reused = front.carried > 0;
        if front.closed.is_none() && now.saturating_since(front.idle_since) > spec.keep_alive_timeout {
            front.closed = Some((front.idle_since + spec.keep_alive_timeout, Met::ClosedIdle));
        }
        if let Some((closed, met)) = front.closed {
            self.meets_closed(closed, met);
            return;
        }
        front.carried += 1;
        let place = front.place;
        self.trip.patience = now.saturating_sub(one_way) + self.slot.spec.request_timeout;
        self.reaches_balancer(self.trip.entry, place);
    }

    /// The replica had closed the connection before the request arrived.
    fn meets_closed(&mut self, closed: SimTime, met: Met) {
        let call = self.slot.call;
        match closed_fate(closed, self.path.now, call.one_way()) {
            ClosedFate::SeenBeforeSending if self.slot.spec.notices_close => {
                self.close_front();
                self.connect();
            }
            ClosedFate::SeenBeforeSending => {
                let (sent, kind) = (call.attempt_sent, FailureKind::Eof);
                self.attempt_failed(Failure { kind, met, met_at: sent, known: sent, pod: None });
            }
            ClosedFate::Crossed => {
                let known = (closed + call.one_way()).max(call.attempt_sent);
                let met_at = known.min(self.path.now);
                self.attempt_failed(Failure { kind: FailureKind::Eof, met, met_at, known, pod: None });
            }
        }
    }

    /// The client's attempt fails with its connection. It tries again by itself, or the request is lost.
    fn attempt_failed(&mut self, failure: Failure) {
        self.close_front();
        self.trip.failure = None;
        let Some(again) = self.path.tries_again(self.slot, &failure) else {
            self.lose(failure, false);
            return;
        };
        self.path.tally.extra_attempts += u64::from(!self.slot.call.warm_up);
        self.path.draw_again(self.slot);
        let at = self.slot.call.begin_attempt(again);
        self.trip.hops.clear();
        if at <= self.path.now { self.connect() } else { self.arrange(Stage::Packet, at) }
    }

    /// The client gets an answer of the first balancer that is a failure, `from` there; the connection stays, unless the
    /// answer was cut.
    pub(super) fn answer_failure(&mut self, failure: Failure, from: SimTime) {
        let known = from + self.slot.call.one_way();
        let failure = Failure { known, ..failure };
        if known > self.trip.patience {
            self.arrange(Stage::GivesUp(Impatient::Client), self.trip.patience);
        } else if failure.kind == FailureKind::Truncated {
            self.attempt_failed(failure);
        } else {
            let closes = self.finish_front(from) || self.slot.spec.closes_after_error;
            match self.path.tries_again(self.slot, &failure) {
                Some(again) => self.ask_again(again, closes),
                None => self.lose(failure, closes),
            }
        }
    }

    /// The client sends the request again after an answer that is a failure.
    fn ask_again(&mut self, again: SimTime, closes: bool) {
        if closes {
            self.close_front();
        }
        self.path.draw_again(self.slot);
        let at = self.slot.call.begin_attempt(again);
        self.trip.hops.clear();
        self.arrange(Stage::Packet, at);
    }

    fn lose(&mut self, failure: Failure, closes: bool) {
        let call = self.counted_call();
        self.slot.answer = Some(Answer { call, known: failure.known, ending: Ending::Lost(failure), closes });
        self.go_on(failure.known);
    }

    /// The pod serves the request; the answer passes all balancers on its way back.
    pub(super) fn served(&mut self, service: Service, done: SimTime) {
        let mut at = done;
        let (mut limit, mut who) = (SimTime::MAX, Impatient::Client);
        for (index, hop) in self.trip.hops.iter_mut().enumerate().rev() {
            let balancer = self.view.balancers.get(hop.layer);
            let deadline = hop.sent_at + balancer.spec().upstream.read_timeout;
            let replied = at;
            at += hop.one_way;
            if at > deadline && deadline < limit {
                (limit, who) = (deadline, Impatient::Hop(index));
            }
            answer_passes(self.view, hop, replied, at);
        }
        let closes = self.finish_front(at);
        let known = at + self.slot.call.one_way();
        if known > self.trip.patience && self.trip.patience < limit {
            (limit, who) = (self.trip.patience, Impatient::Client);
        }
        let call = self.counted_call();
        self.slot.answer = Some(Answer { call, known, ending: Ending::Served { service, done }, closes });
        if limit < SimTime::MAX { self.arrange(Stage::GivesUp(who), limit) } else { self.go_on(known) }
    }

    /// The first replica has passed on the answer at `at`. Whether the client then closes the connection.
    fn finish_front(&mut self, at: SimTime) -> bool {
        let limit = self.view.balancers.get(self.trip.entry).spec().keep_alive_requests;
        let client = self.slot.spec;
        let Some(front) = &mut self.trip.front else { return false };
        front.idle_since = at;
        let last = front.carried >= limit;
        let leaves = !client.keep_alive || front.carried >= self.slot.reuses;
        if front.retiring {
            front.closed = Some((at, Met::ClosedByReload));
        } else if last || leaves {
            front.closed = Some((at, Met::ClosedIdle));
        }
        leaves || (last && client.honours_connection_close)
    }

    /// The call with all attempts of its client and of balancers.
    fn counted_call(&mut self) -> crate::world::slot::Call {
        let mut call = self.slot.call;
        self.trip.client_attempts = call.attempt;
        let attempts = u32::from(call.attempt) + self.trip.extra_tries;
        call.attempt = u8::try_from(attempts).unwrap_or(u8::MAX);
        call
    }

    /// The end of the request is arranged; the client goes on.
    fn go_on(&mut self, known: SimTime) {
        self.path.go_on(self.slot, known);
        self.trip.stage = if self.slot.state == State::Packet { Stage::Packet } else { Stage::Answer };
        self.slot.state = State::Proxied;
    }

    fn answer_known(&mut self) -> After {
        self.settle();
        self.path.rest(self.slot);
        if self.slot.call.warm_up { After::WarmedUp } else { After::Free }
    }

    /// Counts the answer of the slot: nothing can come between any more.
    pub(super) fn settle(&mut self) {
        let closes = self.slot.answer.as_mut().is_some_and(|answer| std::mem::take(&mut answer.closes));
        self.path.lost_through = self.trip.replica;
        self.path.settle(self.slot);
        self.path.lost_through = None;
        if closes {
            self.close_front();
        }
    }

    fn close_front(&mut self) {
        if self.trip.front.take().is_some() {
            self.path.closed += 1;
        }
    }

    /// Arranges the next wake, or that of somebody who will not wait so long.
    pub(super) fn arrange(&mut self, stage: Stage, at: SimTime) {
        let (limit, who) = self.limit();
        let waits = matches!(stage, Stage::Packet | Stage::AfterHandshake | Stage::GivesUp(_)) || at <= limit;
        let (stage, at) = if waits { (stage, at) } else { (Stage::GivesUp(who), limit) };
        (self.trip.stage, self.slot.state) = (stage, State::Proxied);
        self.path.wake_at(self.slot, at);
    }

    /// Until when the client and the balancers before the last one wait.
    fn limit(&mut self) -> (SimTime, Impatient) {
        let mut found = (self.trip.patience, Impatient::Client);
        let before = self.trip.hops.len().saturating_sub(1);
        for (index, hop) in self.trip.hops[..before].iter().enumerate() {
            let deadline = hop.sent_at + self.view.balancers.get(hop.layer).spec().upstream.read_timeout;
            if deadline < found.0 {
                found = (deadline, Impatient::Hop(index));
            }
        }
        found
    }

    /// The server does not read any more: everybody waits for the end of the connection, or loses patience.
    pub(super) fn stay_unread(&mut self) {
        let (limit, who) = self.unread_limit();
        self.arrange(Stage::GivesUp(who), limit);
    }

    /// Until when everybody waits for a server of which nothing is known, and who loses patience then.
    pub(super) fn unread_limit(&mut self) -> (SimTime, Impatient) {
        let found = self.limit();
        let last = self.trip.hops.len() - 1;
        let hop = &self.trip.hops[last];
        let deadline = hop.sent_at + self.view.balancers.get(hop.layer).spec().upstream.read_timeout;
        if deadline < found.0 { (deadline, Impatient::Hop(last)) } else { found }
    }

    /// The client or a balancer loses patience: what lies behind it is dropped.
    pub(super) fn gives_up(&mut self, who: Impatient) {
        let (now, slow) = (self.path.now, FailureKind::Timeout);
        let pod = self.close_behind(who);
        self.slot.call.may_have_run |= self.path.abandon(self.slot, pod, self.view);
        let known = if who == Impatient::Client { self.trip.patience } else { now };
        let waited = Failure { kind: slow, met: Met::SlowServer, met_at: now.min(known), known, pod };
        // What the try under way had met already is what it waited for.
        let failure = self.trip.failure.take().map_or(waited, |met| Failure { kind: slow, known, ..met });
        match who {
            Impatient::Client => self.attempt_failed(failure),
            Impatient::Hop(_) => self.fail_try(failure),
        }
    }

    /// The client does not want the answer any more. Says whether the request may have run.
    pub(super) fn cancel(&mut self) -> bool {
        let pod = self.close_behind(Impatient::Client);
        let started = self.path.abandon(self.slot, pod, self.view);
        self.close_front();
        self.trip.hops.clear();
        self.trip.failure = None;
        self.path.rest(self.slot);
        started || self.slot.call.ran_before()
    }

    /// Closes the upstream connections from the hop that lost patience on. Says which pod the last one went to.
    fn close_behind(&mut self, who: Impatient) -> Option<PodId> {
        self.slot.call.may_have_run |= self.path.abandon_sharing(self.slot, self.view);
        let first = match who {
            Impatient::Client => 0,
            Impatient::Hop(index) => index,
        };
        let mut pod = None;
        for hop in &mut self.trip.hops[first..] {
            let pool = self.view.balancers.get(hop.layer).pool(hop.place);
            let held = hop.held(self.path.now);
            hop.key = None;
            if let Some(key) = held {
                pod = pool.get_mut(key).pod.or(pod);
                pool.close(key);
            }
        }
        self.trip.hops.truncate(first + 1);
        pod
    }

    /// The server of `pod` ends its connections. Returns when the slot's request is drained, or now.
    pub(super) fn sever(&mut self, pod: PodId, severing: Severing) -> SimTime {
        let now = self.path.now;
        let service = self.slot.answer.and_then(|answer| Some((answer, answer.in_service(now)?)));
        let unread = matches!(self.trip.stage, Stage::GivesUp(_)) && self.slot.answer.is_none();
        if self.slot.shares == Some(pod) {
            return self.sever_sharing(pod, severing);
        }
        if service.is_none() && !unread || !self.is_at(pod) {
            return now;
        }
        match service {
            Some((answer, service)) => self.sever_in_service(pod, answer, service, severing),
            None => {
                self.fail_later(FailureKind::Reset, Met::ClosedUnread);
                now
            }
        }
    }

    /// The request shares the process of `pod`, which stops.
    fn sever_sharing(&mut self, pod: PodId, severing: Severing) -> SimTime {
        let (now, server) = (self.path.now, &self.path.scenario.pod.server);
        let Some(sharing) = self.view.servers.sharing(pod) else { return now };
        let begun = sharing.has_begun(self.slot.index);
        if !severing.cut && (begun || server.queued == QueuedPolicy::Serve) {
            return sharing.ends() + server.response_time;
        }
        sharing.drop_one(now, self.slot.index);
        self.path.abandon_sharing(self.slot, self.view);
        let (kind, met) =
            if begun { (FailureKind::Eof, Met::CutInService) } else { (FailureKind::Reset, Met::ClosedUnread) };
        self.fail_later(kind, met);
        now
    }

    /// A replica does not wait any longer for a target that went: it closes the connection, and that is its failure.
    pub(super) fn drain_over(&mut self, replica: ReplicaId, pod: PodId) {
        let served = self.slot.answer.filter(|answer| answer.in_service(self.path.now).is_some());
        let waits = matches!(self.trip.stage, Stage::GivesUp(_) | Stage::Shares(_)) && self.slot.answer.is_none();
        let its = self.trip.hops.last().is_some_and(|hop| hop.replica() == replica);
        if !its || (served.is_none() && !waits) || !self.is_at(pod) {
            return;
        }
        self.path.abandon_sharing(self.slot, self.view);
        if let Some(answer) = served {
            self.path.abandon(self.slot, Some(pod), self.view);
            self.revoke(answer);
        }
        let (now, kind, met) = (self.path.now, FailureKind::Eof, Met::CutInService);
        self.fail_try(Failure { kind, met, met_at: now, known: now, pod: Some(pod) });
    }

    /// Whether the last hop's connection goes to `pod`.
    fn is_at(&mut self, pod: PodId) -> bool {
        let Some(hop) = self.trip.hops.last() else { return false };
        let Some(key) = hop.held(self.path.now) else { return false };
        self.view.balancers.get(hop.layer).pool(hop.place).get_mut(key).pod == Some(pod)
    }

    fn sever_in_service(&mut self, pod: PodId, answer: Answer, service: Service, severing: Severing) -> SimTime {
        let (now, server) = (self.path.now, &self.path.scenario.pod.server);
        let unread = service.start > now && server.queued == QueuedPolicy::Reset;
        if !severing.cut && !unread {
            if server.connection_close || severing.idle == IdlePolicy::Close {
                self.drain(server.connection_close);
            }
            return answer.done();
        }
        let (kind, met) = match () {
            () if service.start > now => (FailureKind::Reset, Met::ClosedUnread),
            () if service.finish > now => (FailureKind::Eof, Met::CutInService),
            () => (FailureKind::Truncated, Met::CutInResponse),
        };
        self.path.observe_cut(pod, service);
        self.revoke(answer);
        self.fail_later(kind, met);
        now
    }

    /// The request is served to its end and its connection closed; `told` if the response says so.
    fn drain(&mut self, told: bool) {
        if let Some((hop, key)) = self.trip.hops.last().and_then(|hop| Some((hop, hop.key?))) {
            let connection = self.view.balancers.get(hop.layer).pool(hop.place).get_mut(key);
            connection.closed_at = Some(connection.idle_since);
            connection.last |= told;
        }
    }

    /// The answer arranged for the request will not come.
    fn revoke(&mut self, answer: Answer) {
        self.slot.answer = None;
        if self.trip.stage == Stage::Packet {
            self.slot.thought = Some(self.slot.call.sent.saturating_since(answer.known));
            self.slot.drawn = Some(self.slot.call.drawn());
        }
        self.slot.call = answer.call;
        self.slot.call.attempt = self.trip.client_attempts;
        for hop in &mut self.trip.hops {
            hop.key = hop.held(self.path.now);
            hop.held_until = SimTime::MAX;
            if let Some(key) = hop.key {
                self.view.balancers.get(hop.layer).pool(hop.place).get_mut(key).free_at = SimTime::MAX;
            }
        }
    }

    /// The try of the last hop fails one way from now.
    pub(super) fn fail_later(&mut self, kind: FailureKind, met: Met) {
        let Some(hop) = self.trip.hops.last() else { return };
        let (now, known) = (self.path.now, self.path.now + hop.one_way);
        let key = hop.key;
        let pod = key.and_then(|key| self.view.balancers.get(hop.layer).pool(hop.place).get_mut(key).pod);
        self.fail_try(Failure { kind, met, met_at: now, known, pod });
    }

    /// The workers of a replica have been replaced: the old ones close idle connections at once, others after their request.
    pub(super) fn reloaded(&mut self, replica: ReplicaId) {
        let (now, entry, stage) = (self.path.now, self.trip.entry, self.trip.stage);
        let Some(front) = &mut self.trip.front else { return };
        let its = (entry, front.place.replica) == (replica.layer, replica.number);
        let left =
            !self.slot.plain && is_given_up(&self.slot.spec.pool, front.kept(), now) && self.slot.answer.is_none();
        if !its || left || front.closed.is_some_and(|(closed, _)| closed <= now) {
            return;
        }
        // The next reload may find a connection whose end the last one has arranged.
        self.path.tally.connections_severed += u64::from(!front.retiring && front.closed.is_none());
        let under_way = !matches!(stage, Stage::Packet | Stage::AfterHandshake | Stage::Answer);
        front.retiring = under_way;
        if !under_way || self.slot.answer.is_some() {
            front.closed = Some((now.max(front.idle_since), Met::ClosedByReload));
        }
    }

    /// Old workers of a replica end: a request that they still have is cut.
    pub(super) fn workers_end(&mut self, replica: ReplicaId, generation: u32) {
        let Some(front) = &self.trip.front else { return };
        let its = (self.trip.entry, front.place.replica) == (replica.layer, replica.number);
        if !its || front.generation != generation || !self.is_under_way() {
            return;
        }
        if let Some(answer) = self.slot.answer {
            self.revoke(answer);
            self.slot.call.may_have_run = true;
        }
        let pod = self.close_behind(Impatient::Client);
        let (now, met) = (self.path.now, Met::ClosedByReload);
        let known = now + self.slot.call.one_way();
        self.attempt_failed(Failure { kind: FailureKind::Eof, met, met_at: now, known, pod });
    }

    /// The first replica has a request of this connection that it has not answered.
    fn is_under_way(&self) -> bool {
        let answered = self.trip.front.is_some_and(|front| front.idle_since <= self.path.now);
        match self.trip.stage {
            Stage::Packet | Stage::Answer => self.slot.answer.is_some() && !answered,
            Stage::AfterHandshake => false,
            _ => true,
        }
    }
}

/// The answer leaves the target of a hop at `replied` and reaches its balancer at `at`: the connection is free then.
fn answer_passes(view: &mut View<'_, '_>, hop: &mut Hop, replied: SimTime, at: SimTime) {
    hop.held_until = at;
    let balancer = view.balancers.get(hop.layer);
    let keeps = balancer.spec().upstream.keep_alive > 0;
    if let Some(key) = hop.key {
        let connection = balancer.pool(hop.place).get_mut(key);
        (connection.free_at, connection.idle_since) = (at, replied);
        connection.last |= !keeps;
    }
    if let Some(target) = hop.target {
        balancer.on_try_ended(at, hop.place, target, Some(at.saturating_since(hop.began)));
    }
}
