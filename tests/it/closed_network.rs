//! Closed loops that think, against the exact solutions of closed queueing networks. Seeds are fixed and the tolerances are
//! 99.9 % intervals, as in `theory`.

use rollsim::record::Metric;

use crate::common::{Estimate, count, runs, scenario, values};

/// Users that think, then ask one of the pods: no rollout, no way to go, one worker a pod. The empty start counts for
/// little over 300 s: a network of this size forgets it in less than a second.
const NETWORK: &str = r#"
    [run]
    duration = "300s"
    [rollout]
    at = "10h"
    [deployment]
    replicas = 1
    [pod.server]
    service_time = { exponential = { mean = "20ms" } }
    [[clients]]
    profile = "paced"
    arrivals = "think"
    keep_alive = false
    free_connect = true
    think_time = { exponential = { mean = "100ms" } }
    [delays]
    rtt_pod = "0s"
"#;

/// What the start at rest may shift, relatively.
const START: f64 = 0.002;

const SERVICE: f64 = 0.020;
const THINK: f64 = 0.100;

/// Mean-value analysis (Reiser and Lavenberg 1980): the response time of `users` who think for `think` and then visit one
/// of `pods` queues, each as likely as the others.
fn mean_value_analysis(users: u32, think: f64, pods: u32) -> f64 {
    let pods = f64::from(pods);
    let mut queue = 0.0;
    let mut response = 0.0;
    for n in 1..=users {
        response = SERVICE * (1.0 + queue);
        queue = f64::from(n) / (think + response) / pods * response;
    }
    response
}

/// Throughput and mean response time over all replications.
fn must_follow(sets: &[&str], users: u32, response: f64, cycle: f64) {
    let scenario = scenario(NETWORK, sets);
    let runs = runs(&scenario, count(20, 200));
    let what = format!("{users} users, {sets:?}");
    let latency = Estimate::of(&values(&runs, Metric::LatencyMeanS));
    latency.must_hold(&format!("response time, {what}"), response, START * response);
    let rates: Vec<f64> = values(&runs, Metric::Requests).iter().map(|requests| requests / 300.0).collect();
    let throughput = f64::from(users) / cycle;
    Estimate::of(&rates).must_hold(&format!("throughput, {what}"), throughput, START * throughput);
}

/// The machine repair model M/M/1//N, from its birth-death chain: the probability that the repairman is idle gives the
/// throughput, and Little's law the response time. Whatever the distribution of thinking, its mean alone counts.
#[test]
fn one_pod_is_the_repairman_of_machines() {
    for users in [1, 4, 12] {
        let ratio = SERVICE / THINK;
        let mut weight = 1.0;
        let mut all = 1.0;
        for k in 0..users {
            weight *= f64::from(users - k) * ratio;
            all += weight;
        }
        let throughput = (1.0 - 1.0 / all) / SERVICE;
        let response = f64::from(users) / throughput - THINK;
        assert!((response - mean_value_analysis(users, THINK, 1)).abs() < 1e-12, "both solutions agree");
        let connections = format!("clients.0.connections={users}");
        must_follow(&[&connections], users, response, THINK + response);
        must_follow(&[&connections, "clients.0.think_time=100ms"], users, response, THINK + response);
    }
}

/// A thinking station, a way, and three queues. Users × connections are so many who think.
#[test]
fn several_pods_follow_mean_value_analysis() {
    let pods = "deployment.replicas=3";
    for (users, connections) in [(3, 2), (10, 3)] {
        let all = users * connections;
        let sets = [pods, &format!("clients.0.users={users}"), &format!("clients.0.connections={connections}")];
        let response = mean_value_analysis(all, THINK, 3);
        must_follow(&sets, all, response, THINK + response);
        // The way of a request is spent like thinking, but counts for its latency.
        let far = [&sets[..], &["delays.rtt_pod=30ms"]].concat();
        let response = mean_value_analysis(all, THINK + 0.030, 3) + 0.030;
        must_follow(&far, all, response, THINK + response);
    }
}

/// The same through an ingress whose worker chooses pods at random: its way to them is one more delay.
#[test]
fn an_ingress_adds_its_way_to_the_network() {
    let sets = [
        "deployment.replicas=3",
        "clients.0.connections=12",
        "clients.0.via=ingress",
        "ingress.kind=dynamic",
        "ingress.policy=random",
        "ingress.upstream_keep_alive=0",
        "ingress.upstream_rtt=5ms",
    ];
    // The connection to the pod is made anew: two round trips.
    let way = 2.0 * 0.005;
    let response = mean_value_analysis(12, THINK + way, 3) + way;
    must_follow(&sets, 12, response, THINK + response);
}

/// At think time 0 the server sets the pace, and a client that thinks nothing and waits for nothing still takes time.
#[test]
fn without_thinking_the_server_is_always_busy() {
    let sets = ["clients.0.connections=5", "clients.0.think_time=0s", "run.duration=30s"];
    let run = &runs(&scenario(NETWORK, &sets), 20);
    let rates: Vec<f64> = values(run, Metric::Requests).iter().map(|requests| requests / 30.0).collect();
    Estimate::of(&rates).must_hold("throughput", 1.0 / SERVICE, 5.0 / 30.0);
    let idle = ["pod.server.service_time=0s", "run.duration=10ms", "clients.0.think_time=0s", "rollout.at=1h"];
    let run = &runs(&scenario(NETWORK, &idle), 1)[0];
    assert_eq!(run.get(Metric::Requests), Some(8.0 * 10_000.0));
}
