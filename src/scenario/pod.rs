//! `[pod]`: the grace period, the probes and the preStop hook. The server stands in `servers`.

use crate::dist::Dist;
use crate::model::spec::{
    IdlePolicy, LameDuck, NewConnections, PodSpec, PreStop, PreStopAction, ProbeSpec, ServerSpec, SidecarKind,
    SidecarProbe, SidecarSpec,
};
use crate::scenario::dist::dist;
use crate::scenario::log::Fault;
use crate::scenario::names;
use crate::scenario::nodes;
use crate::scenario::reader::Fields;
use crate::scenario::servers;
use crate::scenario::values::{duration, period, truth, whole};
use crate::scenario::workload::too_new;
use crate::units::{SimDuration, Version};

/// The first version in which the kubelet itself can sleep; before, `sleep` is a command in the container.
pub(super) const NATIVE_SLEEP: Version = Version::minor(29);

const ACTIONS: [&str; 3] = ["sleep", "exec", "http"];

pub(super) fn pod(fields: &mut Fields<'_>, version: Version) -> PodSpec {
    let sidecar = fields.optional("sidecar", |fields| sidecar(fields, version));
    let server = fields.section("server", servers::server);
    PodSpec {
        server: if sidecar.is_some() { behind_sidecar(server) } else { server },
        sidecar,
        requests: fields.section("requests", nodes::requests),
        termination_grace_period: fields.or("termination_grace_period", duration, SimDuration::from_secs(30)),
        boot: fields.or("boot", dist, Dist::lognormal_ms(20, 80)),
        readiness_probe: fields.optional("readiness_probe", readiness),
        startup_probe: fields.optional("startup_probe", killing),
        liveness_probe: fields.optional("liveness_probe", killing),
        pre_stop: fields.optional("pre_stop", |fields| pre_stop(fields, version)).flatten(),
    }
}

fn sidecar(fields: &mut Fields<'_>, version: Version) -> SidecarSpec {
    let kind = fields.or("kind", |node| names::SIDECAR.parse(node), SidecarKind::Classic);
    if kind == SidecarKind::Native {
        too_new(fields, "kind", version, Version::minor(29));
    }
    SidecarSpec {
        kind,
        pre_stop: fields.or("pre_stop", duration, SimDuration::ZERO),
        drain: fields.or("drain", dist, Dist::Constant(SimDuration::from_millis(10))),
        boot: fields.or("boot", dist, Dist::Constant(SimDuration::ZERO)),
        startup_probe: fields.optional("startup_probe", sidecar_probe),
    }
}

fn sidecar_probe(fields: &mut Fields<'_>) -> SidecarProbe {
    SidecarProbe {
        initial_delay: fields.or("initial_delay", duration, SimDuration::ZERO),
        period: fields.or("period", period, SimDuration::from_secs(10)),
    }
}

/// Clients are connected to the proxy: when the server stops, its listener and their connections stay, and the proxy answers
/// what it cannot hand on.
fn behind_sidecar(server: ServerSpec) -> ServerSpec {
    ServerSpec {
        new_connections: NewConnections::Reject,
        idle: IdlePolicy::Reject,
        connection_close: false,
        lame_duck: server.lame_duck.map(|duck| LameDuck { connection_close: false, ..duck }),
        ..server
    }
}

fn readiness(fields: &mut Fields<'_>) -> ProbeSpec {
    let success_threshold = fields.or("success_threshold", whole(1..=10_000), 1);
    ProbeSpec { success_threshold, ..probe(fields) }
}

/// A probe that kills: one success is enough, and it may have a grace period of its own.
fn killing(fields: &mut Fields<'_>) -> ProbeSpec {
    let success_threshold = fields.or("success_threshold", whole(1..=1), 1);
    let termination_grace_period = fields.get("termination_grace_period", period);
    ProbeSpec { success_threshold, termination_grace_period, ..probe(fields) }
}

fn probe(fields: &mut Fields<'_>) -> ProbeSpec {
    ProbeSpec {
        initial_delay: fields.or("initial_delay", duration, SimDuration::ZERO),
        period: fields.or("period", period, SimDuration::from_secs(10)),
        timeout: fields.or("timeout", period, SimDuration::from_secs(1)),
        success_threshold: 1,
        failure_threshold: fields.or("failure_threshold", whole(1..=10_000), 3),
        termination_grace_period: None,
    }
}

fn pre_stop(fields: &mut Fields<'_>, version: Version) -> Option<PreStop> {
    require_one_action(fields);
    let sleep = fields.get("sleep", duration).and_then(|duration| sleep_hook(duration, version));
    let exec = fields.optional("exec", |fields| command(fields, PreStopAction::Exec));
    let http = fields.optional("http", |fields| command(fields, PreStopAction::Http));
    sleep.or(exec).or(http)
}

fn sleep_hook(duration: SimDuration, version: Version) -> Option<PreStop> {
    let action = if version < NATIVE_SLEEP { PreStopAction::Exec } else { PreStopAction::Sleep };
    let hook = PreStop { action, duration, fails_readiness: false, fails: false };
    (!duration.is_zero()).then_some(hook)
}

fn require_one_action(fields: &mut Fields<'_>) {
    let mut present: Vec<_> = ACTIONS.into_iter().filter_map(|name| fields.entry(name)).collect();
    // The later one is the surprise: it may come from a `--set`.
    present.sort_by_key(|entry| entry.at);
    if let [first, second, ..] = present.as_slice() {
        let message =
            format!("and `{}` are both given: a hook has one of sleep, exec and http", fields.key(&first.key));
        let help = format!("remove one, or replace the hook: --set 'pod.pre_stop={{ {} = … }}'", second.key);
        let fault = Fault::new("more-than-one-hook", message).help(help);
        fields.contradict(&second.key, second.at, fault, first.at);
    }
    if present.is_empty() {
        fields.complain(Fault::new("missing-key", "needs one of sleep, exec and http").help(NO_HOOK));
    }
}

const NO_HOOK: &str = "without a hook, remove the table or write sleep = \"0s\"";

fn command(fields: &mut Fields<'_>, action: PreStopAction) -> PreStop {
    let fails = fields.or("fails", truth, false);
    if !fields.has("duration") && !fails {
        let fault = Fault::new("missing-key", "needs a `duration`");
        fields.complain(fault.help(format!("write {} = {{ duration = \"10s\" }}", action_name(action))));
    }
    let fails_readiness = action == PreStopAction::Exec && fields.or("fails_readiness", truth, false);
    PreStop { action, duration: fields.or("duration", duration, SimDuration::ZERO), fails_readiness, fails }
}

/// The key of a hook.
pub(super) const fn action_name(action: PreStopAction) -> &'static str {
    match action {
        PreStopAction::Sleep => "sleep",
        PreStopAction::Exec => "exec",
        PreStopAction::Http => "http",
    }
}
