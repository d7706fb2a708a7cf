//! Numbers as people and as JSON read them. No locale, no platform: the same value gives the same text.

use serde::{Serialize, Serializer};

use crate::stats::Interval;

/// Serialises whole numbers without a fraction and everything else as the shortest text that reads back the same.
pub(super) fn plain<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    match whole(*value) {
        Some(whole) => serializer.serialize_i64(whole),
        None => serializer.serialize_f64(*value),
    }
}

/// The same for the two ends of an interval.
pub(super) fn interval<S: Serializer>(interval: &Option<Interval>, serializer: S) -> Result<S::Ok, S::Error> {
    interval.map(|Interval(low, high)| [Plain(low), Plain(high)]).serialize(serializer)
}

/// The same for the cells of a table.
pub(super) fn rows<S: Serializer>(rows: &[Vec<Option<f64>>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(rows.iter().map(|row| row.iter().map(|cell| cell.map(Plain)).collect::<Vec<_>>()))
}

struct Plain(f64);

impl Serialize for Plain {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        plain(&self.0, serializer)
    }
}

/// The value as text, as [`plain`] serialises it.
pub(super) fn text(value: f64) -> String {
    whole(value).map_or_else(|| value.to_string(), |whole| whole.to_string())
}

/// A float holds whole numbers exactly up to 2^53.
fn whole(value: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (value.abs() <= EXACT && value.trunc().total_cmp(&(value + 0.0)).is_eq() || value.abs() < f64::MIN_POSITIVE)
        .then_some(value as i64)
}

/// A count with a comma between thousands: `30,000`.
pub fn count(value: f64) -> String {
    grouped(value, if whole(value).is_some() { 0 } else { 1 })
}

/// `value` with that many decimals and commas between thousands.
pub(super) fn grouped(value: f64, decimals: usize) -> String {
    let digits = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = digits.split_once('.').map_or((digits.as_str(), None), |(whole, part)| (whole, Some(part)));
    let negative = value < 0.0 && digits.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
    let mut text = String::from(if negative { "−" } else { "" });
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    fraction.map_or(text.clone(), |part| format!("{text}.{part}"))
}

/// A probability in percent with up to three significant digits: `0.37 %`, `96 %`, `100 %`.
pub fn percent(share: f64) -> String {
    format!("{} %", percent_digits(share))
}

/// The same without the sign.
pub(super) fn percent_digits(share: f64) -> String {
    let percent = share * 100.0;
    let decimals = match percent.min(100.0 - percent) {
        near if near <= 0.0 => 0,
        near if near < 0.001 => 5,
        near if near < 0.01 => 4,
        near if near < 0.1 => 3,
        near if near < 1.0 => 2,
        near if near < 10.0 => 1,
        _ => 0,
    };
    let text = format!("{percent:.decimals$}");
    if percent > 50.0 && decimals > 0 { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A unit of time with its size in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Unit {
    pub(super) name: &'static str,
    pub(super) seconds: f64,
}

/// The unit in which a time of about this many seconds reads best.
pub(super) fn unit_of(seconds: f64) -> Unit {
    let size = seconds.abs();
    let (name, seconds) = match size {
        _ if size >= 1.0 || size <= 0.0 => ("s", 1.0),
        _ if size >= 1e-3 => ("ms", 1e-3),
        _ => ("µs", 1e-6),
    };
    Unit { name, seconds }
}

/// How many decimals show `step` with two significant digits, at most six; a step of zero shows whole numbers whole and
/// others with three significant digits.
pub(super) fn decimals(step: f64, value: f64) -> usize {
    let places = |size: f64, digits: f64| (digits - 1.0 - libm::floor(libm::log10(size))).clamp(0.0, 6.0) as usize;
    match step {
        step if step > 0.0 => places(step, 2.0),
        _ if whole(value).is_some() => 0,
        _ => places(value.abs(), 3.0),
    }
}

/// Three significant digits, no zeros at the end.
pub(super) fn short(value: f64) -> String {
    let text = grouped(value, decimals(0.0, value));
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped() {
        for (value, expected) in
            [(0.0, "0"), (999.0, "999"), (30_000.0, "30,000"), (1e6, "1,000,000"), (-1234.5, "−1,234.5")]
        {
            assert_eq!(count(value), expected);
        }
        assert_eq!(grouped(-0.001, 2), "0.00");
    }

    #[test]
    fn percentages_keep_their_small_digits() {
        for (share, expected) in
            [(0.0, "0 %"), (1.0, "100 %"), (0.5, "50 %"), (0.003_682, "0.37 %"), (0.9996, "99.96 %"), (0.045, "4.5 %")]
        {
            assert_eq!(percent(share), expected);
        }
    }

    #[test]
    fn times_take_the_unit_that_reads_best() {
        for (value, expected) in [(0.0, "s"), (0.002_332, "ms"), (12.43, "s"), (0.000_31, "µs"), (0.5, "ms")] {
            assert_eq!(unit_of(value).name, expected);
        }
    }

    #[test]
    fn short_numbers_have_three_digits_and_no_zeros_behind() {
        for (value, expected) in [(3.8333, "3.83"), (0.5, "0.5"), (30_000.0, "30,000"), (123.4, "123"), (-4.0, "−4")]
        {
            assert_eq!(short(value), expected);
        }
    }

    #[test]
    fn json_numbers_are_whole_or_shortest() {
        for (value, expected) in
            [(3.0, "3"), (-0.0, "0"), (3.1, "3.1"), (1.0 / 3.0, "0.3333333333333333"), (-2.0, "-2")]
        {
            assert_eq!(text(value), expected);
            assert_eq!(serde_json::to_string(&Plain(value)).unwrap(), expected);
        }
    }
}
