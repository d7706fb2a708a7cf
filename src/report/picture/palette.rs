//! Colours of the pictures (Okabe and Ito's, which colour-blind eyes tell apart) and the shapes of the marks.

use crate::record::FailureKind;

/// An opaque colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ink(pub(super) u8, pub(super) u8, pub(super) u8);

impl Ink {
    /// This ink if `share` is 0, the other if it is 1, and between them in between.
    pub(super) fn mixed(self, other: Ink, share: f64) -> Ink {
        let channel = |from: u8, to: u8| f64::from(from) + (f64::from(to) - f64::from(from)) * share.clamp(0.0, 1.0);
        let rounded = |from, to| channel(from, to).round() as u8;
        Ink(rounded(self.0, other.0), rounded(self.1, other.1), rounded(self.2, other.2))
    }

    /// The ink of text that is told best from this one behind it.
    pub(super) fn text_on(self) -> Ink {
        if self.contrast(PAPER) > self.contrast(TEXT) { PAPER } else { TEXT }
    }

    /// Contrast ratio, from 1 to 21 (WCAG 2.2, "contrast ratio").
    fn contrast(self, other: Ink) -> f64 {
        let (one, other) = (self.luminance() + 0.05, other.luminance() + 0.05);
        one.max(other) / one.min(other)
    }

    /// Relative luminance, from 0 to 1 (WCAG 2.2).
    fn luminance(self) -> f64 {
        let linear = |channel: u8| match f64::from(channel) / 255.0 {
            value if value <= 0.040_45 => value / 12.92,
            value => libm::pow((value + 0.055) / 1.055, 2.4),
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }
}

pub(super) const PAPER: Ink = Ink(255, 255, 255);
pub(super) const TEXT: Ink = Ink(34, 34, 34);
pub(super) const FAINT_TEXT: Ink = Ink(85, 85, 85);
pub(super) const GRID: Ink = Ink(228, 228, 228);
pub(super) const EVENT: Ink = Ink(120, 120, 120);
pub(super) const STRIPE: Ink = Ink(247, 247, 247);
/// Listening.
pub(super) const LISTENING: Ink = Ink(0, 114, 178);
/// In the rules of every node.
pub(super) const ROUTED: Ink = Ink(86, 180, 233);
/// In the rules of some nodes.
pub(super) const PARTLY_ROUTED: Ink = Ink(200, 229, 247);
/// Routed, not listening.
pub(super) const EXPOSED: Ink = Ink(213, 94, 0);
/// Routed by some nodes, not listening.
pub(super) const PARTLY_EXPOSED: Ink = Ink(244, 190, 148);
/// Between the signal and the end of the process.
pub(super) const DRAINING: Ink = Ink(204, 121, 167);
/// The preStop hook.
pub(super) const HOOK: Ink = Ink(240, 228, 66);
pub(super) const HOOK_LINES: Ink = Ink(160, 140, 0);
/// Lost requests; nothing else has this colour.
pub(super) const LOST: Ink = Ink(0, 0, 0);

/// The outline of the mark for requests lost this way, in a square from -1 to 1.
pub(super) fn mark(kind: FailureKind) -> &'static [(f64, f64)] {
    match kind {
        FailureKind::ConnectRefused => &CROSS,
        FailureKind::ConnectTimeout => &PLUS,
        FailureKind::HostUnreachable => &[(0.0, -1.0), (1.0, 0.8), (-1.0, 0.8)],
        FailureKind::Reset => &[(0.0, -1.0), (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)],
        FailureKind::Eof => &[(-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)],
        FailureKind::Truncated => &[(-1.0, -0.8), (1.0, -0.8), (0.0, 1.0)],
        FailureKind::Http502 => &[(-1.0, -0.35), (1.0, -0.35), (1.0, 0.35), (-1.0, 0.35)],
        FailureKind::Http503 => &[(-0.35, -1.0), (0.35, -1.0), (0.35, 1.0), (-0.35, 1.0)],
        FailureKind::Http504 => &[(-1.0, 0.0), (-0.5, -0.9), (0.5, -0.9), (1.0, 0.0), (0.5, 0.9), (-0.5, 0.9)],
        FailureKind::Timeout => &[(-0.8, -1.0), (0.8, -1.0), (0.15, 0.0), (0.8, 1.0), (-0.8, 1.0), (-0.15, 0.0)],
    }
}

const CROSS: [(f64, f64); 12] = [
    (-1.0, -0.6),
    (-0.6, -1.0),
    (0.0, -0.4),
    (0.6, -1.0),
    (1.0, -0.6),
    (0.4, 0.0),
    (1.0, 0.6),
    (0.6, 1.0),
    (0.0, 0.4),
    (-0.6, 1.0),
    (-1.0, 0.6),
    (-0.4, 0.0),
];

const PLUS: [(f64, f64); 12] = [
    (-0.3, -1.0),
    (0.3, -1.0),
    (0.3, -0.3),
    (1.0, -0.3),
    (1.0, 0.3),
    (0.3, 0.3),
    (0.3, 1.0),
    (-0.3, 1.0),
    (-0.3, 0.3),
    (-1.0, 0.3),
    (-1.0, -0.3),
    (-0.3, -0.3),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_on_any_shade_can_be_read() {
        assert!((PAPER.contrast(Ink(0, 0, 0)) - 21.0).abs() < 1e-9);
        for hue in [LISTENING, EXPOSED, Ink(127, 63, 0), Ink(8, 48, 107)] {
            for shade in 0..=20 {
                let ink = PAPER.mixed(hue, f64::from(shade) / 20.0);
                assert!(ink.contrast(ink.text_on()) >= 3.9, "{ink:?}");
            }
        }
    }
}
