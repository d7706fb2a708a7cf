//! `[ingress]` and `[load_balancer]`: each preset is a row of defaults (mechanics 6.1 to 6.4, 8.4), each parameter can be
//! overridden.

use crate::dist::{Dist, LogNormal};
use crate::ids::Layer;
use crate::model::spec::{
    BalancerPreset, BalancerSpec, BalancingPolicy, HealthCheckSpec, OutlierSpec, Protocol, RetrySpec, TargetKind,
    UpdateSpec, UpstreamSpec,
};
use crate::scenario::dist::dist;
use crate::scenario::log::Fault;
use crate::scenario::names;
use crate::scenario::reader::Fields;
use crate::scenario::tree::Node;
use crate::scenario::values::{duration, items, period, rate_or_none, text, truth, whole};
use crate::units::{Rate, SimDuration};

/// What a failed try may be, as `next_upstream` lists it.
pub const CONDITIONS: [&str; 5] = ["error", "timeout", "http_502", "http_503", "http_504"];

pub(super) fn ingress(fields: &mut Fields<'_>) -> BalancerSpec {
    let reloads = fields.or("kind", |node| names::INGRESS_KIND.parse(node), false);
    let fallback = if reloads { BalancerPreset::Nginx } else { BalancerPreset::IngressNginx };
    let preset = fields.or("preset", |node| names::INGRESS_PRESET.parse(node), fallback);
    let mut row = defaults(preset);
    if fields.has("kind") {
        row.update.reloads = reloads;
    }
    balancer(fields, row, Layer::Ingress)
}

pub(super) fn load_balancer(fields: &mut Fields<'_>, has_ingress: bool) -> BalancerSpec {
    let preset = fields.or("preset", |node| names::LOAD_BALANCER_PRESET.parse(node), BalancerPreset::AwsAlb);
    let spec = balancer(fields, defaults(preset), Layer::LoadBalancer);
    if spec.target == TargetKind::Ingress && !has_ingress {
        let fault = Fault::new("missing-key", "has the target \"ingress\", but there is no [ingress]");
        fields.complain(fault.help("add [ingress], or use target = \"ip\" or \"instance\""));
    }
    spec
}

fn balancer(fields: &mut Fields<'_>, row: BalancerSpec, layer: Layer) -> BalancerSpec {
    let targets = if layer == Layer::Ingress { names::INGRESS_TARGET } else { names::LOAD_BALANCER_TARGET };
    BalancerSpec {
        preset: row.preset,
        protocol: protocol(fields, row.protocol, layer),
        target: fields.or("target", |node| targets.parse(node), row.target),
        replicas: fields.or("replicas", whole(1..=1_000), row.replicas),
        workers: fields.or("workers", whole(1..=256), row.workers),
        policy: fields.or("policy", |node| names::BALANCING_POLICY.parse(node), row.policy),
        update: update(fields, row.update),
        worker_shutdown_timeout: fields.or("worker_shutdown_timeout", duration, row.worker_shutdown_timeout),
        health_check: fields
            .optional("health_check", |fields| health_check(fields, row.health_check))
            .unwrap_or(row.health_check),
        resets_unhealthy: resets_unhealthy(fields, row.resets_unhealthy, layer),
        outlier_detection: fields
            .optional("outlier_detection", |fields| outlier_detection(fields, row.outlier_detection))
            .unwrap_or(row.outlier_detection),
        retry: retry(fields, row.retry),
        upstream: upstream(fields, row.upstream),
        keep_alive_timeout: fields.or("keep_alive_timeout", period, row.keep_alive_timeout),
        keep_alive_requests: fields.or("keep_alive_requests", whole(1..=1_000_000_000), row.keep_alive_requests),
        readiness_gate: fields.or("readiness_gate", truth, row.readiness_gate),
    }
}

/// An ingress always terminates connections.
fn protocol(fields: &mut Fields<'_>, default: Protocol, layer: Layer) -> Protocol {
    if layer == Layer::Ingress {
        return Protocol::Http;
    }
    fields.or("protocol", |node| names::PROTOCOL.parse(node), default)
}

/// Only what forwards connections has any to reset.
fn resets_unhealthy(fields: &mut Fields<'_>, default: bool, layer: Layer) -> bool {
    if layer == Layer::Ingress {
        return false;
    }
    fields.or("resets_unhealthy", truth, default)
}

fn update(fields: &mut Fields<'_>, row: UpdateSpec) -> UpdateSpec {
    let apply = if row.reloads { "reload" } else { "apply" };
    UpdateSpec {
        reloads: row.reloads,
        debounce: fields.or("debounce", duration, row.debounce),
        debounce_max: fields.or("debounce_max", duration, row.debounce_max),
        batch_window: fields.or("batch_window", duration, row.batch_window),
        sync_rate_limit: fields.or("sync_rate_limit", rate_or_none, row.sync_rate_limit),
        throttle: fields.or("throttle", duration, row.throttle),
        poll: fields.or("poll", zero_or_period, row.poll),
        apply: fields.or(apply, dist, row.apply),
        apply_per_object: fields.or("apply_per_object", duration, row.apply_per_object),
        configuration_objects: fields.or("configuration_objects", whole(0..=1_000_000), row.configuration_objects),
        worker_poll: fields.or("worker_poll", zero_or_period, row.worker_poll),
        registration: fields.or("registration", dist, row.registration),
        deregistration: fields.or("deregistration", dist, row.deregistration),
        deregistration_delay: fields.get("deregistration_delay", duration).or(row.deregistration_delay),
    }
}

/// Never, or at most a thousand times a second.
fn zero_or_period(node: &Node) -> Result<SimDuration, Fault> {
    match duration(node) {
        Ok(value) if value.is_zero() => Ok(value),
        _ => period(node),
    }
}

/// `interval = "0s"` switches the checks off.
fn health_check(fields: &mut Fields<'_>, row: Option<HealthCheckSpec>) -> Option<HealthCheckSpec> {
    let row = row.unwrap_or(CHECKS);
    let threshold = |fields: &mut Fields<'_>, name, default| fields.or(name, whole(1..=1_000), default);
    let both = fields.get("threshold", whole(1..=1_000));
    let spec = HealthCheckSpec {
        interval: fields.or("interval", zero_or_period, row.interval),
        timeout: fields.or("timeout", period, row.timeout),
        healthy_threshold: threshold(fields, "healthy_threshold", both.unwrap_or(row.healthy_threshold)),
        unhealthy_threshold: threshold(fields, "unhealthy_threshold", both.unwrap_or(row.unhealthy_threshold)),
    };
    (!spec.interval.is_zero()).then_some(spec)
}

/// `consecutive_failures = 0` switches it off.
fn outlier_detection(fields: &mut Fields<'_>, row: Option<OutlierSpec>) -> Option<OutlierSpec> {
    let row = row.unwrap_or(OutlierSpec { consecutive_failures: 5, ejection_time: SimDuration::from_secs(30) });
    let spec = OutlierSpec {
        consecutive_failures: fields.or("consecutive_failures", whole(0..=1_000_000), row.consecutive_failures),
        ejection_time: fields.or("ejection_time", period, row.ejection_time),
    };
    (spec.consecutive_failures > 0).then_some(spec)
}

fn retry(fields: &mut Fields<'_>, row: RetrySpec) -> RetrySpec {
    let listed = fields.or("next_upstream", conditions, listed(&row));
    RetrySpec {
        error: listed[0],
        timeout: listed[1],
        http_502: listed[2],
        http_503: listed[3],
        http_504: listed[4],
        connect_only: fields.or("retry_connect_only", truth, row.connect_only),
        non_idempotent: fields.or("retry_non_idempotent", truth, row.non_idempotent),
        tries: fields.or("next_upstream_tries", whole(0..=1_000), row.tries),
        timeout_budget: fields.or("next_upstream_timeout", duration, row.timeout_budget),
        pause: fields.or("retry_pause", duration, row.pause),
        avoids_tried: fields.or("retry_avoids_tried", truth, row.avoids_tried),
        redispatches_last: fields.or("retry_redispatches_last", truth, row.redispatches_last),
        gives_back: fields.or("retry_gives_back", truth, row.gives_back),
        answers_503: fields.or("error_status", whole(502..=503), if row.answers_503 { 503 } else { 502 }) == 503,
    }
}

/// Which of [`CONDITIONS`] are listed.
pub(super) fn listed(retry: &RetrySpec) -> [bool; 5] {
    [retry.error, retry.timeout, retry.http_502, retry.http_503, retry.http_504]
}

fn conditions(node: &Node) -> Result<[bool; 5], Fault> {
    let mut found = [false; 5];
    for item in items(node, "an array such as [\"error\", \"timeout\"]")? {
        let name = text(item).map_err(|fault| fault.at(item.at))?;
        match CONDITIONS.iter().position(|condition| *condition == name) {
            Some(place) => found[place] = true,
            None => {
                let message = format!("must list some of {}, found {}", CONDITIONS.join(", "), item.describe());
                return Err(Fault::new("unknown-name", message).at(item.at));
            }
        }
    }
    Ok(found)
}

fn upstream(fields: &mut Fields<'_>, row: UpstreamSpec) -> UpstreamSpec {
    UpstreamSpec {
        keep_alive: fields.or("upstream_keep_alive", whole(0..=1_000_000), row.keep_alive),
        keep_alive_timeout: fields.or("upstream_keep_alive_timeout", period, row.keep_alive_timeout),
        keep_alive_requests: fields.or(
            "upstream_keep_alive_requests",
            whole(1..=1_000_000_000),
            row.keep_alive_requests,
        ),
        closes_removed: fields.or("upstream_closes_removed", truth, row.closes_removed),
        connect_timeout: fields.or("connect_timeout", period, row.connect_timeout),
        read_timeout: fields.or("read_timeout", period, row.read_timeout),
        rtt: fields.or("upstream_rtt", dist, row.rtt),
    }
}

const fn secs(value: u64) -> SimDuration {
    SimDuration::from_secs(value)
}

/// The load balancers' own default (mechanics 6.4).
const CHECKS: HealthCheckSpec =
    HealthCheckSpec { interval: secs(30), timeout: secs(5), healthy_threshold: 5, unhealthy_threshold: 2 };

/// What a proxy without any habits of its own does: every change at once, one try, nothing kept from anybody.
fn plain(preset: BalancerPreset) -> BalancerSpec {
    BalancerSpec {
        preset,
        protocol: Protocol::Http,
        target: TargetKind::Ip,
        replicas: 1,
        workers: 1,
        policy: BalancingPolicy::RoundRobin,
        update: UpdateSpec {
            reloads: false,
            debounce: SimDuration::ZERO,
            debounce_max: secs(10),
            batch_window: SimDuration::ZERO,
            sync_rate_limit: Rate::ZERO,
            throttle: SimDuration::ZERO,
            poll: SimDuration::ZERO,
            apply: Dist::lognormal_ms(5, 50),
            apply_per_object: SimDuration::ZERO,
            configuration_objects: 0,
            worker_poll: SimDuration::ZERO,
            registration: Dist::ZERO,
            deregistration: Dist::ZERO,
            deregistration_delay: None,
        },
        worker_shutdown_timeout: secs(240),
        health_check: None,
        resets_unhealthy: false,
        outlier_detection: None,
        retry: RetrySpec {
            error: true,
            timeout: true,
            http_502: false,
            http_503: false,
            http_504: false,
            connect_only: false,
            non_idempotent: false,
            tries: 1,
            timeout_budget: SimDuration::ZERO,
            pause: SimDuration::ZERO,
            avoids_tried: true,
            redispatches_last: false,
            gives_back: false,
            answers_503: false,
        },
        upstream: UpstreamSpec {
            keep_alive: 320,
            keep_alive_timeout: secs(60),
            keep_alive_requests: 1_000_000_000,
            closes_removed: false,
            connect_timeout: secs(5),
            read_timeout: secs(60),
            rtt: Dist::LogNormal(LogNormal::new(SimDuration::from_micros(300), SimDuration::from_micros(1_500))),
        },
        keep_alive_timeout: secs(75),
        keep_alive_requests: 1_000_000_000,
        readiness_gate: false,
    }
}

/// The table's row. Figures without a source there are marked assumed in mechanics 6.3 and 6.4.
fn defaults(preset: BalancerPreset) -> BalancerSpec {
    match preset {
        BalancerPreset::Nginx => nginx(preset),
        BalancerPreset::IngressNginx => ingress_nginx(preset),
        BalancerPreset::Haproxy => haproxy(preset),
        BalancerPreset::Traefik => traefik(preset),
        BalancerPreset::Envoy => envoy(preset),
        BalancerPreset::Istio => istio(preset),
        BalancerPreset::Skipper => skipper(preset),
        BalancerPreset::AwsAlb => aws_alb(preset),
        BalancerPreset::AwsNlb => aws_nlb(preset),
        BalancerPreset::Gcp => gcp(preset),
    }
}

/// Any ingress that writes nginx.conf and reloads. The time of a reload is a line through what was published of one such
/// controller (PE-29): 130 to 190 ms at 244 objects, 130 to 542 ms at 1,204.
fn nginx(preset: BalancerPreset) -> BalancerSpec {
    let mut spec = plain(preset);
    spec.update.reloads = true;
    spec.update.batch_window = secs(1);
    spec.update.apply = Dist::lognormal_ms(115, 460);
    spec.update.apply_per_object = SimDuration::from_micros(183);
    spec.update.configuration_objects = 200;
    spec.workers = 2;
    spec.retry.tries = 3;
    spec.retry.gives_back = true;
    spec.outlier_detection = Some(OutlierSpec { consecutive_failures: 1, ejection_time: secs(10) });
    spec.upstream.keep_alive_requests = 1_000;
    spec.keep_alive_requests = 1_000;
    spec
}

/// Mechanics 6.1: `--sync-rate-limit` 0.3 a second with burst 1; Lua workers look once a second, each at its own phase; each
/// try asks the balancer again.
fn ingress_nginx(preset: BalancerPreset) -> BalancerSpec {
    let mut spec = plain(preset);
    spec.update.sync_rate_limit = Rate::per_second(0.3).unwrap_or(Rate::ZERO);
    spec.update.apply = Dist::lognormal_ms(60, 500);
    spec.update.worker_poll = secs(1);
    spec.workers = 2;
    spec.retry.tries = 3;
    spec.retry.avoids_tried = false;
    spec.retry.gives_back = true;
    spec.upstream.keep_alive_requests = 10_000;
    spec.keep_alive_requests = 1_000;
    spec
}

/// Mechanics 6.3: 0.5 updates a second through the runtime API; `retries 3` with `option redispatch`: connects only, to the
/// same server but for the last.
fn haproxy(preset: BalancerPreset) -> BalancerSpec {
    let mut spec = plain(preset);
    spec.update.sync_rate_limit = Rate::per_second(0.5).unwrap_or(Rate::ZERO);
    spec.retry.tries = 4;
    spec.retry.connect_only = true;
    spec.retry.redispatches_last = true;
    spec.retry.pause = secs(1);
    spec.policy = BalancingPolicy::RoundRobin;
    spec
}

/// Mechanics 6.3: `providersThrottleDuration` 2 s, no retry without the middleware, but what breaks on a connection that had
/// been idle Go's transport itself repeats.
fn traefik(preset: BalancerPreset) -> BalancerSpec {
    let mut spec = plain(preset);
    spec.update.throttle = secs(2);
    spec.retry.gives_back = true;
    spec.upstream.connect_timeout = secs(30);
    spec.upstream.keep_alive = 200;
    spec.upstream.keep_alive_timeout = secs(90);
    spec
}

/// Mechanics 6.3: pushes at once, no retry by default, idle connections to a host that is removed are closed.
fn envoy(preset: BalancerPreset) -> BalancerSpec {
    let mut spec = plain(preset);
    spec.update.apply = Dist::LogNormal(LogNormal::new(SimDuration::from_millis(50), secs(1)));
    spec.upstream.closes_removed = true;
    spec.retry.answers_503 = true;
    spec.upstream.keep_alive_timeout = secs(3_600);
    spec.upstream.read_timeout = secs(15);
    spec.retry.error = false;
    spec.retry.timeout = false;
    spec.keep_alive_timeout = secs(3_600);
    spec.policy = BalancingPolicy::LeastRequest;
    spec
}

/// Mechanics 6.3: debounced by 100 ms of quiet, 10 s at most; two more attempts on failed connects, elsewhere if possible.
fn istio(preset: BalancerPreset) -> BalancerSpec {
    let mut spec = envoy(preset);
    spec.update.debounce = SimDuration::from_millis(100);
    spec.retry.error = true;
    spec.retry.timeout = true;
    spec.retry.tries = 3;
    spec.retry.connect_only = true;
    spec
}

/// PE-47: the API server is asked every 3 s. As in Traefik, Go's transport itself repeats what failed on a connection that
/// had been idle; nothing else is tried again.
fn skipper(preset: BalancerPreset) -> BalancerSpec {
    let mut spec = plain(preset);
    spec.update.poll = secs(3);
    spec.retry.gives_back = true;
    spec
}

/// Mechanics 6.4, 8.4: `alb_dereg`; controller-made target groups check every 15 s with thresholds of 2.
fn aws_alb(preset: BalancerPreset) -> BalancerSpec {
    let mut spec = plain(preset);
    spec.replicas = 2;
    spec.update.registration = Dist::lognormal_ms(4_000, 15_000);
    spec.update.deregistration = Dist::lognormal_ms(4_000, 15_000);
    spec.update.deregistration_delay = Some(secs(300));
    spec.update.apply = Dist::lognormal_ms(1_000, 3_000);
    spec.health_check =
        Some(HealthCheckSpec { interval: secs(15), timeout: secs(5), healthy_threshold: 2, unhealthy_threshold: 2 });
    spec.retry.error = false;
    spec.retry.timeout = false;
    spec.upstream.connect_timeout = secs(10);
    spec.keep_alive_timeout = secs(60);
    spec
}

/// Mechanics 6.4, 8.4: `nlb_dereg`; it forwards connections, by a hash of their addresses and ports, and
/// resets them when the target becomes unhealthy.
fn aws_nlb(preset: BalancerPreset) -> BalancerSpec {
    let mut spec = aws_alb(preset);
    spec.protocol = Protocol::Tcp;
    spec.policy = BalancingPolicy::Random;
    spec.resets_unhealthy = true;
    spec.update.registration = Dist::lognormal_ms(60_000, 180_000);
    spec.update.deregistration = Dist::lognormal_ms(25_000, 120_000);
    spec.health_check = Some(HealthCheckSpec { interval: secs(30), timeout: secs(10), ..CHECKS });
    spec
}

/// Mechanics 6.4, 8.4: `gcp_dereg`; a failed connect of a GET is tried once more.
fn gcp(preset: BalancerPreset) -> BalancerSpec {
    let mut spec = aws_alb(preset);
    spec.update.registration = Dist::lognormal_ms(20_000, 60_000);
    spec.update.deregistration = Dist::lognormal_ms(10_000, 60_000);
    spec.retry.error = true;
    spec.retry.tries = 2;
    spec.retry.connect_only = true;
    spec.upstream.keep_alive_timeout = secs(600);
    spec.upstream.read_timeout = secs(30);
    spec.keep_alive_timeout = secs(610);
    spec
}
