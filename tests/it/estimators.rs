//! The estimator of failures against the run that simulates every request.

use rollsim::model::spec::Scenario;
use rollsim::record::{FailureKind, Metric, Metrics};
use rollsim::run::{Estimator, Options, refusals, run_once};

use crate::common::{Estimate, count, shipped, values};

const ONLY_FAILURES: Options = Options { estimator: Estimator::FailuresOnly, ..PLAIN };
const PLAIN: Options = Options {
    trace: false,
    check: true,
    driver: rollsim::run::Driver::Fast,
    estimator: Estimator::EveryRequest,
    series: false,
};

const LATENCIES: [Metric; 6] = [
    Metric::LatencyMeanS,
    Metric::LatencyP50S,
    Metric::LatencyP90S,
    Metric::LatencyP99S,
    Metric::LatencyP999S,
    Metric::LatencyMaxS,
];

fn runs(scenario: &Scenario, options: Options, replications: std::ops::Range<u64>) -> Vec<Metrics> {
    replications.map(|replication| run_once(scenario, replication, options).metrics).collect()
}

/// The counts of each replication are the same: more than agreement in the mean.
fn agrees_in_each_replication(scenario: &Scenario, n: u32) {
    agrees_in(scenario, 0..n.into());
}

fn agrees_in(scenario: &Scenario, replications: std::ops::Range<u64>) {
    assert_eq!(refusals(scenario), []);
    let every = runs(scenario, PLAIN, replications.clone());
    let only = runs(scenario, ONLY_FAILURES, replications.clone());
    for (replication, (every, only)) in replications.zip(every.iter().zip(&only)) {
        for metric in Metric::ALL {
            let (expected, found) = (every.get(*metric), only.get(*metric));
            let expected = expected.filter(|_| !LATENCIES.contains(metric));
            assert_eq!(found, expected, "{}, replication {replication}, {}", scenario.name, metric.name());
        }
    }
}

/// Other replications, so that the two samples are independent: means within their 99.9 % intervals, kind by kind.
fn agrees_in_the_mean(scenario: &Scenario, n: u32) {
    let n = u64::from(n);
    let (every, only) = (runs(scenario, PLAIN, 0..n), runs(scenario, ONLY_FAILURES, n..2 * n));
    for metric in FailureKind::ALL.map(FailureKind::metric).into_iter().chain([Metric::Failed]) {
        let (every, only) = (Estimate::of(&values(&every, metric)), Estimate::of(&values(&only, metric)));
        // Where neither saw any there is no width; a kind seen once or twice has too little to judge by.
        let slack = every.half_width + 7.0 / n as f64;
        only.must_hold(&format!("{}, {}", scenario.name, metric.name()), every.mean, slack);
    }
}

#[test]
fn failures_of_the_article_are_those_of_the_run_of_every_request() {
    for hook in ["0s", "1s", "2s", "5s"] {
        let scenario = shipped("article-no-hook", &[&format!("pod.pre_stop.sleep={hook}")]);
        agrees_in_each_replication(&scenario, count(30, 1_000));
        agrees_in_the_mean(&scenario, count(30, 1_000));
    }
    agrees_in_each_replication(&shipped("article-with-hook", &[]), count(10, 300));
}

#[test]
fn failures_of_the_toy_rollout_are_those_of_the_run_of_every_request() {
    for hook in ["0s", "10s"] {
        let scenario = shipped("toy-rollout", &[&format!("pod.pre_stop.sleep={hook}")]);
        agrees_in_each_replication(&scenario, count(30, 1_000));
        agrees_in_the_mean(&scenario, count(30, 1_000));
    }
}

#[test]
fn failures_of_clients_that_connect_for_each_request_are_those_of_the_run_of_every_request() {
    for hook in ["0s", "1s", "2s", "5s"] {
        let sets = ["clients.0.keep_alive=false", &format!("pod.pre_stop.sleep={hook}")];
        agrees_in_each_replication(&shipped("article-no-hook", &sets), count(10, 300));
    }
    let sets = ["clients.0.keep_alive=false", "delays.exit_teardown=0s", "clients.0.connect_timeout=2s", "pod.boot=2s"];
    agrees_in_each_replication(&shipped("article-no-hook", &sets), count(10, 300));
    let toy = shipped("toy-rollout", &["clients.0.keep_alive=false"]);
    agrees_in_each_replication(&toy, count(10, 300));
    agrees_in_the_mean(&toy, count(10, 300));
}

/// What ends connections, delays clients, and makes them send what they are behind with.
#[test]
fn failures_are_those_of_the_run_of_every_request_where_connections_end_and_clients_fall_behind() {
    let settings: [&[&str]; 9] = [
        // Ways with a long tail, which make windows long, and connections that hardly rest.
        &["delays.rtt_pod={ pareto = { shape = 2.5, min = \"200us\" } }", "clients.0.rate=200/s"],
        &["clients.0.connections=4", "clients.0.rate=1000/s", "pod.server.service_time=0.3ms", "run.duration=40s"],
        &["pod.server.keep_alive_requests=700"],
        &["delays.exit_teardown=0s", "clients.0.connect_timeout=2s"],
        &["pod.server.in_flight=drain", "delays.listener_lag=20ms", "delays.read_lag=10ms", "delays.wake_lag=5ms"],
        &["pod.server.profile=ignores-signal", "pod.termination_grace_period=2s"],
        &["clients.0.profile=paced", "clients.0.arrivals=spaced", "clients.0.connections=20"],
        &["deployment.replicas=6", "deployment.max_surge=100%", "cluster.nodes=3"],
        &["run.duration=25s", "pod.boot=2s"],
    ];
    for sets in settings {
        agrees_in_each_replication(&shipped("article-no-hook", sets), count(20, 500));
    }
}

/// A client that met an address which had gone silent waits for three seconds and then sends all that it owes, long after the
/// window: in some replications that kept another one's requests from meeting a stopping pod.
#[test]
fn what_clients_owe_after_a_silent_address_is_simulated() {
    let scenario = shipped("sweep-hook", &[]);
    agrees_in(&scenario, 130..130 + u64::from(count(15, 800)));
    agrees_in(&shipped("sweep-hook", &["pod.pre_stop.sleep=500ms"]), 0..count(10, 400).into());
}

#[test]
fn a_run_that_ends_after_the_old_pods_is_skipped_as_well() {
    let text = std::fs::read_to_string("scenarios/article-no-hook.toml").unwrap();
    let text = text.replace("duration = \"60s\"", "end = { after_old_pods_gone = \"2s\" }");
    agrees_in_each_replication(&crate::common::scenario(&text, &[]), count(20, 300));
}

#[test]
fn what_cannot_be_skipped_is_refused_by_its_key() {
    let refused = |name: &str, sets: &[&str]| -> Vec<String> {
        refusals(&shipped(name, sets)).into_iter().map(|refusal| refusal.key).collect()
    };
    let article = |set: &str| refused("article-no-hook", &[set]);
    let fresh = |set: &str| refused("article-no-hook", &["clients.0.keep_alive=false", set]);
    assert_eq!(fresh("service.session_affinity=client_ip"), ["service.session_affinity"]);
    assert_eq!(fresh("service.external_traffic_policy=local"), ["service.external_traffic_policy"]);
    assert_eq!(article("kube_proxy.mode=ipvs"), ["kube_proxy.mode"]);
    assert_eq!(article("model.without=[\"conntrack_pinning\"]"), ["model.without"]);
    assert_eq!(article("pod.server.stall=1s"), ["pod.server.stall"]);
    assert_eq!(article("clients.0.request_timeout=50ms"), ["clients.0.request_timeout"]);
    assert_eq!(article("pod.server.keep_alive_timeout=50ms"), ["pod.server.keep_alive_timeout"]);
    assert_eq!(article("delays.rtt_pod={ sum = [\"1ms\", \"1ms\"] }"), ["delays.rtt_pod"]);
    assert_eq!(article("pod.server.service_time=1.5ms"), ["pod.server.service_time"]);
    for key in [
        "idempotent=0.5",
        "work=2",
        "retries={}",
        "stops_on=[\"eof\"]",
        "idle_timeout=9s",
        "max_age=9s",
        "max_requests=9",
        "catch_up=false",
        "arrivals=think",
    ] {
        let (name, _) = key.split_once('=').unwrap();
        let found = article(&format!("clients.0.{key}"));
        assert!(found.contains(&format!("clients.0.{name}")), "{key}: {found:?}");
    }
    assert!(refused("headless-dns", &[]).contains(&"clients.0.arrivals".to_owned()));
    assert!(refused("article-ingress-reload", &[]).contains(&"clients.0.via".to_owned()));
    assert_eq!(refused("toy-rollout", &[]), Vec::<String>::new());
}
