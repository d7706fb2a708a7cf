//! From the text of a scenario file, and any `--set`, to a settled [`Scenario`]: every default filled in, every value
//! checked. All problems are found at once, each with its place; nothing here reads files or prints.
//!
//! The text is parsed into a tree in which each value knows its place (`tree`), `--set` edits the tree (`setting`),
//! each table is read key by key (`reader`, `file` and its neighbours), and checks across keys come last (`check`).
//! What is read may be trusted by everything that holds a [`Scenario`].

mod autoscaler;
mod balancers;
mod check;
mod client_load;
mod client_profiles;
mod client_rules;
mod clients;
mod cluster;
mod delays;
mod diagnostic;
mod dist;
mod faults;
mod file;
mod imported;
mod interpreted;
mod log;
mod names;
mod no_effect;
mod nodes;
mod pod;
mod reader;
mod servers;
mod service;
mod setting;
mod settled;
mod settled_balancers;
mod settled_clients;
mod source;
mod suggest;
mod sweep;
#[cfg(test)]
mod tests;
mod trace;
mod tree;
mod values;
mod workload;

pub use balancers::CONDITIONS as RETRY_CONDITIONS;
pub use check::hazards;
pub use diagnostic::{Place, Problem, Severity, plain, render};
pub use imported::{Imported, Statement, read_imported};
pub use settled::settled_toml;
pub use source::{Source, Spot, Text};
pub use sweep::{
    Axis, Coordinate, Design, MOST_POINTS, Sweep, SweepFile, VariedKey, VariedValue, in_order, read_sweep,
};
pub use trace::wanted_files;

use crate::model::spec::Scenario;
use log::Log;
use reader::Fields;
use tree::Table;

/// The scenario of a file, edited by `sets` (each `key=value`), with warnings; or everything that is wrong with it.
pub fn read(source: &Source, sets: &[String]) -> Result<(Scenario, Vec<Problem>), Vec<Problem>> {
    let log = Log::new(texts(source, sets));
    let (root, syntax_errors) = interpreted::tree(&log, source, sets);
    let (scenario, _) = interpreted::scenario(&log, &root, &source.stem());
    log.add_syntax_errors(&syntax_errors);
    finish(log, source, &root, scenario)
}

/// The scenario with nothing but defaults.
pub fn defaults(name: &str) -> Scenario {
    let log = Log::new(vec![Text::new(name, "")]);
    Fields::root(&log, &tree::EMPTY, |fields| file::scenario(fields, name)).0
}

/// The file first, then each `--set`, counted from 1.
fn texts(source: &Source, sets: &[String]) -> Vec<Text> {
    let file = Text::new(source.name.as_str(), source.text.as_str());
    std::iter::once(file).chain(set_texts(sets)).collect()
}

fn set_texts(sets: &[String]) -> impl Iterator<Item = Text> {
    sets.iter().enumerate().map(|(index, set)| Text::new(format!("--set[{}]", index + 1), set.as_str()))
}

/// Hazards are looked for only in a scenario that is what its author wrote.
fn finish(
    log: Log,
    source: &Source,
    root: &Table,
    scenario: Scenario,
) -> Result<(Scenario, Vec<Problem>), Vec<Problem>> {
    if log.any_error() {
        return Err(log.into_problems());
    }
    for hazard in check::all_hazards(source, root, &scenario) {
        let at = hazard.key.as_deref().and_then(|key| root.nearest(key)).map(|node| node.at);
        log.place(hazard, at);
    }
    Ok((scenario, log.into_problems()))
}
