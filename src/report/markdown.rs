//! Results as Markdown, for a pull request or a README.

use super::rows::{self, Cell};
use super::{RunResult, RunsResult, ablation, assumptions};

/// The same rows as the table for terminals.
pub fn render(result: &RunsResult) -> String {
    let names = result.runs.iter().map(|run| run.scenario.clone());
    let header: Vec<String> = std::iter::once(String::new()).chain(names).collect();
    let body = rows::rows(&result.runs).into_iter();
    let body = body.map(|row| std::iter::once(row.label.to_owned()).chain(row.cells.iter().map(joined)).collect());
    let mut text = format!("{}\n\n{}", rows::headline(&result.runs), pipes(&header, body.collect()));
    if text.contains(rows::SINGLY) {
        text += &format!("\n{}", rows::SINGLY_NOTE);
    }
    rows::paired_lines(&result.paired).iter().for_each(|line| text += &format!("\n{line}\n"));
    result.runs.iter().for_each(|run| text += &assumptions::markdown(run));
    result.runs.iter().filter(|run| !run.ablation.is_empty()).for_each(|run| text += &ablations(run));
    text
}

fn joined(cell: &Cell) -> String {
    cell.range.as_ref().map_or_else(|| cell.estimate.clone(), |range| format!("{}; {range}", cell.estimate))
}

fn ablations(run: &RunResult) -> String {
    let header = ablation::HEADER.map(str::to_owned);
    format!("\n{}, with one mechanism switched off in turn:\n\n{}", run.scenario, pipes(&header, ablation::rows(run)))
}

pub(super) fn pipes(header: &[String], rows: Vec<Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let escaped = |cells: Vec<String>| -> Vec<String> { cells.iter().map(|cell| escape(cell)).collect() };
    let mut text = line(&escaped(header.to_vec())) + &line(&vec!["---".to_owned(); header.len()]);
    rows.into_iter().for_each(|row| text += &line(&escaped(row)));
    text
}

/// A cell is one line, and nothing in it is a tag.
fn escape(cell: &str) -> String {
    cell.replace(['\n', '\r'], " ").replace('|', "\\|").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::result::samples;

    #[test]
    fn a_table_of_pipes() {
        insta::assert_snapshot!(render(&samples::pair()));
    }
}
