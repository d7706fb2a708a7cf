//! One replication in the trace-event format that Perfetto and chrome://tracing open: a process for each pod with its kill
//! chain, its unroute chain and its life, and one for the clients with the lost requests. Times are microseconds since the
//! beginning of the run.

use serde_json::{Value, json};

use crate::ids::Revision;
use crate::record::{LostRequest, PodEvent, PodRecord, Trace};
use crate::report::chain::{Step, kill_steps, unroute_steps};
use crate::report::story;
use crate::report::times::{Stretch, exposures, listening, routed};
use crate::units::SimTime;

/// The process of the clients; pods follow.
const CLIENTS: usize = 1;

/// The rows of a pod, as threads.
const ROWS: [(usize, &str); 5] =
    [(1, "kill chain"), (2, "unroute chain"), (3, "listening"), (4, "routed"), (5, "routed, not listening")];

/// The trace as JSON.
///
/// # Panics
///
/// If the trace cannot be written as JSON, which is our fault.
pub fn render(trace: &Trace) -> String {
    let mut events = vec![named("process_name", CLIENTS, 0, "clients: lost requests")];
    for pod in &trace.pods {
        events.extend(pod_events(trace, pod));
    }
    events.extend(trace.lost.iter().map(|lost| lost_event(trace, lost)));
    events.extend(marks(trace));
    super::json::render(&json!({"displayTimeUnit": "ms", "traceEvents": events}))
}

fn micros(at: SimTime) -> f64 {
    at.as_nanos() as f64 / 1e3
}

fn named(kind: &str, process: usize, thread: usize, name: &str) -> Value {
    json!({"ph": "M", "name": kind, "pid": process, "tid": thread, "args": {"name": name}})
}

fn bar(process: usize, thread: usize, name: &str, (from, to): (SimTime, SimTime)) -> Value {
    let length = micros(to) - micros(from);
    json!({"ph": "X", "name": name, "pid": process, "tid": thread, "ts": micros(from), "dur": length})
}

fn pod_events(trace: &Trace, pod: &PodRecord) -> Vec<Value> {
    let process = CLIENTS + 1 + pod.pod.index();
    let name =
        format!("{} {}", pod.pod.name(trace.replicas), pod.node.map_or(String::new(), |node| format!("on {node}")));
    let mut events = vec![named("process_name", process, 0, name.trim_end())];
    events.extend(ROWS.map(|(thread, name)| named("thread_name", process, thread, name)));
    let deleted = pod.at(PodEvent::Deleted);
    events.extend(chain(process, 1, deleted, &kill_steps(pod), trace));
    if deleted.is_some() {
        events.extend(chain(process, 2, deleted, &unroute_steps(trace, pod), trace));
    }
    let mut stretch =
        |thread, name: &str, stretch: Stretch| events.push(bar(process, thread, name, ends(trace, stretch)));
    listening(pod).into_iter().for_each(|found| stretch(3, "listening", found));
    routed(trace, pod).into_iter().for_each(|(any, _)| stretch(4, "routed", any));
    exposures(trace, pod).into_iter().filter(|(_, every)| !every).for_each(|(found, _)| stretch(5, "exposed", found));
    events
}

/// Each step as the time from the one before it.
fn chain(process: usize, thread: usize, start: Option<SimTime>, steps: &[Step], trace: &Trace) -> Vec<Value> {
    let mut from = start.or(steps.first().map(|step| step.at)).unwrap_or_default();
    let mut events = Vec::new();
    for step in steps {
        events.push(bar(process, thread, &story::step_words(step, trace.n_choosers()), (from, step.at.max(from))));
        from = step.at;
    }
    events
}

fn ends(trace: &Trace, stretch: Stretch) -> (SimTime, SimTime) {
    let from = stretch.from.unwrap_or_default();
    (from, stretch.to.unwrap_or(trace.end).max(from))
}

fn lost_event(trace: &Trace, lost: &LostRequest) -> Value {
    let mut event = bar(CLIENTS, lost.slot.index(), lost.kind.words(), (lost.sent, lost.known.max(lost.sent)));
    event["args"] = json!({
        "client": lost.client,
        "request": lost.call,
        "pod": lost.pod.map(|pod| pod.name(trace.replicas)),
        "met": lost.met.words(),
        "met at, µs": micros(lost.met_at),
        "node": lost.node.to_string(),
        "attempts": lost.attempts,
    });
    event
}

/// What concerns all: the template change, the sizes, the end of the rollout.
fn marks(trace: &Trace) -> Vec<Value> {
    let mark = |at, name: &str| json!({"ph": "i", "s": "g", "name": name, "pid": CLIENTS, "tid": 0, "ts": micros(at)});
    let size = |revision| if revision == Revision::Old { "old ReplicaSet to" } else { "new ReplicaSet to" };
    let changed = trace.template_changed.map(|at| mark(at, "template changed"));
    let complete = trace.rollout_complete.map(|at| mark(at, "Deployment complete"));
    let scaled = trace.scaled.iter().map(|&(at, revision, n)| mark(at, &format!("{} {n}", size(revision))));
    scaled.chain(changed).chain(complete).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn events(trace: &Trace) -> Vec<Value> {
        let text = render(trace);
        serde_json::from_str::<Value>(&text).unwrap()["traceEvents"].as_array().unwrap().clone()
    }

    #[test]
    fn every_lost_request_and_every_pod_is_there() {
        let trace = sample::sample_trace();
        let events = events(&trace);
        let count = |wanted: &dyn Fn(&Value) -> bool| events.iter().filter(|event| wanted(event)).count();
        assert_eq!(count(&|event| event["args"]["met"].is_string()), trace.lost.len());
        assert_eq!(count(&|event| event["name"] == "process_name"), trace.pods.len() + 1);
    }

    #[test]
    fn no_bar_ends_before_it_begins() {
        for trace in [sample::sample_trace(), sample::sample_with_hook(), sample::sample_wide()] {
            for event in events(&trace).iter().filter(|event| event["ph"] == "X") {
                assert!(event["ts"].as_f64().unwrap() >= 0.0 && event["dur"].as_f64().unwrap() >= 0.0, "{event}");
            }
        }
    }
}
