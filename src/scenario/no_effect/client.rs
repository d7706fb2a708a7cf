//! `[[clients]]`.

use super::{Row, row, uses};
use crate::model::spec::{Arrivals, ClientSpec, End, ProxyMode, Retry, Scenario, SessionAffinity};
use crate::units::KernelVersion;

type When = fn(&Scenario, &ClientSpec) -> bool;

const REMEMBERED: &str = "nothing on the way remembers addresses: no session affinity, no ipvs that reuses ports";

pub(super) const ROWS: &[Row<When>] = &[
    row(
        &["dns"],
        |scenario, client| !uses::resolves(scenario, client),
        "only clients of a headless Service resolve names to pods",
        "set service.kind = \"headless\"",
    ),
    row(
        &["node"],
        |scenario, client| !uses::enters_at_a_node(scenario, client),
        "it enters at no node of its own choice, but at a balancer or at the pods of a headless Service",
        "use via = \"service\"",
    ),
    row(
        &["traffic"],
        |scenario, client| !uses::meets_rules(scenario, client) && !uses::rules_are_used(scenario),
        "no traffic policy holds for it: no rules of kube-proxy are on the way",
        "use via = \"service\"",
    ),
    row(
        &["local_ports", "addresses"],
        |scenario, client| !uses::meets_rules(scenario, client),
        "no rules of kube-proxy are on the way, which could remember it",
        "use via = \"service\"",
    ),
    row(
        &["local_ports"],
        |scenario, _| !reuses_ports(scenario),
        "only ipvs on kernels before 5.9 minds that ports are used again",
        "set kube_proxy.mode = \"ipvs\" and cluster.kernel = \"5.8\" or earlier",
    ),
    row(
        &["addresses"],
        |scenario, _| !reuses_ports(scenario) && scenario.service.session_affinity == SessionAffinity::None,
        REMEMBERED,
        "set service.session_affinity = \"client_ip\"",
    ),
    Row {
        keys: &["method"],
        when: |_, _| true,
        beside: &["idempotent"],
        because: "`idempotent` stands in its place",
        instead: "remove idempotent",
    },
    row(
        &["method", "idempotent"],
        |scenario, client| uses::entry(scenario, client).is_none() && !minds_method(client),
        "nobody asks whether a request may be sent twice: no balancer sees this client's requests, and its own retries do not \
         depend on it",
        "use via = \"ingress\"",
    ),
    row(
        &["hedging"],
        |_, client| client.idempotent == 0.0,
        "only requests that may be sent twice are hedged, and none of its requests may",
        "set idempotent = true",
    ),
    row(
        &["catch_up", "latency_from"],
        |_, client| client.is_open() || client.thinks(),
        "it has no schedule that it could fall behind",
        "use arrivals = \"staggered\"",
    ),
    row(
        &["idle_timeout", "max_age", "max_requests", "max_idle"],
        |_, client| !client.keep_alive,
        "it opens a connection for each request, so no connection is used again",
        "set keep_alive = true",
    ),
    row(
        &["max_idle"],
        |_, client| !client.is_open(),
        "each connection of a closed loop is its own",
        "use profile = \"open\"",
    ),
    row(
        &["warm_up", "spread_to_end"],
        |_, client| client.is_open(),
        "an open client sends when its arrivals say so",
        "use profile = \"paced\"",
    ),
    row(
        &["think_time"],
        |_, client| !client.thinks(),
        "only a closed loop with arrivals = \"think\" thinks",
        "set arrivals = \"think\"",
    ),
    row(
        &["balancing"],
        |scenario, client| !client.multiplexes() || !uses::resolves(scenario, client),
        "only a client with protocol = \"http2\" of a headless Service sees more than one address",
        "set protocol = \"http2\" and service.kind = \"headless\"",
    ),
    row(
        &["max_requests", "max_idle", "notices_close", "honours_connection_close", "closes_after_error", "retry"],
        |_, client| client.multiplexes(),
        "over HTTP/2 a connection ends by GOAWAY or by its age, and streams that were not taken are sent again",
        "use protocol = \"http1\"",
    ),
    row(
        &["max_age_grace"],
        |_, client| !client.multiplexes() || client.pool.max_age.is_none(),
        "only connections of streams that have a `max_age` are cut after a grace",
        "set protocol = \"http2\" and max_age",
    ),
    row(
        &["reconnect"],
        |scenario, client| !client.keep_alive || client.is_open() || uses::entry(scenario, client).is_some(),
        "only connections that a closed loop keeps to pods are sessions that begin again by themselves",
        "use arrivals = \"staggered\" and via = \"service\"",
    ),
    row(
        &["burst"],
        |_, client| client.arrivals != Arrivals::Bursty,
        "its arrivals are not bursty",
        "set arrivals = \"bursty\"",
    ),
    row(
        &["shape", "shape_starts_at"],
        |_, client| client.arrivals != Arrivals::Daily,
        "its arrivals follow no shape",
        "set arrivals = \"daily\"",
    ),
    row(
        &["rate"],
        |_, client| client.arrivals == Arrivals::Trace,
        "its requests come when the trace says so",
        "use arrivals = \"poisson\"",
    ),
    row(
        &["rate", "spread_to_end"],
        |_, client| client.thinks(),
        "it sends when it has thought, at what rate that may be",
        "use arrivals = \"staggered\"",
    ),
    row(
        &["spread_to_end"],
        |scenario, _| matches!(scenario.run.end, End::AfterOldPodsGone(_)),
        "`run.end` leaves open when the run ends",
        "use run.duration",
    ),
    row(
        &["retry", "notices_close", "honours_connection_close", "closes_after_error"],
        |_, client| !client.keep_alive,
        "it opens a connection for each request, so no connection is used again",
        "set keep_alive = true",
    ),
];

fn reuses_ports(scenario: &Scenario) -> bool {
    let is_old = scenario.cluster.kernel < KernelVersion { major: 5, minor: 9 };
    scenario.kube_proxy.mode == ProxyMode::Ipvs && is_old
}

/// Whether what a client tries again depends on the method.
fn minds_method(client: &ClientSpec) -> bool {
    let silently = client.keep_alive && client.retry == Retry::ReusedIdempotent;
    silently || client.hedging.is_some() || client.retries.is_some_and(|retries| !retries.non_idempotent)
}
