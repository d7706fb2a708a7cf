//! Plain factors drawn at random, such as the size of a request's work: a distribution of intervals in which a second
//! stands for 1.

use std::fmt;

use crate::dist::Dist;
use crate::units::SimDuration;

/// Nanoseconds that stand for 1.
const UNIT: u128 = 1_000_000_000;

/// A distribution of factors, to a billionth.
#[derive(Debug, Clone, PartialEq)]
pub struct Factor(Dist);

impl Factor {
    /// Always 1.
    pub const ONE: Factor = Factor(Dist::Constant(SimDuration::from_secs(1)));

    /// The factors that are these intervals in seconds.
    pub fn of_seconds(dist: Dist) -> Self {
        Factor(dist)
    }

    /// Whether it changes nothing.
    pub fn is_one(&self) -> bool {
        *self == Factor::ONE
    }

    /// What is drawn, in seconds.
    pub fn seconds(&self) -> &Dist {
        &self.0
    }

    /// The mean factor; infinite for a Pareto with shape at most 1.
    pub fn mean(&self) -> f64 {
        self.0.mean_secs()
    }
}

/// `interval` times the factor that `seconds` stands for, at most as long as intervals can be.
pub fn times(interval: SimDuration, seconds: SimDuration) -> SimDuration {
    let nanos = u128::from(interval.as_nanos()) * u128::from(seconds.as_nanos()) / UNIT;
    SimDuration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)).min(SimDuration::from_secs(365 * 86_400))
}

impl fmt::Display for Factor {
    /// As it stands in a scenario file: what [`Dist`] prints, with a number for each interval.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        for (index, part) in text.split('"').enumerate() {
            match part.parse::<SimDuration>() {
                Ok(interval) if index % 2 == 1 => write!(f, "{:?}", interval.as_secs_f64())?,
                _ => f.write_str(part)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_factor_prints_numbers_and_multiplies() {
        let secs = SimDuration::from_secs;
        let factor = Factor::of_seconds(Dist::Uniform(SimDuration::from_millis(500), secs(3)));
        assert_eq!(factor.to_string(), "{ uniform = [0.5, 3.0] }");
        assert_eq!((Factor::ONE.to_string().as_str(), Factor::ONE.is_one(), factor.is_one()), ("1.0", true, false));
        assert!((factor.mean() - 1.75).abs() < 1e-12);
        assert_eq!(times(SimDuration::from_millis(8), SimDuration::from_millis(2_500)), SimDuration::from_millis(20));
        assert_eq!(times(secs(86_400), secs(86_400)), secs(365 * 86_400));
    }
}
