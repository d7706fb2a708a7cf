//! One replica: what it has been told, what its workers have in force, their turns and their connections.

use std::collections::BTreeMap;

use crate::ids::PodId;
use crate::model::balancer::health::Health;
use crate::model::balancer::{AnyPolicy, Choice, Pool, Target, Updates};
use crate::model::spec::{BalancerSpec, UpdateSpec};
use crate::units::{SimDuration, SimTime};

/// A worker of a replica, by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Which replica.
    pub replica: u32,
    /// Which of its workers.
    pub worker: u32,
}

/// One worker.
#[derive(Debug)]
pub(super) struct Worker {
    /// Of its polls.
    pub(super) phase: SimDuration,
    /// A poll is arranged.
    pub(super) polls: bool,
    pub(super) targets: Vec<Target>,
    pub(super) policy: AnyPolicy,
    pub(super) pool: Pool,
}

/// One replica of a balancer.
#[derive(Debug)]
pub struct Replica {
    /// The endpoints in the slices it has seen.
    pub(super) wanted: Vec<PodId>,
    /// What the update under way puts in force, and what the last one did.
    pub(super) applying: Vec<PodId>,
    pub(super) configured: Vec<PodId>,
    pub(super) updates: Updates,
    /// Targets the data plane knows, with what it thinks of them.
    pub(super) registered: BTreeMap<Target, Health>,
    /// No target is ejected from then on.
    pub(super) ejects_until: SimTime,
    pub(super) workers: Vec<Worker>,
}

impl Replica {
    /// A replica that has known these targets for long.
    pub(super) fn new(
        spec: &BalancerSpec,
        update: &UpdateSpec,
        targets: &[Target],
        mut bits: impl FnMut(u32) -> u64,
    ) -> Self {
        let pods: Vec<PodId> = targets.iter().filter_map(|target| target.pod()).collect();
        let mut worker = |number: u32| Worker {
            phase: share(update.worker_poll, bits(number)),
            polls: false,
            targets: targets.to_vec(),
            policy: AnyPolicy::new(spec.policy, bits(number)),
            pool: Pool::new(&spec.upstream),
        };
        Replica {
            wanted: pods.clone(),
            applying: Vec::new(),
            configured: pods,
            updates: Updates::new(update),
            registered: targets.iter().map(|target| (*target, Health::new(true))).collect(),
            ejects_until: SimTime::ZERO,
            workers: (0..spec.workers).map(&mut worker).collect(),
        }
    }

    /// Targets to choose among: the healthy ones, or all if none is (ALB and Envoy: fail open).
    pub(super) fn usable(&self) -> Vec<Target> {
        let healthy = self.registered.iter().filter(|(_, health)| health.is_healthy());
        let healthy: Vec<Target> = healthy.map(|(target, _)| *target).collect();
        if healthy.is_empty() { self.registered.keys().copied().collect() } else { healthy }
    }

    /// The worker's choice for a request; of targets that are ejected or, if that is asked for, have been tried, only if
    /// there are no others.
    pub(super) fn pick(&mut self, worker: u32, choice: Choice, tried: &[Target]) -> Option<Target> {
        let Worker { targets, policy, pool, .. } = &mut self.workers[worker as usize];
        pool.advance(choice.now);
        let mut pick_of = |targets: &[Target]| {
            (!targets.is_empty()).then(|| policy.policy().pick(targets, &|target| pool.active(target), choice))
        };
        if tried.is_empty() && self.ejects_until <= choice.now {
            return pick_of(targets);
        }
        let fit = |target: &&Target| !self.registered.get(target).is_some_and(|health| health.is_ejected(choice.now));
        let fit: Vec<Target> = targets.iter().filter(fit).copied().collect();
        let fresh: Vec<Target> = fit.iter().filter(|target| !tried.contains(target)).copied().collect();
        pick_of(&fresh).or_else(|| pick_of(&fit)).or_else(|| pick_of(targets))
    }
}

/// A uniform share of `length`.
pub(super) fn share(length: SimDuration, bits: u64) -> SimDuration {
    SimDuration::from_nanos(((u128::from(bits) * u128::from(length.as_nanos())) >> 64) as u64)
}

/// The next instant after `now` that lies on a grid of `period` with this phase.
pub(super) fn next_tick(now: SimTime, period: SimDuration, phase: SimDuration) -> SimTime {
    let (now, period, phase) = (now.as_nanos(), period.as_nanos(), phase.as_nanos());
    let ticks = if now < phase { 0 } else { (now - phase) / period + 1 };
    SimTime::from_nanos(phase + ticks * period)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_keep_their_phase() {
        let ms = SimDuration::from_millis;
        let next = |now| next_tick(SimTime::ZERO + ms(now), ms(1_000), ms(300)).as_nanos() / 1_000_000;
        assert_eq!([next(0), next(299), next(300), next(2_500)], [300, 300, 1_300, 3_300]);
        assert_eq!(share(ms(1_000), 1 << 63), ms(500));
    }
}
