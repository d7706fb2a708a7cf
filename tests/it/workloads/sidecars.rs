//! Pods whose requests come through a proxy in a container of its own.

use rollsim::record::{Metric, PodEvent};

use super::{mean, trace};

/// Mechanics 3.8: a classic sidecar gets the signal with the deletion, though the server's hook still runs; a native one when
/// the server has ended.
#[test]
fn a_classic_sidecar_dies_before_the_server_and_a_native_one_after() {
    let classic = trace("sidecar", &[]);
    let native = trace("sidecar", &["pod.sidecar.kind=native"]);
    for pod in 0..3 {
        let at = |trace: &rollsim::record::Trace, event| trace.pods[pod].at(event).unwrap();
        let dies = at(&classic, PodEvent::ListenerClosed) - at(&classic, PodEvent::KubeletDeleted);
        assert!(dies.as_secs_f64() < 0.5, "{dies}");
        assert!(at(&classic, PodEvent::Exited) > at(&classic, PodEvent::HookEnded));
        assert!(at(&native, PodEvent::ListenerClosed) > at(&native, PodEvent::Exited));
    }
    let lost = |sets: &[&str]| mean("sidecar", sets, Metric::Failed);
    assert!(lost(&[]) >= 3.0, "{}", lost(&[]));
    assert!(lost(&["pod.sidecar.kind=native"]) < 1.0, "{}", lost(&["pod.sidecar.kind=native"]));
    assert!(lost(&["pod.sidecar.pre_stop=10s"]) < 1.0, "{}", lost(&["pod.sidecar.pre_stop=10s"]));
}

/// At the end of the grace period a native sidecar is told to stop though the server has not ended, and has 2 s.
#[test]
fn a_pod_ends_with_its_grace_period_though_its_sidecar_would_not() {
    let slow = ["pod.sidecar.drain=1h", "pod.termination_grace_period=8s"];
    for (kind, least, most) in [("pod.sidecar.kind=classic", 7.9, 8.5), ("pod.sidecar.kind=native", 7.9, 8.5)] {
        let trace = trace("sidecar", &[&slow[..], &[kind]].concat());
        for pod in &trace.pods[..3] {
            let took = pod.at(PodEvent::ListenerClosed).unwrap() - pod.at(PodEvent::KubeletDeleted).unwrap();
            assert!((least..most).contains(&took.as_secs_f64()), "{kind}: {took}");
            assert!(pod.at(PodEvent::Removed) > pod.at(PodEvent::ListenerClosed));
        }
    }
}

/// A server that is started again behind its sidecar: clients keep their connections and get 503 meanwhile.
#[test]
fn a_sidecar_answers_while_its_server_is_started_again() {
    let hang = [
        "rollout.kind=none",
        "faults=[{ at = \"10s\", kind = \"hang\", ignores_stop = false }]",
        "pod.liveness_probe={ period = \"2s\" }",
        "pod.readiness_probe={ failure_threshold = 100 }",
        "pod.pre_stop={ sleep = \"0s\" }",
    ];
    let lost = |metric| mean("sidecar", &hang, metric);
    assert!(lost(Metric::FailedHttp503) > 3.0, "{}", lost(Metric::FailedHttp503));
    assert_eq!(lost(Metric::FailedConnectRefused), 0.0);
    assert_eq!(lost(Metric::ContainerRestarts), 1.0);
}
