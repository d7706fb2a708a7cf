//! The files of a finished sweep, made from its manifest and its rows and from nothing else: so a sweep that was
//! interrupted, or run in shards, leaves the bytes of one that was not.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use super::Rows;
use crate::report::picture::sweep::{Swept, refusal};
use crate::report::sink::{Folder, SinkError};
use crate::report::sweep::{Manifest, PointResult, csv, manifest_json};

/// Writes `sweep.jsonl`, `sweep.csv`, `sweep.parquet` (feature `parquet`), the picture if there is one of such a sweep,
/// and last `manifest.json`: where it stands, all others do.
///
/// # Errors
///
/// If a row cannot be read or a file not be written.
pub fn write_files(folder: &Folder, manifest: &Manifest, rows: &mut dyn Rows) -> Result<(), SinkError> {
    folder.write_with("sweep.jsonl", |file| write_lines(file, manifest, rows))?;
    folder.write_with("sweep.csv", |file| write_csv(file, manifest, rows))?;
    #[cfg(feature = "parquet")]
    folder.write_with("sweep.parquet", |file| write_parquet(file, manifest, rows))?;
    write_picture(folder, manifest, rows)?;
    folder.write("manifest.json", manifest_json(manifest).as_bytes())
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

fn write_picture(folder: &Folder, manifest: &Manifest, rows: &mut dyn Rows) -> Result<(), SinkError> {
    if refusal(manifest).is_some() {
        return Ok(());
    }
    let mut swept = Swept::new(manifest);
    let gathered = gather(&mut swept, manifest, rows);
    folder.write_with("sweep.svg", |file| {
        gathered?;
        file.write_all(swept.svg().as_bytes())
    })?;
    #[cfg(feature = "png")]
    folder.write_with("sweep.png", |file| file.write_all(&swept.png().map_err(io::Error::other)?))?;
    Ok(())
}

fn gather(swept: &mut Swept, manifest: &Manifest, rows: &mut dyn Rows) -> io::Result<()> {
    for point in 0..manifest.points {
        swept.take(&PointResult::parse(&rows.row(point)?)?);
    }
    Ok(())
}
