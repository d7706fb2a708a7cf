//! Stories of made-up traces: goldens, caps, and traces with nothing in them.

use super::text::COLUMNS;
use super::*;
use crate::ids::{NodeId, PodId, Revision};
use crate::record::{Met, PodRecord, RuleEvent, RuleRecord};
use crate::report::sample;
use crate::units::SimTime;

fn narrow(story: &str) {
    for line in story.lines() {
        assert!(line.chars().count() <= COLUMNS, "too long: {line}");
        assert_eq!(line, line.trim_end(), "ends in blanks");
    }
}

#[test]
fn a_story_with_losses() {
    let savings = [Saving::new(0, &[Segment::SyncTime]), Saving::new(2, &[Segment::SyncTime])];
    let story = tell(&sample::sample_trace(), "article-no-hook", 1, 0, &savings);
    narrow(&story);
    insta::assert_snapshot!(story);
}

#[test]
fn a_story_without_losses() {
    let story = tell(&sample::sample_with_hook(), "article-with-hook", 1, 0, &[]);
    narrow(&story);
    insta::assert_snapshot!(story);
}

#[test]
fn a_story_of_many_pods_and_nodes() {
    let story = tell(&sample::sample_wide(), "wide", 7, 3, &[]);
    narrow(&story);
    insta::assert_snapshot!(story);
}

#[test]
fn luck_is_called_luck() {
    let mut trace = sample::sample_trace();
    trace.lost.clear();
    let story = tell(&trace, "lucky", 1, 0, &[]);
    assert!(story.contains("by luck: rules still pointed at the closed listeners of old-2, old-1, old-0"), "{story}");
}

#[test]
fn many_losses_are_capped() {
    let mut trace = sample::sample_trace();
    trace.lost = trace.lost.repeat(9);
    let story = tell(&trace, "many", 1, 0, &[]);
    assert!(story.contains("… and 16 more."), "{story}");
    assert_eq!(told_requests(&trace), 20);
}

#[test]
fn an_exposed_start_is_told() {
    let mut trace = sample::sample_trace();
    let pod = PodId(9);
    let mut record = PodRecord::new(pod, Revision::New, Some(NodeId(0)));
    record.note(crate::record::PodEvent::Started, SimTime::from_nanos(1_000_000_000));
    record.note(crate::record::PodEvent::Listening, SimTime::from_nanos(1_250_000_000));
    trace.pods.push(record);
    let mut rule = RuleRecord::new(pod, NodeId(0));
    rule.note(RuleEvent::In, SimTime::from_nanos(1_200_000_000));
    trace.rules.push(rule);
    trace.lost[0].pod = Some(pod);
    trace.lost[0].met = Met::NotListeningYet;
    trace.lost[0].met_at = SimTime::from_nanos(1_240_000_000);
    let story = tell(&trace, "boot", 1, 0, &[Saving::new(0, &[Segment::Boot])]);
    assert!(story.contains("new-6: its rule on node-0 came 50.0 ms before it listened, 1 request lost"), "{story}");
    assert!(story.contains("Late was its start (boot took 250.0 ms): the packet came 10.0 ms before"), "{story}");
    assert!(story.contains("[\"boot_before_listening\"]"), "{story}");
}

#[test]
fn an_established_connection_has_the_kill_chain_as_its_clock() {
    let mut trace = sample::sample_trace();
    trace.lost[0].met = Met::CutInService;
    let story = tell(&trace, "cut", 1, 0, &[]);
    assert!(story.contains("does not follow the rules"), "{story}");
}

#[test]
fn segments_that_only_save_together_are_said_to() {
    let trace = sample::sample_trace();
    let story = tell(&trace, "short", 1, 0, &[Saving::new(0, &[Segment::SyncTime, Segment::EndpointSliceHop])]);
    assert!(story.contains("No single one of them at zero saves it. With sync time and EndpointSlice hop"), "{story}");
}

#[test]
fn empty_traces_are_told_too() {
    let story = tell(&Trace::default(), "empty", 1, 0, &[]);
    assert!(story.contains("no pod was deleted"), "{story}");
    let mut trace = sample::sample_trace();
    trace.pods.iter_mut().for_each(|pod| *pod = PodRecord::new(pod.pod, pod.revision, None));
    trace.rules.clear();
    trace.template_changed = None;
    narrow(&tell(&trace, "bare", 1, 0, &[]));
    trace.pods.clear();
    narrow(&tell(&trace, "barest", 1, 0, &[Saving::new(77, &[Segment::Boot])]));
}
