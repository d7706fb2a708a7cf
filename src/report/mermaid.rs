//! The race of one pod as a Mermaid sequence diagram, for a README or a pull request: who told whom what, and when a request was
//! lost in between.
//!
//! One diagram shows one pod, the one on which most requests were lost; times are milliseconds since its deletion.

use crate::ids::Element;
use crate::record::{LostRequest, PodEvent, PodRecord, RuleEvent, Trace};
use crate::report::chain::{closed_at, deleted_pods, lost_on, rules_by};
use crate::report::story::{millis_since, verdict};
use crate::units::SimTime;

/// Longer diagrams cannot be read.
const MOST_MESSAGES: usize = 60;
/// Lost requests in one diagram.
const MOST_LOST: usize = 12;

/// Who stands in the diagram.
const PARTICIPANTS: [(&str, &str); 6] = [
    ("client", "client"),
    ("routes", "routes"),
    ("slices", "EndpointSlice controller"),
    ("api", "API server"),
    ("kubelet", "kubelet"),
    ("pod", "pod"),
];

/// What happened in a life, as a message: from, to, words.
const LIFE: [(PodEvent, &str, &str, &str); 10] = [
    (PodEvent::KubeletDeleted, "api", "kubelet", "deletion seen"),
    (PodEvent::HookBegan, "kubelet", "pod", "preStop hook begins"),
    (PodEvent::HookEnded, "pod", "kubelet", "preStop hook ends"),
    (PodEvent::Signalled, "kubelet", "pod", "stop signal"),
    (PodEvent::Killed, "kubelet", "pod", "SIGKILL"),
    (PodEvent::ListenerClosed, "pod", "pod", "listener closed"),
    (PodEvent::Exited, "pod", "kubelet", "process exited"),
    (PodEvent::NamespaceGone, "kubelet", "pod", "network namespace gone"),
    (PodEvent::EndpointsSeen, "api", "slices", "deletion seen"),
    (PodEvent::EndpointOut, "slices", "api", "slice without the pod stored"),
];

/// One line of the diagram.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Message {
    at: SimTime,
    text: String,
}

/// The diagram; one note if no pod was deleted.
pub fn render(trace: &Trace, title: &str) -> String {
    let mut out = format!("---\ntitle: {}\n---\nsequenceDiagram\n", one_line(title));
    let Some((pod, deleted)) = subject(trace) else {
        return out + "    participant api as API server\n    Note over api: no pod was deleted, so nothing raced\n";
    };
    let name = pod.pod.name(trace.replicas);
    for (id, words) in PARTICIPANTS {
        let words = if id == "pod" { &name } else { words };
        out += &format!("    participant {id} as {words}\n");
    }
    out += &format!("    Note over api: {name} deleted, both chains start, 0 ms\n");
    let mut messages = messages(trace, pod, deleted);
    let left_out = messages.len().saturating_sub(MOST_MESSAGES);
    messages.truncate(MOST_MESSAGES);
    messages.iter().for_each(|message| out += &format!("    {}\n", message.text));
    if left_out > 0 {
        out += &format!("    Note over api: {left_out} more\n");
    }
    out + &format!("    Note over client,pod: {}\n", one_line(&verdict(trace, pod)))
}

/// A semicolon or a line feed would end the statement.
fn one_line(text: &str) -> String {
    text.replace([';', '\n', '#'], ",")
}

/// The deleted pod on which most were lost, the first of those.
fn subject(trace: &Trace) -> Option<(&PodRecord, SimTime)> {
    let pods = deleted_pods(trace);
    let most = pods.iter().map(|pod| lost_on(trace, pod.pod)).max()?;
    let pod = pods.into_iter().find(|pod| lost_on(trace, pod.pod) == most)?;
    Some((pod, pod.at(PodEvent::Deleted)?))
}

fn messages(trace: &Trace, pod: &PodRecord, deleted: SimTime) -> Vec<Message> {
    let line = |at: SimTime, from: &str, arrow: &str, to: &str, words: &str| Message {
        at,
        text: format!("{from}{arrow}{to}: {words}, {} ms", millis_since(at, deleted)),
    };
    let life = LIFE.iter().filter_map(|&(event, from, to, words)| Some(line(pod.at(event)?, from, "->>", to, words)));
    let routes = routes(trace, pod).into_iter().map(|(at, from, words)| line(at, from, "->>", "routes", &words));
    let lost = lost(trace, pod).map(|lost| line(lost.met_at, "client", "-x", "pod", lost.kind.words()));
    let mut all: Vec<Message> = life.chain(routes).chain(lost).collect();
    // A process that ended without closing its listener closed it by ending.
    if pod.at(PodEvent::ListenerClosed).is_none() {
        all.extend(closed_at(pod).map(|at| line(at, "pod", "->>", "pod", "listener closed")));
    }
    all.sort();
    all
}

/// The first and the last element that took the pod out.
fn routes(trace: &Trace, pod: &PodRecord) -> Vec<(SimTime, &'static str, String)> {
    let moments = [
        (RuleEvent::OutSeen, "api", "slice seen"),
        (RuleEvent::OutSync, "routes", "update begins"),
        (RuleEvent::Out, "routes", "out of the routes"),
    ];
    let ends = |event| {
        let all = rules_by(trace, pod.pod, event);
        let mut ends: Vec<(SimTime, Element)> = all.first().into_iter().chain(all.last()).copied().collect();
        ends.dedup();
        ends
    };
    let all =
        moments.iter().flat_map(|&(event, from, words)| ends(event).into_iter().map(move |end| (end, from, words)));
    all.map(|((at, element), from, words)| (at, from, format!("{element} {words}"))).collect()
}

fn lost<'a>(trace: &'a Trace, pod: &PodRecord) -> impl Iterator<Item = &'a LostRequest> {
    let pod = pod.pod;
    trace.lost.iter().filter(move |lost| lost.pod == Some(pod)).take(MOST_LOST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_race_is_a_sequence_of_messages() {
        insta::assert_snapshot!(render(&sample::sample_trace(), "sample, replication 0"));
    }

    #[test]
    fn a_diagram_stays_readable() {
        let text = render(&sample::sample_wide(), "wide");
        let messages = text.lines().filter(|line| line.contains("->>") || line.contains("-x")).count();
        assert!((1..=MOST_MESSAGES).contains(&messages), "{messages}");
    }

    #[test]
    fn nothing_deleted_is_a_note() {
        assert!(render(&Trace::default(), "a;b").contains("title: a,b"));
    }
}
