//! The pod: grace, probe, hook, and what its image lets one guess of the server.

use super::facts::{Facts, quoted, seconds};
use super::route::Route;
use crate::manifests::image;
use crate::manifests::object::{Container, Hook, HookAction, Probe, ProbeAction, Workload};
use crate::manifests::script::{self, Effects};

pub(super) fn pod(facts: &mut Facts<'_>, workload: &Workload, route: &Route<'_>) {
    if let Some(grace) = workload.pod.grace {
        facts.read("pod.termination_grace_period", seconds(grace.value), grace.at);
    }
    let Some(container) = route.container else { return };
    if let Some(probe) = slowest_probe(workload, container) {
        probed(facts, "readiness", probe);
        let successes = probe.success_threshold.map_or(probe.at, |field| field.at);
        facts.read("pod.readiness_probe.success_threshold", probe.successes(), successes);
    }
    for (name, probe) in [("startup", &container.startup), ("liveness", &container.liveness)] {
        let Some(probe) = probe else { continue };
        probed(facts, name, probe);
        if let Some(grace) = probe.grace {
            facts.read(&format!("pod.{name}_probe.termination_grace_period"), seconds(grace.value), grace.at);
        }
    }
    let effects = container.pre_stop.as_ref().and_then(|hook| pre_stop(facts, container, hook));
    server(facts, container, effects.as_ref());
    others(facts, workload, container);
}

/// A pod is Ready once all its containers are: the slowest probe of them decides, as far as its period tells.
fn slowest_probe<'a>(workload: &'a Workload, serving: &'a Container) -> Option<&'a Probe> {
    let all = workload.pod.containers.iter().filter_map(|container| container.readiness.as_ref());
    serving.readiness.as_ref().or_else(|| all.max_by_key(|probe| probe.period_s()))
}

/// What all kinds of probes have.
fn probed(facts: &mut Facts<'_>, name: &str, probe: &Probe) {
    let fields = [
        ("initial_delay", probe.initial_delay, seconds(probe.initial_delay_s())),
        ("period", probe.period, seconds(probe.period_s())),
        ("timeout", probe.timeout, seconds(probe.timeout_s())),
        ("failure_threshold", probe.failure_threshold, probe.failures().to_string()),
    ];
    for (key, field, value) in fields {
        facts.read(&format!("pod.{name}_probe.{key}"), value, field.map_or(probe.at, |field| field.at));
    }
    if let Some(ProbeAction::Exec(_) | ProbeAction::Grpc(..) | ProbeAction::Tcp(_)) = &probe.action {
        let message = match name {
            "readiness" => "the readiness probe is simulated as a GET: ready as soon as the server answers".to_owned(),
            name => format!("the {name} probe is simulated as a GET: it succeeds as soon as the server answers"),
        };
        facts.not_simulated(probe.at, message, None);
    }
}

/// The hook; and what its command does, if it is one.
fn pre_stop(facts: &mut Facts<'_>, container: &Container, hook: &Hook) -> Option<Effects> {
    match hook.action.as_ref()? {
        HookAction::Sleep(duration) => facts.read("pod.pre_stop.sleep", seconds(duration), hook.at),
        HookAction::Exec(command) => return Some(exec(facts, container, hook, command)),
        HookAction::Http(_) => {
            let why = "an HTTP hook ends when its answer comes, which is assumed to be at once";
            facts.assume("pod.pre_stop.http.duration", seconds(0), hook.at, why);
        }
        HookAction::Tcp => {
            let why = "the kubelet does not carry out tcpSocket hooks: the stop signal follows at once";
            facts.guess("pod.pre_stop.exec.fails", true, hook.at, why);
        }
    }
    None
}

fn exec(facts: &mut Facts<'_>, container: &Container, hook: &Hook, command: &[String]) -> Effects {
    let effects = script::effects(command);
    let program = command.first().map_or("", String::as_str);
    if container.image.as_ref().is_some_and(|image| image::lacks(&image.value, program).is_some()) {
        let why = format!("the image has no {}: the hook fails and the stop signal follows at once", effects.program);
        facts.guess("pod.pre_stop.exec.fails", true, hook.at, &why);
        return effects;
    }
    let why = unsure(&effects);
    match &why {
        Some(why) => facts.assume("pod.pre_stop.exec.duration", seconds(effects.sleep_s), hook.at, why),
        None => facts.read("pod.pre_stop.exec.duration", seconds(effects.sleep_s), hook.at),
    }
    if container.readiness.as_ref().is_some_and(|probe| fails(probe, &effects.removes)) {
        let why = "the hook removes what the readiness probe asks for";
        facts.guess("pod.pre_stop.exec.fails_readiness", true, hook.at, why);
    }
    effects
}

fn unsure(effects: &Effects) -> Option<String> {
    let unknown = effects.unknown.first()?;
    Some(format!("the sleeps in the hook alone: how long `{unknown}` takes is not known"))
}

/// Whether the probe asks for one of these files, which a hook removes.
pub fn fails(probe: &Probe, removed: &[String]) -> bool {
    let file = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    match &probe.action {
        Some(ProbeAction::Http(get)) => {
            let asked = file(get.path.split('?').next().unwrap_or_default());
            !asked.is_empty() && removed.iter().any(|removed| file(removed) == asked)
        }
        Some(ProbeAction::Exec(command)) => removed.iter().any(|removed| command.join(" ").contains(removed.as_str())),
        _ => false,
    }
}

/// What stops the server: the hook itself, a shell in its place, or the stop signal of its image.
fn server(facts: &mut Facts<'_>, container: &Container, effects: Option<&Effects>) {
    let key = "pod.server.profile";
    if let Some((command, graceful)) = effects.and_then(|effects| effects.stops_server.as_ref()) {
        let profile = if *graceful { "nginx-sigquit" } else { "nginx-sigterm" };
        let at = container.pre_stop.as_ref().map_or(container.at, |hook| hook.at);
        let manner = if *graceful { "and lets it finish" } else { "at once" };
        facts.guess(key, quoted(profile), at, &format!("the hook's `{command}` stops the server {manner}"));
        return;
    }
    if super::super::shell_keeps_signal(container) {
        let at = container.command_at.unwrap_or(container.at);
        let why = "a shell is PID 1 and does not pass the stop signal on: the server runs until SIGKILL";
        facts.guess(key, quoted("ignores-signal"), at, why);
        return;
    }
    let at = container.image.as_ref().map_or(container.at, |image| image.at);
    let name = container.image.as_ref().map_or("", |image| image.value.as_str());
    match image::guess(name) {
        Some(guess) => {
            let why = format!("the image {} {}", image::Reference::new(name).name, guess.why);
            facts.guess(key, quoted(guess.profile), at, &why);
            if let Some(boot) = guess.boot {
                facts.guess("pod.boot", boot, at, &why);
            }
        }
        None => {
            let why =
                "on the stop signal the server closes its listener and finishes the requests it has; one at a time";
            facts.assume(key, quoted("nginx-sigquit"), at, why);
        }
    }
    if image::guess(name).is_none_or(|guess| guess.boot.is_none()) {
        let value = "{ lognormal = { median = \"20ms\", p99 = \"80ms\" } }";
        facts.assume("pod.boot", value, at, "process start to listening; --boot says otherwise");
    }
}

fn others(facts: &mut Facts<'_>, workload: &Workload, serving: &Container) {
    let others = workload.pod.containers.iter().filter(|other| !std::ptr::eq(*other, serving));
    let names: Vec<&str> = others.chain(&workload.pod.sidecars).map(|other| other.name.as_str()).collect();
    if !names.is_empty() {
        let message = format!("only the container {} is simulated, not {}", serving.name, names.join(", "));
        facts.not_simulated(serving.at, message, None);
    }
}
