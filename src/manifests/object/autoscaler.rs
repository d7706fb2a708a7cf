//! HorizontalPodAutoscalers and PodDisruptionBudgets.

use super::selector::{Selector, selector};
use super::{Labels, Meta};
use crate::manifests::fields::{At, Fields};
use crate::units::IntOrPercent;

/// A HorizontalPodAutoscaler.
#[derive(Debug, Clone)]
pub struct Autoscaler {
    /// Name and place.
    pub meta: Meta,
    /// `spec.scaleTargetRef`: kind and name.
    pub target: (String, String),
    /// `spec.minReplicas`.
    pub min_replicas: Option<At<u32>>,
    /// `spec.maxReplicas`.
    pub max_replicas: Option<At<u32>>,
}

/// A PodDisruptionBudget.
#[derive(Debug, Clone)]
pub struct Budget {
    /// Name and place.
    pub meta: Meta,
    /// `spec.selector`; none selects no pod.
    pub selector: Option<Selector>,
    /// `spec.minAvailable`.
    pub min_available: Option<At<IntOrPercent>>,
    /// `spec.maxUnavailable`.
    pub max_unavailable: Option<At<IntOrPercent>>,
}

impl Autoscaler {
    /// The pods that a workload with so many `replicas` has, once the autoscaler has acted; its minimum if it says none.
    pub fn bounded(&self, replicas: Option<u32>) -> u32 {
        let least = self.min_replicas.map_or(1, |least| least.value.max(1));
        let most = self.max_replicas.map_or(u32::MAX, |most| most.value).max(least);
        replicas.map_or(least, |replicas| replicas.clamp(least, most))
    }
}

impl Budget {
    /// Whether pods with these labels are under it.
    pub fn covers(&self, labels: &Labels) -> bool {
        self.selector.as_ref().is_some_and(|selector| selector.matches(labels))
    }

    /// Healthy pods it asks for among `expected`: shares round up, whichever field they stand in.
    /// (kubernetes/kubernetes pkg/controller/disruption/disruption.go at 003e8629)
    pub fn desired_healthy(&self, expected: u32) -> u32 {
        let up = |value: IntOrPercent| match value {
            IntOrPercent::Int(number) => u64::from(number),
            IntOrPercent::Percent(percent) => (u64::from(expected) * u64::from(percent)).div_ceil(100),
        };
        let clamped = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        match (&self.max_unavailable, &self.min_available) {
            (Some(most), _) => expected.saturating_sub(clamped(up(most.value))),
            (None, Some(least)) => clamped(up(least.value)),
            (None, None) => 0,
        }
    }
}

pub(in crate::manifests) fn autoscaler(fields: &Fields<'_>, meta: Meta) -> Option<Autoscaler> {
    let spec = fields.map("spec")?;
    let target = spec.map("scaleTargetRef")?;
    let text = |name| target.text(name).map(|text| text.value).unwrap_or_default();
    Some(Autoscaler {
        meta,
        target: (text("kind"), text("name")),
        min_replicas: spec.whole("minReplicas", 0),
        max_replicas: spec.whole("maxReplicas", 1),
    })
}

pub(in crate::manifests) fn budget(fields: &Fields<'_>, meta: Meta, version: &str) -> Option<Budget> {
    let spec = fields.map("spec")?;
    // An empty selector selects every pod of the namespace; in policy/v1beta1 it selects none (pkg/apis/policy, migration
    // guide of 1.25).
    let selects = |selector: &Selector| !selector.is_empty() || version != "v1beta1";
    Some(Budget {
        meta,
        selector: spec.map("selector").map(|fields| selector(&fields)).filter(selects),
        min_available: spec.int_or_percent("minAvailable"),
        max_unavailable: spec.int_or_percent("maxUnavailable"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Spot;

    fn meta() -> Meta {
        let at = Spot::default();
        Meta {
            kind: String::new(),
            name: String::new(),
            namespace: String::new(),
            has_namespace: false,
            annotations: Vec::new(),
            at,
            whole: at,
            is_live: false,
        }
    }

    fn check(expected: u32, min_available: Option<&str>, max_unavailable: Option<&str>, healthy: u32) {
        let amount = |text: &str| At { value: text.parse().unwrap(), at: Spot::default() };
        let budget = Budget {
            meta: meta(),
            selector: None,
            min_available: min_available.map(amount),
            max_unavailable: max_unavailable.map(amount),
        };
        assert_eq!(budget.desired_healthy(expected), healthy, "{expected} {min_available:?} {max_unavailable:?}");
    }

    /// The table of the disruption controller's arithmetic.
    #[test]
    fn shares_round_up_in_both_fields() {
        check(7, Some("50%"), None, 4);
        check(7, None, Some("50%"), 3);
        check(7, None, Some("30%"), 4);
        check(3, None, Some("1%"), 2);
        check(3, Some("1%"), None, 1);
        check(1, Some("1"), None, 1);
        check(1, None, Some("0"), 1);
        check(1, Some("50%"), None, 1);
        check(10, None, Some("1"), 9);
        check(10, Some("80%"), None, 8);
    }
}
