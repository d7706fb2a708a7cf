//! Containers that are killed by their probes and started again.

use rollsim::record::{FailureKind, Metric, PodEvent, Trace};

use super::{mean, secs, times, trace};

/// Seconds from the hang at 10 s to each restart.
fn restarts(trace: &Trace) -> Vec<f64> {
    times(trace, PodEvent::Restarted).map(|at| (at - secs(10)).as_secs_f64()).collect()
}

/// Mechanics 1.16: three failures 10 s apart after a phase of up to 10 s, each noted after the time-out of 1 s; a process that
/// ignores the signal has its grace, and PLEG and the start follow.
#[test]
fn a_process_that_hangs_is_started_again_after_liveness_and_grace() {
    let restarted = |sets: &[&str], least: f64| {
        let found = restarts(&trace("liveness-kill", sets));
        assert!(matches!(found[..], [at] if (least..least + 13.5).contains(&at)), "{sets:?}: {found:?}");
    };
    restarted(&["faults.0.ignores_stop=false"], 21.0);
    restarted(&[], 31.0);
    restarted(&["pod.liveness_probe.termination_grace_period=20s"], 41.0);
    restarted(&["pod.liveness_probe.termination_grace_period=20s", "cluster.version=1.21"], 31.0);
    restarted(&["pod.pre_stop.sleep=5s", "faults.0.ignores_stop=false"], 26.0);
}

/// Mechanics 1.16: the kill does not start the other chain. Without readiness the pod is in the rules until PLEG has noticed its
/// end: requests time out for some 21 to 31 s and the grace, and are refused until the listener is back.
#[test]
fn a_kill_does_not_take_a_pod_out_of_the_rules() {
    let lost = |sets: &[&str]| mean("liveness-kill", sets, Metric::Failed);
    let blind = ["pod.readiness_probe.failure_threshold=100", "faults.0.ignores_stop=false"];
    assert!((21.0 * 20.0..34.0 * 20.0).contains(&lost(&blind)), "{}", lost(&blind));
    assert!((3.0 * 20.0..6.5 * 20.0).contains(&lost(&[])), "{}", lost(&[]));
    let trace = trace("liveness-kill", &blind);
    assert!(trace.lost.iter().any(|lost| lost.kind == FailureKind::ConnectRefused));
    assert!(times(&trace, PodEvent::Deleted).next().is_none());
}

const SLOW: [&str; 4] = [
    "pod.boot=40s",
    "pod.liveness_probe={ period = \"5s\", failure_threshold = 3 }",
    "run.duration=4m",
    "clients.0.rate=1/s",
];

/// A server that boots for longer than liveness waits never comes up; a startup probe that waits lets it.
#[test]
fn liveness_kills_what_starts_slowly_unless_a_startup_probe_holds_it_back() {
    let killed = trace("min-ready", &SLOW);
    assert!(killed.rollout_complete.is_none());
    let first = times(&killed, PodEvent::Restarted).count();
    let restarts = mean("min-ready", &SLOW, Metric::ContainerRestarts);
    assert!(first >= 1 && (3.0..9.0).contains(&restarts), "{first} {restarts}");
    let startup = "pod.startup_probe={ period = \"1s\", failure_threshold = 60 }";
    let held = [&SLOW[..], &[startup]].concat();
    assert_eq!(mean("min-ready", &held, Metric::ContainerRestarts), 0.0);
    assert!(trace("min-ready", &held).rollout_complete.is_some());
}

/// Mechanics 3.3: since 1.22 readiness is asked as soon as the container counts as started; before, at the next tick.
#[test]
fn readiness_is_asked_as_soon_as_the_startup_probe_succeeds_since_1_22() {
    let late = |version: &str| -> f64 {
        let probes = [
            "pod.boot=4s",
            "pod.readiness_probe={ period = \"10s\" }",
            "pod.startup_probe={ period = \"1s\", failure_threshold = 60 }",
        ];
        let trace = trace("min-ready", &[&probes[..], &[version]].concat());
        let pods = trace.pods.iter().filter_map(|pod| Some(pod.at(PodEvent::Ready)? - pod.at(PodEvent::Listening)?));
        pods.map(|late| late.as_secs_f64()).fold(0.0, f64::max)
    };
    assert!((0.0..1.6).contains(&late("cluster.version=1.34")), "{}", late("cluster.version=1.34"));
    assert!((3.0..12.0).contains(&late("cluster.version=1.21")), "{}", late("cluster.version=1.21"));
}

/// The cascade is the probes' doing: asked beside the workers they kill nobody, and the queue drains when the pods are back.
#[test]
fn probes_behind_requests_turn_overload_into_restarts() {
    let short = "run.duration=2m";
    let restarts = |sets: &[&str]| mean("liveness-cascade", &[sets, &[short]].concat(), Metric::ContainerRestarts);
    assert!(restarts(&[]) >= 4.0);
    assert_eq!(restarts(&["pod.server.probe_service_time=apart"]), 0.0);
    assert_eq!(restarts(&["clients.0.rate=180/s"]), 0.0);
    let shared = ["pod.server.discipline=processor_sharing", "pod.server.probe_service_time=80ms"];
    assert!(restarts(&shared) >= 4.0, "{}", restarts(&shared));
}

/// A pod worker does one thing after the other (managePodLoop at v1.20.2): up to 1.21 a pod deleted while a probe's kill is under way
/// has its container started again first, and then stopped with its whole grace period.
#[test]
fn a_pod_deleted_while_its_container_is_killed_had_it_started_again_up_to_1_21() {
    let run = |version: &str| {
        let faults = "faults=[{ at = \"10s\", kind = \"hang\" }, { at = \"20s\", kind = \"pod_delete\", pods = 3 }]";
        trace("liveness-kill", &[faults, "pod.liveness_probe={ period = \"2s\" }", version])
    };
    let (old, new) = (run("cluster.version=1.21"), run("cluster.version=1.22"));
    let started_again = |trace: &Trace| times(trace, PodEvent::Restarted).filter(|at| *at > secs(20)).count();
    assert_eq!((started_again(&old), started_again(&new)), (1, 0));
    let last_exit = |trace: &Trace| times(trace, PodEvent::Exited).max().unwrap();
    assert!(last_exit(&old) > last_exit(&new), "{} {}", last_exit(&old), last_exit(&new));
}

/// Probes go on while a pod terminates up to 1.20, but their failures find a pod worker that is busy with the stop.
#[test]
fn liveness_that_fails_during_a_termination_kills_nothing() {
    let sets =
        ["pod.liveness_probe={ period = \"1s\", failure_threshold = 1 }", "pod.boot=1ms", "cluster.version=1.20"];
    let trace = trace("hook-longer-than-grace", &sets);
    let old: Vec<_> = trace.pods.iter().filter(|pod| pod.at(PodEvent::Signalled).is_some()).collect();
    assert!(!old.is_empty() && old.iter().all(|pod| pod.at(PodEvent::Restarted).is_none()));
}

/// The same worker finishes the start of a pod that is deleted meanwhile up to 1.21; since 1.22 it gives it up.
#[test]
fn a_pod_deleted_while_it_starts_was_started_first_up_to_1_21() {
    let started = |version: &str| {
        let back = "faults=[{ at = \"10200ms\", kind = \"rollback\" }]";
        let trace = trace("pause-and-rollback", &[back, "delays.sandbox=2s", version]);
        let new: Vec<_> = trace.pods.iter().filter(|pod| pod.at(PodEvent::Created).is_some()).collect();
        assert!(new.iter().any(|pod| pod.at(PodEvent::Deleted).is_some()));
        let deleted = new.iter().filter(|pod| pod.at(PodEvent::Deleted).is_some());
        deleted.filter(|pod| pod.at(PodEvent::Started).is_some_and(|at| Some(at) < pod.at(PodEvent::Exited))).count()
    };
    assert_eq!(started("cluster.version=1.22"), 0);
    assert!(started("cluster.version=1.21") >= 1);
}
