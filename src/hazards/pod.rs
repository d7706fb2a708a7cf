//! Hazards of probes, images and commands.

use super::{Findings, Level, Subject, patch};
use crate::manifests::object::{Container, Probe, ProbeAction};
use crate::manifests::{hook_fails_readiness, image, script, shell_keeps_signal};

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
    let port = container.ports.first().map_or(8080, |(number, _)| *number);
    let probe = format!("readinessProbe:\n  httpGet:\n    path: /\n    port: {port}\n  periodSeconds: 2\n");
    let mend = patch::container(&container.name, &probe);
    findings.add("no-readiness-probe", subject.title(), container.at, message, Some(mend));
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
    let mend = patch::container(&container.name, &format!("readinessProbe:\n  periodSeconds: {period}\n"));
    findings.add_at(level, "readiness-slower-than-termination", subject.title(), probe.at, message, Some(mend));
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
        let startup = format!("startupProbe:\n{}  periodSeconds: 2\n  failureThreshold: 60\n", indented_action(probe));
        let mend = patch::container(&container.name, &startup);
        findings.add("liveness-kills-slow-start", subject.title(), probe.at, message, Some(mend));
    }
    let same =
        |readiness: &&Probe| readiness.action == probe.action && probe.notices_after_s() <= readiness.notices_after_s();
    if container.readiness.as_ref().filter(same).is_some() {
        let message =
            format!("{} is killed as soon as it is not ready: both probes ask the same as often", container.name);
        let more = probe.failures().saturating_mul(3);
        let mend = patch::container(&container.name, &format!("livenessProbe:\n  failureThreshold: {more}\n"));
        findings.add("liveness-as-strict-as-readiness", subject.title(), probe.at, message, Some(mend));
    }
}

fn indented_action(probe: &Probe) -> String {
    match &probe.action {
        Some(ProbeAction::Http { path, port }) => {
            format!("  httpGet:\n    path: {}\n    port: {}\n", patch::quoted(path), port_text(port.as_ref()))
        }
        _ => "  tcpSocket:\n    port: 8080\n".to_owned(),
    }
}

fn port_text(port: Option<&crate::manifests::PortRef>) -> String {
    match port {
        Some(crate::manifests::PortRef::Number(number)) => number.to_string(),
        Some(crate::manifests::PortRef::Named(name)) => patch::quoted(name),
        None => "8080".to_owned(),
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

fn image_cuts(findings: &mut Findings<'_>, subject: Subject<'_>, container: &Container) {
    let Some(image) = &container.image else { return };
    let Some(guess) = image::guess(&image.value).filter(|guess| guess.profile == image::CUTS) else { return };
    if container.stop_signal.as_ref().is_some_and(|signal| signal.value == "SIGQUIT") {
        return;
    }
    let message = format!("{}: the image {} {}", container.name, image.value, guess.why);
    findings.add("server-cuts-requests", subject.title(), image.at, message, None);
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
    findings.add("host-port-blocks-surge", subject.title(), at, message, Some(mend));
}
