//! What a scenario says, settled: every default filled in, every value checked. Rooms read these and trust them.
//!
//! Names are Kubernetes' own in snake case. How a file becomes a [`Scenario`] is the business of `scenario`.

mod balancer;
mod delays;
mod load;
mod mechanisms;
mod nodes;
mod offered;
mod policies;
mod retries;
mod rollout;
mod server;
mod service;
mod sets;
mod traffic;
mod workload;

pub use balancer::{
    BalancerPreset, BalancerSpec, HealthCheckSpec, OutlierSpec, Protocol, RetrySpec, TargetKind, UpdateSpec,
    UpstreamSpec,
};
pub use delays::{DelayId, Delays, NodeDelays};
pub use load::{BurstSpec, ShapeSpec};
pub use mechanisms::{Mechanism, Mechanisms};
pub use nodes::{Images, NodesSpec, Requests, Spread};
pub use policies::BalancingPolicy;
pub(crate) use policies::balancing_policies;
pub use retries::{BackOff, Failures, HedgeAfter, HedgingSpec, Jitter, PoolSpec, ReconnectSpec, RetriesSpec};
pub use rollout::{
    AutoscalerSpec, BudgetSpec, FaultKind, FaultSpec, PodReplacementPolicy, RolloutKind, ScalingMetric, Strategy,
};
pub use server::{
    Accepts, CpuLimit, Discipline, IdlePolicy, InFlightPolicy, LameDuck, NewConnections, QueuedPolicy, ServerProfile,
    ServerSpec, StopBehaviour, WarmUp,
};
pub use service::{DnsSpec, ServiceKind, ServiceSpec, SessionAffinity, TrafficDistribution, TrafficPolicy};
pub use sets::{DaemonSetSpec, PodManagement, StatefulSetSpec, WorkloadKind};
pub use traffic::{
    Arrivals, ClientBalancing, ClientDns, ClientProfile, ClientProtocol, ClientSpec, EntryNode, LatencyFrom, Method,
    Retry, Traffic, Via,
};
pub use workload::{
    ClusterSize, ClusterSpec, Cni, DeploymentSpec, IptablesBackend, KubeProxySpec, PodSpec, PreStop, PreStopAction,
    ProbeKind, ProbeSpec, ProxyMode, SidecarKind, SidecarProbe, SidecarSpec, Signal,
};

use crate::dist::Dist;
use crate::ids::Layer;
use crate::units::{SimDuration, Version};

/// A client needs this long at least from one request to the next on the same connection: what it does itself takes time
/// even where the network and the server take none.
pub const LEAST_CYCLE: SimDuration = SimDuration::from_micros(1);

/// When the clients stop sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// After this time.
    Duration(SimDuration),
    /// This long after the rollout is complete and every old pod's process has ended.
    AfterOldPodsGone(SimDuration),
}

/// `[run]`: how long, how often, with which luck.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSpec {
    /// When the clients stop.
    pub end: End,
    /// Number of independent replications.
    pub replications: u32,
    /// The seed of the experiment.
    pub seed: u64,
}

/// A whole scenario. Anything that holds one may trust it.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// Names the result and its folder.
    pub name: String,
    /// One sentence for people.
    pub description: String,
    /// `[run]`.
    pub run: RunSpec,
    /// `rollout.at`: when the API server stores the new pod template.
    pub rollout_at: Dist,
    /// `rollout.kind`: what happens then.
    pub rollout_kind: RolloutKind,
    /// `[pod_disruption_budget]`.
    pub budget: Option<BudgetSpec>,
    /// `[autoscaler]`.
    pub autoscaler: Option<AutoscalerSpec>,
    /// `[nodes]`: what every node has.
    pub nodes: NodesSpec,
    /// `[[faults]]`, in the order of the file.
    pub faults: Vec<FaultSpec>,
    /// `[cluster]`.
    pub cluster: ClusterSpec,
    /// `[workload]`.
    pub workload: WorkloadKind,
    /// `[deployment]`; of another workload its size and fenceposts.
    pub deployment: DeploymentSpec,
    /// `[pod]`.
    pub pod: PodSpec,
    /// `[service]`.
    pub service: ServiceSpec,
    /// `[dns]`.
    pub dns: DnsSpec,
    /// `[kube_proxy]`.
    pub kube_proxy: KubeProxySpec,
    /// `[load_balancer]`, if there is one.
    pub load_balancer: Option<BalancerSpec>,
    /// `[ingress]`, if there is one.
    pub ingress: Option<BalancerSpec>,
    /// `[[clients]]`.
    pub clients: Vec<ClientSpec>,
    /// `[delays]` and `[nodes.N.delays]`.
    pub delays: Delays,
    /// `model.without`: mechanisms switched off.
    pub without: Mechanisms,
}

impl Scenario {
    /// The balancer of a layer, if there is one.
    pub fn balancer(&self, layer: Layer) -> Option<&BalancerSpec> {
        match layer {
            Layer::LoadBalancer => self.load_balancer.as_ref(),
            Layer::Ingress => self.ingress.as_ref(),
        }
    }

    /// The probe of a kind, if the kubelet of this version carries it out: startup probes since 1.18 (KEP-950; alpha in 1.16).
    pub fn probe(&self, kind: ProbeKind) -> Option<&ProbeSpec> {
        let known = kind != ProbeKind::Startup || self.cluster.version >= Version::minor(18);
        self.pod.probe(kind).filter(|_| known)
    }

    /// Whether the kubelet may kill containers and start them again.
    pub fn may_restart(&self) -> bool {
        [ProbeKind::Startup, ProbeKind::Liveness].into_iter().any(|kind| self.probe(kind).is_some())
    }

    /// How pods are replaced.
    pub fn strategy(&self) -> Strategy {
        match self.rollout_kind {
            RolloutKind::Template(strategy) => strategy,
            RolloutKind::Fault(_) | RolloutKind::None => Strategy::RollingUpdate,
        }
    }

    /// What happens besides a change of the template: `rollout.kind`, if it is that, and all `[[faults]]`.
    pub fn all_faults(&self) -> impl Iterator<Item = FaultKind> + '_ {
        let rollout = match self.rollout_kind {
            RolloutKind::Fault(kind) => Some(kind),
            RolloutKind::Template(_) | RolloutKind::None => None,
        };
        rollout.into_iter().chain(self.faults.iter().map(|fault| fault.kind))
    }

    /// Whether a ReplicaSet's status counts terminating pods: on by default since 1.35 (KEP-3973).
    pub fn counts_terminating(&self) -> bool {
        self.cluster.version >= Version::minor(35)
    }

    /// The longest time a run can last: clients stop by then even if the rollout never ends.
    pub fn horizon(&self) -> SimDuration {
        match self.run.end {
            End::Duration(duration) => duration,
            End::AfterOldPodsGone(_) => SimDuration::from_secs(3_600),
        }
    }
}
