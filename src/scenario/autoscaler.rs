//! `[autoscaler]`: a HorizontalPodAutoscaler of the Deployment.

use crate::model::spec::{AutoscalerSpec, ScalingMetric, WorkloadKind};
use crate::scenario::log::Fault;
use crate::scenario::reader::Fields;
use crate::scenario::settled::Out;
use crate::scenario::values::{Names, duration, number, truth, whole};
use crate::units::SimDuration;

const METRIC: Names<ScalingMetric> =
    Names { built: &[("cpu", ScalingMetric::Cpu), ("memory", ScalingMetric::Memory)], later: &[] };

/// None of another workload than a Deployment, which is told so.
pub(super) fn autoscaler(fields: &mut Fields<'_>, workload: &WorkloadKind) -> Option<AutoscalerSpec> {
    if *workload != WorkloadKind::Deployment {
        let fault = Fault::new("other-workload", "scales Deployments only");
        fields.refuse("autoscaler", fault.help("remove it, or set workload.kind = \"deployment\""));
        return None;
    }
    fields.optional("autoscaler", spec)
}

fn spec(fields: &mut Fields<'_>) -> AutoscalerSpec {
    let min_replicas = fields.or("min_replicas", whole(1..=10_000), 1);
    AutoscalerSpec {
        min_replicas,
        max_replicas: fields.or("max_replicas", whole(i128::from(min_replicas)..=10_000), min_replicas.max(10)),
        metric: fields.or("metric", |node| METRIC.parse(node), ScalingMetric::Cpu),
        target: fields.or("target", whole(1..=10_000), 80),
        idle: fields.or("idle", whole(0..=1_000_000), 0),
        tolerance: fields.or("tolerance", number(0.0..=1.0), 0.1),
        scale_down_window: fields.or("scale_down_window", duration, SimDuration::from_secs(300)),
        behavior: fields.or("behavior", truth, false),
    }
}

/// Writes it, if there is one.
pub(super) fn settled(out: &mut Out, spec: Option<&AutoscalerSpec>) {
    let Some(spec) = spec else { return };
    out.table("autoscaler");
    out.raw("min_replicas", spec.min_replicas);
    out.raw("max_replicas", spec.max_replicas);
    out.quoted("metric", METRIC.of(spec.metric));
    out.raw("target", spec.target);
    out.raw("idle", spec.idle);
    out.raw("tolerance", format!("{:?}", spec.tolerance));
    out.quoted("scale_down_window", spec.scale_down_window);
    out.raw("behavior", spec.behavior);
}
