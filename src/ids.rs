//! Names of the things in a run: small numbers, each of its own type.
//!
//! An id is also the ordinal of its entity in the tie order and in the names of random streams, so it never depends
//! on what happened during a run: old pods are `0..replicas`, new pods follow in the order of creation.

use std::fmt;

/// One pod. Old pods come first: `PodId(i)` with `i < replicas` is `old-i`, which ran before the run began; the rest are
/// `new-0`, `new-1`, …, created during it, of whichever template.
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

/// One kind of balancer on the way of a request, the outermost first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// The cloud's load balancer.
    LoadBalancer,
    /// The ingress inside the cluster.
    Ingress,
}

/// One replica of a balancer: an ingress pod, or a node of a load balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplicaId {
    /// Of which balancer.
    pub layer: Layer,
    /// Which of its replicas, from 0.
    pub number: u32,
}

/// What a balancer chooses among.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// A pod, by its address.
    Pod(PodId),
    /// A node, whose rules choose the pod.
    Node(NodeId),
    /// A replica of the next balancer, by its number.
    Replica(u32),
}

/// Which pod template a pod or ReplicaSet belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Revision {
    /// The template before the rollout.
    Old,
    /// The template the rollout brings.
    New,
}

impl Revision {
    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Revision::Old => Revision::New,
            Revision::New => Revision::Old,
        }
    }
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

impl ReplicaId {
    /// The index in a table of the layer's replicas.
    pub fn index(self) -> usize {
        self.number as usize
    }
}

impl Target {
    /// A number for hashes and stream names.
    pub fn ordinal(self) -> u64 {
        match self {
            Target::Pod(pod) => u64::from(pod.0),
            Target::Node(node) => 1 << 32 | u64::from(node.0),
            Target::Replica(number) => 2 << 32 | u64::from(number),
        }
    }

    /// The pod, if it is one.
    pub fn pod(self) -> Option<PodId> {
        match self {
            Target::Pod(pod) => Some(pod),
            Target::Node(_) | Target::Replica(_) => None,
        }
    }
}

impl fmt::Display for ReplicaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layer = match self.layer {
            Layer::LoadBalancer => "load-balancer",
            Layer::Ingress => "ingress",
        };
        write!(f, "{layer}-{}", self.number)
    }
}

/// What chooses the pods that requests go to: the rules of a node, or the list of one worker of a balancer's replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Element {
    /// The rules of this node.
    Node(NodeId),
    /// The list of this worker of the replica.
    Worker(ReplicaId, u16),
}

impl From<NodeId> for Element {
    fn from(node: NodeId) -> Self {
        Element::Node(node)
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Element::Node(node) => node.fmt(f),
            Element::Worker(replica, worker) => write!(f, "{replica} worker {worker}"),
        }
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
