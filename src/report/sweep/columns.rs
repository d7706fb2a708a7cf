//! The columns of a sweep's table, the same in CSV and Parquet: the point, the axes, and each statistic of each metric as
//! `metric.statistic`, which are the names that gates use.

use super::{AxisHead, AxisValue, Manifest, PointResult};
use crate::record::Metric;
use crate::report::Summary;

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Whole numbers.
    Whole,
    /// Numbers.
    Number,
    /// Texts.
    Text,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its head.
    pub name: String,
    /// Its values.
    pub kind: Kind,
}

/// A value of a column; what did not happen is empty.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing.
    Empty,
    /// A whole number.
    Whole(i64),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
}

const SHARE_STATS: [&str; 4] = ["estimate", "ci95_lo", "ci95_hi", "n"];

/// All columns, in order.
pub fn columns(manifest: &Manifest) -> Vec<Column> {
    let column = |name: &str, kind| Column { name: name.to_owned(), kind };
    let mut all = vec![column("point", Kind::Whole)];
    all.extend(
        manifest.axes.iter().flat_map(|axis| axis.columns.iter().map(move |name| column(name, axis_kind(axis, name)))),
    );
    all.extend([column("replications", Kind::Whole), column("precise", Kind::Whole), column("digest", Kind::Text)]);
    all.extend(manifest.estimator.as_ref().map(|_| column("estimator", Kind::Text)));
    for metric in estimated(manifest.estimator.as_deref()) {
        all.extend(Summary::STATS.map(|stat| column(&format!("{}.{stat}", metric.name()), stat_kind(metric, stat))));
    }
    all.extend(SHARE_STATS.map(|stat| column(&format!("any_failed.{stat}"), share_kind(stat))));
    all
}

fn axis_kind(axis: &AxisHead, name: &String) -> Kind {
    match axis.numbers.contains(name) {
        true if axis.whole.contains(name) => Kind::Whole,
        true => Kind::Number,
        false => Kind::Text,
    }
}

/// The metrics that have columns: those that were estimated.
fn estimated(estimator: Option<&str>) -> impl Iterator<Item = Metric> {
    let all = estimator.is_none();
    Metric::ALL.iter().copied().filter(move |metric| all || !metric.name().starts_with("latency_"))
}

/// Quantiles are values that occurred: of a count they are whole. Means and intervals are so by chance only, and a reader that
/// decides by the first rows what a column holds must find a fraction there.
fn stat_kind(metric: Metric, stat: &str) -> Kind {
    match stat {
        "n" => Kind::Whole,
        "mean" | "ci95_lo" | "ci95_hi" => Kind::Number,
        _ if metric.is_count() => Kind::Whole,
        _ => Kind::Number,
    }
}

fn share_kind(stat: &str) -> Kind {
    if stat == "n" { Kind::Whole } else { Kind::Number }
}

/// The values of a row, one for each column.
pub fn cells(row: &PointResult) -> Vec<Cell> {
    let mut cells = vec![Cell::Whole(row.point as i64)];
    cells.extend(row.axes.0.iter().map(|(_, value)| axis_cell(value)));
    cells.extend([
        Cell::Whole(row.replications as i64),
        Cell::Whole(row.precise.into()),
        Cell::Text(row.digest.clone()),
    ]);
    cells.extend(row.estimator.clone().map(Cell::Text));
    for metric in estimated(row.estimator.as_deref()) {
        let summary = row.metrics.get(metric.name()).and_then(Option::as_ref);
        let value = |stat| summary.and_then(|summary| summary.stat(stat));
        cells.extend(Summary::STATS.map(|stat| stat_cell(stat, stat_kind(metric, stat), value(stat))));
    }
    let share = row.probability.any_failed.as_ref();
    let value = |stat| share.and_then(|share| share.stat(stat));
    cells.extend(SHARE_STATS.map(|stat| stat_cell(stat, share_kind(stat), value(stat))));
    cells
}

fn axis_cell(value: &AxisValue) -> Cell {
    match value {
        AxisValue::Whole(value) => Cell::Whole(*value),
        AxisValue::Number(value) => Cell::Number(*value),
        AxisValue::Text(text) => Cell::Text(text.clone()),
    }
}

/// A metric that never happened still has its n, which is 0.
fn stat_cell(stat: &str, kind: Kind, value: Option<f64>) -> Cell {
    match (kind, value) {
        (Kind::Whole, Some(value)) => Cell::Whole(value as i64),
        (_, Some(value)) => Cell::Number(value),
        (_, None) if stat == "n" => Cell::Whole(0),
        (_, None) => Cell::Empty,
    }
}
