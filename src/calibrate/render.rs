//! A calibration as a table for people and as the lines of `[delays]`.

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};

use super::correlation::Coefficient;
use super::ks::Ks;
use super::{Calibration, Check, Dependence, Estimate};

/// One line below the header and nothing else.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

const HEADER: [&str; 7] = [
    "delay",
    "measured as",
    "n",
    "distribution",
    "KS p, at most",
    "median ms, measured fitted",
    "p95 ms, measured fitted",
];

/// What a p-value of fitted parameters is worth.
pub const FITTED: &str = "KS p is an upper limit where parameters were fitted to the same values: a small one speaks against the \
                          distribution, a large one does not speak for it";

const INDEPENDENT: &str = "Do delays go together? (95 % intervals; the simulator draws each delay independently, so \
                           what stands here is not in the model)\n";

/// The tables for a terminal.
pub fn table(found: &Calibration) -> String {
    let mut text = grid(&HEADER, found.estimates.iter().map(estimate_row).collect());
    for estimate in found.estimates.iter().filter(|estimate| !notes(estimate).is_empty()) {
        text += &format!("{}: {}\n", estimate.id.name(), notes(estimate).join("; "));
    }
    if !found.checks.is_empty() {
        let header = ["sum of delays", "", "n", "KS p", "median ms, measured fitted", "p95 ms, measured fitted"];
        text += &format!("\n{}", grid(&header, found.checks.iter().map(check_row).collect()));
    }
    text + &format!("{FITTED}\n") + &together(&found.dependence)
}

fn together(found: &[Dependence]) -> String {
    if found.is_empty() {
        return String::new();
    }
    let rows = found.iter().map(|one| {
        let Coefficient { n, value, ci95_lo, ci95_hi } = one.coefficient;
        vec![one.what.clone(), one.kind.to_owned(), n.to_string(), format!("{value:.2}  {ci95_lo:.2} to {ci95_hi:.2}")]
    });
    format!("\n{INDEPENDENT}{}", grid(&["between", "coefficient", "n", "value"], rows.collect()))
}

fn estimate_row(estimate: &Estimate) -> Vec<String> {
    let measured = estimate.measured.map(|points| (points[1], points[3]));
    vec![
        estimate.id.name().to_owned(),
        estimate.segment.clone(),
        estimate.n.to_string(),
        estimate.family.clone(),
        estimate.ks.map_or("-".to_owned(), probability),
        both(measured.map(|points| points.0), estimate.fitted.map(|points| points.0)),
        both(measured.map(|points| points.1), estimate.fitted.map(|points| points.1)),
    ]
}

fn check_row(check: &Check) -> Vec<String> {
    vec![
        check.segment.to_owned(),
        check.how.to_owned(),
        check.n.to_string(),
        probability(check.ks),
        both(Some(check.measured[1]), Some(check.fitted.0)),
        both(Some(check.measured[3]), Some(check.fitted.1)),
    ]
}

fn probability(ks: Ks) -> String {
    if ks.p < 0.000_1 { "< 0.0001".to_owned() } else { format!("{:.4}", ks.p) }
}

fn both(measured: Option<f64>, fitted: Option<f64>) -> String {
    let one = |value: Option<f64>| value.map_or("-".to_owned(), |seconds| format!("{:.1}", seconds * 1_000.0));
    format!("{}  {}", one(measured), one(fitted))
}

fn notes(estimate: &Estimate) -> Vec<String> {
    let left_out = (estimate.left_out > 0).then(|| format!("{} values at or below zero left out", estimate.left_out));
    let censored = (estimate.censored > 0).then(|| format!("{} values censored", estimate.censored));
    let note = Some(estimate.note.clone()).filter(|note| !note.is_empty());
    left_out.into_iter().chain(censored).chain(note).collect()
}

fn grid(header: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(STYLE).set_content_arrangement(ContentArrangement::Disabled).set_header(header).add_rows(rows);
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// The lines of `[delays]`, each delay after a comment on where it comes from.
pub fn toml(found: &Calibration) -> String {
    let mut text =
        "# Fitted to measured latencies, never to failed requests. What is not listed keeps its default.\n[delays]\n"
            .to_owned();
    for estimate in &found.estimates {
        let Estimate { n, segment, .. } = estimate;
        let notes: String = notes(estimate).iter().map(|note| format!("; {note}")).collect();
        text += &format!("# n = {n}, {segment}{notes}\n{} = {}\n", estimate.id.name(), estimate.dist);
    }
    text
}
