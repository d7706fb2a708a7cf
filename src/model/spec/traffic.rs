//! Clients: when they send, over which connections, and what they do when it fails.

use crate::dist::{Dist, Factor};
use crate::ids::NodeId;
use crate::model::spec::load::{BurstSpec, ShapeSpec};
use crate::model::spec::retries::{Failures, HedgingSpec, PoolSpec, ReconnectSpec, RetriesSpec};
use crate::units::{Rate, SimDuration};

/// Rows of the client table (mechanics 7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientProfile {
    /// fortio's fast client.
    Fortio,
    /// `fortio -stdclient`: Go's transport.
    FortioStd,
    /// hey.
    Hey,
    /// wrk.
    Wrk,
    /// wrk2: wrk with a rate.
    Wrk2,
    /// `ab -k`.
    Ab,
    /// vegeta.
    Vegeta,
    /// k6.
    K6,
    /// A service written in Go, with `http.DefaultTransport`.
    Go,
    /// A service written in Python, with a `requests.Session`.
    PythonRequests,
    /// A service written in Java, with `OkHttp`.
    OkHttp,
    /// `curl` run again and again.
    Curl,
    /// People with browsers.
    Browser,
    /// A service with a gRPC channel.
    Grpc,
    /// Sessions that stay open, such as WebSockets or server-sent events.
    Session,
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
    /// Closed loop: each connection thinks after each answer, then sends its next request.
    Think,
    /// Open loop, one every 1/rate.
    Constant,
    /// Open loop, exponential gaps.
    Poisson,
    /// Open loop, exponential gaps at a rate that [`BurstSpec`] switches.
    Bursty,
    /// Open loop, exponential gaps at a rate that follows a [`ShapeSpec`].
    Daily,
    /// Open loop, at given times.
    Trace,
}

/// Which failures the client's transport tries again by itself, silently and on a fresh connection: those of a connection
/// that was used before, before the first byte of the response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// None.
    None,
    /// All of them, a response that does not come in time included (fortio's fast client).
    ReusedOnce,
    /// If the connection was closed or reset (curl).
    ReusedClosed,
    /// If the connection was closed or reset and the request is idempotent (Go's transport, browsers).
    ReusedIdempotent,
}

/// From when on the client counts the latency of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LatencyFrom {
    /// It was sent: what a slow answer puts off is not seen (coordinated omission).
    Sent,
    /// It was due.
    Due,
}

/// How a client's requests share connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientProtocol {
    /// HTTP/1.1: one after another.
    Http1,
    /// HTTP/2, and so gRPC: as streams beside each other.
    Http2,
}

/// Which connection a stream goes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientBalancing {
    /// The only one there is.
    PickFirst,
    /// The next of one for each address of the name.
    RoundRobin,
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
    /// Users of a closed-loop client.
    pub users: u32,
    /// Connections of each user; an open-loop client opens what it needs.
    pub connections: u32,
    /// Requests a second of all connections together; not read of a client that thinks.
    pub rate: Rate,
    /// When requests are due.
    pub arrivals: Arrivals,
    /// Between an answer and the next request on its connection, for [`Arrivals::Think`].
    pub think_time: Dist,
    /// For [`Arrivals::Bursty`].
    pub burst: BurstSpec,
    /// For [`Arrivals::Daily`].
    pub shape: ShapeSpec,
    /// For [`Arrivals::Trace`]: since the start of the run, in order.
    pub trace: Vec<SimDuration>,
    /// From inside or from outside.
    pub traffic: Traffic,
    /// How requests share connections.
    pub protocol: ClientProtocol,
    /// Which connection a stream goes over.
    pub balancing: ClientBalancing,
    /// What they go to.
    pub via: Via,
    /// What each asks for.
    pub method: Method,
    /// The share of the requests that may be sent twice.
    pub idempotent: f64,
    /// How much work each is: the service time is multiplied by it.
    pub work: Factor,
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
    /// Calls that were missed while the connection waited are made at once; else all but the last are left out.
    pub catch_up: bool,
    /// From when on its latencies count.
    pub latency_from: LatencyFrom,
    /// Pacing as fortio's `-t`: whole calls a connection, the last one exactly at the end.
    pub spread_to_end: bool,
    /// What is tried again silently.
    pub retry: Retry,
    /// What the application tries again.
    pub retries: Option<RetriesSpec>,
    /// When the application sends a request a second time though it has not failed.
    pub hedging: Option<HedgingSpec>,
    /// How sessions that ended are begun again, of a client that holds some.
    pub reconnect: Option<ReconnectSpec>,
    /// Which failures end the client.
    pub stops_on: Failures,
    /// Which connections are not used again.
    pub pool: PoolSpec,
    /// Looks whether an idle connection was closed before writing to it.
    pub notices_close: bool,
    /// Obeys `Connection: close` in a response.
    pub honours_connection_close: bool,
    /// Closes its connection after an answer of 500 or more.
    pub closes_after_error: bool,
    /// A new connection costs no round trip (for comparison with simpler models).
    pub free_connect: bool,
    /// How long a connect may take.
    pub connect_timeout: SimDuration,
    /// How long a response may take.
    pub request_timeout: SimDuration,
}

impl ClientSpec {
    /// Connections of a closed-loop client.
    pub fn all_connections(&self) -> u32 {
        self.users.saturating_mul(self.connections)
    }

    /// Requests come whatever became of the earlier ones.
    pub fn is_open(&self) -> bool {
        use Arrivals::{Bursty, Constant, Daily, Poisson, Trace};
        matches!(self.arrivals, Constant | Poisson | Bursty | Daily | Trace)
    }

    /// Nothing bears on its requests but when they are due, keep-alive and timeouts; the rest takes the long way.
    pub fn is_plain(&self) -> bool {
        let mixed = self.idempotent > 0.0 && self.idempotent < 1.0;
        let limited = self.retries.is_some_and(|retries| retries.budget.is_some());
        let rules = self.pool != PoolSpec::UNLIMITED || !self.stops_on.is_empty() || limited || self.hedging.is_some();
        let usual = self.catch_up && self.latency_from == LatencyFrom::Sent && !self.multiplexes();
        usual && self.work.is_one() && !mixed && !rules
    }

    /// The retries or second attempts that its requests are allowed, if they are limited.
    pub fn budget(&self) -> Option<f64> {
        let of_retries = self.retries.and_then(|retries| retries.budget);
        of_retries.or(self.hedging.and_then(|hedging| hedging.budget))
    }

    /// Its requests are streams of shared connections.
    pub fn multiplexes(&self) -> bool {
        self.protocol == ClientProtocol::Http2
    }

    /// Each connection thinks between two requests.
    pub fn thinks(&self) -> bool {
        self.arrivals == Arrivals::Think
    }
}
