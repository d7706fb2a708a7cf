//! The objects in the store, as far as a rollout reads them.

use std::sync::Arc;

use crate::ids::{NodeId, PodId, Revision, ZoneId};
use crate::units::{SimDuration, SimTime};

/// The version of an object: its place in the log of all changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ResourceVersion(pub u32);

/// A moment that may lie before the run began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp {
    at: SimTime,
    before: SimDuration,
}

impl Timestamp {
    /// A moment during the run.
    pub fn during(at: SimTime) -> Self {
        Timestamp { at, before: SimDuration::ZERO }
    }

    /// A moment this long before the run began.
    pub fn before_start(before: SimDuration) -> Self {
        Timestamp { at: SimTime::ZERO, before }
    }

    /// How long ago it was.
    pub fn age(self, now: SimTime) -> SimDuration {
        now.saturating_since(self.at) + self.before
    }

    /// The instant of the run, or its beginning if it lies before.
    pub fn at(self) -> SimTime {
        self.at
    }
}

/// `pod.status.phase`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Not all containers have started.
    Pending,
    /// The node cannot be asked.
    Unknown,
    /// At least one container runs.
    Running,
    /// All containers ended well.
    Succeeded,
    /// A container ended badly.
    Failed,
}

impl Phase {
    /// Whether the pod has ended for good.
    pub fn is_terminal(self) -> bool {
        matches!(self, Phase::Succeeded | Phase::Failed)
    }
}

/// A Pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PodObject {
    /// Which pod; stands for its name.
    pub id: PodId,
    /// Which ReplicaSet owns it.
    pub revision: Revision,
    /// Node affinity to one node, as a DaemonSet gives it.
    pub pinned: Option<NodeId>,
    /// `spec.nodeName`.
    pub node: Option<NodeId>,
    /// `metadata.creationTimestamp`.
    pub created: Timestamp,
    /// `status.phase`.
    pub phase: Phase,
    /// Condition Ready.
    pub ready: bool,
    /// `lastTransitionTime` of condition Ready.
    pub ready_since: Option<Timestamp>,
    /// A readiness gate in `spec.readinessGates` is not True yet: the kubelet does not set Ready.
    pub gated: bool,
    /// `status.podIP` is set.
    pub has_ip: bool,
    /// `metadata.deletionTimestamp` is set.
    pub deleted: bool,
    /// `metadata.uid`: random, decides where nothing else does.
    pub uid: u64,
}

impl PodObject {
    /// Neither ended nor being deleted: what a ReplicaSet counts.
    pub fn is_active(&self) -> bool {
        !self.deleted && !self.phase.is_terminal()
    }
}

/// `ReplicaSet.status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReplicaSetStatus {
    /// Active pods.
    pub replicas: u32,
    /// Of these Ready.
    pub ready: u32,
    /// Of these Ready for `minReadySeconds`.
    pub available: u32,
    /// Pods being deleted; written since 1.35 (KEP-3973).
    pub terminating: u32,
}

/// A ReplicaSet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplicaSetObject {
    /// Of which template.
    pub revision: Revision,
    /// `spec.replicas`.
    pub replicas: u32,
    /// Annotations `deployment.kubernetes.io/desired-replicas` and `max-replicas`: the Deployment's size when it was last
    /// scaled, without and with the surge.
    pub desired: u32,
    /// See `desired`.
    pub max_replicas: u32,
    /// Annotation `deployment.kubernetes.io/revision`: that of the template in force is the greatest.
    pub number: u32,
    /// What its controller last wrote.
    pub status: ReplicaSetStatus,
    /// Version of this state.
    pub version: ResourceVersion,
}

/// `Deployment.status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeploymentStatus {
    /// Pods of all ReplicaSets, terminating ones excluded.
    pub replicas: u32,
    /// Of these of the current template.
    pub updated: u32,
    /// Of all ReplicaSets.
    pub ready: u32,
    /// Of all ReplicaSets.
    pub available: u32,
    /// Of all ReplicaSets.
    pub terminating: u32,
}

/// Why condition Progressing has its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgressReason {
    /// The last rollout is complete.
    NewReplicaSetAvailable,
    /// Something changed for the better.
    Progressing,
    /// Nothing did for `progressDeadlineSeconds`.
    DeadlineExceeded,
}

/// Condition Progressing of a Deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProgressCondition {
    /// Why.
    pub reason: ProgressReason,
    /// `lastUpdateTime`: the last progress.
    pub updated: SimTime,
}

/// What a status that is written says of the rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RolloutState {
    /// It goes on, or there is none.
    UnderWay,
    /// It is complete.
    Complete,
    /// It has made no progress for `progressDeadlineSeconds`.
    DeadlineExceeded,
}

/// A Deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeploymentObject {
    /// The current template.
    pub template: Revision,
    /// `spec.replicas`.
    pub desired: u32,
    /// `spec.paused`.
    pub paused: bool,
    /// What its controller last wrote.
    pub status: DeploymentStatus,
}

impl DeploymentObject {
    /// A Deployment of the old template whose pods are all available.
    pub fn settled(replicas: u32) -> Self {
        let status =
            DeploymentStatus { replicas, updated: replicas, ready: replicas, available: replicas, terminating: 0 };
        DeploymentObject { template: Revision::Old, desired: replicas, paused: false, status }
    }
}

/// Conditions of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Conditions {
    /// To be given new connections.
    pub ready: bool,
    /// Its pod is Ready, whether it terminates or not.
    pub serving: bool,
    /// Its pod is being deleted.
    pub terminating: bool,
}

/// `hints` of an endpoint: whose kube-proxies ought to use it. With none, all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Hints {
    /// `forZones`.
    pub zone: Option<ZoneId>,
    /// `forNodes`.
    pub node: Option<NodeId>,
}

/// One endpoint of a slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// The pod behind the address.
    pub pod: PodId,
    /// Its conditions.
    pub conditions: Conditions,
    /// `nodeName`.
    pub node: Option<NodeId>,
    /// For whom it is meant.
    pub hints: Hints,
}

/// All EndpointSlices of the Service, taken as one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointSliceObject {
    /// Endpoints in the order of their pods.
    pub endpoints: Arc<[Endpoint]>,
    /// The pods of those that are ready, in the same order: what most nodes' rules come to, which then share this list.
    pub ready: Arc<[PodId]>,
    /// How many times the controller has written it.
    pub generation: u32,
}

impl EndpointSliceObject {
    /// What these endpoints come to.
    pub fn new(endpoints: Arc<[Endpoint]>, generation: u32) -> Self {
        let ready =
            endpoints.iter().filter(|endpoint| endpoint.conditions.ready).map(|endpoint| endpoint.pod).collect();
        EndpointSliceObject { endpoints, ready, generation }
    }
}

/// The status of the PodDisruptionBudget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetObject {
    /// `disruptionsAllowed`.
    pub allowed: u32,
    /// As many pods are healthy as have to be.
    pub is_met: bool,
    /// The pod whose eviction spent from it, new in `disruptedPods`.
    pub evicted: Option<PodId>,
    /// How many times it has changed.
    pub generation: u32,
}

/// An object in the log of changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    /// The Deployment changed.
    Deployment(DeploymentObject),
    /// A ReplicaSet changed or was created.
    ReplicaSet(ReplicaSetObject),
    /// A Pod changed or was created.
    Pod(PodObject),
    /// A Pod's object is gone.
    PodRemoved(PodId),
    /// The EndpointSlices changed.
    EndpointSlice(EndpointSliceObject),
    /// A Node became unschedulable.
    Cordoned(NodeId),
    /// The PodDisruptionBudget's status changed.
    Budget(BudgetObject),
}
