//! Hazards of preStop hooks and grace periods.

use super::{Findings, Level, Subject, patch, unroute};
use crate::manifests::image;
use crate::manifests::object::{Container, Hook, HookAction};
use crate::manifests::script::{self, Effects};
use crate::scenario::Spot;

/// Time to drain that patches leave behind the hook, seconds: what the default grace of 30 s leaves behind a hook of 5 s.
const DRAIN_S: u64 = 25;

pub(super) fn look(findings: &mut Findings<'_>, subject: Subject<'_>) {
    grace_zero(findings, subject);
    for container in &subject.workload.pod.containers {
        if let Some(hook) = &container.pre_stop {
            works(findings, subject, container, hook);
            against_grace(findings, subject, container, hook);
        }
    }
    if let Some(container) = subject.serving() {
        against_path(findings, subject, container);
        on_all_containers(findings, subject, container);
        lame_duck(findings, subject, container);
    }
}

fn grace_s(subject: Subject<'_>) -> u64 {
    subject.workload.pod.grace.map_or(30, |grace| u64::from(grace.value))
}

fn grace_zero(findings: &mut Findings<'_>, subject: Subject<'_>) {
    if let Some(grace) = subject.workload.pod.grace.filter(|grace| grace.value == 0 && subject.route.service.is_some())
    {
        let message = "the grace period is 0: containers are killed without hook and stop signal".to_owned();
        let mend = patch::pod("terminationGracePeriodSeconds: 30\n");
        findings.add("grace-zero", subject.title(), grace.at, message, Some(mend));
    }
}

/// What a hook's command does, if it is one.
fn effects(hook: &Hook) -> Option<Effects> {
    match &hook.action {
        Some(HookAction::Exec(command)) => Some(script::effects(command)),
        _ => None,
    }
}

/// Seconds that the hook waits for certain, and whether that is all it does.
fn waits(hook: &Hook) -> (f64, bool) {
    match &hook.action {
        Some(HookAction::Sleep(seconds)) => (f64::from(*seconds), true),
        Some(HookAction::Exec(_)) => {
            let effects = effects(hook).unwrap_or_default();
            (effects.sleep_s, effects.unknown.is_empty())
        }
        Some(HookAction::Http(_)) => (0.0, false),
        Some(HookAction::Tcp) | None => (0.0, true),
    }
}

fn mending_sleep(subject: Subject<'_>, container: &Container) -> String {
    let sleep = unroute::slowest(subject).seconds;
    patch::sleep(&container.name, sleep, grace_s(subject).max(sleep + DRAIN_S))
}

/// Whether the hook can do what it is there for.
fn works(findings: &mut Findings<'_>, subject: Subject<'_>, container: &Container, hook: &Hook) {
    let mend = Some(mending_sleep(subject, container));
    let name = &container.name;
    let image = container.image.as_ref().map_or("", |image| image.value.as_str());
    match (&hook.action, effects(hook)) {
        (Some(HookAction::Exec(command)), Some(effects)) if !command.is_empty() && image::is_bare(image) => {
            let message = format!("the hook of {name} runs `{}`, which {image} does not have", effects.program);
            findings.add("exec-hook-without-shell", subject.title(), hook.at, message, mend);
        }
        (Some(HookAction::Exec(_)), Some(effects)) if effects.stops_server.is_some() => {
            stops(findings, subject, hook, &effects)
        }
        (Some(HookAction::Tcp), _) => {
            let message = format!("the hook of {name} is a tcpSocket, which the kubelet does not carry out");
            findings.add("hook-does-nothing", subject.title(), hook.at, message, mend);
        }
        _ if waits(hook) == (0.0, true) => {
            let message = format!("the hook of {name} ends at once and delays nothing");
            findings.add("hook-does-nothing", subject.title(), hook.at, message, mend);
        }
        _ => {}
    }
}

fn stops(findings: &mut Findings<'_>, subject: Subject<'_>, hook: &Hook, effects: &Effects) {
    let needed = unroute::slowest(subject);
    if effects.sleep_s >= needed.seconds as f64 {
        return;
    }
    let command = effects.stops_server.as_ref().map_or("", |(command, _)| command);
    let message = format!("`{command}` stops the server {} s into the hook: {}", effects.sleep_s, needed.by);
    findings.add("hook-stops-server", subject.title(), hook.at, message, None);
}

fn against_grace(findings: &mut Findings<'_>, subject: Subject<'_>, container: &Container, hook: &Hook) {
    let (grace, (waits, _)) = (grace_s(subject), waits(hook));
    if grace == 0 || waits < grace as f64 || waits == 0.0 {
        return;
    }
    let is_refused = matches!(hook.action, Some(HookAction::Sleep(_))) && waits > grace as f64;
    let code = if is_refused { "sleep-beyond-grace" } else { "hook-not-below-grace" };
    let message = format!("the hook of {} waits {waits} s of a grace period of {grace} s", container.name);
    let needed = waits.ceil() as u64 + DRAIN_S;
    let mend = patch::pod(&format!("terminationGracePeriodSeconds: {needed}\n"));
    findings.add(code, subject.title(), hook.at, message, Some(mend));
}

/// Whether the hook outlasts the path. What an unknown program waits nobody can say, so it is not doubted.
fn against_path(findings: &mut Findings<'_>, subject: Subject<'_>, container: &Container) {
    let needed = unroute::slowest(subject);
    // Who finds pods by name knows of several, or is a peer.
    let is_headless = subject.route.service.is_some_and(|service| service.headless.is_some());
    let level = if is_headless { Level::Note } else { Level::Warning };
    let mend = Some(mending_sleep(subject, container));
    let Some(hook) = &container.pre_stop else {
        let message = format!("{} has no preStop hook; {}", container.name, needed.by);
        findings.add_at(level, "no-pre-stop-hook", subject.title(), container.at, message, mend);
        return;
    };
    let (waits, is_all) = waits(hook);
    let stops = effects(hook).is_some_and(|effects| effects.stops_server.is_some());
    if is_all && !stops && waits > 0.0 && waits < needed.seconds as f64 {
        let message = format!("the hook of {} waits {waits} s; {}", container.name, needed.by);
        findings.add_at(level, "hook-shorter-than-unroute", subject.title(), hook.at, message, mend);
    }
}

/// Containers with ports, or that are known to be proxies, take part in answering.
fn on_all_containers(findings: &mut Findings<'_>, subject: Subject<'_>, serving: &Container) {
    if serving.pre_stop.is_none() {
        return;
    }
    let takes_part = |other: &&Container| is_proxy(other) && other.pre_stop.is_none() && other.name != serving.name;
    for other in subject.workload.pod.containers.iter().filter(takes_part) {
        let message =
            format!("{} has no hook: it stops at once, while {} still waits in its own", other.name, serving.name);
        let mend = patch::sleep(&other.name, unroute::slowest(subject).seconds, grace_s(subject));
        findings.add("hook-on-one-container-only", subject.title(), other.at, message, Some(mend));
    }
}

/// Images through which the requests of the pod go.
const PROXIES: [&str; 7] =
    ["proxyv2", "istio-proxy", "linkerd-proxy", "envoy", "oauth2-proxy", "nginx", "cloud-sql-proxy"];

fn is_proxy(container: &Container) -> bool {
    let image = container.image.as_ref().map_or("", |image| image.value.as_str());
    let name = image::Reference::new(image).name;
    PROXIES.contains(&name) || PROXIES.contains(&container.name.as_str())
}

/// Behind a proxy that ends connections the clients' own are not the pod's.
fn lame_duck(findings: &mut Findings<'_>, subject: Subject<'_>, container: &Container) {
    let Some(hook) = &container.pre_stop else { return };
    let only_waits = matches!(hook.action, Some(HookAction::Sleep(_)))
        || effects(hook).is_some_and(|effects| effects.unknown.is_empty() && effects.removes.is_empty());
    let (waits, _) = waits(hook);
    if subject.route.ingress.is_none() && only_waits && waits > 0.0 {
        let at: Spot = hook.at;
        let message = format!(
            "the hook of {} waits, and then the stop signal closes all kept connections at once",
            container.name
        );
        findings.add_at(Level::Note, "keep-alive-without-lame-duck", subject.title(), at, message, None);
    }
}
