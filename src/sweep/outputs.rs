//! The files of a finished sweep, made from its manifest and its rows and from nothing else: so a sweep that was
//! interrupted, or run in shards, leaves the bytes of one that was not.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use super::Rows;
use super::lines::Lines;
use crate::report::picture::sweep::{Swept, refusal};
use crate::report::sink::{Folder, SinkError};
use crate::report::sweep::{Manifest, PointResult, csv, manifest_json};

/// The files of a sweep that tell what was found.
const TABLES: &[&str] = &[
    "sweep.jsonl",
    "sweep.csv",
    #[cfg(feature = "parquet")]
    "sweep.parquet",
];

/// All files that a sweep leaves, with whatever features. The manifest goes first and so vouches for nothing while others
/// are replaced.
const ALL: [&str; 6] = [MANIFEST, "sweep.jsonl", "sweep.csv", "sweep.parquet", "sweep.svg", "sweep.png"];

const MANIFEST: &str = "manifest.json";

/// Removes what an earlier sweep left, then writes `sweep.jsonl`, `sweep.csv`, `sweep.parquet` (feature `parquet`), and
/// `manifest.json`: where it stands, all tables are whole and of this sweep. The picture, if there is one of such a sweep,
/// comes behind it: no result is lost with one that cannot be made, and why not is returned.
///
/// # Errors
///
/// If a row cannot be read or a file not be written.
pub fn write_files(folder: &Folder, manifest: &Manifest, rows: &mut dyn Rows) -> Result<Option<String>, SinkError> {
    ALL.iter().try_for_each(|name| folder.remove(name))?;
    folder.write_with("sweep.jsonl", |file| write_lines(file, manifest, rows))?;
    folder.write_with("sweep.csv", |file| write_csv(file, manifest, rows))?;
    #[cfg(feature = "parquet")]
    folder.write_with("sweep.parquet", |file| write_parquet(file, manifest, rows))?;
    folder.write(MANIFEST, manifest_json(manifest).as_bytes())?;
    write_picture(folder, manifest, rows)
}

/// The rows of a sweep whose files are there.
#[derive(Debug)]
pub struct Finished(Lines);

impl Finished {
    /// The rows in a folder that holds the tables of just this sweep; nothing if it does not.
    pub fn find(folder: &Folder, manifest: &Manifest) -> Option<Finished> {
        let found: Manifest = serde_json::from_slice(&std::fs::read(folder.path().join(MANIFEST)).ok()?).ok()?;
        if found != *manifest || !TABLES.iter().all(|name| folder.has(name)) {
            return None;
        }
        let rows = Lines::scan(File::open(folder.path().join("sweep.jsonl")).ok()?, 0, |row| row).ok()?.ok()?;
        (rows.len() as u64 == manifest.points).then_some(Finished(rows))
    }
}

impl Rows for Finished {
    fn row(&mut self, point: u64) -> io::Result<String> {
        self.0.row(point as usize)
    }
}

fn write_lines(file: &mut File, manifest: &Manifest, rows: &mut dyn Rows) -> io::Result<()> {
    let mut out = BufWriter::new(file);
    for point in 0..manifest.points {
        out.write_all(rows.row(point)?.as_bytes())?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

fn write_csv(file: &mut File, manifest: &Manifest, rows: &mut dyn Rows) -> io::Result<()> {
    let mut table = csv::Writer::new(BufWriter::new(file), manifest)?;
    for point in 0..manifest.points {
        table.row(&PointResult::parse(&rows.row(point)?)?)?;
    }
    table.finish()?.flush()
}

#[cfg(feature = "parquet")]
fn write_parquet(file: &mut File, manifest: &Manifest, rows: &mut dyn Rows) -> io::Result<()> {
    use crate::report::sweep::parquet;
    let mut table = parquet::Writer::new(BufWriter::new(file), manifest)?;
    for point in 0..manifest.points {
        table.row(&PointResult::parse(&rows.row(point)?)?)?;
    }
    table.finish()?.flush()
}

/// Says why there is no picture, if none can be made of what was found.
fn write_picture(folder: &Folder, manifest: &Manifest, rows: &mut dyn Rows) -> Result<Option<String>, SinkError> {
    if refusal(manifest).is_some() {
        return Ok(None);
    }
    let mut swept = Swept::new(manifest);
    let gathered = gather(&mut swept, manifest, rows);
    folder.write_with("sweep.svg", |file| {
        gathered?;
        file.write_all(swept.svg().as_bytes())
    })?;
    #[cfg(feature = "png")]
    match swept.png() {
        Ok(bytes) => folder.write("sweep.png", &bytes)?,
        Err(error) => return Ok(Some(error.to_string())),
    }
    Ok(None)
}

fn gather(swept: &mut Swept, manifest: &Manifest, rows: &mut dyn Rows) -> io::Result<()> {
    for point in 0..manifest.points {
        swept.take(&PointResult::parse(&rows.row(point)?)?);
    }
    Ok(())
}
