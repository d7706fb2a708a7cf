//! The run, the cluster and the rolling update itself.

use super::facts::{Facts, quoted, seconds};
use crate::manifests::object::{Workload, WorkloadKind};
use crate::manifests::read::Objects;
use crate::manifests::settle::route::route;
use crate::units::IntOrPercent;

/// Nodes that are assumed at most: enough for each pod of a small workload to have one of its own.
const ASSUMED_NODES: u32 = 3;

/// When the run ends, and in which cluster it is.
pub(super) fn run(facts: &mut Facts<'_>, workload: &Workload) {
    let at = workload.meta.at;
    facts.assume("run.end.after_old_pods_gone", seconds(5), at, "clients go on for 5 s once the last old pod is gone");
    facts.assume("cluster.version", quoted("1.34"), at, "manifests do not tell the version of the cluster");
}

/// The controller, the replicas and how they are replaced.
pub(super) fn workload(facts: &mut Facts<'_>, objects: &Objects, workload: &Workload) {
    match workload.kind {
        WorkloadKind::Deployment => deployment(facts, objects, workload),
        WorkloadKind::StatefulSet => stateful_set(facts, objects, workload),
        WorkloadKind::DaemonSet => daemon_set(facts, workload),
    }
    if workload.pod.host_network {
        facts.not_simulated(workload.pod.at, "hostNetwork is not simulated: the pods get addresses of their own", None);
    }
    if let Some(kind) = workload.strategy.kind.as_ref().filter(|kind| kind.value == "OnDelete") {
        let message = "OnDelete waits for somebody to delete each pod: a rolling update is simulated";
        facts.not_simulated(kind.at, message, None);
    }
}

fn nodes(facts: &mut Facts<'_>, workload: &Workload, replicas: u32) {
    let nodes = replicas.clamp(1, ASSUMED_NODES);
    facts.assume("cluster.nodes", nodes, workload.meta.at, "manifests do not tell the number of nodes");
}

/// A number of pods or a share of them, as TOML.
fn amount(value: IntOrPercent) -> String {
    match value {
        IntOrPercent::Int(number) => number.to_string(),
        IntOrPercent::Percent(percent) => quoted(format!("{percent}%")),
    }
}

fn min_ready(facts: &mut Facts<'_>, key: &str, workload: &Workload) {
    if let Some(min_ready) = workload.min_ready {
        facts.read(key, seconds(min_ready.value), min_ready.at);
    }
}

fn deployment(facts: &mut Facts<'_>, objects: &Objects, workload: &Workload) {
    let replicas = replicas(facts, objects, workload, "deployment.replicas");
    nodes(facts, workload, replicas);
    min_ready(facts, "deployment.min_ready", workload);
    let strategy = &workload.strategy;
    if let Some(kind) = strategy.kind.as_ref().filter(|kind| kind.value == "Recreate") {
        facts.read("rollout.kind", quoted("recreate"), kind.at);
    }
    for (key, value) in [("max_surge", strategy.max_surge), ("max_unavailable", strategy.max_unavailable)] {
        let key = format!("deployment.{key}");
        match value {
            Some(value) => facts.read(&key, amount(value.value), value.at),
            None if workload.is_extensions => facts.read(&key, 1, workload.meta.at),
            None => {}
        }
    }
    match workload.progress_deadline {
        Some(deadline) => facts.read("deployment.progress_deadline", seconds(deadline.value), deadline.at),
        // No deadline: pkg/apis/extensions/v1beta1/defaults.go.
        None if workload.is_extensions => {
            facts.read("deployment.progress_deadline", seconds(i32::MAX), workload.meta.at);
        }
        None => {}
    }
}

fn stateful_set(facts: &mut Facts<'_>, objects: &Objects, workload: &Workload) {
    facts.read("workload.kind", quoted("stateful_set"), workload.meta.at);
    let replicas = replicas(facts, objects, workload, "workload.replicas");
    nodes(facts, workload, replicas);
    min_ready(facts, "workload.min_ready", workload);
    if let Some(partition) = workload.strategy.partition {
        facts.read("workload.partition", partition.value, partition.at);
    }
    if let Some(unavailable) = workload.strategy.max_unavailable {
        facts.read("workload.max_unavailable", amount(unavailable.value), unavailable.at);
    }
    if let Some(policy) = workload.pod_management_policy.as_ref().filter(|policy| policy.value == "Parallel") {
        facts.read("workload.pod_management", quoted("parallel"), policy.at);
    }
}

/// It has a pod on each node.
fn daemon_set(facts: &mut Facts<'_>, workload: &Workload) {
    facts.read("workload.kind", quoted("daemon_set"), workload.meta.at);
    nodes(facts, workload, ASSUMED_NODES);
    min_ready(facts, "workload.min_ready", workload);
    let strategy = &workload.strategy;
    for (key, value) in [("max_surge", strategy.max_surge), ("max_unavailable", strategy.max_unavailable)] {
        if let Some(value) = value {
            facts.read(&format!("workload.{key}"), amount(value.value), value.at);
        }
    }
}

/// A HorizontalPodAutoscaler bounds them; without `replicas` it is at its minimum when nothing is known of the load.
fn replicas(facts: &mut Facts<'_>, objects: &Objects, workload: &Workload, key: &str) -> u32 {
    let scaler = route(objects, workload).autoscaler;
    if let Some(scaler) = scaler {
        let message = "the HorizontalPodAutoscaler is not simulated: the number of replicas stays what it is";
        facts.not_simulated(scaler.meta.at, message, None);
    }
    let said = workload.replicas.map(|replicas| replicas.value);
    let settled = scaler.map_or(said.unwrap_or(1), |scaler| scaler.bounded(said));
    match (workload.replicas, scaler) {
        (Some(replicas), _) if replicas.value == settled || replicas.value == 0 => {
            facts.read(key, replicas.value, replicas.at);
            return replicas.value;
        }
        (Some(_), Some(scaler)) => {
            let why = "replicas is outside of the HorizontalPodAutoscaler's bounds: the nearest of them";
            facts.assume(key, settled, scaler.meta.at, why);
        }
        (None, Some(scaler)) => {
            let why = "the Deployment has no replicas field: the HorizontalPodAutoscaler's minimum";
            facts.assume(key, settled, scaler.min_replicas.map_or(scaler.meta.at, |least| least.at), why);
        }
        (_, None) => {}
    }
    settled
}
