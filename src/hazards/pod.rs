//! Hazards of probes, images and commands.

use super::{Findings, Level, Subject, patch};
use crate::manifests::object::{Container, Get, Probe, ProbeAction};
use crate::manifests::{PortRef, hook_fails_readiness, image, script, shell_keeps_signal};

pub(super) fn look(findings: &mut Findings<'_>, subject: Subject<'_>) {
    for misplaced in &subject.workload.misplaced {
        let message = format!(
            "`{}` stands at {} and is not read there; its place is {}",
            misplaced.field, misplaced.found, misplaced.expected
        );
        findings.add("field-at-wrong-level", subject.title(), misplaced.at, message, None);
    }
    for container in &subject.workload.pod.containers {
        liveness(findings, subject, container);
        shell(findings, subject, container);
    }
    if let Some(container) = subject.serving() {
        no_readiness(findings, subject, container);
        slow_readiness(findings, subject, container);
        image_cuts(findings, subject, container);
    }
    host_port(findings, subject);
}

fn no_readiness(findings: &mut Findings<'_>, subject: Subject<'_>, container: &Container) {
    if container.readiness.is_some() {
        return;
    }
    let message = format!("{} has no readiness probe: its pods are Ready before they listen", container.name);
    let mend = served_port(subject, container).map(|port| {
        let probe = format!("readinessProbe:\n  tcpSocket:\n    port: {}\n  periodSeconds: 2\n", port_text(port));
        patch::container(&container.name, &probe)
    });
    findings.add("no-readiness-probe", subject.title(), container.at, message, mend);
}

/// The port to which the Service sends requests, rather than those that only tell of the container. Which path answers, and
/// by which protocol, manifests do not tell.
fn served_port<'a>(subject: Subject<'a>, container: &Container) -> Option<&'a PortRef> {
    let ports = &subject.route.service?.ports;
    let is_aside = |name: &Option<String>| name.as_ref().is_some_and(|name| name.contains("metrics"));
    let is_named = |target: &PortRef| matches!(target, PortRef::Named(_));
    // A number need not be among the container's ports to be open, a name must.
    let usable = |target: &&PortRef| container.has_port(target) || (!is_named(target) && container.ports.is_empty());
    let targets = |aside: bool| {
        ports.iter().filter(move |port| is_aside(&port.name) == aside).filter_map(|it| it.target.as_ref())
    };
    targets(false).chain(targets(true)).find(usable)
}

/// A warning where the hook relies on the probe, else a note.
fn slow_readiness(findings: &mut Findings<'_>, subject: Subject<'_>, container: &Container) {
    let Some(probe) = &container.readiness else { return };
    let grace = subject.workload.pod.grace.map_or(30, |grace| u64::from(grace.value));
    let removes = container.pre_stop.as_ref().map(|hook| script::effects(&command(hook)).removes).unwrap_or_default();
    let relies = hook_fails_readiness(probe, &removes);
    let notices = probe.notices_after_s();
    if notices <= grace {
        return;
    }
    let level = if relies { Level::Warning } else { Level::Note };
    let message = format!(
        "a failing readiness probe of {} counts after {notices} s, when the pod is gone: its grace period is {grace} s",
        container.name
    );
    let period = (grace / 3 / u64::from(probe.failures())).max(1);
    let is_enough = period * u64::from(probe.failures()) <= grace;
    let mend =
        is_enough.then(|| patch::container(&container.name, &format!("readinessProbe:\n  periodSeconds: {period}\n")));
    findings.add_at(level, "readiness-slower-than-termination", subject.title(), probe.at, message, mend);
}

fn command(hook: &crate::manifests::object::Hook) -> Vec<String> {
    match &hook.action {
        Some(crate::manifests::object::HookAction::Exec(command)) => command.clone(),
        _ => Vec::new(),
    }
}

/// Seconds after which a server that boots slowly may listen: the 99th percentile that is guessed for images with a JVM.
const SLOW_BOOT_S: u64 = 30;

fn liveness(findings: &mut Findings<'_>, subject: Subject<'_>, container: &Container) {
    let Some(probe) = &container.liveness else { return };
    let image = container.image.as_ref().map_or("", |image| image.value.as_str());
    let boots_slowly = image::guess(image).and_then(|guess| guess.boot).is_some_and(|boot| boot.contains("30s"));
    let killed_after = u64::from(probe.initial_delay_s()) + probe.notices_after_s();
    if container.startup.is_none() && boots_slowly && killed_after < SLOW_BOOT_S {
        let message = format!(
            "{} is killed if it does not answer {killed_after} s after its start; {image} may need longer",
            container.name
        );
        let mend = probe.action.as_ref().and_then(action_lines).map(|action| {
            let timeout = probe.timeout.map(|at| format!("  timeoutSeconds: {}\n", at.value)).unwrap_or_default();
            let startup = format!("startupProbe:\n{action}{timeout}  periodSeconds: 2\n  failureThreshold: 60\n");
            patch::container(&container.name, &startup)
        });
        findings.add("liveness-kills-slow-start", subject.title(), probe.at, message, mend);
    }
    let same =
        |readiness: &&Probe| readiness.action == probe.action && probe.notices_after_s() <= readiness.notices_after_s();
    if let Some(readiness) = container.readiness.as_ref().filter(same) {
        let message =
            format!("{} is killed as soon as it is not ready: both probes ask the same as often", container.name);
        let later = readiness.notices_after_s() / u64::from(probe.period_s()) + 1;
        let more = u64::from(probe.failures()).saturating_mul(3).max(later);
        let mend = patch::container(&container.name, &format!("livenessProbe:\n  failureThreshold: {more}\n"));
        findings.add("liveness-as-strict-as-readiness", subject.title(), probe.at, message, Some(mend));
    }
}

/// The same question; none if it cannot be asked again as it stands.
fn action_lines(action: &ProbeAction) -> Option<String> {
    Some(match action {
        ProbeAction::Http(get) => {
            let port = port_text(get.port.as_ref()?);
            let path = patch::quoted(&get.path);
            format!("  httpGet:\n    path: {path}\n    port: {port}\n{}", get_lines(get))
        }
        ProbeAction::Tcp(port) => format!("  tcpSocket:\n    port: {}\n", port_text(port.as_ref()?)),
        ProbeAction::Grpc(port, service) => {
            let service = service.as_ref().map(|name| format!("    service: {}\n", patch::quoted(name)));
            format!("  grpc:\n    port: {}\n{}", port_text(port.as_ref()?), service.unwrap_or_default())
        }
        ProbeAction::Exec(command) if command.is_empty() => return None,
        ProbeAction::Exec(command) => {
            let words: Vec<String> = command.iter().map(|word| patch::quoted(word)).collect();
            format!("  exec:\n    command: [{}]\n", words.join(", "))
        }
    })
}

/// What a GET has beside path and port.
fn get_lines(get: &Get) -> String {
    let one = |name: &str, value: &Option<String>| {
        value.as_ref().map(|value| format!("    {name}: {}\n", patch::quoted(value))).unwrap_or_default()
    };
    let header = |(name, value): &(String, String)| {
        format!("    - name: {}\n      value: {}\n", patch::quoted(name), patch::quoted(value))
    };
    let headers: String = get.headers.iter().map(header).collect();
    let headers = if headers.is_empty() { headers } else { format!("    httpHeaders:\n{headers}") };
    one("scheme", &get.scheme) + &one("host", &get.host) + &headers
}

fn port_text(port: &PortRef) -> String {
    match port {
        PortRef::Number(number) => number.to_string(),
        PortRef::Named(name) => patch::quoted(name),
    }
}

fn shell(findings: &mut Findings<'_>, subject: Subject<'_>, container: &Container) {
    if subject.workload.pod.shares_processes || !shell_keeps_signal(container) {
        return;
    }
    let at = container.command_at.unwrap_or(container.at);
    let message =
        format!("the shell that {} starts with stays process 1 and keeps the stop signal to itself", container.name);
    findings.add("shell-as-pid-1", subject.title(), at, message, None);
}

/// What its name says of an image is a guess, and little of one where only the last part of the name is known.
fn image_cuts(findings: &mut Findings<'_>, subject: Subject<'_>, container: &Container) {
    let Some(image) = &container.image else { return };
    let Some(guess) = image::guess(&image.value).filter(|guess| guess.profile == image::CUTS) else { return };
    let hook = container.pre_stop.as_ref();
    let lets_finish = hook.is_some_and(|hook| matches!(script::effects(&command(hook)).stops_server, Some((_, true))));
    if lets_finish || container.stop_signal.as_ref().is_some_and(|signal| signal.value == "SIGQUIT") {
        return;
    }
    let (level, name) = match image::is_official(&image.value) {
        true => (Level::Warning, format!("the image {}", image.value)),
        false => (Level::Note, format!("if {} is what it is called, it", image.value)),
    };
    let message = format!("{}: {name} {}", container.name, guess.why);
    findings.add_at(level, "server-cuts-requests", subject.title(), image.at, message, None);
}

fn host_port(findings: &mut Findings<'_>, subject: Subject<'_>) {
    let pod = &subject.workload.pod;
    let takes_port = pod.containers.iter().find(|container| container.has_host_port);
    let unavailable = subject.workload.strategy.max_unavailable;
    let none_may_go = unavailable.is_some_and(|at| at.value == crate::units::IntOrPercent::Int(0));
    let is_deployment = subject.workload.kind == crate::manifests::object::WorkloadKind::Deployment;
    if !is_deployment || !none_may_go || (takes_port.is_none() && !pod.host_network) {
        return;
    }
    let at = takes_port.map_or(pod.at, |container| container.at);
    let message = "a new pod finds no node with its port free unless there are more nodes than pods".to_owned();
    let mend = patch::spec("strategy:\n  rollingUpdate:\n    maxSurge: 0\n    maxUnavailable: 1\n");
    // Of one pod none may go.
    let mend = Some(mend).filter(|_| subject.replicas() > 1);
    findings.add("host-port-blocks-surge", subject.title(), at, message, mend);
}
