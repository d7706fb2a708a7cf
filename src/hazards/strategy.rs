//! Hazards of how pods are replaced, and how many there are.

use super::{Findings, Level, Subject, patch};
use crate::manifests::object::WorkloadKind;
use crate::units::IntOrPercent;

pub(super) fn look(findings: &mut Findings<'_>, subject: Subject<'_>) {
    deadline(findings, subject);
    fixed_replicas(findings, subject);
    let recreates = subject.workload.strategy.kind.as_ref().is_some_and(|kind| kind.value == "Recreate");
    match subject.workload.kind {
        _ if recreates => recreate(findings, subject),
        WorkloadKind::Deployment => fenceposts(findings, subject),
        WorkloadKind::StatefulSet => single_stateful(findings, subject),
        WorkloadKind::DaemonSet => {}
    }
}

/// What no Service sends to loses no requests.
fn recreate(findings: &mut Findings<'_>, subject: Subject<'_>) {
    if subject.route.service.is_none() {
        return;
    }
    let at = subject.workload.strategy.at.unwrap_or(subject.workload.meta.at);
    let message = "Recreate stops every pod before it starts a new one: an outage of a stop and a start".to_owned();
    findings.add("recreate-strategy", subject.title(), at, message, surging(subject));
}

/// A patch that surges, where a second pod can start beside the first: not where both need one port of a node or one volume.
fn surging(subject: Subject<'_>) -> Option<String> {
    let pod = &subject.workload.pod;
    (!pod.takes_host_port() && !pod.claims_volume).then(patch::surge_one)
}

const fn is_zero(amount: IntOrPercent) -> bool {
    matches!(amount, IntOrPercent::Int(0) | IntOrPercent::Percent(0))
}

/// Surge rounds up, unavailable down; both 0 is 1 unavailable (`ResolveFenceposts`).
fn resolved(replicas: u32, surge: IntOrPercent, unavailable: IntOrPercent) -> (u64, u64) {
    let share = |percent: u32| u64::from(replicas) * u64::from(percent);
    let surge = match surge {
        IntOrPercent::Int(number) => u64::from(number),
        IntOrPercent::Percent(percent) => share(percent).div_ceil(100),
    };
    let unavailable = match unavailable {
        IntOrPercent::Int(number) => u64::from(number),
        IntOrPercent::Percent(percent) => share(percent) / 100,
    };
    if surge == 0 && unavailable == 0 { (0, 1) } else { (surge, unavailable) }
}

fn fenceposts(findings: &mut Findings<'_>, subject: Subject<'_>) {
    let (workload, strategy) = (subject.workload, &subject.workload.strategy);
    let default = if workload.is_extensions { IntOrPercent::Int(1) } else { IntOrPercent::Percent(25) };
    let surge = strategy.max_surge.map_or(default, |at| at.value);
    let unavailable = strategy.max_unavailable.map_or(default, |at| at.value);
    let at = strategy.max_unavailable.map(|at| at.at).or(strategy.at).unwrap_or(workload.meta.at);
    if is_zero(surge) && is_zero(unavailable) {
        let message = "maxSurge and maxUnavailable are both 0: no pod could be replaced".to_owned();
        findings.add("fenceposts-zero", subject.title(), at, message, surging(subject));
        return;
    }
    let replicas = subject.replicas();
    let (_, gone) = resolved(replicas, surge, unavailable);
    if replicas == 1 && gone >= 1 {
        if subject.route.service.is_none() {
            return;
        }
        let message =
            "of one replica one may be unavailable: the pod is stopped before its replacement is ready".to_owned();
        // Whoever leaves the field out may mean to scale later; a volume may not allow a second pod.
        let is_meant = subject.workload.replicas.is_some() && !subject.workload.pod.claims_volume;
        let level = if is_meant { Level::Error } else { Level::Warning };
        findings.add_at(level, "one-replica-goes-down", subject.title(), at, message, surging(subject));
    } else if is_zero(surge)
        && matches!(unavailable, IntOrPercent::Percent(percent) if u64::from(percent) * u64::from(replicas) < 100)
    {
        let message =
            format!("{unavailable} of {replicas} replicas rounds down to none, and without surge becomes one");
        findings.add("fenceposts-round-to-one", subject.title(), at, message, surging(subject));
    }
}

fn single_stateful(findings: &mut Findings<'_>, subject: Subject<'_>) {
    let is_manual = subject.workload.strategy.kind.as_ref().is_some_and(|kind| kind.value == "OnDelete");
    if subject.replicas() != 1 || subject.route.service.is_none() || is_manual {
        return;
    }
    let at = subject.workload.replicas.map_or(subject.workload.meta.at, |replicas| replicas.at);
    let message =
        "a StatefulSet of one replica stops its pod before it starts the new one: there is no surge".to_owned();
    // It is how a StatefulSet works, and a second replica is for what runs in it to allow.
    findings.add_at(Level::Warning, "one-replica-goes-down", subject.title(), at, message, None);
}

fn deadline(findings: &mut Findings<'_>, subject: Subject<'_>) {
    let min_ready = subject.workload.min_ready.map_or(0, |at| at.value);
    let deadline = subject.workload.progress_deadline;
    // extensions/v1beta1 has no deadline unless it says one (pkg/apis/extensions/v1beta1/defaults.go).
    let default = if subject.workload.is_extensions { u32::MAX } else { 600 };
    let seconds = deadline.map_or(default, |at| at.value);
    if subject.workload.kind != WorkloadKind::Deployment || seconds > min_ready {
        return;
    }
    let at = deadline.or(subject.workload.min_ready).map_or(subject.workload.meta.at, |at| at.at);
    let message = format!("the progress deadline of {seconds} s is not longer than minReadySeconds, {min_ready}");
    let mend = patch::spec(&format!("progressDeadlineSeconds: {}\n", min_ready.saturating_add(600)));
    findings.add("deadline-within-min-ready", subject.title(), at, message, Some(mend));
}

/// What comes from a cluster has the field whether somebody wrote it or not.
fn fixed_replicas(findings: &mut Findings<'_>, subject: Subject<'_>) {
    let (Some(scaler), Some(replicas)) = (subject.route.autoscaler, subject.workload.replicas) else { return };
    if subject.workload.meta.is_live {
        return;
    }
    let message = format!(
        "each apply sets the replicas back to {}, whatever {} made of them",
        replicas.value,
        scaler.meta.title()
    );
    findings.add("replicas-beside-autoscaler", subject.title(), replicas.at, message, None);
}
