//! The steps of the rollout: the template change, the sizes the Deployment controller set, the end.

use crate::ids::Revision;
use crate::record::Trace;
use crate::units::SimTime;

use super::add_heading;
use super::text::Origin;

/// Sizes told one by one from the beginning, and from the end, of a rollout with more.
const TOLD_FIRST: usize = 16;
const TOLD_LAST: usize = 8;

/// Adds the steps of the rollout, if there was one.
pub(super) fn add_steps(story: &mut String, trace: &Trace) {
    let lines = lines(trace);
    if lines.is_empty() {
        return;
    }
    add_heading(story, &format!("The rollout, times {}:", Origin::of(trace).after));
    let skipped = lines.len().saturating_sub(TOLD_FIRST + TOLD_LAST);
    for (index, line) in lines.iter().enumerate() {
        if skipped > 0 && index == TOLD_FIRST {
            story.push_str(&format!("  {:>10}  {skipped} more sizes\n", "…"));
        }
        if skipped == 0 || !(TOLD_FIRST..TOLD_FIRST + skipped).contains(&index) {
            story.push_str(line);
        }
    }
}

fn lines(trace: &Trace) -> Vec<String> {
    let origin = Origin::of(trace);
    let line = |at: SimTime, what: &str| format!("  {:>10}  {what}\n", origin.secs(at));
    let mut steps: Vec<_> = trace.template_changed.iter().map(|&at| (at, "template changed".to_owned())).collect();
    steps.extend(trace.scaled.iter().map(|&(at, revision, size)| (at, scaled(revision, size))));
    steps.extend(trace.rollout_complete.iter().map(|&at| (at, complete(trace))));
    steps.extend(trace.pods_leave.iter().map(|&at| (at, "pods begin to leave".to_owned())));
    steps.extend(trace.deadline_exceeded.iter().map(|&at| (at, "progress deadline exceeded".to_owned())));
    steps.sort_by_key(|step| step.0);
    steps.iter().map(|(at, what)| line(*at, what)).collect()
}

/// Without a new template there is no status that says so.
fn complete(trace: &Trace) -> String {
    let words = if trace.pods_leave.is_some() { "all pods ready again" } else { "Deployment complete" };
    words.to_owned()
}

/// New sizes stand left, old ones right, so that the wave can be read at a glance.
fn scaled(revision: Revision, size: u32) -> String {
    match revision {
        Revision::New => format!("new ReplicaSet to {size}"),
        Revision::Old => format!("{:24}old ReplicaSet to {size}", ""),
    }
}
