//! The answer as data, documented by `rollsim schema sensitivity`, and as the rows of a tornado chart.

use serde::Serialize;

use super::inputs::Input;
use super::morris::Effects;
use super::sobol::Indices;
use crate::report::picture::{Bar, Chart, Tornado, TornadoRow};
use crate::stats::Interval;

/// The version of the format.
pub const SCHEMA: &str = "rollsim/sensitivity/v1";

/// Which inputs decide a metric.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sensitivity {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// Version of the program.
    pub version: &'static str,
    /// Name of the scenario.
    pub scenario: String,
    /// Seed of the design and of the replications.
    pub seed: u64,
    /// `sobol` or `morris`.
    pub method: &'static str,
    /// The metric.
    pub metric: &'static str,
    /// Rows or trajectories.
    pub points: usize,
    /// Points at which the scenario was simulated.
    pub evaluations: usize,
    /// Replications of each.
    pub replications: u32,
    /// Variance of the metric's mean over the inputs; null for `morris`, and if nothing varies.
    pub variance: Option<f64>,
    /// The inputs, the most important first.
    pub inputs: Vec<InputResult>,
    /// What to know of the values.
    pub warnings: Vec<String>,
}

/// What one input does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InputResult {
    /// The dotted key.
    pub key: String,
    /// Its range.
    pub range: String,
    /// `sobol`: share of the variance that it explains alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_order: Option<Estimate>,
    /// `sobol`: share that it takes part in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<Estimate>,
    /// `morris`: mean size of its effect from one end to the other, in units of the metric.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean_size: Option<Estimate>,
    /// `morris`: mean effect with its sign.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean_effect: Option<f64>,
    /// `morris`: standard deviation of the effects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spread: Option<f64>,
}

/// A number with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// The interval; null if there is none.
    pub ci95: Option<[f64; 2]>,
}

impl Estimate {
    fn new(value: f64, ci95: Option<Interval>) -> Estimate {
        Estimate { value, ci95: ci95.map(|interval| [interval.low(), interval.high()]) }
    }

    /// Not below 0, the value at most `most`, the interval around it at most to `highest`.
    fn below(self, most: f64, highest: f64) -> Estimate {
        let value = self.value.clamp(0.0, most);
        Estimate { value, ci95: self.ci95.map(|[low, high]| [low.clamp(0.0, value), high.clamp(value, highest)]) }
    }

    fn bar(self) -> Bar {
        let [low, high] = self.ci95.unwrap_or([self.value; 2]);
        Bar { value: self.value, interval: (low, high) }
    }
}

impl InputResult {
    /// An input of which nothing can be said.
    pub fn named(input: &Input) -> InputResult {
        InputResult {
            key: input.key.clone(),
            range: input.range(),
            first_order: None,
            total: None,
            mean_size: None,
            mean_effect: None,
            spread: None,
        }
    }

    /// By Sobol indices.
    pub fn sobol(input: &Input, indices: &Indices) -> InputResult {
        InputResult {
            first_order: Some(Estimate::new(indices.first, Some(indices.first_ci95))),
            total: Some(Estimate::new(indices.total, Some(indices.total_ci95))),
            ..InputResult::named(input)
        }
    }

    /// By elementary effects.
    pub fn morris(input: &Input, effects: &Effects) -> InputResult {
        InputResult {
            mean_size: Some(Estimate::new(effects.size, effects.size_ci95)),
            mean_effect: Some(effects.mean),
            spread: Some(effects.spread),
            ..InputResult::named(input)
        }
    }

    /// The shares of the variance as they can be said: what the sample errs makes none negative or more than the whole, and none
    /// alone more than with interactions. The estimates themselves stay as they are.
    pub fn shares(&self) -> Option<(Estimate, Estimate)> {
        let (alone, total) = (self.first_order?, self.total?);
        let total = total.below(1.0, 1.0);
        let [_, highest] = total.ci95.unwrap_or([total.value; 2]);
        Some((alone.below(total.value, highest), total))
    }

    /// What the order of the inputs goes by.
    pub fn importance(&self) -> f64 {
        self.total.or(self.mean_size).map_or(0.0, |estimate| estimate.value)
    }
}

/// So many inputs are drawn, those that do nothing left out.
const DRAWN: usize = 20;

/// The tornado chart.
pub fn tornado(found: &Sensitivity) -> Chart {
    let row = |input: &InputResult| {
        let shares = input.shares();
        let upper = shares.map(|(alone, _)| alone).or(input.mean_size).map(Estimate::bar);
        let lower = shares.map(|(_, total)| total.bar());
        let lower = lower.or(input.spread.map(|spread| Bar { value: spread, interval: (spread, spread) }));
        let nothing = Bar { value: 0.0, interval: (0.0, 0.0) };
        TornadoRow {
            name: format!("{} ({})", input.key, input.range),
            bars: [upper.unwrap_or(nothing), lower.unwrap_or(nothing)],
        }
    };
    let (legend, axis) = if found.method == "sobol" {
        (["alone (first order)", "with interactions (total)"], "share of the variance".to_owned())
    } else {
        (
            ["mean size of the effect", "spread of the effect"],
            format!("{} from one end of the range to the other", found.metric),
        )
    };
    Chart::Tornado(Tornado {
        title: super::text::headline(found),
        legend: legend.map(str::to_owned),
        axis,
        rows: found.inputs.iter().filter(|input| input.importance() > 0.0).take(DRAWN).map(row).collect(),
    })
}
