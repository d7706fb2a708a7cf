//! Values of axes as texts and as numbers, for the rows of a sweep.

use super::range::number;
use super::{Axis, Coordinate, VariedKey};
use crate::scenario::settled::escaped;
use crate::scenario::tree::{Entry, Node, Value};

/// The value of a key at a point.
#[derive(Debug, Clone, PartialEq)]
pub enum VariedValue {
    /// A number, in the unit that its column's name ends in.
    Number(f64),
    /// As a scenario file says it, a string without its quotes.
    Text(String),
}

impl Axis {
    /// The columns of its keys, each with whether it holds numbers: the value as the file says it, and for a quantity with
    /// a unit the number in the unit that the column's name ends in.
    pub fn columns(&self) -> Vec<(String, bool)> {
        self.keys.iter().flat_map(VariedKey::columns).collect()
    }
}

impl VariedKey {
    fn columns(&self) -> Vec<(String, bool)> {
        match self.quantity() {
            Some("") => vec![(self.key.clone(), true)],
            Some(suffix) => vec![(self.key.clone(), false), (format!("{}{suffix}", self.key), true)],
            None => vec![(self.key.clone(), false)],
        }
    }

    /// The columns with their values.
    pub(super) fn values(&self, coordinate: Coordinate) -> Vec<(String, VariedValue)> {
        let node = self.node(coordinate);
        let number = number(&node).map_or(f64::NAN, |(kind, value)| kind.in_unit(value));
        let value = |(name, is_number)| {
            let value = if is_number { VariedValue::Number(number) } else { VariedValue::Text(as_text(&node)) };
            (name, value)
        };
        self.columns().into_iter().map(value).collect()
    }
}

fn as_text(node: &Node) -> String {
    match &node.value {
        Value::Text(text) => text.clone(),
        _ => toml(node).unwrap_or_default(),
    }
}

/// The same for the same value, however it is written.
pub(super) fn canonical(node: &Node) -> Option<String> {
    number(node).map(|(kind, value)| format!("{kind:?} {value:?}")).or_else(|| toml(node))
}

pub(super) fn same_bits(one: f64, other: f64) -> bool {
    one.total_cmp(&other).is_eq()
}

/// What all values are quantities of, as the ending of a column; none if they are not, or not of one kind.
pub(super) fn common_quantity(nodes: &[Node]) -> Option<&'static str> {
    let mut kinds = nodes.iter().map(|node| number(node).map(|(kind, _)| kind.quantity()));
    let first = kinds.next()??;
    kinds.all(|kind| kind == Some(first)).then_some(first)
}

/// A key as TOML: in quotes if it is no bare key.
pub(super) fn key_toml(key: &str) -> String {
    let is_bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    if is_bare { key.to_owned() } else { format!("\"{}\"", escaped(key)) }
}

/// The value as TOML; none for a date, which no scenario has.
pub(super) fn toml(node: &Node) -> Option<String> {
    match &node.value {
        Value::Text(text) => Some(format!("\"{}\"", escaped(text))),
        Value::Whole(text, _) | Value::Float(text, _) => Some(text.clone()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Date => None,
        Value::Array(items) => {
            let items: Option<Vec<String>> = items.iter().map(toml).collect();
            Some(format!("[{}]", items?.join(", ")))
        }
        Value::Table(table) => {
            let entry = |entry: &Entry| Some(format!("{} = {}", key_toml(&entry.key), toml(&entry.node)?));
            let entries: Option<Vec<String>> = table.entries.iter().map(entry).collect();
            Some(format!("{{ {} }}", entries?.join(", ")))
        }
    }
}
