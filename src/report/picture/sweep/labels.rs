//! Values as labels: rounded as far as they still differ, long names on several lines or without their middle, none over
//! another and none beyond the panel.

use std::collections::BTreeSet;

use super::super::palette::{EVENT, Ink};
use super::super::scene::{Anchor, Frame, SIZE, Scene, text_width};

/// From one line of a label to the next, pixels.
pub(super) const LINE: f64 = 19.0;
/// A label has so many lines at most.
const MOST_LINES: usize = 3;
/// Between a label and the next.
const APART: f64 = 12.0;
/// A label gets as much room even if the places of the values are closer; then some are left out.
const LEAST_ROOM: f64 = 90.0;
/// Of more values than these every so many-th is written.
const MANY: usize = 60;
/// Room of a number, which is not cut.
const NUMBER: f64 = 220.0;
/// Significant digits to try, the fewest first; numbers have no more than the last.
const DIGITS: [usize; 5] = [3, 4, 6, 9, 17];

/// What is written below a panel.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Labels {
    labels: Vec<Label>,
}

/// The text of a value, line by line.
#[derive(Debug, Clone, PartialEq)]
struct Label {
    /// Where the value stands.
    at: f64,
    /// The middle of the text, which stands elsewhere if there is no room.
    middle: f64,
    lines: Vec<String>,
}

impl Labels {
    /// Labels of values at ascending places, all between `bounds`; those that would run into another are left out.
    pub(super) fn below(values: &[(f64, &str)], bounds: (f64, f64)) -> Labels {
        let room = match values {
            [(first, _), .., (last, _)] => (last - first) / (values.len() - 1) as f64 - APART,
            _ => bounds.1 - bounds.0,
        }
        .max(LEAST_ROOM);
        let words: Vec<String> = values.iter().map(|(_, text)| (*text).to_owned()).collect();
        let with = |words: Vec<String>| {
            let words: Vec<(f64, String)> = values.iter().map(|(at, _)| *at).zip(words).collect();
            Labels { labels: spread(&words, bounds, room) }
        };
        told_apart(&words, with, |labels| labels.labels.iter().map(|label| &label.lines).collect())
    }

    /// By how much everything below moves down, because labels have more lines than one.
    pub(super) fn drop(&self) -> f64 {
        let lines = self.labels.iter().map(|label| label.lines.len()).max().unwrap_or(1);
        LINE * (lines.max(1) - 1) as f64
    }

    /// Writes them below `frame`, with a tick above each unless the panel has cells.
    pub(super) fn add(&self, scene: &mut Scene, frame: Frame, (has_ticks, ink): (bool, Ink)) {
        for label in &self.labels {
            if has_ticks {
                scene.vertical(label.at, frame.bottom, frame.bottom + 5.0, EVENT);
            }
            for (index, line) in label.lines.iter().enumerate() {
                let y = frame.bottom + 18.0 + LINE * index as f64;
                scene.styled_text((label.middle, y), line, SIZE, Anchor::Middle, ink);
            }
        }
    }
}

/// The lines of each text, at most so many and none longer than `room` pixels.
pub(super) fn lines(texts: &[&str], room: f64, most: usize) -> Vec<Vec<String>> {
    let words: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    let with = |words: Vec<String>| -> Vec<Vec<String>> {
        words.iter().map(|text| wrapped(text, room, most.clamp(1, MOST_LINES))).collect()
    };
    told_apart(&words, with, |names| names.iter().collect())
}

/// What `with` makes of the shortest form of `texts` of which it leaves no two alike: of numbers with as few digits as
/// will do, and of names without their ends where these are common to all.
fn told_apart<T>(texts: &[String], with: impl Fn(Vec<String>) -> T, labels: impl Fn(&T) -> Vec<&Vec<String>>) -> T {
    let in_digits = |digits: usize| texts.iter().map(|text| rounded(text, digits)).collect();
    let forms = DIGITS.into_iter().map(in_digits).chain(std::iter::once_with(|| without_common_ends(texts)));
    let differ = |made: &T| {
        let labels = labels(made);
        labels.iter().collect::<BTreeSet<_>>().len() == labels.len()
    };
    forms.map(&with).find(differ).unwrap_or_else(|| with(in_digits(DIGITS[0])))
}

/// The texts without the words they all begin or end with.
fn without_common_ends(texts: &[String]) -> Vec<String> {
    let letters: Vec<Vec<char>> = texts.iter().map(|text| text.chars().collect()).collect();
    let head = common_words(&letters);
    let rests: Vec<Vec<char>> = letters.iter().map(|text| text[head..].iter().rev().copied().collect()).collect();
    let tail = common_words(&rests);
    let mark = |cut: usize| if cut > 0 { "…" } else { "" };
    let core = |rest: &Vec<char>| rest[tail..].iter().rev().collect::<String>();
    rests.iter().map(|rest| format!("{}{}{}", mark(head), core(rest), mark(tail))).collect()
}

/// With how many letters all begin; words and numbers are not divided.
fn common_words(texts: &[Vec<char>]) -> usize {
    let shortest = texts.iter().map(Vec::len).min().unwrap_or(0);
    let is_common = |index: &usize| texts.windows(2).all(|pair| pair[0][*index] == pair[1][*index]);
    let common = (0..shortest).take_while(is_common).count();
    (0..common).rev().find(|index| !texts[0][*index].is_alphanumeric()).map_or(0, |last| last + 1)
}

/// Few values are all written where there is room; of many every second, fifth, tenth, …, so that they stand evenly,
/// unless they do not anyway.
fn spread(values: &[(f64, String)], bounds: (f64, f64), room: f64) -> Vec<Label> {
    let all = placed(values.iter(), bounds, room);
    if values.len() <= MANY {
        return all;
    }
    let steps = (0..).flat_map(|power| [1, 2, 5].map(|digit| digit * 10usize.pow(power)));
    let of_step = |step: usize| {
        let labels = placed(values.iter().step_by(step), bounds, room);
        (labels.len() == values.len().div_ceil(step)).then_some(labels)
    };
    let even = steps.take_while(|step| *step < values.len()).find_map(of_step);
    even.filter(|even| even.len() * 2 >= all.len()).unwrap_or(all)
}

fn placed<'a>(values: impl Iterator<Item = &'a (f64, String)>, bounds: (f64, f64), room: f64) -> Vec<Label> {
    let mut labels = Vec::new();
    let mut free_from = f64::NEG_INFINITY;
    for (at, text) in values {
        if *at <= free_from {
            continue;
        }
        let room = if starts_with_digit(text) { room.max(NUMBER) } else { room };
        let lines = wrapped(text, room, MOST_LINES);
        let half = lines.iter().map(|line| text_width(line, SIZE)).fold(0.0, f64::max) / 2.0;
        let middle = at.min(bounds.1 - half).max(bounds.0 + half);
        if middle - half > free_from {
            labels.push(Label { at: *at, middle, lines });
            free_from = middle + half + APART;
        }
    }
    labels
}

/// A number, rate or duration whose numbers have at most so many significant digits; any other text as it is.
pub(super) fn rounded(text: &str, digits: usize) -> String {
    if !starts_with_digit(text) || !text.contains('.') {
        return text.to_owned();
    }
    let is_part = |c: char| c.is_ascii_digit() || c == '.';
    let mut short = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| is_part(c) != is_part(first)).unwrap_or(rest.len());
        let (run, behind) = rest.split_at(end);
        short.push_str(&rounded_number(run, digits).unwrap_or_else(|| run.to_owned()));
        rest = behind;
    }
    short
}

fn starts_with_digit(text: &str) -> bool {
    text.strip_prefix('-').unwrap_or(text).starts_with(|c: char| c.is_ascii_digit())
}

/// None if there is nothing to round.
fn rounded_number(run: &str, digits: usize) -> Option<String> {
    let (whole, fraction) = run.split_once('.')?;
    let value: f64 = run.parse().ok()?;
    if value <= 0.0 {
        return None;
    }
    let decimals = (digits as f64 - 1.0 - libm::floor(libm::log10(value))).max(0.0) as usize;
    if whole.is_empty() || decimals >= fraction.len() {
        return None;
    }
    let text = format!("{value:.decimals$}");
    Some(if decimals > 0 { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text })
}

/// The text on as few lines as it needs, none longer than `room` pixels, at most so many; what is too long loses its middle.
pub(super) fn wrapped(text: &str, room: f64, most: usize) -> Vec<String> {
    let within = |text: &str, most: usize, room: f64| {
        let lines = broken(text, room);
        let fits = lines.len() <= most && lines.iter().all(|line| text_width(line, SIZE) <= room);
        fits.then_some(lines)
    };
    if text_width(text, SIZE) <= room {
        return vec![text.to_owned()];
    }
    // The narrowest lines of the same number: they are about equally long.
    let even = |text: &str| {
        let lines = within(text, most, room)?;
        (1..=8).find_map(|eighths| within(text, lines.len(), room * f64::from(eighths) / 8.0))
    };
    even(text).or_else(|| cuts(text).find_map(|cut| even(&cut))).unwrap_or_else(|| vec!["…".to_owned()])
}

/// The text if it fits into `room` pixels, and as much of its ends as does if not.
pub(super) fn fitted(text: &str, size: f64, room: f64) -> String {
    let fits = |text: &str| text_width(text, size) <= room;
    if fits(text) { text.to_owned() } else { cuts(text).find(|cut| fits(cut)).unwrap_or_else(|| "…".to_owned()) }
}

/// The text without more and more of its middle: names that differ do so at either end.
fn cuts(text: &str) -> impl Iterator<Item = String> {
    let letters: Vec<char> = text.chars().collect();
    (1..letters.len()).rev().map(move |kept| {
        let (head, tail) = (kept.div_ceil(2), kept / 2);
        let ends = (&letters[..head], &letters[letters.len() - tail..]);
        format!("{}…{}", ends.0.iter().collect::<String>().trim_end(), ends.1.iter().collect::<String>().trim_start())
    })
}

/// Lines that end where words do; a word that is longer than the room stands alone.
fn broken(text: &str, room: f64) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_inclusive([' ', ',', '-', '_', '/']) {
        let longer = format!("{}{word}", lines[lines.len() - 1]);
        match lines.last_mut() {
            Some(line) if line.is_empty() || text_width(longer.trim_end(), SIZE) <= room => *line = longer,
            _ => lines.push(word.to_owned()),
        }
    }
    lines.into_iter().map(|line| line.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_of_sixteen_digits_has_three() {
        for (text, digits, expected) in [
            ("54.12562868435546/s", 3, "54.1/s"),
            ("9.432993363s", 3, "9.43s"),
            ("10.564723ms", 3, "10.6ms"),
            ("578.107us", 3, "578us"),
            ("0.000123456", 3, "0.000123"),
            ("1234.5678/s", 3, "1235/s"),
            ("9.9996s", 3, "10s"),
            ("9.9996s", 6, "9.9996s"),
            ("-2.71828", 3, "-2.72"),
            ("1m30.5s", 3, "1m30.5s"),
            ("1.25", 3, "1.25"),
            ("0.0", 3, "0.0"),
            ("30000", 3, "30000"),
            ("5.15.123456", 3, "5.15.123456"),
            ("v1.23456", 3, "v1.23456"),
        ] {
            assert_eq!(rounded(text, digits), expected, "{text}");
        }
    }

    #[test]
    fn neighbours_that_would_read_the_same_keep_more_digits() {
        let texts = ["1.23401s", "1.23402s", "1.2341s"];
        let values: Vec<(f64, &str)> = texts.iter().enumerate().map(|(i, text)| (300.0 * i as f64, *text)).collect();
        let lines: Vec<String> =
            Labels::below(&values, (-100.0, 900.0)).labels.into_iter().flat_map(|label| label.lines).collect();
        assert_eq!(lines, texts);
    }

    #[test]
    fn a_long_name_wraps_and_then_loses_its_middle() {
        let text = "{ lognormal = { median = \"4s\", p99 = \"9s\" } }";
        let lines = wrapped(text, 170.0, 3);
        assert_eq!(lines.join(" "), text);
        assert!(lines.len() == 3 && lines.iter().all(|line| text_width(line, SIZE) <= 170.0), "{lines:?}");
        let one = wrapped(text, 170.0, 1);
        assert!(one.len() == 1 && text_width(&one[0], SIZE) <= 170.0, "{one:?}");
        assert!(one[0].starts_with("{ logn") && one[0].contains('…') && one[0].ends_with("\" } }"), "{one:?}");
        let two = wrapped(r#"{ uniform = ["1s", "2s"] }"#, 226.0, 2);
        assert_eq!(two, ["{ uniform =", r#"["1s", "2s"] }"#], "no brace stands alone");
        assert_eq!(wrapped("iptables", 100.0, 3), ["iptables"]);
        assert_eq!(wrapped("", 100.0, 3), [""]);
        assert_eq!(fitted("iptables", SIZE, 1.0), "…");
    }

    #[test]
    fn long_names_that_differ_in_their_middle_are_told_apart() {
        let texts =
            ["article-with-hook-of-1-second", "article-with-hook-of-2-second", "article-with-hook-of-30-second"];
        assert_eq!(without_common_ends(&texts.map(str::to_owned)), ["…1…", "…2…", "…30…"]);
        assert_eq!(lines(&texts, 100.0, 1), [["…1…"], ["…2…"], ["…30…"]]);
        assert_eq!(lines(&texts, 900.0, 1), texts.map(|text| [text]));
        assert_eq!(without_common_ends(&["aaa", "aa"].map(str::to_owned)), ["aaa", "aa"]);
        assert_eq!(without_common_ends(&["server-10", "server-11"].map(str::to_owned)), ["…10", "…11"]);
    }

    #[test]
    fn of_many_values_those_at_round_ranks_are_written() {
        let texts: Vec<String> = (0..1_000).map(|index| format!("{index}ms")).collect();
        let values: Vec<(f64, &str)> = texts.iter().enumerate().map(|(at, text)| (at as f64, text.as_str())).collect();
        let lines: Vec<String> =
            Labels::below(&values, (-40.0, 1040.0)).labels.into_iter().flat_map(|label| label.lines).collect();
        assert_eq!(lines[..3], ["0ms", "100ms", "200ms"]);
        assert_eq!(lines.len(), 10);
    }

    proptest::proptest! {
        #[test]
        fn labels_neither_overlap_nor_leave_the_panel(
            mut places in proptest::collection::vec(0.0..700.0f64, 1..16),
            text in "[a-z ]{0,60}",
            number in 0.0..1e6f64,
        ) {
            places.sort_by(f64::total_cmp);
            let texts = [text, format!("{number}/s")];
            let values: Vec<(f64, &str)> =
                places.iter().enumerate().map(|(index, at)| (*at, texts[index % 2].as_str())).collect();
            let mut free_from = 0.0;
            for label in Labels::below(&values, (0.0, 700.0)).labels {
                let half = label.lines.iter().map(|line| text_width(line, SIZE)).fold(0.0, f64::max) / 2.0;
                proptest::prop_assert!(label.middle - half >= free_from - 1e-9 && label.middle + half <= 700.0 + 1e-9);
                free_from = label.middle + half;
            }
        }
    }
}
