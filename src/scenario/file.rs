//! A whole scenario file, table by table, with its defaults: Kubernetes' own wherever Kubernetes has one.

use crate::model::spec::{End, Mechanism, Mechanisms, RunSpec, Scenario};
use crate::scenario::log::Fault;
use crate::scenario::reader::Fields;
use crate::scenario::sweep::{self, Sweep};
use crate::scenario::tree::Node;
use crate::scenario::values::{duration, items, period, text, whole};
use crate::scenario::{autoscaler, balancers, clients, cluster, delays, faults, pod, service, suggest, workload};
use crate::units::SimDuration;

/// Reads everything. `stem` names the scenario if the file does not.
pub(super) fn scenario(fields: &mut Fields<'_>, stem: &str) -> (Scenario, Option<Sweep>) {
    let name = fields.or("name", name, stem.to_owned());
    let description = fields.or("description", text, String::new());
    let run = fields.section("run", run);
    let mut cluster = fields.section("cluster", cluster::cluster);
    let (rollout_at, rollout_kind) = fields.section("rollout", |fields| faults::rollout(fields, cluster.nodes));
    let service = fields.section("service", service::service);
    let ingress = fields.optional("ingress", balancers::ingress);
    let load_balancer = fields.optional("load_balancer", |fields| balancers::load_balancer(fields, ingress.is_some()));
    let (has_ingress, has_load_balancer) = (ingress.is_some(), load_balancer.is_some());
    let ways = clients::Ways { service: service.kind, ingress: has_ingress, load_balancer: has_load_balancer };
    let clients = clients::clients(fields, cluster.nodes, ways);
    let (delays, nodes) = delays::delays(fields, &mut cluster);
    let (workload, deployment) = workload::workload(fields, cluster.version, cluster.nodes);
    let scenario = Scenario {
        name,
        description,
        run,
        rollout_at,
        rollout_kind,
        budget: fields.optional("pod_disruption_budget", faults::budget).flatten(),
        autoscaler: autoscaler::autoscaler(fields, &workload),
        nodes,
        faults: faults::faults(fields, cluster.nodes),
        workload,
        deployment,
        pod: fields.section("pod", |fields| pod::pod(fields, cluster.version)),
        service,
        dns: fields.section("dns", service::dns),
        kube_proxy: fields.section("kube_proxy", |fields| cluster::kube_proxy(fields, cluster.version)),
        load_balancer,
        ingress,
        clients,
        delays,
        without: fields.section("model", model),
        cluster,
    };
    let sweep = fields.optional("sweep", sweep::sweep);
    (scenario, sweep)
}

/// Names the folder of the results.
fn name(node: &Node) -> Result<String, Fault> {
    let name = text(node)?;
    let safe = name.chars().all(|c| c.is_alphanumeric() || "-_. ".contains(c));
    if name.is_empty() || name.len() > 100 || name.trim() != name || name.starts_with('.') || !safe {
        let message =
            format!("names a folder and must be 1 to 100 letters, digits, `-`, `_`, `.`, found {}", node.describe());
        return Err(Fault::new("bad-name", message));
    }
    Ok(name)
}

fn run(fields: &mut Fields<'_>) -> RunSpec {
    RunSpec {
        end: end(fields),
        replications: fields.or("replications", whole(1..=10_000_000), 1_000),
        seed: fields.or("seed", whole(0..=i128::from(u64::MAX)), 1),
    }
}

fn end(fields: &mut Fields<'_>) -> End {
    refuse_two_ends(fields);
    let duration = fields.or("duration", period, SimDuration::from_secs(60));
    match fields.optional("end", after_old_pods_gone).flatten() {
        Some(after) => End::AfterOldPodsGone(after),
        None => End::Duration(duration),
    }
}

fn after_old_pods_gone(fields: &mut Fields<'_>) -> Option<SimDuration> {
    if !fields.has("after_old_pods_gone") {
        fields.complain(Fault::new("missing-key", "needs the key `after_old_pods_gone`"));
    }
    fields.get("after_old_pods_gone", duration)
}

fn refuse_two_ends(fields: &mut Fields<'_>) {
    if let (Some(duration), Some(end)) = (fields.entry("duration"), fields.entry("end")) {
        let fault = Fault::new("conflict", "and `run.duration` both say when the clients stop: keep one");
        fields.contradict("end", end.at, fault, duration.at);
    }
}

fn model(fields: &mut Fields<'_>) -> Mechanisms {
    fields.or("without", mechanisms, Mechanisms::NONE)
}

fn mechanisms(node: &Node) -> Result<Mechanisms, Fault> {
    let names = items(node, "an array of mechanisms")?;
    names
        .iter()
        .try_fold(Mechanisms::NONE, |set, item| Ok(set.with(mechanism(item).map_err(|fault| fault.at(item.at))?)))
}

fn mechanism(node: &Node) -> Result<Mechanism, Fault> {
    let name = text(node)?;
    Mechanism::by_name(&name).ok_or_else(|| unknown_mechanism(&name, node))
}

fn unknown_mechanism(name: &str, node: &Node) -> Fault {
    let known = || Mechanism::ALL.into_iter().map(Mechanism::name);
    let fault = Fault::new("unknown-name", format!("has {}, which is no mechanism", node.describe()));
    match suggest::nearest(name, known()) {
        Some(near) => fault.help(format!("did you mean \"{near}\"?")),
        None => fault.help(format!("mechanisms are {}", known().collect::<Vec<_>>().join(", "))),
    }
}
