//! A sweep as a table for a terminal: a row for each point with what most people ask for. The first points are shown;
//! all are in the files.

use super::{Manifest, PointResult, points};
use crate::record::Metric;
use crate::report::rows::{cell, share_cell, with_note};
use crate::report::table::grid;

/// Rows shown.
pub const MOST: usize = 60;

const WIDTH: u16 = 170;

/// The rows, of which there are `manifest.points` in all.
pub fn render(manifest: &Manifest, rows: &[PointResult]) -> String {
    let body = rows.iter().take(MOST).map(|row| line(manifest, row)).collect();
    let more = more(manifest, rows).map_or(String::new(), |more| more + "\n");
    format!("{}\n\n{}{more}", headline(manifest, rows), with_note(grid(header(manifest), body, WIDTH)))
}

pub(super) fn header(manifest: &Manifest) -> Vec<String> {
    let axes = manifest.axes.iter().flat_map(|axis| axis.keys.iter().cloned());
    let found =
        ["failed requests", "middle 90 %", "rollouts that lose any", "rollout duration", "until old pods ended"];
    axes.chain(found.map(str::to_owned)).collect()
}

/// What is left out, if anything.
pub(super) fn more(manifest: &Manifest, rows: &[PointResult]) -> Option<String> {
    let more = manifest.points.saturating_sub(rows.len().min(MOST) as u64);
    (more > 0).then(|| format!("and {} in sweep.csv and sweep.jsonl", points(more).replacen(' ', " more ", 1)))
}

/// How many points, how often each, with which luck, and how to read a cell.
pub(super) fn headline(manifest: &Manifest, rows: &[PointResult]) -> String {
    let (least, most) = (rows.iter().map(|row| row.replications).min(), rows.iter().map(|row| row.replications).max());
    let n = match (least, most) {
        (Some(least), Some(most)) if least < most => format!("{least} to {most}"),
        _ => most.unwrap_or(0).to_string(),
    };
    let (name, points, seed) = (&manifest.scenario, points(manifest.points), manifest.seed);
    let estimator = manifest.estimator.iter().map(|name| format!("; estimator {name}, without latencies"));
    let estimator = estimator.collect::<String>();
    format!(
        "{name}, {points} with the same luck; mean [95 % interval of the mean]; n = {n} each, seed {seed}{estimator}"
    )
}

pub(super) fn line(manifest: &Manifest, row: &PointResult) -> Vec<String> {
    let keys = manifest.axes.iter().flat_map(|axis| &axis.keys);
    let mut line: Vec<String> =
        keys.map(|key| row.axes.get(key).map(super::AxisValue::text).unwrap_or_default()).collect();
    let metric =
        |metric: Metric| cell(metric, row.metrics.get(metric.name()).and_then(Option::as_ref), row.replications);
    let failed = metric(Metric::Failed);
    let any = share_cell(row.probability.any_failed.as_ref()).estimate;
    let times = [Metric::RolloutDurationS, Metric::AllTerminatedS].map(|time| metric(time).estimate);
    line.extend([failed.estimate, failed.range.unwrap_or_default(), any].into_iter().chain(times));
    line
}
