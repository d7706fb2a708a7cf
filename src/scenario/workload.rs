//! `[workload]`: what owns the pods, and what a StatefulSet or DaemonSet has that a Deployment has not.

use crate::model::spec::{
    DaemonSetSpec, DeploymentSpec, PodManagement, PodReplacementPolicy, StatefulSetSpec, WorkloadKind,
};
use crate::scenario::log::Fault;
use crate::scenario::reader::Fields;
use crate::scenario::settled::Out;
use crate::scenario::values::{Names, duration, pods_or_share, whole};
use crate::scenario::{cluster, names};
use crate::units::{IntOrPercent, SimDuration, Version};

/// The kinds, before their own keys are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Deployment,
    StatefulSet,
    DaemonSet,
}

const KIND: Names<Kind> = Names {
    built: &[("deployment", Kind::Deployment), ("stateful_set", Kind::StatefulSet), ("daemon_set", Kind::DaemonSet)],
    later: &[],
};

/// The workload with its size and fenceposts, which for a Deployment stand in a table of their own.
pub(super) fn workload(fields: &mut Fields<'_>, version: Version, nodes: u32) -> (WorkloadKind, DeploymentSpec) {
    let (kind, set) = fields.section("workload", |fields| kind(fields, version, nodes));
    match set {
        None => (kind, fields.section("deployment", cluster::deployment)),
        Some(set) => {
            let fault = Fault::new("other-workload", "does not belong to this `workload.kind`");
            fields.refuse("deployment", fault.help("a StatefulSet or DaemonSet has its keys in [workload]"));
            (kind, set)
        }
    }
}

fn kind(fields: &mut Fields<'_>, version: Version, nodes: u32) -> (WorkloadKind, Option<DeploymentSpec>) {
    match fields.or("kind", |node| KIND.parse(node), Kind::Deployment) {
        Kind::Deployment => (WorkloadKind::Deployment, None),
        Kind::StatefulSet => {
            let replicas = fields.or("replicas", whole(1..=10_000), 1);
            let spec = stateful_set(fields, version, replicas);
            let settled = settled_as(replicas, (0, spec.max_unavailable), spec.min_ready);
            (WorkloadKind::StatefulSet(spec), Some(settled))
        }
        Kind::DaemonSet => {
            let spec = daemon_set(fields, version, nodes);
            let settled = settled_as(nodes, (spec.max_surge, spec.max_unavailable), spec.min_ready);
            (WorkloadKind::DaemonSet(spec), Some(settled))
        }
    }
}

/// What the rest of the program reads of any workload: size and fenceposts.
fn settled_as(replicas: u32, (surge, unavailable): (u32, u32), min_ready: SimDuration) -> DeploymentSpec {
    DeploymentSpec {
        replicas,
        max_surge: IntOrPercent::Int(surge),
        max_unavailable: IntOrPercent::Int(unavailable),
        min_ready,
        progress_deadline: SimDuration::MAX,
        pod_replacement_policy: PodReplacementPolicy::TerminationStarted,
    }
}

fn stateful_set(fields: &mut Fields<'_>, version: Version, replicas: u32) -> StatefulSetSpec {
    let share = fields.or("max_unavailable", pods_or_share(100), IntOrPercent::Int(1));
    too_new(fields, "max_unavailable", version, Version::minor(24));
    too_new(fields, "min_ready", version, Version::minor(22));
    StatefulSetSpec {
        partition: fields.or("partition", whole(0..=10_000), 0),
        // Rounded down, and then at least 1 (stateful_set_utils.go getStatefulSetMaxUnavailable).
        max_unavailable: resolved(share, replicas, false).max(1),
        pod_management: fields.or(
            "pod_management",
            |node| names::POD_MANAGEMENT.parse(node),
            PodManagement::OrderedReady,
        ),
        min_ready: fields.or("min_ready", duration, SimDuration::ZERO),
    }
}

fn daemon_set(fields: &mut Fields<'_>, version: Version, nodes: u32) -> DaemonSetSpec {
    let surge = fields.or("max_surge", pods_or_share(100), IntOrPercent::Int(0));
    let max_surge = resolved(surge, nodes, true);
    let default = IntOrPercent::Int(u32::from(max_surge == 0));
    let max_unavailable = resolved(fields.or("max_unavailable", pods_or_share(100), default), nodes, true);
    too_new(fields, "max_surge", version, Version::minor(21));
    if (max_surge == 0) == (max_unavailable == 0) {
        let fault = Fault::new("daemon-fenceposts", "needs one of max_surge and max_unavailable, and the other 0");
        fields.complain(fault.help("Kubernetes refuses this too"));
    }
    DaemonSetSpec { max_unavailable, max_surge, min_ready: fields.or("min_ready", duration, SimDuration::ZERO) }
}

fn resolved(amount: IntOrPercent, of: u32, rounds_up: bool) -> u32 {
    match amount {
        IntOrPercent::Int(pods) => pods,
        IntOrPercent::Percent(percent) if rounds_up => (u64::from(of) * u64::from(percent)).div_ceil(100) as u32,
        IntOrPercent::Percent(percent) => (u64::from(of) * u64::from(percent) / 100) as u32,
    }
}

/// Complains about a key of a later version.
pub(super) fn too_new(fields: &mut Fields<'_>, name: &str, version: Version, since: Version) {
    if let Some(entry) = fields.entry(name).filter(|_| version < since) {
        let fault = Fault::new("too-new", format!("is not in Kubernetes {version}"));
        fields.error(name, entry.at, fault.help(format!("it came with {since}")));
    }
}

/// Writes it as it would be read; false if `[deployment]` says the rest.
pub(super) fn settled(out: &mut Out, kind: &WorkloadKind, deployment: &DeploymentSpec) -> bool {
    out.table("workload");
    match kind {
        WorkloadKind::Deployment => out.quoted("kind", KIND.of(Kind::Deployment)),
        WorkloadKind::StatefulSet(spec) => {
            out.quoted("kind", KIND.of(Kind::StatefulSet));
            out.raw("replicas", deployment.replicas);
            out.raw("partition", spec.partition);
            out.raw("max_unavailable", spec.max_unavailable);
            out.quoted("pod_management", names::POD_MANAGEMENT.of(spec.pod_management));
            out.quoted("min_ready", spec.min_ready);
        }
        WorkloadKind::DaemonSet(spec) => {
            out.quoted("kind", KIND.of(Kind::DaemonSet));
            out.raw("max_unavailable", spec.max_unavailable);
            out.raw("max_surge", spec.max_surge);
            out.quoted("min_ready", spec.min_ready);
        }
    }
    *kind != WorkloadKind::Deployment
}
