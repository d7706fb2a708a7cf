//! Requests through an ingress, a load balancer, or both: against the direct path, against theory, and what each fate of a
//! connection becomes behind each layer.

use std::collections::BTreeSet;

use rollsim::explain::{savings, traced};
use rollsim::ids::PodId;
use rollsim::record::{FailureKind, LostRequest, Met, Metric, Metrics, PodEvent, Trace};
use rollsim::replications::{Plan, replicate};
use rollsim::report::story;
use rollsim::run::Estimator;

use crate::common::{Estimate, count, runs, scenario, shipped, values};

/// The shipped scenarios with balancers.
const SHIPPED: [&str; 9] = [
    "article-ingress-dynamic",
    "article-ingress-reload",
    "article-alb-ip",
    "article-in-cluster",
    "alb-before-ingress",
    "alb-readiness-gate",
    "ingress-post-in-flight",
    "ingress-reload-keep-alive",
    "nlb-instance",
];

/// Poisson arrivals at 200/s, each over a connection of its own, to three pods that stop at once.
const BASE: &str = r#"
    [run]
    duration = "20s"
    [rollout]
    at = "5s"
    [cluster]
    version = "1.20"
    nodes = 2
    [deployment]
    replicas = 3
    max_surge = 1
    max_unavailable = 0
    [pod]
    boot = "0s"
    [pod.server]
    profile = "nginx-sigterm"
    [ingress]
    preset = "skipper"
    poll = "0s"
    apply = "0s"
    policy = "random"
    upstream_keep_alive = 0
    connect_timeout = "1s"
    next_upstream = []
    [[clients]]
    profile = "open"
    rate = "200/s"
    keep_alive = false
    via = "ingress"
"#;

fn mean_of(runs: &[Metrics], metric: Metric) -> f64 {
    Estimate::of(&values(runs, metric)).mean
}

fn means(text: &str, sets: &[&str], metrics: &[Metric]) -> Vec<f64> {
    let runs = runs(&scenario(text, sets), 40);
    metrics.iter().map(|metric| mean_of(&runs, *metric)).collect()
}

fn mean(name: &str, sets: &[&str], metric: Metric) -> f64 {
    mean_of(&runs(&shipped(name, sets), 20), metric)
}

/// Requests and connections, those to clients and those to targets, are accounted for in each run with checks.
#[test]
fn shipped_balancers_conserve_requests_and_connections_on_any_number_of_threads() {
    for name in SHIPPED {
        let on = |threads| Plan {
            replications: 6,
            threads: Some(threads),
            precision: None,
            check: true,
            estimator: Estimator::EveryRequest,
            series: false,
        };
        let scenario = shipped(name, &[]);
        let one = replicate(&scenario, &on(1), &|_| ()).unwrap();
        assert_eq!(one, replicate(&scenario, &on(2), &|_| ()).unwrap(), "{name}");
    }
}

#[test]
fn every_loss_behind_a_balancer_can_be_told() {
    for name in SHIPPED {
        let scenario = shipped(name, &[]);
        let trace = traced(&scenario, 0);
        let told = story::tell(&trace, name, 1, 0, &savings(&scenario, 0, &trace));
        assert!(!told.is_empty());
        let behind = trace.lost.iter().find_map(|lost| lost.replica);
        assert!(
            behind.is_none_or(|replica| told.split_whitespace().any(|word| word.contains(&replica.to_string()))),
            "{told}"
        );
    }
}

/// What `explain` says is late behind a balancer is late: without it the same replication does not lose the request.
#[test]
fn a_late_list_is_explained_by_what_saves_the_request_when_set_to_zero() {
    let set = ["ingress.next_upstream=[]", "ingress.poll=2s", "clients.0.rate=40/s"];
    let scenario = scenario(BASE, &set);
    let trace = traced(&scenario, 0);
    let saved = savings(&scenario, 0, &trace);
    assert!(saved.len() > 10, "{}", saved.len());
    assert!(saved.iter().any(|saving| saving.without() == "[\"proxy_batching\"]"), "{saved:?}");
    let told = story::tell(&trace, "late", 1, 0, &saved);
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("Late was ingress-0") && told.contains("longest was proxy wait"), "{told}");
}

/// Without hidden retries each failed try of a balancer is a lost request.
#[test]
fn switching_off_silent_retries_switches_off_those_of_balancers() {
    let sets = ["ingress.next_upstream=[\"error\", \"timeout\"]", "ingress.next_upstream_tries=3"];
    let without = [sets[0], sets[1], "model.without=[\"silent_retry\"]"];
    assert_eq!(means(BASE, &without, &[Metric::Retried]), [0.0]);
    assert!(means(BASE, &without, &[Metric::Failed])[0] > 5.0 * means(BASE, &sets, &[Metric::Failed])[0]);
}

/// Metamorphic: where the direct path loses, a balancer that knows at once and tries without limit loses nothing.
#[test]
fn a_balancer_without_delays_and_with_unlimited_tries_loses_nothing_where_the_direct_path_does() {
    let direct = means(BASE, &["clients.0.via=service"], &[Metric::Failed]);
    assert!(direct[0] > 20.0, "{direct:?}");
    let sets = ["ingress.next_upstream=[\"error\", \"timeout\"]", "ingress.next_upstream_tries=0"];
    let none = [sets[0], sets[1], "ingress.connect_timeout=100ms", "ingress.retry_non_idempotent=true"];
    assert_eq!(means(BASE, &none, &[Metric::Failed]), [0.0]);
}

/// Metamorphic: through the Service's address with one try a balancer loses as 502 and 504 what the direct path refuses
/// and lets time out.
#[test]
fn with_one_try_through_the_service_refused_becomes_502_and_silent_504() {
    let n = count(150, 1_000);
    let of = |sets: &[&str]| runs(&scenario(BASE, sets), n);
    let direct = of(&["clients.0.via=service", "clients.0.node=0"]);
    let behind = of(&["ingress.target=service"]);
    let difference = |one: Metric, other: Metric| {
        let pairs = values(&direct, one).into_iter().zip(values(&behind, other));
        Estimate::of(&pairs.map(|(one, other)| one - other).collect::<Vec<_>>())
    };
    assert!(
        mean_of(&direct, Metric::FailedConnectRefused) > 5.0 && mean_of(&direct, Metric::FailedConnectTimeout) > 5.0
    );
    difference(Metric::FailedConnectTimeout, Metric::FailedHttp504).must_hold("silent", 0.0, 0.0);
    // Requests in service that SIGTERM cuts are 502, too, and end of file on the direct path.
    let broke = |run: &Metrics| {
        let kinds = [Metric::FailedConnectRefused, Metric::FailedEof, Metric::FailedReset];
        kinds.iter().filter_map(|metric| run.get(*metric)).sum::<f64>()
    };
    let pairs = direct.iter().map(broke).zip(values(&behind, Metric::FailedHttp502));
    Estimate::of(&pairs.map(|(one, other)| one - other).collect::<Vec<_>>()).must_hold("refused", 0.0, 0.0);
}

/// As on the direct path: arrivals of rate λ, each over a connection of its own, lose λ · exposed_share_s to connects.
#[test]
fn poisson_arrivals_with_one_try_lose_rate_times_the_exposed_share_of_the_lists() {
    let sets = ["ingress.poll=2s", "ingress.replicas=3", "ingress.workers=2", "pod.server.service_time=0s"];
    let runs = runs(&scenario(BASE, &sets), count(200, 1_500));
    let difference = |run: &Metrics| {
        let failed = run.get(Metric::FailedHttp502).unwrap() + run.get(Metric::FailedHttp504).unwrap();
        failed - 200.0 * run.get(Metric::ExposedShareS).unwrap()
    };
    assert!(mean_of(&runs, Metric::Failed) > 50.0);
    Estimate::of(&runs.iter().map(difference).collect::<Vec<_>>()).must_hold("failed - rate * share", 0.0, 0.0);
}

/// One pod is replaced by another; all delays are zero but those of the balancer, and the new pod is in its list long
/// before the old one goes.
const ONE_POD: &str = r#"
    [run]
    duration = "40s"
    [rollout]
    at = { uniform = ["5s", "6s"] }
    [deployment]
    min_ready = "15s"
    max_surge = 1
    max_unavailable = 0
    [pod]
    boot = "0s"
    [kube_proxy]
    mode = "instant"
    [[clients]]
    profile = "open"
    rate = "1/s"
    via = "ingress"
    [delays]
    sandbox = "1s"
    stop = "0s"
    api_write = "0s"
    watch_hop = "0s"
    queue_wait = "0s"
    dep_sync = "0s"
    rs_sync = "0s"
    sched = "0s"
    kubelet_seen = "0s"
    create_start = "0s"
    pleg = "0s"
    probe_rtt = "0s"
    del_seen = "0s"
    hook_exec_start = "0s"
    hook_sleep = "0s"
    server_stop = "0s"
    eps_batch = "0s"
    eps_sync = "0s"
"#;

/// The exposures are uniform on this range, in seconds: by their mean and by the share below a quarter of it.
fn exposed_uniformly(ingress: &str, low: f64, high: f64) {
    let text = format!("{ONE_POD}[ingress]\n{ingress}\napply = \"0s\"\n");
    let exposures = values(&runs(&scenario(&text, &[]), count(600, 4_000)), Metric::ExposureS);
    assert!(exposures.iter().all(|exposure| (low..=high).contains(exposure)), "{ingress}: {exposures:?}");
    Estimate::of(&exposures).must_hold(ingress, (low + high) / 2.0, 1e-3);
    let quarter = low + (high - low) / 4.0;
    let below: Vec<f64> = exposures.iter().map(|exposure| f64::from(u8::from(*exposure < quarter))).collect();
    Estimate::of(&below).must_hold(ingress, 0.25, 0.0);
}

#[test]
fn a_workers_poll_exposes_a_pod_for_a_uniform_part_of_its_period() {
    exposed_uniformly("preset = \"ingress-nginx\"\nworkers = 1", 0.0, 1.0);
    exposed_uniformly("preset = \"skipper\"", 0.0, 3.0);
}

/// Without the wait between the two, the pod that goes comes right after the one that comes: its update waits for the rate
/// limit, 3.33 s, and the poll comes on top.
#[test]
fn the_rate_limit_makes_the_pod_that_goes_wait_behind_the_one_that_comes() {
    let text = format!("{ONE_POD}[ingress]\npreset = \"ingress-nginx\"\napply = \"0s\"\nworkers = 1\n");
    let runs = runs(&scenario(&text, &["deployment.min_ready=0s", "delays.dep_sync=50ms"]), count(300, 2_000));
    Estimate::of(&values(&runs, Metric::ExposureS)).must_hold("exposure", 10.0 / 3.0 - 0.05 + 0.5, 1e-3);
}

/// Each reload closes each idle connection once; a client that does not look first loses each.
#[test]
fn a_reload_costs_each_idle_keep_alive_connection_one_request() {
    let runs = runs(&shipped("ingress-reload-keep-alive", &[]), 20);
    for run in &runs {
        let failed = run.get(Metric::FailedEof).unwrap() + run.get(Metric::FailedReset).unwrap();
        assert_eq!(run.get(Metric::ConnectionsSevered), Some(failed));
        // 20 connections, three pods, two replicas: a reload right after another finds fewer that are open again.
        assert!((40.0..=120.0).contains(&failed), "{failed}");
    }
    let looks = mean("ingress-reload-keep-alive", &["clients.0.notices_close=true"], Metric::Failed);
    assert!(looks < 2.0, "{looks}");
    let dynamic = mean("ingress-reload-keep-alive", &["ingress.kind=dynamic"], Metric::Failed);
    assert_eq!(dynamic, 0.0);
}

#[test]
fn a_post_that_was_sent_is_not_tried_again_and_a_get_may_run_twice() {
    let of = |sets: &[&str], metric| mean("ingress-post-in-flight", sets, metric);
    assert!((20.0..35.0).contains(&of(&[], Metric::FailedHttp502)), "{}", of(&[], Metric::FailedHttp502));
    assert_eq!(of(&[], Metric::Duplicated), 0.0);
    for set in ["clients.0.method=GET", "ingress.retry_non_idempotent=true", "clients.0.idempotent=true"] {
        assert!(of(&[set], Metric::FailedHttp502) < 1.0, "{set}");
        assert!((15.0..30.0).contains(&of(&[set], Metric::Duplicated)), "{set}");
    }
    let never = of(&["clients.0.method=GET", "ingress.next_upstream=[]"], Metric::Retried);
    assert_eq!(never, 0.0);
}

/// A hidden retry is part of the latency its client sees.
#[test]
fn the_latency_of_a_retried_request_includes_what_its_tries_cost() {
    let longest = |sets: &[&str]| mean("ingress-post-in-flight", sets, Metric::LatencyMaxS);
    let of = longest(&["clients.0.method=GET"]);
    assert!((5.3..10.7).contains(&of), "a connect timeout of 5 s and a service of 0.3 s: {of}");
    let quick = longest(&["clients.0.method=GET", "ingress.connect_timeout=1s"]);
    assert!((1.3..3.0).contains(&quick), "{quick}");
}

#[test]
fn no_try_begins_after_the_time_budget() {
    let sets = ["clients.0.method=GET", "ingress.next_upstream_timeout=4s"];
    let lost = mean("ingress-post-in-flight", &sets, Metric::FailedHttp504);
    assert!(lost > 50.0, "a connect that took 5 s is not followed by another: {lost}");
    assert!(mean("ingress-post-in-flight", &sets[..1], Metric::FailedHttp504) < 1.0);
}

/// A balancer's own health checks and ejection take a dead pod out though nobody tells it of the slices.
#[test]
fn a_target_that_fails_is_found_by_checks_or_by_requests() {
    let deaf = ["ingress.poll=10s", "deployment.min_ready=11s", "run.duration=60s"];
    let failed = |more: &[&str]| means(BASE, &[&deaf[..], more].concat(), &[Metric::Failed])[0];
    let nothing = failed(&[]);
    let checks = failed(&["ingress.health_check={ interval = \"1s\", threshold = 2, timeout = \"1s\" }"]);
    let ejects = failed(&["ingress.outlier_detection={ consecutive_failures = 1, ejection_time = \"30s\" }"]);
    assert!(checks < 0.7 * nothing && ejects < 0.5 * checks, "{nothing} {checks} {ejects}");
}

/// Mechanics 6.5: the rollout waits for the load balancer.
#[test]
fn behind_a_readiness_gate_a_pod_is_ready_only_once_the_load_balancer_finds_it_healthy() {
    let events = |trace: &Trace| {
        let new = trace.pod(PodId(trace.replicas)).unwrap();
        (new.at(PodEvent::Ready).unwrap() - new.at(PodEvent::ProbeSucceeded).unwrap()).as_secs_f64()
    };
    let waits = events(&traced(&shipped("alb-readiness-gate", &[]), 0));
    assert!((5.0..60.0).contains(&waits), "{waits}");
    let without = shipped("alb-readiness-gate", &["load_balancer.readiness_gate=false"]);
    assert!(events(&traced(&without, 0)) < 0.5);
    assert_eq!(mean("alb-readiness-gate", &[], Metric::Failed), 0.0);
    assert!(mean_of(&runs(&without, 40), Metric::FailedHttp503) > 10.0);
}

/// A load balancer that forwards connections to nodes is one more hop in front of the same rules.
#[test]
fn an_nlb_with_instance_targets_loses_what_the_service_loses() {
    let n = count(60, 400);
    let metrics = |via: &str| values(&runs(&shipped("nlb-instance", &[via]), n), Metric::Failed);
    let pairs = metrics("clients.0.via=service").into_iter().zip(metrics("clients.0.via=load_balancer"));
    let difference: Vec<f64> = pairs.map(|(one, other)| one - other).collect();
    Estimate::of(&difference).must_hold("service - nlb", 0.0, 0.0);
}

/// The ALB's idle connections to an ingress end at each of its reloads; what crosses that is 502 unless tried again.
#[test]
fn layers_in_series_pass_on_what_the_inner_one_answers_and_add_their_own() {
    let of = |sets: &[&str]| mean("alb-before-ingress", sets, Metric::FailedHttp502);
    assert!((1.0..6.0).contains(&of(&[])), "{}", of(&[]));
    let listed = "load_balancer.next_upstream=[\"error\"]";
    assert!(of(&[listed]) > 1.0, "one try is one try");
    assert!(of(&[listed, "load_balancer.next_upstream_tries=2"]) < 0.3);
    assert_eq!(of(&["ingress.kind=dynamic"]), 0.0);
    let inner = ["ingress.kind=dynamic", "ingress.next_upstream=[]", "pod.pre_stop.sleep=0s"];
    assert!(of(&inner) > 50.0, "the ingress loses and the load balancer passes it on");
    let outer = [
        &inner[..],
        &["load_balancer.next_upstream=[\"http_502\", \"http_504\"]", "load_balancer.next_upstream_tries=3"],
    ];
    assert!(of(&outer.concat()) < 0.5 * of(&inner), "and tries again if it is told to");
}

#[test]
fn a_deregistration_delay_cuts_what_is_still_in_service() {
    let slow = [
        "pod.server.service_time=20s",
        "pod.server.workers=unlimited",
        "pod.pre_stop.sleep=50s",
        "clients.0.request_timeout=50s",
        "run.duration=30s",
        "clients.0.rate=20/s",
    ];
    let lost = |delay: &'static str| mean("article-alb-ip", &[&slow[..], &[delay]].concat(), Metric::FailedHttp502);
    assert!(lost("load_balancer.deregistration_delay=5s") > 50.0);
    assert_eq!(lost("load_balancer.deregistration_delay=300s"), 0.0);
}

/// nginx: at a reload old workers finish what they have, up to worker_shutdown_timeout.
#[test]
fn old_workers_that_do_not_end_are_ended_with_what_they_still_have() {
    let slow = [
        "pod.server.service_time=8s",
        "pod.server.workers=unlimited",
        "clients.0.request_timeout=30s",
        "clients.0.retry=none",
    ];
    // A request that finds its connection closed is lost within a millisecond; one that is cut has been in service.
    let was_in_service = |lost: &LostRequest| (lost.known - lost.sent).as_secs_f64() > 0.01;
    let lost = |timeout: &'static str| {
        let scenario = shipped("ingress-reload-keep-alive", &[&slow[..], &[timeout]].concat());
        let lost = traced(&scenario, 0).lost;
        lost.iter().filter(|lost| lost.met == Met::ClosedByReload && was_in_service(lost)).count()
    };
    assert!(lost("ingress.worker_shutdown_timeout=1s") >= 15);
    assert_eq!(lost("ingress.worker_shutdown_timeout=240s"), 0);
}

/// A try that was still waiting for its failure when old workers ended was told as the reason of a later timeout.
#[test]
fn a_loss_was_told_by_the_try_of_an_earlier_request() {
    let text = "[run]\nduration = \"20s\"\nseed = 478770139\n[rollout]\nat = { uniform = [\"2s\", \"4s\"] }\n\
                [cluster]\nversion = \"1.10\"\n[deployment]\nmax_surge = 0\nmax_unavailable = 1\n\
                [pod]\ntermination_grace_period = \"1s\"\n\
                [pod.server]\nprofile = \"nginx-sigterm\"\nservice_time = \"300ms\"\n\
                [kube_proxy]\nmin_sync_period = \"0s\"\n\
                [ingress]\nkind = \"reload\"\nreplicas = 2\nworker_shutdown_timeout = \"1s\"\n\
                [[clients]]\nvia = \"ingress\"\nprofile = \"paced\"\nrate = \"50/s\"\n\
                [[clients]]\nvia = \"ingress\"\nprofile = \"paced\"\nrate = \"50/s\"\n";
    let lost = traced(&scenario(text, &[]), 0).lost;
    assert!(lost.len() > 20 && lost.iter().all(|lost| lost.sent <= lost.met_at), "{lost:?}");
}

/// The answer was back at the balancer, whose connection another request had taken, but not at the client, which gave up.
#[test]
fn a_client_that_gave_up_closed_a_connection_that_was_anothers_by_then() {
    let text = "[run]\nduration = \"20s\"\nseed = 465908999\n[rollout]\nat = { uniform = [\"2s\", \"4s\"] }\n\
                [cluster]\nversion = \"1.10\"\n[deployment]\nmax_surge = 1\nmax_unavailable = 0\n\
                [pod]\ntermination_grace_period = \"1s\"\n\
                [pod.server]\nprofile = \"nginx-sigterm\"\nservice_time = \"300ms\"\n\
                [kube_proxy]\nmin_sync_period = \"0s\"\n\
                [load_balancer]\nhealth_check = { interval = \"1s\" }\nderegistration_delay = \"1s\"\n";
    let client = "[[clients]]\nvia = \"load_balancer\"\nprofile = \"paced\"\nretry = \"reused_once\"\n\
                  notices_close = false\narrivals = \"together\"\nrate = \"50/s\"\n";
    let runs = runs(&scenario(&format!("{text}{client}{client}"), &[]), 3);
    assert!(mean_of(&runs, Metric::FailedTimeout) > 5.0);
}

/// The article's hook removes what the probe asks for; a load balancer that asks for the same takes the pod out by itself,
/// here while it is deaf to the slices.
#[test]
fn a_hook_that_fails_readiness_fails_the_checks_of_a_load_balancer_too() {
    let deaf = [
        "load_balancer.poll=10m",
        "load_balancer.health_check={ interval = \"2s\", threshold = 2, timeout = \"1s\" }",
        "deployment.replicas=6",
        "deployment.max_surge=0",
        "deployment.max_unavailable=1",
        "run.duration=20s",
        "rollout.at=10s",
    ];
    let hook = |fails: bool| format!("pod.pre_stop={{ exec = {{ duration = \"8s\", fails_readiness = {fails} }} }}");
    let failed = |hook: &str| mean("article-alb-ip", &[&deaf[..], &[hook]].concat(), Metric::Failed);
    let (kept, removed) = (failed(&hook(false)), failed(&hook(true)));
    assert!(removed < 0.2 * kept && kept > 50.0, "{kept} {removed}");
}

/// What was met and what the client saw, in a few replications.
fn fates(text: &str, sets: &[&str]) -> BTreeSet<(Met, FailureKind)> {
    let scenario = scenario(text, sets);
    (0..6).flat_map(|replication| traced(&scenario, replication).lost).map(|lost| (lost.met, lost.kind)).collect()
}

/// The connection fates of mechanics 7.1 behind each layer: what the packet met at the pod, and what the client saw. Each
/// scenario is made so that the fate occurs; a balancer has one try.
#[test]
fn each_fate_of_a_connection_behind_each_layer() {
    use FailureKind::*;
    const LAYERS: [&[&str]; 4] = [
        &["clients.0.via=service"],
        &["clients.0.via=ingress"],
        &["clients.0.via=load_balancer"],
        &["clients.0.via=load_balancer", "load_balancer.protocol=tcp"],
    ];
    let fates_at = |fate: &[&str]| {
        let alb = "\n[load_balancer]\npreset = \"aws-alb\"\nhealth_check = { interval = \"0s\" }\nconnect_timeout = \"1s\"\n\
                   apply = \"0s\"\nregistration = \"0s\"\nderegistration = \"1s\"\n";
        let text = format!("{BASE}{alb}");
        LAYERS.map(|layer| fates(&text, &[layer, fate].concat()))
    };
    let check = |fate: &[&str], met: Met, kinds: [FailureKind; 4]| {
        for (index, (found, kind)) in fates_at(fate).into_iter().zip(kinds).enumerate() {
            let kinds: Vec<_> = found.iter().filter(|(other, _)| *other == met).map(|(_, kind)| *kind).collect();
            assert_eq!(kinds, [kind], "{met:?} at layer {index}: {found:?}");
        }
    };
    let late = ["ingress.poll=3s", "delays.kp_sync=2s"];
    let refused = [ConnectRefused, Http502, Http502, ConnectRefused];
    check(&[&late[..], &["delays.exit_teardown=10s"]].concat(), Met::ListenerClosed, refused);
    let silent = [ConnectTimeout, Http504, Http504, ConnectTimeout];
    check(&[&late[..], &["delays.exit_teardown=0s"]].concat(), Met::NamespaceGone, silent);
    let unreachable = [HostUnreachable, Http502, Http502, HostUnreachable];
    check(&[&late[..], &["delays.exit_teardown=0s", "cluster.cni=routed"]].concat(), Met::NamespaceGone, unreachable);
    let early = ["pod.boot=3s", "delays.pleg=0s", "deployment.max_surge=3"];
    check(&early, Met::NotListeningYet, refused);
    let slow = ["pod.server.service_time=300ms", "pod.server.workers=unlimited"];
    check(&slow, Met::CutInService, [Eof, Http502, Http502, Eof]);
    let long = ["pod.server.response_time=300ms", "pod.server.workers=unlimited"];
    check(&long, Met::CutInResponse, [Truncated; 4]);
    let queued = ["pod.server.service_time=20ms", "delays.read_lag=0s"];
    check(&queued, Met::ClosedUnread, [Reset, Http502, Http502, Reset]);
    let gone = ["deployment.max_surge=0", "deployment.max_unavailable=3", "pod.boot=2s", "delays.kp_sync=0s"];
    let rules = ["ingress.target=service", "load_balancer.target=instance"];
    check(&[&gone[..], &rules].concat(), Met::NoEndpoints, [ConnectRefused, Http502, Http502, ConnectRefused]);
}

/// What the files of the gallery promise in their third line, as intervals around what 200 and more replications gave.
#[test]
fn shipped_balancers_show_what_they_say() {
    let check = |name: &str, sets: &[&str], metric: Metric, low: f64, high: f64| {
        let found = mean(name, sets, metric);
        assert!((low..=high).contains(&found), "{name} {sets:?}: {} is {found}", metric.name());
    };
    let failed = Metric::Failed;
    check("article-ingress-dynamic", &[], failed, 1.5, 4.0);
    check("article-ingress-dynamic", &[], Metric::Retried, 120.0, 350.0);
    check("article-ingress-dynamic", &["ingress.next_upstream_tries=1"], failed, 90.0, 260.0);
    check("article-ingress-dynamic", &["pod.pre_stop.exec.duration=5s"], failed, 0.0, 0.0);
    check("article-ingress-reload", &[], failed, 0.0, 0.1);
    check("article-ingress-reload", &[], Metric::Retried, 45.0, 55.0);
    check("article-ingress-reload", &[], Metric::ConnectionsSevered, 23.0, 25.0);
    check("article-ingress-reload", &["ingress.next_upstream_tries=1"], Metric::FailedHttp502, 4.0, 8.0);
    check("article-alb-ip", &[], failed, 3_900.0, 5_300.0);
    check("article-alb-ip", &["pod.pre_stop.sleep=20s"], failed, 0.0, 10.0);
    check("article-alb-ip", &["load_balancer.target=instance"], failed, 3.0, 7.0);
    check("article-in-cluster", &[], Metric::FailedConnectRefused, 2.5, 7.5);
    check("article-in-cluster", &["pod.pre_stop.exec.duration=2s"], failed, 0.0, 0.2);
    check("alb-readiness-gate", &[], Metric::RolloutDurationS, 28.0, 37.0);
    check("nlb-instance", &[], failed, 90.0, 155.0);
    check("nlb-instance", &["pod.pre_stop.sleep=5s"], failed, 0.0, 0.2);
    check("nlb-instance", &["load_balancer.target=ip"], failed, 7_500.0, 9_500.0);
    check("ingress-post-in-flight", &["pod.pre_stop.sleep=10s"], failed, 0.0, 0.2);
}

/// Every preset runs in every place it can stand, with its checks, polls and retries.
#[test]
fn every_preset_and_every_policy_runs() {
    for preset in ["nginx", "ingress-nginx", "haproxy", "traefik", "envoy", "istio", "skipper"] {
        let set = format!("ingress.preset={preset}");
        let scenario = shipped("article-ingress-dynamic", &["ingress={ }", &set]);
        assert!(runs(&scenario, 3).iter().all(|run| run.get(Metric::Succeeded).unwrap() > 29_000.0), "{preset}");
    }
    for preset in ["aws-alb", "aws-nlb", "gcp"] {
        for target in ["ip", "instance"] {
            let sets = [format!("load_balancer.preset={preset}"), format!("load_balancer.target={target}")];
            let runs = runs(&shipped("article-alb-ip", &[&sets[0], &sets[1], "run.duration=25s"]), 3);
            assert!(mean_of(&runs, Metric::Succeeded) > 3_000.0, "{preset} {target}");
        }
    }
    for (policy, _) in rollsim::model::spec::BalancingPolicy::NAMES {
        let set = format!("ingress.policy={policy}");
        let failed = mean("article-ingress-reload", &[&set], Metric::Failed);
        assert!(failed < 5.0, "{policy}: {failed}");
    }
}

/// A connection with a request under way was counted as severed again by each reload until it ended.
#[test]
fn a_connection_was_severed_by_every_reload_that_it_outlived() {
    let text = "[run]\nduration = \"20s\"\nseed = 4126328235\n[rollout]\nat = { uniform = [\"2s\", \"4s\"] }\n\
                [cluster]\nversion = \"1.10\"\nnodes = 2\nsize = \"large\"\n\
                [deployment]\nreplicas = 3\nmax_surge = \"100%\"\nmax_unavailable = \"100%\"\n\
                [pod]\ntermination_grace_period = \"1s\"\n[pod.server]\nprofile = \"nginx-sigterm\"\n\
                [kube_proxy]\nmin_sync_period = \"0s\"\n\
                [ingress]\nkind = \"reload\"\nreplicas = 2\nworker_shutdown_timeout = \"1s\"\n\
                [[clients]]\nvia = \"ingress\"\nprofile = \"open\"\nrate = \"50/s\"\n";
    let metrics = &runs(&scenario(text, &[]), 1)[0];
    assert!(metrics.get(Metric::ConnectionsSevered) <= metrics.get(Metric::ConnectionsOpened), "{metrics:?}");
}
