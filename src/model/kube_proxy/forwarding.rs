//! What the kernel of a node does with packets to the Service: the rules in force, and what remembers earlier choices.

use crate::engine::Stream;
use crate::ids::PodId;
use crate::model::kube_proxy::affinity::Affinity;
use crate::model::kube_proxy::ipvs::{Ipvs, Port};
use crate::model::kube_proxy::route::{Route, Syn};
use crate::model::kube_proxy::rules::{Rules, is_local};
use crate::model::kube_proxy::topology::TrafficPolicies;
use crate::model::spec::{ProxyMode, Scenario, SessionAffinity, Traffic};
use crate::units::SimTime;

/// The data plane of one node.
#[derive(Debug)]
pub(super) struct Forwarding {
    policies: TrafficPolicies,
    rules: Rules,
    affinity: Option<Affinity>,
    ipvs: Option<Ipvs>,
}

impl Forwarding {
    /// These rules are in force; `turns` says where the pointers of ipvs stand.
    pub(super) fn new<'a>(scenario: &Scenario, rules: Rules, turns: impl FnOnce() -> &'a mut Stream) -> Self {
        let policies = TrafficPolicies::of(scenario);
        let keeps = scenario.service.session_affinity == SessionAffinity::ClientIp;
        let ipvs = (scenario.kube_proxy.mode == ProxyMode::Ipvs).then(|| {
            let stream = turns();
            let [internal, external] = by_traffic(&rules, policies);
            let turns = [internal, external].map(|servers| stream.below(servers.len()));
            Ipvs::new(scenario, internal, external, turns)
        });
        let affinity = keeps.then(|| Affinity::new(scenario.service.session_affinity_timeout));
        Forwarding { policies, rules, affinity, ipvs }
    }

    pub(super) fn rules(&self) -> &Rules {
        &self.rules
    }

    pub(super) fn is_ipvs(&self) -> bool {
        self.ipvs.is_some()
    }

    /// Other rules are in force from now on.
    pub(super) fn replace(&mut self, rules: &Rules) {
        self.rules.clone_from(rules);
        let [internal, external] = by_traffic(&self.rules, self.policies);
        self.ipvs.iter_mut().for_each(|ipvs| ipvs.update(internal, external));
    }

    /// Takes over what `wanted` says of one pod, where it comes or where it goes. True if a list changed.
    pub(super) fn take_over(&mut self, wanted: &Rules, pod: PodId, comes: bool) -> bool {
        self.rules.take_over(wanted, pod, comes)
    }

    /// Takes over what `wanted` says beside its lists.
    pub(super) fn take_over_health(&mut self, wanted: &Rules) {
        self.rules.take_over_health(wanted);
    }

    /// See [`KubeProxy::healthy_for_load_balancer`](super::KubeProxy::healthy_for_load_balancer).
    pub(super) fn is_healthy(&self) -> bool {
        !self.policies.external_local || self.rules.local_ready > 0
    }

    /// See [`KubeProxy::route`](super::KubeProxy::route).
    pub(super) fn route(&mut self, now: SimTime, syn: &Syn, bits: impl FnOnce() -> u64) -> Route {
        match self.old_entry(now, syn) {
            Port::Old(pod) => return Route::To(pod),
            Port::Dropped => return Route::Drop,
            Port::Fresh => {}
        }
        let usable = self.rules.of_traffic(syn.traffic, self.policies);
        let kept = self.affinity.as_ref().and_then(|affinity| affinity.pod_of(now, syn.address, usable));
        let chosen = kept.or_else(|| match &mut self.ipvs {
            Some(ipvs) => ipvs.schedule(syn.traffic),
            None => uniform(usable, bits()),
        });
        let Some(pod) = chosen else { return self.without_endpoint(syn.traffic) };
        self.affinity.iter_mut().for_each(|affinity| affinity.remember(now, syn.address, pod));
        self.ipvs.iter_mut().for_each(|ipvs| ipvs.enter(now, syn.address, pod));
        Route::To(pod)
    }

    fn old_entry(&mut self, now: SimTime, syn: &Syn) -> Port {
        match &mut self.ipvs {
            Some(ipvs) if !syn.retransmitted => ipvs.open(now, syn.address, syn.local_ports),
            _ => Port::Fresh,
        }
    }

    /// The iptables and nftables rules drop what policy Local leaves without an endpoint on the node, so that load
    /// balancers' health checks decide; an ipvs virtual server without real servers rejects.
    fn without_endpoint(&self, traffic: Traffic) -> Route {
        let elsewhere = is_local(traffic, self.policies) && self.rules.has_any;
        if elsewhere && self.ipvs.is_none() { Route::Drop } else { Route::Reject }
    }

    pub(super) fn on_syn_failed(&mut self, now: SimTime, syn: &Syn, answered: bool) {
        self.ipvs.iter_mut().for_each(|ipvs| ipvs.fail(now, syn.address, answered));
    }

    pub(super) fn has_deleted(&self, pod: PodId) -> bool {
        self.ipvs.as_ref().is_some_and(|ipvs| ipvs.has_deleted(pod))
    }
}

/// The pods for traffic from pods, and for that from outside.
fn by_traffic(rules: &Rules, policies: TrafficPolicies) -> [&[PodId]; 2] {
    [Traffic::Internal, Traffic::External].map(|traffic| rules.of_traffic(traffic, policies))
}

/// Each endpoint with equal probability.
fn uniform(usable: &[PodId], bits: u64) -> Option<PodId> {
    let place = (u128::from(bits) * usable.len() as u128) >> 64;
    usable.get(place as usize).copied()
}
