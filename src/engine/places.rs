//! Where among many things the one with a given key is: a table from keys to places that is asked at every draw.

/// A table from keys to places, by open addressing: a key is looked for from the slot of its hash on. Nothing is taken out, and
/// nobody asks for the order, so that no run depends on it.
#[derive(Debug, Default)]
pub struct Places {
    /// A power of two of slots, half of them used at most; none before the first key.
    slots: Vec<Slot>,
    used: usize,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    key: u64,
    place: u32,
}

/// The place in a slot that is not used.
const NOWHERE: u32 = u32::MAX;

/// Slots of the first table.
const FIRST: usize = 32;

impl Places {
    /// The place of a key, if it has one.
    #[inline]
    pub fn get(&self, key: u64) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let found = self.slots[self.slot(key)].place;
        (found != NOWHERE).then_some(found)
    }

    /// Gives a key its place.
    ///
    /// # Panics
    /// If the place is the last of all numbers.
    pub fn insert(&mut self, key: u64, place: u32) {
        assert!(place != NOWHERE, "the last number is no place");
        if 2 * (self.used + 1) > self.slots.len() {
            self.grow();
        }
        let slot = self.slot(key);
        self.used += usize::from(self.slots[slot].place == NOWHERE);
        self.slots[slot] = Slot { key, place };
    }

    /// The slot that holds the key, or would.
    #[inline]
    fn slot(&self, key: u64) -> usize {
        let last = self.slots.len() - 1;
        // Multiplying brings all bits of a key to the upper half.
        let mut slot = (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize & last;
        while self.slots[slot].key != key && self.slots[slot].place != NOWHERE {
            slot = (slot + 1) & last;
        }
        slot
    }

    fn grow(&mut self) {
        let more = vec![Slot { key: 0, place: NOWHERE }; (2 * self.slots.len()).max(FIRST)];
        let before = std::mem::replace(&mut self.slots, more);
        for slot in before.into_iter().filter(|slot| slot.place != NOWHERE) {
            let free = self.slot(slot.key);
            self.slots[free] = slot;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn finds_what_a_map_would(keys in proptest::collection::vec(0u64..60, 0..120), spread in 0u32..56) {
            let (mut places, mut map) = (Places::default(), BTreeMap::new());
            for (place, key) in keys.iter().map(|key| key << spread).enumerate() {
                prop_assert_eq!(places.get(key), map.get(&key).copied());
                places.insert(key, place as u32);
                map.insert(key, place as u32);
            }
            for key in (0..60).map(|key| key << spread) {
                prop_assert_eq!(places.get(key), map.get(&key).copied());
            }
        }
    }
}
