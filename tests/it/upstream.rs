//! The connects and tries of balancers, in whole runs: each test is a defect that was there.

use rollsim::explain::traced;
use rollsim::record::{FailureKind, Met, Metric, Metrics};

use crate::common::{Estimate, runs, scenario, shipped, values};

/// Two pods on two nodes, a new connection for each of 100 requests a second, through an ingress that asks the rules of its
/// node.
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
    [service]
    kind = "cluster_ip"
    [ingress]
    preset = "skipper"
    target = "service"
    upstream_keep_alive = 0
    next_upstream = []
    [[clients]]
    profile = "open"
    rate = "100/s"
    keep_alive = false
    via = "ingress"
"#;

fn of(sets: &[&str], n: u32) -> Vec<Metrics> {
    runs(&scenario(BASE, sets), n)
}

fn mean(runs: &[Metrics], metric: Metric) -> f64 {
    Estimate::of(&values(runs, metric)).mean
}

fn slowest(runs: &[Metrics]) -> f64 {
    values(runs, Metric::LatencyMaxS).into_iter().fold(0.0, f64::max)
}

/// Each retransmission chose a node anew and so found one with a pod: 109 lost where the direct path lost 797.
#[test]
fn a_retransmitted_syn_went_to_another_node_than_the_load_balancer_had_chosen() {
    let local = ["service.external_traffic_policy=local", "load_balancer.health_check={ interval = \"0s\" }"];
    let lost = |via: &'static str| {
        let runs = runs(&shipped("nlb-instance", &[&local[..], &[via]].concat()), 20);
        values(&runs, Metric::FailedConnectTimeout)
    };
    let (direct, forwarded) = (lost("clients.0.via=service"), lost("clients.0.via=load_balancer"));
    let difference = direct.iter().zip(&forwarded).map(|(one, other)| one - other).collect::<Vec<_>>();
    assert!(Estimate::of(&direct).mean > 300.0, "{direct:?}");
    Estimate::of(&difference).must_hold("service - nlb", 0.0, 0.0);
}

/// ipvs was not told that the balancer's connect had failed, so a port kept its dead pod for ever: 46,980 lost where the
/// direct path lost 14,116, one for each port.
#[test]
fn a_port_behind_an_ingress_led_to_its_dead_pod_more_than_once() {
    let sets = ["ingress.target=service", "ingress.upstream_keep_alive=0", "ingress.next_upstream=[]"];
    let lost =
        |more: &[&str]| values(&runs(&shipped("ipvs-port-reuse", &[&sets[..], more].concat()), 1), Metric::Failed);
    assert_eq!(lost(&["clients.0.via=ingress"]), [14_116.0]);
    assert_eq!(lost(&["clients.0.via=service"]), [14_116.0]);
}

/// A SYN that the node's rules drop is sent again, to meet them anew: both pods go at once here.
#[test]
fn a_syn_that_the_rules_dropped_was_not_sent_again_by_a_balancer() {
    let gap = [
        "cluster.version=1.25",
        "deployment.max_surge=0",
        "deployment.max_unavailable=2",
        "clients.0.request_timeout=60s",
        "service.internal_traffic_policy=local",
        "ingress.connect_timeout=30s",
    ];
    let runs = of(&gap, 10);
    assert_eq!(mean(&runs, Metric::FailedHttp504), 0.0);
    assert!((1.0..8.0).contains(&slowest(&runs)), "{}", slowest(&runs));
}

/// The answer to a SYN came after the balancer's patience, and was taken.
#[test]
fn a_connect_that_took_longer_than_its_timeout_succeeded() {
    let runs = of(&["ingress.upstream_rtt=1500ms", "ingress.connect_timeout=1s", "rollout.at=1h"], 2);
    assert_eq!((mean(&runs, Metric::Succeeded), mean(&runs, Metric::FailedHttp502)), (0.0, 0.0));
    assert_eq!(mean(&runs, Metric::FailedHttp504), mean(&runs, Metric::Failed));
}

/// Mechanics 6.4: with policy Local a node without a ready pod fails its health check, though the pod that ends there serves
/// on; an NLB then resets the connections that it forwards there, in service or idle.
#[test]
fn an_nlb_resets_the_connections_to_a_node_that_its_checks_find_unhealthy() {
    let sets = [
        "service.external_traffic_policy=local",
        "load_balancer.health_check={ interval = \"5s\", threshold = 2, timeout = \"1s\" }",
        "pod.pre_stop.sleep=25s",
        "deployment.replicas=1",
        "clients=[{ profile = \"paced\", connections = 8, rate = \"80/s\", via = \"load_balancer\" }]",
    ];
    let fates = |more: &[&str]| {
        let lost = traced(&shipped("nlb-instance", &[&sets[..], more].concat()), 0).lost;
        lost.iter()
            .map(|lost| (lost.kind, lost.met))
            .filter(|(_, met)| *met == Met::UnhealthyTarget)
            .collect::<Vec<_>>()
    };
    let reset = fates(&["pod.server.service_time=60ms", "pod.server.workers=unlimited"]);
    assert!(!reset.is_empty() && reset.iter().all(|(kind, _)| *kind == FailureKind::Reset), "{reset:?}");
    assert_eq!(fates(&["load_balancer.resets_unhealthy=false"]), []);
}

/// What the rules do to packets of open connections, they do to those of balancers.
#[test]
fn connections_of_balancers_outlived_their_real_server_and_the_ablation() {
    let kept = ["ingress.upstream_keep_alive=320", "pod.server.profile=ignores-signal"];
    let fates = |sets: &[&'static str]| {
        let lost = traced(&scenario(BASE, &[&kept[..], sets].concat()), 0).lost;
        let mut fates: Vec<_> = lost.iter().map(|lost| (lost.kind, lost.met)).collect();
        fates.sort_unstable();
        fates.dedup();
        fates
    };
    let old = ["kube_proxy.mode=ipvs", "cluster.version=1.12", "ingress.read_timeout=1s"];
    let forgotten = |kind| (kind, Met::RealServerDeleted);
    assert!(fates(&old).contains(&forgotten(FailureKind::Http504)));
    let told = [&old[..], &["kube_proxy.expire_nodest_conn=true"]].concat();
    assert!(fates(&told).contains(&forgotten(FailureKind::Http502)));
    assert_eq!(fates(&["kube_proxy.mode=ipvs"]), []);

    let late = ["ingress.upstream_keep_alive=320", "delays.kp_sync=2s", "pod.pre_stop.sleep=0s"];
    let lost = |without: &str| mean(&of(&[&late[..], &[without]].concat(), 10), Metric::Failed);
    let (pinned, unpinned) = (lost("model.without=[]"), lost("model.without=[\"conntrack_pinning\"]"));
    assert!(unpinned > 1.5 * pinned && pinned > 50.0, "{pinned} {unpinned}");
}

/// Stories count the polls of workers as sync time; they went with `proxy_batching`.
#[test]
fn the_polls_of_workers_were_switched_off_with_batching() {
    let sets = ["ingress={ preset = \"ingress-nginx\", apply = \"0s\" }", "pod.pre_stop.sleep=0s"];
    let exposure = |without: &str| mean(&of(&[&sets[..], &[without]].concat(), 10), Metric::ExposureS);
    let (polls, none) =
        (exposure("model.without=[\"proxy_batching\"]"), exposure("model.without=[\"proxy_batching\", \"sync_time\"]"));
    assert!((0.3..0.7).contains(&(polls - none)), "{polls} {none}");
}

/// HAProxy went to another server at once: `option redispatch` does so for the last of its four tries only, each of the
/// others comes a second after the one before.
#[test]
fn haproxy_left_the_server_that_refused_too_early() {
    let dead = [
        "ingress={ preset = \"haproxy\", apply = \"5s\" }",
        "deployment.min_ready=10s",
        "pod.pre_stop.sleep=0s",
        "delays.exit_teardown=20s",
        "clients.0.request_timeout=30s",
    ];
    let runs = |more: &[&str]| of(&[&dead[..], more].concat(), 5);
    let (slow, quick) = (runs(&[]), runs(&["ingress.retry_redispatches_last=false"]));
    assert!((2.0..2.5).contains(&slowest(&slow)), "{}", slowest(&slow));
    assert!((1.0..1.5).contains(&slowest(&quick)), "{}", slowest(&quick));
}

/// An ingress is a pod: with policy Local for traffic from outside its rules are not those of policy Local, but its exposure
/// was counted by them.
#[test]
fn the_exposure_behind_an_ingress_followed_the_traffic_of_its_clients() {
    let sets = ["service.kind=node_port", "clients.0.traffic=external", "delays.kp_sync=1s"];
    let exposed = |policy: &str| mean(&of(&[&sets[..], &[policy]].concat(), 5), Metric::ExposureS);
    let local = exposed("service.external_traffic_policy=local");
    assert_eq!(local, exposed("service.external_traffic_policy=cluster"));
    assert_eq!(
        local,
        mean(&of(&["clients.0.traffic=internal", "service.kind=node_port", sets[2]], 5), Metric::ExposureS)
    );
}
