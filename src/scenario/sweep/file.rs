//! A scenario file with a `[sweep]`: its base scenario, and the scenario of each point.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::{Coordinate, Sweep, VariedKey, VariedValue, text, varies_nothing};
use crate::model::spec::Scenario;
use crate::scenario::diagnostic::Problem;
use crate::scenario::log::{Fault, Log, within};
use crate::scenario::source::{Source, Span, Text};
use crate::scenario::tree::{Node, Table, parse_file};
use crate::scenario::{dist, interpreted, setting, settled_toml, texts, trace};

/// Problems shown of one kind and key: nobody reads the same for each value of an axis.
const MOST_ALIKE: usize = 3;

/// A scenario and what varies in it.
#[derive(Debug)]
pub struct SweepFile {
    /// The scenario without any axis.
    pub base: Scenario,
    /// What varies.
    pub sweep: Sweep,
    /// The `[sweep]` as TOML, every `--set` put in.
    pub sweep_toml: String,
    source: Source,
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
    sweep.iter().for_each(|sweep| refuse_sets_of_axes(&log, sweep, sets));
    log.add_syntax_errors(&syntax_errors);
    let finished = crate::scenario::finish(log, source, &root, base.clone());
    let sweep_toml = text::toml(&root);
    root.entries.retain(|entry| entry.key != "sweep");
    let (defaults, _) = parse_file(&settled_toml(&base));
    let Some(sweep) = sweep else { return Err(finished.err().unwrap_or_default()) };
    let file = SweepFile { base, sweep, sweep_toml, source: source.clone(), texts, stem, root, defaults };
    match finished {
        Ok(_) => Ok(file),
        // What stands on a broken line is the parser's guess.
        Err(problems) if !syntax_errors.is_empty() => Err(problems),
        Err(problems) => Err(file.with_problems_of_values(problems)),
    }
}

/// What a `--set` gives an axis has no effect, which its author does not expect.
fn refuse_sets_of_axes(log: &Log, sweep: &Sweep, sets: &[String]) {
    for (number, set) in (1..).zip(sets) {
        let Ok((name, end)) = setting::key(number, set) else { continue };
        let varied = sweep.axes.iter().flat_map(|axis| &axis.keys).find(|key| within(&name, &key.key));
        if let Some(varied) = varied {
            let message = format!("`{name}` is set, but [sweep] varies `{}`, which takes its place", varied.key);
            let help = format!("to hold it fixed, leave its axis out: --set 'sweep.vary.\"{}\"=[VALUE]'", varied.key);
            let at = Span { text: number, start: 0, end };
            log.error(&name, at, Fault::new("conflict", message).help(help));
        }
    }
}

/// Each problem once, a few of those that differ in their values only, in the order of the text.
pub fn in_order(problems: Vec<Problem>) -> Vec<Problem> {
    let place = |problem: &Problem| problem.place.as_ref().map(|place| (place.file.clone(), place.line, place.column));
    let mut seen = BTreeSet::new();
    let mut kept: Vec<Problem> = Vec::new();
    let mut more: Vec<usize> = Vec::new();
    for problem in problems {
        if !seen.insert((problem.code, problem.message.clone(), place(&problem))) {
            continue;
        }
        let alike = |other: &&Problem| other.code == problem.code && other.key.is_some() && other.key == problem.key;
        if kept.iter().filter(alike).count() < MOST_ALIKE {
            kept.push(problem);
            more.push(0);
        } else if let Some(last) = kept.iter().rposition(|other| alike(&other)) {
            more[last] += 1;
        }
    }
    for (problem, more) in kept.iter_mut().zip(more).filter(|(_, more)| *more > 0) {
        problem.message.push_str(&format!(" (and {more} more like this)"));
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
        let root = self.tree(&log, coordinates);
        let (scenario, _) = interpreted::scenario(&log, &root, &self.stem);
        if log.any_error() { Err(log.into_problems()) } else { Ok(scenario) }
    }

    /// Doubts about the scenario of a point that has nothing wrong.
    pub fn doubts(&self, coordinates: &[Coordinate]) -> Vec<Problem> {
        let log = Log::new(self.texts.clone());
        let root = self.tree(&log, coordinates);
        let (scenario, _) = interpreted::scenario(&log, &root, &self.stem);
        let finished = crate::scenario::finish(log, &self.source, &root, scenario);
        finished.map(|(_, doubts)| doubts).unwrap_or_default()
    }

    /// A problem with the scenario of a point, at the value that its key has there.
    pub fn placed(&self, coordinates: &[Coordinate], problem: Problem) -> Vec<Problem> {
        let log = Log::new(self.texts.clone());
        let root = self.tree(&log, coordinates);
        let at = problem.key.as_deref().and_then(|key| root.nearest(key)).map(|node| node.at);
        log.place(problem, at);
        log.into_problems()
    }

    /// The columns of the axes with their values at a point.
    pub fn values(&self, coordinates: &[Coordinate]) -> Vec<(String, VariedValue)> {
        let axes = self.sweep.axes.iter().zip(coordinates);
        axes.flat_map(|(axis, &coordinate)| axis.keys.iter().flat_map(move |key| key.values(coordinate))).collect()
    }

    /// The text of the scenario at a point, with the value of each axis in its place. What goes into a distribution that the
    /// text leaves at its default comes last: what that default is may depend on the other axes.
    fn tree(&self, log: &Log, coordinates: &[Coordinate]) -> Table {
        let axes = self.sweep.axes.iter().zip(coordinates);
        let keys = axes.flat_map(|(axis, &coordinate)| axis.keys.iter().map(move |key| (key, key.node(coordinate))));
        let (into_defaults, others): (Vec<_>, Vec<_>) = keys.partition(|(key, _)| self.default_around(key).is_some());
        let mut root = self.root.clone();
        others.iter().for_each(|(key, value)| put(log, &mut root, key, value));
        if !into_defaults.is_empty() {
            let defaults = self.defaults_of(&root, others.is_empty());
            for (key, value) in &into_defaults {
                let around = self.default_around(key).unwrap_or_default();
                if let Some(default) = defaults.at(around).filter(|node| dist::is_table_of_one(node)) {
                    // What cannot be put is told when the value itself is put.
                    drop(setting::put_at(&mut root, around, value.at, default.clone().moved_to(value.at)));
                }
                put(log, &mut root, key, value);
            }
        }
        trace::put_in(log, &mut root, &self.source);
        root
    }

    /// The key of the distribution that a path goes into, if the text leaves it at its default.
    fn default_around<'k>(&self, key: &'k VariedKey) -> Option<&'k str> {
        let prefixes = key.key.match_indices('.').map(|(dot, _)| &key.key[..dot]);
        let is_default = |prefix: &&str| {
            self.root.at(prefix).is_none() && self.defaults.at(prefix).is_some_and(dist::is_table_of_one)
        };
        prefixes.into_iter().find(is_default)
    }

    /// What a tree leaves at its defaults, every default shown; those of the base if it `is_base`.
    fn defaults_of(&self, root: &Table, is_base: bool) -> Cow<'_, Table> {
        if is_base {
            return Cow::Borrowed(&self.defaults);
        }
        // What is wrong with it is said where the point is read for good.
        let (scenario, _) = interpreted::scenario(&Log::new(self.texts.clone()), root, &self.stem);
        Cow::Owned(parse_file(&settled_toml(&scenario)).0)
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
}

fn put(log: &Log, root: &mut Table, key: &VariedKey, value: &Node) {
    if let Err(fault) = setting::put_at(root, &key.key, key.key_at, value.clone()) {
        log.error(&key.key, value.at, Fault { help: None, ..fault });
    }
}
