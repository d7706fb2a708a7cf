//! The delay table: `[delays]` of a scenario, by the ids of the reference's delay table (mechanics, section 8).

use crate::dist::Dist;
use crate::ids::NodeId;
use crate::model::spec::ClusterSize;
use crate::units::{Rate, SimDuration, Version};

/// How often the status manager of a kubelet up to 1.26 looks for pods whose objects can be removed (syncPeriod,
/// pkg/kubelet/status/status_manager.go at v1.20.2).
const STATUS_ROUND: SimDuration = SimDuration::from_secs(10);

/// Declares the delay ids with their names in files and what they mean.
macro_rules! delay_ids {
    ($($id:ident = $name:literal: $what:literal,)*) => {
        /// One delay of the delay table.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum DelayId { $(#[doc = $what] $id,)* }

        impl DelayId {
            /// All ids, in the order of the delay table.
            pub const ALL: &[DelayId] = &[$(DelayId::$id,)*];

            /// The key in a scenario file.
            pub const fn name(self) -> &'static str {
                match self { $(DelayId::$id => $name,)* }
            }

            /// One line on what the delay is.
            pub const fn what(self) -> &'static str {
                match self { $(DelayId::$id => $what,)* }
            }
        }
    };
}

delay_ids! {
    ApiWrite = "api_write": "one mutating API call, etcd commit included",
    WatchHop = "watch_hop": "stored object to a watcher's handler",
    QueueWait = "queue_wait": "controller work queue to worker",
    DepSync = "dep_sync": "computing one sync of the Deployment controller",
    RsSync = "rs_sync": "computing one sync of the ReplicaSet controller",
    Sched = "sched": "pod seen by the scheduler to pod bound",
    KubeletSeen = "kubelet_seen": "pod seen by the kubelet to pod worker started",
    NodeLoad = "node_load": "factor for a whole run on sandbox, create_start and exit_teardown, 1s meaning 1",
    Contention = "contention": "share by which each other sandbox, create_start or exit_teardown of the node slows one, 1s meaning 1",
    Sandbox = "sandbox": "sandbox, network and volumes",
    Pull = "pull": "image pull, zero when cached",
    CreateStart = "create_start": "creating and starting the container",
    Pleg = "pleg": "container state change to kubelet noticing it",
    ProbeRtt = "probe_rtt": "one HTTP readiness probe attempt",
    DelSeen = "del_seen": "deletion seen by the kubelet to pod worker terminating",
    HookExecStart = "hook_exec_start": "overhead of starting an exec hook",
    HookSleep = "hook_sleep": "lateness of the native sleep hook",
    StopRpc = "stop_rpc": "end of the hook to signal delivered",
    ServerStop = "server_stop": "signal to the listener closed and the process ended, if nothing is drained",
    ListenerLag = "listener_lag": "at the end of `server_stop`: connections closed, the listener still takes connections that nobody accepts",
    ReadLag = "read_lag": "before `listener_lag`: connections open, requests that arrive are not read any more",
    WakeLag = "wake_lag": "before `read_lag`: requests that arrive are answered with `Connection: close` by a server that cuts",
    ExitTeardown = "exit_teardown": "last process exit to network namespace gone",
    ObjGone = "obj_gone": "last process exit to the kubelet having let go of the pod",
    StatusRound = "status_round": "the kubelet having let go to its asking for the object's removal",
    EpsBatch = "eps_batch": "batching of pod events by the EndpointSlice controller",
    EpsDelSeen = "eps_del_seen": "deletion delivered to the EndpointSlice controller to its acting on it",
    EpsSync = "eps_sync": "computing one sync of the EndpointSlice controller",
    KpSync = "kp_sync": "one sync of kube-proxy in a small cluster",
    KpTail = "kp_tail": "at the end of a sync: rules in force to the sync's end",
    KpSyncSpread = "kp_sync_spread": "factor on the size-dependent part of a sync, 1s meaning 1",
    RttPod = "rtt_pod": "round trip between client and pod",
    Route = "route": "mode instant only: Ready to in the rules",
    Unroute = "unroute": "mode instant only: deletion to out of the rules",
    NftSync = "nft_sync": "mode nftables only: one sync of kube-proxy in a small cluster",
    EbpfUpdate = "ebpf_update": "mode ebpf only: one change of a Service in the maps",
}

impl DelayId {
    /// The id with this key; `stop` is accepted for `stop_rpc`.
    pub fn by_name(name: &str) -> Option<DelayId> {
        let name = if name == "stop" { "stop_rpc" } else { name };
        DelayId::ALL.iter().copied().find(|id| id.name() == name)
    }
}

/// One distribution for each delay.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeDelays(Vec<Dist>);

impl NodeDelays {
    /// The reference's recommended defaults for a cluster of this size and version.
    pub fn defaults(size: ClusterSize, version: Version) -> Self {
        NodeDelays(DelayId::ALL.iter().map(|&id| default(id, size, version)).collect())
    }

    /// The distribution of one delay.
    #[inline]
    pub fn get(&self, id: DelayId) -> &Dist {
        &self.0[id as usize]
    }

    /// Replaces the distribution of one delay.
    pub fn set(&mut self, id: DelayId, dist: Dist) {
        self.0[id as usize] = dist;
    }
}

/// All delays of a scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Delays {
    /// What holds where a node says nothing else.
    pub cluster: NodeDelays,
    /// `kp_background`: changes of other Services, each of which starts a sync on every node.
    pub kp_background: Rate,
    /// Nodes that differ.
    nodes: Vec<(NodeId, NodeDelays)>,
}

impl Delays {
    /// The same delays on every node.
    pub fn new(cluster: NodeDelays, kp_background: Rate) -> Self {
        Delays { cluster, kp_background, nodes: Vec::new() }
    }

    /// The distribution of a delay that is not a node's.
    #[inline]
    pub fn get(&self, id: DelayId) -> &Dist {
        self.cluster.get(id)
    }

    /// The delays of one node.
    pub fn of(&self, node: NodeId) -> &NodeDelays {
        self.nodes.iter().find(|(other, _)| *other == node).map_or(&self.cluster, |(_, delays)| delays)
    }

    /// Gives one node a delay of its own.
    pub fn set_on(&mut self, node: NodeId, id: DelayId, dist: Dist) {
        if !self.nodes.iter().any(|(other, _)| *other == node) {
            self.nodes.push((node, self.cluster.clone()));
        }
        if let Some((_, delays)) = self.nodes.iter_mut().find(|(other, _)| *other == node) {
            delays.set(id, dist);
        }
    }

    /// Sets a delay for the cluster and for every node.
    pub fn set_everywhere(&mut self, id: DelayId, dist: &Dist) {
        self.cluster.set(id, dist.clone());
        self.nodes.iter_mut().for_each(|(_, delays)| delays.set(id, dist.clone()));
    }

    /// The nodes that differ from the cluster, with their delays.
    pub fn overrides(&self) -> impl Iterator<Item = (NodeId, &NodeDelays)> {
        self.nodes.iter().map(|(node, delays)| (*node, delays))
    }
}

/// Mechanics section 8, column "recommended". Labels there: most of these are assumed, `sched`, `exit_teardown`, `kp_sync`,
/// `del_seen` and `stop_rpc` are measured. `obj_gone` up to 1.26 is what the measured removals (tests/data/measurements)
/// leave when the wait for the status manager's round is taken out.
fn default(id: DelayId, size: ClusterSize, version: Version) -> Dist {
    let by_size = |small: (u64, u64), large: (u64, u64)| {
        let (median, p99) = if size == ClusterSize::Small { small } else { large };
        Dist::lognormal_ms(median, p99)
    };
    match id {
        DelayId::ApiWrite => by_size((6, 40), (15, 300)),
        DelayId::WatchHop => by_size((8, 60), (20, 500)),
        DelayId::QueueWait => by_size((1, 10), (5, 500)),
        DelayId::DepSync | DelayId::RsSync => Dist::lognormal_ms(2, 20),
        DelayId::Sched => by_size((10, 27), (20, 500)),
        DelayId::KubeletSeen => Dist::lognormal_ms(5, 50),
        DelayId::NodeLoad => Dist::Constant(SimDuration::from_secs(1)),
        DelayId::Sandbox => by_size((300, 1_200), (600, 4_000)),
        DelayId::CreateStart => Dist::lognormal_ms(150, 800),
        DelayId::Pleg => Dist::Grid(SimDuration::from_secs(1), Box::new(Dist::lognormal_ms(20, 200))),
        DelayId::ProbeRtt => Dist::lognormal_ms(2, 30),
        DelayId::DelSeen => Dist::lognormal_ms(2, 15),
        DelayId::HookExecStart => Dist::lognormal_ms(80, 500),
        DelayId::HookSleep => Dist::uniform_ms(0, 10),
        DelayId::StopRpc => Dist::lognormal_ms(1, 20),
        DelayId::ServerStop => Dist::lognormal_ms(10, 80),
        DelayId::ExitTeardown => Dist::lognormal_ms(260, 750),
        DelayId::ObjGone if version < Version::minor(27) => Dist::lognormal_ms(1_200, 32_000),
        DelayId::ObjGone => Dist::lognormal_ms(1_200, 5_000),
        DelayId::StatusRound if version < Version::minor(27) => Dist::Grid(STATUS_ROUND, Box::new(Dist::ZERO)),
        DelayId::EpsSync => Dist::lognormal_ms(4, 30),
        DelayId::KpSync => Dist::lognormal_ms(80, 250),
        DelayId::KpSyncSpread => Dist::lognormal_ms(1_000, 1_500),
        // Mechanics 5.2 has 20 to 60 ms for nftables; nothing is measured for an agent's maps.
        DelayId::NftSync => Dist::lognormal_ms(35, 110),
        DelayId::EbpfUpdate => Dist::lognormal_ms(5, 50),
        DelayId::RttPod => {
            let us = SimDuration::from_micros;
            Dist::LogNormal(crate::dist::LogNormal::new(us(300), us(1_500)))
        }
        DelayId::ListenerLag
        | DelayId::ReadLag
        | DelayId::WakeLag
        | DelayId::StatusRound
        | DelayId::EpsDelSeen
        | DelayId::KpTail
        | DelayId::Contention
        | DelayId::Pull
        | DelayId::EpsBatch
        | DelayId::Route
        | DelayId::Unroute => Dist::ZERO,
    }
}
