//! The stream of `kubectl get endpointslices -w -o json --show-managed-fields` → `eps_batch`, if it is a second or more.
//!
//! Of each change that a pod's Ready condition caused, the slice says when the condition changed (annotation
//! `endpoints.kubernetes.io/last-change-trigger-time`, oldest of the changed pods) and, in `managedFields`, when the
//! controller wrote the slice. Both are whole seconds. What lies between is a sum: a write, a hop, the batch period, a
//! queue, `eps_sync`, another write. But for the batch period that is some hundredths of a second, of which whole
//! seconds say next to nothing: none of the parts is estimated from it. A batch period (`--endpointslice-updates-batch-period`)
//! holds up each change by the same time, so with one of a second or more no change shows 0 s. Below a second it cannot be
//! told from the retry after 1 s that every burst of changes meets since 1.21 (mechanics section 4.1): that retry shows
//! as a second, too, only not each time. Removed pods change no Ready condition and so are not seen at all. The
//! difference of the clocks of node and API server is in the sum.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Reading;
use super::objects::{Object, objects};
use super::stamp::Stamp;
use crate::calibrate::law::duration;
use crate::calibrate::tables::{DataError, File};
use crate::calibrate::{Estimate, fit};
use crate::dist::Dist;
use crate::model::spec::DelayId;
use crate::stats::{Interval, proportion};

const WHAT: &str = "what `kubectl get endpointslices -w -o json --show-managed-fields` prints";
const SEGMENT: &str = "kubectl endpointslices: Ready to slice written";
const TRIGGER: &str = "/metadata/annotations/endpoints.kubernetes.io~1last-change-trigger-time";

/// Whose entry in `managedFields` is the controller's: in one binary with the other controllers, alone, and in k3s.
const MANAGERS: [&str; 3] = ["kube-controller-manager", "endpointslice-controller", "k3s"];

/// What the other parts of the sum take in the mean, at most, seconds: by the default table 0.04 in a small cluster and
/// 0.16 in a large one.
const OTHER_PARTS_S: f64 = 0.2;

/// People set batch periods to multiples of this, seconds.
const USUAL_STEP_S: f64 = 0.5;

/// The batch period, or a note on what can be said of it.
pub fn read(file: File<'_>) -> Result<Reading, DataError> {
    let changes = changes(file)?;
    // The clock of the API server was behind the node's.
    let left_out = changes.values().filter(|seconds| **seconds < 0).count();
    let seconds: Vec<i128> = changes.into_values().filter(|seconds| *seconds >= 0).collect();
    let n = seconds.len();
    let (Some(least), true) = (seconds.iter().min(), n >= fit::FEWEST) else {
        return Ok(note(format!("no eps_batch: {n} changes of slices with Ready transitions are too few")));
    };
    let bounds = bounds(&seconds, *least);
    Ok(match period(bounds).filter(|_| *least > 0) {
        Some(period) => {
            Reading { estimates: vec![Estimate { left_out, ..estimate(period, n, bounds) }], notes: Vec::new() }
        }
        None => {
            note(format!("no eps_batch: in {n} changes {SEGMENT} took {}, which names no batch period", said(bounds)))
        }
    })
}

fn note(note: String) -> Reading {
    Reading { estimates: Vec::new(), notes: vec![note] }
}

fn said(Interval(low, high): Interval) -> String {
    format!("{low:.2} to {high:.2} s in the mean (95 %)")
}

fn estimate(period: f64, n: usize, bounds: Interval) -> Estimate {
    let note = format!(
        "the one multiple of {USUAL_STEP_S} s that leaves at most {OTHER_PARTS_S} s for the other parts of the sum, {}",
        said(bounds)
    );
    let (dist, fitted) = (Dist::Constant(duration(period)), Some((period, period)));
    Estimate { n, censored: n, fitted, note, ..Estimate::new(DelayId::EpsBatch, SEGMENT, "constant".to_owned(), dist) }
}

/// The 95 % interval of the sum's mean, seconds: with the first moment anywhere in its second, a sum x between `least`
/// and `least` + 1 shows as the latter with the chance x − `least`. Where none does, as many may have been hidden below.
/// Longer ones, after a retry, count no more than that.
fn bounds(seconds: &[i128], least: i128) -> Interval {
    let above = seconds.iter().filter(|one| **one > least).count();
    let Interval(low, high) = proportion(above, seconds.len()).map_or(Interval(0.0, 1.0), |share| share.ci95);
    let least = least as f64;
    Interval(if above == 0 { (least - high).max(0.0) } else { least + low }, least + high)
}

/// The only usual batch period within the bounds.
fn period(Interval(low, high): Interval) -> Option<f64> {
    let first = libm::ceil((low - OTHER_PARTS_S).max(0.0) / USUAL_STEP_S) * USUAL_STEP_S;
    (first > 0.0 && first <= high && first + USUAL_STEP_S > high).then_some(first)
}

/// A slice and a trigger of it.
type Change = (String, Stamp);

/// Whole seconds from the trigger to the write, when a change is first seen.
fn changes(file: File<'_>) -> Result<BTreeMap<Change, i128>, DataError> {
    let objects = objects(file, WHAT)?;
    let slices = || objects.iter().filter(|object| object.is("EndpointSlice"));
    let Some(first) = slices().next() else {
        return Err(file.error_at(0, format!("no EndpointSlice, expected {WHAT}")));
    };
    if slices().all(|slice| slice.value.pointer("/metadata/managedFields").is_none()) {
        return Err(file.error_at(first.at, "no managedFields: kubectl shows them with --show-managed-fields"));
    }
    let mut changes = BTreeMap::new();
    for slice in slices().filter(|slice| !is_new(slice)) {
        let change = slice.text("/metadata/uid").map(str::to_owned).zip(slice.stamp(file, TRIGGER)?);
        if let Some((change, written)) = change.zip(written(file, slice)?) {
            let seconds = written.second() - change.1.second();
            changes.entry(change).or_insert(seconds);
        }
    }
    Ok(changes)
}

/// A slice as it was created: by its Service, which is not batched.
fn is_new(slice: &Object) -> bool {
    slice.value["metadata"]["generation"] == 1
}

/// The newest write of the controller.
fn written(file: File<'_>, slice: &Object) -> Result<Option<Stamp>, DataError> {
    let entries = slice.value.pointer("/metadata/managedFields").and_then(Value::as_array);
    let is_controller = |entry: &&Value| entry["manager"].as_str().is_some_and(|manager| MANAGERS.contains(&manager));
    let of_controller = entries.into_iter().flatten().filter(is_controller);
    let times: Result<Vec<_>, _> = of_controller.map(|entry| slice.stamp_of(file, "time", &entry["time"])).collect();
    Ok(times?.into_iter().flatten().max())
}
