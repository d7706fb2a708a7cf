//! Load generators' results give back the log-normal that they were made from.

use super::samples::{draws, fortio, k6_export, k6_summary, vegeta};
use crate::calibrate::formats::load_test::{LoadTest, rtt_pod};
use crate::calibrate::formats::{fortio as of_fortio, k6 as of_k6, vegeta as of_vegeta};
use crate::calibrate::tables::{DataError, File};
use crate::calibrate::{Estimate, formats};
use crate::dist::{Dist, LogNormal};
use crate::model::spec::DelayId;
use crate::units::SimDuration;

type Reader = fn(File<'_>, SimDuration) -> Result<LoadTest, DataError>;

const N: usize = 20_000;

fn truth() -> Dist {
    Dist::LogNormal(LogNormal::new(SimDuration::from_micros(900), SimDuration::from_micros(4_500)))
}

fn load_test(reader: Reader, text: &str, service_time: SimDuration) -> Result<LoadTest, String> {
    reader(File { name: "f.json", text }, service_time).map_err(|error| error.to_string())
}

fn found(reader: Reader, text: &str) -> Estimate {
    rtt_pod(&[load_test(reader, text, SimDuration::ZERO).unwrap()]).unwrap()
}

/// Median and 95th percentile within these shares of the truth of 0.9 ms and 2.81 ms.
fn check(found: &Estimate, median: f64, p95: f64) {
    let fitted = found.fitted.unwrap();
    assert!((fitted.0 / 0.000_9 - 1.0).abs() < median, "{found:?}");
    assert!((fitted.1 / 0.002_807 - 1.0).abs() < p95, "{found:?}");
    assert_eq!(found.id, DelayId::RttPod);
}

/// 20,000 calls: a standard error of 0.6 % of the median and 0.9 % of the 95th percentile, more with coarse buckets.
#[test]
fn fortios_buckets_give_back_the_latencies() {
    let answered = draws(&truth(), N);
    let fine = found(of_fortio::read, &fortio(&answered, Some(&[]), 0.000_1));
    check(&fine, 0.02, 0.03);
    assert_eq!(fine.n, N);
    check(&found(of_fortio::read, &fortio(&answered, Some(&[]), 0.001)), 0.02, 0.03);
}

/// Failed calls, short and long, change nothing, for they are taken out again.
#[test]
fn calls_that_failed_are_not_in_the_fit() {
    let answered = draws(&truth(), N);
    let failed: Vec<f64> = (0..3_000).map(|i| if i < 1_500 { 0.000_2 + 1e-6 * f64::from(i) } else { 3.0 }).collect();
    let with = found(of_fortio::read, &fortio(&answered, Some(&failed), 0.000_1));
    let without = found(of_fortio::read, &fortio(&answered, Some(&[]), 0.000_1));
    assert_eq!(with, without);
    let old = found(of_fortio::read, &fortio(&answered, None, 0.000_1));
    assert!(old.note.contains("failed, if any, are among them"), "{}", old.note);
}

/// Quantiles leave the log-normal to as few as three points.
#[test]
fn quantiles_give_back_the_latencies() {
    let answered = draws(&truth(), N);
    check(&found(of_k6::read, &k6_export(&answered)), 0.03, 0.03);
    check(&found(of_vegeta::read, &vegeta(&answered)), 0.03, 0.03);
    for metric in ["http_req_waiting", "http_req_waiting{expected_response:true}", "http_req_duration"] {
        let found = found(of_k6::read, &k6_summary(&answered, metric));
        check(&found, 0.03, 0.03);
        assert_eq!(found.n, N);
        assert!(found.note.contains("connecting, a round trip without the server's time, has a median of 0.250 ms"));
        assert_eq!(found.note.contains("failed, if any"), !metric.contains("expected"), "{}", found.note);
    }
}

/// A server that takes 5 ms each time: less that, the round trip is found again.
#[test]
fn a_known_service_time_is_subtracted() {
    let service = SimDuration::from_millis(5);
    let slow: Vec<f64> = draws(&truth(), N).iter().map(|x| x + 0.005).collect();
    let files: [(Reader, String); 3] = [
        (of_fortio::read, fortio(&slow, Some(&[]), 0.000_1)),
        (of_k6::read, k6_export(&slow)),
        (of_vegeta::read, vegeta(&slow)),
    ];
    for (reader, text) in files {
        let found = rtt_pod(&[load_test(reader, &text, service).unwrap()]).unwrap();
        // At 5 ms the smallest buckets of fortio are 0.1 to 0.2 ms wide.
        check(&found, 0.03, 0.03);
        assert!(found.note.contains("less a service time of 5ms"), "{}", found.note);
        let message = load_test(reader, &text, SimDuration::from_millis(6)).unwrap_err();
        assert!(message.contains("half of the answers took no longer than the service time of 6ms"), "{message}");
    }
}

#[test]
fn several_tests_are_pooled() {
    let answered = draws(&truth(), N);
    let tests = [
        load_test(of_fortio::read, &fortio(&answered, Some(&[]), 0.000_1), SimDuration::ZERO).unwrap(),
        load_test(of_vegeta::read, &vegeta(&answered), SimDuration::ZERO).unwrap(),
    ];
    let found = rtt_pod(&tests).unwrap();
    check(&found, 0.02, 0.03);
    assert_eq!((found.n, found.segment.as_str()), (2 * N, "fortio, vegeta: latency of answers"));
    assert_eq!(rtt_pod(&[]), None);
}

/// Answers of two kinds, at 1 ms and at 100 ms, are no log-normal, and the note says by how much.
#[test]
fn a_bad_fit_is_said() {
    let mut answered = draws(&truth(), N / 2);
    answered.extend(draws(&Dist::lognormal_ms(100, 110), N / 2));
    let found = found(of_fortio::read, &fortio(&answered, Some(&[]), 0.000_1));
    let (_, rest) = found.note.split_once("from what was measured ").unwrap();
    let distance: f64 = rest.split(';').next().unwrap().parse().unwrap();
    assert!(distance > 0.1, "{}", found.note);
}

#[test]
fn bad_results_are_named_with_their_line() {
    let check = |reader: Reader, text: &str, expected: &str| {
        let message = load_test(reader, text, SimDuration::ZERO).unwrap_err();
        assert!(message.starts_with(expected), "{message}");
    };
    let text = fortio(&[0.000_1, 0.000_2, 0.000_3], None, 0.001).replace('\n', "");
    let (before, _) = text.split_once("\"DurationHistogram\":").unwrap();
    let column = text[before.len()..].find('{').unwrap() + before.len() + 1;
    let coarse = "`DurationHistogram` tells fewer than two points of the latencies' distribution";
    check(of_fortio::read, &text, &format!("f.json:1:{column}: {coarse}"));
    check(of_fortio::read, "{}", "f.json:1:1: the document has no key \"DurationHistogram\", expected");
    check(
        of_fortio::read,
        "{\n\"DurationHistogram\": {\"Data\": null}}",
        "f.json:2:22: `DurationHistogram` has no buckets in Data",
    );
    let negative = "{\"DurationHistogram\": {\"Data\": [\n{\"Start\": -1, \"End\": 2, \"Count\": 3}]}}";
    check(of_fortio::read, negative, "f.json:2:11: `DurationHistogram.Data[0].Start` is the number -1, expected");
    let few = "{\"DurationHistogram\": {\"Data\": [{\"Start\": 0, \"End\": 2, \"Count\": 3}]},
                \"ErrorsDurationHistogram\": {\"Data\": [{\"Start\": 0, \"End\": 2, \"Count\": 4}]}}";
    check(
        of_fortio::read,
        few,
        "f.json:1:23: `DurationHistogram` has latencies that are not in rising order, or more calls that failed than",
    );
    check(
        of_k6::read,
        "{\n \"metrics\": {}}",
        "f.json:2:13: `metrics` has no metric http_req_waiting or http_req_duration",
    );
    check(
        of_k6::read,
        "{\"metric\": \"vus\"}\n{\"metric\": \"vus\"}\n",
        "f.json:2:1: no JSON: something follows the end of the JSON; expected",
    );
    let fast = "{\"metrics\": {\"http_reqs\": {\"count\": 9},\n\"http_req_waiting\": {\"med\": \"fast\"}}}";
    check(of_k6::read, fast, "f.json:2:29: `metrics.http_req_waiting.med` is the text \"fast\", expected milliseconds");
    check(
        of_vegeta::read,
        "{\"latencies\":\n{\"50th\": 1}}",
        "f.json:1:1: the document has no key \"requests\", expected",
    );
    let old = "{\"requests\": 9, \"latencies\":\n{\"50th\": 1}}";
    check(of_vegeta::read, old, "f.json:2:1: `latencies` has no key \"95th\", expected a number of nanoseconds");
    check(
        of_vegeta::read,
        "Requests [total]",
        "f.json:1:1: no JSON: no JSON value begins here; expected what `vegeta report -type=json` prints",
    );
    let long = "{\"latencies\": {\"50th\": 1, \"95th\": 2, \"99th\": 1e15}, \"requests\": 9}";
    check(
        of_vegeta::read,
        long,
        "f.json:1:15: `latencies` has a latency of 1.000e6 s, which is not between zero and a day",
    );
}

/// The three have nothing to say when nothing was asked.
#[test]
fn a_test_without_requests_is_refused() {
    let text = vegeta(&[0.0, 0.0]).replace("\"requests\":2", "\"requests\":0");
    assert!(formats::vegeta::read(File { name: "f", text: &text }, SimDuration::ZERO).is_err());
}
