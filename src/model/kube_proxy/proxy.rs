//! The kube-proxy as a room: watched endpoints in, rules out.

use crate::ids::{NodeId, PodId};
use crate::model::api::{Endpoint, Object, Watcher, difference};
use crate::model::kube_proxy::runner::{Runner, Verdict};
use crate::model::kube_proxy::topology::usable_endpoints;
use crate::model::msg::{Draws, Fact, RoomOut, RuleEvent};
use crate::model::spec::{DelayId, IptablesBackend, Mechanism, ProxyMode, Scenario};
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
    wanted: Vec<PodId>,
    /// What the sync under way writes.
    syncing: Vec<PodId>,
    /// The rules in force: a new connection goes to each with equal probability.
    rules: Vec<PodId>,
    service_changed: bool,
    last_full_sync: SimTime,
}

impl<'s> KubeProxy<'s> {
    /// A kube-proxy whose rules hold the endpoints of the start.
    pub fn new(scenario: &'s Scenario, node: NodeId, mut draws: Draws<'s>, endpoints: &[Endpoint]) -> Self {
        let spec = &scenario.kube_proxy;
        let period =
            if scenario.without.has(Mechanism::ProxyBatching) { SimDuration::ZERO } else { spec.min_sync_period };
        let u = draws.streams().get("tokens", node.0.into()).uniform();
        let tokens = spec.initial_tokens.0 + (spec.initial_tokens.1 - spec.initial_tokens.0) * u;
        let rules = usable_endpoints(endpoints, scenario.cluster.version);
        KubeProxy {
            scenario,
            node,
            draws,
            runner: Runner::new(period, scenario.cluster.version, (2.0 - tokens).max(0.0)),
            n_endpoints: endpoints.len(),
            wanted: rules.clone(),
            syncing: Vec::new(),
            rules,
            service_changed: false,
            last_full_sync: SimTime::ZERO,
        }
    }

    /// Arranges the first change of another Service.
    pub fn start(&mut self, out: &mut RoomOut<Timer>) {
        self.schedule_background(SimTime::ZERO, out);
    }

    /// The pods in the rules.
    #[inline]
    pub fn rules(&self) -> &[PodId] {
        &self.rules
    }

    /// The EndpointSlices changed.
    pub fn on_watch(&mut self, now: SimTime, object: &Object, out: &mut RoomOut<Timer>) {
        let Object::EndpointSlice(slice) = object else {
            unreachable!("{:?} watches slices only", Watcher::KubeProxy(self.node))
        };
        self.n_endpoints = slice.endpoints.len();
        let wanted = usable_endpoints(&slice.endpoints, self.scenario.cluster.version);
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
        }
    }

    fn on_change(&mut self, now: SimTime, before: &[PodId], out: &mut RoomOut<Timer>) {
        match self.scenario.kube_proxy.mode {
            ProxyMode::Iptables => {
                self.service_changed = true;
                let verdict = self.runner.request(now);
                self.follow(now, verdict, out);
            }
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
    }

    /// The rules are in force, all at once; a sync has some things left to do after that.
    fn written(&mut self, now: SimTime, out: &mut RoomOut<Timer>) -> bool {
        self.record_difference(now, RuleEvent::In, RuleEvent::Out, out);
        let changed = self.rules != self.syncing;
        self.rules = std::mem::take(&mut self.syncing);
        changed
    }

    /// How long a sync takes: the small-cluster figure, plus what other Services' rules add (mechanics 5.2).
    fn sync_duration(&mut self, now: SimTime) -> SimDuration {
        let base = self.draws.draw(DelayId::KpSync, self.node.0.into());
        let spread = self.draws.draw(DelayId::KpSyncSpread, self.node.0.into());
        let rules = self.chargeable_rules(now);
        if self.scenario.without.has(Mechanism::SyncTime) {
            return SimDuration::ZERO;
        }
        let per_rule_nanos = match self.scenario.kube_proxy.iptables_backend {
            IptablesBackend::Legacy => 31_000.0,
            IptablesBackend::Nft => 120_000.0,
        };
        base + SimDuration::from_nanos_f64_rounded(rules * per_rule_nanos * spread.as_secs_f64())
    }

    /// Rules beyond those of a small cluster, at the cost of a full sync: 8 for each other Service of two endpoints
    /// (measured), 2.7 for each endpoint of this one. A full sync writes all; a partial one, since 1.27, writes the
    /// dispatch chains and the changed Service's endpoints at half of the cost and reads the rest at a sixth (the fit of
    /// mechanics 5.2), never more than a full one.
    fn chargeable_rules(&mut self, now: SimTime) -> f64 {
        let (services, endpoints) = (f64::from(self.scenario.cluster.services), self.n_endpoints as f64);
        let in_kernel = (8.0 * services + 2.7 * endpoints - SMALL_CLUSTER_RULES).max(0.0);
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
        if rate <= 0.0 || self.scenario.kube_proxy.mode == ProxyMode::Instant {
            return;
        }
        // Changes of other Services reach every node, so all nodes draw the same gaps.
        let u = self.draws.streams().get("background", 0).uniform();
        let gap = SimDuration::from_secs_f64_rounded(-libm::log(u) / rate);
        out.set_timer(self.node.0, now + gap, Timer::Background);
    }

    fn change_one_by_one(&mut self, now: SimTime, before: &[PodId], out: &mut RoomOut<Timer>) {
        let entity = |pod: PodId| u64::from(self.node.0) << 32 | u64::from(pod.0);
        let (coming, going) = (difference(&self.wanted, before), difference(before, &self.wanted));
        for pod in coming {
            let delay = self.draws.draw(DelayId::Route, entity(pod));
            out.set_timer(self.node.0, now + delay, Timer::RuleIn(pod));
        }
        for pod in going {
            let delay = self.draws.draw(DelayId::Unroute, entity(pod));
            out.set_timer(self.node.0, now + delay, Timer::RuleOut(pod));
        }
    }

    /// Applies one change of mode instant, unless the opposite has been asked for since. True if the rules changed.
    fn apply(&mut self, now: SimTime, pod: PodId, comes: bool, out: &mut RoomOut<Timer>) -> bool {
        let place = self.rules.iter().position(|other| *other == pod);
        if self.wanted.contains(&pod) != comes || place.is_some() == comes {
            return false;
        }
        match place {
            Some(place) => {
                self.rules.remove(place);
                self.record(now, pod, RuleEvent::Out, out);
            }
            None => {
                self.rules.push(pod);
                self.rules.sort_unstable();
                self.record(now, pod, RuleEvent::In, out);
            }
        }
        true
    }

    fn record_seen(&self, now: SimTime, before: &[PodId], out: &mut RoomOut<Timer>) {
        difference(&self.wanted, before).into_iter().for_each(|pod| self.record(now, pod, RuleEvent::InSeen, out));
        difference(before, &self.wanted).into_iter().for_each(|pod| self.record(now, pod, RuleEvent::OutSeen, out));
    }

    /// Records `coming` and `going` for the pods in which the sync differs from the rules in force.
    fn record_difference(&self, now: SimTime, coming: RuleEvent, going: RuleEvent, out: &mut RoomOut<Timer>) {
        difference(&self.syncing, &self.rules).into_iter().for_each(|pod| self.record(now, pod, coming, out));
        difference(&self.rules, &self.syncing).into_iter().for_each(|pod| self.record(now, pod, going, out));
    }

    fn record(&self, at: SimTime, pod: PodId, event: RuleEvent, out: &mut RoomOut<Timer>) {
        out.record(Fact::Rule { at, pod, node: self.node, event });
    }
}
