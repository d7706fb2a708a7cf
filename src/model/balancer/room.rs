//! The balancer as a room: watched endpoints and health checks in, targets in force out.

use crate::dist::Dist;
use crate::engine::{StreamKey, Streams};
use crate::ids::{Layer, NodeId, PodId, ReplicaId};
use crate::model::api::{Endpoint, Object, Watcher, Write, difference};
use crate::model::balancer::health::Health;
use crate::model::balancer::replica::{next_tick, share};
use crate::model::balancer::{Choice, Place, Pool, Replica, Target};
use crate::model::msg::{Fact, Msg, RoomOut, RouteEvent};
use crate::model::spec::{BalancerSpec, Mechanism, Mechanisms, Scenario, TargetKind, UpdateSpec};
use crate::units::{Rate, SimDuration, SimTime};

/// What a balancer calls itself back for, each for a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timer {
    /// The wait of an event is over.
    Due(u32),
    /// An update begins.
    UpdateBegins(u32),
    /// The update is in force.
    Applied(u32),
    /// The replica asks for the endpoints.
    Polls(u32),
    /// A worker looks for new endpoints.
    WorkerPolls(Place),
    /// The data plane learns of a target that comes.
    Comes(u32, PodId),
    /// The data plane learns of a target that goes.
    Goes(u32, PodId),
    /// A target is checked.
    Checks(u32, Target),
    /// A check has had no answer.
    CheckTimedOut(u32, Target),
    /// A target that goes has had its time.
    DrainOver(u32, PodId),
    /// Old workers have had their time.
    WorkersEnd(u32, u32),
}

/// The ingress, or the load balancer.
#[derive(Debug)]
pub struct Balancer<'s> {
    spec: &'s BalancerSpec,
    /// What the scenario says of updates, without the mechanisms that are switched off.
    update: UpdateSpec,
    layer: Layer,
    streams: Streams,
    replicas: Vec<Replica>,
    /// How many times each replica has reloaded.
    generations: Vec<u32>,
    /// Pods whose readiness gate is open.
    gated: Vec<PodId>,
}

impl<'s> Balancer<'s> {
    /// A balancer that has known the endpoints of the start for long.
    pub fn new(scenario: &'s Scenario, layer: Layer, key: StreamKey, endpoints: &[Endpoint]) -> Option<Self> {
        let spec = scenario.balancer(layer)?;
        let room = match layer {
            Layer::LoadBalancer => "load_balancer",
            Layer::Ingress => "ingress",
        };
        let mut streams = Streams::new(key, room);
        let update = effective(&spec.update, scenario.without);
        let replicas = (0..spec.replicas).map(|number| {
            let targets = first_targets(scenario, spec, number, endpoints);
            let worker = |worker: u32| u64::from(number) << 32 | u64::from(worker);
            Replica::new(spec, &update, &targets, |number| streams.get("worker", worker(number)).bits())
        });
        let replicas: Vec<Replica> = replicas.collect();
        let generations = vec![0; replicas.len()];
        Some(Balancer { spec, update, layer, streams, replicas, generations, gated: Vec::new() })
    }

    /// What the scenario says of it.
    pub fn spec(&self) -> &'s BalancerSpec {
        self.spec
    }

    /// Arranges the polls and the first checks.
    pub fn start(&mut self, out: &mut RoomOut<Timer>) {
        for number in 0..self.replicas.len() as u32 {
            if !self.update.poll.is_zero() && self.spec.target == TargetKind::Ip {
                let phase = share(self.update.poll, self.streams.get("poll_phase", number.into()).bits());
                out.set_timer(number, SimTime::ZERO + phase, Timer::Polls(number));
            }
            let targets: Vec<Target> = self.replicas[number as usize].registered.keys().copied().collect();
            targets.into_iter().for_each(|target| self.begin_checks(SimTime::ZERO, number, target, out));
        }
    }

    /// The worker that takes a new connection: each with equal probability.
    pub fn place(&self, replica: u32, bits: u64) -> Place {
        Place { replica, worker: ((u128::from(bits) * u128::from(self.spec.workers)) >> 64) as u32 }
    }

    /// How many times a replica has replaced its workers.
    pub fn generation(&self, replica: u32) -> u32 {
        self.generations[replica as usize]
    }

    /// A worker chooses a target, of those that have not been tried if there are such and the retry rule says so.
    pub fn pick(&mut self, place: Place, choice: Choice, tried: &[Target]) -> Option<Target> {
        let tried = if self.spec.retry.avoids_tried { tried } else { &[] };
        self.replicas[place.replica as usize].pick(place.worker, choice, tried)
    }

    /// Whether a worker may choose the target at all.
    pub fn lists(&self, place: Place, target: Target) -> bool {
        self.replicas[place.replica as usize].workers[place.worker as usize].targets.contains(&target)
    }

    /// The connections of a worker.
    pub fn pool(&mut self, place: Place) -> &mut Pool {
        &mut self.replicas[place.replica as usize].workers[place.worker as usize].pool
    }

    /// The connections of all workers.
    pub fn pools(&mut self) -> impl Iterator<Item = &mut Pool> {
        self.replicas.iter_mut().flat_map(|replica| &mut replica.workers).map(|worker| &mut worker.pool)
    }

    /// A try ended: passive health, and what the policy learns from latencies.
    pub fn on_try_ended(&mut self, now: SimTime, place: Place, target: Target, latency: Option<SimDuration>) {
        let replica = &mut self.replicas[place.replica as usize];
        if let (Some(spec), Some(health)) = (&self.spec.outlier_detection, replica.registered.get_mut(&target)) {
            health.on_request(spec, now, latency.is_some());
            replica.ejects_until = replica.ejects_until.max(health.ejected_until());
        }
        if let Some(latency) = latency {
            replica.workers[place.worker as usize].policy.policy().on_response(target, now, latency);
        }
    }

    /// The EndpointSlices changed, as a replica sees it.
    pub fn on_watch(&mut self, now: SimTime, number: u32, object: &Object, out: &mut RoomOut<Timer>) {
        let Object::EndpointSlice(slice) = object else {
            unreachable!("{:?} watches slices only", Watcher::Balancer(self.replica_id(number)))
        };
        let wanted = eligible(self.spec, &slice.endpoints);
        let replica = &mut self.replicas[number as usize];
        if replica.wanted == wanted {
            return;
        }
        let before = std::mem::replace(&mut replica.wanted, wanted);
        let going = difference(&before, &replica.wanted).collect();
        self.record(now, number, going, RouteEvent::OutSeen, out);
        let replica = &mut self.replicas[number as usize];
        if self.update.poll.is_zero()
            && let Some(at) = replica.updates.on_event(now)
        {
            out.set_timer(number, at, Timer::Due(number));
        }
    }

    /// One of the balancer's own timers.
    pub fn on_timer(&mut self, now: SimTime, timer: Timer, out: &mut RoomOut<Timer>) {
        match timer {
            Timer::Due(number) => self.due(now, number, out),
            Timer::UpdateBegins(number) => self.update_begins(now, number, out),
            Timer::Applied(number) => self.applied(now, number, out),
            Timer::Polls(number) => self.polls(now, number, out),
            Timer::WorkerPolls(place) => self.worker_polls(now, place, out),
            Timer::Comes(number, pod) => self.comes(now, number, pod, out),
            Timer::Goes(number, pod) => self.goes(now, number, pod, out),
            Timer::Checks(number, target) => self.checks(now, number, target, out),
            Timer::CheckTimedOut(number, target) => self.check_ended(now, number, target, false, out),
            Timer::DrainOver(number, pod) => out.send(number, now, Msg::DrainOver(self.replica_id(number), pod)),
            Timer::WorkersEnd(number, generation) => {
                out.send(number, now, Msg::WorkersEnd(self.replica_id(number), generation));
            }
        }
    }

    /// The target of a check answered, or does not answer at all.
    pub fn on_checked(
        &mut self,
        now: SimTime,
        number: u32,
        target: Target,
        answer: Option<bool>,
        out: &mut RoomOut<Timer>,
    ) {
        let Some(spec) = &self.spec.health_check else { return };
        match answer {
            Some(success) => self.check_ended(now, number, target, success, out),
            None => drop(out.set_timer(number, now + spec.timeout, Timer::CheckTimedOut(number, target))),
        }
    }

    fn replica_id(&self, number: u32) -> ReplicaId {
        ReplicaId { layer: self.layer, number }
    }

    fn due(&mut self, now: SimTime, number: u32, out: &mut RoomOut<Timer>) {
        match self.replicas[number as usize].updates.on_due(now) {
            Err(again) => drop(out.set_timer(number, again, Timer::Due(number))),
            Ok(begins) => arrange(number, begins, out),
        }
    }

    fn update_begins(&mut self, now: SimTime, number: u32, out: &mut RoomOut<Timer>) {
        let replica = &mut self.replicas[number as usize];
        replica.updates.on_begin(now);
        replica.applying = replica.wanted.clone();
        let going = difference(&replica.configured, &replica.applying).collect();
        self.record(now, number, going, RouteEvent::OutBegins, out);
        let update = &self.update;
        let by_size = update.apply_per_object * u64::from(update.configuration_objects);
        let apply = update.apply.draw(self.streams.get("apply", number.into())) + by_size;
        out.set_timer(number, now + apply, Timer::Applied(number));
    }

    fn record(&self, at: SimTime, number: u32, pods: Vec<PodId>, event: RouteEvent, out: &mut RoomOut<Timer>) {
        let replica = self.replica_id(number);
        pods.into_iter().for_each(|pod| out.record(Fact::Route { at, pod, replica, worker: 0, event }));
    }

    fn applied(&mut self, now: SimTime, number: u32, out: &mut RoomOut<Timer>) {
        let replica = &mut self.replicas[number as usize];
        let configured = std::mem::take(&mut replica.applying);
        let before = std::mem::replace(&mut replica.configured, configured);
        let coming: Vec<PodId> = difference(&replica.configured, &before).collect();
        let going: Vec<PodId> = difference(&before, &replica.configured).collect();
        let changed = !(coming.is_empty() && going.is_empty());
        arrange(number, replica.updates.on_applied(now), out);
        coming.into_iter().for_each(|pod| self.announce(now, number, pod, true, out));
        for pod in going {
            self.announce(now, number, pod, false, out);
            if let Some(delay) = self.update.deregistration_delay {
                out.set_timer(number, now + delay, Timer::DrainOver(number, pod));
            }
        }
        if changed && self.update.reloads {
            self.reload(now, number, out);
        }
    }

    /// A target comes or goes: at once, or after the time the data plane takes to learn of it.
    fn announce(&mut self, now: SimTime, number: u32, pod: PodId, comes: bool, out: &mut RoomOut<Timer>) {
        let update = &self.update;
        let (dist, purpose) =
            if comes { (&update.registration, "registration") } else { (&update.deregistration, "deregistration") };
        let entity = u64::from(number) << 32 | u64::from(pod.0);
        let delay = if dist.is_zero() { SimDuration::ZERO } else { dist.draw(self.streams.get(purpose, entity)) };
        match (comes, delay.is_zero()) {
            (true, true) => self.comes(now, number, pod, out),
            (false, true) => self.goes(now, number, pod, out),
            (true, false) => drop(out.set_timer(number, now + delay, Timer::Comes(number, pod))),
            (false, false) => drop(out.set_timer(number, now + delay, Timer::Goes(number, pod))),
        }
    }

    /// New workers take over; the old ones close what is idle (mechanics 6.2).
    fn reload(&mut self, now: SimTime, number: u32, out: &mut RoomOut<Timer>) {
        self.replicas[number as usize].workers.iter_mut().for_each(|worker| worker.pool.retire_all(now));
        let generation = self.generations[number as usize];
        self.generations[number as usize] += 1;
        out.send(number, now, Msg::Reloaded(self.replica_id(number)));
        out.set_timer(number, now + self.spec.worker_shutdown_timeout, Timer::WorkersEnd(number, generation));
    }

    fn polls(&mut self, now: SimTime, number: u32, out: &mut RoomOut<Timer>) {
        let replica = &mut self.replicas[number as usize];
        if replica.wanted != replica.configured {
            arrange(number, replica.updates.request(now), out);
        }
        out.set_timer(number, now + self.update.poll, Timer::Polls(number));
    }

    fn comes(&mut self, now: SimTime, number: u32, pod: PodId, out: &mut RoomOut<Timer>) {
        let replica = &mut self.replicas[number as usize];
        if !replica.configured.contains(&pod) {
            return;
        }
        let unchecked = self.spec.health_check.is_none();
        let target = Target::Pod(pod);
        replica.registered.insert(target, Health::new(unchecked));
        self.begin_checks(now, number, target, out);
        if unchecked {
            self.open_gate(now, pod, out);
        }
        self.show(now, number, out);
    }

    fn goes(&mut self, now: SimTime, number: u32, pod: PodId, out: &mut RoomOut<Timer>) {
        let replica = &mut self.replicas[number as usize];
        if replica.configured.contains(&pod) {
            return;
        }
        replica.registered.remove(&Target::Pod(pod));
        if self.spec.upstream.closes_removed {
            replica.workers.iter_mut().for_each(|worker| worker.pool.retire_target(now, Target::Pod(pod)));
        }
        self.show(now, number, out);
    }

    /// The workers get to see what is usable, at once or at their next poll.
    fn show(&mut self, now: SimTime, number: u32, out: &mut RoomOut<Timer>) {
        let period = self.update.worker_poll;
        for worker in 0..self.spec.workers {
            let place = Place { replica: number, worker };
            if period.is_zero() {
                self.see(now, place, out);
                continue;
            }
            let worker = &mut self.replicas[number as usize].workers[worker as usize];
            if !std::mem::replace(&mut worker.polls, true) {
                out.set_timer(number, next_tick(now, period, worker.phase), Timer::WorkerPolls(place));
            }
        }
    }

    fn worker_polls(&mut self, now: SimTime, place: Place, out: &mut RoomOut<Timer>) {
        self.replicas[place.replica as usize].workers[place.worker as usize].polls = false;
        self.see(now, place, out);
    }

    /// The worker chooses among what is usable from now on.
    fn see(&mut self, now: SimTime, place: Place, out: &mut RoomOut<Timer>) {
        let replica = &mut self.replicas[place.replica as usize];
        let targets = replica.usable();
        let before = std::mem::replace(&mut replica.workers[place.worker as usize].targets, targets);
        let after = &replica.workers[place.worker as usize].targets;
        let pods = |targets: &[Target]| targets.iter().filter_map(|target| target.pod()).collect::<Vec<_>>();
        let (before, after) = (pods(&before), pods(after));
        let replica = self.replica_id(place.replica);
        let mut record = |pods: Vec<PodId>, event| {
            pods.into_iter().for_each(|pod| {
                out.record(Fact::Route { at: now, pod, replica, worker: place.worker as u16, event });
            });
        };
        record(difference(&after, &before).collect(), RouteEvent::In);
        record(difference(&before, &after).collect(), RouteEvent::Out);
    }

    fn begin_checks(&mut self, now: SimTime, number: u32, target: Target, out: &mut RoomOut<Timer>) {
        let Some(spec) = &self.spec.health_check else { return };
        let entity = u64::from(number) << 40 | target.ordinal();
        let phase = share(spec.interval, self.streams.get("check_phase", entity).bits());
        out.set_timer(number, now + phase, Timer::Checks(number, target));
    }

    fn checks(&mut self, now: SimTime, number: u32, target: Target, out: &mut RoomOut<Timer>) {
        let Some(spec) = &self.spec.health_check else { return };
        if self.replicas[number as usize].registered.contains_key(&target) {
            out.send(number, now, Msg::HealthCheck(self.replica_id(number), target));
            out.set_timer(number, now + spec.interval, Timer::Checks(number, target));
        }
    }

    fn check_ended(&mut self, now: SimTime, number: u32, target: Target, success: bool, out: &mut RoomOut<Timer>) {
        let Some(spec) = &self.spec.health_check else { return };
        let Some(health) = self.replicas[number as usize].registered.get_mut(&target) else { return };
        if !health.on_check(spec, success) {
            return;
        }
        if let (true, Some(pod)) = (success, target.pod()) {
            self.open_gate(now, pod, out);
        }
        if !success && self.spec.resets_unhealthy {
            out.send(number, now, Msg::FlowsEnd(self.replica_id(number), target));
        }
        self.show(now, number, out);
    }

    /// All replicas find a pod healthy: the balancer's controller says so in its status (mechanics 6.5).
    fn open_gate(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let healthy = |replica: &Replica| replica.registered.get(&Target::Pod(pod)).is_some_and(Health::is_healthy);
        if self.spec.readiness_gate && !self.gated.contains(&pod) && self.replicas.iter().all(healthy) {
            self.gated.push(pod);
            out.send(pod.0, now, Msg::Write(Write::OpenReadinessGate { pod }));
        }
    }
}

/// Without batching a change waits for nothing; without sync time it is in force at once.
fn effective(update: &UpdateSpec, without: Mechanisms) -> UpdateSpec {
    let (zero, mut update) = (SimDuration::ZERO, update.clone());
    if without.has(Mechanism::ProxyBatching) {
        (update.debounce, update.batch_window, update.throttle) = (zero, zero, zero);
        (update.poll, update.sync_rate_limit) = (zero, Rate::ZERO);
    }
    if without.has(Mechanism::SyncTime) {
        (update.apply, update.apply_per_object, update.worker_poll) = (Dist::ZERO, zero, zero);
        (update.registration, update.deregistration) = (Dist::ZERO, Dist::ZERO);
    }
    update
}

fn arrange(number: u32, begins: Option<SimTime>, out: &mut RoomOut<Timer>) {
    if let Some(at) = begins {
        out.set_timer(number, at, Timer::UpdateBegins(number));
    }
}

/// Endpoints that are given requests: ready ones; behind a readiness gate, which waits for this very balancer, all that do
/// not terminate.
fn eligible(spec: &BalancerSpec, endpoints: &[Endpoint]) -> Vec<PodId> {
    let takes = |endpoint: &&Endpoint| {
        let conditions = endpoint.conditions;
        if spec.readiness_gate { !conditions.terminating } else { conditions.ready }
    };
    endpoints.iter().filter(takes).map(|endpoint| endpoint.pod).collect()
}

fn first_targets(scenario: &Scenario, spec: &BalancerSpec, number: u32, endpoints: &[Endpoint]) -> Vec<Target> {
    let nodes = scenario.cluster.nodes;
    match spec.target {
        TargetKind::Ip => eligible(spec, endpoints).into_iter().map(Target::Pod).collect(),
        TargetKind::Instance => (0..nodes).map(|node| Target::Node(NodeId(node))).collect(),
        TargetKind::Service => vec![Target::Node(NodeId(number % nodes))],
        TargetKind::Ingress => {
            (0..scenario.ingress.as_ref().map_or(0, |ingress| ingress.replicas)).map(Target::Replica).collect()
        }
    }
}
