//! Two axes: a cell for each point, darker where the mean is larger. A cell in which nothing was lost says below what the
//! mean is known to lie.

use super::super::palette::{FAINT_TEXT, Ink, TEXT};
use super::super::scene::{Anchor, Frame, SIZE, Scene, text_width};
use super::super::{MARGIN, WIDTH};
use super::labels::{LINE, Labels, fitted, lines};
use super::{Found, PANELS, Place, Swept};
use crate::report::number::short;

const TOP: f64 = 132.0;
const GAP: f64 = 70.0;
const CELL: (f64, f64) = (16.0, 54.0);
/// The longest room of the values at the left.
const NAMES: f64 = 240.0;
/// Cells become narrower than the least above rather than that a panel becomes higher.
const HIGHEST: f64 = 960.0;
/// A cell has two pixels at least, down and across.
const MOST_ROWS: usize = 480;
const MOST_COLUMNS: usize = 240;
/// A cell whose metric never happened.
const NEVER: Ink = Ink(225, 225, 225);
/// A cell with the least value.
const LEAST: Ink = Ink(246, 246, 246);
const BAR: f64 = 16.0;
/// The smallest text in a cell.
const SMALL: f64 = 11.0;

/// Whether there is a cell for each point, and not too many of them.
pub(super) fn shows(swept: &Swept) -> bool {
    swept.is_grid && swept.axes[0].places.len() <= MOST_ROWS && swept.axes[1].places.len() <= MOST_COLUMNS
}

/// Adds both panels side by side, each with its scale below.
pub(super) fn add(scene: &mut Scene, swept: &Swept) {
    scene.styled_text((MARGIN, 74.0), &(swept.basis() + "; means"), SIZE, Anchor::Start, FAINT_TEXT);
    let (rows, columns) = (&swept.axes[0].places, &swept.axes[1].places);
    let n_rows = rows.len() as f64;
    let height = ((560.0 / n_rows).clamp(CELL.0, CELL.1) * n_rows).min(HIGHEST);
    let rows = row_names(rows, height / n_rows);
    let names = rows.iter().flatten().map(|line| text_width(line, SIZE)).fold(0.0, f64::max) + 14.0;
    let width = (f64::from(WIDTH) - 2.0 * MARGIN - GAP) / 2.0;
    let mut below = 0.0;
    for (panel, left) in [MARGIN, MARGIN + width + GAP].into_iter().enumerate() {
        let frame = Frame { left: left + names, top: TOP, right: left + width, bottom: TOP + height };
        scene.text((left, frame.top - 22.0), PANELS[panel].1, Anchor::Start);
        add_rows(scene, &rows, frame);
        let labels = column_labels(columns, left, frame);
        labels.add(scene, frame, (false, TEXT));
        let y = add_legend(scene, swept, left, Frame { bottom: frame.bottom + labels.drop(), ..frame });
        let shades = add_cells(scene, swept, panel, frame);
        add_scale(scene, (frame.left, y), shades, PANELS[panel].2);
        below = y - frame.bottom;
    }
    scene.height = (TOP + height + below + 62.0) as u32;
}

/// The names of the rows, on as many lines as rows of this height have room for.
fn row_names(rows: &[Place], height: f64) -> Vec<Vec<String>> {
    let texts: Vec<&str> = rows.iter().map(|place| &*place.text).collect();
    lines(&texts, NAMES - 14.0, (height / LINE) as usize)
}

/// Names beside the rows; where rows are lower than names, some are left out.
fn add_rows(scene: &mut Scene, rows: &[Vec<String>], frame: Frame) {
    let height = (frame.bottom - frame.top) / rows.len() as f64;
    let mut free_from = f64::NEG_INFINITY;
    for (index, lines) in rows.iter().enumerate() {
        let first = frame.top + height * (index as f64 + 0.5) - LINE * (lines.len() - 1) as f64 / 2.0;
        if first < free_from {
            continue;
        }
        for (line, text) in lines.iter().enumerate() {
            let y = first + LINE * line as f64;
            scene.styled_text((frame.left - 8.0, y), text, SIZE, Anchor::End, TEXT);
            free_from = y + CELL.0;
        }
    }
}

fn column_labels(columns: &[Place], left: f64, frame: Frame) -> Labels {
    let width = (frame.right - frame.left) / columns.len() as f64;
    let at = |index: usize| frame.left + width * (index as f64 + 0.5);
    let values: Vec<(f64, &str)> = columns.iter().enumerate().map(|(index, place)| (at(index), &*place.text)).collect();
    Labels::below(&values, (left, frame.right + MARGIN - 4.0))
}

/// Which axis goes where, on one line or two; returns where the scale begins below it.
fn add_legend(scene: &mut Scene, swept: &Swept, left: f64, frame: Frame) -> f64 {
    let [down, across] = [0, 1].map(|axis| swept.axes[axis].head.label());
    let (short, long) =
        (format!("down: {down}, across: {across}"), [format!("down: {down}"), format!("across: {across}")]);
    let width = text_width(&short, SIZE);
    let (left, lines): (f64, &[String]) = match () {
        () if width <= frame.right - frame.left => (frame.left, &[short]),
        () if width <= frame.right - left => (left, &[short]),
        () => (left, &long),
    };
    for (index, line) in lines.iter().enumerate() {
        let (y, text) = (frame.bottom + 42.0 + LINE * index as f64, fitted(line, SIZE, frame.right - left));
        scene.styled_text((left, y), &text, SIZE, Anchor::Start, FAINT_TEXT);
    }
    frame.bottom + 66.0 + LINE * (lines.len() - 1) as f64
}

/// What the shades of a panel mean.
#[derive(Debug, Clone, Copy)]
struct Shades {
    least: f64,
    most: f64,
    /// The largest bound of a mean of nothing that is not written into its cell.
    hidden: Option<f64>,
}

impl Shades {
    /// What is lost is measured from nothing, what it costs from the least; but no small difference looks like a large one.
    fn of(found: &[Option<Found>], panel: usize) -> Shades {
        let means = || found.iter().flatten().map(|found| found.mean);
        let (least, most) = (means().fold(f64::INFINITY, f64::min), means().fold(0.0, f64::max));
        Shades { least: if panel == 0 { 0.0 } else { least.min(most * 0.8) }, most, hidden: None }
    }

    fn shade(self, mean: f64) -> f64 {
        if self.most > self.least { (mean - self.least) / (self.most - self.least) } else { 0.0 }
    }
}

/// A rectangle, and what is written in it in which size and ink.
struct Cell {
    row: usize,
    frame: Frame,
    ink: Ink,
    words: Option<(String, f64, Ink)>,
}

fn add_cells(scene: &mut Scene, swept: &Swept, panel: usize, frame: Frame) -> Shades {
    let found: Vec<Option<Found>> = swept.spots.iter().map(|spot| spot.found[panel]).collect();
    let mut shades = Shades::of(&found, panel);
    let (n_rows, n_columns) = (swept.axes[0].places.len(), swept.axes[1].places.len());
    let (width, height) = ((frame.right - frame.left) / n_columns as f64, (frame.bottom - frame.top) / n_rows as f64);
    let cells: Vec<Cell> = found
        .iter()
        .enumerate()
        .map(|(index, found)| {
            let (row, column) = (index / n_columns, index % n_columns);
            let (left, top) = (frame.left + width * column as f64, frame.top + height * row as f64);
            let frame = Frame { left, top, right: left + width, bottom: top + height };
            cell(row, frame, *found, &mut shades, PANELS[panel].2)
        })
        .collect();
    // Neighbours that look the same are one rectangle: so a picture of many cells stays small.
    for alike in cells.chunk_by(|one, other| {
        one.words.is_none() && other.words.is_none() && (one.row, one.ink) == (other.row, other.ink)
    }) {
        let (first, last) = (&alike[0], &alike[alike.len() - 1]);
        scene.area(Frame { right: last.frame.right, ..first.frame }, first.ink);
        if let Some((words, size, ink)) = &first.words {
            let middle = (first.frame.left + first.frame.right) / 2.0;
            scene.styled_text((middle, first.frame.middle()), words, *size, Anchor::Middle, *ink);
        }
    }
    shades
}

fn cell(row: usize, frame: Frame, found: Option<Found>, shades: &mut Shades, hue: Ink) -> Cell {
    let Some(found) = found else { return Cell { row, frame, ink: NEVER, words: None } };
    let shade = shades.shade(found.mean);
    let behind = LEAST.mixed(hue, shade);
    let ink = behind.text_on();
    let fits = |words: String| Some((size(&words, frame)?, words));
    let words = words(&found).into_iter().find_map(fits).map(|(size, words)| (words, size, ink));
    if words.is_none() && found.mean <= 0.0 {
        shades.hidden = Some(shades.hidden.unwrap_or(0.0).max(found.ci95.1));
    }
    Cell { row, frame, ink: behind, words }
}

/// What a cell says, best first: a mean of nothing carries its bound, in a narrow cell rounded up.
fn words(found: &Found) -> Vec<String> {
    match found.mean {
        mean if mean > 0.0 => vec![short(mean)],
        _ => vec![format!("< {}", short(found.ci95.1)), format!("< {}", short(above(found.ci95.1)))],
    }
}

/// The next value with one significant digit.
fn above(value: f64) -> f64 {
    if value <= 0.0 {
        return value;
    }
    let digit = libm::pow(10.0, libm::floor(libm::log10(value)));
    // A value that has one digit already is itself.
    libm::ceil(value / digit - 1e-9) * digit
}

/// In which size words fit into a cell; none if they would be too small to read.
fn size(words: &str, cell: Frame) -> Option<f64> {
    let room = (cell.right - cell.left) * 0.9;
    let size = (SIZE * room / text_width(words, SIZE)).min(SIZE).min(cell.bottom - cell.top);
    (size >= SMALL).then_some(size)
}

/// What the shades mean, and what cells have no room to say.
fn add_scale(scene: &mut Scene, (left, top): (f64, f64), shades: Shades, hue: Ink) {
    const STEPS: usize = 64;
    let width = 260.0;
    for step in 0..STEPS {
        let at = |step: usize| left + width * step as f64 / STEPS as f64;
        let bar = Frame { left: at(step), top, right: at(step + 1), bottom: top + BAR };
        scene.area(bar, LEAST.mixed(hue, step as f64 / (STEPS - 1) as f64));
    }
    let ends = format!("{} to {}", short(shades.least), short(shades.most));
    scene.styled_text((left + width + 10.0, top + BAR / 2.0), &ends, SIZE, Anchor::Start, FAINT_TEXT);
    if let Some(bound) = shades.hidden {
        let words = format!("where nothing was lost: < {}", short(bound));
        scene.styled_text((left, top + BAR + 20.0), &words, SIZE, Anchor::Start, FAINT_TEXT);
    }
}
