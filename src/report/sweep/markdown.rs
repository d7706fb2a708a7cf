//! A sweep as Markdown, for a pull request: the rows of the table for terminals.

use super::{Manifest, PointResult, table};
use crate::report::markdown::pipes;
use crate::report::rows::{SINGLY, SINGLY_NOTE};

/// The rows, of which there are `manifest.points` in all.
pub fn render(manifest: &Manifest, rows: &[PointResult]) -> String {
    let body = rows.iter().take(table::MOST).map(|row| table::line(manifest, row)).collect();
    let mut text = format!("{}\n\n{}", table::headline(manifest, rows), pipes(&table::header(manifest), body));
    if text.contains(SINGLY) {
        text += &format!("\n{SINGLY_NOTE}");
    }
    text + &table::more(manifest, rows).map_or(String::new(), |more| format!("\n{more}\n"))
}
