//! Keys that a scenario states though nothing depends on them: each gets a warning, so that nobody tunes a knob that is
//! not connected. Which keys these are stands as data, one row a case, in `balancer`, `cluster`, `server` and `client`; `uses` says
//! who goes which way. Only keys that the text has are told, of a listing of all keys only those that differ from their
//! defaults. Leaves out keys that a mechanism switched off by `model.without` would read.

mod balancer;
mod client;
mod cluster;
mod server;
mod uses;

use std::collections::BTreeMap;

use crate::ids::Layer;
use crate::model::spec::Scenario;
use crate::scenario::diagnostic::{Problem, warning};
use crate::scenario::log::{Log, within};
use crate::scenario::reader::Fields;
use crate::scenario::source::{Source, Text};
use crate::scenario::tree::{Entry, Node, Table, Value};
use crate::scenario::{file, settled};

/// One case in which keys have no effect.
struct Row<F> {
    /// Keys of the table that the row is about.
    keys: &'static [&'static str],
    /// When it is the case; what it is asked about depends on the table.
    when: F,
    /// Other keys that must stand beside the key.
    beside: &'static [&'static str],
    /// Ends the sentence that the key begins.
    because: &'static str,
    /// What else to do than to remove the key.
    instead: &'static str,
}

const fn row<F: Copy>(keys: &'static [&'static str], when: F, because: &'static str, instead: &'static str) -> Row<F> {
    Row { keys, when, beside: &[], because, instead }
}

/// A key that was found without effect, and why.
#[derive(Debug)]
struct Idle {
    key: String,
    because: &'static str,
    instead: &'static str,
}

/// The warnings about keys of this tree, which was read from `source` and gave `scenario`.
pub(super) fn warnings(source: &Source, root: &Table, scenario: &Scenario) -> Vec<Problem> {
    let is_listing = source.text.starts_with(settled::HEADING);
    let mut idle = Vec::new();
    for layer in [Layer::LoadBalancer, Layer::Ingress] {
        // Of a balancer that nobody uses there is one warning, not one for each of its keys.
        if let Some(spec) = scenario.balancer(layer).filter(|_| uses::is_used(scenario, layer)) {
            idle.extend(find(root, uses::table(layer), balancer::ROWS, |when| when(scenario, layer, spec)));
        }
    }
    for (table, rows) in cluster::ROWS {
        idle.extend(find(root, table, rows, |when| when(scenario)));
    }
    idle.extend(find(root, "pod.server", server::ROWS, |when| when(scenario)));
    for (index, spec) in scenario.clients.iter().enumerate() {
        idle.extend(find(root, &format!("clients.{index}"), client::ROWS, |when| when(scenario, spec)));
    }
    idle.retain(|idle| !is_listing || says_something(root, &idle.key, scenario));
    one_for_all_clients(idle).into_iter().map(told).collect()
}

/// What a table's rows find in the text. The first row that has a key tells it; what stands inside of it is told with it.
fn find<F>(root: &Table, table: &str, rows: &[Row<F>], holds: impl Fn(&F) -> bool) -> Vec<Idle> {
    let mut found: Vec<Idle> = Vec::new();
    for row in rows.iter().filter(|row| holds(&row.when)) {
        let stands = |key: &str| root.at(&format!("{table}.{key}")).is_some();
        for key in row.keys.iter().filter(|key| stands(key) && row.beside.iter().all(|beside| stands(beside))) {
            let key = format!("{table}.{key}");
            if !found.iter().any(|told| within(&key, &told.key)) {
                found.push(Idle { key, because: row.because, instead: row.instead });
            }
        }
    }
    found
}

/// Whether the scenario would be another one without the key: a key that repeats its default says nothing.
fn says_something(root: &Table, key: &str, scenario: &Scenario) -> bool {
    let Some((index, rest)) = key.strip_prefix("clients.").and_then(|rest| rest.split_once('.')) else {
        return read_without(root.clone(), key, scenario) != *scenario;
    };
    // The other clients are left out, so that many cost no more than the square of few.
    let one_client = |entry: &Entry| match (&entry.node.value, index.parse::<usize>()) {
        (Value::Array(items), Ok(index)) if entry.key == "clients" => {
            let node = Node { value: Value::Array(items.get(index).cloned().into_iter().collect()), ..entry.node };
            Entry { node, ..entry.clone() }
        }
        _ => entry.clone(),
    };
    let root = Table { entries: root.entries.iter().map(one_client).collect() };
    let without = read_without(root, &format!("clients.0.{rest}"), scenario);
    without.clients.first() != index.parse().ok().and_then(|index: usize| scenario.clients.get(index))
}

fn read_without(mut root: Table, key: &str, scenario: &Scenario) -> Scenario {
    remove(&mut root, key);
    let log = Log::new(vec![Text::new("", "")]);
    Fields::root(&log, &root, |fields| file::scenario(fields, &scenario.name)).0
}

fn remove(root: &mut Table, key: &str) {
    let Some((first, rest)) = key.split_once('.') else {
        root.entries.retain(|entry| entry.key != key);
        return;
    };
    let Some(entry) = root.get_mut(first) else { return };
    remove_inside(&mut entry.node, rest);
}

fn remove_inside(node: &mut Node, key: &str) {
    match &mut node.value {
        Value::Table(table) => remove(table, key),
        Value::Array(items) => {
            let Some((index, rest)) = key.split_once('.') else { return };
            if let Some(item) = index.parse().ok().and_then(|index: usize| items.get_mut(index)) {
                remove_inside(item, rest);
            }
        }
        _ => {}
    }
}

/// What many clients have in common is told of the first of them.
fn one_for_all_clients(idle: Vec<Idle>) -> Vec<(Idle, usize)> {
    let mut told: Vec<(Idle, usize)> = Vec::new();
    let mut of_clients: BTreeMap<(String, &str), usize> = BTreeMap::new();
    for one in idle {
        let name =
            one.key.strip_prefix("clients.").and_then(|rest| rest.split_once('.')).map(|(_, name)| name.to_owned());
        let next = told.len();
        let place = name.map_or(next, |name| *of_clients.entry((name, one.because)).or_insert(next));
        match told.get_mut(place) {
            Some((_, others)) => *others += 1,
            None => told.push((one, 0)),
        }
    }
    told
}

fn told((idle, others): (Idle, usize)) -> Problem {
    let Idle { key, because, instead } = idle;
    let others = match others {
        0 => String::new(),
        1 => " (and so in one other client)".to_owned(),
        n => format!(" (and so in {n} other clients)"),
    };
    let message = format!("`{key}` has no effect: {because}{others}");
    warning("no-effect", key, message, &format!("remove it, or {instead}"))
}

/// A balancer through which no request goes.
pub(super) fn unused_balancer(scenario: &Scenario, layer: Layer) -> Option<Problem> {
    scenario.balancer(layer).filter(|_| !uses::is_used(scenario, layer))?;
    let key = uses::table(layer);
    let message = format!("nothing goes through `[{key}]`: no client has via = \"{key}\"{}", uses::no_other_way(layer));
    let help = format!("give clients via = \"{key}\", or remove [{key}]");
    Some(warning("unused-balancer", key, message, &help))
}
