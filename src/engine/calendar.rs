//! The future event list.

use std::cmp::{Ordering, Reverse};
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

/// An event and its place in the order.
#[derive(Debug)]
struct Entry<E> {
    at: SimTime,
    tie: Tie,
    event: E,
}

impl<E> Entry<E> {
    fn key(&self) -> u128 {
        key(self.at, self.tie)
    }
}

/// Time and tie in one number: compared without a branch.
#[inline(always)]
fn key(at: SimTime, tie: Tie) -> u128 {
    u128::from(at.as_nanos()) << 64 | u128::from(tie.0)
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<E> Eq for Entry<E> {}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// The future events of a run, given out in order of time and [`Tie`].
///
/// The next ones stand in order: most events are scheduled soon before they happen, so that few are passed to find the place of
/// one. What comes after them, if there are many, is a heap.
#[derive(Debug)]
pub struct Calendar<E> {
    /// At most [`NEAR`], the next one last; empty only if there are no others.
    near: Vec<Entry<E>>,
    /// The others: none comes before one of `near`.
    far: BinaryHeap<Reverse<Entry<E>>>,
    /// Of `far`; or it was over.
    cancelled: BTreeSet<Tie>,
    now: SimTime,
}

/// Events that stand in order: about as many as a small cluster has at a time.
const NEAR: usize = 64;

impl<E> Default for Calendar<E> {
    fn default() -> Self {
        Calendar {
            near: Vec::with_capacity(NEAR + 1),
            far: BinaryHeap::new(),
            cancelled: BTreeSet::new(),
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
            self.enter(at, tie, event);
        }
    }

    fn enter(&mut self, at: SimTime, tie: Tie, event: E) {
        let key = key(at, tie);
        let later = |other: &Entry<E>| other.key() > key;
        let place = self.near.iter().rposition(later).map_or(0, |last| last + 1);
        if place == 0 && (self.near.len() >= NEAR || !self.far.is_empty()) {
            self.far.push(Reverse(Entry { at, tie, event }));
            return;
        }
        self.near.insert(place, Entry { at, tie, event });
        if self.near.len() > NEAR {
            self.far.extend(self.near.drain(..NEAR / 2).map(Reverse));
        }
    }

    /// Takes back an event that has not happened yet.
    pub fn cancel(&mut self, tie: Tie) {
        let Some(place) = self.near.iter().position(|entry| entry.tie == tie) else {
            self.cancelled.insert(tie);
            return;
        };
        self.near.remove(place);
        self.come_nearer();
    }

    /// When the next event happens; [`SimTime::MAX`] if there is none.
    #[inline]
    pub fn next_at(&self) -> SimTime {
        self.near.last().map_or(SimTime::MAX, |entry| entry.at)
    }

    /// Takes the next event.
    pub fn pop(&mut self) -> Option<(SimTime, E)> {
        let Entry { at, event, .. } = self.near.pop()?;
        self.now = at;
        self.come_nearer();
        Some((at, event))
    }

    /// Puts those that come next in order, if nothing stands there any more.
    #[inline]
    fn come_nearer(&mut self) {
        if self.near.is_empty() && !self.far.is_empty() {
            self.order_the_next();
        }
    }

    #[cold]
    fn order_the_next(&mut self) {
        while self.near.len() < NEAR / 2
            && let Some(Reverse(entry)) = self.far.pop()
        {
            if !self.cancelled.remove(&entry.tie) {
                self.near.push(entry);
            }
        }
        self.near.reverse();
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
        fn many_events_come_in_order_while_others_are_added_and_taken_back(
            steps in proptest::collection::vec((0u64..5_000, 0u8..6), 1..600)
        ) {
            let (mut calendar, mut plain, mut now) = (Calendar::default(), BTreeSet::new(), 0);
            for (sequence, &(nanos, step)) in steps.iter().enumerate() {
                let nth = plain.iter().nth(nanos as usize % plain.len().max(1)).copied();
                match (step, nth) {
                    (0, Some((at, tie))) => {
                        calendar.cancel(tie);
                        plain.remove(&(at, tie));
                    }
                    (1, _) => {
                        let first = plain.pop_first();
                        now = first.map_or(now, |(at, _)| SimTime::as_nanos(at));
                        prop_assert_eq!(calendar.pop(), first);
                    }
                    _ => {
                        let (time, tie) = (at(now + nanos), Tie::new(0, 0, sequence as u32));
                        calendar.schedule(time, tie, tie);
                        plain.insert((time, tie));
                    }
                }
                prop_assert_eq!(calendar.next_at(), plain.first().map_or(SimTime::MAX, |first| first.0));
            }
            let given: Vec<_> = std::iter::from_fn(|| calendar.pop()).collect();
            prop_assert_eq!(given, plain.into_iter().collect::<Vec<_>>());
        }

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
