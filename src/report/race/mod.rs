//! One replication as data for a page: a lane for each pod, the steps of both chains, each lost request with its causes in
//! words, and how many pods were ready and routed. Times are seconds since the template change, or since the beginning of
//! a run without one.
//!
//! The words are those of the story. A page draws what stands here and decides nothing.

mod lanes;
pub(crate) mod levels;
mod lost;

use serde::Serialize;

use super::story::{self, Saving};
use super::times::{moments, secs};
use crate::record::Trace;
use crate::units::SimTime;

use lanes::Lane;
use levels::Level;
use lost::Lost;

/// The `schema` of a [`Race`].
pub const RACE_SCHEMA: &str = "rollsim/race/v1";

/// Lost requests told one by one; a page of more would be slow, and nobody reads them.
const MOST_LOST: usize = 500;
/// Connections of which it is told where they went.
const MOST_CONNECTED: usize = 2_000;

/// One replication.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Race {
    schema: &'static str,
    scenario: String,
    seed: u64,
    replication: u64,
    /// Whether times count from the template change.
    since_template_change: bool,
    /// What is worth seeing, from the first moment to the last.
    from_s: f64,
    to_s: f64,
    /// When the clients stopped.
    end_s: f64,
    /// When the Deployment was complete.
    complete_s: Option<f64>,
    /// What leads clients to pods: "rules", "lists" or "names".
    routes: &'static str,
    pods: Vec<Lane>,
    /// All lost requests, though not all are told.
    n_lost: usize,
    lost: Vec<Lost>,
    /// Ready pods, pods in every element's routes, and pod objects, where they change.
    levels: Vec<Level>,
    /// Connections as they were established: seconds, connection, index of the pod.
    connected: Vec<(f64, u32, usize)>,
    /// Only where it was looked for what would have saved each lost request.
    story: Option<String>,
}

/// Which replication of which scenario it is.
#[derive(Debug, Clone, Copy)]
pub struct Which<'a> {
    /// Name of the scenario.
    pub scenario: &'a str,
    /// Seed of the experiment.
    pub seed: u64,
    /// Number of the replication.
    pub replication: u64,
}

impl Race {
    /// Reads a trace; `savings` as for [`story::tell`], if anybody looked for them.
    pub fn new(trace: &Trace, which: Which<'_>, savings: Option<&[Saving]>) -> Race {
        let origin = trace.template_changed.unwrap_or_default();
        let (from, to) = bounds(trace);
        let connected = trace.connected.iter().take(MOST_CONNECTED);
        Race {
            schema: RACE_SCHEMA,
            scenario: which.scenario.to_owned(),
            seed: which.seed,
            replication: which.replication,
            since_template_change: trace.template_changed.is_some(),
            from_s: secs(from, origin),
            to_s: secs(to, origin),
            end_s: secs(trace.end, origin),
            complete_s: trace.rollout_complete.map(|at| secs(at, origin)),
            routes: routes(trace),
            pods: lanes::lanes(trace, origin),
            n_lost: trace.lost.len(),
            lost: lost::told(trace, origin, savings, MOST_LOST),
            levels: levels::levels(trace, origin),
            connected: connected.map(|&(at, slot, pod)| (secs(at, origin), slot.0, pod.index())).collect(),
            story: savings.map(|found| story::tell(trace, which.scenario, which.seed, which.replication, found)),
        }
    }
}

fn bounds(trace: &Trace) -> (SimTime, SimTime) {
    let first = moments(trace).min().unwrap_or_default();
    (first, moments(trace).max().unwrap_or(trace.end))
}

fn routes(trace: &Trace) -> &'static str {
    let lists = || trace.choosers.iter().any(|element| matches!(element, crate::ids::Element::Worker(..)));
    if trace.by_name {
        "names"
    } else if lists() {
        "lists"
    } else {
        "rules"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn race(trace: &Trace) -> Race {
        Race::new(trace, Which { scenario: "sample", seed: 1, replication: 0 }, None)
    }

    #[test]
    fn every_pod_has_a_lane_and_every_lost_request_is_told() {
        let trace = sample::sample_trace();
        let race = race(&trace);
        assert_eq!(race.pods.len(), trace.pods.len());
        assert_eq!((race.n_lost, race.lost.len()), (trace.lost.len(), trace.lost.len()));
        assert!(race.from_s <= 0.0 && race.to_s > race.from_s, "{} {}", race.from_s, race.to_s);
    }

    #[test]
    fn the_shape_is_what_pages_read() {
        let json = crate::report::json::render(&race(&sample::sample_trace()));
        insta::assert_snapshot!(json);
    }

    #[test]
    fn an_empty_trace_is_an_empty_race() {
        let race = race(&Trace::default());
        assert!(race.pods.is_empty() && race.lost.is_empty() && race.levels.len() <= 1);
    }
}
