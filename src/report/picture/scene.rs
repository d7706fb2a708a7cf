//! A picture before it is drawn: rectangles, polygons and texts in pixels of the SVG.
//!
//! Everything is laid out here, with widths of text estimated from DejaVu Sans (a wide face, so other fonts fit too);
//! so the layout does not depend on the fonts or the features of a build.

use super::palette::{HOOK, HOOK_LINES, Ink, LOST, PAPER, TEXT, mark};
use crate::record::FailureKind;

/// Size of ordinary text, pixels.
pub(super) const SIZE: f64 = 17.0;

/// Which point of a text stands at its place; vertically it is always the middle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// Something to draw; later shapes cover earlier ones.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    /// A filled rectangle.
    Area { from: (f64, f64), to: (f64, f64), ink: Ink },
    /// A filled polygon.
    Polygon { points: Vec<(f64, f64)>, ink: Ink },
    /// A line of text.
    Text { at: (f64, f64), text: String, size: f64, anchor: Anchor, ink: Ink },
}

impl Shape {
    /// The same so many pixels further to the right.
    fn moved(self, by: f64) -> Shape {
        let right = |(x, y): (f64, f64)| (x + by, y);
        match self {
            Shape::Area { from, to, ink } => Shape::Area { from: right(from), to: right(to), ink },
            Shape::Polygon { points, ink } => Shape::Polygon { points: points.into_iter().map(right).collect(), ink },
            Shape::Text { at, text, size, anchor, ink } => Shape::Text { at: right(at), text, size, anchor, ink },
        }
    }
}

/// A rectangle of the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

impl Frame {
    pub(super) fn middle(self) -> f64 {
        (self.top + self.bottom) / 2.0
    }
}

/// All shapes of a picture.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scene {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) shapes: Vec<Shape>,
}

impl Scene {
    pub(super) fn new(width: u32) -> Self {
        Scene { width, height: 0, shapes: Vec::new() }
    }

    /// Puts another scene to the right of this one.
    pub(super) fn set_beside(&mut self, other: Scene) {
        let by = f64::from(self.width);
        self.shapes.extend(other.shapes.into_iter().map(|shape| shape.moved(by)));
        self.width += other.width;
        self.height = self.height.max(other.height);
    }

    pub(super) fn area(&mut self, frame: Frame, ink: Ink) {
        let (from, to) = ((frame.left, frame.top), (frame.right, frame.bottom));
        self.shapes.push(Shape::Area { from, to, ink });
    }

    pub(super) fn vertical(&mut self, x: f64, top: f64, bottom: f64, ink: Ink) {
        self.area(Frame { left: x - 0.5, top, right: x + 0.5, bottom }, ink);
    }

    pub(super) fn horizontal(&mut self, y: f64, left: f64, right: f64, ink: Ink) {
        self.area(Frame { left, top: y - 0.5, right, bottom: y + 0.5 }, ink);
    }

    /// A straight line of this width.
    pub(super) fn stroke(&mut self, from: (f64, f64), to: (f64, f64), width: f64, ink: Ink) {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let length = libm::hypot(dx, dy).max(1e-9);
        let (x, y) = (-dy / length * width / 2.0, dx / length * width / 2.0);
        let points =
            vec![(from.0 + x, from.1 + y), (to.0 + x, to.1 + y), (to.0 - x, to.1 - y), (from.0 - x, from.1 - y)];
        self.shapes.push(Shape::Polygon { points, ink });
    }

    /// A disc with a rim of paper.
    pub(super) fn disc(&mut self, at: (f64, f64), radius: f64, ink: Ink) {
        self.dot(at, radius + 1.5, PAPER);
        self.dot(at, radius, ink);
    }

    /// A disc without a rim.
    pub(super) fn dot(&mut self, at: (f64, f64), radius: f64, ink: Ink) {
        let points = DISC.iter().map(|&(x, y)| (at.0 + x * radius, at.1 + y * radius)).collect();
        self.shapes.push(Shape::Polygon { points, ink });
    }

    pub(super) fn text(&mut self, at: (f64, f64), text: &str, anchor: Anchor) {
        self.styled_text(at, text, SIZE, anchor, TEXT);
    }

    pub(super) fn styled_text(&mut self, at: (f64, f64), text: &str, size: f64, anchor: Anchor, ink: Ink) {
        self.shapes.push(Shape::Text { at, text: text.to_owned(), size, anchor, ink });
    }

    /// Text on a patch of paper, so that lines behind it do not disturb.
    pub(super) fn patched_text(&mut self, at: (f64, f64), text: &str, anchor: Anchor) {
        let width = text_width(text, SIZE);
        let left = match anchor {
            Anchor::Start => at.0,
            Anchor::Middle => at.0 - width / 2.0,
            Anchor::End => at.0 - width,
        };
        let (top, bottom) = (at.1 - SIZE * 0.5, at.1 + SIZE * 0.5);
        self.area(Frame { left: left - 2.0, top, right: left + width + 2.0, bottom }, PAPER);
        self.text(at, text, anchor);
    }

    /// A mark for a lost request, with a rim of paper.
    pub(super) fn mark(&mut self, at: (f64, f64), kind: FailureKind, radius: f64) {
        for (radius, ink) in [(radius + 3.0, PAPER), (radius, LOST)] {
            let points = mark(kind).iter().map(|&(x, y)| (at.0 + x * radius, at.1 + y * radius)).collect();
            self.shapes.push(Shape::Polygon { points, ink });
        }
    }

    /// The hook's bar: yellow with slanted lines.
    pub(super) fn hatched(&mut self, frame: Frame) {
        self.area(frame, HOOK);
        let height = frame.bottom - frame.top;
        let mut x = frame.left + 2.0;
        while x + height + 3.0 < frame.right {
            let top = (x + height, frame.top);
            let points = vec![(x, frame.bottom), top, (top.0 + 2.0, top.1), (x + 2.0, frame.bottom)];
            self.shapes.push(Shape::Polygon { points, ink: HOOK_LINES });
            x += 9.0;
        }
    }
}

/// Twelve corners look round at this size.
pub(super) const DISC: [(f64, f64); 12] = [
    (1.0, 0.0),
    (0.866, 0.5),
    (0.5, 0.866),
    (0.0, 1.0),
    (-0.5, 0.866),
    (-0.866, 0.5),
    (-1.0, 0.0),
    (-0.866, -0.5),
    (-0.5, -0.866),
    (0.0, -1.0),
    (0.5, -0.866),
    (0.866, -0.5),
];

/// The width of `text` in DejaVu Sans, roughly, from above.
pub(super) fn text_width(text: &str, size: f64) -> f64 {
    text.chars().map(char_width).sum::<f64>() * size
}

fn char_width(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | ' ' => 0.33,
        'f' | 'I' | 'r' | 't' | '-' | '/' | '(' | ')' | '[' | ']' => 0.41,
        'm' | 'M' | 'W' | '@' | '%' | 'w' | '…' => 1.0,
        '×' | '→' | '←' | '+' | '=' | '<' | '>' => 0.84,
        'A'..='Z' => 0.75,
        _ => 0.63,
    }
}

/// How far down marks of one row stand, in their own heights: those that would cover each other are spread.
pub(super) fn dodge(xs: &[f64], distance: f64) -> Vec<f64> {
    let crowds = xs.chunk_by(|left, right| right - left < distance);
    crowds.flat_map(|crowd| (0..crowd.len()).map(|index| level(index, crowd.len()))).collect()
}

fn level(index: usize, crowd: usize) -> f64 {
    match crowd {
        1 => 0.0,
        2 => [-0.5, 0.5][index % 2],
        _ => [0.0, -1.0, 1.0][index % 3],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_that_would_cover_each_other_are_spread() {
        assert_eq!(dodge(&[0.0, 100.0, 105.0, 300.0, 305.0, 310.0], 17.0), [0.0, -0.5, 0.5, 0.0, -1.0, 1.0]);
        assert!(dodge(&[], 17.0).is_empty());
    }

    #[test]
    fn longer_texts_are_wider() {
        assert!(text_width("rule gone", 17.0) < text_width("namespace gone", 17.0));
    }
}
