//! HorizontalPodAutoscalers and PodDisruptionBudgets.

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
    /// `spec.selector.matchLabels`.
    pub selector: Labels,
    /// `spec.minAvailable`.
    pub min_available: Option<At<IntOrPercent>>,
    /// `spec.maxUnavailable`.
    pub max_unavailable: Option<At<IntOrPercent>>,
}

impl Budget {
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

pub(in crate::manifests) fn budget(fields: &Fields<'_>, meta: Meta) -> Option<Budget> {
    let spec = fields.map("spec")?;
    Some(Budget {
        meta,
        selector: spec.map("selector").map(|selector| selector.strings("matchLabels")).unwrap_or_default(),
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
            selector: Vec::new(),
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
