//! Random intervals of time: one type for all distributions, from a constant to an empirical table.
//!
//! Each draw takes one uniform number and inverts the distribution function with `libm` and integers only, so the
//! same stream gives the same bits on every platform, and two scenarios that differ in one distribution still share
//! their luck (common random numbers). Gamma has no handy inverse and goes through `rand_distr`. Floats stand for
//! nanoseconds here, inside this room only.

mod ahead;
mod factor;
mod lognormal;
mod normal;

use std::fmt;

use rand_distr::Distribution;

use crate::engine::Stream;
use crate::units::SimDuration;

pub use ahead::Ahead;
pub use factor::{Factor, times};
pub use lognormal::LogNormal;
pub use normal::normal_quantile;

/// A distribution of an interval of time.
#[derive(Debug, Clone, PartialEq)]
pub enum Dist {
    /// Always the same.
    Constant(SimDuration),
    /// Uniform between two ends.
    Uniform(SimDuration, SimDuration),
    /// Exponential with this mean.
    Exponential(SimDuration),
    /// Log-normal.
    LogNormal(LogNormal),
    /// Weibull with shape and scale.
    Weibull(f64, SimDuration),
    /// Pareto with shape and smallest value.
    Pareto(f64, SimDuration),
    /// Triangular with low end, mode and high end.
    Triangular(SimDuration, SimDuration, SimDuration),
    /// Gamma with shape and mean.
    Gamma(f64, SimDuration),
    /// A table of (probability, value) with straight lines between, probabilities rising from 0 to 1.
    Quantiles(Vec<(f64, SimDuration)>),
    /// The sum of independent parts.
    Sum(Vec<Dist>),
    /// Until something that looks again so long after it last looked, each look taking some time itself. Drawn alone
    /// this is a uniform part of the period and one look; a room may keep the grid, so that waits hang together.
    Grid(SimDuration, Box<Dist>),
}

impl Dist {
    /// No delay at all.
    pub const ZERO: Dist = Dist::Constant(SimDuration::ZERO);

    /// Log-normal by median and 99th percentile, in milliseconds.
    pub fn lognormal_ms(median_ms: u64, p99_ms: u64) -> Dist {
        Dist::LogNormal(LogNormal::new(SimDuration::from_millis(median_ms), SimDuration::from_millis(p99_ms)))
    }

    /// Uniform between two ends in milliseconds.
    pub fn uniform_ms(low: u64, high: u64) -> Dist {
        Dist::Uniform(SimDuration::from_millis(low), SimDuration::from_millis(high))
    }

    /// Whether every draw is zero.
    pub fn is_zero(&self) -> bool {
        match self {
            Dist::Constant(value) => value.is_zero(),
            Dist::Sum(parts) => parts.iter().all(Dist::is_zero),
            Dist::Grid(period, lateness) => period.is_zero() && lateness.is_zero(),
            _ => false,
        }
    }

    /// The distribution of `factor` times this, `factor` above 0.
    pub fn scaled(&self, factor: f64) -> Dist {
        let times = |value: &SimDuration| SimDuration::from_nanos_f64_rounded(value.as_nanos() as f64 * factor);
        match self {
            Dist::Constant(value) => Dist::Constant(times(value)),
            Dist::Uniform(low, high) => Dist::Uniform(times(low), times(high)),
            Dist::Exponential(mean) => Dist::Exponential(times(mean)),
            Dist::LogNormal(l) => Dist::LogNormal(LogNormal::new(times(&l.median), times(&l.p99))),
            Dist::Weibull(shape, scale) => Dist::Weibull(*shape, times(scale)),
            Dist::Pareto(shape, low) => Dist::Pareto(*shape, times(low)),
            Dist::Triangular(low, mode, high) => Dist::Triangular(times(low), times(mode), times(high)),
            Dist::Gamma(shape, mean) => Dist::Gamma(*shape, times(mean)),
            Dist::Quantiles(table) => Dist::Quantiles(table.iter().map(|(p, value)| (*p, times(value))).collect()),
            Dist::Sum(parts) => Dist::Sum(parts.iter().map(|part| part.scaled(factor)).collect()),
            Dist::Grid(period, lateness) => Dist::Grid(times(period), Box::new(lateness.scaled(factor))),
        }
    }

    /// One draw, at most a year.
    #[inline]
    pub fn draw(&self, stream: &mut Stream) -> SimDuration {
        match self {
            Dist::Constant(value) => *value,
            Dist::LogNormal(lognormal) => bounded(lognormal.quantile(stream.uniform())),
            other => bounded(other.draw_other(stream)),
        }
    }

    fn draw_other(&self, stream: &mut Stream) -> SimDuration {
        let nanos = match self {
            Dist::Sum(parts) => return parts.iter().map(|part| part.draw(stream)).sum(),
            Dist::Grid(period, lateness) => {
                let wait = SimDuration::from_nanos_f64_rounded(period.as_nanos() as f64 * stream.uniform());
                return wait + lateness.draw(stream);
            }
            Dist::Gamma(shape, mean) => gamma(*shape, mean.as_nanos() as f64, stream),
            invertible => invertible.quantile_nanos(stream.uniform()),
        };
        SimDuration::from_nanos_f64_rounded(nanos)
    }

    /// Whether a draw takes one uniform number and inverts the distribution function.
    pub fn is_inverted(&self) -> bool {
        !matches!(self, Dist::Constant(_) | Dist::Gamma(..) | Dist::Sum(_) | Dist::Grid(..))
    }

    /// What a draw is whose uniform number is `u`, of a distribution that [`is_inverted`](Dist::is_inverted).
    pub fn at(&self, u: f64) -> SimDuration {
        bounded(SimDuration::from_nanos_f64_rounded(self.quantile_nanos(u)))
    }

    /// The value below which a share `u` of the draws lies, for distributions that are drawn by inversion.
    fn quantile_nanos(&self, u: f64) -> f64 {
        let nanos = |value: &SimDuration| value.as_nanos() as f64;
        match self {
            Dist::Constant(value) => nanos(value),
            Dist::Uniform(low, high) => nanos(low) + (nanos(high) - nanos(low)) * u,
            Dist::Exponential(mean) => nanos(mean) * -libm::log(1.0 - u),
            Dist::LogNormal(lognormal) => lognormal.quantile_nanos(u),
            Dist::Weibull(shape, scale) => nanos(scale) * libm::pow(-libm::log(1.0 - u), 1.0 / shape),
            Dist::Pareto(shape, low) => nanos(low) * libm::pow(1.0 - u, -1.0 / shape),
            Dist::Triangular(low, mode, high) => triangular(nanos(low), nanos(mode), nanos(high), u),
            Dist::Quantiles(table) => interpolate(table, u),
            Dist::Gamma(..) | Dist::Sum(_) | Dist::Grid(..) => unreachable!("these are not drawn by inversion"),
        }
    }

    /// Whether each draw takes one number of the stream, so that a draw can be found without those before it; a constant
    /// takes none, always.
    pub fn takes_one_number(&self) -> bool {
        !matches!(self, Dist::Sum(_) | Dist::Grid(..) | Dist::Gamma(..))
    }

    /// What a share `u` of the draws stays below, of a distribution each of whose draws takes one number.
    pub fn quantile(&self, u: f64) -> SimDuration {
        bounded(SimDuration::from_nanos_f64_rounded(self.quantile_nanos(u)))
    }

    /// The mean, for the printed assumptions and for tests; infinite for a Pareto with shape at most 1.
    pub fn mean_secs(&self) -> f64 {
        match self {
            Dist::Constant(value) | Dist::Exponential(value) | Dist::Gamma(_, value) => value.as_secs_f64(),
            Dist::Uniform(low, high) => (low.as_secs_f64() + high.as_secs_f64()) / 2.0,
            Dist::LogNormal(lognormal) => lognormal.mean_secs(),
            Dist::Weibull(shape, scale) => scale.as_secs_f64() * libm::tgamma(1.0 + 1.0 / shape),
            Dist::Pareto(shape, _) if *shape <= 1.0 => f64::INFINITY,
            Dist::Pareto(shape, low) => low.as_secs_f64() * shape / (shape - 1.0),
            Dist::Triangular(a, b, c) => (a.as_secs_f64() + b.as_secs_f64() + c.as_secs_f64()) / 3.0,
            Dist::Quantiles(table) => table_mean(table),
            Dist::Sum(parts) => parts.iter().map(Dist::mean_secs).sum(),
            Dist::Grid(period, lateness) => period.as_secs_f64() / 2.0 + lateness.mean_secs(),
        }
    }
}

/// A year at most: no run lasts that long, and instants that such draws are added to stay in range.
#[inline]
fn bounded(draw: SimDuration) -> SimDuration {
    const YEAR: SimDuration = SimDuration::from_secs(365 * 86_400);
    draw.min(YEAR)
}

fn gamma(shape: f64, mean_nanos: f64, stream: &mut Stream) -> f64 {
    rand_distr::Gamma::new(shape, mean_nanos / shape).map_or(0.0, |gamma| gamma.sample(stream.generator()))
}

fn triangular(low: f64, mode: f64, high: f64, u: f64) -> f64 {
    let width = high - low;
    if width <= 0.0 {
        return low;
    }
    let turn = (mode - low) / width;
    if u < turn {
        low + libm::sqrt(u * width * (mode - low))
    } else {
        high - libm::sqrt((1.0 - u) * width * (high - mode))
    }
}

fn interpolate(table: &[(f64, SimDuration)], u: f64) -> f64 {
    let above = table.partition_point(|(probability, _)| *probability <= u).clamp(1, table.len() - 1);
    let ((p0, v0), (p1, v1)) = (table[above - 1], table[above]);
    let share = if p1 > p0 { ((u - p0) / (p1 - p0)).clamp(0.0, 1.0) } else { 1.0 };
    v0.as_nanos() as f64 + (v1.as_nanos() as f64 - v0.as_nanos() as f64) * share
}

fn table_mean(table: &[(f64, SimDuration)]) -> f64 {
    table
        .windows(2)
        .map(|pair| (pair[1].0 - pair[0].0) * (pair[0].1.as_secs_f64() + pair[1].1.as_secs_f64()) / 2.0)
        .sum()
}

impl fmt::Display for Dist {
    /// Prints the distribution as it stands in a scenario file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dist::Constant(value) => write!(f, "\"{value}\""),
            Dist::Uniform(low, high) => write!(f, "{{ uniform = [\"{low}\", \"{high}\"] }}"),
            Dist::Exponential(mean) => write!(f, "{{ exponential = {{ mean = \"{mean}\" }} }}"),
            Dist::LogNormal(l) => write!(f, "{{ lognormal = {{ median = \"{}\", p99 = \"{}\" }} }}", l.median, l.p99),
            Dist::Weibull(shape, scale) => write!(f, "{{ weibull = {{ shape = {shape:?}, scale = \"{scale}\" }} }}"),
            Dist::Pareto(shape, low) => write!(f, "{{ pareto = {{ shape = {shape:?}, min = \"{low}\" }} }}"),
            Dist::Triangular(low, mode, high) => {
                write!(f, "{{ triangular = [\"{low}\", \"{mode}\", \"{high}\"] }}")
            }
            Dist::Gamma(shape, mean) => write!(f, "{{ gamma = {{ shape = {shape:?}, mean = \"{mean}\" }} }}"),
            Dist::Quantiles(table) => {
                let rows: Vec<_> = table.iter().map(|(p, value)| format!("[{p:?}, \"{value}\"]")).collect();
                write!(f, "{{ quantiles = [{}] }}", rows.join(", "))
            }
            Dist::Sum(parts) => {
                let parts: Vec<_> = parts.iter().map(Dist::to_string).collect();
                write!(f, "{{ sum = [{}] }}", parts.join(", "))
            }
            Dist::Grid(period, lateness) => {
                write!(f, "{{ grid = {{ period = \"{period}\", lateness = {lateness} }} }}")
            }
        }
    }
}

#[cfg(test)]
mod tests;
