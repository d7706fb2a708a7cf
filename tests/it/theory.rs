//! Against what is known otherwise: formulas, and an independently solved model. Seeds are fixed; tolerances are 99.9 %
//! intervals, so each test would be wrong for one seed in a thousand.

use rollsim::record::{FailureKind, Metric};
use rollsim::run::{Options, run_once};

use crate::common::{Estimate, count, runs, scenario, shipped, values};

/// Three independent implementations of this small model agree on these figures (mean of refused and of reset requests a
/// replication, ± half of their 95 % interval; mean latency).
#[test]
fn the_toy_rollout_gives_the_figures_of_three_independent_programs() {
    let n = count(1_500, 20_000);
    let check = |hook: &str, refused: (f64, f64), reset: (f64, f64)| {
        let runs = runs(&shipped("toy-rollout", &[&format!("pod.pre_stop.sleep={hook}")]), n);
        let estimate = |metric| Estimate::of(&values(&runs, metric));
        // The toy calls a reset what the client here reads as the end of its connection, the FIN coming first.
        estimate(Metric::FailedEof).must_hold("reset", reset.0, reset.1);
        estimate(Metric::LatencyMeanS).must_hold("latency", 0.0025, 0.0);
        let others =
            [Metric::FailedReset, Metric::FailedTruncated, Metric::FailedTimeout, Metric::FailedConnectTimeout];
        assert!(others.iter().all(|metric| values(&runs, *metric).iter().all(|count| *count == 0.0)));
        let got = estimate(Metric::FailedConnectRefused);
        if refused.0 > 1.0 {
            got.must_hold("refused", refused.0, refused.1);
            assert!(n < 20_000 || (got.mean / refused.0 - 1.0).abs() < 0.01, "within 1 %: {}", got.mean);
        } else {
            must_be_poisson(values(&runs, Metric::FailedConnectRefused).iter().sum(), refused.0 * f64::from(n));
        }
    };
    check("0s", (5.889, 0.011), (0.3814, 0.0019));
    check("10s", (1.54e-4, 0.01e-4), (0.25, 0.0));
}

/// The exact two-sided 99.9 % acceptance region of a Poisson count with this mean.
fn must_be_poisson(count: f64, mean: f64) {
    let at_most = |k: f64| (0..=k as u32).map(|i| poisson(i, mean)).sum::<f64>();
    assert!(at_most(count) > 0.0005, "{count} is too few for a mean of {mean}");
    assert!(count == 0.0 || 1.0 - at_most(count - 1.0) > 0.0005, "{count} is too many for a mean of {mean}");
}

fn poisson(k: u32, mean: f64) -> f64 {
    (1..=k).fold((-mean).exp(), |p, i| p * mean / f64::from(i))
}

/// Poisson arrivals of rate λ that each open a connection lose λ · exposed_share_s to connects: each meets a dead pod
/// with probability dead/m(t) at its moment.
#[test]
fn poisson_arrivals_without_keep_alive_lose_rate_times_exposed_share() {
    let text = r#"
        [rollout]
        at = "5s"
        [run]
        duration = "20s"
        [cluster]
        nodes = 2
        version = "1.20"
        [deployment]
        replicas = 4
        max_surge = 2
        max_unavailable = 0
        [pod]
        boot = "0s"
        [[clients]]
        profile = "open"
        rate = "200/s"
        keep_alive = false
    "#;
    let runs = runs(&scenario(text, &[]), count(300, 2_000));
    let connects = [Metric::FailedConnectRefused, Metric::FailedConnectTimeout];
    let difference = |run: &rollsim::record::Metrics| {
        let failed: f64 = connects.iter().filter_map(|metric| run.get(*metric)).sum();
        failed - 200.0 * run.get(Metric::ExposedShareS).unwrap()
    };
    let lost = Estimate::of(&runs.iter().filter_map(|run| run.get(Metric::Failed)).collect::<Vec<_>>());
    assert!(lost.mean > 20.0, "the test has something to compare: {lost:?}");
    Estimate::of(&runs.iter().map(difference).collect::<Vec<_>>()).must_hold("failed - rate * share", 0.0, 0.0);
}

/// With one of three nodes late, only requests that enter there are lost.
#[test]
fn requests_are_lost_on_the_late_node_only() {
    let scenario = shipped("three-nodes-one-late", &[]);
    let mut n_lost = 0;
    for replication in 0..30 {
        let trace =
            run_once(&scenario, replication, Options { trace: true, check: true, ..Options::default() }).trace.unwrap();
        let connects = trace
            .lost
            .iter()
            .filter(|lost| matches!(lost.kind, FailureKind::ConnectRefused | FailureKind::ConnectTimeout));
        for lost in connects {
            assert_eq!(lost.node.0, 2, "{lost:?}");
            n_lost += 1;
        }
    }
    assert!(n_lost > 100, "{n_lost}");
    let cured = runs(&shipped("three-nodes-one-late", &["nodes.2.delays.kp_sync=0s"]), 30);
    assert!(values(&cured, Metric::Failed).iter().sum::<f64>() < 3.0);
}

/// A rollout in which every delay is zero but the sandbox and the stop: rules change at once, the kill comes later.
const ONE_BY_ONE: &str = r#"
    [run]
    duration = "40s"
    [rollout]
    at = "1s"
    [deployment]
    max_surge = 1
    max_unavailable = 0
    [pod]
    boot = "0s"
    [kube_proxy]
    mode = "instant"
    [[clients]]
    profile = "paced"
    rate = "240/s"
    connections = 12
    [delays]
    sandbox = "3s"
    stop = "500ms"
    api_write = "0s"
    watch_hop = "0s"
    queue_wait = "0s"
    dep_sync = "0s"
    rs_sync = "0s"
    sched = "0s"
    kubelet_seen = "0s"
    create_start = "0s"
    pleg = "0s"
    del_seen = "0s"
    server_stop = "0s"
    eps_sync = "0s"
    exit_teardown = "1h"
"#;

/// Surge 1, one at a time: each death spreads a pod's connections evenly over the n others, so each old pod's load grows
/// by 1 + 1/n, and all that are severed are c·((1 + 1/n)^n − 1).
#[test]
fn severed_connections_follow_the_formula() {
    for (replicas, connections) in [(1, 12), (3, 12), (4, 30)] {
        let sets = [format!("deployment.replicas={replicas}"), format!("clients.0.connections={connections}")];
        let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
        let runs = runs(&scenario(ONE_BY_ONE, &sets), count(300, 3_000));
        let n = f64::from(replicas);
        let expected = f64::from(connections) * ((1.0 + 1.0 / n).powf(n) - 1.0);
        Estimate::of(&values(&runs, Metric::ConnectionsSevered)).must_hold(&format!("n = {n}"), expected, 0.0);
    }
}

/// One pod replaced by another, its rule never gone: each of c connections then fails a geometric number of times, with
/// q = 1/2 a mean of 1 and a variance of 2.
#[test]
fn reconnects_to_a_rule_that_stays_fail_geometrically() {
    let sets = ["deployment.replicas=1", "delays.unroute=1h"];
    let runs = runs(&scenario(ONE_BY_ONE, &sets), count(400, 3_000));
    let refused = values(&runs, Metric::FailedConnectRefused);
    Estimate::of(&refused).must_hold("mean", 12.0, 0.0);
    let squares: Vec<f64> = refused.iter().map(|count| (count - 12.0).powi(2)).collect();
    Estimate::of(&squares).must_hold("variance", 24.0, 0.0);
}

#[test]
fn rules_that_change_at_once_lose_no_connect() {
    let sets = ["clients.0.keep_alive=false", "deployment.replicas=3"];
    let runs = runs(&scenario(ONE_BY_ONE, &sets), 50);
    assert!(values(&runs, Metric::FailedConnectRefused).iter().all(|count| *count == 0.0));
}

/// One pod, Poisson arrivals, a queue: mean sojourn 1/(μ − λ) for exponential service, and
/// 1/μ + ρ/(2μ(1 − ρ)) for constant service (Pollaczek and Khinchine). Over 400 s the empty start counts for little:
/// its bias is below 0.1 % at this load.
#[test]
fn waiting_follows_mm1_and_md1() {
    let text = r#"
        [run]
        duration = "400s"
        [rollout]
        at = "10h"
        [[clients]]
        profile = "open"
        rate = "60/s"
        keep_alive = false
        free_connect = true
        [delays]
        rtt_pod = "0s"
        [pod.server]
        service_time = "10ms"
    "#;
    let mean = |sets: &[&str]| {
        let runs = runs(&scenario(text, sets), count(60, 400));
        Estimate::of(&values(&runs, Metric::LatencyMeanS))
    };
    let (mu, lambda) = (100.0, 60.0);
    let rho = lambda / mu;
    let md1 = 1.0 / mu + rho / (2.0 * mu * (1.0 - rho));
    mean(&[]).must_hold("M/D/1", md1, 0.001 * md1);
    let mm1 = 1.0 / (mu - lambda);
    mean(&[r#"pod.server.service_time={ exponential = { mean = "10ms" } }"#]).must_hold("M/M/1", mm1, 0.001 * mm1);
}
