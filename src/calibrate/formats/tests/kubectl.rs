//! Streams of kubectl give back the delays that they were made from, and no more than they can say.

use super::samples::{Start, Times, draws, event, events, slice, slices, stream};
use crate::calibrate::formats::{Reading, kubectl_endpointslices, kubectl_events};
use crate::calibrate::tables::File;
use crate::calibrate::{DataError, Estimate};
use crate::dist::Dist;
use crate::model::spec::DelayId;

const N: usize = 400;

/// Draws in an order that has nothing to do with their size.
fn shuffled(dist: &Dist, n: usize) -> Vec<f64> {
    let mut values = draws(dist, n);
    let mut order = stream("order");
    for last in (1..values.len()).rev() {
        values.swap(last, (order.uniform() * (last + 1) as f64) as usize);
    }
    values
}

/// Every `cached_every`-th image was on the node.
fn starts(n: usize, cached_every: usize) -> Vec<Start> {
    let sandboxes = shuffled(&Dist::lognormal_ms(300, 1_200), n);
    let pulls = shuffled(&Dist::lognormal_ms(5_000, 40_000), n + 1);
    let creations = shuffled(&Dist::lognormal_ms(150, 800), n + 2);
    let pull = |pod: usize| (!pod.is_multiple_of(cached_every)).then(|| pulls[pod]);
    (0..n).map(|pod| Start { sandbox: sandboxes[pod], pull: pull(pod), create_start: creations[pod] }).collect()
}

fn read_events(text: &str) -> Result<Reading, DataError> {
    kubectl_events::read(File { name: "e.json", text })
}

fn find(reading: &Reading, id: DelayId) -> &Estimate {
    reading.estimates.iter().find(|one| one.id == id).unwrap_or_else(|| panic!("no {id:?} in {reading:?}"))
}

fn check(reading: &Reading, id: DelayId, median: f64, tolerance: f64) {
    let found = find(reading, id);
    assert!((found.fitted.unwrap().0 / median - 1.0).abs() < tolerance, "{found:?}");
}

/// Of 400 values the median's standard error is 3 to 6 %, and three of them are allowed.
#[test]
fn exact_events_give_back_the_delays() {
    let reading = read_events(&events(&starts(N, 4), Times::Exact)).unwrap();
    check(&reading, DelayId::Sandbox, 0.3, 0.11);
    check(&reading, DelayId::Pull, 5.0, 0.18);
    check(&reading, DelayId::CreateStart, 0.15, 0.14);
    assert_eq!(reading.notes, [""; 0]);
    for (id, n) in [(DelayId::Sandbox, N), (DelayId::Pull, N - N / 4), (DelayId::CreateStart, N)] {
        let found = find(&reading, id);
        assert_eq!((found.n, found.censored, found.left_out), (n, 0, 0), "{found:?}");
        assert!(found.ks.unwrap().p > 0.01 && found.measured.is_some(), "{found:?}");
    }
    let note = &find(&reading, DelayId::Pull).note;
    assert!(note.contains("100 containers found their image on the node"), "{note}");
}

/// With the kubelet's stamps in whole seconds, the scheduler's in microseconds: three standard errors are some 20 %.
#[test]
fn whole_seconds_of_the_kubelet_are_enough_for_the_median() {
    let reading = read_events(&events(&starts(N, 1), Times::SchedulerOnly)).unwrap();
    check(&reading, DelayId::Sandbox, 0.3, 0.2);
    assert_eq!(find(&reading, DelayId::Sandbox).censored, N);
    check(&reading, DelayId::CreateStart, 0.15, 0.35);
    assert!(find(&reading, DelayId::CreateStart).note.contains("whole seconds"));
}

#[test]
fn whole_seconds_everywhere_say_less() {
    let reading = read_events(&events(&starts(N, 1), Times::Whole)).unwrap();
    check(&reading, DelayId::Sandbox, 0.3, 0.3);
    check(&reading, DelayId::CreateStart, 0.15, 0.35);
}

/// An image that was there is no pull of 0 s.
#[test]
fn present_images_give_no_pull() {
    let reading = read_events(&events(&starts(20, 1), Times::Exact)).unwrap();
    assert!(reading.estimates.iter().all(|one| one.id != DelayId::Pull));
    let none = "no pull: 0 values of kubectl events: Pulling to Pulled are too few, or lie within one second";
    assert_eq!(reading.notes, [format!("{none}; 20 containers found their image on the node, which is no pull")]);
}

/// Messages of older versions do not say how long the pull took.
#[test]
fn pulls_without_a_time_in_the_message_are_taken_from_the_stamps() {
    let text = events(&starts(N, N), Times::Exact);
    let old: String = text
        .lines()
        .map(|line| match line.find("\\\" in ") {
            Some(place) => format!("{}\\\"\",\n", &line[..place]),
            None => format!("{line}\n"),
        })
        .collect();
    let reading = read_events(&old).unwrap();
    check(&reading, DelayId::Pull, 5.0, 0.18);
    assert_eq!(find(&reading, DelayId::Pull).segment, "kubectl events: Pulling to Pulled");
}

/// A container that was restarted has its events twice, and the watch repeats them: the first ones count.
#[test]
fn restarts_and_repeats_change_nothing() {
    let text = events(&starts(20, 3), Times::Exact);
    let mut more = format!("{text}{text}");
    for pod in 0..20 {
        for reason in ["Pulled", "Created", "Started"] {
            more += &event(pod, reason, "Container image \"web:2\" already present on machine", 500.0, Times::Exact)
                .to_string();
        }
    }
    assert_eq!(read_events(&more).unwrap(), read_events(&text).unwrap());
}

/// A name that only looks like a time is not believed.
#[test]
fn a_name_that_disagrees_with_the_stamp_is_no_time() {
    let text = events(&starts(20, 1), Times::Exact);
    let shifted: String = text
        .lines()
        .map(|line| match line.split_once("\"name\": \"web-5d4f8-").filter(|(_, rest)| rest.contains('.')) {
            Some((before, rest)) => format!("{before}\"name\": \"web-5d4f8-{}\n", rest.replacen(".1", ".2", 1)),
            None => format!("{line}\n"),
        })
        .collect();
    assert_eq!(find(&read_events(&shifted).unwrap(), DelayId::Sandbox).censored, 20);
    assert_eq!(find(&read_events(&text).unwrap(), DelayId::Sandbox).censored, 0);
}

#[test]
fn bad_streams_of_events_are_named() {
    let check = |text: &str, expected: &str| {
        let message = read_events(text).unwrap_err().to_string();
        assert!(message.starts_with(expected), "{message}");
    };
    check("", "e.json:1:1: the file is empty, expected what `kubectl get events -w -o json` prints");
    check(
        "{\"kind\": \"Pod\"}",
        "e.json:1:1: no event Scheduled, Pulling, Pulled, Created or Started of a pod, expected what",
    );
    let bad = event(1, "Pulled", "", 1.0, Times::Whole).to_string().replace("2026-01-31T10:00:01Z", "1 s ago");
    let column = bad.find("\"1 s ago\"").unwrap() + 1;
    check(
        &format!("{{}}\n{bad}"),
        &format!("e.json:2:{column}: `firstTimestamp` is \"1 s ago\", expected a time such as"),
    );
}

fn read_slices(text: &str) -> Result<Reading, DataError> {
    kubectl_endpointslices::read(File { name: "s.json", text })
}

/// The other parts of the sum.
fn parts(n: usize) -> Vec<f64> {
    shuffled(&Dist::lognormal_ms(25, 150), n)
}

fn with_batch(period: f64, n: usize) -> Reading {
    read_slices(&slices(&parts(n).iter().map(|part| period + part).collect::<Vec<_>>())).unwrap()
}

#[test]
fn a_batch_period_of_a_second_or_more_is_found() {
    for (period, n, text) in [(1.0, 12, "\"1s\""), (1.0, 60, "\"1s\""), (1.5, 60, "\"1.5s\""), (2.0, 30, "\"2s\"")] {
        let reading = with_batch(period, n);
        let found = find(&reading, DelayId::EpsBatch);
        assert_eq!((found.dist.to_string().as_str(), found.n), (text, n), "{found:?}");
        assert_eq!(reading.notes, [""; 0]);
    }
}

/// No batch period, half a second, and half of the changes retried after a second look alike, and are left alone.
#[test]
fn what_is_below_a_second_gives_a_note_and_no_delay() {
    for n in [5, 12, 60, 200] {
        let retried =
            parts(n).iter().enumerate().map(|(i, part)| part + f64::from(u8::from(i % 2 == 0))).collect::<Vec<_>>();
        for reading in [with_batch(0.0, n), with_batch(0.5, n), read_slices(&slices(&retried)).unwrap()] {
            assert_eq!((reading.estimates.len(), reading.notes.len()), (0, 1), "{reading:?}");
            assert!(reading.notes[0].contains("which names no batch period"), "{reading:?}");
        }
    }
    let few = with_batch(1.0, 4);
    assert_eq!(few.notes, ["no eps_batch: 4 changes of slices with Ready transitions are too few"]);
}

/// Eight changes that each show a second leave the mean anywhere above 0.63 s, and 0.2 s of that may be other parts: half
/// a second is not excluded. With twelve it is.
#[test]
fn a_few_changes_of_a_second_do_not_name_a_period() {
    for n in [5, 8] {
        assert_eq!(read_slices(&slices(&vec![1.0; n])).unwrap().estimates, []);
    }
    assert_eq!(read_slices(&slices(&[1.0; 12])).unwrap().estimates.len(), 1);
}

/// A slice is listed again for other changes: its trigger counts once, with its first write.
#[test]
fn a_trigger_counts_once() {
    let text = slices(&[1.02; 12]);
    let again: String = (0..12).map(|i| slice(50, 10.0 + 7.31 * f64::from(i), 900.0).to_string()).collect();
    assert_eq!(read_slices(&format!("{text}{again}")).unwrap(), read_slices(&text).unwrap());
}

#[test]
fn bad_streams_of_slices_are_named() {
    let check = |text: &str, expected: &str| {
        let message = read_slices(text).unwrap_err().to_string();
        assert!(message.starts_with(expected), "{message}");
    };
    check("{}", "s.json:1:1: no EndpointSlice, expected what");
    let plain = slices(&[1.0; 6]).replace("managedFields", "otherFields");
    check(&format!("\n{plain}"), "s.json:2:1: no managedFields: kubectl shows them with --show-managed-fields");
    let bad = slice(3, 1.0, 2.0).to_string().replace("2026-01-31T10:00:01Z", "soon");
    let column = bad.find("\"soon\"").unwrap() + 1;
    check(
        &bad,
        &format!("s.json:1:{column}: `endpoints.kubernetes.io/last-change-trigger-time` is \"soon\", expected a time"),
    );
}
