//! Surge, unavailable and min_ready, chosen on the front of three prices: lost requests, rollout time, pod-seconds beyond the
//! desired number.
//!
//! All strategies run with the recommended hook and the same luck, so that they are compared pair by pair. One strategy
//! dominates another if it is not worse in any price and better in one, differences within their 95 % interval of zero being
//! none. What the file promises otherwise stays: no strategy is chosen that leaves fewer pods ready, or looks at a new pod for a
//! shorter time, than the file's own.

use crate::model::deployment::{Fenceposts, resolve_fenceposts};
use crate::record::Metric;
use crate::stats::{self, Interval};
use crate::units::{IntOrPercent, SimDuration};

use super::lab::{Lab, Setup, Strategy};
use super::lives::extra_pod_seconds;

/// Replications of each strategy: the most, and how few they may become where rollouts are dear.
const REPLICATIONS: (f64, f64) = (16.0, 64.0);
/// What those of a strategy may cost, in requests.
const REQUESTS: f64 = 6e6;
/// A minimum of readiness that gives a new pod time to fail.
const MIN_READY: SimDuration = SimDuration::from_secs(10);

/// Lost requests, rollout time (seconds) and extra pod-seconds.
const PRICES: usize = 3;
const LOST: usize = 0;

/// One strategy with its prices.
#[derive(Debug)]
pub(super) struct Priced {
    pub(super) setup: Setup,
    /// Pods that may be missing.
    unavailable: u32,
    /// By replication; none if the rollout did not complete.
    rollouts: Vec<Option<[f64; PRICES]>>,
    pub(super) on_front: bool,
}

impl Priced {
    /// The mean of each price over the rollouts that completed, and how many did.
    pub(super) fn means(&self) -> ([f64; PRICES], usize) {
        let complete: Vec<[f64; PRICES]> = self.rollouts.iter().copied().flatten().collect();
        let mean = |price: usize| complete.iter().map(|one| one[price]).sum::<f64>() / complete.len().max(1) as f64;
        ([mean(0), mean(1), mean(2)], complete.len())
    }

    /// The 95 % interval of the mean of a price; where nothing was lost, what may be lost all the same.
    pub(super) fn ci95(&self, price: usize) -> Option<Interval> {
        let values: Vec<f64> = self.rollouts.iter().flatten().map(|one| one[price]).collect();
        let none_lost = price == LOST && values.iter().all(|lost| *lost == 0.0);
        let mean = stats::mean(&values)?;
        if none_lost { Some(stats::poisson_zero(mean.n)) } else { mean.ci95 }
    }

    fn completes(&self) -> bool {
        self.rollouts.iter().all(Option::is_some)
    }
}

/// The strategies with their prices, the file's own first.
pub(super) fn priced(lab: &Lab<'_>, setup: Setup, sent: f64) -> Vec<Priced> {
    let n = lab.affordable(REQUESTS, sent).clamp(REPLICATIONS.0, REPLICATIONS.1) as u64;
    let mut all: Vec<Priced> = strategies(lab, setup.strategy)
        .into_iter()
        .map(|(strategy, fenceposts)| price(lab, Setup { strategy, ..setup }, fenceposts.unavailable, n))
        .collect();
    let on_front: Vec<bool> =
        all.iter().map(|one| one.completes() && !all.iter().any(|other| dominates(other, one))).collect();
    all.iter_mut().zip(on_front).for_each(|(one, on_front)| one.on_front = on_front);
    all
}

/// The file's strategy, unless one that keeps its promises dominates it; then the one of these with the least loss, and the
/// least time, that no other of these dominates.
pub(super) fn chosen(priced: &[Priced]) -> Option<usize> {
    let given = priced.first()?;
    let better = priced.iter().enumerate().filter(|(_, one)| keeps_promises(one, given) && dominates(one, given));
    let better: Vec<(usize, &Priced)> = better.collect();
    let unbeaten = better.iter().filter(|(_, one)| !better.iter().any(|(_, other)| dominates(other, one)));
    let least = unbeaten.min_by(|(_, one), (_, other)| {
        let (one, other) = (one.means().0, other.means().0);
        one[0].total_cmp(&other[0]).then(one[1].total_cmp(&other[1]))
    });
    Some(least.map_or(0, |(index, _)| *index))
}

/// As many pods ready at all times, and new pods watched as long.
fn keeps_promises(one: &Priced, given: &Priced) -> bool {
    one.unavailable <= given.unavailable && one.setup.strategy.min_ready >= given.setup.strategy.min_ready
}

/// One strategy for each pair of numbers that the fenceposts come to.
fn strategies(lab: &Lab<'_>, given: Strategy) -> Vec<(Strategy, Fenceposts)> {
    let replicas = lab.scenario.deployment.replicas;
    let share = |percent| IntOrPercent::Percent(percent);
    let surges = [given.surge, IntOrPercent::Int(0), IntOrPercent::Int(1), share(25), share(50), share(100)];
    let unavailables = [given.unavailable, IntOrPercent::Int(0), IntOrPercent::Int(1), share(25)];
    let mut found: Vec<(Strategy, Fenceposts)> = Vec::new();
    for min_ready in [given.min_ready, SimDuration::ZERO, MIN_READY] {
        for surge in surges {
            for unavailable in unavailables {
                let fenceposts = resolve_fenceposts(Some(surge), Some(unavailable), replicas);
                let known = found.iter().any(|(other, posts)| *posts == fenceposts && other.min_ready == min_ready);
                if !known && !is_zero(surge, unavailable) {
                    found.push((Strategy { surge, unavailable, min_ready }, fenceposts));
                }
            }
        }
    }
    found
}

/// Kubernetes refuses a Deployment that may neither add nor remove a pod.
fn is_zero(surge: IntOrPercent, unavailable: IntOrPercent) -> bool {
    let zero = |value| matches!(value, IntOrPercent::Int(0) | IntOrPercent::Percent(0));
    zero(surge) && zero(unavailable)
}

fn price(lab: &Lab<'_>, setup: Setup, unavailable: u32, n: u64) -> Priced {
    let scenario = lab.scenario_with(setup);
    let rollouts = lab.lives(&scenario, 0..n, &|output| {
        let duration = output.metrics.get(Metric::RolloutDurationS)?;
        let failed = output.metrics.get(Metric::Failed)?;
        Some([failed, duration, extra_pod_seconds(&output.trace?)])
    });
    Priced { setup, unavailable, rollouts, on_front: false }
}

fn dominates(one: &Priced, other: &Priced) -> bool {
    let sides: Vec<i32> = (0..PRICES).map(|price| compare(one, other, price)).collect();
    one.completes() && sides.iter().all(|side| *side <= 0) && sides.iter().any(|side| *side < 0)
}

/// −1 if `one` is cheaper, 1 if it is dearer, 0 if the pairs do not tell.
fn compare(one: &Priced, other: &Priced, price: usize) -> i32 {
    let both = one
        .rollouts
        .iter()
        .zip(&other.rollouts)
        .filter_map(|(one, other)| Some((((*other)?)[price], ((*one)?)[price])));
    let difference = stats::paired_difference(&both.collect::<Vec<_>>()).and_then(|mean| mean.ci95);
    match difference {
        Some(interval) if interval.high() < 0.0 => -1,
        Some(interval) if interval.low() > 0.0 => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(prices: &[[f64; PRICES]]) -> Priced {
        let strategy =
            Strategy { surge: IntOrPercent::Int(1), unavailable: IntOrPercent::Int(0), min_ready: SimDuration::ZERO };
        let setup = Setup { sleep_s: 1, grace_s: 30, strategy };
        let rollouts = prices.iter().copied().map(Some).collect();
        Priced { setup, unavailable: 0, rollouts, on_front: true }
    }

    #[test]
    fn a_difference_within_its_interval_is_none() {
        let (a, b) = (sample(&[[0.0, 10.0, 5.0], [2.0, 11.0, 5.0]]), sample(&[[2.0, 20.0, 5.0], [0.0, 21.0, 5.0]]));
        assert_eq!(compare(&a, &b, 0), 0);
        assert_eq!(compare(&a, &b, 1), -1);
        assert!(dominates(&a, &b) && !dominates(&b, &a) && !dominates(&a, &a));
    }

    #[test]
    fn what_trades_one_price_for_another_is_not_dominated() {
        let (a, b) = (sample(&[[0.0, 10.0, 9.0]; 3]), sample(&[[0.0, 20.0, 5.0]; 3]));
        assert!(!dominates(&a, &b) && !dominates(&b, &a));
    }

    #[test]
    fn the_file_s_strategy_stays_unless_another_is_better_in_one_price_and_worse_in_none() {
        let given = || sample(&[[3.0, 10.0, 9.0]; 3]);
        let slower = || sample(&[[0.0, 20.0, 9.0]; 3]);
        assert_eq!(chosen(&[given(), slower()]), Some(0));
        assert_eq!(chosen(&[given(), slower(), sample(&[[1.0, 10.0, 9.0]; 3])]), Some(2));
        assert_eq!(chosen(&[]), None);
    }

    #[test]
    fn a_strategy_that_lost_nothing_had_an_interval_of_zero_width() {
        let interval = sample(&[[0.0, 10.0, 9.0]; 64]).ci95(LOST).unwrap();
        assert!(interval.low() == 0.0 && (0.057..0.059).contains(&interval.high()), "{interval:?}");
        assert!(sample(&[[1.0, 10.0, 9.0]; 64]).ci95(LOST).unwrap().low() > 0.9);
    }

    #[test]
    fn what_leaves_fewer_pods_ready_is_not_chosen() {
        let fewer = Priced { unavailable: 1, ..sample(&[[0.0, 1.0, 1.0]; 3]) };
        assert_eq!(chosen(&[sample(&[[3.0, 10.0, 9.0]; 3]), fewer]), Some(0));
    }

    #[test]
    fn an_update_that_may_do_nothing_is_no_strategy() {
        let scenario = crate::scenario::defaults("test");
        let lab = Lab::new(&scenario, &|_| ());
        let all = strategies(&lab, Strategy::of(&scenario));
        assert!(all.iter().all(|(strategy, _)| !is_zero(strategy.surge, strategy.unavailable)));
        assert_eq!(all[0].0, Strategy::of(&scenario));
        assert!(all.len() > 3);
    }
}
