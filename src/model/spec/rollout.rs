//! What happens to the pods: the rollout, or another way for them to leave, and what else goes wrong meanwhile.

use crate::dist::Dist;
use crate::ids::Revision;

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

impl FaultKind {
    /// The template it brings, if it changes that.
    pub fn template(self) -> Option<Revision> {
        (self == FaultKind::Rollback).then_some(Revision::Old)
    }
}
