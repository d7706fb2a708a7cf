//! Log-normal intervals, to the nanosecond that the inverse by `libm` gives, at a third of its cost: an approximation
//! with a known error comes first, and the inverse itself only where the two might round to different nanoseconds.

use std::sync::{Arc, LazyLock, OnceLock};

use crate::dist::bounded;
use crate::dist::normal::{PIECES, QUICK_ERROR, QuickQuantile, middle_of, normal_quantile, piece_of, pieces};
use crate::units::SimDuration;

/// The standard normal distribution's 99 % point, to turn a median and a 99th percentile into a log-normal.
const NORMAL_P99: f64 = 2.326_347_874_040_841;

/// A log-normal distribution, said by its median and 99th percentile as in the reference's delay table.
#[derive(Debug, Clone)]
pub struct LogNormal {
    /// Half of the draws are below.
    pub median: SimDuration,
    /// 99 of 100 draws are below.
    pub p99: SimDuration,
    median_nanos: f64,
    sigma: f64,
    /// Sigma in 128ths of powers of two.
    steps: f64,
    /// How far, relatively, the approximation may be off.
    slack: f64,
    /// For draws by the thousand.
    series: Arc<OnceLock<Series>>,
}

impl PartialEq for LogNormal {
    fn eq(&self, other: &Self) -> bool {
        (self.median, self.p99) == (other.median, other.p99)
    }
}

impl LogNormal {
    /// The distribution with this median and 99th percentile; `p99` at or below the median gives a constant.
    pub fn new(median: SimDuration, p99: SimDuration) -> Self {
        let (low, high) = (median.as_nanos() as f64, p99.as_nanos() as f64);
        let sigma = if high > low && low > 0.0 { libm::log(high / low) / NORMAL_P99 } else { 0.0 };
        let steps = sigma * STEPS_PER_UNIT;
        LogNormal { median, p99, median_nanos: low, sigma, steps, slack: slack(sigma), series: Arc::default() }
    }

    /// The value below which a share `u` of the draws lies, in nanoseconds.
    #[inline]
    pub(super) fn quantile_nanos(&self, u: f64) -> f64 {
        self.median_nanos * libm::exp(self.sigma * normal_quantile(u))
    }

    /// The same to the nearest nanosecond.
    #[inline]
    pub(super) fn quantile(&self, u: f64) -> SimDuration {
        self.quantile_by(quick(), u)
    }

    /// The same for many.
    pub(super) fn quantiles<const N: usize>(&self, uniforms: &[f64; N], into: &mut [SimDuration; N]) {
        let series = self.series.get_or_init(|| Series::new(self.median_nanos, self.sigma));
        for (value, u) in into.iter_mut().zip(uniforms) {
            // What is rounded with certainty is below a month.
            *value = match series.nanos(*u) {
                Some(nanos) => SimDuration::from_nanos(nanos),
                None => bounded(self.quantile_slowly(*u)),
            };
        }
    }

    #[inline(always)]
    fn quantile_by(&self, quick: &Quick, u: f64) -> SimDuration {
        match quick.nanos(self, u) {
            Some(nanos) => SimDuration::from_nanos(nanos),
            None => self.quantile_slowly(u),
        }
    }

    #[cold]
    fn quantile_slowly(&self, u: f64) -> SimDuration {
        SimDuration::from_nanos_f64_rounded(self.quantile_nanos(u))
    }

    /// The mean in seconds.
    pub(super) fn mean_secs(&self) -> f64 {
        self.median.as_secs_f64() * libm::exp(self.sigma * self.sigma / 2.0)
    }
}

/// What rounding adds to the errors, relatively.
const ROUNDING: f64 = 1e-13;

/// Errors of the approximations and of rounding, `libm`'s included, for exponents up to 30; wider distributions have no
/// approximation.
fn slack(sigma: f64) -> f64 {
    if sigma <= 8.0 { sigma * QUICK_ERROR + ROUNDING } else { f64::INFINITY }
}

/// Steps of 1/128 in the exponent of two for one in that of e.
const STEPS_PER_UNIT: f64 = 128.0 / std::f64::consts::LN_2;

/// The approximation of all log-normal distributions.
#[derive(Debug)]
struct Quick {
    normal: QuickQuantile,
    /// 2^(i/128).
    roots: [f64; 128],
}

#[inline]
fn quick() -> &'static Quick {
    static QUICK: LazyLock<Quick> = LazyLock::new(Quick::new);
    &QUICK
}

impl Quick {
    fn new() -> Self {
        let roots = std::array::from_fn(|index| libm::exp2(index as f64 / 128.0));
        Quick { normal: QuickQuantile::new(), roots }
    }

    /// The quantile in whole nanoseconds, if it is certain that the exact one rounds to the same.
    #[inline(always)]
    fn nanos(&self, of: &LogNormal, u: f64) -> Option<u64> {
        let nanos = of.median_nanos * self.power(of.steps * self.normal.at(u)?);
        rounded(nanos, 0.5 - nanos * of.slack)
    }

    /// 2 to the power of `steps` / 128, off by less than 2e-14 of itself: a whole step and at most half a step, for which
    /// there is a series.
    #[inline(always)]
    fn power(&self, steps: f64) -> f64 {
        /// Adding this leaves the nearest whole number in the last bits.
        const TO_WHOLE: f64 = 6_755_399_441_055_744.0;
        const C: f64 = 1.0 / STEPS_PER_UNIT;
        let shifted = steps + TO_WHOLE;
        let (bits, r) = (shifted.to_bits(), steps - (shifted - TO_WHOLE));
        let series = 1.0 + r * (C + r * (C * C / 2.0 + r * (C * C * C / 6.0 + r * (C * C * C * C / 24.0))));
        let power = self.roots[(bits & 127) as usize].to_bits().wrapping_add((bits >> 7) << 52);
        f64::from_bits(power) * series
    }
}

/// The nearest whole number, if the value is nearer to it than `margin`.
#[inline(always)]
fn rounded(nanos: f64, margin: f64) -> Option<u64> {
    /// From here on doubles are whole numbers, and their last bits are those of the number.
    const WHOLE: f64 = 4_503_599_627_370_496.0;
    let shifted = nanos + WHOLE;
    let fraction = nanos - (shifted - WHOLE);
    (fraction.abs() < margin).then(|| shifted.to_bits() - WHOLE.to_bits())
}

/// The quantiles of one distribution by Taylor's series around the middles of the pieces of both tails. It takes as long to
/// make as a thousand draws.
#[derive(Debug)]
struct Series {
    /// Coefficients of the powers of the distance from the middle: the pieces of the lower tail, then those of the upper.
    pieces: Vec<[f64; 6]>,
    /// A half, less how far values may be off, in nanoseconds.
    margin: f64,
}

impl Series {
    fn new(median_nanos: f64, sigma: f64) -> Self {
        let (mut all, mut off) = (Vec::new(), 0.0_f64);
        // Seen from its end the upper tail is a lower tail of the inverse.
        for sigma in [sigma, -sigma] {
            for (middle, half) in pieces() {
                let at = Expansion::new(median_nanos, sigma, middle);
                all.push(at.coefficients());
                let (from, to) = (Expansion::new(median_nanos, sigma.abs(), middle - half), middle + half);
                let most = from.value.max(Expansion::new(median_nanos, sigma, middle - half).value);
                let most = most.max(Expansion::new(median_nanos, sigma, to).value);
                let remainder = from.sixth_at_most() * most * libm::pow(half, 6.0) / 720.0;
                off = off.max(remainder + most * ROUNDING);
            }
        }
        Series { pieces: all, margin: 0.5 - off }
    }

    /// The quantile in whole nanoseconds, if it is certain that the exact one rounds to the same.
    #[inline(always)]
    fn nanos(&self, u: f64) -> Option<u64> {
        let upper = 1.0 - u < u;
        let tail = if 1.0 - u < u { 1.0 - u } else { u };
        let piece = piece_of(tail)?;
        let c = self.pieces.get(piece + if upper { PIECES } else { 0 })?;
        let x = tail - middle_of(tail);
        rounded(((((c[5] * x + c[4]) * x + c[3]) * x + c[2]) * x + c[1]) * x + c[0], self.margin)
    }
}

/// Derivatives at a point of `median · e^(sigma z(u))`, z being the normal quantile: the n-th is
/// `value · p_n(z) / density^n` with `p_1 = sigma` and `p_{n+1} = p_n' + (sigma + n z) p_n`.
struct Expansion {
    value: f64,
    z: f64,
    per_density: f64,
    polynomials: [[f64; 6]; 6],
}

impl Expansion {
    fn new(median_nanos: f64, sigma: f64, u: f64) -> Self {
        let z = normal_quantile(u);
        let mut polynomials = [[0.0; 6]; 6];
        polynomials[0][0] = sigma;
        for n in 1..6 {
            for power in 0..=n {
                let last = |power: usize| polynomials[n - 1].get(power).copied().unwrap_or(0.0);
                let raised = if power > 0 { n as f64 * last(power - 1) } else { 0.0 };
                polynomials[n][power] = (power + 1) as f64 * last(power + 1) + sigma * last(power) + raised;
            }
        }
        let per_density = libm::sqrt(std::f64::consts::TAU) * libm::exp(z * z / 2.0);
        Expansion { value: median_nanos * libm::exp(sigma * z), z, per_density, polynomials }
    }

    fn polynomial(&self, n: usize, z: f64) -> f64 {
        self.polynomials[n - 1].iter().rev().fold(0.0, |sum, coefficient| sum * z + coefficient)
    }

    fn coefficients(&self) -> [f64; 6] {
        let mut scale = self.value;
        std::array::from_fn(|n| {
            if n == 0 {
                return self.value;
            }
            scale *= self.per_density / n as f64;
            self.polynomial(n, self.z) * scale
        })
    }

    /// What the sixth derivative is at most, divided by the value, from here to the middle of the distribution, for a sigma
    /// that is not negative: all coefficients are positive then.
    fn sixth_at_most(&self) -> f64 {
        self.polynomial(6, self.z.abs()) * libm::pow(self.per_density, 6.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{StreamKey, mix};
    use proptest::prelude::*;

    #[test]
    fn the_quick_power_keeps_its_error() {
        for step in -30_000..=30_000 {
            let x = f64::from(step) / 1_000.0 + 1e-5;
            let off = quick().power(x * STEPS_PER_UNIT) / libm::exp(x) - 1.0;
            assert!(off.abs() < 2e-14, "e^{x}: off by {off}");
        }
    }

    fn same(of: &LogNormal, u: f64) -> bool {
        let mut many = [SimDuration::ZERO];
        of.quantiles(&[u], &mut many);
        of.quantile(u) == of.quantile_slowly(u) && bounded(of.quantile(u)) == many[0]
    }

    /// Every nanosecond as before, over the delays of the table and wider: a million draws each.
    #[test]
    fn quick_draws_are_the_exact_ones() {
        let table = [(300_000, 1_500_000), (20_000_000, 80_000_000), (1_200_000_000, 32_000_000_000), (7, 900), (5, 5)];
        for (median, p99) in table {
            let of = LogNormal::new(SimDuration::from_nanos(median), SimDuration::from_nanos(p99));
            let mut stream = StreamKey { seed: 7, replication: median }.stream("test", "lognormal", p99);
            for _ in 0..15_625 {
                let uniforms: [f64; 64] = stream.uniforms();
                assert!(uniforms.iter().all(|u| same(&of, *u)), "median {median}, p99 {p99}: {uniforms:?}");
            }
        }
    }

    /// Few draws take the slow way: else nothing would be won, and nobody would see it.
    #[test]
    fn most_draws_are_quick() {
        let of = LogNormal::new(SimDuration::from_micros(300), SimDuration::from_micros(1_500));
        let series = Series::new(of.median_nanos, of.sigma);
        let by_one = (0..100_000u64).filter(|n| quick().nanos(&of, uniform(mix(*n))).is_some()).count();
        let by_many = (0..100_000u64).filter(|n| series.nanos(uniform(mix(*n))).is_some()).count();
        assert!(by_one > 99_900 && by_many > 99_900, "{by_one} and {by_many} of 100,000");
    }

    fn uniform(bits: u64) -> f64 {
        ((bits >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    proptest! {
        #[test]
        fn quick_draws_are_the_exact_ones_for_any_parameters(median in 0u64..1 << 40, ratio in 0.5f64..1e9, bits: u64) {
            let p99 = SimDuration::from_nanos_f64_rounded(median as f64 * ratio);
            let of = LogNormal::new(SimDuration::from_nanos(median), p99);
            prop_assert!(same(&of, uniform(bits)));
        }
    }
}
