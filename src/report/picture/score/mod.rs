//! The score as a picture: what was predicted and what was measured, scenario by scenario, and where in the predictive
//! distributions the measured runs fall.

mod bands;
mod pit;

use super::axis::Axis;
use super::draw;
use super::palette::{EXPOSED, FAINT_TEXT, LISTENING, PARTLY_ROUTED, ROUTED, STRIPE, TEXT};
use super::scene::{Anchor, Frame, SIZE, Scene, text_width};
use super::{MARGIN, WIDTH};
use crate::report::{count, percent};

#[cfg(feature = "png")]
use super::{PictureError, png};

/// What the picture shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// Replications behind each predictive distribution.
    pub replications: u64,
    /// The names of the scenarios, one row each.
    pub scenarios: Vec<String>,
    /// The metrics, one column each.
    pub columns: Vec<ScoreColumn>,
}

/// One metric.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreColumn {
    /// What is counted: `requests failed`.
    pub title: String,
    /// The unit of the axis.
    pub unit: String,
    /// A row for each scenario; none where the metric is not scored.
    pub rows: Vec<Option<ScoreRow>>,
    /// Where the observed runs fall in their predictive distributions, 0 to 1.
    pub pits: Vec<f64>,
}

/// A predictive distribution and the runs observed.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreRow {
    /// The central 90 % band.
    pub band90: (f64, f64),
    /// The central 50 % band.
    pub band50: (f64, f64),
    /// The median.
    pub median: f64,
    /// What was measured, run by run.
    pub observed: Vec<f64>,
}

impl ScoreRow {
    fn holds(&self, value: f64) -> bool {
        (self.band90.0..=self.band90.1).contains(&value)
    }

    /// The largest value in the row.
    fn most(&self) -> f64 {
        self.observed.iter().copied().fold(self.band90.1, f64::max)
    }
}

impl ScoreColumn {
    fn observed(&self) -> usize {
        self.rows.iter().flatten().map(|row| row.observed.len()).sum()
    }

    fn held(&self) -> usize {
        let in_row = |row: &ScoreRow| row.observed.iter().filter(|value| row.holds(**value)).count();
        self.rows.iter().flatten().map(in_row).sum()
    }
}

const TITLE_SIZE: f64 = 27.0;
const ROW: f64 = 24.0;
/// From the end of the rows to the end of their axis with its caption.
const BELOW_ROWS: f64 = 62.0;
const GAP: f64 = 48.0;

/// The score as SVG.
pub fn score_svg(score: &Score) -> String {
    draw::svg(&lay_out(score))
}

/// The score as the bytes of a PNG file.
///
/// # Errors
///
/// If plotters or the encoder fail, which valid numbers do not cause.
#[cfg(feature = "png")]
pub fn score_png(score: &Score) -> Result<Vec<u8>, PictureError> {
    png::png(&lay_out(score))
}

fn lay_out(score: &Score) -> Scene {
    let mut scene = Scene::new(WIDTH);
    add_heading(&mut scene, score);
    let top = 148.0;
    let bottom = top + ROW * score.scenarios.len() as f64;
    let left = add_names(&mut scene, score, top);
    let width = (f64::from(WIDTH) - MARGIN - left) / score.columns.len().max(1) as f64;
    for (index, column) in score.columns.iter().enumerate() {
        let left = left + width * index as f64;
        let frame = Frame { left, top, right: left + width - GAP, bottom };
        bands::add(&mut scene, column, frame);
        pit::add(&mut scene, column, Frame { top: bottom + BELOW_ROWS, bottom: bottom + BELOW_ROWS + 190.0, ..frame });
    }
    scene.height = (bottom + BELOW_ROWS + 190.0 + 56.0) as u32;
    scene
}

fn add_heading(scene: &mut Scene, score: &Score) {
    let title = title(score);
    let room = f64::from(WIDTH) - 2.0 * MARGIN;
    let size = TITLE_SIZE.min(TITLE_SIZE * room / text_width(&title, TITLE_SIZE)).max(SIZE);
    scene.styled_text((MARGIN, 34.0), &title, size, Anchor::Start, TEXT);
    add_legend(scene, score.replications, 78.0);
}

/// "52 measured rollouts of 28 scenarios: the 90 % bands hold 92 % of 52 requests failed, …".
fn title(score: &Score) -> String {
    let runs = score.columns.iter().map(ScoreColumn::observed).max().unwrap_or(0);
    let share = |column: &ScoreColumn| {
        let (held, of) = (column.held(), column.observed());
        let share = if of == 0 { "none".to_owned() } else { percent(held as f64 / of as f64) };
        format!("{} {share} (n = {of})", column.title)
    };
    let shares: Vec<String> = score.columns.iter().map(share).collect();
    let head = format!("{runs} measured rollouts of {} scenarios, inside their 90 % bands", score.scenarios.len());
    format!("{head}: {}", shares.join(", "))
}

/// The marks with what they mean.
fn add_legend(scene: &mut Scene, replications: u64, y: f64) {
    let replications = count(replications as f64);
    let mut x = MARGIN;
    for (index, words) in [
        format!("90 % of {replications} replications"),
        "50 %".to_owned(),
        "median".to_owned(),
        "measured run".to_owned(),
        "measured run outside the 90 %".to_owned(),
        "goes on beyond the axis".to_owned(),
    ]
    .iter()
    .enumerate()
    {
        add_swatch(scene, index, (x, y));
        scene.text((x + 36.0, y), words, Anchor::Start);
        x += 36.0 + text_width(words, SIZE) + 18.0;
    }
}

fn add_swatch(scene: &mut Scene, index: usize, (x, y): (f64, f64)) {
    let bar = |half: f64| Frame { left: x, top: y - half, right: x + 28.0, bottom: y + half };
    match index {
        0 => scene.area(bar(bands::THIN), ROUTED),
        1 => scene.area(bar(bands::THICK), PARTLY_ROUTED),
        2 => scene.area(Frame { left: x + 13.0, right: x + 16.0, ..bar(bands::TICK) }, TEXT),
        3 => bands::dot(scene, (x + 14.0, y), true),
        4 => bands::dot(scene, (x + 14.0, y), false),
        _ => bands::arrow(scene, (x + 22.0, y), ROUTED),
    }
}

/// The scenarios' names and a stripe behind every other row; returns where the columns begin.
fn add_names(scene: &mut Scene, score: &Score, top: f64) -> f64 {
    let widest = score.scenarios.iter().map(|name| text_width(name, SIZE)).fold(0.0, f64::max);
    for (index, name) in score.scenarios.iter().enumerate() {
        let top = top + ROW * index as f64;
        if index % 2 == 0 {
            scene.area(Frame { left: MARGIN - 6.0, top, right: f64::from(WIDTH) - MARGIN, bottom: top + ROW }, STRIPE);
        }
        scene.text((MARGIN, top + ROW / 2.0), name, Anchor::Start);
    }
    MARGIN + widest + 16.0
}

/// The head of a column.
fn add_column_title(scene: &mut Scene, frame: Frame, text: &str) {
    scene.text((frame.left, frame.top - 16.0), text, Anchor::Start);
}

/// A remark below the head of a histogram.
fn add_remark(scene: &mut Scene, at: (f64, f64), text: &str) {
    scene.styled_text(at, text, SIZE, Anchor::Start, FAINT_TEXT);
}

#[cfg(test)]
mod tests;
