//! What one sync of the Deployment controller decides: pure, a function of what its caches hold.

use crate::ids::Revision;
use crate::model::api::ReplicaSetObject;
use crate::model::deployment::rolling::{OldReplicaSet, Rolling, new_replicas, scale_down_old, scale_new};
use crate::model::deployment::scaling::{ScaledSet, is_scaling_event, scale};
use crate::model::spec::Strategy;

/// What a sync knows.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// How pods are replaced.
    pub strategy: Strategy,
    /// `spec.replicas` with the fenceposts resolved for it.
    pub rolling: Rolling,
    /// `spec.paused`.
    pub paused: bool,
    /// The template in force.
    pub template: Revision,
    /// The ReplicaSet of each template, if there is one.
    pub sets: [Option<ReplicaSetObject>; 2],
    /// `podReplacementPolicy` TerminationComplete: pods that terminate hold back new ones.
    pub counts_terminating: bool,
    /// Strategy Recreate only: something of the other template still runs.
    pub old_pods_running: bool,
}

/// What is done: at most one half of a rolling update changes something, but for the sync that creates the new ReplicaSet,
/// which goes on to the scale-down half; a sync that scales may change all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Decision {
    /// The ReplicaSet of the template in force is created with this size.
    pub create: Option<u32>,
    /// A ReplicaSet is given a size, by template.
    pub sizes: [Option<u32>; 2],
}

/// The order of upstream's syncDeployment: paused and scaling syncs do not roll (mechanics 1.1).
pub fn decide(view: &View) -> Decision {
    let scales = |set: &ReplicaSetObject| is_scaling_event(view.rolling.desired, &[scaled_set(set)]);
    match view.strategy {
        _ if view.paused || view.sets.iter().flatten().any(scales) => scale_all(view),
        Strategy::RollingUpdate => roll(view),
        Strategy::Recreate => recreate(view),
    }
}

fn scaled_set(set: &ReplicaSetObject) -> ScaledSet {
    ScaledSet {
        replicas: set.replicas,
        available: set.status.available,
        desired: set.desired,
        max_replicas: set.max_replicas,
        age_rank: set.revision as u32,
    }
}

impl View {
    /// The ReplicaSet of the template in force.
    pub(super) fn new_set(&self) -> Option<&ReplicaSetObject> {
        self.sets[self.template as usize].as_ref()
    }

    /// The one of the other template.
    pub(super) fn old_set(&self) -> Option<&ReplicaSetObject> {
        self.sets[self.template.other() as usize].as_ref()
    }

    /// `spec.replicas` of all; where terminating pods count, with these and with pods whose deletion is not in the status yet.
    fn total(&self) -> u32 {
        let pods = |set: &ReplicaSetObject| match self.counts_terminating {
            true => set.replicas.max(set.status.replicas) + set.status.terminating,
            false => set.replicas,
        };
        self.sets.iter().flatten().map(pods).sum()
    }

    fn sizes(&self, new: Option<u32>, old: Option<u32>) -> [Option<u32>; 2] {
        match self.template {
            Revision::Old => [new, old],
            Revision::New => [old, new],
        }
    }
}

/// Sizes and annotations of all active ReplicaSets follow the Deployment's size.
fn scale_all(view: &View) -> Decision {
    let old: Vec<ScaledSet> = view.old_set().map(scaled_set).into_iter().collect();
    let new = view.new_set().map(scaled_set);
    let proportional = view.strategy == Strategy::RollingUpdate;
    let (new_size, old_sizes) = scale(&view.rolling, proportional, new.as_ref(), &old);
    let (new_size, old_size) = where_there_is_room(view, new_size, old_sizes.first().copied());
    let stale = |set: Option<&ReplicaSetObject>, size: Option<u32>| {
        size.filter(|size| {
            set.is_some_and(|set| set.replicas != *size || (set.replicas > 0 && set.desired != view.rolling.desired))
        })
    };
    Decision { create: None, sizes: view.sizes(stale(view.new_set(), new_size), stale(view.old_set(), old_size)) }
}

/// Where terminating pods count, a ReplicaSet grows into the room that they leave and no further; the new version first, to
/// which later syncs give the rest. KEP-5882 keeps the shares of such a growth in an annotation, which is left out.
fn where_there_is_room(view: &View, new: Option<u32>, old: Option<u32>) -> (Option<u32>, Option<u32>) {
    if !view.counts_terminating || view.strategy != Strategy::RollingUpdate {
        return (new, old);
    }
    let mut room = (view.rolling.desired + view.rolling.fenceposts.surge).saturating_sub(view.total());
    let mut limit = |set: Option<&ReplicaSetObject>, size: u32| {
        let before = set.map_or(0, |set| set.replicas);
        let growth = size.saturating_sub(before).min(room);
        room -= growth;
        size.min(before + growth)
    };
    (new.map(|size| limit(view.new_set(), size)), old.map(|size| limit(view.old_set(), size)))
}

fn roll(view: &View) -> Decision {
    let Some(new) = view.new_set() else {
        let size = new_replicas(&view.rolling, 0, view.total());
        return Decision { create: Some(size), sizes: view.sizes(None, smaller_old(view, size, 0)) };
    };
    let grown = scale_new(&view.rolling, new.replicas, view.total());
    let old = if grown.is_none() { smaller_old(view, new.replicas, new.status.available) } else { None };
    Decision { create: None, sizes: view.sizes(grown, old) }
}

fn smaller_old(view: &View, new_spec: u32, new_available: u32) -> Option<u32> {
    let old = view.old_set()?;
    let mut sets = [OldReplicaSet { replicas: old.replicas, available: old.status.available }];
    scale_down_old(&view.rolling, &mut sets, new_spec, new_available);
    (sets[0].replicas != old.replicas).then_some(sets[0].replicas)
}

/// The old version goes at once; the new one comes when nothing of the old runs. Source: recreate.go rolloutRecreate.
fn recreate(view: &View) -> Decision {
    let desired = view.rolling.desired;
    if view.old_set().is_some_and(|old| old.replicas > 0) {
        return Decision { create: None, sizes: view.sizes(None, Some(0)) };
    }
    match view.new_set() {
        _ if view.old_pods_running => Decision::default(),
        None => Decision { create: Some(desired), sizes: [None; 2] },
        Some(new) if new.replicas != desired => Decision { create: None, sizes: view.sizes(Some(desired), None) },
        Some(_) => Decision::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::api::{ReplicaSetStatus, ResourceVersion};
    use crate::model::deployment::rolling::Fenceposts;

    fn set(revision: Revision, replicas: u32, available: u32) -> ReplicaSetObject {
        let status = ReplicaSetStatus { replicas, ready: available, available, terminating: 0 };
        let version = ResourceVersion::default();
        ReplicaSetObject {
            revision,
            replicas,
            desired: 3,
            max_replicas: 4,
            number: 1 + revision as u32,
            status,
            version,
        }
    }

    fn view(old: Option<(u32, u32)>, new: Option<(u32, u32)>) -> View {
        View {
            strategy: Strategy::RollingUpdate,
            rolling: Rolling { desired: 3, fenceposts: Fenceposts { surge: 1, unavailable: 0 } },
            paused: false,
            template: Revision::New,
            sets: [
                old.map(|(replicas, available)| set(Revision::Old, replicas, available)),
                new.map(|(replicas, available)| set(Revision::New, replicas, available)),
            ],
            counts_terminating: false,
            old_pods_running: false,
        }
    }

    fn check(view: &View, create: Option<u32>, old: Option<u32>, new: Option<u32>) {
        assert_eq!(decide(view), Decision { create, sizes: [old, new] });
    }

    #[test]
    fn a_pause_stops_the_roll_and_a_rollback_turns_it_round() {
        let mid = view(Some((2, 2)), Some((2, 2)));
        check(&mid, None, Some(1), None);
        check(&View { paused: true, ..mid }, None, None, None);
        check(&View { template: Revision::Old, ..mid }, None, None, Some(1));
    }

    #[test]
    fn terminating_pods_hold_back_the_surge_where_they_count() {
        let mut mid = view(Some((2, 2)), Some((1, 1)));
        check(&mid, None, None, Some(2));
        mid.counts_terminating = true;
        check(&mid, None, None, Some(2));
        mid.sets[0] = Some(ReplicaSetObject {
            status: ReplicaSetStatus { terminating: 1, ..mid.sets[0].unwrap().status },
            ..mid.sets[0].unwrap()
        });
        check(&mid, None, None, None);
    }

    #[test]
    fn a_pause_does_not_put_pods_beside_terminating_ones_where_they_count() {
        let mut mid = View { paused: true, ..view(Some((1, 1)), Some((2, 2))) };
        mid.sets[0].as_mut().unwrap().status.terminating = 1;
        check(&mid, None, None, Some(3));
        mid.counts_terminating = true;
        check(&mid, None, None, None);
        let rolling = Rolling { desired: 6, ..mid.rolling };
        check(&View { rolling, ..mid }, None, Some(1), Some(5));
    }

    #[test]
    fn recreate_waits_until_nothing_of_the_old_version_runs() {
        let recreate = |view: View| View { strategy: Strategy::Recreate, ..view };
        check(&recreate(view(Some((3, 3)), None)), None, Some(0), None);
        let gone = recreate(view(Some((0, 0)), None));
        check(&View { old_pods_running: true, ..gone }, None, None, None);
        check(&gone, Some(3), None, None);
    }

    #[test]
    fn a_new_size_in_mid_rollout_scales_and_does_not_roll() {
        let rolling = Rolling { desired: 6, fenceposts: Fenceposts { surge: 1, unavailable: 0 } };
        let scaled = View { rolling, ..view(Some((2, 2)), Some((2, 2))) };
        check(&scaled, None, Some(3), Some(4));
    }
}
