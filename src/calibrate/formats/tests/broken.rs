//! Truncated and mutated files: refused with their name and a line, or read, but never a panic; and what is read can
//! stand in a scenario.

use proptest::prelude::*;

use super::samples::{self, Start, Times};
use crate::calibrate::formats::{
    Reading, fortio, k6, kube_proxy, kubectl_endpointslices, kubectl_events, kubectl_pods, load_test, vegeta,
};
use crate::calibrate::tables::{DataError, File};
use crate::calibrate::{Calibration, render};
use crate::dist::Dist;
use crate::scenario::{self, Source};
use crate::units::SimDuration;

type Reader = fn(File<'_>) -> Result<Reading, DataError>;

fn of_load_test(test: load_test::LoadTest) -> Reading {
    Reading { estimates: load_test::rtt_pod(&[test]).into_iter().collect(), notes: Vec::new() }
}

fn plain(estimates: Vec<crate::calibrate::Estimate>) -> Reading {
    Reading { estimates, notes: Vec::new() }
}

/// Each reader with a good file.
fn all() -> [(Reader, String); 8] {
    let latencies = samples::draws(&Dist::lognormal_ms(1, 5), 60);
    let start =
        |i: u32| Start { sandbox: 0.7 + 0.1 * f64::from(i), pull: Some(1.5), create_start: 0.3 * f64::from(i + 1) };
    let starts: Vec<Start> = (0..6).map(start).collect();
    [
        (|file| fortio::read(file, SERVICE).map(of_load_test), samples::fortio(&latencies, Some(&[0.002]), 0.000_5)),
        (|file| k6::read(file, SERVICE).map(of_load_test), samples::k6_export(&latencies)),
        (|file| k6::read(file, SERVICE).map(of_load_test), samples::k6_summary(&latencies, "http_req_waiting")),
        (|file| vegeta::read(file, SERVICE).map(of_load_test), samples::vegeta(&latencies)),
        (kubectl_events::read, samples::events(&starts, Times::Exact)),
        (kubectl_endpointslices::read, samples::slices(&[1.02; 12])),
        (|file| kubectl_pods::read(file).map(plain), pods()),
        (|file| kube_proxy::read(file).map(|one| plain(vec![one])), metrics()),
    ]
}

const SERVICE: SimDuration = SimDuration::from_micros(300);

fn pods() -> String {
    let pod = |i: u32| {
        serde_json::json!({"kind": "Pod", "metadata": {"uid": i.to_string()}, "status": {
            "conditions": [{"type": "PodScheduled", "lastTransitionTime": "2026-01-31T10:00:00Z"}],
            "containerStatuses": [{"restartCount": 0,
                                   "state": {"running": {"startedAt": format!("2026-01-31T10:00:0{}Z", i % 3)}}}]}})
    };
    (0..6).map(|i| format!("{:#}\n", pod(i))).collect()
}

fn metrics() -> String {
    let bucket = |(end, count): (&str, u32)| {
        format!("kubeproxy_sync_proxy_rules_duration_seconds_bucket{{le=\"{end}\"}} {count}\n")
    };
    [("0.032", 31), ("0.064", 324), ("0.128", 831), ("+Inf", 1_000)].map(bucket).concat()
}

/// What a file may have instead of a number, a text or a bracket.
const JUNK: [&str; 22] = [
    "",
    "0",
    "-1",
    "1e308",
    "-1e308",
    "1e-320",
    "18446744073709551615",
    "-9223372036854775808",
    "null",
    "true",
    "{}",
    "[]",
    "[[[[",
    "}",
    "\"\"",
    "\"",
    "\\",
    "NaN",
    "é",
    "9999-12-31T23:59:59Z",
    "-009999-01-01T00:00:00Z",
    "99999999999h",
];

/// One place of the text, by its share of the length, cut off or replaced.
#[derive(Debug, Clone)]
enum Damage {
    Cut(f64),
    Replace(f64, usize, usize),
    /// The n-th number or word, whole.
    Token(prop::sample::Index, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (0.0..1.0).prop_map(Damage::Cut),
        (0.0..1.0, 0usize..12, 0..JUNK.len()).prop_map(|(at, length, junk)| Damage::Replace(at, length, junk)),
        (any::<prop::sample::Index>(), 0..JUNK.len()).prop_map(|(token, junk)| Damage::Token(token, junk)),
        (any::<prop::sample::Index>(), 0..JUNK.len()).prop_map(|(token, junk)| Damage::Token(token, junk)),
    ]
}

fn damaged(text: &str, damage: &Damage) -> String {
    let place = |share: f64| (share * text.len() as f64) as usize;
    let (begin, end, junk) = match damage {
        Damage::Cut(at) => (place(*at), text.len(), ""),
        Damage::Replace(at, length, junk) => (place(*at), (place(*at) + length).min(text.len()), JUNK[*junk]),
        Damage::Token(token, junk) => {
            let (begin, end) = token_at(text, token);
            (begin, end, JUNK[*junk])
        }
    };
    let bytes = [&text.as_bytes()[..begin], junk.as_bytes(), &text.as_bytes()[end..]].concat();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Ends of a run of letters, digits, signs and points.
fn token_at(text: &str, index: &prop::sample::Index) -> (usize, usize) {
    let is_inside = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.:".contains(byte);
    let bytes = text.as_bytes();
    if bytes.is_empty() {
        return (0, 0);
    }
    let begin = index.index(bytes.len());
    let length = bytes[begin..].iter().take_while(|byte| is_inside(byte)).count();
    let before = bytes[..begin].iter().rev().take_while(|byte| is_inside(byte)).count();
    (begin - before, begin + length)
}

fn check(reader: Reader, text: &str) {
    match reader(File { name: "f", text }) {
        Ok(reading) => can_stand_in_a_scenario(reading),
        Err(error) => is_placed_and_plain(&error, text),
    }
}

/// The place lies in the file, and no word of it is Rust's.
fn is_placed_and_plain(error: &DataError, text: &str) {
    assert!(error.file == "f" && (1..=text.lines().count() as u64 + 1).contains(&error.line), "{error}");
    let line = text.lines().nth(error.line as usize - 1).unwrap_or_default();
    assert!(error.column.is_some_and(|column| (1..=line.chars().count() as u64 + 1).contains(&column)), "{error}");
    const RUST: [&str; 11] =
        ["f64", "u64", "i64", "u32", "struct", "sequence", "a map", "unit", "newtype", "missing field", "invalid type"];
    let told = RUST.iter().find(|word| error.what.contains(**word));
    assert_eq!(told, None, "{error}");
}

fn can_stand_in_a_scenario(reading: Reading) {
    let mut found = Calibration::default();
    reading.estimates.into_iter().for_each(|one| found.add(one));
    let text = format!("name = \"a\"\n{}", render::toml(&found));
    let (scenario, _) = scenario::read(&Source::new("a.toml", text.clone()), &[]).unwrap_or_else(|_| panic!("{text}"));
    found.estimates.iter().for_each(|one| assert_eq!(scenario.delays.get(one.id), &one.dist));
}

/// What a reader says of a text.
fn told(reader: usize, text: &str) -> String {
    let error = (all()[reader].0)(File { name: "f", text }).unwrap_err();
    is_placed_and_plain(&error, text);
    error.to_string()
}

const FORTIO: usize = 0;
const K6: usize = 1;
const VEGETA: usize = 3;
const EVENTS: usize = 4;
const SLICES: usize = 5;
const PODS: usize = 6;

/// They said `invalid type: string "many", expected f64`, of a line or of none.
#[test]
fn a_value_of_the_wrong_type_was_told_in_the_words_of_rust() {
    let check = |reader, text: &str, expected: &str| assert_eq!(told(reader, text), format!("f:{expected}"));
    let bucket = |bucket: &str| format!("{{\n \"DurationHistogram\": {{\"Data\": [\n  {bucket}]}}}}");
    check(
        FORTIO,
        &bucket("{\"Start\": 0, \"End\": \"many\", \"Count\": 1}"),
        "3:23: `DurationHistogram.Data[0].End` is the text \"many\", expected a number of seconds, not below zero",
    );
    check(
        FORTIO,
        &bucket("{\"Start\": 0, \"End\": 1, \"Count\": -1}"),
        "3:35: `DurationHistogram.Data[0].Count` is the number -1, expected a number of calls, not below zero",
    );
    check(
        FORTIO,
        &bucket("{\"Start\": 0, \"End\": 1}"),
        "3:3: `DurationHistogram.Data[0]` has no key \"Count\", expected a number of calls",
    );
    check(FORTIO, &bucket("7"), "3:3: `DurationHistogram.Data[0]` is the number 7, expected an object");
    check(
        FORTIO,
        "{\"DurationHistogram\": {\"Data\": {}}}",
        "1:32: `DurationHistogram.Data` is an object, expected an array",
    );
    check(
        FORTIO,
        "{}",
        "1:1: the document has no key \"DurationHistogram\", expected what `fortio load -json FILE` writes",
    );
    check(FORTIO, " [1]", "1:2: the document is an array, expected what `fortio load -json FILE` writes");
    check(K6, "{\"metrics\": 5}", "1:13: `metrics` is the number 5, expected an object");
    let of_k6 = "{\"metrics\": {\n\"http_reqs\": {\"count\": 9},\n\"http_req_waiting\": {\"med\": true}}}";
    check(K6, of_k6, "3:29: `metrics.http_req_waiting.med` is true, expected milliseconds, not below zero");
    check(
        VEGETA,
        "{\"requests\": 5,\n\"latencies\": {\"50th\": [1]}}",
        "2:23: `latencies.50th` is an array, expected a number of nanoseconds, not below zero",
    );
    check(
        PODS,
        &pods().replacen("2026-01-31T10:00:01Z", "soon", 1),
        "42:26: `startedAt` is \"soon\", expected a time such as \"2026-01-31T10:00:07Z\"",
    );
}

#[test]
fn an_empty_or_truncated_file_lacked_its_place() {
    for reader in [FORTIO, K6, VEGETA, EVENTS, SLICES, PODS] {
        for empty in ["", " \n\n"] {
            assert!(told(reader, empty).starts_with("f:1:1: the file is empty, expected what `"), "{reader}");
        }
        let text = &all()[reader].1;
        let half = &text[..=text[..text.len() / 2].rfind('{').unwrap()];
        let cut = told(reader, half);
        assert!(cut.contains(": the JSON ends too early: is the file cut off? Expected what `"), "{cut}");
        let end = (half.lines().count(), half.lines().last().unwrap().chars().count());
        assert!(cut.starts_with(&format!("f:{}:{}: ", end.0, end.1)), "{end:?}: {cut}");
    }
}

#[test]
fn nesting_without_end_is_refused_with_its_place() {
    for reader in [FORTIO, K6, VEGETA, EVENTS, SLICES, PODS] {
        let deep = told(reader, &"[".repeat(100_000));
        assert!(deep.starts_with("f:1:") && deep.contains("expected") | deep.contains("Expected"), "{deep}");
        told(reader, &format!("{{\"a\": {}", "[".repeat(100_000)));
        told(reader, &format!("{{\"a\": {}1{}}} x", "[".repeat(1_000), "]".repeat(1_000)));
    }
}

#[test]
fn a_fault_in_line_300_of_a_stream_is_told_with_that_line() {
    let event = "{\"kind\": \"Event\", \"reason\": \"Pulled\"}\n";
    let stream = |fault: &str| format!("{}{fault}\n{}", event.repeat(299), event.repeat(50));
    for (fault, column, expected) in [
        ("{\"kind\": Event}", 10, "no JSON: no JSON value begins here; expected what `kubectl get events"),
        ("{\"kind\": \"Event\" \"reason\"}", 18, "no JSON: expected `,` or `}`; expected what `kubectl get events"),
        ("  NAME   READY", 3, "no JSON: no JSON value begins here; expected"),
        ("[{}]", 1, "an object should begin here, expected what `kubectl get events"),
        ("\u{0}\u{1}", 1, "no JSON: no JSON value begins here; expected"),
        (
            "{\"kind\": \"Event\", \"eventTime\": 5, \"reason\": \"Pulled\", \"involvedObject\": {\"kind\": \"Pod\", \"uid\": \"1\"}}",
            32,
            "`eventTime` is 5, expected a time such as",
        ),
    ] {
        let told = told(EVENTS, &stream(fault));
        assert!(told.starts_with(&format!("f:300:{column}: {expected}")), "{told}");
    }
}

/// Else the rest would test only refusals.
#[test]
fn the_undamaged_files_are_read() {
    for (reader, text) in all() {
        let reading = reader(File { name: "f", text: &text }).unwrap();
        assert!(!reading.estimates.is_empty(), "{text}");
        check(reader, &text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_reader_panics_on_damaged_files(which in 0usize..8, all_damage in prop::collection::vec(damage(), 1..4)) {
        let (reader, text) = &all()[which];
        check(*reader, &all_damage.iter().fold(text.clone(), |text, damage| damaged(&text, damage)));
    }

    #[test]
    fn no_reader_panics_on_a_file_of_another_kind(reader in 0usize..8, text in 0usize..8) {
        let all = all();
        check(all[reader].0, &all[text].1);
    }
}
