//! Pictures of made-up traces. With `ROLLSIM_PICTURES` set to a folder, the pictures are written there to be looked at.

use super::*;
use crate::ids::{NodeId, PodId};
use crate::record::{FailureKind, LostRequest, Met, PodRecord};
use crate::report::sample;
use crate::units::SimDuration;

/// Marks have a colour of their own.
fn marks_in(svg: &str) -> usize {
    svg.lines()
        .flat_map(|line| line.split('<'))
        .filter(|tag| tag.starts_with("polygon") && tag.contains("#000000"))
        .count()
}

fn show(name: &str, trace: &Trace) {
    let Ok(folder) = std::env::var("ROLLSIM_PICTURES") else { return };
    let file = name.split(',').next().unwrap();
    std::fs::write(format!("{folder}/story-{file}.svg"), race_svg(trace, name)).unwrap();
    #[cfg(feature = "png")]
    std::fs::write(format!("{folder}/story-{file}.png"), race_png(trace, name).unwrap()).unwrap();
}

#[test]
fn pictures_to_look_at() {
    show("article-no-hook, replication 0", &sample::sample_trace());
    show("article-with-hook, replication 0", &sample::sample_with_hook());
    show("wide, replication 3", &sample::sample_wide());
    show("cut, replication 1", &cut_after_the_hook());
    show("empty", &Trace::default());
}

/// Hooks of ten seconds, and a request cut at the end of one.
fn cut_after_the_hook() -> Trace {
    let mut trace = sample::sample_with_hook();
    let model = sample::sample_trace().lost[0];
    let met_at = trace.pods[2].at(crate::record::PodEvent::ListenerClosed).unwrap();
    let met_at = met_at + SimDuration::from_micros(300);
    trace.lost = vec![
        LostRequest { met_at, kind: FailureKind::Eof, met: Met::ClosedUnread, ..model },
        LostRequest { met_at, kind: FailureKind::Reset, met: Met::CutInService, ..model },
        LostRequest { met: Met::NoEndpoints, pod: None, ..model },
    ];
    trace
}

#[test]
fn the_same_trace_gives_the_same_svg() {
    let trace = sample::sample_wide();
    assert_eq!(race_svg(&trace, "wide"), race_svg(&trace, "wide"));
}

#[test]
fn each_lost_request_has_a_mark_in_its_lane_and_in_its_panel() {
    let trace = sample::sample_trace();
    let legend = 1;
    assert_eq!(marks_in(&race_svg(&trace, "article-no-hook")), trace.lost.len() * 2 + legend);
}

#[test]
fn nothing_lost_means_no_mark() {
    assert_eq!(marks_in(&race_svg(&sample::sample_with_hook(), "article-with-hook")), 0);
}

#[test]
fn a_request_without_a_pod_has_a_lane() {
    let svg = race_svg(&cut_after_the_hook(), "cut");
    assert!(svg.contains("no pod"));
    assert_eq!(marks_in(&svg), 3 + 2 + 3);
}

#[test]
fn the_title_says_what_is_seen() {
    let svg = race_svg(&sample::sample_trace(), "article-no-hook, replication 0");
    assert!(svg.contains("article-no-hook, replication 0: 4 requests lost in 3 windows of 102.0 ms to 120.0 ms"));
}

#[test]
fn text_is_escaped() {
    assert!(!race_svg(&Trace::default(), "<script>").contains("<script>"));
}

#[test]
fn traces_with_nothing_in_them_do_not_panic() {
    race_svg(&Trace::default(), "empty");
    let mut trace = sample::sample_trace();
    trace.template_changed = None;
    race_svg(&trace, "no rollout");
    trace.pods.iter_mut().for_each(|pod| *pod = PodRecord::new(pod.pod, pod.revision, None));
    race_svg(&trace, "pods without times");
    trace.rules.clear();
    trace.pods.clear();
    trace.lost[0].pod = Some(PodId(77));
    trace.lost[0].node = NodeId(77);
    race_svg(&trace, "lost on a pod nobody knows");
}

#[cfg(feature = "png")]
#[test]
fn a_png_is_a_png_and_always_the_same() {
    let png = || race_png(&sample::sample_trace(), "article-no-hook").unwrap();
    assert!(png().starts_with(b"\x89PNG"));
    assert_eq!(png(), png());
}

#[test]
fn the_course_counts_pods_and_connections() {
    let trace = sample::sample_trace();
    let svg = chart_svg(&course(&trace, "sample"));
    for words in ["sample: at least 3 pods ready all the time", "connections to", "of these, not listening"] {
        assert!(svg.contains(words), "{words}");
    }
    assert!(chart_svg(&course(&Trace::default(), "empty")).contains("connections to"));
}

#[test]
fn every_pod_has_its_life() {
    let trace = sample::sample_trace();
    let svg = pods_svg(&trace, "sample");
    assert!(trace.pods.iter().all(|pod| svg.contains(&pod.pod.name(trace.replicas))));
}

#[test]
fn two_races_stand_beside_each_other() {
    let (left, right) = (sample::sample_trace(), sample::sample_with_hook());
    let svg = pair_svg((&left, "without"), (&right, "with"));
    assert!(svg.contains("without: ") && svg.contains("with: ") && svg.contains("width=\"3200\""));
}

#[test]
fn the_race_is_drawn_as_before() {
    insta::assert_snapshot!(race_svg(&sample::sample_trace(), "article-no-hook, replication 0"));
}

#[test]
fn the_lives_of_pods_are_drawn_as_before() {
    insta::assert_snapshot!(pods_svg(&cut_after_the_hook(), "cut, replication 1"));
}

#[test]
fn races_beside_each_other_are_drawn_as_before() {
    let (left, right) = (sample::sample_trace(), sample::sample_with_hook());
    insta::assert_snapshot!(pair_svg((&left, "article-no-hook"), (&right, "article-with-hook")));
}
