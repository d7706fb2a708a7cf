//! `sweep.csv`: a row for each point, written as the rows come. Numbers that need not be whole have a fraction in every row.

use std::io::{self, Write};

use super::{Cell, Manifest, PointResult, cells, columns};

/// Writes rows to `out`, the head first.
pub struct Writer<W: Write>(::csv::Writer<W>);

impl<W: Write> std::fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Writer")
    }
}

impl<W: Write> Writer<W> {
    /// Begins a table.
    ///
    /// # Errors
    ///
    /// If `out` fails.
    pub fn new(out: W, manifest: &Manifest) -> io::Result<Self> {
        let mut writer = ::csv::Writer::from_writer(out);
        writer.write_record(columns(manifest).iter().map(|column| &column.name))?;
        Ok(Writer(writer))
    }

    /// Adds a row.
    ///
    /// # Errors
    ///
    /// If `out` fails.
    pub fn row(&mut self, row: &PointResult) -> io::Result<()> {
        Ok(self.0.write_record(cells(row).iter().map(cell_text))?)
    }

    /// Writes what is left and gives `out` back.
    ///
    /// # Errors
    ///
    /// If `out` fails.
    pub fn finish(self) -> io::Result<W> {
        self.0.into_inner().map_err(|error| error.into_error())
    }
}

/// The whole table as text.
///
/// # Errors
///
/// Memory does not fail.
pub fn text(manifest: &Manifest, rows: &[PointResult]) -> io::Result<String> {
    let mut table = Writer::new(Vec::new(), manifest)?;
    rows.iter().try_for_each(|row| table.row(row))?;
    String::from_utf8(table.finish()?).map_err(io::Error::other)
}

fn cell_text(cell: &Cell) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Whole(value) => value.to_string(),
        Cell::Number(value) => with_fraction(*value),
        Cell::Text(text) => text.clone(),
    }
}

/// The shortest text that reads back the same and is seen to be no whole number: `0.0`.
fn with_fraction(value: f64) -> String {
    let text = (value + 0.0).to_string();
    if text.contains('.') { text } else { text + ".0" }
}
