//! A log-normal from values known only to lie between two ends: buckets of a histogram, stamps in whole seconds, a
//! recording that ended before the event.

use super::law::normal_cdf;
use super::search::{peak, peak2};

/// Where ln σ is looked for.
const LN_SIGMA: (f64, f64) = (-4.0, 1.4);

/// ln √(2π).
const LN_ROOT_TWO_PI: f64 = 0.918_938_533_204_672_8;

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

/// What is known of a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Known {
    /// Its ends.
    Between(Between),
    /// The difference of two stamps that were both rounded down to whole seconds. Where in its second the first stamp
    /// lay is unknown and taken as uniform, so that a value x shows as ⌊x⌋ or ⌊x⌋ + 1, the latter with the chance x − ⌊x⌋.
    WholeSeconds(i64),
}

impl Known {
    fn is_seen(&self) -> bool {
        match self {
            Known::Between(between) => between.count > 0.0,
            Known::WholeSeconds(_) => true,
        }
    }

    /// The ends between which the value surely lies, seconds.
    pub fn ends(&self) -> (f64, f64) {
        match *self {
            Known::Between(Between { low, high, .. }) => (low.max(0.0), high),
            Known::WholeSeconds(seconds) => ((seconds - 1).max(0) as f64, (seconds + 1) as f64),
        }
    }

    /// The logarithm of the likelihood of a log-normal.
    fn ln_likelihood(&self, mu: f64, sigma: f64) -> f64 {
        let z = |x: f64| if x <= 0.0 { f64::NEG_INFINITY } else { (libm::log(x) - mu) / sigma };
        match *self {
            Known::Between(Between { low, high, count }) => count * ln_normal_between(z(low), z(high)),
            Known::WholeSeconds(seconds) => libm::log(whole_seconds(seconds as f64, mu, sigma).max(1e-300)),
        }
    }
}

/// Mean and standard deviation of the logarithm (seconds) at the largest likelihood Π (F(high) − F(low))^count; none
/// without values that have an upper end above zero.
pub fn log_normal(values: &[Between]) -> Option<(f64, f64)> {
    log_normal_of(&values.iter().copied().map(Known::Between).collect::<Vec<_>>())
}

/// As [`log_normal`], of values known in either way. Where [`shows_spread`] does not hold the answer means nothing.
pub fn log_normal_of(values: &[Known]) -> Option<(f64, f64)> {
    let (low, high) = range(values)?;
    let likelihood = |mu: f64, ln_sigma: f64| ln_likelihood(values, mu, libm::exp(ln_sigma));
    let (mu, ln_sigma) = peak2((low, high), LN_SIGMA, &likelihood);
    Some((mu, libm::exp(ln_sigma)))
}

/// The mean of the logarithm at the largest likelihood if its standard deviation is known to be `sigma`.
pub fn median_of(values: &[Known], sigma: f64) -> Option<f64> {
    let (low, high) = range(values)?;
    Some(peak(low, high, &|mu| ln_likelihood(values, mu, sigma)))
}

/// Whether the values cannot all be the same one: else any spread down to none explains them.
pub fn shows_spread(values: &[Known]) -> bool {
    let ends = || values.iter().filter(|one| one.is_seen()).map(Known::ends);
    let highest_low = ends().map(|(low, _)| low).fold(0.0, f64::max);
    ends().any(|(_, high)| high <= highest_low)
}

/// Whether values are known from below and from above: else any median beyond one end explains them.
pub fn shows_median(values: &[Known]) -> bool {
    let from_below = |one: &Known| match one {
        Known::WholeSeconds(seconds) => *seconds > 0,
        Known::Between(_) => one.ends().0 > 0.0,
    };
    let seen = || values.iter().filter(|one| one.is_seen());
    seen().any(from_below) && seen().any(|one| one.ends().1.is_finite())
}

/// Where the mean of the logarithm is looked for.
fn range(values: &[Known]) -> Option<(f64, f64)> {
    let highs = values.iter().filter(|one| one.is_seen()).map(|one| one.ends().1);
    let logs: Vec<f64> = highs.filter(|high| *high > 0.0 && high.is_finite()).map(libm::log).collect();
    let low = logs.iter().copied().reduce(f64::min)?;
    let high = logs.iter().copied().reduce(f64::max)?;
    Some((low - 4.0, high + 4.0))
}

fn ln_likelihood(values: &[Known], mu: f64, sigma: f64) -> f64 {
    values.iter().filter(|one| one.is_seen()).map(|one| one.ln_likelihood(mu, sigma)).sum()
}

/// ln(Φ(high) − Φ(low)), taken in the tail where both are small; far out, where the difference underflows, by the
/// leading term of Φ, so that a search still sees the slope.
fn ln_normal_between(low: f64, high: f64) -> f64 {
    let (low, high) = if low > 0.0 { (-high, -low) } else { (low, high) };
    let share = normal_cdf(high) - normal_cdf(low);
    if share > 1e-280 {
        return libm::log(share);
    }
    let out = (-high).max(1.0);
    -out * out / 2.0 - libm::log(out) - LN_ROOT_TWO_PI
}

/// The chance that a log-normal value shows as a difference of so many whole seconds: its mean over the triangle of
/// base 2 about `seconds`, which is the second difference of ∫F, or, in the upper tail, of ∫(1 − F).
fn whole_seconds(seconds: f64, mu: f64, sigma: f64) -> f64 {
    let mean = libm::exp(mu + sigma * sigma / 2.0);
    let z = |x: f64| (libm::log(x) - mu) / sigma;
    let below = |x: f64| if x <= 0.0 { 0.0 } else { x * normal_cdf(z(x)) - mean * normal_cdf(z(x) - sigma) };
    let above = |x: f64| if x <= 0.0 { mean - x } else { mean * normal_cdf(sigma - z(x)) - x * normal_cdf(-z(x)) };
    let second = |of: &dyn Fn(f64) -> f64| of(seconds + 1.0) - 2.0 * of(seconds) + of(seconds - 1.0);
    if seconds > 1.0 && z(seconds - 1.0) > 0.0 { second(&above) } else { second(&below) }
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

    /// Pods that take 80 ms, scheduled at any moment: one in eleven shows as a second. The median is within 15 %:
    /// three standard errors of 360 such pods among 4000.
    #[test]
    fn whole_seconds_tell_the_median_if_the_spread_is_known() {
        let mut phase = StreamKey { seed: 7, replication: 0 }.stream("test", "phase", 0);
        let known: Vec<Known> =
            draws().iter().map(|x| Known::WholeSeconds(libm::floor(x + phase.uniform()) as i64)).collect();
        assert!(shows_median(&known) && !shows_spread(&known));
        let mu = median_of(&known, 0.489_8).unwrap();
        assert!((libm::exp(mu) / 0.080 - 1.0).abs() < 0.15, "{mu}");
    }

    /// Values of some seconds (median 2.4 s) from whole seconds: median within 4 %, spread within 8 %.
    #[test]
    fn whole_seconds_tell_the_spread_of_values_of_some_seconds() {
        let mut phase = StreamKey { seed: 7, replication: 0 }.stream("test", "phase", 0);
        let known: Vec<Known> =
            draws().iter().map(|x| Known::WholeSeconds(libm::floor(30.0 * x + phase.uniform()) as i64)).collect();
        assert!(shows_median(&known) && shows_spread(&known));
        let (mu, sigma) = log_normal_of(&known).unwrap();
        assert!((libm::exp(mu) / 2.4 - 1.0).abs() < 0.04, "{mu} {sigma}");
        assert!((sigma / 0.489_8 - 1.0).abs() < 0.08, "{mu} {sigma}");
    }

    #[test]
    fn the_chances_of_all_whole_seconds_add_up_to_one() {
        for (mu, sigma) in [(-2.5, 0.5), (0.3, 1.0), (2.0, 0.1)] {
            let sum: f64 = (0..4_000).map(|seconds| whole_seconds(f64::from(seconds), mu, sigma)).sum();
            assert!((sum - 1.0).abs() < 1e-6, "{mu} {sigma}: {sum}");
        }
    }

    #[test]
    fn values_that_may_all_be_the_same_show_no_spread() {
        let whole = |seconds: &[i64]| seconds.iter().copied().map(Known::WholeSeconds).collect::<Vec<_>>();
        assert!(!shows_median(&whole(&[0, 0, 0])) && !shows_spread(&whole(&[0, 0, 0])));
        assert!(shows_median(&whole(&[0, 1, 0])) && !shows_spread(&whole(&[0, 1, 0])));
        assert!(shows_median(&whole(&[0, 1, 2])) && shows_spread(&whole(&[0, 1, 2])));
        assert!(!shows_spread(&[]) && !shows_median(&[]));
    }

    /// One answer of 30 s among thousands of 1 ms: the search must not stop on a plateau of underflowed likelihoods.
    #[test]
    fn a_far_outlier_does_not_stop_the_search() {
        let bulk = Between { low: 0.0, high: 0.001, count: 2_000.0 };
        let values =
            [bulk, Between { low: 0.001, high: 0.002, count: 1_900.0 }, Between { low: 29.0, high: 30.0, count: 1.0 }];
        let known = values.map(Known::Between);
        let (mu, sigma) = log_normal(&values).unwrap();
        let found = ln_likelihood(&known, mu, sigma);
        let other = |a: u32, b: u32| ln_likelihood(&known, -12.0 + 0.1 * f64::from(a), 0.02 + 0.02 * f64::from(b));
        let best =
            (0..150).flat_map(|a| (0..200).map(move |b| (a, b))).map(|(a, b)| other(a, b)).fold(f64::MIN, f64::max);
        assert!(found >= best - 0.01, "{mu} {sigma}: {found}, on a grid {best}");
    }

    #[test]
    fn nothing_gives_nothing() {
        assert_eq!(log_normal(&[]), None);
        assert_eq!(log_normal(&[Between { low: 1.0, high: f64::INFINITY, count: 3.0 }]), None);
    }
}
