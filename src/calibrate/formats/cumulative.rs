//! How many values lie at or below some ends: buckets of a histogram, or quantiles of a summary. The same thing twice.

use crate::calibrate::interval::{Between, log_normal};
use crate::calibrate::law::normal_cdf;

/// How many of all values lie at or below each of some ends, in rising order. What lies beyond the last is above it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Cumulative {
    ends: Vec<(f64, f64)>,
    n: f64,
}

impl Cumulative {
    /// From ends in seconds with the number of values at or below each of them, in any order; `n` values in all. Of an
    /// end that is there twice the larger number holds. None if a larger end has fewer values.
    pub(super) fn new(ends: impl IntoIterator<Item = (f64, f64)>, n: f64) -> Option<Cumulative> {
        let mut sorted: Vec<(f64, f64)> = ends.into_iter().collect();
        sorted.sort_by(|one, other| one.0.total_cmp(&other.0).then(other.1.total_cmp(&one.1)));
        sorted.dedup_by(|later, kept| later.0 <= kept.0);
        sorted.is_sorted_by(|one, other| one.1 <= other.1).then_some(Cumulative { ends: sorted, n })
    }

    /// Number of values.
    pub(super) fn n(&self) -> f64 {
        self.n
    }

    /// The values less a constant. Of those that were shorter remains "at most the next end", unless half of all are:
    /// then none, for the constant is not what they hold.
    pub(super) fn less(mut self, seconds: f64) -> Option<Cumulative> {
        self.ends.iter_mut().for_each(|(end, _)| *end -= seconds);
        let shorter = self.ends.iter().filter(|(end, _)| *end <= 0.0).map(|(_, count)| *count).fold(0.0, f64::max);
        self.ends.retain(|(end, _)| *end > 0.0);
        (shorter * 2.0 < self.n || self.n <= 0.0).then_some(self)
    }

    /// Whether there is more than one end with values on both of its sides: two parameters need two.
    pub(super) fn shows_spread(&self) -> bool {
        let mut inner: Vec<f64> = self.inner().map(|(_, count)| count).collect();
        inner.dedup_by(|one, other| *one <= *other);
        inner.len() > 1
    }

    fn inner(&self) -> impl Iterator<Item = (f64, f64)> {
        self.ends.iter().copied().filter(|(_, count)| *count > 0.0 && *count < self.n)
    }

    /// The values between neighbouring ends. The first and last bucket of a result often end at its smallest and
    /// largest value: these ends say nothing that the log-normal may use, so the outer intervals are open.
    pub(super) fn between(&self) -> Vec<Between> {
        let last = (f64::INFINITY, self.n);
        let mut before = (0.0, 0.0);
        let mut one = |(high, up_to): (f64, f64)| {
            let between = Between { low: before.0, high, count: up_to - before.1 };
            before = (high, up_to);
            between
        };
        self.inner().chain([last]).map(&mut one).collect()
    }

    /// The largest difference between the share of values and that of a log-normal, at the ends.
    pub(super) fn distance(&self, mu: f64, sigma: f64) -> f64 {
        let at = |(end, count): (f64, f64)| (count / self.n - normal_cdf((libm::log(end) - mu) / sigma)).abs();
        self.inner().map(at).fold(0.0, f64::max)
    }
}

/// The log-normal of the largest likelihood of several sets of values, as [`log_normal`] gives it.
pub(super) fn fitted<'a>(all: impl Iterator<Item = &'a Cumulative>) -> Option<(f64, f64)> {
    log_normal(&all.flat_map(Cumulative::between).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outer_intervals_are_open_and_equal_ends_are_one() {
        let all = Cumulative::new([(3.0, 9.0), (1.0, 0.0), (2.0, 4.0), (2.0, 5.0), (4.0, 10.0)], 10.0).unwrap();
        let between: Vec<_> = all.between().iter().map(|one| (one.low, one.high, one.count)).collect();
        assert_eq!(between, [(0.0, 2.0, 5.0), (2.0, 3.0, 4.0), (3.0, f64::INFINITY, 1.0)]);
        assert!(all.shows_spread());
        assert_eq!(Cumulative::new([(1.0, 5.0), (2.0, 4.0)], 10.0), None);
    }

    #[test]
    fn values_shorter_than_a_constant_remain_as_at_most() {
        let all = Cumulative::new([(1.0, 2.0), (2.0, 5.0), (3.0, 9.0)], 10.0).unwrap();
        let rest: Vec<_> = all.clone().less(1.5).unwrap().between().iter().map(|one| (one.high, one.count)).collect();
        assert_eq!(rest, [(0.5, 5.0), (1.5, 4.0), (f64::INFINITY, 1.0)]);
        assert_eq!(all.less(2.0), None);
    }

    #[test]
    fn one_end_shows_no_spread() {
        assert!(!Cumulative::new([(1.0, 0.0), (2.0, 5.0), (3.0, 10.0)], 10.0).unwrap().shows_spread());
        assert!(!Cumulative::new([(2.0, 5.0), (3.0, 5.0)], 10.0).unwrap().shows_spread());
    }
}
