//! Objects of a stream of `kubectl get -o json`, with or without `-w`: JSON documents one after another.
//!
//! A document is an object, a List of them in `items`, or with `--output-watch-events` an event of the watch:
//! `{"type": "ADDED", "object": {…}}` (kubectl, pkg/cmd/get/get.go; the API's WatchEvent).

use serde_json::Value;

use super::stamp::Stamp;
use crate::calibrate::tables::{DataError, File};

/// An object and the line where its document begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Object {
    pub(super) line: u64,
    pub(super) value: Value,
}

impl Object {
    /// Whether it says to be of this kind.
    pub(super) fn is(&self, kind: &str) -> bool {
        self.value["kind"] == kind
    }

    /// The text at a path such as `/metadata/uid`.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.value.pointer(path)?.as_str()
    }

    /// The time stamp at a path, none if there is none; one that cannot be read is a problem of the file.
    pub(super) fn stamp(&self, file: File<'_>, path: &str) -> Result<Option<Stamp>, DataError> {
        self.value.pointer(path).map_or(Ok(None), |stamp| self.stamp_of(file, stamp))
    }

    /// As [`Object::stamp`], of a value inside of the object.
    pub(super) fn stamp_of(&self, file: File<'_>, stamp: &Value) -> Result<Option<Stamp>, DataError> {
        if stamp.is_null() {
            return Ok(None);
        }
        let read = stamp.as_str().and_then(Stamp::read);
        read.map(Some).ok_or_else(|| file.error(self.line, format!("expected a time in RFC 3339, not {stamp}")))
    }
}

/// All objects in their order.
pub(super) fn objects(file: File<'_>) -> Result<Vec<Object>, DataError> {
    let mut objects = Vec::new();
    let mut documents = serde_json::Deserializer::from_str(file.text).into_iter::<Value>();
    let mut place = Place { text: file.text, offset: 0, line: 1 };
    while let Some(document) = documents.next() {
        let line = place.next_document();
        let document = document.map_err(|error| file.error(error.line() as u64, format!("no JSON: {error}")))?;
        objects.extend(inside(document).into_iter().map(|value| Object { line, value }));
        place.advance(documents.byte_offset());
    }
    Ok(objects)
}

fn inside(mut document: Value) -> Vec<Value> {
    if document["type"].is_string() && document["object"].is_object() {
        document = document["object"].take();
    }
    match document.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => vec![document],
    }
}

/// Where the reading is.
struct Place<'a> {
    text: &'a str,
    offset: usize,
    line: u64,
}

impl Place<'_> {
    fn advance(&mut self, offset: usize) {
        let passed = self.text.as_bytes().get(self.offset..offset).unwrap_or_default();
        self.line += passed.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.offset = offset.max(self.offset);
    }

    /// The line of the next character that is no space.
    fn next_document(&mut self) -> u64 {
        let rest = self.text.get(self.offset..).unwrap_or_default();
        self.advance(self.offset + rest.len() - rest.trim_start().len());
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(u64, u64)> {
        let objects = objects(File { name: "a", text }).unwrap();
        objects.iter().map(|one| (one.line, one.value["a"].as_u64().unwrap())).collect()
    }

    #[test]
    fn objects_lists_and_watch_events_are_unwrapped() {
        let text = "{\n \"a\": 1\n}\n{\"kind\": \"List\", \"items\": [{\"a\": 2}, {\"a\": 3}]}\n\n{\"type\": \"ADDED\",\n \"object\": {\"a\": 4}}{\"a\": 5}";
        assert_eq!(read(text), [(1, 1), (4, 2), (4, 3), (6, 4), (7, 5)]);
    }

    #[test]
    fn what_is_no_json_is_named_with_its_line() {
        let error = |text: &str| objects(File { name: "a", text }).unwrap_err().to_string();
        assert!(error("{}\n{\"a\":\n").starts_with("a:3: no JSON: EOF"), "{}", error("{}\n{\"a\":\n"));
        assert!(error("{}\nNAME READY\n").starts_with("a:2: no JSON: "));
    }
}
