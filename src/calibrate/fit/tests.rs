//! Parameters are found again in draws of known distributions.

use super::*;
use crate::engine::StreamKey;
use crate::units::SimDuration;

fn ms(value: u64) -> SimDuration {
    SimDuration::from_millis(value)
}

fn draws(dist: &Dist, n: usize) -> Vec<f64> {
    let mut stream = StreamKey { seed: 5, replication: 0 }.stream("test", "calibrate", 0);
    let mut values: Vec<f64> = (0..n).map(|_| dist.draw(&mut stream).as_secs_f64()).collect();
    values.sort_by(f64::total_cmp);
    values
}

/// Each parameter within 5 % of the truth with 4000 draws (three standard errors or more for all of these), the KS
/// test not rejecting.
fn check(dist: &Dist, fitter: Fitter, expected: [f64; 2]) {
    let values = draws(dist, 4_000);
    let law = fitter(&values);
    let found = match law {
        Law::Exponential(mean) | Law::Constant(mean) => [mean, 0.0],
        Law::LogNormal(mu, sigma) => [libm::exp(mu), sigma],
        Law::Uniform(a, b) | Law::Weibull(a, b) | Law::Gamma(a, b) | Law::Pareto(a, b) => [a, b],
    };
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= 0.05 * expected, "{dist}: {law:?}");
    }
    assert!(ks::one_sample(&values, |x| law.cdf(x)).p > 0.01, "{dist}");
}

#[test]
fn each_fitter_finds_the_parameters_again() {
    check(&Dist::Uniform(ms(10), ms(30)), uniform, [0.010, 0.030]);
    check(&Dist::Exponential(ms(20)), exponential, [0.020, 0.0]);
    check(&Dist::lognormal_ms(80, 250), log_normal, [0.080, libm::log(250.0 / 80.0) / 2.326_347_874]);
    check(&Dist::Weibull(1.5, ms(20)), weibull, [1.5, 0.020]);
    check(&Dist::Weibull(0.7, ms(20)), weibull, [0.7, 0.020]);
    check(&Dist::Gamma(3.0, ms(30)), gamma, [3.0, 0.030]);
    check(&Dist::Pareto(2.5, ms(5)), pareto, [2.5, 0.005]);
}

/// The true family is within 6 of the lowest AIC: a wider family that holds it gains more with chance 0.005 (χ², 8).
#[test]
fn the_family_of_the_draws_is_chosen() {
    for (dist, name) in [
        (Dist::Constant(ms(7)), "constant"),
        (Dist::Uniform(ms(10), ms(30)), "uniform"),
        (Dist::Exponential(ms(20)), "exponential"),
        (Dist::lognormal_ms(80, 250), "lognormal"),
        (Dist::Pareto(2.5, ms(5)), "pareto"),
        (Dist::Sum(vec![Dist::Constant(ms(50)), Dist::lognormal_ms(10, 80)]), "constant + lognormal"),
        (Dist::Sum(vec![Dist::Constant(ms(50)), Dist::Weibull(1.8, ms(20))]), "constant + weibull"),
        (Dist::Sum(vec![Dist::Constant(ms(50)), Dist::Gamma(3.0, ms(20))]), "constant + gamma"),
        (Dist::Sum(vec![Dist::Constant(ms(50)), Dist::Exponential(ms(20))]), "constant + exponential"),
    ] {
        let fit = fit(&draws(&dist, 4_000)).unwrap();
        let near = fit.candidates.iter().take_while(|one| one.aic < fit.candidates[0].aic + 6.0);
        let near: Vec<String> = near.map(|one| one.law.name()).collect();
        assert!(near.contains(&name.to_owned()) && !fit.empirical, "{dist}: {near:?}");
    }
}

/// A shift is found within 3 % and the rest within 10 %.
#[test]
fn a_shift_is_found_again() {
    let values = draws(&Dist::Sum(vec![Dist::Constant(ms(50)), Dist::lognormal_ms(10, 80)]), 4_000);
    let found = with_shift(&values, log_normal).unwrap();
    let Law::LogNormal(mu, _) = found.law else { panic!("{found:?}") };
    assert!((found.shift - 0.050).abs() < 0.0015, "{found:?}");
    assert!((libm::exp(mu) - 0.010).abs() < 0.001, "{found:?}");
}

#[test]
fn two_heaps_keep_their_table() {
    let mut values = draws(&Dist::lognormal_ms(50, 70), 300);
    values.extend(draws(&Dist::lognormal_ms(1_000, 1_200), 300));
    let fit = fit(&values).unwrap();
    assert!(fit.empirical && fit.ks.p < 0.01 && matches!(fit.dist, Dist::Quantiles(_)));
    assert_eq!(fit.name(), "quantiles");
}

#[test]
fn too_few_or_negative_values_are_not_fitted() {
    assert!(fit(&[0.1, 0.2, 0.3, 0.4]).is_none());
    assert!(fit(&[-0.1, 0.1, 0.2, 0.3, 0.4]).is_none());
    assert_eq!(fit(&[0.1; 9]).unwrap().dist, Dist::Constant(ms(100)));
}
