//! What a room knows of each pod.

use crate::ids::PodId;

/// A value for each of some pods, in the order of their ids. New pods have the highest ids and most rooms go over all of theirs
/// again and again, so this is one list: what comes is added at its end, and nothing is allocated for each.
#[derive(Debug)]
pub struct PodMap<T> {
    entries: Vec<(PodId, T)>,
}

impl<T> Default for PodMap<T> {
    fn default() -> Self {
        PodMap { entries: Vec::new() }
    }
}

impl<T> PodMap<T> {
    fn place(&self, pod: PodId) -> Result<usize, usize> {
        match self.entries.last() {
            Some((last, _)) if *last < pod => Err(self.entries.len()),
            _ => self.entries.binary_search_by_key(&pod, |(id, _)| *id),
        }
    }

    /// The value of a pod.
    pub fn get(&self, pod: &PodId) -> Option<&T> {
        self.place(*pod).ok().map(|place| &self.entries[place].1)
    }

    /// The value of a pod, to be changed.
    pub fn get_mut(&mut self, pod: &PodId) -> Option<&mut T> {
        self.place(*pod).ok().map(|place| &mut self.entries[place].1)
    }

    /// Whether the pod has a value.
    pub fn contains_key(&self, pod: &PodId) -> bool {
        self.place(*pod).is_ok()
    }

    /// Gives a pod a value, and says which it had.
    pub fn insert(&mut self, pod: PodId, value: T) -> Option<T> {
        match self.place(pod) {
            Ok(place) => Some(std::mem::replace(&mut self.entries[place].1, value)),
            Err(place) => {
                self.entries.insert(place, (pod, value));
                None
            }
        }
    }

    /// Takes a pod's value away.
    pub fn remove(&mut self, pod: &PodId) -> Option<T> {
        self.place(*pod).ok().map(|place| self.entries.remove(place).1)
    }

    /// Whether no pod has a value.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The pods with their values.
    pub fn iter(&self) -> impl Iterator<Item = (PodId, &T)> {
        self.entries.iter().map(|(pod, value)| (*pod, value))
    }

    /// The pods with their values, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (PodId, &mut T)> {
        self.entries.iter_mut().map(|(pod, value)| (*pod, value))
    }

    /// The values.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.entries.iter().map(|(_, value)| value)
    }
}

impl<T> FromIterator<(PodId, T)> for PodMap<T> {
    fn from_iter<I: IntoIterator<Item = (PodId, T)>>(pods: I) -> Self {
        let mut map = PodMap::default();
        pods.into_iter().for_each(|(pod, value)| drop(map.insert(pod, value)));
        map
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn holds_what_an_ordered_map_would(steps in proptest::collection::vec((0u32..12, 0u8..5, 0u32..9), 0..80)) {
            let (mut map, mut plain) = (PodMap::default(), BTreeMap::new());
            for (pod, step, value) in steps {
                let pod = PodId(pod);
                match step {
                    0 => prop_assert_eq!(map.remove(&pod), plain.remove(&pod)),
                    1 => {
                        map.iter_mut().for_each(|(_, other)| *other += value);
                        plain.values_mut().for_each(|other| *other += value);
                    }
                    _ => prop_assert_eq!(map.insert(pod, value), plain.insert(pod, value)),
                }
                prop_assert_eq!(map.get(&pod), plain.get(&pod));
                prop_assert_eq!(map.get_mut(&pod), plain.get_mut(&pod));
                prop_assert_eq!((map.contains_key(&pod), map.is_empty()), (plain.contains_key(&pod), plain.is_empty()));
                prop_assert!(map.iter().eq(plain.iter().map(|(pod, value)| (*pod, value))));
                prop_assert!(map.values().eq(plain.values()));
            }
        }
    }
}
