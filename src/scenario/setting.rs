//! `--set key=value`: edits the tree before it is read, so that a value from the command line is checked like one
//! from the file and its problems point into the `--set`.

use crate::scenario::log::Fault;
use crate::scenario::source::Span;
use crate::scenario::tree::{Entry, Node, Table, Value, parse_value};

/// Deeper than any key of a scenario.
const DEEPEST: usize = 16;

/// One segment of a dotted key.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Segment {
    name: String,
    at: Span,
}

/// Puts the value of the `--set` number `text` (from 1) into the tree.
pub(super) fn apply(root: &mut Table, text: usize, setting: &str) -> Result<(), Fault> {
    let (path, equals) = path(text, setting)?;
    let value = parse_value(text, equals + 1, &setting[equals + 1..]);
    put(root, &path, value)
}

/// The dotted key of a `--set`, and the byte of the `=` behind it.
pub(super) fn key(text: usize, setting: &str) -> Result<(String, usize), Fault> {
    let (path, equals) = path(text, setting)?;
    let names: Vec<&str> = path.iter().map(|segment| segment.name.as_str()).collect();
    Ok((names.join("."), equals))
}

/// Puts a value that has a place of its own at a dotted key, which stands at `at`.
pub(super) fn put_at(root: &mut Table, key: &str, at: Span, value: Node) -> Result<(), Fault> {
    let (path, _) = path(at.text, &format!("{key}=")).map_err(|fault| Fault { at: Some(at), ..fault })?;
    let path: Vec<Segment> = path.into_iter().map(|segment| Segment { at, ..segment }).collect();
    put(root, &path, value)
}

/// Complains about what is no dotted key.
pub(super) fn check_key(key: &str, at: Span) -> Result<(), Fault> {
    let wrong =
        |fault: Fault| Fault { at: Some(at), message: format!("is no key: {}", fault.message), help: None, ..fault };
    match path(at.text, &format!("{key}=")) {
        Ok((_, equals)) if equals == key.len() => Ok(()),
        Ok(_) => Err(wrong(bad("it holds a `=`", at))),
        Err(fault) => Err(wrong(fault)),
    }
}

fn bad(message: impl Into<String>, at: Span) -> Fault {
    Fault::new("bad-set", message).at(at).help("write --set pod.pre_stop.sleep=5s")
}

/// The segments of the key, and the byte of the `=` behind it.
fn path(text: usize, setting: &str) -> Result<(Vec<Segment>, usize), Fault> {
    let (mut segments, mut start) = (Vec::new(), 0);
    loop {
        let (name, end) = segment(text, setting, start)?;
        let at = Span { text, start, end };
        segments.push(Segment { name, at });
        match setting[end..].chars().next() {
            Some('=') if segments.len() <= DEEPEST => return Ok((segments, end)),
            Some('.') if segments.len() < DEEPEST => start = end + 1,
            Some('.' | '=') => return Err(bad(format!("a key has at most {DEEPEST} parts"), at)),
            _ => return Err(bad("a `--set` is key=value", Span { text, start: end, end: setting.len() })),
        }
    }
}

/// One segment, which begins at byte `start`, and the byte behind it.
fn segment(text: usize, setting: &str, start: usize) -> Result<(String, usize), Fault> {
    let rest = &setting[start..];
    if let Some(quote @ ('"' | '\'')) = rest.chars().next() {
        let at = Span { text, start, end: setting.len() };
        let length = rest[1..].find(quote).ok_or_else(|| bad("the quoted part of the key does not end", at))?;
        return Ok((rest[1..=length].to_owned(), start + length + 2));
    }
    let bare = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let length = rest.find(|c| !bare(c)).unwrap_or(rest.len());
    let at = Span { text, start, end: start + length };
    if length == 0 { Err(bad("a part of the key is missing", at)) } else { Ok((rest[..length].to_owned(), at.end)) }
}

/// Walks down the path, making the tables that are missing, and replaces what is at its end.
fn put(table: &mut Table, path: &[Segment], value: Node) -> Result<(), Fault> {
    match path {
        [first, next, ..] => put_below(child(table, first, next), first, &path[1..], value),
        [last] => {
            put_key(table, last, value);
            Ok(())
        }
        [] => Ok(()),
    }
}

fn put_below(node: &mut Node, name: &Segment, path: &[Segment], value: Node) -> Result<(), Fault> {
    let found = node.describe();
    match &mut node.value {
        Value::Table(table) => put(table, path, value),
        Value::Array(items) => put_in_array(items, path, value),
        _ => Err(bad(format!("`{}` is no table: {found} stands there", name.name), name.at)),
    }
}

fn put_in_array(items: &mut Vec<Node>, path: &[Segment], value: Node) -> Result<(), Fault> {
    let [first, rest @ ..] = path else { return Ok(()) };
    let index = index(items, first)?;
    if index == items.len() {
        items.push(Node { at: first.at, value: Value::Table(Table::default()) });
    }
    if rest.is_empty() {
        items[index] = value;
        return Ok(());
    }
    put_below(&mut items[index], first, rest, value)
}

/// The value of a key, made if it is missing: `clients` and `faults` as arrays, anything else as a table.
fn child<'a>(table: &'a mut Table, segment: &Segment, next: &Segment) -> &'a mut Node {
    if table.get(&segment.name).is_none() {
        let array = matches!(segment.name.as_str(), "clients" | "faults") && next.name.parse::<usize>().is_ok();
        let value = if array { Value::Array(Vec::new()) } else { Value::Table(Table::default()) };
        put_key(table, segment, Node { at: segment.at, value });
    }
    let index = table.entries.iter().position(|entry| entry.key == segment.name).unwrap_or_default();
    &mut table.entries[index].node
}

fn put_key(table: &mut Table, segment: &Segment, node: Node) {
    match table.get_mut(&segment.name) {
        Some(entry) => (entry.at, entry.node) = (segment.at, node),
        None => table.entries.push(Entry { key: segment.name.clone(), at: segment.at, node }),
    }
}

/// The index of an element, or that of the next one.
fn index(items: &[Node], segment: &Segment) -> Result<usize, Fault> {
    let message = || format!("`{}` is no index: the array here has {} elements", segment.name, items.len());
    let plain = segment.name == "0" || !segment.name.starts_with(['0', '+']);
    let index = segment.name.parse().ok().filter(|index| plain && *index <= items.len());
    index.ok_or_else(|| bad(message(), segment.at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::tree::parse_file;

    fn check(file: &str, setting: &str, path: &str, expected: &str) {
        let (mut root, _) = parse_file(file);
        apply(&mut root, 1, setting).unwrap();
        let node = root.at(path).unwrap();
        assert_eq!(node.describe(), expected, "{setting}");
        assert_eq!(node.at.text, 1);
    }

    fn check_wrong(file: &str, setting: &str, expected: &str, column: usize) {
        let (mut root, _) = parse_file(file);
        let fault = apply(&mut root, 1, setting).unwrap_err();
        assert!(fault.message.contains(expected), "{setting}: {}", fault.message);
        assert_eq!(fault.at.unwrap().start + 1, column, "{setting}");
    }

    #[test]
    fn puts_values_where_the_key_says() {
        check("", "a=1", "a", "the number 1");
        check("[a]\nb = 1", "a.b=5s", "a.b", "the string \"5s\"");
        check("", "a.b.c=true", "a.b.c", "`true`");
        check("[[clients]]\n[[clients]]", "clients.1.rate=1/s", "clients.1.rate", "the string \"1/s\"");
        check("", "clients.0.rate=1/s", "clients.0.rate", "the string \"1/s\"");
        check("a = [1, 2]", "a.1=7", "a.1", "the number 7");
        check("", "\"a\".'b'=x=y", "a.b", "the string \"x=y\"");
        check("", "a=", "a", "the string \"\"");
    }

    #[test]
    fn refuses_what_is_no_setting() {
        check_wrong("", "a", "key=value", 2);
        check_wrong("", "", "missing", 1);
        check_wrong("", "a..b=1", "missing", 3);
        check_wrong("", "'a=1", "does not end", 1);
        check_wrong("", "a b=1", "key=value", 2);
        check_wrong("a = 1", "a.b=1", "`a` is no table", 1);
        check_wrong("a = [1]", "a.0.b=1", "`0` is no table", 3);
        check_wrong("[[clients]]", "clients.2.rate=1/s", "is no index", 9);
        check_wrong("[[clients]]", "clients.x=1/s", "is no index", 9);
        check_wrong("[[clients]]", "clients.00.rate=1/s", "is no index", 9);
        check_wrong("", &format!("{}a=1", "a.".repeat(100_000)), "at most 16", 31);
    }

    #[test]
    fn a_value_knows_its_place_in_the_setting() {
        let (mut root, _) = parse_file("");
        apply(&mut root, 2, "a={ b = [1, 22] }").unwrap();
        assert_eq!(root.at("a.b.1").unwrap().at, Span { text: 2, start: 12, end: 14 });
    }
}
