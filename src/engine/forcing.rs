//! Forcing the rare branch: importance sampling of the uniform numbers behind delays.
//!
//! Of the first `candidates` uniform numbers that are eligible in a replication, in the order in which they are drawn, one is
//! pushed towards 1, so that one delay is far longer than usual: v = 1 − u gets the density β·v^(β−1) in place of 1, which for an
//! exponential delay is a mean of 1/β times its own. Which one is chosen uniformly; with probability `plain` none is. The weight
//! of a replication is the ratio of the two densities at what was drawn,
//!
//! 1 / (plain + (1 − plain) / candidates · Σ β·v^(β−1)),
//!
//! with 1 in the sum for a candidate that was never drawn. It is at most 1 / `plain` (a defensive mixture, Hesterberg 1995),
//! and the mean of weight · value is the mean of the value without any of this.

use std::cell::Cell;
use std::rc::Rc;

use crate::engine::StreamKey;

/// How draws are forced.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ForcingPlan {
    /// Share of the replications in which nothing is forced, between 0 and 1, both excluded.
    pub plain: f64,
    /// Draws of which one is forced.
    pub candidates: u32,
    /// β: between 0 and 1; smaller pushes further.
    pub tilt: f64,
}

/// The forcing of one replication, shared by all that draw.
#[derive(Debug, Clone)]
pub struct Forcing(Rc<State>);

#[derive(Debug)]
struct State {
    plan: ForcingPlan,
    forced: Option<u32>,
    begun: Cell<bool>,
    drawn: Cell<u32>,
    ratios: Cell<f64>,
}

/// The smallest distance of a uniform number from 1: what would lie closer is put there.
const CLOSEST: f64 = 1.0 / (1u64 << 53) as f64;

impl Forcing {
    /// The forcing of the replication with this key: which draw is forced has a stream of its own.
    pub fn new(plan: ForcingPlan, key: StreamKey) -> Self {
        let mut stream = key.stream("forcing", "component", 0);
        let (is_plain, chosen) = (stream.uniform() < plan.plain, stream.below(plan.candidates as usize) as u32);
        let forced = (!is_plain).then_some(chosen);
        Forcing(Rc::new(State { plan, forced, begun: Cell::new(false), drawn: Cell::new(0), ratios: Cell::new(0.0) }))
    }

    /// From now on draws are candidates.
    pub fn begin(&self) {
        self.0.begun.set(true);
    }

    /// What takes the place of the uniform number `u`.
    pub fn uniform(&self, u: f64) -> f64 {
        let State { plan, forced, begun, drawn, ratios } = &*self.0;
        let index = drawn.get();
        if !begun.get() || index == plan.candidates {
            return u;
        }
        drawn.set(index + 1);
        let v = if *forced == Some(index) { libm::pow(1.0 - u, 1.0 / plan.tilt).max(CLOSEST) } else { 1.0 - u };
        ratios.set(ratios.get() + plan.tilt * libm::pow(v, plan.tilt - 1.0));
        1.0 - v
    }

    /// Candidates drawn so far.
    pub fn drawn(&self) -> u32 {
        self.0.drawn.get()
    }

    /// The weight of the replication, when it is over.
    pub fn weight(&self) -> f64 {
        let State { plan, drawn, ratios, .. } = &*self.0;
        let undrawn = f64::from(plan.candidates - drawn.get());
        1.0 / (plan.plain + (1.0 - plan.plain) / f64::from(plan.candidates) * (ratios.get() + undrawn))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: ForcingPlan = ForcingPlan { plain: 0.5, candidates: 4, tilt: 0.1 };

    /// Draws three of four candidates and says the weight and whether the smallest distance from 1 is below `rare`.
    fn replication(replication: u64, rare: f64) -> (f64, f64) {
        let key = StreamKey { seed: 1, replication };
        let forcing = Forcing::new(PLAN, key);
        forcing.begin();
        let mut stream = key.stream("test", "delay", 0);
        let hit = (0..3).map(|_| 1.0 - forcing.uniform(stream.uniform())).fold(1.0, f64::min) < rare;
        (forcing.weight(), f64::from(u8::from(hit)))
    }

    #[test]
    fn the_mean_of_weight_times_value_is_the_mean_of_the_value() {
        for rare in [0.5, 1e-2, 1e-4, 1e-6] {
            let all: Vec<(f64, f64)> = (0..40_000).map(|index| replication(index, rare)).collect();
            let products: Vec<f64> = all.iter().map(|(weight, hit)| weight * hit).collect();
            let mean = products.iter().sum::<f64>() / products.len() as f64;
            let variance = products.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / products.len() as f64;
            let expected = 1.0 - (1.0 - rare) * (1.0 - rare) * (1.0 - rare);
            let error = libm::sqrt(variance / products.len() as f64);
            assert!((mean - expected).abs() < 3.3 * error, "{rare}: {mean} ± {error} against {expected}");
            assert!(error < 0.06 * expected, "{rare}: {error}");
        }
    }

    #[test]
    fn weights_are_bounded_and_their_mean_is_one() {
        let weights: Vec<f64> = (0..40_000).map(|index| replication(index, 0.5).0).collect();
        assert!(weights.iter().all(|weight| *weight > 0.0 && *weight <= 2.0));
        let mean = weights.iter().sum::<f64>() / weights.len() as f64;
        assert!((mean - 1.0).abs() < 0.01, "{mean}");
    }

    #[test]
    fn before_it_begins_nothing_is_touched() {
        let forcing = Forcing::new(PLAN, StreamKey { seed: 1, replication: 0 });
        assert!((forcing.uniform(0.25) - 0.25).abs() < 1e-15 && forcing.drawn() == 0);
        assert!((forcing.weight() - 1.0).abs() < 1e-12);
    }
}
