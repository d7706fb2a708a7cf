//! JSON whose every value knows its place, so that what is wrong with one is told with line and column, its path, and in
//! the words of JSON.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::calibrate::tables::{DataError, File};

/// A value of a document.
#[derive(Debug, Clone)]
pub(super) struct Json<'a> {
    file: File<'a>,
    /// Such as `metrics.http_reqs` or `Data[3]`; empty for the whole document.
    path: String,
    raw: &'a str,
}

impl<'a> Json<'a> {
    /// The one document of a file, which must be an object; `what` is what the file ought to be.
    pub(super) fn document(file: File<'a>, what: &str) -> Result<Json<'a>, DataError> {
        let raw: &RawValue = serde_json::from_str(file.text).map_err(|error| not_json(file, &error, what))?;
        let document = Json { file, path: String::new(), raw: raw.get() };
        if document.raw.starts_with('{') { Ok(document) } else { Err(document.unexpected(what)) }
    }

    /// A problem of this value.
    pub(super) fn error(&self, what: &str) -> DataError {
        let at = self.raw.as_ptr() as usize - self.file.text.as_ptr() as usize;
        let of = if self.path.is_empty() { "the document".to_owned() } else { format!("`{}`", self.path) };
        self.file.error_at(at, format!("{of} {what}"))
    }

    /// It is not what was expected.
    pub(super) fn unexpected(&self, expected: &str) -> DataError {
        self.error(&format!("is {}, expected {expected}", self.describe()))
    }

    fn describe(&self) -> String {
        match self.raw.as_bytes().first() {
            Some(b'{') => "an object".to_owned(),
            Some(b'[') => "an array".to_owned(),
            Some(b'"') => format!("the text {}", shortened(self.raw)),
            Some(b'n') => "null".to_owned(),
            Some(b't' | b'f') => self.raw.to_owned(),
            _ => format!("the number {}", shortened(self.raw)),
        }
    }

    /// The value of a key, which must be there.
    pub(super) fn required(&self, key: &str, what: &str) -> Result<Json<'a>, DataError> {
        match self.entries()?.remove(key) {
            Some(null) if null.raw == "null" => Err(null.unexpected(what)),
            value => value.ok_or_else(|| self.error(&format!("has no key \"{key}\", expected {what}"))),
        }
    }

    /// The value of a key, none if it is not there or null.
    pub(super) fn get(&self, key: &str) -> Result<Option<Json<'a>>, DataError> {
        Ok(self.entries()?.remove(key).filter(|value| value.raw != "null"))
    }

    /// The values of an object by key.
    pub(super) fn entries(&self) -> Result<BTreeMap<String, Json<'a>>, DataError> {
        if !self.raw.starts_with('{') {
            return Err(self.unexpected("an object"));
        }
        let entries: BTreeMap<String, &'a RawValue> =
            self.read().ok_or_else(|| self.error("has a key that is no text: half of a surrogate pair"))?;
        let inside = |key: &str| if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Ok(entries.into_iter().map(|(key, raw)| (key.clone(), self.inner(inside(&key), raw))).collect())
    }

    /// The values of an array.
    pub(super) fn items(&self) -> Result<Vec<Json<'a>>, DataError> {
        let items: Vec<&'a RawValue> =
            self.read().filter(|_| self.raw.starts_with('[')).ok_or_else(|| self.unexpected("an array"))?;
        let item = |(index, raw)| self.inner(format!("{}[{index}]", self.path), raw);
        Ok(items.into_iter().enumerate().map(item).collect())
    }

    /// A number that is not below zero.
    pub(super) fn amount(&self, what: &str) -> Result<f64, DataError> {
        let value = self.read::<f64>().filter(|value| *value >= 0.0 && value.is_finite());
        value.ok_or_else(|| self.unexpected(&format!("{what}, not below zero")))
    }

    fn inner(&self, path: String, raw: &'a RawValue) -> Json<'a> {
        Json { file: self.file, path, raw: raw.get() }
    }

    fn read<T: Deserialize<'a>>(&self) -> Option<T> {
        serde_json::from_str(self.raw).ok()
    }
}

/// A text that is not JSON, told at the place where reading ended.
pub(super) fn not_json(file: File<'_>, error: &serde_json::Error, what: &str) -> DataError {
    if file.text.trim().is_empty() {
        return file.error_at(0, format!("the file is empty, expected {what}"));
    }
    let at = file.offset(error.line(), error.column());
    if error.is_eof() {
        return file.error_at(at, format!("the JSON ends too early: is the file cut off? Expected {what}"));
    }
    let told = error.to_string();
    let told = told.rsplit_once(" at line ").map_or(told.as_str(), |(told, _)| told);
    let told = match told {
        "expected value" => "no JSON value begins here",
        "recursion limit exceeded" => "more than 127 levels of nesting",
        "trailing characters" => "something follows the end of the JSON",
        other => other,
    };
    file.error_at(at, format!("no JSON: {told}; expected {what}"))
}

/// A value of a document that was read as a tree: where `key` has it, in the text from `from` on; else `from`.
pub(super) fn place_of(text: &str, from: usize, key: &str, value: &Value) -> usize {
    let (key, value) = (format!("\"{key}\""), value.to_string());
    let behind = |(at, key): (usize, &str)| {
        let rest = text[from + at + key.len()..].trim_start().strip_prefix(':')?.trim_start();
        rest.starts_with(&value).then_some(text.len() - rest.len())
    };
    text[from..].match_indices(&key).find_map(behind).unwrap_or(from)
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 40;
    if text.chars().count() <= LONGEST { text.to_owned() } else { text.chars().take(LONGEST).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Result<Json<'_>, DataError> {
        let document = Json::document(File { name: "a", text }, "a report")?;
        document.entries().map(|_| document)
    }

    #[test]
    fn a_wrong_value_is_told_with_its_place_and_its_path() {
        let text = "{\"a\": {\n  \"é\": [1, {\"b\": \"x\"}]}}";
        let items = document(text).unwrap().required("a", "a").unwrap().required("é", "é").unwrap().items().unwrap();
        let wrong = items[1].required("b", "b").unwrap().amount("seconds").unwrap_err();
        assert_eq!(wrong.to_string(), "a:2:18: `a.é[1].b` is the text \"x\", expected seconds, not below zero");
        assert_eq!(items[0].entries().unwrap_err().to_string(), "a:2:9: `a.é[0]` is the number 1, expected an object");
        let none = items[1].required("c", "a count").unwrap_err();
        assert_eq!(none.to_string(), "a:2:12: `a.é[1]` has no key \"c\", expected a count");
        let null = document("{\"a\": null}").unwrap().required("a", "a count").unwrap_err();
        assert_eq!(null.to_string(), "a:1:7: `a` is null, expected a count");
    }

    #[test]
    fn what_is_no_json_is_told_at_its_place() {
        let check = |text: &str, expected: &str| assert_eq!(document(text).unwrap_err().to_string(), expected);
        check("", "a:1:1: the file is empty, expected a report");
        check("{\"a\": 1", "a:1:7: the JSON ends too early: is the file cut off? Expected a report");
        check("{\"a\": é}", "a:1:7: no JSON: no JSON value begins here; expected a report");
        check("{} {}", "a:1:4: no JSON: something follows the end of the JSON; expected a report");
        check("[1]", "a:1:1: the document is an array, expected a report");
        check("{\"\\ud800\": 1}", "a:1:1: the document has a key that is no text: half of a surrogate pair");
    }
}
