//! The promise of a rolling update, read off the story of each run: never fewer Ready pods than `replicas − max_unavailable`,
//! never more than `replicas + max_surge` asked of the two ReplicaSets together (whose own controllers create and delete a moment
//! later, each in its time); whatever the fenceposts, the release, the delays of the control plane, and what goes wrong
//! meanwhile. Terminating pods come on top (mechanics 1.9), but not with podReplacementPolicy TerminationComplete: then never more
//! than `replicas + max_surge` pods that have not ended.
//!
//! Pods that somebody deletes, which their ReplicaSet replaces at once, may break the first and the last. Two more bounds are weaker
//! than they look, as upstream's are, by what its controllers read from caches and statuses that lag:
//!
//! - A rollback: availability may miss as many pods as the old ReplicaSet had last been made smaller by. Its status counts them as
//!   available until its own controller has found them deleted. Of an old ReplicaSet a status above the size stops the scale-down
//!   half of a sync; that of the new one, which it is after a rollback, is believed, whatever its `observedGeneration` (rolling.go
//!   reconcileOldReplicaSets).
//! - A pause and its end: one ReplicaSet may be made larger by as much as the last change of the other had made that one larger: the
//!   cache of the sync lacks that change, and the version that is checked is that of the ReplicaSet written, not of the other
//!   (sync.go scale, rolling.go reconcileNewReplicaSet). A sync that rolls cannot meet this otherwise: only the new ReplicaSet
//!   grows. Nor can a rollback, for it waits until the cache has a write of its own to the ReplicaSet gone back to.

use proptest::prelude::*;
use proptest::sample::select;
use rollsim::engine::{Calendar, Effect, StreamKey};
use rollsim::ids::Revision;
use rollsim::model::api::{DeploymentObject, Object, ReplicaSetObject, ReplicaSetStatus, Write};
use rollsim::model::deployment::{DeploymentController, Fenceposts, Timer, resolve_fenceposts};
use rollsim::model::msg::{Draws, Msg, RoomOut};
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

/// What goes wrong, `AT` being a moment of the rollout.
const FAULTS: [&str; 9] = [
    "",
    "",
    "[[faults]]\nat = \"AT\"\nkind = \"leader_failover\"\nduration = \"5s\"\n",
    "[[faults]]\nat = \"2s\"\nkind = \"api_slowness\"\nduration = \"20s\"\nfactor = 30\n",
    "[[faults]]\nat = \"AT\"\nkind = \"pod_delete\"\npods = 2\n",
    "[[faults]]\nat = \"AT\"\nkind = \"pause\"\n[[faults]]\nat = \"20s\"\nkind = \"resume\"\n",
    "[[faults]]\nat = \"2s\"\nkind = \"api_slowness\"\nduration = \"20s\"\nfactor = 30\n[[faults]]\nat = \"AT\"\nkind = \"pause\"\n[[faults]]\nat = \"24s\"\nkind = \"resume\"\n",
    "[[faults]]\nat = \"AT\"\nkind = \"rollback\"\n",
    "[[faults]]\nat = \"2s\"\nkind = \"api_slowness\"\nduration = \"20s\"\nfactor = 30\n[[faults]]\nat = \"AT\"\nkind = \"rollback\"\n",
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
    let fault =
        (select(&FAULTS[..]), 3_001..20_000_u32).prop_map(|(fault, at)| fault.replace("AT", &format!("{at}ms")));
    (deployment, cluster, select(&PODS[..]), fault, any::<bool>(), any::<u32>()).prop_map(
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

/// Each time that a ReplicaSet is made larger: when, the sizes of both together then, and by how much the last change of the other one
/// had made that one larger.
fn asked(trace: &Trace) -> Vec<(SimTime, i64, i64)> {
    let (mut sizes, mut growth) = ([i64::from(trace.replicas), 0], [0, 0]);
    let mut asked = Vec::new();
    for &(at, revision, size) in &trace.scaled {
        let (this, other) = (revision as usize, revision.other() as usize);
        growth[this] = i64::from(size) - sizes[this];
        sizes[this] = size.into();
        if growth[this] > 0 {
            asked.push((at, sizes.iter().sum(), growth[other].max(0)));
        }
    }
    asked
}

/// By how much the old ReplicaSet had last shrunk when it was gone back to.
fn unseen_shrinking(trace: &Trace) -> i64 {
    let mut old = (i64::from(trace.replicas), 0);
    for &(_, _, size) in trace.scaled.iter().filter(|(_, revision, _)| *revision == Revision::Old) {
        let size = i64::from(size);
        if size > old.0 {
            return old.1;
        }
        old = (size, old.0 - size);
    }
    0
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
        for (at, sizes, unseen) in asked(&trace) {
            let most = most + if paused { unseen } else { 0 };
            prop_assert!(sizes <= most, "{sizes} pods asked for at {at}, at most {most}");
        }
        let least = least - if text.0.contains("rollback") { unseen_shrinking(&trace) } else { 0 };
        for (at, ready) in counts(&trace, PodEvent::Ready, &[PodEvent::Deleted]).into_iter().filter(|_| !deleted) {
            prop_assert!(ready >= least, "{ready} ready at {at}, at least {least}");
        }
        if scenario.deployment.replaces_after_termination() && !deleted {
            let most = most + if paused { asked(&trace).iter().map(|(_, _, unseen)| *unseen).max().unwrap_or(0) } else { 0 };
            prop_assert!(most_not_ended(&trace) <= most, "{} pods, at most {most}", most_not_ended(&trace));
        }
        prop_assert!(trace.template_changed.is_some());
    }
}

/// The Deployment controller alone: what it writes, and what it is told.
struct Controller<'s> {
    controller: DeploymentController<'s>,
    out: RoomOut<Timer>,
    calendar: Calendar<Timer>,
    written: Vec<Write>,
}

impl<'s> Controller<'s> {
    fn new(scenario: &'s Scenario, old: ReplicaSetObject) -> Self {
        let draws = Draws::new(&scenario.delays.cluster, StreamKey { seed: 1, replication: 0 }, "deployment");
        let controller = DeploymentController::new(scenario, draws, old, &[]);
        Controller { controller, out: RoomOut::new(1), calendar: Calendar::default(), written: Vec::new() }
    }

    fn tell(&mut self, object: &Object) {
        self.controller.on_watch(SimTime::ZERO, object, &mut self.out);
    }

    /// The first sync; every write is refused.
    fn sync_refused(&mut self) {
        let mut backed_off = false;
        while !backed_off {
            for effect in self.out.drain() {
                match effect {
                    Effect::Timer(at, tie, timer) => self.calendar.schedule(at, tie, timer),
                    Effect::Send(_, _, Msg::Write(write)) => self.written.push(write),
                    other => panic!("{other:?}"),
                }
            }
            let (now, timer) = self.calendar.pop().expect("a sync that ends with an error is made again");
            backed_off = timer == Timer::BackedOff;
            if timer == Timer::Called {
                self.controller.on_conflict();
            }
            self.controller.on_timer(now, timer, &mut self.out);
        }
    }
}

fn set(revision: Revision, replicas: u32) -> ReplicaSetObject {
    let status = ReplicaSetStatus { replicas, ready: replicas, available: replicas, terminating: 0 };
    let number = 1 + revision as u32;
    ReplicaSetObject { revision, replicas, desired: 10, max_replicas: 13, number, status, version: <_>::default() }
}

fn deployment(template: Revision, desired: u32) -> Object {
    Object::Deployment(DeploymentObject { template, desired, ..DeploymentObject::settled(10) })
}

/// It scaled the other one, and wrote the status. Upstream returns with the error (sync.go scale).
#[test]
fn a_sync_whose_first_scale_is_refused_writes_nothing_more() {
    let scenario = scenario("[deployment]\nreplicas = 10\n", &[]);
    let mut controller = Controller::new(&scenario, set(Revision::Old, 8));
    controller.tell(&Object::ReplicaSet(set(Revision::New, 5)));
    controller.tell(&deployment(Revision::New, 16));
    controller.sync_refused();
    assert!(matches!(controller.written[..], [Write::ScaleReplicaSet { .. }]), "{:?}", controller.written);
}

/// It rolled at once, from whatever its cache held. Upstream gives the ReplicaSet that it goes back to the greatest revision number
/// first, which fails while the cache is stale (sync.go getNewReplicaSet).
#[test]
fn a_rollback_scales_nothing_before_the_replica_set_has_its_number() {
    let scenario = scenario("[deployment]\nreplicas = 10\n", &[]);
    let mut controller = Controller::new(&scenario, set(Revision::Old, 8));
    controller.tell(&Object::ReplicaSet(set(Revision::New, 5)));
    controller.tell(&deployment(Revision::Old, 10));
    controller.sync_refused();
    let numbered = |write: &Write| matches!(write, Write::NumberReplicaSet { revision: Revision::Old, number: 3, .. });
    assert!(controller.written.len() == 1 && controller.written.iter().all(numbered), "{:?}", controller.written);
}

/// The new pod was deleted when the old one was, too: the status still had it as available.
#[test]
fn a_rollback_counted_on_a_pod_that_was_being_deleted() {
    let text = "[run]\nduration = \"60s\"\nseed = 1247668412\n[rollout]\nat = \"3s\"\n\
        [[faults]]\nat = \"2s\"\nkind = \"api_slowness\"\nduration = \"20s\"\nfactor = 30\n\
        [[faults]]\nat = \"11264ms\"\nkind = \"rollback\"\n[cluster]\nversion = \"1.10\"\nnodes = 1\n\
        [deployment]\nreplicas = 1\nmax_surge = 1\nmax_unavailable = 0\nmin_ready = \"2s\"\n\
        [pod]\ntermination_grace_period = \"3s\"\nreadiness_probe = { period = \"1s\" }\nboot = \"2s\"\n\
        [[clients]]\nprofile = \"open\"\nrate = \"1/s\"\n";
    let ready = counts(&traced(&scenario(text, &[])), PodEvent::Ready, &[PodEvent::Deleted]);
    assert!(ready.iter().all(|(_, ready)| *ready >= 1), "{ready:?}");
}
