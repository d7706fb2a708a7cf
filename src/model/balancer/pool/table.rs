//! The connections of a pool by their keys. The key of a connection that was closed is given away again.

use crate::model::balancer::Connection;
use crate::units::SimTime;

/// A connection, and what its pool has noted of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) connection: Connection,
    /// Idle, since then.
    pub(super) idle: Option<SimTime>,
    /// Lent for a change since the last look at it.
    pub(super) lent: bool,
}

/// The entries, and keys to give away, the last one given back on top. In tests the table counts how many connections were inspected.
#[derive(Debug, Default)]
pub(super) struct Table {
    entries: Vec<Option<Entry>>,
    free: Vec<u32>,
    #[cfg(test)]
    inspected: std::cell::Cell<u64>,
}

impl Table {
    /// The entry of a connection that is open.
    pub(super) fn get_mut(&mut self, key: u32) -> Option<&mut Entry> {
        self.inspect(1);
        self.entries[key as usize].as_mut()
    }

    /// Enters a connection and says under which key.
    pub(super) fn insert(&mut self, entry: Entry) -> u32 {
        let key = self.free.pop().unwrap_or(self.entries.len() as u32);
        if key as usize == self.entries.len() {
            self.entries.push(None);
        }
        self.entries[key as usize] = Some(entry);
        key
    }

    /// Takes a connection out, if it is still there.
    pub(super) fn remove(&mut self, key: u32) -> Option<Entry> {
        self.inspect(1);
        let entry = self.entries[key as usize].take()?;
        self.free.push(key);
        Some(entry)
    }

    /// The keys of the connections that `which` says, in order. Inspects all: not for every request.
    pub(super) fn keys(&self, which: impl Fn(&Connection) -> bool) -> Vec<u32> {
        self.inspect(self.entries.len() as u64);
        let open = self.entries.iter().enumerate().filter_map(|(key, entry)| Some((key as u32, entry.as_ref()?)));
        open.filter(|(_, entry)| which(&entry.connection)).map(|(key, _)| key).collect()
    }

    /// The latest of what `time` says of each connection. Inspects all: not for every request.
    pub(super) fn latest(&self, time: impl Fn(&Connection) -> Option<SimTime>) -> Option<SimTime> {
        self.inspect(self.entries.len() as u64);
        self.entries.iter().flatten().filter_map(|entry| time(&entry.connection)).max()
    }

    #[cfg(not(test))]
    fn inspect(&self, _: u64) {}

    #[cfg(test)]
    fn inspect(&self, count: u64) {
        self.inspected.set(self.inspected.get() + count);
    }

    #[cfg(test)]
    pub(super) fn inspected(&self) -> u64 {
        self.inspected.get()
    }
}
