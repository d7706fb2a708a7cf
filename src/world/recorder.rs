//! Listens to the facts of a run: keeps what the metrics need, and the whole story if it was asked for.

use std::collections::BTreeSet;

use crate::engine::Digest;
use crate::ids::{NodeId, PodId, Revision};
use crate::model::api::{PodCounts, PodObject};
use crate::model::kube_proxy::KubeProxy;
use crate::model::spec::{RolloutKind, Scenario, ServiceKind};
use crate::record::{
    Fact, Level, Metric, Metrics, PodEvent, PodRecord, RouteEvent, Row, RuleEvent, RunOutput, Series, Trace,
};
use crate::units::SimTime;
use crate::world::capacity::Capacity;
use crate::world::elements::Elements;
use crate::world::exposure::Exposure;
use crate::world::requests::Requests;

/// The facts so far.
#[derive(Debug)]
pub(super) struct Recorder<'s> {
    elements: Elements<'s>,
    replicas: u32,
    exposure: Exposure,
    capacity: Capacity,
    digest: Digest,
    trace: Option<Trace>,
    template_changed: Option<SimTime>,
    complete: Option<SimTime>,
    /// The rollout is another way for pods to leave: it is complete when as many are ready as there should be, and those that
    /// left have ended.
    leaves: bool,
    deleted: u32,
    terminating: BTreeSet<PodId>,
    old_exited: u32,
    restarts: u32,
    may_restart: bool,
    /// Largest size of the Deployment, if something scales it.
    max_replicas: Option<u32>,
    last_old_exit: SimTime,
    min_ready: u32,
    max_objects: u32,
    /// The end of a run that ends after the old pods is in the calendar.
    pub(super) end_arranged: bool,
}

impl<'s> Recorder<'s> {
    /// `chooses` says which elements choose pods for clients.
    pub(super) fn new(
        scenario: &'s Scenario,
        traces: bool,
        (old, proxies): (&[PodObject], &[KubeProxy<'_>]),
        chooses: Vec<bool>,
    ) -> Self {
        let replicas = scenario.deployment.replicas;
        let elements = Elements::of(scenario);
        Recorder {
            elements,
            replicas,
            exposure: exposure(elements, replicas, proxies),
            capacity: capacity(scenario, elements, proxies, chooses),
            digest: Digest::default(),
            trace: traces.then(|| empty_trace(scenario, old, proxies)),
            template_changed: None,
            complete: None,
            leaves: matches!(scenario.rollout_kind, RolloutKind::Fault(_)),
            deleted: 0,
            terminating: BTreeSet::new(),
            old_exited: 0,
            restarts: 0,
            max_replicas: scenario.autoscaler.map(|_| replicas),
            may_restart: scenario.may_restart(),
            last_old_exit: SimTime::ZERO,
            min_ready: replicas,
            max_objects: replicas,
            end_arranged: false,
        }
    }

    pub(super) fn note(&mut self, fact: Fact) {
        self.digest.add(&fact.words());
        self.exposure.note(&fact);
        self.capacity.note(&fact);
        self.note_leaving(&fact);
        match fact {
            Fact::Rule { at, pod, node, event: event @ (RuleEvent::In | RuleEvent::Out) } => {
                self.set_rule(at, pod, node.index(), event == RuleEvent::In);
            }
            Fact::Route { at, pod, replica, worker, event: event @ (RouteEvent::In | RouteEvent::Out) } => {
                self.set_rule(at, pod, self.elements.worker(replica, worker), event == RouteEvent::In);
            }
            Fact::TemplateChanged { at } => {
                self.template_changed.get_or_insert(at);
            }
            Fact::RolloutComplete { at } => {
                self.complete.get_or_insert(at);
            }
            Fact::Pod { at, pod, event: PodEvent::Exited } if pod.0 < self.replicas => {
                self.old_exited += 1;
                self.last_old_exit = at;
            }
            Fact::Pod { pod, event: PodEvent::Restarted, .. } => {
                self.restarts += 1;
                self.old_exited -= u32::from(pod.0 < self.replicas);
            }
            _ => {}
        }
        if let Some(trace) = &mut self.trace {
            trace.note(fact);
        }
    }

    fn set_rule(&mut self, at: SimTime, pod: PodId, element: usize, comes: bool) {
        self.exposure.set_rule(at, pod, element, comes);
        self.capacity.set_rule(at, pod, element, comes);
    }

    /// Looks how much the pods can do, by the speed of each.
    pub(super) fn look(&mut self, speed: impl Fn(PodId) -> f64) {
        self.capacity.look(speed);
    }

    /// A pod is bound to a node.
    pub(super) fn place(&mut self, pod: PodId, node: NodeId) {
        if let Some(trace) = &mut self.trace {
            trace.pod_mut(pod).node = Some(node);
        }
    }

    /// Pods begin to leave without a new template.
    pub(super) fn pods_leave(&mut self, at: SimTime) {
        self.note(Fact::PodsLeave { at });
    }

    fn note_leaving(&mut self, fact: &Fact) {
        match *fact {
            Fact::PodsLeave { at } => {
                self.template_changed.get_or_insert(at);
            }
            Fact::Pod { pod, event: PodEvent::Deleted, .. } => {
                self.deleted += 1;
                self.terminating.insert(pod);
            }
            Fact::Pod { pod, event: PodEvent::Exited | PodEvent::Removed, .. } => {
                self.terminating.remove(&pod);
            }
            _ => {}
        }
    }

    /// Where pods leave without a new template, the last moment at which all was well again counts.
    fn note_recovery(&mut self, now: SimTime, counts: PodCounts, all_evicted: bool) {
        if !self.leaves || self.template_changed.is_none() {
            return;
        }
        let well = self.deleted > 0 && all_evicted && self.terminating.is_empty() && counts.ready == counts.desired;
        if !well {
            self.complete = None;
        } else if self.complete.is_none() {
            self.complete = Some(now);
        }
    }

    pub(super) fn count_pods(&mut self, now: SimTime, counts: PodCounts, all_evicted: bool) {
        self.note_recovery(now, counts, all_evicted);
        self.capacity.count(now, counts);
        self.max_replicas = self.max_replicas.map(|most| most.max(counts.desired));
        self.min_ready = self.min_ready.min(counts.ready);
        self.max_objects = self.max_objects.max(counts.objects);
    }

    /// Complete, and every old pod's process has ended.
    pub(super) fn rollout_is_over(&self) -> bool {
        self.complete.is_some() && self.have_old_exited()
    }

    /// Those that had to: all, or where pods leave without a new template, those that did.
    fn have_old_exited(&self) -> bool {
        self.old_exited == self.replicas || (self.leaves && self.deleted > 0 && self.terminating.is_empty())
    }

    pub(super) fn finish(mut self, end: SimTime, events: u64, requests: Requests<'_>) -> RunOutput {
        let mut metrics = Metrics::default();
        self.set_rollout_metrics(&mut metrics);
        let counted = requests.counted_elements();
        let (exposure, share, start) = self.exposure.finish(end, &requests.entering_shares(), &counted);
        metrics.set(Metric::ExposureS, exposure);
        metrics.set(Metric::ExposedShareS, share);
        metrics.set(Metric::StartExposureS, start);
        let skipped = requests.skipped();
        let mut requests = requests.into_results(&mut metrics);
        self.capacity.finish(end, &mut metrics, requests.series.as_deref_mut());
        if let Some(series) = &mut requests.series {
            series.end(end);
            load_metrics(&mut metrics, series, self.template_changed);
        }
        if let Some(trace) = &mut self.trace {
            trace.rollout_complete = self.complete;
            trace.choosers = self.elements.named(&counted);
            (trace.lost, trace.connected, trace.end) = (requests.lost, requests.connected, end);
        }
        RunOutput {
            metrics,
            digest: self.digest,
            requests_digest: requests.digest,
            events,
            trace: self.trace,
            series: requests.series,
            skipped,
        }
    }

    fn set_rollout_metrics(&self, metrics: &mut Metrics) {
        let since = |at: SimTime| Some(at.saturating_since(self.template_changed?).as_secs_f64());
        metrics.set(Metric::RolloutDurationS, self.complete.and_then(since));
        let all_exited = self.have_old_exited();
        metrics.set(Metric::AllTerminatedS, Some(self.last_old_exit).filter(|_| all_exited).and_then(since));
        metrics.set(Metric::MaxReplicas, self.max_replicas.map(f64::from));
        metrics.set(Metric::ContainerRestarts, self.may_restart.then_some(self.restarts.into()));
        metrics.set(Metric::MinReadyPods, f64::from(self.min_ready));
        metrics.set(Metric::MaxPods, f64::from(self.max_objects));
    }
}

/// What a loaded run shows second by second, in numbers.
fn load_metrics(metrics: &mut Metrics, series: &Series, change: Option<SimTime>) {
    let rows = series.rows();
    metrics.set(Metric::WaitingMeanS, series.waiting_mean_s());
    metrics.set(Metric::UtilisationPeak, rows.iter().filter_map(Row::utilisation).reduce(f64::max));
    metrics.set(Metric::QueuePeak, rows.iter().filter_map(|row| row.mean(Level::Queued)).reduce(f64::max));
    let Some((change, hump)) = change.and_then(|change| Some((change, series.hump(change)?))) else { return };
    let since = |at: SimTime| at.saturating_since(change).as_secs_f64();
    metrics.set(Metric::HumpBeginsS, since(hump.begins));
    metrics.set(Metric::HumpPeakS, hump.peak_s);
    metrics.set(Metric::HumpEndsS, hump.ends.map(since));
}

fn capacity(scenario: &Scenario, elements: Elements<'_>, proxies: &[KubeProxy<'_>], chooses: Vec<bool>) -> Capacity {
    let replicas = scenario.deployment.replicas;
    let old: Vec<PodId> = (0..replicas).map(PodId).collect();
    let workers = (proxies.len()..elements.count()).map(|_| old.as_slice());
    let rules = proxies.iter().map(KubeProxy::rules).chain(workers);
    Capacity::new((replicas, 2 * replicas), rules, chooses, scenario.pod.server.cores())
}

/// Nodes hold what their rules hold, workers of balancers all old pods.
fn exposure(elements: Elements<'_>, replicas: u32, proxies: &[KubeProxy<'_>]) -> Exposure {
    let old: Vec<PodId> = (0..replicas).map(PodId).collect();
    let workers = (proxies.len()..elements.count()).map(|_| old.as_slice());
    Exposure::new(proxies.iter().map(KubeProxy::rules).chain(workers), replicas)
}

fn empty_trace(scenario: &Scenario, old: &[PodObject], proxies: &[KubeProxy<'_>]) -> Trace {
    let replicas = scenario.deployment.replicas;
    let mut pods: Vec<PodRecord> = old.iter().map(|pod| PodRecord::new(pod.id, Revision::Old, pod.node)).collect();
    pods.extend((replicas..2 * replicas).map(|id| PodRecord::new(PodId(id), Revision::New, None)));
    Trace {
        replicas,
        nodes: scenario.cluster.nodes,
        by_name: scenario.service.kind == ServiceKind::Headless,
        held_by: held_by(replicas, proxies),
        pods,
        ..Trace::default()
    }
}

/// The nodes whose rules hold each old pod; empty if all do.
fn held_by(replicas: u32, proxies: &[KubeProxy<'_>]) -> Vec<Vec<NodeId>> {
    let all_hold_all = proxies.iter().all(|proxy| proxy.rules().len() == replicas as usize);
    let nodes_of = |pod: u32| {
        let holds = |(_, proxy): &(usize, &KubeProxy<'_>)| proxy.rules().contains(&PodId(pod));
        proxies.iter().enumerate().filter(holds).map(|(node, _)| NodeId(node as u32)).collect()
    };
    if all_hold_all { Vec::new() } else { (0..replicas).map(nodes_of).collect() }
}
