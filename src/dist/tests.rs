//! Draws against the moments and quantiles their parameters promise, and against the values they have had so far.

use super::*;
use crate::engine::{Digest, StreamKey};

fn ms(value: u64) -> SimDuration {
    SimDuration::from_millis(value)
}

fn all() -> Vec<Dist> {
    vec![
        Dist::Constant(ms(7)),
        Dist::Uniform(ms(10), ms(30)),
        Dist::Exponential(ms(20)),
        Dist::lognormal_ms(80, 250),
        Dist::Weibull(1.5, ms(20)),
        Dist::Pareto(2.5, ms(5)),
        Dist::Triangular(ms(5), ms(10), ms(40)),
        Dist::Gamma(3.0, ms(30)),
        Dist::Quantiles(vec![(0.0, ms(1)), (0.5, ms(10)), (1.0, ms(100))]),
        Dist::Sum(vec![Dist::uniform_ms(0, 1000), Dist::lognormal_ms(20, 200)]),
        Dist::Grid(ms(1000), Box::new(Dist::lognormal_ms(20, 200))),
    ]
}

fn stream() -> Stream {
    StreamKey { seed: 42, replication: 0 }.stream("test", "dist", 0)
}

/// The digest of 10^5 draws of each distribution: moves only if the numbers a user gets move.
#[test]
fn draws_are_the_same_for_all_time() {
    let digests: Vec<String> = all()
        .iter()
        .map(|dist| {
            let (mut stream, mut digest) = (stream(), Digest::default());
            for index in 0..100_000 {
                digest.add(&[index, dist.draw(&mut stream).as_nanos()]);
            }
            format!("{dist} {:016x}", digest.value())
        })
        .collect();
    insta::assert_snapshot!(digests.join("\n"));
}

/// Mean of 10^5 draws against the formula: within 4.5 standard errors (each test wrong once in 150,000 seeds).
#[test]
fn means_agree_with_the_formulas() {
    for dist in all() {
        let mut stream = stream();
        let draws: Vec<f64> = (0..100_000).map(|_| dist.draw(&mut stream).as_secs_f64()).collect();
        let n = draws.len() as f64;
        let mean = draws.iter().sum::<f64>() / n;
        let variance = draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let allowed = 4.5 * (variance / n).sqrt() + 1e-9;
        assert!((mean - dist.mean_secs()).abs() <= allowed, "{dist}: {mean} against {} ± {allowed}", dist.mean_secs());
    }
}

/// Kolmogorov-Smirnov of 20,000 draws against the distribution functions that have one in closed form; the limit
/// 1.95 / sqrt(n) is the 99.9 % point.
#[test]
fn draws_follow_their_distribution_functions() {
    type Cdf = fn(f64) -> f64;
    let cases: [(Dist, Cdf); 4] = [
        (Dist::Uniform(ms(10), ms(30)), |x| ((x - 0.010) / 0.020).clamp(0.0, 1.0)),
        (Dist::Exponential(ms(20)), |x| 1.0 - libm::exp(-x / 0.020)),
        (Dist::Weibull(1.5, ms(20)), |x| 1.0 - libm::exp(-libm::pow(x / 0.020, 1.5))),
        (Dist::Pareto(2.5, ms(5)), |x| 1.0 - libm::pow(0.005 / x, 2.5)),
    ];
    for (dist, cdf) in cases {
        let mut stream = stream();
        let mut draws: Vec<f64> = (0..20_000).map(|_| dist.draw(&mut stream).as_secs_f64()).collect();
        draws.sort_by(f64::total_cmp);
        let n = draws.len() as f64;
        let distance = draws
            .iter()
            .enumerate()
            .map(|(index, draw)| (cdf(*draw) - index as f64 / n).abs().max(((index + 1) as f64 / n - cdf(*draw)).abs()))
            .fold(0.0, f64::max);
        assert!(distance < 1.95 / n.sqrt(), "{dist}: {distance}");
    }
}

#[test]
fn a_log_normal_keeps_its_median_and_99th_percentile() {
    let dist = LogNormal::new(ms(80), ms(250));
    assert!((dist.quantile_nanos(0.5) / 80e6 - 1.0).abs() < 1e-12);
    assert!((dist.quantile_nanos(0.99) / 250e6 - 1.0).abs() < 1e-12);
    let constant = LogNormal::new(ms(80), ms(80));
    assert!((constant.quantile_nanos(0.99) / 80e6 - 1.0).abs() < 1e-12);
}

#[test]
fn the_heaviest_tail_stays_in_the_range_of_simulated_time() {
    let heavy = Dist::Pareto(0.05, SimDuration::from_secs(86_400));
    let dist = Dist::Sum(vec![heavy; 100]);
    let (mut stream, year) = (stream(), SimDuration::from_secs(365 * 86_400));
    assert!((0..1_000).all(|_| dist.draw(&mut stream) <= year));
}
