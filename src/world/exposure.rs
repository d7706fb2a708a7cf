//! How long a new connection could still be sent to a pod that does not listen: read off the facts as they come, for each
//! element of the data plane by its number.

use crate::ids::PodId;
use crate::record::{Fact, PodEvent};
use crate::units::{SimDuration, SimTime};

/// Whether a pod listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listens {
    NotYet,
    Now,
    NoMore,
}

/// The rules of one node, or the list of one worker.
#[derive(Debug)]
struct Rules {
    /// Endpoints in them.
    count: u32,
    /// Those that listen no more, and those that do not listen yet.
    dead: u32,
    early: u32,
    /// By pod: in the rules.
    holds: Vec<bool>,
    /// It has held a pod; a headless Service has no rules anywhere.
    has_held: bool,
    /// The integral of dead / count, in seconds.
    share_secs: f64,
    /// Pod-times in which dead and early ones were held.
    stop_side: SimDuration,
    start_side: SimDuration,
}

/// The sums so far.
#[derive(Debug)]
pub(super) struct Exposure {
    now: SimTime,
    /// By pod; further ones do not listen yet.
    listens: Vec<Listens>,
    elements: Vec<Rules>,
    /// Elements that hold a pod that does not listen.
    exposed: Vec<usize>,
    terminated: u32,
    started: u32,
}

impl Rules {
    fn holding(pods: &[PodId]) -> Rules {
        let mut holds = Vec::new();
        pods.iter().for_each(|pod| *at(&mut holds, *pod, false) = true);
        Rules {
            count: pods.len() as u32,
            dead: 0,
            early: 0,
            holds,
            has_held: !pods.is_empty(),
            share_secs: 0.0,
            stop_side: SimDuration::ZERO,
            start_side: SimDuration::ZERO,
        }
    }
}

impl Exposure {
    /// `old` pods listen; each element holds these at the start.
    pub(super) fn new<'a>(elements: impl Iterator<Item = &'a [PodId]>, old: u32) -> Self {
        Exposure {
            now: SimTime::ZERO,
            listens: vec![Listens::Now; old as usize],
            elements: elements.map(Rules::holding).collect(),
            exposed: Vec::new(),
            terminated: 0,
            started: 0,
        }
    }

    pub(super) fn note(&mut self, fact: &Fact) {
        match *fact {
            Fact::Pod { at, pod, event: PodEvent::Started } => self.set_listens(at, pod, Listens::NotYet),
            Fact::Pod { at, pod, event: PodEvent::Listening } => self.set_listens(at, pod, Listens::Now),
            Fact::Pod { at, pod, event: PodEvent::ListenerClosed } => self.set_listens(at, pod, Listens::NoMore),
            _ => {}
        }
    }

    /// A pod comes into the rules of an element, or goes.
    pub(super) fn set_rule(&mut self, now: SimTime, pod: PodId, element: usize, comes: bool) {
        self.advance(now);
        let listens = self.listens(pod);
        let rules = &mut self.elements[element];
        let before = std::mem::replace(at(&mut rules.holds, pod, false), comes);
        if before != comes {
            rules.has_held |= comes;
            rules.count = if comes { rules.count + 1 } else { rules.count - 1 };
            self.tally(element, listens, comes);
        }
    }

    fn set_listens(&mut self, now: SimTime, pod: PodId, listens: Listens) {
        match listens {
            Listens::NotYet => self.started += 1,
            Listens::Now => {}
            Listens::NoMore => self.terminated += 1,
        }
        self.advance(now);
        let before = std::mem::replace(at(&mut self.listens, pod, Listens::NotYet), listens);
        for element in 0..self.elements.len() {
            if self.elements[element].holds.get(pod.index()).is_some_and(|holds| *holds) {
                self.tally(element, before, false);
                self.tally(element, listens, true);
            }
        }
    }

    fn listens(&self, pod: PodId) -> Listens {
        self.listens.get(pod.index()).copied().unwrap_or(Listens::NotYet)
    }

    /// A pod in this state comes into, or goes from, the rules of an element.
    fn tally(&mut self, element: usize, listens: Listens, comes: bool) {
        let rules = &mut self.elements[element];
        let count = match listens {
            Listens::NoMore => &mut rules.dead,
            Listens::NotYet => &mut rules.early,
            Listens::Now => return,
        };
        *count = if comes { *count + 1 } else { *count - 1 };
        let (is_exposed, place) =
            (rules.dead + rules.early > 0, self.exposed.iter().position(|other| *other == element));
        match place {
            None if is_exposed => self.exposed.push(element),
            Some(place) if !is_exposed => drop(self.exposed.swap_remove(place)),
            _ => {}
        }
    }

    /// Adds the time up to `at` to the sums.
    fn advance(&mut self, at: SimTime) {
        let passed = at.saturating_since(self.now);
        self.now = self.now.max(at);
        for element in &self.exposed {
            let rules = &mut self.elements[*element];
            rules.stop_side += passed * u64::from(rules.dead);
            rules.start_side += passed * u64::from(rules.early);
            rules.share_secs += passed.as_secs_f64() * f64::from(rules.dead) / f64::from(rules.count);
        }
    }

    /// The metrics at the end of the run: `exposure_s`, `exposed_share_s`, `start_exposure_s`; none without rules. The means are over the
    /// elements that `counted` says; `entering` is the share of the offered load that each element chooses for.
    pub(super) fn finish(
        mut self,
        end: SimTime,
        entering: &[f64],
        counted: &[bool],
    ) -> (Option<f64>, Option<f64>, Option<f64>) {
        self.advance(end);
        let has_rules = self.elements.iter().zip(counted).any(|(rules, counts)| *counts && rules.has_held);
        let elements = counted.iter().filter(|counts| **counts).count() as f64;
        let sum = |side: fn(&Rules) -> SimDuration| {
            let counted = self.elements.iter().zip(counted).filter(|(_, counts)| **counts);
            counted.map(|(rules, _)| side(rules)).sum::<SimDuration>().as_secs_f64()
        };
        let mean = |sum: f64, pods: u32| (pods > 0 && has_rules).then(|| sum / (f64::from(pods) * elements));
        let share = self.elements.iter().zip(entering).map(|(rules, weight)| rules.share_secs * weight).sum();
        let share = has_rules.then_some(share);
        (mean(sum(|rules| rules.stop_side), self.terminated), share, mean(sum(|rules| rules.start_side), self.started))
    }
}

/// The entry of a pod in a table that grows as pods come.
fn at<T: Copy>(table: &mut Vec<T>, pod: PodId, otherwise: T) -> &mut T {
    if table.len() <= pod.index() {
        table.resize(pod.index() + 1, otherwise);
    }
    &mut table[pod.index()]
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
        let pod = |secs, pod, event| Fact::Pod { at: at(secs), pod: PodId(pod), event };
        exposure.note(&pod(1, 2, PodEvent::Started));
        exposure.set_rule(at(2), PodId(2), 0, true);
        exposure.note(&pod(3, 2, PodEvent::Listening));
        exposure.note(&pod(10, 0, PodEvent::ListenerClosed));
        exposure.set_rule(at(13), PodId(0), 0, false);
        exposure.set_rule(at(14), PodId(0), 1, false);
        let (stop, share, start) = exposure.finish(at(60), &[0.25, 0.75], &[true, true]);
        close(stop.unwrap(), (3.0 + 4.0) / 2.0);
        close(share.unwrap(), 0.25 * 3.0 / 3.0 + 0.75 * 4.0 / 2.0);
        close(start.unwrap(), 1.0 / 2.0);
    }
}
