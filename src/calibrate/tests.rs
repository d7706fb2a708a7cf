//! The mapping on the shipped measurements.

use super::*;
use crate::scenario::{Source, read};

fn shipped() -> Calibration {
    let text = |name: &str| {
        let path = format!("{}/tests/data/measurements/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(path).unwrap()
    };
    let names = ["micro", "pods", "proxy_sync", "runs", "failures", "syn_after_stop_summary"];
    let texts = names.map(|name| text(&format!("{name}.csv")));
    let [micro, pods, proxy_sync, runs, failures, syn] = texts.each_ref().map(|text| File { name: "a.csv", text });
    let files = Files { micro, pods, proxy_sync, runs, failures: Some(failures), syn_after_stop: Some(syn) };
    calibrate(&Measurements::read(&files, &[]).unwrap())
}

/// One calibration for all questions: it takes seconds.
#[test]
fn the_shipped_measurements_give_every_delay_of_the_table() {
    let found = shipped();
    let ids: Vec<&str> = found.estimates.iter().map(|estimate| estimate.id.name()).collect();
    let expected = [
        "api_write",
        "watch_hop",
        "queue_wait",
        "dep_sync",
        "rs_sync",
        "sched",
        "node_load",
        "contention",
        "sandbox",
        "create_start",
        "pleg",
        "del_seen",
        "hook_exec_start",
        "stop_rpc",
        "server_stop",
        "listener_lag",
        "read_lag",
        "exit_teardown",
        "obj_gone",
        "eps_del_seen",
        "eps_sync",
        "kp_sync",
        "kp_tail",
    ];
    assert_eq!(ids, expected);
    assert!(found.estimates.iter().all(|estimate| estimate.n > 0));
    for one in &found.estimates {
        assert!(
            one.measured.is_none_or(|points| points[0] <= one.fitted.unwrap().0 && one.fitted.unwrap().0 <= points[2]),
            "{one:?}"
        );
    }
    for one in found.checks.iter().filter(|one| one.how != "not fitted") {
        assert!(one.measured[0] <= one.fitted.0 && one.fitted.0 <= one.measured[2], "{one:?}");
    }
    assert!(found.dependence.len() > 10);
    assert!(render::table(&found).contains("KS p is an upper limit"), "a p of fitted parameters passed for a test");
    let text = format!("name = \"a\"\n{}", render::toml(&found));
    let (scenario, _) = read(&Source::new("a.toml", text), &[]).unwrap();
    found.estimates.iter().for_each(|one| assert_eq!(scenario.delays.get(one.id), &one.dist));
    // What `validate` uses is this, and what it says of itself.
    let path = format!("{}/tests/data/measurements/delays.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let (used, _) = read(&Source::new("delays.toml", format!("name = \"a\"\n{text}")), &[]).unwrap();
    found.estimates.iter().for_each(|one| assert_eq!(used.delays.get(one.id), &one.dist, "{}", one.id.name()));
    assert!(render::table(&found).lines().all(|line| !line.starts_with('\u{1b}')));
}
