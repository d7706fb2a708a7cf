//! The tree.

/// A stretch of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(in crate::manifests) struct Range {
    pub(in crate::manifests) start: usize,
    pub(in crate::manifests) end: usize,
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::manifests) struct Node {
    pub(in crate::manifests) at: Range,
    pub(in crate::manifests) value: Value,
}

/// What JSON knows.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::manifests) enum Value {
    Null,
    Bool(bool),
    Whole(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::manifests) struct Entry {
    pub(in crate::manifests) key: String,
    pub(in crate::manifests) at: Range,
    pub(in crate::manifests) node: Node,
}

impl Node {
    /// The value of a key, if this is a mapping that has it.
    pub(in crate::manifests) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The keys of a mapping; none if it is something else.
    pub(in crate::manifests) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none if it is something else.
    pub(in crate::manifests) fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// A string; empty if it is something else.
    pub(in crate::manifests) fn plain_text(&self) -> String {
        match &self.value {
            Value::Text(text) => text.clone(),
            _ => String::new(),
        }
    }

    /// What stands here, for "expected …, found …".
    pub(in crate::manifests) fn describe(&self) -> String {
        match &self.value {
            Value::Null => "nothing".to_owned(),
            Value::Bool(value) => format!("`{value}`"),
            Value::Whole(value) => format!("the number {value}"),
            Value::Float(value) => format!("the number {value}"),
            Value::Text(text) => format!("the string {}", quoted(text)),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a mapping".to_owned(),
        }
    }
}

/// In quotes, the beginning only if it is long.
pub(super) fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut shown: String = text.chars().take(LONGEST).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}

/// The first key that stands in these entries before.
pub(super) fn duplicate(entries: &[Entry]) -> Option<&Entry> {
    let mut sorted: Vec<&Entry> = entries.iter().collect();
    sorted.sort_by(|one, other| (&one.key, one.at).cmp(&(&other.key, other.at)));
    let again = sorted.windows(2).filter(|pair| pair[0].key == pair[1].key).map(|pair| pair[1]);
    again.min_by_key(|entry| entry.at)
}
