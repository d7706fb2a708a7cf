//! Typed reading of an object: each field gives a value with its place, or a problem that says what the API server would
//! refuse. Unknown fields are skipped, as kubectl does; `null` is an absent field.

use std::cell::RefCell;

use super::text::{Entry, Node, Range, Value};
use crate::scenario::{Problem, Severity, Spot, Text};
use crate::units::IntOrPercent;

/// More problems than this nobody reads.
const MOST: usize = 200;

/// A value and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub at: Spot,
}

/// What is wrong with the objects of one text.
#[derive(Debug)]
pub(super) struct Log<'a> {
    text: &'a Text,
    index: usize,
    problems: RefCell<Vec<Problem>>,
}

impl<'a> Log<'a> {
    /// `index` is the number of the text.
    pub(super) fn new(text: &'a Text, index: usize) -> Log<'a> {
        Log { text, index, problems: RefCell::default() }
    }

    pub(super) fn spot(&self, at: Range) -> Spot {
        Spot { text: self.index, start: at.start, end: at.end }
    }

    pub(super) fn error(&self, code: &'static str, at: Range, message: String, help: Option<String>) {
        self.push(Severity::Error, code, at, message, help);
    }

    pub(super) fn push(
        &self,
        severity: Severity,
        code: &'static str,
        at: Range,
        message: String,
        help: Option<String>,
    ) {
        if self.problems.borrow().len() >= MOST {
            return;
        }
        let place = Some(self.text.place(at.start, at.end));
        self.problems.borrow_mut().push(Problem { severity, code, key: None, message, place, other: None, help });
    }

    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner()
    }
}

/// A mapping that is being read.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a> {
    log: &'a Log<'a>,
    /// What messages call it: `Deployment/web spec.template`.
    path: String,
    node: &'a Node,
}

impl<'a> Fields<'a> {
    /// The mapping at the root of an object; a problem if it is none.
    pub(super) fn root(log: &'a Log<'a>, node: &'a Node) -> Option<Fields<'a>> {
        match node.value {
            Value::Map(_) => Some(Fields { log, path: String::new(), node }),
            _ => {
                let message = format!("an object of Kubernetes is a mapping, found {}", node.describe());
                log.error("not-an-object", node.at, message, None);
                None
            }
        }
    }

    /// The same mapping, called by another name in messages.
    pub(super) fn called(self, path: String) -> Fields<'a> {
        Fields { path, ..self }
    }

    pub(super) fn log(&self) -> &'a Log<'a> {
        self.log
    }

    pub(super) fn node(&self) -> &'a Node {
        self.node
    }

    pub(super) fn at(&self) -> Spot {
        self.log.spot(self.node.at)
    }

    /// Where the key of this name stands.
    pub(super) fn key_at(&self, name: &str) -> Option<Spot> {
        self.entry(name).map(|entry| self.log.spot(entry.at))
    }

    fn entry(&self, name: &str) -> Option<&'a Entry> {
        self.node.get(name).filter(|entry| entry.node.value != Value::Null)
    }

    fn path_of(&self, name: &str) -> String {
        let separator = if self.path.is_empty() || self.path.ends_with(' ') { "" } else { "." };
        format!("{}{separator}{name}", self.path)
    }

    fn wrong(&self, name: &str, node: &Node, expected: &str) {
        let message = format!("`{}` must be {expected}, found {}", self.path_of(name), node.describe());
        let help = match &node.value {
            Value::Text(text) if text.parse::<i64>().is_ok() => Some(format!("without quotes: {text}")),
            Value::Whole(_) | Value::Float(_) | Value::Bool(_) if expected.starts_with("a string") => {
                Some("put it in quotes".to_owned())
            }
            _ => None,
        };
        self.log.error("wrong-type", node.at, message, help);
    }

    /// A mapping; an empty one is there, too.
    pub(super) fn map(&self, name: &str) -> Option<Fields<'a>> {
        let entry = self.entry(name)?;
        match entry.node.value {
            Value::Map(_) => Some(Fields { log: self.log, path: self.path_of(name), node: &entry.node }),
            _ => {
                self.wrong(name, &entry.node, "a mapping");
                None
            }
        }
    }

    /// A list of mappings.
    pub(super) fn maps(&self, name: &str) -> Vec<Fields<'a>> {
        let items = self.items(name).iter().enumerate();
        let item = |(index, node): (usize, &'a Node)| {
            let name = format!("{name}[{index}]");
            match node.value {
                Value::Map(_) => Some(Fields { log: self.log, path: self.path_of(&name), node }),
                _ => {
                    self.wrong(&name, node, "a mapping");
                    None
                }
            }
        };
        items.filter_map(item).collect()
    }

    fn items(&self, name: &str) -> &'a [Node] {
        let Some(entry) = self.entry(name) else { return &[] };
        match &entry.node.value {
            Value::List(items) => items,
            _ => {
                self.wrong(name, &entry.node, "a list");
                &[]
            }
        }
    }

    /// A string.
    pub(super) fn text(&self, name: &str) -> Option<At<String>> {
        let node = &self.entry(name)?.node;
        self.text_of(name, node)
    }

    fn text_of(&self, name: &str, node: &Node) -> Option<At<String>> {
        match &node.value {
            Value::Text(text) => Some(At { value: text.clone(), at: self.log.spot(node.at) }),
            _ => {
                self.wrong(name, node, "a string");
                None
            }
        }
    }

    /// A list of strings.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        let items = self.items(name).iter().enumerate();
        let item = |(index, node): (usize, &Node)| match &node.value {
            Value::Text(text) => Some(text.clone()),
            _ => {
                self.wrong(&format!("{name}[{index}]"), node, "a string");
                None
            }
        };
        items.filter_map(item).collect()
    }

    /// A mapping from strings to strings, such as labels.
    pub(super) fn strings(&self, name: &str) -> Vec<(String, At<String>)> {
        let Some(fields) = self.map(name) else { return Vec::new() };
        let one = |entry: &Entry| Some((entry.key.clone(), fields.text_of(&entry.key, &entry.node)?));
        fields.node.entries().iter().filter_map(one).collect()
    }

    /// `true` or `false`.
    pub(super) fn truth(&self, name: &str) -> Option<At<bool>> {
        let node = &self.entry(name)?.node;
        match node.value {
            Value::Bool(value) => Some(At { value, at: self.log.spot(node.at) }),
            _ => {
                self.wrong(name, node, "`true` or `false`");
                None
            }
        }
    }

    /// A whole number of at least `least`, and of no more than the 32 bits that the API has for it.
    pub(super) fn whole(&self, name: &str, least: i64) -> Option<At<u32>> {
        let node = &self.entry(name)?.node;
        let Some(value) = integral(&node.value) else {
            self.wrong(name, node, "a whole number");
            return None;
        };
        if value < least || value > i64::from(i32::MAX) {
            self.wrong(name, node, &format!("a whole number from {least} to {}", i32::MAX));
            return None;
        }
        u32::try_from(value).ok().map(|value| At { value, at: self.log.spot(node.at) })
    }

    /// A number of pods or a share of them.
    pub(super) fn int_or_percent(&self, name: &str) -> Option<At<IntOrPercent>> {
        let node = &self.entry(name)?.node;
        let value = match &node.value {
            Value::Text(text) => percent(text),
            value => integral(value).and_then(|value| u32::try_from(value).ok()).map(IntOrPercent::Int),
        };
        if value.is_none() {
            self.wrong(name, node, "a whole number such as 1 or a percentage such as \"25%\"");
        }
        value.map(|value| At { value, at: self.log.spot(node.at) })
    }

    /// A port: its number or its name.
    pub(super) fn port(&self, name: &str) -> Option<PortRef> {
        let node = &self.entry(name)?.node;
        match &node.value {
            Value::Text(text) => Some(PortRef::Named(text.clone())),
            value => match integral(value).and_then(|value| u16::try_from(value).ok()) {
                Some(number) => Some(PortRef::Number(number)),
                None => {
                    self.wrong(name, node, "a port number or the name of a port");
                    None
                }
            },
        }
    }
}

/// A port of a container, as Services and probes refer to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortRef {
    /// By number.
    Number(u16),
    /// By the name of the container's port.
    Named(String),
}

/// `3.0` is no whole number to Go's JSON, so the API server refuses it.
fn integral(value: &Value) -> Option<i64> {
    match value {
        Value::Whole(value) => Some(*value),
        _ => None,
    }
}

fn percent(text: &str) -> Option<IntOrPercent> {
    text.ends_with('%').then(|| text.parse().ok()).flatten()
}
