//! `[service]`, `[dns]`, `[kube_proxy]`, and the probes of `[pod]`.

use super::{Row, row, uses};
use crate::ids::NodeId;
use crate::model::spec::{
    KubeProxySpec, ProxyMode, Scenario, SessionAffinity, SidecarKind, Traffic, TrafficDistribution,
};
use crate::units::{SimDuration, Version};

type When = fn(&Scenario) -> bool;

/// The tables with their rows.
pub(super) const ROWS: [(&str, &[Row<When>]); 8] = [
    ("service", SERVICE),
    ("dns", DNS),
    ("kube_proxy", KUBE_PROXY),
    ("autoscaler", AUTOSCALER),
    ("pod", POD),
    ("pod.sidecar", SIDECAR),
    ("pod.startup_probe", OWN_GRACE),
    ("pod.liveness_probe", OWN_GRACE),
];

const AUTOSCALER: &[Row<When>] = &[row(
    &["scale_down_window"],
    |scenario| scenario.autoscaler.is_some_and(|spec| spec.min_replicas == spec.max_replicas),
    "`autoscaler.min_replicas` is `max_replicas`: the size never changes",
    "set another max_replicas",
)];

const POD: &[Row<When>] = &[row(
    &["startup_probe"],
    |scenario| scenario.cluster.version < Version::minor(18),
    "startup probes are behind a gate before 1.18",
    "set cluster.version = \"1.18\" or later",
)];

const SIDECAR: &[Row<When>] = &[row(
    &["startup_probe"],
    |scenario| scenario.pod.sidecar.as_ref().is_some_and(|sidecar| sidecar.kind == SidecarKind::Classic),
    "`pod.sidecar.kind` is \"classic\": it starts beside the server, which does not wait for it",
    "set pod.sidecar.kind = \"native\"",
)];

const OWN_GRACE: &[Row<When>] = &[row(
    &["termination_grace_period"],
    |scenario| scenario.cluster.version < Version::minor(22),
    "a probe's own grace period is behind a gate before 1.22",
    "set cluster.version = \"1.22\" or later",
)];

const HEADLESS: &str = "a headless Service has no address and no rules";
const NO_RULES: &str = "no connection is sent by kube-proxy's rules: clients go through balancers that know the pods";
const BY_RULES: &str = "let clients use via = \"service\"";

const SERVICE_KEYS: &[&str] = &[
    "external_traffic_policy",
    "internal_traffic_policy",
    "session_affinity",
    "session_affinity_timeout",
    "traffic_distribution",
];

const KUBE_PROXY_KEYS: &[&str] =
    &["mode", "iptables_backend", "min_sync_period", "sync_period", "expire_nodest_conn", "initial_tokens"];

const SERVICE: &[Row<When>] = &[
    row(SERVICE_KEYS, uses::is_headless, HEADLESS, "use another service.kind"),
    row(SERVICE_KEYS, |scenario| !uses::rules_are_used(scenario), NO_RULES, BY_RULES),
    row(
        &["external_traffic_policy"],
        |scenario| !uses::rules_mind(scenario, Traffic::External),
        "no connection comes from outside",
        "let clients use traffic = \"external\"",
    ),
    row(
        &["internal_traffic_policy"],
        |scenario| !uses::rules_mind(scenario, Traffic::Internal) && scenario.service.kind.is_externally_accessible(),
        "no connection comes from a pod",
        "let clients use traffic = \"internal\"",
    ),
    row(
        &["session_affinity_timeout"],
        |scenario| scenario.service.session_affinity == SessionAffinity::None,
        "`service.session_affinity` is \"none\"",
        "set session_affinity = \"client_ip\"",
    ),
    row(
        &["traffic_distribution"],
        |scenario| prefers_a_zone(scenario) && is_one_zone(scenario),
        "all nodes are in one zone",
        "set cluster.zones",
    ),
];

fn prefers_a_zone(scenario: &Scenario) -> bool {
    use TrafficDistribution::{PreferClose, PreferSameZone};
    matches!(scenario.service.traffic_distribution, PreferClose | PreferSameZone)
}

fn is_one_zone(scenario: &Scenario) -> bool {
    let cluster = &scenario.cluster;
    (0..cluster.nodes).all(|node| cluster.zone_of(NodeId(node)) == cluster.zone_of(NodeId(0)))
}

const DNS: &[Row<When>] = &[
    row(
        &["ttl", "resolver_cache"],
        |scenario| !uses::is_headless(scenario),
        "only clients of a headless Service resolve names to pods",
        "set service.kind = \"headless\"",
    ),
    row(
        &["ttl", "resolver_cache"],
        |scenario| !scenario.clients.iter().any(|client| uses::resolves(scenario, client)),
        "no client resolves the name of the Service",
        BY_RULES,
    ),
];

const KUBE_PROXY: &[Row<When>] = &[
    row(
        KUBE_PROXY_KEYS,
        |scenario| uses::is_headless(scenario) && !forgets(scenario),
        HEADLESS,
        "use another service.kind",
    ),
    row(KUBE_PROXY_KEYS, |scenario| !uses::rules_are_used(scenario) && !forgets(scenario), NO_RULES, BY_RULES),
    row(
        &["iptables_backend"],
        |scenario| scenario.kube_proxy.mode != ProxyMode::Iptables,
        "only mode \"iptables\" has it",
        "set kube_proxy.mode = \"iptables\"",
    ),
    row(
        &["min_sync_period", "sync_period", "initial_tokens"],
        |scenario| matches!(scenario.kube_proxy.mode, ProxyMode::Ebpf | ProxyMode::Instant),
        "modes \"ebpf\" and \"instant\" take each change by itself and have no syncs",
        "set kube_proxy.mode = \"iptables\"",
    ),
    row(
        &["sync_period"],
        |scenario| scenario.kube_proxy.mode == ProxyMode::Nftables && !makes_room(&scenario.kube_proxy),
        "a transaction of mode \"nftables\" holds only what changed",
        "set kube_proxy.mode = \"iptables\"",
    ),
    row(
        &["sync_period"],
        |scenario| {
            let (proxy, version) = (&scenario.kube_proxy, scenario.cluster.version);
            proxy.mode == ProxyMode::Iptables && version < Version::minor(27) && !makes_room(proxy)
        },
        "up to 1.26 each sync of mode \"iptables\" writes everything",
        "set cluster.version = \"1.27\" or later",
    ),
    row(
        &["sync_period"],
        |scenario| {
            let (proxy, version) = (&scenario.kube_proxy, scenario.cluster.version);
            proxy.mode == ProxyMode::Ipvs && version == Version::minor(34) && !makes_room(proxy)
        },
        "1.34 writes the rules of mode \"ipvs\" anew each hour, whatever the period",
        "choose another cluster.version",
    ),
    row(
        &["expire_nodest_conn"],
        |scenario| scenario.kube_proxy.mode != ProxyMode::Ipvs,
        "only mode \"ipvs\" has it",
        "set kube_proxy.mode = \"ipvs\"",
    ),
    row(
        &["expire_nodest_conn"],
        |scenario| !forgets(scenario),
        "since 1.13 a real server that goes keeps its connections",
        "set cluster.version = \"1.12\" or earlier",
    ),
    row(
        &["initial_tokens"],
        |scenario| scenario.cluster.version >= Version::minor(34),
        "since 1.34 kube-proxy's syncs are not limited by tokens",
        "set cluster.version = \"1.33\" or earlier",
    ),
    row(
        &["initial_tokens"],
        |scenario| scenario.kube_proxy.min_sync_period.is_zero(),
        "`kube_proxy.min_sync_period` is 0s: no sync needs a token",
        "set a min_sync_period",
    ),
];

/// Up to 1.12 ipvs forgets real servers under their connections, even those it has not forwarded.
fn forgets(scenario: &Scenario) -> bool {
    scenario.kube_proxy.mode == ProxyMode::Ipvs && scenario.cluster.version < Version::minor(13)
}

/// Without it `min_sync_period` would be longer than the default, which is refused.
fn makes_room(proxy: &KubeProxySpec) -> bool {
    proxy.min_sync_period > SimDuration::from_secs(30)
}
