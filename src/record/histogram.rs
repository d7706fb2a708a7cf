//! The distribution of latencies in constant memory: 2^FINE buckets an octave, so a quantile is off by less than 2^-FINE.
//!
//! Our own because it stands on the path of every request: a tenth of the instructions of hdrhistogram's `record`, and
//! none of its floating-point dependencies in the simulation core.

use crate::units::SimDuration;

/// Counts of intervals by size, up to the octave of the largest so far: a short run does not pay for the octaves of years.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Histogram<const FINE: u32> {
    counts: Vec<u32>,
    /// Nothing is kept.
    forgets: bool,
}

impl<const FINE: u32> Histogram<FINE> {
    pub(crate) fn new() -> Self {
        Histogram { counts: Vec::new(), forgets: false }
    }

    /// Keeps nothing: of a run whose latencies nobody asks for.
    pub(crate) fn forgetful() -> Self {
        Histogram { forgets: true, ..Histogram::new() }
    }

    #[inline(always)]
    pub(crate) fn record(&mut self, interval: SimDuration) {
        let bucket = bucket::<FINE>(interval.as_nanos());
        match self.counts.get_mut(bucket) {
            Some(count) => *count += 1,
            None => self.record_first(bucket),
        }
    }

    /// The first of its octave.
    #[cold]
    fn record_first(&mut self, bucket: usize) {
        if self.forgets {
            return;
        }
        self.counts.resize(((bucket >> FINE) + 1) << FINE, 0);
        self.counts[bucket] += 1;
    }

    /// Adds the counts of another.
    pub(crate) fn join(&mut self, other: &Histogram<FINE>) {
        self.counts.resize(self.counts.len().max(other.counts.len()), 0);
        self.counts.iter_mut().zip(&other.counts).for_each(|(sum, count)| *sum += count);
    }

    /// For each share `q`, which must rise, the upper end of the bucket that holds the `q`-quantile of the `total` intervals
    /// by nearest rank; zero if nothing was recorded.
    pub(crate) fn quantiles<const N: usize>(&self, total: u64, shares: [f64; N]) -> [SimDuration; N] {
        let (mut seen, mut place) = (0, 0);
        shares.map(|q| {
            let rank = ((q * total as f64).ceil() as u64).max(1);
            while seen < rank && place < self.counts.len() {
                seen += u64::from(self.counts[place]);
                place += 1;
            }
            if seen < rank { SimDuration::ZERO } else { SimDuration::from_nanos(upper_end::<FINE>(place - 1)) }
        })
    }
}

/// Below 2^FINE ns each value has a bucket of its own; above, the leading bit says the octave and the next ones where in it.
#[inline]
fn bucket<const FINE: u32>(nanos: u64) -> usize {
    let octave = (nanos >> FINE | 1).ilog2();
    let fine = (nanos >> octave) as usize;
    // `fine` has its leading bit at place 7 once the octave is above 0, which moves each octave up by its buckets.
    ((octave as usize) << FINE) + fine
}

/// The largest value in a bucket.
fn upper_end<const FINE: u32>(bucket: usize) -> u64 {
    if bucket < 2 << FINE {
        return bucket as u64;
    }
    let octave = (bucket >> FINE) - 1;
    let fine = (bucket - (octave << FINE)) as u128;
    u64::try_from(((fine + 1) << octave) - 1).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The octaves of 64-bit nanoseconds.
    const BUCKETS: usize = (64 - 7 + 1) << 7;

    #[test]
    fn quantiles_of_a_known_sample() {
        let mut histogram = Histogram::<7>::new();
        assert_eq!(histogram.quantiles(0, [0.5]), [SimDuration::ZERO]);
        (1..=1_000).for_each(|us| histogram.record(SimDuration::from_micros(us)));
        let quantiles = histogram.quantiles(1_000, [0.5, 0.5, 0.9, 0.999, 1.0]);
        for (quantile, us) in quantiles.into_iter().zip([500.0, 500.0, 900.0, 999.0, 1_000.0]) {
            let off = quantile.as_secs_f64() * 1e6 / us - 1.0;
            assert!((0.0..0.008).contains(&off), "{us} us: off by {off}");
        }
    }

    proptest! {
        #[test]
        fn a_bucket_holds_what_is_put_into_it(nanos: u64) {
            let place = bucket::<7>(nanos);
            prop_assert!(place < BUCKETS);
            prop_assert!(nanos <= upper_end::<7>(place));
            prop_assert!(place == 0 || upper_end::<7>(place - 1) < nanos);
            prop_assert!(upper_end::<7>(place) - nanos <= nanos / 128);
        }
    }
}
