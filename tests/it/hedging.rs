//! A second attempt beside a slow first one: latencies and load against theory, and what it saves in a rollout. Seeds are fixed;
//! tolerances are 99.9 % intervals.

use rollsim::record::{Metric, Metrics};

use crate::common::{Estimate, count, runs, scenario, values};

/// Two pods that serve any number of requests at once, each exponentially long, no network: two attempts of a request are
/// independent.
const TWO_SERVERS: &str = r#"
    [run]
    duration = "60s"
    [rollout]
    at = "10h"
    [deployment]
    replicas = 2
    [[clients]]
    profile = "open"
    rate = "100/s"
    keep_alive = false
    free_connect = true
    connect_timeout = "5m"
    request_timeout = "5m"
    [delays]
    rtt_pod = "0s"
    [pod.server]
    workers = "unlimited"
    service_time = { exponential = { mean = "20ms" } }
"#;

const MEAN: f64 = 0.020;

fn hedged(sets: &[&str]) -> Vec<Metrics> {
    runs(&scenario(TWO_SERVERS, sets), count(20, 200))
}

fn estimate(runs: &[Metrics], metric: Metric) -> Estimate {
    Estimate::of(&values(runs, metric))
}

/// The first of X and d + Y, both exponential: until d as without, after it twice as fast, so its mean is
/// m − (m/2)·e^(−d/m); e^(−d/m) of the requests are sent twice, of which half are answered by the second.
#[test]
fn of_two_exponential_servers_the_first_answer_counts() {
    for delay_ms in [0.0, 10.0, 60.0] {
        let runs = hedged(&[&format!("clients.0.hedging={{ delay = \"{delay_ms}ms\" }}")]);
        let twice = (-delay_ms / 1e3 / MEAN).exp();
        let what = format!("delay {delay_ms} ms");
        estimate(&runs, Metric::LatencyMeanS).must_hold(&what, MEAN * (1.0 - twice / 2.0), 1e-6);
        estimate(&runs, Metric::RetryAmplification).must_hold(&what, 1.0 + twice, 1e-9);
        let share = |metric| {
            let shares = runs.iter().map(|run| run.get(metric).unwrap() / run.get(Metric::Requests).unwrap());
            Estimate::of(&shares.collect::<Vec<f64>>())
        };
        share(Metric::Retried).must_hold(&what, twice / 2.0, 1e-9);
        share(Metric::Duplicated).must_hold(&what, twice, 1e-9);
    }
}

/// What waits longer than 95 % of all does is sent twice: a twentieth of the requests, once the quantile is known.
#[test]
fn a_quantile_bounds_the_attempts_it_adds() {
    let runs = hedged(&["clients.0.hedging={ quantile = 0.95 }"]);
    estimate(&runs, Metric::RetryAmplification).must_hold("attempts", 1.05, 0.003);
    let tail = |runs: &[Metrics]| estimate(runs, Metric::LatencyP999S).mean;
    let plain = hedged(&[]);
    // From 6.9 means to 3 + (6.9 - 3)/2.
    assert!(tail(&runs) < 0.8 * tail(&plain), "{} {}", tail(&runs), tail(&plain));
    let limited = hedged(&["clients.0.hedging={ delay = \"0s\", budget = 0.1 }"]);
    // A tenth, and the ten that are saved up.
    estimate(&limited, Metric::RetryAmplification).must_hold("budget", 1.1 + 10.0 / 6_000.0, 1e-3);
}

#[test]
fn what_may_not_be_sent_twice_is_not() {
    let share = hedged(&["clients.0.hedging={ delay = \"0s\" }", "clients.0.idempotent=0.25"]);
    estimate(&share, Metric::RetryAmplification).must_hold("a quarter", 1.25, 1e-9);
    let post = hedged(&["clients.0.hedging={ delay = \"0s\" }", "clients.0.method=POST"]);
    assert!(values(&post, Metric::RetryAmplification).iter().all(|attempts| *attempts == 1.0));
}

/// The second attempt is the same request: its work is the same, though its service time is not.
#[test]
fn both_attempts_are_the_same_work() {
    let sets = [
        "clients.0.hedging={ delay = \"0s\" }",
        "pod.server.service_time=20ms",
        "clients.0.work={ exponential = { mean = 1 } }",
    ];
    estimate(&hedged(&sets), Metric::LatencyMeanS).must_hold("exponential work", MEAN, 1e-6);
}

/// A cancelled attempt leaves a process that it shares: at most one of two lasts as long as the other. What a worker has taken
/// up is worked off.
#[test]
fn a_cancelled_attempt_leaves_a_shared_process() {
    let sets = ["clients.0.hedging={ delay = \"0s\" }", "pod.server.workers=1", "clients.0.rate=20/s"];
    let latency = |discipline| {
        let discipline = format!("pod.server.discipline={discipline}");
        estimate(&hedged(&[&sets[..], &[&discipline]].concat()), Metric::LatencyMeanS).mean
    };
    let (shared, queued) = (latency("processor_sharing"), latency("fifo"));
    // Both pods get all requests, of 20 ms at 20 a second: worked off they are busy 40 % of the time.
    assert!(shared < 0.9 * queued, "{shared} {queued}");
}

/// A rollout whose old pods fall silent while rules still name them.
const SILENT: &str = r#"
    [run]
    duration = "30s"
    [rollout]
    at = "3s"
    [cluster]
    nodes = 1
    [deployment]
    replicas = 3
    max_surge = 1
    max_unavailable = 0
    [kube_proxy]
    mode = "instant"
    [pod.readiness_probe]
    period = "1s"
    [pod.server]
    workers = "unlimited"
    [[clients]]
    profile = "go"
    rate = "200/s"
    keep_alive = false
    request_timeout = "2s"
    connect_timeout = "2s"
    [delays]
    unroute = "2s"
    exit_teardown = "0s"
"#;

/// A connect into a void is waited for until its time-out; the second attempt goes to a live pod, or fails, too.
#[test]
fn a_second_attempt_saves_what_waits_in_vain() {
    let of = |sets: &[&str]| runs(&scenario(SILENT, sets), count(5, 50));
    let sum = |runs: &[Metrics], metric| values(runs, metric).iter().sum::<f64>();
    let (plain, hedged) = (of(&[]), of(&["clients.0.hedging={ delay = \"50ms\" }"]));
    let lost = |runs: &[Metrics]| sum(runs, Metric::Failed);
    assert!(lost(&plain) > 200.0 && lost(&hedged) < 0.4 * lost(&plain), "{} {}", lost(&plain), lost(&hedged));
    assert!(sum(&hedged, Metric::Retried) > 0.5 * lost(&plain));
    let ingress =
        ["ingress={ preset = \"nginx\", next_upstream_tries = 1, connect_timeout = \"1s\" }", "clients.0.via=ingress"];
    let behind = of(&[&ingress[..], &["clients.0.hedging={ delay = \"50ms\" }"]].concat());
    assert!(lost(&behind) < 0.5 * lost(&of(&ingress)), "{} {}", lost(&behind), lost(&of(&ingress)));
}

/// Over HTTP/2 both attempts are streams, of one connection or of two.
#[test]
fn streams_are_hedged() {
    let grpc = [
        "clients.0.profile=grpc",
        "clients.0.keep_alive=true",
        "clients.0.hedging={ delay = \"10ms\" }",
        "clients.0.idempotent=true",
    ];
    let twice = (-0.010 / MEAN).exp();
    let headless = ["service.kind=headless", "clients.0.balancing=round_robin"];
    for (sets, connections) in [(vec![], 1.0), (headless.to_vec(), 2.0)] {
        let runs = hedged(&[&grpc[..], &sets].concat());
        estimate(&runs, Metric::LatencyMeanS).must_hold("streams", MEAN * (1.0 - twice / 2.0), 1e-6);
        assert!(values(&runs, Metric::ConnectionsOpened).iter().all(|opened| *opened == connections));
    }
}
