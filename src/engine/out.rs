//! The output buffer a room writes into: the only way a room has to act on the rest of the world.

use crate::engine::Tie;
use crate::units::SimTime;

/// One thing a room wants done.
#[derive(Debug)]
pub enum Effect<T, M, F> {
    /// Call the room back with this timer.
    Timer(SimTime, Tie, T),
    /// Deliver a message to the room it is meant for.
    Send(SimTime, Tie, M),
    /// Forget a timer.
    Cancel(Tie),
    /// Note a fact of the run.
    Record(F),
}

/// Collects the effects of one call of a room. `T` is the room's own timer type, `M` the messages between rooms, `F`
/// the facts a run leaves.
#[derive(Debug)]
pub struct Out<T, M, F> {
    rank: u8,
    /// By entity: how many events it has scheduled.
    sequences: Vec<u32>,
    effects: Vec<Effect<T, M, F>>,
}

impl<T, M, F> Out<T, M, F> {
    /// A buffer for the room whose static rank in the tie order is `rank`.
    pub fn new(rank: u8) -> Self {
        Out { rank, sequences: Vec::new(), effects: Vec::new() }
    }

    /// Asks to be called back at `at` on behalf of `entity`; the key cancels the timer.
    pub fn set_timer(&mut self, entity: u32, at: SimTime, timer: T) -> Tie {
        let tie = self.next_tie(entity);
        self.effects.push(Effect::Timer(at, tie, timer));
        tie
    }

    /// Sends a message on behalf of `entity`, to arrive at `at`.
    pub fn send(&mut self, entity: u32, at: SimTime, message: M) {
        let tie = self.next_tie(entity);
        self.effects.push(Effect::Send(at, tie, message));
    }

    /// Takes back a timer that has not rung.
    pub fn cancel(&mut self, timer: Tie) {
        self.effects.push(Effect::Cancel(timer));
    }

    /// Notes a fact.
    pub fn record(&mut self, fact: F) {
        self.effects.push(Effect::Record(fact));
    }

    /// The effects so far, in the order they were written, leaving the buffer empty when all are taken.
    pub fn drain(&mut self) -> impl Iterator<Item = Effect<T, M, F>> + '_ {
        // A room nearly always asks for one thing, and taking the last is what costs least.
        if self.effects.len() > 1 {
            self.effects.reverse();
        }
        std::iter::from_fn(|| self.effects.pop())
    }

    fn next_tie(&mut self, entity: u32) -> Tie {
        let place = entity as usize;
        if place >= self.sequences.len() {
            self.sequences.resize(place + 1, 0);
        }
        let tie = Tie::new(self.rank, entity, self.sequences[place]);
        self.sequences[place] += 1;
        tie
    }
}
