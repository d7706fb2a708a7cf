//! The families a delay may come from, with exact densities and distribution functions. Seconds throughout.

use statrs::function::gamma::{gamma_lr, ln_gamma};

use super::search;
use crate::dist::{Dist, LogNormal};
use crate::units::SimDuration;

/// The standard normal distribution's 99 % point.
const NORMAL_P99: f64 = 2.326_347_874_040_841;

/// ln √(2π).
const LN_ROOT_TWO_PI: f64 = 0.918_938_533_204_672_8;

/// A family with its parameters, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Law {
    /// Always the same value.
    Constant(f64),
    /// Uniform between two ends.
    Uniform(f64, f64),
    /// Exponential with this mean.
    Exponential(f64),
    /// Log-normal with mean and standard deviation of the logarithm.
    LogNormal(f64, f64),
    /// Weibull with shape and scale.
    Weibull(f64, f64),
    /// Gamma with shape and mean.
    Gamma(f64, f64),
    /// Pareto with shape and smallest value.
    Pareto(f64, f64),
}

/// A constant and a law: `shift + draw`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shifted {
    /// The constant, seconds; 0 for the plain law.
    pub shift: f64,
    /// What is added to it.
    pub law: Law,
}

/// The standard normal distribution function.
pub fn normal_cdf(z: f64) -> f64 {
    libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2) / 2.0
}

impl Law {
    /// The name of the family.
    pub fn name(&self) -> &'static str {
        match self {
            Law::Constant(_) => "constant",
            Law::Uniform(..) => "uniform",
            Law::Exponential(_) => "exponential",
            Law::LogNormal(..) => "lognormal",
            Law::Weibull(..) => "weibull",
            Law::Gamma(..) => "gamma",
            Law::Pareto(..) => "pareto",
        }
    }

    /// Number of parameters fitted to the data, for AIC.
    pub fn parameters(&self) -> usize {
        if matches!(self, Law::Constant(_) | Law::Exponential(_)) { 1 } else { 2 }
    }

    /// The logarithm of the density at `x` seconds, −∞ outside of the support; a constant has no density.
    pub fn ln_density(&self, x: f64) -> f64 {
        let inside = match *self {
            Law::Constant(_) => false,
            Law::Uniform(low, high) => (low..=high).contains(&x),
            Law::Pareto(_, min) => x >= min,
            _ => x > 0.0,
        };
        if inside { self.ln_density_inside(x) } else { f64::NEG_INFINITY }
    }

    fn ln_density_inside(&self, x: f64) -> f64 {
        let ln = libm::log;
        match *self {
            Law::Constant(_) => f64::NEG_INFINITY,
            Law::Uniform(low, high) => -ln(high - low),
            Law::Exponential(mean) => -x / mean - ln(mean),
            Law::LogNormal(mu, sigma) => -((ln(x) - mu) / sigma).powi(2) / 2.0 - ln(x) - ln(sigma) - LN_ROOT_TWO_PI,
            Law::Weibull(shape, scale) => {
                ln(shape / scale) + (shape - 1.0) * ln(x / scale) - libm::pow(x / scale, shape)
            }
            Law::Gamma(shape, mean) => {
                let rate = shape / mean;
                (shape - 1.0) * ln(x) - x * rate + shape * ln(rate) - ln_gamma(shape)
            }
            Law::Pareto(shape, min) => ln(shape / min) - (shape + 1.0) * ln(x / min),
        }
    }

    /// The probability of at most `x` seconds.
    pub fn cdf(&self, x: f64) -> f64 {
        match *self {
            Law::Constant(value) => f64::from(u8::from(x >= value)),
            Law::Uniform(low, high) => ((x - low) / (high - low)).clamp(0.0, 1.0),
            _ if x <= 0.0 => 0.0,
            Law::Exponential(mean) => -libm::expm1(-x / mean),
            Law::LogNormal(mu, sigma) => normal_cdf((libm::log(x) - mu) / sigma),
            Law::Weibull(shape, scale) => -libm::expm1(-libm::pow(x / scale, shape)),
            Law::Gamma(shape, mean) => gamma_lr(shape, x * shape / mean),
            Law::Pareto(_, min) if x <= min => 0.0,
            Law::Pareto(shape, min) => 1.0 - libm::pow(min / x, shape),
        }
    }

    /// As the simulator draws it.
    fn dist(self) -> Dist {
        match self {
            Law::Constant(value) => Dist::Constant(duration(value)),
            Law::Uniform(low, high) => Dist::Uniform(duration(low), duration(high)),
            Law::Exponential(mean) => Dist::Exponential(duration(mean)),
            Law::LogNormal(mu, sigma) => lognormal(mu, sigma),
            Law::Weibull(shape, scale) => Dist::Weibull(significant(shape), duration(scale)),
            Law::Gamma(shape, mean) => Dist::Gamma(significant(shape), duration(mean)),
            Law::Pareto(shape, min) => Dist::Pareto(significant(shape), duration(min)),
        }
    }
}

impl Shifted {
    /// The law without a constant.
    pub fn plain(law: Law) -> Shifted {
        Shifted { shift: 0.0, law }
    }

    /// The name, such as `lognormal` or `constant + weibull`.
    pub fn name(&self) -> String {
        if self.shift > 0.0 { format!("constant + {}", self.law.name()) } else { self.law.name().to_owned() }
    }

    /// Number of fitted parameters.
    pub fn parameters(&self) -> usize {
        self.law.parameters() + usize::from(self.shift > 0.0)
    }

    /// The probability of at most `x` seconds.
    pub fn cdf(&self, x: f64) -> f64 {
        self.law.cdf(x - self.shift)
    }

    /// The value in seconds below which a share `u` lies, 0 < `u` < 1; by bisection, to about 1e-12 of a day.
    pub fn quantile(&self, u: f64) -> f64 {
        libm::exp(search::root(-30.0, 11.4, &|log| self.cdf(libm::exp(log)) - u))
    }

    /// As the simulator draws it, parameters to four significant digits.
    pub fn dist(&self) -> Dist {
        if self.shift > 0.0 {
            Dist::Sum(vec![Dist::Constant(duration(self.shift)), self.law.dist()])
        } else {
            self.law.dist()
        }
    }
}

/// A log-normal by the mean and standard deviation of its logarithm (seconds), as the simulator draws it.
pub fn lognormal(mu: f64, sigma: f64) -> Dist {
    Dist::LogNormal(LogNormal::new(duration(libm::exp(mu)), duration(libm::exp(mu + NORMAL_P99 * sigma))))
}

/// Seconds to four significant digits, as an interval.
pub fn duration(seconds: f64) -> SimDuration {
    SimDuration::from_secs_f64_rounded(significant(seconds))
}

/// To four significant digits: more than any fit knows.
pub fn significant(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> [Law; 6] {
        [
            Law::Uniform(0.1, 0.3),
            Law::Exponential(0.2),
            Law::LogNormal(-2.0, 0.4),
            Law::Weibull(1.7, 0.2),
            Law::Gamma(3.0, 0.2),
            Law::Pareto(2.5, 0.1),
        ]
    }

    /// The slope of the distribution function is the density.
    #[test]
    fn densities_belong_to_their_distribution_functions() {
        for law in all() {
            for x in [0.12, 0.17, 0.25] {
                let slope = (law.cdf(x + 1e-6) - law.cdf(x - 1e-6)) / 2e-6;
                let density = libm::exp(law.ln_density(x));
                assert!((slope / density - 1.0).abs() < 1e-5, "{law:?} at {x}: {slope} {density}");
            }
        }
    }

    #[test]
    fn quantiles_invert_the_distribution_function() {
        for law in all() {
            let shifted = Shifted { shift: 0.05, law };
            for u in [0.01, 0.5, 0.95] {
                assert!((shifted.cdf(shifted.quantile(u)) - u).abs() < 1e-9, "{law:?}");
            }
        }
    }

    #[test]
    fn what_is_printed_has_four_digits() {
        let text = Shifted { shift: 0.05, law: Law::Weibull(1.234_567, 0.123_456) }.dist().to_string();
        assert_eq!(text, "{ sum = [\"50ms\", { weibull = { shape = 1.235, scale = \"123.5ms\" } }] }");
    }
}
