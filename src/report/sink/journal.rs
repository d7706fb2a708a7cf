//! A file that grows line by line and survives whatever ends the process: a line counts once its line feed is written,
//! and what follows the last whole line is cut off when the file is opened again.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use super::{Folder, SinkError};

/// An open journal, locked against other processes.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    end: u64,
}

/// Where a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    start: u64,
    length: usize,
}

impl Journal {
    /// Opens the journal `name` of a folder, made if need be. `take` gets each whole line in order until it refuses one;
    /// that line and all behind it are cut off.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened, read or cut, or if another process has it open.
    pub fn open(folder: &Folder, name: &str, mut take: impl FnMut(&str, Line) -> bool) -> Result<Journal, SinkError> {
        let path = folder.path().join(name);
        let failed = SinkError::of("open", &path);
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = opened.and_then(lock).map_err(failed)?;
        let end = good(&file, &mut take).map_err(SinkError::of("read", &path))?;
        file.set_len(end).map_err(SinkError::of("write", &path))?;
        Ok(Journal { file, path, end })
    }

    /// Adds a line, in one write.
    ///
    /// # Errors
    ///
    /// If the disk is full or the file cannot be written for another reason.
    pub fn append(&mut self, text: &str) -> Result<Line, SinkError> {
        assert!(!text.contains('\n'), "a line of a journal is one line");
        let line = Line { start: self.end, length: text.len() };
        let written =
            self.file.seek(SeekFrom::Start(self.end)).and_then(|_| self.file.write_all(format!("{text}\n").as_bytes()));
        written.map_err(SinkError::of("write", &self.path))?;
        self.end += text.len() as u64 + 1;
        Ok(line)
    }

    /// Reads a line again.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn read(&mut self, line: Line) -> Result<String, SinkError> {
        let mut bytes = vec![0; line.length];
        let read = self.file.seek(SeekFrom::Start(line.start)).and_then(|_| self.file.read_exact(&mut bytes));
        let text = read.and_then(|()| String::from_utf8(bytes).map_err(io::Error::other));
        text.map_err(SinkError::of("read", &self.path))
    }

    /// Removes the file.
    ///
    /// # Errors
    ///
    /// If it cannot be removed.
    pub fn remove(self) -> Result<(), SinkError> {
        std::fs::remove_file(&self.path).map_err(SinkError::of("remove", &self.path))
    }
}

/// A file system without locks is used without.
fn lock(file: File) -> io::Result<File> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(io::Error::other("another process writes it")),
        _ => Ok(file),
    }
}

/// Hands out whole lines; returns where the last accepted one ends.
fn good(file: &File, take: &mut impl FnMut(&str, Line) -> bool) -> io::Result<u64> {
    let (mut reader, mut end, mut bytes) = (BufReader::new(file), 0, Vec::new());
    loop {
        bytes.clear();
        let read = reader.read_until(b'\n', &mut bytes)?;
        let Some(text) = bytes.strip_suffix(b"\n").and_then(|text| std::str::from_utf8(text).ok()) else {
            return Ok(end);
        };
        if !take(text, Line { start: end, length: text.len() }) {
            return Ok(end);
        }
        end += read as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("rollsim-journal-{}-{name}", std::process::id()));
        drop(std::fs::remove_dir_all(&path));
        Folder::prepare(&path).unwrap()
    }

    fn reopened(folder: &Folder, text: &[u8], accept: &str) -> (Vec<String>, String) {
        std::fs::write(folder.path().join("j"), text).unwrap();
        let mut seen = Vec::new();
        let take = |line: &str, _| {
            seen.push(line.to_owned());
            line.starts_with(accept)
        };
        let mut journal = Journal::open(folder, "j", take).unwrap();
        journal.append("next").unwrap();
        (seen, std::fs::read_to_string(folder.path().join("j")).unwrap())
    }

    #[test]
    fn a_torn_last_line_is_cut_off() {
        let folder = scratch("torn");
        let check = |text: &[u8], seen: &[&str], left: &str| {
            let (found, rest) = reopened(&folder, text, "a");
            assert_eq!((found.iter().map(String::as_str).collect::<Vec<_>>(), rest.as_str()), (seen.to_vec(), left));
        };
        check(b"a1\na2\na3", &["a1", "a2"], "a1\na2\nnext\n");
        check(b"a1\na2\n", &["a1", "a2"], "a1\na2\nnext\n");
        check(b"a1\nb\na3\n", &["a1", "b"], "a1\nnext\n");
        check(b"a1\n\xff\xfe\na3\n", &["a1"], "a1\nnext\n");
        check(b"", &[], "next\n");
        std::fs::remove_dir_all(folder.path()).unwrap();
    }

    #[test]
    fn lines_read_back_wherever_they_stand() {
        let folder = scratch("back");
        let mut journal = Journal::open(&folder, "j", |_, _| true).unwrap();
        let lines: Vec<Line> = ["one", "", "three"].iter().map(|text| journal.append(text).unwrap()).collect();
        assert_eq!(journal.read(lines[2]).unwrap(), "three");
        assert_eq!(journal.read(lines[1]).unwrap(), "");
        assert_eq!(journal.append("four").map(|line| line.start).unwrap(), 11);
        journal.remove().unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        std::fs::remove_dir_all(folder.path()).unwrap();
    }

    #[test]
    fn two_processes_do_not_write_one_journal() {
        let folder = scratch("locked");
        let journal = Journal::open(&folder, "j", |_, _| true).unwrap();
        let error = Journal::open(&folder, "j", |_, _| true).unwrap_err().to_string();
        assert!(error.contains("another process writes it"), "{error}");
        drop(journal);
        std::fs::remove_dir_all(folder.path()).unwrap();
    }
}
