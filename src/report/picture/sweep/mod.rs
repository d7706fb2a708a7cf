//! A sweep as a picture: over one axis lines with bands, over two a heat map, over more, or where points are laid at random, dots
//! over each axis; each with what is lost and, beside it, what it costs in time.
//!
//! However many points there are, a picture stays of a size that viewers open: a line has a few corners for each pixel, a
//! heat map of too many cells and too many dots become squares that are darker the more points lie in them.

mod density;
mod heat;
mod labels;
mod line;
mod scatter;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

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
/// Values that are no numbers each have a place of their own along a single axis.
const MOST_NAMES: u64 = 1_000;

/// Why there is no picture of such a sweep; nothing if there is one.
pub fn refusal(manifest: &Manifest) -> Option<&'static str> {
    match manifest.axes.len() {
        _ if manifest.points < 2 => Some("a single point"),
        axes if axes > MOST_AXES => Some("more than 24 axes"),
        1 if manifest.points > MOST_NAMES && number_column(&manifest.axes[0]).is_none() => {
            Some("more than 1,000 values that are no numbers")
        }
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
    axes: Vec<SweptAxis>,
    spots: Vec<Spot>,
    /// Laid out once for all formats.
    scene: OnceLock<Scene>,
}

/// An axis with the values that occur on it.
#[derive(Debug, Clone, PartialEq)]
struct SweptAxis {
    head: AxisHead,
    /// In the order in which they first occur.
    places: Vec<Place>,
    /// Which place has a text.
    index: BTreeMap<Arc<str>, usize>,
}

/// One point: where it stands and what was found there.
#[derive(Debug, Clone, PartialEq)]
struct Spot {
    replications: usize,
    /// By axis, one of its places.
    places: Vec<usize>,
    /// One for each panel; none if the metric happened in no replication.
    found: [Option<Found>; PANELS.len()],
}

/// A value of an axis.
#[derive(Debug, Clone, PartialEq)]
struct Place {
    text: Arc<str>,
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
            axes: manifest.axes.iter().map(SweptAxis::new).collect(),
            spots: Vec::new(),
            scene: OnceLock::new(),
        }
    }

    /// Adds a point.
    pub fn take(&mut self, row: &PointResult) {
        self.scene = OnceLock::new();
        let found = |metric: Metric| row.metrics.get(metric.name()).and_then(Option::as_ref).map(Found::of);
        let places = self.axes.iter_mut().map(|axis| axis.take(row)).collect();
        self.spots.push(Spot {
            replications: row.replications,
            places,
            found: PANELS.map(|(metric, ..)| found(metric)),
        });
    }

    /// The picture as SVG.
    pub fn svg(&self) -> String {
        draw::svg(self.scene())
    }

    /// The picture as the bytes of a PNG file.
    ///
    /// # Errors
    ///
    /// If plotters or the encoder fail, which valid numbers do not cause.
    #[cfg(feature = "png")]
    pub fn png(&self) -> Result<Vec<u8>, PictureError> {
        png::png(self.scene())
    }

    fn scene(&self) -> &Scene {
        self.scene.get_or_init(|| self.lay_out())
    }

    fn lay_out(&self) -> Scene {
        let mut scene = Scene::new(WIDTH);
        let labels: Vec<String> = self.axes.iter().map(|axis| axis.head.label()).collect();
        let over = if labels.len() > 3 { format!("{} axes", labels.len()) } else { labels.join(" and ") };
        add_title(&mut scene, &format!("{} over {over}", self.title));
        match self.axes.len() {
            1 if self.axes[0].places.len() == self.spots.len() => line::add(&mut scene, self),
            2 if heat::shows(self) => heat::add(&mut scene, self),
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
        let s = if n == "1" { "" } else { "s" };
        format!("{n} replication{s} of each of {} points, seed {}", count(self.spots.len() as f64), self.seed)
    }
}

impl SweptAxis {
    fn new(head: &AxisHead) -> SweptAxis {
        SweptAxis { head: head.clone(), places: Vec::new(), index: BTreeMap::new() }
    }

    /// The place of a point, which is made if none has stood there.
    fn take(&mut self, row: &PointResult) -> usize {
        let value = |column: Option<&String>| column.and_then(|column| row.axes.get(column));
        let text = value(self.head.keys.first()).map(|value| value.text()).unwrap_or_default();
        if let Some(place) = self.index.get(text.as_str()) {
            return *place;
        }
        let text: Arc<str> = text.into();
        let number = value(number_column(&self.head)).and_then(|value| value.number());
        self.places.push(Place { text: text.clone(), number });
        self.index.insert(text, self.places.len() - 1);
        self.places.len() - 1
    }

    /// What is written below or beside the values.
    fn caption(&self) -> String {
        self.head.label() + if self.head.log { " (logarithmic)" } else { "" }
    }
}

/// The column with the numbers of the first key, which speaks for all that are zipped with it; none if its values are no
/// numbers. A quantity has its text first and its number beside it; the columns of the next key follow.
fn number_column(axis: &AxisHead) -> Option<&String> {
    let own = axis.columns.iter().take_while(|column| Some(*column) != axis.keys.get(1));
    own.into_iter().find(|column| axis.numbers.contains(column))
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
    scene.styled_text((MARGIN, 34.0), &labels::fitted(title, size, room + 1.0), size, Anchor::Start, TEXT);
}
