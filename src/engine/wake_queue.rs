//! Who of a few wakes first: looked over one by one while they are few, a heap once they are many.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::engine::block::{BLOCK, Block};
use crate::units::SimTime;

/// The number in a place where nobody is.
const NOBODY: u32 = u32::MAX;

/// Wakes in order of time; equal times by the number of who wakes.
#[derive(Debug)]
pub struct WakeQueue {
    /// The numbers of a few, rising, the last of all numbers where nobody is, and their wakes in the same places.
    few: [u32; BLOCK],
    count: usize,
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
        WakeQueue { few: [NOBODY; BLOCK], count: 0, wakes: Block::new(), many: BinaryHeap::new() }
    }
}

impl WakeQueue {
    /// The first to wake.
    #[inline(always)]
    pub fn first(&self) -> Option<First> {
        if self.many.is_empty() {
            let (at, place) = if self.count <= 4 { self.wakes.earliest_of_four() } else { self.wakes.earliest() };
            self.few[..self.count].get(place as usize).map(|number| First { at, number: *number, place })
        } else {
            self.many.peek().map(|Reverse((at, number))| First { at: *at, number: *number, place: 0 })
        }
    }

    /// The same queue, if there are at most `MOST` wakes in it, four or eight.
    pub fn few<const MOST: usize>(&mut self) -> Option<Few<'_, MOST>> {
        let are_few = self.many.is_empty() && self.count <= MOST.min(BLOCK);
        are_few.then_some(Few { numbers: self.few, wakes: &mut self.wakes })
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

    /// Puts off each to the time that `to` says, by its time and number.
    pub fn put_off_all(&mut self, mut to: impl FnMut(SimTime, u32) -> SimTime) {
        for place in 0..self.count {
            self.wakes.set(place, to(self.wakes.at(place), self.few[place]));
        }
        if !self.many.is_empty() {
            let many = std::mem::take(&mut self.many).into_vec();
            self.many = many.into_iter().map(|Reverse((at, number))| Reverse((to(at, number), number))).collect();
        }
    }

    /// Adds a number that is not there.
    pub fn push(&mut self, at: SimTime, number: u32) {
        if self.many.is_empty() && self.count < BLOCK {
            let place = self.few[..self.count].partition_point(|other| *other < number);
            (place..self.count).rev().for_each(|place| self.set(place + 1, self.wakes.at(place), self.few[place]));
            self.set(place, at, number);
            self.count += 1;
        } else {
            (0..self.count).for_each(|place| self.many.push(Reverse((self.wakes.at(place), self.few[place]))));
            self.forget_few();
            self.many.push(Reverse((at, number)));
        }
    }

    fn set(&mut self, place: usize, at: SimTime, number: u32) {
        self.wakes.set(place, at);
        self.few[place] = number;
    }

    fn forget_few(&mut self) {
        (0..self.count).for_each(|place| self.set(place, SimTime::MAX, NOBODY));
        self.count = 0;
    }

    /// Takes a number out and says when it was to wake; never if it was not there.
    pub fn remove(&mut self, number: u32) -> SimTime {
        let mut wake = SimTime::MAX;
        if let Ok(place) = self.few[..self.count].binary_search(&number) {
            wake = self.wakes.at(place);
            self.count -= 1;
            (place..self.count).for_each(|place| self.set(place, self.wakes.at(place + 1), self.few[place + 1]));
            self.set(self.count, SimTime::MAX, NOBODY);
        }
        self.many.retain(|Reverse((at, other))| {
            wake = if *other == number { *at } else { wake };
            *other != number
        });
        wake
    }

    /// Who is there.
    pub fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        self.few[..self.count].iter().copied().chain(self.many.iter().map(|Reverse((_, number))| *number))
    }

    /// Takes one out, whichever costs least.
    pub fn take_any(&mut self) -> Option<(SimTime, u32)> {
        let Some(last) = self.count.checked_sub(1) else {
            return self.many.pop().map(|Reverse(wake)| wake);
        };
        let wake = (self.wakes.at(last), self.few[last]);
        self.set(last, SimTime::MAX, NOBODY);
        self.count = last;
        Some(wake)
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
                    (2, Some(_), _) => {
                        let later = |time: SimTime, who: u32| if who > number { time.max(at) } else { time };
                        queue.put_off_all(later);
                        plain = plain.into_iter().map(|(time, who)| (later(time, who), who)).collect();
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
            let left: BTreeSet<_> = std::iter::from_fn(|| queue.take_any()).collect();
            prop_assert_eq!(left, plain);
        }
    }
}
