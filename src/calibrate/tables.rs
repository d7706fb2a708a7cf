//! The measurements' CSV files as they are read: columns by name, numbers checked, problems with file and line.

use std::collections::BTreeMap;

use thiserror::Error;

/// A file that was read: what it is called in messages, and its text.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// Usually the path.
    pub name: &'a str,
    /// The whole text.
    pub text: &'a str,
}

/// Why a file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{file}:{line}:{} {what}", column.map_or(String::new(), |column| format!("{column}:")))]
pub struct DataError {
    /// Which file.
    pub file: String,
    /// The line, counted from 1.
    pub line: u64,
    /// The character of the line, counted from 1, if it is known.
    pub column: Option<u64>,
    /// What is wrong there.
    pub what: String,
}

impl File<'_> {
    /// A problem with a line of this file.
    pub fn error(&self, line: u64, what: impl Into<String>) -> DataError {
        DataError { file: self.name.to_owned(), line, column: None, what: what.into() }
    }

    /// A problem at a byte of this file.
    pub(super) fn error_at(&self, byte: usize, what: impl Into<String>) -> DataError {
        let (line, column) = place(self.text.as_bytes(), byte);
        DataError { column: Some(column), ..self.error(line, what) }
    }

    /// The byte at a line and a byte of that line, both counted from 1; the end of the text if there is none.
    pub(super) fn offset(&self, line: usize, byte: usize) -> usize {
        let begin: usize = self.text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        (begin + byte.saturating_sub(1)).min(self.text.len())
    }
}

/// The line of a byte, and which character of the line it is, both counted from 1.
pub fn place(text: &[u8], byte: usize) -> (u64, u64) {
    let before = &text[..byte.min(text.len())];
    let line_begin = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let line = before.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
    (line, String::from_utf8_lossy(&before[line_begin..]).chars().count() as u64 + 1)
}

/// One row: its line and its cells by column.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) line: u64,
    cells: BTreeMap<String, String>,
}

impl Row {
    /// The text of a cell, empty if there is none.
    pub(super) fn text(&self, column: &str) -> &str {
        self.cells.get(column).map_or("", String::as_str)
    }

    /// The number in a cell, none if it is empty.
    pub(super) fn number(&self, file: File<'_>, column: &str) -> Result<Option<f64>, DataError> {
        let text = self.text(column);
        if text.is_empty() {
            return Ok(None);
        }
        let value = text.parse().ok().filter(|value: &f64| value.is_finite());
        value.map(Some).ok_or_else(|| file.error(self.line, format!("`{column}` is `{text}`, expected a number")))
    }

    /// The number in a cell that must hold one.
    pub(super) fn required(&self, file: File<'_>, column: &str) -> Result<f64, DataError> {
        self.number(file, column)?.ok_or_else(|| file.error(self.line, format!("`{column}` is empty")))
    }
}

/// The rows of a file whose header has at least these columns.
pub(super) fn rows(file: File<'_>, columns: &[&str]) -> Result<Vec<Row>, DataError> {
    let mut reader = csv::Reader::from_reader(file.text.as_bytes());
    let header = reader.headers().map_err(|error| bad(file, &error))?.clone();
    if let Some(missing) = columns.iter().find(|column| !header.iter().any(|name| name == **column)) {
        return Err(file.error(1, format!("the header has no column `{missing}`")));
    }
    let row = |record: Result<csv::StringRecord, csv::Error>| {
        let record = record.map_err(|error| bad(file, &error))?;
        let line = record.position().map_or(0, csv::Position::line);
        let cells = header.iter().zip(&record).map(|(name, cell)| (name.to_owned(), cell.trim().to_owned())).collect();
        Ok(Row { line, cells })
    };
    reader.records().map(row).collect()
}

fn bad(file: File<'_>, error: &csv::Error) -> DataError {
    file.error(error.position().map_or(1, csv::Position::line), "the row does not have as many cells as the header")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let file = File { name: "a.csv", text };
        let read = rows(file, &["x"]).and_then(|rows| rows.iter().map(|row| row.required(file, "x")).collect());
        assert_eq!(read.map(|_: Vec<f64>| ()).unwrap_err().to_string(), expected);
    }

    #[test]
    fn problems_name_file_and_line() {
        check("y\n1\n", "a.csv:1: the header has no column `x`");
        check("x,y\n1,2\n3\n", "a.csv:3: the row does not have as many cells as the header");
        check("x\n1\nfast\n", "a.csv:3: `x` is `fast`, expected a number");
        check("x\nnan\n", "a.csv:2: `x` is `nan`, expected a number");
        check("x,y\n,1\n", "a.csv:2: `x` is empty");
    }
}
