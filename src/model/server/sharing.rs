//! Requests that share a processor: processor sharing, and CPU time that a limit throttles.
//!
//! When a request is done depends on those that come after it, so nothing is known when it arrives: the next completion is
//! computed anew after each change. All requests in service get the same rate at every moment, which makes the work that
//! each has attained since ever one number (virtual time): a request is done when that number reaches its own mark. With
//! a limit as of `cpu.max` (Linux, kernel/sched/fair.c: a quota of CPU time in each period, unused time lost) all stop
//! together when the quota is used up, until the period ends.

use std::collections::BTreeMap;

use crate::model::server::Service;
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
    /// Keys in service whose client waits.
    owned: BTreeMap<Key, u32>,
    /// Where a slot's request is: its key if it is in service, and its arrival.
    places: BTreeMap<u32, (Option<u64>, u64)>,
    done: BTreeMap<u32, Service>,
    /// The slot that wakes at the next completion.
    woken: Option<u32>,
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
            places: BTreeMap::new(),
            done: BTreeMap::new(),
            woken: None,
        }
    }

    /// Requests in the process.
    pub fn count(&self) -> usize {
        self.in_service.len() + self.waiting.len()
    }

    /// A request of `slot` arrives, whose client waits until `patience`.
    pub fn arrive(&mut self, now: SimTime, slot: u32, work: SimDuration, patience: SimTime) {
        self.advance(now);
        let job = Job { owner: Some(slot), patience, work: work.as_nanos() as f64, start: now };
        self.arrivals += 1;
        if self.in_service.len() < self.slots {
            self.start(job, self.arrivals);
        } else {
            self.places.insert(slot, (None, self.arrivals));
            self.waiting.insert(self.arrivals, job);
        }
    }

    /// Something arrives that no slot waits for. Its number.
    pub fn arrive_unowned(&mut self, now: SimTime, work: SimDuration) -> u64 {
        self.advance(now);
        self.arrivals += 1;
        let job = Job { owner: None, patience: SimTime::MAX, work: work.as_nanos() as f64, start: now };
        if self.in_service.len() < self.slots {
            self.start(job, self.arrivals);
        } else {
            self.waiting.insert(self.arrivals, job);
        }
        self.arrivals
    }

    /// When what arrived with this number is done if nothing more arrives; nothing if it is done by `now`.
    pub fn done_at(&mut self, now: SimTime, arrival: u64) -> Option<SimTime> {
        self.advance(now);
        if !self.holds(arrival) {
            return None;
        }
        let mut rest = self.clone();
        while rest.holds(arrival) {
            let at = rest.next_completion()?;
            rest.advance(at);
        }
        Some(rest.now.max(now + SimDuration::from_nanos(1)))
    }

    fn holds(&self, arrival: u64) -> bool {
        self.waiting.contains_key(&arrival) || self.in_service.keys().any(|(_, in_service)| *in_service == arrival)
    }

    fn start(&mut self, job: Job, arrival: u64) {
        let key = ((self.attained + job.work).to_bits(), arrival);
        self.in_service.insert(key, Job { start: self.now, ..job });
        if let Some(slot) = job.owner {
            self.owned.insert(key, slot);
            self.places.insert(slot, (Some(key.0), arrival));
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
        match self.places.remove(&slot) {
            Some((Some(mark), arrival)) => {
                self.owned.remove(&(mark, arrival));
                self.in_service.remove(&(mark, arrival));
                self.start_waiting();
            }
            Some((None, arrival)) => drop(self.waiting.remove(&arrival)),
            None => {}
        }
    }

    /// When everything is done if nothing more arrives.
    pub fn ends(&self) -> SimTime {
        let mut rest = self.clone();
        while let Some(at) = rest.next_completion() {
            rest.advance(at);
        }
        rest.now
    }

    /// Who is to wake when, after a change: each slot with its time. Until then a slot need not look.
    pub fn wakes(&mut self, now: SimTime) -> Vec<(u32, SimTime)> {
        let rest = self.woken.take().and_then(|slot| Some((slot, self.patience(slot)?)));
        let done = self.done.keys().map(|slot| (*slot, now));
        let mut wakes: Vec<_> = rest.into_iter().chain(done).collect();
        let owner = self.owned.first_key_value().map(|(_, slot)| *slot);
        self.woken = owner.or_else(|| self.waiting.values().find_map(|job| job.owner));
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
        match self.quota {
            None => self.attained += span * each,
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
            from = quota.ends();
            quota.refill(to);
            let whole = (quota.began - from).as_nanos() / quota.period.as_nanos();
            self.attained += (runs + gain * whole as f64) * each;
            from = quota.began;
        }
        let runs = (quota.left / all).min((to.saturating_since(from)).as_nanos() as f64);
        self.attained += runs * each;
        quota.left = (quota.left - runs * all).max(0.0);
        self.quota = Some(quota);
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
}
