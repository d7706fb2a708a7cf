//! Intervals hold what they estimate as often as they say, over 1,000 repetitions where the truth is known.

use rollsim::engine::{Stream, StreamKey};
use rollsim::sensitivity::{design, morris, sobol};
use rollsim::stats::{self, Sample};

const REPETITIONS: u64 = 1_000;

/// The share of the repetitions in which `holds`.
fn share(purpose: &str, holds: impl Fn(&mut Stream) -> bool) -> f64 {
    let held = (0..REPETITIONS)
        .filter(|&replication| holds(&mut StreamKey { seed: 11, replication }.stream("coverage", purpose, 0)));
    held.count() as f64 / REPETITIONS as f64
}

/// Within three standard errors of the nominal level; exact intervals may hold more often.
fn check(purpose: &str, level: f64, exact: bool, holds: impl Fn(&mut Stream) -> bool) {
    let share = share(purpose, holds);
    let slack = 3.0 * (level * (1.0 - level) / REPETITIONS as f64).sqrt();
    assert!(share >= level - slack, "{purpose}: {share} against {level}");
    assert!(exact || share <= level + slack, "{purpose}: {share} against {level}");
}

fn uniforms(n: usize, stream: &mut Stream) -> Vec<f64> {
    (0..n).map(|_| stream.uniform()).collect()
}

#[test]
fn means() {
    check("mean", 0.95, false, |stream| stats::mean(&uniforms(30, stream)).unwrap().ci95.unwrap().holds(0.5));
}

#[test]
fn one_sided_bounds_of_means() {
    check("bound above", 0.99, false, |stream| stats::mean_bounds(&uniforms(30, stream), 0.99).unwrap().high() >= 0.5);
    check("bound below", 0.99, false, |stream| stats::mean_bounds(&uniforms(30, stream), 0.99).unwrap().low() <= 0.5);
}

#[test]
fn paired_differences() {
    check("paired", 0.95, false, |stream| {
        let pairs: Vec<(f64, f64)> = (0..25)
            .map(|_| {
                let common = 100.0 * stream.uniform();
                (common + stream.uniform(), common + 2.0 * stream.uniform())
            })
            .collect();
        stats::paired_difference(&pairs).unwrap().ci95.unwrap().holds(0.5)
    });
}

#[test]
fn proportions() {
    for chance in [0.02, 0.3] {
        check("proportion", 0.95, true, |stream| {
            let hits = uniforms(80, stream).iter().filter(|u| **u < chance).count();
            stats::proportion(hits, 80).unwrap().ci95.holds(chance)
        });
        check("proportion bound", 0.99, true, |stream| {
            let hits = uniforms(80, stream).iter().filter(|u| **u < chance).count();
            stats::proportion_bounds(hits, 80, 0.99).high() >= chance
        });
    }
}

#[test]
fn quantiles() {
    for p in [0.5, 0.9] {
        check("quantile", 0.95, true, |stream| {
            Sample::new(uniforms(120, stream)).unwrap().quantile_ci95(p).unwrap().holds(p)
        });
    }
}

/// An event whose probability is just above the bound that none of n would give is seen at least once with 95 %.
#[test]
fn zero_failures() {
    let n = 200;
    let bound = stats::zero_event_upper(n, 0.95);
    let unseen = share("zero", |stream| uniforms(n, stream).iter().all(|u| *u > bound));
    assert!((unseen - 0.05).abs() < 0.021, "{unseen}");
}

/// Rollouts of which few lose a request, and those a geometric number of mean 5.
#[test]
fn means_of_counts_that_are_mostly_zero() {
    for (chance, n) in [(0.002, 500), (0.02, 1_000), (0.2, 400)] {
        let truth = chance * 5.0;
        let counts = |stream: &mut Stream| -> Vec<f64> {
            let geometric = |u: f64| 1.0 + (u.ln() / 0.8f64.ln()).floor();
            (0..n).map(|_| if stream.uniform() < chance { geometric(stream.uniform()) } else { 0.0 }).collect()
        };
        check("sparse above", 0.95, true, |stream| {
            stats::sparse_mean(&counts(stream), 20.0, 0.95).unwrap().bounds.high() >= truth
        });
        check("sparse below", 0.95, true, |stream| {
            stats::sparse_mean(&counts(stream), 20.0, 0.95).unwrap().bounds.low() <= truth
        });
    }
}

/// u² importance-sampled from the density 2u has the weight 1 / (2u): the mean is 1/3.
#[test]
fn weighted_means() {
    check("weighted", 0.95, false, |stream| {
        let pair = |u: f64| (1.0 / (2.0 * u), u * u);
        let pairs: Vec<(f64, f64)> = uniforms(200, stream).iter().map(|u| pair(u.sqrt())).collect();
        stats::weighted_mean(&pairs).unwrap().mean.ci95.unwrap().holds(1.0 / 3.0)
    });
}

/// Ishigami and Homma 1990, a = 7, b = 0.1, on −π … π.
fn ishigami(point: &[f64]) -> f64 {
    let x: Vec<f64> = point.iter().map(|u| (2.0 * u - 1.0) * std::f64::consts::PI).collect();
    x[0].sin() + 7.0 * x[1].sin().powi(2) + 0.1 * x[2].powi(4) * x[0].sin()
}

/// The indices of the Ishigami function: first order 0.3139, 0.4424, 0; total 0.5576, 0.4424, 0.2437 (Saltelli et al. 2008).
const FIRST: [f64; 3] = [0.313_905, 0.442_411, 0.0];
const TOTAL: [f64; 3] = [0.557_589, 0.442_411, 0.243_684];

#[test]
fn the_sobol_indices_of_the_ishigami_function_are_those_known() {
    let design = design::sobol(3, 8_192, 5);
    let values: Vec<f64> = design.points.iter().map(|point| ishigami(point)).collect();
    let (variance, found) = sobol::indices(&design, &values, 5).unwrap();
    assert!((variance - 13.844_588).abs() < 0.3, "{variance}");
    for (input, one) in found.iter().enumerate() {
        assert!((one.first - FIRST[input]).abs() < 0.05 && (one.total - TOTAL[input]).abs() < 0.03, "{one:?}");
        let wide = one.first_ci95.half_width().max(one.total_ci95.half_width());
        assert!(wide < 0.06, "{one:?}");
    }
}

/// Bootstrap intervals hold nearly as often as they say: 300 rows, 150 repetitions, so ±5 points.
#[test]
fn the_intervals_of_sobol_indices_hold_what_they_should() {
    let (mut held, mut all) = (0, 0);
    for seed in 0..150 {
        let design = design::sobol(3, 300, seed);
        let values: Vec<f64> = design.points.iter().map(|point| ishigami(point)).collect();
        let (_, found) = sobol::indices(&design, &values, seed).unwrap();
        for (input, one) in found.iter().enumerate() {
            held += usize::from(one.first_ci95.holds(FIRST[input])) + usize::from(one.total_ci95.holds(TOTAL[input]));
            all += 2;
        }
    }
    let share = f64::from(held as u32) / f64::from(all);
    assert!((0.90..=0.99).contains(&share), "{share}");
}

/// Morris on the Ishigami function: x3 acts only with x1, so its mean effect is nothing and its size is not.
#[test]
fn morris_finds_the_interaction_of_the_ishigami_function() {
    let design = design::morris(3, 400, 5);
    let values: Vec<f64> = design.points.iter().map(|point| ishigami(point)).collect();
    let found = morris::effects(&design, &values);
    assert!(found[2].size > 3.0 && found[2].mean.abs() < 1.5, "{found:?}");
    assert!(found.iter().all(|one| one.size_ci95.unwrap().holds(one.size)));
}
