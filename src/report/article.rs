//! What the built-in comparison says in plain sentences, computed from its results.
//!
//! The article that started this project measured a rolling update of three nginx pods once without and once with a
//! preStop hook. One run is one draw: the sentences say where in the simulated distribution those two draws lie.

use super::frequency::frequency_of;
use super::number::{count, percent, short};
use super::{RunResult, result};
use crate::record::{Metric, Metrics};

/// What the article's run counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observed {
    /// Requests that failed.
    pub failed: f64,
    /// Sockets that fortio used.
    pub connections: f64,
}

/// Without the hook: 4 failed of 30,000, 23 sockets.
pub const NO_HOOK: Observed = Observed { failed: 4.0, connections: 23.0 };

/// With the hook: none failed, 17 sockets.
pub const WITH_HOOK: Observed = Observed { failed: 0.0, connections: 17.0 };

/// What the article counted for the scenario of this name.
pub fn observed(scenario: &str) -> Option<Observed> {
    match scenario {
        "article-no-hook" => Some(NO_HOOK),
        "article-with-hook" => Some(WITH_HOOK),
        _ => None,
    }
}

/// What a scenario loses: `loses 4.0 requests per rollout (…)`.
pub fn losses(run: &RunResult) -> String {
    let (Some(failed), Some(any)) = (run.metric(Metric::Failed), &run.probability.any_failed) else {
        return format!("{} sends no request.", run.scenario);
    };
    let bound = any.ci95.map_or_else(String::new, |interval| percent(interval.high()));
    if any.hits() == 0 {
        let n = count(any.n as f64);
        return format!(
            "{} loses no request in {n} rollouts: at most {bound} of all rollouts lose one (95 % confidence).",
            run.scenario
        );
    }
    format!(
        "{} loses {} requests per rollout on average, {} to {} in nine of ten; {} of the rollouts lose at least one.",
        run.scenario,
        short(failed.mean),
        short(failed.p05),
        short(failed.p95),
        percent(any.estimate),
    )
}

/// Where the article's own run lies among the simulated ones.
pub fn against_the_article(run: &RunResult, replications: &[Metrics], observed: Observed) -> String {
    let chance = |metric, value| {
        frequency_of(&result::values(metric, replications), value)
            .map_or_else(String::new, |share| percent(share.estimate))
    };
    format!(
        "The article counted {} failed requests and {} connections here; of the simulated rollouts of {}, {} lose exactly \
         {}, and {} open exactly {}.",
        count(observed.failed),
        count(observed.connections),
        run.scenario,
        chance(Metric::Failed, observed.failed),
        count(observed.failed),
        chance(Metric::ConnectionsOpened, observed.connections),
        count(observed.connections),
    )
}

/// The sentence broken into lines of at most 100 characters, those after the first set in by two.
pub fn wrapped(sentence: &str) -> String {
    const WIDTH: usize = 100;
    let (mut text, mut room) = (String::new(), WIDTH);
    for word in sentence.split(' ') {
        let length = word.chars().count();
        if text.is_empty() {
            room = WIDTH.saturating_sub(length);
        } else if length < room {
            text.push(' ');
            room -= length + 1;
        } else {
            text.push_str("\n  ");
            room = (WIDTH - 2).saturating_sub(length);
        }
        text.push_str(word);
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_broken_between_words() {
        let text = wrapped(&"word ".repeat(45));
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        assert_eq!(text.lines().map(|line| line.split_whitespace().count()).collect::<Vec<_>>(), [20, 19, 6]);
    }
    use crate::report::result::samples;

    #[test]
    fn losses_are_said_with_their_bound() {
        let pair = samples::pair();
        assert_eq!(
            losses(&pair.runs[0]),
            "no-hook loses 3.83 requests per rollout on average, 0 to 7 in nine of ten; 83 % of the rollouts lose at \
             least one."
        );
        assert_eq!(
            losses(&pair.runs[1]),
            "with-hook loses no request in 6 rollouts: at most 46 % of all rollouts lose one (95 % confidence)."
        );
    }

    #[test]
    fn the_article_is_placed_in_the_distribution() {
        let metrics = samples::replications(&[3, 4, 5, 0, 7, 4]);
        assert_eq!(
            against_the_article(&samples::result("no-hook", &metrics), &metrics, NO_HOOK),
            "The article counted 4 failed requests and 23 connections here; of the simulated rollouts of no-hook, 33 % \
             lose exactly 4, and 33 % open exactly 23."
        );
    }
}
