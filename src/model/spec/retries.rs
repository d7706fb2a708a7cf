//! What a client does by rule when an attempt fails, and when it does not use a pooled connection again.

use crate::record::FailureKind;
use crate::units::SimDuration;

/// A set of kinds of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failures(u16);

impl Failures {
    /// No kind.
    pub const NONE: Failures = Failures(0);

    /// The kinds by their names in scenario files.
    const NAMES: [(&str, FailureKind); FailureKind::ALL.len()] = [
        ("connect_refused", FailureKind::ConnectRefused),
        ("connect_timeout", FailureKind::ConnectTimeout),
        ("host_unreachable", FailureKind::HostUnreachable),
        ("reset", FailureKind::Reset),
        ("eof", FailureKind::Eof),
        ("truncated", FailureKind::Truncated),
        ("timeout", FailureKind::Timeout),
        ("http_502", FailureKind::Http502),
        ("http_503", FailureKind::Http503),
        ("http_504", FailureKind::Http504),
    ];

    /// The set of one kind, by its name.
    pub fn by_name(name: &str) -> Option<Failures> {
        let (_, kind) = Failures::NAMES.iter().find(|(known, _)| *known == name)?;
        Some(Failures::NONE.with(*kind))
    }

    /// All names there are.
    pub fn all_names() -> impl Iterator<Item = &'static str> {
        Failures::NAMES.iter().map(|(name, _)| *name)
    }

    /// The names of the kinds in the set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Failures::NAMES.iter().filter(move |(_, kind)| self.has(*kind)).map(|(name, _)| *name)
    }

    /// The set with one kind more.
    pub const fn with(self, kind: FailureKind) -> Failures {
        Failures(self.0 | 1 << kind as u16)
    }

    /// The kinds of both.
    pub const fn and(self, other: Failures) -> Failures {
        Failures(self.0 | other.0)
    }

    /// Whether a kind is in the set.
    pub const fn has(self, kind: FailureKind) -> bool {
        self.0 & 1 << kind as u16 != 0
    }

    /// Whether no kind is.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// How the wait before a retry is spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jitter {
    /// Not at all.
    None,
    /// Uniform over its upper half.
    Equal,
    /// Uniform between nothing and the whole of it.
    Full,
}

/// The wait before retry `k`: `base · factor^(k−1)`, at most `max`, spread by `jitter`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BackOff {
    /// Before the first retry.
    pub base: SimDuration,
    /// From one to the next.
    pub factor: f64,
    /// The longest.
    pub max: SimDuration,
    /// How it is spread.
    pub jitter: Jitter,
}

/// `retries`: attempts that the application, not its transport, makes again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetriesSpec {
    /// Attempts in all, the first included.
    pub attempts: u8,
    /// After which failures.
    pub on: Failures,
    /// Also of requests that are not idempotent and may have been sent.
    pub non_idempotent: bool,
    /// How long it waits before.
    pub back_off: BackOff,
    /// Retries allowed for each request, if they are limited; a few may be saved up.
    pub budget: Option<f64>,
}

/// When a request that is not answered is sent a second time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum HedgeAfter {
    /// So long after the first.
    Delay(SimDuration),
    /// When it has lasted longer than this share of the requests answered in the last while.
    Quantile(f64),
}

/// `hedging`: of two attempts of one request the first answer counts, and the other attempt is cancelled (Dean and Barroso, "The
/// tail at scale", 2013; gRPC proposal A6).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HedgingSpec {
    /// When the second is sent.
    pub after: HedgeAfter,
    /// Second attempts allowed for each request, if they are limited; a few may be saved up.
    pub budget: Option<f64>,
}

/// `reconnect`: a client that holds sessions makes a new connection as soon as one has ended, not with its next message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReconnectSpec {
    /// How long it waits before.
    pub back_off: BackOff,
    /// How much work the first request of a connection is, in parts of that of others.
    pub work: f64,
}

/// When a client does not use a connection again that it could use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolSpec {
    /// Idle for longer than this.
    pub idle_timeout: Option<SimDuration>,
    /// Open for longer than this.
    pub max_age: Option<SimDuration>,
    /// Over HTTP/2: so long after its maximal age the server cuts what is still on a connection (gRPC proposal A9).
    pub max_age_grace: Option<SimDuration>,
    /// After so many requests: drawn for each connection, uniformly between the two.
    pub max_requests: Option<(u32, u32)>,
    /// Connections of an open loop that are kept idle at once; more are closed after their request.
    pub max_idle: Option<u32>,
}

impl PoolSpec {
    /// No limit.
    pub const UNLIMITED: PoolSpec =
        PoolSpec { idle_timeout: None, max_age: None, max_age_grace: None, max_requests: None, max_idle: None };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_named_as_the_metrics_count_them() {
        for kind in FailureKind::ALL {
            let name = kind.metric().name().strip_prefix("failed_").unwrap();
            let set = Failures::by_name(name).unwrap();
            assert!(set.has(kind) && set.names().eq([name]), "{name}");
        }
        assert!(Failures::NONE.is_empty() && Failures::by_name("no").is_none());
    }
}
