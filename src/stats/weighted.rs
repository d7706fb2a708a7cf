//! Means of weighted values: what importance sampling leaves.
//!
//! Each value was drawn from another distribution than the one asked about and carries its weight, the ratio of the two
//! densities. The mean of weight · value is unbiased; how far the weights are from equal says how much of the sample is
//! left (Kish 1965).

use super::mean::{Mean, mean};

/// A weighted mean with what it rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weighted {
    /// The mean of weight · value with its Student interval; not divided by the sum of the weights, so it is unbiased.
    pub mean: Mean,
    /// The mean weight, with its interval: 1 if the weights are right.
    pub mean_weight: Mean,
    /// (Σw)² / Σw²: as many equal weights would be worth as much for a mean over everything.
    pub effective_sample_size: f64,
    /// The same over the values that are not zero, by their products: how many equal ones the mean rests on.
    pub effective_hits: f64,
    /// Values that are not zero.
    pub hits: usize,
}

/// The mean of the values in `pairs` of (weight, value), values at least zero; none without pairs.
pub fn weighted_mean(pairs: &[(f64, f64)]) -> Option<Weighted> {
    let weights: Vec<f64> = pairs.iter().map(|(weight, _)| *weight).collect();
    let products: Vec<f64> = pairs.iter().map(|(weight, value)| weight * value).collect();
    Some(Weighted {
        mean: mean(&products)?,
        mean_weight: mean(&weights)?,
        effective_sample_size: effective(&weights),
        effective_hits: effective(&products),
        hits: products.iter().filter(|product| **product > 0.0).count(),
    })
}

/// (Σx)² / Σx², zero if there is nothing.
fn effective(values: &[f64]) -> f64 {
    let (sum, squares) = values.iter().fold((0.0, 0.0), |(sum, squares), x| (sum + x, squares + x * x));
    if squares > 0.0 { sum * sum / squares } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_weights_leave_the_whole_sample() {
        let found = weighted_mean(&[(1.0, 0.0), (1.0, 4.0), (1.0, 2.0)]).unwrap();
        assert!((found.mean.mean - 2.0).abs() < 1e-12);
        assert!((found.effective_sample_size - 3.0).abs() < 1e-12);
        assert_eq!(found.hits, 2);
    }

    #[test]
    fn one_heavy_weight_leaves_little() {
        let found = weighted_mean(&[(1e-6, 3.0), (1e-6, 3.0), (1.0, 3.0)]).unwrap();
        assert!(found.effective_hits < 1.001 && found.hits == 3, "{found:?}");
    }
}
