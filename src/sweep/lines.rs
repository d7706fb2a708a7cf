//! A file of rows, one a line, of which only the places are in memory.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use crate::report::sweep::PointResult;

/// Where each row of an open file stands.
#[derive(Debug)]
pub(super) struct Lines {
    file: File,
    /// Start and length of each row.
    rows: Vec<(u64, usize)>,
}

impl Lines {
    /// Reads the rows behind the first `skip` bytes of a file; a last line that is torn is none. `point` is told the number of
    /// a row and says of which point it must be.
    ///
    /// # Errors
    ///
    /// If the file cannot be read; inside, with the number of the row from 0 and why, if a line is not the row of its point.
    pub(super) fn scan(
        file: File,
        skip: u64,
        point: impl Fn(u64) -> u64,
    ) -> io::Result<Result<Lines, (usize, String)>> {
        let (mut reader, mut rows, mut bytes, mut start) = (BufReader::new(&file), Vec::new(), Vec::new(), skip);
        reader.seek(SeekFrom::Start(skip))?;
        loop {
            bytes.clear();
            let length = reader.read_until(b'\n', &mut bytes)?;
            let Some(text) = bytes.strip_suffix(b"\n") else { return Ok(Ok(Lines { file, rows })) };
            if let Err(why) = is_row(text, point(rows.len() as u64)) {
                return Ok(Err((rows.len(), why)));
            }
            rows.push((start, text.len()));
            start += length as u64;
        }
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Reads a row again, by its number.
    pub(super) fn row(&mut self, index: usize) -> io::Result<String> {
        let (start, length) = self.rows[index];
        let mut bytes = vec![0; length];
        self.file.seek(SeekFrom::Start(start))?;
        self.file.read_exact(&mut bytes)?;
        String::from_utf8(bytes).map_err(io::Error::other)
    }
}

fn is_row(text: &[u8], point: u64) -> Result<(), String> {
    let text = std::str::from_utf8(text).map_err(|error| error.to_string())?;
    match PointResult::parse(text) {
        Err(error) => Err(error.to_string()),
        Ok(row) if row.point != point => Err(format!("expected point {point}, found point {}", row.point)),
        Ok(_) => Ok(()),
    }
}
