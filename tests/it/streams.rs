//! Requests that share connections as streams, and sessions that begin again.

use rollsim::explain::traced;
use rollsim::record::{FailureKind, Met, Metric, Metrics, PodEvent};

use crate::common::{count, runs, scenario, shipped, values};

/// One client with a channel, twenty streams under way at any time.
const GRPC: &str = r#"
    [run]
    duration = "40s"
    [rollout]
    at = "5s"
    [deployment]
    replicas = 3
    max_surge = 1
    max_unavailable = 0
    [pod]
    readiness_probe = { period = "1s" }
    pre_stop.sleep = "3s"
    [pod.server]
    profile = "nginx-sigquit"
    workers = "unlimited"
    service_time = "200ms"
    [service]
    kind = "cluster_ip"
    [[clients]]
    profile = "grpc"
    rate = "100/s"
"#;

fn get(run: &Metrics, metric: Metric) -> f64 {
    run.get(metric).unwrap_or_else(|| panic!("every run has {}", metric.name()))
}

fn sum(runs: &[Metrics], metric: Metric) -> f64 {
    values(runs, metric).iter().sum()
}

#[test]
fn streams_share_one_connection() {
    let run = runs(&scenario(GRPC, &["rollout.at=10h"]), 1)[0];
    assert_eq!((get(&run, Metric::ConnectionsOpened), get(&run, Metric::Failed)), (1.0, 0.0));
    assert!(get(&run, Metric::Requests) > 3_500.0);
    let other = runs(&scenario(GRPC, &["rollout.at=10h", "clients.0.profile=open"]), 1)[0];
    assert!(get(&other, Metric::ConnectionsOpened) > 15.0, "HTTP/1.1 needs one for each request under way");
}

/// GOAWAY: streams under way are finished, and those that crossed it are sent again. A server that cuts sends none.
#[test]
fn a_server_that_drains_loses_no_stream_and_one_that_cuts_does() {
    let drained = runs(&scenario(GRPC, &[]), count(20, 300));
    assert_eq!(sum(&drained, Metric::Failed), 0.0);
    assert!(sum(&drained, Metric::ConnectionsSevered) > 10.0);
    let opened = values(&drained, Metric::ConnectionsOpened);
    assert!(opened.iter().all(|opened| (2.0..=4.0).contains(opened)), "one for each pod that it lost: {opened:?}");
    let cut = runs(&scenario(GRPC, &["pod.server.profile=nginx-sigterm"]), count(20, 300));
    let severed = sum(&cut, Metric::ConnectionsSevered);
    let per_connection = sum(&cut, Metric::Failed) / severed;
    assert!((15.0..=25.0).contains(&per_connection), "twenty streams are under way on each: {per_connection}");
}

/// All pods go, one soon after the other, far away: a stream that crosses the GOAWAY of one may cross that of the next.
const ALL_GO: &[&str] = &[
    "rollout.at=3s",
    "run.duration=12s",
    "deployment.max_unavailable=3",
    "deployment.max_surge=0",
    "delays.rtt_pod=300ms",
    "delays.server_stop={ uniform = [\"0s\", \"2s\"] }",
    "kube_proxy.mode=instant",
    "delays.unroute=1h",
    "cluster.cni=routed",
    "pod.server.service_time=1ms",
    "pod.pre_stop.sleep=0s",
    "clients.0.arrivals=constant",
];

/// A stream that draining servers refused was sent again as often as that happened; gRPC does so once (proposal A6), and
/// asks the client's retries then, which do not count the first.
#[test]
fn a_refused_stream_was_sent_again_without_end() {
    let refused = |sets: &[&str]| {
        let scenario = scenario(GRPC, &[ALL_GO, sets].concat());
        let lost = (0..u64::from(count(30, 300))).flat_map(|replication| traced(&scenario, replication).lost);
        let mets = [Met::ClosedIdle, Met::ClosedUnread];
        lost.filter(|lost| mets.contains(&lost.met)).map(|lost| lost.attempts).collect::<Vec<_>>()
    };
    let lost = refused(&[]);
    assert!(lost.len() > 20 && lost.iter().all(|attempts| *attempts == 2), "{lost:?}");
    let retries = "clients.0.retries={ attempts = 2, non_idempotent = true, back_off = \"0s\" }";
    let rarely = refused(&[retries]);
    assert!(rarely.len() * 2 < lost.len() && rarely.iter().all(|attempts| *attempts == 3), "{rarely:?}");
}

/// The server's maximal age is spread by a tenth to both sides.
#[test]
fn a_connection_is_replaced_at_its_age() {
    let run = |age: &str| runs(&scenario(GRPC, &["rollout.at=10h", &format!("clients.0.max_age={age}")]), 20);
    let opened = values(&run("4s"), Metric::ConnectionsOpened);
    assert!(opened.iter().all(|opened| (9.0..=12.0).contains(opened)), "{opened:?}");
    assert!(opened.iter().any(|other| *other != opened[0]), "the ages differ: {opened:?}");
}

/// Twenty streams want to be under way, ten may: a second of work is done in two, and the others wait for room. Where no more than
/// so many fit, throughput is the limit over the service time.
#[test]
fn a_connection_carries_as_many_streams_as_the_server_allows() {
    let sets = ["rollout.at=10h", "run.duration=20s", "clients.0.arrivals=constant"];
    let run = |limit: &str| runs(&scenario(GRPC, &[&sets[..], &[limit]].concat()), 1)[0];
    let (free, limited) = (run("pod.server.max_streams=none"), run("pod.server.max_streams=10"));
    assert!(get(&free, Metric::LatencyMaxS) < 0.21, "{free:?}");
    assert_eq!(get(&limited, Metric::ConnectionsOpened), 1.0);
    assert_eq!(get(&limited, Metric::Requests), get(&free, Metric::Requests));
    // 2,000 come in 20 s, 50 a second are served: the last waits for 20 s.
    let last = get(&limited, Metric::LatencyMaxS);
    assert!((19.5..20.6).contains(&last), "{last}");
    assert_eq!(get(&run("pod.server.max_streams=21"), Metric::LatencyMaxS), get(&free, Metric::LatencyMaxS));
}

/// Streams that wait for room on a connection that ends, or whose address goes, go on over another.
#[test]
fn who_waits_for_room_is_not_forgotten() {
    let sets =
        ["service.kind=headless", "clients.0.balancing=round_robin", "clients.0.max_age=1s", "clients.0.rate=60/s"];
    let several = |limit: &str| runs(&scenario(GRPC, &[&sets[..], &[limit, "run.duration=60s"]].concat()), 5);
    let (tight, free) = (several("pod.server.max_streams=5"), several("pod.server.max_streams=none"));
    assert_eq!(values(&tight, Metric::Requests), values(&free, Metric::Requests));
    let mean = |runs: &[Metrics]| sum(runs, Metric::LatencyMeanS) / runs.len() as f64;
    let (waits, plain) = (mean(&tight), mean(&free));
    assert!(waits > 1.01 * plain && waits < 3.0 * plain, "{waits} {plain}");
}

/// A connection at its age takes no new streams; those on it that last longer than the grace are cut, and lost if nobody asks again.
#[test]
fn a_grace_after_the_maximal_age_cuts_what_is_still_there() {
    let sets = ["rollout.at=10h", "clients.0.max_age=5s", "pod.server.service_time=2s", "pod.server.max_streams=none"];
    let run = |grace: &str| runs(&scenario(GRPC, &[&sets[..], &[grace]].concat()), 5);
    let (none, short) = (run("clients.0.max_age_grace=none"), run("clients.0.max_age_grace=500ms"));
    assert_eq!(sum(&none, Metric::Failed), 0.0);
    // Of the 200 streams under way at the end of a connection a quarter is done within the grace.
    let ends = sum(&short, Metric::ConnectionsOpened) - 5.0;
    let each = sum(&short, Metric::FailedEof) / ends;
    assert!((130.0..170.0).contains(&each), "{each} of each of {ends}");
    assert_eq!(sum(&short, Metric::Failed), sum(&short, Metric::FailedEof));
    assert_eq!(sum(&run("clients.0.max_age_grace=3s"), Metric::Failed), 0.0);
}

/// Without streams a connection ends after its idle time, the server's or the client's.
#[test]
fn a_connection_without_streams_ends() {
    let sets = ["rollout.at=10h", "clients.0.arrivals=constant", "clients.0.rate=0.5/s"];
    let opened =
        |set: &str| get(&runs(&scenario(GRPC, &[&sets[..], &[set]].concat()), 1)[0], Metric::ConnectionsOpened);
    assert_eq!(opened("pod.server.keep_alive_timeout=3s"), 1.0);
    let requests = get(&runs(&scenario(GRPC, &sets), 1)[0], Metric::Requests);
    assert_eq!([opened("pod.server.keep_alive_timeout=1s"), opened("clients.0.idle_timeout=1s")], [requests; 2]);
}

/// A lame duck tells with its answers that it will stop: the connection takes no more streams, and nothing is cut.
#[test]
fn a_server_that_says_goodbye_gets_no_new_streams() {
    let sets = ["pod.server.profile=lame-duck", "pod.server.workers=unlimited", "pod.pre_stop.sleep=0s"];
    let trace = traced(&scenario(GRPC, &sets), 0);
    assert!(trace.lost.is_empty(), "{:?}", trace.lost);
    let runs = runs(&scenario(GRPC, &sets), 20);
    assert_eq!(sum(&runs, Metric::ConnectionsSevered), 0.0, "no stop finds a connection that its client still uses");
}

/// One address for each pod of a headless Service, taken in turn: load is even, which that of one connection is not.
#[test]
fn round_robin_has_a_connection_to_each_address() {
    let sets = ["rollout.at=10h", "service.kind=headless", "clients.0.balancing=round_robin"];
    assert_eq!(get(&runs(&scenario(GRPC, &sets), 1)[0], Metric::ConnectionsOpened), 3.0);
    let first = [&sets[..], &["clients.0.balancing=pick_first"]].concat();
    assert_eq!(get(&runs(&scenario(GRPC, &first), 1)[0], Metric::ConnectionsOpened), 1.0);
    // A connection that ends has the name asked again: addresses that went are given up before their servers stop.
    let rollout = runs(&scenario(GRPC, &sets[1..]), count(20, 200));
    assert_eq!(sum(&rollout, Metric::FailedEof), 0.0);
    assert!(values(&rollout, Metric::ConnectionsSevered).iter().all(|severed| *severed >= 1.0));
}

/// Streams take turns over the addresses that are connected: one that cannot be reached, or not yet, gets none, and nothing is
/// lost to it.
#[test]
fn round_robin_leaves_out_addresses_that_are_not_connected() {
    let sets = [
        "service.kind=headless",
        "clients.0.balancing=round_robin",
        "pod.server.profile=go-shutdown",
        "pod.pre_stop.sleep=0s",
        // Else the names of the first minute are those of pods that are all gone.
        "clients.0.dns=1s",
        "dns.ttl=1s",
    ];
    let runs = runs(&scenario(GRPC, &sets), count(20, 200));
    assert_eq!(sum(&runs, Metric::FailedConnectRefused) + sum(&runs, Metric::FailedConnectTimeout), 0.0);
    // A stream takes 0.2 s; none waits for a connection that cannot be made.
    let longest = values(&runs, Metric::LatencyMaxS);
    assert!(longest.iter().all(|longest| *longest < 0.5), "{longest:?}");
}

/// Streams begin on an old pod long after no rule has it any more, up to the end of its hook; those are what is lost.
#[test]
fn streams_stay_on_old_pods_until_their_server_says_go() {
    let scenario = shipped("grpc-streams-stay", &[]);
    let mut late = 0;
    for replication in 0..u64::from(count(5, 50)) {
        let trace = traced(&scenario, replication);
        assert!(trace.lost.iter().all(|lost| matches!(lost.kind, FailureKind::Eof | FailureKind::Truncated)));
        for lost in &trace.lost {
            let pod = lost.pod.unwrap();
            let deleted = trace.pods[pod.index()].at(PodEvent::Deleted).unwrap();
            assert!(pod.0 < 3 && lost.sent > deleted, "{lost:?}");
            late += u32::from((lost.sent - deleted).as_secs_f64() > 11.0);
        }
    }
    assert!(late > 100, "{late} streams began on pods that had been deleted 11 s before");
    let ages = ["clients.0.max_age=5s", "clients.1.max_age=5s", "clients.2.max_age=5s"];
    let aged = runs(&shipped("grpc-streams-stay", &ages), count(5, 50));
    assert_eq!(sum(&aged, Metric::Failed), 0.0);
}

/// A thousand sessions of a pod begin again: at once they outwait their time-out, spread they do not.
#[test]
fn sessions_that_begin_again_at_once_make_a_storm() {
    let several = |sets: &[&str]| runs(&shipped("reconnect-storm", sets), count(2, 20));
    let (storm, spread) = (several(&[]), several(&["clients.0.reconnect.jitter=full"]));
    assert!(sum(&storm, Metric::Failed) > 100.0, "{} lost", sum(&storm, Metric::Failed));
    assert_eq!(sum(&spread, Metric::Failed), 0.0);
    assert!(sum(&spread, Metric::ConnectionsSevered) >= 6_000.0);
}

/// An eager client begins again when the end is seen; a lazy one with its next message, up to ten seconds later.
#[test]
fn a_session_begins_again_before_its_next_message() {
    let text = "[run]\nduration = \"40s\"\n[rollout]\nat = \"12s\"\n[deployment]\nreplicas = 1\n[[clients]]\nprofile = \"session\"\n\
                users = 50\nrate = \"5/s\"\n";
    let last = |sets: &[&str]| {
        let trace = traced(&scenario(text, sets), 0);
        let exit = trace.pods[0].at(PodEvent::ListenerClosed).unwrap();
        let late = trace.connected.iter().map(|(at, ..)| *at).filter(|at| *at > exit).max();
        late.map_or(0.0, |at| (at - exit).as_secs_f64())
    };
    assert!(last(&[]) < 5.0, "{}", last(&[]));
    assert!(last(&["clients.0.reconnect.back_off=8s"]) > 6.0);
    assert!(last(&["clients.0.profile=paced", "clients.0.connections=1", "clients.0.users=50"]) > 6.0);
}
