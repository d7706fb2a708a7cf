//! What holds in every run of every scenario: random scenarios, written as a user would write them, small enough to be
//! run by the dozen.
//!
//! The scenarios are the same at each run of the tests; `PROPTEST_RNG_SEED=N PROPTEST_CASES=1000` looks elsewhere.

use std::fmt;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{RngSeed, TestCaseResult};
use rollsim::explain::traced;
use rollsim::model::spec::{ClientSpec, Mechanism, Scenario};
use rollsim::record::{FailureKind, LostRequest, Met, Metric, Metrics, PodEvent, PodRecord, RunOutput, Trace};
use rollsim::run::{Options, run_once};

use crate::common::{count, scenario};

/// The text of a scenario, shown as it is when a property fails.
#[derive(Clone)]
pub(crate) struct Text(pub(crate) String);

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{}", self.0)
    }
}

/// One of several lines or tables of a scenario file.
fn one_of(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    select(texts).prop_map(str::to_owned)
}

fn key(name: &'static str, values: &'static [&'static str]) -> impl Strategy<Value = String> {
    select(values).prop_map(move |value| format!("{name} = {value}\n"))
}

fn run() -> impl Strategy<Value = String> {
    let end = key("[run]\nend", &["{ after_old_pods_gone = \"1s\" }"]);
    let duration = key("[run]\nduration", &["\"20s\"", "\"21.3s\""]);
    (prop_oneof![4 => duration, 1 => end], any::<u32>()).prop_map(|(end, seed)| format!("{end}seed = {seed}\n"))
}

/// With the fencepost settings that Kubernetes accepts.
fn deployment() -> impl Strategy<Value = String> {
    const FENCEPOSTS: [(&str, &str); 8] = [
        ("1", "0"),
        ("0", "1"),
        ("2", "1"),
        ("\"25%\"", "\"25%\""),
        ("\"1%\"", "0"),
        ("0", "\"1%\""),
        ("\"100%\"", "\"100%\""),
        ("10", "0"),
    ];
    let text = |(replicas, (surge, unavailable), min_ready): (u32, (&str, &str), String)| {
        format!(
            "[deployment]\nreplicas = {replicas}\nmax_surge = {surge}\nmax_unavailable = {unavailable}\n{min_ready}"
        )
    };
    (1..9_u32, select(&FENCEPOSTS[..]), one_of(&["", "min_ready = \"2s\"\n"])).prop_map(text)
}

fn cluster() -> impl Strategy<Value = String> {
    let versions = (10..37_u32).prop_map(|minor| format!("version = \"1.{minor}\"\n"));
    let nodes = (1..4_u32).prop_map(|nodes| format!("nodes = {nodes}\n"));
    let rest = (
        key("cni", &["\"bridge\"", "\"routed\""]),
        key("size", &["\"small\"", "\"large\""]),
        one_of(&["", "kernel = \"4.19\"\n"]),
    );
    (versions, nodes, rest)
        .prop_map(|(version, nodes, (cni, size, kernel))| format!("[cluster]\n{version}{nodes}{cni}{size}{kernel}"))
}

/// Hooks, among them such as outlast the grace period; the native sleep must not.
const HOOKS: [&str; 8] = [
    "",
    "pre_stop.sleep = \"0s\"\n",
    "pre_stop.sleep = \"700ms\"\n",
    "pre_stop.exec = { duration = \"3s\" }\n",
    "pre_stop.exec = { duration = \"3s\", fails_readiness = true }\n",
    "pre_stop.exec = { duration = \"40s\" }\n",
    "pre_stop.exec = { fails = true }\n",
    "pre_stop.http = { duration = \"1s\" }\n",
];

fn pod() -> impl Strategy<Value = String> {
    let grace = key("[pod]\ntermination_grace_period", &["\"1s\"", "\"3s\"", "\"30s\""]);
    let boot = one_of(&["", "boot = \"2s\"\n", "boot = \"0s\"\n"]);
    let probe = one_of(&[
        "",
        "readiness_probe = { period = \"1s\" }\n",
        "readiness_probe = { period = \"1s\", failure_threshold = 1, initial_delay = \"1s\" }\n",
    ]);
    (grace, boot, select(&HOOKS[..]), probe, server()).prop_map(|(a, b, c, d, e)| [&a, &b, c, &d, &e].concat())
}

fn server() -> impl Strategy<Value = String> {
    let profile = key("[pod.server]\nprofile", &["\"nginx-sigterm\"", "\"nginx-sigquit\"", "\"ignores-signal\""]);
    let service = one_of(&["", "service_time = { exponential = { mean = \"15ms\" } }\n", "service_time = \"300ms\"\n"]);
    let workers = one_of(&["", "workers = \"unlimited\"\n", "workers = 4\n"]);
    let queued = one_of(&["", "queued = \"serve\"\n", "in_flight = \"drain\"\n", "response_time = \"50ms\"\n"]);
    let kept = one_of(&["", "keep_alive_requests = 5\n", "keep_alive_timeout = \"200ms\"\n"]);
    (profile, service, workers, queued, kept).prop_map(|(a, b, c, d, e)| [a, b, c, d, e].concat())
}

fn network() -> impl Strategy<Value = String> {
    let service = one_of(&[
        "[service]\nkind = \"node_port\"\n",
        "[service]\nkind = \"cluster_ip\"\n",
        "[service]\nkind = \"load_balancer\"\nexternal_traffic_policy = \"local\"\n",
        "[service]\nkind = \"cluster_ip\"\nsession_affinity = \"client_ip\"\nsession_affinity_timeout = \"1s\"\n",
        "[dns]\nttl = \"3s\"\n[service]\nkind = \"headless\"\n",
    ]);
    let period = key("[kube_proxy]\nmin_sync_period", &["\"0s\"", "\"1s\"", "\"10s\""]);
    let mode = one_of(&[
        "",
        "mode = \"instant\"\n",
        "iptables_backend = \"nft\"\n",
        "mode = \"ipvs\"\n",
        "mode = \"ipvs\"\nexpire_nodest_conn = true\n",
        "mode = \"ebpf\"\n",
    ]);
    let without =
        key("[model]\nwithout", &["[]", "[]", "[\"silent_retry\"]", "[\"conntrack_pinning\", \"sync_time\"]"]);
    (service, period, mode, without).prop_map(|(a, b, c, d)| [a, b, c, d].concat())
}

fn client() -> impl Strategy<Value = String> {
    let profile = one_of(&[
        "profile = \"fortio\"\nconnections = 4\n",
        "profile = \"fortio\"\nconnections = 1\nretry = \"none\"\n",
        "profile = \"paced\"\nconnections = 8\n",
        "profile = \"paced\"\nretry = \"reused_once\"\nnotices_close = false\narrivals = \"together\"\n",
        "profile = \"paced\"\nfree_connect = true\nwarm_up = true\n",
        "profile = \"open\"\n",
        "profile = \"open\"\narrivals = \"constant\"\nretry = \"reused_once\"\n",
        "profile = \"go\"\nmax_idle = 1\n",
        "profile = \"open\"\nhedging = { delay = \"3ms\" }\n",
        "profile = \"go\"\nhedging = { quantile = 0.5, budget = 0.3 }\n",
        "profile = \"grpc\"\nhedging = { delay = \"0s\" }\nidempotent = true\nrequest_timeout = \"3s\"\n",
        "profile = \"grpc\"\nmax_age = \"2s\"\ndns = \"each_connect\"\nrequest_timeout = \"3s\"\n",
        "profile = \"grpc\"\nbalancing = \"round_robin\"\nrequest_timeout = \"3s\"\n",
        "profile = \"session\"\nusers = 6\nreconnect = { back_off = \"300ms\", work = 3 }\n",
        "profile = \"open\"\narrivals = \"bursty\"\nburst = { on = \"300ms\", off = \"1s\", quiet = 0.1 }\n",
        "profile = \"open\"\narrivals = \"daily\"\nshape = [[\"0s\", 0], [\"2s\", 2], [\"4s\", 0]]\nshape_starts_at = \"1s\"\n",
        "profile = \"okhttp\"\narrivals = \"trace\"\ntrace = [0, 1, 2.5, 2.5, 4, \"5s\", 6, 7.25, 8, 9]\n",
        "profile = \"hey\"\nconnections = 3\nthink_time = \"20ms\"\nmethod = \"POST\"\n",
        "profile = \"hey\"\nconnections = 3\narrivals = \"staggered\"\n",
        "profile = \"wrk\"\nusers = 2\nconnections = 2\nthink_time = { exponential = { mean = \"60ms\" } }\n",
        "profile = \"ab\"\nconnections = 2\nthink_time = \"10ms\"\n",
        "profile = \"browser\"\nusers = 2\nthink_time = \"80ms\"\nwarm_up = true\n",
    ]);
    let rules = one_of(&[
        "",
        "",
        "idempotent = 0.5\nwork = { exponential = { mean = 2 } }\n",
        "max_requests = [2, 5]\nidle_timeout = \"100ms\"\n",
        "max_age = \"1s\"\nretries = { attempts = 3, budget = 0.1 }\n",
        "retries = { attempts = 5, on = [\"timeout\", \"http_503\", \"reset\", \"connect_refused\"], jitter = \"equal\" }\n",
        "stops_on = [\"eof\", \"reset\"]\nidle_timeout = \"50ms\"\n",
    ]);
    let rest = (
        key("rate", &["\"50/s\"", "\"47.3/s\""]),
        key("keep_alive", &["true", "false"]),
        one_of(&["", "connect_timeout = \"500ms\"\n", "request_timeout = \"250ms\"\n"]),
        key("node", &["\"spread\"", "0"]),
        one_of(&[
            "",
            "traffic = \"internal\"\n",
            "addresses = 2\nlocal_ports = 30\n",
            "dns = \"ttl\"\n",
            "dns = \"1s\"\n",
        ]),
    );
    (profile, rules, rest).prop_map(|(profile, rules, (a, b, c, d, e))| {
        // A profile that states a key keeps it.
        let beside_hedging = |key: &str| profile.contains("hedging") && ["retries", "stops_on"].contains(&key);
        let is_stated = |key: &str| profile.contains(&format!("{key} =")) || beside_hedging(key);
        let stated = |line: &&str| !line.split_once(" =").is_some_and(|(key, _)| is_stated(key));
        let of = |text: String| text.split_inclusive('\n').filter(&stated).collect::<String>();
        let (rules, c, e) = (of(rules), of(c), of(e));
        // Streams share a connection that is kept, to a pod: `via` does not know this header.
        let streams = profile.contains("grpc");
        let (header, b) = if streams { ("[[clients]] \n", String::new()) } else { ("[[clients]]\n", b) };
        [header, &profile, &rules, &a, &b, &c, &d, &e].concat()
    })
}

/// Balancers of all kinds, with quick checks, tight limits, and none.
fn balancers() -> impl Strategy<Value = String> {
    let ingress = one_of(&[
        "",
        "[ingress]\nkind = \"reload\"\nreplicas = 2\nworker_shutdown_timeout = \"1s\"\n",
        "[ingress]\nkind = \"dynamic\"\nnext_upstream_tries = 1\npolicy = \"ewma\"\n",
        "[ingress]\npreset = \"istio\"\npolicy = \"maglev\"\noutlier_detection = { consecutive_failures = 1 }\n",
        "[ingress]\ntarget = \"service\"\nupstream_keep_alive = 0\nread_timeout = \"200ms\"\n",
        "[ingress]\npreset = \"haproxy\"\npolicy = \"least_request\"\nupstream_keep_alive_requests = 3\n",
        "[ingress]\npreset = \"skipper\"\nkeep_alive_requests = 4\nnext_upstream = [\"error\", \"timeout\"]\n",
    ]);
    let load_balancer = one_of(&[
        "",
        "[load_balancer]\nhealth_check = { interval = \"1s\" }\nderegistration_delay = \"1s\"\n",
        "[load_balancer]\npreset = \"aws-nlb\"\ntarget = \"instance\"\n",
        "[load_balancer]\npreset = \"aws-nlb\"\nderegistration = \"2s\"\n",
        "[load_balancer]\npreset = \"aws-nlb\"\ntarget = \"ingress\"\n",
        "[load_balancer]\npreset = \"gcp\"\nreadiness_gate = true\nregistration = \"1s\"\nnext_upstream_tries = 0\n",
        "[load_balancer]\ntarget = \"ingress\"\nnext_upstream = [\"http_502\", \"http_504\"]\n\
         next_upstream_tries = 3\nread_timeout = \"150ms\"\n",
    ]);
    (ingress, load_balancer).prop_map(|(ingress, load_balancer)| {
        let fits = !ingress.is_empty() || !load_balancer.contains("target = \"ingress\"");
        if fits { ingress + &load_balancer } else { ingress }
    })
}

/// Clients go through what there is.
fn via(clients: &str, balancers: &str, way: u8) -> String {
    let ways: Vec<&str> =
        ["ingress", "load_balancer"].into_iter().filter(|way| balancers.contains(&format!("[{way}]"))).collect();
    match ways.get(usize::from(way) % ways.len().max(1)).filter(|_| way < 6) {
        Some(way) => clients.replace("[[clients]]\n", &format!("[[clients]]\nvia = \"{way}\"\n")),
        None => clients.to_owned(),
    }
}

/// In front of a headless Service there are no rules to send by.
fn knowing_pods(balancers: &str) -> String {
    balancers.replace("target = \"service\"", "target = \"ip\"").replace("target = \"instance\"", "target = \"ip\"")
}

pub(crate) fn any_scenario() -> impl Strategy<Value = Text> {
    let ways = (prop_oneof![2 => Just(String::new()), 3 => balancers()], 0..8_u8);
    let tables = (run(), cluster(), deployment(), pod(), network(), prop::collection::vec(client(), 1..3), ways);
    tables.prop_map(|(a, b, c, d, e, clients, (balancers, way))| {
        let balancers = if e.contains("headless") { knowing_pods(&balancers) } else { balancers };
        let clients = via(&clients.concat(), &balancers, way);
        let rollout = "[rollout]\nat = { uniform = [\"2s\", \"4s\"] }\n";
        Text([rollout, &a, &b, &c, &d, &e, &balancers, &clients].concat())
    })
}

pub(crate) fn config() -> ProptestConfig {
    let mut config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = count(200, 2_500);
    }
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(1);
    }
    config
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_request_ends_once_and_every_fact_is_in_its_place(text in any_scenario()) {
        let scenario = scenario(&text.0, &[]);
        let output = run_once(&scenario, 0, Options { check: true, trace: true, ..Options::default() });
        counts_add_up(&output.metrics, &scenario)?;
        connections_are_severed_once(&output.metrics, &scenario)?;
        times_make_sense(&output.metrics)?;
        pods_are_counted(&output.metrics, &scenario)?;
        let trace = output.trace.as_ref().unwrap();
        losses_are_told(&output.metrics, trace, &scenario)?;
        trace.pods.iter().try_for_each(lives_go_forward)?;
        looking_changes_nothing(&scenario, &output)?;
    }
}

/// A count or time that every run has.
fn value(metrics: &Metrics, metric: Metric) -> f64 {
    metrics.get(metric).unwrap_or_else(|| panic!("every run has {}", metric.name()))
}

fn counts_add_up(metrics: &Metrics, scenario: &Scenario) -> TestCaseResult {
    let value = |metric| value(metrics, metric);
    prop_assert!(value(Metric::Requests) > 0.0);
    prop_assert_eq!(value(Metric::Succeeded) + value(Metric::Failed), value(Metric::Requests));
    let kinds: f64 = FailureKind::ALL.iter().map(|kind| value(kind.metric())).sum();
    prop_assert_eq!(kinds, value(Metric::Failed));
    // Of two attempts of a hedged request the first may be answered though the second ran, too.
    let hedged = scenario.clients.iter().any(|client| client.hedging.is_some());
    prop_assert!(hedged || value(Metric::Duplicated) <= value(Metric::Retried) + value(Metric::Failed));
    prop_assert!(value(Metric::Retried) <= value(Metric::Succeeded));
    Ok(())
}

/// Without pinning the connections of a pod that stops move to other pods, which sever them again.
fn connections_are_severed_once(metrics: &Metrics, scenario: &Scenario) -> TestCaseResult {
    let (severed, opened) = (value(metrics, Metric::ConnectionsSevered), value(metrics, Metric::ConnectionsOpened));
    prop_assert!(severed <= opened || scenario.without.has(Mechanism::ConntrackPinning), "{severed} of {opened}");
    Ok(())
}

fn times_make_sense(metrics: &Metrics) -> TestCaseResult {
    for metric in Metric::ALL.iter().filter(|metric| metric.is_seconds()) {
        let value = metrics.get(*metric).unwrap_or(0.0);
        prop_assert!(value.is_finite() && value >= 0.0, "{} is {value}", metric.name());
    }
    let rising =
        [Metric::LatencyP50S, Metric::LatencyP90S, Metric::LatencyP99S, Metric::LatencyP999S, Metric::LatencyMaxS];
    prop_assert!(rising.map(|metric| metrics.get(metric)).is_sorted());
    Ok(())
}

fn pods_are_counted(metrics: &Metrics, scenario: &Scenario) -> TestCaseResult {
    let replicas = f64::from(scenario.deployment.replicas);
    prop_assert!(value(metrics, Metric::MinReadyPods) <= replicas);
    prop_assert!((replicas..=2.0 * replicas).contains(&value(metrics, Metric::MaxPods)));
    Ok(())
}

fn losses_are_told(metrics: &Metrics, trace: &Trace, scenario: &Scenario) -> TestCaseResult {
    prop_assert_eq!(trace.lost.len() as f64, value(metrics, Metric::Failed));
    prop_assert!(trace.lost.is_sorted_by_key(|lost| lost.known));
    // A refused stream is sent again once, and one that was not sent as often as its connection ends first; `retries` say how
    // often themselves.
    let again = |client: &ClientSpec| client.retries.is_some();
    let most = if scenario.clients.iter().any(again) { u8::MAX } else { 5 };
    trace.lost.iter().try_for_each(|lost| loss_makes_sense(lost, trace, most))
}

fn loss_makes_sense(lost: &LostRequest, trace: &Trace, most: u8) -> TestCaseResult {
    prop_assert!(lost.sent <= lost.met_at && lost.met_at <= lost.known, "{lost:?}");
    prop_assert!((1..=most).contains(&lost.attempts) || lost.replica.is_some(), "{lost:?}");
    prop_assert!(lost.node.0 < trace.nodes, "{lost:?}");
    prop_assert!(lost.pod.is_none_or(|pod| pod.index() < trace.pods.len()), "{lost:?}");
    Ok(())
}

/// Both chains of a life in order, as far as it got.
fn lives_go_forward(pod: &PodRecord) -> TestCaseResult {
    use PodEvent::*;
    let start = [Created, Scheduled, KubeletSeen, SandboxReady, Started, Listening];
    let routed = [Created, Started, Ready, EndpointIn];
    let stop = [Deleted, KubeletDeleted, HookBegan, HookEnded, Signalled, ListenerClosed, Exited, NamespaceGone];
    let killed = [Deleted, KubeletDeleted, Killed, Exited, Removed];
    let unrouted = [Deleted, EndpointsSeen, EndpointOut];
    for chain in [&start[..], &routed, &stop, &killed, &unrouted] {
        let times: Vec<_> = chain.iter().filter_map(|event| Some((pod.at(*event)?, *event))).collect();
        prop_assert!(times.is_sorted_by_key(|(at, _)| *at), "{:?}: {times:?}", pod.pod);
    }
    Ok(())
}

fn looking_changes_nothing(scenario: &Scenario, seen: &RunOutput) -> TestCaseResult {
    let unseen = run_once(scenario, 0, Options::default());
    prop_assert_eq!((unseen.metrics, unseen.digest), (seen.metrics, seen.digest));
    Ok(())
}

/// A client that does not look before it writes knows at once that the server had closed; the picture drew its loss
/// later than it was known.
#[test]
fn a_loss_on_a_connection_closed_before_was_met_after_its_client_knew() {
    let text = "[run]\nduration = \"20s\"\n[rollout]\nat = \"3s\"\n[pod.server]\nprofile = \"nginx-sigterm\"\n\
                [[clients]]\nprofile = \"fortio\"\nconnections = 1\nretry = \"none\"\nrate = \"50/s\"\n";
    let trace = traced(&scenario(text, &[]), 0);
    let lost = trace.lost.iter().find(|lost| lost.met == Met::ClosedIdle).unwrap();
    assert_eq!((lost.met_at, lost.known), (lost.sent, lost.sent));
}
