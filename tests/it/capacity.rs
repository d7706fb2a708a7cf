//! Queues against queueing theory, and what limits a process: requests in flight, CPU time, its accept queue, its warmth.
//! Seeds are fixed; tolerances are 99.9 % intervals.

use rollsim::record::{Metric, Metrics};

use crate::common::{Estimate, count, runs, scenario, values};

/// One pod, Poisson arrivals, no network. Over 400 s the empty start counts for less than 0.1 % at these loads.
const ONE_POD: &str = r#"
    [run]
    duration = "400s"
    [rollout]
    at = "10h"
    [[clients]]
    profile = "open"
    rate = "60/s"
    keep_alive = false
    free_connect = true
    connect_timeout = "5m"
    request_timeout = "5m"
    [delays]
    rtt_pod = "0s"
    [pod.server]
    service_time = { exponential = { mean = "10ms" } }
"#;

fn of_one_pod(sets: &[&str]) -> Vec<Metrics> {
    runs(&scenario(ONE_POD, sets), count(8, 200))
}

fn latency(sets: &[&str]) -> Estimate {
    Estimate::of(&values(&of_one_pod(sets), Metric::LatencyMeanS))
}

/// The probability that all of `servers` are busy (Erlang's second formula), for `offered` = λ/μ.
fn erlang_c(servers: u32, offered: f64) -> f64 {
    let terms: Vec<f64> = powers_over_factorials(offered).take(servers as usize + 1).collect();
    let all_busy = terms[servers as usize] / (1.0 - offered / f64::from(servers));
    all_busy / (terms[..servers as usize].iter().sum::<f64>() + all_busy)
}

/// 1, a, a²/2!, a³/3!, …
fn powers_over_factorials(a: f64) -> impl Iterator<Item = f64> {
    (1..).scan(1.0, move |term, n| {
        let this = *term;
        *term *= a / f64::from(n);
        Some(this)
    })
}

/// Mean sojourn of M/M/c: 1/μ + C(c, a)/(cμ − λ).
#[test]
fn several_workers_wait_as_mmc() {
    let mu = 100.0;
    for (servers, rate) in [(2, 150.0), (4, 340.0)] {
        let sets = [format!("pod.server.workers={servers}"), format!("clients.0.rate={rate}/s")];
        let expected = 1.0 / mu + erlang_c(servers, rate / mu) / (f64::from(servers) * mu - rate);
        let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
        latency(&sets).must_hold(&format!("M/M/{servers}"), expected, 0.002 * expected);
    }
}

/// M/M/c/K: a request that finds K in the system is answered 503; the others sojourn as long as Little's law says.
#[test]
fn a_limit_in_flight_refuses_as_mmck() {
    let (servers, limit, rate, mu) = (2_u32, 6_usize, 190.0, 100.0);
    let sets = ["pod.server.workers=2", "pod.server.in_flight_limit=6", "clients.0.rate=190/s"];
    let by_workers = |n: usize| (1..=n).map(|k| rate / (mu * k.min(servers as usize) as f64)).product::<f64>();
    let all: f64 = (0..=limit).map(by_workers).sum();
    let chance = |n: usize| by_workers(n) / all;
    let in_system: f64 = (0..=limit).map(|n| n as f64 * chance(n)).sum();
    let runs = of_one_pod(&sets);
    let refused = |run: &Metrics| run.get(Metric::FailedHttp503).unwrap() / run.get(Metric::Requests).unwrap();
    let refused = Estimate::of(&runs.iter().map(refused).collect::<Vec<_>>());
    refused.must_hold("refused", chance(limit), 0.001 * chance(limit));
    let sojourn = in_system / (rate * (1.0 - chance(limit)));
    Estimate::of(&values(&runs, Metric::LatencyMeanS)).must_hold("sojourn", sojourn, 0.001 * sojourn);
}

/// M/G/1 with processor sharing: E[S]/(1 − ρ), whatever the distribution.
#[test]
fn processor_sharing_is_insensitive_to_the_distribution() {
    let expected = 0.010 / (1.0 - 0.6);
    for service in [
        "10ms",
        "{ exponential = { mean = \"10ms\" } }",
        "{ gamma = { shape = 0.4, mean = \"10ms\" } }",
        "{ uniform = [\"0s\", \"20ms\"] }",
    ] {
        let service_time = format!("pod.server.service_time={service}");
        latency(&["pod.server.discipline=processor_sharing", &service_time]).must_hold(
            service,
            expected,
            0.001 * expected,
        );
    }
}

/// M/M/c with processor sharing has the number in system of M/M/c, and so its mean sojourn.
#[test]
fn several_shared_cores_sojourn_as_mmc() {
    let sets = ["pod.server.discipline=processor_sharing", "pod.server.workers=3", "clients.0.rate=240/s"];
    let expected = 0.010 + erlang_c(3, 2.4) / 60.0;
    latency(&sets).must_hold("M/M/3-PS", expected, 0.002 * expected);
}

/// What shares is also served behind a balancer, as by the direct path.
#[test]
fn processor_sharing_holds_behind_an_ingress() {
    let sets = [
        "pod.server.discipline=processor_sharing",
        "pod.server.keep_alive_timeout=1h",
        "ingress={ upstream_rtt = \"0s\", read_timeout = \"1h\", connect_timeout = \"1h\" }",
        "clients.0.via=ingress",
    ];
    let expected = 0.010 / (1.0 - 0.6);
    latency(&sets).must_hold("PS behind an ingress", expected, 0.001 * expected);
}

/// A limit that leaves the workers all their time changes nothing; one below the load lets the queue grow without end.
#[test]
fn a_cpu_limit_throttles_what_it_must() {
    let free = latency(&[]);
    let generous = latency(&["pod.server.cpu_limit=1"]);
    assert!((free.mean / generous.mean - 1.0).abs() < 0.05, "{free:?} {generous:?}");
    // 6 ms of each 10 ms are used of 8: waiting for the period's end is what it costs.
    let throttled = latency(&["pod.server.cpu_limit=800m", "pod.server.cpu_period=10ms"]);
    assert!(throttled.mean > 1.5 * free.mean, "{throttled:?} {free:?}");
    let saturated = latency(&["pod.server.cpu_limit=500m", "run.duration=60s"]);
    assert!(saturated.mean > 3.0, "{saturated:?}");
}

/// A request of 10 ms at half a core in periods of 10 ms, alone. One that arrives x ms after the period's start is done after
/// 15 − x ms if x is at most 5 (it pauses once), else after 15 ms (twice); x is the same for all requests of a run and
/// uniform over runs.
#[test]
fn a_throttled_request_pauses_until_the_next_period() {
    let sets = [
        "pod.server.service_time=10ms",
        "pod.server.cpu_limit=0.5",
        "pod.server.cpu_period=10ms",
        "clients.0.arrivals=constant",
        "clients.0.rate=25/s",
        "run.duration=10s",
    ];
    let runs = runs(&scenario(ONE_POD, &sets), count(200, 1_000));
    Estimate::of(&values(&runs, Metric::LatencyMeanS)).must_hold("mean", 0.01375, 0.0);
    let longest = values(&runs, Metric::LatencyMaxS);
    assert!(longest.iter().all(|longest| (0.01..0.015_000_1).contains(longest)), "{longest:?}");
}

/// A pod stalls for 4 s after it listens, with all the load: its accept queue takes 51 connections, then SYNs are dropped, which
/// are sent again after 1 s.
#[test]
fn a_full_accept_queue_drops_syns() {
    let text = r#"
        [run]
        duration = "30s"
        [rollout]
        at = "2s"
        [cluster]
        nodes = 1
        cni = "routed"
        [deployment]
        replicas = 1
        max_surge = 1
        max_unavailable = 0
        [pod.server]
        stall = "4s"
        backlog = 50
        workers = "unlimited"
        [[clients]]
        profile = "open"
        arrivals = "constant"
        rate = "100/s"
        keep_alive = false
        request_timeout = "20s"
        connect_timeout = "900ms"
    "#;
    let dropped = |sets: &[&str]| {
        let runs = runs(&scenario(text, sets), 10);
        values(&runs, Metric::FailedConnectTimeout).iter().sum::<f64>() / 10.0
    };
    // Each place more in the queue is a request saved: none is served before the stall ends.
    let lost = dropped(&[]);
    assert!((100.0..349.0).contains(&lost), "{lost}");
    let with_more = dropped(&["pod.server.backlog=80"]);
    assert!((lost - with_more - 30.0).abs() < 1e-9, "{lost} {with_more}");
    assert_eq!(dropped(&["pod.server.backlog=1000"]), 0.0);
    // The kernel bounds what the server asks for.
    let bounded = dropped(&["pod.server.backlog=1000", "cluster.kernel=4.19"]);
    assert!((lost - bounded - (128.0 - 50.0)).abs() < 1e-9, "{lost} {bounded}");
    // A client that waits longer connects when the stall is over.
    assert_eq!(dropped(&["clients.0.connect_timeout=10s"]), 0.0);
}

/// Workers that accept only when they are free leave connections in the accept queue.
#[test]
fn a_worker_that_accepts_when_it_is_free_fills_the_accept_queue() {
    let sets = [
        "pod.server.profile=gunicorn-sync",
        "pod.server.backlog=10",
        "pod.server.service_time=20ms",
        "clients.0.arrivals=constant",
        "clients.0.rate=60/s",
        "clients.0.connect_timeout=500ms",
        "run.duration=20s",
    ];
    let runs = runs(&scenario(ONE_POD, &sets), 5);
    // 50 of 60 a second can be served.
    let lost = Estimate::of(&values(&runs, Metric::FailedConnectTimeout));
    assert!((180.0..=200.0).contains(&lost.mean), "{lost:?}");
    let longest = values(&runs, Metric::LatencyMaxS).into_iter().fold(0.0, f64::max);
    assert!(longest < 0.25, "at most 12 are before a request: {longest}");
}

/// After a rollout whose pods begin five times slower, requests take longer until the pods are warm.
#[test]
fn new_pods_are_slow_until_they_are_warm() {
    let text = r#"
        [run]
        duration = "60s"
        [rollout]
        at = "2s"
        [deployment]
        replicas = 2
        [pod.readiness_probe]
        period = "1s"
        [pod.server]
        service_time = "10ms"
        workers = "unlimited"
        [[clients]]
        profile = "open"
        rate = "100/s"
    "#;
    let slowest = |sets: &[&str]| {
        let runs = runs(&scenario(text, sets), 10);
        values(&runs, Metric::LatencyMaxS).into_iter().fold(0.0, f64::max)
    };
    let (warm, cold) = (slowest(&[]), slowest(&["pod.server.warm_up={ slowdown = 5.0, age = \"20s\" }"]));
    assert!(warm < 0.02, "{warm}");
    assert!((0.04..0.06).contains(&cold), "{cold}");
    let by_count = slowest(&["pod.server.warm_up={ slowdown = 5.0, requests = 100 }"]);
    assert!((0.04..0.06).contains(&by_count), "{by_count}");
}
