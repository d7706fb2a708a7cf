//! Which pods a scale-down takes, and how creates are batched: pure, and what upstream's own test tables run against.

use std::cmp::{Ordering, Reverse};

use crate::ids::{NodeId, PodId};
use crate::model::api::Phase;
use crate::units::{SimDuration, Version};

/// What the deletion order reads of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeletionCandidate {
    /// Which pod.
    pub id: PodId,
    /// Its node, if bound.
    pub node: Option<NodeId>,
    /// Its phase.
    pub phase: Phase,
    /// Condition Ready.
    pub ready: bool,
    /// `controller.kubernetes.io/pod-deletion-cost`.
    pub deletion_cost: i32,
    /// Age of the Ready condition's last transition; `None` if it has no time.
    pub ready_age: Option<SimDuration>,
    /// Highest restart count of its containers.
    pub restarts: u32,
    /// Age of the pod; `None` if it has no creation time.
    pub created_age: Option<SimDuration>,
    /// `metadata.uid`.
    pub uid: u64,
}

/// A candidate with its rank: active pods of the same owner on its node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ranked {
    /// The pod.
    pub pod: DeletionCandidate,
    /// How crowded its node is.
    pub rank: u32,
}

/// How ages are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgeOrder {
    /// By the age itself, up to 1.21.
    Exact,
    /// By the integer logarithm of the age in nanoseconds, since 1.22 (KEP-2185).
    Logarithmic,
}

impl AgeOrder {
    /// The rule of a version.
    pub fn of(version: Version) -> Self {
        if version >= Version::minor(22) { AgeOrder::Logarithmic } else { AgeOrder::Exact }
    }

    /// A number that is smaller for what is deleted first: younger ages, a missing time counting as youngest.
    fn key(self, age: Option<SimDuration>) -> u64 {
        let Some(age) = age else { return 0 };
        match self {
            AgeOrder::Exact => age.as_nanos().saturating_add(1),
            AgeOrder::Logarithmic => age.as_nanos().checked_ilog2().map_or(1, |log| u64::from(log) + 2),
        }
    }
}

/// The order of deletion: `Less` means `a` goes first. Source: controller_utils.go ActivePodsWithRanks.Less
/// (mechanics 1.10).
pub fn compare_for_deletion(a: &Ranked, b: &Ranked, ages: AgeOrder) -> Ordering {
    let state = |r: &Ranked| (r.pod.node.is_some(), r.pod.phase, r.pod.ready, r.pod.deletion_cost, Reverse(r.rank));
    state(a)
        .cmp(&state(b))
        .then_with(|| ready_age_order(&a.pod, &b.pod, ages))
        .then_with(|| b.pod.restarts.cmp(&a.pod.restarts))
        .then_with(|| age_order(a.pod.created_age, b.pod.created_age, ages, &a.pod, &b.pod))
        .then_with(|| a.pod.uid.cmp(&b.pod.uid))
}

fn ready_age_order(a: &DeletionCandidate, b: &DeletionCandidate, ages: AgeOrder) -> Ordering {
    if a.ready && b.ready { age_order(a.ready_age, b.ready_age, ages, a, b) } else { Ordering::Equal }
}

/// Equal ages decide nothing; different ages in the same logarithmic bucket are decided by uid.
fn age_order(
    a_age: Option<SimDuration>,
    b_age: Option<SimDuration>,
    ages: AgeOrder,
    a: &DeletionCandidate,
    b: &DeletionCandidate,
) -> Ordering {
    if a_age == b_age {
        return Ordering::Equal;
    }
    ages.key(a_age).cmp(&ages.key(b_age)).then_with(|| a.uid.cmp(&b.uid))
}

/// The `count` pods that go, first to go first. When all go nothing is sorted. `related_on` counts the active pods of
/// the same owner on a node. Source: replica_set.go getPodsToDelete.
pub fn pods_to_delete(
    pods: &[DeletionCandidate],
    count: usize,
    ages: AgeOrder,
    related_on: impl Fn(NodeId) -> u32,
) -> Vec<PodId> {
    if count == 0 {
        return Vec::new();
    }
    let mut ranked: Vec<Ranked> =
        pods.iter().map(|pod| Ranked { pod: *pod, rank: pod.node.map_or(0, &related_on) }).collect();
    if count < ranked.len() {
        sort_by_insertion(&mut ranked, ages);
    }
    ranked.into_iter().take(count).map(|ranked| ranked.pod.id).collect()
}

/// Upstream's comparison is not transitive (equal ready ages go on to the creation age, different ones in one bucket to
/// the uid), which Go's sort bears and the standard library's panics on. Insertion bears any comparison.
fn sort_by_insertion(ranked: &mut [Ranked], ages: AgeOrder) {
    for end in 1..ranked.len() {
        let mut place = end;
        while place > 0 && compare_for_deletion(&ranked[place], &ranked[place - 1], ages).is_lt() {
            ranked.swap(place, place - 1);
            place -= 1;
        }
    }
}

/// Sizes of the batches in which `count` pods are created: 1, 2, 4, … each after the one before succeeded. Source:
/// replica_set.go slowStartBatch.
pub fn slow_start_batches(count: usize, initial: usize) -> Vec<usize> {
    let mut batches = Vec::new();
    let (mut left, mut size) = (count, initial.min(count));
    while size > 0 {
        batches.push(size);
        left -= size;
        size = (2 * size).min(left);
    }
    batches
}
