//! Where finished points are kept until all are: in a journal in the output folder, which survives whatever ends the
//! process, or in memory.

use std::io;

use thiserror::Error;

use super::Rows;
use crate::report::sink::{Folder, Journal, Line, SinkError};
use crate::report::sweep::{Manifest, PointResult};

/// The journal in the output folder.
const NAME: &str = "sweep.journal";

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
    /// It is of another sweep.
    #[error(
        "{0} holds finished points of another sweep (scenario, seed, version or replications differ); remove the file to begin anew"
    )]
    Foreign(String),
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
    /// If the journal cannot be opened, or belongs to another sweep.
    pub fn open(folder: &Folder, manifest: &Manifest) -> Result<Store, StoreError> {
        let mut lines = vec![None; manifest.points as usize];
        let (mut head, mut foreign) = (false, false);
        let take = |text: &str, line: Line| {
            if !head {
                (head, foreign) = head_of(text, manifest);
                return head;
            }
            foreign || note(&mut lines, text, line)
        };
        let mut journal = Journal::open(folder, NAME, take)?;
        if foreign {
            return Err(StoreError::Foreign(folder.path().join(NAME).display().to_string()));
        }
        if !head {
            journal.append(&json(manifest))?;
        }
        Ok(Store(Kept::Journal { journal, lines }))
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

/// Whether a first line is the head of a journal, and whether of another sweep.
fn head_of(text: &str, manifest: &Manifest) -> (bool, bool) {
    match serde_json::from_str::<Manifest>(text) {
        Ok(found) => (true, found != *manifest),
        Err(_) => (false, false),
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
    fn the_journal_of_another_sweep_is_refused_and_left_alone() {
        let folder = scratch("foreign");
        Store::open(&folder, &manifest(1)).unwrap().keep(&row(1)).unwrap();
        let before = std::fs::read(folder.path().join(NAME)).unwrap();
        let error = Store::open(&folder, &manifest(2)).unwrap_err().to_string();
        assert!(error.contains("of another sweep"), "{error}");
        assert_eq!(std::fs::read(folder.path().join(NAME)).unwrap(), before);
        std::fs::remove_dir_all(folder.path()).unwrap();
    }
}
