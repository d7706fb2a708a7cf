//! Writes a scenario as a file that says everything, every default shown. It reads back to an equal scenario, so a
//! result that carries it names exactly what was run.

use std::fmt::{Display, Write};

use crate::ids::Layer;
use crate::model::spec::{
    ClientDns, ClientSpec, ClusterSpec, DelayId, DeploymentSpec, End, EntryNode, KubeProxySpec, LameDuck, NodeDelays,
    PodSpec, PreStop, PreStopAction, ProbeSpec, RunSpec, Scenario, ServerSpec, ServiceSpec, WarmUp,
};
use crate::scenario::pod::action_name;
use crate::scenario::{
    autoscaler, client_profiles, faults, names, nodes, settled_balancers, settled_clients, workload,
};
use crate::units::IntOrPercent;

/// Begins a settled scenario: a key in it need not be what somebody asked for.
pub(super) const HEADING: &str = "# A settled scenario: every key with its value, defaults too.";

/// The scenario as TOML, all defaults shown.
pub fn settled_toml(scenario: &Scenario) -> String {
    let mut out = Out::default();
    out.line(HEADING);
    out.text("name", &scenario.name);
    out.text("description", &scenario.description);
    run(&mut out, &scenario.run);
    out.table("rollout");
    out.raw("at", &scenario.rollout_at);
    faults::settled_rollout(&mut out, scenario.rollout_kind);
    cluster(&mut out, &scenario.cluster);
    if !workload::settled(&mut out, &scenario.workload, &scenario.deployment) {
        deployment(&mut out, &scenario.deployment);
    }
    pod(&mut out, &scenario.pod);
    service(&mut out, &scenario.service);
    out.table("dns");
    out.quoted("ttl", scenario.dns.ttl);
    out.quoted("resolver_cache", scenario.dns.resolver_cache);
    kube_proxy(&mut out, &scenario.kube_proxy);
    for layer in [Layer::LoadBalancer, Layer::Ingress] {
        if let Some(spec) = scenario.balancer(layer) {
            settled_balancers::balancer(&mut out, layer, spec);
        }
    }
    scenario.clients.iter().for_each(|spec| client(&mut out, spec));
    faults::settled_budget(&mut out, scenario.budget);
    autoscaler::settled(&mut out, scenario.autoscaler.as_ref());
    scenario.faults.iter().for_each(|spec| faults::settled(&mut out, spec));
    delays(&mut out, scenario);
    out.table("model");
    let without: Vec<String> = scenario.without.iter().map(|mechanism| format!("\"{}\"", mechanism.name())).collect();
    out.raw("without", format!("[{}]", without.join(", ")));
    out.0
}

/// The text so far.
#[derive(Debug, Default)]
pub(super) struct Out(String);

impl Out {
    pub(super) fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    pub(super) fn table(&mut self, name: &str) {
        self.line(&format!("\n[{name}]"));
    }

    /// A value whose `Display` is TOML.
    pub(super) fn raw(&mut self, key: &str, value: impl Display) {
        self.line(&format!("{key} = {value}"));
    }

    /// A value whose `Display` is the inside of a plain string.
    pub(super) fn quoted(&mut self, key: &str, value: impl Display) {
        self.line(&format!("{key} = \"{value}\""));
    }

    /// Any string.
    fn text(&mut self, key: &str, value: &str) {
        self.line(&format!("{key} = \"{}\"", escaped(value)));
    }

    fn fencepost(&mut self, key: &str, value: IntOrPercent) {
        match value {
            IntOrPercent::Int(number) => self.raw(key, number),
            IntOrPercent::Percent(_) => self.quoted(key, value),
        }
    }
}

/// As the inside of a TOML basic string.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => drop(write!(out, "\\U{:08X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

fn run(out: &mut Out, run: &RunSpec) {
    out.table("run");
    match run.end {
        End::Duration(duration) => out.quoted("duration", duration),
        End::AfterOldPodsGone(after) => out.raw("end", format!("{{ after_old_pods_gone = \"{after}\" }}")),
    }
    out.raw("replications", run.replications);
    out.raw("seed", run.seed);
}

fn cluster(out: &mut Out, cluster: &ClusterSpec) {
    out.table("cluster");
    out.quoted("version", cluster.version);
    out.raw("nodes", cluster.nodes);
    out.quoted("size", names::CLUSTER_SIZE.of(cluster.size));
    out.raw("services", cluster.services);
    out.raw("endpoints", cluster.endpoints);
    out.quoted("cni", names::CNI.of(cluster.cni));
    out.quoted("kernel", cluster.kernel);
    out.raw("zones", cluster.zones);
}

fn service(out: &mut Out, service: &ServiceSpec) {
    out.table("service");
    out.quoted("kind", names::SERVICE_KIND.of(service.kind));
    out.quoted("external_traffic_policy", names::TRAFFIC_POLICY.of(service.external_traffic_policy));
    out.quoted("internal_traffic_policy", names::TRAFFIC_POLICY.of(service.internal_traffic_policy));
    out.quoted("session_affinity", names::SESSION_AFFINITY.of(service.session_affinity));
    out.quoted("session_affinity_timeout", service.session_affinity_timeout);
    out.quoted("traffic_distribution", names::TRAFFIC_DISTRIBUTION.of(service.traffic_distribution));
}

fn deployment(out: &mut Out, deployment: &DeploymentSpec) {
    out.table("deployment");
    out.raw("replicas", deployment.replicas);
    out.fencepost("max_surge", deployment.max_surge);
    out.fencepost("max_unavailable", deployment.max_unavailable);
    out.quoted("min_ready", deployment.min_ready);
    out.quoted("progress_deadline", deployment.progress_deadline);
    out.quoted("pod_replacement_policy", names::POD_REPLACEMENT_POLICY.of(deployment.pod_replacement_policy));
}

fn pod(out: &mut Out, pod: &PodSpec) {
    out.table("pod");
    out.quoted("termination_grace_period", pod.termination_grace_period);
    nodes::settled_requests(out, &pod.requests);
    out.raw("boot", &pod.boot);
    match &pod.readiness_probe {
        Some(spec) => probe(out, "readiness_probe", spec),
        None => out.line("# no readiness_probe: Ready as soon as the container runs"),
    }
    for (name, spec) in [("startup_probe", &pod.startup_probe), ("liveness_probe", &pod.liveness_probe)] {
        spec.iter().for_each(|spec| probe(out, name, spec));
    }
    out.table("pod.pre_stop");
    match pod.pre_stop {
        Some(hook) => pre_stop(out, hook),
        None => out.raw("sleep", "\"0s\" # no hook"),
    }
    if let Some(sidecar) = &pod.sidecar {
        out.table("pod.sidecar");
        out.quoted("kind", names::SIDECAR.of(sidecar.kind));
        out.quoted("pre_stop", sidecar.pre_stop);
        out.raw("drain", &sidecar.drain);
        out.raw("boot", &sidecar.boot);
        if let Some(probe) = &sidecar.startup_probe {
            out.table("pod.sidecar.startup_probe");
            out.quoted("initial_delay", probe.initial_delay);
            out.quoted("period", probe.period);
        }
    }
    server(out, &pod.server);
}

fn probe(out: &mut Out, name: &str, probe: &ProbeSpec) {
    out.table(&format!("pod.{name}"));
    out.quoted("initial_delay", probe.initial_delay);
    out.quoted("period", probe.period);
    out.quoted("timeout", probe.timeout);
    out.raw("success_threshold", probe.success_threshold);
    out.raw("failure_threshold", probe.failure_threshold);
    probe.termination_grace_period.iter().for_each(|grace| out.quoted("termination_grace_period", grace));
}

fn pre_stop(out: &mut Out, hook: PreStop) {
    let (name, duration, fails) = (action_name(hook.action), hook.duration, hook.fails);
    match hook.action {
        PreStopAction::Sleep => out.quoted(name, duration),
        PreStopAction::Http => out.raw(name, format!("{{ duration = \"{duration}\", fails = {fails} }}")),
        PreStopAction::Exec => {
            let readiness = hook.fails_readiness;
            out.raw(name, format!("{{ duration = \"{duration}\", fails_readiness = {readiness}, fails = {fails} }}"));
        }
    }
}

fn server(out: &mut Out, server: &ServerSpec) {
    out.table("pod.server");
    out.quoted("profile", names::SERVER_PROFILE.of(server.profile));
    match server.workers {
        Some(workers) => out.raw("workers", workers),
        None => out.quoted("workers", "unlimited"),
    }
    out.raw("service_time", &server.service_time);
    out.quoted("response_time", server.response_time);
    out.raw("stall", &server.stall);
    server_capacity(out, server);
    match server.max_streams {
        Some(most) => out.raw("max_streams", most),
        None => out.quoted("max_streams", "none"),
    }
    out.raw("keep_alive_requests", server.keep_alive_requests);
    out.quoted("keep_alive_timeout", server.keep_alive_timeout);
    server_stop(out, server);
}

fn server_capacity(out: &mut Out, server: &ServerSpec) {
    out.quoted("discipline", names::DISCIPLINE.of(server.discipline));
    match server.cpu_limit {
        Some(limit) => {
            out.raw("cpu_limit", format!("{:?}", limit.cores));
            out.quoted("cpu_period", limit.period);
        }
        None => out.quoted("cpu_limit", "none"),
    }
    match server.in_flight_limit {
        Some(limit) => out.raw("in_flight_limit", limit),
        None => out.quoted("in_flight_limit", "none"),
    }
    out.raw("backlog", server.backlog);
    out.quoted("accepts", names::ACCEPTS.of(server.accepts));
    match server.warm_up {
        Some(WarmUp { slowdown, age, requests }) => {
            out.raw("warm_up", format!("{{ slowdown = {slowdown:?}, age = \"{age}\", requests = {requests} }}"));
        }
        None => out.raw("warm_up", "{ slowdown = 1.0 } # none"),
    }
}

fn server_stop(out: &mut Out, server: &ServerSpec) {
    out.quoted("on_stop", names::STOP_BEHAVIOUR.of(server.on_stop));
    out.quoted("new_connections", names::NEW_CONNECTIONS.of(server.new_connections));
    out.quoted("idle", names::IDLE.of(server.idle));
    out.quoted("in_flight", names::IN_FLIGHT.of(server.in_flight));
    out.quoted("queued", names::QUEUED.of(server.queued));
    out.raw("connection_close", server.connection_close);
    match server.drain_poll {
        Some(longest) => out.quoted("drain_poll", longest),
        None => out.quoted("drain_poll", "none"),
    }
    out.quoted("keeps_new", server.keeps_new);
    match &server.drain_limit {
        Some(limit) => out.raw("drain_limit", limit),
        None => out.quoted("drain_limit", "none"),
    }
    server.probe_service_time.iter().for_each(|time| out.raw("probe_service_time", time));
    match server.lame_duck {
        Some(LameDuck { wait, fails_readiness, connection_close }) => out.raw(
            "lame_duck",
            format!(
                "{{ wait = \"{wait}\", fails_readiness = {fails_readiness}, connection_close = {connection_close} }}"
            ),
        ),
        None => out.raw("lame_duck", "{ wait = \"0s\" } # none"),
    }
}

fn kube_proxy(out: &mut Out, proxy: &KubeProxySpec) {
    out.table("kube_proxy");
    out.quoted("mode", names::PROXY_MODE.of(proxy.mode));
    out.quoted("iptables_backend", names::IPTABLES_BACKEND.of(proxy.iptables_backend));
    out.quoted("min_sync_period", proxy.min_sync_period);
    out.quoted("sync_period", proxy.sync_period);
    out.raw("expire_nodest_conn", proxy.expire_nodest_conn);
    out.raw("initial_tokens", format!("[{:?}, {:?}]", proxy.initial_tokens.0, proxy.initial_tokens.1));
}

fn client(out: &mut Out, client: &ClientSpec) {
    out.line("\n[[clients]]");
    out.quoted("profile", names::CLIENT_PROFILE.of(client.profile));
    if !client.is_open() {
        out.raw("users", client.users);
        out.raw("connections", client.connections);
    }
    out.quoted("rate", client.rate);
    out.quoted("arrivals", client_profiles::arrival_names(client.profile).of(client.arrivals));
    out.raw("think_time", &client.think_time);
    settled_clients::load(out, client);
    out.quoted("protocol", names::CLIENT_PROTOCOL.of(client.protocol));
    out.quoted("balancing", names::CLIENT_BALANCING.of(client.balancing));
    out.quoted("via", names::VIA.of(client.via));
    out.quoted("traffic", names::TRAFFIC.of(client.traffic));
    out.quoted("method", names::METHOD.of(client.method));
    match client.idempotent {
        1.0 => out.raw("idempotent", true),
        0.0 => out.raw("idempotent", false),
        share => out.raw("idempotent", format!("{share:?}")),
    }
    out.raw("work", &client.work);
    match client.node {
        EntryNode::Spread => out.quoted("node", "spread"),
        EntryNode::Node(node) => out.raw("node", node.0),
    }
    out.raw("addresses", client.addresses);
    out.raw("local_ports", client.local_ports);
    match client.dns {
        ClientDns::CachedFor(time) => out.quoted("dns", time),
        dns => out.quoted("dns", names::CLIENT_DNS.of(dns)),
    }
    out.raw("keep_alive", client.keep_alive);
    out.raw("warm_up", client.warm_up);
    out.raw("catch_up", client.catch_up);
    out.quoted("latency_from", names::LATENCY_FROM.of(client.latency_from));
    out.raw("spread_to_end", client.spread_to_end);
    settled_clients::pool(out, &client.pool);
    client_failures(out, client);
}

fn client_failures(out: &mut Out, client: &ClientSpec) {
    out.quoted("retry", names::RETRY.of(client.retry));
    out.raw("notices_close", client.notices_close);
    out.raw("honours_connection_close", client.honours_connection_close);
    out.raw("closes_after_error", client.closes_after_error);
    out.raw("free_connect", client.free_connect);
    out.quoted("connect_timeout", client.connect_timeout);
    out.quoted("request_timeout", client.request_timeout);
    settled_clients::retries(out, client);
}

fn delays(out: &mut Out, scenario: &Scenario) {
    out.table("delays");
    all_delays(out, &scenario.delays.cluster);
    out.quoted("kp_background", scenario.delays.kp_background);
    nodes::settled(out, &scenario.nodes);
    for (node, zone) in &scenario.cluster.other_zones {
        out.table(&format!("nodes.{}", node.0));
        match zone {
            Some(zone) => out.raw("zone", zone.0),
            None => out.quoted("zone", "none"),
        }
    }
    for (node, delays) in scenario.delays.overrides() {
        out.table(&format!("nodes.{}.delays", node.0));
        all_delays(out, delays);
    }
}

fn all_delays(out: &mut Out, delays: &NodeDelays) {
    for &id in DelayId::ALL {
        out.line(&format!("{} = {} # {}", id.name(), delays.get(id), id.what()));
    }
}
