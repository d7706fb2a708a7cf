//! A scenario file with a `[sweep]`: its base scenario, and the scenario of each point.

use super::{Coordinate, Sweep, VariedValue, varies_nothing};
use crate::model::spec::Scenario;
use crate::scenario::diagnostic::Problem;
use crate::scenario::log::{Fault, Log};
use crate::scenario::source::{Source, Text};
use crate::scenario::tree::{Node, Table, parse_file};
use crate::scenario::{dist, interpreted, setting, settled_toml, texts};

/// A scenario and what varies in it.
#[derive(Debug)]
pub struct SweepFile {
    /// The scenario without any axis.
    pub base: Scenario,
    /// What varies.
    pub sweep: Sweep,
    /// Doubts about the base.
    pub warnings: Vec<Problem>,
    texts: Vec<Text>,
    stem: String,
    /// Without `[sweep]`.
    root: Table,
    /// The base with every default shown, where a path finds the distribution it goes into.
    defaults: Table,
}

/// Reads a scenario with its `[sweep]`, edited by `sets`; or everything that is wrong with it. Points are not yet looked
/// at.
pub fn read_sweep(source: &Source, sets: &[String]) -> Result<SweepFile, Vec<Problem>> {
    let texts = texts(source, sets);
    let log = Log::new(texts.clone());
    let (mut root, syntax_errors) = interpreted::tree(&log, source, sets);
    let stem = source.stem();
    if varies_nothing(&root) {
        log.error("sweep", Default::default(), no_sweep());
    }
    let (base, sweep) = interpreted::scenario(&log, &root, &stem);
    log.add_syntax_errors(&syntax_errors);
    let finished = crate::scenario::finish(log, source, &root, base.clone());
    root.entries.retain(|entry| entry.key != "sweep");
    let (defaults, _) = parse_file(&settled_toml(&base));
    let warnings = finished.as_ref().map(|(_, warnings)| warnings.clone()).unwrap_or_default();
    let Some(sweep) = sweep else { return Err(finished.err().unwrap_or_default()) };
    let file = SweepFile { base, sweep, warnings, texts, stem, root, defaults };
    match finished {
        Ok(_) => Ok(file),
        // What stands on a broken line is the parser's guess.
        Err(problems) if !syntax_errors.is_empty() => Err(problems),
        Err(problems) => Err(file.with_problems_of_values(problems)),
    }
}

/// Each problem once, in the order of the text.
pub fn in_order(problems: Vec<Problem>) -> Vec<Problem> {
    let place = |problem: &Problem| problem.place.as_ref().map(|place| (place.file.clone(), place.line, place.column));
    let mut kept: Vec<Problem> = Vec::new();
    for problem in problems {
        if !kept.contains(&problem) {
            kept.push(problem);
        }
    }
    kept.sort_by_cached_key(|problem| (problem.place.is_none(), place(problem)));
    kept
}

fn no_sweep() -> Fault {
    let help = "write [sweep.vary] and below it \"pod.pre_stop.sleep\" = [\"0s\", \"1s\", \"5s\"]";
    Fault::new("missing-key", "the scenario has no [sweep]").help(help)
}

impl SweepFile {
    /// The scenario of the point at these coordinates, one for each axis; or what is wrong with it, at the values that
    /// cause it.
    pub fn point(&self, coordinates: &[Coordinate]) -> Result<Scenario, Vec<Problem>> {
        let log = Log::new(self.texts.clone());
        let mut root = self.root.clone();
        for (axis, &coordinate) in self.sweep.axes.iter().zip(coordinates) {
            for key in &axis.keys {
                self.put(&log, &mut root, &key.key, key.node(coordinate));
            }
        }
        let (scenario, _) = interpreted::scenario(&log, &root, &self.stem);
        if log.any_error() { Err(log.into_problems()) } else { Ok(scenario) }
    }

    /// The columns of the axes with their values at a point.
    pub fn values(&self, coordinates: &[Coordinate]) -> Vec<(String, VariedValue)> {
        let axes = self.sweep.axes.iter().zip(coordinates);
        axes.flat_map(|(axis, &coordinate)| axis.keys.iter().flat_map(move |key| key.values(coordinate))).collect()
    }

    /// Adds what is wrong with single values to what is wrong with the file, so that all is told at once.
    fn with_problems_of_values(&self, mut problems: Vec<Problem>) -> Vec<Problem> {
        for (axis, levels) in self.sweep.axes.iter().map(|axis| axis.levels().unwrap_or(1)).enumerate() {
            for level in 0..levels {
                let at = |other| Coordinate::Level(if other == axis { level } else { 0 });
                let coordinates: Vec<Coordinate> = (0..self.sweep.axes.len()).map(at).collect();
                let more = self.point(&coordinates).err().unwrap_or_default();
                problems.extend(more.into_iter().filter(Problem::is_error));
            }
        }
        in_order(problems)
    }

    fn put(&self, log: &Log, root: &mut Table, key: &str, value: Node) {
        let at = value.at;
        self.show_distribution(root, key, &value);
        if let Err(fault) = setting::put_at(root, key, value) {
            log.error(key, at, fault);
        }
    }

    /// A path into a distribution that the file leaves at its default goes into that default.
    fn show_distribution(&self, root: &mut Table, key: &str, value: &Node) {
        for (dot, _) in key.match_indices('.') {
            let prefix = &key[..dot];
            let default =
                self.defaults.at(prefix).filter(|node| root.at(prefix).is_none() && dist::is_table_of_one(node));
            if let Some(default) = default {
                // What cannot be put is told when the value itself is put.
                drop(setting::put_at(root, prefix, Node { at: value.at, ..default.clone() }));
                return;
            }
        }
    }
}
