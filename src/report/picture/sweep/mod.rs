//! A sweep as a picture: over one axis lines with bands, over two a heat map, over more, or where points are laid at random, dots
//! over each axis; each with what is lost and, beside it, what it costs in time.

mod heat;
mod line;
mod scatter;
#[cfg(test)]
mod tests;

use super::palette::{Ink, TEXT};
use super::scene::{Anchor, SIZE, Scene, text_width};
use super::{MARGIN, WIDTH, draw};
use crate::record::Metric;
use crate::report::sweep::{AxisHead, Manifest, PointResult};
use crate::report::{Summary, count};

#[cfg(feature = "png")]
use super::{PictureError, png};

const TITLE_SIZE: f64 = 27.0;

/// What a panel shows: the metric, its name, and the hue of its largest values.
const PANELS: [(Metric, &str, Ink); 2] = [
    (Metric::Failed, "failed requests in a rollout", Ink(8, 48, 107)),
    (Metric::AllTerminatedS, "until the last old pod ended, seconds", Ink(127, 63, 0)),
];

/// A picture has a row for each axis at most.
const MOST_AXES: usize = 24;

/// Why there is no picture of such a sweep; nothing if there is one.
pub fn refusal(manifest: &Manifest) -> Option<&'static str> {
    match manifest.axes.len() {
        _ if manifest.points < 2 => Some("a single point"),
        axes if axes > MOST_AXES => Some("more than 24 axes"),
        _ => None,
    }
}

/// What the picture shows, gathered row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Swept {
    title: String,
    seed: u64,
    /// Every value of an axis meets every value of the others.
    is_grid: bool,
    axes: Vec<AxisHead>,
    spots: Vec<Spot>,
}

/// One point: where it stands and what was found there.
#[derive(Debug, Clone, PartialEq)]
struct Spot {
    replications: usize,
    places: Vec<Place>,
    /// One for each panel; none if the metric happened in no replication.
    found: [Option<Found>; PANELS.len()],
}

/// A value of an axis.
#[derive(Debug, Clone, PartialEq)]
struct Place {
    text: String,
    number: Option<f64>,
}

/// An estimate.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Found {
    mean: f64,
    ci95: (f64, f64),
    middle90: (f64, f64),
}

impl Swept {
    /// A picture without points yet.
    pub fn new(manifest: &Manifest) -> Swept {
        Swept {
            title: manifest.scenario.clone(),
            seed: manifest.seed,
            is_grid: manifest.design == "grid",
            axes: manifest.axes.clone(),
            spots: Vec::new(),
        }
    }

    /// Adds a point.
    pub fn take(&mut self, row: &PointResult) {
        let found = |metric: Metric| row.metrics.get(metric.name()).and_then(Option::as_ref).map(Found::of);
        let places = self.axes.iter().map(|axis| Place::of(axis, row)).collect();
        self.spots.push(Spot {
            replications: row.replications,
            places,
            found: PANELS.map(|(metric, ..)| found(metric)),
        });
    }

    /// The picture as SVG.
    pub fn svg(&self) -> String {
        draw::svg(&self.lay_out())
    }

    /// The picture as the bytes of a PNG file.
    ///
    /// # Errors
    ///
    /// If plotters or the encoder fail, which valid numbers do not cause.
    #[cfg(feature = "png")]
    pub fn png(&self) -> Result<Vec<u8>, PictureError> {
        png::png(&self.lay_out())
    }

    fn lay_out(&self) -> Scene {
        let mut scene = Scene::new(WIDTH);
        let labels: Vec<String> = self.axes.iter().map(AxisHead::label).collect();
        let over = if labels.len() > 3 { format!("{} axes", labels.len()) } else { labels.join(" and ") };
        add_title(&mut scene, &format!("{} over {over}", self.title));
        match self.axes.len() {
            1 => line::add(&mut scene, self),
            2 if self.is_grid => heat::add(&mut scene, self),
            _ => scatter::add(&mut scene, self),
        }
        scene
    }

    /// "500 replications of each of 40 points, seed 1".
    fn basis(&self) -> String {
        let all = self.spots.iter().map(|spot| spot.replications);
        let (least, most) = (all.clone().min().unwrap_or(0), all.max().unwrap_or(0));
        let (low, high) = (count(least as f64), count(most as f64));
        let n = if least == most { high } else { format!("{low} to {high}") };
        format!("{n} replications of each of {} points, seed {}", count(self.spots.len() as f64), self.seed)
    }
}

impl Place {
    fn of(axis: &AxisHead, row: &PointResult) -> Place {
        let value = |name: Option<&String>| name.and_then(|name| row.axes.get(name));
        // A quantity has its text first and its number beside it; the first key speaks for all that are zipped with it.
        let first = axis.keys.first();
        let own = |name: &&String| first.is_some_and(|key| name.starts_with(key.as_str()));
        let text = value(first).map(|value| value.text()).unwrap_or_default();
        Place { text, number: value(axis.numbers.iter().find(own)).and_then(|value| value.number()) }
    }
}

impl Found {
    fn of(summary: &Summary) -> Found {
        let ci95 = summary.ci95.map_or((summary.mean, summary.mean), |interval| (interval.low(), interval.high()));
        Found { mean: summary.mean, ci95, middle90: (summary.p05, summary.p95) }
    }
}

fn add_title(scene: &mut Scene, title: &str) {
    let room = f64::from(WIDTH) - 2.0 * MARGIN;
    let size = TITLE_SIZE.min(TITLE_SIZE * room / text_width(title, TITLE_SIZE)).max(SIZE);
    scene.styled_text((MARGIN, 34.0), title, size, Anchor::Start, TEXT);
}
