//! The score as a table for people.

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};

use crate::record::{FailureKind, Metric};
use crate::validate::report::{MetricScore, RunScore, ScenarioScore, ValidateResult};

const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// One row a scenario, then one a metric.
pub fn table(result: &ValidateResult) -> String {
    let runs: usize = result.metrics.get(Metric::Failed.name()).map_or(0, |score| score.n);
    let head = format!(
        "{runs} observed runs of {} scenarios; predictions from {} replications each, as p05–p95; ! outside\n\n",
        result.scenarios.len(),
        result.replications
    );
    head + &scenarios(result) + "\n\n" + &totals(result) + "\n\n" + &kinds(result) + "\n"
}

pub(super) fn grid(header: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(STYLE).set_content_arrangement(ContentArrangement::Disabled).set_header(header.to_vec());
    table.add_rows(rows);
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

fn scenarios(result: &ValidateResult) -> String {
    let columns = [Metric::Failed, Metric::ConnectionsOpened, Metric::RolloutDurationS];
    let row = |scenario: &ScenarioScore| {
        let cells = columns.iter().flat_map(|metric| cells(scenario, *metric));
        std::iter::once(scenario.scenario.clone()).chain(cells).collect()
    };
    let header = ["scenario", "failed", "predicted", "sockets", "predicted", "rollout s", "predicted"];
    grid(&header, result.scenarios.iter().map(row).collect())
}

/// What was observed, and what was predicted.
fn cells(scenario: &ScenarioScore, metric: Metric) -> [String; 2] {
    let digits = usize::from(metric.is_seconds());
    let runs: Vec<&RunScore> = scenario.runs.iter().filter(|run| run.metric == metric.name()).collect();
    let Some(first) = runs.first() else { return [String::new(), String::new()] };
    let shown = |run: &&RunScore| {
        let mark = if (run.p05..=run.p95).contains(&run.observed) { "" } else { "!" };
        format!("{:.digits$}{mark}", run.observed)
    };
    let observed: Vec<String> = runs.iter().map(shown).collect();
    [observed.join(" "), format!("{:.digits$}–{:.digits$}", first.p05, first.p95)]
}

fn totals(result: &ValidateResult) -> String {
    let metrics = [Metric::Failed, Metric::ConnectionsOpened, Metric::RolloutDurationS];
    let header = [
        "metric",
        "runs",
        "observed",
        "predicted",
        "bias",
        "in 50 %",
        "in 90 %",
        "random in 90 %",
        "CRPS",
        "baselines",
    ];
    let row = |metric: &Metric| Some(total(metric.name(), result.metrics.get(metric.name())?));
    grid(&header, metrics.iter().filter_map(row).collect())
}

fn total(name: &str, score: &MetricScore) -> Vec<String> {
    let share = |share: Option<f64>| share.map_or_else(|| "–".into(), |share| format!("{:.0} %", 100.0 * share));
    let baselines: Vec<String> = score.crps_baselines.iter().map(|(name, crps)| format!("{name} {crps:.2}")).collect();
    vec![
        name.to_owned(),
        score.n.to_string(),
        format!("{:.2}", score.observed_mean),
        format!("{:.2}", score.predicted_mean),
        score.bias.map_or_else(|| "–".into(), |bias| format!("{:+.0} %", 100.0 * bias)),
        share(score.coverage50),
        share(score.coverage90),
        share(score.coverage90_random),
        format!("{:.3}", score.crps),
        baselines.join(", "),
    ]
}

/// Shares of the kinds of failure, observed against predicted.
fn kinds(result: &ValidateResult) -> String {
    let of = |kind: FailureKind| result.metrics.get(kind.metric().name());
    let sum = |mean: fn(&MetricScore) -> f64| FailureKind::ALL.into_iter().filter_map(of).map(mean).sum::<f64>();
    let (observed, predicted) = (sum(|score| score.observed_mean), sum(|score| score.predicted_mean));
    let row = |kind: FailureKind| {
        let score = of(kind)?;
        let share = |part: f64, whole: f64| format!("{:.1} %", 100.0 * part / whole);
        (score.observed_mean + score.predicted_mean > 0.0).then(|| {
            vec![kind.words().to_owned(), share(score.observed_mean, observed), share(score.predicted_mean, predicted)]
        })
    };
    grid(&["kind of failure", "observed", "predicted"], FailureKind::ALL.into_iter().filter_map(row).collect())
}
