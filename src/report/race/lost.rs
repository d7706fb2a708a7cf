//! A lost request with the chain of its causes.

use serde::Serialize;

use crate::record::{LostRequest, Trace};
use crate::report::chain::late_segments;
use crate::report::story::{self, Remedy, Saving};
use crate::report::times::secs;
use crate::units::SimTime;

/// One lost request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Lost {
    sent_s: f64,
    met_s: f64,
    known_s: f64,
    /// The metric that counts it.
    kind: &'static str,
    kind_words: &'static str,
    met_words: &'static str,
    /// Index of the pod it met.
    pod: Option<usize>,
    client: u32,
    connection: u32,
    reused: bool,
    /// Who sent it, what it met, which clock was late, what would have saved it.
    sentences: Vec<String>,
    /// What the route waited for, longest first: words and seconds.
    late: Vec<(&'static str, f64)>,
}

/// The first `most` lost requests.
pub(super) fn told(trace: &Trace, origin: SimTime, savings: Option<&[Saving]>, most: usize) -> Vec<Lost> {
    let remedy = |index| match savings {
        Some(savings) if index < story::told_requests(trace) => {
            savings.iter().find(|saving| saving.index == index).map_or(Remedy::None, Remedy::Found)
        }
        _ => Remedy::Unknown,
    };
    trace.lost.iter().take(most).enumerate().map(|(index, lost)| tell(trace, origin, lost, remedy(index))).collect()
}

fn tell(trace: &Trace, origin: SimTime, lost: &LostRequest, remedy: Remedy<'_>) -> Lost {
    let late = late_segments(trace, lost).into_iter();
    Lost {
        sent_s: secs(lost.sent, origin),
        met_s: secs(lost.met_at, origin),
        known_s: secs(lost.known, origin),
        kind: lost.kind.metric().name(),
        kind_words: lost.kind.words(),
        met_words: lost.met.words(),
        pod: lost.pod.map(|pod| pod.index()),
        client: lost.client,
        connection: lost.slot.0,
        reused: lost.reused,
        sentences: story::sentences(trace, lost, remedy),
        late: late.map(|(segment, length)| (segment.words(), length.as_secs_f64())).collect(),
    }
}
