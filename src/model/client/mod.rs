//! Clients: when requests are due, which failures are tried again, and which connections are not used again.
//!
//! Models: closed-loop pacing with catch-up (fortio's and a plain one) and without (hey's), closed loops that think,
//! open-loop arrivals (constant, Poisson, bursty, by the shape of a day, from a trace); the silent retry of transports on a reused connection; retries of applications with back-off, jitter
//! and budget; when a second attempt is sent beside a slow first one; pools with limits. What a request meets is decided on the request path. Leaves out: retries on another
//! connection of the pool (they take a fresh one). Source: mechanics 7.2; fortio periodic/periodic.go and
//! fhttp/http_client.go at 45e18710 (v1.75.2).

mod arrivals;
mod hedging;
mod pacing;
mod pool;
mod retry;

pub use arrivals::ArrivalProcess;
pub use hedging::HedgeDelay;
pub use pacing::{Pacing, fortio_plan};
pub use pool::{Kept, is_given_up};
pub use retry::{Budget, FailedAttempt, back_off, first_wait, retries_silently};

#[cfg(test)]
pub(in crate::model::client) mod tests {
    use crate::dist::{Dist, Factor};
    use crate::model::spec::{
        Arrivals, BurstSpec, ClientBalancing, ClientDns, ClientProfile, ClientProtocol, ClientSpec, EntryNode,
        Failures, LatencyFrom, Method, PoolSpec, Retry, ShapeSpec, Traffic, Via,
    };
    use crate::units::{Rate, SimDuration};

    pub(in crate::model::client) fn client(retry: Retry) -> ClientSpec {
        ClientSpec {
            profile: ClientProfile::Fortio,
            users: 1,
            connections: 1,
            rate: Rate::ZERO,
            arrivals: Arrivals::Together,
            think_time: Dist::ZERO,
            burst: BurstSpec { on: SimDuration::from_secs(1), off: SimDuration::from_secs(1), quiet: 0.0 },
            shape: ShapeSpec::day(),
            trace: Vec::new(),
            traffic: Traffic::External,
            protocol: ClientProtocol::Http1,
            balancing: ClientBalancing::PickFirst,
            via: Via::Service,
            method: Method::Get,
            idempotent: 1.0,
            work: Factor::ONE,
            node: EntryNode::Spread,
            addresses: 1,
            local_ports: 14_116,
            dns: ClientDns::EachConnect,
            keep_alive: true,
            warm_up: true,
            catch_up: true,
            latency_from: LatencyFrom::Sent,
            spread_to_end: true,
            retry,
            retries: None,
            hedging: None,
            reconnect: None,
            stops_on: Failures::NONE,
            pool: PoolSpec::UNLIMITED,
            notices_close: false,
            honours_connection_close: false,
            closes_after_error: false,
            free_connect: false,
            connect_timeout: SimDuration::from_secs(3),
            request_timeout: SimDuration::from_secs(3),
        }
    }
}
