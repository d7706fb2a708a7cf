//! Proportions with exact intervals (Clopper and Pearson 1934).
//!
//! The interval is always the two-sided one, whatever was seen: a definition that changed to one side when nothing was
//! seen would cover less often than it says. So 0 of 1000 gives [0, 0.3682 %]. Whoever asks only "how often at most?"
//! before looking uses [`zero_event_upper`], the one-sided bound: 0.2991 % for 0 of 1000 (about 3/n).

use statrs::distribution::{Binomial, DiscreteCDF};

use super::critical::beta;
use super::{Interval, TAIL};

/// A share of trials with what it rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Proportion {
    /// Number of trials.
    pub n: usize,
    /// Trials in which it happened.
    pub hits: usize,
    /// `hits / n`.
    pub estimate: f64,
    /// The exact two-sided 95 % interval.
    pub ci95: Interval,
}

/// The share `hits` of `n` trials; none without trials.
pub fn proportion(hits: usize, n: usize) -> Option<Proportion> {
    assert!(hits <= n, "more hits than trials");
    (n > 0).then(|| Proportion { n, hits, estimate: hits as f64 / n as f64, ci95: clopper_pearson(hits, n) })
}

fn clopper_pearson(hits: usize, n: usize) -> Interval {
    let (k, misses) = (hits as f64, (n - hits) as f64);
    let low = if hits == 0 { 0.0 } else { beta(k, misses + 1.0, TAIL) };
    let high = if hits == n { 1.0 } else { beta(k + 1.0, misses, 1.0 - TAIL) };
    Interval(low, high)
}

/// The bounds on the probability of an event seen in `hits` of `n` trials: each one-sided, holding with `confidence`
/// (Clopper and Pearson).
pub fn proportion_bounds(hits: usize, n: usize, confidence: f64) -> Interval {
    assert!(hits <= n && n > 0 && (0.0..1.0).contains(&confidence));
    let (k, misses) = (hits as f64, (n - hits) as f64);
    let low = if hits == 0 { 0.0 } else { beta(k, misses + 1.0, 1.0 - confidence) };
    let high = if hits == n { 1.0 } else { beta(k + 1.0, misses, confidence) };
    Interval(low, high)
}

/// The probability that is not exceeded with `confidence` when none of `n` trials showed the event: one-sided,
/// 1 − (1 − confidence)^(1/n).
pub fn zero_event_upper(n: usize, confidence: f64) -> f64 {
    assert!(n > 0 && (0.0..1.0).contains(&confidence));
    -libm::expm1(libm::log1p(-confidence) / n as f64)
}

/// The central band that holds at least `level` of the counts of a binomial distribution.
pub fn binomial_band(n: u64, probability: f64, level: f64) -> Interval {
    let binomial = |p: f64| Binomial::new(p, n).map_or(0, |binomial| binomial.inverse_cdf((1.0 - level) / 2.0));
    // The upper end is the lower end of the misses: both ends by the same definition.
    Interval(binomial(probability) as f64, (n - binomial(1.0 - probability)) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::StreamKey;

    fn check(hits: usize, n: usize, low: f64, high: f64) {
        let interval = proportion(hits, n).unwrap().ci95;
        assert!((interval.low() - low).abs() < 5e-7, "{hits}/{n}: {interval:?}");
        assert!((interval.high() - high).abs() < 5e-7, "{hits}/{n}: {interval:?}");
    }

    #[test]
    fn the_band_of_a_fair_coin_is_the_one_of_the_tables() {
        // P(X ≤ 1) = 0.0107 and P(X ≤ 2) = 0.0547 of ten tosses.
        assert_eq!(binomial_band(10, 0.5, 0.9), Interval(2.0, 8.0));
        assert_eq!(binomial_band(0, 0.1, 0.9), Interval(0.0, 0.0));
    }

    #[test]
    fn exact_intervals_are_those_of_the_tables() {
        check(3, 1_000, 0.000_619, 0.008_742);
        check(0, 1_000, 0.0, 0.003_682);
        check(0, 10, 0.0, 0.308_497);
        check(5, 10, 0.187_086, 0.812_914);
        check(10, 10, 0.691_503, 1.0);
        check(1, 1, 0.025, 1.0);
    }

    #[test]
    fn a_large_number_of_trials_is_no_problem() {
        let interval = proportion(1, 1_000_000).unwrap().ci95;
        assert!((interval.low() - 2.531_78e-8).abs() < 1e-11, "{interval:?}");
        assert!((interval.high() - 5.571_64e-6).abs() < 1e-9, "{interval:?}");
    }

    #[test]
    fn nothing_seen_bounds_the_probability_from_one_side() {
        assert!((zero_event_upper(1_000, 0.95) - 0.002_991_2).abs() < 1e-6);
        assert!((zero_event_upper(299, 0.95) - 0.009_969).abs() < 1e-6);
    }

    #[test]
    fn no_trials_no_estimate() {
        assert_eq!(proportion(0, 0), None);
    }

    /// An exact interval covers at least as often as it says, whatever the probability.
    #[test]
    fn exact_intervals_cover_at_least_as_often_as_they_say() {
        for chance in [0.01, 0.1, 0.5] {
            let held = (0..2_000u64).filter(|&replication| {
                let mut stream = StreamKey { seed: 3, replication }.stream("test", "coverage", 0);
                let hits = (0..50).filter(|_| stream.uniform() < chance).count();
                proportion(hits, 50).unwrap().ci95.holds(chance)
            });
            // Three standard errors below 0.95.
            assert!(held.count() as f64 / 2_000.0 > 0.935, "{chance}");
        }
    }
}
