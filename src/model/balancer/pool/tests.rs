//! What a pool promises; the same as a plain one, which looks at every connection, for less.

use proptest::prelude::*;

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
    let mut pool = Pool::new(&spec());
    for &(pod, at) in free {
        pool.open(connection(pod, ms(at)));
    }
    pool
}

#[test]
fn the_connection_used_last_is_taken_and_one_in_use_is_not() {
    let mut pool = pool(&[(0, 10), (0, 20), (1, 30), (0, 99)]);
    assert_eq!(pool.take(Target::Pod(PodId(0)), ms(50)), Some(1));
    assert_eq!(pool.take(Target::Pod(PodId(0)), ms(50)), None, "the oldest of three idle was closed");
    assert_eq!(pool.active(Target::Pod(PodId(0))), 2);
    assert_eq!(pool.counts(), (4, 1, 3));
}

/// Mechanics 7.1: a FIN that has been read costs nothing; a request that crosses it is lost.
#[test]
fn a_connection_whose_end_is_known_is_not_taken_and_one_whose_end_is_on_its_way_is() {
    let mut told = pool(&[(0, 10)]);
    told.sever_pod(ms(20), PodId(0), SimDuration::ZERO);
    assert_eq!(told.take(Target::Pod(PodId(0)), ms(21)), None);
    let mut crossing = pool(&[(0, 10)]);
    crossing.sever_pod(ms(20), PodId(0), SimDuration::ZERO);
    let key = crossing.take(Target::Pod(PodId(0)), SimTime::from_nanos(20_999_999)).unwrap();
    assert_eq!(crossing.get_mut(key).closed_at, Some(ms(20)));
}

#[test]
fn idle_too_long_or_too_often_used_it_is_closed() {
    let mut old = pool(&[(0, 10)]);
    assert_eq!(old.take(Target::Pod(PodId(0)), ms(60_011)), None);
    let mut used = pool(&[(0, 10)]);
    used.get_mut(0).carried = 100;
    assert_eq!(used.take(Target::Pod(PodId(0)), ms(11)), None);
    assert_eq!(used.counts(), (1, 1, 0));
}

#[test]
fn retired_connections_end_at_once_or_with_their_request() {
    let mut pool = pool(&[(0, 10), (1, 99)]);
    pool.retire_all(ms(50));
    assert_eq!(pool.counts(), (2, 1, 1));
    assert!(pool.get_mut(1).last);
    assert_eq!(pool.take(Target::Pod(PodId(1)), ms(99)), None);
    assert_eq!(pool.counts(), (2, 2, 0));
}

/// Connections that a request inspects, with `count` of them under way and 40 idle.
fn inspected_by_a_request(count: u32) -> u64 {
    let limits = UpstreamSpec { keep_alive: 40, ..spec() };
    let mut pool = Pool::new(&limits);
    let free_at = (0..count).map(|_| ms(1_000_000)).chain((0..40).map(|_| ms(1)));
    for free_at in free_at {
        pool.open(connection(0, free_at));
    }
    let (requests, mut before) = (1_000, 0);
    for request in 0..requests {
        let now = ms(10 + request);
        pool.advance(now);
        // The first request finds all that has been opened.
        before = if request == 0 { u64::MAX } else { before.min(pool.table.inspected()) };
        let busy = pool.active(Target::Pod(PodId(0)));
        let key = pool.take(Target::Pod(PodId(0)), now).expect("some are idle");
        pool.get_mut(key).carried = 1;
        (pool.get_mut(key).free_at, pool.get_mut(key).idle_since) = (now + SimDuration::from_millis(7), now);
        assert!((count..count + 8).contains(&busy));
    }
    (pool.table.inspected() - before) / (requests - 1)
}

/// Seen as 6.2 s where the direct path took 0.03 s: every request looked at all connections of its worker.
#[test]
fn a_request_looks_at_its_own_connection_however_many_there_are() {
    let few = inspected_by_a_request(10);
    assert!((3..=12).contains(&few), "{few}");
    assert_eq!(inspected_by_a_request(20_000), few);
}

/// What a pool does, in the plainest way.
#[derive(Debug, Default)]
struct Plain {
    places: Vec<Option<Connection>>,
    free: Vec<u32>,
}

impl Plain {
    fn open(&mut self, connection: Connection) -> u32 {
        let key = self.free.pop().unwrap_or(self.places.len() as u32);
        self.places.resize(self.places.len().max(key as usize + 1), None);
        self.places[key as usize] = Some(connection);
        key
    }

    fn close(&mut self, key: u32) {
        if self.places[key as usize].take().is_some() {
            self.free.push(key);
        }
    }

    fn keys(&self, which: impl Fn(&Connection) -> bool) -> Vec<u32> {
        let places = self.places.iter().enumerate();
        places.filter(|(_, place)| place.as_ref().is_some_and(&which)).map(|(key, _)| key as u32).collect()
    }

    fn free_at(&self, key: u32) -> SimTime {
        self.places[key as usize].expect("it is open").free_at
    }

    fn take(&mut self, target: Target, now: SimTime) -> Option<u32> {
        let limits = Pool::new(&spec()).limits;
        let dead = self.keys(|connection| connection.free_at <= now && limits.is_dead(connection, now));
        dead.into_iter().for_each(|key| self.close(key));
        loop {
            let idle = self.keys(|connection| connection.free_at <= now);
            if idle.len() <= limits.idle {
                break;
            }
            let longest = idle.into_iter().min_by_key(|key| (self.free_at(*key), *key));
            longest.into_iter().for_each(|key| self.close(key));
        }
        let idle = self.keys(|connection| connection.target == target && connection.free_at <= now);
        let key = idle.into_iter().max_by_key(|key| (self.free_at(*key), *key))?;
        self.places[key as usize].as_mut().expect("it is open").free_at = SimTime::MAX;
        Some(key)
    }

    fn change(&mut self, which: impl Fn(&Connection) -> bool, change: impl Fn(&mut Connection)) {
        self.places.iter_mut().flatten().filter(|connection| which(connection)).for_each(change);
    }

    fn active(&self, target: Target, now: SimTime) -> u32 {
        self.keys(|connection| connection.target == target && connection.free_at > now).len() as u32
    }
}

/// One call of a pool: what, which pod, which of the open connections, and how long.
type Call = (u8, u32, usize, u64);

/// Does the same to both.
fn call(pool: &mut Pool, plain: &mut Plain, now: SimTime, (what, pod, which, wait): Call) {
    let target = Target::Pod(PodId(pod));
    let key = plain.keys(|_| true).get(which).copied();
    let mut change = |with: &dyn Fn(&mut Connection)| {
        if let Some(key) = key {
            with(pool.get_mut(key));
            with(plain.places[key as usize].as_mut().expect("it is open"));
        }
    };
    let later = now + SimDuration::from_millis(wait);
    match what {
        0 => assert_eq!(pool.open(connection(pod, later)), plain.open(connection(pod, later))),
        1..=4 => assert_eq!(pool.take(target, now), plain.take(target, now)),
        5 | 6 => change(&|connection| (connection.free_at, connection.idle_since) = (later, now)),
        7 => change(&|connection| connection.free_at = SimTime::MAX),
        8 => change(&|connection| connection.closed_at = Some(later)),
        9 => change(&|connection| (connection.last, connection.carried) = (wait > 2, 99 + wait as u32 % 2)),
        10 => {
            key.into_iter().for_each(|key| pool.close(key));
            key.into_iter().for_each(|key| plain.close(key));
        }
        11 => {
            pool.retire_target(now, target);
            plain.keys(|one| one.target == target && one.free_at <= now).into_iter().for_each(|key| plain.close(key));
            plain.change(|one| one.target == target, |one| one.last = true);
        }
        _ => {
            pool.sever_pod(now, PodId(pod), SimDuration::ZERO);
            let end = |one: &mut Connection| one.closed_at = Some(one.closed_at.map_or(now, |closed| closed.min(now)));
            plain.change(|one| one.pod == Some(PodId(pod)) && one.idle_since <= now, end);
        }
    }
}

proptest! {
    #[test]
    fn gives_the_same_connections_as_a_plain_pool(
        calls in proptest::collection::vec((0u8..13, 0u32..3, 0usize..8, 0u64..6, 0u64..4), 1..400)
    ) {
        let (mut pool, mut plain, mut now) = (Pool::new(&spec()), Plain::default(), SimTime::ZERO);
        for (what, pod, which, wait, passes) in calls {
            // Now and then idle ones are kept too long.
            now += if (what, pod, passes) == (1, 1, 3) { SimDuration::from_secs(60) } else { SimDuration::from_millis(passes) };
            call(&mut pool, &mut plain, now, (what, pod, which, wait));
            pool.advance(now);
            for pod in 0..3 {
                let target = Target::Pod(PodId(pod));
                prop_assert_eq!(pool.active(target), plain.active(target, now));
            }
            prop_assert_eq!(pool.counts().2, plain.keys(|_| true).len() as u64);
        }
    }
}
