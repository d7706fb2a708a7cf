//! What the lives of pods in a traced rollout say: how long a stop takes, and how many pod-seconds a rollout costs.

use crate::record::{PodEvent, PodRecord, Trace};
use crate::units::{SimDuration, SimTime};

/// The longest time from a stop signal to the end of the process; none if no pod ended.
pub(super) fn longest_stop(trace: &Trace) -> Option<SimDuration> {
    let stop = |pod: &PodRecord| Some(pod.at(PodEvent::Exited)?.saturating_since(pod.at(PodEvent::Signalled)?));
    trace.pods.iter().filter_map(stop).max()
}

/// Pod-seconds beyond the desired number of pods: from a pod's creation to the end of its process, while there are more than
/// that many.
pub(super) fn extra_pod_seconds(trace: &Trace) -> f64 {
    let mut changes: Vec<(SimTime, i64)> = trace.pods.iter().flat_map(|pod| life(pod, trace)).collect();
    changes.sort_unstable();
    let (mut pods, mut since, mut sum) = (0i64, SimTime::ZERO, 0.0);
    for (at, change) in changes {
        let extra = (pods - i64::from(trace.replicas)).max(0);
        sum += extra as f64 * at.saturating_since(since).as_secs_f64();
        (pods, since) = (pods + change, at);
    }
    sum
}

/// When a pod came and when it went. Old pods were there at the start; what has not ended goes on to the end of the trace and
/// is counted up to there.
fn life(pod: &PodRecord, trace: &Trace) -> Vec<(SimTime, i64)> {
    let is_old = pod.pod.0 < trace.replicas;
    let Some(created) = pod.at(PodEvent::Created).or(is_old.then_some(SimTime::ZERO)) else { return Vec::new() };
    let ended = pod.at(PodEvent::Exited).unwrap_or(trace.end.max(created));
    vec![(created, 1), (ended, -1)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{PodId, Revision};

    fn at(secs: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(secs)
    }

    fn pod(id: u32, events: &[(PodEvent, u64)]) -> PodRecord {
        let revision = if id == 0 { Revision::Old } else { Revision::New };
        let mut record = PodRecord::new(PodId(id), revision, None);
        events.iter().for_each(|&(event, secs)| record.note(event, at(secs)));
        record
    }

    #[test]
    fn surge_and_draining_cost_pod_seconds() {
        let old = pod(0, &[(PodEvent::Signalled, 15), (PodEvent::Exited, 18)]);
        let new = pod(1, &[(PodEvent::Created, 10)]);
        let trace = Trace { replicas: 1, end: at(60), pods: vec![old, new], ..Trace::default() };
        assert!((extra_pod_seconds(&trace) - 8.0).abs() < 1e-9);
        assert_eq!(longest_stop(&trace), Some(SimDuration::from_secs(3)));
    }
}
