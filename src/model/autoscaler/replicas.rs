//! How many replicas a metric asks for: pure.

use std::cmp::Ordering;

use crate::units::Version;

/// What a pod is to the metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// It counts.
    Ready,
    /// It is starting: it has no say in the average.
    Unready,
    /// It has no sample.
    Missing,
}

/// A pod that is looked at, and what it uses, in percent of its request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Counted {
    /// How it counts.
    pub class: Class,
    /// What it uses.
    pub usage: f64,
}

/// What the controller goes by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// The target utilisation, percent.
    pub target: f64,
    /// Ratios so near to 1 change nothing.
    pub tolerance: f64,
    /// The release.
    pub version: Version,
}

impl Rules {
    /// In float64 a ratio of 1.1 is beyond a tolerance of 0.1 as long as the difference is compared; the sum is not (per-direction
    /// tolerances, KEP-4951, alpha in 1.33).
    fn is_within(&self, ratio: f64) -> bool {
        if self.version >= Version::minor(33) {
            (1.0 - self.tolerance..=1.0 + self.tolerance).contains(&ratio)
        } else {
            (1.0 - ratio).abs() <= self.tolerance
        }
    }

    /// What a pod without a sample is taken to use when the others use little.
    fn filled(&self) -> f64 {
        if self.version >= Version::minor(33) { self.target.max(100.0) } else { 100.0 }
    }

    /// Utilisation is a whole percentage.
    fn ratio(&self, sum: f64, count: usize) -> f64 {
        (sum / count as f64).floor() / self.target
    }

    /// Since 1.19 what is filled in may not turn the direction (k/k#85027).
    fn turns(&self, ratio: f64, desired: u32, current: u32) -> bool {
        self.version >= Version::minor(19) && ((ratio < 1.0 && desired > current) || (ratio > 1.0 && desired < current))
    }
}

/// The size that the metric asks for, `current` being the one that is kept. Source: GetResourceReplicas.
pub fn desired_replicas(pods: &[Counted], current: u32, rules: &Rules) -> u32 {
    let of = |class| pods.iter().filter(move |pod| pod.class == class);
    let (ready, unready, missing) = (of(Class::Ready).count(), of(Class::Unready).count(), of(Class::Missing).count());
    if ready == 0 {
        return current;
    }
    let sum: f64 = of(Class::Ready).map(|pod| pod.usage).sum();
    let ratio = rules.ratio(sum, ready);
    let ignores_unready = unready > 0 && ratio > 1.0;
    if missing == 0 && !ignores_unready {
        return if rules.is_within(ratio) { current } else { (ratio * ready as f64).ceil() as u32 };
    }
    let filled = if ratio < 1.0 { rules.filled() * missing as f64 } else { 0.0 };
    // At the target itself nothing is filled in.
    let filled_in = match ratio.total_cmp(&1.0) {
        Ordering::Less => missing,
        Ordering::Equal => 0,
        Ordering::Greater => missing + unready,
    };
    let count = ready + filled_in;
    let again = rules.ratio(sum + filled, count);
    let crosses = (ratio < 1.0 && again > 1.0) || (ratio > 1.0 && again < 1.0);
    let desired = (again * count as f64).ceil() as u32;
    if rules.is_within(again) || crosses || rules.turns(again, desired, current) { current } else { desired }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pods as (how many, class, percent of the request), the target being 50 %.
    fn check(pods: &[(usize, Class, f64)], current: u32, minor: u32, expected: u32) {
        let counted: Vec<Counted> = pods
            .iter()
            .flat_map(|&(count, class, usage)| std::iter::repeat_n(Counted { class, usage }, count))
            .collect();
        let rules = Rules { target: 50.0, tolerance: 0.1, version: Version::minor(minor) };
        assert_eq!(desired_replicas(&counted, current, &rules), expected, "{pods:?} of {current}, 1.{minor}");
    }

    /// The vectors of mechanics 1.13, by their numbers.
    #[test]
    fn a_metric_asks_for_what_the_vectors_say() {
        use Class::{Missing, Ready, Unready};
        check(&[(4, Ready, 80.0)], 4, 34, 7);
        check(&[(4, Ready, 55.0)], 4, 20, 5);
        check(&[(4, Ready, 55.0)], 4, 34, 4);
        check(&[(8, Ready, 80.0), (2, Missing, 0.0)], 10, 34, 13);
        check(&[(8, Ready, 20.0), (2, Missing, 0.0)], 10, 34, 8);
        check(&[(6, Ready, 90.0), (4, Unready, 0.0)], 10, 34, 10);
        check(&[(2, Ready, 60.0), (2, Unready, 0.0)], 4, 34, 4);
        check(&[(10, Ready, 80.0), (3, Unready, 0.0)], 10, 34, 16);
        check(&[(6, Ready, 40.0), (4, Unready, 0.0)], 10, 34, 5);
        check(&[(13, Ready, 500.0 / 13.0)], 10, 34, 10);
        check(&[(13, Ready, 600.0 / 13.0)], 10, 34, 10);
        check(&[(3, Unready, 0.0)], 3, 34, 3);
        check(&[(4, Ready, 50.0), (2, Missing, 0.0)], 5, 34, 5);
    }
}
