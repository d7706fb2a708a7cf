//! A scenario from its text to the settled value and back.

use proptest::prelude::*;

use super::*;
use crate::dist::Dist;
use crate::ids::{NodeId, ZoneId};
use crate::model::spec::{
    Arrivals, BackOff, BurstSpec, ClientBalancing, ClientDns, ClientProtocol, DelayId, DnsSpec, End, EntryNode,
    HedgeAfter, HedgingSpec, Jitter, LatencyFrom, Mechanism, PoolSpec, PreStopAction, ServiceKind, ServiceSpec,
    SessionAffinity, Traffic, TrafficDistribution, TrafficPolicy,
};
use crate::units::{IntOrPercent, KernelVersion, Rate, SimDuration, Version};

fn settled(text: &str) -> Scenario {
    settled_with(text, &[])
}

fn settled_with(text: &str, sets: &[&str]) -> Scenario {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    match read(&Source::new("a.toml", text), &sets) {
        Ok((scenario, _)) => scenario,
        Err(problems) => panic!("{}", render(&problems, false)),
    }
}

/// The code, line and column of each error, and the key.
fn errors(text: &str, sets: &[&str]) -> Vec<String> {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    let problems = read(&Source::new("a.toml", text), &sets).err().unwrap_or_default();
    problems.iter().map(one_line).collect()
}

fn one_line(problem: &Problem) -> String {
    let place = problem.place.as_ref().map(|place| format!("{}:{}:{}", place.file, place.line, place.column));
    format!("{} {}", place.unwrap_or_default(), problem.code)
}

fn check(text: &str, expected: &[&str]) {
    assert_eq!(errors(text, &[]), expected, "{text}");
}

fn check_sets(text: &str, sets: &[&str], expected: &[&str]) {
    assert_eq!(errors(text, sets), expected, "{text} {sets:?}");
}

/// One of each key, as in the description of the file format.
const ALL_KEYS: &str = r#"
name = "all-keys"
description = "One of each \"key\"\n\u007f"

[run]
end = { after_old_pods_gone = "2s" }
replications = 200
seed = 18446744073709551615

[rollout]
at = { uniform = ["10s", "30s"] }
kind = "rolling_update"

[cluster]
version = "1.31"
nodes = 3
size = "large"
services = 20
endpoints = 100
cni = "routed"
kernel = "4.19"
zones = 2

[deployment]
replicas = 3
max_surge = 1
max_unavailable = "30%"
min_ready = "1.5s"
progress_deadline = "2147483647s"

[pod]
termination_grace_period = "45s"
boot = "0s"
readiness_probe = { initial_delay = "1s", period = "1s", timeout = "2s", success_threshold = 2, failure_threshold = 2 }
pre_stop.exec = { duration = "10s", fails_readiness = true, fails = false }

[pod.server]
profile = "ignores-signal"
workers = "unlimited"
service_time = { sum = ["1ms", { gamma = { shape = 2, mean = "3ms" } }] }
response_time = "5ms"
keep_alive_requests = 100
keep_alive_timeout = "10s"
on_stop = "stops"
in_flight = "drain"
queued = "serve"

[service]
kind = "cluster_ip"
external_traffic_policy = "cluster"
internal_traffic_policy = "local"
session_affinity = "client_ip"
session_affinity_timeout = "1h"
traffic_distribution = "prefer_close"

[dns]
ttl = "5s"
resolver_cache = "0s"

[kube_proxy]
mode = "instant"
iptables_backend = "nft"
min_sync_period = "100ms"
sync_period = "10s"
expire_nodest_conn = false
initial_tokens = [0, 1.5]

[[clients]]
profile = "paced"
connections = 3
users = 2
rate = "30/m"
arrivals = "together"
think_time = { uniform = ["1s", "2s"] }
work = { lognormal = { median = 1, p99 = 20 } }
idempotent = 0.25
catch_up = false
latency_from = "due"
idle_timeout = "90s"
max_age = "1m"
max_age_grace = "7s"
max_requests = [10, 20]
max_idle = 2
shape = [["0s", 0.5], ["1m", 2.25], ["2m", 0.5]]
shape_starts_at = "30s"
stops_on = ["reset", "connect_refused"]
via = "service"
traffic = "internal"
node = 2
addresses = 3
local_ports = 100
dns = "30s"
keep_alive = false
warm_up = true
spread_to_end = true
retry = "reused_once"
notices_close = false
honours_connection_close = false
closes_after_error = true
free_connect = true
connect_timeout = "1s"
request_timeout = "2s"

[clients.reconnect]
back_off = "3s"
jitter = "none"
work = 40

[clients.burst]
on = "2s"
off = "3s"
quiet = 0.5

[clients.retries]
attempts = 4
on = ["timeout", "http_503"]
non_idempotent = true
back_off = "200ms"
back_off_factor = 3
back_off_max = "2s"
jitter = "equal"
budget = 0.2

[[clients]]
profile = "open"
arrivals = "constant"
hedging = { delay = "20ms", budget = 0.1 }

[[clients]]
profile = "vegeta"
arrivals = "trace"
trace = [0, "1500ms", 2.5, 2.5]

[[clients]]
profile = "vegeta"
protocol = "http2"
balancing = "round_robin"

[delays]
kp_sync = "80ms"
stop = "2ms"
kp_background = "0s"

[nodes.2.delays]
kp_sync = { quantiles = [[0, "1ms"], [1, "2ms"]] }
[nodes.0]
zone = "none"
delays.route = "7ns"
[nodes.1]
zone = 5

[model]
without = ["silent_retry", "sync_time"]

[sweep]
replications = 3
vary = { "pod.pre_stop.sleep" = ["0s"] }
"#;

#[test]
fn each_key_reaches_its_field() {
    let scenario = settled(ALL_KEYS);
    let secs = SimDuration::from_secs;
    assert_eq!(scenario.description, "One of each \"key\"\n\u{7f}");
    assert_eq!(scenario.run.end, End::AfterOldPodsGone(secs(2)));
    assert_eq!(scenario.run.seed, u64::MAX);
    assert_eq!(scenario.rollout_at, Dist::Uniform(secs(10), secs(30)));
    assert_eq!(scenario.cluster.version, Version::minor(31));
    assert_eq!(scenario.deployment.max_unavailable, IntOrPercent::Percent(30));
    assert_eq!(scenario.deployment.min_ready, SimDuration::from_millis(1_500));
    let hook = scenario.pod.pre_stop.unwrap();
    assert_eq!((hook.action, hook.duration, hook.fails_readiness), (PreStopAction::Exec, secs(10), true));
    assert_eq!(scenario.pod.server.workers, None);
    assert_eq!(scenario.kube_proxy.initial_tokens, (0.0, 1.5));
    assert_eq!(scenario.clients[0].rate, Rate::per_second(0.5).unwrap());
    assert_eq!(scenario.clients[0].node, EntryNode::Node(NodeId(2)));
    assert_eq!(scenario.clients[1].arrivals, Arrivals::Constant);
    assert_eq!(scenario.delays.get(DelayId::StopRpc), &Dist::Constant(SimDuration::from_millis(2)));
    assert_eq!(scenario.delays.kp_background, Rate::ZERO);
    assert_eq!(scenario.delays.overrides().map(|(node, _)| node.0).collect::<Vec<_>>(), [0, 2]);
    assert!(scenario.without.has(Mechanism::SyncTime) && !scenario.without.has(Mechanism::ProxyBatching));
}

#[test]
fn each_key_of_a_client_reaches_its_field() {
    let scenario = settled(ALL_KEYS);
    let (client, secs) = (&scenario.clients[0], SimDuration::from_secs);
    assert_eq!((client.users, client.connections, client.all_connections()), (2, 3, 6));
    assert_eq!(client.think_time, Dist::Uniform(secs(1), secs(2)));
    assert_eq!(client.work.to_string(), "{ lognormal = { median = 1.0, p99 = 20.0 } }");
    assert_eq!((client.idempotent, client.catch_up, client.latency_from), (0.25, false, LatencyFrom::Due));
    let (idle_timeout, max_age, max_age_grace) = (Some(secs(90)), Some(secs(60)), Some(secs(7)));
    assert_eq!(
        client.pool,
        PoolSpec { idle_timeout, max_age, max_age_grace, max_requests: Some((10, 20)), max_idle: Some(2) }
    );
    let reconnect = client.reconnect.unwrap();
    assert_eq!((reconnect.work, reconnect.back_off.base, reconnect.back_off.jitter), (40.0, secs(3), Jitter::None));
    assert_eq!(
        (scenario.clients[3].protocol, scenario.clients[3].balancing),
        (ClientProtocol::Http2, ClientBalancing::RoundRobin)
    );
    assert_eq!(client.burst, BurstSpec { on: secs(2), off: secs(3), quiet: 0.5 });
    assert_eq!((client.shape.starts_at, client.shape.points[1]), (secs(30), (secs(60), 2.25)));
    let millis = [0, 1_500, 2_500, 2_500].map(SimDuration::from_millis);
    assert_eq!(scenario.clients[2].trace, millis);
    assert!(client.stops_on.names().eq(["connect_refused", "reset"]));
    let after = HedgeAfter::Delay(SimDuration::from_millis(20));
    assert_eq!(scenario.clients[1].hedging, Some(HedgingSpec { after, budget: Some(0.1) }));
    let retries = client.retries.unwrap();
    assert!(retries.on.names().eq(["timeout", "http_503"]) && retries.non_idempotent);
    assert_eq!((retries.attempts, retries.budget), (4, Some(0.2)));
    let (base, max) = (SimDuration::from_millis(200), secs(2));
    assert_eq!(retries.back_off, BackOff { base, factor: 3.0, max, jitter: Jitter::Equal });
}

#[test]
fn hedging_is_refused_where_it_is_not_modelled() {
    let client = |keys: &str| format!("[[clients]]\n{keys}");
    check(&client("profile = \"open\"\nhedging = {}"), &[]);
    check(&client("hedging = {}"), &["a.toml:1:1 not-modelled"]);
    check(&client("profile = \"open\"\nhedging = {}\nretries = {}"), &["a.toml:1:1 conflict"]);
    let both = "profile = \"open\"\nhedging = { delay = \"1s\", quantile = 0.9 }";
    check(&client(both), &["a.toml:3:13 conflict"]);
    check(&client("profile = \"open\"\nhedging = { quantile = 1.0 }"), &["a.toml:3:24 out-of-range"]);
}

#[test]
fn streams_are_refused_where_they_are_not_modelled() {
    let client = |keys: &str| format!("[ingress]\n[[clients]]\nprofile = \"grpc\"\n{keys}");
    check(&client(""), &[]);
    check(&client("via = \"ingress\""), &["a.toml:2:1 not-modelled"]);
    check(&client("keep_alive = false"), &["a.toml:2:1 not-modelled"]);
    check("[[clients]]\nprofile = \"hey\"\nprotocol = \"http2\"", &["a.toml:1:1 not-modelled"]);
    check("[[clients]]\nprotocol = \"http3\"", &["a.toml:2:12 not-modelled"]);
}

#[test]
fn each_key_of_the_data_plane_reaches_its_field() {
    let scenario = settled(ALL_KEYS);
    let (secs, zone) = (SimDuration::from_secs, |node| scenario.cluster.zone_of(NodeId(node)));
    assert_eq!([zone(0), zone(1), zone(2)], [None, Some(ZoneId(5)), Some(ZoneId(0))]);
    assert_eq!(scenario.cluster.endpoints, 100);
    assert_eq!(scenario.cluster.kernel, KernelVersion { major: 4, minor: 19 });
    let service = ServiceSpec {
        kind: ServiceKind::ClusterIp,
        external_traffic_policy: TrafficPolicy::Cluster,
        internal_traffic_policy: TrafficPolicy::Local,
        session_affinity: SessionAffinity::ClientIp,
        session_affinity_timeout: secs(3_600),
        traffic_distribution: TrafficDistribution::PreferClose,
    };
    assert_eq!(scenario.service, service);
    assert_eq!(scenario.dns, DnsSpec { ttl: secs(5), resolver_cache: SimDuration::ZERO });
    assert!(!scenario.kube_proxy.expire_nodest_conn);
    let client = &scenario.clients[0];
    assert_eq!((client.addresses, client.local_ports, client.dns), (3, 100, ClientDns::CachedFor(secs(30))));
    assert_eq!((client.traffic, settled("name = \"x\"").clients[0].traffic), (Traffic::Internal, Traffic::External));
}

#[test]
fn defaults_are_shown_in_full() {
    insta::assert_snapshot!(settled_toml(&defaults("defaults")));
}

#[test]
fn a_file_that_only_has_a_name_is_all_defaults() {
    assert_eq!(settled("name = \"x\""), defaults("x"));
    assert_eq!(settled("[run]").name, "a");
}

#[test]
fn defaults_depend_on_version_and_profile() {
    let old = settled("cluster.version = \"1.19\"");
    assert!(old.kube_proxy.min_sync_period.is_zero());
    assert_ne!(old.delays.get(DelayId::ObjGone), defaults("a").delays.get(DelayId::ObjGone));
    let large = settled("cluster.size = \"large\"");
    assert_eq!(large.delays.get(DelayId::ApiWrite), &Dist::lognormal_ms(15, 300));
    let hook = settled("pod.pre_stop.sleep = \"5s\"").pod.pre_stop.unwrap();
    assert_eq!(hook.action, PreStopAction::Sleep);
    assert_eq!(settled("pod.pre_stop.sleep = \"0s\"").pod.pre_stop, None);
}

#[test]
fn what_is_settled_reads_back_equal() {
    for text in [ALL_KEYS, "name = \"x\"", "cluster.version = \"1.28\"\npod.pre_stop.sleep = \"5s\""] {
        let scenario = settled(text);
        assert_eq!(settled(&settled_toml(&scenario)), scenario);
    }
}

#[test]
fn a_set_is_checked_like_the_file() {
    let text = "[deployment]\nreplicas = 3\n[pod.pre_stop]\nexec = { duration = \"1s\" }";
    let sets = ["deployment.replicas=5", "deployment.max_surge=50%", "clients.0.rate=100/s", "cluster.version=1.30"];
    let scenario = settled_with(text, &sets);
    assert_eq!(scenario.deployment.replicas, 5);
    assert_eq!(scenario.deployment.max_surge, IntOrPercent::Percent(50));
    assert_eq!(scenario.clients[0].rate, Rate::per_second(100.0).unwrap());
    assert_eq!(scenario.cluster.version, Version::minor(30));
    check_sets(text, &["pod.pre_stop.sleep=5s"], &["--set[1]:1:14 more-than-one-hook"]);
    check_sets(text, &["pod.pre_stop={ sleep = '5s' }"], &[]);
    check_sets(text, &["run.seed=1", "deployment.replicas=0"], &["--set[2]:1:21 out-of-range"]);
    check_sets(text, &["deployment.replicas.x=0"], &["--set[1]:1:12 bad-set"]);
    check_sets(text, &["deploymnt.replicas=1"], &["--set[1]:1:1 unknown-key"]);
    check_sets("", &["run.seed=1"], &["a.toml:1:1 empty-file"]);
}

#[test]
fn all_problems_come_at_once_and_in_order() {
    check(
        "name = 1\n[deployment]\nreplicas = -1\nmaxSurge = 1\n[pod]\nboot = 5\n[cluster]\nversion = \"1.99\"",
        &[
            "a.toml:1:8 wrong-type",
            "a.toml:3:12 out-of-range",
            "a.toml:4:1 unknown-key",
            "a.toml:6:8 missing-unit",
            "a.toml:8:11 bad-version",
        ],
    );
}

#[test]
fn a_syntax_error_hides_only_its_own_line() {
    check(
        "[run]\nseed = = 2\nreplications = 0",
        &["a.toml:2:8 syntax", "a.toml:2:10 syntax", "a.toml:3:16 out-of-range"],
    );
}

#[test]
fn deep_and_huge_files_are_refused_quietly() {
    assert!(!errors(&format!("x = {}1{}", "[".repeat(10_000), "]".repeat(10_000)), &[]).is_empty());
    assert!(!errors(&format!("{}x = 1", "a.".repeat(10_000)), &[]).is_empty());
    let sum = format!("pod.boot = {}\"1s\"{}", "{ sum = [".repeat(30), "] }".repeat(30));
    assert!(errors(&sum, &[]).is_empty());
    assert!(errors(&"x\n".repeat(100_000), &[]).len() <= 200);
}

fn any_duration(most_ms: u64) -> impl Strategy<Value = String> {
    (0..=most_ms * 1_000_000).prop_map(|nanos| format!("{:?}", SimDuration::from_nanos(nanos).to_string()))
}

fn any_dist() -> impl Strategy<Value = String> {
    let two = (1u64..1_000_000_000, 0u64..1_000_000_000);
    let leaf = (two, 0.05f64..1000.0, 0..8).prop_map(|((low, more), shape, kind)| {
        let (low, high) = (SimDuration::from_nanos(low), SimDuration::from_nanos(low + more));
        match kind {
            0 => format!("\"{low}\""),
            1 => format!("{{ uniform = [\"{low}\", \"{high}\"] }}"),
            2 => format!("{{ exponential = {{ mean = \"{low}\" }} }}"),
            3 => format!("{{ lognormal = {{ median = \"{low}\", p99 = \"{high}\" }} }}"),
            4 => format!("{{ weibull = {{ shape = {shape:?}, scale = \"{low}\" }} }}"),
            5 => format!("{{ pareto = {{ shape = {shape:?}, min = \"{low}\" }} }}"),
            6 => format!("{{ gamma = {{ shape = {shape:?}, mean = \"{low}\" }} }}"),
            _ => format!("{{ quantiles = [[0.0, \"{low}\"], [0.25, \"{high}\"], [1.0, \"{high}\"]] }}"),
        }
    });
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop::collection::vec(inner, 1..4).prop_map(|parts| format!("{{ sum = [{}] }}", parts.join(", ")))
    })
}

/// A valid scenario's text: a subset of the keys with values from all over their range.
fn any_scenario() -> impl Strategy<Value = String> {
    let hook = prop_oneof![
        Just(String::new()),
        any_duration(30_000).prop_map(|time| format!("pre_stop.sleep = {time}")),
        (any_duration(60_000), any::<bool>(), any::<bool>()).prop_map(|(time, unready, fails)| format!(
            "pre_stop.exec = {{ duration = {time}, fails_readiness = {unready}, fails = {fails} }}"
        )),
        any_duration(60_000).prop_map(|time| format!("pre_stop.http.duration = {time}")),
    ];
    let surge = prop_oneof![(1u32..100).prop_map(|n| n.to_string()), (1u32..1_000).prop_map(|n| format!("\"{n}%\""))];
    let client = (0usize..3, 0.001f64..1e4, any::<bool>(), 0u32..4).prop_map(|(profile, rate, keep, node)| {
        let profile = ["fortio", "paced", "open"][profile];
        let node = if node == 3 { "\"spread\"".to_owned() } else { node.to_string() };
        format!("[[clients]]\nprofile = \"{profile}\"\nrate = \"{rate}/s\"\nkeep_alive = {keep}\nnode = {node}\n")
    });
    let clients = prop::collection::vec(client, 0..3).prop_map(|clients| clients.concat());
    let delays = prop::collection::vec((prop::sample::select(DelayId::ALL), any_dist()), 0..4);
    let head = (".{0,20}", any::<u64>(), 10u32..=36, any_dist());
    (head, hook, surge, clients, (delays, 0u32..3)).prop_map(
        |((description, seed, version, at), hook, surge, clients, (delays, node))| {
            let mut delays: Vec<_> = delays;
            delays.sort_by_key(|(id, _)| *id);
            delays.dedup_by_key(|(id, _)| *id);
            let delays: String = delays.iter().map(|(id, dist)| format!("{} = {dist}\n", id.name())).collect();
            let description = description.escape_unicode().to_string().replace("\\u{", "\\U{");
            let description = fixed_width_escapes(&description);
            format!(
                "description = \"{description}\"\nrun.seed = {seed}\nrollout.at = {at}\ncluster = {{ version = \"1.{version}\", \
                 nodes = 3 }}\ndeployment.max_surge = {surge}\n[pod]\n{hook}\n{clients}[delays]\n{delays}\
                 [nodes.{node}.delays]\n{delays}"
            )
        },
    )
}

/// Rust's `\U{e9}` as TOML's `\U000000e9`.
fn fixed_width_escapes(text: &str) -> String {
    let codes = text.split("\\U{").skip(1).filter_map(|part| part.strip_suffix('}'));
    codes.map(|code| format!("\\U{code:0>8}")).collect()
}

/// Some bytes of a valid file replaced, so that most of it is still a scenario.
fn mutated() -> impl Strategy<Value = String> {
    const PIECES: [&str; 14] = [
        "",
        "\"",
        "=",
        "[",
        "]",
        "{",
        "}",
        "\n",
        "-1",
        "nan",
        "1e999",
        "99999999999999999999999999999999999999999",
        "é",
        ".",
    ];
    let edits = prop::collection::vec((any::<prop::sample::Index>(), 0usize..6, 0..PIECES.len()), 1..6);
    (any_scenario(), any::<bool>(), edits).prop_map(|(small, all, edits)| {
        let mut text: Vec<char> = if all { ALL_KEYS.chars().collect() } else { small.chars().collect() };
        for (index, removed, piece) in edits {
            let start = index.index(text.len());
            let end = (start + removed).min(text.len());
            text.splice(start..end, PIECES[piece].chars());
            text.push('\n');
        }
        text.into_iter().collect()
    })
}

/// Reading ends; every error has a place, which rendering shows.
fn check_refusal(text: &str, sets: &[String]) -> Result<(), TestCaseError> {
    let Err(problems) = read(&Source::new("a.toml", text), sets) else { return Ok(()) };
    prop_assert!(problems.iter().any(Problem::is_error));
    for problem in problems.iter().take(5) {
        let place = problem.place.as_ref();
        prop_assert!(place.is_some(), "{problem:?}");
        let place = place.map(|place| format!("{}:{}:{}", place.file, place.line, place.column)).unwrap_or_default();
        let shown = render(std::slice::from_ref(problem), false);
        prop_assert!(shown.contains(&place), "{place} in\n{shown}");
    }
    Ok(())
}

proptest! {
    #[test]
    fn settling_then_reading_gives_the_same_scenario(text in any_scenario()) {
        let scenario = settled(&text);
        prop_assert_eq!(settled(&settled_toml(&scenario)), scenario);
    }

    #[test]
    fn any_text_is_read_or_refused_with_a_place(text in any::<String>()) {
        check_refusal(&text, &[])?;
    }

    #[test]
    fn a_mutated_scenario_is_read_or_refused_with_a_place(text in mutated()) {
        check_refusal(&text, &[])?;
    }

    #[test]
    fn any_set_is_taken_or_refused_with_a_place(set in any::<String>(), value in any::<String>()) {
        check_refusal("name = \"a\"", &[set.clone(), format!("{set}={value}"), format!("pod.pre_stop.sleep={value}")])?;
        check_refusal("name = \"a\"", &[format!("clients.0.{set}={value}")])?;
    }

    #[test]
    fn any_bytes_are_text_or_refused_with_a_place(bytes in any::<Vec<u8>>()) {
        match Source::from_bytes("a.toml", &bytes) {
            Ok(source) => check_refusal(&source.text, &[])?,
            Err(problem) => prop_assert!(problem.place.is_some()),
        }
    }
}
