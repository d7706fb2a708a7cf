//! Parsers of single values. Each gives the value or says what it expected, what it found, and how to mend it.

use std::fmt::Display;
use std::ops::RangeInclusive;

use crate::scenario::log::Fault;
use crate::scenario::suggest;
use crate::scenario::tree::{Node, Table, Value, shortened};
use crate::units::{IntOrPercent, KernelVersion, ParseDurationError, Rate, SimDuration, Version};

/// No run lasts longer, so no interval in it needs to.
pub(super) const DAY: SimDuration = SimDuration::from_secs(86_400);

/// Below this an interval would be shorter than anything the model tells apart, and repeating it would never end.
pub(super) const SHORTEST: SimDuration = SimDuration::from_millis(1);

/// Requests, changes or connections a second that a run can still get through.
const HIGHEST_RATE: f64 = 1e6;

/// Below one an hour the gaps of many connections that share a rate would leave the range of simulated time.
const LOWEST_RATE: f64 = 1.0 / 3600.0;

/// `expected`, and what stands there instead.
pub(super) fn wrong_type(expected: &str, node: &Node) -> Fault {
    Fault::new("wrong-type", format!("must be {expected}, found {}", node.describe()))
}

/// A value outside its limits; `limit` continues "must be".
pub(super) fn out_of_range(limit: impl Display, node: &Node) -> Fault {
    Fault::new("out-of-range", format!("must be {limit}, found {}", node.describe()))
}

/// A string.
pub(super) fn text(node: &Node) -> Result<String, Fault> {
    match &node.value {
        Value::Text(text) => Ok(text.clone()),
        // In a `--set` a word that looks like a number is still a word: the shell has taken the quotes.
        Value::Whole(text, _) | Value::Float(text, _) if node.at.text > 0 => Ok(text.clone()),
        Value::Whole(text, _) | Value::Float(text, _) => {
            Err(wrong_type("a string", node).help(format!("put it in quotes: \"{text}\"")))
        }
        _ => Err(wrong_type("a string", node)),
    }
}

/// `true` or `false`.
pub(super) fn truth(node: &Node) -> Result<bool, Fault> {
    match &node.value {
        Value::Bool(value) => Ok(*value),
        Value::Text(text) if text == "true" || text == "false" => {
            Err(wrong_type("`true` or `false`", node).help(format!("without quotes: {text}")))
        }
        _ => Err(wrong_type("`true` or `false`", node)),
    }
}

/// A whole number within limits.
pub(super) fn whole<N: TryFrom<i128>>(limits: RangeInclusive<i128>) -> impl Fn(&Node) -> Result<N, Fault> {
    move |node| {
        let Value::Whole(_, value) = node.value else {
            return Err(not_a_whole_number(node));
        };
        let (low, high) = (*limits.start(), *limits.end());
        match value {
            Some(value) if value < low => Err(out_of_range(format!("at least {low}"), node)),
            Some(value) if value <= high => N::try_from(value).map_err(|_| too_high(high, node)),
            _ => Err(too_high(high, node)),
        }
    }
}

fn too_high(high: i128, node: &Node) -> Fault {
    out_of_range(format!("at most {high}"), node)
}

fn not_a_whole_number(node: &Node) -> Fault {
    let fault = wrong_type("a whole number", node);
    match &node.value {
        Value::Text(text) if text.parse::<i128>().is_ok() => fault.help(format!("without quotes: {text}")),
        _ => fault,
    }
}

/// A finite number within limits, with or without a fraction.
pub(super) fn number(limits: RangeInclusive<f64>) -> impl Fn(&Node) -> Result<f64, Fault> {
    move |node| {
        let value = match node.value {
            Value::Whole(_, value) => value.map(|value| value as f64),
            Value::Float(_, value) => value,
            _ => return Err(wrong_type("a number", node)),
        };
        let (low, high) = (limits.start(), limits.end());
        let fault = || out_of_range(format!("a number from {low} to {high}"), node);
        value.filter(|value| limits.contains(value)).ok_or_else(fault)
    }
}

/// An interval of at most a day.
pub(super) fn duration(node: &Node) -> Result<SimDuration, Fault> {
    duration_in(SimDuration::ZERO..=DAY)(node)
}

/// An interval of at least a millisecond and at most a day.
pub(super) fn period(node: &Node) -> Result<SimDuration, Fault> {
    duration_in(SHORTEST..=DAY)(node)
}

/// An interval as long as units allow.
pub(super) fn any_duration(node: &Node) -> Result<SimDuration, Fault> {
    duration_in(SimDuration::ZERO..=SimDuration::MAX)(node)
}

fn duration_in(limits: RangeInclusive<SimDuration>) -> impl Fn(&Node) -> Result<SimDuration, Fault> {
    move |node| {
        let value = unlimited_duration(node)?;
        let (low, high) = (*limits.start(), *limits.end());
        if value < low {
            return Err(out_of_range(format!("at least \"{low}\""), node));
        }
        if value > high {
            let help = format!("no run is longer than a day: \"{high}\" means for ever");
            return Err(out_of_range(format!("at most \"{high}\""), node).help(help));
        }
        Ok(value)
    }
}

fn unlimited_duration(node: &Node) -> Result<SimDuration, Fault> {
    match &node.value {
        Value::Text(text) => text.parse().map_err(|error| not_a_duration(&error, node)),
        Value::Whole(text, _) | Value::Float(text, _) if text.starts_with('-') => {
            Err(out_of_range("a duration, which cannot be negative", node))
        }
        Value::Whole(text, _) | Value::Float(text, _) => Err(missing_unit(text, node)),
        _ => Err(wrong_type("a duration such as \"10s\" or \"250ms\"", node)),
    }
}

fn not_a_duration(error: &ParseDurationError, node: &Node) -> Fault {
    match error {
        ParseDurationError::MissingUnit(number) => missing_unit(number, node),
        ParseDurationError::Negative => out_of_range("a duration, which cannot be negative", node),
        ParseDurationError::TooLong => out_of_range("at most 100 years", node),
        ParseDurationError::Malformed => wrong_duration(node),
    }
}

fn wrong_duration(node: &Node) -> Fault {
    Fault::new("bad-duration", format!("must be a duration such as \"10s\", found {}", node.describe()))
        .help("a duration is a number with a unit: \"250ms\", \"1.5s\", \"1m30s\"; units are ns, us, ms, s, m, h, d")
}

fn missing_unit(number: &str, node: &Node) -> Fault {
    let fault = Fault::new("missing-unit", format!("must be a duration with a unit, found {}", node.describe()));
    let finite = number.parse::<f64>().is_ok_and(f64::is_finite);
    if finite { fault.help(format!("write \"{}s\" or \"{0}ms\"", shortened(number))) } else { fault }
}

/// Events a second: at least one an hour, at most a million a second.
pub(super) fn rate(node: &Node) -> Result<Rate, Fault> {
    let rate = unlimited_rate(node)?;
    if rate.as_per_second() < LOWEST_RATE {
        return Err(out_of_range("at least 1/h", node));
    }
    if rate.as_per_second() > HIGHEST_RATE { Err(out_of_range("at most 1000000/s", node)) } else { Ok(rate) }
}

/// Events a second, perhaps none: `"0/s"`, or `"0s"` as for the delays beside it.
pub(super) fn rate_or_none(node: &Node) -> Result<Rate, Fault> {
    match &node.value {
        Value::Text(text) if text == "0s" || text == "0/s" || text == "0" => Ok(Rate::ZERO),
        _ => rate(node),
    }
}

fn unlimited_rate(node: &Node) -> Result<Rate, Fault> {
    const EXPECTED: &str = "a rate such as \"500/s\" or \"30/m\"";
    match &node.value {
        Value::Text(text) if text.starts_with('-') => Err(out_of_range("a rate, which cannot be negative", node)),
        Value::Text(text) => {
            text.parse().map_err(|_| Fault::new("bad-rate", format!("must be {EXPECTED}, found {}", node.describe())))
        }
        Value::Whole(text, _) | Value::Float(text, _) => {
            let message = format!("must be a rate with a unit, found {}", node.describe());
            Err(Fault::new("missing-unit", message).help(format!("write \"{}/s\"", shortened(text))))
        }
        _ => Err(wrong_type(EXPECTED, node)),
    }
}

/// A number of pods or a share of the replicas.
pub(super) fn pods_or_share(most_percent: u32) -> impl Fn(&Node) -> Result<IntOrPercent, Fault> {
    move |node| match &node.value {
        Value::Whole(..) => whole(0..=10_000)(node).map(IntOrPercent::Int),
        Value::Text(text) => share(text, node, most_percent),
        _ => Err(wrong_type("a whole number such as 1 or a percentage such as \"25%\"", node)),
    }
}

fn share(text: &str, node: &Node, most: u32) -> Result<IntOrPercent, Fault> {
    match text.parse() {
        Ok(IntOrPercent::Percent(percent)) if percent <= most => Ok(IntOrPercent::Percent(percent)),
        Ok(IntOrPercent::Percent(_)) => Err(out_of_range(format!("at most \"{most}%\""), node)),
        Ok(IntOrPercent::Int(number)) => {
            Err(wrong_type("a whole number or a percentage", node).help(format!("write {number} or \"{number}%\"")))
        }
        Err(error) => Err(Fault::new("bad-value", format!("is wrong: {error}, found {}", node.describe()))),
    }
}

/// A Kubernetes version.
pub(super) fn version(node: &Node) -> Result<Version, Fault> {
    let found = |error| Fault::new("bad-version", format!("is wrong: {error}, found {}", node.describe()));
    text(node)?.parse().map_err(found)
}

/// A Linux kernel version.
pub(super) fn kernel(node: &Node) -> Result<KernelVersion, Fault> {
    let found = |error| Fault::new("bad-version", format!("is wrong: {error}, found {}", node.describe()));
    text(node)?.parse().map_err(found)
}

/// The names of an enum's values in scenario files, in both directions.
#[derive(Debug)]
pub(super) struct Names<T: 'static> {
    /// What the model has.
    pub(super) built: &'static [(&'static str, T)],
    /// What the design names but this version does not model.
    pub(super) later: &'static [&'static str],
}

impl<T: Copy + PartialEq> Names<T> {
    /// The value of a name.
    pub(super) fn parse(&self, node: &Node) -> Result<T, Fault> {
        let Value::Text(name) = &node.value else {
            return Err(wrong_type(&format!("one of {}", self.list()), node));
        };
        match self.built.iter().find(|(known, _)| known == name) {
            Some((_, value)) => Ok(*value),
            None if self.later.contains(&name.as_str()) => Err(self.not_modelled(name)),
            None => Err(self.unknown(name, node)),
        }
    }

    /// The name of a value.
    pub(super) fn of(&self, value: T) -> &'static str {
        self.built.iter().find(|(_, known)| *known == value).map_or("", |(name, _)| name)
    }

    fn not_modelled(&self, name: &str) -> Fault {
        not_modelled(&format!("= \"{name}\"")).help(format!("this version has {}", self.list()))
    }

    fn unknown(&self, name: &str, node: &Node) -> Fault {
        let fault = Fault::new("unknown-name", format!("must be one of {}, found {}", self.list(), node.describe()));
        let known = self.built.iter().map(|(known, _)| *known).chain(self.later.iter().copied());
        match suggest::nearest(&suggest::snake_case(name), known) {
            Some(near) => fault.help(format!("did you mean \"{near}\"?")),
            None => fault,
        }
    }

    fn list(&self) -> String {
        let names: Vec<String> = self.built.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        names.join(", ")
    }
}

/// Something the design has and this version has not.
pub(super) fn not_modelled(what: &str) -> Fault {
    Fault::new("not-modelled", format!("{what} is not modelled in this version").trim_start().to_owned())
}

/// The elements of an array.
pub(super) fn items<'a>(node: &'a Node, expected: &str) -> Result<&'a [Node], Fault> {
    match &node.value {
        Value::Array(items) => Ok(items),
        _ => Err(wrong_type(expected, node)),
    }
}

/// The elements of an array of exactly this many.
pub(super) fn exactly<'a, const N: usize>(node: &'a Node, expected: &str) -> Result<&'a [Node; N], Fault> {
    let items = items(node, expected)?;
    let wrong = || Fault::new("wrong-length", format!("must be {expected}, found an array of {}", items.len()));
    items.try_into().map_err(|_| wrong())
}

/// A table.
pub(super) fn table<'a>(node: &'a Node, expected: &str) -> Result<&'a Table, Fault> {
    match &node.value {
        Value::Table(table) => Ok(table),
        _ => Err(wrong_type(expected, node)),
    }
}
