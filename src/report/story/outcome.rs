//! The opening: what was run, what came of it, and why nothing was lost if nothing was.

use std::cmp::Reverse;

use crate::ids::{Element, Revision};
use crate::record::{FailureKind, LostRequest, PodRecord, Trace};
use crate::report::chain::{Ending, deleted_pods, ending};
use crate::units::SimDuration;

use super::text::{Origin, add_prose, count, span};

/// Adds the line on the run and the line on its outcome.
pub(super) fn add_opening(story: &mut String, trace: &Trace, name: &str, seed: u64, replication: u64) {
    let run = format!("{name}, seed {seed}, replication {replication}: {}.", what_was_run(trace));
    add_prose(story, "", &run);
    let outcome = if trace.lost.is_empty() { why_nothing(trace) } else { what_was_lost(trace) };
    add_prose(story, "", &outcome);
}

fn what_was_run(trace: &Trace) -> String {
    let of = |revision| trace.pods.iter().filter(|pod| pod.revision == revision).count();
    format!(
        "{} and {} new on {}, clients until {} s",
        count(of(Revision::Old), "old pod"),
        of(Revision::New),
        count(trace.nodes as usize, "node"),
        trace.end.as_nanos() / 1_000_000_000
    )
}

fn what_was_lost(trace: &Trace) -> String {
    let lost = count(trace.lost.len(), "request");
    format!("{lost} lost ({}), {}.", kinds(&trace.lost), when_lost(trace))
}

/// "3 connection refused, 1 connect timed out".
pub(super) fn kinds(lost: &[LostRequest]) -> String {
    let of = |kind| lost.iter().filter(|request| request.kind == kind).count();
    let mut counts: Vec<_> =
        FailureKind::ALL.into_iter().map(|kind| (of(kind), kind)).filter(|&(count, _)| count > 0).collect();
    counts.sort_by_key(|&(count, kind)| (Reverse(count), kind));
    let words: Vec<_> = counts.iter().map(|(count, kind)| format!("{count} {}", kind.words())).collect();
    words.join(", ")
}

fn when_lost(trace: &Trace) -> String {
    let origin = Origin::of(trace);
    let first = trace.lost.iter().map(|lost| lost.sent).min().unwrap_or_default();
    let last = trace.lost.iter().map(|lost| lost.sent).max().unwrap_or_default();
    if first == last {
        return format!("sent {} {}", origin.secs(first), origin.after);
    }
    format!("sent between {} and {} {}", origin.secs(first), origin.secs(last), origin.after)
}

fn why_nothing(trace: &Trace) -> String {
    let pods = deleted_pods(trace);
    if pods.is_empty() {
        return "No request was lost: no pod was deleted, so nothing raced.".to_owned();
    }
    let losers: Vec<_> = pods.iter().filter(|pod| lost_the_race(ending(trace, pod))).collect();
    if losers.is_empty() { all_in_time(trace, &pods) } else { lucky(trace, &losers) }
}

/// Whether a listener closed while a rule still pointed at it.
fn lost_the_race(ending: Ending) -> bool {
    matches!(ending, Ending::Exposed { .. } | Ending::StillRouted(_))
}

fn all_in_time(trace: &Trace, pods: &[&PodRecord]) -> String {
    let why = "No request was lost: no rule outlived the listener it pointed to.";
    match narrowest(trace, pods) {
        Some((margin, pod, element)) => format!(
            "{why} The narrowest was {}: its last rule (on {element}) was gone {} before its listener closed.",
            pod.pod.name(trace.replicas),
            span(margin)
        ),
        None => why.to_owned(),
    }
}

/// The smallest margin between a pod's last rule and its listener.
fn narrowest<'a>(trace: &Trace, pods: &[&'a PodRecord]) -> Option<(SimDuration, &'a PodRecord, Element)> {
    let margin = |pod: &&'a PodRecord| match ending(trace, pod) {
        Ending::Spared { margin, element } => Some((margin, *pod, element)),
        _ => None,
    };
    pods.iter().filter_map(margin).min_by_key(|&(margin, pod, _)| (margin, pod.pod))
}

fn lucky(trace: &Trace, losers: &[&&PodRecord]) -> String {
    let names: Vec<_> = losers.iter().take(4).map(|pod| pod.pod.name(trace.replicas)).collect();
    let more = losers.len().saturating_sub(names.len());
    let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
    if trace.choosers.iter().any(|element| matches!(element, Element::Worker(..))) {
        return format!(
            "No request was lost, though lists still held {}{rest} after the listener had closed: other tries were \
             answered, or none went there.",
            names.join(", ")
        );
    }
    format!(
        "No request was lost, by luck: rules still pointed at the closed {} of {}{rest}, but no new connection came \
         that way in that time.",
        if losers.len() == 1 { "listener" } else { "listeners" },
        names.join(", ")
    )
}
