//! What a table for people says: which metrics, in which order, in which words. Text and Markdown tables share it.

use super::number::{decimals, grouped, percent_digits, short, unit_of};
use super::{Difference, Named, Paired, RunResult, Share, Summary};
use crate::record::Metric;
use crate::stats::Interval;

/// When a row appears.
#[derive(Debug, Clone, Copy, PartialEq)]
enum When {
    /// Always.
    Always,
    /// If any scenario has a value above zero.
    Occurs,
}

/// One row: what is measured, and a cell for each scenario.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) label: &'static str,
    pub(super) cells: Vec<Cell>,
}

/// An estimate, and the range of most replications if they differ.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Cell {
    pub(super) estimate: String,
    pub(super) range: Option<String>,
}

/// The metrics shown before the probability of any loss, and after it.
const LOSSES: [(Metric, &str, When); 12] = [
    (Metric::Requests, "requests", When::Always),
    (Metric::Failed, "failed requests", When::Always),
    (Metric::FailedConnectRefused, "· connection refused", When::Occurs),
    (Metric::FailedConnectTimeout, "· connect timed out", When::Occurs),
    (Metric::FailedHostUnreachable, "· host unreachable", When::Occurs),
    (Metric::FailedReset, "· connection reset", When::Occurs),
    (Metric::FailedEof, "· closed before response", When::Occurs),
    (Metric::FailedTruncated, "· response cut short", When::Occurs),
    (Metric::FailedTimeout, "· no response in time", When::Occurs),
    (Metric::FailedHttp502, "· HTTP 502", When::Occurs),
    (Metric::FailedHttp503, "· HTTP 503", When::Occurs),
    (Metric::FailedHttp504, "· HTTP 504", When::Occurs),
];

const ANY_FAILED: &str = "rollouts that lose any";

/// Behind the interval of a mean of which nothing was seen: for whom its bound holds.
pub(super) const SINGLY: &str = " singly";

/// `text`, and below it what that means if it is in there.
#[cfg(feature = "cli")]
pub(super) fn with_note(text: String) -> String {
    if text.contains(SINGLY) { text + SINGLY_NOTE } else { text }
}

/// What that means.
pub(super) const SINGLY_NOTE: &str = "singly: none was seen, and the bound holds for what comes one by one. Where a rollout may lose many\n\
     at once, only the share of rollouts that lose any is bounded.\n";

const REST: [(Metric, &str, When); 20] = [
    (Metric::ConnectionsOpened, "connections opened", When::Always),
    (Metric::ConnectionsSevered, "connections severed", When::Occurs),
    (Metric::Retried, "saved by a silent retry", When::Occurs),
    (Metric::Duplicated, "perhaps run twice", When::Occurs),
    (Metric::LatencyP50S, "latency, median", When::Always),
    (Metric::LatencyP99S, "latency, 99th percentile", When::Always),
    (Metric::LatencyMaxS, "latency, longest", When::Always),
    (Metric::HumpBeginsS, "latency hump begins", When::Occurs),
    (Metric::HumpPeakS, "· its highest second", When::Occurs),
    (Metric::HumpEndsS, "· it ends", When::Occurs),
    (Metric::WaitingMeanS, "waiting for a worker", When::Occurs),
    (Metric::QueuePeak, "longest queue", When::Occurs),
    (Metric::UtilisationPeak, "busiest second", When::Occurs),
    (Metric::RolloutDurationS, "rollout duration", When::Always),
    (Metric::AllTerminatedS, "until old pods ended", When::Occurs),
    (Metric::MinReadyPods, "fewest ready pods", When::Always),
    (Metric::MaxReplicas, "largest size", When::Occurs),
    (Metric::ContainerRestarts, "container restarts", When::Occurs),
    (Metric::ExposureS, "exposed after closing", When::Occurs),
    (Metric::StartExposureS, "exposed before listening", When::Occurs),
];

/// The rows for these scenarios.
pub(super) fn rows(runs: &[RunResult]) -> Vec<Row> {
    let mut rows = metric_rows(runs, &LOSSES);
    let cells = runs.iter().map(|run| share_cell(run.probability.any_failed.as_ref())).collect();
    rows.push(Row { label: ANY_FAILED, cells });
    rows.extend(metric_rows(runs, &REST));
    rows
}

fn metric_rows(runs: &[RunResult], metrics: &[(Metric, &'static str, When)]) -> Vec<Row> {
    let estimated = |metric: Metric| runs.iter().any(|run| run.metrics.get(metric.name()).is_some());
    let shows = |metric, when| estimated(metric) && (when == When::Always || occurs(runs, metric));
    let shown = metrics.iter().filter(|(metric, _, when)| shows(*metric, *when));
    shown.map(|&(metric, label, _)| Row { label, cells: metric_cells(runs, metric) }).collect()
}

fn metric_cells(runs: &[RunResult], metric: Metric) -> Vec<Cell> {
    runs.iter().map(|run| cell(metric, run.metric(metric), run.replications)).collect()
}

fn occurs(runs: &[RunResult], metric: Metric) -> bool {
    runs.iter().filter_map(|run| run.metric(metric)).any(|summary| summary.max > 0.0)
}

/// How often, with which luck, and how to read a cell: a table without its n is no result.
pub(super) fn headline(runs: &[RunResult]) -> String {
    let (n, seed) = (agreed(runs, |run| run.replications.to_string()), agreed(runs, |run| run.seed.to_string()));
    let estimator = runs.iter().find_map(|run| run.estimator.as_ref());
    let estimator = estimator.map(|name| format!("; estimator {name}, without latencies")).unwrap_or_default();
    format!("mean [95 % interval of the mean]  middle 90 % of the replications; n = {n}, seed {seed}{estimator}")
}

/// The value all runs share, or all values.
fn agreed(runs: &[RunResult], value: impl Fn(&RunResult) -> String) -> String {
    let mut values: Vec<String> = runs.iter().map(value).collect();
    values.dedup();
    values.join(" / ")
}

/// The cell of one metric in a scenario with that many replications.
pub(super) fn cell(metric: Metric, summary: Option<&Summary>, replications: usize) -> Cell {
    let Some(summary) = summary else {
        return Cell { estimate: "did not happen".to_owned(), range: None };
    };
    let (unit, scale) = unit(metric, summary);
    // A mean and its half width may reach beyond nothing and the whole, which no metric does; no reader should have to wonder at that.
    let most = if metric.is_share() { 1.0 } else { f64::INFINITY };
    let ci95 = summary.ci95.map(|Interval(low, high)| Interval(low.max(0.0) / scale, high.min(most) / scale));
    let mut estimate = estimate(summary.mean / scale, ci95);
    unit.iter().for_each(|unit| estimate.push_str(&format!(" {unit}")));
    if summary.n < replications {
        estimate.push_str(&format!(" (n = {})", summary.n));
    }
    let differ = summary.min < summary.max;
    Cell { estimate, range: differ.then(|| format!("{}–{}", short(summary.p05 / scale), short(summary.p95 / scale))) }
}

/// In what a metric is shown, and how much of the metric's own unit that is.
fn unit(metric: Metric, summary: &Summary) -> (Option<&'static str>, f64) {
    if metric.is_share() {
        return (Some("%"), 0.01);
    }
    let time = metric.is_seconds().then(|| unit_of(summary.mean));
    (time.map(|unit| unit.name), time.map_or(1.0, |unit| unit.seconds))
}

/// `4.02 [3.91, 4.13]`, with the digits that the interval justifies.
pub(super) fn estimate(mean: f64, ci95: Option<Interval>) -> String {
    let half = ci95.map_or(0.0, Interval::half_width);
    let digits = decimals(half, mean);
    match ci95.filter(|_| half > 0.0) {
        None => short(mean),
        Some(Interval(low, high)) if mean.abs() <= 0.0 && low >= 0.0 => {
            format!("0 [0, {}]{SINGLY}", grouped(high, digits))
        }
        Some(Interval(low, high)) => {
            format!("{} [{}, {}]", grouped(mean, digits), grouped(low, digits), grouped(high, digits))
        }
    }
}

/// A probability; one of nothing or of everything is said with its bound. The bound is the end of the exact two-sided
/// 95 % interval.
pub(super) fn share_cell(share: Option<&Share>) -> Cell {
    let text = match share {
        None => "did not happen".to_owned(),
        Some(share) => share_text(share),
    };
    Cell { estimate: text, range: None }
}

fn share_text(share: &Share) -> String {
    let Interval(low, high) = share.ci95.unwrap_or(Interval(0.0, 1.0));
    match share.hits() {
        0 => format!("0 of {}: below {} %", share.n, percent_digits(high)),
        hits if hits == share.n => format!("{hits} of {hits}: above {} %", percent_digits(low)),
        _ => {
            let digits = decimals((high - low) * 50.0, share.estimate * 100.0);
            let [estimate, low, high] = [share.estimate, low, high].map(|value| percent_to(value, digits));
            format!("{estimate} [{low}, {high}] %")
        }
    }
}

/// With that many decimals, unless that would make something of nothing or all of something: no bound reads 0 or 100
/// that is not.
fn percent_to(share: f64, digits: usize) -> String {
    let text = format!("{:.digits$}", share * 100.0);
    let extreme = text.parse().is_ok_and(|percent: f64| percent <= 0.0 || percent >= 100.0);
    if extreme { percent_digits(share) } else { text }
}

/// One sentence for each pair: what differs, and by how much.
pub(super) fn paired_lines(paired: &[Paired]) -> Vec<String> {
    paired.iter().map(paired_line).collect()
}

fn paired_line(pair: &Paired) -> String {
    let n = pair.metrics.0.iter().filter_map(|(_, difference)| difference.as_ref()).map(|found| found.n).max();
    format!(
        "{} minus {} ({} pairs with the same luck):\n  failed requests {}, connections opened {}",
        pair.scenario,
        pair.against,
        n.unwrap_or(0),
        difference_text(&pair.metrics, Metric::Failed),
        difference_text(&pair.metrics, Metric::ConnectionsOpened),
    )
}

fn difference_text(metrics: &Named<Option<Difference>>, metric: Metric) -> String {
    difference(metrics.get(metric.name()).and_then(Option::as_ref))
}

/// What stands for a difference that no pair shows.
pub(super) const NO_DIFFERENCE: &str = "0 in every replication";

/// A difference with its sign.
pub(super) fn difference(difference: Option<&Difference>) -> String {
    let Some(difference) = difference else { return "unknown".to_owned() };
    if difference.is_none() {
        return NO_DIFFERENCE.to_owned();
    }
    let sign = if difference.mean > 0.0 { "+" } else { "" };
    format!("{sign}{}", estimate(difference.mean, difference.ci95))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::result::samples;

    #[test]
    fn only_kinds_of_failure_that_occur_are_shown() {
        let labels: Vec<&str> = rows(&samples::pair().runs).iter().map(|row| row.label).collect();
        assert_eq!(labels[..4], ["requests", "failed requests", "· connection refused", ANY_FAILED]);
        assert!(!labels.contains(&"· connection reset"));
    }

    #[test]
    fn nothing_seen_is_said_with_its_bound() {
        let share = |hits: usize, n: usize| {
            let exact = crate::stats::proportion(hits, n).unwrap();
            share_text(&Share { estimate: exact.estimate, ci95: Some(exact.ci95), n })
        };
        assert_eq!(share(0, 1_000), "0 of 1000: below 0.37 %");
        assert_eq!(share(1_000, 1_000), "1000 of 1000: above 99.63 %");
        assert_eq!(share(3, 1_000), "0.30 [0.06, 0.87] %");
        assert_eq!(share(1, 1), "1 of 1: above 2.5 %");
    }

    #[test]
    fn an_interval_has_no_impossible_values() {
        let pair = samples::pair();
        let some = pair.runs[0].metric(Metric::Requests).unwrap();
        let busy = Summary { mean: 0.9978, ci95: Some(Interval(0.9930, 1.0027)), ..some.clone() };
        assert_eq!(cell(Metric::UtilisationPeak, Some(&busy), 5).estimate, "99.78 [99.30, 100.00] %");
        let few = Summary { mean: 0.1, ci95: Some(Interval(-0.11, 0.31)), ..some.clone() };
        assert_eq!(cell(Metric::Failed, Some(&few), 6).estimate, "0.10 [0.00, 0.31]");
    }

    #[test]
    fn digits_are_those_the_interval_justifies() {
        assert_eq!(estimate(4.0234, Some(Interval(3.9114, 4.1354))), "4.02 [3.91, 4.14]");
        assert_eq!(estimate(30_000.0, Some(Interval(30_000.0, 30_000.0))), "30,000");
        assert_eq!(estimate(0.0, Some(Interval(0.0, 0.003_688))), "0 [0, 0.0037] singly");
        assert_eq!(estimate(3.0, None), "3");
    }
}
