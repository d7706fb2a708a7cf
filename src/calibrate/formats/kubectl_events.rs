//! The stream of `kubectl get events -w -o json` → `sandbox`, `pull` and `create_start`, by pod and container.
//!
//! | delay | from | to |
//! |---|---|---|
//! | `sandbox` | Scheduled | the first of Pulling, Pulled and Created of any container |
//! | `pull` | "Successfully pulled image … in 1.2s (1.5s including waiting)" says it: the time with the wait for other pulls, for the simulator has no queue of them; without such a message Pulling to Pulled | |
//! | `create_start` | Pulled | Started |
//!
//! `sandbox` holds also the hop to the kubelet and its worker's start (some 10 ms), and the difference of the clocks of
//! scheduler and node. An image that was "already present on machine" gives no `pull`. Events say nothing of what comes
//! after Started: Ready is no event, Killing has no event that ends it.
//!
//! Time of an event: `eventTime` (the scheduler's, microseconds), else `firstTimestamp` (whole seconds). The kubelet's
//! event has only the latter, but client-go names an event POD.HEX after its moment in nanoseconds (tools/record/event.go,
//! makeEvent): where that agrees with `firstTimestamp` to the second, it is the exact time.

use std::collections::BTreeMap;

use super::Reading;
use super::objects::{Object, objects};
use super::stamp::Stamp;
use super::stamped::{estimate, of_exact};
use crate::calibrate::Estimate;
use crate::calibrate::interval::Known;
use crate::calibrate::tables::{DataError, File};
use crate::model::spec::DelayId;
use crate::units::SimDuration;

const WHAT: &str = "what `kubectl get events -w -o json` prints";

/// What events tell of a pod.
#[derive(Debug, Default)]
struct Pod {
    scheduled: Option<Stamp>,
    containers: BTreeMap<String, Container>,
}

/// The first event of each kind: later ones belong to restarts.
#[derive(Debug, Default)]
struct Container {
    pulling: Option<Stamp>,
    pulled: Option<Stamp>,
    created: Option<Stamp>,
    started: Option<Stamp>,
    /// Seconds, from the message.
    pull_took: Option<f64>,
    was_present: bool,
}

/// The delays that the events show.
pub fn read(file: File<'_>) -> Result<Reading, DataError> {
    let pods = pods(file)?;
    if pods.is_empty() {
        let what = "no event Scheduled, Pulling, Pulled, Created or Started of a pod";
        return Err(file.error_at(0, format!("{what}, expected {WHAT}")));
    }
    let mut reading = Reading::default();
    for found in [sandbox(&pods), pull(&pods), create_start(&pods)] {
        match found {
            Ok(estimate) => reading.estimates.push(estimate),
            Err(note) => reading.notes.push(note),
        }
    }
    Ok(reading)
}

/// Pods by their uid.
fn pods(file: File<'_>) -> Result<BTreeMap<String, Pod>, DataError> {
    let mut pods = BTreeMap::new();
    for event in objects(file, WHAT)?.iter().filter(|object| object.is("Event")) {
        note_event(file, event, &mut pods)?;
    }
    Ok(pods)
}

fn note_event(file: File<'_>, event: &Object, pods: &mut BTreeMap<String, Pod>) -> Result<(), DataError> {
    let reason = event.text("/reason").filter(|reason| REASONS.contains(reason));
    let is_pod = event.text("/involvedObject/kind") == Some("Pod");
    let (Some(reason), Some(uid), true) = (reason, event.text("/involvedObject/uid"), is_pod) else { return Ok(()) };
    let Some(at) = time(file, event)? else { return Ok(()) };
    let pod = pods.entry(uid.to_owned()).or_default();
    if reason == "Scheduled" {
        keep_first(&mut pod.scheduled, at);
        return Ok(());
    }
    let container = event.text("/involvedObject/fieldPath").unwrap_or_default();
    pod.containers.entry(container.to_owned()).or_default().note(
        reason,
        at,
        event.text("/message").unwrap_or_default(),
    );
    Ok(())
}

const REASONS: [&str; 5] = ["Scheduled", "Pulling", "Pulled", "Created", "Started"];

impl Container {
    fn note(&mut self, reason: &str, at: Stamp, message: &str) {
        let slot = match reason {
            "Pulling" => &mut self.pulling,
            "Pulled" => &mut self.pulled,
            "Created" => &mut self.created,
            _ => &mut self.started,
        };
        if keep_first(slot, at) && reason == "Pulled" {
            self.was_present = message.contains("already present on machine");
            self.pull_took = took(message);
        }
    }

    /// The first event after the sandbox.
    fn begin(&self) -> Option<Stamp> {
        [self.pulling, self.pulled, self.created].into_iter().flatten().min()
    }
}

/// Whether it was the first, or the same once more.
fn keep_first(slot: &mut Option<Stamp>, at: Stamp) -> bool {
    let is_first = slot.is_none_or(|before| at <= before);
    if is_first {
        *slot = Some(at);
    }
    is_first
}

fn time(file: File<'_>, event: &Object) -> Result<Option<Stamp>, DataError> {
    if let Some(exact) = event.stamp(file, "/eventTime")? {
        return Ok(Some(exact));
    }
    let first = event.stamp(file, "/firstTimestamp")?;
    Ok(first.map(|first| named(event).filter(|exact| exact.second() == first.second()).unwrap_or(first)))
}

/// The moment in an event's name, such as `web-5d4f8-x7k2p.188f5bd2a3c4e1f0`.
fn named(event: &Object) -> Option<Stamp> {
    let (_, nanos) = event.text("/metadata/name")?.rsplit_once('.')?;
    u64::from_str_radix(nanos, 16).ok().map(Stamp::of_nanos)
}

/// The seconds in `Successfully pulled image "a" in 1.234s (1.5s including waiting)`: the latter, or the only ones.
fn took(message: &str) -> Option<f64> {
    let rest = message.strip_prefix("Successfully pulled image")?;
    let (_, rest) = rest.rsplit_once("\" in ")?;
    let waiting = rest.split_once('(').and_then(|(_, rest)| rest.split_once(" including waiting)"));
    let text = waiting.map_or(rest, |(duration, _)| duration).split_whitespace().next()?;
    text.trim_end_matches('.')
        .parse::<SimDuration>()
        .ok()
        .map(SimDuration::as_secs_f64)
        .filter(|seconds| *seconds > 0.0)
}

fn sandbox(pods: &BTreeMap<String, Pod>) -> Result<Estimate, String> {
    let one = |pod: &Pod| Some(pod.containers.values().filter_map(Container::begin).min()?.since(pod.scheduled?));
    let values: Vec<Known> = pods.values().filter_map(one).collect();
    estimate(DelayId::Sandbox, "kubectl events: Scheduled to the first of Pulling, Pulled, Created", &values)
}

fn containers(pods: &BTreeMap<String, Pod>) -> impl Iterator<Item = &Container> {
    pods.values().flat_map(|pod| pod.containers.values())
}

fn create_start(pods: &BTreeMap<String, Pod>) -> Result<Estimate, String> {
    let one = |container: &Container| Some(container.started?.since(container.pulled?));
    let values: Vec<Known> = containers(pods).filter_map(one).collect();
    estimate(DelayId::CreateStart, "kubectl events: Pulled to Started", &values)
}

/// The messages are exact: only without any are the stamps used.
fn pull(pods: &BTreeMap<String, Pod>) -> Result<Estimate, String> {
    let said: Vec<f64> = containers(pods).filter_map(|container| container.pull_took).collect();
    let found = of_exact(DelayId::Pull, "kubectl events: message of Pulled, with waiting", &said);
    match found.map_or_else(|| pull_by_stamps(pods), Ok) {
        Ok(found) => Ok(Estimate { note: with_present(&found.note, pods), ..found }),
        Err(note) => Err(with_present(&note, pods)),
    }
}

fn with_present(note: &str, pods: &BTreeMap<String, Pod>) -> String {
    let present = containers(pods).filter(|container| container.was_present).count();
    let present =
        (present > 0).then(|| format!("{present} containers found their image on the node, which is no pull"));
    let notes = Some(note.to_owned()).filter(|note| !note.is_empty()).into_iter().chain(present);
    notes.collect::<Vec<_>>().join("; ")
}

fn pull_by_stamps(pods: &BTreeMap<String, Pod>) -> Result<Estimate, String> {
    let pulls = containers(pods).filter(|container| !container.was_present);
    let values: Vec<Known> = pulls.filter_map(|one| Some(one.pulled?.since(one.pulling?))).collect();
    estimate(DelayId::Pull, "kubectl events: Pulling to Pulled", &values)
}
