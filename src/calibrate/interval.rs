//! A log-normal from values known only to lie between two ends: buckets of a histogram, stamps in whole seconds, a
//! recording that ended before the event.

use super::law::normal_cdf;
use super::search::peak2;

/// So many values lie above `low` and at most at `high` seconds (which may be infinite).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Between {
    /// Lower end, seconds; 0 or below if unknown.
    pub low: f64,
    /// Upper end, seconds.
    pub high: f64,
    /// How many values.
    pub count: f64,
}

/// Mean and standard deviation of the logarithm (seconds) at the largest likelihood Π (F(high) − F(low))^count; none
/// without values that have an upper end above zero.
pub fn log_normal(values: &[Between]) -> Option<(f64, f64)> {
    let finite = values.iter().filter(|one| one.count > 0.0 && one.high > 0.0 && one.high.is_finite());
    let logs: Vec<f64> = finite.map(|one| libm::log(one.high)).collect();
    let low = logs.iter().copied().reduce(f64::min)?;
    let high = logs.iter().copied().reduce(f64::max)?;
    let likelihood = |mu: f64, ln_sigma: f64| ln_likelihood(values, mu, libm::exp(ln_sigma));
    let (mu, ln_sigma) = peak2((low - 4.0, high + 4.0), (-4.0, 1.4), &likelihood);
    Some((mu, libm::exp(ln_sigma)))
}

fn ln_likelihood(values: &[Between], mu: f64, sigma: f64) -> f64 {
    let below = |x: f64| if x <= 0.0 { 0.0 } else { normal_cdf((libm::log(x) - mu) / sigma) };
    let one = |one: &Between| one.count * libm::log((below(one.high) - below(one.low)).max(1e-300));
    values.iter().filter(|one| one.count > 0.0).map(one).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::Dist;
    use crate::engine::StreamKey;

    fn draws() -> Vec<f64> {
        let mut stream = StreamKey { seed: 6, replication: 0 }.stream("test", "interval", 0);
        (0..4_000).map(|_| Dist::lognormal_ms(80, 250).draw(&mut stream).as_secs_f64()).collect()
    }

    /// Median within 4 %, spread within 8 %.
    fn check(values: &[Between]) {
        let (mu, sigma) = log_normal(values).unwrap();
        assert!((libm::exp(mu) / 0.080 - 1.0).abs() < 0.04, "{mu} {sigma}");
        assert!((sigma / 0.489_8 - 1.0).abs() < 0.08, "{mu} {sigma}");
    }

    #[test]
    fn buckets_that_double_are_enough() {
        let ends = [0.0, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, f64::INFINITY];
        let draws = draws();
        let count = |low: f64, high: f64| draws.iter().filter(|x| **x > low && **x <= high).count() as f64;
        let bucket = |pair: &[f64]| Between { low: pair[0], high: pair[1], count: count(pair[0], pair[1]) };
        check(&ends.windows(2).map(bucket).collect::<Vec<_>>());
    }

    /// Recordings that end at 100 ms, which is before a third of the events.
    #[test]
    fn what_was_cut_off_is_not_forgotten() {
        let seen = |x: f64| if x < 0.1 { (x - 1e-5, x + 1e-5) } else { (0.1, f64::INFINITY) };
        let values = draws().into_iter().map(seen);
        check(&values.map(|(low, high)| Between { low, high, count: 1.0 }).collect::<Vec<_>>());
    }

    #[test]
    fn nothing_gives_nothing() {
        assert_eq!(log_normal(&[]), None);
        assert_eq!(log_normal(&[Between { low: 1.0, high: f64::INFINITY, count: 3.0 }]), None);
    }
}
