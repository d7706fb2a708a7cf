//! Do delays go together? Rank correlation between two of them, and the share of variance that runs explain.

use std::collections::BTreeMap;

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, FisherSnedecor};

/// 97.5 % point of the standard normal distribution.
const NORMAL_P975: f64 = 1.959_963_984_540_054;

/// A coefficient with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Coefficient {
    /// Pairs, or values.
    pub n: usize,
    /// Between −1 and 1.
    pub value: f64,
    /// Low end of the interval.
    pub ci95_lo: f64,
    /// High end of the interval.
    pub ci95_hi: f64,
}

/// Spearman's rank correlation, ties at their mean rank; the interval by Fisher's z with the variance (1 + ρ²/2)/(n − 3)
/// (Bonett and Wright 2000). None below ten pairs or when one side never changes.
pub fn spearman(pairs: &[(f64, f64)]) -> Option<Coefficient> {
    let (one, other): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let n = pairs.len();
    let value = (n >= 10).then(|| pearson(&ranks(&one), &ranks(&other))).filter(|value| value.is_finite())?;
    let half = NORMAL_P975 * ((1.0 + value * value / 2.0) / (n as f64 - 3.0)).sqrt();
    let z = libm::atanh(value.clamp(-0.999_999, 0.999_999));
    Some(Coefficient { n, value, ci95_lo: libm::tanh(z - half), ci95_hi: libm::tanh(z + half) })
}

fn pearson(one: &[f64], other: &[f64]) -> f64 {
    let (first, second) = (mean(one), mean(other));
    let product = |(x, y): (&f64, &f64)| (x - first) * (y - second);
    let squares = |values: &[f64], mean: f64| values.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
    one.iter().zip(other).map(product).sum::<f64>() / (squares(one, first) * squares(other, second)).sqrt()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn ranks(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = |value: &f64| {
        let below = sorted.partition_point(|other| other < value);
        let up_to = sorted.partition_point(|other| other <= value);
        (below + up_to + 1) as f64 / 2.0
    };
    values.iter().map(rank).collect()
}

/// The intraclass correlation ICC(1) of the logarithms: the share of their variance that lies between the groups, from
/// the one-way analysis of variance, with its F interval (Searle 1971; for groups of unequal size with their effective
/// mean size, which makes it approximate). None without two groups of two positive values.
pub fn intraclass(values: &[(&str, f64)]) -> Option<Coefficient> {
    let mut groups: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (group, value) in values.iter().filter(|(_, value)| *value > 0.0) {
        groups.entry(group).or_default().push(libm::log(*value));
    }
    groups.retain(|_, values| values.len() >= 2);
    let groups: Vec<Vec<f64>> = groups.into_values().collect();
    (groups.len() >= 2).then(|| of_groups(&groups))?
}

fn of_groups(groups: &[Vec<f64>]) -> Option<Coefficient> {
    let n: usize = groups.iter().map(Vec::len).sum();
    let (total, k) = (n as f64, groups.len() as f64);
    let grand = groups.iter().flatten().sum::<f64>() / total;
    let between: f64 = groups.iter().map(|group| group.len() as f64 * (mean(group) - grand).powi(2)).sum();
    let within: f64 = groups.iter().map(|group| group.iter().map(|x| (x - mean(group)).powi(2)).sum::<f64>()).sum();
    let squares: f64 = groups.iter().map(|group| (group.len() * group.len()) as f64).sum();
    let size = (total - squares / total) / (k - 1.0);
    let f = (between / (k - 1.0)) / (within / (total - k));
    let share = |f: f64| (f - 1.0) / (f + size - 1.0);
    let law = FisherSnedecor::new(k - 1.0, total - k).ok().filter(|_| f.is_finite())?;
    let (low, high) = (f / law.inverse_cdf(0.975), f / law.inverse_cdf(0.025));
    Some(Coefficient { n, value: share(f), ci95_lo: share(low), ci95_hi: share(high) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::normal_quantile;
    use crate::engine::StreamKey;

    #[test]
    fn ranks_share_their_ties() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), [3.5, 1.0, 3.5, 2.0]);
    }

    #[test]
    fn what_rises_together_correlates() {
        let pairs: Vec<(f64, f64)> = (1..=20).map(|x| (f64::from(x), f64::from(x * x))).collect();
        assert!((spearman(&pairs).unwrap().value - 1.0).abs() < 1e-12);
        assert!(spearman(&pairs[..9]).is_none());
        assert!(spearman(&[(1.0, 2.0); 20]).is_none());
    }

    /// Groups of four with half of the variance between them.
    #[test]
    fn the_share_between_groups_is_found() {
        let mut stream = StreamKey { seed: 8, replication: 0 }.stream("test", "icc", 0);
        let mut normal = || normal_quantile(stream.uniform());
        let names: Vec<String> = (0..300).map(|group| group.to_string()).collect();
        let mut values = Vec::new();
        for name in &names {
            let group = normal();
            values.extend((0..4).map(|_| (name.as_str(), libm::exp(group + normal()))));
        }
        let found = intraclass(&values).unwrap();
        assert!(found.ci95_lo < 0.5 && 0.5 < found.ci95_hi && found.ci95_hi - found.ci95_lo < 0.15, "{found:?}");
    }
}
