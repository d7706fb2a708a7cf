//! The result of `fortio load -json FILE` → `rtt_pod`: each answer known to its bucket of `DurationHistogram`.
//!
//! `DurationHistogram` holds all calls, failed ones too; newer versions write these a second time to
//! `ErrorsDurationHistogram`, and there they are taken out again, bucket by bucket (fortio, periodic/periodic.go). Of
//! older versions they stay in. Buckets are those of `-r`, a millisecond by default: faster answers lie all in the first.

use super::json::Json;
use super::load_test::{Answers, LoadTest};
use crate::calibrate::tables::{DataError, File};
use crate::units::SimDuration;

const WHAT: &str = "what `fortio load -json FILE` writes";

/// Seconds.
struct Bucket {
    start: f64,
    end: f64,
    count: f64,
}

/// The answered calls of a result.
pub fn read(file: File<'_>, service_time: SimDuration) -> Result<LoadTest, DataError> {
    let run = Json::document(file, WHAT)?;
    let histogram = run.required("DurationHistogram", WHAT)?;
    let errors = run.get("ErrorsDurationHistogram")?;
    let note = if errors.is_some() { "" } else { "calls that failed, if any, are among them" };
    let (all, failed) = (buckets(&histogram)?, errors.as_ref().map_or(Ok(Vec::new()), buckets)?);
    if all.is_empty() {
        return Err(histogram.error("has no buckets in Data"));
    }
    let n = up_to(&all, f64::INFINITY) - up_to(&failed, f64::INFINITY);
    let ends = ends(&all).map(|end| (end, up_to(&all, end) - up_to(&failed, end))).collect();
    LoadTest::new(Answers { tool: "fortio", at: &histogram, ends, n, note: note.to_owned() }, service_time)
}

/// Go writes an empty list as null.
fn buckets(histogram: &Json<'_>) -> Result<Vec<Bucket>, DataError> {
    let Some(data) = histogram.get("Data")? else { return Ok(Vec::new()) };
    data.items()?.iter().map(bucket).collect()
}

fn bucket(bucket: &Json<'_>) -> Result<Bucket, DataError> {
    let amount = |key, what| bucket.required(key, what)?.amount(what);
    let (start, end) = (amount("Start", "a number of seconds")?, amount("End", "a number of seconds")?);
    Ok(Bucket { start, end, count: amount("Count", "a number of calls")? })
}

/// Empty buckets are not written: both ends of the others are ends of buckets.
fn ends(buckets: &[Bucket]) -> impl Iterator<Item = f64> {
    buckets.iter().flat_map(|bucket| [bucket.start, bucket.end])
}

/// How many calls lie in buckets that end there or before. The last bucket of failed calls ends at the longest of them,
/// which lies in the bucket of all calls that ends there or after.
fn up_to(buckets: &[Bucket], end: f64) -> f64 {
    buckets.iter().filter(|bucket| bucket.end <= end).map(|bucket| bucket.count).sum()
}
