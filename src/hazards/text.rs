//! Findings for people, in the manner of rustc: the place, the line, why it loses requests, and the patch.

use annotate_snippets::{AnnotationKind, Group, Level as Shown, Origin, Renderer, Snippet};

use super::{Finding, Level};
use crate::scenario::plain;

/// All findings and a line that counts them.
pub fn render(findings: &[Finding], color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let shown = findings.iter().filter(|finding| finding.ignored.is_none());
    let mut out: String = shown.map(|finding| one(&renderer, finding)).collect();
    out.push_str(&summary(findings));
    out
}

fn one(renderer: &Renderer, finding: &Finding) -> String {
    let level = match finding.level {
        Level::Error => Shown::ERROR,
        Level::Warning => Shown::WARNING,
        Level::Note => Shown::NOTE,
    };
    let place = &finding.place;
    let message = plain(&finding.message);
    let title = level.primary_title(message.as_str()).id(finding.hazard.code);
    let group = Group::with_title(title);
    let byte = |character: usize| {
        place.line_text.char_indices().nth(character).map_or(place.line_text.len(), |(byte, _)| byte)
    };
    let group = if place.line_text.is_empty() {
        group.element(Origin::path(place.file.as_str()).line(place.line).char_column(place.column))
    } else {
        let span = byte(place.column - 1)..byte(place.column - 1 + place.len);
        let snippet = Snippet::source(place.line_text.as_str()).line_start(place.line).path(place.file.as_str());
        group.element(snippet.annotation(AnnotationKind::Primary.span(span)))
    };
    let group = group.element(Shown::NOTE.message(finding.hazard.why));
    let mend = match &finding.patch {
        Some(patch) => {
            format!("{}:\n{}", finding.hazard.mend, patch.trim_end().lines().map(plain).collect::<Vec<_>>().join("\n"))
        }
        None => finding.hazard.mend.to_owned(),
    };
    renderer.render(&[group.element(Shown::HELP.message(mend.as_str()))]) + "\n\n"
}

fn summary(findings: &[Finding]) -> String {
    let count = |level| findings.iter().filter(|finding| finding.ignored.is_none() && finding.level == level).count();
    let ignored = findings.iter().filter(|finding| finding.ignored.is_some()).count();
    let plural = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    let (errors, warnings, notes) = (count(Level::Error), count(Level::Warning), count(Level::Note));
    if errors + warnings + notes + ignored == 0 {
        return "no hazards found\n".to_owned();
    }
    let tail = if ignored > 0 { format!(", {ignored} ignored for a reason") } else { String::new() };
    format!("{}, {}, {}{tail}\n", plural(errors, "error"), plural(warnings, "warning"), plural(notes, "note"))
}
