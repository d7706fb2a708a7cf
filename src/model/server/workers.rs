//! A pool of workers with a common queue, first in, first out.

use crate::units::{SimDuration, SimTime};

/// When a request is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Service {
    /// A worker takes it.
    pub start: SimTime,
    /// The worker is done: the first byte of the response leaves.
    pub finish: SimTime,
}

/// Who serves requests first in, first out.
pub trait Pool {
    /// When the next request is taken up at the earliest, and the worker that does it, for whoever knows when it is done. A
    /// server without limit has no such worker.
    fn first_free(&mut self) -> (SimTime, Option<&mut SimTime>);
}

/// A single worker, known by when it is free.
impl Pool for SimTime {
    #[inline(always)]
    fn first_free(&mut self) -> (SimTime, Option<&mut SimTime>) {
        (*self, Some(self))
    }
}

impl Pool for Workers {
    #[inline]
    fn first_free(&mut self) -> (SimTime, Option<&mut SimTime>) {
        match self.free_at.as_mut_slice() {
            [] => (self.opens_at, None),
            [only] => (*only, Some(only)),
            several => {
                let first = several.iter_mut().min().expect("a pool has workers");
                (*first, Some(first))
            }
        }
    }
}

/// The workers of one process, known by when each is free next: exact for first in, first out, since a later arrival
/// never changes when an earlier one is served (Kiefer and Wolfowitz 1955).
#[derive(Debug, Clone)]
pub struct Workers {
    /// Empty for a server without limit.
    free_at: Vec<SimTime>,
    /// Nothing is served before.
    opens_at: SimTime,
}

impl Workers {
    /// `count` workers; `None` is without limit.
    pub fn new(count: Option<u32>) -> Self {
        Workers { free_at: vec![SimTime::ZERO; count.unwrap_or(0) as usize], opens_at: SimTime::ZERO }
    }

    /// Requests wait until `at`.
    pub fn open_at(&mut self, at: SimTime) {
        self.opens_at = at;
        self.free_at.iter_mut().for_each(|free_at| *free_at = at.max(*free_at));
    }

    /// Whether requests are served that arrive now and find a worker free.
    pub fn are_open(&self, now: SimTime) -> bool {
        self.opens_at <= now
    }

    /// Serves a request that arrives now. Arrivals must come in order of time.
    #[inline]
    pub fn serve(&mut self, now: SimTime, service_time: SimDuration) -> Service {
        let (free_at, worker) = self.first_free();
        let start = now.max(free_at);
        let finish = start + service_time;
        if let Some(worker) = worker {
            *worker = finish;
        }
        Service { start, finish }
    }

    /// The only worker, if there is one.
    pub fn only(&mut self) -> Option<&mut SimTime> {
        match self.free_at.as_mut_slice() {
            [only] => Some(only),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finishes(workers: Option<u32>, arrivals_ms: &[u64]) -> Vec<u64> {
        let mut pool = Workers::new(workers);
        let at = |ms: &u64| SimTime::ZERO + SimDuration::from_millis(*ms);
        let serve = |ms: &u64| pool.serve(at(ms), SimDuration::from_millis(10)).finish.as_nanos() / 1_000_000;
        arrivals_ms.iter().map(serve).collect()
    }

    #[test]
    fn nothing_is_served_before_the_workers_open() {
        for (workers, expected) in [(Some(1), [60, 70, 110]), (None, [60, 60, 110])] {
            let mut pool = Workers::new(workers);
            let at = |ms: u64| SimTime::ZERO + SimDuration::from_millis(ms);
            pool.open_at(at(50));
            assert!(!pool.are_open(at(49)) && pool.are_open(at(50)));
            let serve = |ms| pool.serve(at(ms), SimDuration::from_millis(10)).finish.as_nanos() / 1_000_000;
            assert_eq!([0, 1, 100].map(serve), expected, "{workers:?}");
        }
    }

    #[test]
    fn requests_wait_for_the_worker_that_is_free_first() {
        assert_eq!(finishes(Some(1), &[0, 1, 2, 50]), [10, 20, 30, 60]);
        assert_eq!(finishes(Some(2), &[0, 1, 2, 3]), [10, 11, 20, 21]);
        assert_eq!(finishes(None, &[0, 1, 2, 3]), [10, 11, 12, 13]);
    }
}
