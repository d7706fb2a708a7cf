//! `{ from = "0s", to = "10s", step = "1s" }`: values between two ends, in equal steps or equal factors, or any.

use super::{Coordinate, level, value};
use crate::scenario::log::Fault;
use crate::scenario::source::Span;
use crate::scenario::tree::{Entry, Node, Table, Value};
use crate::scenario::values::{Names, out_of_range, whole, wrong_type};
use crate::units::{IntOrPercent, Rate, SimDuration};

const KEYS: [&str; 5] = ["from", "to", "step", "count", "scale"];
const SCALE: Names<bool> = Names { built: &[("linear", false), ("log", true)], later: &[] };
const MOST_LEVELS: usize = 10_000;

/// What a number in a range stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nanoseconds.
    Duration,
    /// Events a second.
    Rate,
    /// Whole percent.
    Percent,
    Whole,
    Float,
}

/// Values of one kind between two ends.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Range {
    kind: Kind,
    from: f64,
    to: f64,
    log: bool,
    /// None: any value between the ends.
    levels: Option<Vec<f64>>,
}

impl Range {
    /// Whether a table means a range, right or wrong.
    pub(super) fn looks_like(table: &Table) -> bool {
        table.entries.iter().any(|entry| {
            KEYS.contains(&entry.key.as_str()) && !matches!(entry.node.value, Value::Table(_) | Value::Array(_))
        })
    }

    pub(super) fn levels(&self) -> Option<usize> {
        self.levels.as_ref().map(Vec::len)
    }

    pub(super) fn is_log(&self) -> bool {
        self.log
    }

    pub(super) fn quantity(&self) -> &'static str {
        self.kind.quantity()
    }

    /// The value at a coordinate, as if it stood at `at`.
    pub(super) fn node(&self, coordinate: Coordinate, at: Span) -> Node {
        let value = match (&self.levels, coordinate) {
            (Some(levels), coordinate) => levels[level(coordinate, levels.len())],
            (None, Coordinate::Share(share)) => self.at_share(share),
            (None, Coordinate::Level(_)) => self.from,
        };
        Node { at, value: self.kind.value(value) }
    }

    /// Whole numbers take equal shares of a linear range, both ends included.
    fn at_share(&self, share: f64) -> f64 {
        let discrete = matches!(self.kind, Kind::Whole | Kind::Percent) && !self.log;
        let value = if discrete {
            self.from + (share * (self.to - self.from + 1.0)).floor()
        } else {
            between(self.from, self.to, self.log, share)
        };
        self.kind.rounded(value).min(self.to)
    }
}

fn between(from: f64, to: f64, log: bool, share: f64) -> f64 {
    if log { from * libm::pow(to / from, share) } else { from + (to - from) * share }
}

impl Kind {
    /// The ending of a column with such numbers.
    pub(super) fn quantity(self) -> &'static str {
        match self {
            Kind::Duration => "_s",
            Kind::Rate => "_per_s",
            Kind::Percent => "_percent",
            Kind::Whole | Kind::Float => "",
        }
    }

    /// A number of this kind in the unit that [`Kind::quantity`] names.
    pub(super) fn in_unit(self, value: f64) -> f64 {
        if self == Kind::Duration { value / 1e9 } else { value }
    }

    fn rounded(self, value: f64) -> f64 {
        match self {
            Kind::Duration | Kind::Whole | Kind::Percent => value.round(),
            Kind::Rate | Kind::Float => value,
        }
    }

    fn value(self, value: f64) -> Value {
        match self {
            Kind::Duration => Value::Text(SimDuration::from_nanos_f64_rounded(value).to_string()),
            Kind::Rate => Value::Text(Rate::per_second(value).unwrap_or(Rate::ZERO).to_string()),
            Kind::Percent => Value::Text(format!("{value}%")),
            Kind::Whole => Value::Whole(format!("{value}"), Some(value as i128)),
            Kind::Float => Value::Float(format!("{value:?}"), Some(value)),
        }
    }
}

/// A value as a number of its kind.
pub(super) fn number(node: &Node) -> Option<(Kind, f64)> {
    match &node.value {
        Value::Whole(_, Some(value)) => Some((Kind::Whole, *value as f64)),
        Value::Float(_, Some(value)) if value.is_finite() => Some((Kind::Float, *value)),
        Value::Text(text) => text_number(text),
        _ => None,
    }
}

fn text_number(text: &str) -> Option<(Kind, f64)> {
    if let Ok(duration) = text.parse::<SimDuration>() {
        return Some((Kind::Duration, duration.as_nanos() as f64));
    }
    if let Ok(rate) = text.parse::<Rate>() {
        return Some((Kind::Rate, rate.as_per_second()));
    }
    match text.parse() {
        Ok(IntOrPercent::Percent(percent)) => Some((Kind::Percent, f64::from(percent))),
        _ => None,
    }
}

/// Reads the table of a range.
pub(super) fn range(table: &Table) -> Result<Range, Fault> {
    refuse_unknown(table)?;
    let (mut kind, from) = end(table, "from")?;
    let (other, to) = end(table, "to")?;
    if kind != other {
        kind = mixed(kind, other).ok_or_else(|| Fault::new("wrong-type", "goes from one kind of value to another"))?;
    }
    if from >= to {
        return Err(Fault::new("out-of-range", "must go from a smaller to a larger value"));
    }
    let log = table.get("scale").map(|entry| named(entry, |node| SCALE.parse(node))).transpose()?.unwrap_or(false);
    if log && from <= 0.0 {
        return Err(Fault::new("out-of-range", "has a logarithmic scale, which begins above zero"));
    }
    let mut range = Range { kind, from, to, log, levels: None };
    range.levels = levels(table, &range)?;
    Ok(range)
}

fn refuse_unknown(table: &Table) -> Result<(), Fault> {
    match table.entries.iter().find(|entry| !KEYS.contains(&entry.key.as_str())) {
        Some(entry) => {
            let message = format!("is a range with the keys {}, found `{}`", KEYS.join(", "), entry.key);
            Err(Fault::new("unknown-key", message).at(entry.at))
        }
        None => Ok(()),
    }
}

fn named<T>(entry: &Entry, parse: impl Fn(&Node) -> Result<T, Fault>) -> Result<T, Fault> {
    let fault = |fault: Fault| Fault { message: format!("has a `{}` that {}", entry.key, fault.message), ..fault };
    parse(&entry.node).map_err(|wrong| fault(wrong).at(entry.node.at))
}

fn end(table: &Table, name: &str) -> Result<(Kind, f64), Fault> {
    let missing = || Fault::new("missing-key", format!("is a range without `{name}`"));
    named(table.get(name).ok_or_else(missing)?, amount)
}

fn amount(node: &Node) -> Result<(Kind, f64), Fault> {
    number(node).ok_or_else(|| wrong_type("a number, a duration, a rate or a percentage", node))
}

/// Whole numbers and fractions go together.
fn mixed(one: Kind, other: Kind) -> Option<Kind> {
    let plain = |kind| matches!(kind, Kind::Whole | Kind::Float);
    (plain(one) && plain(other)).then_some(Kind::Float)
}

fn levels(table: &Table, range: &Range) -> Result<Option<Vec<f64>>, Fault> {
    let levels = match (table.get("step"), table.get("count")) {
        (None, None) => return Ok(None),
        (Some(step), Some(_)) => {
            return Err(Fault::new("conflict", "has both `step` and `count`: keep one").at(step.at));
        }
        (Some(step), None) => named(step, |node| by_step(node, range))?,
        (None, Some(count)) => named(count, |node| by_count(node, range))?,
    };
    if levels.windows(2).any(|pair| value::same_bits(pair[0], pair[1])) {
        return Err(Fault::new("out-of-range", "has more steps than there are values between its ends"));
    }
    Ok(Some(levels))
}

fn by_step(node: &Node, range: &Range) -> Result<Vec<f64>, Fault> {
    if range.log {
        return Err(Fault::new("conflict", "belongs to a linear scale: say `count`"));
    }
    let (kind, step) = amount(node)?;
    if kind != range.kind && mixed(kind, range.kind).is_none() || kind == Kind::Float && range.kind == Kind::Whole {
        return Err(Fault::new("wrong-type", "must be of the same kind as the ends"));
    }
    if step <= 0.0 {
        return Err(out_of_range("above zero", node));
    }
    // An end that is missed by a rounding error only is meant.
    let count = ((range.to - range.from) / step + 1e-9).floor();
    if count >= MOST_LEVELS as f64 {
        return Err(out_of_range(format!("so long that there are at most {MOST_LEVELS} values"), node));
    }
    let value = |index: usize| range.kind.rounded(decimal(range.from + index as f64 * step)).min(range.to);
    Ok((0..=count as usize).map(value).collect())
}

/// Three steps of 0.1 are 0.3, though not so in binary.
fn decimal(value: f64) -> f64 {
    format!("{value:.14e}").parse().unwrap_or(value)
}

fn by_count(node: &Node, range: &Range) -> Result<Vec<f64>, Fault> {
    let count: usize = whole(2..=MOST_LEVELS as i128)(node)?;
    let share = |index: usize| index as f64 / (count - 1) as f64;
    let inner = (0..count - 1).map(|index| between(range.from, range.to, range.log, share(index)));
    Ok(inner.chain([range.to]).map(|value| range.kind.rounded(value)).collect())
}
