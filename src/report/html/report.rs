//! The report of one or more results as a page: what came of it in words, then numbers, then the race, then what was run and
//! how sure it is. Everything but the timeline is there without scripts, and prints.

use super::{CSS, RACE_SCRIPT, base64, escaped, filled, in_script};
use crate::record::{Metric, Metrics};
use crate::report::Difference;
use crate::report::rows::{self, Cell};
use crate::report::{RunResult, RunsResult, Share, Summary, ablation, article, number};

const TEMPLATE: &str = include_str!("report.html");

/// What belongs to one result besides its numbers; what is not there is left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Piece {
    /// The settled scenario.
    pub settled: Option<String>,
    /// One replication, as `rollsim/race/v1`.
    pub race: Option<String>,
    /// The metrics of each replication.
    pub replications: Vec<Metrics>,
    /// The distribution of the failed requests, as SVG.
    pub failed: Option<String>,
}

/// The page. `pieces` are those of the runs, in their order.
pub fn report(results: &RunsResult, pieces: &[Piece]) -> String {
    let names: Vec<&str> = results.runs.iter().map(|run| run.scenario.as_str()).collect();
    let title = escaped(&names.join(", "));
    let races: Vec<&str> = pieces.iter().map(|piece| piece.race.as_deref().unwrap_or("null")).collect();
    let body = body(results, pieces);
    let races = in_script(&format!("[{}]", races.join(",")));
    filled(
        TEMPLATE,
        &[
            ("title", &title),
            ("css", CSS),
            ("body", &body),
            ("version", env!("CARGO_PKG_VERSION")),
            ("races", &races),
            ("race.js", RACE_SCRIPT),
            ("report.js", include_str!("report.js")),
        ],
    )
}

fn body(results: &RunsResult, pieces: &[Piece]) -> String {
    let runs = &results.runs;
    let mut out = summary(results);
    out += &section("Comparison", &comparison(results));
    for (index, (run, piece)) in runs.iter().zip(pieces).enumerate() {
        out += &race(index, run, piece);
        piece.failed.iter().for_each(|svg| out += &figure(&run.scenario, svg));
    }
    out += &section("All metrics", &runs.iter().map(metrics).collect::<String>());
    out += &section("Warnings", &runs.iter().map(warnings).collect::<String>());
    out += &section("How sure this is", &runs.iter().map(sureness).collect::<String>());
    out +=
        &section("What was run", &runs.iter().zip(pieces).map(|(run, piece)| settled(run, piece)).collect::<String>());
    out
}

/// A section with its heading; nothing if there is nothing to say.
fn section(heading: &str, body: &str) -> String {
    if body.is_empty() { String::new() } else { format!("<section><h2>{heading}</h2>\n{body}</section>\n") }
}

fn paragraph(text: &str) -> String {
    format!("<p>{}</p>\n", escaped(text))
}

fn summary(results: &RunsResult) -> String {
    let verdicts = results.runs.iter().map(|run| {
        let style = if loses(run) { "verdict loses" } else { "verdict" };
        format!("<p class=\"{style}\">{}</p>\n", escaped(&article::losses(run)))
    });
    let paired = results.paired.iter().map(|pair| paragraph(&in_words(results, &pair.scenario, &pair.against)));
    section("Summary", &verdicts.chain(paired).collect::<String>())
}

fn loses(run: &RunResult) -> bool {
    run.metric(Metric::Failed).is_some_and(|failed| failed.max > 0.0)
}

/// What one scenario changes against another, pair by pair.
fn in_words(results: &RunsResult, scenario: &str, against: &str) -> String {
    let pair = results.paired.iter().find(|pair| pair.scenario == scenario && pair.against == against);
    let failed = pair.and_then(|pair| pair.metrics.get(Metric::Failed.name())).and_then(Option::as_ref);
    let Some(difference @ Difference { mean, ci95, n, .. }) = failed else { return String::new() };
    if difference.is_none() {
        return format!("{scenario} loses as many requests as {against} in each of {n} pairs with the same luck.");
    }
    let (how, size) = if *mean < 0.0 { ("fewer", -mean) } else { ("more", *mean) };
    let sure = ci95.map_or("of one pair: no interval", |ci| {
        if ci.holds(0.0) { "which could be luck: the 95 % interval holds zero" } else { "95 % interval without zero" }
    });
    format!(
        "{scenario} loses {} requests {how} per rollout than {against}, with the same luck ({}; {n} pairs).",
        number::short(size),
        sure
    )
}

fn comparison(results: &RunsResult) -> String {
    let runs = &results.runs;
    let head: Vec<String> = std::iter::once(String::new()).chain(runs.iter().map(|run| run.scenario.clone())).collect();
    let body: Vec<Vec<String>> = rows::rows(runs)
        .into_iter()
        .map(|row| std::iter::once(row.label.to_owned()).chain(row.cells.iter().map(joined)).collect())
        .collect();
    let mut out = paragraph(&rows::headline(runs)) + &table(None, &head, &body);
    if out.contains(rows::SINGLY) {
        out += &paragraph(rows::SINGLY_NOTE.trim_end());
    }
    rows::paired_lines(&results.paired).iter().for_each(|line| out += &paragraph(line));
    for run in runs.iter().filter(|run| !run.ablation.is_empty()) {
        let caption = format!("{}, with one mechanism switched off in turn", run.scenario);
        out += &table(Some(&caption), &ablation::HEADER.map(str::to_owned), &ablation::rows(run));
    }
    out
}

fn joined(cell: &Cell) -> String {
    cell.range.as_ref().map_or_else(|| cell.estimate.clone(), |range| format!("{}; {range}", cell.estimate))
}

fn table(caption: Option<&str>, head: &[String], rows: &[Vec<String>]) -> String {
    let caption = caption.map_or(String::new(), |text| format!("<caption>{}</caption>", escaped(text)));
    let heads: String = head.iter().map(|text| head_cell(text)).collect();
    let rows: String = rows.iter().map(|row| format!("<tr>{}</tr>\n", row_cells(row))).collect();
    format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"table\"><table class=\"sortable\">{caption}\
         <thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n"
    )
}

/// The first column of some tables has no name: a head that sorts needs one.
fn head_cell(text: &str) -> String {
    let name = if text.is_empty() { "what" } else { text };
    format!("<th scope=\"col\">{}</th>", escaped(name))
}

fn row_cells(row: &[String]) -> String {
    let cell = |(index, text): (usize, &String)| match index {
        0 => format!("<th scope=\"row\">{}</th>", escaped(text)),
        _ => format!("<td{}>{}</td>", sort_value(text), escaped(text)),
    };
    row.iter().enumerate().map(cell).collect()
}

/// The number that a cell begins with, for sorting.
fn sort_value(text: &str) -> String {
    let first = text.split([' ', '[']).next().unwrap_or_default().replace(',', "").replace('−', "-");
    if first.parse::<f64>().is_ok() { format!(" class=\"number\" data-value=\"{first}\"") } else { String::new() }
}

fn race(index: usize, run: &RunResult, piece: &Piece) -> String {
    if piece.race.is_none() {
        return String::new();
    }
    let id = if index == 0 { " id=\"race-head\"" } else { "" };
    format!(
        "<section><h2{id}>One rollout of {}</h2>\n<p class=\"hint\">Each pod has a lane: above hook and stop, then \
         listening, then routed. Where it is routed and does not listen, new connections fail.</p>\n<div \
         id=\"race-{index}\"></div>\n<div class=\"panel\" id=\"why-{index}\" aria-live=\"polite\"></div>\n<noscript>The \
         timeline needs scripts; rollsim explain tells the same as text.</noscript></section>\n",
        escaped(&run.scenario)
    )
}

/// As an image with a text of its own: what is in a picture is no part of the page.
fn figure(scenario: &str, svg: &str) -> String {
    let words = format!("How many replications of {scenario} lose how many requests");
    let words = escaped(&words);
    let source = base64(svg.as_bytes());
    format!(
        "<figure><img alt=\"{words}\" src=\"data:image/svg+xml;base64,{source}\" width=\"1300\" height=\"545\">\
         <figcaption>{words}</figcaption></figure>\n"
    )
}

fn metrics(run: &RunResult) -> String {
    let head = ["metric", "mean", "low", "high", "min", "p05", "p50", "p95", "max", "n", "what"].map(str::to_owned);
    let all =
        Metric::ALL.iter().filter_map(|&metric| Some(metric_row(metric, run.metrics.get(metric.name())?.as_ref())));
    let caption = format!("{}: mean with its 95 % interval, quantiles over replications", run.scenario);
    format!(
        "<details><summary>{}</summary>\n{}</details>\n",
        escaped(&run.scenario),
        table(Some(&caption), &head, &all.collect::<Vec<_>>())
    )
}

fn metric_row(metric: Metric, summary: Option<&Summary>) -> Vec<String> {
    const STATS: [&str; 9] = ["mean", "ci95_lo", "ci95_hi", "min", "p05", "p50", "p95", "max", "n"];
    let stat = |name: &str| summary.and_then(|summary| summary.stat(name)).map(number::short).unwrap_or_default();
    let cells = STATS.into_iter().map(stat);
    std::iter::once(metric.name().to_owned()).chain(cells).chain([metric.what().to_owned()]).collect()
}

fn warnings(run: &RunResult) -> String {
    let items: String = run
        .warnings
        .iter()
        .map(|warning| format!("<li><code>{}</code> {}</li>\n", escaped(&warning.key), escaped(&warning.message)))
        .collect();
    if items.is_empty() { items } else { format!("<h3>{}</h3><ul>{items}</ul>\n", escaped(&run.scenario)) }
}

fn sureness(run: &RunResult) -> String {
    let mut out = format!("<h3>{}</h3>\n", escaped(&run.scenario));
    out += &paragraph(&format!(
        "{} replications with seed {}; the same version, scenario and seed give the same bytes (digest {}). Intervals are \
         two-sided at 95 %: Student's t for means, exact ones for shares. They say how well the simulated mean is known, not \
         how well the model fits your cluster: rollsim validate says that for the clusters that were measured.",
        number::count(run.replications as f64),
        run.seed,
        run.digest
    ));
    run.estimator.iter().for_each(|name| {
        out += &paragraph(&format!("Estimator {name}: only what can fail was simulated, so there are no latencies."));
    });
    out + &paragraph(&precision(run)) + &bound(run.probability.any_failed.as_ref())
}

fn precision(run: &RunResult) -> String {
    let Some(failed) = run.metric(Metric::Failed) else { return "No request was sent.".to_owned() };
    match failed.ci95.filter(|_| failed.mean > 0.0) {
        Some(ci) => format!(
            "The mean number of lost requests is known to ±{}; rollsim run --precision 0.05 goes on until that is 5 %.",
            number::percent(ci.half_width() / failed.mean)
        ),
        None => format!(
            "No request was lost in {} replications: the mean is below {} with 95 % confidence if requests are lost one by one; where \
             one rollout may lose many, only the share below is bounded. Neither is a zero.",
            failed.n,
            failed.ci95.map_or_else(|| "no known bound".to_owned(), |ci| number::short(ci.high()))
        ),
    }
}

fn bound(share: Option<&Share>) -> String {
    let text = rows::share_cell(share).estimate;
    paragraph(&format!("Rollouts that lose any request: {text}."))
}

fn settled(run: &RunResult, piece: &Piece) -> String {
    let Some(settled) = &piece.settled else { return String::new() };
    format!(
        "<details><summary>{}: all settings, defaults included</summary><pre tabindex=\"0\">{}</pre></details>\n",
        escaped(&run.scenario),
        escaped(settled)
    )
}

/// Each result against the first, if the replications are known and share their luck.
pub fn joined_results(runs: Vec<RunResult>, pieces: &[Piece]) -> RunsResult {
    let replications: Vec<&[Metrics]> = pieces.iter().map(|piece| piece.replications.as_slice()).collect();
    let mut results = RunsResult::new(runs, &replications);
    results.paired.retain(|pair| pair.metrics.0.iter().any(|(_, difference)| difference.is_some()));
    results
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::result::samples;

    fn page() -> String {
        let pieces = [
            Piece {
                settled: Some("name = \"<b>\"".to_owned()),
                race: Some("{\"a\": \"</script>\"}".to_owned()),
                ..Piece::default()
            },
            Piece::default(),
        ];
        report(&samples::pair(), &pieces)
    }

    #[test]
    fn the_summary_comes_first_and_in_words() {
        let page = page();
        let body = &page[page.find("<main>").unwrap()..];
        let summary = body.find("loses 3.83 requests per rollout").unwrap();
        assert!(summary < body.find("<table").unwrap());
        assert!(body.contains("requests fewer per rollout than no-hook, with the same luck"), "{body}");
    }

    #[test]
    fn what_a_scenario_says_is_no_markup() {
        let page = page();
        assert!(page.contains("name = &quot;&lt;b&gt;&quot;"));
        assert!(page.contains("\\u003c/script>"));
    }

    #[test]
    fn nothing_lost_is_a_bound() {
        assert!(
            page().contains("if requests are lost one by one") && page().contains("only the share below is bounded")
        );
    }

    #[test]
    fn numbers_sort_as_numbers() {
        assert_eq!(sort_value("1,234.5 [1, 2]"), " class=\"number\" data-value=\"1234.5\"");
        assert_eq!(sort_value("did not happen"), "");
        assert_eq!(sort_value("−3.2 [−4, −2]"), " class=\"number\" data-value=\"-3.2\"");
    }
}
