//! Lines of a story: wrapped prose, and times relative to something a reader knows.

use crate::record::Trace;
use crate::units::{SimDuration, SimTime};

/// Longest line of a story.
pub(super) const COLUMNS: usize = 110;

/// The moment from which the times of a story count.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    at: SimTime,
    /// How prose refers to it: "after the template change".
    pub(super) after: &'static str,
}

impl Origin {
    /// The template change, or the beginning of a run without one.
    pub(super) fn of(trace: &Trace) -> Self {
        match trace.template_changed {
            Some(at) => Origin { at, after: "after the template change" },
            None if trace.pods_leave.is_some() => {
                Origin { at: trace.pods_leave.unwrap_or_default(), after: "after pods began to leave" }
            }
            None => Origin { at: SimTime::ZERO, after: "after the beginning" },
        }
    }

    /// `at` in seconds, with its unit.
    pub(super) fn secs(self, at: SimTime) -> String {
        format!("{} s", decimal(nanos_since(at, self.at), 1_000_000_000, 3))
    }

    /// `at` in seconds to the microsecond, with its unit.
    pub(super) fn fine_secs(self, at: SimTime) -> String {
        format!("{} s", decimal(nanos_since(at, self.at), 1_000_000_000, 6))
    }
}

/// `at` in milliseconds since `from`, one decimal, without the unit.
pub(crate) fn millis_since(at: SimTime, from: SimTime) -> String {
    decimal(nanos_since(at, from), 1_000_000, 1)
}

/// A length of time in the unit that suits it: `340 µs`, `51.2 ms`, `9.712 s`.
pub(crate) fn span(length: SimDuration) -> String {
    let nanos = i128::from(length.as_nanos());
    match nanos {
        0 => "0 ms".to_owned(),
        1..100_000 => format!("{} µs", decimal(nanos, 1_000, 0)),
        100_000..1_000_000_000 => format!("{} ms", decimal(nanos, 1_000_000, 1)),
        _ => format!("{} s", decimal(nanos, 1_000_000_000, 3)),
    }
}

fn nanos_since(at: SimTime, from: SimTime) -> i128 {
    i128::from(at.as_nanos()) - i128::from(from.as_nanos())
}

/// `nanos / unit` with so many decimals, rounded half up: integers only, so the same text everywhere.
fn decimal(nanos: i128, unit: i128, places: u32) -> String {
    let scale = 10i128.pow(places);
    let scaled = (nanos.abs() * scale + unit / 2) / unit;
    let sign = if nanos < 0 && scaled != 0 { "-" } else { "" };
    match places {
        0 => format!("{sign}{scaled}"),
        _ => format!("{sign}{}.{:0width$}", scaled / scale, scaled % scale, width = places as usize),
    }
}

/// "1 request", "4 requests".
pub(crate) fn count(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

/// Adds `prose` as lines of at most [`COLUMNS`] characters: the first begins with `first`, the rest with as many
/// blanks.
pub(super) fn add_prose(story: &mut String, first: &str, prose: &str) {
    let indent = first.chars().count();
    story.push_str(first);
    let mut column = indent;
    for (index, word) in glued_words(prose).iter().enumerate() {
        let width = word.chars().count();
        if index > 0 && column + 1 + width > COLUMNS {
            story.push('\n');
            story.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        } else if index > 0 {
            story.push(' ');
            column += 1;
        }
        story.push_str(word);
        column += width;
    }
    story.push('\n');
}

/// The words of `prose`; a unit stays with its number.
fn glued_words(prose: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in prose.split_whitespace() {
        let is_unit = ["s", "ms", "µs"].contains(&word.trim_end_matches([',', '.', ':', ';', ')']));
        match words.last_mut() {
            Some(number) if is_unit => *number += &format!(" {word}"),
            _ => words.push(word.to_owned()),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_choose_their_unit() {
        let check = |nanos, expected| assert_eq!(span(SimDuration::from_nanos(nanos)), expected);
        check(0, "0 ms");
        check(34_499, "34 µs");
        check(118_000_000, "118.0 ms");
        check(51_249_999, "51.2 ms");
        check(9_712_000_000, "9.712 s");
    }

    #[test]
    fn times_before_the_origin_are_negative() {
        let at = SimTime::from_nanos(1_000_000);
        assert_eq!(millis_since(SimTime::ZERO, at), "-1.0");
        assert_eq!(millis_since(at, SimTime::ZERO), "1.0");
        assert_eq!(millis_since(SimTime::from_nanos(999_999), at), "0.0");
    }

    #[test]
    fn prose_wraps_at_the_last_column() {
        let mut story = String::new();
        add_prose(&mut story, "  1. ", &"word ".repeat(60));
        assert!(story.lines().all(|line| line.len() <= COLUMNS));
        assert!(story.lines().skip(1).all(|line| line.starts_with("     word")));
    }

    #[test]
    fn a_unit_stays_with_its_number() {
        assert_eq!(glued_words("gone 0.7 ms after, or 9 s."), ["gone", "0.7 ms", "after,", "or", "9 s."]);
    }
}
