//! Files in the shapes that the programs write, made from given latencies.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::dist::Dist;
use crate::engine::{Stream, StreamKey};

/// Draws in seconds, sorted.
pub(super) fn draws(dist: &Dist, n: usize) -> Vec<f64> {
    let mut stream = stream("draws");
    let mut values: Vec<f64> = (0..n).map(|_| dist.draw(&mut stream).as_secs_f64()).collect();
    values.sort_by(f64::total_cmp);
    values
}

pub(super) fn stream(purpose: &'static str) -> Stream {
    StreamKey { seed: 11, replication: 0 }.stream("test", purpose, 0)
}

/// fortio's ladder of bucket ends, in units of `-r`.
const LADDER: [u32; 46] = [
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 18, 20, 25, 30, 35, 40, 45, 50, 60, 70, 80, 90, 100, 120, 140, 160,
    180, 200, 250, 300, 350, 400, 450, 500, 600, 700, 800, 900, 1_000, 2_000, 10_000, 100_000,
];

/// A histogram as fortio exports it: empty buckets left out, the outer ends those of the values.
fn histogram(sorted: &[f64], resolution: f64) -> Value {
    let ends: Vec<f64> = LADDER.iter().map(|step| f64::from(*step) * resolution).collect();
    let mut low = 0.0;
    let (mut data, mut seen) = (Vec::new(), 0);
    for end in ends {
        let count = sorted.iter().filter(|x| **x > low && **x <= end).count();
        if count > 0 {
            seen += count;
            let (start, stop) = (low.max(sorted[0]), end.min(sorted[sorted.len() - 1]));
            let percent = 100.0 * seen as f64 / sorted.len() as f64;
            data.push(json!({"Start": start, "End": stop, "Percent": percent, "Count": count}));
        }
        low = end;
    }
    let sum: f64 = sorted.iter().sum();
    json!({"Count": sorted.len(), "Min": sorted.first(), "Max": sorted.last(), "Sum": sum,
           "Avg": sum / sorted.len().max(1) as f64, "StdDev": 0.001,
           "Data": if data.is_empty() { Value::Null } else { data.into() },
           "Percentiles": [{"Percentile": 50, "Value": sorted.get(sorted.len() / 2)}]})
}

/// `fortio load -json`, failed calls in both histograms; without `failed` as an old version.
pub(super) fn fortio(answered: &[f64], failed: Option<&[f64]>, resolution: f64) -> String {
    let mut all = [answered, failed.unwrap_or_default()].concat();
    all.sort_by(f64::total_cmp);
    let mut result = json!({
        "RunType": "HTTP", "Labels": "", "StartTime": "2026-01-31T10:00:00.123456789Z", "RequestedQPS": "500",
        "RequestedDuration": "1m0s", "ActualQPS": 499.9, "ActualDuration": 60_012_345_678_u64, "NumThreads": 8,
        "Version": "1.75.2", "DurationHistogram": histogram(&all, resolution), "Exactly": 0, "Jitter": false,
        "RetCodes": {"200": answered.len()}, "URL": "http://127.0.0.1:8080/", "SocketCount": 8,
    });
    if let Some(failed) = failed {
        result["ErrorsDurationHistogram"] = histogram(failed, resolution);
        result["RetCodes"]["-1"] = failed.len().into();
    }
    format!("{result:#}")
}

fn quantile(sorted: &[f64], share: f64) -> f64 {
    sorted[(share * (sorted.len() - 1) as f64) as usize]
}

/// The statistics of a trend of k6, in milliseconds.
fn trend(sorted: &[f64]) -> Value {
    let ms = |share| 1_000.0 * quantile(sorted, share);
    json!({"avg": 1.0, "min": ms(0.0), "med": ms(0.5), "max": ms(1.0), "p(90)": ms(0.9), "p(95)": ms(0.95)})
}

/// `k6 run --summary-export`.
pub(super) fn k6_export(sorted: &[f64]) -> String {
    let zero = json!({"avg": 0.01, "min": 0, "med": 0, "max": 0.3, "p(90)": 0, "p(95)": 0});
    let summary = json!({
        "root_group": {"name": "", "path": "", "id": "d41d8cd98f00b204e9800998ecf8427e", "groups": {}, "checks": {}},
        "metrics": {
            "http_req_connecting": zero, "http_req_duration": trend(&sorted.iter().map(|x| x + 1.0).collect::<Vec<_>>()),
            "http_req_failed": {"passes": 0, "fails": sorted.len(), "value": 0},
            "http_req_waiting": trend(sorted), "http_reqs": {"count": sorted.len(), "rate": 499.9},
            "iterations": {"count": sorted.len(), "rate": 499.9}, "vus": {"value": 8, "min": 8, "max": 8},
        },
    });
    format!("{summary:#}")
}

/// What `handleSummary` of k6 gets, as JSON.stringify writes it, with `summaryTrendStats` that ask for count and p(99).
pub(super) fn k6_summary(sorted: &[f64], metric: &str) -> String {
    let mut values = trend(sorted);
    values["p(99)"] = (1_000.0 * quantile(sorted, 0.99)).into();
    values["count"] = sorted.len().into();
    let mut summary = json!({
        "root_group": {"name": "", "path": "", "groups": [], "checks": []},
        "options": {"summaryTrendStats": ["med", "p(90)", "p(95)", "p(99)", "count"], "summaryTimeUnit": "", "noColor": false},
        "state": {"isStdOutTTY": false, "isStdErrTTY": false, "testRunDurationMs": 60_012.3},
        "metrics": {
            "http_reqs": {"type": "counter", "contains": "default", "values": {"count": sorted.len(), "rate": 499.9}},
            "http_req_connecting": {"type": "trend", "contains": "time", "values": {"med": 0.25}},
        },
    });
    summary["metrics"][metric] = json!({"type": "trend", "contains": "time", "values": values});
    format!("{summary:#}")
}

/// `vegeta report -type=json`.
pub(super) fn vegeta(sorted: &[f64]) -> String {
    let ns = |share| (1e9 * quantile(sorted, share)) as u64;
    json!({
        "latencies": {"total": 1, "mean": 1, "50th": ns(0.5), "90th": ns(0.9), "95th": ns(0.95), "99th": ns(0.99),
                      "max": ns(1.0), "min": ns(0.0)},
        "bytes_in": {"total": 1, "mean": 1}, "bytes_out": {"total": 0, "mean": 0},
        "earliest": "2026-01-31T10:00:00.1Z", "latest": "2026-01-31T10:01:00.1Z", "end": "2026-01-31T10:01:00.1Z",
        "duration": 60_000_000_000_u64, "wait": 1, "requests": sorted.len(), "rate": 500, "throughput": 500,
        "success": 1, "status_codes": {"200": sorted.len()}, "errors": [],
    })
    .to_string()
}

/// A moment of 31 January 2026, seconds after 10:00:00, with as many digits of its fraction as asked for.
pub(super) fn stamp(second: f64, digits: usize) -> String {
    let nanos = (second * 1e9) as u64;
    let (whole, fraction) = (nanos / 1_000_000_000, format!("{:09}", nanos % 1_000_000_000));
    let fraction = if digits == 0 { String::new() } else { format!(".{}", &fraction[..digits]) };
    format!("2026-01-31T{:02}:{:02}:{:02}{fraction}Z", 10 + whole / 3_600, whole / 60 % 60, whole % 60)
}

/// 10:00:00 of that day.
const MORNING_NS: u64 = 1_769_853_600_000_000_000;

/// How exact an event's time is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Times {
    /// `eventTime`, or for the kubelet the name.
    Exact,
    /// The scheduler's `eventTime` only.
    SchedulerOnly,
    /// Whole seconds everywhere.
    Whole,
}

/// An event as `kubectl get events -o json` prints it.
pub(super) fn event(pod: usize, reason: &str, message: &str, second: f64, times: Times) -> Value {
    let of_scheduler = reason == "Scheduled";
    let is_micro = of_scheduler && times != Times::Whole;
    let nanos = MORNING_NS + (second * 1e9) as u64;
    let name = if times == Times::Exact { format!("web-5d4f8-{pod}.{nanos:x}") } else { format!("web-5d4f8-{pod}.x") };
    let path = if of_scheduler { Value::Null } else { "spec.containers{web}".into() };
    json!({
        "apiVersion": "v1", "kind": "Event", "type": "Normal", "reason": reason, "message": message, "count": 1,
        "eventTime": if is_micro { stamp(second, 6).into() } else { Value::Null },
        "firstTimestamp": if is_micro { Value::Null } else { stamp(second, 0).into() },
        "lastTimestamp": if is_micro { Value::Null } else { stamp(second, 0).into() },
        "involvedObject": {"apiVersion": "v1", "kind": "Pod", "namespace": "default", "name": format!("web-5d4f8-{pod}"),
                           "uid": format!("0c6ae1b4-{pod}"), "fieldPath": path},
        "metadata": {"name": name, "namespace": "default", "uid": format!("{pod}-{reason}")},
        "source": {"component": if of_scheduler { "" } else { "kubelet" }},
    })
}

/// What a pod's start took, seconds; without a pull the image was there.
pub(super) struct Start {
    pub(super) sandbox: f64,
    pub(super) pull: Option<f64>,
    pub(super) create_start: f64,
}

/// The events of pods scheduled 1.37 s apart.
pub(super) fn events(starts: &[Start], times: Times) -> String {
    let mut text = String::new();
    for (pod, Start { sandbox, pull, create_start }) in starts.iter().enumerate() {
        let mut at = 1.37 * pod as f64;
        let mut write = |reason: &str, message: &str, at: f64| {
            writeln!(text, "{:#}", event(pod, reason, message, at, times)).unwrap();
        };
        write("Scheduled", "Successfully assigned default/web to node-1", at);
        at += sandbox;
        let message = if let Some(pull) = pull {
            write("Pulling", "Pulling image \"web:2\"", at);
            at += pull;
            format!(
                "Successfully pulled image \"web:2\" in {:.3}s ({pull:.6}s including waiting). Image size: 1 bytes.",
                pull / 2.0
            )
        } else {
            "Container image \"web:2\" already present on machine".to_owned()
        };
        write("Pulled", &message, at);
        write("Created", "Created container: web", at + create_start / 2.0);
        write("Started", "Started container web", at + create_start);
        write("Killing", "Stopping container web", at + 100.0);
    }
    text
}

/// A slice as `kubectl get endpointslices -o json --show-managed-fields` prints it.
pub(super) fn slice(generation: u64, trigger: f64, written: f64) -> Value {
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4", "endpoints": [], "ports": [],
        "metadata": {
            "name": "web-x7k2p", "uid": "5b1d", "generation": generation, "resourceVersion": format!("{generation}7"),
            "annotations": {"endpoints.kubernetes.io/last-change-trigger-time": stamp(trigger, 0)},
            "managedFields": [
                {"manager": "kube-controller-manager", "operation": "Update", "time": stamp(written, 0)},
                {"manager": "kubectl-label", "operation": "Update", "time": stamp(written + 9.0, 0)},
            ],
        },
    })
}

/// A stream of slices: created, then changed by a Ready pod every 7.31 s, written so many seconds later.
pub(super) fn slices(took: &[f64]) -> String {
    let at = |index: usize| 10.0 + 7.31 * index as f64;
    let changes = took.iter().enumerate().map(|(index, took)| slice(index as u64 + 2, at(index), at(index) + took));
    [slice(1, 0.0, 5.0)].into_iter().chain(changes).map(|slice| format!("{slice:#}\n")).collect()
}
