//! Other ways for pods to leave than a rollout, faults of the control plane, and nodes without room.

use rollsim::ids::NodeId;
use rollsim::record::{Metric, PodEvent, Trace};
use rollsim::units::SimTime;

use super::{mean, secs, times, trace};

fn sorted(trace: &Trace, event: PodEvent) -> Vec<SimTime> {
    let mut times: Vec<SimTime> = times(trace, event).collect();
    times.sort_unstable();
    times
}

/// Mechanics 1.14: four pods of a node, one disruption allowed, each replacement Ready 12 s after its eviction: at 0, 15, 30
/// and 45 s, since kubectl tries again after 5 s each. With two allowed: 0, 0, 15, 15.
#[test]
fn a_drain_goes_at_the_pace_of_the_budget_and_of_kubectls_sleep() {
    let slow = ["pod.boot=10500ms", "delays.sandbox=500ms", "delays.pleg=0s"];
    let after = |budget: &str| -> Vec<f64> {
        let trace = trace("node-drain", &[&slow[..], &[budget]].concat());
        let deleted = sorted(&trace, PodEvent::Deleted);
        deleted.iter().map(|at| (*at - secs(10)).as_secs_f64()).collect()
    };
    let close = |found: &[f64], expected: &[f64]| {
        assert_eq!(found.len(), expected.len(), "{found:?}");
        assert!(found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1.0), "{found:?}");
    };
    close(&after("pod_disruption_budget.max_unavailable=1"), &[0.0, 15.0, 30.0, 45.0]);
    close(&after("pod_disruption_budget.max_unavailable=2"), &[0.0, 0.0, 15.0, 15.0]);
    close(&after("pod_disruption_budget.max_unavailable=4"), &[0.0; 4]);
    close(&after("rollout.evicts=false"), &[0.0; 4]);
}

/// Replacements cannot land on the cordoned node, and the budget holds all along.
#[test]
fn a_drained_nodes_pods_come_up_elsewhere() {
    let trace = trace("node-drain", &[]);
    let created = trace.pods.iter().filter(|pod| pod.at(PodEvent::Created).is_some());
    assert_eq!(created.map(|pod| pod.node).collect::<Vec<_>>(), [Some(NodeId(1)); 4]);
    assert_eq!(mean("node-drain", &[], Metric::MinReadyPods), 7.0);
    assert!(trace.rollout_complete.is_some());
}

/// Mechanics 1.14: what has not ended when the node does is cut.
#[test]
fn a_spot_node_cuts_what_its_notice_does_not_cover() {
    let end = secs(40);
    let killed = |sets: &[&str]| times(&trace("spot-notice", sets), PodEvent::Killed).filter(|at| *at == end).count();
    assert_eq!(killed(&[]), 0);
    assert_eq!(killed(&["pod.pre_stop.sleep=29s"]), 2);
}

#[test]
fn deleted_pods_are_replaced_after_they_began_to_leave() {
    let trace = trace("pod-delete", &["rollout.pods=2"]);
    let (deleted, created) = (sorted(&trace, PodEvent::Deleted), sorted(&trace, PodEvent::Created));
    assert_eq!((deleted.len(), created.len()), (2, 2));
    assert!(created[0] > deleted[1]);
    assert_eq!(mean("pod-delete", &["rollout.pods=2"], Metric::MinReadyPods), 1.0);
}

#[test]
fn a_scale_down_takes_all_its_pods_at_once() {
    let trace = trace("scale-down", &[]);
    let deleted = sorted(&trace, PodEvent::Deleted);
    assert_eq!(deleted.len(), 6);
    assert!((deleted[5] - deleted[0]).as_secs_f64() < 1.0);
    assert!(trace.rollout_complete.is_some());
}

/// Mechanics 2.3: kubelets go on while nobody leads, and slices stay as they are.
#[test]
fn without_a_leader_pods_end_and_stay_in_the_slices() {
    let trace = trace("leader-failover", &[]);
    let quiet = |at: SimTime| at > secs(11) && at < secs(27);
    for event in [PodEvent::Deleted, PodEvent::Created, PodEvent::EndpointOut, PodEvent::EndpointIn] {
        assert!(!times(&trace, event).any(quiet), "{event:?}");
    }
    assert!(times(&trace, PodEvent::Exited).any(quiet));
    let lost = |sets: &[&str]| mean("leader-failover", sets, Metric::Failed);
    let (short, long) = (lost(&[]), lost(&["pod.pre_stop.sleep=20s"]));
    assert!(short > 20.0 && long == 0.0, "{short} {long}");
}

#[test]
fn a_slow_api_server_slows_the_rollout_while_it_lasts() {
    let took = |factor: &str| mean("api-slowness", &[factor], Metric::RolloutDurationS);
    let (usual, slow) = (took("faults.0.factor=1"), took("faults.0.factor=20"));
    assert!(slow > usual + 3.0, "{usual} {slow}");
    assert_eq!(usual, mean("api-slowness", &["faults=[]"], Metric::RolloutDurationS));
}

/// Mechanics 1.15, the two vectors of room: six pods of seven go at the pace of terminations; seven without any
/// unavailable never do, and lose nothing.
#[test]
fn pods_wait_for_the_room_of_terminating_ones() {
    let full = trace("full-nodes", &[]);
    assert!(full.rollout_complete.is_some());
    let waited = full.pods.iter().filter_map(|pod| Some(pod.at(PodEvent::Scheduled)? - pod.at(PodEvent::Created)?));
    assert!(waited.map(|wait| wait.as_secs_f64()).fold(0.0, f64::max) > 4.0);
    let dead =
        trace("full-nodes", &["deployment.replicas=7", "deployment.max_surge=1", "deployment.max_unavailable=0"]);
    assert_eq!((dead.rollout_complete, times(&dead, PodEvent::Deleted).count(), dead.lost.len()), (None, 0, 0));
}

/// Mechanics 3.2: pulls are made one after the other, or once.
#[test]
fn an_image_is_pulled_once_a_node_or_for_each_pod() {
    let took = |images: &str| mean("image-pull", &[images], Metric::RolloutDurationS);
    let (once, alone) = (took("nodes.images=first_on_node"), took("nodes.images=every_pod"));
    let series = mean("image-pull", &["nodes.images=every_pod_in_series", "cluster.nodes=1"], Metric::RolloutDurationS);
    assert!(once + 10.0 < alone && alone + 10.0 < series, "{once} {alone} {series}");
}

/// A constraint by host counts the drained node, which has none: what is evicted finds no place, and the budget then holds the rest.
#[test]
fn a_drain_stands_still_where_pods_are_spread_strictly_by_host() {
    let drain = |spread: &str| {
        let trace = trace("node-drain", &[spread]);
        let new = trace.pods.iter().filter(|pod| pod.at(PodEvent::Created).is_some());
        new.filter(|pod| pod.at(PodEvent::Scheduled).is_none()).count()
    };
    assert_eq!(drain("nodes.spread=least_pods"), 0);
    assert!(drain("nodes.spread=strict") >= 1);
}
