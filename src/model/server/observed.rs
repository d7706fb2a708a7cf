//! What happens in a process whose requests share it, for whoever keeps a series: how many wait and are in service, the work as it
//! is done, who was taken up and who is done. A client that has gone changes nothing of that.
//!
//! With a CPU limit the work of a period is spread over the period: a process that uses its quota up is at work all the time.

use crate::units::{SimDuration, SimTime};

/// So many requests waited, and so many were in service, from one time to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// From then.
    pub from: SimTime,
    /// Until then.
    pub to: SimTime,
    /// Requests that waited.
    pub waiting: u64,
    /// Requests in service.
    pub in_service: u64,
}

/// Time of workers, spent evenly from one time to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// From then.
    pub from: SimTime,
    /// Until then.
    pub to: SimTime,
    /// That of all workers together.
    pub time: SimDuration,
}

/// What has happened since it was asked for last.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// In order of time, one after another.
    pub held: Vec<Held>,
    /// What was worked.
    pub work: Vec<Work>,
    /// When something arrived, and when it was taken up.
    pub taken_up: Vec<(SimTime, SimTime)>,
    /// When something was done.
    pub finished: Vec<SimTime>,
}

/// What a process has done in the current period of its quota.
#[derive(Debug, Clone, Copy)]
struct Period {
    from: SimTime,
    ends: SimTime,
    used: f64,
}

/// What keeps account of a process.
#[derive(Debug, Clone)]
pub(super) struct Observer {
    since: SimTime,
    period: Option<Period>,
    seen: Observed,
}

impl Observer {
    /// Nothing was in the process before `since`.
    pub(super) fn new(since: SimTime) -> Self {
        Observer { since, period: None, seen: Observed::default() }
    }

    /// Hands over what was seen; of a period that is not over nothing.
    pub(super) fn take(&mut self) -> Observed {
        std::mem::take(&mut self.seen)
    }

    /// The process ends at `now`, of whose time `cores` can be at work.
    pub(super) fn end(&mut self, now: SimTime, cores: f64) -> Observed {
        if let Some(period) = &mut self.period {
            period.ends = period.ends.min(now);
        }
        self.period_over(cores);
        self.take()
    }

    pub(super) fn taken_up(&mut self, arrived: SimTime, start: SimTime) {
        self.seen.taken_up.push((arrived, start));
    }

    pub(super) fn finished(&mut self, at: SimTime) {
        self.seen.finished.push(at);
    }

    pub(super) fn held(&mut self, held: Held) {
        match self.seen.held.last_mut() {
            Some(last)
                if last.to == held.from && (last.waiting, last.in_service) == (held.waiting, held.in_service) =>
            {
                last.to = held.to;
            }
            _ if held.from < held.to => self.seen.held.push(held),
            _ => {}
        }
    }

    pub(super) fn worked(&mut self, from: SimTime, to: SimTime, nanos: f64) {
        if nanos >= 1.0 && from < to {
            self.seen.work.push(Work { from, to, time: SimDuration::from_nanos(nanos as u64) });
        }
    }

    /// So much of the quota was used in the period that ends at `ends`; it began at `began`, or with the process.
    pub(super) fn used(&mut self, began: SimTime, ends: SimTime, nanos: f64, cores: f64) {
        if self.period.is_some_and(|period| period.ends != ends) {
            self.period_over(cores);
        }
        let from = began.max(self.since);
        self.period.get_or_insert(Period { from, ends, used: 0.0 }).used += nanos;
    }

    /// A period that the process did not have from its beginning to its end has no more of its work than of its time.
    fn period_over(&mut self, cores: f64) {
        let Some(Period { from, ends, used }) = self.period.take() else { return };
        let most = ends.saturating_since(from).as_nanos() as f64 * cores;
        self.worked(from, ends, used.min(most));
    }
}
