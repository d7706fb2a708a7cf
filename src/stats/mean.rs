//! Means of independent replications with Student's t, also of paired differences.

use super::critical::{student_t, student_t_at, ten_digits};
use super::{Interval, TAIL};

/// A mean with what it rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mean {
    /// Number of values.
    pub n: usize,
    /// Their arithmetic mean.
    pub mean: f64,
    /// Student's t 95 % interval of the mean; none for a single value, which says nothing about its spread.
    pub ci95: Option<Interval>,
}

/// The mean of `values`; none if there are no values.
///
/// Sums run in the order of the slice, so the same slice gives the same bits.
pub fn mean(values: &[f64]) -> Option<Mean> {
    let n = values.len();
    if n == 0 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / n as f64;
    let ci95 = (n > 1).then(|| student_interval(mean, sample_variance(values, mean), n));
    Some(Mean { n, mean, ci95 })
}

/// Two passes, so that large equal values do not cancel into noise.
fn sample_variance(values: &[f64], mean: f64) -> f64 {
    values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / (values.len() - 1) as f64
}

fn student_interval(mean: f64, variance: f64, n: usize) -> Interval {
    let half = student_t((n - 1) as f64) * (variance / n as f64).sqrt();
    Interval(mean - half, mean + half)
}

/// The bound on the mean of `values` that holds with `confidence`, from above and from below: each one-sided, by Student's
/// t; none for fewer than two values.
pub fn mean_bounds(values: &[f64], confidence: f64) -> Option<Interval> {
    let found = mean(values).filter(|mean| mean.n > 1)?;
    let error = (sample_variance(values, found.mean) / found.n as f64).sqrt();
    let half = student_t_at((found.n - 1) as f64, confidence) * error;
    Some(Interval(found.mean - half, found.mean + half))
}

/// The mean of `b − a` over pairs with common random numbers; none without pairs.
pub fn paired_difference(pairs: &[(f64, f64)]) -> Option<Mean> {
    let differences: Vec<f64> = pairs.iter().map(|(a, b)| b - a).collect();
    mean(&differences)
}

/// The interval of a mean count when `n` replications saw no event at all, counts taken as Poisson (Garwood 1936):
/// from 0 to −ln 0.025 / n. A spread of zero in the sample must not be printed as certainty. It holds for events that come one
/// by one; where a replication that has any has m of them, the mean may be m times the bound.
pub fn poisson_zero(n: usize) -> Interval {
    assert!(n > 0, "no replications, no bound");
    Interval(0.0, ten_digits(-libm::log(TAIL) / n as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::StreamKey;

    fn check(values: &[f64], expected_mean: f64, expected_half: f64) {
        let mean = mean(values).unwrap();
        assert!((mean.mean - expected_mean).abs() < 1e-12, "{mean:?}");
        assert!((mean.ci95.unwrap().half_width() - expected_half).abs() < 1e-6, "{mean:?}");
    }

    #[test]
    fn intervals_are_those_of_the_textbook() {
        // 1..=5: mean 3, s = 1.5811, t(4) = 2.776445, half = 2.776445 · 1.5811 / √5.
        check(&[1.0, 2.0, 3.0, 4.0, 5.0], 3.0, 1.963_243);
        check(&[1e9 + 1.0, 1e9 + 2.0, 1e9 + 3.0], 1e9 + 2.0, 4.302_653 / f64::sqrt(3.0));
    }

    #[test]
    fn one_value_has_no_interval_and_none_no_mean() {
        assert_eq!(mean(&[7.0]), Some(Mean { n: 1, mean: 7.0, ci95: None }));
        assert_eq!(mean(&[]), None);
    }

    #[test]
    fn pairing_takes_the_common_part_away() {
        let pairs = [(10.0, 12.0), (20.0, 22.5), (30.0, 31.5)];
        let difference = paired_difference(&pairs).unwrap();
        assert!((difference.mean - 2.0).abs() < 1e-12);
        assert!(difference.ci95.unwrap().half_width() < 1.3);
    }

    #[test]
    fn no_event_in_a_thousand_bounds_the_mean_count() {
        assert!((poisson_zero(1_000).high() - 0.003_688_879).abs() < 1e-8);
    }

    /// 95 % of 4000 intervals of 20 exponential values should hold the mean; the exponential's skew costs about
    /// three points at this size, so the band is 0.90 to 0.96.
    #[test]
    fn student_intervals_cover_nearly_as_often_as_they_say() {
        let held = (0..4_000u64).filter(|&replication| {
            let mut stream = StreamKey { seed: 1, replication }.stream("test", "coverage", 0);
            let values: Vec<f64> = (0..20).map(|_| -libm::log(stream.uniform())).collect();
            mean(&values).unwrap().ci95.unwrap().holds(1.0)
        });
        let share = held.count() as f64 / 4_000.0;
        assert!((0.90..0.96).contains(&share), "{share}");
    }

    /// The same for uniform values, which are kind: 0.95 give or take three standard errors (0.0034 each).
    #[test]
    fn student_intervals_of_uniform_values_cover_as_often_as_they_say() {
        let held = (0..4_000u64).filter(|&replication| {
            let mut stream = StreamKey { seed: 2, replication }.stream("test", "coverage", 0);
            let values: Vec<f64> = (0..20).map(|_| stream.uniform()).collect();
            mean(&values).unwrap().ci95.unwrap().holds(0.5)
        });
        let share = held.count() as f64 / 4_000.0;
        assert!((share - 0.95).abs() < 0.0105, "{share}");
    }
}
