//! Scores of a predictive distribution, given as a sample of replications.

/// A central band of a predictive distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    /// Its lower end, inside.
    pub low: f64,
    /// Its upper end, inside.
    pub high: f64,
}

impl Band {
    /// Whether the band holds `value`.
    pub fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// A predictive distribution: the sorted values of one metric over the replications.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictive {
    sorted: Vec<f64>,
}

impl Predictive {
    /// From the values of replications; `None` if there are none.
    pub fn new(mut values: Vec<f64>) -> Option<Predictive> {
        values.sort_by(f64::total_cmp);
        (!values.is_empty()).then_some(Predictive { sorted: values })
    }

    /// Number of replications.
    pub fn n(&self) -> usize {
        self.sorted.len()
    }

    /// The mean.
    pub fn mean(&self) -> f64 {
        self.sorted.iter().sum::<f64>() / self.sorted.len() as f64
    }

    /// The `p`-quantile by nearest rank, so that counts stay whole.
    pub fn quantile(&self, p: f64) -> f64 {
        let rank = (p * self.sorted.len() as f64).ceil() as usize;
        self.sorted[rank.clamp(1, self.sorted.len()) - 1]
    }

    /// The central band that holds a share `level` of the replications.
    pub fn band(&self, level: f64) -> Band {
        Band { low: self.quantile((1.0 - level) / 2.0), high: self.quantile((1.0 + level) / 2.0) }
    }

    /// Where `observed` falls: the share below it, and of the share equal to it the part `u` (0 to 1, random), so that a
    /// true model gives uniform values for counts, too.
    pub fn pit(&self, observed: f64, u: f64) -> f64 {
        let below = self.sorted.partition_point(|value| *value < observed) as f64;
        let up_to = self.sorted.partition_point(|value| *value <= observed) as f64;
        (below + u * (up_to - below)) / self.sorted.len() as f64
    }

    /// The continuous ranked probability score: mean |X − y| − mean |X − X'| / 2 (Gneiting and Raftery 2007); smaller is
    /// better, in the unit of the metric.
    pub fn crps(&self, observed: f64) -> f64 {
        let n = self.sorted.len() as f64;
        let off: f64 = self.sorted.iter().map(|value| (value - observed).abs()).sum::<f64>() / n;
        // Sum over pairs of |Xi − Xj| from the order: the i-th of n (from 0) is above i and below n − 1 − i others.
        let weighted = |(index, value): (usize, &f64)| (2.0 * index as f64 - n + 1.0) * value;
        let spread: f64 = self.sorted.iter().enumerate().map(weighted).sum::<f64>() * 2.0 / (n * n);
        off - spread / 2.0
    }
}

/// The CRPS of a point forecast is its absolute error.
pub fn crps_point(forecast: f64, observed: f64) -> f64 {
    (forecast - observed).abs()
}

/// The share of `hits`; `None` of nothing.
pub fn coverage(hits: &[bool]) -> Option<f64> {
    (!hits.is_empty()).then(|| hits.iter().filter(|hit| **hit).count() as f64 / hits.len() as f64)
}

/// (mean predicted − mean observed) / mean observed over all runs; `None` where the mean observed is zero.
pub fn bias(pairs: &[(f64, f64)]) -> Option<f64> {
    let predicted: f64 = pairs.iter().map(|(predicted, _)| predicted).sum();
    let observed: f64 = pairs.iter().map(|(_, observed)| observed).sum();
    (observed != 0.0).then(|| (predicted - observed) / observed)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "quarters and halves are exact")]
mod tests {
    use super::*;

    fn predictive(values: &[f64]) -> Predictive {
        Predictive::new(values.to_vec()).unwrap()
    }

    #[test]
    fn the_pit_is_randomised_at_ties() {
        let predictive = predictive(&[0.0, 0.0, 1.0, 2.0]);
        assert_eq!(predictive.pit(0.0, 0.5), 0.25);
        assert_eq!(predictive.pit(1.0, 0.0), 0.5);
        assert_eq!(predictive.pit(1.0, 1.0), 0.75);
        assert_eq!(predictive.pit(9.0, 0.3), 1.0);
        assert_eq!(predictive.pit(-1.0, 0.3), 0.0);
    }

    #[test]
    fn the_crps_of_known_samples() {
        assert_eq!(predictive(&[3.0]).crps(5.0), 2.0);
        // Half at 0, half at 2, observed 1: 1 − (mean |X − X'| = 1) / 2.
        assert_eq!(predictive(&[0.0, 2.0]).crps(1.0), 0.5);
        assert_eq!(predictive(&[0.0, 0.0, 2.0, 2.0]).crps(1.0), 0.5);
    }

    #[test]
    fn bands_are_central() {
        let predictive = Predictive::new((1..=100).map(f64::from).collect()).unwrap();
        assert_eq!(predictive.band(0.9), Band { low: 5.0, high: 95.0 });
        assert_eq!(predictive.band(0.5), Band { low: 25.0, high: 75.0 });
        assert!(predictive.band(0.9).holds(95.0) && !predictive.band(0.9).holds(96.0));
    }

    #[test]
    fn bias_is_relative_to_what_was_observed() {
        assert_eq!(bias(&[(3.0, 2.0), (3.0, 2.0)]), Some(0.5));
        assert_eq!(bias(&[(3.0, 0.0)]), None);
        assert_eq!(coverage(&[true, false, true, true]), Some(0.75));
    }
}
