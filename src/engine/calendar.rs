//! The future event list.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use crate::units::SimTime;

/// Who scheduled an event, and as the how-manieth of its events. Unique within a run, so it is also the key by which
/// a timer is cancelled. Packed so that comparing is comparing one number: 8 bits of room rank, 24 bits of entity
/// ordinal, 32 bits of sequence number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tie(u64);

impl Tie {
    /// The tie of the `sequence`-th event of entity `entity` of the room with rank `rank`.
    ///
    /// # Panics
    /// If the entity ordinal needs more than 24 bits.
    pub fn new(rank: u8, entity: u32, sequence: u32) -> Tie {
        assert!(entity < 1 << 24, "a room has at most 2^24 entities");
        Tie(u64::from(rank) << 56 | u64::from(entity) << 32 | u64::from(sequence))
    }
}

/// An event's place in the order, and where it is kept: small, because a heap moves its entries about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    at: SimTime,
    tie: Tie,
    place: u32,
}

/// The future events of a run, given out in order of time and [`Tie`].
#[derive(Debug)]
pub struct Calendar<E> {
    heap: BinaryHeap<Reverse<Entry>>,
    events: Vec<Option<E>>,
    /// Places of events that are over.
    free: Vec<u32>,
    cancelled: BTreeSet<Tie>,
    /// The first of the heap has been looked at: it is not cancelled.
    first_is_good: bool,
    now: SimTime,
}

/// Room for as many future events as a small cluster has at a time.
const USUAL: usize = 64;

impl<E> Default for Calendar<E> {
    fn default() -> Self {
        Calendar {
            heap: BinaryHeap::with_capacity(USUAL),
            events: Vec::with_capacity(USUAL),
            free: Vec::with_capacity(USUAL),
            cancelled: BTreeSet::new(),
            first_is_good: false,
            now: SimTime::ZERO,
        }
    }
}

impl<E> Calendar<E> {
    /// Adds an event. An event at [`SimTime::MAX`] never happens and is dropped.
    ///
    /// # Panics
    /// If `at` lies before the event given out last.
    pub fn schedule(&mut self, at: SimTime, tie: Tie, event: E) {
        assert!(at >= self.now, "an event at {at} cannot be scheduled at {}: time never goes back", self.now);
        if !at.is_never() {
            let place = self.keep(event);
            self.first_is_good = false;
            self.heap.push(Reverse(Entry { at, tie, place }));
        }
    }

    fn keep(&mut self, event: E) -> u32 {
        if let Some(place) = self.free.pop() {
            self.events[place as usize] = Some(event);
            return place;
        }
        self.events.push(Some(event));
        (self.events.len() - 1) as u32
    }

    /// Takes back an event that has not happened yet.
    pub fn cancel(&mut self, tie: Tie) {
        self.first_is_good = false;
        self.cancelled.insert(tie);
    }

    /// When the next event happens; [`SimTime::MAX`] if there is none.
    pub fn next_at(&mut self) -> SimTime {
        while let Some(Reverse(entry)) = self.heap.peek() {
            if self.first_is_good || self.cancelled.is_empty() || !self.cancelled.remove(&entry.tie) {
                self.first_is_good = true;
                return entry.at;
            }
            self.take_first();
        }
        SimTime::MAX
    }

    /// Takes the next event.
    pub fn pop(&mut self) -> Option<(SimTime, E)> {
        if !self.first_is_good {
            self.next_at();
        }
        let (at, event) = self.take_first()?;
        self.now = at;
        Some((at, event))
    }

    fn take_first(&mut self) -> Option<(SimTime, E)> {
        self.first_is_good = false;
        let Reverse(entry) = self.heap.pop()?;
        self.free.push(entry.place);
        Some((entry.at, self.events[entry.place as usize].take()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(nanos: u64) -> SimTime {
        SimTime::from_nanos(nanos)
    }

    #[test]
    fn equal_times_come_by_rank_then_entity_then_sequence() {
        let mut calendar = Calendar::default();
        calendar.schedule(at(5), Tie::new(2, 0, 0), "room 2");
        calendar.schedule(at(5), Tie::new(1, 3, 1), "room 1, entity 3, second");
        calendar.schedule(at(5), Tie::new(1, 3, 0), "room 1, entity 3, first");
        calendar.schedule(at(5), Tie::new(1, 0, 9), "room 1, entity 0");
        let order: Vec<_> = std::iter::from_fn(|| calendar.pop()).map(|(_, event)| event).collect();
        assert_eq!(order, ["room 1, entity 0", "room 1, entity 3, first", "room 1, entity 3, second", "room 2"]);
    }

    #[test]
    fn a_cancelled_event_does_not_happen() {
        let mut calendar = Calendar::default();
        calendar.schedule(at(1), Tie::new(0, 0, 0), 1);
        calendar.schedule(at(2), Tie::new(0, 0, 1), 2);
        calendar.cancel(Tie::new(0, 0, 0));
        assert_eq!(calendar.next_at(), at(2));
        assert_eq!(calendar.pop(), Some((at(2), 2)));
        assert_eq!(calendar.pop(), None);
    }

    #[test]
    #[should_panic(expected = "time never goes back")]
    fn time_never_goes_back() {
        let mut calendar = Calendar::default();
        calendar.schedule(at(5), Tie::new(0, 0, 0), ());
        calendar.pop();
        calendar.schedule(at(4), Tie::new(0, 0, 1), ());
    }

    proptest! {
        #[test]
        fn gives_out_what_a_sorted_list_would(times in proptest::collection::vec((0u64..50, 0u8..4, 0u32..3), 0..80)) {
            let mut calendar = Calendar::default();
            let mut expected = Vec::new();
            for (sequence, &(nanos, rank, entity)) in times.iter().enumerate() {
                let tie = Tie::new(rank, entity, sequence as u32);
                calendar.schedule(at(nanos), tie, tie);
                expected.push((at(nanos), tie));
            }
            expected.sort();
            let given: Vec<_> = std::iter::from_fn(|| calendar.pop()).collect();
            prop_assert_eq!(given, expected);
        }
    }
}
