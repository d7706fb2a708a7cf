//! Sample quantiles by nearest rank, so that counts stay whole: the p-quantile of n values is the ⌈p·n⌉-th smallest
//! (the smallest for p = 0). It is always a value that occurred.

use super::critical::binomial_cdf;
use super::{Interval, TAIL};

/// Values in ascending order.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample(Vec<f64>);

impl Sample {
    /// Sorts the values; none if there are none.
    ///
    /// # Panics
    ///
    /// If a value is not a number: then a model is at fault.
    pub fn new(mut values: Vec<f64>) -> Option<Sample> {
        assert!(values.iter().all(|value| !value.is_nan()), "a value is not a number");
        values.sort_by(f64::total_cmp);
        (!values.is_empty()).then_some(Sample(values))
    }

    /// The smallest value.
    pub fn min(&self) -> f64 {
        self.0[0]
    }

    /// The largest value.
    pub fn max(&self) -> f64 {
        self.0[self.0.len() - 1]
    }

    /// The `p`-quantile, `p` between 0 and 1.
    pub fn quantile(&self, p: f64) -> f64 {
        self.0[rank(self.0.len(), p) - 1]
    }

    /// The 95 % interval of the `p`-quantile from order statistics, free of any assumption on the distribution; none
    /// while there are too few values to have one (below 6 for the median, below 72 for the 95th percentile).
    pub fn quantile_ci95(&self, p: f64) -> Option<Interval> {
        let (low, high) = quantile_interval(self.0.len(), p)?;
        Some(Interval(self.0[low - 1], self.0[high - 1]))
    }
}

/// ⌈p·n⌉ from 1 to n. `p·n` may miss a whole number by its last bits, hence the small step back.
fn rank(n: usize, p: f64) -> usize {
    assert!((0.0..=1.0).contains(&p), "a quantile lies between 0 and 1");
    ((p * n as f64 - 1e-9).ceil() as usize).clamp(1, n)
}

/// The ranks (from 1) of the order statistics of `n` values between which the `p`-quantile lies with at least 95 %, at
/// most 2.5 % on either side; none if there are too few values.
pub fn quantile_interval(n: usize, p: f64) -> Option<(usize, usize)> {
    let below = |rank: usize| binomial_cdf(n, p, rank - 1);
    // The number of values below the quantile is binomial; `below` rises with the rank.
    let first_above = |limit: f64| partition_point(n, |rank| below(rank) <= limit);
    let low = first_above(TAIL).checked_sub(1).filter(|&low| low >= 1)?;
    let high = partition_point(n, |rank| below(rank) < 1.0 - TAIL);
    (high <= n).then_some((low, high))
}

/// The first rank in `1..=n` for which `holds` is false, or n + 1.
fn partition_point(n: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (1, n + 1);
    while low < high {
        let middle = usize::midpoint(low, high);
        if holds(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::StreamKey;

    fn check(values: &[f64], p: f64, expected: f64) {
        let found = Sample::new(values.to_vec()).unwrap().quantile(p);
        assert!((found - expected).abs() < 1e-12, "{p}: {found}");
    }

    #[test]
    fn quantiles_are_values_that_occurred() {
        let values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        for percent in 1..=100u32 {
            check(&values, f64::from(percent) / 100.0, f64::from(percent));
        }
        check(&values, 0.0, 1.0);
        check(&[4.0, 1.0], 0.5, 1.0);
        check(&[4.0, 1.0, 9.0], 0.5, 4.0);
        check(&[7.0], 0.95, 7.0);
    }

    #[test]
    fn intervals_of_quantiles_are_those_of_the_textbook() {
        // Conover, Practical Nonparametric Statistics: the median of 10, 20 and 100 values.
        assert_eq!(quantile_interval(10, 0.5), Some((2, 9)));
        assert_eq!(quantile_interval(20, 0.5), Some((6, 15)));
        assert_eq!(quantile_interval(100, 0.5), Some((40, 61)));
        assert_eq!(quantile_interval(6, 0.5), Some((1, 6)));
        assert_eq!(quantile_interval(5, 0.5), None);
        assert_eq!(quantile_interval(71, 0.95), None);
    }

    #[test]
    fn intervals_of_quantiles_cover_at_least_as_often_as_they_say() {
        let held = (0..2_000u64).filter(|&replication| {
            let mut stream = StreamKey { seed: 4, replication }.stream("test", "coverage", 0);
            let values = (0..100).map(|_| stream.uniform()).collect();
            Sample::new(values).unwrap().quantile_ci95(0.9).unwrap().holds(0.9)
        });
        assert!(held.count() as f64 / 2_000.0 > 0.935);
    }

    #[test]
    fn no_values_no_sample() {
        assert_eq!(Sample::new(Vec::new()), None);
    }
}
