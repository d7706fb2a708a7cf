//! Numbers over time: panels below one another that share their time axis, each with lines that change in steps and bands.

use super::super::axis::{Axis, draw_axis};
use super::super::palette::{
    DRAINING, EVENT, EXPOSED, FAINT_TEXT, GRID, HOOK_LINES, Ink, LISTENING, PARTLY_ROUTED, ROUTED, TEXT,
};
use super::super::scene::{Anchor, Frame, SIZE, Scene, text_width};
use super::{MARGIN, WIDTH, titled};

/// Colours that colour-blind eyes tell apart, in the order in which lines take them.
pub(super) const COLOURS: [Ink; 7] = [LISTENING, EXPOSED, ROUTED, DRAINING, HOOK_LINES, TEXT, PARTLY_ROUTED];

const PANEL: f64 = 150.0;
const BETWEEN: f64 = 60.0;
const LEFT: f64 = 110.0;

/// What the picture shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// What is seen.
    pub title: String,
    /// How to read it.
    pub below: String,
    /// What the numbers of the axis are.
    pub caption: &'static str,
    /// From when to when, seconds.
    pub span: (f64, f64),
    /// Moments worth a line, with their words.
    pub moments: Vec<(f64, String)>,
    /// One below the other.
    pub panels: Vec<Panel>,
}

/// One panel.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// What is counted, with its unit.
    pub label: String,
    /// Lines; each has a colour by its place.
    pub lines: Vec<Line>,
}

/// A number that changes in steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// What the legend calls it.
    pub name: String,
    /// From when on it has which value, in order.
    pub points: Vec<(f64, f64)>,
    /// Filled down to zero, or to a second number that changes at the same times.
    pub filled: Option<Vec<f64>>,
}

pub(super) fn lay_out(course: &Course) -> Scene {
    let mut scene = titled(&course.title, &course.below);
    let mut top = 130.0;
    let (from, to) = course.span;
    let axis = Axis { from, to: to.max(from + 1e-6), left: LEFT, right: f64::from(WIDTH) - MARGIN };
    for (index, panel) in course.panels.iter().enumerate() {
        let frame = Frame { left: axis.left, top, right: axis.right, bottom: top + PANEL };
        let last = index + 1 == course.panels.len();
        draw_axis(&mut scene, axis, 12.0, (frame.top, frame.bottom), if last { course.caption } else { "" });
        add_panel(&mut scene, panel, axis, frame);
        course
            .moments
            .iter()
            .for_each(|(at, words)| add_moment(&mut scene, axis, frame, *at, if index == 0 { words } else { "" }));
        top = frame.bottom + BETWEEN;
    }
    scene.height = (top + 4.0) as u32;
    scene
}

fn add_moment(scene: &mut Scene, axis: Axis, frame: Frame, at: f64, words: &str) {
    if axis.shows(at) {
        scene.vertical(axis.x(at), frame.top, frame.bottom, EVENT);
    }
    if axis.shows(at) && !words.is_empty() {
        let x = axis.x(at);
        let fits = x + 5.0 + text_width(words, SIZE) < axis.right;
        let (x, anchor) = if fits { (x + 5.0, Anchor::Start) } else { (x - 5.0, Anchor::End) };
        scene.patched_text((x, frame.top + 10.0), words, anchor);
    }
}

fn add_panel(scene: &mut Scene, panel: &Panel, axis: Axis, frame: Frame) {
    let most = panel.lines.iter().flat_map(|line| &line.points).map(|point| point.1).fold(0.0, f64::max);
    let height =
        Axis { from: 0.0, to: if most > 0.0 { most * 1.08 } else { 1.0 }, left: frame.bottom, right: frame.top };
    let (ticks, decimals) = height.ticks(5.0);
    for tick in ticks {
        scene.horizontal(height.x(tick), frame.left, frame.right, GRID);
        let at = (frame.left - 10.0, height.x(tick));
        scene.styled_text(at, &format!("{tick:.decimals$}"), SIZE, Anchor::End, FAINT_TEXT);
    }
    add_legend(scene, panel, frame);
    for (line, ink) in panel.lines.iter().zip(COLOURS.into_iter().cycle()) {
        add_line(scene, line, ink, axis, height);
    }
}

fn add_legend(scene: &mut Scene, panel: &Panel, frame: Frame) {
    let y = frame.top - 17.0;
    scene.styled_text((MARGIN, y), &panel.label, SIZE, Anchor::Start, FAINT_TEXT);
    let mut x = (MARGIN + text_width(&panel.label, SIZE) + 26.0).max(frame.left + 150.0);
    for (line, ink) in panel.lines.iter().zip(COLOURS.into_iter().cycle()) {
        scene.area(Frame { left: x, top: y - 6.0, right: x + 26.0, bottom: y + 6.0 }, ink);
        scene.text((x + 32.0, y), &line.name, Anchor::Start);
        x += 32.0 + text_width(&line.name, SIZE) + 18.0;
    }
}

fn add_line(scene: &mut Scene, line: &Line, ink: Ink, axis: Axis, height: Axis) {
    let mut before: Option<f64> = None;
    for (index, &(at, value)) in line.points.iter().enumerate() {
        let end = line.points.get(index + 1).map_or(axis.to, |next| next.0);
        if end <= axis.from || at >= axis.to {
            before = Some(value);
            continue;
        }
        let (left, right, y) = (axis.x(at), axis.x(end), height.x(value));
        match &line.filled {
            Some(floor) => {
                let bottom = height.x(floor.get(index).copied().unwrap_or(0.0));
                scene.area(Frame { left, top: y, right: right.max(left + 1.0), bottom }, ink);
            }
            None => {
                scene.area(Frame { left, top: y - 1.5, right: right.max(left + 1.5), bottom: y + 1.5 }, ink);
                let joined = before.filter(|_| axis.shows(at)).map(|value| height.x(value));
                joined.into_iter().for_each(|other| {
                    let (top, bottom) = (y.min(other) - 1.5, y.max(other) + 1.5);
                    scene.area(Frame { left: left - 1.5, top, right: left + 1.5, bottom }, ink);
                });
            }
        }
        before = Some(value);
    }
}
