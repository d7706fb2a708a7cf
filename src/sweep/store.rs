//! Where finished points are kept until all are: in a journal in the output folder, which survives whatever ends the
//! process, or in memory.

use std::io;

use thiserror::Error;

use super::{Rows, Shard, parts};
use crate::report::sink::{Folder, Journal, Line, Opened, SinkError, Verdict};
use crate::report::sweep::{Manifest, PointResult};

/// The journal in the output folder.
const NAME: &str = "sweep.journal";

/// How the first line of a journal begins, of whatever version.
const HEAD: &str = "{\"schema\":\"rollsim/sweep/";

/// The rows of finished points.
#[derive(Debug)]
pub struct Store(Kept);

#[derive(Debug)]
enum Kept {
    Journal { journal: Journal, lines: Vec<Option<Line>> },
    Memory(Vec<Option<String>>),
}

/// Why a journal cannot be gone on with.
#[derive(Debug, Error)]
pub enum StoreError {
    /// It cannot be opened, read or written.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// Another process has it open.
    #[error("failed to open {0}: another process writes it")]
    Busy(String),
    /// It is of another sweep: which, and what differs.
    #[error("{0} holds finished points of another sweep ({1}); remove the file to begin anew")]
    Foreign(String, String),
    /// It is no journal, or one of another version.
    #[error("{0} is no journal of this version of rollsim; move it away, or remove it to begin anew")]
    Unreadable(String),
}

/// What a file was found to be.
enum Found {
    /// Nothing yet.
    Nothing,
    Ours,
    Foreign(String),
    Unreadable,
}

impl Store {
    /// Keeps rows in memory.
    pub fn memory(points: u64) -> Store {
        Store(Kept::Memory(vec![None; points as usize]))
    }

    /// Keeps rows in the folder, those that an interrupted run of the same sweep left among them.
    ///
    /// # Errors
    ///
    /// If the journal cannot be opened, is in use, belongs to another sweep, or is none.
    pub fn open(folder: &Folder, manifest: &Manifest) -> Result<Store, StoreError> {
        let busy = || StoreError::Busy(folder.path().join(NAME).display().to_string());
        opened(folder, NAME, manifest)?.ok_or_else(busy)
    }

    /// Keeps the rows of a shard in the folder, those that an earlier process left among them. An engine may start a shard
    /// twice and both may live: where another process has the journal, or none could tell, rows are kept in memory.
    ///
    /// # Errors
    ///
    /// If the journal cannot be opened, belongs to another sweep, or is none.
    pub fn of_shard(folder: &Folder, manifest: &Manifest, shard: Shard) -> Result<Store, StoreError> {
        let memory = Store::memory(manifest.points);
        match opened(folder, &parts::journal_name(shard), manifest)? {
            Some(Store(Kept::Journal { journal, .. })) if !journal.is_locked() => {
                journal.remove()?;
                Ok(memory)
            }
            found => Ok(found.unwrap_or(memory)),
        }
    }

    /// Which of these points are not finished yet.
    pub fn missing(&self, points: impl Iterator<Item = u64>) -> Vec<u64> {
        points.filter(|&point| !self.has(point)).collect()
    }

    /// Number of finished points.
    pub fn finished(&self) -> usize {
        match &self.0 {
            Kept::Journal { lines, .. } => lines.iter().flatten().count(),
            Kept::Memory(rows) => rows.iter().flatten().count(),
        }
    }

    fn has(&self, point: u64) -> bool {
        match &self.0 {
            Kept::Journal { lines, .. } => lines[point as usize].is_some(),
            Kept::Memory(rows) => rows[point as usize].is_some(),
        }
    }

    /// Keeps a finished point.
    ///
    /// # Errors
    ///
    /// If the journal cannot be written.
    pub fn keep(&mut self, row: &PointResult) -> Result<(), SinkError> {
        let (point, text) = (row.point as usize, json(row));
        match &mut self.0 {
            Kept::Journal { journal, lines } => lines[point] = Some(journal.append(&text)?),
            Kept::Memory(rows) => rows[point] = Some(text),
        }
        Ok(())
    }

    /// Removes the journal: the files hold all that it held.
    ///
    /// # Errors
    ///
    /// If it cannot be removed.
    pub fn remove(self) -> Result<(), SinkError> {
        match self.0 {
            Kept::Journal { journal, .. } => journal.remove(),
            Kept::Memory(_) => Ok(()),
        }
    }
}

/// The journal of this name with the rows in it; none if another process has it open.
fn opened(folder: &Folder, name: &str, manifest: &Manifest) -> Result<Option<Store>, StoreError> {
    let mut lines = vec![None; manifest.points as usize];
    let mut found = Found::Nothing;
    let take = |text: &str, line: Option<Line>| match (&found, line) {
        (Found::Ours, Some(line)) if note(&mut lines, text, line) => Verdict::Keep,
        (Found::Ours, _) => Verdict::Cut,
        _ => {
            found = head_of(text, line.is_some(), manifest);
            match found {
                Found::Ours => Verdict::Keep,
                Found::Nothing => Verdict::Cut,
                Found::Foreign(_) | Found::Unreadable => Verdict::Refuse,
            }
        }
    };
    let opened = Journal::open(folder, name, take)?;
    let path = || folder.path().join(name).display().to_string();
    let mut journal = match (opened, &found) {
        (Opened::Busy, _) => return Ok(None),
        (Opened::Ready(journal), _) => journal,
        (Opened::Refused, Found::Foreign(difference)) => return Err(StoreError::Foreign(path(), difference.clone())),
        (Opened::Refused, _) => return Err(StoreError::Unreadable(path())),
    };
    if !matches!(found, Found::Ours) {
        journal.append(&json(manifest))?;
    }
    Ok(Some(Store(Kept::Journal { journal, lines })))
}

/// What a first line tells. One that was torn while it was written had no point behind it.
fn head_of(text: &str, is_whole: bool, manifest: &Manifest) -> Found {
    if !is_whole {
        let is_head = text.starts_with(HEAD) || HEAD.starts_with(text);
        return if is_head { Found::Nothing } else { Found::Unreadable };
    }
    match serde_json::from_str::<Manifest>(text) {
        Ok(other) => other.difference(manifest).map_or(Found::Ours, Found::Foreign),
        Err(_) => Found::Unreadable,
    }
}

/// Notes where the row of a point stands; false if the line is none.
fn note(lines: &mut [Option<Line>], text: &str, line: Line) -> bool {
    let Ok(row) = PointResult::parse(text) else { return false };
    let Some(slot) = lines.get_mut(row.point as usize) else { return false };
    *slot = Some(line);
    true
}

pub(super) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| panic!("a row is always JSON: {error}"))
}

impl Rows for Store {
    fn row(&mut self, point: u64) -> io::Result<String> {
        let row = match &mut self.0 {
            Kept::Journal { journal, lines } => {
                lines[point as usize].map(|line| journal.read(line)).transpose().map_err(io::Error::other)?
            }
            Kept::Memory(rows) => rows[point as usize].clone(),
        };
        Ok(row.unwrap_or_else(|| panic!("point {point} is finished")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::RunResult;
    use crate::report::result::Identity;
    use crate::scenario::{Source, read_sweep};
    use crate::sweep::Plan;

    fn manifest(seed: u64) -> Manifest {
        let text = format!("[run]\nseed = {seed}\n[sweep.vary]\n\"deployment.replicas\" = [1, 2, 3]");
        Plan::new(read_sweep(&Source::new("a.toml", text), &[]).unwrap()).unwrap().manifest
    }

    fn row(point: u64) -> PointResult {
        let result = RunResult::new(&Identity { scenario: "a", seed: 1, digest: point }, &[], Vec::new());
        PointResult::new(point, Vec::new(), true, result)
    }

    fn scratch(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("rollsim-store-{}-{name}", std::process::id()));
        drop(std::fs::remove_dir_all(&path));
        Folder::prepare(&path).unwrap()
    }

    #[test]
    fn finished_points_are_found_again_whatever_was_torn() {
        let folder = scratch("again");
        let mut store = Store::open(&folder, &manifest(1)).unwrap();
        [2, 0].iter().for_each(|&point| store.keep(&row(point)).unwrap());
        let first = store.row(2).unwrap();
        drop(store);
        let path = folder.path().join(NAME);
        let whole = std::fs::read(&path).unwrap();
        for (cut, finished) in [(0, 2), (1, 1), (whole.len() - 3, 0)] {
            std::fs::write(&path, &whole[..whole.len() - cut]).unwrap();
            let mut store = Store::open(&folder, &manifest(1)).unwrap();
            assert_eq!(store.finished(), finished, "{cut} bytes lost");
            store.missing(0..3).iter().for_each(|&point| store.keep(&row(point)).unwrap());
            assert_eq!((store.finished(), store.row(2).unwrap()), (3, first.clone()));
        }
        std::fs::remove_dir_all(folder.path()).unwrap();
    }

    #[test]
    fn a_file_that_is_no_journal_is_refused_and_not_erased() {
        let folder = scratch("notes");
        Store::open(&folder, &manifest(1)).unwrap().keep(&row(1)).unwrap();
        let path = folder.path().join(NAME);
        let other_version = std::fs::read_to_string(&path).unwrap().replacen("\"design\":\"grid\",", "", 1);
        for text in [other_version.as_str(), "my notes\n", "my notes", "\n"] {
            std::fs::write(&path, text).unwrap();
            let error = Store::open(&folder, &manifest(1)).unwrap_err().to_string();
            assert!(error.contains("is no journal of this version"), "{text}: {error}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        for torn in ["", "{\"sch", &other_version[..40]] {
            std::fs::write(&path, torn).unwrap();
            assert_eq!(Store::open(&folder, &manifest(1)).unwrap().finished(), 0, "{torn}");
        }
        std::fs::remove_dir_all(folder.path()).unwrap();
    }

    /// An engine that lost a worker starts its shard again, and the first may still live.
    #[test]
    fn a_shard_that_runs_twice_at_once_keeps_its_rows_in_memory() {
        let (folder, shard) = (scratch("twice"), Shard { index: 0, of: 2 });
        let mut first = Store::of_shard(&folder, &manifest(1), shard).unwrap();
        first.keep(&row(2)).unwrap();
        let second = Store::of_shard(&folder, &manifest(1), shard).unwrap();
        assert!(matches!((&first.0, &second.0), (Kept::Journal { .. }, Kept::Memory(_))));
        drop(first);
        assert_eq!(Store::of_shard(&folder, &manifest(1), shard).unwrap().finished(), 1);
        std::fs::remove_dir_all(folder.path()).unwrap();
    }

    #[test]
    fn the_journal_of_another_sweep_is_refused_and_left_alone() {
        let folder = scratch("foreign");
        Store::open(&folder, &manifest(1)).unwrap().keep(&row(1)).unwrap();
        let before = std::fs::read(folder.path().join(NAME)).unwrap();
        let error = Store::open(&folder, &manifest(2)).unwrap_err().to_string();
        assert!(error.contains("of another sweep (their seeds differ: 1 and 2)"), "{error}");
        assert_eq!(std::fs::read(folder.path().join(NAME)).unwrap(), before);
        std::fs::remove_dir_all(folder.path()).unwrap();
    }
}
