//! Slices in, numbers out: means, quantiles, proportions and paired differences with their intervals. Knows no pods.
//!
//! A rollout is a terminating simulation and its replications are independent, so there is no warm-up to delete and
//! no autocorrelation to fight: Student's t for means, exact binomial intervals for proportions, order statistics
//! for quantiles. All intervals are two-sided at 95 % unless a name says otherwise.

mod critical;
mod mean;
mod proportion;
mod quantile;
mod sparse;
mod weighted;

pub use mean::{Mean, mean, mean_bounds, paired_difference, poisson_zero};
pub use proportion::{Proportion, binomial_band, proportion, proportion_bounds, zero_event_upper};
pub use quantile::{Sample, quantile_interval};
pub use sparse::{SparseMean, sparse_mean};
pub use weighted::{Weighted, weighted_mean};

/// An interval, low end first.
#[derive(Debug, Clone, Copy, PartialEq, serde::Deserialize)]
pub struct Interval(pub f64, pub f64);

impl Interval {
    /// The low end.
    pub fn low(self) -> f64 {
        self.0
    }

    /// The high end.
    pub fn high(self) -> f64 {
        self.1
    }

    /// Half of the width.
    pub fn half_width(self) -> f64 {
        (self.1 - self.0) / 2.0
    }

    /// Whether `value` lies inside, ends included.
    pub fn holds(self, value: f64) -> bool {
        self.0 <= value && value <= self.1
    }
}

/// The probability that an interval of this crate holds what it estimates.
pub const CONFIDENCE: f64 = 0.95;

/// What is left out on each side of a two-sided interval.
const TAIL: f64 = 0.025;
