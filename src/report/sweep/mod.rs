//! What a sweep leaves, versioned: a row for each point, and a manifest that says what was swept. Tables, CSV, Parquet and
//! pictures are made from these and from nothing else, so that shards can be joined without simulating again.

mod columns;
pub mod csv;
mod json_row;
pub mod markdown;
#[cfg(feature = "parquet")]
pub mod parquet;
pub mod table;
#[cfg(test)]
mod tests;

use std::io;

use serde::{Deserialize, Serialize};

use super::number;
use super::result::{Named, Probability, Summary};
use super::{RunResult, json};

pub use columns::{Cell, Column, Kind, cells, columns};

/// The `schema` of a [`Manifest`].
pub const MANIFEST_SCHEMA: &str = "rollsim/sweep/v1";

/// The `schema` of a [`PointResult`].
pub const POINT_SCHEMA: &str = "rollsim/sweep-point/v1";

/// What was swept: all that the files of a sweep depend on. Two sweeps with equal manifests have equal files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`MANIFEST_SCHEMA`].
    pub schema: String,
    /// Version of the program that simulated.
    pub version: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Seed of the experiment; replication `i` has the same luck at every point.
    pub seed: u64,
    /// Replications of each point, the most there will be with a precision.
    pub replications: u32,
    /// Relative half-width of the interval of the mean failed count at which a point stops.
    pub precision: Option<f64>,
    /// How the metrics were estimated; absent if every request was simulated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimator: Option<String>,
    /// How points are laid: `grid`, `latin_hypercube` or `sobol`.
    pub design: String,
    /// Number of points.
    pub points: u64,
    /// Hash of the settled scenarios of all points, 16 hexadecimal digits.
    pub plan: String,
    /// What varies.
    pub axes: Vec<AxisHead>,
    /// The scenario without the axes, all defaults shown.
    pub settled: String,
    /// The `[sweep]` as it was read. Below `settled` it makes a scenario file whose points are these.
    pub sweep: String,
}

impl Manifest {
    /// The first thing in which another sweep differs that explains the others, as a clause; nothing if they are the same.
    pub fn difference(&self, other: &Manifest) -> Option<String> {
        let number = |number: Option<f64>| number.map_or_else(|| "none".to_owned(), number::text);
        let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "every_request".to_owned());
        let both = |what: &'static str, of: &dyn Fn(&Manifest) -> String| (what, of(self), of(other));
        let all = [
            both("versions", &|manifest| manifest.version.clone()),
            both("scenarios", &|manifest| manifest.scenario.clone()),
            both("seeds", &|manifest| manifest.seed.to_string()),
            both("replications", &|manifest| manifest.replications.to_string()),
            both("precisions", &|manifest| number(manifest.precision)),
            both("estimators", &|manifest| name(&manifest.estimator)),
            both("designs", &|manifest| manifest.design.clone()),
            both("numbers of points", &|manifest| manifest.points.to_string()),
            both("scenarios", &|manifest| format!("plan {}", manifest.plan)),
        ];
        let told = all.iter().find(|(_, one, two)| one != two);
        let told = told.map(|(what, one, two)| format!("their {what} differ: {one} and {two}"));
        told.or_else(|| (self != other).then(|| "their [sweep] is written in other words".to_owned()))
    }
}

/// One axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AxisHead {
    /// The keys that vary together.
    pub keys: Vec<String>,
    /// Their columns in the rows.
    pub columns: Vec<String>,
    /// Those of the columns that hold numbers.
    pub numbers: Vec<String>,
    /// Those of them that hold whole numbers at every point.
    pub whole: Vec<String>,
    /// Whether the values are spaced by factors.
    pub log: bool,
}

/// The value of an axis in a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AxisValue {
    /// A whole number.
    Whole(i64),
    /// A number.
    Number(f64),
    /// As a scenario file says it, a string without its quotes.
    Text(String),
}

/// The result of one point: a line of `sweep.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PointResult {
    /// [`POINT_SCHEMA`].
    pub schema: String,
    /// Number of the point, from 0.
    pub point: u64,
    /// The values of the axes, by column.
    pub axes: Named<AxisValue>,
    /// Number of replications.
    pub replications: usize,
    /// Whether the precision asked for was reached; true if none was.
    pub precise: bool,
    /// How the metrics were estimated, with its latencies absent; absent if every request was simulated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimator: Option<String>,
    /// Digest of everything that happened, as `run` has it.
    pub digest: String,
    /// Each metric; null if it happened in no replication.
    #[serde(serialize_with = "json_row::metrics")]
    pub metrics: Named<Option<Summary>>,
    /// Probabilities.
    #[serde(serialize_with = "json_row::probability")]
    pub probability: Probability,
}

impl PointResult {
    /// The row of a point from the result of its replications.
    pub fn new(point: u64, axes: Vec<(String, AxisValue)>, precise: bool, result: RunResult) -> PointResult {
        PointResult {
            schema: POINT_SCHEMA.to_owned(),
            point,
            axes: Named(axes),
            replications: result.replications,
            precise,
            estimator: result.estimator,
            digest: result.digest,
            metrics: result.metrics,
            probability: result.probability,
        }
    }

    /// The row of a line.
    ///
    /// # Errors
    ///
    /// If the line is no row.
    pub fn parse(line: &str) -> io::Result<PointResult> {
        serde_json::from_str(line).map_err(io::Error::other)
    }
}

impl AxisValue {
    /// The value as a number, if it is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            AxisValue::Whole(value) => Some(*value as f64),
            AxisValue::Number(value) => Some(*value),
            AxisValue::Text(_) => None,
        }
    }

    /// The value as text.
    pub fn text(&self) -> String {
        match self {
            AxisValue::Whole(value) => value.to_string(),
            AxisValue::Number(value) => number::text(*value),
            AxisValue::Text(text) => text.clone(),
        }
    }
}

impl AxisHead {
    /// What tells the axis in a title: its first key, and that there are more.
    pub fn label(&self) -> String {
        let more = self.keys.len().saturating_sub(1);
        let first = self.keys.first().cloned().unwrap_or_default();
        if more == 0 { first } else { format!("{first} (and {more} more)") }
    }
}

/// "1 point", "12 points".
fn points(number: u64) -> String {
    format!("{number} {}", if number == 1 { "point" } else { "points" })
}

/// A manifest as the bytes of `manifest.json`.
pub fn manifest_json(manifest: &Manifest) -> String {
    json::render(manifest)
}
