//! How often each value of a count came up, with exact intervals.

use super::Share;
use crate::stats;

/// Each value that occurred, in ascending order, with its share.
pub fn frequency(values: &[f64]) -> Vec<(f64, Share)> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let runs = sorted.chunk_by(|a, b| a.total_cmp(b).is_eq());
    runs.filter_map(|run| Some((run[0], share(run.len(), values.len())?))).collect()
}

/// The share of one value, also of one that never occurred; none without values.
pub fn frequency_of(values: &[f64], wanted: f64) -> Option<Share> {
    let hits = values.iter().filter(|value| value.total_cmp(&wanted).is_eq()).count();
    share(hits, values.len())
}

fn share(hits: usize, n: usize) -> Option<Share> {
    let exact = stats::proportion(hits, n)?;
    Some(Share { estimate: exact.estimate, ci95: Some(exact.ci95), n })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_counted_once() {
        let found: Vec<(f64, usize)> =
            frequency(&[17.0, 16.0, 17.0, 23.0]).iter().map(|(value, share)| (*value, share.hits())).collect();
        assert_eq!(found, [(16.0, 1), (17.0, 2), (23.0, 1)]);
    }

    #[test]
    fn a_value_that_never_came_has_a_bound() {
        let share = frequency_of(&[1.0; 1_000], 2.0).unwrap();
        assert!((share.ci95.unwrap().high() - 0.003_682).abs() < 1e-6);
        assert_eq!(frequency_of(&[], 2.0), None);
    }
}
