//! The race of each deleted pod: its two chains beside each other, and who won. Of many pods, those that lost
//! requests are told and the rest is summed up. New pods are told when they were routed before they listened.

use std::cmp::Reverse;

use crate::ids::{Element, PodId};
use crate::record::{PodEvent, PodRecord, Trace};
use crate::report::chain::{
    Ending, Rank, Step, deleted_pods, ending, kill_steps, lost_after_rules, lost_on, start_exposure, unroute_steps,
};
use crate::units::{SimDuration, SimTime};

use super::add_heading;
use super::text::{Origin, add_prose, count, millis_since, span};

/// Pods told one by one.
const TOLD: usize = 8;

/// Adds the races of the deleted pods and the starts that were exposed.
pub(super) fn add_pods(story: &mut String, trace: &Trace) {
    let pods = deleted_pods(trace);
    let (told, rest) = choose(trace, &pods);
    for pod in told {
        add_race(story, trace, pod);
    }
    if !rest.is_empty() {
        add_heading(story, &summary(trace, &rest));
    }
    add_starts(story, trace);
}

/// Which pods are told and which summed up, both in order of deletion.
fn choose<'a>(trace: &Trace, pods: &[&'a PodRecord]) -> (Vec<&'a PodRecord>, Vec<&'a PodRecord>) {
    if pods.len() <= TOLD {
        return (pods.to_vec(), Vec::new());
    }
    let mut by_loss: Vec<_> = pods.iter().filter(|pod| lost_on(trace, pod.pod) > 0).copied().collect();
    by_loss.sort_by_key(|pod| Reverse(lost_on(trace, pod.pod)));
    by_loss.truncate(TOLD);
    pods.iter().partition(|pod| by_loss.contains(pod))
}

fn add_race(story: &mut String, trace: &Trace, pod: &PodRecord) {
    let Some(deleted) = pod.at(PodEvent::Deleted) else { return };
    let origin = Origin::of(trace);
    add_heading(
        story,
        &format!("{}, deleted {} {}; from there, in ms:", place(trace, pod), origin.secs(deleted), origin.after),
    );
    add_columns(story, &kill_steps(pod), &unroute_steps(trace, pod), deleted, trace.n_choosers());
    add_prose(story, "  ", &verdict(trace, pod));
}

/// "old-2 on node-0".
fn place(trace: &Trace, pod: &PodRecord) -> String {
    let name = pod.pod.name(trace.replicas);
    pod.node.map_or(name.clone(), |node| format!("{name} on {node}"))
}

fn add_columns(story: &mut String, kill: &[Step], unroute: &[Step], deleted: SimTime, choosers: usize) {
    story.push_str(&row("", "kill", "", "unroute"));
    for index in 0..kill.len().max(unroute.len()) {
        let (left_at, left) = cell(kill.get(index), deleted, choosers);
        let (right_at, right) = cell(unroute.get(index), deleted, choosers);
        story.push_str(&row(&left_at, &left, &right_at, &right));
    }
}

fn row(left_at: &str, left: &str, right_at: &str, right: &str) -> String {
    let row = format!("  {left_at:>9}  {left:<18}  {right_at:>9}  {right}");
    format!("{}\n", row.trim_end())
}

fn cell(step: Option<&Step>, deleted: SimTime, choosers: usize) -> (String, String) {
    step.map(|step| (millis_since(step.at, deleted), words(step, choosers))).unwrap_or_default()
}

/// What a step was; of several elements, which one's.
pub(crate) fn words(step: &Step, choosers: usize) -> String {
    match step.element {
        None => step.words.to_owned(),
        Some((element, Rank::Only)) => format!("{element}: {}", step.words),
        Some((element, Rank::First)) => format!("{element}, first of {choosers}: {}", step.words),
        Some((element, Rank::Last)) => format!("{element}, last of {choosers}: {}", step.words),
    }
}

/// How the race between a deleted pod's two chains ended, and what was lost on it.
pub(crate) fn verdict(trace: &Trace, pod: &PodRecord) -> String {
    let lost = match lost_on(trace, pod.pod) {
        0 => "No request was lost on it.".to_owned(),
        1 => "1 request was lost on it.".to_owned(),
        lost => format!("{lost} requests were lost on it."),
    };
    let ending = ending(trace, pod);
    if ending == Ending::NoRules && trace.by_name {
        return format!("Its clients find it by name, no rule points to it. {lost}");
    }
    match (ending, lost_after_rules(trace, pod.pod)) {
        (Ending::Spared { margin, .. }, after @ 1..) => format!(
            "It was out of all routes {} before the listener closed, but {} followed what an earlier packet had chosen. {lost}",
            span(margin),
            count(after, "connection")
        ),
        (ending, _) => format!("{} {lost}", race_in_words(ending)),
    }
}

fn race_in_words(ending: Ending) -> String {
    match ending {
        Ending::Exposed { window, deserted, element } => exposed(window, deserted, element),
        Ending::Spared { margin, .. } => {
            format!("It was out of all routes {} before the listener closed: no connect could fail.", span(margin))
        }
        Ending::StillRouted(left) => format!(
            "The listener closed, and {} still led to it at the end: new connections fail from then on.",
            count(left as usize, "route")
        ),
        Ending::StillListening => "It still listened at the end.".to_owned(),
        Ending::NoRules => "No rule that pointed to it was noted.".to_owned(),
    }
}

fn exposed(window: SimDuration, deserted: SimDuration, element: Element) -> String {
    let last = match element {
        Element::Node(node) => format!("the last rule was gone ({node})"),
        Element::Worker(..) => format!("the last worker took it off its list ({element})"),
    };
    let head = format!("The listener closed {} before {last}", span(window));
    if deserted.is_zero() {
        return format!("{head}: new connections in that window could be refused.");
    }
    let deserted = deserted.min(window);
    format!(
        "{head}: new connections could be refused, and in the last {} of it, with the namespace gone, go unanswered.",
        span(deserted)
    )
}

fn summary(trace: &Trace, rest: &[&PodRecord]) -> String {
    let lost: usize = rest.iter().map(|pod| lost_on(trace, pod.pod)).sum();
    let told = if lost == 0 { "lost no request".to_owned() } else { format!("lost {}", count(lost, "request")) };
    format!("The other {} {told}: {}.", count(rest.len(), "deleted pod"), endings(trace, rest))
}

/// "5 exposed for 31.0 ms to 118.0 ms, 2 unrouted 1.2 ms to 9.712 s before they closed".
fn endings(trace: &Trace, rest: &[&PodRecord]) -> String {
    let all: Vec<_> = rest.iter().map(|pod| ending(trace, pod)).collect();
    let windows = spans(&all, |ending| match ending {
        Ending::Exposed { window, .. } => Some(window),
        _ => None,
    });
    let margins = spans(&all, |ending| match ending {
        Ending::Spared { margin, .. } => Some(margin),
        _ => None,
    });
    let open = all.len() - windows.len() - margins.len();
    let parts = [
        range(&windows).map(|range| format!("{} exposed for {range}", windows.len())),
        range(&margins).map(|range| format!("{} out of every rule {range} before closing", margins.len())),
        (open > 0).then(|| format!("{open} with no end to the race")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn spans(endings: &[Ending], pick: impl Fn(Ending) -> Option<SimDuration>) -> Vec<SimDuration> {
    endings.iter().filter_map(|&ending| pick(ending)).collect()
}

fn range(spans: &[SimDuration]) -> Option<String> {
    let (shortest, longest) = (spans.iter().min()?, spans.iter().max()?);
    Some(if shortest == longest { span(*longest) } else { format!("{} to {}", span(*shortest), span(*longest)) })
}

/// Adds the pods that were in the rules before they listened.
fn add_starts(story: &mut String, trace: &Trace) {
    let exposed: Vec<_> = trace.pods.iter().filter_map(|pod| Some((pod.pod, start_exposure(trace, pod)?.0))).collect();
    if exposed.is_empty() {
        return;
    }
    add_heading(story, "Pods that were in the rules before they listened (new connections could be refused):");
    for &(pod, length) in exposed.iter().take(TOLD) {
        add_prose(story, "  ", &start_in_words(trace, pod, length));
    }
    if exposed.len() > TOLD {
        add_prose(story, "  ", &format!("… and {} more", exposed.len() - TOLD));
    }
}

fn start_in_words(trace: &Trace, pod: PodId, length: SimDuration) -> String {
    let element = trace.pod(pod).and_then(|record| start_exposure(trace, record)).map(|(_, element)| element);
    let on = element.map_or(String::new(), |element| format!(" on {element}"));
    let lost = count(lost_on(trace, pod), "request");
    format!("{}: its rule{on} came {} before it listened, {lost} lost on it.", pod.name(trace.replicas), span(length))
}
