//! Which target a request goes to: one file for each policy. A new policy is its file, its `mod` line, and its line in
//! the list in `model/spec/policies.rs`.

mod ewma;
mod least_request;
mod maglev;
mod random;
mod round_robin;
mod source_hash;

use crate::model::balancer::Target;
use crate::model::spec::{BalancingPolicy, balancing_policies};
use crate::units::{SimDuration, SimTime};

use ewma::Ewma;
use least_request::LeastRequest;
use maglev::Maglev;
use random::Random;
use round_robin::RoundRobin;
use source_hash::SourceHash;

/// How many requests of this worker a target has under way.
pub type Active<'a> = &'a dyn Fn(Target) -> u32;

/// What a policy may decide by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// Now.
    pub now: SimTime,
    /// A number that stands for the client's address.
    pub source: u64,
    /// 64 random bits of the request's own.
    pub bits: u64,
}

/// A way to choose. Each worker of each replica has one of its own.
pub trait Policy {
    /// One of `targets`, of which there is at least one.
    fn pick(&mut self, targets: &[Target], active: Active<'_>, choice: Choice) -> Target;

    /// `target` answered after `latency`.
    fn on_response(&mut self, _target: Target, _now: SimTime, _latency: SimDuration) {}
}

macro_rules! declare {
    ($($id:ident = $name:literal: $what:literal,)*) => {
        /// One of the policies, stored flat.
        #[derive(Debug)]
        pub enum AnyPolicy { $(#[doc = $what] $id($id),)* }

        impl AnyPolicy {
            /// The policy of this name; `seed` is random bits of the worker's own.
            pub fn new(policy: BalancingPolicy, seed: u64) -> Self {
                match policy { $(BalancingPolicy::$id => AnyPolicy::$id($id::new(seed)),)* }
            }

            /// As what it can do.
            pub fn policy(&mut self) -> &mut dyn Policy {
                match self { $(AnyPolicy::$id(policy) => policy,)* }
            }
        }
    };
}
balancing_policies!(declare);

/// A number below `count` from 64 random bits, by multiplication.
fn below(bits: u64, count: usize) -> usize {
    ((u128::from(bits) * count as u128) >> 64) as usize
}

/// Two different targets, if there are two, uniform: the high half of the bits chooses one, the low half the other.
fn two_of(bits: u64, targets: &[Target]) -> (Target, Target) {
    let first = below(bits, targets.len());
    if targets.len() < 2 {
        return (targets[first], targets[first]);
    }
    let second = below(bits.rotate_left(32), targets.len() - 1);
    (targets[first], targets[if second >= first { second + 1 } else { second }])
}

#[cfg(test)]
mod tests;
