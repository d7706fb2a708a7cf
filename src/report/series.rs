//! How replications went second by second, as a table: a row for each interval, means over the replications
//! that lasted so long.

use serde::{Deserialize, Serialize};

use super::number;
use crate::record::{FailureKind, Level, Row, Series};

/// The series of a run, ready to be written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeriesResult {
    /// Length of an interval, seconds.
    #[serde(serialize_with = "number::plain")]
    pub interval_s: f64,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// A row for each interval; null where nothing was to be measured.
    #[serde(serialize_with = "number::rows")]
    pub rows: Vec<Vec<Option<f64>>>,
}

const BEFORE_KINDS: [&str; 3] = ["t_s", "requests", "failed"];
const AFTER_KINDS: [&str; 11] = [
    "latency_mean_s",
    "latency_p50_s",
    "latency_p90_s",
    "latency_p99_s",
    "ready_pods",
    "routed_pods",
    "in_flight",
    "queue",
    "waiting_mean_s",
    "utilisation",
    "replications",
];

impl SeriesResult {
    /// The table of a series.
    pub fn new(series: &Series) -> Self {
        let kinds = FailureKind::ALL.iter().map(|kind| kind.metric().name());
        let columns = BEFORE_KINDS.into_iter().chain(kinds).chain(AFTER_KINDS);
        let rows = series.rows().iter().enumerate().map(|(place, row)| cells(series, place, row));
        SeriesResult {
            interval_s: series.width().as_secs_f64(),
            columns: columns.map(str::to_owned).collect(),
            rows: rows.collect(),
        }
    }
}

fn cells(series: &Series, place: usize, row: &Row) -> Vec<Option<f64>> {
    let each = |count: u64| Some(count as f64 / row.replications().max(1) as f64);
    let failed: u64 = row.failed.iter().sum();
    let mut cells = vec![Some(series.begins(place).as_secs_f64()), each(row.succeeded + failed), each(failed)];
    cells.extend(FailureKind::ALL.iter().map(|kind| each(row.failed[*kind as usize])));
    cells.push(row.latency_mean_s());
    let quantiles = row.latency_quantiles_s([0.5, 0.9, 0.99]);
    cells.extend((0..3).map(|quantile| quantiles.map(|quantiles| quantiles[quantile])));
    let levels = [Level::Ready, Level::Routed, Level::InFlight, Level::Queued];
    cells.extend(levels.map(|level| row.mean(level)));
    cells.extend([row.waiting_mean_s(), row.utilisation(), Some(row.replications() as f64)]);
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{SimDuration, SimTime};

    #[test]
    fn each_column_has_a_cell_in_each_row() {
        let at = |ms| SimTime::ZERO + SimDuration::from_millis(ms);
        let mut series = Series::new(SimDuration::from_secs(2));
        series.succeeded(at(300), SimDuration::from_millis(20));
        series.failed(at(1_500), FailureKind::Http503);
        series.lasts(Level::Ready, at(0), at(2_000), 3);
        series.end(at(2_000));
        let table = SeriesResult::new(&series);
        assert!(table.rows.iter().all(|row| row.len() == table.columns.len()), "{table:?}");
        let cell = |row: usize, name: &str| table.rows[row][table.columns.iter().position(|one| one == name).unwrap()];
        assert_eq!((cell(0, "t_s"), cell(1, "t_s")), (Some(0.0), Some(1.0)));
        assert_eq!((cell(0, "requests"), cell(1, "requests"), cell(1, "failed")), (Some(1.0), Some(1.0), Some(1.0)));
        assert_eq!((cell(1, "failed_http_503"), cell(1, "failed_reset")), (Some(1.0), Some(0.0)));
        assert_eq!((cell(0, "latency_mean_s"), cell(1, "latency_mean_s")), (Some(0.02), None));
        assert_eq!((cell(0, "ready_pods"), cell(0, "utilisation")), (Some(3.0), None));
    }
}
