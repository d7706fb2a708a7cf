//! The summary of k6 → `rtt_pod`: quantiles of `http_req_waiting`, or of `http_req_duration`, in milliseconds.
//!
//! Both shapes are read: `k6 run --summary-export FILE`, with the statistics right in the metric, and the data that
//! `handleSummary` gets, with them in `values`. Which quantiles there are is up to `summaryTrendStats`: without a
//! change the median, p(90) and p(95). Requests that failed are in `http_req_waiting`, unless a threshold made k6 keep
//! `http_req_waiting{expected_response:true}`, which is then preferred. How the latencies lie between the quantiles and
//! above the last is not known.

use std::collections::BTreeMap;

use super::json::Json;
use super::load_test::{Answers, LoadTest};
use crate::calibrate::tables::{DataError, File};
use crate::units::SimDuration;

const WHAT: &str = "what `k6 run --summary-export FILE` writes, or the data of handleSummary";

/// The first that is there is taken.
const METRICS: [&str; 4] = [
    "http_req_waiting{expected_response:true}",
    "http_req_waiting",
    "http_req_duration{expected_response:true}",
    "http_req_duration",
];

const MILLISECONDS_PER_SECOND: f64 = 1_000.0;

type Metrics<'a> = BTreeMap<String, Json<'a>>;

/// The answered requests of a summary.
pub fn read(file: File<'_>, service_time: SimDuration) -> Result<LoadTest, DataError> {
    let all = Json::document(file, WHAT)?.required("metrics", WHAT)?;
    let metrics = all.entries()?;
    let Some(name) = METRICS.into_iter().find(|name| metrics.contains_key(*name)) else {
        return Err(all.error("has no metric http_req_waiting or http_req_duration"));
    };
    let metric = &metrics[name];
    let statistics = statistics(metric)?;
    let n = count(metric, &metrics)?;
    let mut ends = Vec::new();
    for (share, latency) in statistics.iter().filter_map(|(key, latency)| Some((share(key)?, latency))) {
        ends.push((latency.amount("milliseconds")? / MILLISECONDS_PER_SECOND, share * n));
    }
    LoadTest::new(Answers { tool: "k6", at: metric, ends, n, note: note(name, &metrics) }, service_time)
}

/// The statistics of a metric, in either shape.
fn statistics<'a>(metric: &Json<'a>) -> Result<BTreeMap<String, Json<'a>>, DataError> {
    match metric.get("values")? {
        Some(values) => values.entries(),
        None => metric.entries(),
    }
}

/// How many requests the metric is of.
fn count(metric: &Json<'_>, metrics: &Metrics<'_>) -> Result<f64, DataError> {
    let requests = metrics.get("http_reqs");
    for metric in std::iter::once(metric).chain(requests) {
        if let Some(count) = statistics(metric)?.get("count") {
            return count.amount("a number of requests");
        }
    }
    Err(metric.error("has no count, and there is none in http_reqs"))
}

/// The share below `med` or `p(95)`.
fn share(key: &str) -> Option<f64> {
    if key == "med" {
        return Some(0.5);
    }
    let percent: f64 = key.strip_prefix("p(")?.strip_suffix(')')?.parse().ok()?;
    Some(percent / 100.0).filter(|share| *share > 0.0 && *share < 1.0)
}

fn note(name: &str, metrics: &Metrics<'_>) -> String {
    let mut notes = vec![format!("quantiles of {name}")];
    if !name.contains("expected_response") {
        notes.push("requests that failed, if any, are among them".to_owned());
    }
    let median = |metric: &Json<'_>| statistics(metric).ok()?.get("med")?.amount("milliseconds").ok();
    let connecting = metrics.get("http_req_connecting").and_then(median).filter(|milliseconds| *milliseconds > 0.0);
    notes.extend(
        connecting.map(|ms| format!("connecting, a round trip without the server's time, has a median of {ms:.3} ms")),
    );
    notes.join(", ")
}
