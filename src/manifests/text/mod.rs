//! YAML and JSON as trees in which each key and value knows its place. Follows kubectl: several documents a file, YAML 1.1
//! scalars, duplicate keys refused. What a hostile file can cost is bounded: its size, its depth, and the number of values
//! and the length of texts that aliases may turn it into.

mod crowd;
mod json;
mod node;
mod offsets;
mod scalar;
mod yaml;

pub(super) use node::{Entry, Node, Range, Value};

use crate::scenario::Text;

/// Deeper than any object of Kubernetes.
const DEEPEST: usize = 64;

/// Values in all documents of a file, aliases written out. A Deployment has about a hundred of them.
const MOST_VALUES: usize = 1_000_000;

/// Why a text cannot be read, and at which bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub(super) at: Range,
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl Unreadable {
    fn new(at: Range, code: &'static str, message: impl Into<String>) -> Unreadable {
        Unreadable { at, code, message: message.into(), help: None }
    }

    fn help(self, help: impl Into<String>) -> Unreadable {
        Unreadable { help: Some(help.into()), ..self }
    }

    fn too_deep(at: Range) -> Unreadable {
        let message = format!("this is nested more than {DEEPEST} levels deep, which no object of Kubernetes is");
        Unreadable::new(at, "too-deep", message)
    }

    fn too_many_values(at: Range) -> Unreadable {
        let message = format!(
            "the file has more than {MOST_VALUES} values (a long text counts as several), aliases written out, or too many in one collection"
        );
        Unreadable::new(at, "too-many-values", message).help("give fewer objects at once")
    }

    fn duplicate_key(at: Range, key: &str) -> Unreadable {
        Unreadable::new(at, "duplicate-key", format!("the key {} stands here twice", node::quoted(key)))
            .help("kubectl refuses this too; keep one of them")
    }
}

/// The entries, if no key stands there twice.
fn distinct(entries: Vec<Entry>) -> Result<Vec<Entry>, Unreadable> {
    match node::duplicate(&entries) {
        Some(again) => Err(Unreadable::duplicate_key(again.at, &again.key)),
        None => Ok(entries),
    }
}

/// The documents of a text, empty ones left out, up to the first thing that cannot be read.
pub(super) fn documents(text: &Text) -> (Vec<Node>, Option<Unreadable>) {
    let text = text.as_str();
    let begin = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let is_json = text[begin..].trim_start().starts_with('{');
    let (mut documents, mut problem) =
        if is_json { json::documents(text, begin) } else { yaml::documents(text, begin) };
    // YAML's flow style begins like JSON.
    if is_json && problem.as_ref().is_some_and(|problem| problem.code == "syntax") {
        let (as_yaml, yaml_problem) = yaml::documents(text, begin);
        if yaml_problem.is_none() {
            (documents, problem) = (as_yaml, None);
        }
    }
    documents.retain(|document| document.value != Value::Null);
    (documents, problem)
}
