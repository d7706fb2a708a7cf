//! The numbers of `sweep.jsonl`: what counts is whole, everything else has a fraction in every row, `0.0` too. Readers such as
//! Polars decide by the first rows what a column holds.

use serde::{Serialize, Serializer};

use crate::record::Metric;
use crate::report::Summary;
use crate::report::result::{Named, Probability, Share};
use crate::stats::Interval;

/// A number that has a fraction, or one of a metric that counts.
enum Number {
    Fraction(f64),
    Count(f64),
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            // Zero has no sign here.
            Number::Fraction(value) => serializer.serialize_f64(value + 0.0),
            Number::Count(value) => crate::report::number::plain(value, serializer),
        }
    }
}

/// A [`Summary`] with its fields in their order.
#[derive(Serialize)]
struct SummaryRow {
    mean: Number,
    ci95: Option<[Number; 2]>,
    min: Number,
    p05: Number,
    p25: Number,
    p50: Number,
    p75: Number,
    p95: Number,
    max: Number,
    n: usize,
}

/// A [`Share`].
#[derive(Serialize)]
struct ShareRow {
    estimate: Number,
    ci95: Option<[Number; 2]>,
    n: usize,
}

/// A [`Probability`].
#[derive(Serialize)]
struct ProbabilityRow {
    any_failed: Option<ShareRow>,
}

pub(super) fn metrics<S: Serializer>(metrics: &Named<Option<Summary>>, serializer: S) -> Result<S::Ok, S::Error> {
    let row = |(name, summary): &(String, Option<Summary>)| {
        let counts = Metric::ALL.iter().any(|metric| metric.name() == name && metric.is_count());
        (name.clone(), summary.as_ref().map(|summary| summary_row(summary, counts)))
    };
    Named(metrics.0.iter().map(row).collect()).serialize(serializer)
}

pub(super) fn probability<S: Serializer>(probability: &Probability, serializer: S) -> Result<S::Ok, S::Error> {
    let share =
        |share: &Share| ShareRow { estimate: Number::Fraction(share.estimate), ci95: interval(share.ci95), n: share.n };
    ProbabilityRow { any_failed: probability.any_failed.as_ref().map(share) }.serialize(serializer)
}

fn summary_row(summary: &Summary, counts: bool) -> SummaryRow {
    let value = if counts { Number::Count } else { Number::Fraction };
    let &Summary { mean, ci95, min, p05, p25, p50, p75, p95, max, n } = summary;
    let [min, p05, p25, p50, p75, p95, max] = [min, p05, p25, p50, p75, p95, max].map(value);
    SummaryRow { mean: Number::Fraction(mean), ci95: interval(ci95), min, p05, p25, p50, p75, p95, max, n }
}

fn interval(interval: Option<Interval>) -> Option<[Number; 2]> {
    interval.map(|Interval(low, high)| [Number::Fraction(low), Number::Fraction(high)])
}
