//! How a new connection finds a pod, in whole runs: Service kinds and policies, hints, affinity, ipvs, DNS; and the
//! shipped scenarios that show them.

mod node;

use rollsim::explain::traced;
use rollsim::ids::{NodeId, PodId};
use rollsim::model::spec::Scenario;
use rollsim::record::{FailureKind, LostRequest, Met, Metric, PodEvent, RuleEvent, Trace};
use rollsim::units::{SimDuration, SimTime};

use crate::common::{Estimate, count, runs, scenario, shipped, values};

/// Two pods on two nodes, a new connection for each of 100 requests a second.
const BASE: &str = r#"
    [run]
    duration = "40s"
    [rollout]
    at = "10s"
    [cluster]
    nodes = 2
    [deployment]
    replicas = 2
    max_surge = 1
    max_unavailable = 0
    [pod.readiness_probe]
    period = "1s"
    [pod.pre_stop]
    sleep = "5s"
    [pod.server]
    workers = "unlimited"
    [[clients]]
    profile = "open"
    rate = "100/s"
    keep_alive = false
"#;

fn trace(sets: &[&str]) -> Trace {
    traced(&scenario(BASE, sets), 0)
}

fn mean(scenario: &Scenario, n: u32, metric: Metric) -> f64 {
    let values = values(&runs(scenario, n), metric);
    values.iter().sum::<f64>() / values.len() as f64
}

fn fates(trace: &Trace) -> Vec<(FailureKind, Met)> {
    let mut fates: Vec<_> = trace.lost.iter().map(|lost| (lost.kind, lost.met)).collect();
    fates.sort_unstable();
    fates.dedup();
    fates
}

fn check_fates(sets: &[&str], expected: &[(FailureKind, Met)]) {
    let trace = trace(sets);
    assert_eq!(fates(&trace), expected, "{sets:?}");
    assert!(!trace.connected.is_empty() || !expected.is_empty());
}

/// A node without a pod: three nodes, two pods, before any rollout.
#[test]
fn the_fate_of_a_connection_that_enters_at_a_node_without_a_pod() {
    let dropped = (FailureKind::ConnectTimeout, Met::NoLocalEndpoint);
    let refused = (FailureKind::ConnectRefused, Met::NoEndpoints);
    let at_node_2 = |sets: &[&'static str]| [&["cluster.nodes=3", "clients.0.node=2", "rollout.at=1h"], sets].concat();
    let (local, inside) = ("service.external_traffic_policy=local", "clients.0.traffic=internal");
    check_fates(&at_node_2(&[]), &[]);
    check_fates(&at_node_2(&[local]), &[dropped]);
    check_fates(&at_node_2(&[local, "service.kind=load_balancer"]), &[dropped]);
    check_fates(&at_node_2(&[local, inside]), &[]);
    check_fates(&at_node_2(&[local, "kube_proxy.mode=ipvs"]), &[refused]);
    check_fates(&at_node_2(&[local, "kube_proxy.mode=nftables"]), &[dropped]);
    check_fates(&at_node_2(&[local, "kube_proxy.mode=ebpf"]), &[dropped]);
    check_fates(&at_node_2(&["service.kind=cluster_ip", "service.internal_traffic_policy=local"]), &[dropped]);
    check_fates(&at_node_2(&["service.kind=cluster_ip"]), &[]);
    check_fates(&at_node_2(&["service.kind=headless"]), &[]);
    // The client's time is over after the retransmissions at 1 s and before the one at 3 s.
    let lost = trace(&at_node_2(&[local])).lost;
    assert!(lost.iter().all(|lost| lost.known - lost.sent == SimDuration::from_secs(3)));
}

/// A dropped SYN leaves no conntrack entry: its retransmission meets the rules anew, and gets through once the node has a
/// pod again. Both pods go at once here, and one successor is ready before the other.
#[test]
fn a_dropped_syn_gets_through_when_a_pod_has_come_to_the_node() {
    let sets = [
        "cluster.version=1.25",
        "deployment.max_surge=0",
        "deployment.max_unavailable=2",
        "clients.0.connect_timeout=30s",
        "service.external_traffic_policy=local",
    ];
    let runs = runs(&scenario(BASE, &sets), 20);
    assert_eq!(values(&runs, Metric::FailedConnectTimeout).iter().sum::<f64>(), 0.0);
    let slowest = values(&runs, Metric::LatencyMaxS).into_iter().fold(0.0, f64::max);
    assert!((1.0..8.0).contains(&slowest), "{slowest}");
}

/// The only pod is deleted before its successor is there: it serves on for the five seconds of its hook.
#[test]
fn terminating_endpoints_are_used_where_no_other_is_left_since_1_26() {
    let alone = ["deployment.replicas=1", "deployment.max_surge=0", "deployment.max_unavailable=1"];
    let of = |version: &'static str| trace(&[&alone[..], &[version]].concat()).lost;
    let before = of("cluster.version=1.25");
    assert!(!before.is_empty());
    assert!(before.iter().all(|lost| (lost.kind, lost.met) == (FailureKind::ConnectRefused, Met::NoEndpoints)));
    assert_eq!(of("cluster.version=1.26"), []);
}

/// Pods of the connections made before the rollout by one client, by node entered.
fn pods_before(sets: &[&str]) -> Vec<u32> {
    let mut pods: Vec<u32> = trace(&[&["rollout.at=1h", "run.duration=5s"], sets].concat())
        .connected
        .iter()
        .map(|(_, _, pod)| pod.0)
        .collect();
    pods.sort_unstable();
    pods.dedup();
    pods
}

#[test]
fn hints_keep_traffic_in_its_zone_or_on_its_node() {
    let four = |sets: &[&'static str]| {
        let base = ["cluster.nodes=4", "deployment.replicas=4", "cluster.zones=2", "clients.0.node=0"];
        pods_before(&[&base[..], &["service.kind=cluster_ip"], sets].concat())
    };
    assert_eq!(four(&[]), [0, 1, 2, 3]);
    assert_eq!(four(&["service.traffic_distribution=prefer_close"]), [0, 2]);
    assert_eq!(four(&["service.traffic_distribution=prefer_close", "cluster.version=1.31"]), [0, 2]);
    assert_eq!(four(&["service.traffic_distribution=prefer_same_zone"]), [0, 2]);
    assert_eq!(four(&["service.traffic_distribution=prefer_same_node"]), [0]);
    // Ignored where any ready endpoint lacks one, and where none is for this zone.
    assert_eq!(four(&["service.traffic_distribution=prefer_close", "nodes.3.zone=none"]), [0, 1, 2, 3]);
    assert_eq!(four(&["service.traffic_distribution=prefer_close", "nodes.0.zone=7", "nodes.1.zone=7"]), [0, 1]);
    let empty =
        ["service.traffic_distribution=prefer_close", "clients.0.node=3", "cluster.zones=4", "deployment.replicas=3"];
    assert_eq!(four(&empty), [0, 1, 2]);
}

/// While the zone's only pod is replaced all are used; then the zone has its own again.
#[test]
fn a_zone_that_is_emptied_falls_back_to_all() {
    let sets =
        ["cluster.zones=2", "service.kind=cluster_ip", "service.traffic_distribution=prefer_close", "clients.0.node=0"];
    let sets = [&sets[..], &["deployment.max_surge=0", "deployment.max_unavailable=1"]].concat();
    let trace = trace(&sets);
    assert_eq!(trace.lost, []);
    let elsewhere = |pod: PodId| trace.pod(pod).and_then(|record| record.node).is_some_and(|node| node.0 == 1);
    let went: Vec<bool> = trace.connected.iter().map(|(_, _, pod)| elsewhere(*pod)).collect();
    assert!(!went[0] && !went[went.len() - 1] && went.iter().any(|elsewhere| *elsewhere));
}

/// One address at one node: the pod changes only when it leaves the rules.
#[test]
fn a_client_keeps_its_pod_until_that_leaves_the_usable_set() {
    for mode in ["iptables", "nftables", "ipvs", "ebpf"] {
        let mode = format!("kube_proxy.mode={mode}");
        let trace = trace(&["service.session_affinity=client_ip", "clients.0.node=0", &mode]);
        let mut pods: Vec<PodId> = trace.connected.iter().map(|(_, _, pod)| *pod).collect();
        let first = pods[0];
        pods.dedup();
        assert!(pods.len() >= 2 && !pods[1..].contains(&first), "{mode}: {pods:?}");
        for two in pods.windows(2) {
            let out = trace.rule(two[0], NodeId(0)).unwrap().at(RuleEvent::Out).unwrap();
            let moved = trace.connected.iter().find(|(at, _, pod)| *pod == two[1] && *at >= out).unwrap().0;
            assert!(moved - out < SimDuration::from_millis(200), "{mode}: at the next connection");
        }
    }
}

#[test]
fn affinity_is_by_address_and_ends_with_its_timeout() {
    let pods = |sets: &[&'static str]| {
        pods_before(
            &[&["clients.0.node=0", "deployment.replicas=8", "service.session_affinity=client_ip"], sets].concat(),
        )
    };
    assert_eq!(pods(&[]).len(), 1);
    assert!(pods(&["clients.0.addresses=50"]).len() > 4);
    assert!(pods(&["service.session_affinity_timeout=10ms"]).len() > 4);
}

/// Ports come round after a second here: what the entries of ten seconds ago lead to, by kernel and version.
#[test]
fn the_fate_of_a_reused_port_in_ipvs() {
    let base = ["kube_proxy.mode=ipvs", "clients.0.local_ports=300", "clients.0.node=0", "service.kind=cluster_ip"];
    let of = |sets: &[&'static str]| trace(&[&base[..], sets].concat());
    let old = of(&["cluster.kernel=4.19"]);
    let is_stale = |lost: &LostRequest| {
        let out = lost.pod.and_then(|pod| old.rule(pod, lost.node)).and_then(|rule| rule.at(RuleEvent::Out));
        out.is_some_and(|out| out <= lost.met_at)
    };
    assert!(old.lost.len() > 500 && old.lost.iter().all(is_stale), "{}", old.lost.len());
    assert_eq!(of(&["cluster.kernel=5.9"]).lost, []);
    assert_eq!(of(&["cluster.kernel=4.19", "kube_proxy.mode=iptables"]).lost, []);
    assert_eq!(of(&["cluster.kernel=4.19", "clients.0.local_ports=60000"]).lost, []);
    // Up to 1.12 the SYN is dropped once: a second later it is served, before any rollout.
    let slow = scenario(BASE, &[&base[..], &["cluster.kernel=4.19", "cluster.version=1.12", "rollout.at=1h"]].concat());
    assert_eq!(mean(&slow, 3, Metric::Failed), 0.0);
    let p99 = mean(&slow, 3, Metric::LatencyP99S);
    assert!((1.0..1.1).contains(&p99), "{p99}");
}

/// Up to 1.12 a real server is deleted under its connections: silence, or a reset if the kernel is told to.
#[test]
fn connections_to_a_deleted_real_server_break() {
    let text = BASE.replace("profile = \"open\"", "profile = \"paced\"").replace("keep_alive = false", "");
    let of = |sets: &[&'static str]| {
        let base = ["kube_proxy.mode=ipvs", "pod.server.profile=ignores-signal", "service.kind=cluster_ip"];
        fates(&traced(&scenario(&text, &[&base[..], sets].concat()), 0))
    };
    let forgotten = |kind| (kind, Met::RealServerDeleted);
    assert_eq!(of(&["cluster.version=1.12"]), [forgotten(FailureKind::Timeout)]);
    assert_eq!(of(&["cluster.version=1.12", "kube_proxy.expire_nodest_conn=true"]), [forgotten(FailureKind::Reset)]);
    assert!(!of(&["cluster.version=1.13"]).iter().any(|(_, met)| *met == Met::RealServerDeleted));
}

/// The name's addresses are not in ipvs, whose empty table up to 1.12 broke every connection.
#[test]
fn a_headless_service_lost_everything_in_an_old_ipvs() {
    let sets = ["service.kind=headless", "kube_proxy.mode=ipvs", "cluster.version=1.12", "rollout.at=1h"];
    assert_eq!(trace(&sets).lost, []);
}

/// With ebpf the way out of the maps is one delay after the agent saw the slice, and the story can tell of it.
#[test]
fn an_ebpf_update_takes_its_delay_and_nothing_else() {
    let trace = trace(&["kube_proxy.mode=ebpf", "delays.ebpf_update=7ms"]);
    for pod in [PodId(0), PodId(1)] {
        let at = |event| trace.rule(pod, NodeId(0)).unwrap().at(event).unwrap();
        assert_eq!(at(RuleEvent::OutSync), at(RuleEvent::OutSeen));
        assert_eq!(at(RuleEvent::Out) - at(RuleEvent::OutSync), SimDuration::from_millis(7));
    }
}

/// The latest that any connection was tried at an old pod after it had left the slice.
fn stale_secs(sets: &[&str], replications: u64) -> f64 {
    let scenario = scenario(BASE, &[&["service.kind=headless", "run.duration=90s"], sets].concat());
    let stale = |replication| {
        let trace = traced(&scenario, replication);
        let out = |pod: PodId| trace.pod(pod).and_then(|record| record.at(PodEvent::EndpointOut));
        let after = |(at, pod): (SimTime, PodId)| out(pod).map_or(0.0, |out| at.saturating_since(out).as_secs_f64());
        let met = trace.lost.iter().filter_map(|lost| Some((lost.met_at, lost.pod?)));
        let made = trace.connected.iter().map(|(at, _, pod)| (*at, *pod));
        met.chain(made).map(after).fold(0.0, f64::max)
    };
    (0..replications).map(stale).fold(0.0, f64::max)
}

#[test]
fn addresses_of_dead_pods_are_used_as_long_as_caches_keep_them() {
    let none = stale_secs(&["dns.resolver_cache=0s"], 10);
    assert!(none < 0.5, "{none}");
    let cache = stale_secs(&[], 10);
    assert!((20.0..30.5).contains(&cache), "{cache}");
    let short = stale_secs(&["dns.ttl=5s"], 10);
    assert!((3.0..5.5).contains(&short), "{short}");
    let ttl = stale_secs(&["dns.resolver_cache=0s", "dns.ttl=10s", "clients.0.dns=ttl"], 10);
    assert!((6.0..10.5).contains(&ttl), "{ttl}");
    let own = stale_secs(&["dns.resolver_cache=5s", "clients.0.dns=20s"], 10);
    assert!((12.0..25.5).contains(&own), "{own}");
    let once = stale_secs(&["clients.0.dns=once"], 2);
    assert!(once > 60.0, "{once}");
}

/// The resolver's cache has run for long, so a pod that leaves the records is handed out for a uniform part of its 20 s
/// more: 10 s on average, less the wait for the slice to reach the server and half the gap to the next connection.
#[test]
fn a_cache_hands_out_a_dead_address_for_half_of_its_time_on_average() {
    let base = ["service.kind=headless", "dns.resolver_cache=20s", "deployment.replicas=1", "clients.0.rate=200/s"];
    let scenario = scenario(BASE, &[&base[..], &["pod.boot=0s", "delays.watch_hop=0s"]].concat());
    let stale = |replication| {
        let trace = traced(&scenario, replication);
        let out = trace.pod(PodId(0)).unwrap().at(PodEvent::EndpointOut).unwrap();
        let lost = trace.lost.iter().filter(|lost| lost.pod == Some(PodId(0))).map(|lost| lost.met_at);
        let made = trace.connected.iter().filter(|(_, _, pod)| *pod == PodId(0)).map(|(at, _, _)| *at);
        lost.chain(made).max().unwrap().saturating_since(out).as_secs_f64()
    };
    let values: Vec<f64> = (0..count(100, 1_000).into()).map(stale).collect();
    assert!(values.iter().all(|value| *value <= 20.0));
    Estimate::of(&values).must_hold("time a dead address is handed out", 10.0, 0.01);
}

/// There are no rules to be exposed in: absent, not zero.
#[test]
fn a_headless_service_has_no_exposure() {
    let runs = runs(&scenario(BASE, &["service.kind=headless"]), 2);
    for metric in [Metric::ExposureS, Metric::ExposedShareS, Metric::StartExposureS] {
        assert!(values(&runs, metric).is_empty(), "{}", metric.name());
    }
}

/// No ready pod, no address: the client learns it at once and sends nothing.
#[test]
fn a_name_without_pods_has_no_address() {
    let sets = ["service.kind=headless", "dns.resolver_cache=0s", "deployment.replicas=1"];
    let sets = [&sets[..], &["deployment.max_surge=0", "deployment.max_unavailable=1"]].concat();
    let trace = trace(&sets);
    let lost: Vec<_> = trace.lost.iter().filter(|lost| lost.met == Met::NoAddress).collect();
    assert!(
        !lost.is_empty() && lost.iter().all(|lost| lost.kind == FailureKind::HostUnreachable && lost.pod.is_none())
    );
    assert!(lost.iter().all(|lost| lost.known - lost.sent < SimDuration::from_millis(10)));
}

/// What `rollsim explain` says, on one line.
fn story(sets: &[&str]) -> String {
    let scenario = scenario(BASE, sets);
    let trace = traced(&scenario, 0);
    let savings = rollsim::explain::savings(&scenario, 0, &trace);
    let story = rollsim::report::story::tell(&trace, "base", 1, 0, &savings);
    story.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Stories told of rules where there are none, and that no connect could fail where old entries still led to the pod.
#[test]
fn stories_name_the_clock_of_each_data_plane() {
    let by_name = story(&["service.kind=headless"]);
    assert!(by_name.contains("Its clients find it by name, no rule points to it."), "{by_name}");
    assert!(by_name.contains("but a DNS cache still had its address."), "{by_name}");
    assert!(!by_name.contains("Late was its rule"), "{by_name}");
    let alone = ["deployment.replicas=1", "deployment.max_surge=0", "deployment.max_unavailable=1"];
    let empty = story(&[&alone[..], &["service.kind=headless", "dns.resolver_cache=0s"]].concat());
    assert!(empty.contains("no pod was Ready when the name was last resolved"), "{empty}");
    let local = story(&["cluster.nodes=3", "service.external_traffic_policy=local"]);
    assert!(local.contains("the node drops what policy Local does not let it pass on"), "{local}");
    let ports = ["kube_proxy.mode=ipvs", "cluster.kernel=4.19", "clients.0.local_ports=300", "service.kind=cluster_ip"];
    let ports = story(&ports);
    assert!(ports.contains("followed what an earlier packet had chosen"), "{ports}");
    assert!(!ports.contains("no connect could fail"), "{ports}");
}

/// The mean of a metric over `n` replications of a shipped scenario with these changes.
fn shown(name: &str, sets: &[&str], n: u32, metric: Metric) -> f64 {
    mean(&shipped(name, sets), n, metric)
}

/// What the heads of the shipped scenarios expect, with room for fewer replications.
#[test]
fn the_scenario_external_traffic_policy_local_shows_what_it_says() {
    let lost = |sets: &[&str]| shown("external-traffic-policy-local", sets, 40, Metric::Failed);
    let as_shipped = lost(&[]);
    assert!(as_shipped < 3.0, "{as_shipped}");
    let too_old = lost(&["cluster.version=1.25"]);
    assert!((20.0..40.0).contains(&too_old), "{too_old}");
    let without_hook = lost(&["pod.pre_stop.sleep=0s"]);
    assert!((170.0..380.0).contains(&without_hook), "{without_hook}");
    assert_eq!(lost(&["service.external_traffic_policy=cluster"]), 0.0);
}

#[test]
fn the_scenario_headless_dns_shows_what_it_says() {
    let lost = |sets: &[&str]| shown("headless-dns", sets, 40, Metric::Failed);
    let as_shipped = lost(&[]);
    assert!((750.0..1_450.0).contains(&as_shipped), "{as_shipped}");
    assert_eq!(lost(&["dns.resolver_cache=0s"]), 0.0);
    let once = lost(&["clients.0.dns=once"]);
    assert!((6_000.0..6_500.0).contains(&once), "{once}");
}

#[test]
fn the_scenario_ipvs_port_reuse_shows_what_it_says() {
    let lost = |sets: &[&str]| shown("ipvs-port-reuse", sets, 2, Metric::Failed);
    let as_shipped = lost(&[]);
    assert!((as_shipped - 14_116.0).abs() < 5.0, "{as_shipped}");
    for change in ["cluster.kernel=5.15", "clients.0.rate=100/s", "kube_proxy.mode=iptables"] {
        assert_eq!(lost(&[change]), 0.0, "{change}");
    }
}

#[test]
fn the_scenario_session_affinity_shows_what_it_says() {
    let median = |sets: &[&str]| shown("session-affinity", sets, 20, Metric::LatencyP50S);
    let as_shipped = median(&[]);
    assert!((0.055..0.085).contains(&as_shipped), "{as_shipped}");
    for change in ["service.session_affinity=none", "clients.0.addresses=100"] {
        assert!((0.010..0.012).contains(&median(&[change])), "{change}");
    }
}

#[test]
fn the_scenario_zones_prefer_close_shows_what_it_says() {
    let median = |sets: &[&str]| shown("zones-prefer-close", sets, 20, Metric::LatencyP50S);
    let as_shipped = median(&[]);
    assert!((0.025..0.040).contains(&as_shipped), "{as_shipped}");
    for change in ["service.traffic_distribution=none", "nodes.2.zone=none"] {
        assert!((0.009..0.013).contains(&median(&[change])), "{change}");
    }
}

#[test]
fn the_scenario_kube_proxy_modes_shows_what_it_says() {
    let exposure = |sets: &[&str]| shown("kube-proxy-modes", sets, 20, Metric::ExposureS);
    let check = |change: &str, low: f64, high: f64| {
        let exposure = exposure(&[change]);
        assert!((low..high).contains(&exposure), "{change}: {exposure}");
    };
    check("kube_proxy.mode=iptables", 3.8, 4.5);
    check("cluster.version=1.26", 16.5, 20.0);
    check("kube_proxy.mode=nftables", 0.4, 0.8);
    check("kube_proxy.mode=ipvs", 0.5, 0.85);
    check("kube_proxy.mode=ebpf", 0.005, 0.06);
}
