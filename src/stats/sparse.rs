//! The mean of counts most of which are zero: how many requests a rollout loses when few rollouts lose any.
//!
//! Student's t fails here: a sample with no loss has no spread, and one with a single loss says little of how large the next
//! one is. The mean is the product of how often there is a loss and how large a loss is; each factor gets its own one-sided
//! bound at half of the error allowed (Bonferroni), the first exact (Clopper and Pearson 1934).

use super::{Interval, mean, mean_bounds, proportion_bounds};

/// From so many losses on Student's t bounds their mean size; below, the largest one seen anywhere does.
const ENOUGH: usize = 20;
/// The same where every value is a loss.
const FEW: usize = 10;

/// A mean with bounds that hold one by one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SparseMean {
    /// Number of values.
    pub n: usize,
    /// How many are not zero.
    pub hits: usize,
    /// The arithmetic mean.
    pub mean: f64,
    /// The bound from below and the bound from above: each holds with the confidence asked for.
    pub bounds: Interval,
}

/// The mean of `counts`, none of them negative; none if there are none. `largest` is the largest count that anybody has seen:
/// while fewer than 20 of `counts` are above zero (10, if all are), no mean count above zero is taken to exceed it (or what is in `counts`).
pub fn sparse_mean(counts: &[f64], largest: f64, confidence: f64) -> Option<SparseMean> {
    let found = mean(counts)?;
    let losses: Vec<f64> = counts.iter().copied().filter(|count| *count > 0.0).collect();
    let half = 1.0 - (1.0 - confidence) / 2.0;
    let often = proportion_bounds(losses.len(), counts.len(), half);
    // Where each loses, their sizes are what any mean is made of.
    let is_certain = losses.len() == counts.len() && losses.len() >= FEW;
    let size = size_bounds(&losses, is_certain, largest, half);
    let bounds = Interval(often.low() * size.low(), often.high() * size.high());
    Some(SparseMean { n: found.n, hits: losses.len(), mean: found.mean, bounds })
}

/// Bounds on the mean size of a loss. From below a loss is at least the smallest one, a single request.
fn size_bounds(losses: &[f64], is_certain: bool, largest: f64, confidence: f64) -> Interval {
    let seen = losses.iter().copied().fold(largest.max(1.0), f64::max);
    let enough = mean_bounds(losses, confidence).filter(|_| losses.len() >= ENOUGH || is_certain);
    enough.map_or(Interval(1.0, seen), |Interval(low, high)| Interval(low.max(1.0), high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_seen_is_bounded_by_how_often_and_how_much() {
        let found = sparse_mean(&[0.0; 1_000], 10.0, 0.99).unwrap();
        // 1 − 0.005^(1/1000) = 0.005284, times ten requests.
        assert!((found.bounds.high() - 0.052_84).abs() < 1e-4, "{found:?}");
        assert!(found.bounds.low() <= 0.0 && found.hits == 0);
    }

    #[test]
    fn a_loss_in_every_rollout_is_bounded_as_any_mean() {
        let counts: Vec<f64> = (0..100).map(|i| 5.0 + f64::from(i % 3)).collect();
        let found = sparse_mean(&counts, 0.0, 0.99).unwrap();
        assert!(found.bounds.holds(6.0) && found.bounds.half_width() < 0.4, "{found:?}");
    }

    #[test]
    fn one_large_loss_is_not_taken_for_the_mean_size() {
        let mut counts = vec![0.0; 500];
        counts[7] = 300.0;
        let found = sparse_mean(&counts, 0.0, 0.95).unwrap();
        assert!(found.bounds.high() > 300.0 * 0.005, "{found:?}");
        assert!(found.bounds.low() < 300.0 / 500.0);
    }

    #[test]
    fn no_counts_no_mean() {
        assert_eq!(sparse_mean(&[], 1.0, 0.99), None);
    }
}
