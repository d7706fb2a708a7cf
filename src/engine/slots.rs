//! Which of many slots wakes next.
//!
//! A run has a fixed few connections that each wake once a request, so the heap of the calendar would pay a pop and a
//! push where a look over the eight slots of a block, and a tournament between blocks, is enough. Equal times go to the
//! lower slot.

use crate::units::SimTime;

/// Slots that are looked over one by one.
const BLOCK: usize = 8;

/// A wake time for each of a number of slots, and the earliest of them.
#[derive(Debug)]
pub struct Slots {
    /// The wakes of the slots, by block.
    blocks: Vec<[SimTime; BLOCK]>,
    /// A complete binary tree over the blocks: node 1 is the root, the children of `n` are `2n` and `2n + 1`, and the
    /// second half are the blocks. Each node holds the earliest wake below it and whose that is.
    nodes: Vec<(SimTime, u32)>,
}

impl Slots {
    /// `count` slots that never wake.
    pub fn new(count: usize) -> Self {
        let blocks = count.max(1).div_ceil(BLOCK).next_power_of_two();
        Slots { blocks: vec![[SimTime::MAX; BLOCK]; blocks], nodes: vec![(SimTime::MAX, 0); 2 * blocks] }
    }

    /// When and which slot wakes next; [`SimTime::MAX`] if none does.
    #[inline]
    pub fn next(&self) -> (SimTime, u32) {
        self.nodes[1]
    }

    /// Sets when `slot` wakes, growing the table if the slot is new.
    #[inline]
    pub fn set(&mut self, slot: u32, at: SimTime) {
        let block = slot as usize / BLOCK;
        if block >= self.blocks.len() {
            self.grow((block + 1).next_power_of_two());
        }
        self.blocks[block][slot as usize % BLOCK] = at;
        self.replay(block);
    }

    /// Looks over a block and replays the matches on its path to the root.
    #[inline(always)]
    fn replay(&mut self, block: usize) {
        let mut best = earliest(&self.blocks[block], block);
        let nodes = self.nodes.as_mut_slice();
        let mut place = nodes.len() / 2 + block;
        nodes[place] = best;
        while place > 1 {
            best = best.min(nodes[place ^ 1]);
            place /= 2;
            nodes[place] = best;
        }
    }

    #[cold]
    fn grow(&mut self, blocks: usize) {
        self.blocks.resize(blocks, [SimTime::MAX; BLOCK]);
        self.nodes = vec![(SimTime::MAX, 0); 2 * blocks];
        (0..blocks).for_each(|block| self.replay(block));
    }
}

/// The first of the earliest wakes of a block, with its slot.
#[inline]
fn earliest(wakes: &[SimTime; BLOCK], block: usize) -> (SimTime, u32) {
    let (mut at, mut place) = (wakes[0], 0);
    for (other, wake) in wakes.iter().enumerate().skip(1) {
        // Written so that it compiles to conditional moves: the outcome is unpredictable.
        place = if *wake < at { other } else { place };
        at = at.min(*wake);
    }
    (at, (block * BLOCK + place) as u32)
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
