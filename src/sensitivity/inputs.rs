//! Inputs of a scenario with their ranges: `KEY=LOW..HIGH` sets a dotted key, `delays.ID=xLOW..xHIGH` multiplies the
//! distribution that the scenario has for a delay. A point of a design becomes a list of `--set`, checked like any other.

use thiserror::Error;

use crate::dist::Dist;
use crate::model::spec::{DelayId, Scenario};
use crate::units::SimDuration;

/// An input with its range.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// The dotted key.
    pub key: String,
    range: Range,
}

#[derive(Debug, Clone, PartialEq)]
enum Range {
    /// Between two durations, uniform.
    Duration(SimDuration, SimDuration),
    /// Between two whole numbers, ends included.
    Whole(i64, i64),
    /// Between two numbers.
    Number(f64, f64),
    /// This distribution times a factor between two; the factor is uniform in its logarithm, so that half and twice weigh the
    /// same.
    Factor(Box<Dist>, f64, f64),
}

/// What is wrong with a `--vary`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("--vary {text}: {why}")]
pub struct VaryError {
    text: String,
    why: String,
}

impl Input {
    /// Reads `KEY=LOW..HIGH`; a factor is of the delay that `scenario` has.
    pub fn parse(text: &str, scenario: &Scenario) -> Result<Input, VaryError> {
        let wrong = |why: String| VaryError { text: text.to_owned(), why };
        let parts = text.split_once('=').and_then(|(key, range)| Some((key, range.split_once("..")?)));
        let (key, (low, high)) = parts.ok_or_else(|| wrong("expected KEY=LOW..HIGH".to_owned()))?;
        let range = match (low.strip_prefix('x'), high.strip_prefix('x')) {
            (Some(low), Some(high)) => factor(key, low, high, scenario),
            _ => range(low, high),
        };
        Ok(Input { key: key.trim().to_owned(), range: range.map_err(wrong)? })
    }

    /// Reads all, each key once: a second range would take the place of the first at every point.
    pub fn parse_all(texts: &[String], scenario: &Scenario) -> Result<Vec<Input>, VaryError> {
        let mut all: Vec<Input> = Vec::new();
        for text in texts {
            let input = Input::parse(text, scenario)?;
            if all.iter().any(|other| other.key == input.key) {
                let why = format!("{} is varied already; give one range of it", input.key);
                return Err(VaryError { text: text.clone(), why });
            }
            all.push(input);
        }
        Ok(all)
    }

    /// What `--set` has to say for the place `u` between 0 and 1 of the range.
    pub fn set(&self, u: f64) -> String {
        let between = |low: f64, high: f64| low + (high - low) * u;
        let value = match &self.range {
            Range::Duration(low, high) => {
                let nanos = between(low.as_nanos() as f64, high.as_nanos() as f64);
                format!("\"{}\"", SimDuration::from_nanos_f64_rounded(nanos))
            }
            Range::Whole(low, high) => {
                let count = (high - low + 1) as f64;
                (low + ((u * count) as i64).min(high - low)).to_string()
            }
            Range::Number(low, high) => format!("{:?}", between(*low, *high)),
            Range::Factor(dist, low, high) => {
                dist.scaled(libm::exp(between(libm::log(*low), libm::log(*high)))).to_string()
            }
        };
        format!("{}={value}", self.key)
    }

    /// The range in words.
    pub fn range(&self) -> String {
        match &self.range {
            Range::Duration(low, high) => format!("{low} to {high}"),
            Range::Whole(low, high) => format!("{low} to {high}"),
            Range::Number(low, high) => format!("{low} to {high}"),
            Range::Factor(_, low, high) => format!("× {low} to × {high}"),
        }
    }
}

fn range(low: &str, high: &str) -> Result<Range, String> {
    if let (Ok(low), Ok(high)) = (low.parse::<i64>(), high.parse::<i64>()) {
        return ordered(low, high, Range::Whole(low, high));
    }
    if let (Ok(low), Ok(high)) = (low.parse::<SimDuration>(), high.parse::<SimDuration>()) {
        return ordered(low, high, Range::Duration(low, high));
    }
    match (low.parse::<f64>(), high.parse::<f64>()) {
        (Ok(low), Ok(high)) if low.is_finite() && high.is_finite() => ordered(low, high, Range::Number(low, high)),
        _ => Err("both ends have to be durations such as 10s, numbers, or factors such as x0.5".to_owned()),
    }
}

fn ordered<T: PartialOrd>(low: T, high: T, range: Range) -> Result<Range, String> {
    if low < high { Ok(range) } else { Err("the low end has to be below the high end".to_owned()) }
}

fn factor(key: &str, low: &str, high: &str, scenario: &Scenario) -> Result<Range, String> {
    let id = key.strip_prefix("delays.").and_then(DelayId::by_name);
    let id = id.ok_or_else(|| "a factor is for a key of [delays], such as delays.kp_sync".to_owned())?;
    let number = |text: &str| text.parse::<f64>().ok().filter(|factor| *factor > 0.0 && *factor <= 1e6);
    let ends = number(low).zip(number(high)).ok_or_else(|| "a factor is a number above 0, such as x0.5".to_owned())?;
    let dist = scenario.delays.get(id).clone();
    if dist.is_zero() {
        return Err(format!("{key} is zero in this scenario, whatever it is multiplied by; give two durations"));
    }
    ordered(ends.0, ends.1, Range::Factor(Box::new(dist), ends.0, ends.1))
}

/// The inputs of a scenario if none are said: each delay that is not zero, from half to twice, and kube-proxy's minimum sync
/// period from 0 s to 10 s.
pub fn defaults(scenario: &Scenario) -> Vec<Input> {
    let delay = |id: &DelayId| {
        let dist = scenario.delays.get(*id).clone();
        (!dist.is_zero() && ![DelayId::KpSyncSpread, DelayId::NodeLoad, DelayId::Contention].contains(id))
            .then(|| Input { key: format!("delays.{}", id.name()), range: Range::Factor(Box::new(dist), 0.5, 2.0) })
    };
    let period = Range::Duration(SimDuration::ZERO, SimDuration::from_secs(10));
    let period = Input { key: "kube_proxy.min_sync_period".to_owned(), range: period };
    std::iter::once(period).chain(DelayId::ALL.iter().filter_map(delay)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, u: f64, expected: &str) {
        let scenario = crate::scenario::defaults("test");
        assert_eq!(Input::parse(text, &scenario).unwrap().set(u), expected);
    }

    #[test]
    fn a_place_in_a_range_is_a_set() {
        check("pod.pre_stop.sleep=0s..10s", 0.25, "pod.pre_stop.sleep=\"2.5s\"");
        check("deployment.replicas=2..5", 0.0, "deployment.replicas=2");
        check("deployment.replicas=2..5", 0.999, "deployment.replicas=5");
        check(
            "delays.watch_hop=x0.5..x2",
            1.0,
            "delays.watch_hop={ lognormal = { median = \"16ms\", p99 = \"120ms\" } }",
        );
    }

    #[test]
    fn what_is_no_range_is_refused_with_a_reason() {
        let scenario = crate::scenario::defaults("test");
        for (text, why) in [
            ("a", "KEY=LOW..HIGH"),
            ("a=1..", "both ends"),
            ("a=2s..1s", "below"),
            ("pod.boot=x1..x2", "[delays]"),
            ("delays.unroute=x1..x2", "zero"),
            ("delays.kp_sync=x0..x2", "above 0"),
        ] {
            let error = Input::parse(text, &scenario).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    /// The first was overwritten at each point and reported as without effect.
    #[test]
    fn the_same_input_twice_is_refused() {
        let scenario = crate::scenario::defaults("test");
        let texts = ["delays.sandbox=1s..2s", "delays.stop=1s..2s", "delays.sandbox =1s..3s"].map(str::to_owned);
        let error = Input::parse_all(&texts, &scenario).unwrap_err().to_string();
        assert!(error.contains("delays.sandbox is varied already"), "{error}");
        assert_eq!(Input::parse_all(&texts[..2], &scenario).unwrap().len(), 2);
    }

    #[test]
    fn every_default_settles_at_both_ends() {
        let scenario = crate::scenario::defaults("test");
        let inputs = defaults(&scenario);
        assert!(inputs.len() > 10);
        assert!(inputs.iter().all(|input| input.set(0.0) != input.set(1.0)));
    }
}
