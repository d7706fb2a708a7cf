//! What one list of pods has and another has not.

use crate::ids::PodId;

/// The pods of `all` that are not in `without`. Both are in the order of their ids, as slices and rules are.
pub fn difference<'a>(all: &'a [PodId], without: &'a [PodId]) -> impl Iterator<Item = PodId> + 'a {
    let equal = equal_at_the_start(all, without);
    let (all, without) = (&all[equal..], &without[equal..]);
    // Where one pod comes or goes all others follow in both lists.
    let equal = all.iter().rev().zip(without.iter().rev()).take_while(|(a, b)| a == b).count();
    let (all, without) = (&all[..all.len() - equal], &without[..without.len() - equal]);
    let mut without = without.iter().peekable();
    let is_missing = move |pod: &&PodId| {
        while without.next_if(|other| other < pod).is_some() {}
        without.peek() != Some(pod)
    };
    all.iter().filter(is_missing).copied()
}

/// How many pods both lists begin with.
fn equal_at_the_start(a: &[PodId], b: &[PodId]) -> usize {
    if std::ptr::eq(a, b) {
        return a.len();
    }
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn agrees_with_the_difference_of_sets(a in proptest::collection::btree_set(0u32..20, 0..15),
                                              b in proptest::collection::btree_set(0u32..20, 0..15)) {
            let list = |set: &BTreeSet<u32>| set.iter().map(|id| PodId(*id)).collect::<Vec<_>>();
            let expected: Vec<PodId> = a.difference(&b).map(|id| PodId(*id)).collect();
            prop_assert_eq!(difference(&list(&a), &list(&b)).collect::<Vec<_>>(), expected);
        }
    }
}
