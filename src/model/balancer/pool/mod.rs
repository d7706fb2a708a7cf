//! The connections of one worker to its targets: taken, kept idle, closed by either end.
//!
//! A request costs the logarithm of the connections: idle ones stand in order, and a connection is looked at only when
//! it has been changed, when it becomes free, and when its end becomes known.

mod idle;
mod table;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use crate::ids::PodId;
use crate::model::balancer::Target;
use crate::model::spec::UpstreamSpec;
use crate::units::{SimDuration, SimTime};

use idle::Idle;
use table::{Entry, Table};

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

impl Connection {
    /// When the target's FIN is at the balancer.
    fn told_at(&self) -> Option<SimTime> {
        self.closed_at.map(|closed| closed + self.one_way)
    }
}

/// How many idle connections are kept, how long, and for how many requests.
#[derive(Debug, Clone, Copy)]
struct Limits {
    idle: usize,
    timeout: SimDuration,
    requests: u32,
}

impl Limits {
    /// Whether a connection idle since `free_at` has been so for too long.
    fn is_tired(&self, free_at: SimTime, now: SimTime) -> bool {
        now.saturating_since(free_at) > self.timeout
    }

    /// Whether an idle connection is of no more use, as far as its balancer can know.
    fn is_dead(&self, connection: &Connection, now: SimTime) -> bool {
        let told = connection.told_at().is_some_and(|told| told <= now);
        connection.last || told || self.is_tired(connection.free_at, now) || connection.carried >= self.requests
    }
}

/// All connections of one worker; a key stays valid until its connection is closed. Calls come in order of time.
#[derive(Debug)]
pub struct Pool {
    limits: Limits,
    table: Table,
    /// Connections that have been lent for a change since the last look at them.
    lent: Vec<u32>,
    /// When to look at which connection again. An entry may be out of date: a look tells.
    due: BinaryHeap<Reverse<(SimTime, u32)>>,
    idle: Idle,
    /// Connections in use, by target.
    busy: BTreeMap<Target, u32>,
    /// Connections that were of no more use when they were looked at.
    dead: Vec<u32>,
    opened: u64,
    closed: u64,
}

impl Pool {
    /// Without connections.
    pub fn new(spec: &UpstreamSpec) -> Self {
        let (timeout, requests) = (spec.keep_alive_timeout, spec.keep_alive_requests);
        Pool {
            limits: Limits { idle: spec.keep_alive as usize, timeout, requests },
            table: Table::default(),
            lent: Vec::new(),
            due: BinaryHeap::new(),
            idle: Idle::default(),
            busy: BTreeMap::new(),
            dead: Vec::new(),
            opened: 0,
            closed: 0,
        }
    }

    /// The connection of a key.
    ///
    /// # Panics
    /// If it has been closed.
    pub fn get_mut(&mut self, key: u32) -> &mut Connection {
        let entry = self.table.get_mut(key).expect("a connection in use is open");
        if !std::mem::replace(&mut entry.lent, true) {
            self.lent.push(key);
        }
        &mut entry.connection
    }

    /// Takes the idle connection to `target` that was used last, as nginx does, closing those that are known to be dead.
    pub fn take(&mut self, target: Target, now: SimTime) -> Option<u32> {
        self.close_dead(now);
        let key = self.idle.last_used(target)?;
        self.use_again(key);
        self.get_mut(key).free_at = SimTime::MAX;
        Some(key)
    }

    /// A connection has been established.
    pub fn open(&mut self, connection: Connection) -> u32 {
        self.opened += 1;
        *self.busy.entry(connection.target).or_insert(0) += 1;
        let key = self.table.insert(Entry { connection, idle: None, lent: true });
        self.lent.push(key);
        key
    }

    /// A connection ends.
    pub fn close(&mut self, key: u32) {
        if let Some(Entry { connection, idle, .. }) = self.table.remove(key) {
            self.closed += 1;
            match idle {
                Some(free_at) => self.idle.remove(connection.target, free_at, key),
                None => self.count_busy(connection.target, false),
            }
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
        for key in self.table.keys(which) {
            if self.get_mut(key).free_at <= now {
                self.close(key);
            } else {
                self.get_mut(key).last = true;
            }
        }
    }

    /// The server of `pod` ends its idle connections; a request on its way will cross that. Those that have carried nothing yet it
    /// keeps for `kept_new`. Says when the last of them ends.
    pub fn sever_pod(&mut self, now: SimTime, pod: PodId, kept_new: SimDuration) -> Option<SimTime> {
        let its = |connection: &Connection| connection.pod == Some(pod);
        let until = |connection: &Connection| connection.idle_since + kept_new;
        let is_kept = |one: &Connection| one.carried == 0 && one.closed_at.is_none() && now < until(one);
        self.sever(now, |connection| its(connection) && !is_kept(connection));
        self.table.latest(|connection| (its(connection) && is_kept(connection)).then(|| until(connection)))
    }

    /// When the last idle connection to `pod` ends if nothing more comes: either end closes it after its own time, the server
    /// `kept` after it finished with it.
    pub fn last_idle_end(&self, pod: PodId, kept: SimDuration) -> Option<SimTime> {
        self.table.latest(|connection| {
            let is_idle = connection.pod == Some(pod) && !connection.free_at.is_never();
            let by_server = connection.closed_at.unwrap_or(connection.idle_since.saturating_add(kept));
            is_idle.then(|| by_server.min(connection.free_at.saturating_add(self.limits.timeout)))
        })
    }

    /// The replica with this number of the next balancer ends its idle connections.
    pub fn sever_target(&mut self, now: SimTime, target: Target) {
        self.sever(now, |connection| connection.target == target);
    }

    fn sever(&mut self, now: SimTime, which: impl Fn(&Connection) -> bool) {
        for key in self.table.keys(|connection| which(connection) && connection.idle_since <= now) {
            let connection = self.get_mut(key);
            connection.closed_at = Some(connection.closed_at.map_or(now, |closed| closed.min(now)));
        }
    }

    /// Requests under way to a target, as of the last [`Pool::advance`].
    pub fn active(&self, target: Target) -> u32 {
        self.busy.get(&target).copied().unwrap_or(0)
    }

    /// Connections opened, closed, and open now.
    pub fn counts(&self) -> (u64, u64, u64) {
        (self.opened, self.closed, self.table.keys(|_| true).len() as u64)
    }

    /// What is free by now is idle from now on.
    pub fn advance(&mut self, now: SimTime) {
        while let Some(key) = self.lent.pop() {
            self.look_later(key);
        }
        while let Some(&Reverse((at, key))) = self.due.peek()
            && at <= now
        {
            self.due.pop();
            self.look(key, at, now);
        }
    }

    /// Arranges the next looks at a connection that may have changed.
    fn look_later(&mut self, key: u32) {
        let Some(entry) = self.table.get_mut(key) else { return };
        entry.lent = false;
        let Entry { connection, idle, .. } = *entry;
        if idle.is_some_and(|free_at| free_at != connection.free_at) {
            self.use_again(key);
        }
        if connection.free_at < SimTime::MAX {
            let told = connection.told_at().filter(|told| *told > connection.free_at);
            self.due.extend([Some(connection.free_at), told].into_iter().flatten().map(|at| Reverse((at, key))));
        }
    }

    /// At `at` the connection may have become free, or its end known.
    fn look(&mut self, key: u32, at: SimTime, now: SimTime) {
        let Some(entry) = self.table.get_mut(key) else { return };
        let Entry { connection, idle, .. } = *entry;
        if idle.is_none() && connection.free_at <= at {
            entry.idle = Some(connection.free_at);
            self.idle.insert(connection.target, connection.free_at, key);
            self.count_busy(connection.target, false);
        }
        if connection.free_at <= at && self.limits.is_dead(&connection, now) {
            self.dead.push(key);
        }
    }

    /// An idle connection is in use again.
    fn use_again(&mut self, key: u32) {
        let Some(entry) = self.table.get_mut(key) else { return };
        let target = entry.connection.target;
        if let Some(free_at) = entry.idle.take() {
            self.idle.remove(target, free_at, key);
            self.count_busy(target, true);
        }
    }

    fn count_busy(&mut self, target: Target, more: bool) {
        let count = self.busy.entry(target).or_insert(0);
        *count = if more { *count + 1 } else { *count - 1 };
    }

    /// Closes what has ended with its request, what the target's FIN has reached the balancer for, what was idle too long,
    /// and the longest idle beyond the limit.
    fn close_dead(&mut self, now: SimTime) {
        self.advance(now);
        let mut dead = std::mem::take(&mut self.dead);
        dead.extend(
            self.idle.longest().take_while(|(free_at, _)| self.limits.is_tired(*free_at, now)).map(|(_, key)| key),
        );
        dead.sort_unstable();
        for key in dead.drain(..) {
            self.close_if_dead(key, now);
        }
        self.dead = dead;
        while self.idle.len() > self.limits.idle {
            let Some((_, key)) = self.idle.longest().next() else { return };
            self.close(key);
        }
    }

    /// It may have been closed, or used again, since it was looked at.
    fn close_if_dead(&mut self, key: u32, now: SimTime) {
        let entry = self.table.get_mut(key);
        if entry.is_some_and(|entry| entry.idle.is_some() && self.limits.is_dead(&entry.connection, now)) {
            self.close(key);
        }
    }
}

#[cfg(test)]
mod tests;
