//! What each mechanism contributes: the scenario again with one mechanism switched off, under common random numbers.

use serde::{Deserialize, Serialize};

use super::result::{self, Difference, RunResult, Summary};
use super::rows::{cell, difference};
use crate::record::{Metric, Metrics};

/// The scenario without one mechanism.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ablation {
    /// The mechanism that is switched off.
    pub without: String,
    /// Requests lost without it.
    pub failed: Option<Summary>,
    /// Requests lost without it minus with it, pair by pair.
    pub failed_difference: Option<Difference>,
    /// Connections opened without it.
    pub connections_opened: Option<Summary>,
}

impl Ablation {
    /// Compares the replications `without` a mechanism with those of the whole scenario.
    pub fn new(mechanism: &str, whole: &[Metrics], without: &[Metrics]) -> Ablation {
        Ablation {
            without: mechanism.to_owned(),
            failed: result::summary(Metric::Failed, without),
            failed_difference: result::difference(Metric::Failed, whole, without),
            connections_opened: result::summary(Metric::ConnectionsOpened, without),
        }
    }
}

/// The columns of the ablation table.
pub(super) const HEADER: [&str; 4] = ["", "failed requests", "difference", "connections opened"];

/// Its rows: everything on, then each mechanism off.
pub(super) fn rows(run: &RunResult) -> Vec<Vec<String>> {
    let (failed, connections) = (run.metric(Metric::Failed), run.metric(Metric::ConnectionsOpened));
    let mut rows = vec![row(run, "everything on".to_owned(), failed, String::new(), connections)];
    rows.extend(run.ablation.iter().map(|off| {
        let (label, differs) = (format!("without {}", off.without), difference(off.failed_difference.as_ref()));
        row(run, label, off.failed.as_ref(), differs, off.connections_opened.as_ref())
    }));
    rows
}

fn row(
    run: &RunResult,
    label: String,
    failed: Option<&Summary>,
    differs: String,
    connections: Option<&Summary>,
) -> Vec<String> {
    let estimate = |metric, summary| cell(metric, summary, run.replications).estimate;
    vec![label, estimate(Metric::Failed, failed), differs, estimate(Metric::ConnectionsOpened, connections)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::result::samples;
    use crate::report::{RunsResult, table};

    #[test]
    fn each_mechanism_has_a_row() {
        let whole = samples::replications(&[3, 4, 5, 0, 7, 4]);
        let mut run = samples::result("no-hook", &whole);
        let without = samples::replications(&[9, 8, 11, 6, 14, 10]);
        run.ablation =
            vec![Ablation::new("silent_retry", &whole, &without), Ablation::new("sync_time", &whole, &whole)];
        let text = table::render(&RunsResult::new(vec![run], &[&whole]));
        insta::assert_snapshot!(text.rsplit_once("\n\n").unwrap().1);
    }
}
