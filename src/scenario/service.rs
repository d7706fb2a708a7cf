//! `[service]` and `[dns]`.

use crate::model::spec::{DnsSpec, ServiceKind, ServiceSpec, SessionAffinity, TrafficDistribution, TrafficPolicy};
use crate::scenario::names;
use crate::scenario::reader::Fields;
use crate::scenario::values::{duration, period};
use crate::units::SimDuration;

pub(super) fn service(fields: &mut Fields<'_>) -> ServiceSpec {
    let policy =
        |fields: &mut Fields<'_>, key| fields.or(key, |node| names::TRAFFIC_POLICY.parse(node), TrafficPolicy::Cluster);
    ServiceSpec {
        kind: fields.or("kind", |node| names::SERVICE_KIND.parse(node), ServiceKind::NodePort),
        external_traffic_policy: policy(fields, "external_traffic_policy"),
        internal_traffic_policy: policy(fields, "internal_traffic_policy"),
        session_affinity: fields.or(
            "session_affinity",
            |node| names::SESSION_AFFINITY.parse(node),
            SessionAffinity::None,
        ),
        session_affinity_timeout: fields.or("session_affinity_timeout", period, SimDuration::from_secs(10_800)),
        traffic_distribution: fields.or(
            "traffic_distribution",
            |node| names::TRAFFIC_DISTRIBUTION.parse(node),
            TrafficDistribution::None,
        ),
    }
}

/// The defaults are kubeadm's.
pub(super) fn dns(fields: &mut Fields<'_>) -> DnsSpec {
    DnsSpec {
        ttl: fields.or("ttl", duration, SimDuration::from_secs(30)),
        resolver_cache: fields.or("resolver_cache", duration, SimDuration::from_secs(30)),
    }
}
