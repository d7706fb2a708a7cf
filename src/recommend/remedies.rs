//! What would help where no hook does: changes outside the hook, each tried by simulating it.

use crate::model::spec::{
    InFlightPolicy, ProbeSpec, ProxyMode, QueuedPolicy, Retry, RolloutKind, Scenario, ServiceKind, SessionAffinity,
    SidecarKind, StopBehaviour, Strategy, TrafficPolicy, Via,
};
use crate::units::{IntOrPercent, KernelVersion, SimDuration, Version};

/// A change, as `--set` says it, with what it does to a scenario; it says whether there was anything to change.
pub(super) struct Remedy {
    /// The keys and values.
    pub(super) set: &'static str,
    /// In words.
    pub(super) words: &'static str,
    pub(super) apply: fn(&mut Scenario) -> bool,
}

/// All that is tried, each where it changes something.
pub(super) const REMEDIES: &[Remedy] = &[
    Remedy {
        set: "pod.readiness_probe.period=1s",
        words: "a readiness probe, so that no pod is routed before it listens",
        apply: add_probe,
    },
    Remedy {
        set: "pod.server.on_stop=stops pod.server.in_flight=drain pod.server.queued=serve",
        words: "a server that stops gracefully: it answers what it has and closes connections with `Connection: close`",
        apply: stop_gracefully,
    },
    Remedy {
        set: "clients.N.retry=reused_once",
        words: "clients that try again once when a kept-alive connection was closed on them",
        apply: retry,
    },
    Remedy {
        set: "clients.N.notices_close=true",
        words: "clients that look whether an idle connection was closed before they use it",
        apply: notice_close,
    },
    Remedy {
        set: "deployment.max_surge=1 deployment.max_unavailable=0",
        words: "surge 1 and unavailable 0, so that the pods left are never fewer than desired",
        apply: surge,
    },
    Remedy {
        set: "rollout.kind=rolling_update",
        words: "a rolling update in place of Recreate, so that new pods serve before old ones stop",
        apply: roll,
    },
    Remedy {
        set: "pod.sidecar.kind=native",
        words: "a native sidecar (Kubernetes 1.29), which outlives the server",
        apply: native_sidecar,
    },
    Remedy {
        set: "load_balancer.readiness_gate=true",
        words: "a readiness gate, so that a new pod counts only once the load balancer finds it healthy",
        apply: |scenario| scenario.load_balancer.as_mut().is_some_and(|one| switch(&mut one.readiness_gate)),
    },
    Remedy {
        set: "ingress.retry_non_idempotent=true",
        words: "an ingress that tries every request again, which may run some twice",
        apply: |scenario| {
            let retry = scenario.ingress.as_mut().map(|one| &mut one.retry);
            let post = scenario.clients.iter().any(|client| client.idempotent < 1.0 && client.via != Via::Service);
            retry.is_some_and(|retry| post && switch(&mut retry.non_idempotent))
        },
    },
    Remedy {
        set: "ingress.kind=dynamic",
        words: "an ingress that changes its endpoints without a reload",
        apply: |scenario| scenario.ingress.as_mut().is_some_and(|one| std::mem::take(&mut one.update.reloads)),
    },
    Remedy {
        set: "dns.resolver_cache=0s dns.ttl=0s",
        words: "names of the Service that nobody caches",
        apply: no_dns_cache,
    },
    Remedy {
        set: "cluster.kernel=5.15",
        words: "nodes with a kernel from 5.9 on, whose ipvs does not send reused ports to dead pods",
        apply: newer_kernel,
    },
    Remedy {
        set: "service.external_traffic_policy=cluster",
        words: "external traffic policy Cluster, so that no node drops what enters there",
        apply: policy_cluster,
    },
    Remedy {
        set: "service.session_affinity=none",
        words: "no session affinity, so that the pods share the load",
        apply: |scenario| {
            let had = scenario.service.session_affinity != SessionAffinity::None;
            scenario.service.session_affinity = SessionAffinity::None;
            had
        },
    },
    Remedy {
        set: "pod.server.workers=unlimited",
        words: "servers with capacity to spare (here without limit), so that no queue outlasts the clients' patience",
        apply: |scenario| scenario.pod.server.workers.take().is_some(),
    },
];

fn switch(value: &mut bool) -> bool {
    !std::mem::replace(value, true)
}

fn add_probe(scenario: &mut Scenario) -> bool {
    let second = SimDuration::from_secs(1);
    let probe = ProbeSpec {
        termination_grace_period: None,
        initial_delay: SimDuration::ZERO,
        period: second,
        timeout: second,
        success_threshold: 1,
        failure_threshold: 3,
    };
    let had = scenario.pod.readiness_probe.is_some();
    scenario.pod.readiness_probe.get_or_insert(probe);
    !had
}

fn stop_gracefully(scenario: &mut Scenario) -> bool {
    let server = &mut scenario.pod.server;
    let before = server.clone();
    server.on_stop = StopBehaviour::Stops;
    server.in_flight = InFlightPolicy::Drain;
    server.queued = QueuedPolicy::Serve;
    *server != before
}

fn retry(scenario: &mut Scenario) -> bool {
    let mut changed = false;
    for client in scenario.clients.iter_mut().filter(|client| client.keep_alive && client.idempotent >= 1.0) {
        changed |= client.retry == Retry::None;
        client.retry = Retry::ReusedOnce;
    }
    changed
}

fn notice_close(scenario: &mut Scenario) -> bool {
    let mut changed = false;
    for client in scenario.clients.iter_mut().filter(|client| client.keep_alive) {
        changed |= switch(&mut client.notices_close);
        changed |= switch(&mut client.honours_connection_close);
    }
    changed
}

fn surge(scenario: &mut Scenario) -> bool {
    let deployment = &mut scenario.deployment;
    let zero = IntOrPercent::Int(0);
    let changed = deployment.max_unavailable != zero;
    (deployment.max_surge, deployment.max_unavailable) = (IntOrPercent::Int(1), zero);
    changed
}

fn roll(scenario: &mut Scenario) -> bool {
    let recreates = scenario.rollout_kind == RolloutKind::Template(Strategy::Recreate);
    if recreates {
        scenario.rollout_kind = RolloutKind::Template(Strategy::RollingUpdate);
    }
    recreates
}

fn native_sidecar(scenario: &mut Scenario) -> bool {
    let known = scenario.cluster.version >= Version::minor(29);
    let classic = scenario.pod.sidecar.as_mut().filter(|sidecar| known && sidecar.kind == SidecarKind::Classic);
    classic.map(|sidecar| sidecar.kind = SidecarKind::Native).is_some()
}

fn no_dns_cache(scenario: &mut Scenario) -> bool {
    let dns = &mut scenario.dns;
    let cached = !dns.resolver_cache.is_zero() || !dns.ttl.is_zero();
    (dns.resolver_cache, dns.ttl) = (SimDuration::ZERO, SimDuration::ZERO);
    cached && scenario.service.kind == ServiceKind::Headless
}

fn newer_kernel(scenario: &mut Scenario) -> bool {
    let newer = KernelVersion { major: 5, minor: 15 };
    let old = scenario.cluster.kernel < newer;
    scenario.cluster.kernel = scenario.cluster.kernel.max(newer);
    old && scenario.kube_proxy.mode == ProxyMode::Ipvs
}

fn policy_cluster(scenario: &mut Scenario) -> bool {
    let local = scenario.service.external_traffic_policy == TrafficPolicy::Local;
    scenario.service.external_traffic_policy = TrafficPolicy::Cluster;
    local
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remedy_that_changes_nothing_says_so() {
        for remedy in REMEDIES {
            let mut scenario = crate::scenario::defaults("test");
            let before = scenario.clone();
            let changed = (remedy.apply)(&mut scenario);
            assert!(!changed || scenario != before, "{}", remedy.set);
            assert!(!(remedy.apply)(&mut scenario), "{} twice", remedy.set);
        }
    }

    #[test]
    fn recreate_and_a_sidecar_that_dies_too_early_have_their_remedies() {
        let read = |text: &str| {
            let source = crate::scenario::Source::new("a.toml", text);
            crate::scenario::read(&source, &[]).unwrap_or_else(|problems| panic!("{problems:?}")).0
        };
        let helps = |text: &str| {
            let helps = REMEDIES.iter().filter(|remedy| (remedy.apply)(&mut read(text))).map(|remedy| remedy.set);
            helps.collect::<Vec<_>>()
        };
        assert!(helps("name = \"a\"\n[rollout]\nkind = \"recreate\"").contains(&"rollout.kind=rolling_update"));
        let sidecar = |version: &str| {
            helps(&format!("name = \"a\"\n[cluster]\nversion = \"{version}\"\n[pod.sidecar]\nkind = \"classic\""))
        };
        assert!(
            sidecar("1.30").contains(&"pod.sidecar.kind=native")
                && !sidecar("1.27").contains(&"pod.sidecar.kind=native")
        );
    }

    #[test]
    fn a_missing_probe_is_added() {
        let mut scenario = crate::scenario::defaults("test");
        assert!(add_probe(&mut scenario));
        assert!(scenario.pod.readiness_probe.is_some());
    }
}
