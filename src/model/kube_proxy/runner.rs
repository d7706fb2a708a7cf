//! When a sync may run: kube-proxy's bounded-frequency runner, in its two generations.

use crate::units::{SimDuration, SimTime, Version};

/// Tokens the bucket holds (the proxier's `burstSyncs`).
const BURST: u64 = 2;

/// What the runner says to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Run now.
    Run,
    /// Run at this time; ask again then.
    Wait(SimTime),
    /// Already arranged.
    Coalesced,
}

/// The runner of one kube-proxy.
#[derive(Debug, Clone)]
pub struct Runner {
    min_period: SimDuration,
    /// Up to 1.33 a token bucket decides; since 1.34 (k/k#131615) a cool-down after each run.
    has_bucket: bool,
    /// When the bucket was, or will be, full again.
    full_at: SimTime,
    last_end: Option<SimTime>,
    running: bool,
    /// A request came during a run.
    requested: bool,
    waiting: bool,
}

impl Runner {
    /// A runner that has not run for long; `missing_tokens` of the two are missing from its bucket at the start.
    pub fn new(min_period: SimDuration, version: Version, missing_tokens: f64) -> Self {
        let missing = min_period.as_nanos() as f64 * missing_tokens;
        Runner {
            min_period,
            has_bucket: version < Version::minor(34),
            full_at: SimTime::ZERO + SimDuration::from_nanos_f64_rounded(missing),
            last_end: None,
            running: false,
            requested: false,
            waiting: false,
        }
    }

    /// Something changed.
    pub fn request(&mut self, now: SimTime) -> Verdict {
        if self.running {
            self.requested = true;
            return Verdict::Coalesced;
        }
        if self.waiting {
            return Verdict::Coalesced;
        }
        self.try_run(now)
    }

    /// The time named by [`Verdict::Wait`] has come.
    pub fn on_wait_over(&mut self, now: SimTime) -> Verdict {
        self.waiting = false;
        self.try_run(now)
    }

    /// The run ended; says what a request made meanwhile leads to.
    pub fn on_run_end(&mut self, now: SimTime) -> Verdict {
        self.running = false;
        self.last_end = Some(now);
        if std::mem::take(&mut self.requested) { self.try_run(now) } else { Verdict::Coalesced }
    }

    fn try_run(&mut self, now: SimTime) -> Verdict {
        let at = if self.has_bucket { self.bucket_allows_at(now) } else { self.cooled_down_at(now) };
        if at > now {
            self.waiting = true;
            return Verdict::Wait(at);
        }
        self.take_token(now);
        self.running = true;
        Verdict::Run
    }

    fn cooled_down_at(&self, now: SimTime) -> SimTime {
        self.last_end.map_or(now, |end| now.max(end + self.min_period))
    }

    /// With a token at once; else the old runner waits until the minimum period after the end of its last run.
    fn bucket_allows_at(&self, now: SimTime) -> SimTime {
        if self.has_token(now) {
            return now;
        }
        let by_refill = self.token_at();
        self.last_end.map_or(by_refill, |end| by_refill.max(end + self.min_period)).max(now)
    }

    fn has_token(&self, now: SimTime) -> bool {
        self.token_at() <= now
    }

    fn token_at(&self) -> SimTime {
        self.full_at.saturating_sub(self.min_period * (BURST - 1))
    }

    fn take_token(&mut self, now: SimTime) {
        self.full_at = self.full_at.max(now) + self.min_period;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_millis(millis)
    }

    fn runner(period_ms: u64, minor: u32) -> Runner {
        Runner::new(SimDuration::from_millis(period_ms), Version::minor(minor), 0.0)
    }

    #[test]
    fn up_to_1_33_two_changes_run_at_once_and_the_third_waits_for_the_period_after_the_last_end() {
        let mut runner = runner(1_000, 33);
        assert_eq!(runner.request(at(10_000)), Verdict::Run);
        assert_eq!(runner.on_run_end(at(10_080)), Verdict::Coalesced);
        assert_eq!(runner.request(at(10_100)), Verdict::Run);
        assert_eq!(runner.on_run_end(at(10_180)), Verdict::Coalesced);
        assert_eq!(runner.request(at(10_300)), Verdict::Wait(at(11_180)));
        assert_eq!(runner.request(at(10_500)), Verdict::Coalesced);
        assert_eq!(runner.on_wait_over(at(11_180)), Verdict::Run);
    }

    #[test]
    fn since_1_34_every_change_waits_for_the_period_after_the_last_end() {
        let mut runner = runner(1_000, 34);
        assert_eq!(runner.request(at(10_000)), Verdict::Run);
        assert_eq!(runner.request(at(10_050)), Verdict::Coalesced);
        assert_eq!(runner.on_run_end(at(10_080)), Verdict::Wait(at(11_080)));
        assert_eq!(runner.on_wait_over(at(11_080)), Verdict::Run);
    }

    #[test]
    fn with_period_zero_every_change_runs_at_once() {
        for minor in [13, 34] {
            let mut runner = runner(0, minor);
            for start in [0, 10, 20, 30] {
                assert_eq!(runner.request(at(start)), Verdict::Run);
                assert_eq!(runner.on_run_end(at(start + 5)), Verdict::Coalesced);
            }
        }
    }

    #[test]
    fn a_bucket_that_is_not_full_makes_the_second_change_wait() {
        let mut runner = Runner::new(SimDuration::from_secs(10), Version::minor(20), 1.0);
        assert_eq!(runner.request(at(0)), Verdict::Run);
        assert_eq!(runner.on_run_end(at(100)), Verdict::Coalesced);
        assert_eq!(runner.request(at(200)), Verdict::Wait(at(10_100)));
    }

    #[test]
    fn a_request_during_a_run_leads_to_one_run_after_it() {
        let mut runner = runner(1_000, 20);
        assert_eq!(runner.request(at(0)), Verdict::Run);
        assert_eq!(runner.request(at(10)), Verdict::Coalesced);
        assert_eq!(runner.request(at(20)), Verdict::Coalesced);
        assert_eq!(runner.on_run_end(at(80)), Verdict::Run);
        assert_eq!(runner.on_run_end(at(160)), Verdict::Coalesced);
    }
}
