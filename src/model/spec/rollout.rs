//! What happens to the pods: the rollout, or another way for them to leave, and what else goes wrong meanwhile.

use crate::dist::Dist;
use crate::ids::NodeId;
use crate::units::{IntOrPercent, SimDuration};

/// How the pods of a Deployment are replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// A few at a time, within the fenceposts.
    RollingUpdate,
    /// All at once: the new ones are created when the old ones have ended.
    Recreate,
}

/// `rollout.kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RolloutKind {
    /// A new template, pods replaced by this strategy.
    Template(Strategy),
    /// Pods leave in another way, at the time of the rollout.
    Fault(FaultKind),
    /// Nothing changes but by `[[faults]]`.
    None,
}

/// `deployment.pod_replacement_policy` (KEP-5882, alpha in 1.36).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PodReplacementPolicy {
    /// A pod being deleted makes room at once.
    TerminationStarted,
    /// It makes room when it has ended.
    TerminationComplete,
}

/// What happens at a time of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// `kubectl drain` of a node.
    NodeDrain {
        /// Which.
        node: NodeId,
        /// Through the Eviction API; else the pods are deleted, whatever the budget says.
        evicts: bool,
    },
    /// `kubectl delete pod`.
    PodDelete {
        /// How many of the old pods, which ones at random.
        pods: u32,
    },
    /// Processes stop answering: the kernel still takes connections for them.
    Hang {
        /// Of how many of the old pods, which ones at random.
        pods: u32,
        /// Whether they do not act on the stop signal either.
        ignores_stop: bool,
    },
    /// The cloud gives notice of a node's end; a handler drains it.
    SpotNotice {
        /// Which.
        node: NodeId,
        /// From the notice to the end of the node.
        notice: SimDuration,
        /// From the notice to the drain.
        reaction: SimDuration,
    },
    /// The controller manager's leader is lost: no controller acts until another leads.
    LeaderFailover {
        /// How long.
        duration: SimDuration,
    },
    /// API calls and watches take longer.
    ApiSlowness {
        /// For how long.
        duration: SimDuration,
        /// By which factor.
        factor: u32,
    },
    /// A user or a script sets the Deployment's size.
    Scale {
        /// To which.
        replicas: u32,
    },
    /// `kubectl rollout pause`.
    Pause,
    /// `kubectl rollout resume`.
    Resume,
    /// `kubectl rollout undo`: the template before is in force again.
    Rollback,
}

/// One of `[[faults]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultSpec {
    /// When.
    pub at: Dist,
    /// What.
    pub kind: FaultKind,
}

/// `[pod_disruption_budget]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BudgetSpec {
    /// `minAvailable`.
    MinAvailable(IntOrPercent),
    /// `maxUnavailable`.
    MaxUnavailable(IntOrPercent),
}

/// `autoscaler.metric`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScalingMetric {
    /// CPU: pods that start do not count.
    Cpu,
    /// Memory, or a metric of the application: every running pod counts.
    Memory,
}

/// `[autoscaler]`: a HorizontalPodAutoscaler with one metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AutoscalerSpec {
    /// `minReplicas`.
    pub min_replicas: u32,
    /// `maxReplicas`.
    pub max_replicas: u32,
    /// What is measured.
    pub metric: ScalingMetric,
    /// `averageUtilization`, percent of the request.
    pub target: u32,
    /// What a running pod uses without load, percent of the request.
    pub idle: u32,
    /// Ratios so near to 1 change nothing.
    pub tolerance: f64,
    /// The stabilisation window for fewer pods.
    pub scale_down_window: SimDuration,
    /// The limits are those of `behavior` with its defaults (autoscaling/v2).
    pub behavior: bool,
}

impl AutoscalerSpec {
    /// What the offered load uses in all pods together, percent of one pod's request: a busy worker uses one CPU.
    pub fn load_percent(&self, scenario: &super::Scenario) -> f64 {
        let work = |client| scenario.offered_rate(client) * scenario.mean_work_secs(client);
        let cores: f64 = scenario.clients.iter().map(work).sum();
        match self.metric {
            ScalingMetric::Cpu => cores * 1_000.0 * 100.0 / (scenario.pod.requests.cpu as f64).max(1.0),
            ScalingMetric::Memory => 0.0,
        }
    }
}
