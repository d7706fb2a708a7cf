//! The report of `vegeta report -type=json` → `rtt_pod`: quantiles of the latencies, in nanoseconds.
//!
//! Requests that failed are among them and cannot be told apart; vegeta estimates the quantiles (t-digest). How the
//! latencies lie between the quantiles and above the last is not known.

use super::json::Json;
use super::load_test::{Answers, LoadTest};
use crate::calibrate::tables::{DataError, File};
use crate::units::SimDuration;

const WHAT: &str = "what `vegeta report -type=json` prints";
const NANOSECONDS: &str = "a number of nanoseconds";
const NANOSECONDS_PER_SECOND: f64 = 1e9;

/// Shares with the keys of their latencies, and whether each report has them: those of old versions have no 90th.
const QUANTILES: [(f64, &str, bool); 4] =
    [(0.5, "50th", true), (0.9, "90th", false), (0.95, "95th", true), (0.99, "99th", true)];

/// The requests of a report.
pub fn read(file: File<'_>, service_time: SimDuration) -> Result<LoadTest, DataError> {
    let report = Json::document(file, WHAT)?;
    let latencies = report.required("latencies", WHAT)?;
    let n = report.required("requests", WHAT)?.amount("a number of requests")?;
    let mut ends = Vec::new();
    for (share, key, is_required) in QUANTILES {
        let found = if is_required { Some(latencies.required(key, NANOSECONDS)?) } else { latencies.get(key)? };
        if let Some(quantile) = found {
            ends.push((quantile.amount(NANOSECONDS)? / NANOSECONDS_PER_SECOND, share * n));
        }
    }
    let note = "quantiles, requests that failed, if any, among them".to_owned();
    LoadTest::new(Answers { tool: "vegeta", at: &latencies, ends, n, note }, service_time)
}
