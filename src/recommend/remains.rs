//! What is lost at the best hook where none suffices: what the lost requests met, and what helps when it is tried.

use std::collections::BTreeMap;

use super::lab::{self, Lab, Test, Verdict};
use super::remedies::{REMEDIES, Remedy};
use super::result::{LossEstimate, Part, Remains, Tried, word};
use super::search::Tested;
use crate::model::spec::Scenario;
use crate::record::LostRequest;

/// Traced replications from which is read what lost requests meet.
const READ: u64 = 32;
/// Requests simulated for a remedy at most.
const REQUESTS_A_REMEDY: f64 = 20e6;
/// A change helps if what it leaves is below this share of the loss.
const HELPS: f64 = 0.9;

/// What remains at the best of the hooks, with all remedies tried there, alone and together.
pub(super) fn of(lab: &Lab<'_>, points: &[Tested], confidence: f64, requests: f64) -> Remains {
    let best = best(points);
    let scenario = lab.scenario_with(lab.setup(best.sleep_s));
    let met = met(lab, &scenario);
    let before = best.test.loss.mean;
    let mut helpful = Vec::new();
    let mut tried: Vec<Tried> = Vec::new();
    for remedy in REMEDIES {
        let Some(test) = attempt(lab, &scenario, &[remedy], confidence, best) else { continue };
        if test.loss.mean < HELPS * before || test.verdict == Verdict::Meets {
            helpful.push(remedy);
            tried.push(entry(&[remedy], &test, requests));
        }
    }
    if helpful.len() > 1
        && !tried.iter().any(|one| one.verdict == word(Verdict::Meets))
        && let Some(test) = attempt(lab, &scenario, &helpful, confidence, best)
    {
        tried.push(entry(&helpful, &test, requests));
    }
    tried.sort_by(|one, other| one.loss.failed.total_cmp(&other.loss.failed));
    Remains { sleep_s: best.sleep_s, loss: LossEstimate::new(&best.test.loss, requests), met, remedies: tried }
}

/// The shortest hook whose loss is as small as any: what lies within the bounds of the least loss is as small.
fn best(points: &[Tested]) -> &Tested {
    let least = points.iter().min_by(|one, other| one.test.loss.mean.total_cmp(&other.test.loss.mean));
    let most = least.map_or(0.0, |least| least.test.loss.bounds.high());
    points.iter().find(|point| point.test.loss.mean <= most).expect("a hook of no seconds was tested")
}

fn attempt(lab: &Lab<'_>, scenario: &Scenario, remedies: &[&Remedy], confidence: f64, best: &Tested) -> Option<Test> {
    let mut changed = scenario.clone();
    let applied = remedies.iter().filter(|remedy| (remedy.apply)(&mut changed)).count();
    let test = (applied > 0).then(|| lab.judge(&changed, REQUESTS_A_REMEDY, confidence, best.test.largest()))?;
    let over = |test: &Test| {
        test.rollouts.iter().filter(|rollout| lab::is_over(rollout)).count() as f64 / test.rollouts.len() as f64
    };
    // What keeps old pods from being replaced saves requests, but is no remedy.
    (over(&test) >= over(&best.test) * HELPS).then_some(test)
}

fn entry(remedies: &[&Remedy], test: &Test, requests: f64) -> Tried {
    let joined = |part: fn(&Remedy) -> &'static str, between| {
        remedies.iter().map(|remedy| part(remedy)).collect::<Vec<_>>().join(between)
    };
    Tried {
        set: joined(|remedy| remedy.set, " "),
        words: joined(|remedy| remedy.words, "; and "),
        loss: LossEstimate::new(&test.loss, requests),
        verdict: word(test.verdict),
    }
}

/// What lost requests met, most frequent first.
fn met(lab: &Lab<'_>, scenario: &Scenario) -> Vec<Part> {
    let lost: Vec<LostRequest> =
        lab.stories(scenario, 0..READ, &|output| output.trace.map_or_else(Vec::new, |trace| trace.lost)).concat();
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    lost.iter().for_each(|request| *counts.entry(request.met.words()).or_default() += 1);
    let share = |(what, count): (&'static str, usize)| Part { what, share: count as f64 / lost.len() as f64 };
    let mut parts: Vec<Part> = counts.into_iter().map(share).collect();
    parts.sort_by(|one, other| other.share.total_cmp(&one.share));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recommend::search::Tested;

    /// Behind an ingress, which the load balancer knows instead of the pods, a gated pod never becomes Ready.
    #[test]
    fn what_keeps_the_rollout_from_happening_is_no_remedy() {
        let source = crate::scenario::Source::new("alb.toml", include_str!("../../scenarios/alb-before-ingress.toml"));
        let (scenario, _) = crate::scenario::read(&source, &["clients.0.rate=2/s".to_owned()]).unwrap();
        let mut lab = Lab::new(&scenario, &|_| ());
        lab.limit = f64::MAX;
        let test = lab.judge(&scenario, 1.0, 0.9, 1.0);
        let best = Tested { sleep_s: 0, test, limit: lab.limit };
        let gate = REMEDIES.iter().find(|remedy| remedy.set.contains("readiness_gate")).unwrap();
        let retry = REMEDIES.iter().find(|remedy| remedy.set.contains("workers")).unwrap();
        assert!(attempt(&lab, &scenario, &[gate], 0.9, &best).is_none());
        assert!(attempt(&lab, &scenario, &[retry], 0.9, &best).is_some());
    }
}
