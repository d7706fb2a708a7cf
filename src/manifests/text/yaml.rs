//! YAML: the events of `saphyr_parser`, built into trees without recursion, so that a hostile file can overflow nothing.
//! Aliases are written out and merge keys merged, as kubectl does it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};

use super::node::{Entry, Node, Range, Value};
use super::offsets::Offsets;
use super::{DEEPEST, MOST_VALUES, Unreadable, crowd, distinct, scalar};

/// The documents of the text from byte `begin` on, up to the first thing that cannot be read.
pub(super) fn documents(text: &str, begin: usize) -> (Vec<Node>, Option<Unreadable>) {
    if let Some(at) = crowd::find(text, begin) {
        return (Vec::new(), Some(Unreadable::too_many_values(at)));
    }
    let mut builder = Builder::new(text, begin);
    for event in Parser::new_from_str(&text[begin..]) {
        let taken = match event {
            Ok((event, span)) => builder.take(event, span),
            Err(error) => Err(builder.syntax(&error)),
        };
        if let Err(problem) = taken {
            return (builder.documents, Some(problem));
        }
    }
    (builder.documents, None)
}

/// A collection that has begun.
#[derive(Debug)]
struct Open {
    anchor: usize,
    start: usize,
    values_before: usize,
    inside: Inside,
}

#[derive(Debug)]
enum Inside {
    List(Vec<Node>),
    /// The key whose value is missing.
    Map(Vec<Entry>, Option<(String, Range)>),
}

/// A text counts as another value for each so many bytes: aliases may repeat a long one, too.
const TEXT_OF_A_VALUE: usize = 64;

/// A value with an anchor, and how many values are in it.
#[derive(Debug)]
struct Anchored {
    node: Node,
    values: usize,
}

#[derive(Debug)]
struct Builder<'a> {
    text: &'a str,
    begin: usize,
    offsets: Offsets<'a>,
    documents: Vec<Node>,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Anchored>,
    values: usize,
}

impl<'a> Builder<'a> {
    fn new(text: &'a str, begin: usize) -> Builder<'a> {
        Builder {
            text,
            begin,
            offsets: Offsets::new(&text[begin..]),
            documents: Vec::new(),
            open: Vec::new(),
            anchors: BTreeMap::new(),
            values: 0,
        }
    }

    fn range(&self, span: Span) -> Range {
        let byte = |character| self.begin + self.offsets.byte(character);
        Range { start: byte(span.start.index()), end: byte(span.end.index()) }
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Unreadable> {
        let at = self.range(span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let values = 1 + text.len() / TEXT_OF_A_VALUE;
                let node = Node { at, value: scalar_value(text, style, tag.as_deref()) };
                self.values += values - 1;
                self.value(node, anchor, values)
            }
            Event::SequenceStart(anchor, _) => self.begin_collection(at, anchor, Inside::List(Vec::new())),
            Event::MappingStart(anchor, _) => self.begin_collection(at, anchor, Inside::Map(Vec::new(), None)),
            Event::SequenceEnd | Event::MappingEnd => self.end_collection(at),
            Event::Alias(anchor) => self.alias(at, anchor),
            Event::DocumentStart(_) => {
                self.anchors.clear();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn begin_collection(&mut self, at: Range, anchor: usize, inside: Inside) -> Result<(), Unreadable> {
        if self.open.len() >= DEEPEST {
            return Err(Unreadable::too_deep(at));
        }
        if self.awaits_key() {
            let problem = Unreadable::new(at, "bad-key", "a key has to be a string, and this is a collection");
            return Err(if self.text[at.start..].starts_with("{") { self.template(at, problem) } else { problem });
        }
        self.open.push(Open { anchor, start: at.start, values_before: self.values, inside });
        Ok(())
    }

    fn awaits_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { inside: Inside::Map(_, None), .. }))
    }

    fn end_collection(&mut self, at: Range) -> Result<(), Unreadable> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let value = match open.inside {
            Inside::List(items) => Value::List(items),
            Inside::Map(entries, _) => Value::Map(distinct(merged(entries)?)?),
        };
        // A block ends where the next one begins: what follows the last value does not belong to it.
        let end = last_end(&value).filter(|_| !self.text[..at.end].ends_with(['}', ']'])).unwrap_or(at.end);
        let values = self.values - open.values_before + 1;
        let node = Node { at: Range { start: open.start.min(end), end }, value };
        self.value(node, open.anchor, values)
    }

    fn alias(&mut self, at: Range, anchor: usize) -> Result<(), Unreadable> {
        let Some(anchored) = self.anchors.get(&anchor) else {
            return Err(self.without_end(at, anchor));
        };
        let values = anchored.values;
        // Before the copy: the copies of a few lines may be larger than any memory.
        if self.values.saturating_add(values) > MOST_VALUES {
            return Err(Unreadable::too_many_values(at));
        }
        let node = Node { at, value: anchored.node.value.clone() };
        self.values += values - 1;
        self.value(node, 0, values)
    }

    /// An alias of what has not ended, or has ended with its document.
    fn without_end(&self, at: Range, anchor: usize) -> Unreadable {
        if self.open.iter().any(|open| open.anchor == anchor) {
            return Unreadable::new(
                at,
                "endless-alias",
                "this alias stands inside of what it repeats, so it has no end",
            );
        }
        Unreadable::new(
            at,
            "unknown-alias",
            "what this alias repeats stands in another document, and anchors end with theirs",
        )
    }

    /// Puts a finished value of this many values where it belongs.
    fn value(&mut self, node: Node, anchor: usize, values: usize) -> Result<(), Unreadable> {
        self.values += 1;
        if self.values > MOST_VALUES {
            return Err(Unreadable::too_many_values(node.at));
        }
        if anchor > 0 {
            self.remember(anchor, &node, values)?;
        }
        match self.open.last_mut().map(|open| &mut open.inside) {
            None => self.documents.push(node),
            Some(Inside::List(items)) => items.push(node),
            Some(Inside::Map(entries, key @ Some(_))) => {
                entries.extend(key.take().map(|(key, at)| Entry { key, at, node }));
            }
            Some(Inside::Map(_, key @ None)) => *key = Some(string_key(node, self.text)?),
        }
        Ok(())
    }

    /// Anchors cost as much as what they name.
    fn remember(&mut self, anchor: usize, node: &Node, values: usize) -> Result<(), Unreadable> {
        self.values += values;
        if self.values > MOST_VALUES {
            return Err(Unreadable::too_many_values(node.at));
        }
        self.anchors.insert(anchor, Anchored { node: node.clone(), values });
        Ok(())
    }

    fn syntax(&self, error: &ScanError) -> Unreadable {
        let at = self.range(Span::empty(*error.marker()));
        let problem = Unreadable::new(at, "syntax", format!("this is not YAML: {}", error.info()));
        let line = self.text[..at.start].rfind('\n').map_or(0, |newline| newline + 1);
        let shown = &self.text[line..].lines().next().unwrap_or_default();
        let problem = self.template(at, problem);
        if problem.help.is_some() {
            return problem;
        }
        if shown.starts_with([' ', '\t']) && shown.trim_start_matches(' ').starts_with('\t') {
            return problem.help("YAML is indented by spaces, not by tabs");
        }
        problem
    }

    /// With help, if there are the braces of a template on this line or on the one before.
    fn template(&self, at: Range, problem: Unreadable) -> Unreadable {
        let line = self.text[..at.start].rfind('\n').map_or(0, |newline| newline + 1);
        let before = self.text[..at.start].lines().next_back().unwrap_or_default();
        let here = self.text[line..].lines().next().unwrap_or_default();
        if before.contains("{{") || here.contains("{{") {
            return problem.help("this looks like a template: render it first, as in helm template . | rollsim run -");
        }
        problem
    }
}

/// The end of the last value of a collection.
fn last_end(value: &Value) -> Option<usize> {
    match value {
        Value::List(items) => items.last().map(|item| item.at.end),
        Value::Map(entries) => entries.iter().map(|entry| entry.node.at.end.max(entry.at.end)).max(),
        _ => None,
    }
}

fn scalar_value(text: Cow<'_, str>, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    let is_text = tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
    if style == ScalarStyle::Plain && !is_text { scalar::resolve(&text) } else { Value::Text(text.into_owned()) }
}

/// A key as JSON will have it: what YAML takes for a number is its text.
fn string_key(node: Node, text: &str) -> Result<(String, Range), Unreadable> {
    let at = node.at;
    let key = match node.value {
        Value::Text(key) => key,
        Value::Bool(_) | Value::Whole(_) | Value::Float(_) => text[at.start..at.end].trim().to_owned(),
        Value::Null => return Err(Unreadable::new(at, "bad-key", "a key is missing here")),
        Value::List(_) | Value::Map(_) => {
            return Err(Unreadable::new(at, "bad-key", "a key has to be a string, and this is a collection"));
        }
    };
    Ok((key, at))
}

/// YAML 1.1: the keys of another mapping, where this one does not have them.
const MERGE: &str = "<<";

fn merged(entries: Vec<Entry>) -> Result<Vec<Entry>, Unreadable> {
    if !entries.iter().any(|entry| entry.key == MERGE) {
        return Ok(entries);
    }
    let (merges, mut own): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(|entry| entry.key == MERGE);
    let mut keys: BTreeSet<String> = own.iter().map(|entry| entry.key.clone()).collect();
    for merge in merges {
        let sources = match merge.node.value {
            Value::List(items) => items,
            _ => vec![merge.node],
        };
        for source in sources {
            let at = source.at;
            let Value::Map(inherited) = source.value else {
                return Err(Unreadable::new(at, "bad-merge", "`<<` takes a mapping or a list of mappings"));
            };
            own.extend(inherited.into_iter().filter(|entry| keys.insert(entry.key.clone())));
        }
    }
    Ok(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_wrong(text: &str, code: &str, expected: &str) {
        let (_, problem) = documents(text, 0);
        let problem = problem.unwrap_or_else(|| panic!("{text} is wrong"));
        let shown: String = text[problem.at.start..].chars().take(expected.chars().count()).collect();
        assert_eq!((problem.code, shown.as_str()), (code, expected), "{text}: {}", problem.message);
    }

    fn text_of(text: &str, path: &[&str]) -> String {
        let (documents, problem) = documents(text, 0);
        assert_eq!(problem, None);
        let node = path.iter().fold(&documents[0], |node, key| match key.parse::<usize>() {
            Ok(index) => &node.items()[index],
            Err(_) => &node.get(key).unwrap().node,
        });
        text[node.at.start..node.at.end].to_owned()
    }

    #[test]
    fn every_value_knows_its_place() {
        check_place("a: 1", &["a"], "1");
        check_place("ä: ö # ü\nb:\n- x\n-  c: 'yy'\n   d: 2\ne: f", &["b", "1", "c"], "'yy'");
        check_place("b:\n- x\n-  c: 'yy'\n   d: 2\n\n\ne: f", &["b", "1"], "c: 'yy'\n   d: 2");
        check_place("a: {b: [1, 22]}\nc: d", &["a"], "{b: [1, 22]}");
        check_place("a: {b: [1, 22]}\nc: d", &["a", "b", "1"], "22");
    }

    fn check_place(text: &str, path: &[&str], expected: &str) {
        assert_eq!(text_of(text, path), expected, "{text}");
    }

    #[test]
    fn what_cannot_be_read_is_shown_where_it_stands() {
        check_wrong("a: 1\nb: 2\na: 3", "duplicate-key", "a: 3");
        check_wrong("? [a]\n: 1", "bad-key", "[a]");
        check_wrong("a: &x\n  b: *x", "endless-alias", "*x");
        check_wrong("a: &x 1\n---\nb: *x", "unknown-alias", "*x");
        check_wrong("<<: 3", "bad-merge", "3");
        check_wrong(&"- ".repeat(100), "too-deep", "- ");
        check_wrong(&"[".repeat(100), "too-deep", "[");
        check_wrong("a: b: c", "syntax", ": c");
        check_wrong("a: [1", "syntax", "");
        check_wrong("a: *nothing", "syntax", "*nothing");
    }

    #[test]
    fn aliases_are_written_out_up_to_a_limit() {
        let (documents, problem) = super::documents("a: &x {b: 1}\nc: *x\nd:\n  <<: [*x, {b: 2, e: 3}]\n  f: 4", 0);
        assert_eq!(problem, None);
        let keys: Vec<_> = documents[0].get("d").unwrap().node.entries().iter().map(|entry| &entry.key).collect();
        assert_eq!(keys, ["f", "b", "e"]);
        assert_eq!(documents[0].get("c").unwrap().node.get("b").unwrap().node.value, Value::Whole(1));
        let bomb: String = (1..30)
            .map(|level| format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 9].join(",")))
            .collect();
        check_wrong(&format!("a0: &a0 [x]\n{bomb}"), "too-many-values", "*a");
    }

    #[test]
    fn aliases_of_a_long_text_took_22_gigabytes() {
        let long = "x".repeat(1 << 20);
        check_wrong(&format!("a: &x {long}\nb:\n{}", "- *x\n".repeat(1_000)), "too-many-values", "*x");
        let documents = documents(&format!("a: &x {long}\nb: [*x, *x]"), 0);
        assert_eq!(documents.1, None);
    }

    #[test]
    fn a_template_as_a_value_is_told_to_be_one() {
        let (_, problem) = documents("metadata:\n  name: {{ include \"a\" . }}\n", 0);
        assert!(problem.unwrap().help.unwrap().contains("helm template"));
    }
}
