//! The promise of a rolling update, read off the story of each run: never fewer Ready pods than `replicas − max_unavailable`,
//! never more than `replicas + max_surge` asked of the two ReplicaSets together (whose own controllers create and delete a moment
//! later, each in its time); whatever the fenceposts, the release, the delays of the control plane, and what goes wrong
//! meanwhile. Deleted pods may break the first, never the second. Terminating pods come on top
//! (mechanics 1.9).

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
    let cluster = (10..37_u32, 1..4_u32, select(&["small", "large"][..]));
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

/// How many pods there are at each moment at which that changes, of those that come with `comes` and go with `goes`; old pods are
/// there from the start.
fn counts(trace: &Trace, comes: PodEvent, goes: PodEvent) -> Vec<(SimTime, i64)> {
    let old = trace.pods.iter().filter(|pod| pod.revision == Revision::Old).count() as i64;
    let (coming, going) = (|at| (at, 1), |at| (at, -1));
    let mut changes: Vec<(SimTime, i64)> = trace
        .pods
        .iter()
        .flat_map(|pod| {
            let came = pod.at(comes);
            let went = pod.at(goes).filter(|_| came.is_some() || pod.revision == Revision::Old);
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

fn fenceposts(scenario: &Scenario) -> Fenceposts {
    let spec = &scenario.deployment;
    resolve_fenceposts(Some(spec.max_surge), Some(spec.max_unavailable), spec.replicas)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_rolling_update_keeps_its_fenceposts(text in any_rollout()) {
        let scenario = scenario(&text.0, &[]);
        let trace = run_once(&scenario, 0, Options { check: true, trace: true, ..Options::default() }).trace.unwrap();
        let (replicas, posts) = (i64::from(scenario.deployment.replicas), fenceposts(&scenario));
        let (most, least) = (replicas + i64::from(posts.surge), replicas - i64::from(posts.unavailable));
        for (at, sizes) in asked(&trace) {
            prop_assert!(sizes <= most, "{sizes} pods asked for at {at}, at most {most}");
        }
        if !text.0.contains("pod_delete") {
            for (at, ready) in counts(&trace, PodEvent::Ready, PodEvent::Deleted) {
                prop_assert!(ready >= least, "{ready} ready at {at}, at least {least}");
            }
        }
        prop_assert!(trace.template_changed.is_some());
    }
}
