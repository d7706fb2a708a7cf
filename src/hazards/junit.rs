//! Findings as JUnit XML, which CI servers count: a test case for each hazard of each object that has findings, and one for
//! each workload that has none.

use super::{Finding, Level};

/// A suite with all cases; `workloads` are those that were looked at. Notes are no failures.
pub fn render(findings: &[Finding], workloads: &[String]) -> String {
    let silent = workloads.iter().filter(|workload| !findings.iter().any(|finding| finding.object == **workload));
    let cases: Vec<String> = findings
        .iter()
        .map(case)
        .chain(silent.map(|workload| format!("    <testcase classname=\"{}\" name=\"hazards\"/>\n", escaped(workload))))
        .collect();
    let failures = findings.iter().filter(|finding| fails(finding)).count();
    let skipped = findings.iter().filter(|finding| finding.ignored.is_some()).count();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"rollsim check\" tests=\"{}\" \
         failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\">\n{}  </testsuite>\n</testsuites>\n",
        cases.len(),
        cases.concat()
    )
}

fn fails(finding: &Finding) -> bool {
    finding.ignored.is_none() && finding.level > Level::Note
}

fn case(finding: &Finding) -> String {
    let place = &finding.place;
    let head = format!(
        "    <testcase classname=\"{}\" name=\"{}\" file=\"{}\" line=\"{}\"",
        escaped(&finding.object),
        finding.hazard.code,
        escaped(&place.file),
        place.line
    );
    let text = format!("{}:{}:{}: {}\n{}", place.file, place.line, place.column, finding.message, finding.hazard.why);
    match &finding.ignored {
        Some(reason) => format!("{head}>\n      <skipped message=\"{}\"/>\n    </testcase>\n", escaped(reason)),
        None if fails(finding) => format!(
            "{head}>\n      <failure type=\"{}\" message=\"{}\">{}</failure>\n    </testcase>\n",
            finding.level.name(),
            escaped(&finding.message),
            escaped(&text)
        ),
        None => format!("{head}>\n      <system-out>{}</system-out>\n    </testcase>\n", escaped(&text)),
    }
}

/// XML has no way to write most control characters.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() && c != '\n' && c != '\t' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
