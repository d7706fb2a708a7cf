//! The server processes in the pods.
//!
//! Models: boot before listening; a stall between listening and answering; a pool of workers fed first in, first out, each request served by the worker that is
//! free first; what happens on the stop signal (stop or ignore) and on SIGKILL; the answer to a readiness probe. Which
//! connections end, and how, is decided where connections are known. Leaves out: the backlog's limit, processor
//! sharing, probes waiting behind requests. Source: mechanics 3.9 and 7.4; nginx src/os/unix/ngx_process_cycle.c.

mod workers;

use crate::dist::Dist;
use crate::ids::PodId;
use crate::model::msg::{Draws, Fact, Listener, Msg, PodEvent, RoomOut};
use crate::model::spec::{DelayId, InFlightPolicy, Mechanism, Scenario, Signal, StopBehaviour};
use crate::units::{SimDuration, SimTime};

pub use workers::{Pool, Service, Workers};

/// What a server calls itself back for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timer {
    /// The process listens.
    Booted(PodId),
    /// The signal is there, the process has not come to act on it: what it still serves it answers with
    /// `Connection: close`.
    SaysClose(PodId),
    /// The process acts on the stop signal: requests that arrive are not read any more.
    StopsReading(PodId),
    /// It ends its connections.
    ClosesConnections(PodId),
    /// It closes its listener.
    ClosesListener(PodId),
    /// The process ends.
    Exits(PodId),
}

impl Timer {
    /// Whose.
    pub fn pod(self) -> PodId {
        match self {
            Timer::Booted(pod)
            | Timer::SaysClose(pod)
            | Timer::StopsReading(pod)
            | Timer::ClosesConnections(pod)
            | Timer::ClosesListener(pod)
            | Timer::Exits(pod) => pod,
        }
    }
}

/// What a process does with requests that arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reads {
    /// It reads and answers them.
    Always,
    /// It reads and answers them with `Connection: close`: it is about to stop.
    LastTime,
    /// It does not read them.
    Never,
}

#[derive(Debug)]
struct Process {
    listener: Listener,
    reads: Reads,
    /// When the last request that is drained is done.
    drained: SimTime,
    exited: Option<SimTime>,
    workers: Workers,
}

impl Process {
    fn new(scenario: &Scenario, listener: Listener) -> Self {
        let workers = Workers::new(scenario.pod.server.workers);
        Process { listener, reads: Reads::Always, drained: SimTime::ZERO, exited: None, workers }
    }
}

/// All server processes, by pod.
#[derive(Debug)]
pub struct Servers<'s> {
    scenario: &'s Scenario,
    draws: Draws<'s>,
    processes: Vec<Process>,
}

impl<'s> Servers<'s> {
    /// Room for `pods` pods, the first `listening` of which listen already.
    pub fn new(scenario: &'s Scenario, draws: Draws<'s>, pods: usize, listening: usize) -> Self {
        let listener = |index| if index < listening { Listener::Open } else { Listener::NotYet };
        let processes = (0..pods).map(|index| Process::new(scenario, listener(index))).collect();
        Servers { scenario, draws, processes }
    }

    /// Makes the tables long enough for `pod`.
    pub fn make_room_for(&mut self, pod: PodId) {
        let scenario = self.scenario;
        while self.processes.len() <= pod.index() {
            self.processes.push(Process::new(scenario, Listener::NotYet));
        }
    }

    /// What a SYN to `pod` meets now.
    #[inline]
    pub fn listener(&self, pod: PodId) -> Listener {
        self.processes[pod.index()].listener
    }

    /// Whether the process of `pod` still accepts connections and reads requests.
    pub fn reads(&self, pod: PodId) -> bool {
        self.processes[pod.index()].reads != Reads::Never
    }

    /// When the process of `pod` ended, if it has.
    pub fn exited(&self, pod: PodId) -> Option<SimTime> {
        self.processes[pod.index()].exited
    }

    /// A request arrives at `pod` and will be served for `service_time`; `None` if the process is about to stop, see
    /// [`Servers::serve_at_the_end`].
    #[inline]
    pub fn serve(&mut self, pod: PodId, now: SimTime, service_time: SimDuration) -> Option<Service> {
        let process = &mut self.processes[pod.index()];
        (process.reads == Reads::Always).then(|| process.workers.serve(now, service_time))
    }

    /// The workers of `pod`, unless its process is about to stop.
    pub fn reading(&mut self, pod: PodId) -> Option<&mut Workers> {
        let process = &mut self.processes[pod.index()];
        (process.reads == Reads::Always).then_some(&mut process.workers)
    }

    /// A request arrives at a process that is about to stop: it is answered with `Connection: close`, or not read at all.
    pub fn serve_at_the_end(&mut self, pod: PodId, now: SimTime, service_time: SimDuration) -> Option<Service> {
        let process = &mut self.processes[pod.index()];
        (process.reads == Reads::LastTime).then(|| process.workers.serve(now, service_time))
    }

    /// The kubelet starts the process.
    pub fn on_start(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let boot = self.scenario.pod.boot.draw(self.draws.streams().get("boot", pod.0.into()));
        let instant = self.scenario.without.has(Mechanism::BootBeforeListening);
        let boot = if instant { SimDuration::ZERO } else { boot };
        out.set_timer(pod.0, now + boot, Timer::Booted(pod));
    }

    /// The kubelet sends a signal.
    pub fn on_signal(&mut self, now: SimTime, pod: PodId, signal: Signal, out: &mut RoomOut<Timer>) {
        if self.processes[pod.index()].exited.is_some() {
            return;
        }
        match (signal, self.scenario.pod.server.on_stop) {
            (Signal::Kill, _) => {
                self.processes[pod.index()].reads = Reads::Never;
                self.close_listener(now, pod, true, out);
                out.set_timer(pod.0, now, Timer::Exits(pod));
            }
            (Signal::Stop, StopBehaviour::Ignores) => {}
            (Signal::Stop, StopBehaviour::Stops) => self.begin_stop(now, pod, out),
        }
    }

    /// The steps of a stop, of which the last ends `server_stop`. nginx' master holds the listener until it ends itself,
    /// after its workers: in between, connections are still taken and nobody accepts them. Before its end a worker does not
    /// come to read any more; and before that, if it cuts, it knows of the signal while it still answers the requests it
    /// was woken for (ngx_terminate in src/http/ngx_http_header_filter_module.c since 1.21.6; ngx_quit is not looked at
    /// there). All measured, and zero unless the scenario says otherwise.
    fn begin_stop(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let mut at = now + self.draws.draw(DelayId::ServerStop, pod.0.into());
        let before = [
            (DelayId::ListenerLag, Timer::ClosesConnections(pod)),
            (DelayId::ReadLag, Timer::StopsReading(pod)),
            (DelayId::WakeLag, Timer::SaysClose(pod)),
        ];
        let mut steps = vec![(at, Timer::ClosesListener(pod))];
        for (lag, timer) in before.into_iter().take(if self.cuts() { 3 } else { 2 }) {
            at = at.saturating_sub(self.draws.draw(lag, pod.0.into())).max(now);
            steps.push((at, timer));
        }
        for (at, timer) in steps.into_iter().rev() {
            out.set_timer(pod.0, at, timer);
        }
    }

    /// The kubelet asks whether the server is ready.
    pub fn on_probe(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let rtt = self.draws.draw(DelayId::ProbeRtt, pod.0.into());
        let timeout = self.scenario.pod.readiness_probe.as_ref().map_or(rtt, |probe| probe.timeout);
        let process = &self.processes[pod.index()];
        let success = process.listener == Listener::Open && rtt <= timeout && process.workers.are_open(now);
        out.send(pod.0, now + rtt.min(timeout), Msg::ProbeAnswered(pod, success));
    }

    /// The connections of a stopping server have been told; the last request that is drained is done at `at`. The
    /// process ends then, but not before its listener is closed.
    pub fn on_drained(&mut self, at: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let process = &mut self.processes[pod.index()];
        process.drained = process.drained.max(at);
        if process.listener == Listener::Closed {
            out.set_timer(pod.0, process.drained, Timer::Exits(pod));
        }
    }

    /// The pod's network namespace is gone.
    pub fn on_namespace_gone(&mut self, pod: PodId) {
        self.processes[pod.index()].listener = Listener::Gone;
    }

    /// One of the servers' own timers.
    pub fn on_timer(&mut self, now: SimTime, timer: Timer, out: &mut RoomOut<Timer>) {
        match timer {
            Timer::Booted(pod) => self.booted(now, pod, out),
            Timer::SaysClose(pod) => self.processes[pod.index()].reads = Reads::LastTime,
            Timer::StopsReading(pod) => self.processes[pod.index()].reads = Reads::Never,
            Timer::ClosesConnections(pod) => {
                out.send(pod.0, now, Msg::Sever { pod, cut: self.cuts(), backlog: false });
            }
            Timer::ClosesListener(pod) => self.close_listener(now, pod, self.cuts(), out),
            Timer::Exits(pod) => self.exits(now, pod, out),
        }
    }

    fn cuts(&self) -> bool {
        self.scenario.pod.server.in_flight == InFlightPolicy::Cut
    }

    fn booted(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let process = &mut self.processes[pod.index()];
        if process.listener == Listener::NotYet && process.exited.is_none() {
            process.listener = Listener::Open;
            if !matches!(self.scenario.pod.server.stall, Dist::Constant(SimDuration::ZERO)) {
                let stall = self.scenario.pod.server.stall.draw(self.draws.streams().get("stall", pod.0.into()));
                process.workers.open_at(now + stall);
            }
            out.record(Fact::Pod { at: now, pod, event: PodEvent::Listening });
        }
    }

    fn close_listener(&mut self, now: SimTime, pod: PodId, cut: bool, out: &mut RoomOut<Timer>) {
        let process = &mut self.processes[pod.index()];
        if process.exited.is_some() {
            return;
        }
        if process.listener != Listener::Closed {
            process.listener = Listener::Closed;
            out.record(Fact::Pod { at: now, pod, event: PodEvent::ListenerClosed });
        }
        out.send(pod.0, now, Msg::Sever { pod, cut, backlog: true });
    }

    fn exits(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let process = &mut self.processes[pod.index()];
        if process.exited.is_some() {
            return;
        }
        process.exited = Some(now);
        out.record(Fact::Pod { at: now, pod, event: PodEvent::Exited });
        out.send(pod.0, now, Msg::Exited(pod));
    }
}
