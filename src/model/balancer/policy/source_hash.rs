//! The client's address decides: its hash modulo the number of targets (HAProxy `balance source`, nginx `ip_hash`).

use super::{Candidate, Choice, Policy};
use crate::engine::mix;

/// See the file.
#[derive(Debug)]
pub struct SourceHash;

impl SourceHash {
    pub(super) fn new(_: u64) -> Self {
        SourceHash
    }
}

impl Policy for SourceHash {
    fn pick(&mut self, candidates: &[Candidate], choice: Choice) -> usize {
        (mix(choice.source) % candidates.len() as u64) as usize
    }
}
