//! The report of `vegeta report -type=json` → `rtt_pod`: quantiles of the latencies, in nanoseconds.
//!
//! Requests that failed are among them and cannot be told apart; vegeta estimates the quantiles (t-digest). How the
//! latencies lie between the quantiles and above the last is not known.

use serde::Deserialize;

use super::load_test::{Answers, LoadTest, amount, document, line_of};
use crate::calibrate::tables::{DataError, File};
use crate::units::SimDuration;

const NANOSECONDS_PER_SECOND: f64 = 1e9;

#[derive(Deserialize)]
struct Report {
    latencies: Latencies,
    #[serde(deserialize_with = "amount")]
    requests: f64,
}

/// Nanoseconds.
#[derive(Deserialize)]
struct Latencies {
    #[serde(rename = "50th", deserialize_with = "amount")]
    p50: f64,
    /// Reports of old versions do not have it.
    #[serde(rename = "90th")]
    p90: Option<f64>,
    #[serde(rename = "95th", deserialize_with = "amount")]
    p95: f64,
    #[serde(rename = "99th", deserialize_with = "amount")]
    p99: f64,
}

/// The requests of a report.
pub fn read(file: File<'_>, service_time: SimDuration) -> Result<LoadTest, DataError> {
    let Report { latencies: Latencies { p50, p90, p95, p99 }, requests: n } = document(file)?;
    let quantiles = [(0.5, Some(p50)), (0.9, p90), (0.95, Some(p95)), (0.99, Some(p99))];
    let end = |(share, nanos): (f64, Option<f64>)| Some((nanos? / NANOSECONDS_PER_SECOND, share * n));
    let ends = quantiles.into_iter().filter_map(end).collect();
    let note = "quantiles, requests that failed, if any, among them".to_owned();
    LoadTest::new(file, Answers { tool: "vegeta", line: line_of(file, "latencies"), ends, n, note }, service_time)
}
