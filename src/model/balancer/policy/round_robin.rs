//! Each target in turn, from a random one on, so that workers do not march in step (ingress-nginx, nginx).

use super::{Candidate, Choice, Policy};

/// See the file.
#[derive(Debug)]
pub struct RoundRobin(u64);

impl RoundRobin {
    pub(super) fn new(seed: u64) -> Self {
        RoundRobin(seed >> 1)
    }
}

impl Policy for RoundRobin {
    fn pick(&mut self, candidates: &[Candidate], _: Choice) -> usize {
        self.0 = self.0.wrapping_add(1);
        (self.0 % candidates.len() as u64) as usize
    }
}
