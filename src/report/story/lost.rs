//! Each lost request: who sent it where, what it met, which clock was late and by how much.

use crate::ids::{PodId, ReplicaId};
use crate::record::{LostRequest, Met, PodEvent, RuleEvent, Trace};
use crate::report::chain::{Clock, Segment, clock, late_segments, left_list, out_of_slice};
use crate::units::SimDuration;

use super::text::{Origin, add_prose, span};
use super::{Saving, add_heading};

/// Requests told one by one.
pub(super) const TOLD: usize = 20;

/// Adds the lost requests, if there were any.
pub(super) fn add_requests(story: &mut String, trace: &Trace, savings: &[Saving]) {
    if trace.lost.is_empty() {
        return;
    }
    add_heading(story, &format!("The lost requests, times {}:", Origin::of(trace).after));
    for (index, lost) in trace.lost.iter().take(TOLD).enumerate() {
        let saved = savings.iter().find(|saving| saving.index == index);
        add_request(story, trace, index, lost, saved);
    }
    if trace.lost.len() > TOLD {
        add_prose(story, "   ", &format!("… and {} more.", trace.lost.len() - TOLD));
    }
}

fn add_request(story: &mut String, trace: &Trace, index: usize, lost: &LostRequest, saved: Option<&Saving>) {
    for (number, prose) in sentences(trace, lost, saved.map_or(Remedy::None, Remedy::Found)).iter().enumerate() {
        let first = if number == 0 { format!("{:>4}. ", index + 1) } else { " ".repeat(6) };
        add_prose(story, &first, prose);
    }
}

/// What is known of segments that save a request when they take no time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Remedy<'a> {
    /// Nobody has looked.
    Unknown,
    /// Not even all together.
    None,
    /// These.
    Found(&'a Saving),
}

/// Who sent it, what it met, which clock was late, and what would have saved it.
pub(crate) fn sentences(trace: &Trace, lost: &LostRequest, known: Remedy<'_>) -> Vec<String> {
    let all = [who(trace, lost), what(trace, lost), why(trace, lost), remedy(trace, lost, known)];
    all.into_iter().filter(|sentence| !sentence.is_empty()).collect()
}

fn who(trace: &Trace, lost: &LostRequest) -> String {
    let connection = if lost.reused { "reused connection" } else { "fresh connection" };
    let attempts = if lost.attempts == 1 { "1 attempt".to_owned() } else { format!("{} attempts", lost.attempts) };
    format!(
        "client {}, {}, request {}: sent at {}, {connection}, {attempts}, through {}.",
        lost.client,
        lost.slot,
        lost.call,
        Origin::of(trace).fine_secs(lost.sent),
        lost.replica.map_or_else(|| lost.node.to_string(), |replica| replica.to_string())
    )
}

fn what(trace: &Trace, lost: &LostRequest) -> String {
    let waited = span(lost.known.saturating_since(lost.sent));
    let met = match lost.pod {
        Some(pod) => format!("It met {}: {}.", pod.name(trace.replicas), lost.met.words()),
        None => format!("It met no pod: {}.", lost.met.words()),
    };
    format!("{met} The client saw: {}, {waited} after sending.", lost.kind.words())
}

fn why(trace: &Trace, lost: &LostRequest) -> String {
    if let Some(replica) = lost.replica {
        return why_behind(trace, lost, replica);
    }
    match (clock(lost), lost.pod) {
        (Clock::Unroute, Some(pod)) if trace.by_name => late_name(trace, lost, pod),
        (Clock::Unroute, Some(pod)) => late_rule(trace, lost, pod),
        (Clock::Start, Some(pod)) => late_start(trace, lost, pod),
        (Clock::Unroute | Clock::Start, None) => String::new(),
        (Clock::Kill, _) => "Its clock is the kill chain itself: an established connection does not follow the rules, \
                             it ends when its server closes it."
            .to_owned(),
        (Clock::NoEndpoints, _) => nowhere_to_go(lost.met).to_owned(),
        (Clock::Balancer, _) if lost.met == Met::UnhealthyTarget => {
            "Its clock is the load balancer's check: it found the target unhealthy and reset what it forwards there."
                .to_owned()
        }
        (Clock::Balancer, _) => {
            "Its clock is the reload: new workers took over, and the old ones closed the connection.".to_owned()
        }
        (Clock::Service, _) => "Neither chain decided: the server was alive.".to_owned(),
    }
}

fn nowhere_to_go(met: Met) -> &'static str {
    match met {
        Met::NoAddress => "Its clock is the pods to come: no pod was Ready when the name was last resolved.",
        Met::NoLocalEndpoint => {
            "Its clock is the pod to come to this node: the node drops what policy Local does not let it pass on."
        }
        _ => "Its clock is the routes of the pods to come: this node's rules held no pod at that moment.",
    }
}

fn late_name(trace: &Trace, lost: &LostRequest, pod: PodId) -> String {
    match out_of_slice(trace, lost, pod) {
        Some(age) => format!(
            "Late was its name: the pod had left the EndpointSlice {} before, but a DNS cache still had its address.",
            span(age)
        ),
        None => "Late was its name: the pod was still in the EndpointSlice.".to_owned(),
    }
}

/// The clock of a request that a balancer's replica could not bring to a pod.
fn why_behind(trace: &Trace, lost: &LostRequest, replica: ReplicaId) -> String {
    match (clock(lost), lost.pod) {
        (Clock::Unroute, Some(pod)) => late_list(trace, lost, replica, pod),
        (Clock::Start, Some(_)) => format!("{replica} sent it to a pod that did not listen yet."),
        (Clock::Balancer, _) => {
            format!(
                "Its clock is a reload of {replica}: new workers took over, and the old ones closed the connection."
            )
        }
        (Clock::NoEndpoints, _) => format!("{replica} had nowhere to send it at that moment."),
        (Clock::Kill, _) => format!(
            "Its clock is the kill chain itself: an established connection of {replica} ends when its server closes it."
        ),
        _ => "Neither chain decided: somebody was too slow.".to_owned(),
    }
}

fn late_list(trace: &Trace, lost: &LostRequest, replica: ReplicaId, pod: PodId) -> String {
    if !trace.routes.iter().any(|route| route.replica == replica) {
        return format!("Late was the rule of the node through which {replica} reached it.");
    }
    let name = pod.name(trace.replicas);
    match left_list(trace, replica, pod, lost.met_at) {
        Some(out) => {
            let late = span(out.saturating_since(lost.met_at));
            let chain = segments_in_words(&late_segments(trace, lost));
            format!(
                "Late was {replica}: its last worker took {name} off its list {late} after the packet met it{chain}."
            )
        }
        None => format!("{replica} had chosen {name} before it took it off its list, or never did."),
    }
}

fn late_rule(trace: &Trace, lost: &LostRequest, pod: PodId) -> String {
    let chain = segments_in_words(&late_segments(trace, lost));
    format!("Late was its rule on {}{chain}. {}", lost.node, rule_delay(trace, lost, pod))
}

/// ": longest was sync time with 118.0 ms, then EndpointSlice hop 27.0 ms, proxy wait 0 ms".
fn segments_in_words(segments: &[(Segment, SimDuration)]) -> String {
    let Some((&(longest, length), rest)) = segments.split_first() else { return String::new() };
    let rest: Vec<_> = rest.iter().map(|&(segment, length)| format!("{} {}", segment.words(), span(length))).collect();
    let then = if rest.is_empty() { String::new() } else { format!(", then {}", rest.join(", ")) };
    format!(": longest was {} with {}{then}", longest.words(), span(length))
}

fn rule_delay(trace: &Trace, lost: &LostRequest, pod: PodId) -> String {
    match needed(trace, lost, pod) {
        Some(late) if late.is_zero() => {
            "The rule was gone by then; the packet followed what an earlier one had chosen.".to_owned()
        }
        Some(late) => format!("Gone {} earlier, it would not have sent this request there.", span(late)),
        None => "It was still there at the end.".to_owned(),
    }
}

/// How much earlier the rule would have had to go, if it ever went.
fn needed(trace: &Trace, lost: &LostRequest, pod: PodId) -> Option<SimDuration> {
    let out = trace.rule(pod, lost.node)?.at(RuleEvent::Out)?;
    Some(out.saturating_since(lost.met_at))
}

fn late_start(trace: &Trace, lost: &LostRequest, pod: PodId) -> String {
    let listening = trace.pod(pod).and_then(|record| record.at(PodEvent::Listening));
    let boot = late_segments(trace, lost).first().map(|&(_, length)| span(length));
    let took = boot.map_or(String::new(), |boot| format!(" (boot took {boot})"));
    match listening.map(|at| at.saturating_since(lost.met_at)) {
        Some(early) => format!("Late was its start{took}: the packet came {} before it listened.", span(early)),
        None => format!("Late was its start{took}: it never listened."),
    }
}

fn remedy(trace: &Trace, lost: &LostRequest, known: Remedy<'_>) -> String {
    match known {
        Remedy::Unknown => return String::new(),
        Remedy::Found(saving) => return saving_in_words(saving),
        Remedy::None => {}
    }
    match (clock(lost), lost.pod) {
        (Clock::Unroute, Some(_)) if lost.replica.is_some() => {
            "Not even all three at zero save it: the run then takes another course and loses it elsewhere.".to_owned()
        }
        (Clock::Unroute, Some(pod)) if !trace.by_name => none_of_them(trace, lost, pod),
        _ => String::new(),
    }
}

fn saving_in_words(saving: &Saving) -> String {
    let words: Vec<_> = saving.segments.iter().map(|segment| segment.words()).collect();
    let alone = if words.len() > 1 { "No single one of them at zero saves it. " } else { "" };
    format!(
        "{alone}With {} at zero the same replication does not lose it (model.without = {}, checked by running it).",
        words.join(" and "),
        saving.without()
    )
}

fn none_of_them(trace: &Trace, lost: &LostRequest, pod: PodId) -> String {
    let reason = match needed(trace, lost, pod) {
        Some(needed) if needed.is_zero() => "the rule was not what held it",
        Some(_) => "the run then takes another course and loses it elsewhere",
        None => "the rule's way out is not known to its end",
    };
    format!("Not even all three at zero save it: {reason}.")
}
