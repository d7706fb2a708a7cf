//! Findings as workflow commands of GitHub Actions, which show them beside the changed lines.

use super::{Finding, Level};

/// A line for each finding that is not silenced.
pub fn render(findings: &[Finding]) -> String {
    findings.iter().filter(|finding| finding.ignored.is_none()).map(line).collect()
}

fn line(finding: &Finding) -> String {
    let level = if finding.level == Level::Note { "notice" } else { finding.level.name() };
    let place = &finding.place;
    format!(
        "::{level} file={},line={},col={},title={}::{}\n",
        property(&place.file),
        place.line,
        place.column,
        finding.hazard.code,
        data(&format!("{}\n{}", finding.message, finding.hazard.why))
    )
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
