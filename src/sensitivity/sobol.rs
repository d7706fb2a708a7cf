//! Sobol indices: which share of the variance of an output each input explains, alone (first order) and with all its
//! interactions (total). Estimators of Saltelli et al. 2010 (first order, their table 2 b) and Jansen 1999 (total), on centred
//! values; intervals by the bootstrap over the rows of the design.

use super::design::SobolDesign;
use crate::engine::StreamKey;
use crate::stats::{Interval, Sample};

/// Resamples behind an interval.
const RESAMPLES: u64 = 1_000;

/// The indices of one input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Indices {
    /// First order.
    pub first: f64,
    /// The 95 % bootstrap interval of that.
    pub first_ci95: Interval,
    /// Total.
    pub total: f64,
    /// The 95 % bootstrap interval of that.
    pub total_ci95: Interval,
}

/// The variance and the indices of each input, which may lie below 0 and above 1 by what the sample errs; none if the values do
/// not vary. `values` are in the order of the design's
/// points.
pub fn indices(design: &SobolDesign, values: &[f64], seed: u64) -> Option<(f64, Vec<Indices>)> {
    assert_eq!(values.len(), design.points.len(), "a value for each point");
    let rows: Vec<&[f64]> = values.chunks(design.inputs + 2).collect();
    let (variance, point) = estimate(&rows, design.inputs)?;
    let resampled = resamples(&rows, design.inputs, seed);
    let interval = |input: usize, part: fn(&(f64, f64)) -> f64| {
        let sample = Sample::new(resampled.iter().map(|one| part(&one[input])).collect());
        sample.map_or(Interval(f64::NAN, f64::NAN), |sample| Interval(sample.quantile(0.025), sample.quantile(0.975)))
    };
    let all = (0..design.inputs).map(|input| Indices {
        first: point[input].0,
        first_ci95: interval(input, |pair| pair.0),
        total: point[input].1,
        total_ci95: interval(input, |pair| pair.1),
    });
    Some((variance, all.collect()))
}

/// The variance, and first-order and total index of each input.
fn estimate(rows: &[&[f64]], inputs: usize) -> Option<(f64, Vec<(f64, f64)>)> {
    let mut all = rows.iter().flat_map(|row| row.iter());
    let first = all.next()?;
    if all.all(|value| value.total_cmp(first).is_eq()) {
        // Equal values have a mean that rounding may move: no variance, not a tiny one.
        return None;
    }
    let n = rows.len() as f64;
    let mean = rows.iter().map(|row| row[0] + row[1]).sum::<f64>() / (2.0 * n);
    let square = |value: f64| (value - mean) * (value - mean);
    let variance = rows.iter().map(|row| square(row[0]) + square(row[1])).sum::<f64>() / (2.0 * n - 1.0);
    if variance <= 0.0 {
        return None;
    }
    let index = |input: usize| {
        let first = rows.iter().map(|row| (row[1] - mean) * (row[2 + input] - row[0])).sum::<f64>() / n;
        let total = rows.iter().map(|row| (row[0] - row[2 + input]) * (row[0] - row[2 + input])).sum::<f64>();
        (first / variance, total / (2.0 * n) / variance)
    };
    Some((variance, (0..inputs).map(index).collect()))
}

fn resamples(rows: &[&[f64]], inputs: usize, seed: u64) -> Vec<Vec<(f64, f64)>> {
    let resample = |replication| {
        let mut stream = StreamKey { seed, replication }.stream("sensitivity", "bootstrap", 0);
        let drawn: Vec<&[f64]> = (0..rows.len()).map(|_| rows[stream.below(rows.len())]).collect();
        Some(estimate(&drawn, inputs)?.1)
    };
    (0..RESAMPLES).filter_map(resample).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensitivity::design;

    #[test]
    fn an_output_that_does_not_vary_has_no_indices() {
        let design = design::sobol(2, 8, 1);
        assert_eq!(indices(&design, &vec![3.0; design.points.len()], 1), None);
        assert_eq!(indices(&design, &vec![0.1; design.points.len()], 1), None);
    }

    /// Y = x1 + 2 x2: variances 1/12 and 4/12, shares 0.2 and 0.8.
    #[test]
    fn a_sum_is_shared_by_its_variances() {
        let design = design::sobol(3, 4_000, 1);
        let values: Vec<f64> = design.points.iter().map(|point| point[0] + 2.0 * point[1]).collect();
        let (variance, found) = indices(&design, &values, 1).unwrap();
        assert!((variance - 5.0 / 12.0).abs() < 0.02, "{variance}");
        for (found, expected) in found.iter().zip([0.2, 0.8, 0.0]) {
            assert!((found.first - expected).abs() < 0.05 && (found.total - expected).abs() < 0.05, "{found:?}");
        }
        assert!(found[2].total.abs() < 1e-12);
    }
}
