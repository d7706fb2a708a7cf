//! The arithmetic of a rolling update: pure, and what upstream's own test tables are run against.

use crate::model::api::DeploymentStatus;
use crate::model::spec::Strategy;
use crate::units::IntOrPercent;

/// `maxSurge` and `maxUnavailable` as numbers of pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fenceposts {
    /// Pods above the desired number.
    pub surge: u32,
    /// Pods below it.
    pub unavailable: u32,
}

/// What the scale-down half needs to know of one old ReplicaSet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OldReplicaSet {
    /// `spec.replicas`.
    pub replicas: u32,
    /// `status.availableReplicas`, possibly stale.
    pub available: u32,
}

/// What a sync of a rolling update knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rolling {
    /// `spec.replicas` of the Deployment.
    pub desired: u32,
    /// The resolved fenceposts.
    pub fenceposts: Fenceposts,
}

/// Turns `maxSurge` and `maxUnavailable` into numbers: surge rounds up, unavailable rounds down, absent counts as 0,
/// and both 0 makes unavailable 1. Source: deployment_util.go ResolveFenceposts.
pub fn resolve_fenceposts(
    max_surge: Option<IntOrPercent>,
    max_unavailable: Option<IntOrPercent>,
    desired: u32,
) -> Fenceposts {
    let share = |percent: u32| u64::from(desired) * u64::from(percent);
    let surge = match max_surge.unwrap_or(IntOrPercent::Int(0)) {
        IntOrPercent::Int(pods) => pods,
        IntOrPercent::Percent(percent) => to_pods(share(percent).div_ceil(100)),
    };
    let unavailable = match max_unavailable.unwrap_or(IntOrPercent::Int(0)) {
        IntOrPercent::Int(pods) => pods,
        IntOrPercent::Percent(percent) => to_pods(share(percent) / 100),
    };
    Fenceposts { surge, unavailable: if surge == 0 && unavailable == 0 { 1 } else { unavailable } }
}

fn to_pods(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Pods that may be unavailable in a rolling update: never more than desired; the strategy Recreate promises nothing, for
/// which upstream's answer is 0. Source: deployment_util.go MaxUnavailable.
pub fn max_unavailable(strategy: Strategy, rolling: &Rolling) -> u32 {
    match strategy {
        Strategy::RollingUpdate => rolling.fenceposts.unavailable.min(rolling.desired),
        Strategy::Recreate => 0,
    }
}

/// Pods that have to be available all along.
fn min_available(rolling: &Rolling) -> u32 {
    rolling.desired - max_unavailable(Strategy::RollingUpdate, rolling)
}

/// How far the new ReplicaSet can grow. `total` is the sum of `spec.replicas` over all ReplicaSets. Source:
/// deployment_util.go NewRSNewReplicas.
pub fn new_replicas(rolling: &Rolling, new_spec: u32, total: u32) -> u32 {
    let room = (rolling.desired + rolling.fenceposts.surge).saturating_sub(total);
    new_spec + room.min(rolling.desired.saturating_sub(new_spec))
}

/// The scale-up half of a sync: the new size of the new ReplicaSet, if it changes. One larger than desired is set to
/// desired. Source: rolling.go reconcileNewReplicaSet.
pub fn scale_new(rolling: &Rolling, new_spec: u32, total: u32) -> Option<u32> {
    let size = if new_spec > rolling.desired { rolling.desired } else { new_replicas(rolling, new_spec, total) };
    (size != new_spec).then_some(size)
}

/// Reduces old ReplicaSets by their unavailable pods first, together by at most `max_cleanup`. Returns how many were
/// taken, or `None` where stale status reports more available than the spec: upstream refuses to "scale down" upwards
/// and the sync's whole scale-down half does nothing. Source: rolling.go cleanupUnhealthyReplicas.
pub fn cleanup_unhealthy(old: &mut [OldReplicaSet], max_cleanup: u32) -> Option<u32> {
    let mut taken = 0;
    for set in old.iter_mut().filter(|set| set.replicas > 0) {
        if taken >= max_cleanup {
            break;
        }
        let unavailable = set.replicas.checked_sub(set.available)?;
        let count = unavailable.min(max_cleanup - taken);
        set.replicas -= count;
        taken += count;
    }
    Some(taken)
}

/// Takes available pods from old ReplicaSets, oldest first, as far as `available` (all ReplicaSets) stays at or above
/// the least allowed. Returns how many. Source: rolling.go scaleDownOldReplicaSetsForRollingUpdate.
pub fn scale_down_available(rolling: &Rolling, old: &mut [OldReplicaSet], available: u32) -> u32 {
    let allowed = available.saturating_sub(min_available(rolling));
    let mut taken = 0;
    for set in old {
        let count = set.replicas.min(allowed - taken);
        set.replicas -= count;
        taken += count;
    }
    taken
}

/// The scale-down half of a sync; the sizes in `old` are changed to the new ones. Source: rolling.go
/// reconcileOldReplicaSets.
pub fn scale_down_old(rolling: &Rolling, old: &mut [OldReplicaSet], new_spec: u32, new_available: u32) {
    let old_spec: u32 = old.iter().map(|set| set.replicas).sum();
    if old_spec == 0 {
        return;
    }
    let new_unavailable = i64::from(new_spec) - i64::from(new_available);
    let max_scaled_down =
        i64::from(old_spec) + i64::from(new_spec) - i64::from(min_available(rolling)) - new_unavailable;
    if max_scaled_down <= 0 {
        return;
    }
    let available = old.iter().map(|set| set.available).sum::<u32>() + new_available;
    if cleanup_unhealthy(old, u32::try_from(max_scaled_down).unwrap_or(u32::MAX)).is_some() {
        scale_down_available(rolling, old, available);
    }
}

/// Whether a status says that the rollout is complete. Source: deployment_util.go DeploymentComplete.
pub fn deployment_complete(desired: u32, status: &DeploymentStatus) -> bool {
    status.updated == desired && status.replicas == desired && status.available == desired
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_articles_rollout_goes_one_by_one() {
        let fenceposts = resolve_fenceposts(Some(IntOrPercent::Int(1)), Some(IntOrPercent::Int(0)), 3);
        let rolling = Rolling { desired: 3, fenceposts };
        assert_eq!(new_replicas(&rolling, 0, 3), 1);
        let mut old = [OldReplicaSet { replicas: 3, available: 3 }];
        scale_down_old(&rolling, &mut old, 1, 0);
        assert_eq!(old[0].replicas, 3, "the new pod is not available yet");
        scale_down_old(&rolling, &mut old, 1, 1);
        assert_eq!(old[0].replicas, 2);
    }

    #[test]
    fn stale_status_makes_the_scale_down_half_do_nothing() {
        let rolling = Rolling { desired: 3, fenceposts: Fenceposts { surge: 1, unavailable: 0 } };
        let mut old = [OldReplicaSet { replicas: 2, available: 3 }];
        scale_down_old(&rolling, &mut old, 2, 1);
        assert_eq!(old[0].replicas, 2);
    }

    proptest! {
        #[test]
        fn a_scale_down_leaves_enough_available(
            desired in 1u32..50, surge in 0u32..10, unavailable in 0u32..10, new_available in 0u32..50, old in 0u32..60,
        ) {
            let fenceposts = resolve_fenceposts(
                Some(IntOrPercent::Int(surge)), Some(IntOrPercent::Int(unavailable)), desired);
            let rolling = Rolling { desired, fenceposts };
            let mut sets = [OldReplicaSet { replicas: old, available: old }];
            scale_down_old(&rolling, &mut sets, new_available, new_available);
            let left = sets[0].replicas + new_available;
            let allowed = min_available(&rolling);
            prop_assert!(left >= allowed.min(old + new_available));
        }
    }
}
