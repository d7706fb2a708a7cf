//! The steps from a text to a scenario that a file and each point of a sweep go through: the tree with every `--set` in
//! it, then its keys read and checked against each other.

use crate::model::spec::Scenario;
use crate::scenario::log::{Fault, Log};
use crate::scenario::reader::Fields;
use crate::scenario::source::{Source, Span};
use crate::scenario::sweep::Sweep;
use crate::scenario::tree::{SyntaxError, Table, parse_file};
use crate::scenario::{check, file, setting, trace};

/// The tree of the file with every `--set` in it, and what of the file is no TOML.
pub(super) fn tree(log: &Log, source: &Source, sets: &[String]) -> (Table, Vec<SyntaxError>) {
    let (mut root, syntax_errors) = parse_file(&source.text);
    refuse_empty(log, &root, &syntax_errors);
    for (index, set) in sets.iter().enumerate() {
        apply(log, &mut root, index + 1, set);
    }
    trace::put_in(log, &mut root, source);
    (root, syntax_errors)
}

/// The scenario of a tree, and its sweep. It may be trusted if the log has no error.
pub(super) fn scenario(log: &Log, root: &Table, stem: &str) -> (Scenario, Option<Sweep>) {
    let (scenario, sweep) = Fields::root(log, root, |fields| file::scenario(fields, stem));
    check::contradictions(log, root, &scenario);
    (scenario, sweep)
}

/// Puts the value of a `--set`, which is text number `text`, into the tree.
pub(super) fn apply(log: &Log, root: &mut Table, text: usize, set: &str) {
    if let Err(fault) = setting::apply(root, text, set) {
        log.error("", Span { text, start: 0, end: set.len() }, fault);
    }
}

/// An empty file is more likely a mistake than a wish for nothing but defaults.
fn refuse_empty(log: &Log, root: &Table, syntax_errors: &[SyntaxError]) {
    if root.entries.is_empty() && syntax_errors.is_empty() {
        let help = "write at least name = \"my-rollout\", or start from scenarios/article-no-hook.toml";
        log.error("", Span::default(), Fault::new("empty-file", "the scenario says nothing").help(help));
    }
}
