//! Results and replications as CSV.

use super::number;
use super::{Ablation, RunResult, SeriesResult, Share, Summary};
use crate::record::{Metric, Metrics};

/// One row for each scenario and metric, and one for the probability of any loss (its mean is the estimate). What did not
/// happen is empty. A last column names the estimator if there is one.
pub fn render(runs: &[RunResult]) -> String {
    let mut table = Table::new();
    let names = ["scenario", "seed", "replications", "metric"];
    let estimator = runs.iter().find_map(|run| run.estimator.clone());
    table.row(
        names.into_iter().chain(Summary::STATS).map(str::to_owned).chain(estimator.map(|_| "estimator".to_owned())),
    );
    for run in runs {
        run.metrics
            .0
            .iter()
            .for_each(|(name, summary)| table.row(metric_row(run, &run.scenario, name, summary.as_ref())));
        table.row(any_failed_row(run));
        run.ablation.iter().for_each(|ablation| ablation_rows(&mut table, run, ablation));
    }
    table.finish()
}

fn head(run: &RunResult, scenario: &str, metric: &str) -> Vec<String> {
    vec![scenario.to_owned(), run.seed.to_string(), run.replications.to_string(), metric.to_owned()]
}

fn metric_row(run: &RunResult, scenario: &str, name: &str, summary: Option<&Summary>) -> Vec<String> {
    let stat = |stat: &str| match summary {
        Some(summary) => summary.stat(stat).map(number::text).unwrap_or_default(),
        None if stat == "n" => "0".to_owned(),
        None => String::new(),
    };
    let mut row = head(run, scenario, name);
    row.extend(Summary::STATS.into_iter().map(stat).chain(run.estimator.clone()));
    row
}

fn any_failed_row(run: &RunResult) -> Vec<String> {
    let share = run.probability.any_failed.as_ref();
    let stat = |stat: &str| {
        let name = if stat == "mean" { "estimate" } else { stat };
        share.and_then(|share: &Share| share.stat(name)).map(number::text).unwrap_or_default()
    };
    let mut row = head(run, &run.scenario, "any_failed");
    row.extend(Summary::STATS.into_iter().map(stat).chain(run.estimator.clone()));
    row
}

fn ablation_rows(table: &mut Table, run: &RunResult, ablation: &Ablation) {
    let scenario = format!("{} without {}", run.scenario, ablation.without);
    for (metric, summary) in
        [(Metric::Failed, &ablation.failed), (Metric::ConnectionsOpened, &ablation.connections_opened)]
    {
        table.row(metric_row(run, &scenario, metric.name(), summary.as_ref()));
    }
}

/// `replications.csv`: one row for each replication, one column for each metric; what did not happen is empty.
pub fn replications(all: &[Metrics]) -> String {
    let mut table = Table::new();
    let names = Metric::ALL.iter().map(|metric| metric.name().to_owned());
    table.row(std::iter::once("replication".to_owned()).chain(names));
    for (index, metrics) in all.iter().enumerate() {
        let cells = Metric::ALL.iter().map(|&metric| metrics.get(metric).map(number::text).unwrap_or_default());
        table.row(std::iter::once(index.to_string()).chain(cells));
    }
    table.finish()
}

/// `series.csv`: one row for each interval; what was not to be measured is empty.
pub fn series(series: &SeriesResult) -> String {
    let mut table = Table::new();
    table.row(series.columns.iter().cloned());
    for row in &series.rows {
        table.row(row.iter().map(|cell| cell.map(number::text).unwrap_or_default()));
    }
    table.finish()
}

/// A CSV text in memory, where nothing can fail.
struct Table(::csv::Writer<Vec<u8>>);

impl Table {
    fn new() -> Table {
        Table(::csv::Writer::from_writer(Vec::new()))
    }

    fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.0.write_record(cells).unwrap_or_else(|error| panic!("rows of one table have one length: {error}"));
    }

    fn finish(self) -> String {
        let bytes = self.0.into_inner().unwrap_or_else(|error| panic!("memory does not fail: {error}"));
        String::from_utf8(bytes).unwrap_or_else(|error| panic!("cells are text: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::result::samples;

    #[test]
    fn there_is_a_row_for_each_scenario_and_metric() {
        let text = render(&samples::pair().runs);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 1 + 2 * (Metric::COUNT + 1));
        assert_eq!(lines[0], "scenario,seed,replications,metric,mean,ci95_lo,ci95_hi,min,p05,p25,p50,p75,p95,max,n");
        assert!(lines[1].starts_with("no-hook,1,6,requests,30000,30000,30000,30000,"), "{}", lines[1]);
        assert!(text.contains("with-hook,1,6,failure_span_s,,,,,,,,,,,0\n"), "{text}");
    }

    #[test]
    fn an_estimator_is_named_in_every_row_and_what_it_does_not_estimate_has_none() {
        let mut run = samples::pair().runs.remove(0);
        run.metrics
            .0
            .iter_mut()
            .filter(|(name, _)| name.starts_with("latency_"))
            .for_each(|(_, summary)| *summary = None);
        run.name_estimator(crate::report::FAILURES_ONLY);
        let text = render(&[run]);
        let mut lines = text.lines();
        assert!(lines.next().is_some_and(|line| line.ends_with(",n,estimator")), "{text}");
        assert!(lines.all(|line| line.ends_with(",failures_only") && !line.contains("latency")), "{text}");
    }

    #[test]
    fn replications_are_rows() {
        let text = replications(&samples::replications(&[3, 0]));
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("replication,requests,succeeded,failed,"));
        assert!(lines[1].starts_with("0,30000,29997,3,3,"), "{}", lines[1]);
        assert_eq!(lines.len(), 3);
    }
}
