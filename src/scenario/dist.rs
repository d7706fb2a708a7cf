//! A distribution from a TOML value: a duration, or a table of one key that names the kind. The same text that
//! [`Dist`] prints.

use crate::dist::{Dist, LogNormal};
use crate::scenario::log::Fault;
use crate::scenario::suggest;
use crate::scenario::tree::{Entry, Node, Table, Value};
use crate::scenario::values::{DAY, duration, exactly, items, number, table};
use crate::units::SimDuration;

const KINDS: [&str; 10] =
    ["uniform", "exponential", "lognormal", "weibull", "pareto", "triangular", "gamma", "quantiles", "sum", "grid"];

/// Sharper or flatter than this is no shape anybody measured, and its powers leave the range of a double.
const SHAPES: std::ops::RangeInclusive<f64> = 0.05..=1000.0;

/// So that no sum of draws leaves the range of simulated time.
const MOST_PARTS: usize = 100;

/// A duration or a distribution of one.
pub(super) fn dist(node: &Node) -> Result<Dist, Fault> {
    match &node.value {
        Value::Table(table) => one_kind(table).and_then(of_kind),
        Value::Array(_) => Err(neither(node)),
        _ => duration(node).map(Dist::Constant),
    }
}

/// A number or a distribution of numbers, each as so many seconds.
pub(super) fn factor(node: &Node) -> Result<Dist, Fault> {
    dist(&in_seconds(node)).map_err(|fault| {
        let message = match &node.value {
            Value::Array(_) | Value::Table(_) => fault.message.replace("duration", "number"),
            _ => format!("must be a number from 0 on or a distribution of numbers, found {}", node.describe()),
        };
        Fault { message, ..fault }.help("write 2.5 or { lognormal = { median = 1, p99 = 20 } }")
    })
}

/// The numbers of a distribution of factors as durations; shapes and probabilities stay numbers, and what is written as a
/// duration becomes wrong.
fn in_seconds(node: &Node) -> Node {
    let value = match &node.value {
        Value::Whole(text, _) | Value::Float(text, _) => Value::Text(format!("{text}s")),
        Value::Text(text) => Value::Text(format!("{text}?")),
        Value::Array(items) => Value::Array(items.iter().map(in_seconds).collect()),
        Value::Table(table) => Value::Table(Table { entries: table.entries.iter().map(entry_in_seconds).collect() }),
        other => other.clone(),
    };
    Node { value, ..node.clone() }
}

fn entry_in_seconds(entry: &Entry) -> Entry {
    let node = match (entry.key.as_str(), &entry.node.value) {
        ("shape", _) => entry.node.clone(),
        ("quantiles", Value::Array(rows)) => {
            let rows = rows.iter().map(row_in_seconds).collect();
            Node { value: Value::Array(rows), ..entry.node.clone() }
        }
        _ => in_seconds(&entry.node),
    };
    Entry { node, ..entry.clone() }
}

fn row_in_seconds(row: &Node) -> Node {
    match &row.value {
        Value::Array(pair) if pair.len() == 2 => {
            Node { value: Value::Array(vec![pair[0].clone(), in_seconds(&pair[1])]), ..row.clone() }
        }
        _ => row.clone(),
    }
}

/// Whether a value is written as the table of a distribution.
pub(super) fn is_table_of_one(node: &Node) -> bool {
    matches!(&node.value, Value::Table(table) if one_kind(table).is_ok_and(|entry| KINDS.contains(&entry.key.as_str())))
}

fn neither(node: &Node) -> Fault {
    bad(format!("must be a duration or a distribution, found {}", node.describe()))
        .help("write \"10ms\" or { uniform = [\"5ms\", \"15ms\"] }")
}

fn bad(message: impl Into<String>) -> Fault {
    Fault::new("bad-distribution", message)
}

fn one_kind(table: &Table) -> Result<&Entry, Fault> {
    match table.entries.as_slice() {
        [entry] => Ok(entry),
        [] => Err(bad("must be a distribution of some kind").help(kinds())),
        [_, second, ..] => Err(bad("has more than one distribution").help(kinds()).at(second.at)),
    }
}

fn kinds() -> String {
    format!("kinds are {}", KINDS.join(", "))
}

fn of_kind(entry: &Entry) -> Result<Dist, Fault> {
    let node = &entry.node;
    let dist = match entry.key.as_str() {
        "uniform" => uniform(node),
        "exponential" => part(node, "mean", &["mean"], duration).map(Dist::Exponential),
        "lognormal" => lognormal(node),
        "weibull" => shaped(node, "scale", Dist::Weibull),
        "pareto" => shaped(node, "min", Dist::Pareto),
        "triangular" => triangular(node),
        "gamma" => shaped(node, "mean", Dist::Gamma),
        "quantiles" => quantiles(node),
        "sum" => sum(node),
        "grid" => grid(node),
        unknown => return Err(unknown_kind(unknown).at(entry.at)),
    };
    dist.map_err(|fault| fault.at(node.at))
}

fn unknown_kind(kind: &str) -> Fault {
    let fault = bad(format!("has the unknown distribution `{}`", crate::scenario::tree::shortened(kind)));
    match suggest::nearest(kind, KINDS.into_iter()) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help(kinds()),
    }
}

/// The value of one key of a distribution that has exactly the keys `all`.
fn part<T>(node: &Node, name: &str, all: &[&str], parse: impl Fn(&Node) -> Result<T, Fault>) -> Result<T, Fault> {
    let expected = || format!("has a distribution with the keys {}", all.join(" and "));
    let table = table(node, &format!("a distribution with the keys {}", all.join(" and ")))?;
    if let Some(other) = table.entries.iter().find(|entry| !all.contains(&entry.key.as_str())) {
        return Err(bad(expected()).at(other.at));
    }
    let entry = table.get(name).ok_or_else(|| bad(format!("{}: `{name}` is missing", expected())))?;
    parse(&entry.node).map_err(|fault| fault.at(entry.node.at))
}

fn uniform(node: &Node) -> Result<Dist, Fault> {
    let [low, high] = durations(node, "[low, high]")?;
    if low > high {
        let fault = bad(format!("has a uniform distribution whose low end {low} is above its high end {high}"));
        return Err(fault.help(format!("write {{ uniform = [\"{high}\", \"{low}\"] }}")));
    }
    Ok(Dist::Uniform(low, high))
}

fn triangular(node: &Node) -> Result<Dist, Fault> {
    let [low, mode, high] = durations(node, "[low, mode, high]")?;
    if low > mode || mode > high {
        let fault = bad("has a triangular distribution whose low end, mode and high end do not rise");
        return Err(fault.help("write the smallest first: { triangular = [\"1s\", \"2s\", \"5s\"] }"));
    }
    Ok(Dist::Triangular(low, mode, high))
}

fn durations<const N: usize>(node: &Node, expected: &str) -> Result<[SimDuration; N], Fault> {
    let mut values = [SimDuration::ZERO; N];
    for (value, item) in values.iter_mut().zip(exactly::<N>(node, expected)?) {
        *value = duration(item).map_err(|fault| fault.at(item.at))?;
    }
    Ok(values)
}

fn lognormal(node: &Node) -> Result<Dist, Fault> {
    let median = part(node, "median", &["median", "p99"], duration)?;
    let p99 = part(node, "p99", &["median", "p99"], duration)?;
    if p99 < median {
        let fault = bad(format!("has a log-normal distribution whose p99 {p99} is below its median {median}"));
        return Err(fault.help("99 in 100 values lie below p99, 50 below the median: p99 is the larger one"));
    }
    if median.is_zero() && !p99.is_zero() {
        let fault = bad("has a log-normal distribution with median 0 but p99 above it");
        return Err(fault.help("give it a small median, such as \"1us\""));
    }
    Ok(Dist::LogNormal(LogNormal::new(median, p99)))
}

fn shaped(node: &Node, size: &str, make: impl Fn(f64, SimDuration) -> Dist) -> Result<Dist, Fault> {
    let shape = part(node, "shape", &["shape", size], number(SHAPES))?;
    Ok(make(shape, part(node, size, &["shape", size], duration)?))
}

const QUANTILES: &str = "write { quantiles = [[0.0, \"1s\"], [0.5, \"2s\"], [1.0, \"5s\"]] }";

fn quantiles(node: &Node) -> Result<Dist, Fault> {
    let rows = items(node, "an array of [probability, duration]")?;
    let table: Vec<(f64, SimDuration)> = rows.iter().map(row).collect::<Result<_, _>>()?;
    for (pair, item) in table.windows(2).zip(rows.iter().skip(1)) {
        if pair[0].0 >= pair[1].0 || pair[0].1 > pair[1].1 {
            return Err(bad("has quantiles that do not rise from row to row").help(QUANTILES).at(item.at));
        }
    }
    match (table.first(), table.last()) {
        (Some((first, _)), Some((last, _))) if *first <= 0.0 && *last >= 1.0 => Ok(Dist::Quantiles(table)),
        _ => Err(bad("has quantiles that do not run from probability 0.0 to 1.0").help(QUANTILES)),
    }
}

fn row(item: &Node) -> Result<(f64, SimDuration), Fault> {
    let [probability, value] =
        exactly(item, "an array of [probability, duration]").map_err(|fault| fault.at(item.at))?;
    let probability = number(0.0..=1.0)(probability).map_err(|fault| fault.at(probability.at))?;
    Ok((probability, duration(value).map_err(|fault| fault.at(value.at))?))
}

fn sum(node: &Node) -> Result<Dist, Fault> {
    let parts = items(node, "an array of distributions")?;
    let parts: Vec<Dist> =
        parts.iter().map(|part| dist(part).map_err(|fault| fault.at(part.at))).collect::<Result<_, _>>()?;
    if (1..=MOST_PARTS).contains(&parts.len()) {
        Ok(Dist::Sum(parts))
    } else {
        Err(bad(format!("must be a sum of 1 to {MOST_PARTS} distributions, found {}", parts.len())))
    }
}

fn grid(node: &Node) -> Result<Dist, Fault> {
    const KEYS: [&str; 2] = ["period", "lateness"];
    let period = part(node, "period", &KEYS, duration)?;
    Ok(Dist::Grid(period, Box::new(part(node, "lateness", &KEYS, dist)?)))
}

/// Where nearly all draws lie: the upper end, or the 99th percentile, or else the mean; at most a day.
pub(super) fn reach(dist: &Dist) -> SimDuration {
    let reach = match dist {
        Dist::Constant(value) | Dist::Uniform(_, value) | Dist::Triangular(_, _, value) => *value,
        Dist::LogNormal(lognormal) => lognormal.p99,
        Dist::Quantiles(table) => table.last().map_or(SimDuration::ZERO, |(_, value)| *value),
        Dist::Sum(parts) => parts.iter().map(reach).sum(),
        Dist::Grid(period, lateness) => *period + reach(lateness),
        other => SimDuration::from_secs_f64_rounded(other.mean_secs()),
    };
    reach.min(DAY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::tree::parse_file;

    fn parse(text: &str) -> Result<Dist, Fault> {
        let (table, errors) = parse_file(&format!("x = {text}"));
        assert!(errors.is_empty(), "{text}: {errors:?}");
        dist(table.at("x").unwrap())
    }

    #[test]
    fn reads_back_what_it_prints() {
        for text in [
            "\"7ms\"",
            "{ uniform = [\"10ms\", \"30ms\"] }",
            "{ exponential = { mean = \"20ms\" } }",
            "{ lognormal = { median = \"80ms\", p99 = \"250ms\" } }",
            "{ weibull = { shape = 1.5, scale = \"20ms\" } }",
            "{ pareto = { shape = 2.5, min = \"5ms\" } }",
            "{ triangular = [\"5ms\", \"10ms\", \"40ms\"] }",
            "{ gamma = { shape = 3.0, mean = \"30ms\" } }",
            "{ quantiles = [[0.0, \"1ms\"], [0.5, \"10ms\"], [1.0, \"100ms\"]] }",
            "{ sum = [{ uniform = [\"0s\", \"1s\"] }, \"20ms\"] }",
            "{ grid = { period = \"1s\", lateness = \"20ms\" } }",
        ] {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn refuses_what_is_no_distribution() {
        let check = |text: &str, expected: &str| {
            let message = parse(text).unwrap_err().message;
            assert!(message.contains(expected), "{text}: {message}");
        };
        check("{}", "of some kind");
        check("[]", "a duration or a distribution");
        check("{ uniform = [\"2s\", \"1s\"] }", "above its high end");
        check("{ uniform = [\"1s\"] }", "found an array of 1");
        check("{ uniform = [\"1s\", 2] }", "with a unit");
        check("{ lognormal = { median = \"2s\", p99 = \"1s\" } }", "below its median");
        check("{ lognormal = { median = \"0s\", p99 = \"1s\" } }", "median 0");
        check("{ lognormal = { median = \"1s\" } }", "`p99` is missing");
        check("{ lognormal = { median = \"1s\", p99 = \"2s\", p50 = 1 } }", "with the keys");
        check("{ gamma = { shape = 0, mean = \"1s\" } }", "a number from 0.05 to 1000");
        check("{ gamma = { shape = nan, mean = \"1s\" } }", "a number from 0.05 to 1000");
        check("{ weibull = { shape = inf, scale = \"1s\" } }", "a number from 0.05 to 1000");
        check("{ triangular = [\"1s\", \"3s\", \"2s\"] }", "do not rise");
        check("{ quantiles = [] }", "do not run from");
        check("{ quantiles = [[0.0, \"1s\"]] }", "do not run from");
        check("{ quantiles = [[0.0, \"1s\"], [1.0, \"1ms\"]] }", "do not rise");
        check("{ quantiles = [[0.0, \"1s\"], [0.0, \"1s\"], [1.0, \"1s\"]] }", "do not rise");
        check("{ sum = [] }", "a sum of 1 to 100");
        check("{ unifrom = [] }", "unknown distribution");
        check("{ uniform = [\"1s\", \"2s\"], sum = [] }", "more than one");
    }
}
