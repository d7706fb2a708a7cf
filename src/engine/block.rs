//! Eight wakes, looked over at once without a branch.

use crate::units::SimTime;

/// Wakes that are looked over together.
pub(super) const BLOCK: usize = 1 << PLACE_BITS;
const PLACE_BITS: u32 = 3;

/// Eight wakes.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// For each the time and, in the last bits, its place: the smallest is the first of the earliest. A time that leaves no
    /// room for the place (after 73 years) is cut to [`LATE`].
    keys: [u64; BLOCK],
    wakes: [SimTime; BLOCK],
}

/// The time in the key of a wake that is never, or after 73 years.
const LATE: u64 = u64::MAX >> PLACE_BITS;

impl Block {
    /// Nobody wakes.
    pub(super) fn new() -> Self {
        Block { keys: std::array::from_fn(|place| key(place, SimTime::MAX)), wakes: [SimTime::MAX; BLOCK] }
    }

    #[inline(always)]
    pub(super) fn set(&mut self, place: usize, at: SimTime) {
        self.wakes[place] = at;
        self.keys[place] = key(place, at);
    }

    pub(super) fn at(&self, place: usize) -> SimTime {
        self.wakes[place]
    }

    /// The first of the earliest wakes, with its place.
    #[inline(always)]
    pub(super) fn earliest(&self) -> (SimTime, u32) {
        // Minima compile to conditional moves: the outcome is unpredictable.
        let [a, b, c, d, e, f, g, h] = self.keys;
        self.of((a.min(b)).min(c.min(d)).min((e.min(f)).min(g.min(h))))
    }

    /// The same if only the first four places are used.
    #[inline(always)]
    pub(super) fn earliest_of_four(&self) -> (SimTime, u32) {
        let [a, b, c, d, ..] = self.keys;
        self.of((a.min(b)).min(c.min(d)))
    }

    #[inline(always)]
    fn of(&self, first: u64) -> (SimTime, u32) {
        if first >> PLACE_BITS == LATE {
            return self.earliest_of_late();
        }
        (SimTime::from_nanos(first >> PLACE_BITS), first as u32 % BLOCK as u32)
    }

    #[cold]
    fn earliest_of_late(&self) -> (SimTime, u32) {
        let late = self.wakes.iter().zip(0..).min().map(|(at, place)| (*at, place));
        late.unwrap_or((SimTime::MAX, 0))
    }
}

#[inline(always)]
fn key(place: usize, at: SimTime) -> u64 {
    at.as_nanos().min(LATE) << PLACE_BITS | place as u64
}
