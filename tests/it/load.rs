//! Rollouts under load, as the shipped scenarios tell them: the hump and its end, the melt, the stall, what retries do; and the
//! series that shows them second by second.

use std::process::Command;

use rollsim::record::{FailureKind, Level, Metric};
use rollsim::replications::{Plan, Replicated, replicate};
use rollsim::run::Estimator;

use crate::common::{Estimate, count, runs, scenario, shipped, values};

/// Means of a few replications of a shipped scenario.
fn means(name: &str, sets: &[&str]) -> impl Fn(Metric) -> f64 + use<> {
    let runs = runs(&shipped(name, sets), count(2, 50));
    move |metric| Estimate::of(&values(&runs, metric)).mean
}

/// A quarter of the pods is away at a time: the others have room at half load, and not at 85 %.
#[test]
fn a_rollout_is_safe_at_half_load_and_melts_at_85_percent() {
    let (safe, melted) = (means("half-load", &[]), means("melts-at-85", &[]));
    let failed = |of: &dyn Fn(Metric) -> f64| of(Metric::Failed) / of(Metric::Requests);
    assert!(failed(&safe) < 1e-4 && failed(&melted) > 0.05, "{} {}", failed(&safe), failed(&melted));
    let busiest = [safe(Metric::UtilisationPeak), melted(Metric::UtilisationPeak)];
    assert!(busiest[0] < 0.85 && busiest[1] > 0.97, "{busiest:?}");
    assert_eq!(melted(Metric::LowestCapacity), 3.0);
    // With surge there are never fewer pods than desired.
    let surge = means("melts-at-85", &["deployment.max_surge=1", "deployment.max_unavailable=0"]);
    assert!(surge(Metric::LowestCapacity) >= 4.0);
    assert!(failed(&surge) < 0.2 * failed(&melted), "{}", failed(&surge));
}

/// The hump of a rollout near capacity begins after the first pod has gone, and ends.
#[test]
fn the_latency_hump_has_a_beginning_and_an_end() {
    let sets = ["clients.0.rate=640/s", "clients.0.request_timeout=30s"];
    let runs = runs(&shipped("melts-at-85", &sets), count(3, 20));
    let [begins, peak, ends, duration] =
        [Metric::HumpBeginsS, Metric::HumpPeakS, Metric::HumpEndsS, Metric::RolloutDurationS]
            .map(|metric| Estimate::of(&values(&runs, metric)).mean);
    assert_eq!(values(&runs, Metric::HumpEndsS).len(), runs.len(), "it ends in each run");
    assert!(begins < 10.0 && peak > 0.2 && ends > duration - 5.0, "{begins} {peak} {ends} {duration}");
}

/// Retries of those who timed out add to what a lack of capacity began.
#[test]
fn retries_amplify_an_overload() {
    let of = |sets: &[&str]| means("max-unavailable-overload", sets);
    let (none, once) = (of(&["clients.0.retry=none"]), of(&["clients.0.retry=reused_once"]));
    assert_eq!(none(Metric::RetryAmplification), 1.0);
    assert!(once(Metric::RetryAmplification) > 1.01, "{}", once(Metric::RetryAmplification));
    assert!(once(Metric::FailedTimeout) > 100.0, "{}", once(Metric::FailedTimeout));
    let careful = of(&["deployment.max_unavailable=1", "clients.0.rate=400/s"]);
    assert!(careful(Metric::FailedTimeout) < 1.0, "{}", careful(Metric::FailedTimeout));
}

/// A stall of T in a run of D, with nothing but the stall: requests arrive evenly and each waits for its end. So the mean is
/// T²/2D, and of the share T/D that waits evenly between 0 and T the q-quantile is T − (1 − q)·D.
#[test]
fn a_stall_shapes_the_latencies_of_the_run() {
    let duration = 60.0;
    for stall in [4.0, 8.0] {
        let set = format!("pod.server.stall={stall}s");
        let runs = runs(&shipped("stall", &[&set]), 10);
        for run in &runs {
            let get = |metric| run.get(metric).unwrap();
            let t = get(Metric::LatencyMaxS);
            // The stall begins when the new proxy listens; it has all the traffic when the old one is gone.
            assert!((0.7 * stall..stall + 0.01).contains(&t), "{t}");
            let near = |got: f64, expected: f64| (got / expected - 1.0).abs() < 0.06;
            assert!(near(get(Metric::LatencyMeanS), t * t / (2.0 * duration)), "{run:?}");
            assert!(stall < 5.0 || near(stats_p95(run), t - 0.05 * duration), "{run:?}");
            assert!(near(get(Metric::LatencyP99S), t - 0.01 * duration), "{run:?}");
        }
    }
}

/// Between the quantiles that a run has, latencies of a stall lie on a line.
fn stats_p95(run: &rollsim::record::Metrics) -> f64 {
    let [p90, p99] = [Metric::LatencyP90S, Metric::LatencyP99S].map(|metric| run.get(metric).unwrap());
    p90 + (p99 - p90) * 5.0 / 9.0
}

/// The old proxy closes its listener before the rules have gone: connections are refused then.
#[test]
fn a_stall_comes_with_refused_connections() {
    let runs = runs(&shipped("stall", &[]), count(30, 300));
    let refused = Estimate::of(&values(&runs, Metric::FailedConnectRefused));
    assert!((5.0..40.0).contains(&refused.mean), "{refused:?}");
}

fn with_series(text: &str, threads: usize) -> Replicated {
    let plan = Plan {
        replications: 3,
        threads: Some(threads),
        precision: None,
        check: true,
        estimator: Estimator::EveryRequest,
        series: true,
    };
    replicate(&scenario(text, &[]), &plan, &|_| ()).unwrap()
}

const SMALL: &str = r#"
    [run]
    duration = "20s"
    [rollout]
    at = "5s"
    [deployment]
    replicas = 3
    max_unavailable = 0
    [pod.server]
    profile = "nginx-sigterm"
    service_time = "5ms"
    [[clients]]
    profile = "open"
    rate = "200/s"
    keep_alive = false
"#;

/// Nothing gets lost between the series and the counts, and asking for it changes nothing.
#[test]
fn the_series_adds_up_to_the_counts() {
    let (all, two) = (with_series(SMALL, 1), with_series(SMALL, 2));
    assert_eq!(all, two, "threads change nothing");
    let series = all.series.as_ref().unwrap();
    // The last answers may come just after the end.
    assert!((20..=21).contains(&series.rows().len()) && series.replications() == 3, "{:?}", series.rows().len());
    let sum = |metric| all.metrics.iter().filter_map(|run| run.get(metric)).sum::<f64>();
    let succeeded: u64 = series.rows().iter().map(|row| row.succeeded).sum();
    assert_eq!(succeeded as f64, sum(Metric::Succeeded));
    for kind in FailureKind::ALL {
        let failed: u64 = series.rows().iter().map(|row| row.failed[kind as usize]).sum();
        assert_eq!(failed as f64, sum(kind.metric()), "{kind:?}");
    }
    let plain = runs(&scenario(SMALL, &[]), 3);
    let unasked =
        |metric: &Metric| !matches!(metric, Metric::WaitingMeanS | Metric::UtilisationPeak | Metric::QueuePeak);
    let same = |metric: &&Metric| !metric.name().starts_with("hump") && unasked(metric);
    for metric in Metric::ALL.iter().filter(same) {
        assert_eq!(values(&plain, *metric), values(&all.metrics, *metric), "{}", metric.name());
    }
}

/// Little's law, second by second: busy workers are λ·E[S], whatever the second.
#[test]
fn levels_of_the_series_are_what_they_say() {
    let all = with_series(SMALL, 2);
    let series = all.series.as_ref().unwrap();
    let first = &series.rows()[2];
    let near = |got: f64, expected: f64, slack: f64| assert!((got - expected).abs() < slack, "{got} {expected}");
    near(first.mean(Level::Busy).unwrap(), 200.0 * 0.005, 0.2);
    assert_eq!((first.mean(Level::Ready).unwrap(), first.mean(Level::Routed).unwrap()), (3.0, 3.0));
    near(first.utilisation().unwrap(), 1.0 / 3.0, 0.07);
    let in_flight = first.mean(Level::InFlight).unwrap() - first.mean(Level::Queued).unwrap();
    near(in_flight, first.mean(Level::Busy).unwrap(), 1e-6);
}

#[test]
fn the_series_is_written_as_json_and_csv() {
    let folder = std::env::temp_dir().join(format!("rollsim-series-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("small.toml");
    std::fs::write(&file, SMALL).unwrap();
    let out = folder.join("out");
    let run = |arguments: &[&str]| {
        let run = ["run", file.to_str().unwrap(), "--quiet", "--replications", "2", "--out", out.to_str().unwrap()];
        Command::new(env!("CARGO_BIN_EXE_rollsim")).args(run).args(arguments).output().unwrap()
    };
    let output = run(&["--series", "--format", "json"]);
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = result["series"]["rows"].as_array().unwrap().len();
    assert!((20..=21).contains(&rows), "{rows}");
    let csv = std::fs::read_to_string(out.join("series.csv")).unwrap();
    assert_eq!(csv.lines().count(), rows + 1);
    assert!(csv.starts_with("t_s,requests,failed,failed_connect_refused,"), "{csv}");
    let refused = run(&["--series", "--estimator", "failures-only"]);
    assert_eq!(refused.status.code(), Some(2));
    std::fs::remove_dir_all(&folder).unwrap();
}
