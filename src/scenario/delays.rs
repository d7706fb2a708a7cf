//! `[delays]` and `[nodes.N.delays]`: what differs from the reference's delay table.

use crate::dist::Dist;
use crate::ids::NodeId;
use crate::model::spec::{ClusterSpec, DelayId, Delays, NodeDelays};
use crate::scenario::dist::dist;
use crate::scenario::log::Fault;
use crate::scenario::reader::Fields;
use crate::scenario::values::rate_or_none;
use crate::units::Rate;

/// Changes a second of other Services where the scenario says nothing.
const KP_BACKGROUND: f64 = 0.2;

pub(super) fn delays(fields: &mut Fields<'_>, cluster: &ClusterSpec) -> Delays {
    let mut delays = fields.section("delays", |fields| cluster_delays(fields, cluster));
    let nodes = fields.section("nodes", |fields| nodes(fields, cluster.nodes));
    for (node, (id, dist)) in nodes.into_iter().flat_map(|(node, list)| list.into_iter().map(move |item| (node, item)))
    {
        delays.set_on(node, id, dist);
    }
    delays
}

fn cluster_delays(fields: &mut Fields<'_>, cluster: &ClusterSpec) -> Delays {
    let mut table = NodeDelays::defaults(cluster.size, cluster.version);
    for (id, value) in each_delay(fields) {
        table.set(id, value);
    }
    let background = Rate::per_second(KP_BACKGROUND).unwrap_or(Rate::ZERO);
    Delays::new(table, fields.or("kp_background", rate_or_none, background))
}

/// The delays a table sets, in the order of the delay table.
fn each_delay(fields: &mut Fields<'_>) -> Vec<(DelayId, Dist)> {
    refuse_both_names(fields);
    let mut set: Vec<_> = DelayId::ALL.iter().filter_map(|&id| Some((id, fields.get(id.name(), dist)?))).collect();
    // `stop` is the short name of one of them.
    if let (Some(id), true) = (DelayId::by_name("stop"), fields.has("stop")) {
        set.extend(fields.get("stop", dist).map(|value| (id, value)));
    }
    set
}

fn refuse_both_names(fields: &mut Fields<'_>) {
    let (Some(long), true) = (fields.entry(DelayId::StopRpc.name()), fields.has("stop")) else { return };
    if let Some(short) = fields.entry("stop") {
        let fault = Fault::new("conflict", "is another name of `stop_rpc`: keep one");
        fields.contradict("stop", short.at, fault, long.at);
    }
}

/// The nodes that differ, in the order of their numbers.
fn nodes(fields: &mut Fields<'_>, n_nodes: u32) -> Vec<(NodeId, Vec<(DelayId, Dist)>)> {
    let mut nodes: Vec<_> = fields.names().map(|name| (name, number_of(name, n_nodes))).collect();
    nodes.sort_by_key(|(_, number)| *number);
    nodes.into_iter().filter_map(|(name, number)| one_node(fields, name, number, n_nodes)).collect()
}

fn number_of(name: &str, n_nodes: u32) -> Option<u32> {
    // `01` would be a second name of the same node.
    name.parse().ok().filter(|number: &u32| *number < n_nodes && number.to_string() == name)
}

fn one_node(
    fields: &mut Fields<'_>,
    name: &str,
    number: Option<u32>,
    n_nodes: u32,
) -> Option<(NodeId, Vec<(DelayId, Dist)>)> {
    let Some(number) = number else {
        let fault = Fault::new("unknown-node", "is no node");
        fields.refuse(name, fault.help(format!("the cluster has {n_nodes} nodes, counted from 0: [nodes.0.delays]")));
        return None;
    };
    let list = fields.section(name, |node| node.section("delays", each_delay));
    Some((NodeId(number), list))
}
