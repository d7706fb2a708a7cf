//! How true the model is: observed runs against the predictive distribution of their scenario.
//!
//! The definitions are the design's: central bands, PIT randomised at ties, bias as the relative difference of means, CRPS
//! against two point forecasts. Nothing here simulates; it compares numbers.

mod baseline;
mod published;
mod report;
mod score;
mod table;

pub use baseline::{PodFact, pooled_average, window_rate};
pub use published::{
    Experiment, Figure, FigureResult, Hit, PublishedResult, PublishedRow, Verdict, experiments, published_table,
};
pub use report::{MetricScore, RunScore, ScenarioScore, Scored, ScoredScenario, ValidateResult, shares};
pub use score::{Band, Predictive, bias, coverage, crps_point};
pub use table::table;
