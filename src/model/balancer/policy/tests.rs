//! What each policy promises about its choices.

use std::collections::BTreeMap;

use super::*;
use crate::engine::StreamKey;
use crate::ids::PodId;

fn targets(count: u32) -> Vec<Target> {
    (0..count).map(|pod| Target::Pod(PodId(pod))).collect()
}

fn choice(source: u64, bits: u64) -> Choice {
    Choice { now: SimTime::ZERO, source, bits }
}

/// How often each of `targets` is chosen in 6,000 choices from as many sources.
fn counts(policy: BalancingPolicy, targets: &[Target], active: Active<'_>) -> BTreeMap<Target, u32> {
    let mut any = AnyPolicy::new(policy, 7);
    let mut stream = StreamKey { seed: 1, replication: 0 }.stream("test", "policy", 0);
    let mut counts = BTreeMap::new();
    for source in 0..6_000 {
        let picked = any.policy().pick(targets, active, choice(source, stream.bits()));
        *counts.entry(picked).or_insert(0) += 1;
    }
    counts
}

#[test]
fn every_policy_gives_equal_targets_equal_shares() {
    for (name, policy) in BalancingPolicy::NAMES {
        let counts = counts(*policy, &targets(3), &|_| 0);
        // Six standard deviations of a binomial with p = 1/3 are 219.
        assert!(counts.values().all(|count| count.abs_diff(2_000) < 219), "{name}: {counts:?}");
        assert_eq!(counts.len(), 3, "{name}");
    }
}

#[test]
fn every_policy_copes_with_a_single_target() {
    for (name, policy) in BalancingPolicy::NAMES {
        assert_eq!(counts(*policy, &targets(1), &|_| 0).len(), 1, "{name}");
    }
}

#[test]
fn round_robin_takes_each_in_turn() {
    let mut policy = AnyPolicy::new(BalancingPolicy::RoundRobin, 0);
    let three = targets(3);
    let picked: Vec<Target> = (0..6).map(|_| policy.policy().pick(&three, &|_| 0, choice(0, 0))).collect();
    assert_eq!(picked, [1, 2, 0, 1, 2, 0].map(|index: usize| three[index]));
}

#[test]
fn least_request_avoids_the_busy() {
    let two = targets(2);
    let active = |target| if target == two[0] { 3 } else { 0 };
    assert_eq!(counts(BalancingPolicy::LeastRequest, &two, &active).into_keys().collect::<Vec<_>>(), [two[1]]);
}

#[test]
fn hashes_keep_a_client_with_its_target() {
    for policy in [BalancingPolicy::SourceHash, BalancingPolicy::Maglev] {
        let mut any = AnyPolicy::new(policy, 0);
        let first = any.policy().pick(&targets(5), &|_| 0, choice(42, 1));
        assert!((0..50).all(|bits| any.policy().pick(&targets(5), &|_| 0, choice(42, bits)) == first), "{policy:?}");
    }
}

/// Taking one of five targets away must move its own clients and hardly any other's; modulo moves four of five.
#[test]
fn maglev_moves_few_clients_when_a_target_goes() {
    let moved = |policy| {
        let (five, mut four) = (targets(5), targets(5));
        four.remove(2);
        let (mut before, mut after) = (AnyPolicy::new(policy, 0), AnyPolicy::new(policy, 0));
        let target = |any: &mut AnyPolicy, of: &[Target], source| any.policy().pick(of, &|_| 0, choice(source, 0));
        (0..5_000).filter(|&source| target(&mut before, &five, source) != target(&mut after, &four, source)).count()
    };
    assert!((900..1_250).contains(&moved(BalancingPolicy::Maglev)), "{}", moved(BalancingPolicy::Maglev));
    assert!(moved(BalancingPolicy::SourceHash) > 3_500);
}

#[test]
fn ewma_avoids_the_slow_and_forgets() {
    let two = targets(2);
    let mut any = AnyPolicy::new(BalancingPolicy::Ewma, 0);
    any.policy().on_response(two[0], SimTime::ZERO, SimDuration::from_millis(500));
    any.policy().on_response(two[1], SimTime::ZERO, SimDuration::from_millis(5));
    assert!((0..9).all(|i| any.policy().pick(&two, &|_| 0, choice(0, i << 61)) == two[1]));
    let later = SimTime::ZERO + SimDuration::from_secs(60);
    any.policy().on_response(two[0], later, SimDuration::from_millis(1));
    any.policy().on_response(two[1], later, SimDuration::from_millis(5));
    let choice = Choice { now: later, source: 0, bits: 1 << 63 };
    assert_eq!(any.policy().pick(&two, &|_| 0, choice), two[0]);
}
