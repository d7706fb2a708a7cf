//! Of two random targets the one with fewer requests under way (Envoy's least_request: power of two choices, Mitzenmacher
//! 2001).

use super::{Active, Choice, Policy, two_of};
use crate::model::balancer::Target;

/// See the file.
#[derive(Debug)]
pub struct LeastRequest;

impl LeastRequest {
    pub(super) fn new(_: u64) -> Self {
        LeastRequest
    }
}

impl Policy for LeastRequest {
    fn pick(&mut self, targets: &[Target], active: Active<'_>, choice: Choice) -> Target {
        let (one, other) = two_of(choice.bits, targets);
        if active(other) < active(one) { other } else { one }
    }
}
