//! What is wrong with a scenario, as data and as text: the place, the line with a marker, what was expected, and how
//! to mend it. Leaves out where a problem is printed: the caller decides.

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};
use serde::ser::{Serialize, SerializeStruct, Serializer};

/// More problems than this are counted, not printed: a file of garbage has one on each line.
const SHOWN: usize = 50;

/// Whether a problem stops the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The scenario cannot be run.
    Error,
    /// The scenario runs, but perhaps not as its author thinks.
    Warning,
}

/// A stretch of one line of a file, or of a `--set`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file's name, or `--set[n]` for the n-th `--set`, counted from 1.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The first character, counted from 1.
    pub column: usize,
    /// Number of characters; zero where something is missing.
    pub len: usize,
    /// The whole line; empty if it is too long to be shown.
    pub line_text: String,
}

/// One thing that is wrong with a scenario, or worth a thought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Error or warning.
    pub severity: Severity,
    /// A name for machines: `unknown-key`, `no-readiness-probe`, …
    pub code: &'static str,
    /// The dotted key it is about, if it is about one.
    pub key: Option<String>,
    /// What is wrong and what was expected.
    pub message: String,
    /// Where; for a default the table it would stand in, or none if the text has no such table.
    pub place: Option<Place>,
    /// The other half of a contradiction.
    pub other: Option<Place>,
    /// How to mend it.
    pub help: Option<String>,
}

impl Problem {
    /// Whether it stops the work.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// A problem that stops nothing.
pub(super) fn warning(code: &'static str, key: impl Into<String>, message: String, help: &str) -> Problem {
    Problem {
        severity: Severity::Warning,
        code,
        key: Some(key.into()),
        message,
        place: None,
        other: None,
        help: Some(help.to_owned()),
    }
}

impl Severity {
    /// The word in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Problem", 8)?;
        out.serialize_field("severity", self.severity.name())?;
        out.serialize_field("code", self.code)?;
        out.serialize_field("key", &self.key)?;
        out.serialize_field("message", &self.message)?;
        out.serialize_field("file", &self.place.as_ref().map(|place| &place.file))?;
        out.serialize_field("line", &self.place.as_ref().map(|place| place.line))?;
        out.serialize_field("column", &self.place.as_ref().map(|place| place.column))?;
        out.serialize_field("help", &self.help)?;
        out.end()
    }
}

/// The problems as text for people, in the manner of rustc, each with `file:line:column`. The first 50 are shown.
pub fn render(problems: &[Problem], color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let shown = |problem: &Problem| Problem { message: plain(&problem.message), ..problem.clone() };
    let mut parts: Vec<String> =
        problems.iter().take(SHOWN).map(|problem| renderer.render(&groups(&shown(problem)))).collect();
    if problems.len() > SHOWN {
        parts.push(format!("and {} more problems", problems.len() - SHOWN));
    }
    if parts.is_empty() { String::new() } else { parts.join("\n\n") + "\n" }
}

/// A text of somebody else as it may be shown: what moves a terminal's cursor, colours, ends a line or turns the direction of
/// writing is replaced, one character for one.
pub fn plain(text: &str) -> String {
    text.chars().map(shown).collect()
}

/// Control characters of ASCII have pictures from U+2400 on.
fn shown(c: char) -> char {
    match c {
        '\t' => c,
        '\u{7f}' => '\u{2421}',
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or(char::REPLACEMENT_CHARACTER),
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => char::REPLACEMENT_CHARACTER,
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

fn groups(problem: &Problem) -> Vec<Group<'_>> {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(problem.message.as_str()).id(problem.code);
    let main = problem.place.iter().map(|place| snippet(place, AnnotationKind::Primary));
    let other = problem.other.iter().map(|place| snippet(place, AnnotationKind::Context));
    let help = problem.help.iter().map(|help| Level::HELP.message(help.as_str()).into());
    vec![Group::with_title(title).elements(main.chain(other).chain(help))]
}

fn snippet(place: &Place, kind: AnnotationKind) -> Element<'_> {
    if place.line_text.is_empty() && place.column > 1 {
        return Origin::path(place.file.as_str()).line(place.line).char_column(place.column).into();
    }
    let (start, end) = (byte_of(place, place.column - 1), byte_of(place, place.column - 1 + place.len));
    Snippet::source(place.line_text.as_str())
        .line_start(place.line)
        .path(place.file.as_str())
        .annotation(kind.span(start..end))
        .into()
}

/// Where a character of the line begins.
fn byte_of(place: &Place, character: usize) -> usize {
    place.line_text.char_indices().nth(character).map_or(place.line_text.len(), |(byte, _)| byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_reached_the_terminal() {
        assert_eq!(plain("a\u{1b}[31mb\u{9b}1m\u{202e}c\nd\té"), "a␛[31mb\u{fffd}1m\u{fffd}c␊d\té");
    }

    fn problem() -> Problem {
        Problem {
            severity: Severity::Error,
            code: "unknown-key",
            key: Some("deployment.maxSurge".into()),
            message: "unknown key `maxSurge`".into(),
            place: Some(Place {
                file: "a.toml".into(),
                line: 7,
                column: 3,
                len: 8,
                line_text: "é maxSurge = 1".into(),
            }),
            other: None,
            help: Some("did you mean `max_surge`?".into()),
        }
    }

    #[test]
    fn a_problem_names_its_place_and_the_way_out() {
        let text = render(&[problem()], false);
        for part in ["error[unknown-key]", "a.toml:7:3", "é maxSurge = 1", "^^^^^^^^", "did you mean `max_surge`?"] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        assert!(render(&[problem()], true).contains('\u{1b}'));
    }

    #[test]
    fn many_problems_are_counted() {
        let text = render(&vec![problem(); 53], false);
        assert!(text.ends_with("and 3 more problems\n"));
        assert_eq!(render(&[], false), "");
    }

    #[test]
    fn machines_get_the_same_as_data() {
        let json = serde_json::to_value(problem()).unwrap();
        assert_eq!(json["severity"], "error");
        assert_eq!(json["line"], 7);
        assert_eq!(json["file"], "a.toml");
        assert_eq!(json.as_object().unwrap().len(), 8);
    }
}
