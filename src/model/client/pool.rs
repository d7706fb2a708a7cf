//! When a connection that is kept is not used again.

use crate::model::spec::PoolSpec;
use crate::units::SimTime;

/// A connection that a client keeps.
#[derive(Debug, Clone, Copy)]
pub struct Kept {
    /// When it was made.
    pub opened: SimTime,
    /// When its last response was done.
    pub idle_since: SimTime,
}

/// Whether the client has given up a connection by `at` if it carries no request then.
pub fn is_given_up(pool: &PoolSpec, kept: Kept, at: SimTime) -> bool {
    let too_long = |since: SimTime, limit: Option<_>| limit.is_some_and(|limit| at.saturating_since(since) > limit);
    too_long(kept.idle_since, pool.idle_timeout) || too_long(kept.opened, pool.max_age)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::SimDuration;

    #[test]
    fn idle_and_old_connections_are_given_up() {
        let at = |secs| SimTime::ZERO + SimDuration::from_secs(secs);
        let secs = |secs| Some(SimDuration::from_secs(secs));
        let kept = Kept { opened: at(10), idle_since: at(20) };
        let given_up = |idle_timeout, max_age, now| {
            is_given_up(&PoolSpec { idle_timeout, max_age, ..PoolSpec::UNLIMITED }, kept, at(now))
        };
        assert!(!given_up(None, None, 1_000_000));
        assert!(!given_up(secs(5), None, 25) && given_up(secs(5), None, 26));
        assert!(!given_up(secs(50), secs(16), 26) && given_up(secs(50), secs(16), 27));
    }
}
