//! The kube-proxy as a room: watched endpoints in, rules out.

use std::collections::VecDeque;

use crate::ids::{NodeId, PodId};
use crate::model::api::{EndpointSliceObject, Object, Watcher, difference};
use crate::model::kube_proxy::forwarding::Forwarding;
use crate::model::kube_proxy::route::{Route, Syn};
use crate::model::kube_proxy::rules::Rules;
use crate::model::kube_proxy::runner::{Runner, Verdict};
use crate::model::kube_proxy::topology::{Topology, TrafficPolicies};
use crate::model::msg::{Draws, Fact, RoomOut, RuleEvent};
use crate::model::spec::{
    ClientSpec, DelayId, IptablesBackend, Mechanism, ProxyMode, Scenario, ServiceKind, TargetKind, Traffic, Via,
};
use crate::units::{SimDuration, SimTime, Version};

/// The rules of a cluster without other Services, whose cost `kp_sync` covers (proxy_scaling.csv).
const SMALL_CLUSTER_RULES: f64 = 31.0;

/// What a kube-proxy calls itself back for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timer {
    /// The runner's wait is over.
    WaitOver,
    /// The rules are written.
    Written,
    /// The sync has ended.
    Synced,
    /// Another Service changed.
    Background,
    /// Mode instant: this pod's rule comes.
    RuleIn(PodId),
    /// Mode instant: this pod's rule goes.
    RuleOut(PodId),
    /// Mode ebpf: the oldest change that waits is in the maps.
    Updated,
    /// Mode ipvs: the longest interval between two syncs has passed since this many syncs.
    Interval(u32),
}

/// The kube-proxy of one node.
#[derive(Debug)]
pub struct KubeProxy<'s> {
    scenario: &'s Scenario,
    node: NodeId,
    draws: Draws<'s>,
    runner: Runner,
    /// Endpoints of the Service in the slices seen, and those that ought to be in the rules.
    n_endpoints: usize,
    wanted: Rules,
    /// What the sync under way writes, or the last one wrote.
    syncing: Rules,
    /// The rules in force.
    forwarding: Forwarding,
    /// Mode ebpf: changes on their way into the maps, and when the last of them is there.
    updates: VecDeque<Rules>,
    updated_at: SimTime,
    policies: TrafficPolicies,
    topology: Topology,
    /// The traffic whose rules are recorded.
    recorded: Traffic,
    service_changed: bool,
    last_full_sync: SimTime,
    syncs: u32,
}

impl<'s> KubeProxy<'s> {
    /// A kube-proxy whose rules hold the endpoints of the start.
    pub fn new(scenario: &'s Scenario, node: NodeId, mut draws: Draws<'s>, slice: &EndpointSliceObject) -> Self {
        let spec = &scenario.kube_proxy;
        let period =
            if scenario.without.has(Mechanism::ProxyBatching) { SimDuration::ZERO } else { spec.min_sync_period };
        let u = draws.streams().get("tokens", node.0.into()).uniform();
        let tokens = spec.initial_tokens.0 + (spec.initial_tokens.1 - spec.initial_tokens.0) * u;
        let (policies, topology) = (TrafficPolicies::of(scenario), Topology::of(scenario, node));
        let is_headless = scenario.service.kind == ServiceKind::Headless;
        let rules = if is_headless { Rules::default() } else { Rules::of(slice, policies, &topology) };
        let forwarding = Forwarding::new(scenario, rules.clone(), || draws.streams().get("turn", node.0.into()));
        KubeProxy {
            scenario,
            node,
            draws,
            policies,
            topology,
            recorded: recorded_traffic(scenario),
            runner: Runner::new(period, scenario.cluster.version, (2.0 - tokens).max(0.0)),
            n_endpoints: slice.endpoints.len(),
            syncing: rules.clone(),
            wanted: rules,
            forwarding,
            updates: VecDeque::new(),
            updated_at: SimTime::ZERO,
            service_changed: false,
            last_full_sync: SimTime::ZERO,
            syncs: 0,
        }
    }

    /// Arranges the first change of another Service, and the first sync that nothing asks for.
    pub fn start(&mut self, out: &mut RoomOut<Timer>) {
        self.schedule_background(SimTime::ZERO, out);
        if self.forwarding.is_ipvs() {
            let share = self.draws.streams().get("interval", self.node.0.into()).uniform();
            let passed = SimDuration::from_nanos_f64_rounded(self.longest_interval().as_nanos() as f64 * share);
            out.set_timer(self.node.0, SimTime::ZERO + passed, Timer::Interval(0));
        }
    }

    /// The pods in the rules for the traffic that the scenario's clients send.
    #[inline]
    pub fn rules(&self) -> &[PodId] {
        self.recorded(self.forwarding.rules())
    }

    /// What a load balancer's health check of this node finds: with `externalTrafficPolicy: Local` the health-check node
    /// port, 200 if the rules in force have a ready endpoint on the node (one that terminates does not count); else
    /// kube-proxy's own health.
    pub fn healthy_for_load_balancer(&self) -> bool {
        self.forwarding.is_healthy()
    }

    /// Where a SYN goes that reaches this node. `bits` choose among the endpoints where chance does.
    pub fn route(&mut self, now: SimTime, syn: &Syn, bits: impl FnOnce() -> u64) -> Route {
        self.forwarding.route(now, syn, bits)
    }

    /// The SYN of the address's last connection was answered by RST, or not at all.
    pub fn on_syn_failed(&mut self, now: SimTime, syn: &Syn, answered: bool) {
        self.forwarding.on_syn_failed(now, syn, answered);
    }

    /// Whether packets of connections to `pod` reach nothing, because ipvs has forgotten it under them (up to 1.12).
    pub fn has_deleted(&self, pod: PodId) -> bool {
        self.forwarding.has_deleted(pod)
    }

    /// The EndpointSlices changed.
    pub fn on_watch(&mut self, now: SimTime, object: &Object, out: &mut RoomOut<Timer>) {
        let Object::EndpointSlice(slice) = object else {
            unreachable!("{:?} watches slices only", Watcher::KubeProxy(self.node))
        };
        if self.scenario.service.kind == ServiceKind::Headless {
            return;
        }
        self.n_endpoints = slice.endpoints.len();
        let wanted = Rules::of(slice, self.policies, &self.topology);
        let before = std::mem::replace(&mut self.wanted, wanted);
        if before != self.wanted {
            self.record_seen(now, &before, out);
            self.on_change(now, &before, out);
        }
    }

    /// One of the kube-proxy's own timers. True if the rules changed.
    pub fn on_timer(&mut self, now: SimTime, timer: Timer, out: &mut RoomOut<Timer>) -> bool {
        match timer {
            Timer::WaitOver => {
                let verdict = self.runner.on_wait_over(now);
                self.follow(now, verdict, out);
                false
            }
            Timer::Background => {
                self.schedule_background(now, out);
                let verdict = self.runner.request(now);
                self.follow(now, verdict, out);
                false
            }
            Timer::Written => self.written(now, out),
            Timer::Synced => {
                let verdict = self.runner.on_run_end(now);
                self.follow(now, verdict, out);
                false
            }
            Timer::RuleIn(pod) => self.apply(now, pod, true, out),
            Timer::RuleOut(pod) => self.apply(now, pod, false, out),
            Timer::Updated => self.updated(now, out),
            Timer::Interval(syncs) => {
                let verdict = if syncs == self.syncs { self.runner.request(now) } else { Verdict::Coalesced };
                self.follow(now, verdict, out);
                false
            }
        }
    }

    fn on_change(&mut self, now: SimTime, before: &Rules, out: &mut RoomOut<Timer>) {
        match self.scenario.kube_proxy.mode {
            ProxyMode::Iptables | ProxyMode::Nftables | ProxyMode::Ipvs => {
                self.service_changed = true;
                let verdict = self.runner.request(now);
                self.follow(now, verdict, out);
            }
            ProxyMode::Ebpf => self.update_later(now, out),
            ProxyMode::Instant => self.change_one_by_one(now, before, out),
        }
    }

    fn follow(&mut self, now: SimTime, verdict: Verdict, out: &mut RoomOut<Timer>) {
        match verdict {
            Verdict::Run => self.start_sync(now, out),
            Verdict::Wait(at) => {
                out.set_timer(self.node.0, at, Timer::WaitOver);
            }
            Verdict::Coalesced => {}
        }
    }

    fn start_sync(&mut self, now: SimTime, out: &mut RoomOut<Timer>) {
        self.syncing = self.wanted.clone();
        self.record_difference(now, RuleEvent::InSync, RuleEvent::OutSync, out);
        let end = now + self.sync_duration(now);
        let tail = self.draws.draw(DelayId::KpTail, self.node.0.into());
        out.set_timer(self.node.0, end.saturating_sub(tail).max(now), Timer::Written);
        out.set_timer(self.node.0, end, Timer::Synced);
        self.syncs += 1;
        if self.forwarding.is_ipvs() {
            out.set_timer(self.node.0, now + self.longest_interval(), Timer::Interval(self.syncs));
        }
    }

    /// ipvs writes everything anew each `syncPeriod`; in 1.34 only each hour, by accident (k/k#135631).
    fn longest_interval(&self) -> SimDuration {
        let hourly = self.scenario.cluster.version == Version::minor(34);
        if hourly { SimDuration::from_secs(3_600) } else { self.scenario.kube_proxy.sync_period }
    }

    /// The rules are in force, all at once; a sync has some things left to do after that.
    fn written(&mut self, now: SimTime, out: &mut RoomOut<Timer>) -> bool {
        self.record_difference(now, RuleEvent::In, RuleEvent::Out, out);
        let changed = *self.forwarding.rules() != self.syncing;
        self.forwarding.replace(&self.syncing);
        changed
    }

    /// How long a sync takes: the small-cluster figure, plus what the rules of a large one add (mechanics 5.2).
    fn sync_duration(&mut self, now: SimTime) -> SimDuration {
        let is_nft = self.scenario.kube_proxy.mode == ProxyMode::Nftables;
        let base = self.draws.draw(if is_nft { DelayId::NftSync } else { DelayId::KpSync }, self.node.0.into());
        let spread = self.draws.draw(DelayId::KpSyncSpread, self.node.0.into());
        let rules = match self.scenario.kube_proxy.mode {
            ProxyMode::Nftables => self.rules_in_transaction(),
            ProxyMode::Ipvs => 0.0,
            _ => self.chargeable_rules(now),
        };
        if self.scenario.without.has(Mechanism::SyncTime) {
            return SimDuration::ZERO;
        }
        let per_rule_nanos = match self.scenario.kube_proxy.iptables_backend {
            IptablesBackend::Legacy if !is_nft => 31_000.0,
            _ => 120_000.0,
        };
        base + SimDuration::from_nanos_f64_rounded(rules * per_rule_nanos * spread.as_secs_f64())
    }

    /// An nftables transaction holds the changed Service only (KEP-3866). Beyond what a small cluster has, a rule in it is
    /// charged as one that iptables writes through nf_tables, which is assumed.
    fn rules_in_transaction(&mut self) -> f64 {
        let changed = if std::mem::take(&mut self.service_changed) { self.n_endpoints } else { 0 };
        (2.7 * changed as f64 - SMALL_CLUSTER_RULES).max(0.0)
    }

    /// Rules beyond those of a small cluster, at the cost of a full sync: 8 for each other Service of two endpoints
    /// (measured), 2.7 for each further endpoint (fitted) and each endpoint of this one. A full sync writes all; a partial one, since 1.27, writes the
    /// dispatch chains and the changed Service's endpoints at half of the cost and reads the rest at a sixth (the fit of
    /// mechanics 5.2), never more than a full one.
    fn chargeable_rules(&mut self, now: SimTime) -> f64 {
        let (services, endpoints) = (f64::from(self.scenario.cluster.services), self.n_endpoints as f64);
        let further = f64::from(self.scenario.cluster.endpoints) - 2.0 * services;
        let in_kernel = (8.0 * services + 2.7 * further + 2.7 * endpoints - SMALL_CLUSTER_RULES).max(0.0);
        let changed = if std::mem::take(&mut self.service_changed) { 3.0 * endpoints } else { 0.0 };
        if self.is_full_sync(now) {
            self.last_full_sync = now;
            return in_kernel;
        }
        let written = (3.0 * services + changed - SMALL_CLUSTER_RULES).max(0.0);
        in_kernel.min(written * 16.0 / 32.0 + in_kernel * 5.5 / 32.0)
    }

    fn is_full_sync(&self, now: SimTime) -> bool {
        let partial_exists = self.scenario.cluster.version >= Version::minor(27);
        !partial_exists || now.saturating_since(self.last_full_sync) > self.scenario.kube_proxy.sync_period
    }

    fn schedule_background(&mut self, now: SimTime, out: &mut RoomOut<Timer>) {
        let rate = self.scenario.delays.kp_background.as_per_second();
        if rate <= 0.0 || matches!(self.scenario.kube_proxy.mode, ProxyMode::Instant | ProxyMode::Ebpf) {
            return;
        }
        // Changes of other Services reach every node, so all nodes draw the same gaps.
        let u = self.draws.streams().get("background", 0).uniform();
        let gap = SimDuration::from_secs_f64_rounded(-libm::log(u) / rate);
        out.set_timer(self.node.0, now + gap, Timer::Background);
    }

    fn change_one_by_one(&mut self, now: SimTime, before: &Rules, out: &mut RoomOut<Timer>) {
        let entity = |pod: PodId| u64::from(self.node.0) << 32 | u64::from(pod.0);
        if (&before.cluster, &before.local) == (&self.wanted.cluster, &self.wanted.local) {
            // Only what health checks are told has changed.
            self.forwarding.take_over_health(&self.wanted);
        }
        for pod in changes(before, &self.wanted) {
            let delay = self.draws.draw(DelayId::Route, entity(pod));
            out.set_timer(self.node.0, now + delay, Timer::RuleIn(pod));
        }
        for pod in changes(&self.wanted, before) {
            let delay = self.draws.draw(DelayId::Unroute, entity(pod));
            out.set_timer(self.node.0, now + delay, Timer::RuleOut(pod));
        }
    }

    /// Applies one change of mode instant, unless the opposite has been asked for since. True if the rules changed.
    fn apply(&mut self, now: SimTime, pod: PodId, comes: bool, out: &mut RoomOut<Timer>) -> bool {
        let before = self.rules().contains(&pod);
        let changed = self.forwarding.take_over(&self.wanted, pod, comes);
        if self.rules().contains(&pod) != before {
            self.record(now, pod, if comes { RuleEvent::In } else { RuleEvent::Out }, out);
        }
        changed
    }

    /// Mode ebpf: the agent brings changes into the maps one after another, each when it sees it.
    fn update_later(&mut self, now: SimTime, out: &mut RoomOut<Timer>) {
        let drawn = self.draws.draw(DelayId::EbpfUpdate, self.node.0.into());
        let delay = if self.scenario.without.has(Mechanism::SyncTime) { SimDuration::ZERO } else { drawn };
        self.updated_at = self.updated_at.max(now) + delay;
        self.updates.push_back(self.wanted.clone());
        out.set_timer(self.node.0, self.updated_at, Timer::Updated);
        if self.updates.len() == 1 {
            self.begin_update(now, out);
        }
    }

    fn begin_update(&mut self, now: SimTime, out: &mut RoomOut<Timer>) {
        let Some(update) = self.updates.front() else { return };
        self.syncing = update.clone();
        self.record_difference(now, RuleEvent::InSync, RuleEvent::OutSync, out);
    }

    fn updated(&mut self, now: SimTime, out: &mut RoomOut<Timer>) -> bool {
        self.record_difference(now, RuleEvent::In, RuleEvent::Out, out);
        let changed = *self.forwarding.rules() != self.syncing;
        self.forwarding.replace(&self.syncing);
        self.updates.pop_front();
        self.begin_update(now, out);
        changed
    }

    /// Of these rules, those for the recorded traffic.
    #[inline]
    fn recorded<'r>(&self, rules: &'r Rules) -> &'r [PodId] {
        rules.of_traffic(self.recorded, self.policies)
    }

    fn record_seen(&self, now: SimTime, before: &Rules, out: &mut RoomOut<Timer>) {
        let (wanted, before) = (self.recorded(&self.wanted), self.recorded(before));
        difference(wanted, before).for_each(|pod| self.record(now, pod, RuleEvent::InSeen, out));
        difference(before, wanted).for_each(|pod| self.record(now, pod, RuleEvent::OutSeen, out));
    }

    /// Records `coming` and `going` for the pods in which the sync differs from the rules in force.
    fn record_difference(&self, now: SimTime, coming: RuleEvent, going: RuleEvent, out: &mut RoomOut<Timer>) {
        let (syncing, rules) = (self.recorded(&self.syncing), self.recorded(self.forwarding.rules()));
        difference(syncing, rules).for_each(|pod| self.record(now, pod, coming, out));
        difference(rules, syncing).for_each(|pod| self.record(now, pod, going, out));
    }

    fn record(&self, at: SimTime, pod: PodId, event: RuleEvent, out: &mut RoomOut<Timer>) {
        out.record(Fact::Rule { at, pod, node: self.node, event });
    }
}

/// The pods that `to` has in a list in which `from` has them not, in their order.
fn changes(from: &Rules, to: &Rules) -> Vec<PodId> {
    let mut pods: Vec<PodId> = difference(&to.cluster, &from.cluster).collect();
    pods.extend(difference(&to.local, &from.local));
    pods.sort_unstable();
    pods.dedup();
    pods
}

/// Stories and exposures follow the traffic that reaches the rules: external if any is.
fn recorded_traffic(scenario: &Scenario) -> Traffic {
    let external = scenario.clients.iter().any(|client| traffic(scenario, client) == Traffic::External);
    if external { Traffic::External } else { Traffic::Internal }
}

/// What a client's requests are to the rules: behind an ingress its replicas, which are pods, send them; behind a load
/// balancer with instance targets they come from outside.
fn traffic(scenario: &Scenario, client: &ClientSpec) -> Traffic {
    let before_ingress = || scenario.load_balancer.as_ref().is_some_and(|spec| spec.target == TargetKind::Ingress);
    match client.via {
        Via::Service => client.traffic,
        Via::Ingress => Traffic::Internal,
        Via::LoadBalancer if before_ingress() => Traffic::Internal,
        Via::LoadBalancer => Traffic::External,
    }
}
