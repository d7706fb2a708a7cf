//! More scenarios than stand beside one another: one row each, with what decides between them.

use super::RunResult;
use super::rows::{Cell, cell, share_cell};
use crate::record::{FailureKind, Metric};

/// The columns.
pub(super) const HEADER: [&str; 6] =
    ["", "failed requests", "middle 90 %", "lost mostly as", "saved by a retry", "rollouts that lose any"];

/// So many kinds are named.
const NAMED: usize = 2;

/// A row for each scenario.
pub(super) fn rows(runs: &[RunResult]) -> Vec<Vec<String>> {
    runs.iter().map(row).collect()
}

fn row(run: &RunResult) -> Vec<String> {
    let cell = |metric| cell(metric, run.metric(metric), run.replications);
    let Cell { estimate: failed, range } = cell(Metric::Failed);
    vec![
        run.scenario.clone(),
        failed,
        range.unwrap_or_default(),
        kinds(run),
        cell(Metric::Retried).estimate,
        share_cell(run.probability.any_failed.as_ref()).estimate,
    ]
}

/// The most frequent kinds with their shares, none below a twentieth.
fn kinds(run: &RunResult) -> String {
    let mean = |metric| run.metric(metric).map_or(0.0, |summary| summary.mean);
    let all = mean(Metric::Failed);
    let mut kinds: Vec<(f64, &str)> = FailureKind::ALL.iter().map(|kind| (mean(kind.metric()), kind.words())).collect();
    kinds.retain(|(count, _)| *count > 0.05 * all);
    kinds.sort_by(|one, other| other.0.total_cmp(&one.0));
    let texts: Vec<String> =
        kinds.iter().take(NAMED).map(|(count, words)| format!("{words} {:.0} %", count / all * 100.0)).collect();
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::result::samples;

    #[test]
    fn a_row_says_how_many_as_what_and_how_often() {
        let rows = rows(&[samples::result("a", &samples::replications(&[3, 4, 5, 0, 7, 4]))]);
        assert_eq!(rows[0].len(), HEADER.len());
        assert_eq!(rows[0][0], "a");
        assert!(rows[0][1].starts_with("3.8"), "{rows:?}");
        assert_eq!(rows[0][3], "connection refused 100 %");
    }
}
