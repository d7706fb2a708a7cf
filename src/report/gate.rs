//! `--fail-if`: a comparison of one statistic of a result with a number, for pipelines that must fail when a manifest
//! would lose requests.
//!
//! A statistic that does not exist, because the metric happened in no replication, cannot be judged; a gate that cannot
//! be judged counts as held, so that no pipeline passes for want of an answer.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::result::{Named, Probability};
use super::{RunResult, Summary, number};
use crate::record::Metric;

/// `metric.stat op number`.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    quantity: Quantity,
    comparison: Comparison,
    limit: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Quantity {
    Metric(Metric, &'static str),
    AnyFailed(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
}

/// Longer signs first, so that `>=` is not read as `>`.
const COMPARISONS: [(&str, Comparison); 6] = [
    (">=", Comparison::GreaterOrEqual),
    ("<=", Comparison::LessOrEqual),
    ("==", Comparison::Equal),
    ("!=", Comparison::NotEqual),
    (">", Comparison::Greater),
    ("<", Comparison::Less),
];

const SHARE_STATS: [&str; 4] = ["estimate", "ci95_lo", "ci95_hi", "n"];

const ANY_FAILED: &str = "any_failed";

/// Why a text is not a gate.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ParseGateError {
    /// No comparison in it.
    #[error("expected 'metric.stat > number', such as 'failed.p95 > 0' or 'any_failed > 0.01'")]
    NoComparison,
    /// The metric has no such name.
    #[error("there is no metric '{0}'{1}")]
    UnknownMetric(String, Suggestion),
    /// A metric without its statistic.
    #[error("'{0}' needs a statistic, such as '{0}.mean' or '{0}.p95'; there are {list}", list = Summary::STATS.join(", "))]
    MissingStatistic(String),
    /// The statistic has no such name.
    #[error("there is no statistic '{0}'{1}")]
    UnknownStatistic(String, Suggestion),
    /// The limit is not a number.
    #[error("expected a number such as '0', '0.01' or '1%' after the comparison, found '{0}'")]
    NotANumber(String),
}

/// The nearest valid name, if one is near.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suggestion(Option<&'static str>);

impl fmt::Display for Suggestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |name| write!(f, "; did you mean '{name}'?"))
    }
}

fn nearest(name: &str, candidates: impl Iterator<Item = &'static str>) -> Suggestion {
    let scored = candidates.map(|candidate| (strsim::jaro_winkler(name, candidate), candidate));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0));
    Suggestion(best.filter(|(score, _)| *score > 0.8).map(|(_, candidate)| candidate))
}

impl FromStr for Gate {
    type Err = ParseGateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (place, sign, comparison) = find_comparison(text).ok_or(ParseGateError::NoComparison)?;
        let quantity = text[..place].trim().parse()?;
        Ok(Gate { quantity, comparison, limit: parse_limit(text[place + sign.len()..].trim())? })
    }
}

/// The first sign in the text; of two at the same place, the longer one.
fn find_comparison(text: &str) -> Option<(usize, &'static str, Comparison)> {
    let found = COMPARISONS.into_iter().filter_map(|(sign, comparison)| Some((text.find(sign)?, sign, comparison)));
    found.min_by_key(|(place, sign, _)| (*place, usize::MAX - sign.len()))
}

fn parse_limit(text: &str) -> Result<f64, ParseGateError> {
    let (digits, scale) = text.strip_suffix('%').map_or((text, 1.0), |digits| (digits.trim_end(), 0.01));
    let number = digits.parse::<f64>().ok().filter(|number| number.is_finite());
    number.map(|number| number * scale).ok_or_else(|| ParseGateError::NotANumber(text.to_owned()))
}

impl FromStr for Quantity {
    type Err = ParseGateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, stat) = text.split_once('.').map_or((text, None), |(name, stat)| (name, Some(stat)));
        if name == ANY_FAILED {
            return Ok(Quantity::AnyFailed(known(stat.unwrap_or("estimate"), &SHARE_STATS)?));
        }
        let metric = Metric::ALL.iter().copied().find(|metric| metric.name() == name);
        let names = Metric::ALL.iter().map(|metric| metric.name()).chain([ANY_FAILED]);
        let metric = metric.ok_or_else(|| ParseGateError::UnknownMetric(name.to_owned(), nearest(name, names)))?;
        let stat = stat.ok_or_else(|| ParseGateError::MissingStatistic(name.to_owned()))?;
        Ok(Quantity::Metric(metric, known(stat, &Summary::STATS)?))
    }
}

fn known(stat: &str, stats: &'static [&'static str]) -> Result<&'static str, ParseGateError> {
    let unknown = || ParseGateError::UnknownStatistic(stat.to_owned(), nearest(stat, stats.iter().copied()));
    stats.iter().copied().find(|known| *known == stat).ok_or_else(unknown)
}

/// What a gate looks at: a result, or a row of a sweep.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'a> {
    /// What it is called when a gate holds.
    pub name: &'a str,
    /// Its metrics.
    pub metrics: &'a Named<Option<Summary>>,
    /// Its probabilities.
    pub probability: &'a Probability,
}

impl Quantity {
    fn of(self, judged: Judged<'_>) -> Option<f64> {
        match self {
            Quantity::AnyFailed(stat) => judged.probability.any_failed.as_ref()?.stat(stat),
            Quantity::Metric(metric, stat) => match judged.metrics.get(metric.name()).and_then(Option::as_ref) {
                None => (stat == "n").then_some(0.0),
                Some(summary) => summary.stat(stat),
            },
        }
    }
}

impl Comparison {
    fn holds(self, value: f64, limit: f64) -> bool {
        let order = value.partial_cmp(&limit);
        match self {
            Comparison::Greater => order.is_some_and(|order| order.is_gt()),
            Comparison::GreaterOrEqual => order.is_some_and(|order| order.is_ge()),
            Comparison::Less => order.is_some_and(|order| order.is_lt()),
            Comparison::LessOrEqual => order.is_some_and(|order| order.is_le()),
            Comparison::Equal => order.is_some_and(|order| order.is_eq()),
            Comparison::NotEqual => order.is_some_and(|order| order.is_ne()),
        }
    }
}

impl Gate {
    /// Why the gate holds for this result, or nothing if it does not.
    pub fn held(&self, run: &RunResult) -> Option<String> {
        self.held_by(Judged { name: &run.scenario, metrics: &run.metrics, probability: &run.probability })
    }

    /// The same for anything that can be judged.
    pub fn held_by(&self, judged: Judged<'_>) -> Option<String> {
        match self.quantity.of(judged) {
            None => Some(format!("{}: '{self}' cannot be judged: there is no {}", judged.name, self.quantity)),
            Some(value) if self.comparison.holds(value, self.limit) => {
                Some(format!("{}: '{self}' holds: {} is {}", judged.name, self.quantity, number::text(value)))
            }
            Some(_) => None,
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Quantity::Metric(metric, stat) => write!(f, "{}.{stat}", metric.name()),
            Quantity::AnyFailed("estimate") => f.write_str(ANY_FAILED),
            Quantity::AnyFailed(stat) => write!(f, "{ANY_FAILED}.{stat}"),
        }
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign =
            COMPARISONS.iter().find(|(_, comparison)| *comparison == self.comparison).map_or("", |found| found.0);
        write!(f, "{} {sign} {}", self.quantity, number::text(self.limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::result::samples;

    fn check(gate: &str, failed: &[u32], expected: bool) {
        let run = samples::result("a", &samples::replications(failed));
        assert_eq!(gate.parse::<Gate>().unwrap().held(&run).is_some(), expected, "{gate}");
    }

    #[test]
    fn gates_compare() {
        check("failed.p95 > 0", &[0, 0], false);
        check("failed.p95 > 0", &[0, 3], true);
        check("failed.max>=3", &[0, 3], true);
        check("failed.max<3", &[0, 3], false);
        check("failed.mean == 1.5", &[0, 3], true);
        check("failed.n != 2", &[0, 3], false);
        check("any_failed > 0.01", &[0, 3], true);
        check("any_failed > 50%", &[0, 3], false);
        check("any_failed.ci95_hi > 1 %", &[0, 0], true);
    }

    #[test]
    fn what_cannot_be_judged_counts_as_held() {
        check("failure_span_s.max > 1", &[0, 0], true);
        check("failure_span_s.n > 0", &[0, 0], false);
        check("failed.ci95_hi > 9", &[5], true);
    }

    #[test]
    fn a_held_gate_says_why() {
        let run = samples::result("a", &samples::replications(&[0, 3]));
        let message = "failed.max>0".parse::<Gate>().unwrap().held(&run);
        assert_eq!(message.as_deref(), Some("a: 'failed.max > 0' holds: failed.max is 3"));
    }

    fn check_error(gate: &str, expected: &str) {
        assert_eq!(gate.parse::<Gate>().unwrap_err().to_string(), expected);
    }

    #[test]
    fn what_is_not_a_gate_is_refused_with_help() {
        check_error("failed.p95", "expected 'metric.stat > number', such as 'failed.p95 > 0' or 'any_failed > 0.01'");
        check_error("faild.p95 > 0", "there is no metric 'faild'; did you mean 'failed'?");
        check_error("failed.p99 > 0", "there is no statistic 'p99'; did you mean 'p95'?");
        check_error(
            "failed.p95 > many",
            "expected a number such as '0', '0.01' or '1%' after the comparison, found 'many'",
        );
        check_error(
            "failed.p95 > NaN",
            "expected a number such as '0', '0.01' or '1%' after the comparison, found 'NaN'",
        );
        assert!("failed > 0".parse::<Gate>().unwrap_err().to_string().starts_with("'failed' needs a statistic"));
    }
}
