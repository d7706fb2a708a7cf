//! Which clock a lost request waited for: found by simulating the same replication again without a mechanism.
//!
//! Stories read only the record of a run; what would have been otherwise is computed here and handed to them.

use std::collections::BTreeMap;

use crate::model::spec::{Mechanism, Scenario};
use crate::record::{LostRequest, Trace};
use crate::report::chain::{self, Segment};
use crate::report::story::{self, Saving};
use crate::run::{self, Options};

/// One replication with everything that happened in it.
pub fn traced(scenario: &Scenario, replication: u64) -> Trace {
    run::run_once(scenario, replication, Options { trace: true, ..Options::default() }).trace.unwrap_or_default()
}

/// For each lost request that a story tells of: the late segments of its chain without which the same replication does
/// not lose it. The longest that does so alone, else the longest few that do so together; none for a request that no
/// rule and no boot decided.
pub fn savings(scenario: &Scenario, replication: u64, trace: &Trace) -> Vec<Saving> {
    let mut runs = BTreeMap::new();
    let mut saving = |(index, lost): (usize, &LostRequest)| {
        let late: Vec<Segment> = chain::late_segments(trace, lost).into_iter().map(|(segment, _)| segment).collect();
        let saves = |segments: &&[Segment]| {
            let without = without(scenario, segments);
            let again = runs.entry(without.without.names()).or_insert_with(|| traced(&without, replication).lost);
            !again.iter().any(|other| is_same_request(other, lost))
        };
        candidates(&late).into_iter().find(saves).map(|segments| Saving::new(index, segments))
    };
    trace.lost.iter().enumerate().take(story::told_requests(trace)).filter_map(&mut saving).collect()
}

/// Each segment alone, then the longest two, three, ….
fn candidates(late: &[Segment]) -> Vec<&[Segment]> {
    late.chunks(1).chain((2..=late.len()).map(|count| &late[..count])).collect()
}

/// Whether two records are of the same request of the same client.
pub fn is_same_request(one: &LostRequest, other: &LostRequest) -> bool {
    (one.client, one.slot, one.call) == (other.client, other.slot, other.call)
}

fn without(scenario: &Scenario, segments: &[Segment]) -> Scenario {
    let mut changed = scenario.clone();
    for segment in segments {
        if let Some(mechanism) = Mechanism::by_name(segment.mechanism()) {
            changed.without = changed.without.with(mechanism);
        }
    }
    changed
}
