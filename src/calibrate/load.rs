//! Shared load: a run on a busy machine has longer sandboxes, starts and teardowns all together. `node_load` is the factor
//! that a run has in common, and what is left of the spread of each of these delays belongs to it alone.
//!
//! The variance of the factor's logarithm is the mean product of two deviations of the same run that share no pod, each
//! from the mean logarithm of its delay: what one pod has for itself does not enter.

use std::collections::BTreeMap;

use super::contention::Work;
use super::fit::{FEWEST, mean};
use super::law::lognormal;
use super::{Estimate, law};
use crate::model::spec::DelayId;

/// The variance of the logarithm of a run's load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Load {
    variance: f64,
    runs: usize,
}

/// The deviations of a run: of which pod, how much.
type Deviations = Vec<(usize, f64)>;

impl Load {
    /// None if no run has two pods, or if what runs have in common is not more than chance takes away.
    pub(super) fn of(works: &[Work]) -> Option<Load> {
        let runs = by_run(works);
        let products: Vec<f64> = runs.values().flat_map(products).collect();
        let variance = (products.len() >= FEWEST).then(|| mean(&products))?;
        (variance > 0.0).then_some(Load { variance, runs: runs.len() })
    }

    /// As a delay of the table: a factor with median 1.
    pub(super) fn estimate(self) -> Estimate {
        let dist = lognormal(0.0, self.variance.sqrt());
        let segment = "sandbox, create_start and exit_teardown of a run";
        let mut estimate = Estimate::new(DelayId::NodeLoad, segment, "lognormal".to_owned(), dist);
        estimate.n = self.runs;
        let spread = law::significant(libm::exp(self.variance.sqrt()));
        estimate.note = format!("what the pods of a run have in common: a factor of {spread} either way");
        estimate
    }

    /// Values of a delay that the load stretches, with the load's share of their spread taken out.
    pub(super) fn taken_out(self, values: &[f64]) -> Vec<f64> {
        let logs: Vec<f64> = values.iter().filter(|x| **x > 0.0).map(|x| libm::log(*x)).collect();
        if logs.len() < FEWEST {
            return values.to_vec();
        }
        let middle = mean(&logs);
        let all = logs.iter().map(|log| (log - middle).powi(2)).sum::<f64>() / logs.len() as f64;
        let left = (1.0 - self.variance / all).max(0.0).sqrt();
        logs.iter().map(|log| libm::exp(middle + (log - middle) * left)).collect()
    }
}

fn by_run(works: &[Work]) -> BTreeMap<&str, Deviations> {
    let mut runs: BTreeMap<&str, Deviations> = BTreeMap::new();
    for of_one_delay in works.chunk_by(|one, next| one.id == next.id) {
        let logs: Vec<f64> = of_one_delay.iter().map(|work| libm::log(work.alone)).collect();
        let middle = mean(&logs);
        for (work, log) in of_one_delay.iter().zip(logs) {
            runs.entry(work.run.as_str()).or_default().push((work.pod, log - middle));
        }
    }
    runs
}

fn products(deviations: &Deviations) -> Vec<f64> {
    let pairs =
        deviations.iter().enumerate().flat_map(|(i, one)| deviations[i + 1..].iter().map(move |two| (one, two)));
    pairs.filter(|(one, two)| one.0 != two.0).map(|(one, two)| one.1 * two.1).collect()
}
