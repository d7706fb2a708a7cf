//! What comes between what a metric asks for and what is written: stabilisation and limits. Pure, but for what is remembered.

use crate::model::spec::AutoscalerSpec;
use crate::units::{SimDuration, SimTime};

/// The period of the default policies (autoscaling/v2 defaults at 1adaa753).
const PERIOD: SimDuration = SimDuration::from_secs(15);
/// The default policies for more pods: so many, or as many again.
const MORE: u32 = 4;

/// What the controller remembers; it is lost with its leader, which is left out.
#[derive(Debug, Default)]
pub struct Memory {
    recommendations: Vec<(SimTime, u32)>,
    /// Changes of the size: pods that came, or went.
    changes: Vec<(SimTime, i64)>,
}

impl Memory {
    /// The size to write at `now`, the current one being `current` and the metric asking for `raw`.
    pub fn limited(&mut self, now: SimTime, current: u32, raw: u32, spec: &AutoscalerSpec) -> u32 {
        if self.recommendations.is_empty() {
            self.recommendations.push((now, current));
        }
        self.recommendations.push((now, raw));
        let is_recent = |at: SimTime, window| now.saturating_since(at) <= window;
        self.recommendations.retain(|(at, _)| is_recent(*at, spec.scale_down_window));
        self.changes.retain(|(at, _)| is_recent(*at, PERIOD));
        let most = self.recommendations.iter().map(|(_, size)| *size).max().unwrap_or(raw);
        let desired = if spec.behavior {
            let stabilised = current.max(raw).min(most);
            stabilised.min(self.most_by_policy(current).max(current))
        } else {
            most.min(current.saturating_mul(2).max(MORE))
        };
        let limited = desired.clamp(spec.min_replicas, spec.max_replicas);
        self.changes.push((now, i64::from(limited) - i64::from(current)));
        limited
    }

    /// Four more, or twice as many, as there were a period ago.
    fn most_by_policy(&self, current: u32) -> u32 {
        let added: i64 = self.changes.iter().map(|(_, change)| (*change).max(0)).sum();
        let start = current.saturating_sub(u32::try_from(added).unwrap_or(0));
        (start + MORE).max(start.saturating_mul(2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::spec::ScalingMetric;

    fn spec(behavior: bool) -> AutoscalerSpec {
        AutoscalerSpec {
            min_replicas: 1,
            max_replicas: 100,
            metric: ScalingMetric::Cpu,
            target: 50,
            idle: 0,
            tolerance: 0.1,
            scale_down_window: SimDuration::from_secs(300),
            behavior,
        }
    }

    /// The sizes of syncs a little more than 15 s apart, the metric asking for `asked` in turn.
    fn sizes(behavior: bool, from: u32, asked: &[u32]) -> Vec<u32> {
        let (mut memory, mut size, mut now) = (Memory::default(), from, SimTime::ZERO);
        let mut sync = |raw: &u32| {
            size = memory.limited(now, size, *raw, &spec(behavior));
            now += SimDuration::from_millis(15_020);
            size
        };
        asked.iter().map(&mut sync).collect()
    }

    /// Vectors 11 to 13 of mechanics 1.13.
    #[test]
    fn a_size_grows_no_faster_than_the_limits() {
        assert_eq!(sizes(false, 1, &[100; 6]), [4, 8, 16, 32, 64, 100]);
        assert_eq!(sizes(true, 1, &[100; 6]), [5, 10, 20, 40, 80, 100]);
        let one_step = |behavior| [1, 2, 3, 4, 5].map(|from| sizes(behavior, from, &[100])[0]);
        assert_eq!((one_step(false), one_step(true)), ([4, 4, 6, 8, 10], [5, 6, 7, 8, 10]));
    }

    #[test]
    fn a_size_shrinks_when_nothing_has_asked_for_more_for_300_s() {
        for behavior in [false, true] {
            let found = sizes(behavior, 10, &[3; 25]);
            let kept = found.iter().take_while(|size| **size == 10).count();
            assert_eq!((kept, found[24]), (20, 3), "{found:?}");
        }
    }
}
