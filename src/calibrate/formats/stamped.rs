//! From differences of stamps to a delay: with the full choice of families if the stamps are exact, as a log-normal if
//! they are not, and with no more than they can say.

use crate::calibrate::interval::{Known, log_normal_of, median_of, shows_median, shows_spread};
use crate::calibrate::law::{Law, Shifted};
use crate::calibrate::{Estimate, fit};
use crate::dist::{Dist, normal_quantile};
use crate::model::spec::{ClusterSize, DelayId, NodeDelays};
use crate::units::Version;

/// A log-normal by the mean and the standard deviation of its logarithm (seconds), and what to know of the fit.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LogNormal {
    pub(super) mu: f64,
    pub(super) sigma: f64,
    pub(super) note: &'static str,
}

/// The log-normal that the values show. Values that may all be the same one show only a median; the spread is then that
/// of the default of `id`. None if they do not show even that, or are fewer than [`fit::FEWEST`].
pub(super) fn log_normal(id: DelayId, values: &[Known]) -> Option<LogNormal> {
    if values.len() < fit::FEWEST || !shows_median(values) {
        return None;
    }
    if shows_spread(values) {
        let (mu, sigma) = log_normal_of(values)?;
        return Some(LogNormal { mu, sigma, note: "stamps in whole seconds" });
    }
    let sigma = default_sigma(id)?;
    let note = "stamps in whole seconds, too coarse to show a spread: it is the default's";
    Some(LogNormal { mu: median_of(values, sigma)?, sigma, note })
}

fn default_sigma(id: DelayId) -> Option<f64> {
    let defaults = NodeDelays::defaults(ClusterSize::Small, Version::minor(20));
    let Dist::LogNormal(default) = defaults.get(id) else { return None };
    Some(libm::log(default.p99.as_secs_f64() / default.median.as_secs_f64()) / normal_quantile(0.99))
}

/// A delay that is a log-normal.
pub(super) fn of_log_normal(id: DelayId, segment: &str, law: &LogNormal) -> Estimate {
    let note = law.note.to_owned();
    let law = Shifted::plain(Law::LogNormal(law.mu, law.sigma));
    let fitted = Some((law.quantile(0.5), law.quantile(0.95)));
    Estimate { fitted, note, ..Estimate::new(id, segment, law.name(), law.dist()) }
}

/// A delay from differences of stamps, or a sentence on why there is none. Negative ones come from clocks that differ:
/// they are left out and counted.
pub(super) fn estimate(id: DelayId, segment: &str, values: &[Known]) -> Result<Estimate, String> {
    let good: Vec<Known> = values.iter().copied().filter(is_possible).collect();
    let exact: Vec<f64> = good.iter().filter_map(exact).collect();
    let found = if exact.len() == good.len() { of_exact(id, segment, &exact) } else { of_coarse(id, segment, &good) };
    let found = found.ok_or_else(|| missing(id, segment, good.len()))?;
    Ok(Estimate { n: good.len(), left_out: values.len() - good.len(), ..found })
}

fn missing(id: DelayId, segment: &str, n: usize) -> String {
    format!("no {}: {n} values of {segment} are too few, or lie within one second", id.name())
}

/// Not below zero: its upper end, or the difference of its whole seconds.
fn is_possible(value: &Known) -> bool {
    match value {
        Known::Between(between) => between.high > 0.0,
        Known::WholeSeconds(seconds) => *seconds >= 0,
    }
}

/// The value in seconds of stamps in microseconds.
fn exact(value: &Known) -> Option<f64> {
    let (low, high) = value.ends();
    (high - low < 1e-5).then(|| f64::midpoint(low, high))
}

fn of_coarse(id: DelayId, segment: &str, values: &[Known]) -> Option<Estimate> {
    let found = of_log_normal(id, segment, &log_normal(id, values)?);
    Some(Estimate { censored: values.len(), ..found })
}

/// Of values in seconds, each above zero.
pub(super) fn of_exact(id: DelayId, segment: &str, values: &[f64]) -> Option<Estimate> {
    let fit = fit::fit(values)?;
    let note =
        if fit.empirical { format!("no family fits, nearest {}", fit.candidates[0].law.name()) } else { String::new() };
    Some(Estimate {
        n: values.len(),
        ks: Some(fit.ks),
        aic: Some(fit.candidates[0].aic),
        measured: fit::points(values),
        fitted: Some(fit.fitted),
        note,
        ..Estimate::new(id, segment, fit.name(), fit.dist)
    })
}
