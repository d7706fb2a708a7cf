//! Which attempts are made again: by the transport at once and silently, by the application after a while.

use crate::model::spec::{BackOff, ClientSpec, Jitter, RetriesSpec, Retry};
use crate::record::FailureKind;
use crate::units::SimDuration;

/// An attempt that failed.
#[derive(Debug, Clone, Copy)]
pub struct FailedAttempt {
    /// How.
    pub kind: FailureKind,
    /// Over a connection that had carried a request before.
    pub reused: bool,
    /// Of a request that may be sent twice.
    pub idempotent: bool,
    /// The how-manieth it was, from 1.
    pub attempt: u8,
}

/// Whether a client's transport tries the attempt once more, by itself and without saying so. Only connections that were
/// used before are suspected: the attempt that follows has a fresh one and so cannot be followed by another. Fortio's fast
/// client takes a read timeout for such a failure, too; Go's transport asks whether the request is replayable
/// (`shouldRetryRequest` in net/http/transport.go), curl does not.
pub fn retries_silently(client: &ClientSpec, failed: &FailedAttempt) -> bool {
    let closed = matches!(failed.kind, FailureKind::Reset | FailureKind::Eof);
    let suspected = match client.retry {
        Retry::None => false,
        Retry::ReusedOnce => closed || failed.kind == FailureKind::Timeout,
        Retry::ReusedClosed => closed,
        Retry::ReusedIdempotent => closed && failed.idempotent,
    };
    suspected && failed.reused
}

/// How long the application waits before it makes the attempt again; nothing if it does not. `uniform` is a number between
/// 0 and 1.
pub fn back_off(retries: &RetriesSpec, failed: &FailedAttempt, uniform: f64) -> Option<SimDuration> {
    let may_repeat = failed.idempotent || retries.non_idempotent || was_not_sent(failed.kind);
    let again = failed.attempt < retries.attempts && retries.on.has(failed.kind) && may_repeat;
    again.then(|| wait(&retries.back_off, failed.attempt, uniform))
}

/// How long a client waits before it begins a session again. `uniform` is a number between 0 and 1.
pub fn first_wait(back_off: &BackOff, uniform: f64) -> SimDuration {
    wait(back_off, 1, uniform)
}

fn was_not_sent(kind: FailureKind) -> bool {
    matches!(kind, FailureKind::ConnectRefused | FailureKind::ConnectTimeout | FailureKind::HostUnreachable)
}

fn wait(back_off: &BackOff, retry: u8, uniform: f64) -> SimDuration {
    let grown = back_off.base.as_secs_f64() * libm::pow(back_off.factor, f64::from(retry - 1));
    let longest = grown.min(back_off.max.as_secs_f64());
    SimDuration::from_secs_f64_rounded(match back_off.jitter {
        Jitter::None => longest,
        Jitter::Equal => longest * (0.5 + uniform / 2.0),
        Jitter::Full => longest * uniform,
    })
}

/// Retries that a client may still make: each request adds a share of one, each retry takes one, and no more than
/// [`Budget::MOST`] are saved (as gRPC's retry throttling and Finagle's budgets do).
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    millionths: u64,
    share: u64,
}

impl Budget {
    /// Retries that can be saved, and that a client begins with.
    pub const MOST: u64 = 10;

    const ONE: u64 = 1_000_000;

    /// A full budget that grows by `share` of a retry with each request.
    pub fn new(share: f64) -> Self {
        Budget { millionths: Budget::MOST * Budget::ONE, share: (share * Budget::ONE as f64) as u64 }
    }

    /// A request is sent for the first time.
    pub fn note_request(&mut self) {
        self.millionths = (self.millionths + self.share).min(Budget::MOST * Budget::ONE);
    }

    /// Takes one retry, if there is one.
    pub fn take(&mut self) -> bool {
        let left = self.millionths.checked_sub(Budget::ONE);
        self.millionths = left.unwrap_or(self.millionths);
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::client::tests::client;
    use crate::model::spec::Failures;
    use FailureKind::{ConnectRefused, Eof, Http503, Reset, Timeout, Truncated};

    fn failed(kind: FailureKind, reused: bool, idempotent: bool) -> FailedAttempt {
        FailedAttempt { kind, reused, idempotent, attempt: 1 }
    }

    /// The column "error before any response byte on a reused connection" of mechanics 7.2, and that on a new one.
    #[test]
    fn transports_try_again_what_the_client_table_says() {
        let rows: [(Retry, &[(FailureKind, bool)]); 4] = [
            (Retry::None, &[]),
            (Retry::ReusedOnce, &[(Reset, false), (Eof, false), (Timeout, false), (Reset, true), (Timeout, true)]),
            (Retry::ReusedClosed, &[(Reset, false), (Eof, false), (Reset, true), (Eof, true)]),
            (Retry::ReusedIdempotent, &[(Reset, true), (Eof, true)]),
        ];
        for (retry, again) in rows {
            for kind in [Reset, Eof, Timeout, Truncated, ConnectRefused, Http503] {
                for idempotent in [false, true] {
                    let any = retry == Retry::ReusedOnce && matches!(kind, Reset | Eof | Timeout);
                    let expected = any || again.contains(&(kind, idempotent));
                    let silently = |reused| retries_silently(&client(retry), &failed(kind, reused, idempotent));
                    assert_eq!(silently(true), expected, "{retry:?} {kind:?} {idempotent}");
                    assert!(!silently(false), "{retry:?} {kind:?} on a new connection");
                }
            }
        }
    }

    fn retries(on: &[FailureKind], jitter: Jitter) -> RetriesSpec {
        let (base, max) = (SimDuration::from_millis(100), SimDuration::from_secs(1));
        RetriesSpec {
            attempts: 6,
            on: on.iter().fold(Failures::NONE, |set, kind| set.with(*kind)),
            non_idempotent: false,
            back_off: BackOff { base, factor: 2.0, max, jitter },
            budget: None,
        }
    }

    #[test]
    fn waits_grow_to_the_longest_and_are_spread() {
        let waits = |jitter, uniform| {
            let wait = |attempt| {
                back_off(&retries(&[Reset], jitter), &FailedAttempt { attempt, ..failed(Reset, false, true) }, uniform)
            };
            (1..=6).map_while(wait).map(|wait| wait.as_nanos() / 1_000_000).collect::<Vec<_>>()
        };
        assert_eq!(waits(Jitter::None, 0.3), [100, 200, 400, 800, 1_000]);
        assert_eq!(waits(Jitter::Equal, 0.5), [75, 150, 300, 600, 750]);
        assert_eq!(waits(Jitter::Full, 0.25), [25, 50, 100, 200, 250]);
    }

    #[test]
    fn only_what_may_be_sent_twice_or_was_not_sent_is_tried_again() {
        let again = |kind, idempotent| {
            back_off(&retries(&[Reset, ConnectRefused], Jitter::None), &failed(kind, false, idempotent), 0.0).is_some()
        };
        assert!(again(Reset, true) && !again(Reset, false), "it may have run");
        assert!(again(ConnectRefused, true) && again(ConnectRefused, false), "it was not sent");
        assert!(!again(Timeout, true), "not listed");
    }

    #[test]
    fn a_budget_is_spent_and_grows_with_requests() {
        let mut budget = Budget::new(0.25);
        let taken = (0..20).filter(|_| budget.take()).count();
        assert_eq!(taken as u64, Budget::MOST);
        (0..8).for_each(|_| budget.note_request());
        assert_eq!((0..20).filter(|_| budget.take()).count(), 2);
        (0..1_000).for_each(|_| budget.note_request());
        assert_eq!((0..20).filter(|_| budget.take()).count() as u64, Budget::MOST);
    }
}
