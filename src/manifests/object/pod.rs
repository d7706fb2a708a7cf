//! Pod templates: containers, probes and hooks.

use super::Labels;
use crate::manifests::fields::{At, Fields, PortRef};
use crate::scenario::Spot;

/// `spec.template`.
#[derive(Debug, Clone)]
pub struct Pod {
    /// `metadata.labels`.
    pub labels: Labels,
    /// `metadata.annotations`.
    pub annotations: Labels,
    /// The pod's spec.
    pub at: Spot,
    /// `terminationGracePeriodSeconds`.
    pub grace: Option<At<u32>>,
    /// `containers`, in order.
    pub containers: Vec<Container>,
    /// Restartable init containers: native sidecars (KEP-753).
    pub sidecars: Vec<Container>,
    /// `readinessGates[].conditionType`.
    pub readiness_gates: Vec<At<String>>,
    /// `hostNetwork`.
    pub host_network: bool,
    /// `shareProcessNamespace`.
    pub shares_processes: bool,
    /// A volume is a PersistentVolumeClaim, which often only one pod can have.
    pub claims_volume: bool,
}

impl Pod {
    /// Whether a node has room for one of these pods only.
    pub fn takes_host_port(&self) -> bool {
        self.host_network || self.containers.iter().chain(&self.sidecars).any(|container| container.has_host_port)
    }
}

/// A container.
#[derive(Debug, Clone)]
pub struct Container {
    /// `name`.
    pub name: String,
    /// The name's place; the container's if it has none.
    pub at: Spot,
    /// `image`.
    pub image: Option<At<String>>,
    /// `command`, the image's entry point if empty.
    pub command: Vec<String>,
    /// Where `command` stands.
    pub command_at: Option<Spot>,
    /// `args`.
    pub args: Vec<String>,
    /// `ports[]`: number and name.
    pub ports: Vec<(u16, Option<String>)>,
    /// A port has a `hostPort`: one pod a node.
    pub has_host_port: bool,
    /// `readinessProbe`.
    pub readiness: Option<Probe>,
    /// `livenessProbe`.
    pub liveness: Option<Probe>,
    /// `startupProbe`.
    pub startup: Option<Probe>,
    /// `lifecycle.preStop`.
    pub pre_stop: Option<Hook>,
    /// `lifecycle.stopSignal` (KEP-4960).
    pub stop_signal: Option<At<String>>,
    /// `lifecycle.postStart`.
    pub post_start: Option<Hook>,
}

/// A probe.
#[derive(Debug, Clone)]
pub struct Probe {
    /// All of it.
    pub at: Spot,
    /// What it does; none if the text does not say.
    pub action: Option<ProbeAction>,
    /// `initialDelaySeconds`.
    pub initial_delay: Option<At<u32>>,
    /// `periodSeconds`.
    pub period: Option<At<u32>>,
    /// `timeoutSeconds`.
    pub timeout: Option<At<u32>>,
    /// `successThreshold`.
    pub success_threshold: Option<At<u32>>,
    /// `failureThreshold`.
    pub failure_threshold: Option<At<u32>>,
    /// `terminationGracePeriodSeconds` of the probe (KEP-2238).
    pub grace: Option<At<u32>>,
}

/// What a probe does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeAction {
    /// A GET.
    Http(Get),
    /// A connect.
    Tcp(Option<PortRef>),
    /// A command in the container.
    Exec(Vec<String>),
    /// gRPC's health check: its port and the service that is asked about.
    Grpc(Option<PortRef>, Option<String>),
}

/// `httpGet`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Get {
    /// Its path.
    pub path: String,
    /// To this port.
    pub port: Option<PortRef>,
    /// `HTTP` or `HTTPS`.
    pub scheme: Option<String>,
    /// To this host instead of the pod.
    pub host: Option<String>,
    /// `httpHeaders`, names and values.
    pub headers: Vec<(String, String)>,
}

/// `lifecycle.preStop` or `postStart`.
#[derive(Debug, Clone)]
pub struct Hook {
    /// All of it.
    pub at: Spot,
    /// What it does; none if the text does not say.
    pub action: Option<HookAction>,
}

/// What a hook does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookAction {
    /// The kubelet waits so many seconds (KEP-3960).
    Sleep(u32),
    /// A command in the container.
    Exec(Vec<String>),
    /// A GET to the container.
    Http(String),
    /// `tcpSocket`, which the kubelet has never carried out.
    Tcp,
}

/// The periods and thresholds that the API server fills in.
impl Probe {
    /// `initialDelaySeconds`.
    pub fn initial_delay_s(&self) -> u32 {
        self.initial_delay.map_or(0, |at| at.value)
    }

    /// `periodSeconds`.
    pub fn period_s(&self) -> u32 {
        filled(self.period, 10)
    }

    /// `timeoutSeconds`.
    pub fn timeout_s(&self) -> u32 {
        filled(self.timeout, 1)
    }

    /// `successThreshold`.
    pub fn successes(&self) -> u32 {
        filled(self.success_threshold, 1)
    }

    /// `failureThreshold`.
    pub fn failures(&self) -> u32 {
        filled(self.failure_threshold, 3)
    }

    /// Seconds from the first failing attempt to the last that counts, at the most.
    pub fn notices_after_s(&self) -> u64 {
        u64::from(self.period_s()) * u64::from(self.failures())
    }
}

/// 0 is filled in like an absent field.
fn filled(value: Option<At<u32>>, default: u32) -> u32 {
    value.map(|at| at.value).filter(|value| *value > 0).unwrap_or(default)
}

impl Container {
    /// Command and arguments as one line.
    pub fn words(&self) -> Vec<&str> {
        self.command.iter().chain(&self.args).map(String::as_str).collect()
    }

    /// Whether the container has this port.
    pub fn has_port(&self, port: &PortRef) -> bool {
        self.ports.iter().any(|(number, name)| match port {
            PortRef::Number(wanted) => number == wanted,
            PortRef::Named(wanted) => name.as_ref() == Some(wanted),
        })
    }
}

pub(super) fn pod(template: &Fields<'_>, spec: &Fields<'_>) -> Pod {
    let metadata = template.map("metadata");
    let strings = |name| metadata.as_ref().map(|metadata| metadata.strings(name)).unwrap_or_default();
    let restarts = |fields: &Fields<'_>| fields.text("restartPolicy").is_some_and(|policy| policy.value == "Always");
    let flag = |name| spec.truth(name).is_some_and(|flag| flag.value);
    let gates = spec.maps("readinessGates");
    Pod {
        labels: strings("labels"),
        annotations: strings("annotations"),
        at: spec.at(),
        grace: spec.whole("terminationGracePeriodSeconds", 0),
        containers: spec.maps("containers").iter().map(container).collect(),
        sidecars: spec.maps("initContainers").iter().filter(|fields| restarts(fields)).map(container).collect(),
        readiness_gates: gates.iter().filter_map(|gate| gate.text("conditionType")).collect(),
        host_network: flag("hostNetwork"),
        shares_processes: flag("shareProcessNamespace"),
        claims_volume: spec.maps("volumes").iter().any(|volume| volume.map("persistentVolumeClaim").is_some()),
    }
}

fn container(fields: &Fields<'_>) -> Container {
    let lifecycle = fields.map("lifecycle");
    let hooked = |name| lifecycle.as_ref().and_then(|lifecycle| lifecycle.map(name)).map(|fields| hook(&fields));
    let probed = |name| fields.map(name).map(|fields| probe(&fields));
    let name = fields.text("name");
    Container {
        at: name.as_ref().map_or(fields.at(), |name| name.at),
        name: name.map(|name| name.value).unwrap_or_default(),
        image: fields.text("image"),
        command: fields.texts("command"),
        command_at: fields.key_at("command").or_else(|| fields.key_at("args")),
        args: fields.texts("args"),
        ports: fields.maps("ports").iter().filter_map(container_port).collect(),
        has_host_port: fields.maps("ports").iter().any(|port| port.whole("hostPort", 1).is_some()),
        readiness: probed("readinessProbe"),
        liveness: probed("livenessProbe"),
        startup: probed("startupProbe"),
        pre_stop: hooked("preStop"),
        post_start: hooked("postStart"),
        stop_signal: lifecycle.as_ref().and_then(|lifecycle| lifecycle.text("stopSignal")),
    }
}

fn container_port(fields: &Fields<'_>) -> Option<(u16, Option<String>)> {
    let number = fields.whole("containerPort", 1)?;
    let name = fields.text("name").map(|name| name.value);
    u16::try_from(number.value).ok().map(|number| (number, name))
}

fn probe(fields: &Fields<'_>) -> Probe {
    Probe {
        at: fields.at(),
        action: probe_action(fields),
        initial_delay: fields.whole("initialDelaySeconds", 0),
        period: fields.whole("periodSeconds", 0),
        timeout: fields.whole("timeoutSeconds", 0),
        success_threshold: fields.whole("successThreshold", 0),
        failure_threshold: fields.whole("failureThreshold", 0),
        grace: fields.whole("terminationGracePeriodSeconds", 1),
    }
}

fn probe_action(fields: &Fields<'_>) -> Option<ProbeAction> {
    if let Some(exec) = fields.map("exec") {
        return Some(ProbeAction::Exec(exec.texts("command")));
    }
    if let Some(get) = fields.map("httpGet") {
        return Some(ProbeAction::Http(http_get(&get)));
    }
    if let Some(connect) = fields.map("tcpSocket") {
        return Some(ProbeAction::Tcp(connect.port("port")));
    }
    fields
        .map("grpc")
        .map(|grpc| ProbeAction::Grpc(grpc.port("port"), grpc.text("service").map(|service| service.value)))
}

fn http_get(get: &Fields<'_>) -> Get {
    let text = |fields: &Fields<'_>, name| fields.text(name).map(|text| text.value);
    let header = |header: &Fields<'_>| Some((text(header, "name")?, text(header, "value").unwrap_or_default()));
    Get {
        path: http_path(get),
        port: get.port("port"),
        scheme: text(get, "scheme"),
        host: text(get, "host"),
        headers: get.maps("httpHeaders").iter().filter_map(header).collect(),
    }
}

fn http_path(get: &Fields<'_>) -> String {
    get.text("path").map_or_else(|| "/".to_owned(), |path| path.value)
}

fn hook(fields: &Fields<'_>) -> Hook {
    Hook { at: fields.at(), action: hook_action(fields) }
}

fn hook_action(fields: &Fields<'_>) -> Option<HookAction> {
    if let Some(sleep) = fields.map("sleep") {
        return sleep.whole("seconds", 0).map(|seconds| HookAction::Sleep(seconds.value));
    }
    if let Some(exec) = fields.map("exec") {
        return Some(HookAction::Exec(exec.texts("command")));
    }
    if let Some(get) = fields.map("httpGet") {
        return Some(HookAction::Http(http_path(&get)));
    }
    fields.map("tcpSocket").map(|_| HookAction::Tcp)
}
