//! The future event list.

use std::cmp::Ordering;
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

#[derive(Debug)]
struct Entry<E> {
    at: SimTime,
    tie: Tie,
    event: E,
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.tie) == (other.at, other.tie)
    }
}

impl<E> Eq for Entry<E> {}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Entry<E> {
    /// Reversed, because the standard heap gives the greatest first: earlier time first, then smaller tie.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.tie).cmp(&(self.at, self.tie))
    }
}

/// The future events of a run, given out in order of time and [`Tie`].
#[derive(Debug)]
pub struct Calendar<E> {
    heap: BinaryHeap<Entry<E>>,
    cancelled: BTreeSet<Tie>,
    now: SimTime,
}

impl<E> Default for Calendar<E> {
    fn default() -> Self {
        Calendar { heap: BinaryHeap::new(), cancelled: BTreeSet::new(), now: SimTime::ZERO }
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
            self.heap.push(Entry { at, tie, event });
        }
    }

    /// Takes back an event that has not happened yet.
    pub fn cancel(&mut self, tie: Tie) {
        self.cancelled.insert(tie);
    }

    /// When the next event happens; [`SimTime::MAX`] if there is none.
    pub fn next_at(&mut self) -> SimTime {
        while let Some(entry) = self.heap.peek() {
            if self.cancelled.is_empty() || !self.cancelled.remove(&entry.tie) {
                return entry.at;
            }
            self.heap.pop();
        }
        SimTime::MAX
    }

    /// Takes the next event.
    pub fn pop(&mut self) -> Option<(SimTime, E)> {
        self.next_at();
        let entry = self.heap.pop()?;
        self.now = entry.at;
        Some((entry.at, entry.event))
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
