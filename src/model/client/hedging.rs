//! How long a client waits for an answer before it sends a second attempt.

use crate::model::spec::{HedgeAfter, HedgingSpec};
use crate::record::Histogram;
use crate::units::{SimDuration, SimTime};

/// The quantile is that of the answers since the beginning of the last such stretch but one: of ten to twenty seconds.
const STRETCH: SimDuration = SimDuration::from_secs(10);

/// 32 buckets an octave: the delay is off by less than 3 %.
const FINE_BITS: u32 = 5;

/// The delay before a second attempt, as it is now.
#[derive(Debug)]
pub struct HedgeDelay {
    after: HedgeAfter,
    /// Answers of this stretch, and of the one before.
    recent: Recent,
    before: Recent,
    stretch_ends: SimTime,
    /// The quantile, and how many more answers it holds for.
    known: Option<SimDuration>,
    holds_for: u64,
}

#[derive(Debug)]
struct Recent {
    latencies: Histogram<FINE_BITS>,
    count: u64,
}

impl Recent {
    fn new() -> Self {
        Recent { latencies: Histogram::new(), count: 0 }
    }
}

impl HedgeDelay {
    /// Nothing has been answered yet.
    pub fn new(hedging: &HedgingSpec) -> Self {
        let (recent, before) = (Recent::new(), Recent::new());
        let stretch_ends = SimTime::ZERO + STRETCH;
        HedgeDelay { after: hedging.after, recent, before, stretch_ends, known: None, holds_for: 0 }
    }

    /// How long a request that is sent now is waited for; nothing while a quantile is not known.
    pub fn now(&self) -> Option<SimDuration> {
        match self.after {
            HedgeAfter::Delay(delay) => Some(delay),
            HedgeAfter::Quantile(_) => self.known,
        }
    }

    /// A request is answered at `now` after `latency`.
    pub fn note(&mut self, now: SimTime, latency: SimDuration) {
        let HedgeAfter::Quantile(share) = self.after else { return };
        if now >= self.stretch_ends {
            self.before = std::mem::replace(&mut self.recent, Recent::new());
            self.stretch_ends = now + STRETCH;
        }
        self.recent.latencies.record(latency);
        self.recent.count += 1;
        self.holds_for = self.holds_for.saturating_sub(1);
        if self.holds_for == 0 {
            self.estimate(share);
        }
    }

    /// As many answers as the quantile needs one to lie above it; it is looked up again after a hundredth more of them.
    fn estimate(&mut self, share: f64) {
        let total = self.recent.count + self.before.count;
        if (total as f64) * (1.0 - share) < 1.0 {
            return;
        }
        let mut all = self.recent.latencies.clone();
        all.join(&self.before.latencies);
        self.known = Some(all.quantiles(total, [share])[0]);
        self.holds_for = total / 100;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delay(after: HedgeAfter) -> HedgeDelay {
        HedgeDelay::new(&HedgingSpec { after, budget: None })
    }

    fn at(secs: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(secs)
    }

    #[test]
    fn a_delay_is_known_from_the_start() {
        let fixed = SimDuration::from_millis(30);
        let mut delay = delay(HedgeAfter::Delay(fixed));
        delay.note(at(1), SimDuration::from_secs(1));
        assert_eq!(delay.now(), Some(fixed));
    }

    #[test]
    fn a_quantile_needs_answers_above_it_and_follows_the_last_while() {
        let mut delay = delay(HedgeAfter::Quantile(0.95));
        let millis = SimDuration::from_millis;
        (1..20).for_each(|ms| delay.note(at(1), millis(ms)));
        assert_eq!(delay.now(), None, "of 19 none lies above");
        (1..=981).for_each(|ms| delay.note(at(1), millis(ms % 100 + 1)));
        let near = |delay: &HedgeDelay, ms: f64| {
            let known = delay.now().unwrap().as_secs_f64() * 1e3;
            assert!((known / ms - 1.0).abs() < 0.04, "{known} for {ms}");
        };
        near(&delay, 95.0);
        // Everything takes ten times as long from now on: after two stretches nothing else is remembered.
        for secs in [12, 23, 34] {
            (1..=1_000).for_each(|ms| delay.note(at(secs), millis(10 * (ms % 100 + 1))));
        }
        near(&delay, 950.0);
    }
}
