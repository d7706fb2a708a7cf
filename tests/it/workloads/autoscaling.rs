//! The autoscaler in whole runs.

use rollsim::explain::traced;
use rollsim::record::{Metric, Trace};

use super::{mean, secs, trace};
use crate::common::shipped;

fn sizes(trace: &Trace) -> Vec<u32> {
    trace.resized.iter().map(|(_, size)| *size).collect()
}

/// PE-48, smaller: the size that is kept is that of the status, surge pods included: 40, 50, and more as long as the rollout
/// lasts. Since k/k#79035 it is that of the spec.
#[test]
fn a_rollout_ratchets_the_size_up_until_1_16() {
    let scenario = shipped("autoscaler-ratchet", &[]);
    let mut first = Vec::new();
    for replication in 0..4 {
        let found = sizes(&traced(&scenario, replication));
        assert!(found.len() >= 2 && found.is_sorted_by(|a, b| a < b), "{found:?}");
        first.push(found[..2].to_vec());
    }
    // A sync may come while the first surge is being created, and takes what there is.
    assert!(first.iter().all(|sizes| (41..=50).contains(&sizes[0])) && first.contains(&vec![50, 63]), "{first:?}");
    let kept = sizes(&trace("autoscaler-ratchet", &["cluster.version=1.16"]));
    assert!(kept.is_empty(), "{kept:?}");
}

/// PE-48 at its size: from 383 the first step is a quarter, unless the sync comes while the first surge is being created; the
/// steps rise, and end when the rollout is faster than the loop.
#[test]
fn a_rollout_of_383_pods_ratchets_as_published() {
    let scenario = shipped("published/pe-48", &[]);
    let found: Vec<Vec<u32>> = (0..3).map(|replication| sizes(&traced(&scenario, replication))).collect();
    for sizes in &found {
        assert!(sizes.is_sorted_by(|a, b| a < b) && (384..=479).contains(&sizes[0]), "{sizes:?}");
        assert!(sizes[sizes.len() - 1] < 4 * 383, "{sizes:?}");
    }
    assert!(found.iter().any(|sizes| sizes[0] == 479 && sizes.len() > 1), "{found:?}");
}

/// Mechanics 1.13: still there afterwards with a metric that each pod brings along: ratio 1.2, whatever the number of pods.
#[test]
fn a_metric_that_each_pod_brings_along_ratchets_in_every_version() {
    let fixed =
        ["autoscaler.metric=memory", "autoscaler.target=50", "autoscaler.idle=60", "autoscaler.max_replicas=60"];
    let found = sizes(&trace("autoscaler", &fixed));
    assert!(found.is_sorted_by(|a, b| a < b) && found[0] == 5 && found[found.len() - 1] > 12, "{found:?}");
}

/// The loop is that of 15 s, and the size follows the load: 110/s of 20 ms are 2.2 CPUs, 440 % of a pod's request, for a target
/// of 60 % seven or eight pods.
#[test]
fn the_size_follows_the_load_at_the_pace_of_the_loop() {
    let trace = trace("autoscaler", &[]);
    let found = sizes(&trace);
    assert!(found.is_sorted() && matches!(found.last(), Some(7 | 8)), "{found:?}");
    assert!(trace.resized.iter().all(|(at, _)| *at < secs(90)), "{:?}", trace.resized);
    assert!(trace.resized.windows(2).all(|pair| (pair[1].0 - pair[0].0).as_secs_f64() >= 15.0));
    assert!(trace.rollout_complete.is_some());
}

/// Fewer pods only when nothing has asked for more during the window.
#[test]
fn a_size_shrinks_after_its_window() {
    let little = ["clients.0.rate=10/s", "autoscaler.scale_down_window=60s"];
    let trace = trace("autoscaler", &little);
    assert!(matches!(trace.resized[..], [(at, 2)] if (secs(60)..secs(80)).contains(&at)), "{:?}", trace.resized);
    assert_eq!(mean("autoscaler", &["clients.0.rate=10/s"], Metric::MaxReplicas), 4.0);
}
