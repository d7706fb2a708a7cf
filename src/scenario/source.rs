//! The texts a scenario comes from: one file and any number of `--set`. Knows which line and column a byte is in.

use std::sync::Arc;

use crate::scenario::diagnostic::{Place, Problem, Severity, plain};

/// A scenario file that the caller has read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What diagnostics call it, usually the path as the user typed it.
    pub name: String,
    /// The whole text.
    pub text: String,
    /// Files that the text names, by the names it uses.
    attached: Vec<(String, String)>,
}

impl Source {
    /// A file of this name and text.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Source {
        Source { name: name.into(), text: text.into(), attached: Vec::new() }
    }

    /// The same with a file that the text names.
    pub fn attach(mut self, name: impl Into<String>, text: impl Into<String>) -> Source {
        self.attached.push((name.into(), text.into()));
        self
    }

    /// The files that the text names, by the names it uses, with their texts.
    pub fn files(&self) -> &[(String, String)] {
        &self.attached
    }

    /// The text of a file that the text names, if it is attached.
    pub(super) fn attached(&self, name: &str) -> Option<&str> {
        self.attached.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str())
    }

    /// A file of these bytes; a problem if they are not UTF-8.
    #[expect(clippy::result_large_err, reason = "happens once for a file; a box would only be in the way")]
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Source, Problem> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Source::new(name, text)),
            Err(error) => Err(not_utf8(name, &bytes[..error.valid_up_to()])),
        }
    }

    /// The file's name without folders and extension, with what a folder's name cannot hold replaced by `-`.
    pub(super) fn stem(&self) -> String {
        let file = self.name.rsplit(['/', '\\']).next().unwrap_or_default();
        let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
        let safe = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' };
        let stem: String = stem.chars().take(100).map(safe).collect();
        let stem = stem.trim_matches(['.', '-']);
        if stem.is_empty() { "scenario".to_owned() } else { stem.to_owned() }
    }
}

/// Points behind the last character that could be read. What follows is no text, so the line ends there.
fn not_utf8(name: &str, readable: &[u8]) -> Problem {
    let text = Text::new(name, String::from_utf8_lossy(readable).as_ref());
    let end = text.text.len();
    Problem {
        severity: Severity::Error,
        code: "not-utf8",
        key: None,
        message: format!("the file is not text: byte {} is not UTF-8", readable.len() + 1),
        place: Some(text.place(end, end)),
        other: None,
        help: Some("a scenario is a TOML file in UTF-8".to_owned()),
    }
}

/// A stretch of bytes in one of the texts: 0 is the file, `n` the n-th `--set`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Span {
    pub(super) text: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A line with more bytes than this is not shown: a file that a program wrote may be one line of megabytes.
const LONGEST_LINE: usize = 4_096;

/// A text with its lines found. A clone shares them.
#[derive(Debug, Clone)]
pub struct Text {
    name: Arc<str>,
    pub(super) text: Arc<str>,
    line_starts: Arc<[usize]>,
}

/// A stretch of bytes in one of several texts that are no scenario files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Spot {
    /// Which text, counted from 0.
    pub text: usize,
    /// The first byte.
    pub start: usize,
    /// The byte behind the last.
    pub end: usize,
}

impl Text {
    /// A text that diagnostics call by this name.
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Text {
        let text: Arc<str> = text.into();
        let after_breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(index, _)| index + 1);
        let line_starts = std::iter::once(0).chain(after_breaks).collect();
        Text { name: name.into(), text, line_starts }
    }

    /// The name, usually the path as the user typed it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The line of a byte, counted from 0.
    pub fn line_of(&self, byte: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= byte).saturating_sub(1)
    }

    /// The place of the bytes from `start` to `end`, cut at the end of the first line.
    pub fn place(&self, start: usize, end: usize) -> Place {
        let line = self.line_of(start);
        let line_start = self.line_starts[line];
        let line_text = self.text[line_start..].lines().next().unwrap_or_default();
        let before = self.characters(line_start, start).min(line_text.chars().count());
        let rest = line_text.chars().count() - before;
        let shown = if line_text.len() > LONGEST_LINE { "" } else { line_text };
        Place {
            file: plain(&self.name),
            line: line + 1,
            column: before + 1,
            len: self.characters(start, end).min(rest),
            line_text: plain(shown),
        }
    }

    /// The word around a place, if it stands as a value without quotes: `10s`, `node_port`, `500/s`.
    pub(super) fn bare_word(&self, at: Span) -> Option<&str> {
        let word = |c: char| c.is_alphanumeric() || "_-%/.".contains(c);
        let line = &self.text[self.line_starts[self.line_of(at.start)]..];
        let (key, value) = line.lines().next()?.split_once('=')?;
        let value = value.split('#').next().unwrap_or_default().trim();
        let bare = !key.contains(['"', '\'', '#']) && !value.is_empty() && value.chars().all(word);
        bare.then_some(value)
    }

    /// Number of characters that begin between two bytes, which may lie anywhere.
    fn characters(&self, start: usize, end: usize) -> usize {
        let begins = |byte: &usize| self.text.is_char_boundary(*byte);
        (start..end.min(self.text.len())).filter(begins).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, (start, end): (usize, usize), expected: (usize, usize, usize, &str)) {
        let place = Text::new("a.toml", text).place(start, end);
        assert_eq!((place.line, place.column, place.len, place.line_text.as_str()), expected, "{text:?}");
    }

    #[test]
    fn bytes_become_lines_and_columns() {
        check("a = 1", (4, 5), (1, 5, 1, "a = 1"));
        check("a = 1\r\nb = 2\n", (11, 12), (2, 5, 1, "b = 2"));
        check("é = 1", (5, 6), (1, 5, 1, "é = 1"));
        check("a = 1\n", (6, 6), (2, 1, 0, ""));
        check("", (0, 0), (1, 1, 0, ""));
        check("a = \"\"\"x\ny\"\"\"", (4, 14), (1, 5, 4, "a = \"\"\"x"));
        check("a", (17, 99), (1, 2, 0, "a"));
        check(&"a".repeat(LONGEST_LINE + 1), (9, 11), (1, 10, 2, ""));
    }

    #[test]
    fn bytes_that_are_no_text_are_a_problem_with_a_place() {
        assert!(Source::from_bytes("a.toml", b"name = \"x\"").is_ok());
        let problem = Source::from_bytes("a.toml", b"name = \"x\"\nb\xff\xfe").unwrap_err();
        let place = problem.place.unwrap();
        assert_eq!((place.line, place.column, problem.code), (2, 2, "not-utf8"));
    }

    #[test]
    fn the_stem_can_name_a_folder() {
        for (name, stem) in [
            ("scenarios/article.toml", "article"),
            ("a.b.toml", "a.b"),
            ("-", "scenario"),
            ("<stdin>", "stdin"),
            ("../..", "scenario"),
            ("C:\\x\\my file.toml", "my-file"),
        ] {
            assert_eq!(Source::new(name, "").stem(), stem, "{name}");
        }
    }
}
