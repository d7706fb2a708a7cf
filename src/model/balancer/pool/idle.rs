//! Idle connections in the order in which they became free: all of them, and those to each target.

use std::collections::BTreeSet;

use crate::model::balancer::Target;
use crate::units::SimTime;

/// Keys of idle connections. Of those that became free at the same time the higher key counts as the later.
#[derive(Debug, Default)]
pub(super) struct Idle {
    all: BTreeSet<(SimTime, u32)>,
    by_target: BTreeSet<(Target, SimTime, u32)>,
}

impl Idle {
    pub(super) fn insert(&mut self, target: Target, free_at: SimTime, key: u32) {
        self.all.insert((free_at, key));
        self.by_target.insert((target, free_at, key));
    }

    pub(super) fn remove(&mut self, target: Target, free_at: SimTime, key: u32) {
        self.all.remove(&(free_at, key));
        self.by_target.remove(&(target, free_at, key));
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// All, the longest idle first, with when they became free.
    pub(super) fn longest(&self) -> impl Iterator<Item = (SimTime, u32)> {
        self.all.iter().copied()
    }

    /// The connection to `target` that became free last.
    pub(super) fn last_used(&self, target: Target) -> Option<u32> {
        let to_target = (target, SimTime::ZERO, 0)..=(target, SimTime::MAX, u32::MAX);
        self.by_target.range(to_target).next_back().map(|(.., key)| *key)
    }
}
