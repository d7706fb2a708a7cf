//! How long a new connection could still be sent to a pod that does not listen: read off the facts as they come.

use std::collections::{BTreeMap, BTreeSet};

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

/// The rules of one node.
#[derive(Debug)]
struct NodeRules {
    /// Endpoints in them.
    count: u32,
    /// Those that listen no more, and those that do not listen yet.
    dead: u32,
    early: u32,
    /// By pod: in the rules.
    holds: BTreeSet<PodId>,
    /// The integral of dead / count, in seconds.
    share_secs: f64,
}

/// The sums so far.
#[derive(Debug)]
pub(super) struct Exposure {
    now: SimTime,
    listens: BTreeMap<PodId, Listens>,
    nodes: Vec<NodeRules>,
    /// Nodes whose rules hold a pod that does not listen.
    exposed: BTreeSet<NodeId>,
    /// Sum over terminated pods and nodes.
    stop_side: SimDuration,
    /// Sum over started pods and nodes.
    start_side: SimDuration,
    terminated: u32,
    started: u32,
    /// A headless Service has no rules anywhere.
    has_rules: bool,
}

impl Exposure {
    /// `old` pods listen; each node has these in its rules.
    pub(super) fn new<'a>(rules: impl Iterator<Item = &'a [PodId]>, old: u32) -> Self {
        let of_node = |pods: &[PodId]| NodeRules {
            count: pods.len() as u32,
            dead: 0,
            early: 0,
            holds: pods.iter().copied().collect(),
            share_secs: 0.0,
        };
        let nodes: Vec<_> = rules.map(of_node).collect();
        Exposure {
            now: SimTime::ZERO,
            listens: (0..old).map(|pod| (PodId(pod), Listens::Now)).collect(),
            has_rules: nodes.iter().any(|node| node.count > 0),
            nodes,
            exposed: BTreeSet::new(),
            stop_side: SimDuration::ZERO,
            start_side: SimDuration::ZERO,
            terminated: 0,
            started: 0,
        }
    }

    pub(super) fn note(&mut self, fact: &Fact) {
        match *fact {
            Fact::Rule { at, pod, node, event: RuleEvent::In } => self.set_rule(at, pod, node, true),
            Fact::Rule { at, pod, node, event: RuleEvent::Out } => self.set_rule(at, pod, node, false),
            Fact::Pod { at, pod, event: PodEvent::Started } => self.set_listens(at, pod, Listens::NotYet),
            Fact::Pod { at, pod, event: PodEvent::Listening } => self.set_listens(at, pod, Listens::Now),
            Fact::Pod { at, pod, event: PodEvent::ListenerClosed } => self.set_listens(at, pod, Listens::NoMore),
            _ => {}
        }
    }

    fn set_rule(&mut self, at: SimTime, pod: PodId, node: NodeId, comes: bool) {
        self.advance(at);
        let listens = self.listens(pod);
        let rules = &mut self.nodes[node.index()];
        let changed = if comes { rules.holds.insert(pod) } else { rules.holds.remove(&pod) };
        if changed {
            rules.count = if comes { rules.count + 1 } else { rules.count - 1 };
            self.tally(node, listens, comes);
        }
    }

    fn set_listens(&mut self, at: SimTime, pod: PodId, listens: Listens) {
        match listens {
            Listens::NotYet => self.started += 1,
            Listens::Now => {}
            Listens::NoMore => self.terminated += 1,
        }
        self.advance(at);
        let before = self.listens(pod);
        self.listens.insert(pod, listens);
        for node in (0..self.nodes.len() as u32).map(NodeId) {
            if self.nodes[node.index()].holds.contains(&pod) {
                self.tally(node, before, false);
                self.tally(node, listens, true);
            }
        }
    }

    fn listens(&self, pod: PodId) -> Listens {
        self.listens.get(&pod).copied().unwrap_or(Listens::NotYet)
    }

    /// A pod in this state comes into, or goes from, the rules of a node.
    fn tally(&mut self, node: NodeId, listens: Listens, comes: bool) {
        let rules = &mut self.nodes[node.index()];
        let count = match listens {
            Listens::NoMore => &mut rules.dead,
            Listens::NotYet => &mut rules.early,
            Listens::Now => return,
        };
        *count = if comes { *count + 1 } else { *count - 1 };
        if rules.dead + rules.early > 0 {
            self.exposed.insert(node);
        } else {
            self.exposed.remove(&node);
        }
    }

    /// Adds the time up to `at` to the sums.
    fn advance(&mut self, at: SimTime) {
        let passed = at.saturating_since(self.now);
        self.now = self.now.max(at);
        for node in &self.exposed {
            let rules = &mut self.nodes[node.index()];
            self.stop_side += passed * u64::from(rules.dead);
            self.start_side += passed * u64::from(rules.early);
            rules.share_secs += passed.as_secs_f64() * f64::from(rules.dead) / f64::from(rules.count);
        }
    }

    /// The metrics at the end of the run: `exposure_s`, `exposed_share_s`, `start_exposure_s`. `entering` is the share
    /// of the offered load that enters at each node.
    pub(super) fn finish(mut self, end: SimTime, entering: &[f64]) -> (Option<f64>, Option<f64>, Option<f64>) {
        self.advance(end);
        let nodes = self.nodes.len() as f64;
        let counts = |pods: u32| pods > 0 && self.has_rules;
        let mean = |sum: SimDuration, pods: u32| counts(pods).then(|| sum.as_secs_f64() / (f64::from(pods) * nodes));
        let share = self.nodes.iter().zip(entering).map(|(rules, weight)| rules.share_secs * weight).sum();
        (mean(self.stop_side, self.terminated), self.has_rules.then_some(share), mean(self.start_side, self.started))
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
        let both = [PodId(0), PodId(1)];
        let mut exposure = Exposure::new([&both[..], &both[..]].into_iter(), 2);
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
        close(share.unwrap(), 0.25 * 3.0 / 3.0 + 0.75 * 4.0 / 2.0);
        close(start.unwrap(), 1.0 / 2.0);
    }
}
