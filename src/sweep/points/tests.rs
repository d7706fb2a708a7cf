//! The queue on runs whose truth is known.

use super::*;
use crate::engine::StreamKey;
use crate::record::Metric;
use crate::scenario::{Source, read_sweep};

fn plan(sweep: &str) -> Plan {
    let text = format!("name = \"a\"\n[sweep]\n{sweep}");
    Plan::new(read_sweep(&Source::new("a.toml", text), &[]).unwrap()).unwrap()
}

/// A run whose failed count is geometric with this mean, by inversion of one uniform number.
fn geometric(mean: f64, seed: u64) -> impl Fn(&Scenario, u64) -> (Metrics, Digest) + Sync {
    move |scenario, replication| {
        let uniform = StreamKey { seed, replication }.stream("test", "geometric", 0).uniform();
        let mut metrics = Metrics::default();
        metrics.set(Metric::Failed, (libm::log(uniform) / libm::log(mean / (1.0 + mean))).floor());
        let mut digest = Digest::default();
        digest.add(&[replication, scenario.deployment.replicas.into()]);
        (metrics, digest)
    }
}

fn rows(plan: &Plan, threads: usize, run: Run<'_>) -> Vec<PointResult> {
    let mut rows = Vec::new();
    let todo: Vec<u64> = (0..plan.points()).collect();
    let mut keep = |row: &PointResult| {
        rows.push(row.clone());
        Ok(())
    };
    let hooks = Hooks { run, progress: &|_| (), keep: Mutex::new(&mut keep) };
    simulate_with(plan, &todo, How { threads: Some(threads), check: false }, &hooks).unwrap();
    rows.sort_by_key(|row| row.point);
    rows
}

const FIVE: &str = "[sweep.vary]\n\"deployment.replicas\" = [1, 2, 3, 4, 5]";

#[test]
fn threads_change_no_row() {
    for head in ["replications = 150", "replications = 5000\nprecision = 0.1", "replications = 1"] {
        let plan = plan(&format!("{head}\n{FIVE}"));
        let one = rows(&plan, 1, &geometric(5.0, 1));
        assert_eq!(one.iter().map(|row| row.point).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        for threads in [2, 3, 16] {
            assert_eq!(one, rows(&plan, threads, &geometric(5.0, 1)), "{head}, {threads} threads");
        }
    }
}

#[test]
fn points_share_their_luck() {
    let all = rows(&plan(&format!("replications = 100\n{FIVE}")), 2, &geometric(5.0, 1));
    assert!(all.iter().all(|row| row.metrics == all[0].metrics));
    assert!(all.iter().skip(1).all(|row| row.digest != all[0].digest));
}

#[test]
fn a_point_stops_after_whole_blocks_and_says_whether_it_was_precise() {
    let row = |head: &str| rows(&plan(head), 2, &geometric(5.0, 1)).remove(0);
    let precise = row("replications = 5000\nprecision = 0.1");
    assert!(precise.precise && precise.replications < 1_000, "{}", precise.replications);
    assert_eq!(precise.replications as u64 % BLOCK, 0);
    let capped = row("replications = 100\nprecision = 0.001");
    assert_eq!((capped.precise, capped.replications), (false, 100));
}

#[test]
fn progress_ends_at_the_whole_of_the_work() {
    let plan = plan(&format!("replications = 5000\nprecision = 0.3\n{FIVE}"));
    let done = std::sync::atomic::AtomicU64::new(0);
    let progress = |n| _ = done.fetch_add(n, Ordering::Relaxed);
    let mut keep = |_: &PointResult| Ok(());
    let run = geometric(5.0, 1);
    let hooks = Hooks { run: &run, progress: &progress, keep: Mutex::new(&mut keep) };
    simulate_with(&plan, &[0, 1, 2, 3, 4], How { threads: Some(1), check: false }, &hooks).unwrap();
    assert_eq!(done.into_inner(), 25_000);
}

#[test]
fn a_point_that_cannot_be_kept_ends_the_sweep() {
    let plan = plan(&format!("replications = 10\n{FIVE}"));
    let folder = std::env::temp_dir().join(format!("rollsim-points-{}", std::process::id()));
    std::fs::write(&folder, b"").unwrap();
    let mut kept = 0;
    let mut keep = |_: &PointResult| {
        kept += 1;
        crate::report::sink::Folder::prepare(&folder).map(|_| ())
    };
    let run = geometric(5.0, 1);
    let hooks = Hooks { run: &run, progress: &|_| (), keep: Mutex::new(&mut keep) };
    let ended = simulate_with(&plan, &[0, 1, 2, 3, 4], How { threads: Some(1), check: false }, &hooks);
    assert!(matches!(ended, Err(SweepError::Sink(_))), "{ended:?}");
    assert!(kept < 5);
    std::fs::remove_file(&folder).unwrap();
}

/// Of 1,000 sweeps that each stop by themselves, 95 % should hold the true mean in the interval they report. Three
/// standard errors are 0.021. The counts are skewed (a geometric's standard deviation exceeds its mean), and stopping
/// when the spread happens to look small costs about half a point.
#[test]
fn intervals_after_stopping_cover_as_often_as_they_say() {
    for (mean, precision) in [(5.0, 0.1), (5.0, 0.25), (0.2, 0.3)] {
        let plan = plan(&format!("replications = 20000\nprecision = {precision}"));
        let mut held = 0;
        for seed in 0..1_000 {
            let row = rows(&plan, 1, &geometric(mean, seed)).remove(0);
            assert!(row.precise, "the cap is never reached here");
            let failed = row.metrics.get("failed").and_then(Option::as_ref).unwrap();
            held += u32::from(failed.ci95.unwrap().holds(mean));
        }
        assert!((929..=971).contains(&held), "mean {mean}, precision {precision}: {held} of 1000");
    }
}
