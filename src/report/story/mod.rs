//! One replication told as a story: what was rolled out, how the two chains raced for each pod, and why each lost
//! request was lost.
//!
//! Plain text of at most 110 columns, made from a [`Trace`] and nothing else. Whether a request would be saved with
//! a segment at zero can only be seen by simulating again, so the caller does that and hands in the [`Saving`]s.

mod lost;
mod outcome;
mod pods;
mod rollout;
mod text;

use crate::record::Trace;
use crate::report::chain::Segment;

pub(crate) use lost::{Remedy, sentences};
pub(crate) use pods::{verdict, words as step_words};
pub(crate) use text::{count, millis_since, span};

/// A lost request that is not lost when some segments take no time: found by running the same replication again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saving {
    /// The request's index in [`Trace::lost`].
    pub index: usize,
    /// The segments this set to zero, longest first: one where one is enough.
    pub segments: Vec<Segment>,
}

impl Saving {
    /// Request `index` is not lost with `segments` at zero.
    pub fn new(index: usize, segments: &[Segment]) -> Self {
        Saving { index, segments: segments.to_vec() }
    }

    /// The value of `model.without` with which it was run again: `["sync_time"]`.
    pub fn without(&self) -> String {
        let names: Vec<_> = self.segments.iter().map(|segment| format!("\"{}\"", segment.mechanism())).collect();
        format!("[{}]", names.join(", "))
    }
}

/// Tells one replication. `savings` are those found when [`late_segments`] were tried, one by one and then together, for
/// each of the first [`told_requests`] lost requests: of a request without one the story says that none saves it.
///
/// [`late_segments`]: crate::report::chain::late_segments
pub fn tell(trace: &Trace, scenario_name: &str, seed: u64, replication: u64, savings: &[Saving]) -> String {
    let mut story = String::new();
    outcome::add_opening(&mut story, trace, scenario_name, seed, replication);
    rollout::add_steps(&mut story, trace);
    pods::add_pods(&mut story, trace);
    lost::add_requests(&mut story, trace, savings);
    story
}

/// How many lost requests a story tells one by one; worth knowing before simulating again for each.
pub fn told_requests(trace: &Trace) -> usize {
    trace.lost.len().min(lost::TOLD)
}

/// Adds an empty line and a heading.
fn add_heading(story: &mut String, heading: &str) {
    story.push('\n');
    text::add_prose(story, "", heading);
}

#[cfg(test)]
mod tests;
