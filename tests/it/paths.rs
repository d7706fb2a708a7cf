//! The article's rollout over every path, without and with its hook: what `scenarios/paths/` say they show.

use rollsim::record::Metric;

use crate::common::{count, runs, shipped, values};

const PATHS: [&str; 5] = ["node-port", "cluster-ip", "ingress-reload", "ingress-dynamic", "alb"];

/// The means of a metric without and with the hook.
fn means(path: &str, metric: Metric) -> [f64; 2] {
    ["", "-hook"].map(|hook| {
        let values = values(&runs(&shipped(&format!("paths/{path}{hook}"), &[]), count(24, 100)), metric);
        values.iter().sum::<f64>() / values.len() as f64
    })
}

#[test]
fn the_hook_saves_requests_on_every_path() {
    for path in PATHS {
        let [without, with] = means(path, Metric::Failed);
        assert!(with < without || without < 0.5, "{path}: {without} without the hook, {with} with it");
    }
}

/// A node port and a cluster IP lead to the same rules.
#[test]
fn a_node_port_loses_what_a_cluster_ip_loses() {
    let [node_port, cluster_ip] = ["node-port", "cluster-ip"].map(|path| means(path, Metric::Failed)[0].to_bits());
    assert_eq!(node_port, cluster_ip);
}

/// Behind an ingress the losses of a node port become other tries; behind an ALB ten seconds of hook do not suffice.
#[test]
fn the_path_decides_what_is_lost() {
    assert!(means("node-port", Metric::FailedConnectRefused)[0] > 3.0);
    for ingress in ["ingress-reload", "ingress-dynamic"] {
        assert!(means(ingress, Metric::FailedConnectRefused)[0] < 0.01, "{ingress}");
        assert!(means(ingress, Metric::Retried)[0] > 20.0, "{ingress}");
    }
    let [without, with] = means("alb", Metric::FailedHttp502);
    assert!(without > 20.0 && with > 1.0, "{without} {with}");
}
