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
    /// Tries made, those given back not counted.
    pub tries: u32,
    /// Since the first try began.
    pub elapsed: SimDuration,
    /// Doing the request twice is doing it once.
    pub idempotent: bool,
}

/// Whether another try is made. nginx src/http/ngx_http_upstream.c at 3f6f7824, ngx_http_upstream_next: a request that was
/// sent and is not idempotent is not tried again; an error on a cached connection gives its try back; after the first
/// byte of the response there is no other try.
pub fn tries_again(spec: &RetrySpec, failed: &FailedTry) -> bool {
    let tries_left = spec.tries == 0 || failed.tries < spec.tries + u32::from(gives_back(spec, failed));
    let in_time = spec.timeout_budget.is_zero() || failed.elapsed < spec.timeout_budget;
    let may_repeat = !failed.sent || (!spec.connect_only && (failed.idempotent || spec.non_idempotent));
    tries_left && in_time && may_repeat && is_listed(spec, failed.kind)
}

/// Whether the try does not count: an error, but not a time-out or a status, on a connection that had carried requests.
pub fn gives_back(spec: &RetrySpec, failed: &FailedTry) -> bool {
    spec.gives_back && failed.reused && is_error(failed.kind)
}

/// nginx calls "error" what breaks before the response.
fn is_error(kind: FailureKind) -> bool {
    use FailureKind::{ConnectRefused, Eof, HostUnreachable, Reset};
    matches!(kind, ConnectRefused | HostUnreachable | Reset | Eof)
}

/// Whether the next try connects to the target that this one did not reach (HAProxy 2.8, configuration manual, "retries" and
/// "option redispatch": another server for the last retry only).
pub fn stays(spec: &RetrySpec, failed: &FailedTry) -> bool {
    spec.redispatches_last && !failed.sent && failed.tries + 1 < spec.tries
}

/// Whether the balancer waits before the next try. One that stays waits only after a refusal, and not for another target.
pub fn pauses(spec: &RetrySpec, failed: &FailedTry, same_target: bool) -> bool {
    let waits = !spec.redispatches_last || (same_target && is_error(failed.kind));
    waits && !failed.reused && !spec.pause.is_zero()
}

fn is_listed(spec: &RetrySpec, kind: FailureKind) -> bool {
    match kind {
        kind if is_error(kind) => spec.error,
        FailureKind::ConnectTimeout | FailureKind::Timeout => spec.timeout,
        FailureKind::Http502 => spec.http_502,
        FailureKind::Http503 => spec.http_503,
        FailureKind::Http504 => spec.http_504,
        _ => false,
    }
}

/// What the balancer answers when it gives up: 504 for what took too long, 502 for what broke; what a balancer behind it
/// answered it passes on, a response that was cut is cut for the client, too.
pub fn status_for(spec: &RetrySpec, kind: FailureKind) -> FailureKind {
    match kind {
        FailureKind::ConnectTimeout | FailureKind::Timeout => FailureKind::Http504,
        kind if is_error(kind) => {
            if spec.answers_503 {
                FailureKind::Http503
            } else {
                FailureKind::Http502
            }
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
        redispatches_last: false,
        gives_back: true,
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

    /// nginx gives back what "error" broke on a cached connection, and nothing else; Envoy nothing at all.
    #[test]
    fn a_failure_on_a_reused_connection_costs_a_try_unless_it_is_an_error_of_nginx() {
        use FailureKind::{ConnectRefused, Eof, Http502, Reset, Timeout};
        let last = |kind, reused| FailedTry { reused, tries: 3, ..failed(kind, true) };
        for kind in [ConnectRefused, Reset, Eof] {
            assert!(tries_again(&NGINX, &last(kind, true)), "{kind:?} on a reused connection");
            assert!(!tries_again(&NGINX, &last(kind, false)), "{kind:?} on a fresh connection");
            assert!(!tries_again(&RetrySpec { gives_back: false, ..NGINX }, &last(kind, true)), "{kind:?} in Envoy");
        }
        let listed = RetrySpec { http_502: true, ..NGINX };
        assert!(!tries_again(&listed, &last(Timeout, true)) && !tries_again(&listed, &last(Http502, true)));
    }

    #[test]
    fn haproxy_leaves_the_same_server_for_the_last_try_only() {
        let haproxy = RetrySpec { redispatches_last: true, tries: 4, pause: SimDuration::from_secs(1), ..NGINX };
        let refused = |tries| FailedTry { tries, ..failed(FailureKind::ConnectRefused, false) };
        let stay: Vec<bool> = (1..=3).map(|tries| stays(&haproxy, &refused(tries))).collect();
        assert_eq!(stay, [true, true, false]);
        assert!(pauses(&haproxy, &refused(1), true) && !pauses(&haproxy, &refused(3), false));
        assert!(!pauses(&haproxy, &failed(FailureKind::ConnectTimeout, false), true), "it has waited already");
        assert!(!stays(&NGINX, &refused(1)));
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
