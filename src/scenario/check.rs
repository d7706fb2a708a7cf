//! Checks across keys. What Kubernetes itself would refuse is an error; what it accepts but an operator would want to
//! know is a hazard, a warning that never stops anything. Each has a constructor that holds its wording.

use crate::ids::Layer;
use crate::model::spec::{
    ClientSpec, End, EntryNode, FaultKind, PreStop, PreStopAction, Protocol, ProxyMode, ScalingMetric, Scenario,
    ServiceKind, Strategy, TargetKind, Traffic, TrafficDistribution, TrafficPolicy, WorkloadKind,
};
use crate::scenario::diagnostic::{Problem, Severity, warning};
use crate::scenario::dist::reach;
use crate::scenario::log::{Draft, Fault, Log};
use crate::scenario::no_effect;
use crate::scenario::pod::action_name;
use crate::scenario::source::Source;
use crate::scenario::tree::Table;
use crate::units::{IntOrPercent, SimDuration, Version};

/// More requests than this in one replication would not fit into memory.
const MOST_REQUESTS: f64 = 1e9;

/// Connections of all clients together, and requests that open-loop clients may have under way at once.
const MOST_CONNECTIONS: f64 = 1e5;
const MOST_UNDER_WAY: f64 = 1e6;

const GRACE: &str = "pod.termination_grace_period";

/// Reports contradictions between values that are each right.
pub(super) fn contradictions(log: &Log, root: &Table, scenario: &Scenario) {
    let found = [
        fenceposts_both_zero(scenario),
        sleep_beyond_grace(scenario),
        deadline_within_min_ready(scenario),
        sync_periods_crossed(scenario),
        mode_too_new(scenario),
        external_policy_inside(scenario),
        target_without_address(scenario, Layer::LoadBalancer),
        target_without_address(scenario, Layer::Ingress),
        internal_policy_too_new(scenario),
        traffic_distribution_too_new(scenario),
        stall_of_what_shares(scenario),
        replacement_policy_too_new(scenario),
        old_pods_do_not_fit(scenario),
        size_of_a_set_changes(scenario),
        utilisation_without_request(scenario),
        too_many_requests(scenario),
        too_many_connections(scenario),
        too_many_under_way(scenario),
    ];
    for contradiction in found.into_iter().flatten() {
        report(log, root, contradiction);
    }
}

/// Utilisation is a share of what a pod requests: without that the metric is invalid.
fn utilisation_without_request(scenario: &Scenario) -> Option<Contradiction> {
    let by_cpu = scenario.autoscaler.is_some_and(|spec| spec.metric == ScalingMetric::Cpu);
    let message = "`autoscaler.metric` is \"cpu\", but the pods request none";
    (by_cpu && scenario.pod.requests.cpu == 0).then(|| Contradiction {
        key: "autoscaler",
        other: "pod.requests.cpu",
        fault: Fault::new("utilisation-without-request", message).help("set pod.requests.cpu, such as \"500m\""),
    })
}

/// Two keys that cannot both be as they are.
#[derive(Debug)]
struct Contradiction {
    key: &'static str,
    other: &'static str,
    fault: Fault,
}

/// Silent if one of the two is wrong by itself: then its default was compared, not what the user means.
fn report(log: &Log, root: &Table, found: Contradiction) {
    if log.is_wrong(found.key) || log.is_wrong(found.other) {
        return;
    }
    let at = |key| root.at(key).map(|node| node.at);
    let (first, second) = (at(found.key), at(found.other));
    let (place, other) = if first.is_some() { (first, second) } else { (second, None) };
    let fault = Fault { at: place, ..found.fault };
    log.push(Draft { severity: Severity::Error, key: found.key.to_owned(), fault, other });
}

const fn is_zero(fencepost: IntOrPercent) -> bool {
    matches!(fencepost, IntOrPercent::Int(0) | IntOrPercent::Percent(0))
}

/// Only as written: shares that come out as 0 are mended by the Deployment controller.
fn fenceposts_both_zero(scenario: &Scenario) -> Option<Contradiction> {
    let deployment = &scenario.deployment;
    let message = "`deployment.max_unavailable` and `deployment.max_surge` cannot both be 0: no pod could be replaced";
    (is_zero(deployment.max_surge) && is_zero(deployment.max_unavailable)).then(|| Contradiction {
        key: "deployment.max_unavailable",
        other: "deployment.max_surge",
        fault: Fault::new("fenceposts-zero", message).help("Kubernetes refuses this too; set one of them to 1"),
    })
}

fn sleep_beyond_grace(scenario: &Scenario) -> Option<Contradiction> {
    let (hook, grace) = (scenario.pod.pre_stop?, scenario.pod.termination_grace_period);
    let message = format!("`pod.pre_stop.sleep` is {}, longer than the grace period of {grace}", hook.duration);
    (hook.action == PreStopAction::Sleep && hook.duration > grace).then(|| Contradiction {
        key: "pod.pre_stop.sleep",
        other: GRACE,
        fault: Fault::new("sleep-beyond-grace", message)
            .help("Kubernetes refuses this too; raise pod.termination_grace_period or sleep less"),
    })
}

fn deadline_within_min_ready(scenario: &Scenario) -> Option<Contradiction> {
    let (deadline, min_ready) = (scenario.deployment.progress_deadline, scenario.deployment.min_ready);
    let message = format!("`deployment.progress_deadline` is {deadline}, not longer than min_ready, {min_ready}");
    (deadline <= min_ready).then(|| Contradiction {
        key: "deployment.progress_deadline",
        other: "deployment.min_ready",
        fault: Fault::new("deadline-within-min-ready", message).help("Kubernetes refuses this too"),
    })
}

fn sync_periods_crossed(scenario: &Scenario) -> Option<Contradiction> {
    let (low, high) = (scenario.kube_proxy.min_sync_period, scenario.kube_proxy.sync_period);
    let message = format!("`kube_proxy.min_sync_period` is {low}, longer than sync_period, {high}");
    (low > high).then(|| Contradiction {
        key: "kube_proxy.min_sync_period",
        other: "kube_proxy.sync_period",
        fault: Fault::new("sync-periods-crossed", message).help("kube-proxy refuses this too"),
    })
}

fn mode_too_new(scenario: &Scenario) -> Option<Contradiction> {
    let message = format!("`kube_proxy.mode` = \"nftables\" is not in Kubernetes {}", scenario.cluster.version);
    let too_new = scenario.kube_proxy.mode == ProxyMode::Nftables && scenario.cluster.version < Version::minor(29);
    too_new.then(|| Contradiction {
        key: "kube_proxy.mode",
        other: "cluster.version",
        fault: Fault::new("too-new", message).help("it came with 1.29, and is on by default since 1.31"),
    })
}

fn external_policy_inside(scenario: &Scenario) -> Option<Contradiction> {
    let service = &scenario.service;
    let local = service.external_traffic_policy == TrafficPolicy::Local;
    let message = "`service.external_traffic_policy` = \"local\" needs a Service that is reached from outside";
    (local && !service.kind.is_externally_accessible()).then(|| Contradiction {
        key: "service.external_traffic_policy",
        other: "service.kind",
        fault: Fault::new("policy-inside", message)
            .help("Kubernetes refuses this too; for traffic from pods there is internal_traffic_policy"),
    })
}

/// What shares a processor is not modelled while the process does not answer.
fn stall_of_what_shares(scenario: &Scenario) -> Option<Contradiction> {
    let server = &scenario.pod.server;
    let (other, what) = match server.cpu_limit {
        Some(_) => ("pod.server.cpu_limit", "a limit of CPU time"),
        None => ("pod.server.discipline", "processor sharing"),
    };
    let message = format!("`pod.server.stall` cannot stand beside {what} in this version");
    (server.shares() && !server.stall.is_zero()).then(|| Contradiction {
        key: "pod.server.stall",
        other,
        fault: Fault::new("conflict", message).help("use boot: a process that does not listen yet"),
    })
}

/// Behind nodes and Service addresses stand kube-proxy's rules, and a headless Service has none.
fn target_without_address(scenario: &Scenario, layer: Layer) -> Option<Contradiction> {
    let key = match layer {
        Layer::LoadBalancer => "load_balancer.target",
        Layer::Ingress => "ingress.target",
    };
    let (target, reached_by) = match scenario.balancer(layer)?.target {
        TargetKind::Instance => ("instance", "at a port of each node"),
        TargetKind::Service => ("service", "at an address of its own"),
        TargetKind::Ip | TargetKind::Ingress => return None,
    };
    let message = format!(
        "`{key}` = \"{target}\" needs a Service that is reached {reached_by}, but `service.kind` is \"headless\": every \
         request would be lost"
    );
    (scenario.service.kind == ServiceKind::Headless).then(|| Contradiction {
        key,
        other: "service.kind",
        fault: Fault::new("target-without-address", message)
            .help("use target = \"ip\", or service.kind = \"node_port\""),
    })
}

fn internal_policy_too_new(scenario: &Scenario) -> Option<Contradiction> {
    let local = scenario.service.internal_traffic_policy == TrafficPolicy::Local;
    let message = format!("`service.internal_traffic_policy` is not in Kubernetes {}", scenario.cluster.version);
    (local && scenario.cluster.version < Version::minor(22)).then(|| Contradiction {
        key: "service.internal_traffic_policy",
        other: "cluster.version",
        fault: Fault::new("too-new", message).help("it is on by default since 1.22"),
    })
}

fn traffic_distribution_too_new(scenario: &Scenario) -> Option<Contradiction> {
    let since = match scenario.service.traffic_distribution {
        TrafficDistribution::None => Version::OLDEST,
        TrafficDistribution::PreferClose => Version::minor(31),
        TrafficDistribution::PreferSameZone | TrafficDistribution::PreferSameNode => Version::minor(34),
    };
    let message = format!("this `service.traffic_distribution` is not in Kubernetes {}", scenario.cluster.version);
    (scenario.cluster.version < since).then(|| Contradiction {
        key: "service.traffic_distribution",
        other: "cluster.version",
        fault: Fault::new("too-new", message).help(format!("it is on by default since {since}")),
    })
}

fn old_pods_do_not_fit(scenario: &Scenario) -> Option<Contradiction> {
    let fits = |room: Option<u64>, each: u64| room.filter(|_| each > 0).map_or(u64::MAX, |room| room / each);
    let (nodes, requests) = (&scenario.nodes, &scenario.pod.requests);
    let slots = nodes.pods.map_or(u64::MAX, u64::from);
    let most = fits(nodes.cpu, requests.cpu).min(fits(nodes.memory, requests.memory)).min(slots);
    let needed = u64::from(scenario.deployment.replicas.div_ceil(scenario.cluster.nodes));
    let message = format!("a node of `[nodes]` holds {most} pods, but {needed} are on one before the rollout");
    (needed > most).then(|| Contradiction {
        key: "nodes",
        other: "cluster.nodes",
        fault: Fault::new("no-room", message).help("raise cluster.nodes or what a node holds"),
    })
}

fn size_of_a_set_changes(scenario: &Scenario) -> Option<Contradiction> {
    let scales = scenario
        .all_faults()
        .any(|fault| matches!(fault, FaultKind::Scale { .. } | FaultKind::Pause | FaultKind::Resume));
    let recreates = scenario.strategy() == Strategy::Recreate;
    let message = "a StatefulSet or DaemonSet is neither scaled, paused nor recreated here: only a Deployment is";
    (scenario.workload != WorkloadKind::Deployment && (scales || recreates)).then(|| Contradiction {
        key: "workload.kind",
        other: "faults",
        fault: Fault::new("deployment-only", message).help("remove the fault, or use workload.kind = \"deployment\""),
    })
}

fn replacement_policy_too_new(scenario: &Scenario) -> Option<Contradiction> {
    let version = scenario.cluster.version;
    let message = format!("`deployment.pod_replacement_policy` is not in Kubernetes {version}");
    (scenario.deployment.replaces_after_termination() && version < Version::minor(36)).then(|| Contradiction {
        key: "deployment.pod_replacement_policy",
        other: "cluster.version",
        fault: Fault::new("too-new", message).help("it came with 1.36, behind a gate"),
    })
}

fn too_many_requests(scenario: &Scenario) -> Option<Contradiction> {
    let rate: f64 = scenario.clients.iter().map(|client| scenario.offered_rate(client)).sum();
    let requests = rate * scenario.horizon().as_secs_f64();
    let message = format!("all `clients` together send {requests:.0} requests in a run: at most {MOST_REQUESTS:.0}");
    (requests > MOST_REQUESTS).then(|| Contradiction {
        key: "clients",
        other: "run.duration",
        fault: Fault::new("too-many-requests", message).help("lower the rates or run.duration"),
    })
}

fn too_many_connections(scenario: &Scenario) -> Option<Contradiction> {
    let all: f64 = scenario.clients.iter().map(|client| f64::from(client.users) * f64::from(client.connections)).sum();
    let message = format!("all `clients` together have {all:.0} connections: at most {MOST_CONNECTIONS:.0}");
    (all > MOST_CONNECTIONS).then(|| Contradiction {
        key: "clients",
        other: "clients",
        fault: Fault::new("too-many-connections", message).help("lower their connections"),
    })
}

/// An open loop sends whatever became of the earlier requests: at worst each waits for both of its timeouts.
fn too_many_under_way(scenario: &Scenario) -> Option<Contradiction> {
    let open = scenario.clients.iter().filter(|client| client.is_open());
    let horizon = scenario.horizon();
    let patience = |client: &ClientSpec| (client.connect_timeout + client.request_timeout).min(horizon).as_secs_f64();
    let worst: f64 = open.map(|client| client.rate.as_per_second() * patience(client)).sum();
    let message = format!("open `clients` may have {worst:.0} requests under way at once: at most {MOST_UNDER_WAY:.0}");
    (worst > MOST_UNDER_WAY).then(|| Contradiction {
        key: "clients",
        other: "clients",
        fault: Fault::new("too-many-under-way", message).help("lower the rates or the timeouts"),
    })
}

/// What a scenario should be told about though it can be run. Without places: the scenario may not come from a file.
pub fn hazards(scenario: &Scenario) -> Vec<Problem> {
    let hazards = [
        no_readiness_probe(scenario),
        scenario.pod.pre_stop.and_then(hook_fails),
        scenario.pod.pre_stop.and_then(|hook| hook_not_below_grace(hook, scenario.pod.termination_grace_period)),
        readiness_slower_than_grace(scenario),
        fenceposts_round_to_one(scenario),
        rollout_may_not_fit(scenario),
        nodes_without_endpoint(scenario),
        keep_alive_below_balancer(scenario, Layer::LoadBalancer),
        keep_alive_below_balancer(scenario, Layer::Ingress),
        gate_stays_shut(scenario, Layer::LoadBalancer),
        gate_stays_shut(scenario, Layer::Ingress),
        trace_beyond_run(scenario),
        no_effect::unused_balancer(scenario, Layer::LoadBalancer),
        no_effect::unused_balancer(scenario, Layer::Ingress),
    ];
    hazards.into_iter().flatten().chain(not_whole_seconds(scenario)).collect()
}

/// The hazards of a scenario that was read from this tree: some can be told from the text only.
pub(super) fn all_hazards(source: &Source, root: &Table, scenario: &Scenario) -> Vec<Problem> {
    let mut hazards = hazards(scenario);
    hazards.extend(no_effect::warnings(source, root, scenario));
    hazards.extend(sleep_runs_as_exec(root, scenario));
    hazards
}

fn sleep_runs_as_exec(root: &Table, scenario: &Scenario) -> Option<Problem> {
    let hook = scenario.pod.pre_stop?;
    let message =
        format!("Kubernetes {} has no sleep action: it is run as the command `sleep`", scenario.cluster.version);
    let help = "the image needs a `sleep`; starting it takes delays.hook_exec_start";
    let written = root.at("pod.pre_stop.sleep").is_some() && hook.action == PreStopAction::Exec;
    written.then(|| warning("sleep-runs-as-exec", "pod.pre_stop.sleep", message, help))
}

fn no_readiness_probe(scenario: &Scenario) -> Option<Problem> {
    let message = "the pods have no readiness probe: they are Ready as soon as the container runs, before it listens";
    let help = "add [pod.readiness_probe]";
    scenario
        .pod
        .readiness_probe
        .is_none()
        .then(|| warning("no-readiness-probe", "pod.readiness_probe", message.to_owned(), help))
}

/// Kubernetes' own fields for these hold whole seconds.
fn not_whole_seconds(scenario: &Scenario) -> Vec<Problem> {
    let pod = &scenario.pod;
    let fields = vec![(GRACE, pod.termination_grace_period), ("deployment.min_ready", scenario.deployment.min_ready)];
    let mut fields: Vec<_> = fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    for (name, probe) in
        [("readiness", &pod.readiness_probe), ("startup", &pod.startup_probe), ("liveness", &pod.liveness_probe)]
    {
        let Some(probe) = probe else { continue };
        let key = |key: &str| format!("pod.{name}_probe.{key}");
        fields.push((key("initial_delay"), probe.initial_delay));
        fields.push((key("period"), probe.period));
        fields.push((key("timeout"), probe.timeout));
        fields.extend(probe.termination_grace_period.map(|grace| (key("termination_grace_period"), grace)));
    }
    fields.retain(|(_, value)| *value != SimDuration::from_secs(value.as_whole_secs()));
    let told = |(key, value): (String, SimDuration)| {
        let message = format!("{value} is simulated as it stands, but Kubernetes takes whole seconds here");
        warning("not-whole-seconds", key, message, "write whole seconds to see what a cluster would do")
    };
    fields.into_iter().map(told).collect()
}

fn hook_key(hook: PreStop) -> String {
    format!("pod.pre_stop.{}", action_name(hook.action))
}

fn hook_fails(hook: PreStop) -> Option<Problem> {
    let message = "the preStop hook fails: the stop signal follows at once, as if there were none".to_owned();
    hook.fails.then(|| warning("hook-fails", hook_key(hook), message, "make sure the image has what the hook runs"))
}

fn hook_not_below_grace(hook: PreStop, grace: SimDuration) -> Option<Problem> {
    let late = !hook.fails && hook.duration >= grace;
    let message = format!(
        "the preStop hook takes {}, the whole grace period of {grace}: the server has no time left",
        hook.duration
    );
    let help = "raise pod.termination_grace_period above the hook plus the time to drain";
    late.then(|| warning("hook-not-below-grace", hook_key(hook), message, help))
}

fn readiness_slower_than_grace(scenario: &Scenario) -> Option<Problem> {
    let probe = scenario.pod.readiness_probe.as_ref()?;
    let (unready, grace) = (probe.period * u64::from(probe.failure_threshold), scenario.pod.termination_grace_period);
    let message =
        format!("a failing readiness probe takes {unready} to be noticed, longer than the grace period, {grace}");
    let help = "harmless for deleted pods, which leave the Service without it; but a hook cannot rely on the probe";
    (unready > grace).then(|| warning("readiness-slower-than-grace", "pod.readiness_probe", message, help))
}

/// The Deployment controller rounds surge up and unavailable down; if both come out as 0, one pod may be unavailable.
fn fenceposts_round_to_one(scenario: &Scenario) -> Option<Problem> {
    let deployment = &scenario.deployment;
    let IntOrPercent::Percent(percent) = deployment.max_unavailable else { return None };
    let rounds_to_zero = u64::from(percent) * u64::from(deployment.replicas) < 100;
    let message = format!(
        "{percent}% of {} replicas is less than one pod: without surge, one becomes unavailable",
        deployment.replicas
    );
    (rounds_to_zero && is_zero(deployment.max_surge)).then(|| {
        warning("fenceposts-round-to-one", "deployment.max_unavailable", message, "set max_surge = 1 to keep all pods")
    })
}

/// Without a load balancer's health check in front, what enters at such a node is lost.
fn nodes_without_endpoint(scenario: &Scenario) -> Option<Problem> {
    let (replicas, nodes) = (scenario.deployment.replicas, scenario.cluster.nodes);
    let local = scenario.service.external_traffic_policy == TrafficPolicy::Local && replicas < nodes;
    let enters = |client: &ClientSpec| client.traffic == Traffic::External && client.node == EntryNode::Spread;
    let message =
        format!("{replicas} pods on {nodes} nodes: with policy Local a node without a pod drops what enters there");
    (local && scenario.clients.iter().any(enters)).then(|| {
        let help = "raise deployment.replicas, or let clients enter at one node with a pod: clients.0.node = 0";
        warning("nodes-without-endpoint", "service.external_traffic_policy", message, help)
    })
}

fn rollout_may_not_fit(scenario: &Scenario) -> Option<Problem> {
    let End::Duration(duration) = scenario.run.end else { return None };
    let at = reach(&scenario.rollout_at);
    let message = format!("the rollout may begin at {at}, when the clients have stopped ({duration})");
    (at >= duration).then(|| warning("rollout-may-not-fit", "rollout.at", message, "raise run.duration"))
}

/// A target that closes idle connections before its balancer does is met by requests that cross its FIN.
fn keep_alive_below_balancer(scenario: &Scenario, layer: Layer) -> Option<Problem> {
    let (balancer, server) = (scenario.balancer(layer)?, scenario.pod.server.keep_alive_timeout);
    let (key, kept) = ("pod.server.keep_alive_timeout", balancer.upstream.keep_alive_timeout);
    let reaches_pods = balancer.protocol == Protocol::Http && balancer.target != TargetKind::Ingress;
    let races = reaches_pods && balancer.upstream.keep_alive > 0 && server <= kept;
    let message = format!("the pods close idle connections after {server}, the balancer in front of them after {kept}");
    let help = "let the pods wait longer than the balancer: a request that crosses the end of its connection is lost";
    races.then(|| warning("keep-alive-below-balancer", key, message, help))
}

/// Pods are told healthy only by a balancer that knows them.
fn gate_stays_shut(scenario: &Scenario, layer: Layer) -> Option<Problem> {
    let balancer = scenario.balancer(layer)?;
    let key = if layer == Layer::Ingress { "ingress.readiness_gate" } else { "load_balancer.readiness_gate" };
    let shut = balancer.readiness_gate && balancer.target != TargetKind::Ip;
    let message = "new pods wait for a balancer that does not know them: they never become Ready".to_owned();
    shut.then(|| warning("gate-stays-shut", key, message, "use target = \"ip\", or readiness_gate = false"))
}

/// Requests that a trace asks for when the clients have stopped are not sent.
fn trace_beyond_run(scenario: &Scenario) -> Option<Problem> {
    let End::Duration(duration) = scenario.run.end else { return None };
    let late = |client: &ClientSpec| client.trace.iter().filter(|at| **at >= duration).count();
    let (index, client) = scenario.clients.iter().enumerate().find(|(_, client)| late(client) > 0)?;
    let (late, all) = (late(client), client.trace.len());
    let message = format!("{late} of the {all} requests of the trace come after the run's {duration} and are not sent");
    Some(warning(
        "trace-beyond-run",
        format!("clients.{index}.trace"),
        message,
        "set run.duration to the time that the trace takes",
    ))
}

#[cfg(test)]
mod tests {
    use crate::scenario::{Source, read};

    /// The codes of what is found, errors or else warnings.
    fn check(text: &str, expected: &[&str]) {
        let problems = match read(&Source::new("a.toml", text), &[]) {
            Ok((_, warnings)) => warnings,
            Err(errors) => errors,
        };
        let codes: Vec<_> = problems.iter().map(|problem| problem.code).collect();
        assert_eq!(codes, expected, "{text}");
    }

    /// A scenario without hazards but for the lines given.
    fn check_with(extra: &str, expected: &[&str]) {
        check(&format!("pod.readiness_probe = {{ period = \"1s\" }}\n{extra}"), expected);
    }

    #[test]
    fn what_kubernetes_refuses_is_refused() {
        check_with("deployment = { max_surge = 0, max_unavailable = \"0%\" }", &["fenceposts-zero"]);
        check_with("pod.pre_stop.sleep = \"31s\"", &["sleep-beyond-grace"]);
        check_with("deployment.min_ready = \"10m\"", &["deadline-within-min-ready"]);
        check_with("kube_proxy.min_sync_period = \"31s\"", &["sync-periods-crossed"]);
        check_with("cluster.version = \"1.28\"\nkube_proxy.mode = \"nftables\"", &["too-new"]);
        check_with("cluster.version = \"1.21\"\nservice.internal_traffic_policy = \"local\"", &["too-new"]);
        check_with("cluster.version = \"1.30\"\nservice.traffic_distribution = \"prefer_close\"", &["too-new"]);
        check_with("cluster.version = \"1.33\"\nservice.traffic_distribution = \"prefer_same_node\"", &["too-new"]);
        check_with("service = { kind = \"headless\", external_traffic_policy = \"local\" }", &["policy-inside"]);
        check_with("run.duration = \"24h\"\nclients = [{ rate = \"20000/s\" }]", &["too-many-requests"]);
    }

    /// Of a headless Service nothing is known to the rules of the nodes: all requests were lost, without a word.
    #[test]
    fn a_balancer_that_sends_by_rules_was_accepted_in_front_of_a_headless_service() {
        let place = |text: &str| {
            let errors = read(&Source::new("a.toml", text), &[]).unwrap_err();
            let [error] = &errors[..] else { panic!("{errors:?}") };
            assert!(error.is_error() && error.code == "target-without-address", "{error:?}");
            assert!(error.help.as_deref().is_some_and(|help| help.contains("target = \"ip\"")), "{error:?}");
            assert!(error.message.contains("needs a Service that is reached at"), "{error:?}");
            let (place, other) = (error.place.clone().unwrap(), error.other.clone().unwrap());
            (place.line, place.column, other.line, other.column)
        };
        let balancer = "[load_balancer]\ntarget = \"instance\"\n[[clients]]\nvia = \"load_balancer\"\n";
        assert_eq!(place(&format!("service.kind = \"headless\"\n{balancer}")), (3, 10, 1, 16));
        let ingress = "[ingress]\n  target = \"service\"\n[service]\nkind = \"headless\"\n";
        assert_eq!(place(ingress), (2, 12, 4, 8));
        check_with("service.kind = \"headless\"\ningress = {}\nclients = [{ via = \"ingress\" }]", &[]);
        check_with("load_balancer = { target = \"instance\" }\nclients = [{ via = \"load_balancer\" }]", &[]);
    }

    #[test]
    fn a_default_in_place_of_a_wrong_value_contradicts_nothing() {
        check_with("pod.pre_stop.sleep = \"31s\"\npod.termination_grace_period = 60", &["missing-unit"]);
        check_with("clients = [{ rate = \"20000/s\" }]\nrun.duration = \"25h\"", &["out-of-range"]);
    }

    #[test]
    fn hazards_are_warnings() {
        check("name = \"a\"", &["no-readiness-probe"]);
        check_with("", &[]);
        check_with("pod.pre_stop.sleep = \"30s\"", &["hook-not-below-grace"]);
        check_with("pod.pre_stop.exec.duration = \"40s\"", &["hook-not-below-grace"]);
        check_with("pod.pre_stop.exec = { fails = true }", &["hook-fails"]);
        check_with("cluster.version = \"1.28\"\npod.pre_stop.sleep = \"5s\"", &["sleep-runs-as-exec"]);
        check("pod.readiness_probe = { failure_threshold = 4 }", &["readiness-slower-than-grace"]);
        check_with("deployment = { replicas = 3, max_surge = 0 }", &["fenceposts-round-to-one"]);
        check_with("deployment = { replicas = 4, max_surge = 0 }", &[]);
        check_with("rollout.at = { uniform = [\"0s\", \"60s\"] }", &["rollout-may-not-fit"]);
        check_with("deployment.min_ready = \"1500ms\"", &["not-whole-seconds"]);
        let local = "service.external_traffic_policy = \"local\"\ncluster.nodes = 2\n";
        check_with(local, &["nodes-without-endpoint"]);
        check_with(&format!("{local}deployment.replicas = 2"), &[]);
        check_with(&format!("{local}clients = [{{ node = 0 }}]"), &[]);
        let ingress = "clients = [{ via = \"ingress\" }]\ningress = {}\n";
        check_with(&format!("{ingress}pod.server.keep_alive_timeout = \"30s\""), &["keep-alive-below-balancer"]);
        check_with(ingress, &[]);
        let gate = "ingress = { target = \"service\", readiness_gate = true }\nclients = [{ via = \"ingress\" }]";
        check_with(gate, &["gate-stays-shut"]);
        check_with("rollout.at = { exponential = { mean = \"10s\" } }", &[]);
    }
}
