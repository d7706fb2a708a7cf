//! The result of `fortio load -json FILE` → `rtt_pod`: each answer known to its bucket of `DurationHistogram`.
//!
//! `DurationHistogram` holds all calls, failed ones too; newer versions write these a second time to
//! `ErrorsDurationHistogram`, and there they are taken out again, bucket by bucket (fortio, periodic/periodic.go). Of
//! older versions they stay in. Buckets are those of `-r`, a millisecond by default: faster answers lie all in the first.

use serde::Deserialize;

use super::load_test::{Answers, LoadTest, amount, document, line_of};
use crate::calibrate::tables::{DataError, File};
use crate::units::SimDuration;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Run {
    duration_histogram: Histogram,
    errors_duration_histogram: Option<Histogram>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Histogram {
    /// Go writes an empty list as null.
    data: Option<Vec<Bucket>>,
}

/// Seconds.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Bucket {
    #[serde(deserialize_with = "amount")]
    start: f64,
    #[serde(deserialize_with = "amount")]
    end: f64,
    #[serde(deserialize_with = "amount")]
    count: f64,
}

/// The answered calls of a result.
pub fn read(file: File<'_>, service_time: SimDuration) -> Result<LoadTest, DataError> {
    let run: Run = document(file)?;
    let line = line_of(file, "DurationHistogram");
    let note = if run.errors_duration_histogram.is_some() { "" } else { "calls that failed, if any, are among them" };
    let (all, failed) = (run.duration_histogram.buckets(), run.errors_duration_histogram.map(Histogram::buckets));
    let failed = failed.unwrap_or_default();
    if all.is_empty() {
        return Err(file.error(line, "DurationHistogram has no buckets in Data"));
    }
    let n = up_to(&all, f64::INFINITY) - up_to(&failed, f64::INFINITY);
    let ends = ends(&all).map(|end| (end, up_to(&all, end) - up_to(&failed, end))).collect();
    LoadTest::new(file, Answers { tool: "fortio", line, ends, n, note: note.to_owned() }, service_time)
}

impl Histogram {
    fn buckets(self) -> Vec<Bucket> {
        self.data.unwrap_or_default()
    }
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
