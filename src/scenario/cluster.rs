//! `[cluster]`, `[deployment]` and `[kube_proxy]`.

use crate::model::spec::{
    ClusterSize, ClusterSpec, Cni, DeploymentSpec, IptablesBackend, KubeProxySpec, PodReplacementPolicy, ProxyMode,
};
use crate::scenario::log::Fault;
use crate::scenario::names;
use crate::scenario::reader::Fields;
use crate::scenario::tree::{Node, Value};
use crate::scenario::values::{
    any_duration, duration, exactly, kernel, number, period, pods_or_share, truth, version, whole,
};
use crate::units::{IntOrPercent, KernelVersion, SimDuration, Version};

pub(super) fn cluster(fields: &mut Fields<'_>) -> ClusterSpec {
    let services = fields.or("services", whole(0..=100_000), 0);
    ClusterSpec {
        version: fields.or("version", version, Version::minor(34)),
        nodes: fields.or("nodes", whole(1..=1_000), 1),
        size: fields.or("size", |node| names::CLUSTER_SIZE.parse(node), ClusterSize::Small),
        services,
        endpoints: fields.or("endpoints", whole(0..=10_000_000), 2 * services),
        cni: fields.or("cni", |node| names::CNI.parse(node), Cni::Bridge),
        kernel: fields.or("kernel", kernel, KernelVersion { major: 5, minor: 15 }),
        zones: fields.or("zones", whole(1..=1_000), 1),
        // Stand in `[nodes.N]`.
        other_zones: Vec::new(),
    }
}

pub(super) fn deployment(fields: &mut Fields<'_>) -> DeploymentSpec {
    DeploymentSpec {
        replicas: fields.or("replicas", whole(1..=10_000), 1),
        max_surge: fields.or("max_surge", pods_or_share(1_000), IntOrPercent::Percent(25)),
        max_unavailable: fields.or("max_unavailable", pods_or_share(100), IntOrPercent::Percent(25)),
        min_ready: fields.or("min_ready", duration, SimDuration::ZERO),
        // No limit of a day: in clusters the deadline is switched off with 2147483647 seconds.
        progress_deadline: fields.or("progress_deadline", any_duration, SimDuration::from_secs(600)),
        pod_replacement_policy: fields.or(
            "pod_replacement_policy",
            |node| names::POD_REPLACEMENT_POLICY.parse(node),
            PodReplacementPolicy::TerminationStarted,
        ),
    }
}

pub(super) fn kube_proxy(fields: &mut Fields<'_>, version: Version) -> KubeProxySpec {
    let mode = fields.or("mode", |node| names::PROXY_MODE.parse(node), ProxyMode::Iptables);
    KubeProxySpec {
        mode,
        iptables_backend: fields.or(
            "iptables_backend",
            |node| names::IPTABLES_BACKEND.parse(node),
            IptablesBackend::Legacy,
        ),
        min_sync_period: fields.or("min_sync_period", duration, default_min_sync_period(mode, version)),
        sync_period: fields.or("sync_period", period, SimDuration::from_secs(30)),
        // kube-proxy sets it since it deletes real servers gracefully.
        expire_nodest_conn: fields.or("expire_nodest_conn", truth, version >= Version::minor(13)),
        initial_tokens: fields.or("initial_tokens", tokens, (2.0, 2.0)),
    }
}

/// kube-proxy's own defaults: for iptables it changed in 1.20, for ipvs between 1.26 and today; 1.30 is assumed there
/// (mechanics 5.1).
fn default_min_sync_period(mode: ProxyMode, version: Version) -> SimDuration {
    let since = match mode {
        ProxyMode::Ipvs => Version::minor(30),
        ProxyMode::Nftables => Version::OLDEST,
        ProxyMode::Iptables | ProxyMode::Ebpf | ProxyMode::Instant => Version::minor(20),
    };
    if version < since { SimDuration::ZERO } else { SimDuration::from_secs(1) }
}

/// A number of tokens, or the two ends between which it is uniform. The bucket holds 2.
fn tokens(node: &Node) -> Result<(f64, f64), Fault> {
    let one = |node: &Node| number(0.0..=2.0)(node).map_err(|fault| fault.at(node.at));
    if !matches!(node.value, Value::Array(_)) {
        return one(node).map(|value| (value, value));
    }
    let [low, high] = exactly(node, "a number of tokens or [low, high]")?;
    let (low, high) = (one(low)?, one(high)?);
    if low > high {
        let fault = Fault::new("bad-value", format!("has a low end {low} above its high end {high}"));
        return Err(fault.help("write the low end first"));
    }
    Ok((low, high))
}
