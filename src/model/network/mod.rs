//! What TCP makes of the state of a pod: the fate of a connection attempt and of a request on an open connection.
//!
//! Models: refused, silent with SYN retransmissions, unreachable; end of an idle connection seen or crossing; reset of
//! unread bytes. Leaves out: packet loss, windows, the size of requests. Source: mechanics 7.1; mechanisms 3 to 7 of
//! the measurements' README (bridge CNI: no answer once the namespace is gone, host unreachable after about 54 s).

use crate::model::msg::Listener;
use crate::model::spec::Cni;
use crate::record::{FailureKind, Met};
use crate::units::{SimDuration, SimTime};

/// Linux: initial retransmission timeout 1 s, doubling, six retransmissions, given up at 127 s (tcp_syn_retries 6).
const SYN_GIVEN_UP: SimDuration = SimDuration::from_secs(127);

/// How long after the process ended the node's neighbour entry expires and a SYN is answered with host unreachable
/// (one sample, `syn_after_stop_long.csv`).
const NEIGHBOUR_EXPIRES: SimDuration = SimDuration::from_secs(54);

/// What becomes of a connection attempt whose SYN reached the data plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SynFate {
    /// The handshake completes.
    Accepted,
    /// It fails one way later.
    Answered(FailureKind, Met),
    /// Nothing answers.
    Silent,
}

/// The fate of a SYN that reaches a pod in this state.
pub fn syn_fate(listener: Listener, cni: Cni) -> SynFate {
    match (listener, cni) {
        (Listener::Open, _) => SynFate::Accepted,
        (Listener::NotYet, _) => SynFate::Answered(FailureKind::ConnectRefused, Met::NotListeningYet),
        (Listener::Closed, _) => SynFate::Answered(FailureKind::ConnectRefused, Met::ListenerClosed),
        (Listener::Gone, Cni::Routed) => SynFate::Answered(FailureKind::HostUnreachable, Met::NamespaceGone),
        (Listener::Gone, Cni::Bridge) => SynFate::Silent,
    }
}

/// When the SYN sent at `sent` is retransmitted after `now`, if it still is: 1, 3, 7, 15, 31, 63 s after the first.
pub fn next_syn(sent: SimTime, now: SimTime) -> Option<SimTime> {
    (1..=6).map(|count| sent + SimDuration::from_secs((1 << count) - 1)).find(|at| *at > now)
}

/// Until when a SYN first sent at `sent` may be answered: the timeout of who connects, or the system's own.
pub fn syn_given_up(sent: SimTime, timeout: SimDuration) -> SimTime {
    sent + timeout.min(SYN_GIVEN_UP)
}

/// How a silent connection attempt to a dead pod ends, all retransmissions going to the same pod because conntrack
/// pins them: at the client's timeout or the system's limit, unless a retransmission meets the expired neighbour entry
/// first. `one_way` is the way of a packet.
pub fn silent_syn_end(
    sent: SimTime,
    timeout: SimDuration,
    exited: SimTime,
    one_way: SimDuration,
) -> (SimTime, FailureKind) {
    let given_up = syn_given_up(sent, timeout);
    let expires = exited + NEIGHBOUR_EXPIRES;
    let mut at = Some(sent);
    while let Some(retry) = at.filter(|at| *at + one_way + one_way < given_up) {
        if retry + one_way >= expires {
            return (retry + one_way + one_way, FailureKind::HostUnreachable);
        }
        at = next_syn(sent, retry);
    }
    (given_up, FailureKind::ConnectTimeout)
}

/// What a request meets that reaches, at `now`, a connection which the server had closed at `closed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClosedFate {
    /// The client had the FIN before it sent: it may look, or read the end of the connection at once.
    SeenBeforeSending,
    /// The request crossed the FIN: the client, who waits for the response, reads the end of the connection when the FIN
    /// comes. The RST that the request provokes comes after it and finds a socket that has been read to its end.
    Crossed,
}

/// See [`ClosedFate`].
pub fn closed_fate(closed: SimTime, now: SimTime, one_way: SimDuration) -> ClosedFate {
    if closed + one_way + one_way <= now { ClosedFate::SeenBeforeSending } else { ClosedFate::Crossed }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(value: f64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs_f64_rounded(value)
    }

    /// Mechanics 7.1 as a table: state of the pod and CNI against what a SYN meets.
    #[test]
    fn the_fate_of_a_syn_follows_the_state_of_the_pod() {
        use FailureKind::{ConnectRefused, HostUnreachable};
        let table = [
            (Listener::Open, Cni::Bridge, SynFate::Accepted),
            (Listener::Open, Cni::Routed, SynFate::Accepted),
            (Listener::NotYet, Cni::Bridge, SynFate::Answered(ConnectRefused, Met::NotListeningYet)),
            (Listener::Closed, Cni::Bridge, SynFate::Answered(ConnectRefused, Met::ListenerClosed)),
            (Listener::Closed, Cni::Routed, SynFate::Answered(ConnectRefused, Met::ListenerClosed)),
            (Listener::Gone, Cni::Bridge, SynFate::Silent),
            (Listener::Gone, Cni::Routed, SynFate::Answered(HostUnreachable, Met::NamespaceGone)),
        ];
        for (listener, cni, expected) in table {
            assert_eq!(syn_fate(listener, cni), expected, "{listener:?} {cni:?}");
        }
    }

    #[test]
    fn syns_are_retransmitted_with_doubling_gaps() {
        let mut at = secs(10.0);
        let mut seen = Vec::new();
        while let Some(next) = next_syn(secs(10.0), at) {
            seen.push((next - secs(10.0)).as_whole_secs());
            at = next;
        }
        assert_eq!(seen, [1, 3, 7, 15, 31, 63]);
    }

    #[test]
    fn a_silent_connect_ends_at_the_clients_timeout() {
        let one_way = SimDuration::from_micros(100);
        let end = |timeout| silent_syn_end(secs(20.0), SimDuration::from_secs(timeout), secs(19.0), one_way);
        assert_eq!(end(3), (secs(23.0), FailureKind::ConnectTimeout));
        // Exit at 19 s, expired at 73 s: the retransmission at 20 + 63 = 83 s is answered.
        assert_eq!(end(1_000), (secs(83.0) + one_way + one_way, FailureKind::HostUnreachable));
        let late = silent_syn_end(secs(80.0), SimDuration::from_secs(3), secs(19.0), one_way);
        assert_eq!(late, (secs(80.0) + one_way + one_way, FailureKind::HostUnreachable));
    }

    #[test]
    fn a_request_crosses_the_fin_if_sent_before_it_was_seen() {
        let one_way = SimDuration::from_millis(1);
        assert_eq!(closed_fate(secs(1.0), secs(1.0019), one_way), ClosedFate::Crossed);
        assert_eq!(closed_fate(secs(1.0), secs(1.002), one_way), ClosedFate::SeenBeforeSending);
    }
}
