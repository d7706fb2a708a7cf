//! Objects of a stream of `kubectl get -o json`, with or without `-w`: JSON documents one after another.
//!
//! A document is an object, a List of them in `items`, or with `--output-watch-events` an event of the watch:
//! `{"type": "ADDED", "object": {…}}` (kubectl, pkg/cmd/get/get.go; the API's WatchEvent).

use serde_json::Value;

use super::json::{not_json, place_of};
use super::stamp::Stamp;
use crate::calibrate::tables::{DataError, File};

/// An object and the byte where its document begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Object {
    pub(super) at: usize,
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
        let key = path.rsplit('/').next().unwrap_or_default().replace("~1", "/");
        self.value.pointer(path).map_or(Ok(None), |stamp| self.stamp_of(file, &key, stamp))
    }

    /// As [`Object::stamp`], of the value of a key inside of the object.
    pub(super) fn stamp_of(&self, file: File<'_>, key: &str, stamp: &Value) -> Result<Option<Stamp>, DataError> {
        if stamp.is_null() {
            return Ok(None);
        }
        let wrong = || {
            let at = place_of(file.text, self.at, key, stamp);
            file.error_at(at, format!("`{key}` is {stamp}, expected a time such as \"2026-01-31T10:00:07Z\""))
        };
        stamp.as_str().and_then(Stamp::read).map(Some).ok_or_else(wrong)
    }
}

/// All objects in their order; `what` is what the file ought to be.
pub(super) fn objects(file: File<'_>, what: &str) -> Result<Vec<Object>, DataError> {
    let mut objects = Vec::new();
    let mut documents = serde_json::Deserializer::from_str(file.text).into_iter::<Value>();
    let mut at = behind_spaces(file.text, 0);
    while let Some(document) = documents.next() {
        let document = document.map_err(|error| not_json(file, &error, what))?;
        if !document.is_object() {
            return Err(file.error_at(at, format!("an object should begin here, expected {what}")));
        }
        objects.extend(inside(document).into_iter().map(|value| Object { at, value }));
        at = behind_spaces(file.text, documents.byte_offset());
    }
    if objects.is_empty() && file.text.trim().is_empty() {
        return Err(file.error_at(0, format!("the file is empty, expected {what}")));
    }
    Ok(objects)
}

/// The next character from a byte on that is no space.
fn behind_spaces(text: &str, from: usize) -> usize {
    text.len() - text.get(from..).unwrap_or_default().trim_start().len()
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

#[cfg(test)]
mod tests {
    use super::*;

    const WHAT: &str = "what kubectl prints";

    fn read(text: &str) -> Vec<(usize, u64)> {
        let objects = objects(File { name: "a", text }, WHAT).unwrap();
        objects.iter().map(|one| (one.at, one.value["a"].as_u64().unwrap())).collect()
    }

    #[test]
    fn objects_lists_and_watch_events_are_unwrapped() {
        let text = "{\n \"a\": 1\n}\n{\"kind\": \"List\", \"items\": [{\"a\": 2}, {\"a\": 3}]}\n\n{\"type\": \"ADDED\",\n \"object\": {\"a\": 4}}{\"a\": 5}";
        let begins = |text: &str, part: &str| text.find(part).unwrap();
        let [list, event, last] = ["{\"kind\"", "{\"type\"", "{\"a\": 5"].map(|part| begins(text, part));
        assert_eq!(read(text), [(0, 1), (list, 2), (list, 3), (event, 4), (last, 5)]);
    }

    #[test]
    fn what_is_no_json_is_named_with_its_place() {
        let check = |text: &str, expected: &str| {
            let error = objects(File { name: "a", text }, WHAT).unwrap_err().to_string();
            assert_eq!(error, format!("{expected} what kubectl prints"));
        };
        check("{}\n{\"a\":\n", "a:3:1: the JSON ends too early: is the file cut off? Expected");
        check("{}\nNAME READY\n", "a:2:1: no JSON: no JSON value begins here; expected");
        check("{}\n\n  [1]", "a:3:3: an object should begin here, expected");
        check(" \n", "a:1:1: the file is empty, expected");
    }

    #[test]
    fn a_wrong_stamp_is_found_where_its_key_has_it() {
        let text = "{\"at\": \"soon\"}\n{\"note\": \"soon\", \"inner\": {\n  \"at\" : \"soon\"}}";
        let objects = objects(File { name: "a", text }, WHAT).unwrap();
        let error = objects[1].stamp(File { name: "a", text }, "/inner/at").unwrap_err();
        assert_eq!((error.line, error.column), (3, Some(10)), "{error}");
    }
}
