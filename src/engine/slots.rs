//! Which of many slots wakes next: a tournament over one wake time a slot.
//!
//! A run has a fixed few connections that each wake once a request, so the heap of the calendar would pay a pop and a
//! push where one path to the root of a small tree is enough. Equal times go to the lower slot.

use crate::units::SimTime;

/// A wake time for each of a number of slots, and the earliest of them.
#[derive(Debug)]
pub struct Slots {
    /// Wake times, one a leaf; the count is a power of two.
    wake: Vec<SimTime>,
    /// `winner[node]` is the slot that wakes first below `node`; node 1 is the root, leaves are not stored.
    winner: Vec<u32>,
}

impl Slots {
    /// `count` slots that never wake.
    pub fn new(count: usize) -> Self {
        let mut slots = Slots { wake: Vec::new(), winner: Vec::new() };
        slots.rebuild(count.max(2).next_power_of_two());
        slots
    }

    /// When and which slot wakes next; [`SimTime::MAX`] if none does.
    #[inline]
    pub fn next(&self) -> (SimTime, u32) {
        let slot = self.winner[1];
        (self.wake[slot as usize], slot)
    }

    /// When `slot` wakes.
    pub fn wake_of(&self, slot: u32) -> SimTime {
        self.wake[slot as usize]
    }

    /// Sets when `slot` wakes, growing the table if the slot is new.
    #[inline]
    pub fn set(&mut self, slot: u32, at: SimTime) {
        if slot as usize >= self.wake.len() {
            self.rebuild((slot as usize + 1).next_power_of_two());
        }
        self.wake[slot as usize] = at;
        self.replay(slot);
    }

    /// Replays the matches on the path from the leaf of `slot` to the root.
    #[inline]
    fn replay(&mut self, slot: u32) {
        let mut node = (self.wake.len() + slot as usize) / 2;
        let (left, right) = (slot & !1, slot | 1);
        let mut best = self.earlier(left, right);
        self.winner[node] = best;
        while node > 1 {
            let other = self.winner[node ^ 1];
            best = if node & 1 == 0 { self.earlier(best, other) } else { self.earlier(other, best) };
            node /= 2;
            self.winner[node] = best;
        }
    }

    /// The one that wakes first; `left` on a tie, being the lower slot.
    #[inline]
    fn earlier(&self, left: u32, right: u32) -> u32 {
        if self.wake[right as usize] < self.wake[left as usize] { right } else { left }
    }

    fn rebuild(&mut self, leaves: usize) {
        self.wake.resize(leaves, SimTime::MAX);
        self.winner = vec![0; leaves];
        for node in (1..leaves).rev() {
            let child =
                |child: usize, winner: &[u32]| if child >= leaves { (child - leaves) as u32 } else { winner[child] };
            let (left, right) = (child(2 * node, &self.winner), child(2 * node + 1, &self.winner));
            self.winner[node] = self.earlier(left, right);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_the_first_minimum(changes in proptest::collection::vec((0u32..37, 0u64..20), 1..200)) {
            let mut slots = Slots::new(1);
            let mut plain = vec![SimTime::MAX; 64];
            for (slot, nanos) in changes {
                let at = SimTime::from_nanos(nanos);
                slots.set(slot, at);
                plain[slot as usize] = at;
                let expected = plain.iter().enumerate().min_by_key(|(index, at)| (**at, *index)).unwrap();
                prop_assert_eq!(slots.next(), (*expected.1, expected.0 as u32));
            }
        }
    }
}
