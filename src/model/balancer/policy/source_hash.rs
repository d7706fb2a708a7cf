//! The client's address decides: its hash modulo the number of targets (HAProxy `balance source`, nginx `ip_hash`).

use super::{Active, Choice, Policy};
use crate::engine::mix;
use crate::model::balancer::Target;

/// See the file.
#[derive(Debug)]
pub struct SourceHash;

impl SourceHash {
    pub(super) fn new(_: u64) -> Self {
        SourceHash
    }
}

impl Policy for SourceHash {
    fn pick(&mut self, targets: &[Target], _: Active<'_>, choice: Choice) -> Target {
        targets[(mix(choice.source) % targets.len() as u64) as usize]
    }
}
