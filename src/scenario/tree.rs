//! A scenario's text as a tree in which every key and value knows its place. `toml` parses it and goes on after an
//! error; the tree is our own so that a `--set` can put a value with a place of its own into it.

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::scenario::source::Span;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) at: Span,
    pub(super) value: Value,
}

/// A TOML value. Numbers keep their text, for messages that show how to mend them.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(String),
    /// `None` if it is beyond 128 bits.
    Whole(String, Option<i128>),
    /// `None` if it is beyond a double.
    Float(String, Option<f64>),
    Bool(bool),
    Date,
    Array(Vec<Node>),
    Table(Table),
}

/// A table, in the order of the text.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    pub(super) entries: Vec<Entry>,
}

/// A key with its value.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) at: Span,
    pub(super) node: Node,
}

/// A table without keys, for sections that are absent.
pub(super) static EMPTY: Table = Table { entries: Vec::new() };

/// What the text does not get right as TOML.
#[derive(Debug)]
pub(super) struct SyntaxError {
    pub(super) at: Span,
    pub(super) message: String,
}

impl Table {
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.key == key)
    }

    /// The value of a dotted key; array elements by index.
    pub(super) fn at(&self, path: &str) -> Option<&Node> {
        let mut segments = path.split('.');
        let mut node = &self.get(segments.next()?)?.node;
        for segment in segments {
            node = node.child(segment)?;
        }
        Some(node)
    }

    /// The value of a dotted key, or of the innermost table around it that the text has.
    pub(super) fn nearest(&self, path: &str) -> Option<&Node> {
        self.at(path).or_else(|| self.nearest(path.rsplit_once('.')?.0))
    }
}

impl Node {
    fn child(&self, segment: &str) -> Option<&Node> {
        match &self.value {
            Value::Table(table) => table.get(segment).map(|entry| &entry.node),
            Value::Array(items) => items.get(segment.parse::<usize>().ok()?),
            _ => None,
        }
    }

    /// What stands here, for "expected …, found …".
    pub(super) fn describe(&self) -> String {
        match &self.value {
            Value::Text(text) => format!("the string {}", shortened(&format!("{text:?}"))),
            Value::Whole(text, _) | Value::Float(text, _) => format!("the number {}", shortened(text)),
            Value::Bool(value) => format!("`{value}`"),
            Value::Date => "a date".to_owned(),
            Value::Array(_) => "an array".to_owned(),
            Value::Table(_) => "a table".to_owned(),
        }
    }
}

/// The text, or its beginning if it is long.
pub(super) fn shortened(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}

/// Parses a whole file. What can be read is read, whatever the errors.
pub(super) fn parse_file(text: &str) -> (Table, Vec<SyntaxError>) {
    let (root, errors) = DeTable::parse_recoverable(text);
    let errors = errors.into_iter().map(|error| syntax_error(&error)).collect();
    (table(0, root.into_inner()), errors)
}

fn syntax_error(error: &toml::de::Error) -> SyntaxError {
    let range = error.span().unwrap_or_default();
    SyntaxError { at: Span { text: 0, start: range.start, end: range.end }, message: error.message().to_owned() }
}

/// Parses the value of the `--set` number `text`, which begins at byte `offset` of it. What is not TOML is a string.
pub(super) fn parse_value(text: usize, offset: usize, value: &str) -> Node {
    let at = Span { text, start: offset, end: offset + value.len() };
    match DeValue::parse(value) {
        Ok(parsed) => node(text, parsed).shifted(offset),
        Err(_) => Node { at, value: Value::Text(value.to_owned()) },
    }
}

impl Node {
    /// The same tree, `offset` bytes further on.
    fn shifted(mut self, offset: usize) -> Node {
        self.at = self.at.shifted(offset);
        match &mut self.value {
            Value::Array(items) => {
                *items = std::mem::take(items).into_iter().map(|item| item.shifted(offset)).collect()
            }
            Value::Table(table) => table.entries.iter_mut().for_each(|entry| entry.shift(offset)),
            _ => (),
        }
        self
    }
}

impl Entry {
    fn shift(&mut self, offset: usize) {
        self.at = self.at.shifted(offset);
        let empty = Node { at: self.at, value: Value::Date };
        self.node = std::mem::replace(&mut self.node, empty).shifted(offset);
    }
}

impl Span {
    fn shifted(self, offset: usize) -> Span {
        Span { start: self.start + offset, end: self.end + offset, ..self }
    }
}

fn table(text: usize, from: DeTable<'_>) -> Table {
    let mut entries: Vec<Entry> = from.into_iter().map(|(key, value)| entry(text, key, value)).collect();
    entries.sort_by_key(|entry| entry.at);
    Table { entries }
}

fn entry(text: usize, key: Spanned<DeString<'_>>, value: Spanned<DeValue<'_>>) -> Entry {
    let range = key.span();
    Entry {
        key: key.into_inner().into_owned(),
        at: Span { text, start: range.start, end: range.end },
        node: node(text, value),
    }
}

fn node(text: usize, from: Spanned<DeValue<'_>>) -> Node {
    let range = from.span();
    let value = match from.into_inner() {
        DeValue::String(string) => Value::Text(string.into_owned()),
        DeValue::Integer(number) => {
            let value = i128::from_str_radix(number.as_str(), number.radix()).ok();
            Value::Whole(number.to_string(), value)
        }
        DeValue::Float(number) => Value::Float(number.to_string(), number.as_str().parse().ok()),
        DeValue::Boolean(value) => Value::Bool(value),
        DeValue::Datetime(_) => Value::Date,
        DeValue::Array(items) => Value::Array(items.into_iter().map(|item| node(text, item)).collect()),
        DeValue::Table(inner) => Value::Table(table(text, inner)),
    };
    Node { at: Span { text, start: range.start, end: range.end }, value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, path: &str, expected: &str) {
        let (table, errors) = parse_file(text);
        assert!(errors.is_empty(), "{errors:?}");
        let at = table.at(path).unwrap().at;
        assert_eq!(&text[at.start..at.end], expected, "{path}");
    }

    #[test]
    fn every_value_knows_its_place() {
        check("a = 1", "a", "1");
        check("[a]\nb.c = 'x'", "a.b.c", "'x'");
        check("[[a]]\nb = 1\n[[a]]\nb = 22", "a.1.b", "22");
        check("[[a]]\nb = 1\n[[a]]\nb = 22", "a.1", "[[a]]");
        check("a = [1, [2, 3]]", "a.1.0", "2");
    }

    #[test]
    fn a_broken_file_is_read_as_far_as_possible() {
        let (table, errors) = parse_file("a = 1\nb = \nc = 3\n");
        assert_eq!(errors.len(), 1);
        assert!(table.at("a").is_some() && table.at("c").is_some());
    }

    #[test]
    fn what_is_not_toml_is_a_string() {
        let check = |text: &str, expected: &str| {
            assert_eq!(parse_value(1, 3, text).describe(), expected);
        };
        check("5s", "the string \"5s\"");
        check("5", "the number 5");
        check("", "the string \"\"");
        check("500/s", "the string \"500/s\"");
        check("[1, 2]", "an array");
        check("1.30", "the number 1.30");
    }
}
