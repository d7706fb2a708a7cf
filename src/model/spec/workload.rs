//! The cluster, the Deployment with its pods, and kube-proxy. The server in the pods has a file of its own.

use crate::dist::Dist;
use crate::ids::{NodeId, ZoneId};
use crate::model::spec::{PodReplacementPolicy, Requests, ServerSpec};
use crate::units::{IntOrPercent, KernelVersion, SimDuration, Version};

/// `cluster.size`: which column of the delay table gives the defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClusterSize {
    /// An idle cluster of up to about 100 nodes.
    Small,
    /// A busy one, or thousands of nodes and Services.
    Large,
}

/// `cluster.cni`: what a packet to a pod meets once its network namespace is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cni {
    /// No answer at all, for about 54 s (measured with the bridge plugin).
    Bridge,
    /// ICMP host unreachable after one round trip.
    Routed,
}

/// `[cluster]`.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterSpec {
    /// Picks the behaviours that changed between releases.
    pub version: Version,
    /// Nodes, each with its own kubelet and kube-proxy.
    pub nodes: u32,
    /// Which default delays.
    pub size: ClusterSize,
    /// Other Services programmed on every node.
    pub services: u32,
    /// Endpoints of these, all together.
    pub endpoints: u32,
    /// What answers for a pod that is gone.
    pub cni: Cni,
    /// The Linux kernel of the nodes.
    pub kernel: KernelVersion,
    /// Number of zones; node `i` is in zone `i mod zones` unless it says otherwise.
    pub zones: u32,
    /// `nodes.N.zone`: nodes in another zone, or without a zone label.
    pub other_zones: Vec<(NodeId, Option<ZoneId>)>,
}

impl ClusterSpec {
    /// `net.core.somaxconn` of the nodes, the longest accept queue: 4096 since Linux 5.4, 128 before (Documentation/networking/ip-sysctl).
    pub fn somaxconn(&self) -> u32 {
        if self.kernel >= (KernelVersion { major: 5, minor: 4 }) { 4_096 } else { 128 }
    }

    /// The zone of a node, by its label `topology.kubernetes.io/zone`.
    pub fn zone_of(&self, node: NodeId) -> Option<ZoneId> {
        let other = self.other_zones.iter().find(|(other, _)| *other == node);
        other.map_or(Some(ZoneId(node.0 % self.zones)), |(_, zone)| *zone)
    }
}

/// `[deployment]`.
#[derive(Debug, Clone, PartialEq)]
pub struct DeploymentSpec {
    /// Desired pods.
    pub replicas: u32,
    /// `maxSurge`.
    pub max_surge: IntOrPercent,
    /// `maxUnavailable`.
    pub max_unavailable: IntOrPercent,
    /// `minReadySeconds`.
    pub min_ready: SimDuration,
    /// `progressDeadlineSeconds`.
    pub progress_deadline: SimDuration,
    /// `podReplacementPolicy`.
    pub pod_replacement_policy: PodReplacementPolicy,
}

impl DeploymentSpec {
    /// Whether new pods wait until old ones have ended.
    pub fn replaces_after_termination(&self) -> bool {
        self.pod_replacement_policy == PodReplacementPolicy::TerminationComplete
    }
}

/// `[pod]`.
#[derive(Debug, Clone, PartialEq)]
pub struct PodSpec {
    /// `terminationGracePeriodSeconds`.
    pub termination_grace_period: SimDuration,
    /// `resources.requests`.
    pub requests: Requests,
    /// Process start to listening.
    pub boot: Dist,
    /// `readinessProbe`; none means Ready as soon as the container runs.
    pub readiness_probe: Option<ProbeSpec>,
    /// `startupProbe`: the other two wait until it has succeeded.
    pub startup_probe: Option<ProbeSpec>,
    /// `livenessProbe`: a container that fails it is killed and started again.
    pub liveness_probe: Option<ProbeSpec>,
    /// `lifecycle.preStop`.
    pub pre_stop: Option<PreStop>,
    /// The server in the container.
    pub server: ServerSpec,
    /// A proxy in a container of its own, through which all requests come.
    pub sidecar: Option<SidecarSpec>,
}

/// `pod.sidecar.kind`: when the kubelet stops the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SidecarKind {
    /// An ordinary container: together with the server.
    Classic,
    /// A restartable init container (KEP-753): after the server has ended.
    Native,
}

/// `[pod.sidecar]`.
#[derive(Debug, Clone, PartialEq)]
pub struct SidecarSpec {
    /// When it is stopped.
    pub kind: SidecarKind,
    /// The sleep in its preStop hook, which begins with the server's.
    pub pre_stop: SimDuration,
    /// From the stop signal to its end, until which it goes on.
    pub drain: Dist,
    /// From the start of its container to its listening.
    pub boot: Dist,
    /// Of a native one: the server's container waits until its startup probe has succeeded, and without one until it runs.
    pub startup_probe: Option<SidecarProbe>,
}

/// `[pod.sidecar.startup_probe]`: it is asked until it succeeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SidecarProbe {
    /// `initialDelaySeconds`.
    pub initial_delay: SimDuration,
    /// `periodSeconds`.
    pub period: SimDuration,
}

impl PodSpec {
    /// The probe of a kind, if the pod has one.
    pub fn probe(&self, kind: ProbeKind) -> Option<&ProbeSpec> {
        match kind {
            ProbeKind::Readiness => self.readiness_probe.as_ref(),
            ProbeKind::Startup => self.startup_probe.as_ref(),
            ProbeKind::Liveness => self.liveness_probe.as_ref(),
        }
    }
}

/// What a probe is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProbeKind {
    /// Whether the pod is Ready.
    Readiness,
    /// Whether the container has started.
    Startup,
    /// Whether it has to be started again.
    Liveness,
}

impl ProbeKind {
    /// All kinds.
    pub const ALL: [ProbeKind; 3] = [ProbeKind::Readiness, ProbeKind::Startup, ProbeKind::Liveness];
}

/// `[pod.readiness_probe]`, `startup_probe`, `liveness_probe`: an HTTP probe.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeSpec {
    /// `initialDelaySeconds`.
    pub initial_delay: SimDuration,
    /// `periodSeconds`.
    pub period: SimDuration,
    /// `timeoutSeconds`.
    pub timeout: SimDuration,
    /// `successThreshold`.
    pub success_threshold: u32,
    /// `failureThreshold`.
    pub failure_threshold: u32,
    /// `terminationGracePeriodSeconds` of the probe itself; none means the pod's.
    pub termination_grace_period: Option<SimDuration>,
}

/// What a preStop hook does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PreStopAction {
    /// The kubelet waits (native since 1.29; before, the file's `sleep` is settled as [`PreStopAction::Exec`]).
    Sleep,
    /// A command in the container.
    Exec,
    /// A GET to the container.
    Http,
}

/// `[pod.pre_stop]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PreStop {
    /// Which kind.
    pub action: PreStopAction,
    /// How long it takes, without the overhead of starting it.
    pub duration: SimDuration,
    /// The hook makes the readiness probe fail from its start (`rm healthy.html`).
    pub fails_readiness: bool,
    /// The hook fails at once (no shell in the image, refused): then the stop signal follows immediately.
    pub fails: bool,
}

/// The stop signal a container gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signal {
    /// The image's stop signal (SIGTERM, or what `STOPSIGNAL` says).
    Stop,
    /// SIGKILL.
    Kill,
}

/// `kube_proxy.mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyMode {
    /// iptables rules, written in syncs.
    Iptables,
    /// nftables, written in syncs whose cost follows what changed.
    Nftables,
    /// ipvs: a fixed set of rules, real servers changed one by one in syncs.
    Ipvs,
    /// eBPF maps, as of an agent in the place of kube-proxy: each change by itself, after `delays.ebpf_update`.
    Ebpf,
    /// Every change at once, after `delays.route` or `delays.unroute`.
    Instant,
}

/// `kube_proxy.iptables_backend`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IptablesBackend {
    /// iptables-legacy.
    Legacy,
    /// iptables over nf_tables.
    Nft,
}

/// `[kube_proxy]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KubeProxySpec {
    /// How rules change.
    pub mode: ProxyMode,
    /// The cost of a sync by rule count.
    pub iptables_backend: IptablesBackend,
    /// `minSyncPeriod` of the mode.
    pub min_sync_period: SimDuration,
    /// `syncPeriod` of the mode.
    pub sync_period: SimDuration,
    /// `net.ipv4.vs.expire_nodest_conn`: connections of a deleted ipvs real server are reset, not ignored.
    pub expire_nodest_conn: bool,
    /// Tokens in the sync limiter's bucket at the start are uniform between these (up to 1.33; the bucket holds 2).
    pub initial_tokens: (f64, f64),
}
