//! Which of many slots wakes next.
//!
//! A run has a fixed few connections that each wake once a request, so the heap of the calendar would pay a pop and a
//! push where a look over the eight slots of a block, and a tournament between blocks, is enough. Equal times go to the
//! lower slot.

use crate::engine::block::{BLOCK, Block};
use crate::units::SimTime;

/// A wake time for each of a number of slots, and the earliest of them.
#[derive(Debug)]
pub struct Slots {
    /// The wakes of the slots, by block.
    blocks: Vec<Block>,
    /// A complete binary tree over the blocks: node 1 is the root, the children of `n` are `2n` and `2n + 1`, and the
    /// second half are the blocks. Each node holds the earliest wake below it and whose that is.
    nodes: Vec<(SimTime, u32)>,
    /// The root.
    next: (SimTime, u32),
}

impl Slots {
    /// `count` slots that never wake.
    pub fn new(count: usize) -> Self {
        let blocks = count.max(1).div_ceil(BLOCK).next_power_of_two();
        let never = (SimTime::MAX, 0);
        Slots { blocks: vec![Block::new(); blocks], nodes: vec![never; 2 * blocks], next: never }
    }

    /// When and which slot wakes next; [`SimTime::MAX`] if none does.
    #[inline]
    pub fn next(&self) -> (SimTime, u32) {
        self.next
    }

    /// When `slot`, which has been set, wakes.
    pub fn at(&self, slot: u32) -> SimTime {
        self.blocks[slot as usize / BLOCK].at(slot as usize % BLOCK)
    }

    /// Sets when `slot` wakes, growing the table if the slot is new.
    #[inline]
    pub fn set(&mut self, slot: u32, at: SimTime) {
        let block = slot as usize / BLOCK;
        if let [only] = self.blocks.as_mut_slice()
            && block == 0
        {
            only.set(slot as usize, at);
            self.next = only.earliest();
        } else {
            self.set_in_tree(block, slot, at);
        }
    }

    #[inline(never)]
    fn set_in_tree(&mut self, block: usize, slot: u32, at: SimTime) {
        if block >= self.blocks.len() {
            self.grow((block + 1).next_power_of_two());
        }
        self.blocks[block].set(slot as usize % BLOCK, at);
        self.replay(block);
    }

    /// Looks over a block and replays the matches on its path to the root.
    fn replay(&mut self, block: usize) {
        let (at, place) = self.blocks[block].earliest();
        let mut best = (at, (block * BLOCK) as u32 + place);
        let nodes = self.nodes.as_mut_slice();
        let mut place = nodes.len() / 2 + block;
        nodes[place] = best;
        while place > 1 {
            best = best.min(nodes[place ^ 1]);
            place /= 2;
            nodes[place] = best;
        }
        self.next = best;
    }

    #[cold]
    fn grow(&mut self, blocks: usize) {
        self.blocks.resize(blocks, Block::new());
        self.nodes = vec![(SimTime::MAX, 0); 2 * blocks];
        (0..blocks).for_each(|block| self.replay(block));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_the_first_minimum(changes in proptest::collection::vec((0u32..37, 0u64..20), 1..200)) {
            check(&changes, SimTime::from_nanos);
        }

        #[test]
        fn finds_the_first_minimum_of_late_times(changes in proptest::collection::vec((0u32..11, 0u64..20), 1..50)) {
            check(&changes, |nanos| SimTime::from_nanos((1 << 61) - 10 + nanos));
        }
    }

    fn check(changes: &[(u32, u64)], time: impl Fn(u64) -> SimTime) {
        let mut slots = Slots::new(1);
        let mut plain = vec![SimTime::MAX; 64];
        for (slot, nanos) in changes {
            let at = time(*nanos);
            slots.set(*slot, at);
            plain[*slot as usize] = at;
            let expected = plain.iter().enumerate().min_by_key(|(index, at)| (**at, *index)).unwrap();
            assert_eq!(slots.next(), (*expected.1, expected.0 as u32));
        }
    }
}
