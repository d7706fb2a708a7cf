//! Keys that have no effect: each is told with a warning, and the warning is true, for the results do not depend on the
//! key to the last bit; and a key that does act is not told.

use rollsim::replications::{Plan, replicate};
use rollsim::scenario::{self, Problem, Source};

/// Two pods of two are replaced under a little load.
const BASE: &str = "name = \"a\"\nrollout.at = \"3s\"\nrun.duration = \"15s\"\ncluster.nodes = 2\n\
                    deployment = { replicas = 2, max_surge = 1, max_unavailable = 0 }\n\
                    pod.readiness_probe = { period = \"1s\" }\npod.server.keep_alive_timeout = \"2h\"\n";

const TCP_TO_INGRESS: &str = "ingress = {}\nload_balancer = { protocol = \"tcp\", target = \"ingress\" }\n\
                              clients = [{ rate = \"80/s\", via = \"load_balancer\" }]\n";
const TCP: &str = "load_balancer = { preset = \"aws-nlb\", registration = \"1s\", deregistration = \"1s\" }\n\
                   clients = [{ rate = \"80/s\", via = \"load_balancer\" }]\n";
const INSTANCE: &str =
    "load_balancer = { target = \"instance\" }\nclients = [{ rate = \"80/s\", via = \"load_balancer\" }]\n";
const BOTH: &str = "ingress = {}\nload_balancer = { target = \"ingress\" }\n\
                    clients = [{ rate = \"80/s\", via = \"load_balancer\" }]\n";
const TO_SERVICE: &str = "ingress = { target = \"service\" }\nclients = [{ rate = \"80/s\", via = \"ingress\" }]\n";
const INGRESS: &str = "ingress = {}\nclients = [{ rate = \"80/s\", via = \"ingress\" }]\n";
const HEADLESS: &str = "service.kind = \"headless\"\nclients = [{ rate = \"80/s\" }]\n";
const NODE_PORT: &str = "clients = [{ rate = \"80/s\", keep_alive = false }]\n";
const CLUSTER_IP: &str = "service.kind = \"cluster_ip\"\nclients = [{ rate = \"80/s\" }]\n";

/// A scenario's lines, what is set besides, and keys with values that change nothing there.
type Case = (&'static str, &'static [&'static str], &'static [&'static str]);

/// Keys of a load balancer that sees requests.
const OF_REQUESTS: &[&str] = &[
    "load_balancer.next_upstream=[\"error\"]",
    "load_balancer.next_upstream_tries=7",
    "load_balancer.next_upstream_timeout=1ms",
    "load_balancer.retry_connect_only=true",
    "load_balancer.retry_non_idempotent=true",
    "load_balancer.retry_pause=1s",
    "load_balancer.retry_avoids_tried=false",
    "load_balancer.retry_redispatches_last=true",
    "load_balancer.retry_gives_back=true",
    "load_balancer.error_status=503",
    "load_balancer.upstream_keep_alive=0",
    "load_balancer.upstream_keep_alive_timeout=1ms",
    "load_balancer.upstream_keep_alive_requests=1",
    "load_balancer.upstream_closes_removed=true",
    "load_balancer.connect_timeout=1ms",
    "load_balancer.read_timeout=1ms",
    "load_balancer.upstream_rtt=300ms",
    "load_balancer.keep_alive_timeout=1ms",
    "load_balancer.keep_alive_requests=1",
    "load_balancer.outlier_detection={ consecutive_failures = 1 }",
];

const BALANCERS: &[Case] = &[
    (
        TCP_TO_INGRESS,
        &[],
        &[
            "load_balancer.replicas=5",
            "load_balancer.workers=3",
            "load_balancer.policy=random",
            "load_balancer.debounce=1s",
            "load_balancer.debounce_max=1s",
            "load_balancer.batch_window=1s",
            "load_balancer.sync_rate_limit=1/s",
            "load_balancer.throttle=1s",
            "load_balancer.poll=1s",
            "load_balancer.apply=9s",
            "load_balancer.apply_per_object=1s",
            "load_balancer.configuration_objects=10",
            "load_balancer.worker_poll=1s",
            "load_balancer.registration=20s",
            "load_balancer.deregistration=20s",
            "load_balancer.deregistration_delay=1s",
            "load_balancer.worker_shutdown_timeout=1s",
            "load_balancer.health_check={ interval = \"1s\" }",
        ],
    ),
    (TCP_TO_INGRESS, &[], OF_REQUESTS),
    (TCP, &[], OF_REQUESTS),
    (TCP, &[], &["load_balancer.deregistration_delay=1ms", "load_balancer.worker_shutdown_timeout=1ms"]),
    (
        INSTANCE,
        &[],
        &[
            "load_balancer.debounce=1s",
            "load_balancer.debounce_max=1s",
            "load_balancer.batch_window=1s",
            "load_balancer.sync_rate_limit=1/s",
            "load_balancer.throttle=1s",
            "load_balancer.poll=1s",
            "load_balancer.apply=9s",
            "load_balancer.apply_per_object=1s",
            "load_balancer.configuration_objects=10",
            "load_balancer.registration=20s",
            "load_balancer.deregistration=20s",
            "load_balancer.deregistration_delay=1ms",
            "load_balancer.worker_shutdown_timeout=1ms",
            "load_balancer.upstream_closes_removed=true",
        ],
    ),
    (INSTANCE, &[], &["load_balancer.health_check={ interval = \"1s\" }", "load_balancer.worker_poll=9s"]),
    (INSTANCE, &["service.external_traffic_policy=local"], &["load_balancer.resets_unhealthy=true"]),
    (INSTANCE, &["load_balancer.protocol=tcp"], &["load_balancer.resets_unhealthy=true"]),
    (TCP, &["load_balancer.health_check.interval=0s"], &["load_balancer.resets_unhealthy=false"]),
    (
        INSTANCE,
        &["load_balancer.health_check.interval=0s", "service.external_traffic_policy=local"],
        &["load_balancer.worker_poll=9s"],
    ),
    (BOTH, &[], &["load_balancer.health_check.interval=1s", "load_balancer.worker_poll=9s"]),
    (
        TO_SERVICE,
        &[],
        &[
            "ingress.policy=random",
            "ingress.worker_poll=9s",
            "ingress.health_check={ interval = \"1s\" }",
            "ingress.outlier_detection={ consecutive_failures = 1 }",
            "ingress.retry_avoids_tried=true",
            "ingress.apply=9s",
        ],
    ),
    (TO_SERVICE, &["ingress.preset=nginx"], &["ingress.reload=9s", "ingress.worker_shutdown_timeout=1ms"]),
    (INGRESS, &[], &["ingress.worker_shutdown_timeout=1ms", "ingress.debounce_max=9s"]),
    (
        INGRESS,
        &["ingress.preset=skipper"],
        &["ingress.debounce=9s", "ingress.debounce_max=9s", "ingress.batch_window=9s"],
    ),
    (INGRESS, &["ingress.debounce=100ms"], &["ingress.batch_window=9s"]),
    (INGRESS, &["ingress.sync_rate_limit=1/s"], &["ingress.throttle=900ms"]),
    (INGRESS, &["ingress.throttle=2s", "ingress.sync_rate_limit=0/s"], &["ingress.sync_rate_limit=1/s"]),
    (INGRESS, &["ingress.configuration_objects=0"], &["ingress.apply_per_object=1s"]),
    (INGRESS, &["ingress.apply_per_object=0s"], &["ingress.configuration_objects=100"]),
    (
        INGRESS,
        &["ingress.health_check.interval=0s"],
        &[
            "ingress.health_check.timeout=1ms",
            "ingress.health_check.threshold=1",
            "ingress.health_check.healthy_threshold=9",
            "ingress.health_check.unhealthy_threshold=1",
        ],
    ),
    (
        INGRESS,
        &["ingress.health_check={ interval = \"1s\", healthy_threshold = 2, unhealthy_threshold = 2 }"],
        &["ingress.health_check.threshold=9"],
    ),
    (INGRESS, &["ingress.outlier_detection.consecutive_failures=0"], &["ingress.outlier_detection.ejection_time=9s"]),
    (
        INGRESS,
        &["ingress.next_upstream=[]"],
        &[
            "ingress.next_upstream_tries=9",
            "ingress.next_upstream_timeout=1ms",
            "ingress.retry_connect_only=true",
            "ingress.retry_non_idempotent=true",
            "ingress.retry_pause=1s",
            "ingress.retry_avoids_tried=true",
            "ingress.retry_redispatches_last=true",
            "ingress.retry_gives_back=false",
        ],
    ),
    (INGRESS, &["ingress.next_upstream_tries=1"], &["ingress.retry_pause=1s"]),
    (INGRESS, &["ingress.next_upstream_tries=2"], &["ingress.retry_redispatches_last=true"]),
    (INGRESS, &["ingress.next_upstream_tries=2", "ingress.retry_redispatches_last=true"], &["ingress.retry_pause=1s"]),
    (INGRESS, &["ingress.next_upstream_tries=0"], &["ingress.retry_gives_back=false"]),
    (INGRESS, &["ingress.retry_connect_only=true"], &["ingress.retry_gives_back=false"]),
    (
        INGRESS,
        &["ingress.next_upstream_tries=1", "ingress.retry_gives_back=false"],
        &["ingress.next_upstream=[]", "ingress.retry_pause=1s", "ingress.retry_connect_only=true"],
    ),
    (
        INGRESS,
        &["ingress.next_upstream_tries=1", "ingress.upstream_keep_alive=0"],
        &[
            "ingress.next_upstream=[]",
            "ingress.next_upstream_timeout=1ms",
            "ingress.retry_connect_only=true",
            "ingress.retry_non_idempotent=true",
            "ingress.retry_avoids_tried=true",
            "ingress.retry_gives_back=false",
        ],
    ),
    (INGRESS, &["ingress.retry_connect_only=true", "clients.0.method=POST"], &["ingress.retry_non_idempotent=true"]),
    (
        INGRESS,
        &["ingress.upstream_keep_alive=0"],
        &[
            "ingress.upstream_keep_alive_timeout=1ms",
            "ingress.upstream_keep_alive_requests=1",
            "ingress.upstream_closes_removed=true",
        ],
    ),
    (INGRESS, &["clients.0.keep_alive=false"], &["ingress.keep_alive_requests=1", "clients.0.retry=none"]),
];

const CLUSTER: &[Case] = &[
    (
        HEADLESS,
        &[],
        &[
            "service.internal_traffic_policy=local",
            "service.session_affinity=client_ip",
            "service.session_affinity_timeout=1s",
            "service.traffic_distribution=prefer_same_node",
            "kube_proxy.mode=ipvs",
            "kube_proxy.iptables_backend=nft",
            "kube_proxy.min_sync_period=9s",
            "kube_proxy.sync_period=1s",
            "kube_proxy.expire_nodest_conn=false",
            "kube_proxy.initial_tokens=0",
            "clients.0.node=1",
            "clients.0.addresses=7",
            "clients.0.local_ports=7",
            "clients.0.traffic=internal",
            "clients.0.method=POST",
            "clients.0.idempotent=false",
        ],
    ),
    (
        INGRESS,
        &[],
        &[
            "service.internal_traffic_policy=local",
            "service.external_traffic_policy=local",
            "service.session_affinity=client_ip",
            "service.session_affinity_timeout=1s",
            "service.traffic_distribution=prefer_same_node",
            "kube_proxy.mode=instant",
            "kube_proxy.iptables_backend=nft",
            "kube_proxy.min_sync_period=9s",
            "kube_proxy.sync_period=1s",
            "kube_proxy.expire_nodest_conn=false",
            "kube_proxy.initial_tokens=0",
            "dns.ttl=1s",
            "dns.resolver_cache=1s",
            "clients.0.node=1",
            "clients.0.traffic=internal",
            "clients.0.addresses=7",
            "clients.0.local_ports=7",
            "clients.0.dns=once",
        ],
    ),
    (INGRESS, &["service.kind=headless"], &["dns.ttl=1s", "dns.resolver_cache=1s", "clients.0.dns=once"]),
    (CLUSTER_IP, &["clients.0.addresses=1"], &["clients.0.addresses=7"]),
    (TO_SERVICE, &["clients.0.traffic=internal"], &["service.external_traffic_policy=local"]),
    (
        NODE_PORT,
        &[],
        &[
            "service.internal_traffic_policy=local",
            "service.session_affinity_timeout=1s",
            "service.traffic_distribution=prefer_close",
            "dns.ttl=1s",
            "dns.resolver_cache=1s",
            "kube_proxy.expire_nodest_conn=false",
            "kube_proxy.initial_tokens=0",
            "clients.0.dns=once",
            "clients.0.addresses=7",
            "clients.0.local_ports=7",
            "clients.0.method=POST",
            "clients.0.idempotent=false",
            "clients.0.retry=none",
            "clients.0.notices_close=true",
            "clients.0.honours_connection_close=true",
            "clients.0.closes_after_error=true",
        ],
    ),
    (
        NODE_PORT,
        &["kube_proxy.mode=nftables", "cluster.services=100"],
        &["kube_proxy.iptables_backend=nft", "kube_proxy.sync_period=1s"],
    ),
    (
        NODE_PORT,
        &["kube_proxy.mode=ipvs", "cluster.services=100"],
        &["kube_proxy.iptables_backend=nft", "kube_proxy.sync_period=1s", "kube_proxy.expire_nodest_conn=false"],
    ),
    (NODE_PORT, &["kube_proxy.mode=ipvs", "cluster.kernel=5.9"], &["clients.0.local_ports=7", "clients.0.addresses=7"]),
    (
        NODE_PORT,
        &["kube_proxy.mode=ebpf", "cluster.version=1.20"],
        &[
            "kube_proxy.iptables_backend=nft",
            "kube_proxy.min_sync_period=9s",
            "kube_proxy.sync_period=1s",
            "kube_proxy.initial_tokens=0",
        ],
    ),
    (NODE_PORT, &["kube_proxy.mode=instant"], &["kube_proxy.min_sync_period=9s", "kube_proxy.sync_period=1s"]),
    (NODE_PORT, &["cluster.version=1.26", "cluster.services=100"], &["kube_proxy.sync_period=1s"]),
    (NODE_PORT, &["cluster.version=1.20", "kube_proxy.min_sync_period=0s"], &["kube_proxy.initial_tokens=0"]),
    (
        "clients = [{ rate = \"80/s\", profile = \"open\" }]\n",
        &[],
        &[
            "clients.0.warm_up=true",
            "clients.0.spread_to_end=true",
            "clients.0.catch_up=false",
            "clients.0.latency_from=due",
            "clients.0.think_time=9s",
        ],
    ),
    (
        "clients = [{ profile = \"open\", arrivals = \"trace\", trace = [1, 2, 5] }]\n",
        &[],
        &["clients.0.rate=9/s", "clients.0.burst={}", "clients.0.shape_starts_at=1s"],
    ),
    (
        "clients = [{ profile = \"grpc\", rate = \"80/s\" }]\n",
        &[],
        &[
            "clients.0.balancing=round_robin",
            "clients.0.hedging={ delay = \"1ms\" }",
            "clients.0.max_age_grace=1ms",
            "clients.0.max_requests=1",
            "clients.0.max_idle=1",
            "clients.0.retry=reused_once",
            "clients.0.notices_close=false",
            "clients.0.honours_connection_close=false",
            "clients.0.closes_after_error=true",
            "pod.server.keep_alive_requests=100",
            "clients.0.reconnect={}",
        ],
    ),
    (
        "clients = [{ profile = \"hey\", think_time = \"50ms\", connections = 4 }]\n",
        &[],
        &["clients.0.rate=9/s", "clients.0.spread_to_end=true", "clients.0.catch_up=true", "clients.0.max_idle=1"],
    ),
    (
        NODE_PORT,
        &[],
        &[
            "clients.0.idle_timeout=1ms",
            "clients.0.max_age=1ms",
            "clients.0.max_requests=1",
            "clients.0.max_idle=1",
            "clients.0.think_time=9s",
        ],
    ),
    (
        "clients = [{ rate = \"80/s\" }]\n",
        &["run={ end = { after_old_pods_gone = \"2s\" } }"],
        &["clients.0.spread_to_end=false"],
    ),
    (INGRESS, &["clients.0.idempotent=true"], &["clients.0.method=POST"]),
];

const SERVERS: &[Case] = &[
    (
        CLUSTER_IP,
        &["pod.server.profile=ignores-signal", "pod.termination_grace_period=3s"],
        &[
            "pod.server.lame_duck={ wait = \"1s\" }",
            "pod.server.new_connections=reject",
            "pod.server.idle=serve",
            "pod.server.in_flight=drain",
            "pod.server.queued=serve",
            "pod.server.connection_close=false",
            "pod.server.drain_poll=1s",
            "pod.server.keeps_new=9s",
            "pod.server.drain_limit=1ms",
        ],
    ),
    (
        CLUSTER_IP,
        &["pod.server.profile=nginx-sigterm", "pod.server.service_time=30ms"],
        &[
            "pod.server.queued=serve",
            "pod.server.connection_close=false",
            "pod.server.drain_poll=1s",
            "pod.server.keeps_new=9s",
            "pod.server.drain_limit=1ms",
        ],
    ),
    (CLUSTER_IP, &[], &["pod.server.cpu_period=10ms", "pod.server.max_streams=1", "clients.0.max_age_grace=1ms"]),
    (
        CLUSTER_IP,
        &["pod.sidecar={ pre_stop = \"1s\" }", "pod.server.profile=go-shutdown"],
        &["pod.server.new_connections=refuse", "pod.server.idle=close", "pod.server.connection_close=true"],
    ),
    (CLUSTER_IP, &["pod.sidecar={ boot = \"1s\" }"], &["pod.sidecar.startup_probe={ period = \"1s\" }"]),
    (CLUSTER_IP, &["cluster.version=1.17"], &["pod.startup_probe={ failure_threshold = 1, period = \"1s\" }"]),
    (
        CLUSTER_IP,
        &[
            "cluster.version=1.21",
            "faults=[{ at = \"1s\", kind = \"hang\" }]",
            "pod.liveness_probe={ period = \"1s\" }",
            "pod.startup_probe={ period = \"1s\" }",
        ],
        &["pod.liveness_probe.termination_grace_period=2s", "pod.startup_probe.termination_grace_period=2s"],
    ),
    (
        CLUSTER_IP,
        &["autoscaler={ min_replicas = 3, max_replicas = 3, metric = \"memory\", idle = 50 }"],
        &["autoscaler.scale_down_window=1s"],
    ),
    (NODE_PORT, &["pod.server.workers=unlimited"], &["pod.server.accepts=when_free"]),
];

/// The warnings, and all metrics of two replications as text.
fn outcome(text: &str, sets: &[&str]) -> (Vec<Problem>, String) {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    let (scenario, warnings) = scenario::read(&Source::new("a.toml", format!("{BASE}{text}")), &sets)
        .unwrap_or_else(|problems| panic!("{text}{sets:?}: {}", scenario::render(&problems, false)));
    let plan = Plan {
        replications: 2,
        threads: None,
        precision: None,
        check: true,
        estimator: rollsim::run::Estimator::EveryRequest,
        series: false,
    };
    (warnings, format!("{:?}", replicate(&scenario, &plan, &|_| ()).unwrap().metrics))
}

fn tells(warnings: &[Problem], key: &str) -> bool {
    let is_told = |told: &str| key.strip_prefix(told).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    warnings.iter().any(|warning| warning.code == "no-effect" && warning.key.as_deref().is_some_and(is_told))
}

/// A case and what it is without.
fn check(&(text, sets, idle): &Case) {
    let (_, plain) = outcome(text, sets);
    for key_value in idle {
        let (key, _) = key_value.split_once('=').unwrap();
        let (warnings, with) = outcome(text, &[sets, &[*key_value]].concat());
        assert!(tells(&warnings, key), "{text}{sets:?} {key_value}: no word, but {warnings:?}");
        assert!(warnings.iter().all(|warning| !warning.is_error() && warning.place.is_some()), "{warnings:?}");
        assert_eq!(with, plain, "{text}{sets:?} {key_value} has an effect");
    }
}

#[test]
fn a_key_of_a_balancer_without_effect_gave_no_word() {
    BALANCERS.iter().for_each(check);
}

#[test]
fn a_key_of_service_dns_kube_proxy_or_client_without_effect_gave_no_word() {
    CLUSTER.iter().for_each(check);
}

#[test]
fn a_key_of_a_server_without_effect_gave_no_word() {
    SERVERS.iter().for_each(check);
}

#[test]
fn a_probe_service_time_without_probes_gave_no_word() {
    let read = |text: &str| scenario::read(&Source::new("a.toml", text), &[]).unwrap().1;
    let server = "pod.server.probe_service_time = \"2s\"\n";
    assert!(tells(&read(server), "pod.server.probe_service_time"));
    for probe in ["readiness", "startup", "liveness"] {
        let warnings = read(&format!("{server}pod.{probe}_probe = {{ period = \"1s\" }}\n"));
        assert!(!tells(&warnings, "pod.server.probe_service_time"), "{probe}: {warnings:?}");
    }
}

/// Scenarios in which each key does something.
const ACTING: &[&str] = &[
    "ingress = { kind = \"reload\", replicas = 2, workers = 2, policy = \"random\", batch_window = \"1s\", throttle = \"2s\", \
     reload = \"1s\", apply_per_object = \"1ms\", configuration_objects = 9, worker_shutdown_timeout = \"9s\", \
     worker_poll = \"1s\", registration = \"1s\", deregistration = \"1s\", deregistration_delay = \"1s\", \
     health_check = { interval = \"1s\", timeout = \"1s\", threshold = 2 }, readiness_gate = true, \
     outlier_detection = { consecutive_failures = 1, ejection_time = \"9s\" }, next_upstream = [\"error\"], \
     next_upstream_tries = 2, next_upstream_timeout = \"9s\", retry_non_idempotent = true, retry_pause = \"1s\", \
     retry_avoids_tried = true, error_status = 503, upstream_keep_alive = 9, upstream_keep_alive_timeout = \"9s\", \
     upstream_keep_alive_requests = 9, upstream_closes_removed = true, connect_timeout = \"1s\", read_timeout = \"9s\", \
     upstream_rtt = \"1ms\", keep_alive_timeout = \"9s\", keep_alive_requests = 9 }\n\
     clients = [{ via = \"ingress\", method = \"POST\", retry = \"none\", notices_close = true, warm_up = false }]\n",
    "load_balancer = { preset = \"aws-nlb\", target = \"instance\", replicas = 2, workers = 2, policy = \"random\", \
     health_check = { interval = \"1s\", timeout = \"1s\", threshold = 2 }, worker_poll = \"1s\" }\n\
     service = { external_traffic_policy = \"local\", session_affinity = \"client_ip\", session_affinity_timeout = \"9s\" }\n\
     clients = [{ via = \"load_balancer\", addresses = 9 }]\n",
    "load_balancer = { preset = \"aws-nlb\", poll = \"1s\", apply = \"1s\", registration = \"1s\", readiness_gate = true }\n\
     clients = [{}]\n",
    "service = { kind = \"headless\" }\ndns = { ttl = \"5s\", resolver_cache = \"5s\" }\nclients = [{ dns = \"ttl\" }]\n",
    "cluster = { version = \"1.30\", services = 100 }\nkube_proxy = { mode = \"iptables\", iptables_backend = \"nft\", \
     min_sync_period = \"5s\", sync_period = \"9s\", initial_tokens = 0 }\nclients = [{ node = 0, traffic = \"external\" }]\n",
    "cluster = { version = \"1.12\", kernel = \"5.4\" }\nkube_proxy = { mode = \"ipvs\", expire_nodest_conn = true, \
     sync_period = \"9s\" }\nclients = [{ addresses = 2, local_ports = 100 }]\n",
    "cluster = { nodes = 2, zones = 2 }\nservice = { kind = \"cluster_ip\", internal_traffic_policy = \"local\", \
     traffic_distribution = \"prefer_close\" }\nclients = [{ traffic = \"internal\", spread_to_end = true }]\n",
    "clients = [{ profile = \"go\", max_idle = 1, idle_timeout = \"1s\", max_age = \"9s\", max_requests = 9, method = \"POST\", \
     work = 2, retries = { attempts = 3 }, stops_on = [\"eof\"] }, { profile = \"k6\", think_time = \"2s\", users = 2, \
     idempotent = 0.5 }, { catch_up = false, latency_from = \"due\", retries = {}, method = \"POST\" }]\n",
    "clients = [{ profile = \"open\", arrivals = \"bursty\", burst = { on = \"1s\" }, rate = \"9/s\" }, \
     { profile = \"open\", arrivals = \"daily\", shape_starts_at = \"1s\", idempotent = 0.5, hedging = { quantile = 0.9 } }]\n",
    "service = { kind = \"headless\" }\nclients = [{ profile = \"grpc\", balancing = \"round_robin\", dns = \"1s\", max_age = \"9s\", \
     max_age_grace = \"1s\", idle_timeout = \"5s\", protocol = \"http2\" }, { profile = \"session\", reconnect = { jitter = \"none\" }, retries = { attempts = 2 } }]\n",
    "kube_proxy = { mode = \"nftables\", min_sync_period = \"40s\", sync_period = \"60s\" }\n",
    "pod.server = { profile = \"undertow\", workers = 2, accepts = \"when_free\", backlog = 9, cpu_limit = \"500m\", \
     cpu_period = \"10ms\", in_flight_limit = 9, warm_up = { slowdown = 2, age = \"9s\", requests = 9 }, \
     new_connections = \"reject\", idle = \"reject\", in_flight = \"drain\", queued = \"serve\", connection_close = true, \
     drain_limit = \"9s\", drain_poll = \"1s\", keeps_new = \"2s\", \
     lame_duck = { wait = \"1s\", fails_readiness = false, connection_close = false } }\n",
    "pod.startup_probe = { period = \"1s\" }\npod.server.probe_service_time = \"1ms\"\n\
     pod.liveness_probe = { initial_delay = \"1s\", termination_grace_period = \"5s\" }\n",
];

#[test]
fn a_key_that_acts_is_not_told() {
    for text in ACTING {
        let (_, warnings) = scenario::read(&Source::new("a.toml", *text), &[])
            .unwrap_or_else(|problems| panic!("{text}: {}", scenario::render(&problems, false)));
        let told: Vec<_> = warnings.iter().filter(|warning| warning.code == "no-effect").collect();
        assert!(told.is_empty(), "{text}: {told:?}");
        assert!(warnings.iter().all(|warning| warning.code != "unused-balancer"), "{text}: {warnings:?}");
    }
}

/// A key that merely repeats its default in a listing of all keys is nobody's wish.
#[test]
fn a_settled_scenario_is_told_what_its_source_was_told() {
    let keys = |text: &str| {
        let (scenario, warnings) = scenario::read(&Source::new("a.toml", text), &[]).unwrap();
        let told = warnings.into_iter().filter(|warning| warning.code == "no-effect");
        (scenario::settled_toml(&scenario), told.map(|warning| warning.key).collect::<Vec<_>>())
    };
    let of_service = "kube_proxy.mode = \"ebpf\"\nkube_proxy.min_sync_period = \"9s\"\ndns.ttl = \"5s\"\n";
    for text in [&format!("{NODE_PORT}{of_service}"), TCP_TO_INGRESS, INGRESS, HEADLESS] {
        let (settled, of_source) = keys(text);
        assert_eq!(keys(&settled).1.len(), of_source.len(), "{text}");
    }
    assert_eq!(keys(&format!("{NODE_PORT}{of_service}")).1.len(), 2);
}

#[test]
fn a_balancer_that_nobody_uses_gave_no_word() {
    let unused = |text: &str| {
        let (_, warnings) = scenario::read(&Source::new("a.toml", text), &[]).unwrap();
        let unused = warnings.into_iter().filter(|warning| warning.code == "unused-balancer");
        unused.map(|warning| (warning.key.unwrap(), warning.place.unwrap().line)).collect::<Vec<_>>()
    };
    let of = |key: &str, line| (key.to_owned(), line);
    assert_eq!(unused("name = \"a\"\n[ingress]\nreplicas = 2\n"), [of("ingress", 2)]);
    assert_eq!(unused("[load_balancer]\n[ingress]\n[[clients]]\nvia = \"ingress\"\n"), [of("load_balancer", 1)]);
    let behind = "[ingress]\n[load_balancer]\ntarget = \"ingress\"\n";
    assert_eq!(unused(behind), [of("ingress", 1), of("load_balancer", 2)]);
    assert_eq!(unused(&format!("{behind}[[clients]]\nvia = \"load_balancer\"\n")), []);
    assert_eq!(unused("[load_balancer]\nreadiness_gate = true\n"), []);
}
