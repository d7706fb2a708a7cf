//! The store and its watches.

use crate::ids::{Layer, NodeId, PodId, ReplicaId, Revision};
use crate::model::api::{
    BudgetObject, DeploymentObject, DeploymentStatus, EndpointSliceObject, Object, Phase, PodMap, PodObject,
    ReplicaSetObject, ReplicaSetStatus, ResourceVersion, RolloutState, Timestamp, Verdict, verdict,
};
use crate::model::msg::{Draws, Fact, Msg, PodEvent, RoomOut};
use crate::model::spec::{DelayId, Mechanism, Scenario, ServiceKind, Strategy, TargetKind};
use crate::units::SimTime;

/// A change asked of the API server. It is committed when it arrives: the caller has waited for `api_write`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// A user changes the pod template, or goes back to the one before.
    ChangeTemplate(Revision),
    /// A user or an autoscaler sets the Deployment's size.
    ScaleDeployment {
        /// To which size.
        replicas: u32,
    },
    /// A user pauses the rollout, or lets it go on.
    PauseDeployment(bool),
    /// The Deployment controller creates the ReplicaSet of a template.
    CreateReplicaSet {
        /// Of which.
        revision: Revision,
        /// Its size.
        replicas: u32,
        /// The Deployment's size.
        desired: u32,
        /// The surge for that size.
        surge: u32,
    },
    /// The Deployment controller gives the ReplicaSet that is in force again the next revision number.
    NumberReplicaSet {
        /// Which.
        revision: Revision,
        /// Its number from now on.
        number: u32,
        /// The version the caller has seen; refused if another is stored.
        seen: ResourceVersion,
    },
    /// The Deployment controller sets the size of a ReplicaSet.
    ScaleReplicaSet {
        /// Which.
        revision: Revision,
        /// To which size.
        replicas: u32,
        /// The Deployment's size.
        desired: u32,
        /// The surge for that size.
        surge: u32,
        /// The version the caller has seen; refused if another is stored.
        seen: ResourceVersion,
    },
    /// The ReplicaSet controller writes a status.
    ReplicaSetStatus {
        /// Of which ReplicaSet.
        revision: Revision,
        /// The status.
        status: ReplicaSetStatus,
    },
    /// The Deployment controller writes the status.
    DeploymentStatus {
        /// The status.
        status: DeploymentStatus,
        /// What it says of the rollout.
        state: RolloutState,
    },
    /// The workload's controller creates a pod.
    CreatePod {
        /// The pod's id, given by the controller.
        pod: PodId,
        /// Of which template.
        revision: Revision,
        /// The node it must go to, if it is one of a DaemonSet.
        node: Option<NodeId>,
        /// Its uid.
        uid: u64,
    },
    /// The scheduler binds a pod.
    BindPod {
        /// Which.
        pod: PodId,
        /// To which node.
        node: NodeId,
    },
    /// A kubelet writes a pod's status.
    PodStatus {
        /// Which.
        pod: PodId,
        /// The phase.
        phase: Phase,
        /// Condition Ready.
        ready: bool,
        /// `status.podIP` is in it.
        has_ip: bool,
    },
    /// A balancer's controller sets the condition of a pod's readiness gate.
    OpenReadinessGate {
        /// Of which pod.
        pod: PodId,
    },
    /// The workload's controller deletes a pod, or an eviction or a user: the deletion timestamp is set.
    DeletePod {
        /// Which.
        pod: PodId,
    },
    /// A kubelet has finished with a pod: the object goes.
    RemovePod {
        /// Which.
        pod: PodId,
    },
    /// A client asks to evict a pod; it gets an answer.
    EvictPod {
        /// Which.
        pod: PodId,
    },
    /// The disruption controller writes how many pods may be evicted.
    BudgetStatus {
        /// So many.
        allowed: u32,
        /// As many pods are healthy as have to be.
        is_met: bool,
        /// The generation the caller has seen; ignored if another is stored, of which it will hear.
        seen: u32,
    },
    /// A client makes a node unschedulable.
    Cordon(NodeId),
    /// The EndpointSlice controller writes the slices.
    PutEndpointSlice(EndpointSliceObject),
}

/// Who watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Watcher {
    /// The Deployment controller.
    Deployment,
    /// The ReplicaSet controller.
    ReplicaSet,
    /// The scheduler.
    Scheduler,
    /// The EndpointSlice controller.
    EndpointSlice,
    /// The kubelet of a node.
    Kubelet(NodeId),
    /// The disruption controller.
    Disruption,
    /// The autoscaler.
    Autoscaler,
    /// The cluster's DNS server.
    Dns,
    /// The kube-proxy of a node.
    KubeProxy(NodeId),
    /// A replica of a balancer.
    Balancer(ReplicaId),
}

impl Watcher {
    /// A number for stream names.
    fn ordinal(self) -> u64 {
        match self {
            Watcher::Deployment => 0,
            Watcher::ReplicaSet => 1,
            Watcher::Scheduler => 2,
            Watcher::EndpointSlice => 3,
            Watcher::Dns => 4,
            Watcher::Disruption => 5,
            Watcher::Autoscaler => 6,
            Watcher::Kubelet(node) => 8 + 2 * u64::from(node.0),
            Watcher::KubeProxy(node) => 9 + 2 * u64::from(node.0),
            Watcher::Balancer(replica) => (1 + replica.layer as u64) << 20 | u64::from(replica.number),
        }
    }
}

/// Whether a draw is the hop of an event on its way to the rules: to the EndpointSlice controller, a kube-proxy, a balancer or the
/// resolver.
pub fn hops_to_rules(id: DelayId, entity: u64) -> bool {
    let watcher = entity >> 32;
    let by_node = watcher > 8 && watcher % 2 == 1;
    id == DelayId::WatchHop && (watcher == 3 || watcher == 4 || by_node || watcher >= 1 << 20)
}

/// How many pods there are, by the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PodCounts {
    /// Ready and not being deleted.
    pub ready: u32,
    /// All objects.
    pub objects: u32,
    /// `spec.replicas` of the workload.
    pub desired: u32,
    /// A pod that was not being deleted has turned unready: no availability is promised then.
    pub lost_readiness: bool,
}

/// Writes of a rollout for each pod that it replaces, about.
const WRITES_A_POD: usize = 20;

/// The API server.
#[derive(Debug)]
pub struct ApiServer<'s> {
    scenario: &'s Scenario,
    draws: Draws<'s>,
    log: Vec<Object>,
    deployment: DeploymentObject,
    replica_sets: [Option<ReplicaSetObject>; 2],
    pods: PodMap<PodObject>,
    budget: Option<BudgetObject>,
    counts: PodCounts,
    /// When each watcher gets its latest event of each kind: later events do not overtake.
    delivered: Delivered,
}

impl<'s> ApiServer<'s> {
    /// A store that holds a Deployment with its old ReplicaSet, all pods available.
    pub fn new(scenario: &'s Scenario, draws: Draws<'s>, old: ReplicaSetObject, pods: &[PodObject]) -> Self {
        let replicas = scenario.deployment.replicas;
        let deployment = DeploymentObject::settled(replicas);
        let mut log = Vec::with_capacity(WRITES_A_POD * pods.len());
        log.push(Object::Deployment(deployment));
        ApiServer {
            scenario,
            draws,
            log,
            deployment,
            replica_sets: [Some(old), None],
            pods: pods.iter().map(|pod| (pod.id, *pod)).collect(),
            budget: None,
            counts: PodCounts { ready: replicas, objects: replicas, desired: replicas, lost_readiness: false },
            delivered: Delivered::default(),
        }
    }

    /// The same with a budget whose status allows so many disruptions, enough pods being healthy.
    pub fn with_budget(mut self, allowed: Option<u32>) -> Self {
        self.budget = allowed.map(|allowed| BudgetObject { allowed, is_met: true, evicted: None, generation: 0 });
        self
    }

    /// The object as of a version, for the watcher it is delivered to.
    pub fn at(&self, version: ResourceVersion) -> &Object {
        &self.log[version.0 as usize]
    }

    /// How many pods there are now.
    pub fn counts(&self) -> PodCounts {
        self.counts
    }

    /// Commits a write and tells the watchers.
    pub fn on_write(&mut self, now: SimTime, write: Write, out: &mut RoomOut<()>) {
        match write {
            Write::ChangeTemplate(to) => self.change_template(now, to, out),
            Write::ScaleDeployment { replicas } => {
                self.counts.desired = replicas;
                if self.scenario.autoscaler.is_some() {
                    out.record(Fact::Resized { at: now, replicas });
                }
                self.update_deployment(now, out, |spec| spec.desired = replicas);
            }
            Write::PauseDeployment(paused) => self.update_deployment(now, out, |spec| spec.paused = paused),
            Write::CreateReplicaSet { revision, replicas, desired, surge } => {
                self.create_replica_set(now, revision, (replicas, desired, surge), out);
            }
            Write::NumberReplicaSet { revision, number, seen } => self.number(now, revision, number, seen, out),
            Write::ScaleReplicaSet { revision, replicas, desired, surge, seen } => {
                self.scale(now, revision, (replicas, desired, surge), seen, out);
            }
            Write::ReplicaSetStatus { revision, status } => {
                self.update_replica_set(now, revision, out, |set| set.status = status);
            }
            Write::DeploymentStatus { status, state } => self.deployment_status(now, status, state, out),
            Write::CreatePod { pod, revision, node, uid } => self.create_pod(now, pod, (revision, node, uid), out),
            Write::BindPod { pod, node } => self.bind(now, pod, node, out),
            Write::PodStatus { pod, phase, ready, has_ip } => self.pod_status(now, pod, (phase, ready, has_ip), out),
            Write::OpenReadinessGate { pod } => self.update_pod(now, pod, out, |pod| pod.gated = false),
            Write::DeletePod { pod } => self.delete_pod(now, pod, out),
            Write::RemovePod { pod } => self.remove_pod(now, pod, out),
            Write::EvictPod { pod } => self.evict_pod(now, pod, out),
            Write::BudgetStatus { allowed, is_met, seen } => {
                if self.budget.is_some_and(|budget| budget.generation == seen) {
                    self.put_budget(now, allowed, is_met, None, out);
                }
            }
            Write::Cordon(node) => self.publish(now, Object::Cordoned(node), &[Watcher::Scheduler], out),
            Write::PutEndpointSlice(slice) => self.put_slice(now, slice, out),
        }
    }

    fn change_template(&mut self, now: SimTime, to: Revision, out: &mut RoomOut<()>) {
        out.record(Fact::TemplateChanged { at: now });
        self.update_deployment(now, out, |deployment| deployment.template = to);
    }

    fn deployment_status(
        &mut self,
        now: SimTime,
        status: DeploymentStatus,
        state: RolloutState,
        out: &mut RoomOut<()>,
    ) {
        match state {
            RolloutState::Complete => out.record(Fact::RolloutComplete { at: now }),
            RolloutState::DeadlineExceeded => out.record(Fact::DeadlineExceeded { at: now }),
            RolloutState::UnderWay => {}
        }
        self.update_deployment(now, out, |deployment| deployment.status = status);
    }

    fn update_deployment(&mut self, now: SimTime, out: &mut RoomOut<()>, change: impl FnOnce(&mut DeploymentObject)) {
        change(&mut self.deployment);
        self.publish(now, Object::Deployment(self.deployment), &[Watcher::Deployment], out);
        if self.scenario.budget.is_some() {
            self.publish(now, Object::Deployment(self.deployment), &[Watcher::Disruption], out);
        }
        if self.scenario.autoscaler.is_some() {
            self.publish(now, Object::Deployment(self.deployment), &[Watcher::Autoscaler], out);
        }
    }

    fn create_replica_set(
        &mut self,
        now: SimTime,
        revision: Revision,
        (replicas, desired, surge): (u32, u32, u32),
        out: &mut RoomOut<()>,
    ) {
        let set = ReplicaSetObject {
            revision,
            replicas,
            desired,
            max_replicas: desired + surge,
            number: 1 + self.replica_sets.iter().flatten().map(|set| set.number).max().unwrap_or(0),
            status: ReplicaSetStatus::default(),
            version: ResourceVersion::default(),
        };
        self.replica_sets[revision as usize] = Some(set);
        out.record(Fact::Scaled { at: now, revision, replicas });
        self.update_replica_set(now, revision, out, |_| ());
    }

    /// Whether the Deployment controller has seen the ReplicaSet as it is stored; if not it is told.
    fn has_seen(&self, now: SimTime, revision: Revision, seen: ResourceVersion, out: &mut RoomOut<()>) -> bool {
        let has = self.replica_sets[revision as usize].is_some_and(|set| set.version == seen);
        if !has {
            out.send(0, now, Msg::Conflict);
        }
        has
    }

    fn number(&mut self, now: SimTime, revision: Revision, number: u32, seen: ResourceVersion, out: &mut RoomOut<()>) {
        if self.has_seen(now, revision, seen, out) {
            self.update_replica_set(now, revision, out, |set| set.number = number);
        }
    }

    fn scale(
        &mut self,
        now: SimTime,
        revision: Revision,
        (replicas, desired, surge): (u32, u32, u32),
        seen: ResourceVersion,
        out: &mut RoomOut<()>,
    ) {
        if !self.has_seen(now, revision, seen, out) {
            return;
        }
        out.record(Fact::Scaled { at: now, revision, replicas });
        self.update_replica_set(now, revision, out, |set| {
            (set.replicas, set.desired, set.max_replicas) = (replicas, desired, desired + surge);
        });
    }

    fn update_replica_set(
        &mut self,
        now: SimTime,
        revision: Revision,
        out: &mut RoomOut<()>,
        change: impl FnOnce(&mut ReplicaSetObject),
    ) {
        let version = ResourceVersion(self.log.len() as u32);
        let Some(set) = &mut self.replica_sets[revision as usize] else { return };
        change(set);
        set.version = version;
        let object = Object::ReplicaSet(*set);
        self.publish(now, object, &[Watcher::Deployment, Watcher::ReplicaSet], out);
    }

    fn create_pod(
        &mut self,
        now: SimTime,
        id: PodId,
        (revision, pinned, uid): (Revision, Option<NodeId>, u64),
        out: &mut RoomOut<()>,
    ) {
        let pod = PodObject {
            id,
            revision,
            pinned,
            node: None,
            created: Timestamp::during(now),
            phase: Phase::Pending,
            ready: false,
            ready_since: None,
            gated: self.has_readiness_gate(),
            has_ip: false,
            deleted: false,
            uid,
        };
        self.pods.insert(id, pod);
        self.counts.objects += 1;
        out.record(Fact::Pod { at: now, pod: id, event: PodEvent::Created });
        self.update_pod(now, id, out, |_| ());
    }

    fn has_readiness_gate(&self) -> bool {
        let balancers = [&self.scenario.load_balancer, &self.scenario.ingress];
        balancers.into_iter().flatten().any(|balancer| balancer.readiness_gate)
    }

    fn bind(&mut self, now: SimTime, pod: PodId, node: NodeId, out: &mut RoomOut<()>) {
        out.record(Fact::Pod { at: now, pod, event: PodEvent::Scheduled });
        self.update_pod(now, pod, out, |pod| pod.node = Some(node));
    }

    fn pod_status(&mut self, now: SimTime, id: PodId, status: (Phase, bool, bool), out: &mut RoomOut<()>) {
        let ready = status.1;
        let Some(before) = self.pods.get(&id).copied() else { return };
        if ready && !before.ready && !before.deleted {
            self.counts.ready += 1;
            out.record(Fact::Pod { at: now, pod: id, event: PodEvent::Ready });
        }
        if !ready && before.ready && !before.deleted {
            self.counts.ready -= 1;
            self.counts.lost_readiness = true;
        }
        self.update_pod(now, id, out, |pod| {
            if pod.ready != ready {
                pod.ready_since = Some(Timestamp::during(now));
            }
            (pod.phase, pod.ready, pod.has_ip) = status;
        });
    }

    fn delete_pod(&mut self, now: SimTime, id: PodId, out: &mut RoomOut<()>) {
        let Some(before) = self.pods.get(&id).copied() else { return };
        if before.deleted {
            return;
        }
        self.counts.ready -= u32::from(before.ready);
        out.record(Fact::Pod { at: now, pod: id, event: PodEvent::Deleted });
        self.update_pod(now, id, out, |pod| pod.deleted = true);
        if before.node.is_none() {
            self.remove_pod(now, id, out);
        }
    }

    /// A pod that is gone needs no eviction.
    fn evict_pod(&mut self, now: SimTime, id: PodId, out: &mut RoomOut<()>) {
        let version = self.scenario.cluster.version;
        let left = self.budget.map(|budget| (budget.allowed, budget.is_met));
        let found = self.pods.get(&id).map(|pod| verdict(pod, left, version));
        if let (Some(Verdict::Spends), Some((allowed, is_met))) = (found, left) {
            self.put_budget(now, allowed - 1, is_met, Some(id), out);
        }
        if matches!(found, Some(Verdict::Deletes | Verdict::Spends)) {
            self.delete_pod(now, id, out);
        }
        out.send(id.0, now, Msg::EvictionAnswered(id, found != Some(Verdict::TooMany)));
    }

    fn put_budget(&mut self, now: SimTime, allowed: u32, is_met: bool, evicted: Option<PodId>, out: &mut RoomOut<()>) {
        let generation = self.budget.map_or(0, |budget| budget.generation + 1);
        let budget = BudgetObject { allowed, is_met, evicted, generation };
        self.budget = Some(budget);
        self.publish(now, Object::Budget(budget), &[Watcher::Disruption], out);
    }

    /// The pods on a node, as a client lists them.
    pub fn pods_on(&self, node: NodeId) -> Vec<PodId> {
        self.pods.values().filter(|pod| pod.node == Some(node) && pod.pinned.is_none()).map(|pod| pod.id).collect()
    }

    fn remove_pod(&mut self, now: SimTime, id: PodId, out: &mut RoomOut<()>) {
        let Some(pod) = self.pods.remove(&id) else { return };
        assert!(pod.deleted, "{id:?} is removed only after it was deleted");
        self.counts.objects -= 1;
        out.record(Fact::Pod { at: now, pod: id, event: PodEvent::Removed });
        let watchers = [Watcher::ReplicaSet, Watcher::Scheduler, Watcher::EndpointSlice];
        self.publish(now, Object::PodRemoved(id), &watchers, out);
        for watcher in self.more_watchers_of_pods() {
            self.publish(now, Object::PodRemoved(id), &[watcher], out);
        }
    }

    fn update_pod(&mut self, now: SimTime, id: PodId, out: &mut RoomOut<()>, change: impl FnOnce(&mut PodObject)) {
        let Some(pod) = self.pods.get_mut(&id) else { return };
        change(pod);
        let pod = *pod;
        let third = pod.node.map_or(Watcher::Scheduler, Watcher::Kubelet);
        self.publish(now, Object::Pod(pod), &[Watcher::ReplicaSet, Watcher::EndpointSlice, third], out);
        for watcher in self.more_watchers_of_pods() {
            self.publish(now, Object::Pod(pod), &[watcher], out);
        }
        if pod.phase.is_terminal() && self.scenario.nodes.are_limited() {
            self.publish(now, Object::Pod(pod), &[Watcher::Scheduler], out);
        }
    }

    /// The Deployment's controller has the pods in its cache for the strategy Recreate, and looks at them for nothing else.
    fn more_watchers_of_pods(&self) -> impl Iterator<Item = Watcher> + use<> {
        let recreates = self.scenario.strategy() == Strategy::Recreate;
        let deployment = recreates.then_some(Watcher::Deployment);
        let scaler = self.scenario.autoscaler.map(|_| Watcher::Autoscaler);
        deployment.into_iter().chain(self.scenario.budget.map(|_| Watcher::Disruption)).chain(scaler)
    }

    fn put_slice(&mut self, now: SimTime, slice: EndpointSliceObject, out: &mut RoomOut<()>) {
        let mut watchers = vec![Watcher::EndpointSlice];
        watchers.extend((0..self.scenario.cluster.nodes).map(|node| Watcher::KubeProxy(NodeId(node))));
        watchers.extend((self.scenario.service.kind == ServiceKind::Headless).then_some(Watcher::Dns));
        for layer in [Layer::LoadBalancer, Layer::Ingress] {
            let balancer = self.scenario.balancer(layer).filter(|balancer| balancer.target == TargetKind::Ip);
            let replicas = balancer.map_or(0, |balancer| balancer.replicas);
            watchers.extend((0..replicas).map(|number| Watcher::Balancer(ReplicaId { layer, number })));
        }
        self.publish(now, Object::EndpointSlice(slice), &watchers, out);
    }

    fn publish(&mut self, now: SimTime, object: Object, watchers: &[Watcher], out: &mut RoomOut<()>) {
        let version = ResourceVersion(self.log.len() as u32);
        for &watcher in watchers {
            let at = self.delivery(now, watcher, &object);
            out.send(0, at, Msg::Watched { watcher, version });
        }
        self.log.push(object);
    }

    /// When `watcher` is told of `object`: after a watch hop of its own, but never before an earlier event of the kind.
    fn delivery(&mut self, now: SimTime, watcher: Watcher, object: &Object) -> SimTime {
        let (kind, ordinal) = stream_of(object);
        let hop = if self.is_instant(watcher) {
            crate::units::SimDuration::ZERO
        } else {
            self.draws.draw(DelayId::WatchHop, watcher.ordinal() << 32 | u64::from(kind) << 28 | ordinal)
        };
        let latest = self.delivered.latest(watcher, kind);
        *latest = (*latest).max(now + hop);
        *latest
    }

    fn is_instant(&self, watcher: Watcher) -> bool {
        self.scenario.without.has(Mechanism::EndpointSliceHop)
            && matches!(watcher, Watcher::EndpointSlice | Watcher::KubeProxy(_) | Watcher::Dns | Watcher::Balancer(_))
    }
}

/// When each watcher gets its latest event of each kind.
#[derive(Debug, Default)]
struct Delivered {
    /// By the watcher's ordinal; the replicas of balancers by layer and number.
    cluster: Vec<[SimTime; KINDS]>,
    balancers: [Vec<[SimTime; KINDS]>; 2],
}

/// Watch streams that a watcher may have.
const KINDS: usize = 6;

impl Delivered {
    fn latest(&mut self, watcher: Watcher, kind: u8) -> &mut SimTime {
        let (list, place) = match watcher {
            Watcher::Balancer(replica) => (&mut self.balancers[replica.layer as usize], replica.number as usize),
            other => (&mut self.cluster, other.ordinal() as usize),
        };
        if place >= list.len() {
            list.resize(place + 1, [SimTime::ZERO; KINDS]);
        }
        &mut list[place][kind as usize]
    }
}

/// Which watch stream an object travels on, and its ordinal there.
fn stream_of(object: &Object) -> (u8, u64) {
    match object {
        Object::Deployment(_) => (0, 0),
        Object::ReplicaSet(set) => (1, set.revision as u64),
        Object::Pod(pod) => (2, pod.id.0.into()),
        Object::PodRemoved(pod) => (2, pod.0.into()),
        Object::EndpointSlice(_) => (3, 0),
        Object::Cordoned(node) => (4, node.0.into()),
        Object::Budget(_) => (5, 0),
    }
}
