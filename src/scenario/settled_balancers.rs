//! Balancers in a settled scenario.

use crate::ids::Layer;
use crate::model::spec::{BalancerSpec, RetrySpec, UpdateSpec, UpstreamSpec};
use crate::scenario::balancers::{CONDITIONS, listed};
use crate::scenario::names;
use crate::scenario::settled::Out;
use crate::units::Rate;

pub(super) fn balancer(out: &mut Out, layer: Layer, spec: &BalancerSpec) {
    head(out, layer, spec);
    out.raw("replicas", spec.replicas);
    out.raw("workers", spec.workers);
    out.quoted("policy", names::BALANCING_POLICY.of(spec.policy));
    update(out, &spec.update);
    out.quoted("worker_shutdown_timeout", spec.worker_shutdown_timeout);
    checks(out, spec);
    if layer == Layer::LoadBalancer {
        out.raw("resets_unhealthy", spec.resets_unhealthy);
    }
    retry(out, &spec.retry);
    upstream(out, &spec.upstream);
    out.quoted("keep_alive_timeout", spec.keep_alive_timeout);
    out.raw("keep_alive_requests", spec.keep_alive_requests);
    out.raw("readiness_gate", spec.readiness_gate);
}

fn head(out: &mut Out, layer: Layer, spec: &BalancerSpec) {
    match layer {
        Layer::Ingress => {
            out.table("ingress");
            out.quoted("kind", names::INGRESS_KIND.of(spec.update.reloads));
            out.quoted("preset", names::INGRESS_PRESET.of(spec.preset));
            out.quoted("target", names::INGRESS_TARGET.of(spec.target));
        }
        Layer::LoadBalancer => {
            out.table("load_balancer");
            out.quoted("preset", names::LOAD_BALANCER_PRESET.of(spec.preset));
            out.quoted("protocol", names::PROTOCOL.of(spec.protocol));
            out.quoted("target", names::LOAD_BALANCER_TARGET.of(spec.target));
        }
    }
}

fn update(out: &mut Out, update: &UpdateSpec) {
    out.quoted("debounce", update.debounce);
    out.quoted("debounce_max", update.debounce_max);
    out.quoted("batch_window", update.batch_window);
    let none = update.sync_rate_limit == Rate::ZERO;
    out.quoted("sync_rate_limit", if none { "0/s".to_owned() } else { update.sync_rate_limit.to_string() });
    out.quoted("throttle", update.throttle);
    out.quoted("poll", update.poll);
    out.raw(if update.reloads { "reload" } else { "apply" }, &update.apply);
    out.quoted("apply_per_object", update.apply_per_object);
    out.raw("configuration_objects", update.configuration_objects);
    out.quoted("worker_poll", update.worker_poll);
    out.raw("registration", &update.registration);
    out.raw("deregistration", &update.deregistration);
    match update.deregistration_delay {
        Some(delay) => out.quoted("deregistration_delay", delay),
        None => out.line("# no deregistration_delay: a target that goes may finish its requests"),
    }
}

fn checks(out: &mut Out, spec: &BalancerSpec) {
    out.raw(
        "health_check",
        spec.health_check.map_or("{ interval = \"0s\" } # none".to_owned(), |check| {
            format!(
                "{{ interval = \"{}\", timeout = \"{}\", healthy_threshold = {}, unhealthy_threshold = {} }}",
                check.interval, check.timeout, check.healthy_threshold, check.unhealthy_threshold
            )
        }),
    );
    out.raw(
        "outlier_detection",
        spec.outlier_detection.map_or("{ consecutive_failures = 0 } # none".to_owned(), |outlier| {
            format!(
                "{{ consecutive_failures = {}, ejection_time = \"{}\" }}",
                outlier.consecutive_failures, outlier.ejection_time
            )
        }),
    );
}

fn retry(out: &mut Out, retry: &RetrySpec) {
    let names = CONDITIONS.iter().zip(listed(retry)).filter(|(_, listed)| *listed);
    let names: Vec<String> = names.map(|(name, _)| format!("\"{name}\"")).collect();
    out.raw("next_upstream", format!("[{}]", names.join(", ")));
    out.raw("next_upstream_tries", retry.tries);
    out.quoted("next_upstream_timeout", retry.timeout_budget);
    out.raw("retry_connect_only", retry.connect_only);
    out.raw("retry_non_idempotent", retry.non_idempotent);
    out.quoted("retry_pause", retry.pause);
    out.raw("retry_avoids_tried", retry.avoids_tried);
    out.raw("retry_redispatches_last", retry.redispatches_last);
    out.raw("retry_gives_back", retry.gives_back);
    out.raw("error_status", if retry.answers_503 { 503 } else { 502 });
}

fn upstream(out: &mut Out, upstream: &UpstreamSpec) {
    out.raw("upstream_keep_alive", upstream.keep_alive);
    out.quoted("upstream_keep_alive_timeout", upstream.keep_alive_timeout);
    out.raw("upstream_keep_alive_requests", upstream.keep_alive_requests);
    out.raw("upstream_closes_removed", upstream.closes_removed);
    out.quoted("connect_timeout", upstream.connect_timeout);
    out.quoted("read_timeout", upstream.read_timeout);
    out.raw("upstream_rtt", &upstream.rtt);
}
