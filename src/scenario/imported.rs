//! Scenarios whose keys were found in other texts than a scenario file, such as Kubernetes manifests: each value points
//! at the place it was read from, so that whatever is wrong with it is shown there. A scenario file beside them wins over
//! what was found, `--set` over both.

use crate::model::spec::Scenario;
use crate::scenario::diagnostic::Problem;
use crate::scenario::log::{Fault, Log, within};
use crate::scenario::source::{Source, Span, Spot, Text};
use crate::scenario::tree::{Node, Table, Value, parse_file, parse_value};
use crate::scenario::{check, interpreted, set_texts, setting};

/// A key with the value that was found for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The dotted key.
    pub key: String,
    /// The value as TOML.
    pub value: String,
    /// Where it was found, or what made somebody assume it.
    pub at: Spot,
}

/// A scenario that rests on statements.
#[derive(Debug)]
pub struct Imported {
    /// Settled, and to be trusted.
    pub scenario: Scenario,
    /// Doubts about it.
    pub warnings: Vec<Problem>,
    /// For each statement whether it counts: the scenario file or a `--set` may say otherwise.
    pub counts: Vec<bool>,
}

/// Keys under which a scenario file replaces all that was found, since what stands there does not mix: a hook has one
/// action, and the file's clients are not those that were assumed.
const REPLACED_WHOLE: [&str; 2] = ["clients", "pod.pre_stop"];

/// A key that is not found where this other one is said: the clients stop once.
const INSTEAD: [(&str, &str); 1] = [("run.end", "run.duration")];

/// The scenario of these statements, which point into `texts`; `side` is a scenario file that says what they do not.
pub fn read_imported(
    texts: &[Text],
    statements: &[Statement],
    side: Option<&Source>,
    sets: &[String],
) -> Result<Imported, Vec<Problem>> {
    let log = Log::new(all_texts(texts, side, sets));
    let (mut root, syntax_errors) = parse_file(side.map_or("", |side| side.text.as_str()));
    let said = root.clone();
    let is_new = |statement: &&Statement| !is_said(&said, &statement.key) && !is_replaced(&said, sets, &statement.key);
    statements.iter().filter(is_new).for_each(|statement| put(&log, &mut root, statement));
    for (index, set) in sets.iter().enumerate() {
        interpreted::apply(&log, &mut root, 1 + texts.len() + index, set);
    }
    let (scenario, _) = interpreted::scenario(&log, &root, "manifests");
    log.add_syntax_errors(&syntax_errors);
    if log.any_error() {
        return Err(log.into_problems());
    }
    warn(&log, &root, &scenario, texts.len());
    let counts = statements.iter().map(|statement| stands(&root, statement)).collect();
    Ok(Imported { scenario, warnings: log.into_problems(), counts })
}

/// The side file first, whether there is one or not, then the texts, then each `--set`.
fn all_texts(texts: &[Text], side: Option<&Source>, sets: &[String]) -> Vec<Text> {
    let side = side.map_or_else(|| Text::new("", ""), |side| Text::new(side.name.as_str(), side.text.as_str()));
    std::iter::once(side).chain(texts.iter().cloned()).chain(set_texts(sets)).collect()
}

const fn span(at: Spot) -> Span {
    Span { text: at.text + 1, start: at.start, end: at.end }
}

fn is_said(side: &Table, key: &str) -> bool {
    let whole = REPLACED_WHOLE.iter().find(|whole| within(key, whole));
    side.at(whole.copied().unwrap_or(key)).is_some()
}

fn is_replaced(side: &Table, sets: &[String], key: &str) -> bool {
    let set = |other: &str| sets.iter().any(|set| set.split_once('=').is_some_and(|(key, _)| key.trim() == other));
    let instead = INSTEAD.iter().filter(|(mine, _)| within(key, mine));
    instead.into_iter().any(|(_, other)| side.at(other).is_some() || set(other))
}

fn put(log: &Log, root: &mut Table, statement: &Statement) {
    let at = span(statement.at);
    let value = parse_value(at.text, 0, &statement.value).moved_to(at);
    if let Err(fault) = setting::put_at(root, &statement.key, at, value) {
        log.error(&statement.key, at, Fault { at: Some(at), ..fault });
    }
}

fn stands(root: &Table, statement: &Statement) -> bool {
    root.at(&statement.key).is_some_and(|node| node.at == span(statement.at))
}

/// Of a key that nobody wrote as a key of the scenario these alone are told: the others are about manifests, and those are
/// checked as such.
const TOLD_OF_ALL: [&str; 3] = ["rollout-may-not-fit", "gate-stays-shut", "nodes-without-endpoint"];

fn warn(log: &Log, root: &Table, scenario: &Scenario, n_texts: usize) {
    for hazard in check::all_hazards(&Source::new("", ""), root, scenario) {
        let node = |find: fn(&Table, &str) -> Option<Span>| hazard.key.as_deref().and_then(|key| find(root, key));
        let written = node(|root, key| root.at(key).map(|node| node.at));
        let is_written = written.is_some_and(|at| at.text == 0 || at.text > n_texts);
        if is_written || TOLD_OF_ALL.contains(&hazard.code) {
            let at = node(|root, key| root.nearest(key).map(|node| node.at));
            log.place(hazard, at);
        }
    }
}

impl Node {
    /// The same value, all of it at one place.
    pub(super) fn moved_to(mut self, at: Span) -> Node {
        self.at = at;
        match &mut self.value {
            Value::Array(items) => {
                let moved = std::mem::take(items).into_iter().map(|item| item.moved_to(at)).collect();
                *items = moved;
            }
            Value::Table(table) => {
                for entry in &mut table.entries {
                    entry.at = at;
                    let node = Node { at, value: std::mem::replace(&mut entry.node.value, Value::Date) };
                    entry.node = node.moved_to(at);
                }
            }
            _ => {}
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(key: &str, value: &str, start: usize) -> Statement {
        Statement { key: key.to_owned(), value: value.to_owned(), at: Spot { text: 0, start, end: start + 1 } }
    }

    fn read(statements: &[Statement], side: &str, sets: &[&str]) -> Result<Imported, Vec<Problem>> {
        let text = Text::new("a.yaml", "0123456789\n0123456789\n");
        let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
        read_imported(&[text], statements, Some(&Source::new("side.toml", side)), &sets)
    }

    #[test]
    fn the_scenario_file_wins_over_what_was_found_and_a_set_over_both() {
        let found = [
            statement("deployment.replicas", "3", 0),
            statement("pod.pre_stop.sleep", "\"5s\"", 1),
            statement("clients.0.rate", "\"100/s\"", 2),
            statement("cluster.nodes", "4", 3),
        ];
        let side = "[pod.pre_stop]\nexec = { duration = \"7s\" }\n[[clients]]\nconnections = 2\n";
        let imported = read(&found, side, &["cluster.nodes=5"]).unwrap();
        assert_eq!(imported.counts, [true, false, false, false]);
        assert_eq!((imported.scenario.deployment.replicas, imported.scenario.cluster.nodes), (3, 5));
        assert_eq!(imported.scenario.clients[0].connections, 2);
        assert_eq!(imported.scenario.pod.pre_stop.unwrap().duration.as_whole_secs(), 7);
    }

    #[test]
    fn what_is_wrong_is_shown_where_it_was_found() {
        let found = [statement("deployment.replicas", "0", 13), statement("pod.boot", "{ uniform = [\"2s\"] }", 2)];
        let problems = read(&found, "", &[]).unwrap_err();
        let places: Vec<_> = problems.iter().map(|problem| problem.place.clone().unwrap()).collect();
        assert_eq!((places[0].line, places[0].column, places[1].line, places[1].column), (1, 3, 2, 3));
        assert!(places.iter().all(|place| place.file == "a.yaml"));
    }
}
