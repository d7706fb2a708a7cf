//! The `[sweep]` of a scenario as TOML again, every `--set` put in: below the settled scenario it lays the same points.

use super::value::{self, key_toml};
use crate::scenario::tree::{Node, Table, Value};

/// The table as text; empty if there is none.
pub(super) fn toml(root: &Table) -> String {
    let Some(Value::Table(sweep)) = root.get("sweep").map(|entry| &entry.node.value) else { return String::new() };
    let mut text = String::from("[sweep]\n");
    let below = ["vary", "zip"];
    let plain = sweep.entries.iter().filter(|entry| !below.contains(&entry.key.as_str()));
    plain.for_each(|entry| text += &line(&entry.key, &entry.node));
    if let Some(Value::Table(vary)) = sweep.get("vary").map(|entry| &entry.node.value) {
        text += &table("[sweep.vary]", vary);
    }
    if let Some(Value::Array(zips)) = sweep.get("zip").map(|entry| &entry.node.value) {
        for zip in zips {
            if let Value::Table(zip) = &zip.value {
                text += &table("[[sweep.zip]]", zip);
            }
        }
    }
    text
}

fn table(head: &str, table: &Table) -> String {
    let lines: String = table.entries.iter().map(|entry| line(&entry.key, &entry.node)).collect();
    format!("{head}\n{lines}")
}

fn line(key: &str, node: &Node) -> String {
    // No scenario has a date, which is the one value without a text.
    value::toml(node).map_or_else(String::new, |value| format!("{} = {value}\n", key_toml(key)))
}
