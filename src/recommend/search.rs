//! The search for the smallest sleep: a grid of hooks from none to the longest, each judged by a sequential test under
//! common random numbers, which need only be promising here (the verification proves); then the seconds between the last that is not good enough and the first that is.
//!
//! That a longer hook loses no more is not taken for granted: two longer hooks of the grid have to meet the target, too,
//! and a hook counts only if all longer ones that were tested do. Between two tested hooks it is assumed, and said. The search
//! ends early where a longer hook has nothing to do: where the pods of no rollout were routed any more when they stopped
//! listening, and requests are lost all the same.

use super::lab::{Lab, Test, Verdict, values};
use crate::record::Metric;

/// Seconds of sleep that are tried first.
const GRID: [u64; 21] = [0, 1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300, 420, 600, 900];
/// So many hooks in a row that miss the target without an exposure end the search.
const POINTLESS: usize = 3;
/// Longer hooks that have to meet the target besides the one that is recommended.
const BEYOND: usize = 2;
/// Requests simulated for a test of the search at most.
const REQUESTS_A_TEST: f64 = 12e6;

/// A hook that was tested.
#[derive(Debug)]
pub(super) struct Tested {
    pub(super) sleep_s: u64,
    pub(super) test: Test,
    /// The largest mean loss that is allowed.
    pub(super) limit: f64,
}

impl Tested {
    /// Good enough to be verified: the mean is within the limit, and the test does not say otherwise.
    pub(super) fn meets(&self) -> bool {
        self.test.verdict != Verdict::Fails && self.test.loss.mean <= self.limit
    }

    /// It loses too much, though no pod was in any list any more when it stopped listening.
    fn is_pointless(&self) -> bool {
        let exposures = values(&self.test.rollouts, Metric::ExposureS);
        let exposed = exposures.is_empty() || exposures.iter().any(|exposure| *exposure > 0.0);
        self.test.verdict == Verdict::Fails && !exposed
    }
}

/// Tests hooks up to `longest_s`; the result is in the order of their lengths.
pub(super) fn curve(lab: &Lab<'_>, longest_s: u64, confidence: f64) -> Vec<Tested> {
    let mut points: Vec<Tested> = Vec::new();
    for sleep_s in grid(longest_s) {
        points.push(test(lab, &points, sleep_s, confidence));
        if points.iter().rev().take_while(|point| point.meets()).count() > BEYOND || ends_pointless(&points) {
            break;
        }
    }
    while let Some(middle) = between(&points) {
        let place = points.partition_point(|point| point.sleep_s < middle);
        let tested = test(lab, &points, middle, confidence);
        points.insert(place, tested);
    }
    points
}

/// Whether the search ended because a longer hook has nothing to do.
pub(super) fn ends_pointless(points: &[Tested]) -> bool {
    points.iter().rev().take_while(|point| point.is_pointless()).count() >= POINTLESS
}

fn grid(longest_s: u64) -> Vec<u64> {
    let mut grid: Vec<u64> = GRID.into_iter().filter(|sleep| *sleep < longest_s).collect();
    grid.push(longest_s);
    grid
}

fn test(lab: &Lab<'_>, points: &[Tested], sleep_s: u64, confidence: f64) -> Tested {
    let scenario = lab.scenario_with(lab.setup(sleep_s));
    let test = lab.judge(&scenario, REQUESTS_A_TEST, confidence, largest_below(lab, points, sleep_s));
    Tested { sleep_s, test, limit: lab.limit }
}

/// The largest loss of a rollout with the next shorter hook that lost any: what a rollout that loses with this hook is taken not
/// to exceed on average. Without one it is the largest loss seen at all, and without any what a pod gets in a second.
pub(super) fn largest_below(lab: &Lab<'_>, points: &[Tested], sleep_s: u64) -> f64 {
    let shorter = points.iter().rev().filter(|point| point.sleep_s < sleep_s);
    let next = shorter.map(|point| point.test.largest()).find(|largest| *largest > 0.0);
    next.or_else(|| largest_seen(lab, points)).unwrap_or_else(|| lab.unseen_loss())
}

/// The largest loss of any rollout so far; none if none has lost anything.
pub(super) fn largest_seen(lab: &Lab<'_>, points: &[Tested]) -> Option<f64> {
    let largest = points.iter().map(|point| point.test.largest()).fold(lab.largest_given, f64::max);
    (largest > 0.0).then_some(largest)
}

/// The shortest hook that meets the target like all longer ones.
pub(super) fn shortest(points: &[Tested]) -> Option<u64> {
    points.iter().rev().take_while(|point| point.meets()).last().map(|point| point.sleep_s)
}

/// The middle of the seconds between the shortest good hook and the one before it.
fn between(points: &[Tested]) -> Option<u64> {
    let good = shortest(points)?;
    let before = points.iter().rev().find(|point| point.sleep_s < good)?;
    (good - before.sleep_s > 1).then(|| before.sleep_s.midpoint(good))
}

/// Hooks that met the target although a longer one did not: the loss does not fall with the hook alone.
pub(super) fn not_monotone(points: &[Tested]) -> Vec<u64> {
    let good = shortest(points);
    points
        .iter()
        .filter(|point| point.meets() && Some(point.sleep_s) < good.or(Some(u64::MAX)))
        .map(|point| point.sleep_s)
        .collect()
}

/// The knee of a falling curve of (sleep, loss): the point farthest below the straight line between its ends (Satopää et al.
/// 2011); none if the curve does not fall.
pub(super) fn knee(curve: &[(f64, f64)]) -> Option<usize> {
    let (first, last) = (curve.first()?, curve.last()?);
    let (wide, high) = (last.0 - first.0, first.1 - last.1);
    if wide <= 0.0 || high <= 0.0 {
        return None;
    }
    let below = |point: &(f64, f64)| 1.0 - (point.0 - first.0) / wide - (point.1 - last.1) / high;
    let found = curve.iter().enumerate().max_by(|one, other| below(one.1).total_cmp(&below(other.1)))?;
    (below(found.1) > 0.0).then_some(found.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::sparse_mean;

    fn points(verdicts: &[(u64, Verdict)]) -> Vec<Tested> {
        let test = |verdict| Test { rollouts: Vec::new(), loss: sparse_mean(&[0.0], 1.0, 0.9).unwrap(), verdict };
        verdicts
            .iter()
            .map(|&(sleep_s, verdict)| Tested {
                sleep_s,
                test: test(verdict),
                limit: if verdict == Unclear { -1.0 } else { 1.0 },
            })
            .collect()
    }

    use Verdict::{Fails, Meets, Unclear};

    #[test]
    fn what_a_losing_rollout_loses_is_taken_from_those_seen_or_from_a_second_of_a_pod() {
        let (mut scenario, lost) = (crate::scenario::defaults("test"), |count: f64| {
            let mut metrics = crate::record::Metrics::default();
            metrics.set(Metric::Failed, count);
            vec![metrics]
        });
        scenario.deployment.replicas = 4;
        let mut lab = Lab::new(&scenario, &|_| ());
        let rate: f64 = scenario.clients.iter().map(|client| client.rate.as_per_second()).sum();
        let mut found = points(&[(0, Fails), (1, Meets), (2, Meets)]);
        assert!((largest_below(&lab, &found, 2) - rate / 4.0).abs() < 1e-9 && rate > 4.0);
        lab.largest_given = 40.0;
        let is = |found: &[Tested], sleep_s, expected: f64| {
            assert!((largest_below(&lab, found, sleep_s) - expected).abs() < 1e-9, "{sleep_s} s: {expected}");
        };
        is(&found, 2, 40.0);
        found[0].test.rollouts = lost(7.0);
        is(&found, 2, 7.0);
        is(&found, 0, 40.0);
    }

    #[test]
    fn the_seconds_between_are_halved() {
        let found = points(&[(0, Fails), (5, Unclear), (10, Meets), (15, Meets)]);
        assert_eq!(shortest(&found), Some(10));
        assert_eq!(between(&found), Some(7));
        assert_eq!(between(&points(&[(0, Fails), (1, Meets)])), None);
        assert_eq!(between(&points(&[(0, Meets), (1, Meets)])), None);
        assert_eq!(between(&points(&[(0, Fails)])), None);
    }

    #[test]
    fn a_hook_whose_longer_neighbour_loses_is_not_good_enough() {
        let found = points(&[(0, Fails), (1, Meets), (2, Fails), (3, Meets)]);
        assert_eq!(shortest(&found), Some(3));
        assert_eq!(not_monotone(&found), [1]);
        assert_eq!(not_monotone(&points(&[(0, Meets), (1, Fails)])), [0]);
    }

    #[test]
    fn a_loss_without_exposure_ends_the_search_and_one_with_exposure_does_not() {
        let with_exposure = |seconds: f64| {
            let mut metrics = crate::record::Metrics::default();
            metrics.set(Metric::ExposureS, seconds);
            let mut found = points(&[(1, Fails), (2, Fails), (3, Fails)]);
            found.iter_mut().for_each(|point| point.test.rollouts = vec![metrics]);
            found
        };
        assert!(ends_pointless(&with_exposure(0.0)) && !ends_pointless(&with_exposure(0.1)));
        assert!(!ends_pointless(&points(&[(1, Fails), (2, Fails), (3, Fails)])));
    }

    #[test]
    fn the_knee_is_where_the_curve_turns() {
        assert_eq!(knee(&[(0.0, 100.0), (1.0, 10.0), (2.0, 5.0), (10.0, 0.0)]), Some(1));
        assert_eq!(knee(&[(0.0, 1.0), (1.0, 1.0)]), None);
        assert_eq!(knee(&[(0.0, 10.0), (1.0, 5.0), (2.0, 0.0)]), None);
        assert_eq!(knee(&[]), None);
    }

    #[test]
    fn the_grid_ends_at_the_longest_hook() {
        assert_eq!(grid(3), [0, 1, 2, 3]);
        assert_eq!(grid(6), [0, 1, 2, 3, 4, 5, 6]);
    }
}
