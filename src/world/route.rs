//! Where a new connection goes: for a headless Service what the client's resolver says, else what the kube-proxy of the
//! node says that it enters.

use crate::ids::{AddressId, NodeId, PodId};
use crate::model::dns::Dns;
use crate::model::kube_proxy::{KubeProxy, Route, Syn};
use crate::model::msg::Listener;
use crate::model::spec::{Scenario, ServiceKind};
use crate::record::Met;
use crate::units::SimTime;
use crate::world::slot::{Slot, State};

/// What the SYN of a slot's call meets first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// It reaches this pod.
    To(PodId),
    /// It is answered with ICMP port unreachable.
    Rejected,
    /// Nothing answers it.
    Dropped,
    /// It is not even sent: the name has no address.
    NoAddress,
}

/// What knows where connections go.
#[derive(Debug)]
pub(super) struct Routes<'s> {
    /// By node.
    pub(super) proxies: Vec<KubeProxy<'s>>,
    pub(super) dns: Dns,
}

impl Routes<'_> {
    /// Chooses the pod of a connection that enters at `node`.
    pub(super) fn way(&mut self, now: SimTime, scenario: &Scenario, node: NodeId, slot: &mut Slot<'_>) -> Way {
        if scenario.service.kind == ServiceKind::Headless {
            return self.resolved(now, slot);
        }
        let syn = self.syn(slot);
        match self.proxies[node.index()].route(now, &syn, || bits(slot)) {
            Route::To(pod) => Way::To(pod),
            Route::Reject => Way::Rejected,
            Route::Drop => Way::Dropped,
        }
    }

    fn resolved(&mut self, now: SimTime, slot: &mut Slot<'_>) -> Way {
        let pods = self.dns.resolve(now, slot.client, slot.spec.dns);
        let place = (u128::from(bits(slot)) * pods.len() as u128) >> 64;
        pods.get(place as usize).map_or(Way::NoAddress, |pod| Way::To(*pod))
    }

    fn syn(&self, slot: &Slot<'_>) -> Syn {
        // Of an open loop each request comes from the next address, else each connection.
        let number = if slot.schedule.is_none() { slot.call.index } else { slot.ordinal.into() };
        let ordinal = address(number, slot.spec.addresses, self.proxies.len() as u32);
        Syn {
            traffic: slot.spec.traffic,
            address: AddressId { client: slot.client, ordinal },
            local_ports: slot.spec.local_ports,
            retransmitted: slot.state == State::Retransmission,
        }
    }

    /// Tells the node that a SYN it sent to a pod was answered by an error, or not at all.
    pub(super) fn syn_failed(&mut self, now: SimTime, slot: &Slot<'_>, listener: Listener) {
        let answered = listener != Listener::Gone;
        let syn = self.syn(slot);
        self.proxies[slot.call.node.index()].on_syn_failed(now, &syn, answered);
    }
}

impl Way {
    /// What a SYN that nobody answers has met.
    pub(super) fn met(self) -> Met {
        match self {
            Way::To(_) => Met::NamespaceGone,
            Way::Rejected => Met::NoEndpoints,
            Way::Dropped => Met::NoLocalEndpoint,
            Way::NoAddress => Met::NoAddress,
        }
    }

    pub(super) fn pod(self) -> Option<PodId> {
        if let Way::To(pod) = self { Some(pod) } else { None }
    }
}

/// By the call's own bits if it has some, else by the slot's stream.
fn bits(slot: &mut Slot<'_>) -> u64 {
    slot.call.choice.unwrap_or_else(|| slot.luck.choice().bits())
}

/// The address of a client's connection with this number. Connections enter at the nodes in turn; where the addresses would
/// keep step with that, they move on by one each time round, so that every address comes to every node.
fn address(number: u64, addresses: u32, nodes: u32) -> u32 {
    let divides = |n: &u32| addresses.is_multiple_of(*n) && nodes.is_multiple_of(*n);
    let both = (1..=addresses.min(nodes)).rev().find(divides).unwrap_or(1);
    let round = u64::from(addresses / both) * u64::from(nodes);
    let moved = if both == 1 { 0 } else { number / round };
    ((number + moved) % u64::from(addresses)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With as many addresses as nodes each address came to one node only.
    #[test]
    fn an_address_came_always_to_the_same_node() {
        let met = |addresses: u32, nodes: u32| {
            let numbers = 0..u64::from(addresses) * u64::from(nodes);
            let pairs = numbers.map(|number| (number % u64::from(nodes), address(number, addresses, nodes)));
            pairs.collect::<std::collections::BTreeSet<_>>().len()
        };
        for (addresses, nodes) in [(1, 3), (3, 3), (4, 6), (6, 4), (5, 3), (8, 2)] {
            assert_eq!(met(addresses, nodes), (addresses * nodes) as usize, "{addresses} addresses, {nodes} nodes");
        }
        let turns: Vec<u32> = (0..4).map(|number| address(number, 8, 3)).collect();
        assert_eq!(turns, [0, 1, 2, 3]);
    }
}
