//! The series of overloaded runs, whose clients give up long before their requests are served: what pods are at is counted whether
//! or not somebody waits for it, and not after they have ended.

use proptest::prelude::*;
use proptest::sample::select;

use rollsim::model::spec::Scenario;
use rollsim::record::{FailureKind, Level, Metric, Series};
use rollsim::replications::{Plan, Replicated, replicate};
use rollsim::run::Estimator;

use crate::common::{count, scenario};

fn replicated(scenario: &Scenario, replications: u64) -> Replicated {
    let plan = Plan {
        replications,
        threads: Some(1),
        precision: None,
        check: true,
        estimator: Estimator::EveryRequest,
        series: true,
    };
    replicate(scenario, &plan, &|_| ()).unwrap()
}

/// A worker takes 10 ms for a request; 240 a second come to two pods, and clients wait for 100 ms.
const OVERLOADED: &str = r#"
    [run]
    duration = "12s"
    [rollout]
    at = "6s"
    [deployment]
    replicas = 2
    max_surge = 0
    max_unavailable = 1
    [pod]
    boot = "1s"
    [pod.server]
    profile = "nginx-sigterm"
    workers = 1
    service_time = "10ms"
    [[clients]]
    profile = "open"
    arrivals = "constant"
    rate = "240/s"
    keep_alive = false
    request_timeout = "100ms"
"#;

fn series_of(sets: &[&str]) -> Series {
    replicated(&scenario(OVERLOADED, sets), 1).series.unwrap()
}

fn means(series: &Series, level: Level) -> Vec<f64> {
    series.rows().iter().filter_map(|row| row.mean(level)).collect()
}

fn metric(of: &Replicated, metric: Metric) -> Vec<f64> {
    of.metrics.iter().filter_map(|run| run.get(metric)).collect()
}

/// The two pods have some 120 requests that nobody waits for; with `recreate` both end at once, and for a second there is none.
#[test]
fn a_queue_that_nobody_waits_for_ends_with_its_pod() {
    for discipline in ["fifo", "processor_sharing"] {
        let discipline = format!(r#"pod.server.discipline="{discipline}""#);
        let series = series_of(&[&discipline, r#"rollout.kind="recreate""#, "pod.boot=3s"]);
        let (in_flight, workers) = (means(&series, Level::InFlight), means(&series, Level::Workers));
        assert!(in_flight[5] > 100.0, "{in_flight:?}");
        let none = workers.iter().zip(&in_flight).filter(|(workers, _)| **workers == 0.0);
        let left: Vec<_> = none.map(|(_, in_flight)| *in_flight).collect();
        assert!(left.len() >= 2 && left.iter().all(|left| *left == 0.0), "{left:?}");
        let full = |row: &f64| (0.99..1.000_001).contains(row);
        let busy: Vec<f64> = series.rows()[2..6].iter().filter_map(|row| row.utilisation()).collect();
        assert!(busy.len() == 4 && busy.iter().all(full), "{discipline}: {busy:?}");
    }
}

/// A process that drains does not know that clients have gone: it ends when its work is done, as if they waited.
#[test]
fn a_server_that_drains_works_off_what_nobody_waits_for() {
    for discipline in ["fifo", "processor_sharing"] {
        let discipline = format!(r#"pod.server.discipline="{discipline}""#);
        let ended = |profile: &str, timeout: &str| {
            let profile = format!("pod.server.profile={profile}");
            let timeout = format!("clients.0.request_timeout={timeout}");
            let all = replicated(&scenario(OVERLOADED, &[&discipline, &profile, &timeout]), 1);
            metric(&all, Metric::AllTerminatedS)[0]
        };
        let (gone, waiting) = (ended("go-shutdown", "100ms"), ended("go-shutdown", "60s"));
        assert!((gone - waiting).abs() < 0.6, "{discipline}: {gone} s, {waiting} s where they wait");
        assert!(gone > ended("nginx-sigterm", "100ms") + 0.6, "{discipline}: {gone} s is its queue's work");
    }
}

/// A client that waits for a millisecond never sees an answer; the pods are at work all the same.
#[test]
fn work_of_requests_whose_clients_gave_up_counts() {
    for limit in ["pod.server.cpu_limit=1", r#"pod.server.discipline="processor_sharing""#] {
        let all = replicated(&scenario(OVERLOADED, &[limit, "clients.0.request_timeout=1ms"]), 1);
        assert_eq!(metric(&all, Metric::Succeeded), [0.0]);
        let series = all.series.as_ref().unwrap();
        let (in_flight, row) = (means(series, Level::InFlight), &series.rows()[4]);
        assert!(in_flight[4] > 100.0, "{limit}: {in_flight:?}");
        assert!(row.utilisation().is_some_and(|busy| busy > 0.99), "{limit}: {:?}", row.utilisation());
    }
}

/// Half a core for four workers: the pod is busy when that is used up, not when four cores would be.
#[test]
fn a_pod_at_its_cpu_limit_is_busy() {
    let sets = ["pod.server.cpu_limit=0.5", "pod.server.workers=4", "clients.0.rate=120/s"];
    let all = replicated(&scenario(OVERLOADED, &sets), 1);
    let peak = metric(&all, Metric::UtilisationPeak);
    assert!(peak.len() == 1 && (0.99..1.000_001).contains(&peak[0]), "{peak:?}");
    let under = replicated(&scenario(OVERLOADED, &[&sets[..2], &["clients.0.rate=50/s"]].concat()), 1);
    let third = under.series.as_ref().unwrap().rows()[3].utilisation().unwrap();
    assert!((third - 0.5).abs() < 0.06, "25 a second and pod are half of half a core: {third}");
}

/// Clients wait for 3 s: what they lose of the last seconds they know after the end, second by second.
#[test]
fn answers_known_after_the_end_are_no_spike_in_the_last_second() {
    let series = series_of(&["clients.0.request_timeout=3s", "rollout.at=4h", "clients.0.rate=600/s"]);
    let failed: Vec<u64> = series.rows().iter().map(|row| row.failed.iter().sum()).collect();
    assert!((15..=16).contains(&failed.len()), "{failed:?}");
    assert!(failed[6..15].iter().all(|failed| (500..=700).contains(failed)), "{failed:?}");
    assert!(series.rows()[12..].iter().all(|row| row.mean(Level::Ready).is_none() && row.utilisation().is_none()));
}

#[test]
fn a_last_second_that_is_cut_short_counts_its_pods_in_full() {
    let series = series_of(&["run.duration=10500ms", "rollout.at=4h", "clients.0.rate=20/s"]);
    assert_eq!(means(&series, Level::Ready), [2.0; 11]);
}

/// Replications that have ended are no pods that died.
#[test]
fn levels_of_replications_of_different_length_are_means_of_those_that_last() {
    let sets = [r#"run.end={after_old_pods_gone="1s"}"#, "rollout.at=2s", r#"pod.boot={uniform=["1s","9s"]}"#];
    let text = OVERLOADED.replace("duration = \"12s\"", "");
    let all = replicated(&scenario(&text, &[&sets[..], &["clients.0.rate=50/s"]].concat()), 6);
    let series = all.series.as_ref().unwrap();
    let having: Vec<u64> = series.rows().iter().map(|row| row.replications()).collect();
    assert!(having[0] == 6 && having.last().is_some_and(|last| *last < 6), "{having:?}");
    let ready = means(series, Level::Ready);
    assert!(ready.iter().all(|ready| *ready >= 0.99), "{ready:?}");
}

fn sets() -> impl Strategy<Value = Vec<String>> {
    let profile =
        select(vec!["nginx-sigterm", "nginx-sigquit", "go-shutdown", "go", "uvicorn", "spring-boot-graceful"]);
    let workers = select(vec!["1", "2", "\"unlimited\""]);
    let share = select(vec!["fifo", "processor_sharing"]);
    let limit = select(vec!["", "pod.server.cpu_limit=0.7", "pod.server.cpu_limit=3"]);
    let warm = select(vec!["", r#"pod.server.warm_up={slowdown=4,age="3s"}"#]);
    let rate = select(vec![60, 150, 400]);
    let timeout = select(vec!["20ms", "300ms", "4s"]);
    let law = select(vec!["10ms", "{exponential={mean=\"15ms\"}}"]);
    let more = select(vec![
        "",
        "pod.liveness_probe={period=\"1s\",timeout=\"200ms\",failure_threshold=2}",
        "pod.server.in_flight_limit=30",
        "clients.0.keep_alive=true",
        "rollout.kind=\"recreate\"",
        "pod.server.probe_service_time=2ms",
        "ingress.preset=\"ingress-nginx\"",
        "clients.0.retries.attempts=3",
        "pod.termination_grace_period=2s",
        "run.duration=9300ms",
    ]);
    (profile, workers, share, limit, warm, rate, timeout, law, more, any::<u32>()).prop_map(
        |(profile, workers, share, limit, warm, rate, timeout, law, more, seed)| {
            let mut sets = vec![
                format!(r#"pod.server.profile="{profile}""#),
                format!("pod.server.workers={workers}"),
                format!(r#"pod.server.discipline="{share}""#),
                format!("pod.server.service_time={law}"),
                format!("clients.0.rate={rate}/s"),
                format!("clients.0.request_timeout={timeout}"),
                format!("run.seed={seed}"),
            ];
            sets.extend([limit, warm, more].iter().filter(|set| !set.is_empty()).map(|set| (*set).to_owned()));
            sets.extend(more.starts_with("ingress").then(|| r#"clients.0.via="ingress""#.to_owned()));
            sets
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: count(16, 1_000), failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the server, the load and the patience of its clients: no more work than workers, none of dead pods, no more in
    /// the queue than at the pods, and every request in one row.
    #[test]
    fn pods_do_no_more_than_they_can(sets in sets()) {
        let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
        let all = replicated(&scenario(OVERLOADED, &sets), 1);
        let series = all.series.as_ref().unwrap();
        for (second, row) in series.rows().iter().enumerate() {
            prop_assert!(row.utilisation().is_none_or(|busy| busy < 1.0 + 1e-6), "{second}: {:?}", row.utilisation());
            let [queued, in_flight, workers, busy] =
                [Level::Queued, Level::InFlight, Level::Workers, Level::Busy].map(|level| row.mean(level).unwrap_or(0.0));
            prop_assert!(queued <= in_flight + 1e-9, "{second}: {queued} of {in_flight} wait");
            let limited = series.rows().iter().any(|row| row.utilisation().is_some());
            prop_assert!(!limited || workers > 0.0 || busy + in_flight == 0.0, "{second}: {busy} {in_flight} at no pod");
        }
        let failed = |row: &rollsim::record::Row| FailureKind::ALL.iter().map(|kind| row.failed[*kind as usize]).sum::<u64>();
        let ended: u64 = series.rows().iter().map(|row| row.succeeded + failed(row)).sum();
        prop_assert_eq!(vec![ended as f64], metric(&all, Metric::Requests));
    }
}
