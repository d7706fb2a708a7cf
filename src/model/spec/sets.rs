//! Workloads other than a Deployment.

use crate::units::SimDuration;

/// `workload.kind`: what owns the pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkloadKind {
    /// A Deployment, `[deployment]`.
    Deployment,
    /// A StatefulSet.
    StatefulSet(StatefulSetSpec),
    /// A DaemonSet: one pod on each node.
    DaemonSet(DaemonSetSpec),
}

/// `podManagementPolicy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PodManagement {
    /// Pods are created one by one, each when those before it are available.
    OrderedReady,
    /// All at once.
    Parallel,
}

/// What a StatefulSet has besides its size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatefulSetSpec {
    /// `rollingUpdate.partition`: pods with lower ordinals are not updated.
    pub partition: u32,
    /// `rollingUpdate.maxUnavailable`, resolved (KEP-961).
    pub max_unavailable: u32,
    /// `podManagementPolicy`.
    pub pod_management: PodManagement,
    /// `minReadySeconds` (KEP-2599).
    pub min_ready: SimDuration,
}

/// What a DaemonSet has besides its nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaemonSetSpec {
    /// `rollingUpdate.maxUnavailable`, resolved.
    pub max_unavailable: u32,
    /// `rollingUpdate.maxSurge`, resolved (KEP-1591).
    pub max_surge: u32,
    /// `minReadySeconds`.
    pub min_ready: SimDuration,
}
