//! When the calls of one connection are due.

use crate::model::spec::ClientSpec;
use crate::units::{SimDuration, SimTime};

/// Periods are kept in 2^-20 ns, so that the last of 10^9 calls is off by less than a millisecond.
const FRACTION_BITS: u32 = 20;

/// The schedule of one closed-loop connection. Times are relative to the client's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pacing {
    period: u64,
    /// Calls of a connection that ends exactly at the duration; `None` goes on until stopped.
    calls: Option<u64>,
}

/// Threads and calls of each of `fortio -qps RATE -t DURATION -c CONNECTIONS`: whole calls, rounded down, and no more
/// threads than can make two calls each (periodic.go).
pub fn fortio_plan(rate_per_second: f64, duration: SimDuration, connections: u32) -> (u32, u64) {
    let all = ((rate_per_second * duration.as_secs_f64() + 1e-9) as u64).max(2);
    let threads = u64::from(connections).min(all / 2);
    (threads as u32, all / threads)
}

impl Pacing {
    /// The pacing of each connection of `client` in a run of `duration`, if the run has one. Fortio spreads a known
    /// number of calls so that the last ends the run: call `i` is due at `(i + i / (calls - 1))` periods (periodic.go).
    pub fn new(client: &ClientSpec, duration: Option<SimDuration>) -> Self {
        let plan = Pacing::plan(client, duration);
        let threads = plan.map_or(client.all_connections(), |(threads, _)| threads);
        let stretch = plan.map_or(1.0, |(_, calls)| calls as f64 / (calls - 1) as f64);
        let nanos = f64::from(threads) / client.rate.as_per_second() * 1e9 * stretch;
        Pacing { period: (nanos * f64::from(1u32 << FRACTION_BITS) + 0.5) as u64, calls: plan.map(|(_, calls)| calls) }
    }

    /// How many connections `client` uses.
    pub fn threads(client: &ClientSpec, duration: Option<SimDuration>) -> u32 {
        Pacing::plan(client, duration).map_or(client.all_connections(), |(threads, _)| threads)
    }

    fn plan(client: &ClientSpec, duration: Option<SimDuration>) -> Option<(u32, u64)> {
        let duration = duration.filter(|_| client.spread_to_end && !client.thinks())?;
        Some(fortio_plan(client.rate.as_per_second(), duration, client.all_connections()))
    }

    /// How many calls a connection makes at most.
    pub fn calls(&self) -> Option<u64> {
        self.calls
    }

    /// Whether call `index` is made at all.
    #[inline]
    pub fn goes_on(&self, index: u64) -> bool {
        self.calls.is_none_or(|calls| index < calls)
    }

    /// The time between calls.
    pub fn period(&self) -> SimDuration {
        self.due(1)
    }

    /// When call `index` is due.
    #[inline]
    pub fn due(&self, index: u64) -> SimDuration {
        SimDuration::from_nanos(((u128::from(index) * u128::from(self.period)) >> FRACTION_BITS) as u64)
    }

    /// The first call that is due at or after `at`, the client having started at `start`.
    pub fn first_due(&self, start: SimTime, at: SimTime) -> u64 {
        let since = u128::from(at.saturating_since(start).as_nanos()) << FRACTION_BITS;
        let near = (since / u128::from(self.period.max(1))) as u64;
        // Due times are rounded down to the nanosecond.
        (near..).find(|index| self.due_at(start, *index) >= at).unwrap_or(near)
    }

    /// When call `index` is due, the client having started at `start`.
    #[inline]
    pub fn due_at(&self, start: SimTime, index: u64) -> SimTime {
        start + self.due(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fortio_makes_whole_calls_and_ends_exactly_at_the_duration() {
        assert_eq!(fortio_plan(500.0, SimDuration::from_secs(60), 8), (8, 3_750));
        assert_eq!(fortio_plan(10.0, SimDuration::from_secs(1), 4), (4, 2));
        assert_eq!(fortio_plan(1.0, SimDuration::from_secs(10), 8), (5, 2));
        assert_eq!(fortio_plan(1.0, SimDuration::from_secs(1), 8), (1, 2));
        let mut client = crate::model::client::tests::client(crate::model::spec::Retry::None);
        client.connections = 8;
        client.rate = "500/s".parse().unwrap();
        let pacing = Pacing::new(&client, Some(SimDuration::from_secs(60)));
        assert_eq!(pacing.calls(), Some(3_750));
        assert_eq!(pacing.due(0), SimDuration::ZERO);
        let off = pacing.due(3_749).as_nanos().abs_diff(60_000_000_000);
        assert!(off < 10, "the last call is due {off} ns off the end");
    }

    #[test]
    fn the_first_call_due_is_found() {
        let mut client = crate::model::client::tests::client(crate::model::spec::Retry::None);
        (client.connections, client.spread_to_end) = (7, false);
        client.rate = "433/s".parse().unwrap();
        let (pacing, start) = (Pacing::new(&client, None), SimTime::from_nanos(5));
        for index in [1, 2, 1_000, 123_457] {
            let due = pacing.due_at(start, index);
            assert_eq!(pacing.first_due(start, due), index);
            assert_eq!(pacing.first_due(start, due + SimDuration::from_nanos(1)), index + 1);
        }
        assert_eq!(pacing.first_due(start, SimTime::ZERO), 0);
    }

    #[test]
    fn a_plain_client_keeps_its_period() {
        let mut client = crate::model::client::tests::client(crate::model::spec::Retry::None);
        (client.connections, client.spread_to_end) = (8, false);
        client.rate = "500/s".parse().unwrap();
        let pacing = Pacing::new(&client, None);
        assert_eq!(pacing.calls(), None);
        assert_eq!(pacing.due(1_000), SimDuration::from_secs(16));
    }
}
