//! Quantities with units: instants, intervals, shares, rates, versions. Whole nanoseconds for time; each type parses
//! and prints the text that scenario files use, so that print followed by parse gives the same value.

mod amount;
mod time;

pub use amount::{IntOrPercent, KernelVersion, ParseAmountError, Rate, Version};
pub use time::{ParseDurationError, SimDuration, SimTime};
