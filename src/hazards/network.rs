//! Hazards of Services, Ingresses and load balancers.

use super::{Findings, Level, Subject, patch, unroute};
use crate::manifests::PortRef;
use crate::manifests::object::{HookAction, Ingress, Service, WorkloadKind};
use crate::manifests::script;
use crate::units::IntOrPercent;

pub(super) fn look(findings: &mut Findings<'_>, subject: Subject<'_>) {
    let Some(service) = subject.route.service else { return };
    named_ports(findings, subject, service);
    not_ready(findings, service);
    local_policy(findings, subject, service);
    if let Some(ingress) = subject.route.ingress.filter(|ingress| is_alb(ingress)) {
        health_check(findings, subject, ingress);
        readiness_gate(findings, subject, ingress);
    }
}

fn named_ports(findings: &mut Findings<'_>, subject: Subject<'_>, service: &Service) {
    let pod = &subject.workload.pod;
    let has = |target: &PortRef| pod.containers.iter().chain(&pod.sidecars).any(|container| container.has_port(target));
    let missing = service
        .ports
        .iter()
        .filter_map(|port| port.target.as_ref())
        .find(|target| matches!(target, PortRef::Named(_)) && !has(target));
    if let Some(PortRef::Named(name)) = missing {
        let message = format!("no container of {} has a port named {name}", subject.title());
        findings.add("named-port-missing", service.meta.title(), service.meta.at, message, None);
    }
}

/// Peers of a StatefulSet find each other through a headless Service before they are ready: that is what it is for.
fn not_ready(findings: &mut Findings<'_>, service: &Service) {
    let Some(field) = service.publishes_not_ready.filter(|field| field.value && service.headless.is_none()) else {
        return;
    };
    let message = "pods that start or stop get requests, ready or not".to_owned();
    let mend = patch::spec("publishNotReadyAddresses: false\n");
    findings.add("publishes-not-ready", service.meta.title(), field.at, message, Some(mend));
}

fn local_policy(findings: &mut Findings<'_>, subject: Subject<'_>, service: &Service) {
    let local = |policy: &Option<crate::manifests::At<String>>| {
        policy.as_ref().filter(|policy| policy.value == "Local").map(|it| it.at)
    };
    let external = local(&service.external_traffic_policy).filter(|_| service.is_external());
    let Some(at) = external.or_else(|| local(&service.internal_traffic_policy)) else { return };
    let surges = subject.workload.strategy.max_surge.is_some_and(|surge| surge.value != IntOrPercent::Int(0));
    let message = match subject.workload.kind {
        WorkloadKind::DaemonSet if surges => return,
        WorkloadKind::DaemonSet => "a node is without its only pod while that is replaced".to_owned(),
        _ => "a node whose only pod is replaced drops what still arrives there".to_owned(),
    };
    let surge = patch::spec("updateStrategy:\n  rollingUpdate:\n    maxSurge: 1\n    maxUnavailable: 0\n");
    let mend = (subject.workload.kind == WorkloadKind::DaemonSet).then_some(surge);
    findings.add("local-policy-takes-node-out", service.meta.title(), at, message, mend);
}

fn is_alb(ingress: &Ingress) -> bool {
    ingress.class.as_ref().is_some_and(|class| class.value == "alb")
}

fn number(ingress: &Ingress, name: &str, default: u32) -> u32 {
    let annotation = ingress.meta.annotation(&format!("alb.ingress.kubernetes.io/{name}"));
    annotation.and_then(|found| found.value.parse().ok()).unwrap_or(default)
}

/// The controller's target groups are checked every 15 s and given up after 2 failures. Where pods are the targets they are
/// deregistered besides, so that the check is the slower way.
fn health_check(findings: &mut Findings<'_>, subject: Subject<'_>, ingress: &Ingress) {
    let hook = subject.serving().and_then(|container| container.pre_stop.as_ref());
    let waits = match hook.and_then(|hook| hook.action.as_ref()) {
        Some(HookAction::Sleep(seconds)) => f64::from(*seconds),
        Some(HookAction::Exec(command)) => script::effects(command).sleep_s,
        _ => return,
    };
    let interval = number(ingress, "healthcheck-interval-seconds", 15);
    let threshold = number(ingress, "unhealthy-threshold-count", 2);
    let notices = interval.saturating_mul(threshold);
    if waits >= f64::from(notices) {
        return;
    }
    let at = hook.map_or(ingress.meta.at, |hook| hook.at);
    let level = if unroute::sends_to_pods(ingress) { Level::Note } else { Level::Warning };
    let message = format!("the health check notices after {interval} s × {threshold}, the hook waits {waits} s");
    let name = subject.serving().map_or("", |container| container.name.as_str());
    let mend = patch::sleep(name, u64::from(notices), u64::from(notices) + 30);
    findings.add_at(level, "health-check-slower-than-hook", subject.title(), at, message, Some(mend));
}

fn readiness_gate(findings: &mut Findings<'_>, subject: Subject<'_>, ingress: &Ingress) {
    if !unroute::sends_to_pods(ingress) || !subject.workload.pod.readiness_gates.is_empty() {
        return;
    }
    let message =
        "pods are Ready before the load balancer has registered them, unless the namespace injects a gate".to_owned();
    findings.add("no-readiness-gate", subject.title(), ingress.meta.at, message, None);
}
