//! Clients: when requests are due, and which failures are tried again.
//!
//! Models: closed-loop pacing with catch-up (fortio's and a plain one), open-loop arrivals, the silent retry on a reused
//! connection. What a request meets is decided on the request path. Leaves out: retry budgets, pools with limits,
//! HTTP/2. Source: mechanics 7.2; fortio periodic/periodic.go and fhttp/http_client.go at 45e18710 (v1.75.2).

mod pacing;

pub use pacing::{Pacing, fortio_plan};

use crate::model::spec::{ClientSpec, Retry};
use crate::record::FailureKind;

/// Whether a client tries an attempt that failed so once more, by itself and without saying so. Fortio's fast client
/// does so for any failure of a reused connection before the first byte of the response, a read timeout included.
pub fn retries_silently(client: &ClientSpec, kind: FailureKind, reused: bool, attempt: u8) -> bool {
    let before_first_byte = matches!(kind, FailureKind::Reset | FailureKind::Eof | FailureKind::Timeout);
    client.retry == Retry::ReusedOnce && reused && attempt == 1 && before_first_byte
}

#[cfg(test)]
pub(in crate::model::client) mod tests {
    use super::*;
    use crate::model::spec::{Arrivals, ClientDns, ClientProfile, EntryNode, Method, Traffic, Via};
    use crate::units::{Rate, SimDuration};

    pub(in crate::model::client) fn client(retry: Retry) -> ClientSpec {
        ClientSpec {
            profile: ClientProfile::Fortio,
            connections: 1,
            rate: Rate::ZERO,
            arrivals: Arrivals::Together,
            traffic: Traffic::External,
            via: Via::Service,
            method: Method::Get,
            idempotent: true,
            node: EntryNode::Spread,
            addresses: 1,
            local_ports: 14_116,
            dns: ClientDns::EachConnect,
            keep_alive: true,
            warm_up: true,
            spread_to_end: true,
            retry,
            notices_close: false,
            honours_connection_close: false,
            free_connect: false,
            connect_timeout: SimDuration::from_secs(3),
            request_timeout: SimDuration::from_secs(3),
        }
    }

    #[test]
    fn only_reused_connections_that_died_before_the_first_byte_are_tried_again_and_once() {
        use FailureKind::{ConnectRefused, Eof, Reset, Timeout, Truncated};
        let fortio = client(Retry::ReusedOnce);
        for kind in [Eof, Reset, Timeout] {
            assert!(retries_silently(&fortio, kind, true, 1), "{kind:?}");
            assert!(!retries_silently(&fortio, kind, false, 1), "{kind:?}");
            assert!(!retries_silently(&fortio, kind, true, 2), "{kind:?}");
            assert!(!retries_silently(&client(Retry::None), kind, true, 1), "{kind:?}");
        }
        for kind in [Truncated, ConnectRefused] {
            assert!(!retries_silently(&fortio, kind, true, 1), "{kind:?}");
        }
    }
}
