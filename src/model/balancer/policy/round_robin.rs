//! Each target in turn, from a random one on, so that workers do not march in step (ingress-nginx, nginx).

use super::{Active, Choice, Policy};
use crate::model::balancer::Target;

/// See the file.
#[derive(Debug)]
pub struct RoundRobin(u64);

impl RoundRobin {
    pub(super) fn new(seed: u64) -> Self {
        RoundRobin(seed >> 1)
    }
}

impl Policy for RoundRobin {
    fn pick(&mut self, targets: &[Target], _: Active<'_>, _: Choice) -> Target {
        self.0 = self.0.wrapping_add(1);
        targets[(self.0 % targets.len() as u64) as usize]
    }
}
