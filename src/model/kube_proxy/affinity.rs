//! Session affinity of one node: which pod each client address had last.

use std::collections::BTreeMap;

use crate::ids::{AddressId, PodId};
use crate::units::{SimDuration, SimTime};

/// The "recent" lists of a node's endpoints, taken together.
#[derive(Debug)]
pub(super) struct Affinity {
    timeout: SimDuration,
    recent: BTreeMap<AddressId, (PodId, SimTime)>,
}

impl Affinity {
    pub(super) fn new(timeout: SimDuration) -> Self {
        Affinity { timeout, recent: BTreeMap::new() }
    }

    /// The pod the address had, if that was within the timeout and the pod is still usable.
    pub(super) fn pod_of(&self, now: SimTime, address: AddressId, usable: &[PodId]) -> Option<PodId> {
        let (pod, last) = *self.recent.get(&address)?;
        (now < last + self.timeout && usable.contains(&pod)).then_some(pod)
    }

    /// A new connection of the address goes to `pod`: the timeout begins anew.
    pub(super) fn remember(&mut self, now: SimTime, address: AddressId, pod: PodId) {
        self.recent.insert(address, (pod, now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_its_pod_until_the_timeout_or_until_the_pod_is_not_usable() {
        let at = |secs| SimTime::ZERO + SimDuration::from_secs(secs);
        let address = |ordinal| AddressId { client: 0, ordinal };
        let mut affinity = Affinity::new(SimDuration::from_secs(10));
        let usable = [PodId(1), PodId(2)];
        affinity.remember(at(0), address(0), PodId(2));
        assert_eq!(affinity.pod_of(at(9), address(0), &usable), Some(PodId(2)));
        assert_eq!(affinity.pod_of(at(9), address(1), &usable), None);
        assert_eq!(affinity.pod_of(at(9), address(0), &usable[..1]), None);
        assert_eq!(affinity.pod_of(at(10), address(0), &usable), None);
        affinity.remember(at(9), address(0), PodId(2));
        assert_eq!(affinity.pod_of(at(18), address(0), &usable), Some(PodId(2)));
    }
}
