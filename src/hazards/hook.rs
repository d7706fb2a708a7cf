//! Hazards of preStop hooks and grace periods.

use super::{Findings, Level, Subject, patch, unroute};
use crate::manifests::image;
use crate::manifests::object::{Container, Hook, HookAction, find};
use crate::manifests::script::{self, Effects};

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
        let mend = patch::pod(&format!("terminationGracePeriodSeconds: {}\n", (longest_s(subject) + DRAIN_S).max(30)));
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
pub(super) fn waits(hook: &Hook) -> (f64, bool) {
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

/// A sleep of so many seconds; the grace period is raised where it leaves no time to drain, and never lowered.
pub(super) fn mending_sleep(subject: Subject<'_>, container: &Container, seconds: u64) -> String {
    let needed = seconds + DRAIN_S;
    patch::sleep(&container.name, seconds, (needed > grace_s(subject)).then_some(needed))
}

/// A sleep instead of this hook, unless it does something that would be lost.
pub(super) fn instead(subject: Subject<'_>, container: &Container, hook: &Hook, seconds: u64) -> Option<String> {
    let does_more =
        effects(hook).is_some_and(|it| !it.removes.is_empty() || !it.unknown.is_empty() || it.stops_server.is_some());
    (!does_more).then(|| mending_sleep(subject, container, seconds))
}

/// The longest of the pod's hooks, as far as it is known, in whole seconds.
fn longest_s(subject: Subject<'_>) -> u64 {
    let hooks = subject.workload.pod.containers.iter().filter_map(|container| container.pre_stop.as_ref());
    hooks.map(|hook| waits(hook).0.ceil() as u64).max().unwrap_or(0)
}

/// Whether the hook can do what it is there for.
fn works(findings: &mut Findings<'_>, subject: Subject<'_>, container: &Container, hook: &Hook) {
    let seconds = unroute::slowest(subject).seconds;
    let name = &container.name;
    let image = container.image.as_ref().map_or("", |image| image.value.as_str());
    if let Some((program, lack)) = missing(image, hook) {
        let (level, has) = match lack {
            image::Lack::Known => (Level::Error, "does not have"),
            image::Lack::Likely => (Level::Warning, "should not have, by its tag"),
        };
        let message = format!("the hook of {name} runs `{program}`, which {image} {has}");
        let mend = mending_sleep(subject, container, seconds);
        findings.add_at(level, "exec-hook-without-shell", subject.title(), hook.at, message, Some(mend));
        return;
    }
    match (&hook.action, effects(hook)) {
        (Some(HookAction::Exec(_)), Some(effects)) if effects.stops_server.is_some() => {
            stops(findings, subject, hook, &effects)
        }
        (Some(HookAction::Tcp), _) => {
            let message = format!("the hook of {name} is a tcpSocket, which the kubelet does not carry out");
            findings.add(
                "hook-does-nothing",
                subject.title(),
                hook.at,
                message,
                instead(subject, container, hook, seconds),
            );
        }
        _ if waits(hook) == (0.0, true) => {
            let message = format!("the hook of {name} ends at once and delays nothing");
            let mend = instead(subject, container, hook, seconds);
            findings.add("hook-does-nothing", subject.title(), hook.at, message, mend);
        }
        _ => {}
    }
}

/// The hook's program, if the image lacks it.
fn missing<'a>(image: &str, hook: &'a Hook) -> Option<(&'a str, image::Lack)> {
    let Some(HookAction::Exec(command)) = &hook.action else { return None };
    let program = command.first()?;
    let lack = image::lacks(image, program)?;
    Some((program.rsplit('/').next().unwrap_or_default(), lack))
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
    let needed = longest_s(subject) + DRAIN_S;
    let mend = patch::pod(&format!("terminationGracePeriodSeconds: {needed}\n"));
    findings.add(code, subject.title(), hook.at, message, Some(mend));
}

/// Whether the hook outlasts the path. What an unknown program waits nobody can say, so it is not doubted.
fn against_path(findings: &mut Findings<'_>, subject: Subject<'_>, container: &Container) {
    let needed = unroute::slowest(subject);
    // Who finds pods by name knows of several, or is a peer.
    let is_headless = subject.route.service.is_some_and(|service| service.headless.is_some());
    let level = if is_headless { Level::Note } else { Level::Warning };
    let Some(hook) = &container.pre_stop else {
        let message = format!("{} has no preStop hook; {}", container.name, needed.by);
        let mend = Some(mending_sleep(subject, container, needed.seconds));
        findings.add_at(level, "no-pre-stop-hook", subject.title(), container.at, message, mend);
        return;
    };
    let (waits, is_all) = waits(hook);
    let stops = effects(hook).is_some_and(|effects| effects.stops_server.is_some());
    if is_all && !stops && waits > 0.0 && waits < needed.seconds as f64 {
        let message = format!("the hook of {} waits {waits} s; {}", container.name, needed.by);
        let mend = instead(subject, container, hook, needed.seconds);
        findings.add_at(level, "hook-shorter-than-unroute", subject.title(), hook.at, message, mend);
    }
}

/// Proxies take part in answering, whoever else does.
fn on_all_containers(findings: &mut Findings<'_>, subject: Subject<'_>, serving: &Container) {
    let Some(hook) = serving.pre_stop.as_ref().filter(|hook| waits(hook) != (0.0, true)) else { return };
    let needed = unroute::slowest(subject).seconds;
    let takes_part = |other: &&Container| is_proxy(other) && other.pre_stop.is_none() && other.name != serving.name;
    for other in subject.workload.pod.containers.iter().filter(takes_part) {
        let Some(drains) = drains(subject, other) else { continue };
        if drains > 0.0 && drains >= waits(hook).0 {
            continue;
        }
        let level = if drains < needed as f64 { Level::Warning } else { Level::Note };
        let then = if drains > 0.0 { format!(" and it drains for {drains} s") } else { String::new() };
        let message = format!(
            "{} has no hook: its stop signal comes at once{then}, while {} still waits in its own",
            other.name, serving.name
        );
        let mend = mending_sleep(subject, other, needed.max(waits(hook).0.ceil() as u64));
        findings.add_at(level, "hook-on-one-container-only", subject.title(), other.at, message, Some(mend));
    }
}

/// Seconds that a proxy goes on answering after its stop signal: Istio's drains for its terminationDrainDuration, 5 s by
/// default (istio pkg/config/mesh, DefaultProxyConfig). None if the mesh's configuration decides and is not understood.
fn drains(subject: Subject<'_>, proxy: &Container) -> Option<f64> {
    let image = proxy.image.as_ref().map_or("", |image| image.value.as_str());
    if image::Reference::new(image).name != "proxyv2" && proxy.name != "istio-proxy" {
        return Some(0.0);
    }
    let Some(config) = find(&subject.workload.pod.annotations, "proxy.istio.io/config") else { return Some(5.0) };
    if config.value.contains("EXIT_ON_ZERO_ACTIVE_CONNECTIONS") {
        return None;
    }
    let Some((_, said)) = config.value.split_once("terminationDrainDuration") else { return Some(5.0) };
    let said: String =
        said.chars().filter(|c| !"\"': ".contains(*c)).take_while(|c| c.is_ascii_alphanumeric()).collect();
    said.strip_suffix('s').and_then(|seconds| seconds.parse().ok())
}

/// Images through which the requests of the pod go.
const PROXIES: [&str; 7] =
    ["proxyv2", "istio-proxy", "linkerd-proxy", "envoy", "oauth2-proxy", "nginx", "cloud-sql-proxy"];

fn is_proxy(container: &Container) -> bool {
    let image = container.image.as_ref().map_or("", |image| image.value.as_str());
    let name = image::Reference::new(image).name;
    PROXIES.contains(&name) || PROXIES.contains(&container.name.as_str())
}

/// Behind a proxy that ends connections the clients' own are not the pod's. Only of servers that are known is it known that
/// they close kept connections without a word; others may say `Connection: close` first.
fn lame_duck(findings: &mut Findings<'_>, subject: Subject<'_>, container: &Container) {
    let Some(hook) = &container.pre_stop else { return };
    let image = container.image.as_ref().map_or("", |image| image.value.as_str());
    if subject.route.ingress.is_some() || image::guess(image).is_none_or(|guess| guess.boot.is_some()) {
        return;
    }
    let only_waits = matches!(hook.action, Some(HookAction::Sleep(_)))
        || effects(hook).is_some_and(|it| it.unknown.is_empty() && it.removes.is_empty() && it.stops_server.is_none());
    if only_waits && waits(hook).0 > 0.0 {
        let message = format!(
            "the hook of {} waits, and then the stop signal closes all kept connections at once",
            container.name
        );
        findings.add("keep-alive-without-lame-duck", subject.title(), hook.at, message, None);
    }
}
