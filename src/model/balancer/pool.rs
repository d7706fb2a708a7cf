//! The connections of one worker to its targets: taken, kept idle, closed by either end.

use crate::ids::PodId;
use crate::model::balancer::Target;
use crate::model::spec::UpstreamSpec;
use crate::units::{SimDuration, SimTime};

/// One connection to a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connection {
    /// What was chosen.
    pub target: Target,
    /// The pod it reached, unless the target is another balancer's replica.
    pub pod: Option<PodId>,
    /// Requests it has carried.
    pub carried: u32,
    /// The way of a packet.
    pub one_way: SimDuration,
    /// When its request has ended here; never while that is not known.
    pub free_at: SimTime,
    /// When the target closed, or will have closed, its end.
    pub closed_at: Option<SimTime>,
    /// When the target last finished with it.
    pub idle_since: SimTime,
    /// It ends with the request it carries.
    pub last: bool,
}

/// All connections of one worker; a key stays valid until its connection is closed.
#[derive(Debug, Default)]
pub struct Pool {
    places: Vec<Option<Connection>>,
    free: Vec<u32>,
    opened: u64,
    closed: u64,
}

impl Pool {
    /// The connection of a key.
    ///
    /// # Panics
    /// If it has been closed.
    pub fn get_mut(&mut self, key: u32) -> &mut Connection {
        self.places[key as usize].as_mut().expect("a connection in use is open")
    }

    /// Takes the idle connection to `target` that was used last, as nginx does, closing those that are known to be dead.
    pub fn take(&mut self, target: Target, now: SimTime, spec: &UpstreamSpec) -> Option<u32> {
        self.close_dead(now, spec);
        let idle = |connection: &Connection| connection.target == target && connection.free_at <= now;
        let idle = self.all().filter(|(_, connection)| idle(connection));
        let (_, key) = idle.map(|(key, connection)| (connection.free_at, key)).max()?;
        self.get_mut(key).free_at = SimTime::MAX;
        Some(key)
    }

    /// A connection has been established.
    pub fn open(&mut self, connection: Connection) -> u32 {
        self.opened += 1;
        let key = self.free.pop().unwrap_or(self.places.len() as u32);
        if key as usize == self.places.len() {
            self.places.push(None);
        }
        self.places[key as usize] = Some(connection);
        key
    }

    /// A connection ends.
    pub fn close(&mut self, key: u32) {
        if self.places[key as usize].take().is_some() {
            self.closed += 1;
            self.free.push(key);
        }
    }

    /// All idle connections end, those in use with their request.
    pub fn retire_all(&mut self, now: SimTime) {
        self.retire(now, |_| true);
    }

    /// The idle connections to a target end, those in use with their request.
    pub fn retire_target(&mut self, now: SimTime, target: Target) {
        self.retire(now, |connection| connection.target == target);
    }

    fn retire(&mut self, now: SimTime, which: impl Fn(&Connection) -> bool) {
        for key in 0..self.places.len() as u32 {
            match &mut self.places[key as usize] {
                Some(connection) if which(connection) && connection.free_at <= now => self.close(key),
                Some(connection) if which(connection) => connection.last = true,
                _ => {}
            }
        }
    }

    /// The server of `pod` ends its idle connections; a request on its way will cross that.
    pub fn sever_pod(&mut self, now: SimTime, pod: PodId) {
        self.sever(now, |connection| connection.pod == Some(pod));
    }

    /// The replica with this number of the next balancer ends its idle connections.
    pub fn sever_target(&mut self, now: SimTime, target: Target) {
        self.sever(now, |connection| connection.target == target);
    }

    fn sever(&mut self, now: SimTime, which: impl Fn(&Connection) -> bool) {
        let idle = |connection: &&mut Connection| which(connection) && connection.idle_since <= now;
        for connection in self.places.iter_mut().flatten().filter(idle) {
            connection.closed_at = Some(connection.closed_at.map_or(now, |closed| closed.min(now)));
        }
    }

    /// Requests under way to a target.
    pub fn active(&self, target: Target, now: SimTime) -> u32 {
        self.all().filter(|(_, connection)| connection.target == target && connection.free_at > now).count() as u32
    }

    /// Connections opened, closed, and open now.
    pub fn counts(&self) -> (u64, u64, u64) {
        (self.opened, self.closed, self.all().count() as u64)
    }

    fn all(&self) -> impl Iterator<Item = (u32, &Connection)> {
        self.places.iter().enumerate().filter_map(|(key, place)| Some((key as u32, place.as_ref()?)))
    }

    /// Closes what has ended with its request, what the target's FIN has reached the balancer for, what was idle too long,
    /// and the longest idle beyond the limit.
    fn close_dead(&mut self, now: SimTime, spec: &UpstreamSpec) {
        let mut idle = 0;
        for key in 0..self.places.len() as u32 {
            match &self.places[key as usize] {
                Some(connection) if connection.free_at <= now && is_dead(connection, now, spec) => self.close(key),
                Some(connection) => idle += u32::from(connection.free_at <= now),
                None => {}
            }
        }
        (spec.keep_alive..idle).for_each(|_| self.close_longest_idle(now));
    }

    fn close_longest_idle(&mut self, now: SimTime) {
        let idle = self.all().filter(|(_, connection)| connection.free_at <= now);
        if let Some((_, key)) = idle.map(|(key, connection)| (connection.free_at, key)).min() {
            self.close(key);
        }
    }
}

/// Whether an idle connection is of no more use, as far as its balancer can know.
fn is_dead(connection: &Connection, now: SimTime, spec: &UpstreamSpec) -> bool {
    let told = connection.closed_at.is_some_and(|closed| closed + connection.one_way <= now);
    let tired = now.saturating_since(connection.free_at) > spec.keep_alive_timeout;
    connection.last || told || tired || connection.carried >= spec.keep_alive_requests
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::Dist;

    fn ms(value: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_millis(value)
    }

    fn spec() -> UpstreamSpec {
        UpstreamSpec {
            keep_alive: 2,
            keep_alive_timeout: SimDuration::from_secs(60),
            keep_alive_requests: 100,
            closes_removed: false,
            connect_timeout: SimDuration::from_secs(5),
            read_timeout: SimDuration::from_secs(60),
            rtt: Dist::ZERO,
        }
    }

    fn connection(pod: u32, free_at: SimTime) -> Connection {
        Connection {
            target: Target::Pod(PodId(pod)),
            pod: Some(PodId(pod)),
            carried: 1,
            one_way: SimDuration::from_millis(1),
            free_at,
            closed_at: None,
            idle_since: free_at.saturating_sub(SimDuration::from_millis(1)),
            last: false,
        }
    }

    fn pool(free: &[(u32, u64)]) -> Pool {
        let mut pool = Pool::default();
        for &(pod, at) in free {
            pool.open(connection(pod, ms(at)));
        }
        pool
    }

    #[test]
    fn the_connection_used_last_is_taken_and_one_in_use_is_not() {
        let mut pool = pool(&[(0, 10), (0, 20), (1, 30), (0, 99)]);
        assert_eq!(pool.take(Target::Pod(PodId(0)), ms(50), &spec()), Some(1));
        assert_eq!(pool.take(Target::Pod(PodId(0)), ms(50), &spec()), None, "the oldest of three idle was closed");
        assert_eq!(pool.active(Target::Pod(PodId(0)), ms(50)), 2);
        assert_eq!(pool.counts(), (4, 1, 3));
    }

    /// Mechanics 7.1: a FIN that has been read costs nothing; a request that crosses it is lost.
    #[test]
    fn a_connection_whose_end_is_known_is_not_taken_and_one_whose_end_is_on_its_way_is() {
        let mut told = pool(&[(0, 10)]);
        told.sever_pod(ms(20), PodId(0));
        assert_eq!(told.take(Target::Pod(PodId(0)), ms(21), &spec()), None);
        let mut crossing = pool(&[(0, 10)]);
        crossing.sever_pod(ms(20), PodId(0));
        let key = crossing.take(Target::Pod(PodId(0)), SimTime::from_nanos(20_999_999), &spec()).unwrap();
        assert_eq!(crossing.get_mut(key).closed_at, Some(ms(20)));
    }

    #[test]
    fn idle_too_long_or_too_often_used_it_is_closed() {
        let mut old = pool(&[(0, 10)]);
        assert_eq!(old.take(Target::Pod(PodId(0)), ms(60_011), &spec()), None);
        let mut used = pool(&[(0, 10)]);
        used.get_mut(0).carried = 100;
        assert_eq!(used.take(Target::Pod(PodId(0)), ms(11), &spec()), None);
        assert_eq!(used.counts(), (1, 1, 0));
    }

    #[test]
    fn retired_connections_end_at_once_or_with_their_request() {
        let mut pool = pool(&[(0, 10), (1, 99)]);
        pool.retire_all(ms(50));
        assert_eq!(pool.counts(), (2, 1, 1));
        assert!(pool.get_mut(1).last);
        assert_eq!(pool.take(Target::Pod(PodId(1)), ms(99), &spec()), None);
        assert_eq!(pool.counts(), (2, 2, 0));
    }
}
