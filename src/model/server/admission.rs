//! What a process takes in: the limit of requests in flight, the backlog of its listener, and how warm it is.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::model::spec::{Accepts, ServerSpec, WarmUp};
use crate::units::{SimDuration, SimTime};

/// Requests under way in a process whose completions are known when they arrive.
#[derive(Debug, Default)]
pub(super) struct UnderWay {
    /// When each is done.
    done: BinaryHeap<Reverse<SimTime>>,
    /// Connections that wait for a process that stalls.
    unaccepted: u64,
}

impl UnderWay {
    /// How many there are.
    pub(super) fn count(&mut self, now: SimTime) -> u64 {
        while self.done.peek().is_some_and(|Reverse(done)| *done <= now) {
            self.done.pop();
        }
        self.done.len() as u64
    }

    /// One more, until `done`.
    pub(super) fn add(&mut self, done: SimTime) {
        self.done.push(Reverse(done));
    }

    /// A connection is established to a process that does not accept yet.
    pub(super) fn wait(&mut self) {
        self.unaccepted += 1;
    }

    /// Connections in the accept queue of a process that is `open`, `under_way` requests being in it.
    pub(super) fn unaccepted(&self, server: &ServerSpec, open: bool, under_way: u64) -> u64 {
        match (open, server.accepts, server.workers) {
            (false, _, _) => self.unaccepted,
            (true, Accepts::WhenFree, Some(workers)) => under_way.saturating_sub(workers.into()),
            _ => 0,
        }
    }
}

/// How warm a process is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Warmth {
    /// It listens since then; a process from before the run is warm.
    since: Option<SimTime>,
    served: u32,
}

impl Warmth {
    pub(super) fn begin(&mut self, now: SimTime) {
        self.since = Some(now);
    }

    /// How many times longer than in a warm process the next request takes that is taken up at `now`.
    pub(super) fn slowdown(&self, warm_up: &WarmUp, now: SimTime) -> f64 {
        let Some(since) = self.since else { return 1.0 };
        let by_age = remaining(now.saturating_since(since).as_secs_f64(), warm_up.age.as_secs_f64());
        let by_count = remaining(self.served.into(), warm_up.requests.into());
        let cold = [by_age, by_count].into_iter().flatten().fold(1.0, f64::min);
        1.0 + (warm_up.slowdown - 1.0) * cold
    }

    /// The time of the next request, which takes `service_time` in a warm process.
    pub(super) fn stretch(&mut self, warm_up: Option<&WarmUp>, at: SimTime, service_time: SimDuration) -> SimDuration {
        let Some(warm_up) = warm_up else { return service_time };
        let slowdown = self.slowdown(warm_up, at);
        self.served = self.served.saturating_add(1);
        SimDuration::from_nanos_f64_rounded(service_time.as_nanos() as f64 * slowdown)
    }
}

/// The share of the way to `all` that is left after `done`; none if there is no such way.
fn remaining(done: f64, all: f64) -> Option<f64> {
    (all > 0.0).then(|| (1.0 - done / all).max(0.0))
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the numbers are exact")]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_warm_when_it_is_old_enough_or_has_served_enough() {
        let at = |secs| SimTime::ZERO + SimDuration::from_secs(secs);
        let warm_up = WarmUp { slowdown: 5.0, age: SimDuration::from_secs(10), requests: 4 };
        let mut warmth = Warmth::default();
        assert_eq!(warmth.slowdown(&warm_up, at(0)), 1.0, "a process from before the run");
        warmth.begin(at(100));
        assert_eq!([100, 105, 110].map(|secs| warmth.slowdown(&warm_up, at(secs))), [5.0, 3.0, 1.0]);
        let stretched = warmth.stretch(Some(&warm_up), at(100), SimDuration::from_millis(10));
        assert_eq!(stretched, SimDuration::from_millis(50));
        assert_eq!(warmth.slowdown(&warm_up, at(100)), 4.0, "one of four");
        let by_age_alone = WarmUp { requests: 0, ..warm_up };
        assert_eq!(warmth.slowdown(&by_age_alone, at(105)), 3.0);
    }

    #[test]
    fn what_is_done_is_not_under_way() {
        let at = |ms| SimTime::ZERO + SimDuration::from_millis(ms);
        let mut under_way = UnderWay::default();
        [30, 10, 20].map(at).into_iter().for_each(|done| under_way.add(done));
        assert_eq!([0, 10, 25, 30].map(|ms| under_way.count(at(ms))), [3, 2, 1, 0]);
    }
}
