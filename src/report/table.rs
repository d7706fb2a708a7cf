//! Results as a table for a terminal: scenarios side by side, at most 100 columns wide for one or two of them, 120 for
//! three; more have a row each.

use comfy_table::{Cell as TableCell, ContentArrangement, LineStyle, TableStyle};

use super::rows::{self, Cell, Row};
use super::{RunResult, RunsResult, ablation, assumptions, overview};

/// How scenarios stand beside one another.
#[derive(Debug, Clone, Copy)]
struct Layout {
    /// The widest table, in columns.
    width: u16,
    /// The most scenarios.
    beside: usize,
    /// Between an estimate and its range.
    separator: &'static str,
}

/// Up to two scenarios find room with estimate and range on one line.
const FEW: Layout = Layout { width: 100, beside: 2, separator: "  " };

/// The width of the table with a row for each scenario.
const OVERVIEW_WIDTH: u16 = 150;

/// Three stand beside one another, the range below the estimate; more have a row each.
const MANY: Layout = Layout { width: 120, beside: 3, separator: "\n" };

/// The results of all scenarios, their differences, and the ablations that were asked for.
pub fn render(result: &RunsResult) -> String {
    let mut text = rows::headline(&result.runs) + "\n\n";
    if result.runs.len() > MANY.beside {
        let header = overview::HEADER.map(str::to_owned).to_vec();
        text += &rows::with_note(grid(header, overview::rows(&result.runs), OVERVIEW_WIDTH));
        result.runs.iter().for_each(|run| text += &assumptions::lines(run));
        ablations(&result.runs).for_each(|ablation| text += &ablation);
        return text;
    }
    let layout = if result.runs.len() <= FEW.beside { FEW } else { MANY };
    let rows = rows::rows(&result.runs);
    text += &rows::with_note(block(&result.runs, &rows, layout));
    text += "\n";
    rows::paired_lines(&result.paired).iter().for_each(|line| text += &format!("{line}\n"));
    result.runs.iter().for_each(|run| text += &assumptions::lines(run));
    ablations(&result.runs).for_each(|ablation| text += &ablation);
    text
}

fn ablations(runs: &[RunResult]) -> impl Iterator<Item = String> + '_ {
    runs.iter().filter(|run| !run.ablation.is_empty()).map(ablation_block)
}

fn block(runs: &[RunResult], rows: &[Row], layout: Layout) -> String {
    let header = std::iter::once(String::new()).chain(runs.iter().map(|run| run.scenario.clone()));
    let body = rows.iter().map(|row| {
        let cells = row.cells.iter().map(|cell| joined(cell, layout.separator));
        std::iter::once(row.label.to_owned()).chain(cells).collect()
    });
    grid(header.collect(), body.collect(), layout.width)
}

fn joined(cell: &Cell, separator: &str) -> String {
    cell.range.as_ref().map_or_else(|| cell.estimate.clone(), |range| format!("{}{separator}{range}", cell.estimate))
}

fn ablation_block(run: &RunResult) -> String {
    let title = format!("{}, with one mechanism switched off in turn (same luck)\n", run.scenario);
    title + &rows::with_note(grid(ablation::HEADER.map(str::to_owned).to_vec(), ablation::rows(run), FEW.width))
}

/// One line below the header and nothing else.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// A header, a line, and the body; no escape sequences, whatever the terminal.
pub(super) fn grid(header: Vec<String>, rows: Vec<Vec<String>>, width: u16) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(STYLE).set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    table.set_header(header.into_iter().map(TableCell::new));
    table.add_rows(rows);
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::result::samples;

    #[test]
    fn two_scenarios_stand_side_by_side_within_a_hundred_columns() {
        let text = render(&samples::pair());
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        insta::assert_snapshot!(text);
    }

    /// 0 [0, 0.0018] was printed where rollouts lose 0.07 on average, 800 at a time.
    #[test]
    fn a_bound_for_single_losses_is_said_to_be_one() {
        let (none, some) = (samples::replications(&[0; 6]), samples::replications(&[3, 4, 5, 0, 7, 4]));
        let of = |metrics: &[_]| render(&RunsResult::side_by_side(vec![samples::result("a", metrics)]));
        assert!(of(&none).contains("0 [0, 0.61] singly") && of(&none).contains("only the share of rollouts"));
        assert!(!of(&some).contains("singly"));
    }

    #[test]
    fn three_scenarios_stand_beside_one_another_and_more_have_a_row_each() {
        let metrics = samples::replications(&[3, 4, 5, 0, 7, 4]);
        let runs = |n| (0..n).map(|index| samples::result(&format!("scenario-{index}"), &metrics)).collect();
        let three = render(&RunsResult::new(runs(3), &[metrics.as_slice(); 3]));
        assert!(three.lines().all(|line| line.chars().count() <= 120) && three.contains("latency, median"), "{three}");
        let five = render(&RunsResult::new(runs(5), &[metrics.as_slice(); 5]));
        assert!(five.lines().all(|line| line.chars().count() <= 150), "{five}");
        assert_eq!(five.lines().filter(|line| line.contains("scenario-")).count(), 5);
    }
}
