//! What the data plane of a node does with a new connection.

use crate::ids::{AddressId, PodId};
use crate::model::spec::Traffic;

/// A SYN to the Service's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Syn {
    /// From a pod or from outside.
    pub traffic: Traffic,
    /// From which address.
    pub address: AddressId,
    /// Ports the address takes in turn.
    pub local_ports: u32,
    /// The same SYN came before.
    pub retransmitted: bool,
}

/// Where a SYN goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// To this pod, and so does the rest of its connection.
    To(PodId),
    /// Answered with ICMP port unreachable: no endpoint anywhere.
    Reject,
    /// Nothing answers: policy Local and no endpoint on the node, or ipvs drops it this once.
    Drop,
}
