//! What a server that stops, or a load balancer that ends connections, does to a connection and the request on it.

use crate::ids::PodId;
use crate::model::client::{first_wait, is_given_up};
use crate::model::msg::Severing;
use crate::model::server::Service;
use crate::model::spec::{IdlePolicy, QueuedPolicy, ReconnectSpec};
use crate::record::{FailureKind, Met};
use crate::units::SimTime;
use crate::world::path::{Path, View};
use crate::world::slot::{Answer, Slot, State};

impl<'s> Path<'s> {
    /// A load balancer ends the connection by RST, to the client and to the pod.
    pub(super) fn reset_one(&mut self, slot: &mut Slot<'s>, view: &mut View<'_, 's>) {
        let (Some(socket), Some(flow)) = (&mut slot.socket, &mut slot.flow) else { return };
        if socket.closed_at.is_some_and(|closed| closed <= self.now) {
            return;
        }
        (socket.closed_at, socket.severed, flow.reset) = (Some(self.now), true, true);
        self.tally.connections_severed += 1;
        if let Some(pod) = slot.shares {
            slot.call.may_have_run |= self.abandon_sharing(slot, view);
            self.answered(slot, Some(pod), FailureKind::Reset, Met::UnhealthyTarget, view);
        } else if let Some(answer) = slot.answer.filter(|answer| answer.in_service(self.now).is_some()) {
            let pod = slot.socket.map(|socket| socket.pod);
            self.abandon(slot, pod, view);
            self.revoke(slot, answer, FailureKind::Reset, Met::UnhealthyTarget, view);
        }
    }

    /// Nobody waits for the answer that is arranged any more; the process of `pod` works on it all the same. Says whether there
    /// was one.
    pub(super) fn abandon(&mut self, slot: &mut Slot<'s>, pod: Option<PodId>, view: &mut View<'_, 's>) -> bool {
        let Some(answer) = slot.answer.take() else { return false };
        if let (Some(pod), Some(service)) = (pod, answer.in_service(self.now)) {
            view.servers.works_on(self.now, pod, service);
        }
        true
    }

    /// Returns when the connection's request is drained; for a connection that is kept, and that the process waits for, when
    /// it ends if nothing more comes; or now.
    pub(super) fn sever_one(&mut self, slot: &mut Slot<'s>, severing: Severing, view: &mut View<'_, 's>) -> SimTime {
        let timeout = self.scenario.pod.server.keep_alive_timeout;
        let closed = slot.answer.is_some_and(|answer| answer.closes && answer.known <= self.now);
        if closed || (!slot.plain && is_left(slot, self.now)) {
            // The client has closed it; that is noted at its next wake.
            return self.now;
        }
        let Some(socket) = &mut slot.socket else { return self.now };
        if socket.closed_at.is_none() && self.now.saturating_since(socket.idle_since) > timeout {
            socket.closed_at = Some(socket.idle_since + timeout);
        }
        if slot.shares.is_some() {
            return self.sever_sharing(slot, severing, view);
        }
        let served = slot.answer.and_then(|answer| Some((answer, answer.in_service(self.now)?)));
        let keeps_new = self.scenario.pod.server.keeps_new;
        let is_new = socket.carried == 0 && socket.closed_at.is_none() && self.now < socket.opened + keeps_new;
        if is_new && !severing.cut && served.is_none() {
            return socket.opened + keeps_new;
        }
        // A request that nobody has read ends with a process that is gone.
        let unread = severing.cut && slot.state == State::GivesUp && slot.answer.is_none();
        let keeps = severing.idle != IdlePolicy::Close && !unread;
        if keeps && (served.is_none() || !severing.cut && !self.tells_close()) {
            return self.keep_one(slot, severing.idle);
        }
        let open = socket.closed_at.is_none_or(|closed| closed > self.now);
        self.tally.connections_severed += u64::from(open && !socket.severed && !socket.shared);
        socket.severed |= open;
        match served {
            Some((answer, service)) => self.sever_in_service(slot, answer, service, severing.cut, view),
            None => self.sever_idle(slot, view),
        }
    }

    /// Whether the response to a request that is drained says that its connection ends.
    fn tells_close(&self) -> bool {
        self.scenario.pod.server.connection_close
    }

    /// The connection goes on. Returns until when the process waits for it if nothing more comes.
    fn keep_one(&self, slot: &Slot<'s>, idle: IdlePolicy) -> SimTime {
        let Some(socket) = slot.socket else { return self.now };
        let drained = slot.answer.filter(|answer| answer.in_service(self.now).is_some()).map(|answer| answer.done());
        let at_rest = socket.idle_since.saturating_add(self.keep_alive_timeout);
        let ends = idle.holds_the_process().then(|| socket.closed_at.unwrap_or(at_rest));
        drained.max(ends).map_or(self.now, |at| at.max(self.now))
    }

    /// The request shares the process that stops: it is drained like one in service, or like one that waits.
    fn sever_sharing(&mut self, slot: &mut Slot<'s>, severing: Severing, view: &mut View<'_, 's>) -> SimTime {
        let now = self.now;
        let Some((pod, sharing)) = slot.shares.and_then(|pod| Some((pod, view.servers.sharing(pod)?))) else {
            return now;
        };
        let unread = !sharing.has_begun(slot.index) && self.scenario.pod.server.queued == QueuedPolicy::Reset;
        if !severing.cut && !unread {
            return sharing.ends() + self.response_time;
        }
        let (kind, met) = if sharing.has_begun(slot.index) {
            (FailureKind::Eof, Met::CutInService)
        } else {
            (FailureKind::Reset, Met::ClosedUnread)
        };
        sharing.drop_one(now, slot.index);
        self.tally.connections_severed += u64::from(slot.socket.is_none_or(|socket| !socket.shared));
        slot.shares = None;
        slot.call.may_have_run |= met == Met::CutInService;
        self.rearrange(pod, view);
        self.answered(slot, Some(pod), kind, met, view);
        now
    }

    /// The connection has no request in service: it is idle, or its request has not arrived, or is not read any more.
    fn sever_idle(&mut self, slot: &mut Slot<'s>, view: &mut View<'_, 's>) -> SimTime {
        let Some(socket) = &mut slot.socket else { return self.now };
        socket.closed_at = Some(socket.closed_at.map_or(self.now, |closed| closed.min(self.now)));
        let unread = slot.state == State::GivesUp && slot.answer.is_none();
        if unread && self.now + slot.call.one_way() <= slot.patience {
            let pod = Some(socket.pod);
            self.answered(slot, pod, FailureKind::Reset, Met::ClosedUnread, view);
        }
        if let Some(reconnect) = slot.spec.reconnect.filter(|_| slot.state == State::Packet) {
            self.reconnect(slot, &reconnect);
        }
        self.now
    }

    /// A client that holds a session sees its end: its next message comes sooner, over a new connection.
    #[cold]
    fn reconnect(&mut self, slot: &mut Slot<'s>, reconnect: &ReconnectSpec) {
        let seen = self.now + slot.call.one_way();
        let again = seen + first_wait(&reconnect.back_off, slot.luck.rare("reconnect").uniform());
        if slot.call.sent > again && slot.call.attempt == 1 && again < self.stop {
            (slot.call.sent, slot.call.attempt_sent) = (again, again);
            self.wake_at(slot, again + slot.call.one_way());
        }
    }

    /// Returns when the request is drained, or now.
    fn sever_in_service(
        &mut self,
        slot: &mut Slot<'s>,
        answer: Answer,
        service: Service,
        cut: bool,
        view: &mut View<'_, 's>,
    ) -> SimTime {
        let Some(socket) = &mut slot.socket else { return self.now };
        let unread = service.start > self.now && self.scenario.pod.server.queued == QueuedPolicy::Reset;
        if !cut && !unread {
            socket.closed_at = Some(socket.idle_since);
            self.drain_one(slot);
            return answer.done();
        }
        socket.closed_at = Some(self.now);
        let pod = socket.pod;
        self.observe_cut(pod, service);
        if slot.state == State::GivesUp && self.now + answer.call.one_way() > slot.patience {
            // The client gives up before it learns of the end.
            return self.now;
        }
        let (kind, met) = match () {
            () if service.start > self.now => (FailureKind::Reset, Met::ClosedUnread),
            () if service.finish > self.now => (FailureKind::Eof, Met::CutInService),
            () => (FailureKind::Truncated, Met::CutInResponse),
        };
        self.revoke(slot, answer, kind, met, view);
        self.now
    }

    /// A drained request is answered, and its connection closed. Unless the response says so, the client learns of that only
    /// from the end of the connection, which its next request may meet.
    fn drain_one(&mut self, slot: &mut Slot<'s>) {
        let honours = self.tells_close() && slot.spec.honours_connection_close;
        if let Some(answer) = &mut slot.answer {
            answer.closes |= honours;
        }
    }

    /// The answer arranged for a request will not come: the connection ends instead.
    pub(super) fn revoke(
        &mut self,
        slot: &mut Slot<'s>,
        answer: Answer,
        kind: FailureKind,
        met: Met,
        view: &mut View<'_, 's>,
    ) {
        let pod = slot.socket.map(|socket| socket.pod);
        slot.answer = None;
        let next_was_arranged = slot.state == State::Packet;
        if next_was_arranged {
            slot.thought = Some(slot.call.sent.saturating_since(answer.known));
            slot.drawn = Some(slot.call.drawn());
        }
        slot.call = answer.call;
        slot.call.may_have_run |= met != Met::ClosedUnread;
        self.answered(slot, pod, kind, met, view);
    }
}

/// Whether the client has given up its connection by `now`, while no request is on it.
fn is_left(slot: &Slot<'_>, now: SimTime) -> bool {
    let busy = slot.answer.is_some_and(|answer| answer.in_service(now).is_some());
    !busy && slot.socket.is_some_and(|socket| !socket.shared && is_given_up(&slot.spec.pool, socket.kept(), now))
}
