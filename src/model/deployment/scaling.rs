//! What happens when the desired number changes, also in the middle of a rollout: pure, and what upstream's own test table
//! is run against.

use std::cmp::Reverse;

use crate::model::deployment::rolling::Rolling;

/// What scaling needs to know of one ReplicaSet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScaledSet {
    /// `spec.replicas`.
    pub replicas: u32,
    /// `status.availableReplicas`.
    pub available: u32,
    /// Annotation `deployment.kubernetes.io/desired-replicas`: the Deployment's size when this one was last scaled.
    pub desired: u32,
    /// Annotation `deployment.kubernetes.io/max-replicas`: that size with the surge of then.
    pub max_replicas: u32,
    /// Smaller is older.
    pub age_rank: u32,
}

/// Whether the Deployment's size has changed since an active ReplicaSet was last scaled: such a sync scales and does not
/// roll. Source: sync.go isScalingEvent.
pub fn is_scaling_event<'a>(desired: u32, sets: impl IntoIterator<Item = &'a ScaledSet>) -> bool {
    sets.into_iter().any(|set| set.replicas > 0 && set.desired != desired)
}

/// The new sizes of all ReplicaSets, in the order given; `old` in any order. `proportional` for a rolling update, where
/// all active ones get their share. Source: sync.go scale, deployment_util.go GetProportion (mechanics 1.8).
pub fn scale(
    rolling: &Rolling,
    proportional: bool,
    new: Option<&ScaledSet>,
    old: &[ScaledSet],
) -> (Option<u32>, Vec<u32>) {
    let mut all: Vec<ScaledSet> = old.iter().chain(new).copied().collect();
    if let Some(place) = the_active_or_latest(&all, new.is_some()) {
        all[place].replicas = rolling.desired;
    } else if new.is_some_and(|new| is_saturated(rolling.desired, new)) {
        all[..old.len()].iter_mut().for_each(|set| set.replicas = 0);
    } else if proportional {
        share_out(rolling, &mut all);
    }
    let sizes: Vec<u32> = all.iter().map(|set| set.replicas).collect();
    (new.and_then(|_| sizes.last().copied()), sizes[..old.len()].to_vec())
}

/// The only active ReplicaSet; if none is active the new one, or the youngest. Source: deployment_util.go
/// FindActiveOrLatest.
fn the_active_or_latest(all: &[ScaledSet], has_new: bool) -> Option<usize> {
    let mut active = (0..all.len()).filter(|&place| all[place].replicas > 0);
    match (active.next(), active.next()) {
        (None, _) if has_new => all.len().checked_sub(1),
        (None, _) => (0..all.len()).max_by_key(|&place| all[place].age_rank),
        (only, None) => only,
        _ => None,
    }
}

/// Source: deployment_util.go IsSaturated.
fn is_saturated(desired: u32, new: &ScaledSet) -> bool {
    new.replicas == desired && new.desired == desired && new.available == desired
}

/// Each active ReplicaSet grows or shrinks with the Deployment; what rounding leaves goes to the first.
fn share_out(rolling: &Rolling, all: &mut [ScaledSet]) {
    let total: i64 = all.iter().map(|set| i64::from(set.replicas)).sum();
    let allowed =
        if rolling.desired > 0 { i64::from(rolling.desired) + i64::from(rolling.fenceposts.surge) } else { 0 };
    let change = allowed - total;
    let mut order: Vec<usize> = (0..all.len()).filter(|&place| all[place].replicas > 0).collect();
    order.sort_by_key(|&place| {
        let (size, age) = (Reverse(all[place].replicas), i64::from(all[place].age_rank));
        (size, if change > 0 { -age } else { age })
    });
    let mut left = change;
    for &place in &order {
        let share = bounded(proportion(rolling, allowed, &all[place]), left);
        all[place].replicas = resized(all[place].replicas, share);
        left -= share;
    }
    if let Some(&first) = order.first() {
        all[first].replicas = resized(all[first].replicas, left);
    }
}

/// By how much a ReplicaSet changes to keep its share of the Deployment, rounded to the nearest. Source:
/// deployment_util.go getReplicaSetFraction.
fn proportion(rolling: &Rolling, allowed: i64, set: &ScaledSet) -> i64 {
    let size = i64::from(set.replicas);
    if rolling.desired == 0 {
        return -size;
    }
    let share = (size * allowed) as f64 / f64::from(set.max_replicas.max(1));
    (share + 0.5) as i64 - size
}

/// At most what is left, in either direction.
fn bounded(share: i64, left: i64) -> i64 {
    match left {
        0 => 0,
        1.. => share.min(left),
        _ => share.max(left),
    }
}

fn resized(size: u32, change: i64) -> u32 {
    u32::try_from((i64::from(size) + change).max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::deployment::rolling::Fenceposts;

    fn set(replicas: u32, max_replicas: u32, age_rank: u32) -> ScaledSet {
        ScaledSet { replicas, available: replicas, desired: 10, max_replicas, age_rank }
    }

    /// Mechanics 1.13: an autoscaler sets 16 in the middle of a rollout of 10 with 3 of surge.
    #[test]
    fn an_autoscaler_in_mid_rollout_grows_the_old_version_too() {
        let rolling = Rolling { desired: 16, fenceposts: Fenceposts { surge: 4, unavailable: 2 } };
        let (new, old) = (set(5, 13, 1), set(8, 13, 0));
        assert!(is_scaling_event(16, [&new, &old]) && !is_scaling_event(10, [&new, &old]));
        assert_eq!(scale(&rolling, true, Some(&new), &[old]), (Some(8), vec![12]));
    }

    #[test]
    fn old_pods_all_go_once_the_new_version_is_saturated() {
        let rolling = Rolling { desired: 10, fenceposts: Fenceposts { surge: 3, unavailable: 0 } };
        assert_eq!(scale(&rolling, true, Some(&set(10, 13, 1)), &[set(2, 13, 0)]), (Some(10), vec![0]));
    }
}
