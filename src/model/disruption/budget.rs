//! The arithmetic of a budget: pure.

use crate::model::spec::BudgetSpec;
use crate::units::IntOrPercent;

/// Pods that have to stay healthy of `expected`. Percentages round up in both forms, unlike a Deployment's
/// `maxUnavailable`. Source: disruption.go getExpectedPodCount.
pub fn desired_healthy(budget: BudgetSpec, expected: u32) -> u32 {
    let scaled = |amount: IntOrPercent| match amount {
        IntOrPercent::Int(pods) => pods,
        IntOrPercent::Percent(percent) => (u64::from(expected) * u64::from(percent)).div_ceil(100) as u32,
    };
    match budget {
        BudgetSpec::MinAvailable(amount) => scaled(amount),
        BudgetSpec::MaxUnavailable(amount) => expected.saturating_sub(scaled(amount)),
    }
}

/// Pods that may be evicted now. Source: disruption.go updatePdbStatus.
pub fn disruptions_allowed(expected: u32, healthy: u32, desired_healthy: u32) -> u32 {
    if expected == 0 { 0 } else { healthy.saturating_sub(desired_healthy) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expected: u32, budget: BudgetSpec, healthy: u32, desired: u32, allowed: u32) {
        let found = desired_healthy(budget, expected);
        assert_eq!((found, disruptions_allowed(expected, healthy, found)), (desired, allowed), "{budget:?}");
    }

    /// The table of mechanics 1.14.
    #[test]
    fn percentages_round_up_and_surge_pods_count() {
        use BudgetSpec::{MaxUnavailable, MinAvailable};
        use IntOrPercent::{Int, Percent};
        check(7, MinAvailable(Percent(50)), 7, 4, 3);
        check(7, MaxUnavailable(Percent(50)), 7, 3, 4);
        check(7, MaxUnavailable(Percent(30)), 7, 4, 3);
        check(3, MaxUnavailable(Percent(1)), 3, 2, 1);
        check(3, MinAvailable(Percent(1)), 3, 1, 2);
        check(1, MinAvailable(Int(1)), 1, 1, 0);
        check(1, MinAvailable(Percent(50)), 1, 1, 0);
        check(10, MaxUnavailable(Int(1)), 13, 9, 4);
        check(10, MaxUnavailable(Int(1)), 8, 9, 0);
        check(10, MinAvailable(Percent(80)), 13, 8, 5);
    }
}
