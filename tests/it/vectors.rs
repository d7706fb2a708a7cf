//! Upstream's own test cases (`tests/vectors/*.json`, origins inside) against the pure functions the controllers use.
//!
//! `ROLLSIM_VECTORS=DIR` takes the files from another folder. An unknown suite fails; one that is not there is named as
//! skipped. Rollouts step by step are in `sequences`.

mod sequences;

use std::collections::BTreeMap;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use rollsim::ids::{NodeId, PodId};
use rollsim::model::api::{Conditions, DeploymentStatus, Endpoint, Hints, Phase, ProgressCondition, ProgressReason};
use rollsim::model::deployment::{
    Fenceposts, OldReplicaSet, Rolling, ScaledSet, cleanup_unhealthy, deployment_complete, deployment_progressing,
    deployment_timed_out, max_unavailable, new_replicas, old_pods_running, requeue_stuck, resolve_fenceposts, scale,
    scale_down_available, scale_down_old, scale_new,
};
use rollsim::model::endpoints::conditions;
use rollsim::model::kube_proxy::{Topology, TrafficPolicies, categorize_endpoints};
use rollsim::model::replicaset::{
    AgeOrder, DeletionCandidate, Ranked, compare_for_deletion, pods_to_delete, slow_start_batches,
};
use rollsim::model::spec::Strategy;
use rollsim::units::{IntOrPercent, SimDuration, SimTime};
use serde_json::Value;

fn folder() -> PathBuf {
    std::env::var_os("ROLLSIM_VECTORS").map_or_else(|| "tests/vectors".into(), PathBuf::from)
}

fn read(suite: &str) -> Option<Value> {
    let path = folder().join(format!("{suite}.json"));
    let text = std::fs::read_to_string(&path).ok()?;
    Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// Runs `check` on every case of a suite, and names all that fail. A suite that is not there is named past the tests' own capture.
fn each(suite: &str, check: impl Fn(&Value, &Value)) {
    let Some(file) = read(suite) else {
        let told = format!("{suite}: skipped, no such file in {}\n", folder().display());
        std::io::stderr().write_all(told.as_bytes()).unwrap();
        return;
    };
    let cases = file["cases"].as_array().unwrap_or_else(|| panic!("suite {suite} has no list `cases`"));
    assert!(!cases.is_empty(), "suite {suite} has cases");
    let failed: Vec<String> = cases
        .iter()
        .enumerate()
        .filter(|(_, case)| catch_unwind(AssertUnwindSafe(|| check(&file, case))).is_err())
        .map(|(index, case)| case["id"].as_str().map_or(format!("number {}", index + 1), str::to_owned))
        .inspect(|name| println!("suite {suite}, case {name}: not what the simulator does, see above"))
        .collect();
    assert!(failed.is_empty(), "suite {suite}: {} of {} cases fail: {}", failed.len(), cases.len(), failed.join(", "));
}

fn number(value: &Value) -> u32 {
    u32::try_from(value.as_u64().unwrap_or_else(|| panic!("{value} is a number"))).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is a string"))
}

fn flag(value: &Value) -> bool {
    value.as_bool().unwrap_or_else(|| panic!("{value} is true or false"))
}

/// An absolute number, a percentage, or absent.
fn amount(value: &Value) -> Result<Option<IntOrPercent>, ()> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => text.parse().map(Some).map_err(drop),
        other => Ok(Some(IntOrPercent::Int(number(other)))),
    }
}

fn rolling(case: &Value, desired: &str) -> Rolling {
    let desired = number(&case[desired]);
    let get = |key: &str| amount(&case[key]).unwrap();
    Rolling { desired, fenceposts: resolve_fenceposts(get("max_surge"), get("max_unavailable"), desired) }
}

#[test]
fn vectors_are_all_known() {
    let known = [
        "resolve_fenceposts",
        "max_unavailable",
        "new_rs_new_replicas",
        "reconcile_new_rs",
        "reconcile_old_rs",
        "cleanup_unhealthy",
        "scale_down_old_rs",
        "deployment_complete",
        "slow_start_batch",
        "pods_to_delete",
        "active_pods_order",
        "active_pods_with_ranks",
        "endpoint_conditions",
        "categorize_endpoints",
        "proportional_scale",
        "deployment_progressing",
        "deployment_timed_out",
        "requeue_stuck",
        "recreate_old_pods_running",
        "rollout_sequences",
    ];
    let entries = std::fs::read_dir(folder()).unwrap_or_else(|error| panic!("{}: {error}", folder().display()));
    for entry in entries {
        let path = entry.unwrap().path();
        let suite = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if path.extension().is_some_and(|extension| extension == "json") {
            assert!(known.contains(&&*suite), "unknown suite {suite}");
        }
    }
}

#[test]
fn vectors_resolve_fenceposts() {
    each("resolve_fenceposts", |_, case| {
        let amounts = (amount(&case["max_surge"]), amount(&case["max_unavailable"]));
        let (Ok(surge), Ok(unavailable)) = amounts else {
            assert!(flag(&case["expect_error"]));
            return;
        };
        assert!(!flag(&case["expect_error"]));
        let resolved = resolve_fenceposts(surge, unavailable, number(&case["desired"]));
        let expected =
            Fenceposts { surge: number(&case["expect_surge"]), unavailable: number(&case["expect_unavailable"]) };
        assert_eq!(resolved, expected);
    });
}

#[test]
fn vectors_max_unavailable() {
    each("max_unavailable", |_, case| {
        let strategy = match text(&case["strategy"]) {
            "RollingUpdate" => Strategy::RollingUpdate,
            "Recreate" => Strategy::Recreate,
            other => panic!("unknown strategy {other}"),
        };
        let desired = if case["replicas"].is_null() { 0 } else { number(&case["replicas"]) };
        let get = |key: &str| amount(&case[key]).unwrap();
        let fenceposts = resolve_fenceposts(get("max_surge"), get("max_unavailable"), desired);
        assert_eq!(max_unavailable(strategy, &Rolling { desired, fenceposts }), number(&case["expect"]));
    });
}

#[test]
fn vectors_new_rs_new_replicas() {
    each("new_rs_new_replicas", |_, case| {
        let total = case["all_rs_replicas"].as_array().unwrap().iter().map(number).sum();
        let size = new_replicas(&rolling(case, "deployment_replicas"), number(&case["new_rs_replicas"]), total);
        assert_eq!(size, number(&case["expect"]));
    });
}

#[test]
fn vectors_reconcile_new_rs() {
    each("reconcile_new_rs", |_, case| {
        let (old, new) = (number(&case["old_replicas"]), number(&case["new_replicas"]));
        // Upstream's table sets the fenceposts as they are, also where both are zero.
        let fenceposts =
            Fenceposts { surge: number(&case["max_surge"]), unavailable: number(&case["max_unavailable"]) };
        let rolling = Rolling { desired: number(&case["deployment_replicas"]), fenceposts };
        let scaled = scale_new(&rolling, new, old + new);
        assert_eq!(scaled.is_some(), flag(&case["scale_expected"]));
        assert_eq!(scaled, case["expect_new_replicas"].as_u64().map(|size| size as u32));
    });
}

/// The new size of the single old ReplicaSet against the case's expectation.
fn check_old(case: &Value, before: u32, after: u32) {
    assert_eq!(after != before, flag(&case["scale_expected"]));
    let size = &case["expect_old_replicas"];
    assert_eq!(after, if size.is_null() { before } else { number(size) });
}

#[test]
fn vectors_reconcile_old_rs() {
    each("reconcile_old_rs", |_, case| {
        let replicas = number(&case["old_replicas"]);
        let mut old = [OldReplicaSet { replicas, available: number(&case["available_old"]) }];
        let (new, available) = (number(&case["new_replicas"]), number(&case["available_new"]));
        scale_down_old(&rolling(case, "deployment_replicas"), &mut old, new, available);
        check_old(case, replicas, old[0].replicas);
    });
}

#[test]
fn vectors_cleanup_unhealthy() {
    each("cleanup_unhealthy", |_, case| {
        let (replicas, available) = (number(&case["old_replicas"]), number(&case["available"]));
        let mut old = [OldReplicaSet { replicas, available }];
        let taken = cleanup_unhealthy(&mut old, number(&case["max_cleanup_count"])).unwrap();
        assert_eq!(taken, number(&case["expect_cleanup"]));
    });
}

#[test]
fn vectors_scale_down_old_rs() {
    each("scale_down_old_rs", |_, case| {
        let replicas = number(&case["old_replicas"]);
        let mut old = [OldReplicaSet { replicas, available: replicas }];
        scale_down_available(&rolling(case, "deployment_replicas"), &mut old, number(&case["available_total"]));
        check_old(case, replicas, old[0].replicas);
    });
}

#[test]
fn vectors_deployment_complete() {
    each("deployment_complete", |_, case| {
        assert_eq!(deployment_complete(number(&case["desired"]), &status(&case["status"])), flag(&case["expect"]));
    });
}

/// A status; what a table leaves out nobody reads there.
fn status(value: &Value) -> DeploymentStatus {
    let get = |key: &str| if value[key].is_null() { 0 } else { number(&value[key]) };
    DeploymentStatus {
        replicas: get("replicas"),
        updated: get("updated"),
        ready: get("ready"),
        available: get("available"),
        terminating: 0,
    }
}

#[test]
fn vectors_proportional_scale() {
    each("proportional_scale", |_, case| {
        let surge = |key: &str, replicas: u32| resolve_fenceposts(amount(&case[key]).unwrap(), None, replicas).surge;
        let (desired, before) = (number(&case["replicas"]), number(&case["previous_replicas"]));
        let previous_surge = surge("previous_max_surge", before);
        let set = |name: &str, size: &Value, age_rank: u32| {
            let desired = case["desired_annotation"][name].as_u64().map_or(before, |size| size as u32);
            let max_replicas = desired + previous_surge;
            ScaledSet { replicas: number(size), available: 0, desired, max_replicas, age_rank }
        };
        let listed = case["old_rs_newest_first"].as_array().unwrap();
        let newest = listed.len() as u32;
        let old: Vec<ScaledSet> =
            listed.iter().zip(0..).map(|(size, at)| set(&format!("old[{at}]"), size, newest - 1 - at)).collect();
        let new = (!case["new_rs"].is_null()).then(|| set("new", &case["new_rs"], newest));
        let fenceposts = Fenceposts { surge: surge("max_surge", desired), unavailable: 0 };
        let (new_size, old_sizes) = scale(&Rolling { desired, fenceposts }, true, new.as_ref(), &old);
        assert_eq!(new_size, case["expect_new"].as_u64().map(|size| size as u32));
        assert_eq!(old_sizes, case["expect_old"].as_array().unwrap().iter().map(number).collect::<Vec<_>>());
    });
}

#[test]
fn vectors_deployment_progressing() {
    each("deployment_progressing", |_, case| {
        let progressing = deployment_progressing(&status(&case["before"]), &status(&case["after"]));
        assert_eq!(progressing, flag(&case["expect"]));
    });
}

/// Seconds, perhaps with a fraction, of a simulated clock that began long before.
fn seconds(value: &Value) -> Option<SimDuration> {
    value.as_f64().map(SimDuration::from_secs_f64_rounded)
}

#[test]
fn vectors_deployment_timed_out() {
    each("deployment_timed_out", |_, case| {
        let reason = match text(&case["reason"]) {
            "" | "ReplicaSetUpdated" => ProgressReason::Progressing,
            "NewReplicaSetAvailable" => ProgressReason::NewReplicaSetAvailable,
            "ProgressDeadlineExceeded" => ProgressReason::DeadlineExceeded,
            other => panic!("unknown reason {other}"),
        };
        let at = |key: &str| SimTime::ZERO + seconds(&case[key]).unwrap_or(SimDuration::ZERO);
        let condition = ProgressCondition { reason, updated: at("last_update_s") };
        let timed_out = deployment_timed_out(seconds(&case["progress_deadline_s"]), Some(&condition), at("now_s"));
        assert_eq!(timed_out, flag(&case["expect"]));
    });
}

#[test]
fn vectors_requeue_stuck() {
    each("requeue_stuck", |_, case| {
        let updated = SimTime::ZERO + SimDuration::from_secs(1_000);
        let condition = case["condition"].as_str().map(|words| match words {
            "stuck" => ProgressCondition { reason: ProgressReason::Progressing, updated },
            "ProgressDeadlineExceeded" => ProgressCondition { reason: ProgressReason::DeadlineExceeded, updated },
            other => panic!("unknown condition {other}"),
        });
        let now = updated + seconds(&case["elapsed_s"]).unwrap_or(SimDuration::ZERO);
        let state = (number(&case["status"]["desired"]), &status(&case["status"]));
        let again = requeue_stuck(seconds(&case["progress_deadline_s"]), condition.as_ref(), state, now);
        assert_eq!(again.map_or(-1.0, SimDuration::as_secs_f64), case["expect_requeue_s"].as_f64().unwrap());
    });
}

#[test]
fn vectors_recreate_old_pods_running() {
    each("recreate_old_pods_running", |_, case| {
        let reported = case["old_rs_status_replicas"].as_array().unwrap().iter().map(number);
        let pods = case["pods_by_rs"].as_object().unwrap().values().flat_map(|pods| pods.as_array().unwrap());
        let phases = pods.map(|phase| match text(phase) {
            "Failed" => Phase::Failed,
            "Succeeded" => Phase::Succeeded,
            "Unknown" => Phase::Unknown,
            "Running" => Phase::Running,
            "Pending" | "default phase" => Phase::Pending,
            other => panic!("unknown phase {other}"),
        });
        assert_eq!(old_pods_running(reported, phases), flag(&case["expect"]));
    });
}

/// The simulation's API calls do not fail, so the batches are compared and the calls counted up to the first failure.
#[test]
fn vectors_slow_start_batch() {
    each("slow_start_batch", |_, case| {
        let get = |key: &str| number(&case[key]) as usize;
        let batches = slow_start_batches(get("count"), get("initial"));
        let (mut calls, mut succeeded) = (0, 0);
        for batch in &batches {
            calls += batch;
            succeeded = calls.min(get("succeed_first"));
            if succeeded < calls {
                break;
            }
        }
        assert_eq!((succeeded, calls), (get("expect_success"), get("expect_calls")));
        assert_eq!(succeeded < calls, flag(&case["expect_error"]));
        if let Some(expected) = case["batches"].as_array() {
            assert_eq!(batches, expected.iter().map(|size| number(size) as usize).collect::<Vec<_>>());
        }
    });
}

/// Ages in seconds or in upstream's words.
fn age(value: &Value) -> Option<SimDuration> {
    const MONTH: u64 = 30 * 86_400;
    match value {
        Value::Null => None,
        Value::Number(seconds) => Some(SimDuration::from_secs(seconds.as_u64().unwrap())),
        Value::String(words) => match words.as_str() {
            "now" => Some(SimDuration::ZERO),
            "1 month" | "1 month ago" => Some(SimDuration::from_secs(MONTH)),
            other => panic!("unknown age {other}"),
        },
        other => panic!("unknown age {other}"),
    }
}

fn restarts(value: &Value) -> u32 {
    match value {
        Value::Array(counts) => counts.iter().map(number).max().unwrap_or(0),
        Value::Null => 0,
        count => number(count),
    }
}

fn either<'v>(pod: &'v Value, one: &str, other: &str) -> &'v Value {
    if pod[one].is_null() { &pod[other] } else { &pod[one] }
}

fn candidate(pod: &Value, id: u32, nodes: &mut BTreeMap<String, u32>) -> DeletionCandidate {
    let name = text(&pod["node"]);
    let next = nodes.len() as u32;
    let node = (!name.is_empty()).then(|| NodeId(*nodes.entry(name.to_owned()).or_insert(next)));
    DeletionCandidate {
        id: PodId(id),
        node,
        phase: match text(&pod["phase"]) {
            "Pending" => Phase::Pending,
            "Unknown" => Phase::Unknown,
            "Running" => Phase::Running,
            other => panic!("unknown phase {other}"),
        },
        ready: pod["ready"].as_bool().unwrap_or(false),
        deletion_cost: pod["deletion_cost"].as_i64().unwrap_or(0) as i32,
        ready_age: age(either(pod, "ready_age_s", "ready_since")),
        restarts: restarts(&pod["restarts"]),
        created_age: age(either(pod, "created_age_s", "created")),
        uid: 0,
    }
}

#[test]
fn vectors_pods_to_delete() {
    each("pods_to_delete", |file, case| {
        let mut nodes = BTreeMap::new();
        let names: Vec<&String> = file["pods"].as_object().unwrap().keys().collect();
        let mut list = |value: &Value| -> Vec<DeletionCandidate> {
            let id = |name: &Value| names.iter().position(|other| *other == text(name)).unwrap();
            let pods = value.as_array().unwrap().iter();
            pods.map(|name| candidate(&file["pods"][text(name)], id(name) as u32, &mut nodes)).collect()
        };
        let pods = list(&case["pods"]);
        let related = if case["related"].is_null() { pods.clone() } else { list(&case["related"]) };
        let on = |node: NodeId| related.iter().filter(|pod| pod.node == Some(node)).count() as u32;
        let doomed = pods_to_delete(&pods, number(&case["diff"]) as usize, AgeOrder::Logarithmic, on);
        let got: Vec<&str> = doomed.iter().map(|pod| names[pod.index()].as_str()).collect();
        let expected: Vec<&str> = case["expect_in_order"].as_array().unwrap().iter().map(text).collect();
        assert_eq!(got, expected);
    });
}

#[test]
fn vectors_active_pods_order() {
    each("active_pods_order", |_, case| {
        let order: Vec<&str> = case["order"].as_array().unwrap().iter().map(text).collect();
        let mut nodes = BTreeMap::new();
        let mut pods: Vec<Ranked> = (0..order.len())
            .map(|id| Ranked { pod: candidate(&case["pods"][order[id]], id as u32, &mut nodes), rank: 0 })
            .collect();
        pods.reverse();
        pods.sort_by(|a, b| compare_for_deletion(a, b, AgeOrder::Exact));
        let got: Vec<&str> = pods.iter().map(|ranked| order[ranked.pod.id.index()]).collect();
        assert_eq!(got, order);
    });
}

#[test]
fn vectors_active_pods_with_ranks() {
    each("active_pods_with_ranks", |file, case| {
        let mut nodes = BTreeMap::new();
        let mut ranked = |which: &str, rank: &str| Ranked {
            pod: candidate(&file["pods"][text(&case[which])], 0, &mut nodes),
            rank: number(&case[rank]),
        };
        let (first, second) = (ranked("first", "first_rank"), ranked("second", "second_rank"));
        let order = compare_for_deletion(&first, &second, AgeOrder::Logarithmic);
        match text(&case["kind"]) {
            "deleted_first" => assert!(order.is_lt()),
            "equal" => assert!(order.is_eq()),
            other => panic!("unknown kind {other}"),
        }
    });
}

fn conditions_of(value: &Value) -> Conditions {
    Conditions {
        ready: flag(&value["ready"]),
        serving: flag(&value["serving"]),
        terminating: flag(&value["terminating"]),
    }
}

#[test]
fn vectors_endpoint_conditions() {
    each("endpoint_conditions", |_, case| {
        let get = |key: &str| flag(&case[key]);
        let got = conditions(get("pod_ready"), get("terminating"), get("publish_not_ready"));
        assert_eq!(got, conditions_of(&case["expect"]));
    });
}

#[test]
fn vectors_categorize_endpoints() {
    each("categorize_endpoints", |_, case| {
        let listed = case["endpoints"].as_array().unwrap();
        let endpoint = |id: usize| Endpoint {
            pod: PodId(id as u32),
            conditions: conditions_of(&listed[id]),
            node: Some(NodeId(u32::from(!flag(&listed[id]["local"])))),
            hints: Hints::default(),
        };
        let endpoints: Vec<Endpoint> = (0..listed.len()).map(endpoint).collect();
        let get = |key: &str| flag(&case["service"][key]);
        let policies = TrafficPolicies {
            internal_local: get("internal_local"),
            external_local: get("external_local"),
            externally_accessible: get("externally_accessible"),
        };
        let here = Topology { node: NodeId(0), zone: None, falls_back: true, heeds_node_hints: true };
        let got = categorize_endpoints(&endpoints, policies, &here);
        let names = |pods: &Vec<PodId>| pods.iter().map(|pod| text(&listed[pod.index()]["ep"])).collect::<Vec<_>>();
        let expected = |key: &str| {
            let list = case["expect"][key].as_array();
            list.map(|list| list.iter().map(text).collect::<Vec<_>>())
        };
        assert_eq!(got.cluster.as_ref().map(names), expected("cluster"));
        assert_eq!(got.local.as_ref().map(names), expected("local"));
        let reached = endpoints.iter().map(|endpoint| endpoint.pod).filter(|pod| got.reaches(*pod)).collect();
        assert_eq!(Some(names(&reached)), expected("all_reachable"));
        assert_eq!(got.has_any, flag(&case["expect"]["has_any"]));
    });
}
