//! Draws a scene with plotters: as SVG with text as text, or (feature `png`) as pixels.

use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::element::{Polygon, Rectangle};
use plotters::prelude::{DrawingBackend, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontDesc, FontFamily, FontStyle, RGBColor, TextStyle};

use super::palette::{Ink, PAPER};
use super::scene::{Anchor, Scene, Shape};

/// What differs between the ways to draw.
#[derive(Debug, Clone, Copy)]
pub(super) struct Medium {
    /// Pixels for each pixel of the scene.
    pub(super) scale: f64,
    /// plotters' font size for a text of size 1.
    pub(super) font: f64,
    /// How far down a text of size 1 must move to stand in the middle.
    pub(super) sink: f64,
}

/// plotters divides the font size by 1.24 for SVG; viewers align text by themselves.
const SVG: Medium = Medium { scale: 1.0, font: 1.24, sink: 0.0 };

type Area<DB> = DrawingArea<DB, Shift>;
type Drawn<DB> = Result<(), DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

/// The scene as SVG.
pub(super) fn svg(scene: &Scene) -> String {
    let mut text = String::new();
    let backend = SVGBackend::with_string(&mut text, (scene.width, scene.height));
    draw(backend, scene, SVG).expect("drawing into a string does not fail");
    text
}

/// Draws all shapes of `scene`.
pub(super) fn draw<DB: DrawingBackend>(backend: DB, scene: &Scene, medium: Medium) -> Drawn<DB> {
    let area = backend.into_drawing_area();
    area.fill(&colour(PAPER))?;
    for shape in &scene.shapes {
        draw_shape(&area, shape, medium)?;
    }
    area.present()
}

fn draw_shape<DB: DrawingBackend>(area: &Area<DB>, shape: &Shape, medium: Medium) -> Drawn<DB> {
    let place = |(x, y): (f64, f64)| (pixel(x, medium), pixel(y, medium));
    match shape {
        Shape::Area { from, to, ink } => area.draw(&Rectangle::new([place(*from), place(*to)], colour(*ink).filled())),
        Shape::Polygon { points, ink } => {
            area.draw(&Polygon::new(points.iter().map(|&point| place(point)).collect::<Vec<_>>(), colour(*ink)))
        }
        Shape::Text { at, text, size, anchor, ink } => {
            let style = text_style(*size, *anchor, *ink, medium);
            area.draw_text(text, &style, place((at.0, at.1 + size * medium.sink)))
        }
    }
}

fn text_style(size: f64, anchor: Anchor, ink: Ink, medium: Medium) -> TextStyle<'static> {
    let font = FontDesc::new(FontFamily::SansSerif, size * medium.font * medium.scale, FontStyle::Normal);
    let horizontal = match anchor {
        Anchor::Start => HPos::Left,
        Anchor::Middle => HPos::Center,
        Anchor::End => HPos::Right,
    };
    font.color(&colour(ink)).pos(Pos::new(horizontal, VPos::Center))
}

fn pixel(value: f64, medium: Medium) -> i32 {
    (value * medium.scale).round() as i32
}

fn colour(ink: Ink) -> RGBColor {
    RGBColor(ink.0, ink.1, ink.2)
}
