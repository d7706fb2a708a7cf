//! The server processes in the pods.
//!
//! Models: boot before listening; a stall between listening and answering; a pool of workers fed first in, first out, each request served by the worker that is
//! free first, or processor sharing; a CPU limit that throttles; a limit of requests in flight, the accept queue; a process that
//! is slow until it is warm; a process that hangs; what happens on the stop signal (a lame duck first, stop or ignore) and on SIGKILL;
//! the next process of a container that is started again; the answer to a probe (`probes`); a proxy before the server (`sidecar`). Which connections end, and how, is
//! decided where connections are known. Leaves out: SYN cookies. Source: mechanics 3.9, 7.1, 7.3 and 7.4; nginx src/os/unix/ngx_process_cycle.c.

mod admission;
mod observed;
mod probes;
mod sharing;
mod sidecar;
mod workers;

use crate::dist::Dist;
use crate::ids::PodId;
use crate::model::msg::{Draws, Fact, Listener, Msg, PodEvent, RoomOut, Severing};
use crate::model::spec::{
    DelayId, Discipline, IdlePolicy, InFlightPolicy, LameDuck, Mechanism, NewConnections, ProbeKind, QueuedPolicy,
    Scenario, ServerSpec, Signal, StopBehaviour,
};
use crate::units::{SimDuration, SimTime};

use admission::{UnderWay, Warmth};
pub use observed::{Held, Observed, Work};
pub use sharing::{Quota, Sharing};
pub use workers::{Pool, Service, Workers};

/// What a server calls itself back for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timer {
    pod: PodId,
    /// Which of the pod's processes set it: it is nothing to those after it.
    life: u32,
    step: Step,
}

impl Timer {
    /// Whose.
    pub fn pod(self) -> PodId {
        self.pod
    }
}

/// What comes next in the life of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The process listens.
    Booted,
    /// The signal is there, the process has not come to act on it: what it still serves it answers with
    /// `Connection: close`.
    SaysClose,
    /// The lame duck has waited.
    BeginsStop,
    /// The process acts on the stop signal: from now on requests that arrive are treated as idle connections are.
    StopsReading,
    /// It ends its connections.
    ClosesConnections,
    /// It closes its listener.
    ClosesListener,
    /// It looks whether the connections that it keeps have ended.
    LooksAgain,
    /// It waits no longer for what it drains.
    DrainOver,
    /// The process ends.
    Exits,
    /// The sidecar's process listens.
    SidecarBooted,
    /// The sidecar's process ends.
    SidecarExits,
    /// A probe that shares the process may be done.
    Answers(ProbeKind),
}

/// What a process does with requests that arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reads {
    /// It reads and answers them, and they meet nothing but its workers.
    Always,
    /// It reads them, but they meet more than a queue.
    WithCare,
    /// It reads and answers them with `Connection: close`: it is about to stop.
    LastTime,
    /// It answers them with 503 and closes their connection.
    Rejects,
    /// It does not read them.
    Never,
}

/// A process that waits for connections to end looks so often whether they have: clients may have closed them.
const LOOK: SimDuration = SimDuration::from_millis(100);

/// Of a process that looks ever more rarely: how long it waits the first time.
const FIRST_POLL: SimDuration = SimDuration::from_millis(1);

/// It may wait longer by this share.
const POLL_JITTER: f64 = 0.1;

/// What a request meets at a process that does not read as always.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meets {
    /// It is served; `last` says that the server closes the connection after it.
    Served {
        /// When.
        service: Service,
        /// It is answered with `Connection: close`.
        last: bool,
    },
    /// It shares the process ([`Servers::sharing`]): when it is done depends on what comes.
    Shares,
    /// It is answered 503, because too many are in flight.
    Overload,
    /// It is answered 503 by a process that stops, and the connection closed.
    Rejected,
    /// It is not read: it waits for the end of its connection.
    Unread,
}

#[derive(Debug)]
struct Process {
    /// How many processes the pod has had before.
    life: u32,
    listener: Listener,
    reads: Reads,
    /// It fails its probes and health checks by itself.
    unready: bool,
    /// It has begun to end its connections.
    stops: bool,
    /// It answers nothing any more; and whether it acts on the stop signal.
    hangs: Option<StopBehaviour>,
    /// Of a pod with a sidecar.
    front: Option<sidecar::Front>,
    /// When the last request that is drained is done.
    drained: SimTime,
    /// When the last request whose client has gone is done.
    works_until: SimTime,
    /// How long it waits before it looks next whether all is drained, and when it does so.
    poll: SimDuration,
    looks_at: SimTime,
    exited: Option<SimTime>,
    workers: Workers,
    under_way: UnderWay,
    warmth: Warmth,
    sharing: Option<Box<Sharing>>,
    /// Probes that share the process, by kind.
    asked: [Option<probes::Asked>; 3],
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
    pub fn new(scenario: &'s Scenario, mut draws: Draws<'s>, pods: usize, listening: usize) -> Self {
        let listener = |index| if index < listening { Listener::Open } else { Listener::NotYet };
        let process = |index| Process::new(scenario, listener(index), sharing(scenario, index, &mut draws));
        let processes = (0..pods).map(process).collect();
        Servers { scenario, draws, processes }
    }

    /// Makes the tables long enough for `pod`.
    pub fn make_room_for(&mut self, pod: PodId) {
        while self.processes.len() <= pod.index() {
            let sharing = sharing(self.scenario, self.processes.len(), &mut self.draws);
            self.processes.push(Process::new(self.scenario, Listener::NotYet, sharing));
        }
    }

    /// How many pods there is room for.
    pub fn count(&self) -> usize {
        self.processes.len()
    }

    /// What a SYN to `pod` meets now.
    #[inline]
    pub fn listener(&self, pod: PodId) -> Listener {
        self.processes[pod.index()].listener
    }

    /// Whether the process of `pod` fails probes and health checks though it serves.
    pub fn is_unready(&self, pod: PodId) -> bool {
        self.processes[pod.index()].unready
    }

    /// When the process of `pod` ended, if it has.
    pub fn exited(&self, pod: PodId) -> Option<SimTime> {
        self.processes[pod.index()].exited
    }

    /// A request arrives at `pod` and will be served for `service_time`; `None` if it meets more than the workers, see
    /// [`Servers::meet`].
    #[inline]
    pub fn serve(&mut self, pod: PodId, now: SimTime, service_time: SimDuration) -> Option<Service> {
        let process = &mut self.processes[pod.index()];
        (process.reads == Reads::Always).then(|| process.workers.serve(now, service_time))
    }

    /// The workers of `pod`, if requests meet nothing else.
    pub fn reading(&mut self, pod: PodId) -> Option<&mut Workers> {
        let process = &mut self.processes[pod.index()];
        (process.reads == Reads::Always).then_some(&mut process.workers)
    }

    /// A request arrives at a process that does not read as always.
    pub fn meet(&mut self, pod: PodId, now: SimTime, service_time: SimDuration) -> Meets {
        let server = &self.scenario.pod.server;
        let process = &mut self.processes[pod.index()];
        let is_overloaded = server.in_flight_limit.is_some_and(|limit| process.under_way(now) >= limit.into());
        match process.reads {
            Reads::Rejects => Meets::Rejected,
            Reads::Never => Meets::Unread,
            _ if is_overloaded => Meets::Overload,
            _ if process.sharing.is_some() => Meets::Shares,
            reads => {
                let service = process.serve(now, service_time, server);
                Meets::Served { service, last: reads == Reads::LastTime }
            }
        }
    }

    /// The requests that share the process of `pod`.
    pub fn sharing(&mut self, pod: PodId) -> Option<&mut Sharing> {
        self.processes[pod.index()].sharing.as_deref_mut()
    }

    /// How long the next request of `pod` takes that is taken up at `now`, for whoever enters it into its
    /// [`sharing`](Servers::sharing).
    pub fn stretched(&mut self, pod: PodId, now: SimTime, service_time: SimDuration) -> SimDuration {
        self.processes[pod.index()].warmth.stretch(self.scenario.pod.server.warm_up.as_ref(), now, service_time)
    }

    /// Whether the process of `pod` closes the connection after a response that it sends now.
    pub fn closes(&self, pod: PodId) -> bool {
        matches!(self.processes[pod.index()].reads, Reads::LastTime | Reads::Never | Reads::Rejects)
    }

    /// Whether it says so in the response.
    pub fn says_close(&self, pod: PodId) -> bool {
        let last_time = self.processes[pod.index()].reads == Reads::LastTime;
        last_time || (self.closes(pod) && self.scenario.pod.server.connection_close)
    }

    /// How much of the speed of a warm process `pod` has; none if it does not serve.
    pub fn speed(&self, pod: PodId, now: SimTime) -> f64 {
        let process = &self.processes[pod.index()];
        let serves = process.listener == Listener::Open && !process.is_away() && process.workers.are_open(now);
        let slowdown = self.scenario.pod.server.warm_up.map_or(1.0, |warm_up| process.warmth.slowdown(&warm_up, now));
        if serves { 1.0 / slowdown } else { 0.0 }
    }

    /// Whether the accept queue of `pod` is full: a SYN is dropped. Linux lets one more in than the backlog says.
    #[inline]
    pub fn is_full(&mut self, pod: PodId, now: SimTime) -> bool {
        let process = &mut self.processes[pod.index()];
        let may_wait = process.reads != Reads::Always || !process.workers.are_open(now);
        let longest = self.scenario.pod.server.backlog.min(self.scenario.cluster.somaxconn());
        may_wait && process.unaccepted(now, &self.scenario.pod.server) > longest.into()
    }

    /// A connection to `pod` is established. Whether its process comes to accept it.
    pub fn establish(&mut self, pod: PodId, now: SimTime) -> bool {
        let process = &mut self.processes[pod.index()];
        if !process.workers.are_open(now) {
            process.under_way.wait();
        }
        process.reads != Reads::Never
    }

    /// The kubelet starts the process, perhaps in the place of one that ended.
    pub fn on_start(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let before = &self.processes[pod.index()];
        if before.exited.is_some() {
            let life = before.life + 1;
            let sharing = sharing(self.scenario, pod.index(), &mut self.draws);
            let front = before.front;
            let process = Process::new(self.scenario, Listener::NotYet, sharing);
            self.processes[pod.index()] = Process { life, ..process }.behind(front);
        }
        let boot = self.scenario.pod.boot.draw(self.draws.streams().get("boot", pod.0.into()));
        let instant = self.scenario.without.has(Mechanism::BootBeforeListening);
        let boot = if instant { SimDuration::ZERO } else { boot };
        self.set_timer(now + boot, pod, Step::Booted, out);
    }

    fn set_timer(&self, at: SimTime, pod: PodId, step: Step, out: &mut RoomOut<Timer>) {
        let life = self.processes[pod.index()].life;
        out.set_timer(pod.0, at, Timer { pod, life, step });
    }

    /// The process is stuck: what it has taken up it answers, but nothing that comes now. The kernel takes connections for it
    /// until the backlog is full.
    pub fn on_hang(&mut self, pod: PodId, ignores_stop: bool) {
        let process = &mut self.processes[pod.index()];
        if process.exited.is_none() && process.listener == Listener::Open {
            process.reads = Reads::Never;
            process.workers.open_at(SimTime::MAX);
            process.hangs = Some(if ignores_stop { StopBehaviour::Ignores } else { StopBehaviour::Stops });
        }
    }

    /// The kubelet sends a signal.
    pub fn on_signal(&mut self, now: SimTime, pod: PodId, signal: Signal, out: &mut RoomOut<Timer>) {
        if self.processes[pod.index()].exited.is_some() {
            return;
        }
        let on_stop = match self.processes[pod.index()].hangs {
            Some(StopBehaviour::Ignores) => StopBehaviour::Ignores,
            Some(StopBehaviour::Stops) | None => self.scenario.pod.server.on_stop,
        };
        match (signal, on_stop) {
            (Signal::Kill, _) => {
                self.ends_all(now, pod, out);
                self.set_timer(now, pod, Step::Exits, out);
            }
            (Signal::Stop, StopBehaviour::Ignores) => {}
            (Signal::Stop, StopBehaviour::Stops) => match self.scenario.pod.server.lame_duck {
                Some(duck) => self.begin_lame_duck(now, pod, duck, out),
                None => self.begin_stop(now, pod, out),
            },
        }
    }

    /// It serves on, but says that it will not for long.
    fn begin_lame_duck(&mut self, now: SimTime, pod: PodId, duck: LameDuck, out: &mut RoomOut<Timer>) {
        let process = &mut self.processes[pod.index()];
        process.unready = duck.fails_readiness;
        if duck.connection_close && process.hangs.is_none() {
            process.reads = Reads::LastTime;
        }
        self.set_timer(now + duck.wait, pod, Step::BeginsStop, out);
    }

    /// The steps of a stop, of which the last ends `server_stop`. nginx' master holds the listener until it ends itself,
    /// after its workers: in between, connections are still taken and nobody accepts them. Before its end a worker does not
    /// come to read any more; and before that, if it cuts, it knows of the signal while it still answers the requests it
    /// was woken for (ngx_terminate in src/http/ngx_http_header_filter_module.c since 1.21.6; ngx_quit is not looked at
    /// there). All measured, and zero unless the scenario says otherwise.
    fn begin_stop(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let mut at = now + self.draws.draw(DelayId::ServerStop, pod.0.into());
        let before = [
            (DelayId::ListenerLag, Step::ClosesConnections),
            (DelayId::ReadLag, Step::StopsReading),
            (DelayId::WakeLag, Step::SaysClose),
        ];
        let mut steps = vec![(at, Step::ClosesListener)];
        for (lag, step) in before.into_iter().take(if self.cuts() { 3 } else { 2 }) {
            at = at.saturating_sub(self.draws.draw(lag, pod.0.into())).max(now);
            steps.push((at, step));
        }
        for (at, step) in steps.into_iter().rev() {
            self.set_timer(at, pod, step, out);
        }
    }

    /// Nobody waits for the answer to this request any more, which the process does not know: it works on it all the same. Unread
    /// requests of a server that does not read on are forgotten with their connections.
    pub fn works_on(&mut self, now: SimTime, pod: PodId, service: Service) {
        if service.start <= now || self.scenario.pod.server.queued == QueuedPolicy::Serve {
            let process = &mut self.processes[pod.index()];
            process.works_until = process.works_until.max(service.finish);
        }
    }

    /// When a process that stops and drains is done with the requests whose clients have gone.
    pub fn worked_off(&mut self, pod: PodId) -> SimTime {
        let process = &mut self.processes[pod.index()];
        let serves = self.scenario.pod.server.queued == QueuedPolicy::Serve;
        let sharing = process.sharing.as_mut().filter(|_| serves).map(|sharing| sharing.ends());
        process.works_until.max(sharing.unwrap_or(SimTime::ZERO))
    }

    /// The connections of a stopping server have been told; the last request that is drained is done at `at`, or the last
    /// connection that is kept then ends at the earliest. The process ends then, but not before it stops.
    pub fn on_drained(&mut self, now: SimTime, at: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let server = &self.scenario.pod.server;
        let holds = server.idle.holds_the_process() || !server.keeps_new.is_zero();
        let process = &mut self.processes[pod.index()];
        process.drained = if holds { at } else { process.drained.max(at) };
        if !process.stops {
            return;
        }
        let waits = process.drained > now;
        match server.drain_poll {
            // It has been told twice and looks already.
            Some(_) if waits && process.looks_at > now => {}
            Some(longest) if waits => {
                let at = now + self.next_poll(pod, longest);
                self.processes[pod.index()].looks_at = at;
                self.set_timer(at, pod, Step::LooksAgain, out);
            }
            None if waits && holds => self.set_timer(at.min(now + LOOK), pod, Step::LooksAgain, out),
            _ => {
                let drained = process.drained;
                self.set_timer(drained, pod, Step::Exits, out);
            }
        }
    }

    /// How long a process waits that looks ever more rarely, up to `longest`, whether all is drained.
    fn next_poll(&mut self, pod: PodId, longest: SimDuration) -> SimDuration {
        let process = &mut self.processes[pod.index()];
        let more = POLL_JITTER * self.draws.streams().get("drain_poll", pod.0.into()).uniform();
        let interval = SimDuration::from_nanos_f64_rounded(process.poll.as_nanos() as f64 * (1.0 + more));
        process.poll = (process.poll * 2).min(longest);
        interval
    }

    /// The pod's network namespace is gone.
    pub fn on_namespace_gone(&mut self, pod: PodId) {
        self.processes[pod.index()].listener = Listener::Gone;
    }

    /// One of the servers' own timers.
    pub fn on_timer(&mut self, now: SimTime, timer: Timer, out: &mut RoomOut<Timer>) {
        let Timer { pod, life, step } = timer;
        let of_the_sidecar = matches!(step, Step::SidecarBooted | Step::SidecarExits);
        if life != self.processes[pod.index()].life && !of_the_sidecar {
            return;
        }
        match step {
            Step::Booted => self.booted(now, pod, out),
            Step::SaysClose if self.scenario.pod.server.connection_close => {
                self.processes[pod.index()].reads_from_now(Reads::LastTime);
            }
            Step::SaysClose => {}
            Step::BeginsStop => self.begin_stop_if_alive(now, pod, out),
            Step::StopsReading if self.exited(pod).is_none() => {
                let reads = self.reads_after_stop();
                self.processes[pod.index()].reads_from_now(reads);
            }
            Step::StopsReading => {}
            Step::ClosesConnections => {
                let severing = Severing { cut: self.cuts(), backlog: false, idle: self.scenario.pod.server.idle };
                out.send(pod.0, now, Msg::Sever(pod, severing));
            }
            Step::ClosesListener => self.stops(now, pod, out),
            Step::LooksAgain => self.end_connections(now, pod, out),
            Step::DrainOver => self.drain_over(now, pod, out),
            Step::Exits => self.exits(now, pod, out),
            Step::SidecarBooted => self.sidecar_booted(now, pod, out),
            Step::SidecarExits => self.sidecar_exits(now, pod, out),
            Step::Answers(kind) => self.answers(now, pod, kind, out),
        }
    }

    fn begin_stop_if_alive(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        if self.processes[pod.index()].exited.is_none() {
            self.begin_stop(now, pod, out);
        }
    }

    fn cuts(&self) -> bool {
        self.scenario.pod.server.in_flight == InFlightPolicy::Cut
    }

    fn reads_after_stop(&self) -> Reads {
        match self.scenario.pod.server.idle {
            // What it still reads comes over connections that are not idle because they are new.
            IdlePolicy::Close if !self.scenario.pod.server.keeps_new.is_zero() => Reads::LastTime,
            IdlePolicy::Close => Reads::Never,
            IdlePolicy::Serve => usual_reads(&self.scenario.pod.server),
            IdlePolicy::Last => Reads::LastTime,
            IdlePolicy::Reject => Reads::Rejects,
        }
    }

    fn booted(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let process = &mut self.processes[pod.index()];
        if (process.listener == Listener::NotYet || process.is_away()) && process.exited.is_none() {
            let is_reached = process.comes_up(&self.scenario.pod.server);
            process.warmth.begin(now);
            if !matches!(self.scenario.pod.server.stall, Dist::Constant(SimDuration::ZERO)) {
                let stall = self.scenario.pod.server.stall.draw(self.draws.streams().get("stall", pod.0.into()));
                process.workers.open_at(now + stall);
            }
            if is_reached {
                self.processes[pod.index()].listener = Listener::Open;
                out.record(Fact::Pod { at: now, pod, event: PodEvent::Listening });
            }
        }
    }

    /// The stop itself: the listener closes, unless it stays to reject, and connections end as the server's row says.
    fn stops(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        if self.processes[pod.index()].exited.is_some() {
            return;
        }
        if self.scenario.pod.server.new_connections == NewConnections::Refuse {
            self.close_listener(now, pod, out);
        }
        self.processes[pod.index()].stops = true;
        self.end_connections(now, pod, out);
        if let Some(limit) = &self.scenario.pod.server.drain_limit {
            let limit = limit.draw(self.draws.streams().get("drain_limit", pod.0.into()));
            self.set_timer(now + limit, pod, Step::DrainOver, out);
        }
    }

    fn end_connections(&self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let idle = self.scenario.pod.server.idle;
        if self.processes[pod.index()].exited.is_none() {
            out.send(pod.0, now, Msg::Sever(pod, Severing { cut: self.cuts(), backlog: true, idle }));
        }
    }

    fn drain_over(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        if self.processes[pod.index()].exited.is_none() {
            self.ends_all(now, pod, out);
            self.set_timer(now, pod, Step::Exits, out);
        }
    }

    /// Whatever is left ends with the process; with a sidecar before it, what it was at.
    fn ends_all(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        if self.processes[pod.index()].goes_away() {
            out.send(pod.0, now, Msg::Sever(pod, Severing { cut: true, backlog: false, idle: IdlePolicy::Reject }));
            return;
        }
        self.processes[pod.index()].reads = Reads::Never;
        self.close_listener(now, pod, out);
        out.send(pod.0, now, Msg::Sever(pod, Severing { cut: true, backlog: true, idle: IdlePolicy::Close }));
    }

    fn close_listener(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let process = &mut self.processes[pod.index()];
        if process.listener != Listener::Closed {
            process.listener = Listener::Closed;
            out.record(Fact::Pod { at: now, pod, event: PodEvent::ListenerClosed });
        }
    }

    fn exits(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let process = &mut self.processes[pod.index()];
        if process.exited.is_some() {
            return;
        }
        process.exited = Some(now);
        if process.reads != Reads::Never || process.front.is_some() {
            self.ends_all(now, pod, out);
        }
        out.record(Fact::Pod { at: now, pod, event: PodEvent::Exited });
        out.send(pod.0, now, Msg::Exited(pod));
    }
}

impl Process {
    fn new(scenario: &Scenario, listener: Listener, sharing: Option<Box<Sharing>>) -> Self {
        let server = &scenario.pod.server;
        let front = match listener {
            Listener::Open => sidecar::Front::Relays,
            _ => sidecar::Front::Starting { server: false },
        };
        Process {
            life: 0,
            listener,
            reads: usual_reads(server),
            unready: false,
            stops: false,
            hangs: None,
            front: scenario.pod.sidecar.as_ref().map(|_| front),
            drained: SimTime::ZERO,
            works_until: SimTime::ZERO,
            poll: FIRST_POLL,
            looks_at: SimTime::ZERO,
            exited: None,
            workers: Workers::new(server.workers),
            under_way: UnderWay::default(),
            warmth: Warmth::default(),
            sharing,
            asked: [None; 3],
        }
    }

    /// A process that hangs reads nothing, whatever it would do.
    fn reads_from_now(&mut self, reads: Reads) {
        let silent = self.hangs.is_some() || self.front == Some(sidecar::Front::Ended);
        self.reads = if silent { Reads::Never } else { reads };
    }

    /// Requests that it has not answered.
    fn under_way(&mut self, now: SimTime) -> u64 {
        match &mut self.sharing {
            Some(sharing) => {
                sharing.advance(now);
                sharing.count() as u64
            }
            None => self.under_way.count(now),
        }
    }

    /// Connections that it has not accepted.
    fn unaccepted(&mut self, now: SimTime, server: &ServerSpec) -> u64 {
        let (open, under_way) = (self.workers.are_open(now), self.under_way(now));
        self.under_way.unaccepted(server, open, under_way)
    }

    fn serve(&mut self, now: SimTime, service_time: SimDuration, server: &ServerSpec) -> Service {
        let start = now.max(self.workers.first_free().0);
        let service_time = self.warmth.stretch(server.warm_up.as_ref(), start, service_time);
        let service = self.workers.serve(now, service_time);
        if !server.only_queues() {
            self.under_way.add(service.finish);
        }
        service
    }
}

fn usual_reads(server: &ServerSpec) -> Reads {
    if server.only_queues() { Reads::Always } else { Reads::WithCare }
}

/// Where requests share the process of a pod. The periods of a CPU limit begin when the process' group is made, which is at any
/// time.
fn sharing(scenario: &Scenario, index: usize, draws: &mut Draws<'_>) -> Option<Box<Sharing>> {
    let server = &scenario.pod.server;
    let quota = server.cpu_limit.map(|limit| {
        let share = draws.streams().get("cpu_phase", index as u64).uniform();
        let phase = SimDuration::from_nanos_f64_rounded(limit.period.as_nanos() as f64 * share);
        Quota::new(limit.cores, limit.period, SimTime::ZERO + phase)
    });
    let shares = server.discipline == Discipline::ProcessorSharing;
    server.shares().then(|| Box::new(Sharing::new(server.workers, shares, quota)))
}
