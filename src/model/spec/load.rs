//! How the rate of an open loop changes: bursts, the shape of a day, the times of a trace.

use crate::units::SimDuration;

/// `burst`: a rate switched between two levels at random (a Markov-modulated Poisson process of two states; with
/// `quiet = 0` an on/off source).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BurstSpec {
    /// How long a burst is on average; exponential.
    pub on: SimDuration,
    /// How long it is quiet on average; exponential.
    pub off: SimDuration,
    /// The rate in quiet times, in parts of that in a burst.
    pub quiet: f64,
}

impl BurstSpec {
    /// The rate in a burst, in parts of the mean rate.
    pub fn peak(&self) -> f64 {
        let (on, off) = (self.on.as_secs_f64(), self.off.as_secs_f64());
        (on + off) / (on + self.quiet * off)
    }
}

/// `shape`: factors of the rate over a time that repeats, straight between its points.
#[derive(Debug, Clone, PartialEq)]
pub struct ShapeSpec {
    /// At least two, the first at zero, the last where it begins again.
    pub points: Vec<(SimDuration, f64)>,
    /// Where in it the run begins.
    pub starts_at: SimDuration,
}

impl ShapeSpec {
    /// A day that is quiet at 4 h and busiest at 16 h.
    pub fn day() -> Self {
        let factor = |hour: u64| 1.0 - 0.8 * libm::cos((hour as f64 - 4.0) * std::f64::consts::PI / 12.0);
        let point = |hour: u64| (SimDuration::from_secs(hour * 3_600), libm::round(factor(hour % 24) * 100.0) / 100.0);
        ShapeSpec { points: (0..=24).map(point).collect(), starts_at: SimDuration::from_secs(9 * 3_600) }
    }

    /// When it begins again.
    pub fn period(&self) -> SimDuration {
        self.points.last().map_or(SimDuration::ZERO, |(at, _)| *at)
    }

    /// The factor so long after the start of the run.
    pub fn factor(&self, since_start: SimDuration) -> f64 {
        let period = self.period().as_nanos().max(1);
        let at =
            ((u128::from(since_start.as_nanos()) + u128::from(self.starts_at.as_nanos())) % u128::from(period)) as u64;
        let next = self.points.partition_point(|(point, _)| point.as_nanos() <= at).clamp(1, self.points.len() - 1);
        let ((t0, f0), (t1, f1)) = (self.points[next - 1], self.points[next]);
        let share = (at - t0.as_nanos()) as f64 / t1.saturating_sub(t0).as_nanos().max(1) as f64;
        f0 + (f1 - f0) * share
    }

    /// The highest factor.
    pub fn highest(&self) -> f64 {
        self.points.iter().map(|(_, factor)| *factor).fold(0.0, f64::max)
    }

    /// The highest factor so long after the start of the run.
    pub fn highest_within(&self, span: SimDuration) -> f64 {
        if span >= self.period() {
            return self.highest();
        }
        let period = self.period();
        let starts_at = SimDuration::from_nanos(self.starts_at.as_nanos() % period.as_nanos().max(1));
        let since_start = |at: SimDuration| {
            let later = if at >= starts_at { at } else { at + period };
            later.saturating_sub(starts_at)
        };
        let turns = self.points.iter().map(|(at, _)| since_start(*at)).filter(|at| *at < span);
        turns.chain([SimDuration::ZERO, span]).map(|at| self.factor(at)).fold(0.0, f64::max)
    }

    /// The mean factor over the whole of it.
    pub fn mean(&self) -> f64 {
        let area = |pair: &[(SimDuration, f64)]| {
            pair[1].0.saturating_sub(pair[0].0).as_secs_f64() * (pair[0].1 + pair[1].1) / 2.0
        };
        self.points.windows(2).map(area).sum::<f64>() / self.period().as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_is_straight_between_its_points_and_repeats() {
        let secs = SimDuration::from_secs;
        let points = vec![(secs(0), 1.0), (secs(10), 3.0), (secs(20), 0.0)];
        let shape = ShapeSpec { points, starts_at: secs(5) };
        let factors = [0, 5, 10, 14, 15, 20, 25].map(|at| shape.factor(secs(at)));
        let expected = [2.0, 3.0, 1.5, 0.3, 1.0, 2.0, 3.0];
        assert!(factors.iter().zip(expected).all(|(got, wanted)| (got - wanted).abs() < 1e-9), "{factors:?}");
        assert_eq!((shape.highest(), shape.period()), (3.0, secs(20)));
        let within = [0, 2, 5, 9, 10, 16, 30].map(|span| shape.highest_within(secs(span)));
        assert!(
            within.iter().zip([2.0, 2.4, 3.0, 3.0, 3.0, 3.0, 3.0]).all(|(got, wanted)| (got - wanted).abs() < 1e-9)
        );
        let late = ShapeSpec { starts_at: secs(19), ..shape.clone() };
        assert!((late.highest_within(secs(3)) - 1.4).abs() < 1e-9, "over the end");
        assert!((shape.mean() - 1.75).abs() < 1e-12);
        assert!((ShapeSpec::day().mean() - 1.0).abs() < 1e-3);
    }

    #[test]
    fn bursts_have_the_mean_rate() {
        let secs = SimDuration::from_secs;
        let burst = |quiet| BurstSpec { on: secs(1), off: secs(4), quiet }.peak();
        let close = |quiet, peak: f64| (burst(quiet) - peak).abs() < 1e-12;
        assert!(close(0.0, 5.0) && close(1.0, 1.0) && close(0.25, 2.5));
    }
}
