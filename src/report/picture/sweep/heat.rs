//! Two axes: a cell for each point, darker where the mean is larger. A cell in which nothing was lost says below what the
//! mean is known to lie.

use super::super::palette::{FAINT_TEXT, Ink, PAPER, TEXT};
use super::super::scene::{Anchor, Frame, SIZE, Scene, text_width};
use super::super::{MARGIN, WIDTH};
use super::{Found, PANELS, Place, Swept};
use crate::report::number::short;

const TOP: f64 = 132.0;
const GAP: f64 = 70.0;
const CELL: (f64, f64) = (16.0, 54.0);
/// A cell whose metric never happened.
const NEVER: Ink = Ink(225, 225, 225);
const BAR: f64 = 16.0;

/// Adds both panels side by side, each with its scale below.
pub(super) fn add(scene: &mut Scene, swept: &Swept) {
    scene.styled_text((MARGIN, 74.0), &(swept.basis() + "; means"), SIZE, Anchor::Start, FAINT_TEXT);
    let (rows, columns) = (places(swept, 0), places(swept, 1));
    let names = rows.iter().map(|place| text_width(&place.text, SIZE)).fold(0.0, f64::max) + 14.0;
    let width = (f64::from(WIDTH) - 2.0 * MARGIN - GAP) / 2.0;
    let height = (560.0 / rows.len() as f64).clamp(CELL.0, CELL.1) * rows.len() as f64;
    for (panel, left) in [MARGIN, MARGIN + width + GAP].into_iter().enumerate() {
        let frame = Frame { left: left + names, top: TOP, right: left + width, bottom: TOP + height };
        scene.text((left, frame.top - 22.0), PANELS[panel].1, Anchor::Start);
        add_rows(scene, &rows, frame);
        add_columns(scene, &columns, frame);
        scene.styled_text((frame.left, frame.bottom + 42.0), &legend(swept), SIZE, Anchor::Start, FAINT_TEXT);
        add_cells(scene, swept, (panel, columns.len()), frame);
    }
    scene.height = (TOP + height + 128.0) as u32;
}

fn legend(swept: &Swept) -> String {
    format!("down: {}, across: {}", swept.axes[0].label(), swept.axes[1].label())
}

/// The values of an axis in the order in which they first occur.
fn places(swept: &Swept, axis: usize) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for spot in &swept.spots {
        if !places.contains(&spot.places[axis]) {
            places.push(spot.places[axis].clone());
        }
    }
    places
}

fn add_rows(scene: &mut Scene, rows: &[Place], frame: Frame) {
    let height = (frame.bottom - frame.top) / rows.len() as f64;
    for (index, place) in rows.iter().enumerate() {
        let y = frame.top + height * (index as f64 + 0.5);
        scene.styled_text((frame.left - 8.0, y), &place.text, SIZE, Anchor::End, TEXT);
    }
}

fn add_columns(scene: &mut Scene, columns: &[Place], frame: Frame) {
    let width = (frame.right - frame.left) / columns.len() as f64;
    let mut free_from = f64::NEG_INFINITY;
    for (index, place) in columns.iter().enumerate() {
        let (x, half) = (frame.left + width * (index as f64 + 0.5), text_width(&place.text, SIZE) / 2.0);
        if x - half > free_from {
            scene.styled_text((x, frame.bottom + 18.0), &place.text, SIZE, Anchor::Middle, TEXT);
            free_from = x + half + 8.0;
        }
    }
}

fn add_cells(scene: &mut Scene, swept: &Swept, (panel, n_columns): (usize, usize), frame: Frame) {
    let found: Vec<Option<Found>> = swept.spots.iter().map(|spot| spot.found[panel]).collect();
    let n_rows = found.len().div_ceil(n_columns);
    let (width, height) = ((frame.right - frame.left) / n_columns as f64, (frame.bottom - frame.top) / n_rows as f64);
    let means = || found.iter().flatten().map(|found| found.mean);
    let (least, most) = (means().fold(f64::INFINITY, f64::min), means().fold(0.0, f64::max));
    // What is lost is measured from nothing, what it costs from the least; but no small difference looks like a large one.
    let from = if panel == 0 { 0.0 } else { least.min(most * 0.8) };
    let shade = |mean: f64| if most > from { (mean - from) / (most - from) } else { 0.0 };
    for (index, found) in found.iter().enumerate() {
        let (row, column) = ((index / n_columns) as f64, (index % n_columns) as f64);
        let (left, top) = (frame.left + width * column, frame.top + height * row);
        let cell = Frame { left, top, right: left + width, bottom: top + height };
        add_cell(scene, cell, found.map(|found| (words(&found), shade(found.mean))), PANELS[panel].2);
    }
    add_scale(scene, frame, (from, most), PANELS[panel].2);
}

/// A mean of nothing carries its bound.
fn words(found: &Found) -> String {
    if found.mean > 0.0 { short(found.mean) } else { format!("< {}", short(found.ci95.1)) }
}

fn add_cell(scene: &mut Scene, cell: Frame, found: Option<(String, f64)>, hue: Ink) {
    let Some((words, shade)) = found else { return scene.area(cell, NEVER) };
    scene.area(cell, mixed(hue, shade));
    let room = cell.right - cell.left;
    let size = (SIZE * room * 0.9 / text_width(&words, SIZE)).min(SIZE).min(cell.bottom - cell.top);
    if size >= 11.0 {
        let ink = if shade > 0.5 { PAPER } else { TEXT };
        scene.styled_text(((cell.left + cell.right) / 2.0, cell.middle()), &words, size, Anchor::Middle, ink);
    }
}

/// From nearly white to the hue.
fn mixed(hue: Ink, shade: f64) -> Ink {
    let channel = |dark: u8| (246.0 + (f64::from(dark) - 246.0) * shade.clamp(0.0, 1.0)).round() as u8;
    Ink(channel(hue.0), channel(hue.1), channel(hue.2))
}

/// What the shades mean.
fn add_scale(scene: &mut Scene, frame: Frame, (from, to): (f64, f64), hue: Ink) {
    const STEPS: usize = 64;
    let (top, width) = (frame.bottom + 66.0, 260.0);
    for step in 0..STEPS {
        let at = |step: usize| frame.left + width * step as f64 / STEPS as f64;
        let bar = Frame { left: at(step), top, right: at(step + 1), bottom: top + BAR };
        scene.area(bar, mixed(hue, step as f64 / (STEPS - 1) as f64));
    }
    let y = top + BAR / 2.0;
    let end = frame.left + width + 10.0;
    scene.styled_text((end, y), &format!("{} to {}", short(from), short(to)), SIZE, Anchor::Start, FAINT_TEXT);
}
