//! Each target with equal probability, as iptables rules do.

use super::{Candidate, Choice, Policy, below};

/// See the file.
#[derive(Debug)]
pub struct Random;

impl Random {
    pub(super) fn new(_: u64) -> Self {
        Random
    }
}

impl Policy for Random {
    fn pick(&mut self, candidates: &[Candidate], choice: Choice) -> usize {
        below(choice.bits, candidates.len())
    }
}
