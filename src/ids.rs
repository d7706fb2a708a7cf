//! Names of the things in a run: small numbers, each of its own type.
//!
//! An id is also the ordinal of its entity in the tie order and in the names of random streams, so it never depends
//! on what happened during a run: old pods are `0..replicas`, new pods follow in the order of creation.

use std::fmt;

/// One pod. Old pods come first: `PodId(i)` with `i < replicas` is `old-i`, the rest are `new-0`, `new-1`, …
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PodId(pub u32);

/// One node with its kubelet and its kube-proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

/// One zone of the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZoneId(pub u32);

/// One address that clients send from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressId {
    /// Which client of the scenario.
    pub client: u32,
    /// Which of its addresses.
    pub ordinal: u32,
}

/// One client connection slot: a closed-loop client's worker, or one request in flight of an open-loop client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotId(pub u32);

/// Which pod template a pod or ReplicaSet belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Revision {
    /// The template before the rollout.
    Old,
    /// The template the rollout brings.
    New,
}

impl PodId {
    /// The index in a table of pods.
    pub fn index(self) -> usize {
        self.0 as usize
    }

    /// The name the reports print: `old-1`, `new-0`. `replicas` is the number of old pods.
    pub fn name(self, replicas: u32) -> String {
        if self.0 < replicas { format!("old-{}", self.0) } else { format!("new-{}", self.0 - replicas) }
    }
}

impl NodeId {
    /// The index in a table of nodes.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl SlotId {
    /// The index in a table of slots.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node-{}", self.0)
    }
}

impl fmt::Display for SlotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connection-{}", self.0)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Revision::Old => "old",
            Revision::New => "new",
        })
    }
}
