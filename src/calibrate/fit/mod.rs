//! Maximum likelihood for each family, the choice between them by AIC, and how well the chosen one fits.
//!
//! A shift is fitted on its profile likelihood between 0 and x₁ − (x̄ − x₁)/n, x₁ the smallest value: nearer to x₁ the
//! likelihood of a shifted log-normal, Weibull or gamma grows without bound (Hill 1963), which says nothing about data.

use statrs::function::gamma::digamma;

use crate::calibrate::ks::{self, Ks};
use crate::calibrate::law::{Law, Shifted, duration};
use crate::calibrate::search::{highest, root};
use crate::dist::Dist;

/// Shapes a scenario may hold, as logarithms of 0.05 and 1000.
const LN_SHAPES: (f64, f64) = (-2.995, 6.907);

/// Below this p-value of the best family a table of what was measured is kept instead.
const POOR_P: f64 = 0.01;

/// A table of quantiles of fewer values would be noise.
const TABLE_N: usize = 50;

/// Fewer values than this are not fitted.
pub const FEWEST: usize = 5;

/// Where the table of quantiles has its points.
const TABLE: [f64; 21] =
    [0.0, 0.01, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.95, 0.98, 0.99, 1.0];

/// One family fitted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// The family with its parameters, seconds.
    pub law: Shifted,
    /// Akaike's information criterion, 2 k − 2 ln L; the lowest is chosen.
    pub aic: f64,
}

/// What was chosen for a sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// All families that the data allow, the best first.
    pub candidates: Vec<Candidate>,
    /// Kolmogorov–Smirnov of the best family.
    pub ks: Ks,
    /// Whether the table of quantiles is kept because no family fits.
    pub empirical: bool,
    /// What a scenario may hold.
    pub dist: Dist,
    /// Median and 95th percentile of what was chosen, seconds.
    pub fitted: (f64, f64),
}

impl Fit {
    /// The name of what was chosen.
    pub fn name(&self) -> String {
        if self.empirical { "quantiles".to_owned() } else { self.candidates[0].law.name() }
    }
}

/// Fits all families to positive values in seconds; none if there are fewer than [`FEWEST`].
pub fn fit(values: &[f64]) -> Option<Fit> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    if sorted.len() < FEWEST || sorted[0] <= 0.0 {
        return None;
    }
    let candidates = candidates(&sorted);
    let best = candidates.first()?.law;
    let ks = distance(&sorted, &best);
    let empirical = ks.p < POOR_P && sorted.len() >= TABLE_N;
    let dist = if empirical { table(&sorted) } else { best.dist() };
    let point = |u| if empirical { quantile(&sorted, u) } else { best.quantile(u) };
    Some(Fit { candidates, ks, empirical, dist, fitted: (point(0.5), point(0.95)) })
}

/// A constant is chosen only for values that are all the same, and then there is no distance.
fn distance(sorted: &[f64], law: &Shifted) -> Ks {
    match law.law {
        Law::Constant(_) => Ks { distance: 0.0, p: 1.0 },
        _ => ks::one_sample(sorted, |x| law.cdf(x)),
    }
}

/// All families with their AIC, the best first.
pub fn candidates(sorted: &[f64]) -> Vec<Candidate> {
    if sorted[0].to_bits() == sorted[sorted.len() - 1].to_bits() {
        return vec![Candidate { law: Shifted::plain(Law::Constant(sorted[0])), aic: 2.0 }];
    }
    let mut all: Vec<Candidate> = plain(sorted).chain(shifted(sorted)).filter(|one| one.aic.is_finite()).collect();
    all.sort_by(|one, other| one.aic.total_cmp(&other.aic));
    all
}

type Fitter = fn(&[f64]) -> Law;

fn plain(sorted: &[f64]) -> impl Iterator<Item = Candidate> {
    let fitters: [Fitter; 6] = [uniform, exponential, log_normal, weibull, gamma, pareto];
    fitters.into_iter().map(|fitter| candidate(Shifted::plain(fitter(sorted)), sorted))
}

fn shifted(sorted: &[f64]) -> impl Iterator<Item = Candidate> {
    let fitters: [Fitter; 4] = [exponential, log_normal, weibull, gamma];
    fitters.into_iter().filter_map(|fitter| Some(candidate(with_shift(sorted, fitter)?, sorted)))
}

fn candidate(law: Shifted, values: &[f64]) -> Candidate {
    Candidate { law, aic: 2.0 * law.parameters() as f64 - 2.0 * ln_likelihood(&law, values) }
}

fn ln_likelihood(law: &Shifted, values: &[f64]) -> f64 {
    values.iter().map(|x| law.law.ln_density(x - law.shift)).sum()
}

/// None if the smallest value leaves no room for a shift.
fn with_shift(sorted: &[f64], fitter: Fitter) -> Option<Shifted> {
    let gap = (mean(sorted) - sorted[0]) / sorted.len() as f64;
    let most = sorted[0] - gap;
    let at = |shift: f64| {
        let rest: Vec<f64> = sorted.iter().map(|x| x - shift).collect();
        Shifted { shift, law: fitter(&rest) }
    };
    (most > 0.0).then(|| at(highest(0.0, most, 24, &|shift| ln_likelihood(&at(shift), sorted))))
}

/// The mean of one value or more.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn mean_ln(values: &[f64]) -> f64 {
    values.iter().map(|x| libm::log(*x)).sum::<f64>() / values.len() as f64
}

fn uniform(sorted: &[f64]) -> Law {
    Law::Uniform(sorted[0], sorted[sorted.len() - 1])
}

fn exponential(values: &[f64]) -> Law {
    Law::Exponential(mean(values))
}

fn log_normal(values: &[f64]) -> Law {
    let mu = mean_ln(values);
    let variance = values.iter().map(|x| (libm::log(*x) - mu).powi(2)).sum::<f64>() / values.len() as f64;
    Law::LogNormal(mu, variance.sqrt())
}

/// The shape solves Σ xᵏ ln x / Σ xᵏ − 1/k = mean of ln x, whose left side rises with k.
fn weibull(values: &[f64]) -> Law {
    let middle = mean_ln(values);
    // Logarithms about their mean keep the powers in range.
    let logs: Vec<f64> = values.iter().map(|x| libm::log(*x) - middle).collect();
    let slope = |ln_shape: f64| {
        let shape = libm::exp(ln_shape);
        let (weighted, sum) = logs.iter().fold((0.0, 0.0), |(weighted, sum), log| {
            let power = libm::exp(shape * log);
            (weighted + power * log, sum + power)
        });
        if sum.is_finite() { weighted / sum - 1.0 / shape } else { f64::INFINITY }
    };
    let shape = libm::exp(root(LN_SHAPES.0, LN_SHAPES.1, &slope));
    let power = logs.iter().map(|log| libm::exp(shape * log)).sum::<f64>() / logs.len() as f64;
    Law::Weibull(shape, libm::exp(middle + libm::log(power) / shape))
}

/// The shape solves ln k − ψ(k) = ln x̄ − mean of ln x, whose left side falls with k.
fn gamma(values: &[f64]) -> Law {
    let mean = mean(values);
    let gap = libm::log(mean) - mean_ln(values);
    let slope = |ln_shape: f64| gap - ln_shape + digamma(libm::exp(ln_shape));
    Law::Gamma(libm::exp(root(LN_SHAPES.0, LN_SHAPES.1, &slope)), mean)
}

fn pareto(sorted: &[f64]) -> Law {
    let min = sorted[0];
    Law::Pareto((1.0 / (mean_ln(sorted) - libm::log(min))).clamp(0.05, 1_000.0), min)
}

/// The `u`-quantile of sorted values, straight lines between them (type 7 of Hyndman and Fan 1996).
pub fn quantile(sorted: &[f64], u: f64) -> f64 {
    let place = u * (sorted.len() - 1) as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64)
}

/// The quartiles and the 95th percentile of values, none without values.
pub fn points(values: &[f64]) -> Option<[f64; 4]> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    (!sorted.is_empty()).then(|| [0.25, 0.5, 0.75, 0.95].map(|u| quantile(&sorted, u)))
}

fn table(sorted: &[f64]) -> Dist {
    Dist::Quantiles(TABLE.iter().map(|&u| (u, duration(quantile(sorted, u)))).collect())
}

#[cfg(test)]
mod tests;
