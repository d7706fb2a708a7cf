//! Critical points of the t and beta distributions, from `statrs`.
//!
//! `statrs` takes its logarithms from the platform as soon as any crate of the build switches `num-traits/std` on, so
//! the last bits of a critical point may differ between platforms. Results must not: each point is rounded to ten
//! significant digits, far beyond what any estimate is worth.

use statrs::distribution::{Beta, ContinuousCDF, Normal, StudentsT};

/// The normal distribution's 97.5 % point.
const NORMAL: f64 = 1.959_963_984_540_054;

/// From here on the expansion is good to ten digits; `statrs` loses its way with very many degrees of freedom.
const MANY: f64 = 200.0;

/// The point below which Student's t with `freedom` degrees of freedom lies with 97.5 %.
pub(super) fn student_t(freedom: f64) -> f64 {
    student_point(freedom, 1.0 - super::TAIL, NORMAL)
}

/// The point below which Student's t with `freedom` degrees of freedom lies with `probability`.
pub(super) fn student_t_at(freedom: f64, probability: f64) -> f64 {
    student_point(freedom, probability, Normal::standard().inverse_cdf(probability))
}

/// `z` is the normal distribution's point for the same probability.
fn student_point(freedom: f64, probability: f64, z: f64) -> f64 {
    assert!(freedom >= 1.0, "an interval needs at least two values");
    if freedom >= MANY {
        return ten_digits(student_t_of_many(z, freedom));
    }
    StudentsT::new(0.0, 1.0, freedom).map_or(f64::NAN, |t| ten_digits(t.inverse_cdf(probability)))
}

/// Fisher's expansion around the normal point (Abramowitz and Stegun 26.7.5).
fn student_t_of_many(z: f64, freedom: f64) -> f64 {
    let (z3, z5) = (z * z * z, z * z * z * z * z);
    let (z7, z9) = (z5 * z * z, z5 * z * z * z * z);
    let terms = [
        (z3 + z) / 4.0,
        (5.0 * z5 + 16.0 * z3 + 3.0 * z) / 96.0,
        (3.0 * z7 + 19.0 * z5 + 17.0 * z3 - 15.0 * z) / 384.0,
        (79.0 * z9 + 776.0 * z7 + 1_482.0 * z5 - 1_920.0 * z3 - 945.0 * z) / 92_160.0,
    ];
    z + terms.into_iter().rev().fold(0.0, |sum, term| (sum + term) / freedom)
}

/// The point below which a beta variable with shapes `a` and `b` lies with `probability`.
pub(super) fn beta(a: f64, b: f64, probability: f64) -> f64 {
    assert!(a > 0.0 && b > 0.0, "shapes of a beta distribution are positive");
    Beta::new(a, b).map_or(f64::NAN, |beta| ten_digits(beta.inverse_cdf(probability)))
}

/// The probability that at most `successes` of `n` trials succeed.
pub(super) fn binomial_cdf(n: usize, chance: f64, successes: usize) -> f64 {
    if successes >= n {
        return 1.0;
    }
    let (a, b) = ((successes + 1) as f64, (n - successes) as f64);
    Beta::new(a, b).map_or(f64::NAN, |beta| 1.0 - beta.cdf(chance))
}

pub(super) fn ten_digits(value: f64) -> f64 {
    format!("{value:.9e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn student_points_are_those_of_the_tables() {
        for (freedom, expected) in [(1.0, 12.706_205), (2.0, 4.302_653), (9.0, 2.262_157), (99.0, 1.984_217)] {
            assert!((student_t(freedom) - expected).abs() < 1e-6, "{freedom}");
        }
        assert!((student_t(1e6) - 1.959_966_4).abs() < 1e-7);
    }

    #[test]
    fn points_of_other_probabilities_are_those_of_the_tables() {
        for (freedom, probability, expected) in
            [(9.0, 0.99, 2.821_438), (9.0, 0.01, -2.821_438), (999.0, 0.99, 2.330_086)]
        {
            assert!((student_t_at(freedom, probability) - expected).abs() < 1e-6, "{freedom} {probability}");
        }
    }

    #[test]
    fn the_expansion_meets_the_exact_points() {
        let exact = StudentsT::new(0.0, 1.0, MANY).unwrap().inverse_cdf(0.975);
        assert!((student_t(MANY) - exact).abs() < 1e-9, "{} {exact}", student_t(MANY));
    }

    #[test]
    fn binomial_sums_are_exact() {
        // 10 throws of a fair coin: 11 of 1024 outcomes have at most one head.
        assert!((binomial_cdf(10, 0.5, 1) - 11.0 / 1_024.0).abs() < 1e-12);
        assert!((binomial_cdf(10, 0.5, 10) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn rounding_keeps_ten_digits() {
        assert!((ten_digits(1.234_567_890_123) - 1.234_567_890).abs() < 1e-15);
    }
}
