//! `[pod.server]`.

use super::{Row, row};
use crate::model::spec::{ClientSpec, IdlePolicy, InFlightPolicy, ProbeKind, Scenario, ServerSpec, StopBehaviour};

type When = fn(&Scenario) -> bool;

pub(super) const ROWS: &[Row<When>] = &[
    row(
        &[
            "lame_duck",
            "new_connections",
            "idle",
            "in_flight",
            "queued",
            "connection_close",
            "drain_poll",
            "keeps_new",
            "drain_limit",
        ],
        |scenario| scenario.pod.server.on_stop == StopBehaviour::Ignores,
        "`pod.server.on_stop` is \"ignores\": the server goes on until SIGKILL, which cuts everything",
        "set pod.server.on_stop = \"stops\"",
    ),
    row(
        &["queued", "connection_close", "drain_poll", "keeps_new", "drain_limit"],
        |scenario| ends_at_once(&scenario.pod.server),
        "`pod.server.in_flight` is \"cut\": nothing is left when the server stops",
        "set pod.server.in_flight = \"drain\"",
    ),
    row(
        &["new_connections", "idle", "connection_close"],
        |scenario| scenario.pod.sidecar.is_some(),
        "clients are connected to the sidecar",
        "remove [pod.sidecar]",
    ),
    row(
        &["probe_service_time"],
        |scenario| ProbeKind::ALL.into_iter().all(|kind| scenario.probe(kind).is_none()),
        "the pods have no probe",
        "add [pod.readiness_probe]",
    ),
    row(
        &["max_streams"],
        |scenario| !scenario.clients.iter().any(ClientSpec::multiplexes),
        "no client has protocol = \"http2\"",
        "use profile = \"grpc\"",
    ),
    row(
        &["keep_alive_requests"],
        |scenario| !scenario.clients.is_empty() && scenario.clients.iter().all(ClientSpec::multiplexes),
        "streams of HTTP/2 are not counted",
        "use max_age of the clients",
    ),
    row(
        &["cpu_period"],
        |scenario| scenario.pod.server.cpu_limit.is_none(),
        "there is no limit of CPU time",
        "set pod.server.cpu_limit",
    ),
    row(
        &["accepts"],
        |scenario| scenario.pod.server.workers.is_none(),
        "workers have no limit, so that one is always free",
        "set pod.server.workers",
    ),
];

fn ends_at_once(server: &ServerSpec) -> bool {
    server.in_flight == InFlightPolicy::Cut && server.idle == IdlePolicy::Close
}
