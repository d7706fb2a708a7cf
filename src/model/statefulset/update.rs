//! Which pods a sync creates and deletes: pure, a function of the pods by their ordinals.

use crate::ids::{PodId, Revision};
use crate::model::spec::{PodManagement, StatefulSetSpec};

/// What stands at one ordinal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Which pod.
    pub pod: PodId,
    /// Of which template.
    pub revision: Revision,
    /// Being deleted.
    pub terminating: bool,
    /// Running and Ready for `minReadySeconds`.
    pub available: bool,
}

/// What a sync knows.
#[derive(Debug, Clone, Copy)]
pub struct Update<'a> {
    /// The set.
    pub spec: &'a StatefulSetSpec,
    /// The template in force.
    pub template: Revision,
    /// What stands at each ordinal, if anything.
    pub members: &'a [Option<Member>],
}

impl Update<'_> {
    /// The template of a pod that is created at `ordinal`: below the partition the old one. Source:
    /// stateful_set_utils.go newVersionedStatefulSetPod.
    pub fn revision_of(&self, ordinal: usize) -> Revision {
        if ordinal < self.spec.partition as usize { Revision::Old } else { self.template }
    }

    fn is_ordered(&self) -> bool {
        self.spec.pod_management == PodManagement::OrderedReady
    }
}

fn is_healthy(member: &Member) -> bool {
    member.available && !member.terminating
}

/// Ordinals at which pods are created now. In order, the first that is missing, if all before it are healthy. Source:
/// stateful_set_control.go updateStatefulSet.
pub fn pods_to_create(update: &Update<'_>) -> Vec<usize> {
    let missing = |ordinal: &usize| update.members[*ordinal].is_none();
    let mut ordinals = (0..update.members.len()).filter(missing);
    if !update.is_ordered() {
        return ordinals.collect();
    }
    let healthy_before = |ordinal: &usize| update.members[..*ordinal].iter().flatten().all(is_healthy);
    ordinals.next().filter(healthy_before).into_iter().collect()
}

/// Pods that are deleted now for the update. In order, none before every pod is there and healthy but those that the update
/// replaces next. Source: stateful_set_control.go updateStatefulSet, and for more than one at a time
/// updateStatefulSetAfterInvariantEstablished (KEP-961).
pub fn pods_to_delete(update: &Update<'_>) -> Vec<PodId> {
    let members: Vec<&Member> = update.members.iter().flatten().collect();
    let all_there = members.len() == update.members.len();
    if update.is_ordered() && !(all_there && members.iter().all(|member| is_healthy(member))) {
        return Vec::new();
    }
    let unhealthy = update.members.iter().filter(|member| !member.as_ref().is_some_and(is_healthy)).count();
    let room = (update.spec.max_unavailable as usize).saturating_sub(unhealthy);
    let is_due = |(ordinal, member): &(usize, &Option<Member>)| {
        let differs = |member: &Member| member.revision != update.revision_of(*ordinal) && !member.terminating;
        *ordinal >= update.spec.partition as usize && member.as_ref().is_some_and(differs)
    };
    let due = update.members.iter().enumerate().rev().filter(is_due);
    due.filter_map(|(_, member)| member.as_ref()).map(|member| member.pod).take(room).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::SimDuration;

    fn spec(partition: u32, max_unavailable: u32, pod_management: PodManagement) -> StatefulSetSpec {
        StatefulSetSpec { partition, max_unavailable, pod_management, min_ready: SimDuration::ZERO }
    }

    /// `o` and `n`: a healthy pod of the old and the new template; `O`, `N`: not available; `t`: terminating; `-`: none.
    fn check(spec: &StatefulSetSpec, states: &str, created: &[usize], deleted: &[u32]) {
        let member = |(ordinal, state): (usize, char)| {
            let revision = if "oOt".contains(state) { Revision::Old } else { Revision::New };
            let pod = PodId(ordinal as u32);
            let member = Member { pod, revision, terminating: state == 't', available: "ont".contains(state) };
            (state != '-').then_some(member)
        };
        let members: Vec<Option<Member>> = states.chars().enumerate().map(member).collect();
        let update = Update { spec, template: Revision::New, members: &members };
        assert_eq!(pods_to_create(&update), created, "{states}");
        assert_eq!(pods_to_delete(&update), deleted.iter().map(|pod| PodId(*pod)).collect::<Vec<_>>(), "{states}");
    }

    #[test]
    fn one_at_a_time_from_the_highest_ordinal() {
        let spec = spec(0, 1, PodManagement::OrderedReady);
        check(&spec, "ooo", &[], &[2]);
        check(&spec, "oot", &[], &[]);
        check(&spec, "oo-", &[2], &[]);
        check(&spec, "ooN", &[], &[]);
        check(&spec, "oon", &[], &[1]);
        check(&spec, "nnn", &[], &[]);
    }

    #[test]
    fn pods_below_the_partition_keep_the_old_template() {
        let spec = spec(1, 1, PodManagement::OrderedReady);
        check(&spec, "onn", &[], &[]);
        check(&spec, "-nn", &[0], &[]);
        let update = Update { spec: &spec, template: Revision::New, members: &[] };
        assert_eq!((update.revision_of(0), update.revision_of(1)), (Revision::Old, Revision::New));
    }

    #[test]
    fn max_unavailable_deletes_more_at_once_and_order_still_creates_one_by_one() {
        check(&spec(0, 2, PodManagement::OrderedReady), "oooo", &[], &[3, 2]);
        check(&spec(0, 2, PodManagement::OrderedReady), "oo--", &[2], &[]);
        check(&spec(0, 2, PodManagement::Parallel), "oo--", &[2, 3], &[]);
        check(&spec(0, 2, PodManagement::Parallel), "oonN", &[], &[1]);
    }
}
