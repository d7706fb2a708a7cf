//! How a rollout goes second by second: requests, failures by kind, and the bands of the latency. Means over the replications.

use super::chart::{Chart, Course, Line, Panel};
use crate::record::FailureKind;
use crate::report::SeriesResult;

/// The picture of a series. Times are seconds since the beginning of the run.
pub fn seconds(series: &SeriesResult, title: &str) -> Chart {
    let column = Columns(series);
    let last = column.of("t_s").last().map_or(1.0, |&(at, _)| at + series.interval_s);
    let kinds = FailureKind::ALL.iter().map(|kind| (kind.metric().name(), kind.words()));
    let lost = kinds.map(|(name, words)| column.line(name, words, 1.0 / series.interval_s));
    let lost: Vec<Line> = lost.filter(|line| line.points.iter().any(|point| point.1 > 0.0)).collect();
    let mut panels = vec![panel("requests a second", vec![column.line("requests", "sent", 1.0 / series.interval_s)])];
    if !lost.is_empty() {
        panels.push(panel("lost a second", lost));
    }
    let bands = [("latency_p99_s", "p99"), ("latency_p90_s", "p90"), ("latency_p50_s", "p50")];
    panels.push(panel("latency, ms", bands.map(|(name, words)| column.band(name, words)).to_vec()));
    Chart::Course(Course {
        title: title.to_owned(),
        below: format!("means of intervals of {} s over all replications", series.interval_s),
        caption: "seconds since the beginning",
        span: (0.0, last),
        moments: Vec::new(),
        panels,
    })
}

fn panel(label: &str, lines: Vec<Line>) -> Panel {
    Panel { label: label.to_owned(), lines }
}

/// The table by its names.
struct Columns<'a>(&'a SeriesResult);

impl Columns<'_> {
    /// Times and values of a column, where it has one.
    fn of(&self, name: &str) -> Vec<(f64, f64)> {
        let place = |name: &str| self.0.columns.iter().position(|column| column == name);
        let (Some(time), Some(value)) = (place("t_s"), place(name)) else { return Vec::new() };
        self.0.rows.iter().filter_map(|row| Some((row[time]?, row[value]?))).collect()
    }

    fn line(&self, name: &str, words: &str, scale: f64) -> Line {
        let points = self.of(name).into_iter().map(|(at, value)| (at, value * scale)).collect();
        Line { name: words.to_owned(), points, filled: None }
    }

    /// Milliseconds, filled down to zero: a lower quantile is drawn over it.
    fn band(&self, name: &str, words: &str) -> Line {
        Line { filled: Some(Vec::new()), ..self.line(name, words, 1e3) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::chart_svg;
    use super::*;

    fn series() -> SeriesResult {
        let columns = ["t_s", "requests", "failed_reset", "latency_p50_s", "latency_p90_s", "latency_p99_s"];
        let row = |at: f64, lost: f64| vec![Some(at), Some(250.0), Some(lost), Some(0.002), Some(0.004), None];
        SeriesResult {
            interval_s: 0.5,
            columns: columns.map(str::to_owned).to_vec(),
            rows: vec![row(0.0, 0.0), row(0.5, 1.5), row(1.0, 0.0)],
        }
    }

    #[test]
    fn kinds_that_occur_and_bands_are_shown() {
        let svg = chart_svg(&seconds(&series(), "shop"));
        for words in ["shop", "connection reset", "requests a second", "p90", "latency, ms"] {
            assert!(svg.contains(words), "{words}");
        }
        assert!(!svg.contains("connection refused"));
        insta::assert_snapshot!(svg);
    }

    #[test]
    fn counts_become_rates() {
        let Chart::Course(course) = seconds(&series(), "shop") else { panic!("a course") };
        assert_eq!(course.panels[0].lines[0].points[0], (0.0, 500.0));
        assert_eq!(course.panels[1].lines[0].points[1], (0.5, 3.0));
    }

    #[test]
    fn an_empty_series_is_drawn() {
        let empty = SeriesResult { interval_s: 1.0, columns: Vec::new(), rows: Vec::new() };
        assert!(chart_svg(&seconds(&empty, "empty")).contains("empty"));
    }
}
