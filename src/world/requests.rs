//! The requests of all clients: their slots, when they start and stop, where open-loop requests come from, and what a
//! stopping server does to the connections it has. What happens to one request stands in [`path`](super::path).

use crate::dist::Dist;
use crate::engine::StreamKey;
use crate::ids::{NodeId, PodId, ReplicaId, Target};
use crate::model::client::{ArrivalProcess, Pacing};
use crate::model::msg::{Listener, Severing};
use crate::model::spec::{Arrivals, ClientSpec, DelayId, End, EntryNode, IdlePolicy, Scenario};
use crate::record::Metrics;
use crate::units::{SimDuration, SimTime};
use crate::world::balancers;
use crate::world::channels::Channels;
use crate::world::elements::Elements;
use crate::world::hedges::Hedges;
use crate::world::lanes::Lanes;
use crate::world::path::{After, Path, Results, View};
use crate::world::proxied::on_trip;
use crate::world::slot::{Call, Drawn, Flow, Luck, Schedule, Slot, State};
use crate::world::trip::Trip;
use crate::world::{Driver, Options};

/// One client and where its connections are.
#[derive(Debug)]
pub(super) struct Client<'s> {
    pub(super) spec: &'s ClientSpec,
    warm_ups_left: u32,
    slots: std::ops::Range<u32>,
    /// Of an open-loop client.
    pub(super) source: Option<Source<'s>>,
    /// Of a client whose requests are streams.
    pub(super) channels: Option<Channels>,
    /// Of a client that sends second attempts.
    pub(super) hedges: Option<Hedges>,
}

/// Where the requests of an open-loop client come from.
#[derive(Debug)]
pub(super) struct Source<'s> {
    /// The slot that wakes at arrivals.
    slot: u32,
    next: u64,
    arrivals: ArrivalProcess<'s>,
    luck: Luck,
    /// Slots without a request, the last one used on top; of a pool those with a connection, and those without.
    idle: Vec<u32>,
    pub(super) bare: Vec<u32>,
}

/// All requests of all clients.
#[derive(Debug)]
pub(super) struct Requests<'s> {
    scenario: &'s Scenario,
    key: StreamKey,
    pub(super) clients: Vec<Client<'s>>,
    pub(super) slots: Vec<Slot<'s>>,
    /// The slots that the fast driver has.
    lanes: Lanes,
    /// Connections may go to the fast driver.
    has_lanes: bool,
    pub(super) path: Path<'s>,
    /// Of the estimator that skips: its clients connect for each request.
    connects_anew: bool,
    /// What it may skip next is due before.
    skips_until: SimTime,
}

impl<'s> Requests<'s> {
    pub(super) fn new(scenario: &'s Scenario, key: StreamKey, options: Options) -> Self {
        let path = Path::new(scenario, options);
        let connects_anew = path.window.is_some() && scenario.clients.iter().all(|client| !client.keep_alive);
        let (clients, slots, lanes, skips_until) = (Vec::new(), Vec::new(), Lanes::new(), SimTime::ZERO);
        // A run that keeps its series looks at every request.
        let is_plain = scenario.pod.server.only_queues() && path.results.series.is_none();
        let has_lanes = options.driver == Driver::Fast && is_plain;
        let mut requests =
            Requests { scenario, key, clients, slots, lanes, has_lanes, path, connects_anew, skips_until };
        scenario.clients.iter().for_each(|spec| requests.add_client(spec));
        requests
    }

    /// Wakes all that is due before `control`, or leaves it for later if nothing can fail until then and may be skipped. Says
    /// when the next wake is.
    #[inline]
    pub(super) fn run_until(&mut self, control: SimTime, view: &mut View<'_, 's>) -> SimTime {
        if self.connects_anew && control < self.path.stop && is_calm(view) {
            return self.path.wakes.next().0;
        }
        self.next_after_quiet(control).unwrap_or_else(|| self.run(control, view))
    }

    /// When the next wake is, if nothing is due before `control` and the lanes may wait.
    #[inline]
    fn next_after_quiet(&self, control: SimTime) -> Option<SimTime> {
        let (at, _) = self.path.wakes.next();
        (at >= control && self.lanes.may_wait(control, &self.path)).then(|| at.min(self.lanes.next()))
    }

    fn run(&mut self, control: SimTime, view: &mut View<'_, 's>) -> SimTime {
        if self.connects_anew {
            let until = control.min(self.path.stop).saturating_sub(self.path.window.unwrap_or_default());
            self.skips_until = if is_calm(view) { until } else { SimTime::ZERO };
        }
        loop {
            if let Some(next) = self.next_after_quiet(control) {
                return next;
            }
            let (at, slot) = self.path.wakes.next();
            if self.run_lanes((at, slot).min((control, 0)), view) {
                continue;
            }
            if at >= control {
                return at.min(self.lanes.next());
            }
            self.wake(at, slot, view);
        }
    }

    /// Runs the lanes up to a wake of a slot or a control event; if they may be skipped, those alone that the slot meets. Says
    /// whether a slot got its lane back.
    #[inline]
    fn run_lanes(&mut self, until: (SimTime, u32), view: &mut View<'_, 's>) -> bool {
        let Requests { lanes, slots, path, .. } = self;
        if lanes.next() > until.0 || lanes.next().is_never() {
            return false;
        }
        let Slot { socket, spec, .. } = &slots[until.1 as usize];
        match socket.as_ref().map(|socket| socket.pod) {
            _ if spec.free_connect || !lanes.may_wait(until.0, path) => lanes.run(until, slots, path, view.servers),
            Some(pod) => lanes.run_alone(pod, until, slots, path, view.servers),
            // A SYN meets no queue.
            None => false,
        }
    }

    /// Starts all clients at time zero; requests are due before `end`, or until [`Requests::stop`].
    pub(super) fn start(&mut self, end: SimTime) {
        self.path.stop = end;
        for client in 0..self.clients.len() {
            if self.clients[client].source.is_some() {
                self.arrange_arrival(client, SimTime::ZERO);
            } else if self.clients[client].spec.warm_up {
                self.start_warm_up(client);
            } else {
                self.start_clock(client, SimTime::ZERO);
            }
        }
    }

    /// No request is sent from now on.
    pub(super) fn stop(&mut self, now: SimTime, view: &mut View<'_, 's>) {
        if self.connects_anew {
            self.run(now, view);
        } else if self.path.window.is_some() {
            self.lanes.run((now, 0), &mut self.slots, &mut self.path, view.servers);
        }
        self.lanes.leave_all(&mut self.slots, &mut self.path);
        self.path.stop = now;
    }

    /// The rules are about to change.
    pub(super) fn catch_up_with_rules(&mut self, now: SimTime, view: &mut View<'_, 's>) {
        if self.connects_anew {
            self.run(now, view);
        }
    }

    /// Something is about to happen to the server of `pod`: its connections must be where they are now, if they may lag.
    pub(super) fn catch_up(&mut self, now: SimTime, pod: PodId, view: &mut View<'_, 's>) {
        if self.connects_anew {
            self.run(now, view);
        } else if self.path.window.is_some() {
            let Requests { lanes, slots, path, .. } = self;
            lanes.catch_up(now, pod, slots, path, view.servers);
            lanes.leave_pod(pod, slots, path);
        }
    }

    /// The slot that is due wakes.
    fn wake(&mut self, now: SimTime, index: u32, view: &mut View<'_, 's>) {
        self.path.now = now;
        if self.slots[index as usize].schedule.is_none() {
            self.wake_open_loop(now, index, view);
            return;
        }
        if now < self.skips_until && self.skip(index) {
            // It wakes when something may happen.
            return;
        }
        let slot = &mut self.slots[index as usize];
        if self.path.wake(slot, view) == After::WarmedUp {
            self.warmed_up(now, index);
        } else if self.has_lanes {
            self.lanes.enter(slot, &mut self.path);
        }
    }

    /// Takes what a client that connects for each request sends before something may happen as answered, if there is any. Something
    /// happens when a client that was kept waiting sends all at once what it owes: that fills the queues.
    fn skip(&mut self, index: u32) -> bool {
        let window = self.path.window.unwrap_or_default();
        let bursts = self.slots.iter().map(|slot| self.path.burst_at(slot).saturating_sub(window));
        let until = bursts.fold(self.skips_until, SimTime::min);
        self.path.now < until && self.path.skip(&mut self.slots[index as usize], until).is_some()
    }

    fn wake_open_loop(&mut self, now: SimTime, index: u32, view: &mut View<'_, 's>) {
        let client = self.slots[index as usize].client as usize;
        if self.clients[client].source.as_ref().is_some_and(|source| source.slot == index) {
            self.arrive(client, now, view);
            return;
        }
        if self.clients[client].hedges.is_some() && self.race_is_decided(client, index, now, view) {
            return;
        }
        if self.slots[index as usize].state == State::Rejoins {
            self.join(client, index, now, view);
            return;
        }
        let after = self.path.wake(&mut self.slots[index as usize], view);
        if self.slots[index as usize].channel.is_some() {
            self.after_stream(client, index, after, now);
            if self.clients[client].hedges.is_some() {
                self.drop_orphan(client, index, view);
            }
        } else if after == After::Free {
            self.set_free(client, index);
        }
    }

    /// The slot's request has ended: its connection is kept for another, unless there are enough.
    pub(super) fn set_free(&mut self, client: usize, index: u32) {
        let Client { spec, source: Some(source), .. } = &mut self.clients[client] else { return };
        let Some(most) = spec.pool.max_idle.map(|most| most as usize) else {
            source.idle.push(index);
            return;
        };
        if source.idle.len() >= most {
            drop_closed(source, &mut self.slots, &mut self.path);
        }
        let slot = &mut self.slots[index as usize];
        if source.idle.len() >= most {
            self.path.close(slot);
        }
        if slot.is_connected() { source.idle.push(index) } else { source.bare.push(index) }
    }

    /// The slot used last; of a pool the idle connection used last, of those that the client does not know to be closed, else
    /// a slot without one.
    fn take_free(&mut self, client: usize) -> Option<u32> {
        let Client { spec, source: Some(source), .. } = &mut self.clients[client] else { return None };
        if spec.pool.max_idle.is_none() {
            return source.idle.pop().or_else(|| source.bare.pop());
        }
        while let Some(index) = source.idle.pop() {
            let slot = &mut self.slots[index as usize];
            if !self.path.knows_to_be_closed(slot) {
                return Some(index);
            }
            self.path.close(slot);
            source.bare.push(index);
        }
        source.bare.pop()
    }

    fn add_client(&mut self, spec: &'s ClientSpec) {
        let (client, first) = (self.clients.len() as u32, self.slots.len() as u32);
        let open = spec.is_open();
        // An open-loop client's first slot is its source, the next the clock of its second attempts.
        let count = if open { 1 + u32::from(spec.hedging.is_some()) } else { self.threads(spec) };
        self.slots.reserve(count as usize);
        for ordinal in 0..count {
            let schedule = (!open).then(|| self.schedule(spec, client, ordinal));
            self.add_slot(client, ordinal, schedule);
        }
        let source = open.then(|| Source {
            slot: first,
            next: 0,
            arrivals: ArrivalProcess::new(spec, self.key.stream("client", "gap", client.into())),
            luck: Luck::new(self.key, entity(client, u32::MAX)),
            idle: Vec::new(),
            bare: Vec::new(),
        });
        let slots = first..self.slots.len() as u32;
        let ages = || self.key.stream("client", "age", client.into());
        let channels = spec.multiplexes().then(|| Channels::new(spec, self.scenario.service.kind, ages()));
        let lucks = || [u32::MAX, u32::MAX - 1].map(|ordinal| Luck::new(self.key, entity(client, ordinal)));
        let hedges = spec.hedging.filter(|_| open).map(|hedging| Hedges::new(&hedging, first + 1, lucks()));
        self.clients.push(Client { spec, warm_ups_left: 0, slots, source, channels, hedges });
    }

    /// Connections of a closed-loop client.
    fn threads(&self, spec: &ClientSpec) -> u32 {
        Pacing::threads(spec, self.duration())
    }

    /// How long the run is, if that is known before.
    fn duration(&self) -> Option<SimDuration> {
        match self.scenario.run.end {
            End::Duration(duration) => Some(duration),
            End::AfterOldPodsGone(_) => None,
        }
    }

    /// The schedule of a closed-loop connection; it may start with a phase of its own.
    fn schedule(&self, spec: &ClientSpec, client: u32, ordinal: u32) -> Schedule {
        let pacing = Pacing::new(spec, self.duration());
        let share = match spec.arrivals {
            Arrivals::Staggered => self.key.stream("connection", "phase", entity(client, ordinal)).uniform(),
            Arrivals::Spaced => f64::from(ordinal) / f64::from(self.threads(spec)),
            _ => 0.0,
        };
        let phase = SimDuration::from_nanos_f64_rounded(pacing.period().as_nanos() as f64 * share);
        Schedule { pacing, start: SimTime::ZERO + phase, thinks: spec.thinks() }
    }

    fn add_slot(&mut self, client: u32, ordinal: u32, schedule: Option<Schedule>) {
        let spec = &self.scenario.clients[client as usize];
        self.slots.push(Slot {
            index: self.slots.len() as u32,
            client,
            spec,
            plain: spec.is_plain(),
            reuses: u32::MAX,
            ordinal,
            schedule,
            state: State::Idle,
            socket: None,
            channel: None,
            address: None,
            flow: None,
            call: Call { idempotent: spec.idempotent > 0.0, ..Call::none(self.entry_node(spec, ordinal.into())) },
            answer: None,
            drawn: None,
            thought: None,
            cut_at: SimTime::MAX,
            patience: SimTime::ZERO,
            shares: None,
            pinned: None,
            luck: Luck::new(self.key, entity(client, ordinal)),
            trip: self.trip(spec, entity(client, ordinal)),
        });
    }

    /// For a client of balancers.
    fn trip(&self, spec: &ClientSpec, entity: u64) -> Option<Box<Trip>> {
        let entry = balancers::entry(self.scenario, spec.via)?;
        Some(Box::new(Trip::new(entry, self.key.stream("connection", "upstream", entity))))
    }

    fn entry_node(&self, spec: &ClientSpec, number: u64) -> NodeId {
        match spec.node {
            EntryNode::Node(node) => node,
            EntryNode::Spread => NodeId((number % u64::from(self.scenario.cluster.nodes)) as u32),
        }
    }

    /// One request on every connection before the clock starts.
    fn start_warm_up(&mut self, client: usize) {
        let slots = self.clients[client].slots.clone();
        self.clients[client].warm_ups_left = slots.len() as u32;
        for index in slots {
            self.path.begin_call(&mut self.slots[index as usize], 0, SimTime::ZERO, true);
            self.slots[index as usize].enter();
        }
    }

    /// The warm-up of a connection has ended; the clock starts when all have.
    fn warmed_up(&mut self, now: SimTime, index: u32) {
        let client = self.slots[index as usize].client as usize;
        self.clients[client].warm_ups_left -= 1;
        if self.clients[client].warm_ups_left == 0 {
            self.start_clock(client, now);
        }
    }

    /// The clock of a closed-loop client starts.
    fn start_clock(&mut self, client: usize, now: SimTime) {
        for index in self.clients[client].slots.clone() {
            let slot = &mut self.slots[index as usize];
            let Some(schedule) = &mut slot.schedule else { continue };
            schedule.start += now - SimTime::ZERO;
            // A tool that pauses sends first; people who think at random have been there before.
            if schedule.thinks && !matches!(slot.spec.think_time, Dist::Constant(_)) {
                schedule.start += slot.luck.think_time(&slot.spec.think_time);
            }
            let due = schedule.start;
            if due < self.path.stop {
                self.path.begin_call(slot, 0, due, false);
                slot.enter();
            }
        }
    }

    /// Arranges the next arrival of an open-loop client.
    fn arrange_arrival(&mut self, client: usize, now: SimTime) {
        let Some(source) = &mut self.clients[client].source else { return };
        let at = source.arrivals.next(now);
        let at = if at < self.path.stop { at } else { SimTime::MAX };
        self.path.wakes.set(source.slot, at);
    }

    /// A request of an open-loop client is due: it takes a free slot.
    fn arrive(&mut self, client: usize, now: SimTime, view: &mut View<'_, 's>) {
        if now >= self.path.stop || now >= self.path.stopped[client] {
            self.path.wakes.set(self.clients[client].slots.start, SimTime::MAX);
            return;
        }
        self.arrange_arrival(client, now);
        let call = self.open_call(client, now);
        let index = self.launch(client, call, view);
        if self.clients[client].hedges.is_some() {
            self.arrange_hedge(client, index, now);
        }
    }

    /// An attempt of an open-loop client is sent now, over a free slot, which it says.
    pub(super) fn launch(&mut self, client: usize, call: Call, view: &mut View<'_, 's>) -> u32 {
        let (index, now) = (self.free_slot(client), self.path.now);
        let slot = &mut self.slots[index as usize];
        (slot.call, slot.state) = (call, State::Packet);
        if self.clients[client].channels.is_some() {
            self.join(client, index, now, view);
        } else {
            slot.enter();
            self.path.wake_at(slot, now + call.one_way());
        }
        index
    }

    /// A slot of an open-loop client for another attempt.
    pub(super) fn free_slot(&mut self, client: usize) -> u32 {
        self.take_free(client).unwrap_or_else(|| self.add_open_slot(client))
    }

    fn add_open_slot(&mut self, client: usize) -> u32 {
        let index = self.slots.len() as u32;
        let ordinal = index - self.clients[client].slots.start;
        self.add_slot(client as u32, ordinal, None);
        index
    }

    /// The next request of an open-loop client, all its randomness from the client's own streams.
    fn open_call(&mut self, client: usize, now: SimTime) -> Call {
        let scenario = self.scenario;
        let Client { spec, source: Some(source), .. } = &mut self.clients[client] else {
            unreachable!("an open-loop client has a source")
        };
        let index = source.next;
        source.next += 1;
        let (round_trip, service_time) = (scenario.delays.get(DelayId::RttPod), &scenario.pod.server.service_time);
        let Drawn { round_trip, service_time, work, idempotent } =
            source.luck.drawn(spec, spec.is_plain(), round_trip, service_time);
        let choice = Some(source.luck.choice().bits());
        let spec = *spec;
        let none = Call::none(self.entry_node(spec, index));
        Call { index, sent: now, attempt_sent: now, round_trip, service_time, work, idempotent, choice, ..none }
    }

    /// The server of `pod` ends its connections now, as far as `severing` says. Returns when the last request that is
    /// drained is done; where the process waits for connections that are kept, when the last of them ends if nothing more
    /// comes.
    pub(super) fn sever(&mut self, now: SimTime, pod: PodId, severing: Severing, view: &mut View<'_, 's>) -> SimTime {
        self.path.now = now;
        self.lanes.leave_pod(pod, &mut self.slots, &mut self.path);
        let mut drained = now;
        self.path.observe_severing(pod, severing);
        for slot in &mut self.slots {
            if slot.socket.is_some_and(|socket| socket.pod == pod && (severing.backlog || socket.accepted)) {
                drained = drained.max(self.path.sever_one(slot, severing, view));
            }
            let proxied = on_trip(&mut self.path, slot, view, |proxied| proxied.sever(pod, severing));
            drained = drained.max(proxied.unwrap_or(now));
        }
        let ends = severing.idle == IdlePolicy::Close;
        for channels in self.clients.iter_mut().filter(|_| ends).filter_map(|client| client.channels.as_mut()) {
            self.path.tally.connections_severed += channels.sever(now, pod, severing.backlog);
        }
        let kept = self.path.keep_alive_timeout;
        if severing.idle.holds_the_process() {
            let channels = self.clients.iter().filter_map(|client| client.channels.as_ref());
            drained = channels.filter_map(|channels| channels.last_end(pod, kept)).fold(drained, SimTime::max);
        }
        if !severing.cut {
            drained = drained.max(view.servers.worked_off(pod));
        }
        let kept_new = if severing.cut { SimDuration::ZERO } else { self.scenario.pod.server.keeps_new };
        drained.max(view.balancers.sever(now, pod, severing.idle, kept, kept_new))
    }

    /// The workers of a balancer's replica have been replaced.
    pub(super) fn reloaded(&mut self, now: SimTime, replica: ReplicaId, view: &mut View<'_, 's>) {
        self.path.now = now;
        for slot in &mut self.slots {
            on_trip(&mut self.path, slot, view, |proxied| proxied.reloaded(replica));
        }
        view.balancers.reloaded(now, replica);
    }

    /// Requests that a replica has on a target that went have had their time.
    pub(super) fn drain_over(&mut self, now: SimTime, replica: ReplicaId, pod: PodId, view: &mut View<'_, 's>) {
        self.path.now = now;
        for slot in &mut self.slots {
            on_trip(&mut self.path, slot, view, |proxied| proxied.drain_over(replica, pod));
        }
    }

    /// A replica resets the connections that it forwards to an unhealthy target.
    pub(super) fn flows_end(&mut self, now: SimTime, replica: ReplicaId, target: Target, view: &mut View<'_, 's>) {
        self.path.now = now;
        for slot in &mut self.slots {
            let its = |flow: &Flow| (flow.replica, flow.target) == (replica.number, target);
            if slot.flow.as_ref().is_some_and(its) {
                self.path.reset_one(slot, view);
            }
        }
    }

    /// The workers of this generation of a replica have had their time.
    pub(super) fn workers_end(&mut self, now: SimTime, replica: ReplicaId, generation: u32, view: &mut View<'_, 's>) {
        self.path.now = now;
        for slot in &mut self.slots {
            on_trip(&mut self.path, slot, view, |proxied| proxied.workers_end(replica, generation));
        }
    }

    /// The process of `pod` has ended.
    pub(super) fn exited(&mut self, now: SimTime, pod: PodId, view: &mut View<'_, 's>) {
        self.path.now = now;
        self.path.observe_exit(pod, view);
    }

    /// Settles what is left and, if asked, checks that nothing got lost on the way.
    pub(super) fn finish(&mut self, check: bool, view: &mut View<'_, 's>) {
        self.lanes.leave_all(&mut self.slots, &mut self.path);
        for slot in &mut self.slots {
            if on_trip(&mut self.path, slot, view, |proxied| proxied.settle()).is_none() {
                self.path.settle(slot);
            }
        }
        self.path.observe_end(view);
        if check {
            let open = self.slots.iter().filter(|slot| slot.is_connected()).count() as u64
                + self.clients.iter().filter_map(|client| client.channels.as_ref()).map(Channels::open).sum::<u64>();
            view.balancers.check();
            let accounted = self.path.closed + open;
            assert_eq!(self.path.established, accounted, "connections opened are closed or open at the end");
            assert_eq!(self.path.begun, self.path.tally.requests(), "every request that begins ends once");
        }
    }

    /// The share of the offered load that each element of the data plane chooses pods for.
    pub(super) fn entering_shares(&self) -> Vec<f64> {
        let mut shares = vec![0.0; Elements::of(self.scenario).count()];
        let all: f64 = self.scenario.clients.iter().map(|client| self.scenario.offered_rate(client)).sum();
        for client in &self.scenario.clients {
            for (element, share) in self.elements_of(client) {
                shares[element] += self.scenario.offered_rate(client) / all * share;
            }
        }
        shares
    }

    /// Which elements choose for the clients at all.
    pub(super) fn counted_elements(&self) -> Vec<bool> {
        let used: Vec<_> = self.scenario.clients.iter().flat_map(|client| self.elements_of(client)).collect();
        Elements::of(self.scenario).counts(&used)
    }

    fn elements_of(&self, client: &ClientSpec) -> Vec<(usize, f64)> {
        let entries = if client.is_open() { self.scenario.cluster.nodes } else { self.threads(client) };
        let entry = |number: u32| (self.entry_node(client, number.into()), 1.0 / f64::from(entries));
        let nodes: Vec<_> = (0..entries).map(entry).collect();
        Elements::of(self.scenario).chosen_by(client.via, &nodes)
    }

    /// Requests that were counted without being simulated.
    pub(super) fn skipped(&self) -> u64 {
        self.path.tally.skipped
    }

    /// Writes the metrics and hands over the rest, lost requests in the order in which clients knew.
    pub(super) fn into_results(self, metrics: &mut Metrics) -> Results {
        self.path.tally.write(metrics);
        let mut results = self.path.results;
        results.lost.sort_by_key(|lost| (lost.known, lost.client, lost.slot, lost.call));
        results
    }
}

/// Every pod in the rules of every node takes and answers requests, and there is one.
fn is_calm(view: &mut View<'_, '_>) -> bool {
    let View { routes, servers, .. } = view;
    let mut answers = |pod: &PodId| servers.listener(*pod) == Listener::Open && servers.reading(*pod).is_some();
    routes.proxies.iter().all(|proxy| !proxy.rules().is_empty() && proxy.rules().iter().all(&mut answers))
}

/// The ordinal of a connection in the names of streams.
fn entity(client: u32, ordinal: u32) -> u64 {
    u64::from(client) << 32 | u64::from(ordinal)
}

/// Drops the idle connections that the client knows to be closed.
fn drop_closed<'s>(source: &mut Source<'s>, slots: &mut [Slot<'s>], path: &mut Path<'s>) {
    let (mut idle, bare) = (std::mem::take(&mut source.idle), &mut source.bare);
    idle.retain(|index| {
        let slot = &mut slots[*index as usize];
        let closed = path.knows_to_be_closed(slot);
        if closed {
            path.close(slot);
            bare.push(*index);
        }
        !closed
    });
    source.idle = idle;
}
