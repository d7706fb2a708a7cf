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

/// KEP-753 (mechanics 3.8): PLEG has to notice a native sidecar, and its startup probe to succeed, before the server's container is
/// made. A classic one starts beside the server.
#[test]
fn a_native_sidecar_has_started_before_its_server_is_started() {
    let starts = |sets: &[&str]| -> Vec<f64> {
        let trace = trace("native-sidecar", sets);
        let new = trace.pods.iter().filter(|pod| pod.at(PodEvent::Created).is_some());
        new.map(|pod| (pod.at(PodEvent::Started).unwrap() - pod.at(PodEvent::SandboxReady).unwrap()).as_secs_f64())
            .collect()
    };
    let check = |sets: &[&str], least: f64, most: f64| {
        let found = starts(sets);
        assert!(found.len() == 3 && found.iter().all(|took| (least..most).contains(took)), "{sets:?}: {found:?}");
    };
    check(&["pod.sidecar.kind=classic"], 0.0, 2.0);
    check(&["pod.sidecar={ kind = \"native\" }"], 0.2, 3.0);
    check(&[], 3.0, 6.0);
    check(&["pod.sidecar.startup_probe.initial_delay=8s"], 8.0, 11.0);
}

/// A pod without a readiness probe is Ready when its containers have started: a proxy that boots beside the server does not listen
/// then; one that came first does.
#[test]
fn a_sidecar_that_comes_first_listens_when_its_pod_is_ready() {
    let lost = |sets: &[&str]| mean("native-sidecar", sets, Metric::FailedConnectRefused);
    assert_eq!(lost(&[]), 0.0);
    let classic = ["pod.sidecar.kind=classic", "pod.sidecar.pre_stop=10s"];
    assert!(lost(&classic) > 100.0, "{}", lost(&classic));
    let answered = mean("native-sidecar", &["pod.boot=2s"], Metric::FailedHttp503);
    assert!(answered > 50.0, "behind the proxy the server boots: {answered}");
}

/// Of a pod that is deleted before its server has begun, the sidecar is all there is to stop.
#[test]
fn a_pod_deleted_while_its_sidecar_starts_ends_without_its_server() {
    let back = ["faults=[{ at = \"13s\", kind = \"rollback\" }]", "pod.sidecar.boot=30s"];
    let trace = trace("native-sidecar", &back);
    let new: Vec<_> = trace.pods.iter().filter(|pod| pod.at(PodEvent::Created).is_some()).collect();
    assert_eq!(new.len(), 1);
    assert!(new[0].at(PodEvent::Started).is_none() && new[0].at(PodEvent::Removed).is_some(), "{:?}", new[0]);
}
