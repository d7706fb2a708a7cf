//! How much the pods can do, and what they cost: read off the facts as they come.

use crate::ids::PodId;
use crate::model::api::PodCounts;
use crate::record::{Fact, Level, Metric, Metrics, PodEvent, Series};
use crate::units::{SimDuration, SimTime};

/// One pod.
#[derive(Debug, Clone, Copy, Default)]
struct Pod {
    /// In so many rules and lists of what chooses for clients.
    routed: u32,
    /// Its process has listened and not ended: its workers may be at work.
    works: bool,
}

/// The pods so far.
#[derive(Debug)]
pub(super) struct Capacity {
    /// By element: whether it chooses for clients.
    chooses: Vec<bool>,
    pods: Vec<Pod>,
    /// The clients find pods by what is counted here; names of a headless Service are not.
    is_counted: bool,
    /// Of each pod as many workers can be at work together.
    cores: Option<f64>,
    objects: Held,
    /// Pod objects times their time.
    pod_time: u128,
    levels: [Held; 3],
    /// What lasted how long, for the series.
    lasted: Vec<(Level, SimTime, SimTime, u32)>,
    changed: bool,
    lowest: f64,
}

/// An amount, held since then.
#[derive(Debug, Clone, Copy, Default)]
struct Held {
    since: SimTime,
    amount: u32,
}

/// Cores are counted in millionths.
const MILLION: u64 = 1_000_000;

const LEVELS: [Level; 3] = [Level::Ready, Level::Routed, Level::Workers];

impl Capacity {
    /// `old` pods of `all` listen; each element holds `rules` at the start, and `chooses` says which count.
    pub(super) fn new<'a>(
        (old, all): (u32, u32),
        rules: impl Iterator<Item = &'a [PodId]>,
        chooses: Vec<bool>,
        cores: Option<f64>,
    ) -> Self {
        let mut pods = vec![Pod::default(); all as usize];
        pods[..old as usize].iter_mut().for_each(|pod| pod.works = true);
        for pod in rules.zip(&chooses).filter(|(_, chooses)| **chooses).flat_map(|(rules, _)| rules) {
            pods[pod.index()].routed += 1;
        }
        let amounts = [old, pods.iter().map(|pod| pod.routed).sum(), old];
        let held = |amount| Held { since: SimTime::ZERO, amount };
        Capacity {
            is_counted: pods.iter().any(|pod| pod.routed > 0),
            chooses,
            pods,
            cores,
            objects: held(old),
            pod_time: 0,
            levels: amounts.map(held),
            lasted: Vec::new(),
            changed: false,
            lowest: f64::from(old),
        }
    }

    pub(super) fn note(&mut self, fact: &Fact) {
        match *fact {
            Fact::Pod { at, pod, event: PodEvent::Listening } => self.set_works(at, pod, true),
            Fact::Pod { at, pod, event: PodEvent::Exited } => self.set_works(at, pod, false),
            _ => {}
        }
    }

    /// A pod came into the rules of an element, or went.
    pub(super) fn set_rule(&mut self, at: SimTime, pod: PodId, element: usize, comes: bool) {
        if self.chooses.get(element).is_some_and(|chooses| *chooses) {
            let routed = &mut self.pod(pod).routed;
            *routed = if comes { *routed + 1 } else { routed.saturating_sub(1) };
            self.set(1, at, self.pods.iter().map(|pod| pod.routed).sum());
        }
    }

    /// The pod, which may be a further one.
    fn pod(&mut self, pod: PodId) -> &mut Pod {
        if self.pods.len() <= pod.index() {
            self.pods.resize(pod.index() + 1, Pod::default());
        }
        &mut self.pods[pod.index()]
    }

    fn set_works(&mut self, at: SimTime, pod: PodId, works: bool) {
        self.pod(pod).works = works;
        self.set(2, at, self.pods.iter().filter(|pod| pod.works).count() as u32);
    }

    pub(super) fn count(&mut self, now: SimTime, counts: PodCounts) {
        self.set(0, now, counts.ready);
        if counts.objects != self.objects.amount {
            self.pod_time += pod_time(self.objects, now);
            self.objects = Held { since: now, amount: counts.objects };
        }
    }

    fn set(&mut self, level: usize, now: SimTime, amount: u32) {
        let held = self.levels[level];
        if held.amount != amount {
            self.lasted.push((LEVELS[level], held.since, now, held.amount));
            self.levels[level] = Held { since: now, amount };
            self.changed = true;
        }
    }

    /// Notes how much the pods can do that clients can be sent to, if that may have changed; `speed` is that of a pod.
    pub(super) fn look(&mut self, speed: impl Fn(PodId) -> f64) {
        if std::mem::take(&mut self.changed) {
            let of = |(pod, state): (usize, &Pod)| if state.routed > 0 { speed(PodId(pod as u32)) } else { 0.0 };
            self.lowest = self.lowest.min(self.pods.iter().enumerate().map(of).sum());
        }
    }

    /// Writes the metrics, and what lasted into the series.
    pub(super) fn finish(mut self, end: SimTime, metrics: &mut Metrics, series: Option<&mut Series>) {
        self.pod_time += pod_time(self.objects, end);
        metrics.set(Metric::PodSeconds, self.pod_time as f64 / 1e9);
        metrics.set(Metric::LowestCapacity, self.is_counted.then_some(self.lowest));
        let Some(series) = series else { return };
        let last = LEVELS.iter().zip(self.levels).map(|(level, held)| (*level, held.since, end, held.amount));
        self.lasted.extend(last);
        let choosers = self.chooses.iter().filter(|chooses| **chooses).count().max(1) as u64;
        for (level, from, to, amount) in self.lasted {
            match (level, self.cores) {
                (Level::Routed, _) => series.lasts_shared(level, (from, to), amount.into(), choosers),
                (Level::Workers, Some(cores)) => {
                    let millionths = u64::from(amount) * (cores * MILLION as f64).ceil() as u64;
                    series.lasts_shared(level, (from, to), millionths, MILLION);
                }
                (Level::Workers, None) => {}
                _ => series.lasts(level, from, to, amount.into()),
            }
        }
    }
}

fn pod_time(held: Held, until: SimTime) -> u128 {
    let span: SimDuration = until.saturating_since(held.since);
    u128::from(span.as_nanos()) * u128::from(held.amount)
}
