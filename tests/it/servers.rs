//! What each server does on the stop signal: every row of the table of servers, read off whole runs.

use rollsim::explain::traced;
use rollsim::ids::PodId;
use rollsim::model::spec::ServerProfile;
use rollsim::record::{LostRequest, Met, Metric, PodEvent, Trace};

use crate::common::{runs, scenario, values};

/// Two pods behind one node; clients that keep connections and do not look before they write. The stop is the only delay.
const BASE: &str = r#"
    [run]
    duration = "60s"
    [rollout]
    at = "2s"
    [cluster]
    nodes = 1
    [deployment]
    replicas = 2
    max_surge = 1
    max_unavailable = 0
    [pod]
    boot = "0s"
    termination_grace_period = "40s"
    [pod.server]
    workers = "unlimited"
    [kube_proxy]
    mode = "instant"
    [[clients]]
    profile = "paced"
    connections = 12
    rate = "120/s"
    notices_close = false
    [delays]
    server_stop = "0s"
"#;

/// When the listener closes.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Accepts {
    /// At the signal.
    UntilSignal,
    /// So many seconds after it.
    For(f64),
    /// Until the process ends by itself.
    UntilExit,
    /// Until it is killed.
    UntilKill,
}

/// What a request on a connection that was idle at the stop meets.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Idle {
    Closed,
    Served,
    /// The next response ends the connection.
    Last,
    Rejected,
    /// There are no such connections: each carries one request.
    None,
}

/// What becomes of a request in service.
#[derive(Debug, Clone, Copy, PartialEq)]
enum InFlight {
    Cut,
    Drained,
    /// Drained for at most so many seconds.
    Within(f64, f64),
}

type Row = (&'static str, Accepts, Idle, InFlight);

const AT_GRACE: Accepts = Accepts::UntilKill;
const AT_ONCE: Accepts = Accepts::UntilSignal;
const THIRTY: InFlight = InFlight::Within(30.0, 30.0);

const TABLE: &[Row] = &[
    ("nginx-sigterm", AT_ONCE, Idle::Closed, InFlight::Cut),
    ("nginx-sigquit", AT_ONCE, Idle::Closed, InFlight::Drained),
    ("ignores-signal", AT_GRACE, Idle::Served, InFlight::Drained),
    ("shell-wrapper", AT_GRACE, Idle::Served, InFlight::Drained),
    ("apache-sigwinch", AT_ONCE, Idle::Closed, InFlight::Drained),
    ("apache-sigterm", AT_ONCE, Idle::Closed, InFlight::Cut),
    ("go", AT_ONCE, Idle::Closed, InFlight::Cut),
    ("go-shutdown", AT_ONCE, Idle::Closed, InFlight::Drained),
    ("node", AT_GRACE, Idle::Served, InFlight::Drained),
    ("node-close", AT_ONCE, Idle::Closed, InFlight::Drained),
    ("node-close-18", AT_ONCE, Idle::Served, InFlight::Drained),
    ("python-http-server", AT_ONCE, Idle::None, InFlight::Cut),
    ("gunicorn-sync", AT_ONCE, Idle::None, THIRTY),
    ("gunicorn-gthread", AT_ONCE, Idle::Closed, THIRTY),
    ("gunicorn-sigquit", AT_ONCE, Idle::Closed, InFlight::Within(0.1, 0.1)),
    ("uvicorn", AT_ONCE, Idle::Closed, InFlight::Drained),
    ("spring-boot-graceful", AT_ONCE, Idle::Rejected, THIRTY),
    ("spring-boot-immediate", AT_ONCE, Idle::Closed, InFlight::Within(0.0, 2.0)),
    ("jetty", AT_ONCE, Idle::Closed, THIRTY),
    ("reactor-netty", AT_ONCE, Idle::Closed, THIRTY),
    ("undertow", Accepts::UntilExit, Idle::Rejected, THIRTY),
    ("kestrel", AT_ONCE, Idle::Closed, THIRTY),
    ("puma", AT_ONCE, Idle::Closed, InFlight::Drained),
    ("envoy", AT_ONCE, Idle::Closed, InFlight::Cut),
    ("haproxy-sigusr1", AT_ONCE, Idle::Last, InFlight::Drained),
    ("haproxy-sigterm", AT_ONCE, Idle::Closed, InFlight::Cut),
    ("lame-duck", Accepts::For(10.0), Idle::Last, InFlight::Drained),
];

fn trace(profile: &str, sets: &[&str]) -> Trace {
    let profile = format!("pod.server.profile={profile}");
    traced(&scenario(BASE, &[&[&profile as &str], sets].concat()), 0)
}

/// From the signal to another event of old pod 0, in seconds.
fn after_signal(trace: &Trace, event: PodEvent) -> f64 {
    let pod = trace.pod(PodId(0)).unwrap();
    let signal = pod.at(PodEvent::Signalled).unwrap();
    (pod.at(event).unwrap() - signal).as_secs_f64()
}

fn lost(trace: &Trace, met: Met) -> Vec<&LostRequest> {
    trace.lost.iter().filter(|lost| lost.met == met).collect()
}

#[test]
fn the_table_has_every_profile() {
    let rows: Vec<&str> = TABLE.iter().map(|row| row.0).collect();
    assert!(ServerProfile::NAMES.iter().all(|(name, _)| rows.contains(name)), "{rows:?}");
    assert_eq!(rows.len(), ServerProfile::NAMES.len());
}

#[test]
fn listeners_close_when_the_table_says() {
    for (profile, accepts, ..) in TABLE {
        // A request in service keeps the process.
        let trace = trace(profile, &["pod.server.service_time=300ms"]);
        let [closed, exited] = [PodEvent::ListenerClosed, PodEvent::Exited].map(|event| after_signal(&trace, event));
        let expected = match accepts {
            Accepts::UntilSignal => 0.0,
            Accepts::For(seconds) => *seconds,
            Accepts::UntilExit => exited,
            Accepts::UntilKill => after_signal(&trace, PodEvent::Killed),
        };
        assert_eq!(closed, expected, "{profile}");
        assert!(*accepts != Accepts::UntilExit || exited > 0.0, "{profile}: {exited}");
    }
}

#[test]
fn idle_connections_end_as_the_table_says() {
    for (profile, accepts, idle, _) in TABLE {
        // Half of the connections are idle at the stop.
        let trace = trace(profile, &["clients.0.rate=40/s", "pod.server.service_time=150ms"]);
        let [closed, rejected] = [Met::ClosedIdle, Met::StoppingServer].map(|met| lost(&trace, met).len());
        let killed = trace.pod(PodId(0)).unwrap().at(PodEvent::Killed).is_some();
        // What a server that serves on keeps ends with SIGKILL.
        let expected_closed = matches!(idle, Idle::Closed | Idle::Served);
        assert_eq!(rejected > 0, *idle == Idle::Rejected, "{profile}: {rejected} answered 503");
        assert_eq!(killed, *idle == Idle::Served, "{profile}");
        let may_be_either = *idle == Idle::Rejected;
        assert!(may_be_either || (closed > 0) == expected_closed, "{profile}: {closed} met a closed connection");
        assert!(*accepts != Accepts::UntilKill || killed, "{profile}");
        assert!(*idle != Idle::None || trace.lost.iter().all(|lost| !lost.reused), "{profile}");
    }
}

#[test]
fn requests_in_service_end_as_the_table_says() {
    for (profile, accepts, _, in_flight) in TABLE {
        let trace = trace(profile, &["pod.server.service_time=300ms", "pod.server.connection_close=true"]);
        let cut = lost(&trace, Met::CutInService).len();
        let exited = after_signal(&trace, PodEvent::Exited);
        match in_flight {
            InFlight::Cut => assert!(cut > 0 && exited == 0.0, "{profile}: {cut} cut, {exited} s"),
            InFlight::Within(_, most) if *most < 0.3 => assert!(cut > 0, "{profile}: {cut}"),
            // Those in service at SIGKILL are cut whatever the server wants.
            InFlight::Drained if *accepts == Accepts::UntilKill => assert_eq!(exited, 40.0, "{profile}"),
            InFlight::Drained | InFlight::Within(..) => {
                assert!(*profile == "spring-boot-immediate" || cut == 0, "{profile}: {cut}")
            }
        }
    }
}

/// A request that takes longer than anybody waits for it.
#[test]
fn draining_takes_as_long_as_the_table_allows() {
    for (profile, _, _, in_flight) in TABLE {
        let sets = ["pod.server.service_time=2m", "clients.0.request_timeout=3m", "run.duration=70s"];
        let exited = after_signal(&trace(profile, &sets), PodEvent::Exited);
        match in_flight {
            InFlight::Cut => assert_eq!(exited, 0.0, "{profile}"),
            InFlight::Drained => assert_eq!(exited, 40.0, "{profile}: until SIGKILL"),
            InFlight::Within(least, most) => assert!((*least..=*most).contains(&exited), "{profile}: {exited}"),
        }
    }
}

/// The column "tells client": what is drained is answered with `Connection: close`, or without a word.
const TELLS: &[&str] = &[
    "nginx-sigquit",
    "go-shutdown",
    "node-close",
    "gunicorn-gthread",
    "spring-boot-graceful",
    "jetty",
    "reactor-netty",
    "kestrel",
    "puma",
    "haproxy-sigusr1",
    "lame-duck",
];
const TELLS_NOTHING: &[&str] =
    &["apache-sigwinch", "node-close-18", "gunicorn-sigquit", "uvicorn", "spring-boot-immediate", "undertow"];

/// How many requests a client that does not look before it writes sends on connections whose last response the server has sent;
/// there is a request in service on each at the stop. Of a server that keeps serving there is no last response: how many
/// seconds it is kept from its end.
fn sent_too_late(profile: &str, idle: Idle, sets: &[&str]) -> f64 {
    let always_busy = ["pod.server.service_time=50ms", "clients.0.rate=480/s"];
    let trace = trace(profile, &[&always_busy[..], sets].concat());
    match idle {
        Idle::Served => after_signal(&trace, PodEvent::Exited) - 0.05,
        _ => trace.lost.iter().filter(|lost| lost.reused).count() as f64,
    }
}

#[test]
fn clients_are_told_of_the_end_of_their_connection_as_the_table_says() {
    let drains = |row: &&Row| row.3 != InFlight::Cut && row.1 != AT_GRACE && row.2 != Idle::None;
    let mut told = 0;
    for (profile, _, idle, _) in TABLE.iter().filter(drains) {
        let (tells, silent) = (TELLS.contains(profile), TELLS_NOTHING.contains(profile));
        assert!(tells != silent, "{profile} is in one of the lists");
        let late = sent_too_late(profile, *idle, &[]);
        assert_eq!(late > 0.0, silent, "{profile}: {late}");
        // A client that does not listen has not been told; what keeps connections for one more response loses the next.
        let deaf = sent_too_late(profile, *idle, &["clients.0.honours_connection_close=false"]);
        assert!(deaf > 0.0, "{profile}: {deaf}");
        told += 1;
    }
    assert_eq!(told, TELLS.len() + TELLS_NOTHING.len());
}

/// Whoever looks before it writes, some time after the response, sees the end of a connection, told or not.
#[test]
fn a_silent_close_is_no_loss_for_clients_that_look() {
    for profile in ["apache-sigwinch", "uvicorn"] {
        let with_pauses = ["pod.server.service_time=50ms", "clients.0.rate=120/s", "clients.0.notices_close=true"];
        let looks = trace(profile, &with_pauses);
        assert!(looks.lost.iter().all(|lost| !lost.reused), "{profile}: {:?}", looks.lost);
        let writes = trace(profile, &[&with_pauses[..2], &["clients.0.notices_close=false"]].concat());
        assert!(writes.lost.iter().any(|lost| lost.reused), "{profile}");
    }
}

/// A server that stops gracefully: those that listen to `Connection: close` lose nothing on the connections that it keeps for
/// their last response.
#[test]
fn a_response_that_says_close_ends_its_connection_without_loss() {
    for profile in ["haproxy-sigusr1", "lame-duck"] {
        let trace = trace(profile, &[]);
        assert!(trace.lost.iter().all(|lost| !lost.reused), "{profile}: {:?}", trace.lost);
        let exited = after_signal(&trace, PodEvent::Exited);
        assert!(exited < 11.0, "{profile} does not wait for connections that are gone: {exited}");
    }
}

/// Before Node 19 `server.close()` waits for connections that it still serves; without requests each ends after 5 s.
#[test]
fn node_before_19_waits_for_idle_connections_to_time_out() {
    let quiet = trace("node-close-18", &["clients.0.rate=0.5/s"]);
    let exited = after_signal(&quiet, PodEvent::Exited);
    assert!(exited > 0.0 && exited <= 5.0, "{exited}");
}

/// What is not drained at once is found done at the next look: 1, 3, 7, … 511 ms after the stop, then each 500 ms, each step up
/// to a tenth longer.
#[test]
fn go_looks_ever_more_rarely_whether_it_is_drained() {
    let exited = |service: &str, sets: &[&str]| {
        let service = format!("pod.server.service_time={service}");
        after_signal(&trace("go-shutdown", &[&[&service as &str], sets].concat()), PodEvent::Exited)
    };
    // When the last request is done, and when that is found.
    let both = |service, rate| {
        let exact = exited(service, &[rate, "pod.server.drain_poll=none"]);
        (exact, exited(service, &[rate]))
    };
    let (exact, found) = both("300ms", "clients.0.rate=20/s");
    let looks = (0..10).map(|k| (2_f64.powi(k) - 1.0) / 1e3);
    let look = looks.rev().find(|look| *look <= found).unwrap();
    assert!(exact > 0.15 && (exact..=look * 1.1).contains(&found) && look / 2.0 < exact, "{exact} {found}");
    let (exact, found) = both("2s", "clients.0.rate=5/s");
    assert!(exact > 1.0 && (exact..exact + 0.55).contains(&found), "{exact} {found}");
    let steps = (found - 0.511) / 0.5;
    assert!((steps.floor() * 0.5 + 0.511) * 1.1 >= found, "at a look: {found}");
    let often = exited("2s", &["clients.0.rate=5/s", "pod.server.drain_poll=4ms"]);
    assert!((exact..exact + 0.0045).contains(&often), "{often}");
    assert_eq!(exited("1ms", &["clients.0.rate=1/m", "run.duration=120s"]), 0.0, "nothing to wait for");
}

/// A connection that the server has accepted and not yet heard of is new, not idle: Go serves its first request. Without one it is
/// given up after 5 s.
#[test]
fn go_keeps_connections_that_have_not_been_used() {
    let far =
        ["clients.0.keep_alive=false", "delays.rtt_pod=100ms", "clients.0.connections=100", "clients.0.rate=400/s"];
    let crossing = |profile: &str, sets: &[&str]| {
        let trace = trace(profile, &[&far[..], sets].concat());
        lost(&trace, Met::ClosedIdle).len() + lost(&trace, Met::ClosedUnread).len()
    };
    assert!(crossing("jetty", &[]) > 10 && crossing("go-shutdown", &["pod.server.keeps_new=0s"]) > 10);
    assert_eq!(crossing("go-shutdown", &[]), 0);
    let ingress = [
        "ingress={ upstream_keep_alive = 0, upstream_rtt = \"100ms\", next_upstream_tries = 1 }",
        "clients.0.via=ingress",
    ];
    assert!(crossing("jetty", &ingress) > 10);
    assert_eq!(crossing("go-shutdown", &ingress), 0);
    // The request comes 6 s after its connection, which is given up before.
    let slow =
        ["delays.rtt_pod=6s", "clients.0.request_timeout=1m", "clients.0.connect_timeout=1m", "clients.0.rate=10/s"];
    let very_far = trace("go-shutdown", &[&["clients.0.keep_alive=false"][..], &slow].concat());
    assert!(!lost(&very_far, Met::ClosedIdle).is_empty());
    let exited = after_signal(&very_far, PodEvent::Exited);
    assert!((4.0..5.6).contains(&exited), "{exited}");
}

/// How long each product keeps a connection without a request, and for how many requests (mechanics 7.3).
#[test]
fn connections_are_kept_as_the_product_does() {
    let (no_limit, day) = (1_000_000_000, 86_400);
    let rows = [
        ("nginx-sigterm nginx-sigquit ignores-signal shell-wrapper", 75, 1_000),
        ("apache-sigwinch apache-sigterm", 5, 100),
        ("go go-shutdown reactor-netty", day, no_limit),
        ("node node-close node-close-18 uvicorn", 5, no_limit),
        ("python-http-server", 75, 1),
        ("gunicorn-sync", 2, 1),
        ("gunicorn-gthread gunicorn-sigquit", 2, no_limit),
        ("spring-boot-graceful spring-boot-immediate", 60, 100),
        ("jetty", 30, no_limit),
        ("undertow", 60, no_limit),
        ("kestrel", 130, no_limit),
        ("puma", 20, no_limit),
        ("envoy", 3_600, no_limit),
        ("haproxy-sigusr1 haproxy-sigterm lame-duck", 75, no_limit),
    ];
    let profiles =
        rows.iter().flat_map(|(names, secs, requests)| names.split(' ').map(move |name| (name, *secs, *requests)));
    assert_eq!(profiles.clone().count(), TABLE.len());
    for (profile, secs, requests) in profiles {
        let server = scenario(BASE, &[&format!("pod.server.profile={profile}")]).pod.server;
        assert_eq!(server.keep_alive_timeout.as_secs_f64(), f64::from(secs), "{profile}");
        assert_eq!(server.keep_alive_requests, requests, "{profile}");
    }
    // A request each 6 s on each connection: kept for 75 s, not for 5 s.
    let opened = |profile: &str| {
        let profile = format!("pod.server.profile={profile}");
        let sets = [&profile as &str, "clients.0.rate=2/s", "rollout.at=10h", "clients.0.notices_close=true"];
        values(&runs(&scenario(BASE, &sets), 1), Metric::ConnectionsOpened)[0]
    };
    assert_eq!((opened("nginx-sigquit"), opened("node-close")), (12.0, 120.0));
}

/// What each product gives `listen(2)`, as its documentation says; the kernel allows 128 before Linux 5.4, then 4096.
#[test]
fn accept_queues_are_as_long_as_documented() {
    let rows = [
        ("nginx-sigterm nginx-sigquit apache-sigwinch apache-sigterm node node-close node-close-18", 511),
        ("python-http-server", 5),
        ("gunicorn-sync gunicorn-gthread gunicorn-sigquit uvicorn", 2_048),
        ("spring-boot-graceful spring-boot-immediate", 100),
        ("jetty", 50),
        ("undertow", 1_000),
        ("kestrel", 512),
        ("puma", 1_024),
        ("go go-shutdown reactor-netty envoy haproxy-sigusr1 haproxy-sigterm", 4_096),
        ("ignores-signal shell-wrapper lame-duck", 4_096),
    ];
    let mut told = 0;
    for (profiles, backlog) in rows {
        for profile in profiles.split(' ') {
            let scenario = scenario(BASE, &[&format!("pod.server.profile={profile}")]);
            assert_eq!(scenario.pod.server.backlog, backlog, "{profile}");
            told += 1;
        }
    }
    assert_eq!(told, TABLE.len());
    let longest = |kernel: &str| scenario(BASE, &[&format!("cluster.kernel={kernel}")]).cluster.somaxconn();
    assert_eq!([longest("5.3"), longest("5.4")], [128, 4_096]);
}

/// The readiness of a pod that is deleted does not matter to its Service, but load balancers look themselves.
#[test]
fn a_lame_duck_fails_the_checks_of_a_load_balancer() {
    let balanced = r#"
        [rollout]
        at = "2s"
        [deployment]
        replicas = 2
        [pod.server]
        profile = "lame-duck"
        [load_balancer]
        preset = "aws-nlb"
        target = "ip"
        registration = "0s"
        deregistration = "1h"
        health_check = { interval = "2s", threshold = 2 }
        [[clients]]
        profile = "open"
        rate = "100/s"
        keep_alive = false
        via = "load_balancer"
    "#;
    let refused = |sets: &[&str]| {
        let runs = runs(&scenario(balanced, sets), 20);
        values(&runs, Metric::FailedConnectRefused).iter().sum::<f64>()
    };
    let (told, silent) = (refused(&[]), refused(&["pod.server.lame_duck.fails_readiness=false"]));
    assert!(silent > 20.0 && told < 0.05 * silent, "{told} {silent}");
}

/// A proxy in front of a server that answers 503 while it stops passes the answer on, unless it tries 503 again.
#[test]
fn a_balancer_sees_the_503_of_a_stopping_server() {
    let proxied = |sets: &[&str]| {
        let sets = [&["ingress={ preset = \"nginx\" }", "clients.0.via=ingress"], sets].concat();
        let profile = ["pod.server.profile=undertow", "pod.server.service_time=200ms"];
        let runs = runs(&scenario(BASE, &[&profile[..], &sets[..]].concat()), 10);
        values(&runs, Metric::FailedHttp503).iter().sum::<f64>()
    };
    let (passed_on, tried_again) =
        (proxied(&[]), proxied(&["ingress.next_upstream=[\"error\", \"timeout\", \"http_503\"]"]));
    assert!(passed_on > 10.0 && tried_again < 0.2 * passed_on, "{passed_on} {tried_again}");
}
