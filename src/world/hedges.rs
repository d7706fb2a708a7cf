//! Hedged requests: when a request of an open loop has waited for a while, a second attempt is sent beside it, and the first
//! answer counts.
//!
//! Each attempt has a slot of its own, so that what it meets is decided as for any request. The attempt that is not needed any
//! more is cancelled as if its client had lost patience: HTTP/1.1 closes the connection, HTTP/2 resets the stream; what a worker
//! has taken up or queued is worked off, what shares a process leaves it. An attempt that fails is forgotten while the other
//! goes on, and if the second was not sent yet, it is sent at once (gRPC proposal A6, a non-fatal status). Only requests that
//! may be sent twice are hedged. Leaves out: more than two attempts, push-back by servers.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use crate::dist::times;
use crate::model::client::{Budget, HedgeDelay};
use crate::model::spec::{DelayId, HedgingSpec};
use crate::units::{SimDuration, SimTime};
use crate::world::path::{After, Path, View};
use crate::world::proxied::on_trip;
use crate::world::requests::Requests;
use crate::world::slot::{Call, Ending, Luck, Slot, State};
use crate::world::trip::Stage;

/// What an attempt knows of the other one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Other {
    /// It is not sent yet, and can be.
    NotYet,
    /// It is under way in this slot.
    Running(u32),
    /// It has failed.
    Gone,
}

/// An attempt that may have another beside it.
#[derive(Debug, Clone, Copy)]
struct Attempt {
    /// Of which request.
    call: u64,
    /// How much work that is.
    work: SimDuration,
    other: Other,
}

/// The hedged requests of one client.
#[derive(Debug)]
pub(super) struct Hedges {
    delay: HedgeDelay,
    /// The slot that wakes when a second attempt is due.
    clock: u32,
    /// When, beside which slot's request.
    due: BinaryHeap<Reverse<(SimTime, u32, u64)>>,
    /// By slot.
    attempts: BTreeMap<u32, Attempt>,
    /// Streams whose requests are over, but that make a connection for others.
    orphans: BTreeSet<u32>,
    /// Draws the work of requests once more, and what else second attempts need.
    works: Luck,
    luck: Luck,
}

impl Hedges {
    /// Nothing is under way. `works` draws what the client's own luck draws for the work of its requests, `luck` is for what second
    /// attempts meet.
    pub(super) fn new(hedging: &HedgingSpec, clock: u32, [works, luck]: [Luck; 2]) -> Self {
        Hedges {
            delay: HedgeDelay::new(hedging),
            clock,
            due: BinaryHeap::new(),
            attempts: BTreeMap::new(),
            orphans: BTreeSet::new(),
            works,
            luck,
        }
    }

    /// Takes the next second attempt that is due at `now`, if its request is still under way: the slot of the first.
    fn take_due(&mut self, now: SimTime) -> Option<u32> {
        while let Some(Reverse((at, slot, call))) = self.due.peek().copied() {
            if at > now {
                return None;
            }
            self.due.pop();
            let waits = |attempt: &Attempt| attempt.call == call && attempt.other == Other::NotYet;
            if self.attempts.get(&slot).is_some_and(waits) {
                return Some(slot);
            }
        }
        None
    }

    fn next_due(&self) -> SimTime {
        self.due.peek().map_or(SimTime::MAX, |Reverse((at, ..))| *at)
    }

    fn set_other(&mut self, slot: u32, other: Other) {
        if let Some(attempt) = self.attempts.get_mut(&slot) {
            attempt.other = other;
        }
    }
}

impl<'s> Requests<'s> {
    /// A request was sent at `now` over the slot: when it gets a second attempt, if it may.
    pub(super) fn arrange_hedge(&mut self, client: usize, index: u32, now: SimTime) {
        let Some(hedges) = &mut self.clients[client].hedges else { return };
        let slot = &self.slots[index as usize];
        let work = hedges.works.work(slot.spec.work.seconds());
        let Some(delay) = hedges.delay.now().filter(|_| slot.call.idempotent) else { return };
        let call = slot.call.index;
        hedges.attempts.insert(index, Attempt { call, work, other: Other::NotYet });
        hedges.due.push(Reverse((now + delay, index, call)));
        self.path.wakes.set(hedges.clock, hedges.next_due());
    }

    /// The clock of the client's second attempts wakes.
    pub(super) fn hedge(&mut self, client: usize, now: SimTime, view: &mut View<'_, 's>) {
        while let Some(first) = self.clients[client].hedges.as_mut().and_then(|hedges| hedges.take_due(now)) {
            self.launch_second(client, first, now, view);
        }
        if let Some(hedges) = &self.clients[client].hedges {
            self.path.wakes.set(hedges.clock, hedges.next_due());
        }
    }

    /// Sends the request of slot `first` once more, if the budget allows it. Says over which slot.
    fn launch_second(&mut self, client: usize, first: u32, now: SimTime, view: &mut View<'_, 's>) -> Option<u32> {
        let allowed = self.path.budgets[client].as_mut().is_none_or(Budget::take);
        let hedges = self.clients[client].hedges.as_mut().filter(|_| allowed)?;
        let attempt = *hedges.attempts.get(&first)?;
        let round_trip = hedges.luck.round_trip(self.path.scenario.delays.get(DelayId::RttPod));
        let service_time = hedges.luck.service_time(self.path.service_time);
        let choice = Some(hedges.luck.choice().bits());
        let mut call = Call {
            round_trip,
            service_time: times(service_time, attempt.work),
            choice,
            reused: false,
            ..self.slots[first as usize].call
        };
        (call.attempt, call.attempt_sent) = (call.attempt.saturating_add(1), now);
        self.path.tally.extra_attempts += 1;
        let second = self.launch(client, call, view);
        let hedges = self.clients[client].hedges.as_mut()?;
        hedges.attempts.insert(second, Attempt { other: Other::Running(first), ..attempt });
        hedges.set_other(first, Other::Running(second));
        Some(second)
    }

    /// A slot of a client with second attempts wakes: perhaps its clock, or an attempt that ends. Says whether that was all.
    pub(super) fn race_is_decided(&mut self, client: usize, index: u32, now: SimTime, view: &mut View<'_, 's>) -> bool {
        let ended = self.has_ended(index);
        let Some(hedges) = &mut self.clients[client].hedges else { return false };
        if hedges.clock == index {
            self.hedge(client, now, view);
            return true;
        }
        if !ended {
            return false;
        }
        if hedges.orphans.remove(&index) {
            self.forget(client, index, now);
            return true;
        }
        match self.slots[index as usize].answer.map(|answer| answer.ending) {
            Some(Ending::Served { .. }) => self.wins(client, index, now, view),
            Some(Ending::Lost(_)) => return self.loses(client, index, now, view),
            None => {}
        }
        false
    }

    /// Whether the client knows the answer of the slot, and nothing else is arranged.
    fn has_ended(&self, index: u32) -> bool {
        let slot = &self.slots[index as usize];
        let at_balancer = slot.trip.as_ref().is_some_and(|trip| trip.stage == Stage::Answer);
        slot.state == State::Answer || slot.state == State::Proxied && at_balancer
    }

    /// The slot's attempt is answered: the other is cancelled.
    fn wins(&mut self, client: usize, index: u32, now: SimTime, view: &mut View<'_, 's>) {
        let slot = &self.slots[index as usize];
        let Some(hedges) = &mut self.clients[client].hedges else { return };
        hedges.delay.note(now, now.saturating_since(slot.call.sent));
        let Some(Attempt { other: Other::Running(other), .. }) = hedges.attempts.remove(&index) else { return };
        hedges.attempts.remove(&other);
        let ran = self.cancel(client, other, view);
        let Some(answer) = &mut self.slots[index as usize].answer else { return };
        answer.call.may_have_run |= ran;
        // One that is answered at a later attempt is counted as such.
        self.path.tally.duplicated += u64::from(ran && answer.call.attempt == 1);
    }

    /// The slot's attempt has failed. Says whether another one goes on.
    fn loses(&mut self, client: usize, index: u32, now: SimTime, view: &mut View<'_, 's>) -> bool {
        let attempt = self.clients[client].hedges.as_ref().and_then(|hedges| hedges.attempts.get(&index));
        let other = match attempt.map(|attempt| attempt.other) {
            Some(Other::Running(other)) => Some(other),
            Some(Other::NotYet) => self.launch_second(client, index, now, view),
            Some(Other::Gone) | None => None,
        };
        let Some(hedges) = &mut self.clients[client].hedges else { return false };
        hedges.attempts.remove(&index);
        let Some(other) = other else { return false };
        hedges.set_other(other, Other::Gone);
        self.forget(client, index, now);
        true
    }

    /// The attempt of a slot is not wanted any more. Says whether it may have run.
    fn cancel(&mut self, client: usize, index: u32, view: &mut View<'_, 's>) -> bool {
        let slot = &mut self.slots[index as usize];
        let waits = slot.channel.is_some() && slot.state == State::Idle;
        let not_begun = waits || slot.state == State::Packet;
        let at_entry = slot.trip.as_ref().is_some_and(|trip| trip.stage == Stage::Packet);
        // Its first packet would have counted the request.
        let uncounted = slot.call.attempt == 1 && (not_begun || slot.state == State::Proxied && at_entry);
        if !self.leave_channel(client, index) {
            if let Some(hedges) = &mut self.clients[client].hedges {
                hedges.orphans.insert(index);
            }
            return false;
        }
        self.path.begun += u64::from(uncounted);
        let slot = &mut self.slots[index as usize];
        let on_trip = on_trip(&mut self.path, slot, view, |proxied| proxied.cancel());
        let ran = on_trip.unwrap_or_else(|| self.path.cancel(slot, view));
        self.let_go(client, index);
        ran
    }

    /// A stream that only made a connection for others has made it.
    pub(super) fn drop_orphan(&mut self, client: usize, index: u32, view: &mut View<'_, 's>) {
        let is_orphan = |hedges: &mut Hedges| hedges.orphans.contains(&index);
        if self.clients[client].hedges.as_mut().is_some_and(is_orphan) && self.leave_channel(client, index) {
            if let Some(hedges) = &mut self.clients[client].hedges {
                hedges.orphans.remove(&index);
            }
            self.path.cancel(&mut self.slots[index as usize], view);
            self.let_go(client, index);
        }
    }

    /// An attempt has ended that does not count.
    fn forget(&mut self, client: usize, index: u32, now: SimTime) {
        let slot = &mut self.slots[index as usize];
        if slot.answer.take().is_some_and(|answer| answer.closes) {
            self.path.close(slot);
        }
        self.path.rest(slot);
        if slot.channel.is_some() {
            self.after_stream(client, index, After::Free, now);
        } else {
            self.set_free(client, index);
        }
    }

    /// The slot is free for another request.
    fn let_go(&mut self, client: usize, index: u32) {
        if self.slots[index as usize].channel.is_some() {
            self.leave_stream(client, index, self.path.now);
            self.clients[client].source.iter_mut().for_each(|source| source.bare.push(index));
        } else {
            self.set_free(client, index);
        }
    }
}

impl<'s> Path<'s> {
    /// The client does not want the answer any more. Says whether the request may have run.
    fn cancel(&mut self, slot: &mut Slot<'s>, view: &mut View<'_, 's>) -> bool {
        let pod = slot.socket.map(|socket| socket.pod);
        let started = self.abandon(slot, pod, view) | self.abandon_sharing(slot, view);
        self.close_socket(slot);
        slot.pinned = None;
        self.rest(slot);
        started || slot.call.ran_before()
    }
}
