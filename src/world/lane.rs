//! One connection under the fast driver: nothing happens on it but its own requests, one after the other, each answered.
//!
//! A lane holds what such a connection needs and no more. Whatever else may have to happen it leaves to its slot, as the
//! plain driver would have left it.

use crate::ids::PodId;
use crate::model::client::Pacing;
use crate::model::server::{Pool, Service};
use crate::model::spec::Via;
use crate::units::{SimDuration, SimTime};
use crate::world::path::Path;
use crate::world::slot::{Answer, Call, Ending, Luck, Slot, State};

/// A connection under the fast driver.
#[derive(Debug)]
pub(super) struct Lane {
    /// The request on its way.
    sent: SimTime,
    round_trip: SimDuration,
    service_time: SimDuration,
    /// Which request of the connection's schedule it is.
    index: u64,
    /// The request before, answered and not counted yet.
    answered: Answered,
    pacing: Pacing,
    /// When the connection's schedule starts.
    start: SimTime,
    luck: Luck,
    request_timeout: SimDuration,
    /// The first request after which the lane must not go on.
    limit: u64,
    /// The request on its way when the lane was entered, and how many the connection had carried before it.
    entered_at: u64,
    carried: u32,
    /// For the digest.
    who: u64,
    pub(super) pod: PodId,
}

#[derive(Debug, Clone, Copy)]
struct Answered {
    sent: SimTime,
    round_trip: SimDuration,
    service_time: SimDuration,
    /// The last byte left the server: the connection is idle since.
    done: SimTime,
    /// The client had it.
    known: SimTime,
}

impl Lane {
    /// The lane of a slot whose next request reaches its pod at `at`, if nothing else than requests is to be expected.
    pub(super) fn enter(slot: &mut Slot<'_>, at: SimTime, path: &Path<'_>) -> Option<Lane> {
        let (socket, schedule, answer) = (slot.socket?, slot.schedule?, slot.answer?);
        let Ending::Served { done, .. } = answer.ending else { return None };
        let (call, last) = (&slot.call, &answer.call);
        let plain = |call: &Call| call.attempt == 1 && !call.warm_up && !call.may_have_run;
        let follows = plain(last) && plain(call) && call.index == last.index + 1 && call.sent < path.stop;
        let on_its_way = at == call.sent + call.one_way();
        let stays = slot.spec.keep_alive && !answer.closes && socket.closed_at.is_none();
        if !on_its_way
            || slot.state != State::Packet
            || slot.spec.via != Via::Service
            || path.minds_rules
            || schedule.thinks
            || !slot.plain
            || !follows
            || !stays
        {
            return None;
        }
        let carries = u64::from(path.scenario.pod.server.keep_alive_requests.saturating_sub(socket.carried));
        Some(Lane {
            sent: call.sent,
            round_trip: call.round_trip,
            service_time: call.service_time,
            index: call.index,
            answered: Answered {
                sent: last.sent,
                round_trip: last.round_trip,
                service_time: last.service_time,
                done,
                known: answer.known,
            },
            pacing: schedule.pacing,
            start: schedule.start,
            request_timeout: slot.spec.request_timeout,
            limit: schedule.pacing.calls().unwrap_or(u64::MAX).min(call.index.saturating_add(carries)),
            entered_at: call.index,
            carried: socket.carried,
            who: slot.who(),
            pod: socket.pod,
            luck: slot.luck.take(),
        })
    }

    /// Gives the connection back to its slot, as the plain driver would have left it.
    pub(super) fn leave(self, slot: &mut Slot<'_>, path: &mut Path<'_>) {
        let served = self.index - self.entered_at;
        path.begun += served;
        let (carried, answered) = (self.carried + served as u32, &self.answered);
        let call = &mut slot.call;
        call.reused = carried > 1;
        let last = Call {
            index: self.index - 1,
            sent: answered.sent,
            attempt_sent: answered.sent,
            round_trip: answered.round_trip,
            service_time: answered.service_time,
            ..*call
        };
        (call.index, call.sent, call.attempt_sent) = (self.index, self.sent, self.sent);
        (call.round_trip, call.service_time) = (self.round_trip, self.service_time);
        let finish = answered.done.saturating_sub(path.response_time);
        let service = Service { start: finish.saturating_sub(answered.service_time), finish };
        let ending = Ending::Served { service, done: answered.done };
        slot.answer = Some(Answer { call: last, known: answered.known, ending, closes: false });
        if let Some(socket) = &mut slot.socket {
            (socket.carried, socket.idle_since) = (carried, answered.done);
        }
        slot.luck = self.luck;
    }

    /// The lane is not gone: its luck goes back.
    pub(super) fn into_luck(self) -> Luck {
        self.luck
    }

    /// Whether the request on its way was sent when it was due: the connection is not behind.
    pub(super) fn is_on_schedule(&self) -> bool {
        self.sent == self.pacing.due_at(self.start, self.index)
    }

    /// Takes the requests that are due before `until` as answered, none of them late for the next. Says when the first of
    /// the others reaches the pod; nothing if there is none to skip.
    pub(super) fn skip(&mut self, until: SimTime, path: &mut Path<'_>) -> Option<SimTime> {
        let next = self.pacing.first_due(self.start, until).min(self.limit.saturating_sub(2));
        let skipped = next.checked_sub(self.index).filter(|skipped| *skipped > 1)?;
        path.tally.succeeded_unseen(skipped);
        self.luck.skip(skipped - 2);
        let mut draw = || (self.luck.round_trip(path.round_trip), self.luck.service_time(path.service_time));
        let ((last_round_trip, last_service), (round_trip, service_time)) = (draw(), draw());
        let last = self.pacing.due_at(self.start, next - 1);
        self.answered = Answered {
            sent: last,
            round_trip: last_round_trip,
            service_time: last_service,
            done: last + last_service,
            known: last + last_service,
        };
        (self.index, self.sent) = (next, self.pacing.due_at(self.start, next));
        (self.round_trip, self.service_time) = (round_trip, service_time);
        Some(self.sent + round_trip.half())
    }

    /// Until then the lane touches nothing but its own pod: its connection does not end by a limit of the server, and no
    /// request that it sends from now on is given up. Going on moves it further away.
    pub(super) fn horizon(&self, path: &Path<'_>) -> SimTime {
        let last = self.limit.saturating_sub(1).max(self.index);
        let ends = if self.limit == u64::MAX { SimTime::MAX } else { self.pacing.due_at(self.start, last) };
        if path.window.is_some() {
            // That no request is given up and no connection idle for too long are conditions of skipping.
            return ends;
        }
        let given_up = self.sent.saturating_add(self.request_timeout);
        let too_idle = self.answered.done.saturating_add(path.keep_alive_timeout);
        ends.min(given_up).min(too_idle)
    }

    /// The request reaches its pod before the [`horizon`](Lane::horizon), is served, and the next one is on its way. Says
    /// when that one reaches the pod; nothing if this wake is one for the slot, and then nothing has happened.
    #[inline(always)]
    pub(super) fn wake(&mut self, now: SimTime, path: &mut Path<'_>, pool: &mut impl Pool) -> Option<SimTime> {
        let (free_at, worker) = pool.first_free();
        let (one_way, next) = (self.round_trip.half(), self.index + 1);
        let finish = now.max(free_at) + self.service_time;
        let done = finish + path.response_time;
        let known = done + one_way;
        let sent = self.pacing.due_at(self.start, next).max(known);
        if known > self.sent + self.request_timeout || sent >= path.stop {
            return None;
        }
        if let Some(worker) = worker {
            *worker = finish;
        }
        self.count(path);
        let (round_trip, service_time) = (self.round_trip, self.service_time);
        self.answered = Answered { sent: self.sent, round_trip, service_time, done, known };
        (self.index, self.sent) = (next, sent);
        self.round_trip = self.luck.round_trip(path.round_trip);
        self.service_time = self.luck.service_time(path.service_time);
        Some(sent + self.round_trip.half())
    }

    /// Counts the answer of the request before.
    #[inline(always)]
    fn count(&self, path: &mut Path<'_>) {
        let (sent, known) = (self.answered.sent, self.answered.known);
        path.tally.succeeded(known - sent);
        if path.results.digest.is_some() {
            path.observe_served(self.who, self.index - 1, sent, known);
        }
    }
}
