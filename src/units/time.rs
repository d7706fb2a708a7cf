//! Simulated time: an instant and an interval are two types, both whole nanoseconds.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Sub};
use std::str::FromStr;

use thiserror::Error;

const NANOS_PER_SEC: u64 = 1_000_000_000;

/// An instant: nanoseconds since the run began. Instants can be compared and subtracted, not added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SimTime(u64);

/// An interval: nanoseconds, never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SimDuration(u64);

impl SimTime {
    /// The beginning of a run.
    pub const ZERO: SimTime = SimTime(0);
    /// Later than any event: "never".
    pub const MAX: SimTime = SimTime(u64::MAX);

    /// The instant `nanos` nanoseconds after the beginning.
    pub const fn from_nanos(nanos: u64) -> Self {
        SimTime(nanos)
    }

    /// Nanoseconds since the beginning.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Seconds since the beginning, for reports and statistics only.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / NANOS_PER_SEC as f64
    }

    /// The interval since `earlier`, or zero if `earlier` lies after `self`.
    pub const fn saturating_since(self, earlier: SimTime) -> SimDuration {
        SimDuration(self.0.saturating_sub(earlier.0))
    }

    /// `self + interval`, stopping at [`SimTime::MAX`] ("never").
    pub const fn saturating_add(self, interval: SimDuration) -> SimTime {
        SimTime(self.0.saturating_add(interval.0))
    }

    /// `self - interval`, stopping at the beginning of the run.
    pub const fn saturating_sub(self, interval: SimDuration) -> SimTime {
        SimTime(self.0.saturating_sub(interval.0))
    }

    /// Whether this instant stands for "never".
    pub const fn is_never(self) -> bool {
        self.0 == u64::MAX
    }
}

impl SimDuration {
    /// No time at all.
    pub const ZERO: SimDuration = SimDuration(0);
    /// The longest interval.
    pub const MAX: SimDuration = SimDuration(u64::MAX);

    /// An interval of whole nanoseconds.
    pub const fn from_nanos(nanos: u64) -> Self {
        SimDuration(nanos)
    }

    /// An interval of whole microseconds.
    pub const fn from_micros(micros: u64) -> Self {
        SimDuration(micros * 1_000)
    }

    /// An interval of whole milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        SimDuration(millis * 1_000_000)
    }

    /// An interval of whole seconds.
    pub const fn from_secs(secs: u64) -> Self {
        SimDuration(secs * NANOS_PER_SEC)
    }

    /// The interval nearest to `secs` seconds; negative and not-a-number become zero, too long becomes 292 years.
    pub fn from_secs_f64_rounded(secs: f64) -> Self {
        SimDuration::from_nanos_f64_rounded(secs * NANOS_PER_SEC as f64)
    }

    /// The interval nearest to `nanos` nanoseconds; negative and not-a-number become zero, too long becomes 292 years.
    #[inline]
    pub fn from_nanos_f64_rounded(nanos: f64) -> Self {
        // By way of a signed number, for which the processor has an instruction.
        SimDuration(((nanos + 0.5) as i64).max(0) as u64)
    }

    /// Whole nanoseconds.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Whole seconds, truncated.
    pub const fn as_whole_secs(self) -> u64 {
        self.0 / NANOS_PER_SEC
    }

    /// Seconds, for reports and statistics only.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / NANOS_PER_SEC as f64
    }

    /// Whether the interval is empty.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// `self - other`, or zero.
    pub const fn saturating_sub(self, other: SimDuration) -> SimDuration {
        SimDuration(self.0.saturating_sub(other.0))
    }

    /// Half of the interval, rounded down to the nanosecond.
    pub const fn half(self) -> SimDuration {
        SimDuration(self.0 / 2)
    }
}

impl Add<SimDuration> for SimTime {
    type Output = SimTime;
    fn add(self, interval: SimDuration) -> SimTime {
        SimTime(self.0.checked_add(interval.0).expect("simulated time ends 584 years after the beginning"))
    }
}

impl AddAssign<SimDuration> for SimTime {
    fn add_assign(&mut self, interval: SimDuration) {
        *self = *self + interval;
    }
}

impl Sub for SimTime {
    type Output = SimDuration;
    fn sub(self, earlier: SimTime) -> SimDuration {
        SimDuration(self.0.checked_sub(earlier.0).expect("the later instant stands on the left of a difference"))
    }
}

impl Add for SimDuration {
    type Output = SimDuration;
    fn add(self, other: SimDuration) -> SimDuration {
        SimDuration(self.0.checked_add(other.0).expect("an interval stays below 584 years"))
    }
}

impl AddAssign for SimDuration {
    fn add_assign(&mut self, other: SimDuration) {
        *self = *self + other;
    }
}

impl Mul<u64> for SimDuration {
    type Output = SimDuration;
    fn mul(self, factor: u64) -> SimDuration {
        SimDuration(self.0.checked_mul(factor).expect("an interval stays below 584 years"))
    }
}

impl Sum for SimDuration {
    fn sum<I: Iterator<Item = SimDuration>>(items: I) -> SimDuration {
        items.fold(SimDuration::ZERO, |total, item| total + item)
    }
}

/// Why a text is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ParseDurationError {
    /// A number without a unit.
    #[error("a duration needs a unit, such as \"{0}s\" or \"{0}ms\"")]
    MissingUnit(String),
    /// A sign in front.
    #[error("a duration cannot be negative")]
    Negative,
    /// Longer than 100 years.
    #[error("a duration is at most 100 years")]
    TooLong,
    /// Anything else.
    #[error("expected a duration such as \"250ms\", \"10s\" or \"1m30s\"")]
    Malformed,
}

impl FromStr for SimDuration {
    type Err = ParseDurationError;

    /// Reads Go's duration syntax, which Kubernetes users know: `250ms`, `1.5s`, `1m30s`, `0`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text == "0" {
            return Ok(SimDuration::ZERO);
        }
        if text.starts_with('-') {
            return Err(ParseDurationError::Negative);
        }
        if text.parse::<f64>().is_ok() {
            return Err(ParseDurationError::MissingUnit(text.to_owned()));
        }
        parse_go_duration(text)
    }
}

/// humantime does not read fractions (`1.5s`), which Go does; so each number-unit pair is read here.
fn parse_go_duration(text: &str) -> Result<SimDuration, ParseDurationError> {
    const LONGEST_NANOS: f64 = 100.0 * 365.25 * 86_400.0 * 1e9;
    let mut rest = text;
    let mut nanos = 0u64;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or(ParseDurationError::Malformed)?;
        let (number, after) = rest.split_at(number_end);
        let unit_end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_end);
        let part = part_nanos(number, unit_nanos(unit.trim())?)?;
        if nanos as f64 + part as f64 > LONGEST_NANOS {
            return Err(ParseDurationError::TooLong);
        }
        nanos += part;
        rest = next;
    }
    if text.is_empty() { Err(ParseDurationError::Malformed) } else { Ok(SimDuration(nanos)) }
}

fn unit_nanos(unit: &str) -> Result<u64, ParseDurationError> {
    match unit {
        "ns" => Ok(1),
        "us" | "µs" | "μs" => Ok(1_000),
        "ms" => Ok(1_000_000),
        "s" => Ok(NANOS_PER_SEC),
        "m" => Ok(60 * NANOS_PER_SEC),
        "h" => Ok(3_600 * NANOS_PER_SEC),
        "d" => Ok(86_400 * NANOS_PER_SEC),
        _ => Err(ParseDurationError::Malformed),
    }
}

/// `number × unit` to the nearest nanosecond, in integers: a double would lose the last digits of a long interval.
fn part_nanos(number: &str, unit: u64) -> Result<u64, ParseDurationError> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
    if !digits || (whole.is_empty() && fraction.is_empty()) {
        return Err(ParseDurationError::Malformed);
    }
    let whole: u64 = format!("0{whole}").parse().map_err(|_| ParseDurationError::TooLong)?;
    let whole = whole.checked_mul(unit).ok_or(ParseDurationError::TooLong)?;
    whole.checked_add(fraction_nanos(fraction, unit)).ok_or(ParseDurationError::TooLong)
}

/// `0.fraction × unit`; digits behind the 18th are below a nanosecond of any unit.
fn fraction_nanos(fraction: &str, unit: u64) -> u64 {
    let digits = &fraction[..fraction.len().min(18)];
    let value: u128 = format!("0{digits}").parse().unwrap_or(0);
    let scale = 10u128.pow(digits.len() as u32);
    ((value * u128::from(unit) + scale / 2) / scale) as u64
}

impl fmt::Display for SimDuration {
    /// Prints the shortest text that reads back as the same interval: `1m30s`, `250ms`, `1.5ms`, `0s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0;
        if nanos == 0 {
            return f.write_str("0s");
        }
        if nanos < NANOS_PER_SEC {
            return write_below_one_second(f, nanos);
        }
        let (secs, fraction) = (nanos / NANOS_PER_SEC, nanos % NANOS_PER_SEC);
        if fraction != 0 {
            return write_decimal(f, nanos, NANOS_PER_SEC, "s");
        }
        for (size, unit) in [(3_600, "h"), (60, "m")] {
            if secs % size == 0 {
                return write!(f, "{}{unit}", secs / size);
            }
        }
        if secs > 60 { write!(f, "{}m{}s", secs / 60, secs % 60) } else { write!(f, "{secs}s") }
    }
}

fn write_below_one_second(f: &mut fmt::Formatter<'_>, nanos: u64) -> fmt::Result {
    if nanos >= 1_000_000 {
        write_decimal(f, nanos, 1_000_000, "ms")
    } else if nanos >= 1_000 {
        write_decimal(f, nanos, 1_000, "us")
    } else {
        write!(f, "{nanos}ns")
    }
}

fn write_decimal(f: &mut fmt::Formatter<'_>, nanos: u64, unit: u64, name: &str) -> fmt::Result {
    let (whole, fraction) = (nanos / unit, nanos % unit);
    if fraction == 0 {
        return write!(f, "{whole}{name}");
    }
    let width = (unit.ilog10()) as usize;
    let digits = format!("{fraction:0width$}");
    write!(f, "{whole}.{}{name}", digits.trim_end_matches('0'))
}

impl fmt::Display for SimTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}s", self.as_secs_f64())
    }
}

impl serde::Serialize for SimDuration {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: Result<u64, ParseDurationError>) {
        assert_eq!(text.parse::<SimDuration>().map(SimDuration::as_nanos), expected, "{text}");
    }

    #[test]
    fn reads_go_durations() {
        check("10s", Ok(10_000_000_000));
        check("1m30s", Ok(90_000_000_000));
        check("250ms", Ok(250_000_000));
        check("1.5s", Ok(1_500_000_000));
        check("0", Ok(0));
        check("0s", Ok(0));
        check("100us", Ok(100_000));
        check("7ns", Ok(7));
        check(".5s", Ok(500_000_000));
        check("0.3333333333333333333333h", Ok(1_200_000_000_000));
    }

    #[test]
    fn refuses_what_is_not_a_duration() {
        check("10", Err(ParseDurationError::MissingUnit("10".into())));
        check("-1s", Err(ParseDurationError::Negative));
        check("", Err(ParseDurationError::Malformed));
        check("s", Err(ParseDurationError::Malformed));
        check("10 parsecs", Err(ParseDurationError::Malformed));
        check("99999999999999999999h", Err(ParseDurationError::TooLong));
        check("200000d", Err(ParseDurationError::TooLong));
        check(".s", Err(ParseDurationError::Malformed));
        check("1..5s", Err(ParseDurationError::Malformed));
    }

    #[test]
    fn prints_short_texts() {
        for text in ["0s", "7ns", "1.5us", "250ms", "1s", "59s", "1m", "1m30s", "2h", "0.3ms", "1.25s"] {
            let parsed: SimDuration = text.parse().unwrap();
            let expected = if text == "0.3ms" { "300us" } else { text };
            assert_eq!(parsed.to_string(), expected);
        }
    }

    proptest! {
        #[test]
        fn printing_then_parsing_gives_the_same_interval(nanos in 0u64..3_000_000_000_000_000_000) {
            let interval = SimDuration::from_nanos(nanos);
            prop_assert_eq!(interval.to_string().parse::<SimDuration>().unwrap(), interval);
        }
    }
}
