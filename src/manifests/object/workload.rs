//! Deployments, StatefulSets and DaemonSets.

use super::Meta;
use super::misplaced::{self, Misplaced};
use super::pod::{self, Pod};
use super::selector::{Selector, selector};
use crate::manifests::fields::{At, Fields};
use crate::scenario::Spot;
use crate::units::IntOrPercent;

/// Who keeps the pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkloadKind {
    /// `apps/v1` Deployment.
    Deployment,
    /// `apps/v1` StatefulSet.
    StatefulSet,
    /// `apps/v1` DaemonSet.
    DaemonSet,
}

/// `strategy` of a Deployment, `updateStrategy` of the others.
#[derive(Debug, Clone, Default)]
pub struct Strategy {
    /// All of it.
    pub at: Option<Spot>,
    /// `type`.
    pub kind: Option<At<String>>,
    /// `rollingUpdate.maxSurge`.
    pub max_surge: Option<At<IntOrPercent>>,
    /// `rollingUpdate.maxUnavailable`.
    pub max_unavailable: Option<At<IntOrPercent>>,
    /// `rollingUpdate.partition`, of a StatefulSet.
    pub partition: Option<At<u32>>,
}

/// What runs pods and replaces them.
#[derive(Debug, Clone)]
pub struct Workload {
    /// Name and place.
    pub meta: Meta,
    /// Which controller.
    pub kind: WorkloadKind,
    /// `extensions/v1beta1`, whose defaults were others.
    pub is_extensions: bool,
    /// `spec.replicas`.
    pub replicas: Option<At<u32>>,
    /// `spec.minReadySeconds`.
    pub min_ready: Option<At<u32>>,
    /// `spec.progressDeadlineSeconds`.
    pub progress_deadline: Option<At<u32>>,
    /// `spec.podManagementPolicy`, of a StatefulSet.
    pub pod_management_policy: Option<At<String>>,
    /// How pods are replaced.
    pub strategy: Strategy,
    /// `spec.selector`; empty if it has none (`extensions/v1beta1`).
    pub selector: Selector,
    /// `spec.template`.
    pub pod: Pod,
    /// Fields that stand where nobody reads them.
    pub misplaced: Vec<Misplaced>,
}

impl WorkloadKind {
    /// The kind as manifests and `kubectl` have it.
    pub const fn name(self) -> &'static str {
        match self {
            WorkloadKind::Deployment => "Deployment",
            WorkloadKind::StatefulSet => "StatefulSet",
            WorkloadKind::DaemonSet => "DaemonSet",
        }
    }

    /// The field with the strategy.
    pub const fn strategy_field(self) -> &'static str {
        match self {
            WorkloadKind::Deployment => "strategy",
            WorkloadKind::StatefulSet | WorkloadKind::DaemonSet => "updateStrategy",
        }
    }
}

/// Reads a workload; none without a pod template, which is said.
pub(in crate::manifests) fn workload(
    fields: &Fields<'_>,
    meta: Meta,
    kind: WorkloadKind,
    is_extensions: bool,
) -> Option<Workload> {
    let spec = required(fields, "spec", &meta)?;
    let template = required(&spec, "template", &meta)?;
    let pod = pod::pod(&template, &required(&template, "spec", &meta)?);
    Some(Workload {
        kind,
        is_extensions,
        replicas: spec.whole("replicas", 0),
        min_ready: spec.whole("minReadySeconds", 0),
        progress_deadline: spec.whole("progressDeadlineSeconds", 0),
        pod_management_policy: spec.text("podManagementPolicy"),
        strategy: spec.map(kind.strategy_field()).map(|fields| strategy(&fields)).unwrap_or_default(),
        selector: spec.map("selector").map(|fields| selector(&fields)).unwrap_or_default(),
        pod,
        misplaced: misplaced::find(fields, kind),
        meta,
    })
}

fn required<'a>(fields: &Fields<'a>, name: &str, meta: &Meta) -> Option<Fields<'a>> {
    let found = fields.map(name);
    let has_wrong_type = fields.node().get(name).is_some_and(|entry| entry.node.describe() != "nothing");
    if found.is_none() && !has_wrong_type {
        let at = fields.node().entries().first().map_or(fields.node().at, |entry| entry.at);
        fields.log().error("missing-field", at, format!("{} has no `{name}` here", meta.title()), None);
    }
    found
}

fn strategy(fields: &Fields<'_>) -> Strategy {
    let rolling = fields.map("rollingUpdate");
    let rolling = rolling.as_ref();
    Strategy {
        at: Some(fields.at()),
        kind: fields.text("type"),
        max_surge: rolling.and_then(|rolling| rolling.int_or_percent("maxSurge")),
        max_unavailable: rolling.and_then(|rolling| rolling.int_or_percent("maxUnavailable")),
        partition: rolling.and_then(|rolling| rolling.whole("partition", 0)),
    }
}
