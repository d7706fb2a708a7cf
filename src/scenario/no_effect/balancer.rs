//! `[load_balancer]` and `[ingress]`.

use super::{Row, row, uses};
use crate::ids::Layer;
use crate::model::spec::{BalancerSpec, Protocol, Scenario, TargetKind, TrafficPolicy, UpdateSpec};
use crate::units::SimDuration;

type When = fn(&Scenario, Layer, &BalancerSpec) -> bool;

/// How often and when a request is tried again.
const RETRIES: &[&str] = &[
    "next_upstream_tries",
    "next_upstream_timeout",
    "retry_connect_only",
    "retry_non_idempotent",
    "retry_pause",
    "retry_avoids_tried",
    "retry_redispatches_last",
    "retry_gives_back",
];

/// From the broad to the narrow: the first row that has a key tells it.
pub(super) const ROWS: &[Row<When>] = &[
    row(
        &["replicas", "workers", "policy"],
        |_, _, spec| is_tcp(spec) && spec.target == TargetKind::Ingress,
        "a load balancer of protocol \"tcp\" in front of the ingress only forwards connections to its replicas",
        "use load_balancer.protocol = \"http\"",
    ),
    row(
        RETRIES,
        |_, _, spec| is_tcp(spec),
        "a load balancer of protocol \"tcp\" forwards connections and sees no requests",
        "use load_balancer.protocol = \"http\"",
    ),
    row(
        &[
            "next_upstream",
            "error_status",
            "upstream_keep_alive",
            "upstream_keep_alive_timeout",
            "upstream_keep_alive_requests",
            "upstream_closes_removed",
            "connect_timeout",
            "read_timeout",
            "upstream_rtt",
            "keep_alive_timeout",
            "keep_alive_requests",
            "outlier_detection",
        ],
        |_, _, spec| is_tcp(spec),
        "a load balancer of protocol \"tcp\" forwards connections and sees no requests",
        "use load_balancer.protocol = \"http\"",
    ),
    row(
        &["resets_unhealthy"],
        |_, _, spec| !is_tcp(spec),
        "a load balancer of protocol \"http\" forwards no connections that it could reset",
        "use load_balancer.protocol = \"tcp\"",
    ),
    row(
        &["deregistration_delay"],
        |_, _, spec| is_tcp(spec),
        "a connection that a load balancer of protocol \"tcp\" has forwarded lasts as long as its two ends want",
        "use load_balancer.protocol = \"http\"",
    ),
    row(
        &[
            "debounce",
            "debounce_max",
            "batch_window",
            "sync_rate_limit",
            "throttle",
            "poll",
            "apply",
            "reload",
            "apply_per_object",
            "configuration_objects",
            "registration",
            "deregistration",
            "deregistration_delay",
            "worker_shutdown_timeout",
            "upstream_closes_removed",
        ],
        |_, _, spec| spec.target != TargetKind::Ip,
        "its targets are not pods, so changes of pods change nothing in it",
        "use target = \"ip\"",
    ),
    row(
        &["policy", "worker_poll", "health_check", "outlier_detection", "retry_avoids_tried"],
        |_, _, spec| spec.target == TargetKind::Service,
        "it has one target, the Service's address",
        "use target = \"ip\"",
    ),
    row(
        &["health_check", "worker_poll", "resets_unhealthy"],
        |_, _, spec| spec.target == TargetKind::Ingress,
        "the replicas of the ingress answer every check",
        "use target = \"ip\"",
    ),
    row(
        &["health_check", "worker_poll", "resets_unhealthy"],
        |scenario, _, spec| {
            let everywhere = scenario.service.external_traffic_policy == TrafficPolicy::Cluster;
            spec.target == TargetKind::Instance && everywhere
        },
        "with `service.external_traffic_policy` = \"cluster\" every node answers every check",
        "set service.external_traffic_policy = \"local\"",
    ),
    row(
        &["worker_poll"],
        |_, _, spec| spec.target == TargetKind::Instance && spec.health_check.is_none(),
        "its targets are the nodes, and without a health check nothing changes for its workers",
        "use target = \"ip\"",
    ),
    row(
        &["worker_shutdown_timeout"],
        |_, _, spec| !spec.update.reloads,
        "it does not reload, so its workers are never replaced",
        "use an ingress of kind = \"reload\"",
    ),
    row(
        &["debounce", "debounce_max", "batch_window"],
        |_, _, spec| !spec.update.poll.is_zero(),
        "it asks for the endpoints each `poll` and waits for no event",
        "set poll = \"0s\"",
    ),
    row(&["debounce_max"], |_, _, spec| spec.update.debounce.is_zero(), "nothing is debounced", "set debounce, too"),
    row(
        &["batch_window"],
        |_, _, spec| !spec.update.debounce.is_zero(),
        "an event that is debounced opens no window",
        "set debounce = \"0s\"",
    ),
    row(
        &["throttle"],
        |_, _, spec| is_limited(&spec.update) && spec.update.throttle <= limit(&spec.update),
        "`sync_rate_limit` keeps updates at least as far apart",
        "set sync_rate_limit = \"0/s\"",
    ),
    row(
        &["sync_rate_limit"],
        |_, _, spec| is_limited(&spec.update) && spec.update.throttle > limit(&spec.update),
        "`throttle` keeps updates further apart",
        "set throttle = \"0s\"",
    ),
    row(
        &["apply_per_object"],
        |_, _, spec| spec.update.configuration_objects == 0,
        "there are no objects in the configuration",
        "set configuration_objects, too",
    ),
    row(
        &["configuration_objects"],
        |_, _, spec| spec.update.apply_per_object.is_zero(),
        "an object adds no time to an update",
        "set apply_per_object, too",
    ),
    row(
        &[
            "health_check.timeout",
            "health_check.threshold",
            "health_check.healthy_threshold",
            "health_check.unhealthy_threshold",
            "resets_unhealthy",
        ],
        |_, _, spec| spec.health_check.is_none(),
        "`health_check.interval` = \"0s\" switches the checks off",
        "set an interval",
    ),
    Row {
        keys: &["health_check.threshold"],
        when: |_, _, _| true,
        beside: &["health_check.healthy_threshold", "health_check.unhealthy_threshold"],
        because: "`healthy_threshold` and `unhealthy_threshold` stand in its place",
        instead: "remove one of these",
    },
    row(
        &["outlier_detection.ejection_time"],
        |_, _, spec| spec.outlier_detection.is_none(),
        "`outlier_detection.consecutive_failures` = 0 switches the ejection off",
        "set consecutive_failures",
    ),
    row(
        RETRIES,
        |_, _, spec| !retries_anything(spec),
        "`next_upstream` lists nothing that is tried again",
        "list \"error\" or \"timeout\" in next_upstream",
    ),
    row(
        &["retry_pause"],
        |_, _, spec| spec.retry.tries == 1 && gives_back(spec),
        "`next_upstream_tries` is 1, and what fails on a kept connection is tried again without a pause",
        "set next_upstream_tries above 1",
    ),
    row(
        &["retry_redispatches_last"],
        |_, _, spec| spec.retry.tries < 3,
        "it sends the tries between the first and the last to the same target, and there are none",
        "set next_upstream_tries above 2",
    ),
    row(
        &["retry_gives_back"],
        |_, _, spec| spec.retry.tries == 0,
        "`next_upstream_tries` is 0: tries are without limit",
        "set next_upstream_tries",
    ),
    row(
        &["retry_gives_back"],
        |_, _, spec| !spec.retry.error || spec.retry.connect_only || spec.upstream.keep_alive == 0,
        "no error on a kept connection is tried again",
        "list \"error\" in next_upstream, with retry_connect_only = false and upstream_keep_alive above 0",
    ),
    row(
        &[
            "next_upstream",
            "next_upstream_timeout",
            "retry_connect_only",
            "retry_non_idempotent",
            "retry_avoids_tried",
            "retry_pause",
        ],
        |_, _, spec| spec.retry.tries == 1 && !gives_back(spec),
        "`next_upstream_tries` is 1",
        "set next_upstream_tries above 1",
    ),
    row(
        &["retry_pause"],
        |_, _, spec| spec.retry.redispatches_last && spec.retry.tries < 3,
        "with `retry_redispatches_last` only a try of the same target waits, and there is none",
        "set next_upstream_tries above 2",
    ),
    row(
        &["retry_non_idempotent"],
        |_, _, spec| spec.retry.connect_only,
        "with `retry_connect_only` nothing is tried again that was sent",
        "set retry_connect_only = false",
    ),
    row(
        &["upstream_keep_alive_timeout", "upstream_keep_alive_requests", "upstream_closes_removed"],
        |_, _, spec| spec.upstream.keep_alive == 0,
        "`upstream_keep_alive` is 0: each request has a connection of its own",
        "set upstream_keep_alive",
    ),
    row(
        &["keep_alive_requests"],
        nobody_keeps_alive,
        "its clients open a connection for each request",
        "set clients.N.keep_alive = true",
    ),
];

fn is_tcp(spec: &BalancerSpec) -> bool {
    spec.protocol == Protocol::Tcp
}

fn is_limited(update: &UpdateSpec) -> bool {
    update.sync_rate_limit.as_per_second() > 0.0
}

/// The time between two updates that the rate limit leaves.
fn limit(update: &UpdateSpec) -> SimDuration {
    SimDuration::from_secs_f64_rounded(1.0 / update.sync_rate_limit.as_per_second())
}

/// Whether some tries do not count.
fn gives_back(spec: &BalancerSpec) -> bool {
    spec.retry.gives_back && spec.upstream.keep_alive > 0
}

fn retries_anything(spec: &BalancerSpec) -> bool {
    let retry = &spec.retry;
    retry.error || retry.timeout || retry.http_502 || retry.http_503 || retry.http_504
}

fn nobody_keeps_alive(scenario: &Scenario, layer: Layer, _: &BalancerSpec) -> bool {
    let mut entering = uses::entering(scenario, layer).peekable();
    entering.peek().is_some() && entering.all(|client| !client.keep_alive)
}
