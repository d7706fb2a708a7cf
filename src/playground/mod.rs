//! The simulator as one function of text, for a page that holds it as WebAssembly: a request as JSON in, an answer as JSON
//! out. No file, thread or clock, so that the module needs no imports.
//!
//! `result` answers with the bytes that `rollsim run --format json` prints. `play` answers with all that a page shows after
//! a change: the result, one replication to look at, the settled scenario and a patch. What is wrong with a scenario is
//! answered with the same problems, and the same text, as the command line has.

mod patch;

use serde::{Deserialize, Serialize};

use crate::engine::Digest;
use crate::explain;
use crate::model::spec::Scenario;
use crate::record::{Metric, Metrics};
use crate::report::race::{Race, Which};
use crate::report::result::Identity;
use crate::report::{FAILURES_ONLY, RunResult, Warning, json};
use crate::run::{self, Estimator, Options, refusals};
use crate::scenario::{self, Problem, Source};

/// The `schema` of an answer to `play`.
const PLAY_SCHEMA: &str = "rollsim/play/v1";
/// The `schema` of an answer that says what is wrong.
const PROBLEMS_SCHEMA: &str = "rollsim/problems/v1";

/// What a page asks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    /// What is to be done.
    task: Task,
    /// What diagnostics call the scenario.
    name: String,
    /// The scenario's TOML.
    text: String,
    /// Changes as of `--set`.
    #[serde(default)]
    sets: Vec<String>,
    /// How many replications; what the scenario says if nothing is said.
    replications: Option<u32>,
    /// Which replication to show: the first that loses a request if nothing is said.
    replication: Option<u64>,
    /// Look for what would have saved each lost request, by running again: takes several times as long.
    #[serde(default)]
    savings: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Task {
    Result,
    Play,
}

#[derive(Serialize)]
struct Played {
    schema: &'static str,
    /// All keys with their values.
    settled: String,
    /// The warnings as text, as the command line prints them.
    warnings: String,
    /// For `kubectl patch`.
    patch: String,
    result: RunResult,
    race: Race,
}

#[derive(Serialize)]
struct Problems<'a> {
    schema: &'static str,
    /// As the command line prints them.
    text: String,
    problems: &'a [Problem],
}

/// Answers a request. What cannot be done is answered, too, as problems.
pub fn answer(request: &str) -> String {
    match serde_json::from_str::<Request>(request) {
        Ok(request) => answer_to(&request),
        Err(error) => json::render(&Problems {
            schema: PROBLEMS_SCHEMA,
            text: format!("error: the page asked for something unknown: {error}\n"),
            problems: &[],
        }),
    }
}

fn answer_to(request: &Request) -> String {
    let mut sets = request.sets.clone();
    sets.extend(request.replications.map(|replications| format!("run.replications={replications}")));
    match scenario::read(&Source::new(&request.name, &request.text), &sets) {
        Ok((scenario, problems)) if request.task == Task::Result => {
            json::render(&result(&scenario, &problems, Estimator::EveryRequest).0)
        }
        Ok((scenario, problems)) => json::render(&play(request, &scenario, &problems)),
        Err(problems) => json::render(&Problems {
            schema: PROBLEMS_SCHEMA,
            text: scenario::render(&problems, false),
            problems: &problems,
        }),
    }
}

fn play(request: &Request, scenario: &Scenario, problems: &[Problem]) -> Played {
    let (result, metrics) = result(scenario, problems, quickest(scenario));
    let replication = request.replication.unwrap_or_else(|| first_loss(&metrics));
    Played {
        schema: PLAY_SCHEMA,
        settled: scenario::settled_toml(scenario),
        warnings: scenario::render(problems, false),
        patch: patch::patch(scenario),
        result,
        race: race(scenario, replication, request.savings),
    }
}

/// One replication as a page shows it; with `savings`, what would have saved each lost request is looked for.
pub fn race(scenario: &Scenario, replication: u64, savings: bool) -> Race {
    let trace = explain::traced(scenario, replication);
    let savings = savings.then(|| explain::savings(scenario, replication, &trace));
    Race::new(&trace, Which { scenario: &scenario.name, seed: scenario.run.seed, replication }, savings.as_deref())
}

/// The number of the first replication that loses a request, else 0.
pub fn first_loss(metrics: &[Metrics]) -> u64 {
    let loses = |metrics: &Metrics| metrics.get(Metric::Failed).is_some_and(|failed| failed > 0.0);
    metrics.iter().position(loses).unwrap_or(0) as u64
}

/// Counts of failures are the same with either estimator, where one is not refused.
fn quickest(scenario: &Scenario) -> Estimator {
    if refusals(scenario).is_empty() { Estimator::FailuresOnly } else { Estimator::EveryRequest }
}

fn result(scenario: &Scenario, problems: &[Problem], estimator: Estimator) -> (RunResult, Vec<Metrics>) {
    let (mut all, mut digest) = (Vec::new(), Digest::default());
    for replication in 0..u64::from(scenario.run.replications) {
        let output = run::run_once(scenario, replication, Options { estimator, ..Options::default() });
        digest.join(output.digest);
        all.push(output.metrics);
    }
    let identity = Identity { scenario: &scenario.name, seed: scenario.run.seed, digest: digest.value() };
    let mut result = RunResult::new(&identity, &all, warnings(problems));
    if estimator == Estimator::FailuresOnly {
        result.name_estimator(FAILURES_ONLY);
    }
    (result, all)
}

/// Doubts about a scenario as its result states them.
pub fn warnings(problems: &[Problem]) -> Vec<Warning> {
    let warning = |problem: &Problem| Warning {
        code: problem.code.to_owned(),
        key: problem.key.clone().unwrap_or_default(),
        message: problem.message.clone(),
    };
    problems.iter().map(warning).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARTICLE: &str = include_str!("../../scenarios/article-no-hook.toml");

    fn ask(task: &str, text: &str, more: serde_json::Value) -> serde_json::Value {
        let mut request = serde_json::json!({"task": task, "name": "page.toml", "text": text, "replications": 3});
        let fields = more.as_object().into_iter().flatten();
        fields.for_each(|(key, value)| request[key] = value.clone());
        serde_json::from_str(&answer(&request.to_string())).unwrap()
    }

    #[test]
    fn play_shows_the_first_replication_that_loses() {
        let answer = ask("play", ARTICLE, serde_json::json!({}));
        assert_eq!(answer["schema"], PLAY_SCHEMA);
        assert_eq!(answer["result"]["replications"], 3);
        assert_eq!(answer["race"]["replication"], 0);
        assert!(answer["race"]["n_lost"].as_u64().unwrap() > 0);
        assert!(answer["settled"].as_str().unwrap().contains("[pod.server]"));
    }

    #[test]
    fn both_estimators_count_the_same_failures() {
        let of = |task| ask(task, ARTICLE, serde_json::json!({}));
        assert_eq!(of("play")["result"]["metrics"]["failed"], of("result")["metrics"]["failed"]);
    }

    #[test]
    fn what_would_have_saved_a_request_is_told_if_asked_for() {
        let told = |savings| ask("play", ARTICLE, serde_json::json!({"savings": savings}))["race"]["lost"].to_string();
        assert!(told(true).contains("model.without") && !told(false).contains("model.without"));
    }

    #[test]
    fn a_mistake_is_answered_as_on_the_command_line() {
        let answer = ask("play", "[pod]\ntermination_grace_perod = \"10s\"\n", serde_json::json!({}));
        let text = answer["text"].as_str().unwrap();
        assert!(text.contains("page.toml:2:1") && text.contains("termination_grace_period"), "{text}");
        assert_eq!(answer["problems"][0]["line"], 2);
    }

    #[test]
    fn nonsense_is_answered() {
        assert!(answer("{").contains(PROBLEMS_SCHEMA));
        assert!(answer(r#"{"task": "fly"}"#).contains("unknown"));
    }
}
