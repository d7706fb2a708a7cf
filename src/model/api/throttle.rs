//! The client-side rate limit of client-go.

use crate::units::{SimDuration, SimTime};

/// A token bucket, kept as the time at which it would be full again minus its depth (generic cell rate algorithm), so
/// that it is exact in whole nanoseconds. Source: client-go util/flowcontrol; limits in mechanics 2.2.
#[derive(Debug, Clone)]
pub struct TokenBucket {
    interval: SimDuration,
    depth: SimDuration,
    full_at: SimTime,
}

impl TokenBucket {
    /// `per_second` tokens a second, at most `burst` at once; full at the start.
    pub fn new(per_second: u64, burst: u64) -> Self {
        let interval = SimDuration::from_nanos(1_000_000_000 / per_second);
        TokenBucket { interval, depth: interval * (burst - 1), full_at: SimTime::ZERO }
    }

    /// Takes one token and says when the call may go. Calls go in the order in which they ask.
    pub fn take(&mut self, now: SimTime) -> SimTime {
        let full_at = self.full_at.max(now);
        let at = now.max(full_at.saturating_sub(self.depth));
        self.full_at = full_at + self.interval;
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lets_a_burst_pass_and_then_one_per_interval() {
        let mut bucket = TokenBucket::new(20, 30);
        let start = SimTime::from_nanos(1_000_000_000);
        let waits: Vec<u64> = (0..33).map(|_| (bucket.take(start) - start).as_nanos() / 1_000_000).collect();
        assert!(waits[..30].iter().all(|&wait| wait == 0));
        assert_eq!(waits[30..], [50, 100, 150]);
    }

    #[test]
    fn refills_while_idle() {
        let mut bucket = TokenBucket::new(5, 2);
        bucket.take(SimTime::ZERO);
        bucket.take(SimTime::ZERO);
        assert_eq!(bucket.take(SimTime::ZERO), SimTime::from_nanos(200_000_000));
        let later = SimTime::from_nanos(5_000_000_000);
        assert_eq!((bucket.take(later), bucket.take(later)), (later, later));
    }
}
