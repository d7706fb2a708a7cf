//! A proxy in a container of its own, through which all connections of the pod come.
//!
//! Models: clients are connected to the proxy, so that the server's stop ends no connection and closes no listener: what the
//! proxy cannot hand on it answers with 503; with the proxy's own end every connection is cut and the listener closed, whatever
//! the server still does; the proxy's own start, before which nothing is reached through it, whatever the server does. Leaves
//! out: what the proxy costs, its health checks; a request that the server cuts ends
//! its client's connection, too. Source: mechanics 3.8, 7.4 (Envoy exits at once on SIGTERM).

use crate::ids::PodId;
use crate::model::msg::{Fact, Msg, PodEvent, RoomOut, Severing};
use crate::model::server::{Listener, Process, Reads, Servers, Step, Timer, usual_reads};
use crate::model::spec::{DelayId, IdlePolicy, ServerSpec, Signal};
use crate::units::SimTime;

/// What the proxy does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Front {
    /// It does not listen yet; the server behind it does or not.
    Starting { server: bool },
    /// It hands requests on.
    Relays,
    /// It has no server to hand them to.
    Answers,
    /// It has ended.
    Ended,
}

impl Process {
    /// A new process behind what is there of a sidecar.
    pub(super) fn behind(mut self, front: Option<Front>) -> Self {
        self.front = match front {
            Some(Front::Starting { .. }) => Some(Front::Starting { server: false }),
            other => other,
        };
        if self.is_away() {
            (self.listener, self.reads) = (Listener::Open, Reads::Rejects);
        }
        self
    }

    /// The server is not there, the proxy is.
    pub(super) fn is_away(&self) -> bool {
        self.front == Some(Front::Answers)
    }

    /// The server goes. Says whether a proxy goes on.
    pub(super) fn goes_away(&mut self) -> bool {
        if let Some(Front::Starting { server }) = &mut self.front {
            *server = false;
            return true;
        }
        let relays = matches!(self.front, Some(Front::Relays | Front::Answers)) && self.listener == Listener::Open;
        if relays {
            (self.front, self.reads) = (Some(Front::Answers), Reads::Rejects);
        }
        relays
    }

    /// The server listens. Says whether it is reached: a proxy that has not started is not.
    pub(super) fn comes_up(&mut self, server: &ServerSpec) -> bool {
        match &mut self.front {
            Some(Front::Starting { server }) => *server = true,
            Some(Front::Answers) => (self.front, self.reads) = (Some(Front::Relays), usual_reads(server)),
            Some(Front::Relays | Front::Ended) | None => {}
        }
        !matches!(self.front, Some(Front::Starting { .. }))
    }
}

impl Servers<'_> {
    /// The kubelet starts the proxy's process.
    pub fn on_sidecar_start(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let Some(sidecar) = &self.scenario.pod.sidecar else { return };
        let boot = sidecar.boot.draw(self.draws.streams().get("sidecar_boot", pod.0.into()));
        self.set_timer(now + boot, pod, Step::SidecarBooted, out);
    }

    pub(super) fn sidecar_booted(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let process = &mut self.processes[pod.index()];
        let Some(Front::Starting { server }) = process.front else { return };
        process.listener = Listener::Open;
        if server {
            process.front = Some(Front::Relays);
            out.record(Fact::Pod { at: now, pod, event: PodEvent::Listening });
        } else {
            (process.front, process.reads) = (Some(Front::Answers), Reads::Rejects);
        }
    }

    /// The kubelet asks the proxy whether it has started.
    pub fn on_sidecar_probe(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let rtt = self.draws.draw(DelayId::ProbeRtt, 3 << 32 | u64::from(pod.0));
        let listens = matches!(self.processes[pod.index()].front, Some(Front::Relays | Front::Answers));
        out.send(pod.0, now + rtt, Msg::SidecarAnswered(pod, listens));
    }

    /// The kubelet sends the proxy a signal.
    pub fn on_sidecar_signal(&mut self, now: SimTime, pod: PodId, signal: Signal, out: &mut RoomOut<Timer>) {
        let Some(sidecar) = &self.scenario.pod.sidecar else { return };
        match signal {
            Signal::Stop => {
                let drain = sidecar.drain.draw(self.draws.streams().get("sidecar_drain", pod.0.into()));
                self.set_timer(now + drain, pod, Step::SidecarExits, out);
            }
            Signal::Kill => self.sidecar_exits(now, pod, out),
        }
    }

    pub(super) fn sidecar_exits(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let process = &mut self.processes[pod.index()];
        if process.front == Some(Front::Ended) {
            return;
        }
        (process.front, process.reads) = (Some(Front::Ended), Reads::Never);
        if process.listener == Listener::Open {
            self.close_listener(now, pod, out);
        }
        out.send(pod.0, now, Msg::Sever(pod, Severing { cut: true, backlog: true, idle: IdlePolicy::Close }));
        out.send(pod.0, now, Msg::SidecarExited(pod));
    }
}
