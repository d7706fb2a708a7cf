//! What becomes of an attempt that fails: the client's transport, gRPC or the application makes it again, or the request is
//! lost.

use crate::model::client::{Budget, FailedAttempt, back_off, retries_silently};
use crate::model::spec::{InFlightPolicy, Jitter, Mechanism};
use crate::record::Met;
use crate::units::SimTime;
use crate::world::path::{Path, View};
use crate::world::slot::{Answer, Ending, Failure, Slot, State};

impl<'s> Path<'s> {
    /// The attempt fails. Either the client tries again by itself, or the request is lost.
    pub(super) fn attempt_failed(&mut self, slot: &mut Slot<'s>, failure: Failure, view: &mut View<'_, 's>) {
        self.close_socket(slot);
        let Some(again) = self.tries_again(slot, &failure) else {
            let (call, ending) = (slot.call, Ending::Lost(failure));
            slot.answer = Some(Answer { call, known: failure.known, ending, closes: false });
            self.go_on(slot, failure.known);
            return;
        };
        let at = self.begin_attempt(slot, again);
        if at <= self.now && slot.channel.is_none() {
            self.connect(slot, view);
        } else {
            self.wait_for_attempt(slot, again, at);
        }
    }

    /// The server answers 503 at `known` for the client, whose connection stays unless it `closes`. The application makes the
    /// request again, or it is lost.
    pub(super) fn answered_503(&mut self, slot: &mut Slot<'s>, failure: Failure, closes: bool) {
        let Some(again) = self.tries_again(slot, &failure) else {
            let (call, ending) = (slot.call, Ending::Lost(failure));
            slot.answer = Some(Answer { call, known: failure.known, ending, closes });
            self.go_on(slot, failure.known);
            return;
        };
        if closes || slot.channel.is_some() {
            self.close_socket(slot);
        }
        let at = self.begin_attempt(slot, again);
        self.wait_for_attempt(slot, again, at.max(self.now));
    }

    /// The next attempt is sent at `again`. Returns when its packet is at the pod.
    fn begin_attempt(&mut self, slot: &mut Slot<'s>, again: SimTime) -> SimTime {
        self.tally.extra_attempts += u64::from(!slot.call.warm_up);
        self.draw_again(slot);
        slot.call.begin_attempt(again)
    }

    /// A server that begins a request again is not as long at it as the one before. What no server has begun has its draw still.
    pub(super) fn draw_again(&self, slot: &mut Slot<'s>) {
        if slot.call.may_have_run {
            slot.call.service_time = slot.luck.service_time_again(self.service_time, slot.call.work);
        }
    }

    /// A stream looks for its connection when it is sent, at `again`; a request of its own connection is there at `at`.
    fn wait_for_attempt(&mut self, slot: &mut Slot<'s>, again: SimTime, at: SimTime) {
        let joins = slot.channel.is_some();
        slot.state = if joins { State::Rejoins } else { State::Packet };
        self.wake_at(slot, if joins { again } else { at });
    }

    /// When the client makes the attempt again: at once if its transport does, after a while if the application does. If
    /// nobody does, the request is lost, and with it perhaps the client.
    pub(super) fn tries_again(&mut self, slot: &mut Slot<'s>, failure: &Failure) -> Option<SimTime> {
        if slot.only_dials() {
            return None;
        }
        let (client, call) = (slot.spec, &slot.call);
        let failed = FailedAttempt {
            kind: failure.kind,
            reused: call.reused,
            idempotent: call.idempotent,
            attempt: call.attempt.saturating_sub(call.unseen),
        };
        let allowed = !self.scenario.without.has(Mechanism::SilentRetry);
        if allowed && slot.channel.is_none() && retries_silently(client, &failed) {
            return Some(failure.known);
        }
        if allowed && self.is_repeated_stream(slot, failure) {
            slot.call.unseen = slot.call.unseen.saturating_add(1);
            return Some(failure.known);
        }
        let wait = client.retries.filter(|_| allowed).and_then(|retries| {
            let uniform =
                if retries.back_off.jitter == Jitter::None { 0.0 } else { slot.luck.rare("back_off").uniform() };
            back_off(&retries, &failed, uniform)
        });
        let wait = wait.filter(|_| self.budgets[slot.client as usize].as_mut().is_none_or(Budget::take));
        if wait.is_none() && client.stops_on.has(failure.kind) {
            let stopped = &mut self.stopped[slot.client as usize];
            *stopped = failure.known.min(*stopped);
        }
        wait.map(|wait| failure.known + wait)
    }

    /// Whether gRPC repeats a stream that no application saw, whatever its method and its rules for retries (proposal A6,
    /// transparent retries): as often as it takes one that was not sent because its connection had ended; one that a draining
    /// server refused, which GOAWAY tells (RFC 9113, 6.8), only if that was its first attempt (`shouldRetry` in grpc-go's
    /// stream.go).
    fn is_repeated_stream(&self, slot: &Slot<'s>, failure: &Failure) -> bool {
        let not_taken = matches!(failure.met, Met::ClosedIdle | Met::ClosedUnread);
        let drains = self.scenario.pod.server.in_flight == InFlightPolicy::Drain;
        let not_sent = failure.known <= slot.call.attempt_sent;
        slot.channel.is_some() && not_taken && (not_sent || drains && slot.call.attempt == 1)
    }
}
