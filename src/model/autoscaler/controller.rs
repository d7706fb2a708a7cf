//! The controller as a room: when it syncs, what it knows of the pods, and what it writes.

use std::collections::BTreeMap;

use crate::ids::PodId;
use crate::model::api::{DeploymentObject, Object, Phase, PodObject, Watcher, Write};
use crate::model::autoscaler::limits::Memory;
use crate::model::autoscaler::replicas::{Class, Counted, Rules, desired_replicas};
use crate::model::msg::{Draws, Msg, RoomOut};
use crate::model::spec::{AutoscalerSpec, DelayId, ScalingMetric, Scenario};
use crate::units::{SimDuration, SimTime, Version};

/// `--horizontal-pod-autoscaler-sync-period`, after the end of the last sync.
const SYNC_PERIOD: SimDuration = SimDuration::from_secs(15);
/// metrics-server looks so often, and usage is the rate between two looks.
const SCRAPE: SimDuration = SimDuration::from_secs(15);
/// `--horizontal-pod-autoscaler-cpu-initialization-period`.
const INITIALISATION: SimDuration = SimDuration::from_secs(300);
/// `--horizontal-pod-autoscaler-initial-readiness-delay`.
const READINESS_DELAY: SimDuration = SimDuration::from_secs(30);

/// What the controller calls itself back for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timer {
    /// The next sync.
    Sync,
}

/// The autoscaler of the Deployment.
#[derive(Debug)]
pub struct Autoscaler<'s> {
    scenario: &'s Scenario,
    spec: &'s AutoscalerSpec,
    draws: Draws<'s>,
    deployment: DeploymentObject,
    pods: BTreeMap<PodId, PodObject>,
    /// Since when pods of this run are known to run.
    running: BTreeMap<PodId, SimTime>,
    memory: Memory,
    /// metrics-server looks then, modulo its period.
    scrapes: SimDuration,
}

impl<'s> Autoscaler<'s> {
    /// A controller whose caches hold the Deployment before the rollout.
    pub fn new(scenario: &'s Scenario, spec: &'s AutoscalerSpec, mut draws: Draws<'s>, pods: &[PodObject]) -> Self {
        let share = draws.streams().get("scrape_phase", 0).uniform();
        Autoscaler {
            scenario,
            spec,
            draws,
            deployment: DeploymentObject::settled(scenario.deployment.replicas),
            pods: pods.iter().map(|pod| (pod.id, *pod)).collect(),
            running: BTreeMap::new(),
            memory: Memory::default(),
            scrapes: SimDuration::from_nanos_f64_rounded(SCRAPE.as_nanos() as f64 * share),
        }
    }

    /// The loop has been running for long.
    pub fn start(&mut self, out: &mut RoomOut<Timer>) {
        let share = self.draws.streams().get("phase", 0).uniform();
        let first = SimDuration::from_nanos_f64_rounded(SYNC_PERIOD.as_nanos() as f64 * share);
        out.set_timer(0, SimTime::ZERO + first, Timer::Sync);
    }

    /// The Deployment or one of its pods changed; no sync comes sooner for that.
    pub fn on_watch(&mut self, now: SimTime, object: &Object) {
        match object {
            Object::Deployment(deployment) => self.deployment = *deployment,
            Object::Pod(pod) => {
                self.pods.insert(pod.id, *pod);
                if pod.phase == Phase::Running {
                    self.running.entry(pod.id).or_insert(now);
                }
            }
            Object::PodRemoved(pod) => drop(self.pods.remove(pod)),
            other => unreachable!("{:?} does not watch {other:?}", Watcher::Autoscaler),
        }
    }

    /// The sync: a GET of the scale and the metrics, and a PUT if the size changes.
    pub fn on_timer(&mut self, now: SimTime, Timer::Sync: Timer, out: &mut RoomOut<Timer>) {
        let read = now + self.draws.draw(DelayId::ApiWrite, 0);
        let mut done = read;
        if let Some(replicas) = self.new_size(now) {
            done = read + self.draws.draw(DelayId::ApiWrite, 0);
            out.send(0, done, Msg::Write(Write::ScaleDeployment { replicas }));
        }
        out.set_timer(0, done + SYNC_PERIOD, Timer::Sync);
    }

    /// Up to 1.15 the current size was that of the status, which counts surge pods (k/k#79035 in 1.16).
    fn current(&self) -> u32 {
        let counts_surge = self.scenario.cluster.version < Version::minor(16);
        if counts_surge { self.deployment.status.replicas } else { self.deployment.desired }
    }

    fn new_size(&mut self, now: SimTime) -> Option<u32> {
        let (spec, current) = (self.spec, self.current());
        if self.deployment.desired == 0 {
            return None;
        }
        let size = if !(spec.min_replicas..=spec.max_replicas).contains(&current) {
            current.clamp(spec.min_replicas, spec.max_replicas)
        } else {
            let version = self.scenario.cluster.version;
            let rules = Rules { target: f64::from(spec.target), tolerance: spec.tolerance, version };
            let raw = desired_replicas(&self.counted(now), current, &rules);
            self.memory.limited(now, current, raw, spec)
        };
        (size != self.deployment.desired).then_some(size)
    }

    /// The pods of both templates, terminating and ended ones excluded.
    fn counted(&self, now: SimTime) -> Vec<Counted> {
        let active: Vec<&PodObject> = self.pods.values().filter(|pod| pod.is_active()).collect();
        let serving = active.iter().filter(|pod| pod.ready).count();
        let share = self.spec.load_percent(self.scenario) / serving.max(1) as f64;
        let usage = |pod: &PodObject| f64::from(self.spec.idle) + if pod.ready { share } else { 0.0 };
        active.into_iter().map(|pod| Counted { class: self.class(pod, now), usage: usage(pod) }).collect()
    }

    /// Mechanics 1.13, the first rule that fits.
    fn class(&self, pod: &PodObject, now: SimTime) -> Class {
        if pod.phase == Phase::Pending {
            return Class::Unready;
        }
        // A pod from before the run has long been known.
        let Some(sampled) = self.sampled(now).filter(|at| self.running_before(pod.id, *at)) else {
            return Class::Missing;
        };
        let (age, turned) = (pod.created.age(now), pod.ready_since.map(|since| since.age(now)));
        let is_starting = if age < INITIALISATION {
            !pod.ready || turned.is_some_and(|turned| now.saturating_since(sampled) + SCRAPE > turned)
        } else {
            !pod.ready && turned.is_none_or(|turned| age.saturating_sub(turned) < READINESS_DELAY)
        };
        if self.spec.metric == ScalingMetric::Cpu && is_starting { Class::Unready } else { Class::Ready }
    }

    /// When metrics-server looked last.
    fn sampled(&self, now: SimTime) -> Option<SimTime> {
        let since = now.saturating_since(SimTime::ZERO + self.scrapes);
        let looks = since.as_nanos() / SCRAPE.as_nanos();
        Some(SimTime::ZERO + self.scrapes + SCRAPE * looks).filter(|at| *at <= now).or(Some(SimTime::ZERO))
    }

    /// A rate needs two looks.
    fn running_before(&self, pod: PodId, sampled: SimTime) -> bool {
        match self.running.get(&pod) {
            Some(since) if pod.0 >= self.scenario.deployment.replicas => *since + SCRAPE <= sampled,
            Some(_) => true,
            None => pod.0 < self.scenario.deployment.replicas,
        }
    }
}
