//! Which failed tries a balancer tries again, and what its client gets otherwise.

use crate::model::spec::RetrySpec;
use crate::record::FailureKind;
use crate::units::SimDuration;

/// How a try failed, as the rule needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailedTry {
    /// What the balancer saw.
    pub kind: FailureKind,
    /// The request had been sent.
    pub sent: bool,
    /// The connection had carried a request before.
    pub reused: bool,
    /// Tries made, those over reused connections not counted.
    pub tries: u32,
    /// Since the first try began.
    pub elapsed: SimDuration,
    /// Doing the request twice is doing it once.
    pub idempotent: bool,
}

/// Whether another try is made. nginx src/http/ngx_http_upstream.c at 3f6f7824, ngx_http_upstream_next: a request that was
/// sent and is not idempotent is not tried again; a failure on a cached connection gives its try back; after the first
/// byte of the response there is no other try.
pub fn tries_again(spec: &RetrySpec, failed: &FailedTry) -> bool {
    let tries_left = spec.tries == 0 || failed.tries < spec.tries;
    let in_time = spec.timeout_budget.is_zero() || failed.elapsed < spec.timeout_budget;
    let may_repeat = !failed.sent || (!spec.connect_only && (failed.idempotent || spec.non_idempotent));
    tries_left && in_time && may_repeat && is_listed(spec, failed.kind)
}

fn is_listed(spec: &RetrySpec, kind: FailureKind) -> bool {
    match kind {
        FailureKind::ConnectRefused | FailureKind::HostUnreachable | FailureKind::Reset | FailureKind::Eof => {
            spec.error
        }
        FailureKind::ConnectTimeout | FailureKind::Timeout => spec.timeout,
        FailureKind::Http502 => spec.http_502,
        FailureKind::Http503 => spec.http_503,
        FailureKind::Http504 => spec.http_504,
        FailureKind::Truncated => false,
    }
}

/// What the balancer answers when it gives up: 504 for what took too long, 502 for what broke; what a balancer behind it
/// answered it passes on, a response that was cut is cut for the client, too.
pub fn status_for(spec: &RetrySpec, kind: FailureKind) -> FailureKind {
    match kind {
        FailureKind::ConnectTimeout | FailureKind::Timeout => FailureKind::Http504,
        FailureKind::ConnectRefused | FailureKind::HostUnreachable | FailureKind::Reset | FailureKind::Eof => {
            if spec.answers_503 { FailureKind::Http503 } else { FailureKind::Http502 }
        }
        passed => passed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NGINX: RetrySpec = RetrySpec {
        error: true,
        timeout: true,
        http_502: false,
        http_503: false,
        http_504: false,
        connect_only: false,
        non_idempotent: false,
        tries: 3,
        timeout_budget: SimDuration::ZERO,
        pause: SimDuration::ZERO,
        avoids_tried: true,
        answers_503: false,
    };

    fn failed(kind: FailureKind, sent: bool) -> FailedTry {
        FailedTry { kind, sent, reused: false, tries: 1, elapsed: SimDuration::ZERO, idempotent: true }
    }

    /// The connection fates of mechanics 7.1 that reach a balancer, against the rule of nginx: tried again for a GET, for
    /// a POST, and the status if not.
    #[test]
    fn what_becomes_of_each_fate() {
        use FailureKind::*;
        let table = [
            (ConnectRefused, false, true, true, Http502),
            (HostUnreachable, false, true, true, Http502),
            (ConnectTimeout, false, true, true, Http504),
            (Reset, true, true, false, Http502),
            (Eof, true, true, false, Http502),
            (Timeout, true, true, false, Http504),
            (Truncated, true, false, false, Truncated),
            (Http502, true, false, false, Http502),
            (Http503, true, false, false, Http503),
            (Http504, true, false, false, Http504),
        ];
        for (kind, sent, get, post, status) in table {
            let try_of = |idempotent| FailedTry { idempotent, ..failed(kind, sent) };
            assert_eq!(tries_again(&NGINX, &try_of(true)), get, "GET {kind:?}");
            assert_eq!(tries_again(&NGINX, &try_of(false)), post, "POST {kind:?}");
            assert_eq!(status_for(&NGINX, kind), status, "{kind:?}");
        }
    }

    #[test]
    fn envoy_says_unavailable() {
        let envoy = RetrySpec { answers_503: true, ..NGINX };
        assert_eq!(status_for(&envoy, FailureKind::Reset), FailureKind::Http503);
        assert_eq!(status_for(&envoy, FailureKind::Timeout), FailureKind::Http504);
    }

    #[test]
    fn tries_and_time_are_limited() {
        let third = FailedTry { tries: 3, ..failed(FailureKind::ConnectRefused, false) };
        assert!(!tries_again(&NGINX, &third));
        assert!(tries_again(&RetrySpec { tries: 0, ..NGINX }, &third));
        let late = FailedTry { elapsed: SimDuration::from_secs(10), ..failed(FailureKind::ConnectRefused, false) };
        assert!(!tries_again(&RetrySpec { timeout_budget: SimDuration::from_secs(10), ..NGINX }, &late));
        assert!(tries_again(&NGINX, &late));
    }

    #[test]
    fn retry_non_idempotent_and_connect_only_move_the_line() {
        let post = FailedTry { idempotent: false, ..failed(FailureKind::Eof, true) };
        assert!(tries_again(&RetrySpec { non_idempotent: true, ..NGINX }, &post));
        let connect_only = RetrySpec { connect_only: true, ..NGINX };
        assert!(!tries_again(&connect_only, &failed(FailureKind::Eof, true)));
        assert!(tries_again(&connect_only, &failed(FailureKind::ConnectRefused, false)));
    }

    #[test]
    fn statuses_are_tried_again_if_listed() {
        let listed = RetrySpec { http_503: true, ..NGINX };
        assert!(tries_again(&listed, &failed(FailureKind::Http503, true)));
        assert!(!tries_again(&listed, &failed(FailureKind::Http502, true)));
    }
}
