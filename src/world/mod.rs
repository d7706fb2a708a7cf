//! The world: owns all rooms, carries what passes between them, and drives the run in order of time. The only place
//! that knows every room.
//!
//! Control events come from one calendar; requests from the tournament of connection slots. At equal times control
//! comes first.

mod balancers;
mod capacity;
mod channels;
mod connect;
mod elements;
mod exposure;
mod failing;
mod failures_only;
mod faults;
mod hedges;
mod lane;
mod lanes;
mod load;
mod outs;
mod path;
mod proxied;
mod recorder;
mod requests;
mod route;
mod sets;
mod sharing;
mod slot;
mod stopping;
mod tally;
mod trip;
mod upstream;

use crate::engine::{Calendar, Forcing, StreamKey, Streams, Tie};
use crate::ids::{Layer, NodeId, PodId, ReplicaId, Revision, Target};
use crate::model::api::{
    ApiServer, Object, Phase, PodObject, ReplicaSetObject, ReplicaSetStatus, ResourceVersion, Timestamp, Watcher,
    Write, hops_to_rules,
};
use crate::model::autoscaler::{self, Autoscaler};
use crate::model::balancer::{self, Balancer};
use crate::model::deployment::{self, DeploymentController, max_unavailable, resolve_fenceposts};
use crate::model::disruption::{self, DisruptionController};
use crate::model::dns::Dns;
use crate::model::drain::{self, Drain};
use crate::model::endpoints::{self, EndpointSliceController};
use crate::model::kube_proxy::{self, KubeProxy};
use crate::model::kubelet::{self, Kubelet};
use crate::model::msg::{Draws, Listener, Msg, RoomOut, Severing, Slowness};
use crate::model::replicaset::{self, ReplicaSetController};
use crate::model::scheduler::{self, Scheduler};
use crate::model::server::{self, Servers};
use crate::model::spec::{DelayId, End, Scenario, Strategy};
use crate::record::RunOutput;
use crate::units::{SimDuration, SimTime};

use balancers::Balancers;
pub use failures_only::{Refusal, refusals};
use faults::Fault;
use outs::{Outs, Room};
use path::View;
use recorder::Recorder;
use requests::Requests;
use route::Routes;
use sets::Sets;

/// Ranks of the rooms in the order of simultaneous events.
mod rank {
    pub(super) const API: u8 = 0;
    pub(super) const DEPLOYMENT: u8 = 1;
    pub(super) const REPLICA_SET: u8 = 2;
    pub(super) const SCHEDULER: u8 = 3;
    pub(super) const KUBELET: u8 = 4;
    pub(super) const ENDPOINTS: u8 = 5;
    pub(super) const KUBE_PROXY: u8 = 6;
    pub(super) const LOAD_BALANCER: u8 = 7;
    pub(super) const INGRESS: u8 = 8;
    pub(super) const SERVER: u8 = 9;
    pub(super) const WORLD: u8 = 10;
    pub(super) const SETS: u8 = 11;
    pub(super) const DISRUPTION: u8 = 12;
    pub(super) const DRAIN: u8 = 13;
    pub(super) const AUTOSCALER: u8 = 14;
}

/// How old the Deployment is when the run begins: long enough for all old pods to share one bucket of ages.
const DEPLOYMENT_AGE: SimDuration = SimDuration::from_secs(3_600);
/// The old pods became Ready within this time of each other.
const READY_SPREAD: SimDuration = SimDuration::from_secs(2);

/// Everything in the calendar.
#[derive(Debug)]
enum Event {
    Deliver(Msg),
    Deployment(deployment::Timer),
    ReplicaSet(replicaset::Timer),
    Sets(sets::Timer),
    Disruption(disruption::Timer),
    Drain(drain::Timer),
    Autoscaler(autoscaler::Timer),
    Fault(Fault),
    Scheduler(scheduler::Timer),
    Kubelet(NodeId, kubelet::Timer),
    Endpoints(endpoints::Timer),
    KubeProxy(NodeId, kube_proxy::Timer),
    Balancer(Layer, balancer::Timer),
    Server(server::Timer),
    ClientsStop,
}

const _: () = assert!(size_of::<Event>() <= 48, "events stay small");

/// What a run is asked to do besides counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Keep the story: pods, rules, lost requests.
    pub trace: bool,
    /// Check the invariants all along and put every request into the digest.
    pub check: bool,
    /// How requests are driven.
    pub driver: Driver,
    /// What is estimated.
    pub estimator: Estimator,
    /// Keep how it goes second by second, whatever the load.
    pub series: bool,
}

/// From this offered utilisation on queues matter: the run keeps its series without being asked.
const LOADED: f64 = 0.4;

/// Whether a run keeps how it goes second by second.
fn keeps_series(scenario: &Scenario, options: Options) -> bool {
    options.estimator == Estimator::EveryRequest && (options.series || scenario.offered_utilisation() >= LOADED)
}

/// What the replications estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Estimator {
    /// Every request is simulated.
    #[default]
    EveryRequest,
    /// Quiet stretches, in which every request is answered, are skipped: the counts of failures are those of the run that
    /// simulates every request, and there are no latencies. Only where [`refusals`] has nothing against it.
    FailuresOnly,
}

/// How requests are driven, to the same results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Driver {
    /// Connections on which nothing but their requests happens take a short way.
    #[default]
    Fast,
    /// Every request takes the whole path: what the fast driver is held against.
    Plain,
}

/// A cluster with its clients, in one replication.
#[derive(Debug)]
pub struct World<'s> {
    scenario: &'s Scenario,
    options: Options,
    now: SimTime,
    end: SimTime,
    calendar: Calendar<Event>,
    outs: Outs,
    api: ApiServer<'s>,
    deployment: DeploymentController<'s>,
    replica_sets: ReplicaSetController<'s>,
    sets: Sets<'s>,
    scheduler: Scheduler<'s>,
    disruption: Option<DisruptionController<'s>>,
    drain: Drain<'s>,
    autoscaler: Option<Autoscaler<'s>>,
    kubelets: Vec<Kubelet<'s>>,
    endpoints: EndpointSliceController<'s>,
    routes: Routes<'s>,
    balancers: Balancers<'s>,
    servers: Servers<'s>,
    requests: Requests<'s>,
    recorder: Recorder<'s>,
    node_of: Vec<Option<NodeId>>,
    forcing: Option<Forcing>,
    slowness: Option<Slowness>,
    /// No controller acts before.
    leaderless_until: SimTime,
    /// Events of the world's own so far.
    scheduled: u32,
    /// Events that have happened.
    events: u64,
}

impl<'s> World<'s> {
    /// The world before the rollout: all old pods available, all caches warm, all rules in.
    pub fn new(scenario: &'s Scenario, key: StreamKey, options: Options) -> Self {
        World::forced(scenario, key, options, None)
    }

    /// The same, with the delays of the way to the rules forced.
    pub fn forced(scenario: &'s Scenario, key: StreamKey, options: Options, forcing: Option<Forcing>) -> Self {
        let pods = old_pods(scenario, key);
        let slowness = faults::slows(scenario).then(Slowness::default);
        let draws = |room| Draws::new(&scenario.delays.cluster, key, room).slowed(slowness.as_ref());
        let on_node = |room, node| Draws::new(scenario.delays.of(node), key, room).slowed(slowness.as_ref());
        let unrouting = |draws: Draws<'s>| draws.forced(forcing.as_ref(), |id, _| id != DelayId::KpTail);
        let nodes = || (0..scenario.cluster.nodes).map(NodeId);
        let old = old_replica_set(scenario);
        let endpoints = EndpointSliceController::new(scenario, unrouting(draws("endpoints")), &pods);
        let proxy = |node| KubeProxy::new(scenario, node, unrouting(on_node("kube_proxy", node)), endpoints.slice());
        let proxies = nodes().map(proxy).collect();
        let dns = Dns::new(scenario, Streams::new(key, "dns"), &endpoints.slice().endpoints);
        let routes = Routes { proxies, dns };
        let balancers = Balancers::new(scenario, key, &endpoints.slice().endpoints);
        let placed = pods.iter().filter_map(|pod| Some((pod.id, pod.node?)));
        let disruption = scenario.budget.map(|budget| DisruptionController::new(budget, draws("disruption"), &pods));
        let table = 2 * pods.len();
        let requests = Requests::new(scenario, key, options);
        let recorder = Recorder::new(scenario, options.trace, (&pods, &routes.proxies), requests.counted_elements());
        World {
            scenario,
            options,
            now: SimTime::ZERO,
            end: SimTime::ZERO + scenario.horizon(),
            calendar: Calendar::default(),
            outs: Outs::new(scenario.cluster.nodes),
            api: ApiServer::new(scenario, draws("api").forced(forcing.as_ref(), hops_to_rules), old, &pods)
                .with_budget(disruption.as_ref().map(DisruptionController::allowed)),
            deployment: DeploymentController::new(scenario, draws("deployment"), old, &pods),
            replica_sets: ReplicaSetController::new(scenario, draws("replicaset"), old, &pods),
            sets: Sets::new(scenario, key, &pods),
            scheduler: Scheduler::new(scenario, draws("scheduler"), placed),
            disruption,
            drain: Drain::new(draws("drain")),
            autoscaler: scenario
                .autoscaler
                .as_ref()
                .map(|spec| Autoscaler::new(scenario, spec, draws("autoscaler"), &pods)),
            kubelets: nodes().map(|node| Kubelet::new(scenario, node, on_node("kubelet", node))).collect(),
            balancers,
            endpoints,
            servers: Servers::new(scenario, draws("server"), table, pods.len()),
            requests,
            recorder,
            routes,
            node_of: pods.iter().map(|pod| pod.node).chain(pods.iter().map(|_| None)).collect(),
            forcing,
            slowness,
            leaderless_until: SimTime::ZERO,
            scheduled: 0,
            events: 0,
        }
    }

    /// Runs to the end and says what happened.
    pub fn run(mut self, key: StreamKey) -> RunOutput {
        self.start(key);
        loop {
            let control = self.calendar.next_at();
            if self.wake_requests(control).is_never() && control > self.end {
                break;
            }
            self.handle_next_event();
        }
        self.finish()
    }

    /// Wakes the requests that are due before `control`. Says when the next one is.
    fn wake_requests(&mut self, control: SimTime) -> SimTime {
        self.with_requests(|requests, view| requests.run_until(control, view))
    }

    fn start(&mut self, key: StreamKey) {
        for index in 0..self.scenario.deployment.replicas {
            let pod = PodId(index);
            if let Some(node) = self.node_of[pod.index()] {
                self.kubelets[node.index()].adopt(pod, self.outs.kubelet(node));
            }
        }
        for (node, proxy) in (0..).map(NodeId).zip(&mut self.routes.proxies) {
            proxy.start(self.outs.proxy(node));
        }
        for layer in [Layer::LoadBalancer, Layer::Ingress] {
            self.with_balancer(layer, |balancer, out| balancer.start(out));
        }
        if let Some(autoscaler) = &mut self.autoscaler {
            autoscaler.start(self.outs.autoscaler());
        }
        self.schedule_rollout(key);
        self.drain_all();
        self.requests.start(self.end);
    }

    fn handle_next_event(&mut self) {
        let Some((now, event)) = self.calendar.pop() else { return };
        self.now = now;
        self.events += 1;
        if self.is_leaderless(&event) {
            self.keep_for_leader(event);
            return;
        }
        match event {
            Event::Deliver(msg) => self.deliver(msg),
            Event::Deployment(timer) => self.deployment.on_timer(now, timer, self.outs.deployment()),
            Event::ReplicaSet(timer) => self.replica_sets.on_timer(now, timer, self.outs.replica_set()),
            Event::Disruption(timer) => {
                if let Some(controller) = &mut self.disruption {
                    controller.on_timer(now, timer, self.outs.disruption());
                }
            }
            Event::Drain(timer) => self.drain.on_timer(now, timer, self.outs.drain()),
            Event::Autoscaler(timer) => {
                if let Some(autoscaler) = &mut self.autoscaler {
                    autoscaler.on_timer(now, timer, self.outs.autoscaler());
                }
            }
            Event::Fault(fault) => self.on_fault(fault),
            Event::Sets(timer) => {
                self.outs.use_of(Room::Sets);
                self.sets.on_timer(now, timer);
            }
            Event::Scheduler(timer) => self.scheduler.on_timer(now, timer, self.outs.scheduler()),
            Event::Kubelet(node, timer) => {
                self.kubelets[node.index()].on_timer(now, timer, self.outs.kubelet(node));
            }
            Event::Endpoints(timer) => self.endpoints.on_timer(now, timer, self.outs.endpoints()),
            Event::KubeProxy(node, timer) => {
                self.with_requests(|requests, view| requests.catch_up_with_rules(now, view));
                self.routes.proxies[node.index()].on_timer(now, timer, self.outs.proxy(node));
            }
            Event::Balancer(layer, timer) => {
                self.with_balancer(layer, |balancer, out| balancer.on_timer(now, timer, out));
            }
            Event::Server(timer) => {
                self.catch_up(timer.pod());
                self.servers.on_timer(now, timer, self.outs.servers());
            }
            Event::ClientsStop => self.clients_stop(),
        }
        self.drain_all();
        self.recorder.look(|pod| self.servers.speed(pod, now));
        self.end_after_old_pods();
    }

    /// Carries a message to the room it is for.
    fn deliver(&mut self, msg: Msg) {
        let now = self.now;
        match msg {
            Msg::Write(write) => self.write(write),
            Msg::Watched { watcher, version } => self.watched(watcher, version),
            Msg::EvictionAnswered(pod, evicted) => self.drain.on_answer(now, pod, evicted, self.outs.drain()),
            Msg::DrainNode(node, evicts) => self.drain_node(node, evicts),
            Msg::NodeEnds(node) => self.node_ends(node),
            Msg::Conflict => self.deployment.on_conflict(),
            Msg::StartProcess(pod) => self.servers.on_start(now, pod, self.outs.servers()),
            Msg::Signal(pod, signal) => {
                self.catch_up(pod);
                self.servers.on_signal(now, pod, signal, self.outs.servers());
            }
            Msg::StartSidecar(pod) => self.servers.on_sidecar_start(now, pod, self.outs.servers()),
            Msg::ProbeSidecar(pod) => self.servers.on_sidecar_probe(now, pod, self.outs.servers()),
            Msg::SidecarAnswered(pod, success) => {
                self.with_kubelet(pod, |kubelet, out| kubelet.on_sidecar_answered(now, pod, success, out));
            }
            Msg::SidecarSignal(pod, signal) => {
                self.catch_up(pod);
                self.servers.on_sidecar_signal(now, pod, signal, self.outs.servers());
            }
            Msg::SidecarExited(pod) => {
                self.with_kubelet(pod, |kubelet, out| kubelet.on_sidecar_exited(now, pod, out));
            }
            Msg::Probe(pod, kind) => self.servers.on_probe(now, pod, kind, self.outs.servers()),
            Msg::ProbeAnswered(pod, kind, success) => self.with_kubelet(pod, |kubelet, out| {
                kubelet.on_probe_answered(now, pod, kind, success, out);
            }),
            Msg::Hang(pod, ignores_stop) => {
                self.catch_up(pod);
                self.servers.on_hang(pod, ignores_stop);
            }
            Msg::Exited(pod) => {
                self.with_requests(|requests, view| requests.exited(now, pod, view));
                self.with_kubelet(pod, |kubelet, out| kubelet.on_exited(now, pod, out));
            }
            Msg::NamespaceGone(pod) => self.servers.on_namespace_gone(pod),
            Msg::Sever(pod, severing) => self.sever(pod, severing),
            Msg::HealthCheck(replica, target) => self.health_check(replica, target),
            Msg::Reloaded(replica) => self.with_requests(|requests, view| requests.reloaded(now, replica, view)),
            Msg::DrainOver(replica, pod) => {
                self.with_requests(|requests, view| requests.drain_over(now, replica, pod, view));
            }
            Msg::FlowsEnd(replica, target) => {
                self.with_requests(|requests, view| requests.flows_end(now, replica, target, view));
            }
            Msg::WorkersEnd(replica, generation) => {
                self.with_requests(|requests, view| requests.workers_end(now, replica, generation, view));
            }
        }
    }

    fn with_balancer(&mut self, layer: Layer, call: impl FnOnce(&mut Balancer<'s>, &mut RoomOut<balancer::Timer>)) {
        if let Some((balancer, out)) = balancer_of(layer, &mut self.balancers, &mut self.outs) {
            call(balancer, out);
        }
    }

    fn with_requests<T>(&mut self, call: impl FnOnce(&mut Requests<'s>, &mut View<'_, 's>) -> T) -> T {
        let mut view = View { routes: &mut self.routes, servers: &mut self.servers, balancers: &mut self.balancers };
        call(&mut self.requests, &mut view)
    }

    /// Before the server of a pod changes.
    fn catch_up(&mut self, pod: PodId) {
        let now = self.now;
        self.with_requests(|requests, view| requests.catch_up(now, pod, view));
    }

    /// What a health check meets: a pod's listener, behind which it asks for what the readiness probe asks for; a node or
    /// a replica of the ingress, which always answers.
    fn health_check(&mut self, replica: ReplicaId, target: Target) {
        let answer = match target {
            Target::Pod(pod) => match self.servers.listener(pod) {
                Listener::Open => Some(!self.has_lost_probe_target(pod) && !self.servers.is_unready(pod)),
                Listener::NotYet | Listener::Closed => Some(false),
                Listener::Gone => None,
            },
            Target::Node(node) => Some(self.routes.proxies[node.index()].healthy_for_load_balancer()),
            Target::Replica(_) => Some(true),
        };
        let now = self.now;
        self.with_balancer(replica.layer, |balancer, out| {
            balancer.on_checked(now, replica.number, target, answer, out);
        });
    }

    fn with_kubelet(&mut self, pod: PodId, call: impl FnOnce(&mut Kubelet<'s>, &mut RoomOut<kubelet::Timer>)) {
        if let Some(node) = self.node_of[pod.index()] {
            call(&mut self.kubelets[node.index()], self.outs.kubelet(node));
        }
    }

    fn has_lost_probe_target(&self, pod: PodId) -> bool {
        self.node_of[pod.index()].is_some_and(|node| self.kubelets[node.index()].has_lost_probe_target(pod))
    }

    fn write(&mut self, write: Write) {
        if let (Write::ChangeTemplate(_), Some(forcing)) = (&write, &self.forcing) {
            forcing.begin();
        }
        if let Write::BindPod { pod, node } = write {
            self.node_of[pod.index()] = Some(node);
            self.recorder.place(pod, node);
        }
        if let Write::CreatePod { pod, .. } = write {
            self.make_room_for(pod);
        }
        self.api.on_write(self.now, write, self.outs.api());
        self.recorder.count_pods(self.now, self.api.counts(), self.drain.is_done());
        if self.options.check {
            self.check_availability();
        }
    }

    /// Tables of pods hold twice the old ones; a run that makes more pods than it replaces needs longer ones.
    fn make_room_for(&mut self, pod: PodId) {
        if self.node_of.len() <= pod.index() {
            self.node_of.resize(pod.index() + 1, None);
            self.servers.make_room_for(pod);
        }
    }

    /// At every instant ready pods ≥ desired − maxUnavailable, unless a pod lost its readiness by itself.
    fn check_availability(&self) {
        let spec = &self.scenario.deployment;
        let fenceposts = resolve_fenceposts(Some(spec.max_surge), Some(spec.max_unavailable), spec.replicas);
        let rolling = deployment::Rolling { desired: spec.replicas, fenceposts };
        let strategy = self.scenario.strategy();
        let (ready, least) = (self.api.counts().ready, spec.replicas - max_unavailable(strategy, &rolling));
        let keeps = strategy == Strategy::RollingUpdate
            && self.autoscaler.is_none()
            && !self.scenario.all_faults().any(faults::takes);
        let promised = keeps && !self.api.counts().lost_readiness;
        assert!(ready >= least || !promised, "{ready} pods ready at {}, at least {least} promised", self.now);
    }

    fn watched(&mut self, watcher: Watcher, version: ResourceVersion) {
        let now = self.now;
        let object: &Object = self.api.at(version);
        match watcher {
            Watcher::Deployment | Watcher::ReplicaSet if !self.sets.is_deployment() => {
                self.outs.use_of(Room::Sets);
                self.sets.on_watch(now, object);
            }
            Watcher::Deployment => self.deployment.on_watch(now, object, self.outs.deployment()),
            Watcher::ReplicaSet => self.replica_sets.on_watch(now, object, self.outs.replica_set()),
            Watcher::Scheduler => self.scheduler.on_watch(now, object, self.outs.scheduler()),
            Watcher::EndpointSlice => self.endpoints.on_watch(now, object, self.outs.endpoints()),
            Watcher::Kubelet(node) => {
                self.kubelets[node.index()].on_watch(now, object, self.outs.kubelet(node));
            }
            Watcher::Disruption => {
                if let Some(controller) = &mut self.disruption {
                    controller.on_watch(now, object, self.outs.disruption());
                }
            }
            Watcher::Autoscaler => {
                if let Some(autoscaler) = &mut self.autoscaler {
                    autoscaler.on_watch(now, object);
                }
            }
            Watcher::Dns => self.routes.dns.on_watch(object),
            Watcher::KubeProxy(node) => {
                self.routes.proxies[node.index()].on_watch(now, object, self.outs.proxy(node));
            }
            Watcher::Balancer(replica) => {
                let of = balancer_of(replica.layer, &mut self.balancers, &mut self.outs);
                if let Some((balancer, out)) = of {
                    balancer.on_watch(now, replica.number, object, out);
                }
            }
        }
    }

    /// The connections of a stopping server end; its process ends when the last drained request is answered.
    fn sever(&mut self, pod: PodId, severing: Severing) {
        let now = self.now;
        let drained = self.with_requests(|requests, view| requests.sever(now, pod, severing, view));
        self.servers.on_drained(now, drained, pod, self.outs.servers());
    }

    /// Where the run ends some time after the old pods: arranges that end once it is known.
    fn end_after_old_pods(&mut self) {
        let End::AfterOldPodsGone(after) = self.scenario.run.end else { return };
        if self.recorder.rollout_is_over() && !self.recorder.end_arranged {
            self.recorder.end_arranged = true;
            self.calendar.schedule(self.now + after, Tie::new(rank::WORLD, 0, 1), Event::ClientsStop);
        }
    }

    fn clients_stop(&mut self) {
        self.end = self.now;
        let now = self.now;
        self.with_requests(|requests, view| requests.stop(now, view));
    }

    fn finish(mut self) -> RunOutput {
        let check = self.options.check;
        self.with_requests(|requests, view| requests.finish(check, view));
        self.recorder.finish(self.end, self.events, self.requests)
    }
}

/// The balancer of a layer with its buffer.
fn balancer_of<'a, 's>(
    layer: Layer,
    balancers: &'a mut Balancers<'s>,
    outs: &'a mut Outs,
) -> Option<(&'a mut Balancer<'s>, &'a mut RoomOut<balancer::Timer>)> {
    Some((balancers.of(layer)?, outs.balancer(layer)))
}

fn old_replica_set(scenario: &Scenario) -> ReplicaSetObject {
    let spec = &scenario.deployment;
    let replicas = spec.replicas;
    let surge = resolve_fenceposts(Some(spec.max_surge), Some(spec.max_unavailable), replicas).surge;
    ReplicaSetObject {
        revision: Revision::Old,
        replicas,
        desired: replicas,
        max_replicas: replicas + surge,
        number: 1,
        status: ReplicaSetStatus { replicas, ready: replicas, available: replicas, terminating: 0 },
        version: ResourceVersion::default(),
    }
}

/// The pods of the old template, on the nodes in turn, Ready since about an hour.
fn old_pods(scenario: &Scenario, key: StreamKey) -> Vec<PodObject> {
    let pod = |index: u32| {
        let mut stream = key.stream("world", "old_pod", index.into());
        let since = SimDuration::from_nanos_f64_rounded(READY_SPREAD.as_nanos() as f64 * stream.uniform());
        PodObject {
            id: PodId(index),
            revision: Revision::Old,
            pinned: None,
            node: Some(NodeId(index % scenario.cluster.nodes)),
            created: Timestamp::before_start(DEPLOYMENT_AGE + READY_SPREAD),
            phase: Phase::Running,
            ready: true,
            ready_since: Some(Timestamp::before_start(DEPLOYMENT_AGE + since)),
            gated: false,
            has_ip: true,
            deleted: false,
            uid: stream.bits(),
        }
    };
    (0..scenario.deployment.replicas).map(pod).collect()
}
