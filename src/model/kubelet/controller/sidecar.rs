//! When the kubelet starts the sidecar of a pod, and when it stops that of a pod that terminates.
//!
//! A classic one starts beside the server. A native one, a restartable init container (KEP-753), comes before it: the server's
//! image is pulled and its container made only when PLEG has noticed that the sidecar runs and, if it has a startup probe, that has
//! succeeded (computeInitContainerActions in pkg/kubelet/kuberuntime/kuberuntime_container.go; mechanics 3.8). Its probe worker
//! begins with the pod worker, as all do. Left out: more than one sidecar, init containers that run to their end, the pull of the
//! sidecar's image, a sidecar that ends or whose startup probe fails for good, its readiness and liveness probes, its postStart hook.
//!
//! A classic one is an ordinary container: its hook and its signal come as the server's do, whoever ends first. A native one
//! (KEP-753) is told to stop when the server has ended and its own hook is over; at the end of the grace period it is told anyway
//! and has the minimum of 2 s (mechanics 3.8; pkg/kubelet/kuberuntime termination_order.go). The pod has ended when both have.

use crate::engine::Tie;
use crate::ids::PodId;
use crate::model::kubelet::probe::is_after_delay;
use crate::model::kubelet::termination::{MINIMUM_GRACE, plan_stop};
use crate::model::msg::{Msg, RoomOut};
use crate::model::spec::{DelayId, SidecarKind, SidecarProbe, Signal};
use crate::units::{SimDuration, SimTime};

use super::{Kubelet, Stage, Timer, Worker};

/// The sidecar of one pod.
#[derive(Debug, Default)]
pub(super) struct Sidecar {
    state: State,
    /// It began then, as far as PLEG knows.
    noticed: Option<SimTime>,
    began: SimTime,
    /// The server's container has begun.
    is_ahead: bool,
    /// Its hook is over then.
    hook_over: SimTime,
    /// When it is killed at the latest.
    killed_at: SimTime,
    kill_timer: Option<Tie>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// There is none, or it has ended.
    #[default]
    Gone,
    Running,
    /// It has been told to stop.
    Stopping,
}

impl Sidecar {
    pub(super) fn runs(&self) -> bool {
        self.state != State::Gone
    }
}

impl Kubelet<'_> {
    pub(super) fn adopt_sidecar(&mut self, pod: PodId) {
        if self.scenario.pod.sidecar.is_some() {
            self.with(pod, |worker| worker.sidecar.state = State::Running);
        }
    }

    /// The server's container starts, and with it a sidecar that does not run yet.
    pub(super) fn sidecar_starts(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        if self.workers.get(&pod).is_some_and(|worker| !worker.sidecar.runs()) && self.scenario.pod.sidecar.is_some() {
            self.with(pod, |worker| worker.sidecar.state = State::Running);
            out.send(pod.0, now, Msg::StartSidecar(pod));
        }
    }

    /// The sandbox is there. Says whether a native sidecar is made first.
    pub(super) fn sidecar_comes_first(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) -> bool {
        let native = self.scenario.pod.sidecar.as_ref().is_some_and(|spec| spec.kind == SidecarKind::Native);
        if native {
            let create = self.draw_loaded_of(DelayId::CreateStart, 1 << 32 | u64::from(pod.0));
            self.runtime.begin(now, pod, create, Timer::SidecarStarts(pod), out);
        }
        native
    }

    pub(super) fn native_sidecar_starts(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let Some(worker) = self.workers.get_mut(&pod).filter(|worker| worker.stage == Stage::Starting) else { return };
        worker.sidecar.began = now;
        self.sidecar_starts(now, pod, out);
        let noticed = self.relists.notice(now, (4 << 32) | u64::from(pod.0), &mut self.draws);
        out.set_timer(pod.0, noticed, Timer::SidecarNoticed(pod));
    }

    pub(super) fn sidecar_noticed(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        // The status now says that it runs, which nobody here reads, but costs a GET and a PATCH.
        self.status_written_at(now, pod);
        self.with(pod, |worker| worker.sidecar.noticed = Some(worker.sidecar.began));
        if self.sidecar_probe().is_none() {
            self.sidecar_has_started(now, pod, out);
        }
    }

    /// The server's container is next.
    fn sidecar_has_started(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let waits = |worker: &&mut Worker| worker.stage == Stage::Starting && !worker.terminating;
        let Some(worker) = self.workers.get_mut(&pod).filter(waits) else { return };
        if !std::mem::replace(&mut worker.sidecar.is_ahead, true) {
            self.begin_container(now, pod, out);
        }
    }

    fn sidecar_probe(&self) -> Option<SidecarProbe> {
        let native = self.scenario.pod.sidecar.as_ref().filter(|spec| spec.kind == SidecarKind::Native);
        native.and_then(|spec| spec.startup_probe)
    }

    pub(super) fn start_probing_sidecar(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        if self.sidecar_probe().is_some() {
            out.set_timer(pod.0, now, Timer::SidecarProbe(pod));
        }
    }

    /// One tick of its startup probe's worker, until the server's container begins.
    pub(super) fn sidecar_tick(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let (Some(probe), Some(worker)) = (self.sidecar_probe(), self.workers.get(&pod)) else { return };
        if worker.sidecar.is_ahead || worker.terminating || worker.stage != Stage::Starting {
            return;
        }
        if worker.sidecar.noticed.is_some_and(|began| is_after_delay(probe.initial_delay, began, now)) {
            out.send(pod.0, now, Msg::ProbeSidecar(pod));
        }
        out.set_timer(pod.0, now + probe.period, Timer::SidecarProbe(pod));
    }

    /// Its startup probe was answered.
    pub fn on_sidecar_answered(&mut self, now: SimTime, pod: PodId, success: bool, out: &mut RoomOut<Timer>) {
        if success && !self.ended {
            self.sidecar_has_started(now, pod, out);
        }
    }

    /// The pod begins to terminate: the hook runs, and the stop is arranged as far as it is known.
    pub(super) fn sidecar_stops(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let Some(spec) = &self.scenario.pod.sidecar else { return };
        let (grace, version) = (self.scenario.pod.termination_grace_period, self.scenario.cluster.version);
        let hook = Some(spec.pre_stop).filter(|hook| !hook.is_zero() && !grace.is_zero());
        let plan = plan_stop(grace, hook, version);
        let Some(worker) = self.workers.get_mut(&pod).filter(|worker| worker.sidecar.state == State::Running) else {
            return;
        };
        worker.sidecar.hook_over = now + plan.hook;
        let (stops, killed) = match spec.kind {
            SidecarKind::Classic => (now + plan.hook, now + plan.hook + plan.timeout),
            SidecarKind::Native => (now + grace, now + grace),
        };
        worker.sidecar.killed_at = killed;
        out.set_timer(pod.0, stops, Timer::SidecarStops(pod));
        if spec.kind == SidecarKind::Native && worker.stage == Stage::Ended {
            out.set_timer(pod.0, now + plan.hook, Timer::SidecarStops(pod));
        }
    }

    /// The server has ended. Says whether the pod goes on for its sidecar's sake.
    pub(super) fn sidecar_goes_on(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) -> bool {
        let (Some(spec), Some(worker)) = (&self.scenario.pod.sidecar, self.workers.get(&pod)) else { return false };
        let begun = worker.sidecar.killed_at > SimTime::ZERO;
        if spec.kind == SidecarKind::Native && worker.sidecar.state == State::Running && begun {
            out.set_timer(pod.0, now.max(worker.sidecar.hook_over), Timer::SidecarStops(pod));
        }
        worker.sidecar.runs()
    }

    pub(super) fn sidecar_is_signalled(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let Some(worker) = self.workers.get_mut(&pod).filter(|worker| worker.sidecar.state == State::Running) else {
            return;
        };
        worker.sidecar.state = State::Stopping;
        let left: SimDuration = worker.sidecar.killed_at.saturating_since(now).max(MINIMUM_GRACE);
        let call = self.draws.draw(DelayId::StopRpc, 1 << 32 | u64::from(pod.0));
        out.send(pod.0, now + call, Msg::SidecarSignal(pod, Signal::Stop));
        let killed = out.set_timer(pod.0, now + call + left, Timer::SidecarGraceOver(pod));
        self.with(pod, |worker| worker.sidecar.kill_timer = Some(killed));
    }

    /// The sidecar's process has ended; with the server's the pod's containers have.
    pub fn on_sidecar_exited(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let Some(worker) = self.workers.get_mut(&pod).filter(|_| !self.ended) else { return };
        worker.sidecar.state = State::Gone;
        worker.sidecar.kill_timer.take().into_iter().for_each(|timer| out.cancel(timer));
        if worker.stage == Stage::Ended {
            self.after_exit(now, pod, out);
        }
    }
}
