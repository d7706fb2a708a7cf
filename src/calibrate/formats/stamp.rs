//! Time stamps of the API: metav1.Time is in whole seconds, metav1.MicroTime in microseconds; both are rounded down
//! (apimachinery, pkg/apis/meta/v1/time.go and micro_time.go).

use jiff::Timestamp;

use crate::calibrate::interval::{Between, Known};

const SECOND_NS: i128 = 1_000_000_000;
const MICROSECOND_NS: i128 = 1_000;

/// A moment known to lie in the second or microsecond that begins at `begin`, nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stamp {
    begin: i128,
    width: i128,
}

impl Stamp {
    /// A stamp such as `2026-01-31T10:00:07Z` or `2026-01-31T10:00:07.123456Z`.
    pub(super) fn read(text: &str) -> Option<Stamp> {
        let begin = text.parse::<Timestamp>().ok()?.as_nanosecond();
        Some(Stamp { begin, width: if text.contains('.') { MICROSECOND_NS } else { SECOND_NS } })
    }

    /// A moment known to the nanosecond, kept to the microsecond.
    pub(super) fn of_nanos(nanos: u64) -> Stamp {
        Stamp { begin: i128::from(nanos) / MICROSECOND_NS * MICROSECOND_NS, width: MICROSECOND_NS }
    }

    /// The whole seconds since 1970.
    pub(super) fn second(self) -> i128 {
        self.begin.div_euclid(SECOND_NS)
    }

    /// Whether it is known to the microsecond.
    pub(super) fn is_exact(self) -> bool {
        self.width < SECOND_NS
    }

    /// What the two stamps say of the time from `from` to here.
    pub(super) fn since(self, from: Stamp) -> Known {
        if !self.is_exact() && !from.is_exact() {
            return Known::WholeSeconds((self.second() - from.second()) as i64);
        }
        let seconds = |nanos: i128| nanos as f64 / SECOND_NS as f64;
        let (low, high) = (self.begin - from.begin - from.width, self.begin + self.width - from.begin);
        Known::Between(Between { low: seconds(low), high: seconds(high), count: 1.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(text: &str) -> Stamp {
        Stamp::read(text).unwrap()
    }

    #[test]
    fn a_difference_is_as_exact_as_its_stamps() {
        let whole = stamp("2024-03-01T00:00:01Z").since(stamp("2024-02-28T23:59:59Z"));
        assert_eq!(whole, Known::WholeSeconds(86_402));
        let (low, high) = stamp("2026-01-31T10:00:08Z").since(stamp("2026-01-31T10:00:07.250000Z")).ends();
        assert!((low - 0.749_999).abs() < 1e-9 && (high - 1.75).abs() < 1e-9, "{low} {high}");
        let exact = stamp("2026-01-31T10:00:07.400000Z").since(Stamp::of_nanos(1_769_853_607_300_000_700));
        let (low, high) = exact.ends();
        assert!((low - 0.099_999).abs() < 1e-9 && (high - 0.100_001).abs() < 1e-9, "{low} {high}");
    }

    #[test]
    fn what_is_no_stamp_is_none() {
        for text in
            ["", "2026-01-31", "2026-02-30T00:00:00Z", "2026-01-31T10:00:07", "10:00:07Z", "99999-01-01T00:00:00Z"]
        {
            assert_eq!(Stamp::read(text), None, "{text}");
        }
    }
}
