//! Delays that were measured only as a sum: log-normal parts are convolved on a grid, and a common factor on their
//! medians and one on their spreads are fitted by maximum likelihood.
//!
//! The likelihood is that of values known to the grid's step. Watch stamps are late by some ms up to some tens of ms
//! (README of the measurements, "Clocks"), so a value below [`STAMP_S`], negative ones included, says only "at most
//! [`STAMP_S`]": it is censored there, not dropped and not taken at its word.

use super::ks::Ks;
use super::law::normal_cdf;
use super::search::peak2;

/// Stamps of two watches differ by about so many seconds: what is below is censored.
pub const STAMP_S: f64 = 0.010;

/// Step of the grid, seconds.
const STEP_S: f64 = 0.001;

/// Factors looked at, as logarithms: a twentieth to twenty times for medians, a quarter to eight times for spreads.
const FACTORS: ((f64, f64), (f64, f64)) = ((-3.0, 3.0), (-1.4, 2.1));

/// One log-normal part of a sum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// Mean of the logarithm (seconds).
    pub mu: f64,
    /// Standard deviation of the logarithm.
    pub sigma: f64,
    /// How often the part occurs in the sum, each time drawn anew.
    pub times: u32,
}

impl Part {
    /// With the median multiplied by `factor` and the standard deviation of the logarithm by `spread`.
    pub fn scaled(self, factor: f64, spread: f64) -> Part {
        Part { mu: self.mu + libm::log(factor), sigma: self.sigma * spread, times: self.times }
    }
}

/// Probabilities on the grid; the last one holds everything above.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid(Vec<f64>);

impl Grid {
    /// Certainly zero, on a grid that reaches twice as far as the largest of the values.
    pub fn zero(values: &[f64]) -> Grid {
        let most = values.iter().copied().fold(0.1, f64::max);
        let mut masses = vec![0.0; cell(2.0 * most) + 1];
        masses[0] = 1.0;
        Grid(masses)
    }

    /// The sum of this and the parts.
    pub fn plus(&self, parts: &[Part]) -> Grid {
        parts.iter().flat_map(|part| (0..part.times).map(move |_| part)).fold(self.clone(), |sum, part| sum.with(part))
    }

    fn with(&self, part: &Part) -> Grid {
        let (masses, last) = (self.masses_of(part), self.0.len() - 1);
        let mut sum = vec![0.0; self.0.len()];
        for (from, mass) in self.0.iter().enumerate().filter(|(_, mass)| **mass > 1e-12) {
            let room = last - from;
            sum[from..last].iter_mut().zip(&masses).for_each(|(cell, part)| *cell += mass * part);
            sum[last] += mass * masses[room..].iter().sum::<f64>();
        }
        Grid(sum)
    }

    /// A cell holds what lies within half a step of it, so that sums of cells are unbiased.
    fn masses_of(&self, part: &Part) -> Vec<f64> {
        let below = |cell: usize| normal_cdf((libm::log((cell as f64 + 0.5) * STEP_S) - part.mu) / part.sigma);
        let last = self.0.len() - 1;
        let edges: Vec<f64> = (0..last).map(below).chain([1.0]).collect();
        let inner = edges.windows(2).map(|pair| pair[1] - pair[0]);
        std::iter::once(edges[0]).chain(inner).collect()
    }

    /// The probability of at most `x` seconds.
    pub fn cdf(&self, x: f64) -> f64 {
        let place = (x / STEP_S - 0.5).max(0.0);
        let whole = (place.floor() as usize).min(self.0.len() - 1);
        let next = self.0.get(whole + 1).copied().unwrap_or(0.0);
        self.0[..=whole].iter().sum::<f64>() + next * (place - whole as f64).min(1.0)
    }

    /// The value in seconds below which a share `u` lies.
    pub fn quantile(&self, u: f64) -> f64 {
        super::search::root(0.0, self.0.len() as f64 * STEP_S, &|x| self.cdf(x) - u)
    }

    fn ln_likelihood(&self, counts: &Counts) -> f64 {
        let censored: f64 = self.0[..=cell(STAMP_S)].iter().sum();
        let ln = |mass: f64| libm::log(mass.max(1e-300));
        let seen = counts.seen.iter().map(|cell| ln(self.0[(*cell).min(self.0.len() - 1)]));
        seen.sum::<f64>() + counts.censored as f64 * ln(censored)
    }

    /// How far values are from this; those at or below [`STAMP_S`] are one step of both distribution functions.
    pub fn distance(&self, values: &[f64]) -> Ks {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let n = sorted.len() as f64;
        let censored = sorted.partition_point(|value| *value <= STAMP_S);
        let gap = |(index, x): (usize, &f64)| {
            let at = self.cdf(*x);
            ((index as f64 + 1.0) / n - at).abs().max((index as f64 / n - at).abs())
        };
        let seen = sorted.iter().enumerate().skip(censored).map(gap);
        let first = (censored as f64 / n - self.cdf(STAMP_S)).abs();
        Ks::of(seen.fold(first, f64::max), sorted.len())
    }
}

/// The values as cells of the grid.
#[derive(Debug)]
struct Counts {
    seen: Vec<usize>,
    censored: usize,
}

fn counts(values: &[f64]) -> Counts {
    let seen: Vec<usize> = values.iter().filter(|value| **value > STAMP_S).map(|value| cell(*value)).collect();
    Counts { censored: values.len() - seen.len(), seen }
}

fn cell(seconds: f64) -> usize {
    (seconds / STEP_S).round() as usize
}

/// The common factors on median and spread of `parts` that make `known` and the parts most likely.
pub fn factors(known: &Grid, parts: &[Part], values: &[f64]) -> (f64, f64) {
    let counts = counts(values);
    let likelihood = |ln_factor: f64, ln_spread: f64| {
        let (factor, spread) = (libm::exp(ln_factor), libm::exp(ln_spread));
        let scaled: Vec<Part> = parts.iter().map(|part| part.scaled(factor, spread)).collect();
        known.plus(&scaled).ln_likelihood(&counts)
    };
    let (ln_factor, ln_spread) = peak2(FACTORS.0, FACTORS.1, &likelihood);
    (libm::exp(ln_factor), libm::exp(ln_spread))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::Dist;
    use crate::engine::StreamKey;

    const FIRST: Part = Part { mu: -4.8, sigma: 0.8, times: 2 };
    const SECOND: Part = Part { mu: -5.1, sigma: 0.8, times: 1 };

    fn sums(parts: &[Part]) -> Vec<f64> {
        let mut stream = StreamKey { seed: 7, replication: 0 }.stream("test", "chain", 0);
        let dists: Vec<(Dist, u32)> =
            parts.iter().map(|part| (crate::calibrate::law::lognormal(part.mu, part.sigma), part.times)).collect();
        let mut draw = || {
            dists
                .iter()
                .map(|(dist, times)| (0..*times).map(|_| dist.draw(&mut stream).as_secs_f64()).sum::<f64>())
                .sum()
        };
        (0..3_000).map(|_| draw()).collect()
    }

    /// Factor 1.5 on the medians within 5 %, 0.7 on the spreads within 10 %; the fitted sum is not rejected.
    #[test]
    fn common_factors_are_found_again() {
        let values = sums(&[FIRST.scaled(1.5, 0.7), SECOND.scaled(1.5, 0.7)]);
        let zero = Grid::zero(&values);
        let (factor, spread) = factors(&zero, &[FIRST, SECOND], &values);
        assert!((factor / 1.5 - 1.0).abs() < 0.05 && (spread / 0.7 - 1.0).abs() < 0.1, "{factor} {spread}");
        let sum = zero.plus(&[FIRST.scaled(factor, spread), SECOND.scaled(factor, spread)]);
        assert!(sum.distance(&values).p > 0.01, "{:?}", sum.distance(&values));
    }

    /// The second part is found when the first is known.
    #[test]
    fn what_a_known_part_leaves_is_found() {
        let values = sums(&[FIRST, SECOND.scaled(2.0, 1.0)]);
        let (factor, _) = factors(&Grid::zero(&values).plus(&[FIRST]), &[SECOND], &values);
        assert!((factor / 2.0 - 1.0).abs() < 0.1, "{factor}");
    }
}
