//! How pods come and go, in whole runs: the Deployment's strategies and what a user does in the middle of a rollout. Each
//! shipped scenario of these has a golden result. Other ways for pods to leave are in `leaving`.

mod autoscaling;
mod leaving;
mod restarts;
mod sidecars;

use std::fmt::Write;

use rollsim::explain::traced;
use rollsim::ids::Revision;
use rollsim::record::{Metric, PodEvent, PodRecord, Trace};
use rollsim::units::{SimDuration, SimTime};

use crate::common::{runs, shipped, values};

/// Scenarios with golden results.
const GOLDEN: [&str; 26] = [
    "recreate",
    "pause-and-rollback",
    "scale-in-mid-rollout",
    "progress-deadline",
    "pod-replacement-policy",
    "min-ready",
    "stateful-set",
    "daemon-set",
    "node-drain",
    "spot-notice",
    "pod-delete",
    "scale-down",
    "leader-failover",
    "api-slowness",
    "full-nodes",
    "image-pull",
    "liveness-kill",
    "liveness-cascade",
    "sidecar",
    "native-sidecar",
    "autoscaler",
    "autoscaler-ratchet",
    "hook-longer-than-grace",
    "failing-hook",
    "startup-probe",
    "percentages",
];

/// What the golden results show.
const SHOWN: [Metric; 5] =
    [Metric::Failed, Metric::RolloutDurationS, Metric::AllTerminatedS, Metric::MinReadyPods, Metric::MaxPods];

#[test]
fn the_shipped_scenarios_give_their_golden_results() {
    let mut table = String::new();
    for name in GOLDEN {
        let runs = runs(&shipped(name, &[]), 3);
        writeln!(table, "{name}").unwrap();
        for metric in SHOWN {
            writeln!(table, "  {:<20}{:?}", metric.name(), values(&runs, metric)).unwrap();
        }
    }
    insta::assert_snapshot!(table);
}

fn trace(name: &str, sets: &[&str]) -> Trace {
    traced(&shipped(name, sets), 0)
}

fn secs(at: u64) -> SimTime {
    SimTime::ZERO + SimDuration::from_secs(at)
}

fn mean(name: &str, sets: &[&str], metric: Metric) -> f64 {
    let values = values(&runs(&shipped(name, sets), 5), metric);
    values.iter().sum::<f64>() / values.len() as f64
}

fn times(trace: &Trace, event: PodEvent) -> impl Iterator<Item = SimTime> + '_ {
    trace.pods.iter().filter_map(move |pod| pod.at(event))
}

/// Mechanics 1.7.
#[test]
fn recreate_creates_no_pod_before_the_last_old_one_is_gone() {
    let trace = trace("recreate", &[]);
    let created = times(&trace, PodEvent::Created).min().unwrap();
    let gone = trace.pods[..3].iter().map(|pod| pod.at(PodEvent::Exited).unwrap()).max().unwrap();
    assert!(created > gone, "{created} {gone}");
    assert_eq!(trace.scaled.iter().map(|(_, _, size)| *size).collect::<Vec<_>>(), [0, 3]);
    assert!(trace.rollout_complete.is_some());
}

/// Mechanics 1.6: a pause stops the roll, not the pods that it began.
#[test]
fn nothing_is_scaled_during_a_pause_and_a_rollback_deletes_the_new_pods() {
    let trace = trace("pause-and-rollback", &[]);
    let paused = |at: SimTime| at > secs(11) && at < secs(30);
    assert!(trace.scaled.iter().all(|(at, _, _)| !paused(*at)), "{:?}", trace.scaled);
    let last = |revision| trace.scaled.iter().rfind(|(_, of, _)| *of == revision).map(|(_, _, size)| *size);
    assert_eq!(last(Revision::New), Some(0));
    let deleted = times(&trace, PodEvent::Deleted).count();
    assert_eq!(deleted, times(&trace, PodEvent::Removed).count());
    let left = trace.pods.iter().filter(|pod| pod.at(PodEvent::Created).is_some() || pod.revision == Revision::Old);
    assert_eq!(left.count() - deleted, 6);
}

/// Mechanics 1.13, worked example: 8 old and 5 new of 10 become 12 and 8 of 16.
#[test]
fn a_size_changed_in_mid_rollout_is_shared_out() {
    let trace = trace("scale-in-mid-rollout", &[]);
    let after = trace.scaled.iter().filter(|(at, _, _)| *at > secs(11)).map(|(_, revision, size)| (*revision, *size));
    let shares: Vec<_> = after.take(2).collect();
    assert_eq!(shares, [(Revision::New, 8), (Revision::Old, 12)], "{:?}", trace.scaled);
}

/// Mechanics 1.6: the condition is all that happens.
#[test]
fn a_rollout_without_progress_is_said_to_be_late_and_goes_on() {
    let trace = trace("progress-deadline", &[]);
    let last_progress = trace.scaled[0].0;
    let late = trace.deadline_exceeded.unwrap() - last_progress;
    assert!((30.0..33.0).contains(&late.as_secs_f64()), "{late}");
    assert_eq!((trace.rollout_complete, trace.lost.len()), (None, 0));
    assert_eq!(mean("progress-deadline", &["pod.boot=20ms"], Metric::MinReadyPods), 3.0);
}

/// Pods created and not ended, objects of ended ones not counted.
fn most_at_once(trace: &Trace) -> usize {
    let lives = |pod: &&PodRecord, at: SimTime| {
        let began = pod.revision == Revision::Old || pod.at(PodEvent::Created).is_some_and(|created| created <= at);
        began && pod.at(PodEvent::Exited).is_none_or(|exited| exited > at)
    };
    let at_once = |at| trace.pods.iter().filter(|pod| lives(pod, at)).count();
    times(trace, PodEvent::Created).map(at_once).max().unwrap()
}

/// Mechanics 1.9.
#[test]
fn terminating_pods_are_beyond_the_surge_unless_new_ones_wait_for_them() {
    assert_eq!(most_at_once(&trace("pod-replacement-policy", &[])), 5);
    let started = ["deployment.pod_replacement_policy=termination_started"];
    assert!(most_at_once(&trace("pod-replacement-policy", &started)) > 6);
}

/// Mechanics 1.5: three steps of 10 s, each up to a second less by stamps of whole seconds; up to 1.33 the timer rings a
/// second later than the pod can be available.
#[test]
fn availability_is_noticed_at_its_instant_since_1_34() {
    let took = |version: &str| mean("min-ready", &[version], Metric::RolloutDurationS);
    let (new, old) = (took("cluster.version=1.34"), took("cluster.version=1.33"));
    assert!((0.3..6.0).contains(&(old - new)), "{new} {old}");
    assert!((29.0..42.0).contains(&new), "{new}");
}

/// The order in which pods are deleted, by their names.
fn deleted(trace: &Trace) -> Vec<u32> {
    let mut deleted: Vec<_> =
        trace.pods.iter().filter_map(|pod| Some((pod.at(PodEvent::Deleted)?, pod.pod.0))).collect();
    deleted.sort_unstable();
    deleted.into_iter().map(|(_, pod)| pod).collect()
}

/// Mechanics 1.11: one at a time, from the highest ordinal down to the partition; a pod is created when the object of its
/// name is gone, and the next one goes when it is Ready.
#[test]
fn a_stateful_set_is_updated_from_its_end_one_by_one() {
    let trace = trace("stateful-set", &[]);
    assert_eq!(deleted(&trace), [2, 1, 0]);
    for ordinal in 0..3 {
        let (old, new) = (&trace.pods[ordinal], &trace.pods[3 + ordinal]);
        assert!(new.at(PodEvent::Created) > old.at(PodEvent::Removed));
        let next = ordinal.checked_sub(1).and_then(|next| trace.pods[next].at(PodEvent::Deleted));
        assert!(next.is_none_or(|next| next > new.at(PodEvent::Ready).unwrap()));
    }
    assert!(trace.rollout_complete.is_some());
    assert_eq!(deleted(&self::trace("stateful-set", &["workload.partition=2"])), [2]);
}

/// KEP-961: two at once; in order, their successors still come one after the other.
#[test]
fn a_stateful_set_may_miss_several_pods_at_once() {
    let two = ["workload.max_unavailable=2", "workload.replicas=4"];
    let took = |more: &[&str]| mean("stateful-set", &[&two[..], more].concat(), Metric::RolloutDurationS);
    let least = |sets: &[&str]| mean("stateful-set", sets, Metric::MinReadyPods);
    assert_eq!((least(&[]), least(&two)), (2.0, 2.0));
    let (ordered, parallel) = (took(&[]), took(&["workload.pod_management=parallel"]));
    assert!(parallel < ordered && ordered < took(&["workload.max_unavailable=1"]), "{parallel} {ordered}");
}

/// KEP-1591: with a surge the old pod of a node goes when the new one beside it is available.
#[test]
fn a_daemon_set_replaces_a_node_at_a_time_or_surges() {
    let replaced = trace("daemon-set", &[]);
    let surged = trace("daemon-set", &["workload.max_surge=1"]);
    for node in 0..3 {
        let (old, new) = (&replaced.pods[node], &replaced.pods[3 + node]);
        assert_eq!(old.node, new.node);
        assert!(new.at(PodEvent::Created) > old.at(PodEvent::Removed));
        assert!(surged.pods[3 + node].at(PodEvent::Ready) < surged.pods[node].at(PodEvent::Deleted));
    }
    let lost = |sets: &[&str]| mean("daemon-set", sets, Metric::Failed);
    assert!(lost(&[]) > 10.0 * lost(&["workload.max_surge=1"]).max(1.0));
}

/// PE-50: a hook of 30 s adds 30 s a pod.
#[test]
fn a_hook_adds_its_length_for_each_pod_of_a_stateful_set() {
    let took = |sleep: &str| mean("published/pe-50-hook", &[sleep], Metric::RolloutDurationS);
    let added = took("pod.pre_stop.sleep=30s") - took("pod.pre_stop.sleep=0s");
    assert!((88.0..94.0).contains(&added), "{added}");
}
