//! The balancers of a world, and which of them a client's request meets first.

use crate::engine::{StreamKey, mix};
use crate::ids::{Layer, PodId, ReplicaId, Target};
use crate::model::api::Endpoint;
use crate::model::balancer::{Balancer, Choice, Pool};
use crate::model::spec::{IdlePolicy, Protocol, Scenario, TargetKind, Via};
use crate::units::{SimDuration, SimTime};
use crate::world::slot::{Flow, Slot};

/// The balancers that the scenario has.
#[derive(Debug)]
pub(super) struct Balancers<'s> {
    load_balancer: Option<Balancer<'s>>,
    ingress: Option<Balancer<'s>>,
}

impl<'s> Balancers<'s> {
    pub(super) fn new(scenario: &'s Scenario, key: StreamKey, endpoints: &[Endpoint]) -> Self {
        let balancer = |layer| Balancer::new(scenario, layer, key, endpoints);
        Balancers { load_balancer: balancer(Layer::LoadBalancer), ingress: balancer(Layer::Ingress) }
    }

    /// The balancer of a layer, if the scenario has one.
    pub(super) fn of(&mut self, layer: Layer) -> Option<&mut Balancer<'s>> {
        match layer {
            Layer::LoadBalancer => self.load_balancer.as_mut(),
            Layer::Ingress => self.ingress.as_mut(),
        }
    }

    /// The balancer of a layer that a request has reached.
    pub(super) fn get(&mut self, layer: Layer) -> &mut Balancer<'s> {
        self.of(layer).expect("a request reaches balancers that exist")
    }

    fn all(&mut self) -> impl Iterator<Item = &mut Balancer<'s>> {
        [&mut self.load_balancer, &mut self.ingress].into_iter().flatten()
    }

    /// The load balancer's choice for a connection that it forwards.
    pub(super) fn forward(&mut self, now: SimTime, slot: &mut Slot<'_>) -> Option<Flow> {
        let balancer = self.load_balancer.as_mut()?;
        let bits = slot.call.choice.unwrap_or_else(|| slot.luck.choice().bits());
        let replica = ((u128::from(bits) * u128::from(balancer.spec().replicas)) >> 64) as u32;
        let choice = Choice { now, source: slot.index.into(), bits: mix(bits ^ 1) };
        let target = balancer.pick(balancer.place(replica, mix(bits)), choice, &[])?;
        Some(Flow { replica, target, reset: false })
    }

    /// The server of `pod` ends the idle connections that balancers have to it, or keeps them. Returns when the last of those
    /// that its process waits for ends if nothing more comes, `kept` after it became idle, or `kept_new` after it was made if it
    /// has carried nothing; or now.
    pub(super) fn sever(
        &mut self,
        now: SimTime,
        pod: PodId,
        idle: IdlePolicy,
        kept: SimDuration,
        kept_new: SimDuration,
    ) -> SimTime {
        let pools = self.all().flat_map(Balancer::pools);
        if idle == IdlePolicy::Close {
            return pools.filter_map(|pool| pool.sever_pod(now, pod, kept_new)).fold(now, SimTime::max);
        }
        let ends = |pool: &mut Pool| pool.last_idle_end(pod, kept);
        let last = if idle.holds_the_process() { pools.filter_map(ends).max() } else { None };
        last.map_or(now, |last| last.max(now))
    }

    /// The replaced workers of an ingress replica end the idle connections that the load balancer has to it.
    pub(super) fn reloaded(&mut self, now: SimTime, replica: ReplicaId) {
        if let (Layer::Ingress, Some(before)) = (replica.layer, &mut self.load_balancer) {
            before.pools().for_each(|pool| pool.sever_target(now, Target::Replica(replica.number)));
        }
    }

    /// Checks that no upstream connection got lost on the way.
    pub(super) fn check(&mut self) {
        for pool in self.all().flat_map(Balancer::pools) {
            let (opened, closed, open) = pool.counts();
            assert_eq!(opened, closed + open, "upstream connections opened are closed or open at the end");
        }
    }
}

/// The first balancer that terminates the connections of a client, if one does.
pub(super) fn entry(scenario: &Scenario, via: Via) -> Option<Layer> {
    match via {
        Via::Service => None,
        Via::Ingress => Some(Layer::Ingress),
        Via::LoadBalancer => {
            let balancer = scenario.load_balancer.as_ref()?;
            match (balancer.protocol, balancer.target) {
                (Protocol::Http, _) => Some(Layer::LoadBalancer),
                (Protocol::Tcp, TargetKind::Ingress) => Some(Layer::Ingress),
                (Protocol::Tcp, _) => None,
            }
        }
    }
}
