//! `[delays]` and `[nodes.N]`: what differs from the reference's delay table. `[nodes]` itself is read by the way.

use crate::dist::Dist;
use crate::ids::{NodeId, ZoneId};
use crate::model::spec::{ClusterSpec, DelayId, Delays, NodeDelays, NodesSpec};
use crate::scenario::dist::dist;
use crate::scenario::log::Fault;
use crate::scenario::nodes;
use crate::scenario::reader::Fields;
use crate::scenario::tree::{Node, Value};
use crate::scenario::values::{rate_or_none, whole, wrong_type};
use crate::units::Rate;

/// Changes a second of other Services where the scenario says nothing.
const KP_BACKGROUND: f64 = 0.2;

/// Also gives the cluster the zones that nodes name.
pub(super) fn delays(fields: &mut Fields<'_>, cluster: &mut ClusterSpec) -> (Delays, NodesSpec) {
    let mut delays = fields.section("delays", |fields| cluster_delays(fields, cluster));
    let (spec, nodes) = fields.section("nodes", |fields| (nodes::nodes(fields), nodes(fields, cluster.nodes)));
    for (node, zone, list) in nodes {
        cluster.other_zones.extend(zone.map(|zone| (node, zone)));
        list.into_iter().for_each(|(id, dist)| delays.set_on(node, id, dist));
    }
    (delays, spec)
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

/// What one node says for itself: its zone, and its delays.
type OneNode = (NodeId, Option<Option<ZoneId>>, Vec<(DelayId, Dist)>);

/// The nodes that differ, in the order of their numbers.
fn nodes(fields: &mut Fields<'_>, n_nodes: u32) -> Vec<OneNode> {
    let named = fields.names().filter(|name| !nodes::KEYS.contains(name));
    let mut nodes: Vec<_> = named.map(|name| (name, number_of(name, n_nodes))).collect();
    nodes.sort_by_key(|(_, number)| *number);
    nodes.into_iter().filter_map(|(name, number)| one_node(fields, name, number, n_nodes)).collect()
}

fn number_of(name: &str, n_nodes: u32) -> Option<u32> {
    // `01` would be a second name of the same node.
    name.parse().ok().filter(|number: &u32| *number < n_nodes && number.to_string() == name)
}

fn one_node(fields: &mut Fields<'_>, name: &str, number: Option<u32>, n_nodes: u32) -> Option<OneNode> {
    let Some(number) = number else {
        let fault = Fault::new("unknown-node", "is no node");
        fields.refuse(name, fault.help(format!("the cluster has {n_nodes} nodes, counted from 0: [nodes.0.delays]")));
        return None;
    };
    let read = |node: &mut Fields<'_>| (node.get("zone", zone), node.section("delays", each_delay));
    let (zone, list) = fields.section(name, read);
    Some((NodeId(number), zone, list))
}

/// The number of a zone, or that the node has no zone label.
fn zone(node: &Node) -> Result<Option<ZoneId>, Fault> {
    match &node.value {
        Value::Text(text) if text == "none" => Ok(None),
        Value::Whole(..) => whole(0..=999)(node).map(|number| Some(ZoneId(number))),
        _ => Err(wrong_type("the number of a zone, or \"none\"", node)),
    }
}
