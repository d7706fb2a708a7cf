//! The client table (mechanics 7.2): each profile does what its row says, in the same small laboratory.

use rollsim::record::{Metric, Metrics};
use rollsim::scenario;

use crate::common::{Estimate, count, runs, scenario, values};

/// One pod, one connection, one request a second, nothing else.
const LAB: &str = r#"
    [run]
    duration = "60s"
    [rollout]
    at = "10h"
    [deployment]
    replicas = 1
    [[clients]]
    rate = "1/s"
    connect_timeout = "3s"
    request_timeout = "3s"
"#;

/// As every profile can be: paced on one connection, or an open loop that needs one only.
fn laboratory(profile: &str, sets: &[&str]) -> Metrics {
    let own = match profile {
        "vegeta" | "open" => "clients.0.arrivals=constant",
        _ => "clients.0.arrivals=spaced",
    };
    let mut all = vec![format!("clients.0.profile={profile}"), own.to_owned()];
    if own.ends_with("spaced") {
        all.extend(
            ["clients.0.connections=1", "clients.0.users=1", "clients.0.spread_to_end=false"].map(str::to_owned),
        );
    }
    all.extend(sets.iter().map(|set| (*set).to_owned()));
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    runs(&scenario(LAB, &all), 1)[0]
}

fn get(run: &Metrics, metric: Metric) -> f64 {
    run.get(metric).unwrap_or_else(|| panic!("every run has {}", metric.name()))
}

/// What becomes of a request in the laboratory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Nobody notices anything.
    Unnoticed,
    /// The first attempt fails, the silent second one does not.
    Retried,
    /// It is lost.
    Lost,
}
use Fate::{Lost, Retried, Unnoticed};

fn fate(run: &Metrics) -> Fate {
    match (get(run, Metric::Failed) > 0.0, get(run, Metric::Retried) > 0.0) {
        (false, false) => Unnoticed,
        (false, true) => Retried,
        (true, false) => Lost,
        (true, true) => panic!("some are lost and some are retried: {run:?}"),
    }
}

/// A row: the profile; what it does when the server has closed its idle connection before it writes; when the end crosses
/// its GET and its POST; when the last response said `Connection: close`.
type Row = (&'static str, Fate, Fate, Fate, Fate);

const TABLE: [Row; 15] = [
    ("fortio", Retried, Retried, Retried, Retried),
    ("fortio-std", Unnoticed, Retried, Lost, Unnoticed),
    ("hey", Unnoticed, Retried, Lost, Unnoticed),
    ("wrk", Lost, Lost, Lost, Unnoticed),
    ("wrk2", Lost, Lost, Lost, Unnoticed),
    ("ab", Unnoticed, Lost, Lost, Unnoticed),
    ("vegeta", Unnoticed, Retried, Lost, Unnoticed),
    ("k6", Unnoticed, Retried, Lost, Unnoticed),
    ("go", Unnoticed, Retried, Lost, Unnoticed),
    ("python-requests", Unnoticed, Lost, Lost, Unnoticed),
    ("okhttp", Unnoticed, Retried, Lost, Unnoticed),
    ("curl", Unnoticed, Retried, Retried, Unnoticed),
    ("browser", Unnoticed, Retried, Lost, Unnoticed),
    ("paced", Unnoticed, Lost, Lost, Unnoticed),
    ("open", Unnoticed, Lost, Lost, Unnoticed),
];

/// `curl` is one process a request; its rule for connections shows where one process makes several.
const KEPT: &str = "clients.0.keep_alive=true";

#[test]
fn a_connection_closed_before_is_noticed_retried_or_lost_as_the_table_says() {
    for (profile, closed, ..) in TABLE {
        let run = laboratory(profile, &[KEPT, "pod.server.keep_alive_timeout=200ms"]);
        assert_eq!(fate(&run), closed, "{profile}");
        if closed == Unnoticed {
            assert_eq!(get(&run, Metric::ConnectionsOpened), get(&run, Metric::Requests), "{profile}: all anew");
        }
    }
}

/// The server closes 0.9 s after a response; the request that is sent 0.8 s after it, on a way of 0.2 s, crosses the end.
#[test]
fn a_request_that_crosses_the_end_is_retried_or_lost_as_the_table_says() {
    let crossing = [KEPT, "delays.rtt_pod=400ms", "pod.server.keep_alive_timeout=900ms"];
    for (profile, _, get_request, post_request, _) in TABLE {
        let of_method = |method: &'static str| fate(&laboratory(profile, &[&crossing[..], &[method]].concat()));
        assert_eq!(of_method("clients.0.method=GET"), get_request, "{profile}, GET");
        assert_eq!(of_method("clients.0.method=POST"), post_request, "{profile}, POST");
    }
}

#[test]
fn connection_close_is_honoured_or_not_as_the_table_says() {
    for (profile, .., said) in TABLE {
        let run = laboratory(profile, &[KEPT, "pod.server.keep_alive_requests=5"]);
        assert_eq!(fate(&run), said, "{profile}");
        let expected = (get(&run, Metric::Requests) / 5.0).ceil();
        let opened = get(&run, Metric::ConnectionsOpened);
        assert!((opened - expected).abs() <= 1.0, "{profile}: {opened} connections for fives of requests");
    }
}

/// A pod that went, its rule still there: half of the new connections are refused.
const REFUSING: [&str; 7] = [
    "clients.0.keep_alive=false",
    "rollout.at=1s",
    "kube_proxy.mode=instant",
    "delays.unroute=1h",
    "delays.exit_teardown=1h",
    "deployment.max_unavailable=0",
    "deployment.max_surge=1",
];

#[test]
fn what_fails_on_a_new_connection_is_lost_and_ends_ab() {
    for (profile, ..) in TABLE {
        let run = laboratory(profile, &REFUSING);
        let (refused, requests) = (get(&run, Metric::FailedConnectRefused), get(&run, Metric::Requests));
        assert_eq!(fate(&run), Lost, "{profile}");
        if profile == "ab" {
            assert_eq!(refused, 1.0);
            assert!(requests < 55.0, "{requests}");
        } else {
            assert!(refused > 5.0 && requests >= 58.0, "{profile}: {refused} of {requests}");
        }
    }
}

/// A pod that takes two requests at a time and answers 503 to every other one.
const OVERLOADED: [&str; 5] = [
    "clients.0.rate=100/s",
    "pod.server.workers=2",
    "pod.server.service_time=40ms",
    "pod.server.in_flight_limit=2",
    "deployment.replicas=1",
];

fn overloaded(profile: &str, sets: &[&str]) -> Metrics {
    let profile = format!("clients.0.profile={profile}");
    runs(&scenario(LAB, &[&[&profile as &str], &OVERLOADED[..], sets].concat()), 1)[0]
}

#[test]
fn a_503_of_a_pod_is_tried_again_by_the_rules_of_the_application() {
    let plain = overloaded("open", &[]);
    let lost = get(&plain, Metric::FailedHttp503);
    assert!(lost > 1_000.0 && get(&plain, Metric::RetryAmplification) == 1.0, "{lost}");
    let retries = "clients.0.retries={ attempts = 4, budget = \"none\" }";
    let again = overloaded("open", &[retries]);
    assert!(get(&again, Metric::FailedHttp503) < lost && get(&again, Metric::Retried) > 100.0, "{again:?}");
    assert!(get(&again, Metric::RetryAmplification) > 1.5, "{again:?}");
    // Retries of POST do not follow unless they are allowed.
    let post = overloaded("open", &[retries, "clients.0.method=POST"]);
    assert_eq!(get(&post, Metric::RetryAmplification), 1.0);
    let stopped = overloaded("open", &["clients.0.stops_on=[\"http_503\"]"]);
    assert!(get(&stopped, Metric::Requests) < 20.0, "{stopped:?}");
}

/// Of exponential service times with a mean of 10 ms a share of 1/e takes longer; four attempts do so with its fourth power.
#[test]
fn an_attempt_that_was_begun_is_begun_again_with_a_service_time_of_its_own() {
    let slow = [
        "clients.0.profile=open",
        "clients.0.rate=100/s",
        "clients.0.request_timeout=10ms",
        "pod.server.workers=unlimited",
        "pod.server.service_time={ exponential = { mean = \"10ms\" } }",
        "delays.rtt_pod=0s",
    ];
    let lost = |more: &[&str]| {
        let run = runs(&scenario(LAB, &[&slow[..], more].concat()), 1)[0];
        (get(&run, Metric::Failed) / get(&run, Metric::Requests), get(&run, Metric::Requests))
    };
    let near = |(share, n): (f64, f64), expected: f64| {
        let error = (expected * (1.0 - expected) / n).sqrt();
        assert!((share - expected).abs() < 4.0 * error, "{share} of {n}, expected {expected}");
    };
    let one = (-1.0_f64).exp();
    near(lost(&[]), one);
    let retries = "clients.0.retries={ attempts = 4, on = [\"timeout\"], budget = \"none\", back_off = \"1ms\" }";
    near(lost(&[retries]), one.powi(4));
    // A balancer that asks another pod after a time-out, likewise.
    let ingress = "ingress={ read_timeout = \"10ms\", next_upstream_tries = 2, upstream_rtt = \"0s\" }";
    let behind = lost(&[ingress, "clients.0.via=ingress", "clients.0.request_timeout=1s", "deployment.replicas=2"]);
    near(behind, one.powi(2));
}

/// fortio keeps a connection after a success only, a client that takes one request a connection after nothing.
#[test]
fn a_503_ends_the_connection_of_clients_that_keep_successes_only() {
    for (profile, sets, each) in
        [("fortio", &[][..], false), ("fortio-std", &[][..], false), ("paced", &["clients.0.max_requests=1"][..], true)]
    {
        let run = overloaded(profile, &[&["clients.0.connections=10"], sets].concat());
        let [lost, opened] = [Metric::FailedHttp503, Metric::ConnectionsOpened].map(|metric| get(&run, metric));
        let expected = match profile {
            "fortio" => lost + 10.0,
            _ if each => get(&run, Metric::Requests),
            _ => 10.0,
        };
        assert!(lost > 1_000.0 && (opened - expected).abs() <= 10.0, "{profile}: {opened} for {lost} lost");
    }
}

/// A row of limits as text: connections or "open", the arrivals, connect and response time-outs, pool.
#[test]
fn limits_and_loops_are_those_of_the_table() {
    let none = "24h";
    let rows = [
        ("fortio", "4", "together", "3s", "3s", "none none"),
        ("fortio-std", "4", "together", "3s", "3s", "none none"),
        ("hey", "50", "think", "20s", "20s", "none none"),
        ("wrk", "10", "think", none, none, "none none"),
        ("wrk2", "10", "together", none, none, "none none"),
        ("ab", "1", "think", "30s", "30s", "none none"),
        ("vegeta", "open", "constant", "30s", "30s", "none 10000"),
        ("k6", "10", "think", "30s", "1m", "none none"),
        ("go", "open", "poisson", "30s", none, "1m30s 2"),
        ("python-requests", "open", "poisson", none, none, "none 10"),
        ("okhttp", "open", "poisson", "10s", "10s", "5m 5"),
        ("curl", "1", "think", "5m", none, "none none"),
        ("browser", "6", "think", "30s", "5m", "5m none"),
        ("paced", "8", "staggered", "3s", "3s", "none none"),
        ("open", "open", "poisson", "3s", "3s", "none none"),
    ];
    assert_eq!(rows.map(|row| row.0), TABLE.map(|row| row.0));
    for (profile, connections, arrivals, connect, response, pool) in rows {
        let text = scenario::settled_toml(&scenario("name = \"a\"", &[&format!("clients.0.profile={profile}")]));
        let value = |key: &str| {
            let line = text.lines().rfind(|line| line.split_once(" = ").is_some_and(|(found, _)| found == key));
            line.map_or("open", |line| line.split_once(" = ").unwrap().1).trim_matches('"').to_owned()
        };
        assert_eq!(value("connections"), connections, "{profile}");
        assert_eq!(value("arrivals"), arrivals, "{profile}");
        assert_eq!(
            (value("connect_timeout"), value("request_timeout")),
            (connect.into(), response.into()),
            "{profile}"
        );
        assert_eq!(format!("{} {}", value("idle_timeout"), value("max_idle")), pool, "{profile}");
    }
}

/// The default loop of a profile over 20 s.
fn default_loop(profile: &str, sets: &[&str]) -> Metrics {
    let text = "run.duration = \"20s\"\nrollout.at = \"10h\"\ndelays.rtt_pod = \"0s\"\n";
    let profile = format!("clients.0.profile={profile}");
    runs(&scenario(text, &[&[profile.as_str()], sets].concat()), 1)[0]
}

/// Ten users of k6 think for a second and are answered at once: 20 calls of each. Vegeta: 50 a second. Browsers: 60
/// connections that think for 10 s. curl: one process after the other.
#[test]
fn loops_send_what_they_are_known_for() {
    let requests = |profile: &str, sets: &[&str]| get(&default_loop(profile, sets), Metric::Requests);
    assert_eq!(requests("k6", &[]), 200.0);
    assert_eq!(requests("vegeta", &[]), 999.0);
    let browsers = requests("browser", &[]);
    assert!((80.0..=160.0).contains(&browsers), "{browsers}, 120 expected, standard deviation 11");
    let curl = default_loop("curl", &["delays.rtt_pod=1ms"]);
    // Handshake, request and a millisecond of work, on one of three pods.
    assert_eq!(get(&curl, Metric::ConnectionsOpened), get(&curl, Metric::Requests));
    assert_eq!(get(&curl, Metric::Requests), 6_667.0);
    // The pods are always busy.
    assert!(requests("hey", &["deployment.replicas=1"]) >= 19_999.0);
    assert!(requests("wrk", &["deployment.replicas=1"]) >= 19_999.0);
}

/// While half of the connects are refused, a client that paces itself loses one now and then; wrk asks again at once.
#[test]
fn a_hot_loop_inflates_its_errors() {
    let failed = |profile: &str| {
        let arrivals = if profile == "wrk" { "think" } else { "spaced" };
        let arrivals = format!("clients.0.arrivals={arrivals}");
        let sets = [&REFUSING[..], &[&arrivals, "run.duration=20s", "clients.0.think_time=0s"]].concat();
        get(&laboratory(profile, &sets), Metric::FailedConnectRefused)
    };
    let (wrk, paced) = (failed("wrk"), failed("paced"));
    assert!(wrk > 100.0 * paced && paced > 1.0, "wrk {wrk}, paced {paced}");
}

/// wrk counts a response that takes longer than 2 s as slow, but waits for it; fortio waits for 3 s.
#[test]
fn wrk_waits_for_slow_responses() {
    let sets = ["pod.server.service_time=5s", "clients.0.rate=0.1/s", "clients.0.request_timeout=24h"];
    assert_eq!(fate(&laboratory("wrk", &sets)), Unnoticed);
    assert_eq!(fate(&laboratory("fortio", &sets[..2])), Lost);
}

/// `apr_socket_recv: Connection reset by peer (104)` ends ab; others go on.
#[test]
fn a_reset_ends_ab() {
    let sets = [
        "clients.0.connections=8",
        "clients.0.rate=4/s",
        "pod.server.profile=nginx-sigterm",
        "pod.server.service_time=300ms",
        "rollout.at=10s",
        "run.duration=60s",
    ];
    let (ab, paced) = (laboratory("ab", &sets), laboratory("paced", &sets));
    assert!(get(&ab, Metric::FailedReset) > 0.0 && get(&paced, Metric::FailedReset) > 0.0);
    assert!(get(&ab, Metric::Requests) < 0.5 * get(&paced, Metric::Requests), "{ab:?}");
}

/// One request in twenty takes half a second of ten ticks: who catches up makes all calls, who holds one tick makes up for
/// one of those it missed.
#[test]
fn a_ticker_drops_what_it_missed() {
    let slow = "clients.0.work={ quantiles = [[0.0, 1], [0.95, 1], [0.950001, 500], [1.0, 500]] }";
    let requests = |profile: &str| get(&laboratory(profile, &[slow, "clients.0.rate=20/s"]), Metric::Requests);
    let (paced, hey) = (requests("paced"), requests("hey"));
    assert!(paced >= 1_150.0, "{paced} of 1,200: only what it is behind at the end is missing");
    // Of 1,200 ticks a request in twenty takes ten: n + 0.05 n · 9 = 1,200 with the one that is held.
    assert!((700.0..=1_000.0).contains(&hey), "{hey}");
}

/// A stall of T in a run of D: of the requests that were due in it each is late by what is left of it, so counted from when they were
/// due the mean is T²/2D, and the slowest hundredth lies near T. Counted from when they were sent one request a connection is
/// slow, and the other calls are made at once afterwards.
#[test]
fn wrk2_counts_from_when_a_request_was_due() {
    let sets = ["clients.0.profile=wrk2", "clients.0.arrivals=together", "clients.0.request_timeout=30s"];
    let of = |set: &str| runs(&crate::common::shipped("stall", &[&sets[..], &[set]].concat()), 3);
    let (due, sent) = (of("clients.0.latency_from=due"), of("clients.0.latency_from=sent"));
    assert_eq!(due, of("clients.0.catch_up=true"), "the profile's own");
    for (due, sent) in due.iter().zip(&sent) {
        let t = get(due, Metric::LatencyMaxS);
        let near = |got: f64, expected: f64| assert!((got / expected - 1.0).abs() < 0.06, "{got} {expected}");
        near(get(due, Metric::LatencyMeanS), t * t / 120.0);
        near(get(due, Metric::LatencyP99S), t - 0.6);
        assert!(get(sent, Metric::LatencyP99S) < 0.05 && get(sent, Metric::LatencyMaxS) > 5.0, "{sent:?}");
        assert_eq!(get(due, Metric::Requests), get(sent, Metric::Requests));
    }
}

/// An open loop keeps as many idle connections as its library does: fewer mean more connects.
#[test]
fn a_small_pool_connects_more_often() {
    let opened = |sets: &[&str]| {
        let all = [&["pod.server.service_time=20ms", "pod.server.workers=unlimited"], sets].concat();
        let run = default_loop("go", &all);
        (get(&run, Metric::ConnectionsOpened), get(&run, Metric::Requests))
    };
    let ((two, requests), (ten, _), (all, _)) =
        (opened(&[]), opened(&["clients.0.max_idle=10"]), opened(&["clients.0.max_idle=none"]));
    assert!(two > 5.0 * ten && ten > all && all < 40.0, "{two}, {ten} and {all} of {requests}");
    let (none, requests) = opened(&["clients.0.max_idle=0"]);
    assert_eq!(none, requests);
}

/// Limits of a pool, on one connection that carries a request a second.
#[test]
fn pools_give_up_connections_that_are_idle_old_or_worn() {
    let opened = |set: &str| get(&laboratory("paced", &[set]), Metric::ConnectionsOpened);
    assert_eq!(opened("clients.0.idle_timeout=2s"), 1.0);
    assert_eq!(opened("clients.0.idle_timeout=500ms"), 60.0);
    assert_eq!(opened("clients.0.max_age=9500ms"), 6.0);
    assert_eq!(opened("clients.0.max_requests=10"), 6.0);
    let drawn = opened("clients.0.max_requests=[5, 20]");
    assert!((3.0..=12.0).contains(&drawn), "{drawn}");
    let ingress = ["ingress.kind=dynamic", "clients.0.via=ingress"];
    let behind = |set| get(&laboratory("paced", &[&ingress[..], &[set]].concat()), Metric::ConnectionsOpened);
    assert_eq!([behind("clients.0.idle_timeout=500ms"), behind("clients.0.max_requests=10")], [60.0, 6.0]);
    assert_eq!(behind("clients.0.max_age=9500ms"), 6.0);
}

/// While half of the connects are refused, `n` attempts lose one request in 2^n; a budget lets few of them through.
#[test]
fn retries_wait_and_a_budget_ends_them() {
    let text = "retries={ attempts = 4, back_off = \"10ms\", jitter = \"none\" }";
    let (retries, rate) = (format!("clients.0.{text}"), "clients.0.rate=50/s");
    let sets = [&REFUSING[..], &[rate, &retries]].concat();
    let several = |sets: &[&str]| {
        let all = [&["clients.0.arrivals=spaced", "clients.0.connections=1", "rollout.at=0s"], sets].concat();
        runs(&scenario(LAB, &all), count(20, 200))
    };
    let run = several(&sets);
    let lost: Vec<f64> = run.iter().map(|run| get(run, Metric::Failed)).collect();
    let asked: f64 = values(&run, Metric::Requests).iter().sum::<f64>() / run.len() as f64;
    let refusing = values(&run, Metric::Retried).iter().sum::<f64>() / run.len() as f64 / (0.5 * (1.0 - 0.125));
    // Of the requests while one of two pods refuses, a sixteenth fails four times and 7/16 are saved.
    Estimate::of(&lost).must_hold("lost after four attempts", refusing / 16.0, 0.05 * refusing / 16.0);
    assert!(refusing > 0.5 * asked, "{refusing} of {asked}");
    let budget = [&sets[..], &["clients.0.retries.budget=0.1"]].concat();
    let spent = values(&several(&budget), Metric::Retried).iter().sum::<f64>() / run.len() as f64;
    assert!(spent <= 10.0 + 0.1 * asked && spent > 0.03 * asked, "{spent} saved with a budget for 0.1 of {asked}");
}

/// A balancer that is out of targets answers 503; the application asks again until the pod is back.
#[test]
fn an_answer_that_says_not_now_is_asked_again() {
    let sets = [
        "ingress.kind=dynamic",
        "clients.0.via=ingress",
        "clients.0.rate=20/s",
        "deployment.max_surge=0",
        "deployment.max_unavailable=1",
        "rollout.at=5s",
    ];
    let without = laboratory("paced", &sets);
    assert!(get(&without, Metric::FailedHttp503) > 10.0);
    let retries = "clients.0.retries={ attempts = 100, back_off = \"200ms\", back_off_max = \"1s\", on = [\"http_502\", \"http_503\", \"http_504\"] }";
    let with = laboratory("paced", &[&sets[..], &[retries]].concat());
    assert_eq!((get(&with, Metric::Failed), fate(&with)), (0.0, Retried));
    assert!(get(&with, Metric::LatencyMaxS) > 1.0, "it waited");
}

/// A share of the requests must not be sent twice: those are lost, the others are not.
#[test]
fn a_share_of_the_requests_may_be_sent_twice() {
    let sets = ["delays.rtt_pod=400ms", "pod.server.keep_alive_timeout=900ms", "run.duration=3000s"];
    let run = |share: &'static str| laboratory("fortio-std", &[&sets[..], &[share]].concat());
    let (all, part) = (run("clients.0.idempotent=true"), run("clients.0.idempotent=0.75"));
    assert_eq!((get(&all, Metric::Failed), get(&run("clients.0.idempotent=0.0"), Metric::Retried)), (0.0, 0.0));
    let (lost, saved) = (get(&part, Metric::Failed), get(&part, Metric::Retried));
    let (crossed, expected) = (lost + saved, 0.25 * (lost + saved));
    assert!((lost - expected).abs() < 3.29 * (crossed * 0.25 * 0.75).sqrt() && crossed > 300.0, "{lost} of {crossed}");
}

/// The size of the work multiplies the service time: its mean the mean, through queue and all.
#[test]
fn work_multiplies_the_service_time() {
    let mean = |set: &str| {
        let sets =
            ["delays.rtt_pod=0s", "pod.server.workers=unlimited", "run.duration=600s", "clients.0.rate=100/s", set];
        get(&laboratory("paced", &sets), Metric::LatencyMeanS)
    };
    assert!((mean("clients.0.work=2.5") - 0.0025).abs() < 1e-9);
    let exponential = mean("clients.0.work={ exponential = { mean = 3 } }");
    assert!((exponential / 0.003 - 1.0).abs() < 3.29 / 60_000f64.sqrt(), "{exponential}");
}
