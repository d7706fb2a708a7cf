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
    is_locked: bool,
}

/// What became of opening a journal.
#[derive(Debug)]
pub enum Opened {
    /// It is open; what followed the last good line is cut off.
    Ready(Journal),
    /// What stands in the file was refused. Nothing of it has changed.
    Refused,
    /// Another process has it open.
    Busy,
}

/// What becomes of what is found in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The line is good.
    Keep,
    /// The line and all behind it are cut off.
    Cut,
    /// The file is none of ours.
    Refuse,
}

/// Where a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    start: u64,
    length: usize,
}

impl Journal {
    /// Opens the journal `name` of a folder, made if need be. `take` gets each whole line in order until it does not keep
    /// one, and at the end, without a place, what follows the last whole line, which is not kept in any case.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened, read or cut.
    pub fn open(
        folder: &Folder,
        name: &str,
        mut take: impl FnMut(&str, Option<Line>) -> Verdict,
    ) -> Result<Opened, SinkError> {
        let path = folder.path().join(name);
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = opened.map_err(SinkError::of("open", &path))?;
        let is_locked = match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => return Ok(Opened::Busy),
            // A file system without locks is used without.
            Err(TryLockError::Error(_)) => false,
        };
        let Some(end) = good(&file, &mut take).map_err(SinkError::of("read", &path))? else {
            return Ok(Opened::Refused);
        };
        file.set_len(end).map_err(SinkError::of("write", &path))?;
        Ok(Opened::Ready(Journal { file, path, end, is_locked }))
    }

    /// Whether no other process can have it open; false on a file system without locks.
    pub fn is_locked(&self) -> bool {
        self.is_locked
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

    /// Removes the file, if nobody has done so yet.
    ///
    /// # Errors
    ///
    /// If it cannot be removed.
    pub fn remove(self) -> Result<(), SinkError> {
        super::removed(&self.path)
    }
}

/// Hands out what is found; returns where the last line that was kept ends, or nothing if the file was refused.
fn good(file: &File, take: &mut impl FnMut(&str, Option<Line>) -> Verdict) -> io::Result<Option<u64>> {
    let (mut reader, mut end, mut bytes) = (BufReader::new(file), 0, Vec::new());
    loop {
        bytes.clear();
        let read = reader.read_until(b'\n', &mut bytes)?;
        let whole = bytes.strip_suffix(b"\n").and_then(|text| std::str::from_utf8(text).ok());
        let verdict = match whole {
            Some(text) => take(text, Some(Line { start: end, length: text.len() })),
            None if bytes.is_empty() => return Ok(Some(end)),
            None => take(&String::from_utf8_lossy(&bytes), None),
        };
        match verdict {
            Verdict::Refuse => return Ok(None),
            Verdict::Keep if whole.is_some() => end += read as u64,
            _ => return Ok(Some(end)),
        }
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

    fn ready(opened: Opened) -> Journal {
        let Opened::Ready(journal) = opened else { panic!("{opened:?}") };
        journal
    }

    fn reopened(folder: &Folder, text: &[u8], accept: &str) -> (Vec<String>, String) {
        std::fs::write(folder.path().join("j"), text).unwrap();
        let mut seen = Vec::new();
        let take = |line: &str, place: Option<Line>| {
            seen.extend(place.map(|_| line.to_owned()));
            if line.starts_with(accept) { Verdict::Keep } else { Verdict::Cut }
        };
        ready(Journal::open(folder, "j", take).unwrap()).append("next").unwrap();
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
        let mut journal = ready(Journal::open(&folder, "j", |_, _| Verdict::Keep).unwrap());
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
        let journal = ready(Journal::open(&folder, "j", |_, _| Verdict::Keep).unwrap());
        assert!(matches!(Journal::open(&folder, "j", |_, _| Verdict::Keep).unwrap(), Opened::Busy));
        drop(journal);
        std::fs::remove_dir_all(folder.path()).unwrap();
    }

    #[test]
    fn a_file_that_is_refused_keeps_every_byte() {
        let folder = scratch("refused");
        for text in [&b"notes\nof mine"[..], b"torn notes", b"\xff\xfe\n"] {
            std::fs::write(folder.path().join("j"), text).unwrap();
            assert!(matches!(Journal::open(&folder, "j", |_, _| Verdict::Refuse).unwrap(), Opened::Refused));
            assert_eq!(std::fs::read(folder.path().join("j")).unwrap(), text);
        }
        std::fs::remove_dir_all(folder.path()).unwrap();
    }
}
