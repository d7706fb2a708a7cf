//! How long a new connection could still be sent to a pod that does not listen: read off the facts as they come.

use std::collections::BTreeMap;

use crate::ids::{NodeId, PodId};
use crate::record::{Fact, PodEvent, RuleEvent};
use crate::units::{SimDuration, SimTime};

/// Whether a pod listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listens {
    NotYet,
    Now,
    NoMore,
}

/// The sums so far.
#[derive(Debug)]
pub(super) struct Exposure {
    now: SimTime,
    listens: BTreeMap<PodId, Listens>,
    /// Pods in the rules, by node.
    rules: Vec<Vec<PodId>>,
    /// Exposed pods, by node: in the rules and not listening.
    exposed: Vec<(NodeId, PodId, Listens)>,
    /// Sum over terminated pods and nodes.
    stop_side: SimDuration,
    /// Sum over started pods and nodes.
    start_side: SimDuration,
    /// For each node the integral of 1/endpoints over the exposure of terminated pods, in seconds.
    share_secs: Vec<f64>,
    terminated: u32,
    started: u32,
}

impl Exposure {
    /// `old` pods listen and are in the rules of all `nodes`.
    pub(super) fn new(nodes: u32, old: u32) -> Self {
        let pods: Vec<PodId> = (0..old).map(PodId).collect();
        Exposure {
            now: SimTime::ZERO,
            listens: pods.iter().map(|pod| (*pod, Listens::Now)).collect(),
            rules: vec![pods; nodes as usize],
            exposed: Vec::new(),
            stop_side: SimDuration::ZERO,
            start_side: SimDuration::ZERO,
            share_secs: vec![0.0; nodes as usize],
            terminated: 0,
            started: 0,
        }
    }

    pub(super) fn note(&mut self, fact: &Fact) {
        match *fact {
            Fact::Rule { at, pod, node, event: RuleEvent::In } => {
                self.change(at, |now| now.rules[node.index()].push(pod))
            }
            Fact::Rule { at, pod, node, event: RuleEvent::Out } => {
                self.change(at, |now| now.rules[node.index()].retain(|other| *other != pod));
            }
            Fact::Pod { at, pod, event: PodEvent::Started } => self.set_listens(at, pod, Listens::NotYet),
            Fact::Pod { at, pod, event: PodEvent::Listening } => self.set_listens(at, pod, Listens::Now),
            Fact::Pod { at, pod, event: PodEvent::ListenerClosed } => self.set_listens(at, pod, Listens::NoMore),
            _ => {}
        }
    }

    fn set_listens(&mut self, at: SimTime, pod: PodId, listens: Listens) {
        match listens {
            Listens::NotYet => self.started += 1,
            Listens::Now => {}
            Listens::NoMore => self.terminated += 1,
        }
        self.change(at, |now| {
            now.listens.insert(pod, listens);
        });
    }

    fn change(&mut self, at: SimTime, change: impl FnOnce(&mut Self)) {
        self.advance(at);
        change(self);
        self.exposed.clear();
        for (node, rules) in self.rules.iter().enumerate() {
            let listens = |pod: &PodId| self.listens.get(pod).copied().unwrap_or(Listens::NotYet);
            let exposed = rules.iter().filter(|pod| listens(pod) != Listens::Now);
            self.exposed.extend(exposed.map(|pod| (NodeId(node as u32), *pod, listens(pod))));
        }
    }

    /// Adds the time up to `at` to the sums.
    fn advance(&mut self, at: SimTime) {
        let passed = at.saturating_since(self.now);
        self.now = self.now.max(at);
        for (node, _, listens) in &self.exposed {
            if *listens == Listens::NoMore {
                self.stop_side += passed;
                self.share_secs[node.index()] += passed.as_secs_f64() / self.rules[node.index()].len() as f64;
            } else {
                self.start_side += passed;
            }
        }
    }

    /// The metrics at the end of the run: `exposure_s`, `exposed_share_s`, `start_exposure_s`. `entering` is the share
    /// of the offered load that enters at each node.
    pub(super) fn finish(mut self, end: SimTime, entering: &[f64]) -> (Option<f64>, f64, Option<f64>) {
        self.advance(end);
        let nodes = self.rules.len() as f64;
        let mean = |sum: SimDuration, pods: u32| (pods > 0).then(|| sum.as_secs_f64() / (f64::from(pods) * nodes));
        let share = self.share_secs.iter().zip(entering).map(|(secs, weight)| secs * weight).sum();
        (mean(self.stop_side, self.terminated), share, mean(self.start_side, self.started))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(secs)
    }

    fn close(value: f64, expected: f64) {
        assert!((value - expected).abs() < 1e-12, "{value} against {expected}");
    }

    #[test]
    fn integrates_one_over_the_endpoints_from_the_closed_listener_to_the_rule_out() {
        let mut exposure = Exposure::new(2, 2);
        let rule = |secs, pod, node, event| Fact::Rule { at: at(secs), pod: PodId(pod), node: NodeId(node), event };
        let pod = |secs, pod, event| Fact::Pod { at: at(secs), pod: PodId(pod), event };
        exposure.note(&pod(1, 2, PodEvent::Started));
        exposure.note(&rule(2, 2, 0, RuleEvent::In));
        exposure.note(&pod(3, 2, PodEvent::Listening));
        exposure.note(&pod(10, 0, PodEvent::ListenerClosed));
        exposure.note(&rule(13, 0, 0, RuleEvent::Out));
        exposure.note(&rule(14, 0, 1, RuleEvent::Out));
        let (stop, share, start) = exposure.finish(at(60), &[0.25, 0.75]);
        close(stop.unwrap(), (3.0 + 4.0) / 2.0);
        close(share, 0.25 * 3.0 / 3.0 + 0.75 * 4.0 / 2.0);
        close(start.unwrap(), 1.0 / 2.0);
    }
}
