//! When the kubelet stops the sidecar of a pod that terminates.
//!
//! A classic one is an ordinary container: its hook and its signal come as the server's do, whoever ends first. A native one
//! (KEP-753) is told to stop when the server has ended and its own hook is over; at the end of the grace period it is told anyway
//! and has the minimum of 2 s (mechanics 3.8; pkg/kubelet/kuberuntime termination_order.go). The pod has ended when both have.

use crate::engine::Tie;
use crate::ids::PodId;
use crate::model::kubelet::termination::{MINIMUM_GRACE, plan_stop};
use crate::model::msg::{Msg, RoomOut};
use crate::model::spec::{DelayId, SidecarKind, Signal};
use crate::units::{SimDuration, SimTime};

use super::{Kubelet, Stage, Timer};

/// The sidecar of one pod.
#[derive(Debug, Default)]
pub(super) struct Sidecar {
    state: State,
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
    pub(super) fn sidecar_starts(&mut self, pod: PodId) {
        if self.scenario.pod.sidecar.is_some() {
            self.with(pod, |worker| worker.sidecar.state = State::Running);
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
