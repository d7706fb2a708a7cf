//! Upstream's own test cases (`tests/vectors/*.json`, origins inside) against the pure functions the controllers use.
//!
//! `ROLLSIM_VECTORS=DIR` takes the files from another folder. A suite named in [`NOT_MODELLED`] is read over; any other
//! unknown suite fails.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rollsim::ids::{NodeId, PodId};
use rollsim::model::api::{Conditions, DeploymentStatus, Endpoint, Hints, Phase};
use rollsim::model::deployment::{
    Fenceposts, OldReplicaSet, Rolling, cleanup_unhealthy, deployment_complete, max_unavailable, new_replicas,
    resolve_fenceposts, scale_down_available, scale_down_old, scale_new,
};
use rollsim::model::endpoints::conditions;
use rollsim::model::kube_proxy::{Topology, TrafficPolicies, categorize_endpoints};
use rollsim::model::replicaset::{
    AgeOrder, DeletionCandidate, Ranked, compare_for_deletion, pods_to_delete, slow_start_batches,
};
use rollsim::units::{IntOrPercent, SimDuration};
use serde_json::Value;

/// Suites on behaviour that is not built yet.
const NOT_MODELLED: [&str; 6] = [
    "proportional_scale",
    "deployment_progressing",
    "deployment_timed_out",
    "requeue_stuck",
    "recreate_old_pods_running",
    "rollout_sequences",
];

fn folder() -> PathBuf {
    std::env::var_os("ROLLSIM_VECTORS").map_or_else(|| "tests/vectors".into(), PathBuf::from)
}

fn read(suite: &str) -> Option<Value> {
    let path = folder().join(format!("{suite}.json"));
    let text = std::fs::read_to_string(&path).ok()?;
    Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// Runs `check` on every case of a suite.
fn each(suite: &str, check: impl Fn(&Value, &Value)) {
    let Some(file) = read(suite) else {
        println!("{suite}: skipped, no such file in {}", folder().display());
        return;
    };
    let cases = file["cases"].as_array().unwrap();
    assert!(!cases.is_empty(), "{suite} has cases");
    for case in cases {
        println!("{}", case["id"]);
        check(&file, case);
    }
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
    ];
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let suite = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if path.extension().is_some_and(|extension| extension == "json") {
            assert!(known.contains(&&*suite) || NOT_MODELLED.contains(&&*suite), "unknown suite {suite}");
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
        if text(&case["strategy"]) == "RollingUpdate" {
            assert_eq!(max_unavailable(&rolling(case, "replicas")), number(&case["expect"]));
        } else {
            println!("skipped: strategy {} is not modelled", case["strategy"]);
        }
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
    if flag(&case["scale_expected"]) {
        assert_eq!(after, number(&case["expect_old_replicas"]));
    }
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
        let get = |key: &str| number(&case["status"][key]);
        let status =
            DeploymentStatus { replicas: get("replicas"), updated: get("updated"), available: get("available") };
        assert_eq!(deployment_complete(number(&case["desired"]), &status), flag(&case["expect"]));
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
        assert_eq!(Some(names(&got.all_reachable)), expected("all_reachable"));
        assert_eq!(got.has_any, flag(&case["expect"]["has_any"]));
    });
}
