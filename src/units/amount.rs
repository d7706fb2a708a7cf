//! Shares, rates and versions.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// An absolute number or a share of the replicas, as Kubernetes' `IntOrString` is used for `maxSurge` and
/// `maxUnavailable`. Which way a share rounds is decided by the Deployment controller, not here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IntOrPercent {
    /// A number of pods.
    Int(u32),
    /// Whole per cent of the desired replicas.
    Percent(u32),
}

/// Events per second. Finite and not negative.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Rate {
    per_second: f64,
}

/// A Kubernetes version `1.minor`; patch levels are not told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The minor version: 34 for 1.34.
    pub minor: u32,
}

/// A Linux kernel version `major.minor`; patch levels are not told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KernelVersion {
    /// 5 for 5.15.
    pub major: u32,
    /// 15 for 5.15.
    pub minor: u32,
}

/// Why a text is not the amount it should be; the text says what was expected.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct ParseAmountError(pub String);

impl Rate {
    /// No events at all.
    pub const ZERO: Rate = Rate { per_second: 0.0 };

    /// `per_second` events a second, if finite and not negative.
    pub fn per_second(per_second: f64) -> Option<Rate> {
        (per_second.is_finite() && per_second >= 0.0).then_some(Rate { per_second })
    }

    /// Events per second.
    pub fn as_per_second(self) -> f64 {
        self.per_second
    }
}

impl Version {
    /// The oldest version whose behaviour the reference describes.
    pub const OLDEST: Version = Version { minor: 10 };
    /// The newest one.
    pub const NEWEST: Version = Version { minor: 36 };

    /// `1.minor`.
    pub const fn minor(minor: u32) -> Version {
        Version { minor }
    }
}

impl FromStr for IntOrPercent {
    type Err = ParseAmountError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = || ParseAmountError("expected a whole number such as 1 or a percentage such as \"25%\"".into());
        match text.strip_suffix('%') {
            Some(percent) => percent.parse().map(IntOrPercent::Percent).map_err(|_| expected()),
            None => text.parse().map(IntOrPercent::Int).map_err(|_| expected()),
        }
    }
}

impl FromStr for Rate {
    type Err = ParseAmountError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = || ParseAmountError("expected a rate such as \"120/s\", \"30/m\" or \"5/h\"".into());
        let (number, unit) = text.trim().split_once('/').ok_or_else(expected)?;
        let seconds = match unit.trim() {
            "s" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            _ => return Err(expected()),
        };
        let number: f64 = number.trim().parse().map_err(|_| expected())?;
        Rate::per_second(number / seconds).ok_or_else(expected)
    }
}

impl FromStr for Version {
    type Err = ParseAmountError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = || {
            ParseAmountError(format!("expected a Kubernetes version from {} to {}", Version::OLDEST, Version::NEWEST))
        };
        let minor = text.strip_prefix('v').unwrap_or(text).strip_prefix("1.").ok_or_else(expected)?;
        let minor = minor.split('.').next().unwrap_or(minor);
        let is_padded = minor.len() > 1 && minor.starts_with('0');
        let version = Version { minor: minor.parse().map_err(|_| expected())? };
        if is_padded {
            return Err(expected());
        }
        if (Version::OLDEST..=Version::NEWEST).contains(&version) { Ok(version) } else { Err(expected()) }
    }
}

impl FromStr for KernelVersion {
    type Err = ParseAmountError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = || ParseAmountError("expected a kernel version such as 5.15".to_owned());
        let mut parts = text.split(['.', '-']);
        let mut number = || {
            let part = parts.next().filter(|part| !part.is_empty() && (*part == "0" || !part.starts_with(['0', '+'])));
            part.and_then(|part| part.parse::<u32>().ok()).filter(|number| *number < 1_000).ok_or_else(expected)
        };
        Ok(KernelVersion { major: number()?, minor: number()? })
    }
}

impl fmt::Display for KernelVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl fmt::Display for IntOrPercent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IntOrPercent::Int(number) => write!(f, "{number}"),
            IntOrPercent::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.per_second)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_and_percentages() {
        assert_eq!("3".parse(), Ok(IntOrPercent::Int(3)));
        assert_eq!("25%".parse(), Ok(IntOrPercent::Percent(25)));
        for bad in ["urg", "-1", "25 %", "2.5", "%", ""] {
            assert!(bad.parse::<IntOrPercent>().is_err(), "{bad}");
        }
    }

    #[test]
    fn reads_rates() {
        assert_eq!("120/s".parse(), Ok(Rate { per_second: 120.0 }));
        assert_eq!("30/m".parse(), Ok(Rate { per_second: 0.5 }));
        for bad in ["120", "-1/s", "inf/s", "nan/s", "1/parsec", "/s"] {
            assert!(bad.parse::<Rate>().is_err(), "{bad}");
        }
    }

    #[test]
    fn reads_kernel_versions() {
        assert_eq!("5.15".parse(), Ok(KernelVersion { major: 5, minor: 15 }));
        assert_eq!("4.19.112-generic".parse(), Ok(KernelVersion { major: 4, minor: 19 }));
        assert!(KernelVersion { major: 4, minor: 19 } < KernelVersion { major: 5, minor: 9 });
        for bad in ["5", "5.", ".5", "5.x", "", "05.1", "+5.1", "-5.1"] {
            assert!(bad.parse::<KernelVersion>().is_err(), "{bad}");
        }
    }

    #[test]
    fn reads_versions() {
        assert_eq!("1.34".parse(), Ok(Version::minor(34)));
        assert_eq!("v1.20.2".parse(), Ok(Version::minor(20)));
        for bad in ["34", "1.9", "2.0", "1.99", "1.", "1.034"] {
            assert!(bad.parse::<Version>().is_err(), "{bad}");
        }
    }
}
