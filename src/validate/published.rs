//! Published experiments: what others counted, and whether the model says so, too.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::record::Metric;
use crate::validate::score::Predictive;
use crate::validate::table::grid;

/// The list of experiments cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PublishedError {
    /// It is not TOML of this form.
    #[error("the list of published experiments: {0}")]
    Form(String),
    /// Something of an experiment is amiss.
    #[error("published experiment {id}: {what}")]
    Experiment {
        /// Which one.
        id: String,
        /// What is amiss.
        what: String,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    experiment: Vec<Experiment>,
}

/// One published experiment.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// Its id in the shared set, such as `PE-01`.
    pub id: String,
    /// What was done, in one line.
    pub experiment: String,
    /// What was found, in words.
    pub published: String,
    /// Where it was published.
    pub source: String,
    /// What is missing to model it; then it has no figures.
    pub not_modelled: Option<String>,
    /// The figures that the model is asked for.
    #[serde(default)]
    pub figure: Vec<Figure>,
}

/// One published figure.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// The file of the scenario in `scenarios`, without `.toml`.
    pub scenario: String,
    /// The name of the metric.
    pub metric: String,
    /// The values published.
    pub values: Vec<f64>,
    /// When the prediction is right.
    pub hit: Hit,
}

/// When a prediction is right.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hit {
    /// All published values lie in p05..p95 of the predictive distribution.
    Band,
    /// The median of the predictive distribution lies in this range, ends included.
    Median([f64; 2]),
    /// Not judged: it depends on what is not told.
    Shown,
}

/// What became of a figure or an experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As published.
    Hit,
    /// Not as published.
    Miss,
    /// Nothing to say: the model lacks something.
    NotModelled,
    /// Shown, not judged.
    NotJudged,
}

impl Verdict {
    /// For people.
    pub const fn words(self) -> &'static str {
        match self {
            Verdict::Hit => "hit",
            Verdict::Miss => "miss",
            Verdict::NotModelled => "not modelled",
            Verdict::NotJudged => "not judged",
        }
    }
}

/// One figure with its prediction.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FigureResult {
    /// The scenario simulated.
    pub scenario: String,
    /// The name of the metric.
    pub metric: &'static str,
    /// The values published.
    pub published: Vec<f64>,
    /// When the prediction is right.
    pub judged_by: Hit,
    /// The predictive distribution's quantiles.
    pub p05: f64,
    /// Median.
    pub p50: f64,
    /// 95th percentile.
    pub p95: f64,
    /// Whether the prediction is right.
    pub verdict: Verdict,
}

/// One experiment with its predictions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PublishedRow {
    /// Its id.
    pub id: String,
    /// What was done.
    pub experiment: String,
    /// What was found.
    pub published: String,
    /// Where it was published.
    pub source: String,
    /// A hit if all judged figures are.
    pub verdict: Verdict,
    /// What is missing to model it.
    pub not_modelled: Option<String>,
    /// Figure by figure.
    pub figures: Vec<FigureResult>,
}

/// The result of `rollsim validate --published`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PublishedResult {
    /// `rollsim/published/v1`.
    pub schema: &'static str,
    /// The version that made it.
    pub version: &'static str,
    /// Replications a scenario.
    pub replications: u64,
    /// Experiment by experiment.
    pub rows: Vec<PublishedRow>,
}

/// Reads the list of experiments.
pub fn experiments(text: &str) -> Result<Vec<Experiment>, PublishedError> {
    let list: List = toml::from_str(text).map_err(|error| PublishedError::Form(error.to_string()))?;
    for experiment in &list.experiment {
        let amiss = |what: String| Err(PublishedError::Experiment { id: experiment.id.clone(), what });
        if experiment.figure.is_empty() != experiment.not_modelled.is_some() {
            return amiss("has either figures or what is missing to model it".to_owned());
        }
        for figure in &experiment.figure {
            if figure.metric().is_none() || figure.values.is_empty() {
                return amiss(format!("{} is no metric with a value", figure.metric));
            }
        }
    }
    Ok(list.experiment)
}

impl Figure {
    /// Which metric.
    pub fn metric(&self) -> Option<Metric> {
        Metric::ALL.iter().copied().find(|metric| metric.name() == self.metric)
    }

    /// Whether `predictive` says so, too.
    fn verdict(&self, predictive: &Predictive) -> Verdict {
        let right = match self.hit {
            Hit::Shown => return Verdict::NotJudged,
            Hit::Band => self.values.iter().all(|value| predictive.band(0.9).holds(*value)),
            Hit::Median([low, high]) => (low..=high).contains(&predictive.quantile(0.5)),
        };
        if right { Verdict::Hit } else { Verdict::Miss }
    }
}

impl FigureResult {
    /// Judges a figure by what replications gave.
    pub fn new(figure: &Figure, metric: Metric, predictive: &Predictive) -> FigureResult {
        let band = predictive.band(0.9);
        FigureResult {
            scenario: figure.scenario.clone(),
            metric: metric.name(),
            published: figure.values.clone(),
            judged_by: figure.hit,
            p05: band.low,
            p50: predictive.quantile(0.5),
            p95: band.high,
            verdict: figure.verdict(predictive),
        }
    }
}

impl PublishedRow {
    /// An experiment with its figures judged.
    pub fn new(experiment: Experiment, figures: Vec<FigureResult>) -> PublishedRow {
        let has = |verdict| figures.iter().any(|figure| figure.verdict == verdict);
        let verdict = match () {
            () if figures.is_empty() => Verdict::NotModelled,
            () if has(Verdict::Miss) => Verdict::Miss,
            () if has(Verdict::Hit) => Verdict::Hit,
            () => Verdict::NotJudged,
        };
        let Experiment { id, experiment, published, source, not_modelled, .. } = experiment;
        PublishedRow { id, experiment, published, source, verdict, not_modelled, figures }
    }
}

impl PublishedResult {
    /// The result of all experiments.
    pub fn new(rows: Vec<PublishedRow>, replications: u64) -> PublishedResult {
        PublishedResult { schema: "rollsim/published/v1", version: env!("CARGO_PKG_VERSION"), replications, rows }
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.rows.iter().filter(|row| row.verdict == verdict).count()
    }
}

/// One row an experiment, with a line for each of its figures.
pub fn published_table(result: &PublishedResult) -> String {
    let [hits, misses, open] = [Verdict::Hit, Verdict::Miss, Verdict::NotModelled].map(|verdict| result.count(verdict));
    let head = format!(
        "{} published experiments: {hits} hit, {misses} missed, {open} not modelled; predictions from {} replications \
         each, as p05–p50–p95\n\n",
        result.rows.len(),
        result.replications
    );
    let header = ["id", "experiment", "published", "predicted", "verdict"];
    head + &grid(&header, result.rows.iter().map(cells).collect()) + "\n"
}

fn cells(row: &PublishedRow) -> Vec<String> {
    let lines = |line: fn(&FigureResult) -> String| row.figures.iter().map(line).collect::<Vec<_>>().join("\n");
    let (published, predicted, verdict) = match &row.not_modelled {
        Some(missing) => (row.published.clone(), String::new(), format!("not modelled: {missing}")),
        None => (lines(published), lines(predicted), lines(|figure| figure.verdict.words().to_owned())),
    };
    vec![row.id.clone(), row.experiment.clone(), published, predicted, verdict]
}

/// "failed 4", or "failure_span_s 0.1 (0.03 to 0.3)".
fn published(figure: &FigureResult) -> String {
    let values: Vec<String> = figure.published.iter().map(|value| number(*value)).collect();
    let range = match figure.judged_by {
        Hit::Median([low, high]) => format!(" ({} to {})", number(low), number(high)),
        Hit::Band | Hit::Shown => String::new(),
    };
    format!("{} {}{range}", figure.metric, values.join(", "))
}

fn predicted(figure: &FigureResult) -> String {
    [figure.p05, figure.p50, figure.p95].map(number).join("–")
}

/// At most four decimals, no zeros at the end.
fn number(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "[[experiment]]\nid = \"PE-1\"\nexperiment = \"e\"\npublished = \"p\"\nsource = \"s\"\n";
    const FIGURE: &str = "[[experiment.figure]]\nscenario = \"a\"\nvalues = [4]\n";

    fn figure(hit: Hit, values: &[f64]) -> Figure {
        Figure { scenario: "a".into(), metric: "failed".into(), values: values.to_vec(), hit }
    }

    #[test]
    fn an_experiment_has_figures_or_a_reason() {
        assert!(experiments(LIST).is_err());
        let figure = format!("{LIST}{FIGURE}metric = \"failed\"\nhit = \"band\"\n");
        assert_eq!(experiments(&figure).unwrap()[0].figure[0].hit, Hit::Band);
        assert!(experiments(&figure.replace("failed", "faild")).is_err());
        assert!(experiments(&figure.replace("source = \"s\"", "source = \"s\"\nnot_modelled = \"x\"")).is_err());
    }

    #[test]
    fn a_range_judges_the_median_and_a_band_the_published_values() {
        let predictive = Predictive::new((0..100).map(f64::from).collect()).unwrap();
        for (hit, values, expected) in [
            (Hit::Band, &[10.0, 90.0][..], Verdict::Hit),
            (Hit::Band, &[10.0, 99.0], Verdict::Miss),
            (Hit::Median([40.0, 60.0]), &[4.0], Verdict::Hit),
            (Hit::Median([60.0, 80.0]), &[70.0], Verdict::Miss),
            (Hit::Shown, &[1e9], Verdict::NotJudged),
        ] {
            assert_eq!(figure(hit, values).verdict(&predictive), expected, "{hit:?}");
        }
    }

    #[test]
    fn one_miss_makes_the_experiment_a_miss() {
        let predictive = Predictive::new(vec![0.0]).unwrap();
        let judged = |value| FigureResult::new(&figure(Hit::Band, &[value]), Metric::Failed, &predictive);
        let experiment = experiments(&format!("{LIST}not_modelled = \"x\"\n")).unwrap().remove(0);
        assert_eq!(PublishedRow::new(experiment.clone(), vec![judged(0.0), judged(1.0)]).verdict, Verdict::Miss);
        assert_eq!(PublishedRow::new(experiment.clone(), vec![judged(0.0)]).verdict, Verdict::Hit);
        assert_eq!(PublishedRow::new(experiment, Vec::new()).verdict, Verdict::NotModelled);
    }
}
