//! Whether a rollout gets on: pure, and what upstream's own test tables are run against.

use crate::model::api::{DeploymentStatus, ProgressCondition, ProgressReason};
use crate::model::deployment::rolling::deployment_complete;
use crate::units::{SimDuration, SimTime};

/// This many seconds (the largest int32) switch the deadline off.
const NO_DEADLINE: SimDuration = SimDuration::from_secs(2_147_483_647);

/// Whether a status shows progress over the one before: more updated, ready or available pods, or fewer old ones. Source:
/// deployment_util.go DeploymentProgressing.
pub fn deployment_progressing(before: &DeploymentStatus, after: &DeploymentStatus) -> bool {
    let old = |status: &DeploymentStatus| i64::from(status.replicas) - i64::from(status.updated);
    after.updated > before.updated
        || old(after) < old(before)
        || after.ready > before.ready
        || after.available > before.available
}

/// `deadline`, unless it is the one that means none. Source: deployment_util.go HasProgressDeadline.
fn real(deadline: Option<SimDuration>) -> Option<SimDuration> {
    deadline.filter(|deadline| *deadline < NO_DEADLINE)
}

/// Whether the rollout has made no progress for longer than `progressDeadlineSeconds`. Source: deployment_util.go
/// DeploymentTimedOut.
pub fn deployment_timed_out(
    deadline: Option<SimDuration>,
    condition: Option<&ProgressCondition>,
    now: SimTime,
) -> bool {
    let (Some(deadline), Some(condition)) = (real(deadline), condition) else { return false };
    match condition.reason {
        ProgressReason::NewReplicaSetAvailable => false,
        ProgressReason::DeadlineExceeded => true,
        ProgressReason::Progressing => condition.updated + deadline < now,
    }
}

/// When a Deployment without progress is looked at again: zero means at once, and any other answer is queued one second
/// later. `None`: not at all. Source: progress.go requeueStuckDeployment.
pub fn requeue_stuck(
    deadline: Option<SimDuration>,
    condition: Option<&ProgressCondition>,
    (desired, status): (u32, &DeploymentStatus),
    now: SimTime,
) -> Option<SimDuration> {
    let (deadline, condition) = (real(deadline)?, condition?);
    if deployment_complete(desired, status) || condition.reason == ProgressReason::DeadlineExceeded {
        return None;
    }
    let left = (condition.updated + deadline).saturating_since(now);
    Some(if left < SimDuration::from_secs(1) { SimDuration::ZERO } else { left })
}

/// The condition after a sync that found `after` where `before` was written. Source: progress.go syncRolloutStatus.
pub(super) fn next_condition(
    deadline: SimDuration,
    condition: Option<&ProgressCondition>,
    (desired, before, after): (u32, &DeploymentStatus, &DeploymentStatus),
    now: SimTime,
) -> Option<ProgressCondition> {
    let reason_is = |reason| condition.is_some_and(|condition| condition.reason == reason);
    let is_over = after.replicas == after.updated && reason_is(ProgressReason::NewReplicaSetAvailable);
    let new = |reason| Some(ProgressCondition { reason, updated: now });
    let before_timed_out = !reason_is(ProgressReason::DeadlineExceeded);
    match real(Some(deadline)) {
        None => None,
        Some(_) if is_over => condition.copied(),
        Some(_) if deployment_complete(desired, after) => new(ProgressReason::NewReplicaSetAvailable),
        Some(_) if deployment_progressing(before, after) => new(ProgressReason::Progressing),
        Some(_) if before_timed_out && deployment_timed_out(Some(deadline), condition, now) => {
            new(ProgressReason::DeadlineExceeded)
        }
        Some(_) => condition.copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(secs)
    }

    #[test]
    fn progress_puts_the_deadline_off_and_its_lack_ends_at_it() {
        let status = |updated| DeploymentStatus { replicas: 3, updated, ready: 2, available: 2, terminating: 0 };
        let step = |condition: &ProgressCondition, updated, secs| {
            let states = (3, &status(1), &status(updated));
            next_condition(SimDuration::from_secs(10), Some(condition), states, at(secs)).unwrap()
        };
        let begun = ProgressCondition { reason: ProgressReason::Progressing, updated: at(0) };
        assert_eq!(step(&begun, 2, 9).updated, at(9));
        assert_eq!(step(&begun, 1, 10), begun);
        assert_eq!(step(&begun, 1, 11).reason, ProgressReason::DeadlineExceeded);
        let late = ProgressCondition { reason: ProgressReason::DeadlineExceeded, updated: at(11) };
        assert_eq!(step(&late, 1, 30), late);
        assert_eq!(step(&late, 2, 30).reason, ProgressReason::Progressing, "it goes on if pods recover");
    }
}
