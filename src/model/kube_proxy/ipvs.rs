//! The ipvs of one node: round robin over the real servers, and its table of connections by the client's port.
//!
//! Models: the scheduler rr with one pointer a virtual server; a removed endpoint has weight 0 at once; a client port that
//! comes round while its old entry is alive (k/k#81775): up to kernel 5.8 it reaches the old real server
//! (`conn_reuse_mode` 0, which kube-proxy sets since 1.13) or has its SYN dropped once (mode 1, before). A real server with
//! weight 0 is kept until the 60 s check finds it without a connection, so as long as an entry names it: keeping it decides
//! nothing that the entries do not decide, and is not simulated. Up to 1.12 it goes at once, and its connections break.
//! An entry lives from its last SYN on; the length of the connection is left out. Source: kube-proxy
//! pkg/proxy/ipvs/graceful_termination.go at v1.20.2, Linux net/netfilter/ipvs (mechanics 5.6).

use std::collections::BTreeMap;

use crate::ids::{AddressId, PodId};
use crate::model::api::difference;
use crate::model::spec::{Mechanism, Scenario, Traffic};
use crate::units::{KernelVersion, SimDuration, SimTime, Version};

/// Linux keeps an entry so long in TIME_WAIT, after an RST, and while a SYN is unanswered.
const TIME_WAIT: SimDuration = SimDuration::from_secs(120);
const CLOSE: SimDuration = SimDuration::from_secs(10);
const SYN_RECEIVED: SimDuration = SimDuration::from_secs(60);

/// What a new connection from a port meets whose old entry is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PortReuse {
    /// The old real server.
    OldServer,
    /// Its SYN is dropped once.
    DropsSyn,
    /// Nothing: it is scheduled anew.
    Scheduled,
}

/// What an address's next port leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Port {
    /// A real server that an old entry names.
    Old(PodId),
    /// Nowhere this time.
    Dropped,
    /// To whatever the scheduler says.
    Fresh,
}

/// The ports of one address, in the order of their use.
#[derive(Debug, Default)]
struct Ports {
    entries: Vec<(PodId, SimTime)>,
    /// Of the connection opened last.
    current: usize,
}

/// The ipvs of one node.
#[derive(Debug)]
pub(super) struct Ipvs {
    reuse: PortReuse,
    /// Up to 1.12: a removed real server is deleted at once.
    deletes_at_once: bool,
    internal: RoundRobin,
    external: RoundRobin,
    ports: BTreeMap<AddressId, Ports>,
}

impl Ipvs {
    /// Its real servers as of the start; `turns` are where the two pointers stand.
    pub(super) fn new(scenario: &Scenario, internal: &[PodId], external: &[PodId], turns: [usize; 2]) -> Self {
        let graceful = scenario.cluster.version >= Version::minor(13);
        let unpinned = scenario.without.has(Mechanism::ConntrackPinning);
        let reuse = match () {
            () if unpinned => PortReuse::Scheduled,
            () if scenario.cluster.kernel >= (KernelVersion { major: 5, minor: 9 }) => PortReuse::Scheduled,
            () if graceful => PortReuse::OldServer,
            () => PortReuse::DropsSyn,
        };
        Ipvs {
            reuse,
            deletes_at_once: !graceful,
            internal: RoundRobin::new(internal, turns[0]),
            external: RoundRobin::new(external, turns[1]),
            ports: BTreeMap::new(),
        }
    }

    /// The real servers of a virtual server are these now.
    pub(super) fn update(&mut self, internal: &[PodId], external: &[PodId]) {
        self.internal.update(internal);
        self.external.update(external);
    }

    /// The real server whose turn it is.
    pub(super) fn schedule(&mut self, traffic: Traffic) -> Option<PodId> {
        match traffic {
            Traffic::Internal => self.internal.next(),
            Traffic::External => self.external.next(),
        }
    }

    /// An address opens a connection from the next of its `local_ports`.
    pub(super) fn open(&mut self, now: SimTime, address: AddressId, local_ports: u32) -> Port {
        if self.reuse == PortReuse::Scheduled {
            return Port::Fresh;
        }
        let ports = self.ports.entry(address).or_default();
        ports.current = if ports.entries.is_empty() { 0 } else { (ports.current + 1) % local_ports as usize };
        match ports.entries.get_mut(ports.current).filter(|(_, until)| now < *until) {
            None => Port::Fresh,
            Some((pod, until)) if self.reuse == PortReuse::OldServer => {
                *until = now + TIME_WAIT;
                Port::Old(*pod)
            }
            Some((_, until)) => {
                *until = now;
                Port::Dropped
            }
        }
    }

    /// The connection opened last goes to `pod`.
    pub(super) fn enter(&mut self, now: SimTime, address: AddressId, pod: PodId) {
        if self.reuse == PortReuse::Scheduled {
            return;
        }
        let ports = self.ports.entry(address).or_default();
        let entry = (pod, now + TIME_WAIT);
        match ports.entries.get_mut(ports.current) {
            Some(old) => *old = entry,
            None => {
                ports.current = ports.entries.len();
                ports.entries.push(entry);
            }
        }
    }

    /// The connection opened last is not made: its SYN was answered by RST, or not at all.
    pub(super) fn fail(&mut self, now: SimTime, address: AddressId, answered: bool) {
        let Some(ports) = self.ports.get_mut(&address) else { return };
        if let Some((_, until)) = ports.entries.get_mut(ports.current) {
            *until = now + if answered { CLOSE } else { SYN_RECEIVED };
        }
    }

    /// Whether connections to `pod` are broken because its real server was deleted under them.
    pub(super) fn has_deleted(&self, pod: PodId) -> bool {
        self.deletes_at_once && !self.internal.servers.contains(&pod) && !self.external.servers.contains(&pod)
    }
}

/// The scheduler rr of one virtual server.
#[derive(Debug)]
struct RoundRobin {
    /// The latest first: Linux adds a real server at the head of the list.
    servers: Vec<PodId>,
    /// The place behind the one served last.
    turn: usize,
}

impl RoundRobin {
    fn new(servers: &[PodId], turn: usize) -> Self {
        RoundRobin { servers: servers.iter().rev().copied().collect(), turn }
    }

    fn next(&mut self) -> Option<PodId> {
        let place = if self.turn < self.servers.len() { self.turn } else { 0 };
        self.turn = place + 1;
        self.servers.get(place).copied()
    }

    fn update(&mut self, wanted: &[PodId]) {
        let mut known = self.servers.clone();
        known.sort_unstable();
        for pod in difference(&known, wanted) {
            self.remove(pod);
        }
        for pod in difference(wanted, &known) {
            self.servers.insert(0, pod);
            self.turn += 1;
        }
    }

    fn remove(&mut self, pod: PodId) {
        let Some(place) = self.servers.iter().position(|other| *other == pod) else { return };
        self.servers.remove(place);
        self.turn -= usize::from(place < self.turn);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pods(ids: &[u32]) -> Vec<PodId> {
        ids.iter().map(|id| PodId(*id)).collect()
    }

    fn next(robin: &mut RoundRobin, count: usize) -> Vec<u32> {
        (0..count).filter_map(|_| robin.next()).map(|pod| pod.0).collect()
    }

    #[test]
    fn real_servers_take_turns_and_the_pointer_keeps_its_place() {
        let mut robin = RoundRobin::new(&pods(&[0, 1, 2]), 0);
        assert_eq!(next(&mut robin, 4), [2, 1, 0, 2]);
        robin.update(&pods(&[0, 2]));
        assert_eq!(next(&mut robin, 2), [0, 2]);
        robin.update(&pods(&[0, 2, 3]));
        assert_eq!(next(&mut robin, 4), [0, 3, 2, 0]);
        robin.update(&[]);
        assert_eq!(robin.next(), None);
    }

    fn ipvs(reuse: PortReuse) -> Ipvs {
        Ipvs {
            reuse,
            deletes_at_once: false,
            internal: RoundRobin::new(&[], 0),
            external: RoundRobin::new(&[], 0),
            ports: BTreeMap::new(),
        }
    }

    fn at(secs: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs(secs)
    }

    /// Three ports in turn: the fourth connection has the first one's port.
    fn fourth(reuse: PortReuse, gap: u64) -> Port {
        let (mut ipvs, address) = (ipvs(reuse), AddressId { client: 0, ordinal: 0 });
        for index in 0..3 {
            assert_eq!(ipvs.open(at(u64::from(index) * gap), address, 3), Port::Fresh);
            ipvs.enter(at(u64::from(index) * gap), address, PodId(index));
        }
        ipvs.open(at(3 * gap), address, 3)
    }

    #[test]
    fn a_port_that_comes_round_within_120_s_meets_its_old_entry() {
        assert_eq!(fourth(PortReuse::OldServer, 39), Port::Old(PodId(0)));
        assert_eq!(fourth(PortReuse::OldServer, 40), Port::Fresh);
        assert_eq!(fourth(PortReuse::DropsSyn, 39), Port::Dropped);
        assert_eq!(fourth(PortReuse::Scheduled, 1), Port::Fresh);
    }

    #[test]
    fn an_entry_whose_syn_was_refused_lives_10_s() {
        let (mut ipvs, address) = (ipvs(PortReuse::OldServer), AddressId { client: 0, ordinal: 0 });
        let mut open = |secs| {
            let port = ipvs.open(at(secs), address, 1);
            ipvs.enter(at(secs), address, PodId(0));
            ipvs.fail(at(secs), address, true);
            port
        };
        assert_eq!([open(0), open(9), open(19)], [Port::Fresh, Port::Old(PodId(0)), Port::Fresh]);
    }
}
