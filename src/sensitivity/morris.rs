//! Morris screening: the effect of each input on an output, averaged over the space of all inputs. Few evaluations; it orders
//! the inputs and says which do nothing, not how much of a variance they explain.
//!
//! An elementary effect is the change of the output over the step of the input (Morris 1991); μ* is the mean of its size
//! (Campolongo et al. 2007), σ its spread, large where the input interacts or acts in a curve.

use super::design::{MorrisDesign, STEP};
use crate::stats::{self, Interval};

/// The effects of one input.
#[derive(Debug, Clone, PartialEq)]
pub struct Effects {
    /// Mean effect: from one end of the input to the other, in units of the output.
    pub mean: f64,
    /// Mean size of the effect.
    pub size: f64,
    /// The 95 % Student interval of that over the trajectories; none for a single one.
    pub size_ci95: Option<Interval>,
    /// Standard deviation of the effects.
    pub spread: f64,
}

/// The effects of each input. `values` are in the order of the design's points.
pub fn effects(design: &MorrisDesign, values: &[f64]) -> Vec<Effects> {
    assert_eq!(values.len(), design.points.len(), "a value for each point");
    let mut all: Vec<Vec<f64>> = vec![Vec::new(); design.inputs];
    for (steps, values) in design.steps.iter().zip(values.chunks(design.inputs + 1)) {
        for ((input, direction), pair) in steps.iter().zip(values.windows(2)) {
            all[*input].push((pair[1] - pair[0]) / (direction * STEP));
        }
    }
    all.iter().map(|effects| summary(effects)).collect()
}

fn summary(effects: &[f64]) -> Effects {
    let sizes: Vec<f64> = effects.iter().map(|effect| effect.abs()).collect();
    let size = stats::mean(&sizes);
    let mean = stats::mean(effects).map_or(0.0, |mean| mean.mean);
    let squares = effects.iter().map(|effect| (effect - mean) * (effect - mean)).sum::<f64>();
    let spread = libm::sqrt(squares / effects.len().saturating_sub(1).max(1) as f64);
    Effects { mean, size: size.map_or(0.0, |size| size.mean), size_ci95: size.and_then(|size| size.ci95), spread }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensitivity::design;

    #[test]
    fn a_line_has_the_same_effect_everywhere() {
        let design = design::morris(3, 10, 1);
        let values: Vec<f64> = design.points.iter().map(|x| 4.0 * x[0] - 2.0 * x[1]).collect();
        let found = effects(&design, &values);
        assert!((found[0].mean - 4.0).abs() < 1e-9 && found[0].spread < 1e-9, "{found:?}");
        assert!((found[1].mean + 2.0).abs() < 1e-9 && (found[1].size - 2.0).abs() < 1e-9);
        assert!(found[2].size < 1e-12);
    }

    #[test]
    fn an_interaction_spreads_the_effects() {
        let design = design::morris(2, 40, 1);
        let values: Vec<f64> = design.points.iter().map(|x| x[0] * x[1]).collect();
        assert!(effects(&design, &values).iter().all(|one| one.spread > 0.1));
    }
}
