//! Requests that share a processor: processor sharing, and CPU time that a limit throttles.
//!
//! When a request is done depends on those that come after it, so nothing is known when it arrives: the next completion is
//! computed anew after each change. All requests in service get the same rate at every moment, which makes the work that
//! each has attained since ever one number (virtual time): a request is done when that number reaches its own mark. With
//! a limit as of `cpu.max` (Linux, kernel/sched/fair.c: a quota of CPU time in each period, unused time lost) all stop
//! together when the quota is used up, until the period ends.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::server::Service;
use crate::model::server::observed::{Held, Observed, Observer};
use crate::units::{SimDuration, SimTime};

/// A request that is served, or waits.
#[derive(Debug, Clone, Copy)]
struct Job {
    /// The connection slot that waits for it; none if its client has gone.
    owner: Option<u32>,
    /// Until when its client waits.
    patience: SimTime,
    /// Processor time that it takes, nanoseconds.
    work: f64,
    /// When it arrived; in service, when it was taken up.
    start: SimTime,
}

/// Orders jobs in service by the mark that the attained work must reach, then by arrival. A mark is not negative, so its bits
/// are in the order of its values.
type Key = (u64, u64);

/// The quota of CPU time.
#[derive(Debug, Clone, Copy)]
pub struct Quota {
    /// CPU time of all threads together in a period, nanoseconds.
    each: f64,
    period: SimDuration,
    /// The current period began then.
    began: SimTime,
    left: f64,
}

impl Quota {
    /// `cores` for each period, the first of which began at `phase`.
    pub fn new(cores: f64, period: SimDuration, phase: SimTime) -> Self {
        let each = cores * period.as_nanos() as f64;
        Quota { each, period, began: phase, left: each }
    }

    /// The period in which `now` is.
    fn refill(&mut self, now: SimTime) {
        let periods = now.saturating_since(self.began).as_nanos() / self.period.as_nanos();
        if periods > 0 {
            self.began += self.period * periods;
            self.left = self.each;
        }
    }

    fn ends(&self) -> SimTime {
        self.began + self.period
    }

    /// When the period began; the first one with the process, whose group's periods begin later.
    fn from(&self, now: SimTime) -> SimTime {
        if now < self.began { SimTime::ZERO } else { self.began }
    }

    fn cores(&self) -> f64 {
        self.each / self.period.as_nanos() as f64
    }
}

/// The requests of one process.
#[derive(Debug, Clone)]
pub struct Sharing {
    /// Requests that make progress at full speed together.
    cores: f64,
    /// Requests that are in service together; more wait.
    slots: usize,
    quota: Option<Quota>,
    now: SimTime,
    /// Work that a request in service since ever would have attained, nanoseconds.
    attained: f64,
    arrivals: u64,
    in_service: BTreeMap<Key, Job>,
    waiting: BTreeMap<u64, Job>,
    /// Keys in service whose client waits, and arrivals of those that wait.
    owned: BTreeMap<Key, u32>,
    owned_waiting: BTreeMap<u64, u32>,
    /// Arrivals that no slot waits for but somebody asks after.
    asked: BTreeSet<u64>,
    /// Where a slot's request is: its key if it is in service, and its arrival.
    places: BTreeMap<u32, (Option<u64>, u64)>,
    done: BTreeMap<u32, Service>,
    /// The slot that wakes at the next completion.
    woken: Option<u32>,
    /// When everything is done if nothing more arrives, as long as it is known.
    ends: Option<SimTime>,
    /// Keeps account, if somebody keeps a series.
    observer: Option<Box<Observer>>,
}

impl Sharing {
    /// `workers` threads (`None` without limit): with `shares` they are cores, shared by any number of requests.
    pub fn new(workers: Option<u32>, shares: bool, quota: Option<Quota>) -> Self {
        Sharing {
            cores: workers.map_or(f64::INFINITY, f64::from),
            slots: workers.filter(|_| !shares).map_or(usize::MAX, |workers| workers as usize),
            quota,
            now: SimTime::ZERO,
            attained: 0.0,
            arrivals: 0,
            in_service: BTreeMap::new(),
            waiting: BTreeMap::new(),
            owned: BTreeMap::new(),
            owned_waiting: BTreeMap::new(),
            asked: BTreeSet::new(),
            places: BTreeMap::new(),
            done: BTreeMap::new(),
            woken: None,
            ends: None,
            observer: None,
        }
    }

    /// Account is kept from now on.
    pub fn observe(&mut self, now: SimTime) {
        self.observer.get_or_insert_with(|| Box::new(Observer::new(now)));
    }

    /// What has happened by `now` since the last look.
    pub fn observed(&mut self, now: SimTime) -> Option<Observed> {
        self.advance(now);
        self.observer.as_mut().map(|observer| observer.take())
    }

    /// What has happened since the last look: the process ends now, or nobody looks any more.
    pub fn observed_last(&mut self, now: SimTime) -> Option<Observed> {
        self.advance(now);
        let cores = self.quota.map_or(f64::INFINITY, |quota| quota.cores());
        self.observer.take().map(|mut observer| observer.end(now, cores))
    }

    /// Requests in the process.
    pub fn count(&self) -> usize {
        self.in_service.len() + self.waiting.len()
    }

    /// A request of `slot` arrives, whose client waits until `patience`.
    pub fn arrive(&mut self, now: SimTime, slot: u32, work: SimDuration, patience: SimTime) {
        self.advance(now);
        self.enter(Job { owner: Some(slot), patience, work: work.as_nanos() as f64, start: now });
    }

    fn enter(&mut self, job: Job) {
        self.arrivals += 1;
        self.ends = None;
        if self.in_service.len() < self.slots {
            self.start(job, self.arrivals);
            return;
        }
        if let Some(slot) = job.owner {
            self.places.insert(slot, (None, self.arrivals));
            self.owned_waiting.insert(self.arrivals, slot);
        }
        self.waiting.insert(self.arrivals, job);
    }

    /// Something arrives that no slot waits for. Its number.
    pub fn arrive_unowned(&mut self, now: SimTime, work: SimDuration) -> u64 {
        self.advance(now);
        self.asked.insert(self.arrivals + 1);
        self.enter(Job { owner: None, patience: SimTime::MAX, work: work.as_nanos() as f64, start: now });
        self.arrivals
    }

    /// When what arrived with this number is done at the earliest, if it is not done by `now`: the next completion.
    pub fn done_after(&mut self, now: SimTime, arrival: u64) -> Option<SimTime> {
        self.advance(now);
        let next = self.next_completion().filter(|_| self.asked.contains(&arrival))?;
        Some(next.max(now + SimDuration::from_nanos(1)))
    }

    fn start(&mut self, job: Job, arrival: u64) {
        let key = ((self.attained + job.work).to_bits(), arrival);
        self.in_service.insert(key, Job { start: self.now, ..job });
        if let Some(slot) = job.owner {
            self.owned.insert(key, slot);
            self.owned_waiting.remove(&arrival);
            self.places.insert(slot, (Some(key.0), arrival));
        }
        if let Some(observer) = &mut self.observer {
            observer.taken_up(job.start, self.now);
        }
    }

    /// Takes the request of `slot` if it is done by now.
    pub fn take_done(&mut self, now: SimTime, slot: u32) -> Option<Service> {
        self.advance(now);
        self.done.remove(&slot)
    }

    /// The client of `slot` has gone; the process does not know and works on. Says whether it had begun.
    pub fn abandon(&mut self, now: SimTime, slot: u32) -> bool {
        self.advance(now);
        let done = self.done.remove(&slot).is_some();
        match self.places.remove(&slot) {
            Some((Some(mark), arrival)) => {
                let key = (mark, arrival);
                self.owned.remove(&key);
                self.in_service.entry(key).and_modify(|job| job.owner = None);
                true
            }
            Some((None, arrival)) => {
                self.owned_waiting.remove(&arrival);
                self.waiting.entry(arrival).and_modify(|job| job.owner = None);
                false
            }
            None => done,
        }
    }

    /// Whether the request of `slot` is in service.
    pub fn has_begun(&self, slot: u32) -> bool {
        self.places.get(&slot).is_none_or(|(mark, _)| mark.is_some())
    }

    /// The request of `slot` is dropped, and the process stops to work on it.
    pub fn drop_one(&mut self, now: SimTime, slot: u32) {
        self.advance(now);
        self.done.remove(&slot);
        self.ends = None;
        match self.places.remove(&slot) {
            Some((Some(mark), arrival)) => {
                self.owned.remove(&(mark, arrival));
                self.in_service.remove(&(mark, arrival));
                self.start_waiting();
            }
            Some((None, arrival)) => {
                self.owned_waiting.remove(&arrival);
                self.waiting.remove(&arrival);
            }
            None => {}
        }
    }

    /// When everything is done if nothing more arrives.
    pub fn ends(&mut self) -> SimTime {
        let ends = self.ends.unwrap_or_else(|| self.worked_off());
        self.ends = Some(ends);
        ends
    }

    /// Plays what is there to its end, without clients.
    fn worked_off(&self) -> SimTime {
        let (in_service, waiting) = (self.in_service.clone(), self.waiting.clone());
        let mut rest = Sharing { in_service, waiting, attained: self.attained, now: self.now, ..self.emptied() };
        while let Some(at) = rest.next_completion() {
            rest.advance(at);
        }
        rest.now
    }

    fn emptied(&self) -> Sharing {
        Sharing { cores: self.cores, slots: self.slots, ..Sharing::new(None, true, self.quota) }
    }

    /// Who is to wake when, after a change: each slot with its time. Until then a slot need not look.
    pub fn wakes(&mut self, now: SimTime) -> Vec<(u32, SimTime)> {
        let rest = self.woken.take().and_then(|slot| Some((slot, self.patience(slot)?)));
        let done = self.done.keys().map(|slot| (*slot, now));
        let mut wakes: Vec<_> = rest.into_iter().chain(done).collect();
        let owner = self.owned.first_key_value().map(|(_, slot)| *slot);
        self.woken = owner.or_else(|| self.owned_waiting.first_key_value().map(|(_, slot)| *slot));
        if let Some((slot, at)) = self.woken.zip(self.next_completion()) {
            wakes.push((slot, at.min(self.patience(slot).unwrap_or(at))));
        }
        wakes
    }

    /// Until when the client of `slot` waits, if its request is not done.
    fn patience(&self, slot: u32) -> Option<SimTime> {
        let job = match *self.places.get(&slot)? {
            (Some(mark), arrival) => self.in_service.get(&(mark, arrival)),
            (None, arrival) => self.waiting.get(&arrival),
        };
        job.map(|job| job.patience)
    }

    /// Does what has been done by `now`.
    pub fn advance(&mut self, now: SimTime) {
        while let Some(at) = self.next_completion().filter(|at| *at <= now) {
            self.work_until(at);
            self.complete_first();
            self.start_waiting();
        }
        self.work_until(now);
    }

    fn complete_first(&mut self) {
        let Some((key, job)) = self.in_service.pop_first() else { return };
        self.attained = self.attained.max(f64::from_bits(key.0));
        self.owned.remove(&key);
        self.asked.remove(&key.1);
        if let Some(observer) = &mut self.observer {
            observer.finished(self.now);
        }
        if let Some(slot) = job.owner {
            self.places.remove(&slot);
            self.done.insert(slot, Service { start: job.start, finish: self.now });
        }
    }

    fn start_waiting(&mut self) {
        while self.in_service.len() < self.slots
            && let Some((arrival, job)) = self.waiting.pop_first()
        {
            self.start(job, arrival);
        }
    }

    /// The rate of each request in service, and of all.
    fn rates(&self) -> (f64, f64) {
        let count = self.in_service.len() as f64;
        let each = (self.cores / count).min(1.0);
        (each, each * count)
    }

    /// The next time at which a request is done, if nothing comes between.
    fn next_completion(&self) -> Option<SimTime> {
        let (mark, _) = *self.in_service.first_key_value()?.0;
        let (each, all) = self.rates();
        let need = (f64::from_bits(mark) - self.attained).max(0.0);
        let Some(mut quota) = self.quota else { return Some(self.now + nanos(need / each)) };
        quota.refill(self.now);
        let runs = (quota.left / all).min((quota.ends() - self.now).as_nanos() as f64) * each;
        if need <= runs {
            return Some(self.now + nanos(need / each));
        }
        let period = quota.period.as_nanos() as f64;
        let gain = (quota.each / all).min(period) * each;
        let rest = need - runs;
        let whole = ((rest / gain).ceil() - 1.0).max(0.0);
        Some(quota.ends() + quota.period * whole as u64 + nanos((rest - whole * gain) / each))
    }

    /// Time passes in which the requests in service stay the same.
    fn work_until(&mut self, to: SimTime) {
        let (each, all) = self.rates();
        let span = to.saturating_since(self.now).as_nanos() as f64;
        if self.in_service.is_empty() {
            self.now = self.now.max(to);
            return;
        }
        let held = Held {
            from: self.now,
            to: self.now.max(to),
            waiting: self.waiting.len() as u64,
            in_service: self.in_service.len() as u64,
        };
        if let Some(observer) = &mut self.observer {
            observer.held(held);
        }
        match self.quota {
            None => {
                self.attained += span * each;
                if let Some(observer) = &mut self.observer {
                    observer.worked(held.from, held.to, span * all);
                }
            }
            Some(quota) => self.work_by_quota(quota, to, (each, all)),
        }
        self.now = self.now.max(to);
    }

    fn work_by_quota(&mut self, mut quota: Quota, to: SimTime, (each, all): (f64, f64)) {
        quota.refill(self.now);
        let mut from = self.now;
        if to >= quota.ends() {
            let runs = (quota.left / all).min((quota.ends() - from).as_nanos() as f64);
            let gain = (quota.each / all).min(quota.period.as_nanos() as f64);
            self.note_used(&quota, from, runs * all);
            from = quota.ends();
            quota.refill(to);
            let whole = (quota.began - from).as_nanos() / quota.period.as_nanos();
            self.attained += (runs + gain * whole as f64) * each;
            if let Some(observer) = &mut self.observer {
                observer.worked(from, quota.began, gain * whole as f64 * all);
            }
            from = quota.began;
        }
        let runs = (quota.left / all).min((to.saturating_since(from)).as_nanos() as f64);
        self.attained += runs * each;
        self.note_used(&quota, from, runs * all);
        quota.left = (quota.left - runs * all).max(0.0);
        self.quota = Some(quota);
    }

    fn note_used(&mut self, quota: &Quota, from: SimTime, nanos: f64) {
        if let Some(observer) = &mut self.observer {
            observer.used(quota.from(from), quota.ends(), nanos, quota.cores());
        }
    }
}

/// Rounded up, so that what is done then is done.
fn nanos(nanos: f64) -> SimDuration {
    SimDuration::from_nanos(nanos.ceil() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_millis(ms)
    }

    /// When each of the requests (arrival, work in ms) is done, in ms.
    fn finishes(mut sharing: Sharing, requests: &[(u64, u64)]) -> Vec<u64> {
        for (slot, (at, work)) in requests.iter().enumerate() {
            sharing.arrive(ms(*at), slot as u32, SimDuration::from_millis(*work), SimTime::MAX);
        }
        let end = sharing.ends();
        assert_eq!(sharing.ends(), end, "as it was known");
        let mut finish = |slot| sharing.take_done(end, slot).unwrap().finish.as_nanos().div_ceil(1_000_000);
        (0..requests.len() as u32).map(&mut finish).collect()
    }

    #[test]
    fn two_requests_share_one_core_and_not_two() {
        // Alone for 10 ms, then both at half speed; the shorter one is done first.
        assert_eq!(finishes(Sharing::new(Some(1), true, None), &[(0, 30), (10, 10)]), [40, 30]);
        assert_eq!(finishes(Sharing::new(Some(2), true, None), &[(0, 30), (10, 10)]), [30, 20]);
        assert_eq!(finishes(Sharing::new(Some(1), false, None), &[(0, 30), (10, 10)]), [30, 40]);
    }

    #[test]
    fn a_quota_stops_everybody_until_the_period_ends() {
        let quota = || Some(Quota::new(0.5, SimDuration::from_millis(100), SimTime::ZERO));
        // 50 ms of each 100 ms.
        assert_eq!(finishes(Sharing::new(None, true, quota()), &[(0, 120)]), [220]);
        assert_eq!(finishes(Sharing::new(None, true, quota()), &[(0, 50)]), [50]);
        assert_eq!(finishes(Sharing::new(None, true, quota()), &[(0, 100)]), [150]);
        // Two threads use the quota up in 25 ms.
        assert_eq!(finishes(Sharing::new(None, true, quota()), &[(0, 30), (0, 30)]), [105, 105]);
        // A period in which nothing ran saves nothing.
        assert_eq!(finishes(Sharing::new(None, true, quota()), &[(300, 60)]), [410]);
        // One worker: the second starts when the first is done, in the same throttled time.
        assert_eq!(finishes(Sharing::new(Some(1), false, quota()), &[(0, 40), (0, 20)]), [40, 110]);
    }

    #[test]
    fn what_nobody_waits_for_is_worked_on_and_what_is_dropped_is_not() {
        let mut sharing = Sharing::new(Some(1), true, None);
        (0..3).for_each(|slot| sharing.arrive(ms(0), slot, SimDuration::from_millis(30), SimTime::MAX));
        assert!(sharing.abandon(ms(0), 0));
        assert_eq!(sharing.ends(), ms(90));
        sharing.drop_one(ms(0), 1);
        assert_eq!(sharing.ends(), ms(60));
        assert_eq!(sharing.wakes(ms(0)), [(2, ms(60))]);
        assert!(sharing.take_done(ms(60), 2).is_some());
        assert_eq!(sharing.count(), 0);
    }

    #[test]
    fn a_slot_wakes_when_its_patience_ends_or_a_request_is_done() {
        let mut sharing = Sharing::new(Some(1), true, None);
        sharing.arrive(ms(0), 7, SimDuration::from_millis(20), ms(15));
        assert_eq!(sharing.wakes(ms(0)), [(7, ms(15))]);
        sharing.arrive(ms(0), 8, SimDuration::from_millis(5), ms(500));
        assert_eq!(sharing.wakes(ms(0)), [(7, ms(15)), (8, ms(10))]);
    }

    /// What the observer saw: work by the ten milliseconds, in milliseconds.
    fn work_by_tens(seen: &Observed) -> Vec<u64> {
        let mut tens = vec![0; 40];
        for work in &seen.work {
            let (from, to) = (work.from.as_nanos() / 1_000_000, work.to.as_nanos() / 1_000_000);
            for ms in from..to {
                tens[(ms / 10) as usize] += work.time.as_nanos() / (to - from);
            }
        }
        tens.into_iter().map(|nanos| nanos / 1_000_000).collect()
    }

    #[test]
    fn work_is_seen_when_it_is_done_and_not_spread_over_the_stay() {
        // One for 30 ms from 0, one for 5 ms from 20: alone, shared until 30, alone until 35.
        let mut sharing = Sharing::new(Some(2), true, None);
        sharing.observe(ms(0));
        sharing.arrive(ms(0), 0, SimDuration::from_millis(30), SimTime::MAX);
        sharing.arrive(ms(20), 1, SimDuration::from_millis(5), SimTime::MAX);
        let seen = sharing.observed_last(ms(40)).unwrap();
        assert_eq!(work_by_tens(&seen)[..4], [10, 10, 15, 0]);
        assert_eq!(seen.finished, [ms(25), ms(30)]);
        assert_eq!(seen.taken_up, [(ms(0), ms(0)), (ms(20), ms(20))]);
    }

    #[test]
    fn work_that_nobody_waits_for_is_seen_and_what_is_dropped_is_not() {
        let mut sharing = Sharing::new(Some(1), false, None);
        sharing.observe(ms(0));
        (0..3).for_each(|slot| sharing.arrive(ms(0), slot, SimDuration::from_millis(10), SimTime::MAX));
        sharing.abandon(ms(5), 0);
        sharing.abandon(ms(5), 1);
        sharing.drop_one(ms(5), 2);
        let seen = sharing.observed_last(ms(40)).unwrap();
        assert_eq!(work_by_tens(&seen)[..4], [10, 10, 0, 0]);
        let held: Vec<_> = seen.held.iter().map(|held| (held.from, held.to, held.waiting, held.in_service)).collect();
        assert_eq!(held, [(ms(0), ms(5), 2, 1), (ms(5), ms(10), 1, 1), (ms(10), ms(20), 0, 1)]);
    }

    #[test]
    fn a_process_that_uses_its_quota_up_is_at_work_all_the_time() {
        let quota = Some(Quota::new(0.5, SimDuration::from_millis(100), SimTime::ZERO));
        let mut sharing = Sharing::new(Some(4), true, quota);
        sharing.observe(ms(0));
        (0..4).for_each(|slot| sharing.arrive(ms(0), slot, SimDuration::from_millis(200), SimTime::MAX));
        assert_eq!(work_by_tens(&sharing.observed(ms(250)).unwrap())[..30], [[5; 20].as_slice(), &[0; 10]].concat());
        assert_eq!(work_by_tens(&sharing.observed_last(ms(270)).unwrap())[20..30], [5, 5, 5, 5, 5, 5, 5, 0, 0, 0]);
    }

    #[test]
    fn a_backlog_costs_no_more_than_its_logarithm_to_ask_about() {
        // A clone of the backlog for each question would take minutes.
        let mut sharing = Sharing::new(Some(1), false, None);
        let (count, work) = (20_000, SimDuration::from_millis(1));
        (0..count).for_each(|slot| sharing.arrive(ms(0), slot, work, ms(1)));
        (0..count).for_each(|slot| assert!(sharing.abandon(ms(0), slot) == (slot == 0)));
        let probe = sharing.arrive_unowned(ms(0), work);
        for asked in 0..2_000 {
            assert_eq!(sharing.done_after(ms(asked), probe), Some(ms(asked + 1)));
            assert_eq!(sharing.ends(), ms(20_001));
            assert!(sharing.wakes(ms(asked)).is_empty());
        }
        assert_eq!(sharing.done_after(ms(20_001), probe), None);
    }
}
