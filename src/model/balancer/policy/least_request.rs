//! Of two random targets the one with fewer requests under way (Envoy's least_request: power of two choices, Mitzenmacher
//! 2001).

use super::{Candidate, Choice, Policy, two_below};

/// See the file.
#[derive(Debug)]
pub struct LeastRequest;

impl LeastRequest {
    pub(super) fn new(_: u64) -> Self {
        LeastRequest
    }
}

impl Policy for LeastRequest {
    fn pick(&mut self, candidates: &[Candidate], choice: Choice) -> usize {
        let (one, other) = two_below(choice.bits, candidates.len());
        if candidates[other].active < candidates[one].active { other } else { one }
    }
}
