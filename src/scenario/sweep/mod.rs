//! `[sweep]`: which keys vary, over which values, crossed, zipped or drawn at random, and how often each point runs.
//!
//! Values are kept as they stand in the text, with their places, and are put into the tree of the scenario like those
//! of a `--set`: so every point passes the checks of a file, and a problem points at the value that causes it.

mod file;
mod range;
#[cfg(test)]
mod tests;
mod text;
mod value;

use std::collections::BTreeSet;

pub use file::{SweepFile, in_order, read_sweep};
pub use value::VariedValue;

use crate::scenario::log::Fault;
use crate::scenario::reader::Fields;
use crate::scenario::setting;
use crate::scenario::source::Span;
use crate::scenario::tree::{Node, Table, Value, shortened};
use crate::scenario::values::{Names, items, number, text, whole, wrong_type};
use range::Range;

/// Points of one sweep at most: each is settled and checked before the first one runs.
pub const MOST_POINTS: u64 = 100_000;

/// Dimensions that the direction numbers of the Sobol sequence are there for (crate `sobol_burley`).
const MOST_SOBOL_AXES: usize = 256;

/// What belongs to the experiment, not to the rollout: replication `i` has the same luck at every point.
const NOT_AN_AXIS: [&str; 6] = ["name", "description", "run.seed", "run.replications", "sweep", "run"];

/// How points are laid into the space of the axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Design {
    /// Every value of each axis with every value of all others; the last axis changes fastest.
    Grid,
    /// One point in each of `points` equal slices of every axis (McKay, Beckman and Conover 1979).
    LatinHypercube,
    /// Owen-scrambled Sobol points, which fill the space evenly; best with a power of two.
    Sobol,
}

const ESTIMATOR: Names<bool> = Names { built: &[("every_request", false), ("failures_only", true)], later: &[] };

const DESIGN: Names<Design> = Names {
    built: &[("grid", Design::Grid), ("latin_hypercube", Design::LatinHypercube), ("sobol", Design::Sobol)],
    later: &[],
};

impl Design {
    /// The name in scenario files.
    pub fn name(self) -> &'static str {
        DESIGN.of(self)
    }
}

/// The `[sweep]` of a scenario.
#[derive(Debug, Clone)]
pub struct Sweep {
    /// Replications of each point, the most there will be with a precision; as many as `run` says if it is silent.
    pub replications: Option<u32>,
    /// Half-width of the 95 % interval of the mean failed count, as a share of the mean, at which a point stops.
    pub precision: Option<f64>,
    /// Only what can fail is simulated, to the same counts of failures and without latencies.
    pub failures_only: bool,
    /// How points are laid.
    pub design: Design,
    /// Number of points of a random design.
    pub points: Option<u64>,
    /// What varies, in the order of the text: `vary` first, then each `zip`.
    pub axes: Vec<Axis>,
}

/// Keys that vary together: one for a key of `vary`, all keys of a `zip`.
#[derive(Debug, Clone)]
pub struct Axis {
    /// At least one.
    pub keys: Vec<VariedKey>,
}

/// A key with the values it takes.
#[derive(Debug, Clone)]
pub struct VariedKey {
    /// The dotted key.
    pub key: String,
    key_at: Span,
    at: Span,
    values: Values,
}

/// What a key varies over.
#[derive(Debug, Clone)]
enum Values {
    List(Vec<Node>),
    Range(Range),
}

/// Where on an axis a point stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Coordinate {
    /// At one of its levels, counted from 0.
    Level(usize),
    /// At this share of its length, from 0 to below 1; levels take equal shares.
    Share(f64),
}

impl Axis {
    /// Number of levels; none if the axis is a continuous range.
    pub fn levels(&self) -> Option<usize> {
        self.keys.first().and_then(|key| key.values.levels())
    }

    /// Whether the values of the first key are spaced by equal factors.
    pub fn is_log(&self) -> bool {
        matches!(self.keys.first().map(|key| &key.values), Some(Values::Range(range)) if range.is_log())
    }
}

impl VariedKey {
    /// The value there, which knows where in the text it comes from.
    fn node(&self, coordinate: Coordinate) -> Node {
        match &self.values {
            Values::List(nodes) => nodes[level(coordinate, nodes.len())].clone(),
            Values::Range(range) => range.node(coordinate, self.at),
        }
    }

    /// What the numbers count, as the ending of a column; empty for plain numbers.
    fn quantity(&self) -> Option<&'static str> {
        match &self.values {
            Values::List(nodes) => value::common_quantity(nodes),
            Values::Range(range) => Some(range.quantity()),
        }
    }
}

impl Values {
    fn levels(&self) -> Option<usize> {
        match self {
            Values::List(nodes) => Some(nodes.len()),
            Values::Range(range) => range.levels(),
        }
    }
}

/// The level of a coordinate among `count`.
fn level(coordinate: Coordinate, count: usize) -> usize {
    match coordinate {
        Coordinate::Level(level) => level.min(count - 1),
        Coordinate::Share(share) => ((share * count as f64) as usize).min(count - 1),
    }
}

/// Reads the table. What is wrong goes to the log, whichever command reads the file.
pub(super) fn sweep(fields: &mut Fields<'_>) -> Sweep {
    let replications = fields.get("replications", whole(1..=10_000_000));
    let precision = fields.get("precision", number(1e-4..=1.0));
    let failures_only = fields.or("estimator", |node| ESTIMATOR.parse(node), false);
    let design = fields.or("design", |node| DESIGN.parse(node), Design::Grid);
    let points = fields.get("points", whole(1..=i128::from(MOST_POINTS)));
    let mut axes = fields.section("vary", |fields| vary(fields, design));
    axes.extend(fields.each("zip", |fields| zip(fields, design)).unwrap_or_default().into_iter().flatten());
    let sweep = Sweep { replications, precision, failures_only, design, points, axes };
    refuse_overlaps(fields, &sweep);
    refuse_wrong_number(fields, &sweep);
    sweep
}

fn vary(fields: &mut Fields<'_>, design: Design) -> Vec<Axis> {
    let keys = varied(fields, design).into_iter();
    keys.inspect(|key| refuse_repeated(fields, std::slice::from_ref(key))).map(|key| Axis { keys: vec![key] }).collect()
}

/// Two points that are the same are a mistake; of zipped keys each may have a value again.
fn refuse_repeated(fields: &Fields<'_>, keys: &[VariedKey]) {
    let mut seen: BTreeSet<Vec<String>> = BTreeSet::new();
    for level in 0..keys.iter().filter_map(|key| key.values.levels()).min().unwrap_or(0) {
        let nodes: Vec<Node> = keys.iter().map(|key| key.node(Coordinate::Level(level))).collect();
        let values: Vec<String> = nodes.iter().filter_map(value::canonical).collect();
        if !seen.insert(values) {
            let texts: Vec<String> = nodes.iter().filter_map(value::toml).map(|text| shortened(&text)).collect();
            let fault = Fault::new("duplicate-value", format!("has {} twice", texts.join(" with ")));
            fields.error(&keys[0].key, nodes[0].at, fault);
        }
    }
}

/// Keys that go through their values side by side.
fn zip(fields: &mut Fields<'_>, design: Design) -> Option<Axis> {
    let keys = varied(fields, design);
    refuse_repeated(fields, &keys);
    let first = keys.first()?;
    for other in keys.iter().filter(|other| other.values.levels() != first.values.levels()) {
        let count = |key: &VariedKey| key.values.levels().map_or("a range".to_owned(), |n| format!("{n} values"));
        let message = format!("is zipped with `{}` and must have as many values: {}, ", first.key, count(first));
        fields.error(&other.key, other.at, Fault::new("wrong-length", format!("{message}found {}", count(other))));
    }
    Some(Axis { keys })
}

/// Every key of a table of axes; a key may be quoted whole or stand in tables within tables.
fn varied(fields: &mut Fields<'_>, design: Design) -> Vec<VariedKey> {
    let mut leaves = Vec::new();
    for name in fields.names() {
        if let Some(entry) = fields.entry(name) {
            collect(entry.key.clone(), (&entry.node, entry.at), &mut leaves);
        }
    }
    let read = |(key, node, at): (String, &Node, Span)| match varied_key(&key, node, at, design) {
        Ok(varied) => Some(varied),
        Err(fault) => {
            fields.error(&key, node.at, fault);
            None
        }
    };
    leaves.into_iter().filter_map(read).collect()
}

fn collect<'a>(key: String, (node, at): (&'a Node, Span), leaves: &mut Vec<(String, &'a Node, Span)>) {
    match &node.value {
        Value::Table(table) if !table.entries.is_empty() && !Range::looks_like(table) => {
            for entry in &table.entries {
                collect(format!("{key}.{}", entry.key), (&entry.node, entry.at), leaves);
            }
        }
        _ => leaves.push((key, node, at)),
    }
}

fn varied_key(key: &str, node: &Node, at: Span, design: Design) -> Result<VariedKey, Fault> {
    refuse_key(key).map_err(|fault| fault.at(at))?;
    setting::check_key(key, at)?;
    let values = match &node.value {
        Value::Table(table) if Range::looks_like(table) => Values::Range(range::range(table)?),
        Value::Array(_) => Values::List(list(node)?),
        _ => return Err(neither(node)),
    };
    if values.levels().is_none() && design == Design::Grid {
        let help = "add `step` or `count`, or choose the design \"latin_hypercube\" or \"sobol\"";
        return Err(Fault::new("missing-key", "is a range without steps").help(help));
    }
    Ok(VariedKey { key: key.to_owned(), key_at: at, at: node.at, values })
}

fn refuse_key(key: &str) -> Result<(), Fault> {
    let forbidden = |name: &str| key == name || (name == "sweep" && key.starts_with("sweep."));
    if NOT_AN_AXIS.iter().any(|name| forbidden(name)) {
        let help = "replication i has the same luck at every point, which makes points comparable";
        return Err(Fault::new("no-axis", "belongs to the experiment and cannot vary").help(help));
    }
    Ok(())
}

fn neither(node: &Node) -> Fault {
    wrong_type("an array of values or a range", node)
        .help("write [\"0s\", \"1s\"] or { from = \"0s\", to = \"10s\", step = \"1s\" }")
}

fn list(node: &Node) -> Result<Vec<Node>, Fault> {
    let nodes = items(node, "an array of values")?;
    if nodes.is_empty() {
        return Err(Fault::new("wrong-length", "must have at least one value"));
    }
    match nodes.iter().find(|node| value::toml(node).is_none()) {
        Some(node) => Err(wrong_type("a value of a scenario", node).at(node.at)),
        None => Ok(nodes.to_vec()),
    }
}

/// One key, one value: no key stands in two axes, and none lies within another.
fn refuse_overlaps(fields: &Fields<'_>, sweep: &Sweep) {
    let keys: Vec<&VariedKey> = sweep.axes.iter().flat_map(|axis| &axis.keys).collect();
    for (index, key) in keys.iter().enumerate() {
        let within = |one: &str, other: &str| one.strip_prefix(other).is_some_and(|rest| rest.starts_with('.'));
        let clash =
            |other: &&&VariedKey| key.key == other.key || within(&key.key, &other.key) || within(&other.key, &key.key);
        if let Some(other) = keys[..index].iter().find(clash) {
            let fault = Fault::new("conflict", format!("varies `{}`, as does `{}`: keep one", key.key, other.key));
            fields.contradict("vary", key.at, fault, other.at);
        }
    }
}

/// A random design says how many points, a grid has as many as its axes make.
fn refuse_wrong_number(fields: &mut Fields<'_>, sweep: &Sweep) {
    match (sweep.design, fields.entry("points").map(|entry| entry.node.at), fields.entry("design")) {
        (Design::Grid, Some(at), _) => {
            let help = "remove it, or choose the design \"latin_hypercube\" or \"sobol\"";
            let fault = Fault::new("conflict", "counts the points of a random design; a grid has those of its axes");
            fields.error("points", at, fault.help(help));
        }
        (Design::LatinHypercube | Design::Sobol, None, Some(entry)) => {
            let fault = Fault::new("missing-key", "lays points at random and needs their number: points = 128");
            fields.error("design", entry.node.at, fault);
        }
        _ => {}
    }
    let levels = sweep.axes.iter().filter_map(Axis::levels);
    let grid = levels.fold(1, |all: u128, levels| all.saturating_mul(levels as u128));
    if sweep.design == Design::Grid && grid > u128::from(MOST_POINTS) {
        let fault = Fault::new("out-of-range", format!("makes {grid} points, at most {MOST_POINTS} are possible"));
        fields.complain(fault.help("take fewer values, or a random design with `points`"));
    }
    if sweep.design == Design::Sobol && sweep.axes.len() > MOST_SOBOL_AXES {
        let message = format!("has {} axes, of which Sobol points know {MOST_SOBOL_AXES} at most", sweep.axes.len());
        fields.complain(Fault::new("out-of-range", message).help("choose the design \"latin_hypercube\""));
    }
    if sweep.design == Design::Sobol && sweep.points.is_some_and(|points| points > 1 << 16) {
        fields.complain(Fault::new("out-of-range", "has more than 65536 Sobol points"));
    }
}

/// The files that `clients.N.trace` varies over.
pub(super) fn traces(root: &Table) -> Vec<String> {
    let tables = ["vary", "zip"].into_iter().filter_map(|name| root.at(&format!("sweep.{name}")));
    let mut leaves = Vec::new();
    for node in tables.flat_map(listed) {
        if let Value::Table(table) = &node.value {
            table.entries.iter().for_each(|entry| collect(entry.key.clone(), (&entry.node, entry.at), &mut leaves));
        }
    }
    let is_trace = |key: &str| key.starts_with("clients.") && key.ends_with(".trace");
    let values = leaves.iter().filter(|(key, ..)| is_trace(key)).flat_map(|(_, node, _)| listed(node));
    values.filter_map(|node| text(node).ok()).collect()
}

/// The elements of an array, or the value itself.
fn listed(node: &Node) -> &[Node] {
    match &node.value {
        Value::Array(items) => items,
        _ => std::slice::from_ref(node),
    }
}

/// Whether the table is absent or says nothing.
fn varies_nothing(table: &Table) -> bool {
    table.get("sweep").is_none()
}
