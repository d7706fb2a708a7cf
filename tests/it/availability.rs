//! The promise of a rolling update, read off the story of each run: never fewer Ready pods than `replicas − max_unavailable`,
//! never more than `replicas + max_surge` asked of the two ReplicaSets together (whose own controllers create and delete a moment
//! later, each in its time); whatever the fenceposts, the release, the delays of the control plane, and what goes wrong
//! meanwhile. Terminating pods come on top (mechanics 1.9), but not with podReplacementPolicy TerminationComplete: then never more
//! than `replicas + max_surge` pods that have not ended.
//!
//! Pods that somebody deletes, which their ReplicaSet replaces at once, may break the first and the last. A sync that scales up
//! because of a pause may break the second and the last: it takes sizes from caches that do not hold the controller's last writes
//! yet, as upstream's does, and another ReplicaSet's write is no conflict. Rollbacks, left out, may for that reason break all.

use proptest::prelude::*;
use proptest::sample::select;
use rollsim::ids::Revision;
use rollsim::model::deployment::{Fenceposts, resolve_fenceposts};
use rollsim::model::spec::Scenario;
use rollsim::record::{PodEvent, Trace};
use rollsim::run::{Options, run_once};
use rollsim::units::SimTime;

use crate::common::scenario;
use crate::properties::{Text, config};

const FENCEPOSTS: [(&str, &str); 10] = [
    ("1", "0"),
    ("0", "1"),
    ("2", "1"),
    ("3", "3"),
    ("\"25%\"", "\"25%\""),
    ("\"34%\"", "\"10%\""),
    ("0", "\"1%\""),
    ("\"1%\"", "0"),
    ("\"100%\"", "\"100%\""),
    ("10", "0"),
];

const FAULTS: [&str; 6] = [
    "",
    "",
    "[[faults]]\nat = \"4s\"\nkind = \"leader_failover\"\nduration = \"5s\"\n",
    "[[faults]]\nat = \"2s\"\nkind = \"api_slowness\"\nduration = \"20s\"\nfactor = 30\n",
    "[[faults]]\nat = \"5s\"\nkind = \"pod_delete\"\npods = 2\n",
    "[[faults]]\nat = \"4s\"\nkind = \"pause\"\n[[faults]]\nat = \"9s\"\nkind = \"resume\"\n",
];

const PODS: [&str; 5] = [
    "",
    "readiness_probe = { period = \"1s\" }\nboot = \"2s\"\n",
    "readiness_probe = { period = \"2s\" }\nboot = { uniform = [\"0s\", \"6s\"] }\npre_stop.sleep = \"1s\"\n",
    "startup_probe = { period = \"1s\", failure_threshold = 60 }\nboot = \"3s\"\n",
    "readiness_probe = { period = \"1s\" }\nsidecar = { drain = \"1s\" }\n",
];

fn any_rollout() -> impl Strategy<Value = Text> {
    let deployment = (1..14_u32, select(&FENCEPOSTS[..]), select(&["0s", "1s", "2s"][..]));
    let cluster = (prop_oneof![3 => 10..37_u32, 1 => Just(36)], 1..4_u32, select(&["small", "large"][..]));
    (deployment, cluster, select(&PODS[..]), select(&FAULTS[..]), any::<bool>(), any::<u32>()).prop_map(
        |((replicas, (surge, unavailable), min_ready), (minor, nodes, size), pod, fault, waits, seed)| {
            let policy = if waits && minor >= 36 { "pod_replacement_policy = \"termination_complete\"\n" } else { "" };
            Text(format!(
                "[run]\nduration = \"60s\"\nseed = {seed}\n[rollout]\nat = \"3s\"\n{fault}\
                 [cluster]\nversion = \"1.{minor}\"\nnodes = {nodes}\nsize = \"{size}\"\n\
                 [deployment]\nreplicas = {replicas}\nmax_surge = {surge}\nmax_unavailable = {unavailable}\n\
                 min_ready = \"{min_ready}\"\n{policy}[pod]\ntermination_grace_period = \"3s\"\n{pod}\
                 [[clients]]\nprofile = \"open\"\nrate = \"1/s\"\n"
            ))
        },
    )
}

/// How many pods there are at each moment at which that changes, of those that come with `comes` and go with the first of `goes`
/// that they have; old pods are there from the start.
fn counts(trace: &Trace, comes: PodEvent, goes: &[PodEvent]) -> Vec<(SimTime, i64)> {
    let old = trace.pods.iter().filter(|pod| pod.revision == Revision::Old).count() as i64;
    let (coming, going) = (|at| (at, 1), |at| (at, -1));
    let mut changes: Vec<(SimTime, i64)> = trace
        .pods
        .iter()
        .flat_map(|pod| {
            let came = pod.at(comes);
            let went =
                goes.iter().find_map(|goes| pod.at(*goes)).filter(|_| came.is_some() || pod.revision == Revision::Old);
            [came.map(coming), went.map(going)].into_iter().flatten()
        })
        .collect();
    changes.sort_unstable_by_key(|(at, _)| *at);
    let mut count = old;
    let mut after: Vec<(SimTime, i64)> = Vec::new();
    for (at, change) in changes {
        count += change;
        match after.last_mut().filter(|last| last.0 == at) {
            Some(last) => last.1 = count,
            None => after.push((at, count)),
        }
    }
    after
}

/// The sizes of both ReplicaSets together, after each change.
fn asked(trace: &Trace) -> Vec<(SimTime, i64)> {
    let mut sizes = [i64::from(trace.replicas), 0];
    let mut set = |&(at, revision, size): &(SimTime, Revision, u32)| {
        sizes[revision as usize] = i64::from(size);
        (at, sizes.iter().sum())
    };
    trace.scaled.iter().map(&mut set).collect()
}

fn traced(scenario: &Scenario) -> Trace {
    run_once(scenario, 0, Options { check: true, trace: true, ..Options::default() }).trace.unwrap()
}

/// Pods that have not ended, at most. One that is deleted before anything of it runs ends when its kubelet, or the API server, sees
/// that.
fn most_not_ended(trace: &Trace) -> i64 {
    counts(trace, PodEvent::Created, &[PodEvent::Exited, PodEvent::KubeletDeleted, PodEvent::Removed])
        .into_iter()
        .map(|(_, pods)| pods)
        .max()
        .unwrap_or(0)
}

/// One pod whose replacement has to wait for its end.
fn one_pod_replaced_after_its_end(pod: &str, fault: &str) -> Scenario {
    let text = format!(
        "[run]\nduration = \"20s\"\nseed = 0\n[rollout]\nat = \"3s\"\n{fault}[cluster]\nversion = \"1.36\"\n\
         [deployment]\nreplicas = 1\nmax_surge = 0\nmax_unavailable = \"1%\"\n\
         pod_replacement_policy = \"termination_complete\"\n[pod]\n{pod}\n\
         [[clients]]\nprofile = \"open\"\nrate = \"1/s\"\n"
    );
    scenario(&text, &[])
}

/// Upstream's terminating pods are those with a deletionTimestamp whose phase is neither Succeeded nor Failed
/// (staging/src/k8s.io/api/apps/v1/types.go, status.terminatingReplicas; KEP-3973). The object stays until its sandbox is
/// taken down, and for that while there are two of them.
#[test]
fn a_pod_that_has_ended_makes_room_though_its_object_is_still_there() {
    let trace = traced(&one_pod_replaced_after_its_end("", ""));
    let [old, new] = &trace.pods[..] else { panic!("{:?}", trace.pods) };
    let created = new.at(PodEvent::Created);
    assert!(old.at(PodEvent::Exited) < created && created < old.at(PodEvent::Removed), "{:?}", trace.pods);
}

/// A paused sync scales up to `replicas + max_surge`; it did so beside pods that had not ended.
#[test]
fn a_pause_replaces_no_pod_that_is_still_terminating() {
    let pause = "[[faults]]\nat = \"4s\"\nkind = \"pause\"\n[[faults]]\nat = \"12s\"\nkind = \"resume\"\n";
    let trace = traced(&one_pod_replaced_after_its_end("pre_stop.sleep = \"3s\"", pause));
    assert_eq!((most_not_ended(&trace), trace.pods.len()), (1, 2));
}

fn fenceposts(scenario: &Scenario) -> Fenceposts {
    let spec = &scenario.deployment;
    resolve_fenceposts(Some(spec.max_surge), Some(spec.max_unavailable), spec.replicas)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_rolling_update_keeps_its_fenceposts(text in any_rollout()) {
        let scenario = scenario(&text.0, &[]);
        let trace = traced(&scenario);
        let (replicas, posts) = (i64::from(scenario.deployment.replicas), fenceposts(&scenario));
        let (most, least) = (replicas + i64::from(posts.surge), replicas - i64::from(posts.unavailable));
        let (deleted, paused) = (text.0.contains("pod_delete"), text.0.contains("pause"));
        for (at, sizes) in asked(&trace).into_iter().filter(|_| !paused) {
            prop_assert!(sizes <= most, "{sizes} pods asked for at {at}, at most {most}");
        }
        for (at, ready) in counts(&trace, PodEvent::Ready, &[PodEvent::Deleted]).into_iter().filter(|_| !deleted) {
            prop_assert!(ready >= least, "{ready} ready at {at}, at least {least}");
        }
        if scenario.deployment.replaces_after_termination() && !deleted && !paused {
            prop_assert!(most_not_ended(&trace) <= most, "{} pods, at most {most}", most_not_ended(&trace));
        }
        prop_assert!(trace.template_changed.is_some());
    }
}
