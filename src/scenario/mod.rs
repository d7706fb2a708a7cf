//! Stand-in: knows name, seed, replications and whether there is a hook.

use serde::Serialize;

use crate::dist::Dist;
use crate::model::spec::*;
use crate::units::{IntOrPercent, Rate, SimDuration, Version};

/// A text to read.
#[derive(Debug, Clone)]
pub struct Source {
    name: String,
    bytes: Vec<u8>,
}

impl Source {
    /// A source with the name that problems show.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Source, Problem> {
        Ok(Source { name: name.into(), bytes: bytes.into() })
    }
}

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Refused.
    Error,
    /// Doubtful.
    Warning,
}

/// A problem.
#[derive(Debug, Clone, Serialize)]
pub struct Problem {
    /// How bad.
    pub severity: Severity,
    /// Which kind.
    pub code: &'static str,
    /// Dotted key.
    pub key: Option<String>,
    /// What is wrong.
    pub message: String,
    /// Where.
    pub place: String,
    /// What to do.
    pub help: Option<String>,
}

/// Reads a scenario.
pub fn read(source: &Source, sets: &[String]) -> Result<(Scenario, Vec<Problem>), Vec<Problem>> {
    let text = String::from_utf8_lossy(&source.bytes);
    let problem = |key: &str, message: String| Problem {
        severity: Severity::Error,
        code: "syntax",
        key: Some(key.to_owned()),
        message,
        place: source.name.clone(),
        help: None,
    };
    let table: toml::Table = text.parse().map_err(|e: toml::de::Error| vec![problem("", e.message().to_owned())])?;
    let mut scenario = plain();
    if let Some(name) = table.get("name").and_then(|name| name.as_str()) {
        scenario.name = name.to_owned();
    }
    if let Some(key) = table.keys().find(|key| key.contains("typo")) {
        return Err(vec![problem(key, "unknown key".into())]);
    }
    if table.get("pod").is_some_and(|pod| pod.get("pre_stop").is_some()) {
        scenario.pod.pre_stop = Some(PreStop {
            action: PreStopAction::Sleep,
            duration: SimDuration::from_secs(10),
            fails_readiness: false,
            fails: false,
        });
    }
    for set in sets {
        let (key, value) = set.split_once('=').ok_or_else(|| vec![problem(set, "not KEY=VALUE".into())])?;
        let number = || value.parse().map_err(|_| vec![problem(key, "not a number".into())]);
        match key {
            "run.seed" => scenario.run.seed = number()?,
            "run.replications" => scenario.run.replications = number()? as u32,
            "kube_proxy.min_sync_period" => scenario.kube_proxy.min_sync_period = SimDuration::from_secs(1),
            _ => return Err(vec![problem(key, "unknown key".into())]),
        }
    }
    Ok((scenario, Vec::new()))
}

/// Problems as text.
pub fn render(problems: &[Problem], _color: bool) -> String {
    problems.iter().map(|problem| format!("{}: {:?}: {}\n", problem.place, problem.key, problem.message)).collect()
}

/// The scenario with all its defaults.
pub fn settled_toml(scenario: &Scenario) -> String {
    format!("name = \"{}\"\n", scenario.name)
}

fn plain() -> Scenario {
    let version = Version::minor(34);
    Scenario {
        name: "plain".into(),
        description: String::new(),
        run: RunSpec { end: End::Duration(SimDuration::from_secs(60)), replications: 1_000, seed: 1 },
        rollout_at: Dist::uniform_ms(10_000, 30_000),
        cluster: ClusterSpec { version, nodes: 1, size: ClusterSize::Small, services: 20, cni: Cni::Bridge },
        deployment: DeploymentSpec {
            replicas: 3,
            max_surge: IntOrPercent::Int(1),
            max_unavailable: IntOrPercent::Int(0),
            min_ready: SimDuration::ZERO,
            progress_deadline: SimDuration::from_secs(600),
        },
        pod: PodSpec {
            termination_grace_period: SimDuration::from_secs(30),
            boot: Dist::ZERO,
            readiness_probe: None,
            pre_stop: None,
            server: ServerSpec {
                profile: ServerProfile::NginxSigterm,
                workers: Some(1),
                service_time: Dist::ZERO,
                response_time: SimDuration::ZERO,
                keep_alive_requests: 1_000,
                keep_alive_timeout: SimDuration::from_secs(75),
                on_stop: StopBehaviour::Stops,
                in_flight: InFlightPolicy::Cut,
                queued: QueuedPolicy::Reset,
            },
        },
        service: ServiceSpec { kind: ServiceKind::NodePort },
        kube_proxy: KubeProxySpec {
            mode: ProxyMode::Iptables,
            iptables_backend: IptablesBackend::Legacy,
            min_sync_period: SimDuration::ZERO,
            sync_period: SimDuration::from_secs(30),
            initial_tokens: (2.0, 2.0),
        },
        clients: Vec::new(),
        delays: Delays::new(NodeDelays::defaults(ClusterSize::Small, version), Rate::ZERO),
        without: Mechanisms::NONE,
    }
}
