//! The arithmetic of a termination: how long the hook holds the stop signal back, and what grace is left.

use crate::model::spec::{PreStop, PreStopAction};
use crate::units::{SimDuration, Version};

/// A hook that overran still leaves this between stop signal and SIGKILL (minimumGracePeriodInSeconds).
pub(super) const MINIMUM_GRACE: SimDuration = SimDuration::from_secs(2);

/// When, after the termination began, the container is told to stop, and how long it then has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StopPlan {
    /// The hook's share; zero without a hook.
    pub hook: SimDuration,
    /// From the stop signal to SIGKILL.
    pub timeout: SimDuration,
}

/// How long a hook runs if nobody stops it. `exec_start` is the overhead of starting a command, `lateness` that of
/// the native sleep. A failing hook ends as soon as it was tried, and the stop signal follows at once.
pub fn hook_length(hook: &PreStop, exec_start: SimDuration, lateness: SimDuration) -> SimDuration {
    let duration = if hook.fails { SimDuration::ZERO } else { hook.duration };
    match hook.action {
        PreStopAction::Exec => exec_start + duration,
        PreStopAction::Http => duration,
        PreStopAction::Sleep => duration + lateness,
    }
}

/// The plan for a hook of this length, if any: the hook is given up at the end of the grace period; what is left is the
/// grace less the whole seconds the hook took, at least 2 s. From 1.22 to 1.27 the whole grace was given again
/// (k/k#117798, repaired by k/k#115835 in 1.28).
pub fn plan_stop(grace: SimDuration, hook: Option<SimDuration>, version: Version) -> StopPlan {
    let Some(hook) = hook.map(|hook| hook.min(grace)) else {
        return StopPlan { hook: SimDuration::ZERO, timeout: grace.max(MINIMUM_GRACE) };
    };
    let given_again = (Version::minor(22)..Version::minor(28)).contains(&version);
    let used = if given_again { SimDuration::ZERO } else { SimDuration::from_secs(hook.as_whole_secs()) };
    StopPlan { hook, timeout: grace.saturating_sub(used).max(MINIMUM_GRACE) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(grace: u64, hook_ms: Option<u64>, minor: u32, expected_hook_ms: u64, expected_timeout: u64) {
        let plan =
            plan_stop(SimDuration::from_secs(grace), hook_ms.map(SimDuration::from_millis), Version::minor(minor));
        assert_eq!(plan.hook, SimDuration::from_millis(expected_hook_ms));
        assert_eq!(plan.timeout, SimDuration::from_secs(expected_timeout));
    }

    #[test]
    fn the_hook_uses_up_the_grace_in_whole_seconds() {
        check(30, None, 34, 0, 30);
        check(30, Some(5_100), 34, 5_100, 25);
        check(30, Some(5_999), 20, 5_999, 25);
    }

    #[test]
    fn a_hook_as_long_as_the_grace_is_given_up_and_leaves_two_seconds() {
        check(10, Some(10_080), 20, 10_000, 2);
        check(10, Some(9_500), 34, 9_500, 2);
    }

    #[test]
    fn from_1_22_to_1_27_the_grace_is_given_again() {
        check(10, Some(10_080), 22, 10_000, 10);
        check(10, Some(10_080), 27, 10_000, 10);
        check(10, Some(10_080), 28, 10_000, 2);
    }

    #[test]
    fn a_failing_hook_holds_nothing_back() {
        let hook = PreStop {
            action: PreStopAction::Exec,
            duration: SimDuration::from_secs(10),
            fails_readiness: false,
            fails: true,
        };
        let start = SimDuration::from_millis(80);
        assert_eq!(hook_length(&hook, start, SimDuration::ZERO), start);
    }
}
