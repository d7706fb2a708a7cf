//! When a container that ended is started again.

use crate::units::{SimDuration, SimTime};

/// The longest wait (MaxContainerBackOff, pkg/kubelet/kubelet.go).
const LONGEST: SimDuration = SimDuration::from_secs(300);
/// The wait before the second restart (backOffPeriod).
const FIRST: SimDuration = SimDuration::from_secs(10);
/// A container that ran so long has its back-off forgotten (twice the longest).
const FORGOTTEN: SimDuration = SimDuration::from_secs(600);

/// The CrashLoop back-off of one container: the first restart at once, then 10 s doubling to 300 s from the end of the
/// container, whatever ended it (mechanics 1.16; `doBackOff` in pkg/kubelet/kuberuntime at v1.20.2). Leaves out KEP-4603's
/// shorter one, which is behind a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CrashLoop {
    /// The wait after the next end; none of a container that has never ended.
    next: SimDuration,
}

impl CrashLoop {
    /// The container ended at `ended` and had run since `began`. How long it waits then, at the least.
    pub fn on_end(&mut self, began: SimTime, ended: SimTime) -> SimDuration {
        if ended.saturating_since(began) >= FORGOTTEN {
            self.next = SimDuration::ZERO;
        }
        let wait = self.next;
        self.next = if wait.is_zero() { FIRST } else { (wait * 2).min(LONGEST) };
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When a container starts that ends `life` seconds after each start.
    fn starts(life: u64, count: usize) -> Vec<u64> {
        let (mut back_off, mut start, mut starts) = (CrashLoop::default(), SimTime::ZERO, Vec::new());
        while starts.len() < count {
            starts.push((start - SimTime::ZERO).as_whole_secs());
            let end = start + SimDuration::from_secs(life);
            start = end + back_off.on_end(start, end);
        }
        starts
    }

    #[test]
    fn a_container_that_ends_after_5_s_starts_as_in_mechanics_1_16() {
        assert_eq!(starts(5, 9), [0, 5, 20, 45, 90, 175, 340, 645, 950]);
    }

    #[test]
    fn a_container_that_runs_for_10_minutes_starts_again_at_once() {
        assert_eq!(starts(600, 3), [0, 600, 1_200]);
        assert_eq!(starts(599, 3), [0, 599, 1_208]);
    }
}
