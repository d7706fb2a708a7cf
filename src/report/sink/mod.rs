//! The only place of the library that writes files. A file appears whole or not at all: it is written beside its place
//! and renamed, so that a reader, a crash or a full disk never leaves half a result. The one exception is the journal of a
//! sweep, which is read back up to its last whole line.

mod journal;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

pub use journal::{Journal, Line, Opened, Verdict};

/// A file or folder cannot be written.
#[derive(Debug, Error)]
#[error("failed to {action} {}: {source}", path.display())]
pub struct SinkError {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl SinkError {
    fn of(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SinkError {
        move |source| SinkError { action, path: path.to_owned(), source }
    }
}

/// A folder that exists and can be written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder(PathBuf);

impl Folder {
    /// Makes the folder if need be and tries to write to it, so that a bad path fails before the long work.
    pub fn prepare(path: &Path) -> Result<Folder, SinkError> {
        fs::create_dir_all(path).map_err(SinkError::of("make the folder", path))?;
        let folder = Folder(path.to_owned());
        let trial = folder.beside("trial");
        fs::write(&trial, b"").map_err(SinkError::of("write to the folder", path))?;
        fs::remove_file(&trial).map_err(SinkError::of("write to the folder", path))?;
        Ok(folder)
    }

    /// Writes the file `name` in the folder, replacing an older one.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), SinkError> {
        self.write_with(name, |file| file.write_all(bytes))
    }

    /// Writes the file `name` in the folder piece by piece, replacing an older one: a file too large for memory.
    ///
    /// # Errors
    ///
    /// If the file cannot be written, or if `fill` fails; then nothing has changed.
    pub fn write_with(&self, name: &str, fill: impl FnOnce(&mut fs::File) -> io::Result<()>) -> Result<(), SinkError> {
        let (place, beside) = (self.0.join(name), self.beside(name));
        let written = write_through(&beside, fill).and_then(|()| fs::rename(&beside, &place));
        written.map_err(|error| {
            // What was written so far is of no use; if it cannot be removed either, the first error tells more.
            drop(fs::remove_file(&beside));
            SinkError::of("write", &place)(error)
        })
    }

    /// Removes the file `name` of the folder, if there is one.
    ///
    /// # Errors
    ///
    /// If it cannot be removed.
    pub fn remove(&self, name: &str) -> Result<(), SinkError> {
        removed(&self.0.join(name))
    }

    /// Removes what a process that was killed had begun of files whose names begin with `stem`. Only for who knows that no
    /// other process writes them.
    ///
    /// # Errors
    ///
    /// If the folder cannot be read, or a file not be removed.
    pub fn remove_unfinished(&self, stem: &str) -> Result<(), SinkError> {
        let entries = fs::read_dir(&self.0).map_err(SinkError::of("read", &self.0))?;
        let unfinished = |name: &str| name.starts_with(&format!(".{stem}")) && name.ends_with(".part");
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.file_name().and_then(|name| name.to_str()).is_some_and(unfinished) {
                fs::remove_file(&path).map_err(SinkError::of("remove", &path))?;
            }
        }
        Ok(())
    }

    /// Whether the folder has a file of this name.
    pub fn has(&self, name: &str) -> bool {
        self.0.join(name).is_file()
    }

    /// Where the folder is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The process id keeps two runs into one folder from writing to the same place.
    fn beside(&self, name: &str) -> PathBuf {
        self.0.join(format!(".{name}.{}.part", std::process::id()))
    }
}

fn removed(path: &Path) -> Result<(), SinkError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(SinkError::of("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Flushed to the disk before the rename, or a crash could leave the new name with nothing in it.
fn write_through(path: &Path, fill: impl FnOnce(&mut fs::File) -> io::Result<()>) -> io::Result<()> {
    let mut file = fs::File::create(path)?;
    fill(&mut file)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("rollsim-sink-{}-{name}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        path
    }

    #[test]
    fn a_file_replaces_the_older_one_and_leaves_nothing_beside() {
        let path = scratch("replace");
        let folder = Folder::prepare(&path.join("a/b")).unwrap();
        folder.write("result.json", b"old").unwrap();
        folder.write("result.json", b"new").unwrap();
        assert_eq!(fs::read(path.join("a/b/result.json")).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        fs::remove_dir_all(&path).unwrap();
    }

    #[test]
    fn what_a_killed_process_had_begun_stayed_beside_its_files() {
        let path = scratch("killed");
        let folder = Folder::prepare(&path).unwrap();
        for name in [".sweep.parquet.7.part", ".result.json.7.part", "sweep.csv"] {
            fs::write(path.join(name), b"").unwrap();
        }
        folder.remove_unfinished("sweep.").unwrap();
        let mut left: Vec<_> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [".result.json.7.part", "sweep.csv"]);
        fs::remove_dir_all(&path).unwrap();
    }

    #[test]
    fn a_path_through_a_file_is_refused_with_its_name() {
        let path = scratch("through");
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("file"), b"").unwrap();
        let error = Folder::prepare(&path.join("file/folder")).unwrap_err().to_string();
        assert!(error.starts_with("failed to make the folder ") && error.contains("file/folder"), "{error}");
        fs::remove_dir_all(&path).unwrap();
    }

    #[test]
    fn what_cannot_be_renamed_into_place_leaves_nothing() {
        let path = scratch("occupied");
        let folder = Folder::prepare(&path).unwrap();
        fs::create_dir_all(path.join("result.json/occupied")).unwrap();
        assert!(folder.write("result.json", b"x").is_err());
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
        fs::remove_dir_all(&path).unwrap();
    }
}
