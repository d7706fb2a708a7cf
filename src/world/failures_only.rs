//! The estimator of failures: skips stretches in which nothing can fail, and simulates the rest.
//!
//! A paced client sends request `k` at a known time, and its draws have known places in its streams. On a kept connection
//! every request is answered as long as no server stops; on a fresh one as long as every pod in the rules takes connections.
//! So the next moment that matters can be gone to at once.
//! Before it, a window of requests is simulated on the pod that it concerns, in which queues and connections forget how they
//! were; and while a client that was kept waiting sends all at once what it owes, nothing is skipped. What follows is what
//! the run that simulates every request finds, to the same counts of failures of each kind in the same replication, unless a
//! delay outlasts the window. The conditions below keep that rare beyond what any sweep can show; where they do not hold, the
//! estimator is refused. Latencies are not estimated.

use crate::dist::Dist;
use crate::model::spec::{
    ClientSpec, DelayId, FaultKind, Mechanism, PoolSpec, ProxyMode, Scenario, ServiceKind, SessionAffinity,
    TrafficPolicy, Via,
};
use crate::units::SimDuration;
use crate::world::Estimator;

/// Why the estimator cannot be used for a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The dotted key that stands against it.
    pub key: String,
    /// Why.
    pub why: String,
}

/// Periods of the slowest client in a window.
const PERIODS: u64 = 8;

/// So many times the longest usual time of a request fit into a window.
const LONGEST: u64 = 4;

/// Usual is what all but one of so many draws stay below.
const USUAL: f64 = 1.0 - 1.0 / 4_096.0;

/// The busiest that one pod may be if it gets all connections.
const MOST_BUSY: f64 = 0.6;

/// Almost never is what one draw in ten thousand million is above.
const ALMOST_ALWAYS: f64 = 1.0 - 1e-10;

/// How much is simulated before anything happens, if the estimator asks for that.
pub(super) fn window(scenario: &Scenario, estimator: Estimator) -> Option<SimDuration> {
    (estimator == Estimator::FailuresOnly).then(|| length(scenario).min(enough(scenario)))
}

/// In this time queues and connections forget how they were, if connections rest between requests: it is as long as almost no
/// request takes, and each connection sends twice.
fn enough(scenario: &Scenario) -> SimDuration {
    let periods = || scenario.clients.iter().map(period);
    if !draws_once(scenario) || periods().any(|period| period < longest(scenario, 0.5)) {
        return SimDuration::MAX;
    }
    let twice = periods().max().unwrap_or(SimDuration::ZERO) * 2;
    twice.max(longest(scenario, USUAL) * LONGEST).max(longest(scenario, ALMOST_ALWAYS))
}

/// The most that is simulated; the conditions are held against it.
fn length(scenario: &Scenario) -> SimDuration {
    let periods = scenario.clients.iter().map(|client| period(client) * PERIODS);
    periods.max().unwrap_or(SimDuration::ZERO).max(SimDuration::from_millis(100))
}

fn period(client: &ClientSpec) -> SimDuration {
    SimDuration::from_secs_f64_rounded(f64::from(client.all_connections()) / client.rate.as_per_second())
}

/// What stands against estimating failures only; nothing if that is exact.
pub fn refusals(scenario: &Scenario) -> Vec<Refusal> {
    let mut found = Vec::new();
    let mut refuse = |refused: bool, key: &str, why: &str| {
        if refused {
            found.push(Refusal { key: key.to_owned(), why: why.to_owned() });
        }
    };
    for (number, client) in scenario.clients.iter().enumerate() {
        let key = |name: &str| format!("clients.{number}.{name}");
        refuse(client.via != Via::Service, &key("via"), "requests through balancers are coupled by their pools");
        refuse(client.is_open(), &key("arrivals"), "an open loop opens connections as it needs them");
        refuse_rules(client, &key, &mut refuse);
        refuse(client.thinks(), &key("arrivals"), "when a request is sent depends on when the one before was answered");
        let other = client.keep_alive != scenario.clients[0].keep_alive;
        refuse(other, &key("keep_alive"), "some clients keep their connections and some do not");
        let patient = client.request_timeout > length(scenario);
        refuse(!patient, &key("request_timeout"), "it is shorter than the window that is simulated before each event");
    }
    let ipvs = scenario.kube_proxy.mode == ProxyMode::Ipvs;
    refuse(ipvs, "kube_proxy.mode", "ipvs may break open connections when its rules change");
    let unpinned = scenario.without.has(Mechanism::ConntrackPinning);
    refuse(unpinned, "model.without", "without conntrack pinning the rules matter to open connections");
    if scenario.clients.iter().any(|client| !client.keep_alive) {
        refuse_services(scenario, &mut refuse);
    }
    refuse_servers(scenario, &mut refuse);
    refuse_restarts(scenario, &mut refuse);
    found
}

/// What a client minds besides its schedule couples what is skipped with what is not.
fn refuse_rules(client: &ClientSpec, key: &impl Fn(&str) -> String, refuse: &mut impl FnMut(bool, &str, &str)) {
    let mixed = client.idempotent > 0.0 && client.idempotent < 1.0;
    refuse(mixed, &key("idempotent"), "which requests may be sent twice is drawn for each");
    refuse(!client.work.is_one(), &key("work"), "how much work a request is is drawn for each");
    refuse(!client.catch_up, &key("catch_up"), "which requests are left out depends on when others were answered");
    refuse(client.retries.is_some(), &key("retries"), "what waits for its next attempt may outlast the window");
    refuse(client.reconnect.is_some(), &key("reconnect"), "sessions that begin again queue for a while");
    refuse(!client.stops_on.is_empty(), &key("stops_on"), "whether requests are sent depends on those before");
    let PoolSpec { idle_timeout, max_age, max_age_grace: _, max_requests, max_idle: _ } = client.pool;
    let ends = "connections end between two requests";
    refuse(idle_timeout.is_some(), &key("idle_timeout"), ends);
    refuse(max_age.is_some(), &key("max_age"), ends);
    refuse(max_requests.is_some(), &key("max_requests"), ends);
}

/// A client that connects for each request must choose with one random number, and from what the rules hold.
fn refuse_services(scenario: &Scenario, refuse: &mut impl FnMut(bool, &str, &str)) {
    let service = &scenario.service;
    let cluster = |policy| policy == TrafficPolicy::Cluster;
    refuse(service.kind == ServiceKind::Headless, "service.kind", "what clients resolve depends on when they ask");
    let sticks = service.session_affinity != SessionAffinity::None;
    refuse(sticks, "service.session_affinity", "where a connection goes depends on the one before");
    let local = "with policy Local two lists of endpoints matter";
    refuse(!cluster(service.external_traffic_policy), "service.external_traffic_policy", local);
    refuse(!cluster(service.internal_traffic_policy), "service.internal_traffic_policy", local);
}

/// What happens to servers must not depend on requests that are skipped, and must come from the kubelet alone.
fn refuse_restarts(scenario: &Scenario, refuse: &mut impl FnMut(bool, &str, &str)) {
    let shared = scenario.pod.server.probe_service_time.is_some();
    refuse(shared, "pod.server.probe_service_time", "probes wait behind requests");
    let hangs = scenario.all_faults().any(|kind| matches!(kind, FaultKind::Hang { .. }));
    refuse(hangs, "faults", "requests wait for a process that hangs");
    let proxied = "connections outlive the server behind the sidecar";
    refuse(scenario.pod.sidecar.is_some(), "pod.sidecar", proxied);
    let kills = "containers that are started again meet connections of before";
    refuse(scenario.pod.startup_probe.is_some(), "pod.startup_probe", kills);
    refuse(scenario.pod.liveness_probe.is_some(), "pod.liveness_probe", kills);
}

/// No request may be delayed for long: else queues couple what is skipped with what is not.
fn refuse_servers(scenario: &Scenario, refuse: &mut impl FnMut(bool, &str, &str)) {
    let (server, round_trip) = (&scenario.pod.server, scenario.delays.get(DelayId::RttPod));
    let (rtt, service) = ("delays.rtt_pod", "pod.server.service_time");
    let several = "its draws take a changing count of random numbers and cannot be skipped";
    refuse(!round_trip.takes_one_number(), rtt, several);
    refuse(!server.service_time.takes_one_number(), service, several);
    refuse(!matches!(server.stall, Dist::Constant(SimDuration::ZERO)), "pod.server.stall", "requests wait for its end");
    let idle = server.keep_alive_timeout <= length(scenario);
    refuse(idle, "pod.server.keep_alive_timeout", "connections end between two requests");
    let busy = scenario.clients.iter().map(|client| client.rate.as_per_second()).sum::<f64>()
        * server.service_time.mean_secs()
        / server.workers.map_or(f64::INFINITY, f64::from);
    refuse(busy > MOST_BUSY, service, "the queue of a pod that gets all connections is near saturation");
    let late = draws_once(scenario) && longest(scenario, USUAL) * LONGEST > length(scenario);
    refuse(late, rtt, "requests may take longer than the window that is simulated before each event");
}

/// Whether all that a request takes is drawn with one number each.
fn draws_once(scenario: &Scenario) -> bool {
    scenario.delays.get(DelayId::RttPod).takes_one_number() && scenario.pod.server.service_time.takes_one_number()
}

/// What a request takes if its way and the work on it and on all that may wait before it are as long as a share of the draws stays
/// below.
fn longest(scenario: &Scenario, share: f64) -> SimDuration {
    let server = &scenario.pod.server;
    let connections: u64 = scenario.clients.iter().map(|client| u64::from(client.all_connections())).sum();
    let waits = server.workers.map_or(1, |workers| connections.div_ceil(workers.into()));
    let way = scenario.delays.get(DelayId::RttPod).quantile(share);
    // The handshake and the request.
    way * 2 + server.service_time.quantile(share) * waits + server.response_time
}
