//! Clients: when they send, over which connections, and what they do when it fails.

use crate::ids::NodeId;
use crate::units::{Rate, SimDuration};

/// Rows of the client table (mechanics 7.2) that are built so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientProfile {
    /// fortio's fast client.
    Fortio,
    /// A paced closed-loop client without retry.
    Paced,
    /// An open-loop client: requests come whatever became of the earlier ones.
    Open,
}

/// When requests are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrivals {
    /// Each connection is paced on its own schedule and catches up when it is behind; all start together.
    Together,
    /// The same, each connection shifted by a uniform phase of its period.
    Staggered,
    /// The same, connection `i` of `n` shifted by `i/n` of its period (fortio's `-uniform`).
    Spaced,
    /// Open loop, one every 1/rate.
    Constant,
    /// Open loop, exponential gaps.
    Poisson,
}

/// Which failures the client tries again by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// None.
    None,
    /// A reused connection that fails before the first byte of the response: once, on a fresh connection, silently.
    ReusedOnce,
}

/// Where a client's connections enter the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryNode {
    /// Connection `i` enters at node `i mod nodes`; for an open-loop client request `i` does.
    Spread,
    /// All at one node.
    Node(NodeId),
}

/// Where a client stands, and so which of the Service's traffic policies holds for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    /// A pod of the cluster, which uses the cluster IP (or the name of a headless Service).
    Internal,
    /// Outside, through a port of a node.
    External,
}

/// When a client of a headless Service resolves the name again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientDns {
    /// For each new connection.
    EachConnect,
    /// When the TTL it was told has passed.
    Ttl,
    /// When its own cache of this length has passed, whatever the TTL (as of the JVM).
    CachedFor(SimDuration),
    /// Never.
    Once,
}

/// `via`: what a client's connections go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// The Service, through a node's rules.
    Service,
    /// The ingress.
    Ingress,
    /// The load balancer.
    LoadBalancer,
}

/// `method` of a client's requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// HEAD.
    Head,
    /// PUT.
    Put,
    /// DELETE.
    Delete,
    /// OPTIONS.
    Options,
    /// POST.
    Post,
    /// PATCH.
    Patch,
}

impl Method {
    /// Whether doing it twice is doing it once (RFC 9110, 9.2.2).
    pub const fn is_idempotent(self) -> bool {
        !matches!(self, Method::Post | Method::Patch)
    }
}

/// `[[clients]]`: one load generator.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientSpec {
    /// Which row of the table gave the defaults.
    pub profile: ClientProfile,
    /// Connections of a closed-loop client; an open-loop client opens what it needs.
    pub connections: u32,
    /// Requests a second of all connections together.
    pub rate: Rate,
    /// When requests are due.
    pub arrivals: Arrivals,
    /// From inside or from outside.
    pub traffic: Traffic,
    /// What they go to.
    pub via: Via,
    /// What each asks for.
    pub method: Method,
    /// A proxy may send it twice.
    pub idempotent: bool,
    /// Where they enter.
    pub node: EntryNode,
    /// Addresses the client sends from: connection (of an open loop: request) `i` from address `i mod addresses`.
    pub addresses: u32,
    /// Ports an address takes in turn for its new connections, out of `net.ipv4.ip_local_port_range`.
    pub local_ports: u32,
    /// When the name is resolved again.
    pub dns: ClientDns,
    /// Connections are kept for the next request.
    pub keep_alive: bool,
    /// One request per connection before the clock starts.
    pub warm_up: bool,
    /// Pacing as fortio's `-t`: whole calls a connection, the last one exactly at the end.
    pub spread_to_end: bool,
    /// What is tried again silently.
    pub retry: Retry,
    /// Looks whether an idle connection was closed before writing to it.
    pub notices_close: bool,
    /// Obeys `Connection: close` in a response.
    pub honours_connection_close: bool,
    /// A new connection costs no round trip (for comparison with simpler models).
    pub free_connect: bool,
    /// How long a connect may take.
    pub connect_timeout: SimDuration,
    /// How long a response may take.
    pub request_timeout: SimDuration,
}
