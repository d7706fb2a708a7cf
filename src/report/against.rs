//! A change against what was before it: the same rollout with the old and with the new manifest, with the same luck, and
//! whether the new one is worse.
//!
//! The test is paired: replication by replication the failed requests of the old rollout are taken from those of the new one. The
//! new one is worse if the 95 % interval of the mean difference (Student's t) lies above 0, so that of changes that do nothing about
//! 1 in 40 is called worse by chance; one that changes no replication never is. An interval that holds 0 decides nothing, and
//! neither does a single replication.

use serde::Serialize;

use super::markdown::pipes;
use super::rows::NO_DIFFERENCE;
use super::{Difference, RunResult, assumptions, count};
use crate::record::Metric;

/// The `schema` of an [`Against`].
pub const SCHEMA: &str = "rollsim/against/v1";

/// What the test says of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It loses more requests.
    Worse,
    /// It loses fewer.
    Better,
    /// Every replication loses as many as before.
    Same,
    /// The interval of the difference holds 0, or there is none.
    Undecided,
}

/// One workload, before and after.
#[derive(Debug, Clone, Serialize)]
pub struct Pair {
    /// Its name.
    pub workload: String,
    /// Before.
    pub old: RunResult,
    /// After.
    pub new: RunResult,
    /// New minus old, of the failed requests.
    pub failed: Option<Difference>,
    /// What the test says.
    pub verdict: Verdict,
}

/// All workloads that both have.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Against {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// In the order of the new manifests.
    pub pairs: Vec<Pair>,
    /// Workloads of the new manifests that the old ones do not have.
    pub added: Vec<RunResult>,
    /// Workloads that a Service sent requests to before, and none does now: whatever a rollout loses, they lose all of it.
    pub unserved: Vec<String>,
    /// Workloads that are there no more.
    pub removed: Vec<String>,
}

/// The verdict on a difference of failed requests; `differs` tells whether any replication has one.
pub fn verdict(difference: Option<&Difference>, differs: bool) -> Verdict {
    let interval = difference.and_then(|difference| difference.ci95);
    let has_spread = difference.is_some_and(|difference| difference.n > 1);
    match interval {
        _ if !has_spread => Verdict::Undecided,
        _ if !differs => Verdict::Same,
        Some(interval) if interval.low() > 0.0 => Verdict::Worse,
        Some(interval) if interval.high() < 0.0 => Verdict::Better,
        _ => Verdict::Undecided,
    }
}

impl Verdict {
    const fn words(self) -> &'static str {
        match self {
            Verdict::Worse => "loses more requests than before",
            Verdict::Better => "loses fewer requests than before",
            Verdict::Same => "loses as many as before, in every replication",
            Verdict::Undecided => "no difference can be told",
        }
    }
}

impl Against {
    /// Whether any workload got worse.
    pub fn is_worse(&self) -> bool {
        self.pairs.iter().any(|pair| pair.verdict == Verdict::Worse) || !self.unserved.is_empty()
    }
}

/// One line for each workload.
pub fn lines(against: &Against) -> String {
    let added = against.added.iter().map(|run| format!("{}: new; loses {}\n", run.scenario, failed(run)));
    against.pairs.iter().map(line).chain(added).chain(remarks(against).map(|remark| remark + "\n")).collect()
}

fn remarks(against: &Against) -> impl Iterator<Item = String> {
    let unserved =
        against.unserved.iter().map(|workload| format!("{workload}: no Service sends requests to it any more"));
    unserved.chain(against.removed.iter().map(|workload| format!("{workload}: is there no more")))
}

fn line(pair: &Pair) -> String {
    format!(
        "{}: {}; failed requests {} before, {} now, difference {}\n",
        pair.workload,
        pair.verdict.words(),
        failed(&pair.old),
        failed(&pair.new),
        pair.failed.as_ref().map_or_else(|| "unknown".to_owned(), difference)
    )
}

/// The mean with its interval.
fn failed(run: &RunResult) -> String {
    let Some(summary) = run.metric(Metric::Failed) else { return "unknown".to_owned() };
    let none_seen = summary.max <= 0.0;
    match summary.ci95 {
        Some(interval) if none_seen => format!("0 [0, {}] if lost one by one", short(interval.high())),
        Some(interval) => {
            format!("{} [{}, {}]", short(summary.mean), short(interval.low().max(0.0)), short(interval.high()))
        }
        None => short(summary.mean),
    }
}

fn difference(difference: &Difference) -> String {
    let Difference { mean, ci95, n, .. } = difference;
    match ci95 {
        _ if difference.is_none() => format!("{NO_DIFFERENCE}, n = {n}"),
        Some(interval) => format!("{mean:+.3} [{:+.3}, {:+.3}], n = {n}", interval.low(), interval.high()),
        None => format!("{mean:+.3}, n = {n}"),
    }
}

fn short(value: f64) -> String {
    format!("{value:.3}")
}

/// The mark by which a later comment finds an earlier one, to take its place.
const MARK: &str = "<!-- rollsim -->";

/// What the change does, as far as it can be told.
fn headline(against: &Against) -> String {
    let undecided = against.pairs.iter().filter(|pair| pair.verdict == Verdict::Undecided).count();
    match (against.is_worse(), against.pairs.len(), undecided) {
        (true, ..) if !against.unserved.is_empty() => "With this change requests reach no pod any more.".to_owned(),
        (true, ..) => "This change loses more requests during a rollout.".to_owned(),
        (false, 0, _) => "Nothing to compare with.".to_owned(),
        (false, _, 0) => "This change loses no more requests during a rollout than before.".to_owned(),
        (false, all, some) if some == all => format!("{UNTOLD} cannot be told; more replications may."),
        (false, all, some) => {
            format!("{UNTOLD} cannot be told of {some} of {all} workloads; the others lose no more than before.")
        }
    }
}

const UNTOLD: &str = "Whether this change loses more requests during a rollout";

/// A short comment for a change under review.
pub fn comment(against: &Against) -> String {
    let head = headline(against);
    let header = ["workload", "before", "now", "difference", "verdict"].map(str::to_owned);
    let pair = |pair: &Pair| {
        let difference = pair.failed.as_ref().map(difference).unwrap_or_default();
        vec![pair.workload.clone(), failed(&pair.old), failed(&pair.new), difference, pair.verdict.words().to_owned()]
    };
    let added =
        |run: &RunResult| vec![run.scenario.clone(), String::new(), failed(run), String::new(), "new".to_owned()];
    let rows = against.pairs.iter().map(pair).chain(against.added.iter().map(added)).collect();
    let mut out = format!("{MARK}\n**{head}**\n\n{}\n{}\n", pipes(&header, rows), FOOT);
    remarks(against).for_each(|remark| out.push_str(&format!("\n{remark}\n")));
    let runs = against.pairs.iter().map(|pair| &pair.new).chain(&against.added);
    runs.for_each(|run| out.push_str(&assumptions::markdown(run)));
    out
}

const FOOT: &str =
    "Failed requests a rollout: mean and its 95 % interval over simulated rollouts with the same luck before and now.";

/// A short comment about rollouts by themselves.
pub fn comment_on(runs: &[RunResult]) -> String {
    let header = ["workload", "failed requests", "rollouts that lose any", "rollouts simulated"].map(str::to_owned);
    let row = |run: &RunResult| {
        let any = run.probability.any_failed.as_ref().map(|share| format!("{:.1} %", share.estimate * 100.0));
        vec![run.scenario.clone(), failed(run), any.unwrap_or_default(), count(run.replications as f64)]
    };
    let mut out = format!("{MARK}\n{}\nMean and its 95 % interval.\n", pipes(&header, runs.iter().map(row).collect()));
    runs.iter().for_each(|run| out.push_str(&assumptions::markdown(run)));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::result::{difference as paired, samples};

    fn check(old: &[u32], new: &[u32], expected: Verdict) {
        let (before, after) = (samples::replications(old), samples::replications(new));
        let difference = paired(Metric::Failed, &before, &after);
        assert_eq!(verdict(difference.as_ref(), old != new), expected, "{old:?} {new:?}");
    }

    #[test]
    fn only_what_is_surely_worse_is_called_so() {
        check(&[3, 4, 5, 0, 7, 4], &[3, 4, 5, 0, 7, 4], Verdict::Same);
        check(&[0; 6], &[3, 4, 5, 2, 7, 4], Verdict::Worse);
        check(&[3, 4, 5, 2, 7, 4], &[0; 6], Verdict::Better);
        check(&[3, 4, 5, 0, 7, 4], &[3, 4, 6, 0, 7, 4], Verdict::Undecided);
    }

    #[test]
    fn one_replication_never_decides() {
        check(&[0], &[5], Verdict::Undecided);
        check(&[5], &[0], Verdict::Undecided);
        check(&[0], &[0], Verdict::Undecided);
    }

    fn pair(old: &[u32], new: &[u32]) -> Pair {
        let (before, after) = (samples::replications(old), samples::replications(new));
        let failed = paired(Metric::Failed, &before, &after);
        Pair {
            workload: "default/Deployment/web".to_owned(),
            old: samples::result("web", &before),
            new: samples::result("web", &after),
            verdict: verdict(failed.as_ref(), old != new),
            failed,
        }
    }

    fn check_headline(pairs: Vec<Pair>, expected: &str) {
        let text = comment(&Against { schema: SCHEMA, pairs, ..Against::default() });
        assert!(text.lines().nth(1).unwrap().contains(expected), "{text}");
    }

    #[test]
    fn what_cannot_be_told_is_not_called_no_more_than_before() {
        let (undecided, same) = (|| pair(&[0, 0], &[5, 3]), || pair(&[1, 2], &[1, 2]));
        check_headline(vec![undecided()], "cannot be told; more replications may");
        check_headline(vec![pair(&[0], &[5])], "cannot be told");
        check_headline(vec![undecided(), same()], "cannot be told of 1 of 2 workloads");
        check_headline(vec![same()], "loses no more requests");
        check_headline(vec![undecided(), pair(&[0; 6], &[3, 4, 5, 2, 7, 4])], "loses more requests");
    }

    #[test]
    fn a_difference_that_no_pair_shows_is_said_in_words() {
        let text = lines(&Against { schema: SCHEMA, pairs: vec![pair(&[1, 2], &[1, 2])], ..Against::default() });
        assert!(text.contains("difference 0 in every replication, n = 2"), "{text}");
    }

    #[test]
    fn a_comment_says_what_changed() {
        let pair = pair(&[0; 6], &[3, 4, 5, 2, 7, 4]);
        let against = Against { schema: SCHEMA, pairs: vec![pair], ..Against::default() };
        let text = comment(&against);
        assert!(text.starts_with("<!-- rollsim -->\n**This change loses more requests"), "{text}");
        assert!(text.contains("| default/Deployment/web | 0 [0, 0.615] if lost one by one |"), "{text}");
        assert!(lines(&against).contains("loses more requests than before"));
    }
}
