//! A proxy in a container of its own, through which all connections of the pod come.
//!
//! Models: clients are connected to the proxy, so that the server's stop ends no connection and closes no listener: what the
//! proxy cannot hand on it answers with 503; with the proxy's own end every connection is cut and the listener closed, whatever
//! the server still does. Leaves out: what the proxy costs, its health checks and its start; a request that the server cuts ends
//! its client's connection, too. Source: mechanics 3.8, 7.4 (Envoy exits at once on SIGTERM).

use crate::ids::PodId;
use crate::model::msg::{Msg, RoomOut, Severing};
use crate::model::server::{Listener, Process, Reads, Servers, Step, Timer, usual_reads};
use crate::model::spec::{IdlePolicy, ServerSpec, Signal};
use crate::units::SimTime;

/// What the proxy does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Front {
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
        self.front = front;
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
        let relays = matches!(self.front, Some(Front::Relays | Front::Answers)) && self.listener == Listener::Open;
        if relays {
            (self.front, self.reads) = (Some(Front::Answers), Reads::Rejects);
        }
        relays
    }

    /// The server listens again.
    pub(super) fn comes_back(&mut self, server: &ServerSpec) {
        if self.is_away() {
            (self.front, self.reads) = (Some(Front::Relays), usual_reads(server));
        }
    }
}

impl Servers<'_> {
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
