//! Probes of a pod, what their results do to its status, and the kill and restart of a container that fails them.

use crate::engine::Streams;
use crate::ids::PodId;
use crate::model::kubelet::probe::{
    ProbeWorker, grace, is_due, is_triggered_by_status, runs_while_terminating, starts_with_jitter,
};
use crate::model::msg::{Fact, Msg, PodEvent, RoomOut};
use crate::model::spec::{DelayId, ProbeKind, ProbeSpec};
use crate::units::{SimDuration, SimTime};

use super::{Kubelet, Stage, Timer};

/// Names of streams: the phase of a worker from before the run, the jitter of a new one.
const STREAMS: [(&str, &str); 3] =
    [("probe_phase", "probe_jitter"), ("startup_phase", "startup_jitter"), ("liveness_phase", "liveness_jitter")];

impl<'s> Kubelet<'s> {
    fn spec(&self, kind: ProbeKind) -> Option<&'s ProbeSpec> {
        self.scenario.probe(kind)
    }

    /// The probes of a pod that has been running since long before the run, each at any place of its grid.
    pub(super) fn adopt_probes(&mut self, pod: PodId, out: &mut RoomOut<Timer>) {
        for kind in ProbeKind::ALL {
            if let Some(spec) = self.spec(kind) {
                let first = share_of_period(spec, STREAMS[kind as usize].0, pod, self.draws.streams());
                self.schedule_probe(SimTime::ZERO + first, pod, kind, out);
            }
        }
    }

    /// The probe workers start with the pod worker, before the container exists; that moment is the phase of their grid.
    pub(super) fn start_probing(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        for kind in ProbeKind::ALL {
            let Some(spec) = self.spec(kind) else { continue };
            let jitter = if starts_with_jitter(self.scenario.cluster.version) {
                share_of_period(spec, STREAMS[kind as usize].1, pod, self.draws.streams())
            } else {
                SimDuration::ZERO
            };
            self.schedule_probe(now + jitter, pod, kind, out);
        }
    }

    fn schedule_probe(&mut self, at: SimTime, pod: PodId, kind: ProbeKind, out: &mut RoomOut<Timer>) {
        let timer = out.set_timer(pod.0, at, Timer::Probe(pod, kind));
        self.with(pod, |worker| worker.probe(kind).timer = Some(timer));
    }

    /// One tick of a probe worker: an attempt, and the next tick.
    pub(super) fn tick(&mut self, now: SimTime, pod: PodId, kind: ProbeKind, out: &mut RoomOut<Timer>) {
        let (Some(spec), Some(worker)) = (self.spec(kind), self.workers.get(&pod)) else { return };
        let stopped = worker.terminating && !runs_while_terminating(kind, self.scenario.cluster.version);
        if stopped || worker.stage == Stage::Ended {
            return;
        }
        self.attempt(now, pod, kind, out);
        self.schedule_probe(now + spec.period, pod, kind, out);
    }

    /// An attempt, if the container is known to run and it is time; while another is under way, after that one.
    fn attempt(&mut self, now: SimTime, pod: PodId, kind: ProbeKind, out: &mut RoomOut<Timer>) {
        let Some(spec) = self.spec(kind) else { return };
        let may = kind == ProbeKind::Startup || self.has_started(pod);
        let Some(worker) = self.workers.get_mut(&pod).filter(|_| may) else { return };
        let Stage::Running { since, noticed: true } = worker.stage else { return };
        let probe = worker.probe(kind);
        if probe.on_hold || !is_due(spec, since, now) {
            return;
        }
        probe.missed = probe.asked;
        if !probe.asked {
            probe.asked = true;
            out.send(pod.0, now, Msg::Probe(pod, kind));
        }
    }

    /// An attempt was answered; one of a container that has ended is not heard any more.
    pub fn on_probe_answered(
        &mut self,
        now: SimTime,
        pod: PodId,
        kind: ProbeKind,
        success: bool,
        out: &mut RoomOut<Timer>,
    ) {
        let (Some(spec), Some(worker)) = (self.spec(kind), self.workers.get_mut(&pod)) else { return };
        if !matches!(worker.stage, Stage::Running { .. }) || !worker.probe(kind).asked {
            return;
        }
        let success = success && !(kind == ProbeKind::Readiness && worker.probe_target_gone);
        let probe = worker.probe(kind);
        probe.asked = false;
        let again = std::mem::take(&mut probe.missed);
        if probe.on_result(spec, success) {
            self.result_changes(now, pod, (kind, success), out);
        }
        if again {
            self.attempt(now, pod, kind, out);
        }
    }

    fn result_changes(
        &mut self,
        now: SimTime,
        pod: PodId,
        (kind, success): (ProbeKind, bool),
        out: &mut RoomOut<Timer>,
    ) {
        match (kind, success) {
            (ProbeKind::Readiness, _) => {
                if success {
                    out.record(Fact::Pod { at: now, pod, event: PodEvent::ProbeSucceeded });
                }
                self.write_status(now, pod, out);
            }
            (ProbeKind::Startup, true) => {
                self.with(pod, |worker| worker.probe(kind).hold());
                self.status_changes(now, pod, out);
            }
            (ProbeKind::Liveness, true) => {}
            (ProbeKind::Startup | ProbeKind::Liveness, false) => {
                self.with(pod, |worker| worker.probe(kind).hold());
                self.kill_container(now, pod, kind, out);
            }
        }
    }

    /// The status is made anew: without a readiness probe a started container is Ready; since 1.22 a started one that is not
    /// is probed at once.
    pub(super) fn status_changes(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        self.write_status(now, pod, out);
        let kind = ProbeKind::Readiness;
        let triggered = is_triggered_by_status(self.scenario.cluster.version) && self.has_started(pod);
        if triggered && self.spec(kind).is_some() {
            let pending = self.workers.get_mut(&pod).and_then(|worker| worker.probe(kind).timer.take());
            pending.into_iter().for_each(|timer| out.cancel(timer));
            self.tick(now, pod, kind, out);
        }
    }

    /// Running, as far as PLEG knows, and past its startup probe.
    fn has_started(&self, pod: PodId) -> bool {
        let passed = |probes: &[_; 3]| self.spec(ProbeKind::Startup).is_none() || succeeds(probes, ProbeKind::Startup);
        self.workers.get(&pod).is_some_and(|worker| worker.is_noticed() && passed(&worker.probes))
    }

    pub(super) fn is_ready(&self, pod: PodId) -> bool {
        let probed = self.spec(ProbeKind::Readiness).is_some();
        let answers = |probes: &[_; 3]| !probed || succeeds(probes, ProbeKind::Readiness);
        let open = self.workers.get(&pod).is_some_and(|worker| answers(&worker.probes) && !worker.gated);
        open && self.has_started(pod)
    }

    /// The kubelet stops the container: hook, signal and grace are those of a deletion, but nothing tells the Service, and the
    /// pod stays. A failure while the pod terminates, which up to 1.20 there may be, does nothing: the pod worker is at the stop, and a
    /// pod with a deletionTimestamp is only ever killed (syncPod at v1.20.2).
    fn kill_container(&mut self, now: SimTime, pod: PodId, kind: ProbeKind, out: &mut RoomOut<Timer>) {
        let (Some(spec), Some(worker)) = (self.spec(kind), self.workers.get_mut(&pod)) else { return };
        if worker.terminating || worker.killing {
            return;
        }
        (worker.killing, worker.syncs) = (true, true);
        let pods = self.scenario.pod.termination_grace_period;
        self.begin_stop(now, pod, grace(spec, pods, self.scenario.cluster.version), out);
    }

    /// The container ended and its pod goes on: PLEG notices, and another is started when the back-off allows it.
    pub(super) fn restart_later(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let Some(worker) = self.workers.get_mut(&pod) else { return };
        let began = match worker.stage {
            Stage::Running { since, .. } => since,
            Stage::Starting | Stage::Waiting | Stage::Ended => now,
        };
        worker.stage = Stage::Waiting;
        let wait = worker.back_off.on_end(began, now);
        worker.syncs &= wait.is_zero();
        let noticed = self.relists.notice(now, (3 << 32) | u64::from(pod.0), &mut self.draws);
        out.set_timer(pod.0, noticed, Timer::NoticedDeath(pod));
        out.set_timer(pod.0, noticed.max(now + wait), Timer::Restarts(pod));
        if !wait.is_zero() {
            self.delete_after_sync(noticed, pod, out);
        }
    }

    /// Its image and its sandbox are there.
    pub(super) fn restart(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let waits = |worker: &mut super::Worker| {
            let waits = worker.stage == Stage::Waiting && (!worker.terminating || worker.deletion_waits);
            worker.syncs |= waits;
            waits
        };
        if self.workers.get_mut(&pod).is_some_and(waits) {
            let create = self.draw_loaded(DelayId::CreateStart, pod);
            self.runtime.begin(now, pod, create, Timer::ContainerStarts(pod), out);
        }
    }
}

fn succeeds(probes: &[ProbeWorker; 3], kind: ProbeKind) -> bool {
    probes[kind as usize].succeeds()
}

fn share_of_period(spec: &ProbeSpec, purpose: &'static str, pod: PodId, streams: &mut Streams) -> SimDuration {
    let share = streams.get(purpose, pod.0.into()).uniform();
    SimDuration::from_nanos_f64_rounded(spec.period.as_nanos() as f64 * share)
}
