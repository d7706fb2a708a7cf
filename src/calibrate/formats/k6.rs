//! The summary of k6 → `rtt_pod`: quantiles of `http_req_waiting`, or of `http_req_duration`, in milliseconds.
//!
//! Both shapes are read: `k6 run --summary-export FILE`, with the statistics right in the metric, and the data that
//! `handleSummary` gets, with them in `values`. Which quantiles there are is up to `summaryTrendStats`: without a
//! change the median, p(90) and p(95). Requests that failed are in `http_req_waiting`, unless a threshold made k6 keep
//! `http_req_waiting{expected_response:true}`, which is then preferred. How the latencies lie between the quantiles and
//! above the last is not known.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::load_test::{Answers, LoadTest, document, line_of};
use crate::calibrate::tables::{DataError, File};
use crate::units::SimDuration;

/// The first that is there is taken.
const METRICS: [&str; 4] = [
    "http_req_waiting{expected_response:true}",
    "http_req_waiting",
    "http_req_duration{expected_response:true}",
    "http_req_duration",
];

const MILLISECONDS_PER_SECOND: f64 = 1_000.0;

#[derive(Deserialize)]
struct Summary {
    metrics: BTreeMap<String, Metric>,
}

type Metric = Map<String, Value>;

/// The answered requests of a summary.
pub fn read(file: File<'_>, service_time: SimDuration) -> Result<LoadTest, DataError> {
    let Summary { metrics } = document(file)?;
    let found = METRICS.iter().find_map(|name| Some((*name, values(metrics.get(*name)?))));
    let Some((name, values)) = found else {
        return Err(file.error(line_of(file, "metrics"), "no metric http_req_waiting or http_req_duration"));
    };
    let line = line_of(file, name);
    let requests = || self::values(metrics.get("http_reqs")?).get("count")?.as_f64();
    let n = values.get("count").and_then(Value::as_f64).or_else(requests).filter(|n| *n >= 0.0);
    let n = n.ok_or_else(|| file.error(line, format!("no count of {name}, and none of http_reqs")))?;
    let ends = quantiles(values).map_err(|(key, value)| {
        file.error(line, format!("{key} of {name} is {value}, expected milliseconds, not below zero"))
    })?;
    let ends = ends.into_iter().map(|(share, end)| (end, share * n)).collect();
    LoadTest::new(file, Answers { tool: "k6", line, ends, n, note: note(name, &metrics) }, service_time)
}

/// The statistics of a metric, in either shape.
fn values(metric: &Metric) -> &Metric {
    metric.get("values").and_then(Value::as_object).unwrap_or(metric)
}

/// Shares with the latencies in seconds that belong to them; or what is no latency.
fn quantiles(values: &Metric) -> Result<Vec<(f64, f64)>, (String, String)> {
    let shares = values.iter().filter_map(|(key, value)| Some((share(key)?, key, value)));
    let one = |(share, key, value): (f64, &String, &Value)| {
        let milliseconds = value.as_f64().filter(|value| *value >= 0.0);
        let milliseconds = milliseconds.ok_or_else(|| (key.clone(), value.to_string()))?;
        Ok((share, milliseconds / MILLISECONDS_PER_SECOND))
    };
    shares.map(one).collect()
}

/// The share below `med` or `p(95)`.
fn share(key: &str) -> Option<f64> {
    if key == "med" {
        return Some(0.5);
    }
    let percent: f64 = key.strip_prefix("p(")?.strip_suffix(')')?.parse().ok()?;
    Some(percent / 100.0).filter(|share| *share > 0.0 && *share < 1.0)
}

fn note(name: &str, metrics: &BTreeMap<String, Metric>) -> String {
    let mut notes = vec![format!("quantiles of {name}")];
    if !name.contains("expected_response") {
        notes.push("requests that failed, if any, are among them".to_owned());
    }
    let connecting = metrics.get("http_req_connecting").and_then(|metric| values(metric).get("med")?.as_f64());
    let connecting = connecting.filter(|milliseconds| *milliseconds > 0.0);
    notes.extend(
        connecting.map(|ms| format!("connecting, a round trip without the server's time, has a median of {ms:.3} ms")),
    );
    notes.join(", ")
}
