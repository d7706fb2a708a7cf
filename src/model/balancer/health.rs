//! What a replica thinks of one target: active checks with thresholds, and failures of requests that eject it.

use crate::model::spec::{HealthCheckSpec, OutlierSpec};
use crate::units::SimTime;

/// The health of one target in the eyes of one replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Health {
    healthy: bool,
    /// Checks in a row that contradict it.
    streak: u32,
    /// Requests in a row that failed.
    failures: u32,
    ejected_until: SimTime,
}

impl Health {
    /// A target that comes is unhealthy until checks say otherwise, if there are checks.
    pub(super) fn new(healthy: bool) -> Self {
        Health { healthy, streak: 0, failures: 0, ejected_until: SimTime::ZERO }
    }

    /// Whether checks allow it.
    pub(super) fn is_healthy(&self) -> bool {
        self.healthy
    }

    /// Whether failed requests forbid it now.
    pub(super) fn is_ejected(&self, now: SimTime) -> bool {
        now < self.ejected_until
    }

    /// Until when failed requests forbid it.
    pub(super) fn ejected_until(&self) -> SimTime {
        self.ejected_until
    }

    /// A check ended. True if the target's health changed.
    pub(super) fn on_check(&mut self, spec: &HealthCheckSpec, success: bool) -> bool {
        if success == self.healthy {
            self.streak = 0;
            return false;
        }
        self.streak += 1;
        let threshold = if success { spec.healthy_threshold } else { spec.unhealthy_threshold };
        if self.streak < threshold {
            return false;
        }
        (self.healthy, self.streak) = (success, 0);
        true
    }

    /// A request to the target ended.
    pub(super) fn on_request(&mut self, spec: &OutlierSpec, now: SimTime, success: bool) {
        self.failures = if success { 0 } else { self.failures + 1 };
        if self.failures >= spec.consecutive_failures {
            (self.failures, self.ejected_until) = (0, now + spec.ejection_time);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::SimDuration;

    #[test]
    fn a_target_turns_after_so_many_checks_in_a_row() {
        let secs = SimDuration::from_secs;
        let spec =
            HealthCheckSpec { interval: secs(15), timeout: secs(5), healthy_threshold: 2, unhealthy_threshold: 3 };
        let mut health = Health::new(true);
        let turns: Vec<bool> = [false, false, true, false, false, false].map(|ok| health.on_check(&spec, ok)).into();
        assert_eq!(turns, [false, false, false, false, false, true]);
        assert!(!health.on_check(&spec, true) && health.on_check(&spec, true) && health.is_healthy());
    }

    #[test]
    fn failures_in_a_row_eject_for_a_while() {
        let spec = OutlierSpec { consecutive_failures: 2, ejection_time: SimDuration::from_secs(10) };
        let mut health = Health::new(true);
        let at = |secs| SimTime::ZERO + SimDuration::from_secs(secs);
        health.on_request(&spec, at(1), false);
        health.on_request(&spec, at(2), true);
        health.on_request(&spec, at(3), false);
        assert!(!health.is_ejected(at(3)));
        health.on_request(&spec, at(4), false);
        assert!(health.is_ejected(at(13)) && !health.is_ejected(at(14)));
    }
}
