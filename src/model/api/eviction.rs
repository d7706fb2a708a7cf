//! The Eviction subresource: what a request finds. Pure.

use crate::model::api::{Phase, PodObject};
use crate::units::Version;

/// What an eviction leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The pod is deleted; the budget is not touched.
    Deletes,
    /// The pod is deleted, and one disruption fewer is allowed.
    Spends,
    /// 429: not now.
    TooMany,
}

/// What is decided for `pod`. Of the budget, if there is one, the disruptions left are known, and whether as many pods are
/// healthy as have to be: while that holds a pod that is not ready needs no budget (IfHealthyBudget, since 1.26, KEP-3017).
/// Source: pkg/registry/core/pod/storage/eviction.go at 01aa0f3f (mechanics 1.14).
pub fn verdict(pod: &PodObject, budget: Option<(u32, bool)>, version: Version) -> Verdict {
    let needs_none = pod.deleted || pod.phase == Phase::Pending || pod.phase.is_terminal();
    let unhealthy = |is_met| !pod.ready && version >= Version::minor(26) && is_met;
    match budget {
        None => Verdict::Deletes,
        Some((_, is_met)) if needs_none || unhealthy(is_met) => Verdict::Deletes,
        Some((0, _)) => Verdict::TooMany,
        Some(_) => Verdict::Spends,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{PodId, Revision};
    use crate::model::api::Timestamp;
    use crate::units::SimTime;

    #[test]
    fn a_budget_holds_for_pods_that_serve() {
        let pod = |phase, ready| PodObject {
            id: PodId(0),
            revision: Revision::Old,
            pinned: None,
            node: None,
            created: Timestamp::during(SimTime::ZERO),
            phase,
            ready,
            ready_since: None,
            gated: false,
            has_ip: true,
            deleted: false,
            uid: 0,
        };
        let found = |phase, ready, budget| verdict(&pod(phase, ready), budget, Version::minor(34));
        assert_eq!(found(Phase::Running, true, None), Verdict::Deletes);
        assert_eq!(found(Phase::Running, true, Some((1, true))), Verdict::Spends);
        assert_eq!(found(Phase::Running, true, Some((0, true))), Verdict::TooMany);
        assert_eq!(found(Phase::Pending, false, Some((0, false))), Verdict::Deletes);
        assert_eq!(found(Phase::Running, false, Some((0, true))), Verdict::Deletes);
        assert_eq!(found(Phase::Running, false, Some((0, false))), Verdict::TooMany);
        assert_eq!(verdict(&pod(Phase::Running, false), Some((0, true)), Version::minor(25)), Verdict::TooMany);
    }
}
