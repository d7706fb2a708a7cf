//! The fast driver against the plain one: the same metrics, the same digests of facts and of requests, the same story.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use rollsim::model::spec::Scenario;
use rollsim::run::{Driver, Options, run_once};

use crate::common::{count, scenario, shipped};
use crate::properties::{any_scenario, config};

fn looked_at(driver: Driver) -> Options {
    Options { trace: true, check: true, driver, ..Options::default() }
}

/// Every request, and the same without looking, where the requests go by without being put into the digest.
fn drivers_agree(scenario: &Scenario, replication: u64) {
    let name = &scenario.name;
    let run = |options| run_once(scenario, replication, options);
    let plain = run(looked_at(Driver::Plain));
    assert!(plain.requests_digest.is_some() && plain.trace.is_some());
    assert!(run(looked_at(Driver::Fast)) == plain, "{name}, replication {replication}: the drivers differ");
    let unseen = run(Options::default());
    assert!((unseen.metrics, unseen.digest) == (plain.metrics, plain.digest), "{name}, {replication}: unseen");
}

/// Shipped scenario files, the published ones' folder and the paths' included.
fn scenario_files(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    let files = |path: PathBuf| if path.is_dir() { scenario_files(&path) } else { vec![path] };
    entries.into_iter().flat_map(files).filter(|path| path.extension().is_some_and(|end| end == "toml")).collect()
}

#[test]
fn the_fast_driver_is_the_plain_one_in_every_shipped_scenario() {
    let files = scenario_files(Path::new("scenarios"));
    assert!(files.len() > 40, "{} scenarios", files.len());
    for file in files {
        let scenario = scenario(&std::fs::read_to_string(&file).unwrap(), &[]);
        for replication in 0..u64::from(count(1, 10)) {
            drivers_agree(&scenario, replication);
        }
    }
}

/// The article with each setting that the fast driver must notice.
#[test]
fn the_fast_driver_is_the_plain_one_where_a_connection_ends_by_itself() {
    let settings: [&[&str]; 9] = [
        &[
            "faults=[{ at = \"15s\", kind = \"hang\", ignores_stop = false }]",
            "pod.liveness_probe={ period = \"1s\", failure_threshold = 2 }",
            "pod.server.probe_service_time=1ms",
        ],
        &["pod.server.keep_alive_requests=100"],
        &["pod.server.keep_alive_timeout=16ms"],
        &["pod.server.workers=2", "pod.server.service_time={ exponential = { mean = \"9ms\" } }"],
        &["pod.server.service_time=40ms", "clients.0.request_timeout=200ms"],
        &["pod.server.workers=unlimited", "clients.0.connections=40", "delays.rtt_pod=30ms"],
        &["clients.0.profile=paced", "clients.0.arrivals=spaced"],
        &["clients.0.keep_alive=false"],
        &["pod.server.in_flight=drain", "delays.listener_lag=20ms", "delays.read_lag=10ms", "delays.wake_lag=5ms"],
    ];
    for sets in settings {
        let scenario = shipped("article-no-hook", sets);
        for replication in 0..u64::from(count(4, 50)) {
            drivers_agree(&scenario, replication);
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_fast_driver_is_the_plain_one_in_any_scenario(text in any_scenario()) {
        drivers_agree(&scenario(&text.0, &[]), 0);
    }
}
