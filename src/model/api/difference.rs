//! What one list of pods has and another has not.

use crate::ids::PodId;

/// The pods of `all` that are not in `without`. Both are in the order of their ids, as slices and rules are.
pub fn difference(all: &[PodId], without: &[PodId]) -> Vec<PodId> {
    let mut without = without.iter().peekable();
    let is_missing = |pod: &&PodId| {
        while without.next_if(|other| other < pod).is_some() {}
        without.peek() != Some(pod)
    };
    all.iter().filter(is_missing).copied().collect()
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
            prop_assert_eq!(difference(&list(&a), &list(&b)), expected);
        }
    }
}
