//! Importance sampling gives what plain replications give, where those can be afforded, and what is known by theory where they
//! cannot.

use rollsim::importance::{self, Sampled};
use rollsim::record::Metric;
use rollsim::replications;

use super::common::{Estimate, count, runs, shipped, values};

fn sampled(name: &str, sets: &[&str], n: u32) -> Sampled {
    replications::on_threads(None, || importance::sample(&shipped(name, sets), n.into(), &|_| ())).unwrap()
}

/// The mean of a metric with 99.9 % half-widths on both sides.
fn check(name: &str, sets: &[&str], metric: Metric, (plain, forced): (u32, u32)) {
    let plain = Estimate::of(&values(&runs(&shipped(name, sets), plain), metric));
    let sampled = sampled(name, sets, forced);
    let weighted: Vec<f64> =
        sampled.replications.iter().map(|(weight, run)| weight * run.get(metric).unwrap_or(0.0)).collect();
    let weighted = Estimate::of(&weighted);
    let slack = (plain.half_width.powi(2) + weighted.half_width.powi(2)).sqrt();
    let off = (plain.mean - weighted.mean).abs();
    assert!(off <= slack, "{name} {sets:?} {}: {plain:?} against {weighted:?}", metric.name());
    assert!(plain.mean > 0.0, "{name} {sets:?}: plain replications see it");
}

#[test]
fn forcing_gives_what_plain_replications_give() {
    let n = |quick| (count(quick, 4_000), count(quick, 4_000));
    check("toy-rollout", &["pod.pre_stop.sleep=2s"], Metric::FailedConnectRefused, n(600));
    check("toy-rollout", &["pod.pre_stop.sleep=5s"], Metric::ExposedShareS, n(1_000));
    check("toy-rollout", &[], Metric::Failed, n(500));
}

/// Nothing of the mechanisms between the draws and the loss is bent: syncs, retries, hops of a whole control plane.
#[test]
fn forcing_is_unbiased_in_a_whole_cluster() {
    let n = (count(500, 5_000), count(1_000, 10_000));
    check("article-no-hook", &[], Metric::Failed, n);
    check("article-no-hook", &["cluster.version=1.34", "pod.pre_stop.sleep=1s"], Metric::ExposedShareS, n);
}

/// The toy's hook of 10 s refuses (1.54 ± 0.01) · 10⁻⁴ requests a rollout: three in 20,000 plain replications.
#[test]
fn a_loss_in_ten_thousand_rollouts_is_found_in_a_few_thousand() {
    let sampled = sampled("toy-rollout", &["pod.pre_stop.sleep=10s"], count(8_000, 40_000));
    let found = sampled.mean(Metric::FailedConnectRefused).unwrap();
    assert!(found.is_sound(), "{found:?}");
    assert!(found.gain.unwrap() > 50.0, "{found:?}");
    let interval = found.weighted.mean.ci95.unwrap();
    let (mean, wide) = (found.weighted.mean.mean, 1.7 * interval.half_width());
    assert!((mean - 1.54e-4).abs() <= wide + 0.01e-4, "{found:?}");
    assert!(interval.half_width() < 0.5 * 1.54e-4, "{found:?}");
    assert!(found.weighted.mean_weight.ci95.unwrap().half_width() < 0.03);
}

/// It was called 0 ± 0. No weight is above 2, so the bounds are twice those of 60 replications.
#[test]
fn nothing_seen_by_importance_sampling_is_a_bound() {
    let sampled = sampled("article-with-hook", &[], 60);
    let (failed, any) = (sampled.mean(Metric::Failed).unwrap(), sampled.any_failed().unwrap());
    assert!(failed.weighted.hits == 0 && !failed.is_sound() && !any.is_sound());
    let high = |found: importance::Estimate| found.weighted.mean.ci95.unwrap().high();
    assert!((high(failed) - 2.0 * 3.688_879 / 60.0).abs() < 1e-6, "{failed:?}");
    // 1 − 0.025^(1/60) = 0.059_630.
    assert!((high(any) - 2.0 * 0.059_630).abs() < 1e-5 && (sampled.unmet() - 0.059_630).abs() < 1e-5, "{any:?}");
    assert_eq!(sampled.mean(Metric::FailureSpanS).unwrap().weighted.mean.ci95, None, "of a time there is none");
}

/// Nobody gets this estimator without asking: a plain replication is the same bytes as before.
#[test]
fn a_replication_that_forces_nothing_is_the_plain_one() {
    use rollsim::engine::ForcingPlan;
    use rollsim::run::{Options, run_forced, run_once};
    let scenario = shipped("article-no-hook", &["pod.pre_stop.sleep=1s"]);
    let plan = ForcingPlan { plain: 1.0 - f64::EPSILON, candidates: 50, tilt: 0.1 };
    for replication in 0..5 {
        let (forced, weighed) = run_forced(&scenario, replication, Options::default(), plan);
        assert_eq!(forced, run_once(&scenario, replication, Options::default()));
        assert!((weighed.weight - 1.0).abs() < 1e-9 && weighed.drawn > 10);
    }
}
