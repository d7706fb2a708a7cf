//! Each target with equal probability, as iptables rules do.

use super::{Active, Choice, Policy, below};
use crate::model::balancer::Target;

/// See the file.
#[derive(Debug)]
pub struct Random;

impl Random {
    pub(super) fn new(_: u64) -> Self {
        Random
    }
}

impl Policy for Random {
    fn pick(&mut self, targets: &[Target], _: Active<'_>, choice: Choice) -> Target {
        targets[below(choice.bits, targets.len())]
    }
}
