//! Who of a few wakes first: looked over one by one while they are few, a heap once they are many.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::engine::block::{BLOCK, Block};
use crate::units::SimTime;

/// Wakes in order of time; equal times by the number of who wakes.
#[derive(Debug)]
pub struct WakeQueue {
    /// The numbers of a few, rising, and their wakes in the same places.
    few: Vec<u32>,
    wakes: Block,
    /// All, once there were more than a few.
    many: BinaryHeap<Reverse<(SimTime, u32)>>,
}

/// Who wakes first, and where in the queue that stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct First {
    /// When.
    pub at: SimTime,
    /// Who.
    pub number: u32,
    place: u32,
}

/// Wakes of which the first is asked for and put off, over and over.
pub trait Wakes {
    /// The first to wake.
    fn first(&self) -> Option<First>;

    /// Puts off the first to a later time.
    fn put_off(&mut self, first: First, to: SimTime);
}

/// A queue of at most `MOST` wakes, known to be one as long as this is held: nothing is asked twice.
#[derive(Debug)]
pub struct Few<'a, const MOST: usize> {
    /// The last of all numbers where nobody is.
    numbers: [u32; BLOCK],
    wakes: &'a mut Block,
}

impl<const MOST: usize> Wakes for Few<'_, MOST> {
    #[inline(always)]
    fn first(&self) -> Option<First> {
        let (at, place) = if MOST <= BLOCK / 2 { self.wakes.earliest_of_four() } else { self.wakes.earliest() };
        // Where nobody is, nobody wakes: an empty queue has a first that never does.
        Some(First { at, number: self.numbers[place as usize % BLOCK], place })
    }

    #[inline(always)]
    fn put_off(&mut self, first: First, to: SimTime) {
        self.wakes.set(first.place as usize % BLOCK, to);
    }
}

impl Wakes for WakeQueue {
    #[inline(always)]
    fn first(&self) -> Option<First> {
        WakeQueue::first(self)
    }

    #[inline(always)]
    fn put_off(&mut self, first: First, to: SimTime) {
        WakeQueue::put_off(self, first, to);
    }
}

impl Default for WakeQueue {
    fn default() -> Self {
        WakeQueue { few: Vec::new(), wakes: Block::new(), many: BinaryHeap::new() }
    }
}

impl WakeQueue {
    /// The first to wake.
    #[inline(always)]
    pub fn first(&self) -> Option<First> {
        if self.many.is_empty() {
            let (at, place) = if self.few.len() <= 4 { self.wakes.earliest_of_four() } else { self.wakes.earliest() };
            self.few.get(place as usize).map(|number| First { at, number: *number, place })
        } else {
            self.many.peek().map(|Reverse((at, number))| First { at: *at, number: *number, place: 0 })
        }
    }

    /// The same queue, if there are at most `MOST` wakes in it, four or eight.
    pub fn few<const MOST: usize>(&mut self) -> Option<Few<'_, MOST>> {
        let are_few = self.many.is_empty() && self.few.len() <= MOST.min(BLOCK);
        let mut numbers = [u32::MAX; BLOCK];
        self.few.iter().zip(&mut numbers).for_each(|(few, number)| *number = *few);
        are_few.then_some(Few { numbers, wakes: &mut self.wakes })
    }

    /// Puts off the first to a later time.
    #[inline(always)]
    pub fn put_off(&mut self, first: First, to: SimTime) {
        if self.many.is_empty() {
            self.wakes.set(first.place as usize, to);
        } else if let Some(mut top) = self.many.peek_mut() {
            top.0.0 = to;
        }
    }

    /// Adds a number that is not there.
    pub fn push(&mut self, at: SimTime, number: u32) {
        if self.many.is_empty() && self.few.len() < BLOCK {
            let place = self.few.partition_point(|other| *other < number);
            (place..self.few.len()).rev().for_each(|place| self.wakes.set(place + 1, self.wakes.at(place)));
            self.few.insert(place, number);
            self.wakes.set(place, at);
        } else {
            let few: Vec<_> = self.drain_few().collect();
            self.many.extend(few.into_iter().map(Reverse));
            self.many.push(Reverse((at, number)));
        }
    }

    /// Takes a number out and says when it was to wake; never if it was not there.
    pub fn remove(&mut self, number: u32) -> SimTime {
        let mut wake = SimTime::MAX;
        if let Ok(place) = self.few.binary_search(&number) {
            wake = self.wakes.at(place);
            self.few.remove(place);
            (place..self.few.len()).for_each(|place| self.wakes.set(place, self.wakes.at(place + 1)));
            self.wakes.set(self.few.len(), SimTime::MAX);
        }
        self.many.retain(|Reverse((at, other))| {
            wake = if *other == number { *at } else { wake };
            *other != number
        });
        wake
    }

    /// Who is there.
    pub fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        self.few.iter().copied().chain(self.many.iter().map(|Reverse((_, number))| *number))
    }

    /// Takes all out, in no order.
    pub fn drain(&mut self) -> Vec<(SimTime, u32)> {
        let few: Vec<_> = self.drain_few().collect();
        few.into_iter().chain(self.many.drain().map(|Reverse(wake)| wake)).collect()
    }

    fn drain_few(&mut self) -> impl Iterator<Item = (SimTime, u32)> + use<> {
        let wakes = std::mem::replace(&mut self.wakes, Block::new());
        std::mem::take(&mut self.few).into_iter().enumerate().map(move |(place, number)| (wakes.at(place), number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn gives_out_what_a_sorted_set_would(steps in proptest::collection::vec((0u32..24, 0u64..9, 0u8..3), 1..200)) {
            let (mut queue, mut plain) = (WakeQueue::default(), BTreeSet::new());
            for (number, nanos, step) in steps {
                let at = SimTime::from_nanos(nanos);
                let there = plain.iter().find(|(_, other)| *other == number).copied();
                match (step, there, plain.first().copied()) {
                    (0, Some(there), _) => {
                        plain.remove(&there);
                        prop_assert_eq!(queue.remove(number), there.0);
                    }
                    (1, _, Some(first)) => {
                        plain.remove(&first);
                        plain.insert((first.0.max(at), first.1));
                        queue.put_off(queue.first().unwrap(), first.0.max(at));
                    }
                    (_, None, _) => {
                        plain.insert((at, number));
                        queue.push(at, number);
                    }
                    _ => {}
                }
                let first = queue.first();
                prop_assert_eq!(first.map(|first| (first.at, first.number)), plain.first().copied());
                let someone = |first: Option<First>| first.filter(|first| first.number < u32::MAX);
                let (four, eight) = (queue.few::<4>().map(|few| few.first()), queue.few::<8>().map(|few| few.first()));
                prop_assert_eq!(four.map_or(first, someone), first);
                prop_assert_eq!(eight.map_or(first, someone), first);
            }
            let left: BTreeSet<_> = queue.drain().into_iter().collect();
            prop_assert_eq!(left, plain);
        }
    }
}
