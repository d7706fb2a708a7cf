//! The distance of Kolmogorov and Smirnov between a sample and a distribution function.

/// How far a sample is from a distribution.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Ks {
    /// The largest distance between the two distribution functions.
    pub distance: f64,
    /// Probability of a larger distance if the distribution were given beforehand (Stephens 1970). As its parameters
    /// were fitted to the same values this is an upper limit: a small p is certain, a large one is not.
    pub p: f64,
}

/// The distance of ascending values from `cdf`.
pub fn one_sample(sorted: &[f64], cdf: impl Fn(f64) -> f64) -> Ks {
    let n = sorted.len() as f64;
    let gap = |(index, x): (usize, &f64)| {
        let at = cdf(*x);
        (at - index as f64 / n).abs().max(((index + 1) as f64 / n - at).abs())
    };
    let distance = sorted.iter().enumerate().map(gap).fold(0.0, f64::max);
    Ks::of(distance, sorted.len())
}

impl Ks {
    /// The p-value that belongs to a distance of `n` values.
    pub fn of(distance: f64, n: usize) -> Ks {
        let root = (n as f64).sqrt();
        Ks { distance, p: tail((root + 0.12 + 0.11 / root) * distance) }
    }
}

/// Kolmogorov's 2 Σ (−1)^(k−1) exp(−2 k² x²).
fn tail(x: f64) -> f64 {
    if x < 0.2 {
        return 1.0;
    }
    let term = |k: i32| libm::exp(-2.0 * f64::from(k * k) * x * x) * if k % 2 == 1 { 2.0 } else { -2.0 };
    (1..=30).map(term).sum::<f64>().clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_are_those_of_the_tables() {
        assert!((tail(1.358) - 0.05).abs() < 1e-3);
        assert!((tail(1.628) - 0.01).abs() < 1e-3);
        assert!(tail(0.3) > 0.999_9 && tail(0.1) >= 1.0);
    }

    #[test]
    fn the_distance_counts_both_sides_of_a_step() {
        let ks = one_sample(&[0.5, 0.6], |x| x);
        assert!((ks.distance - 0.5).abs() < 1e-12, "{ks:?}");
    }
}
