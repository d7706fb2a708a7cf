//! `[[clients]]`: each profile is a row of defaults (mechanics 7.2), each parameter can be overridden.

use crate::ids::NodeId;
use crate::model::spec::{Arrivals, ClientProfile, ClientSpec, EntryNode, Method, Retry, Via};
use crate::scenario::log::Fault;
use crate::scenario::names;
use crate::scenario::reader::Fields;
use crate::scenario::tree::{Node, Value};
use crate::scenario::values::{Names, period, rate, truth, whole, wrong_type};
use crate::units::{Rate, SimDuration};

/// More clients than this nobody measures with.
const MOST_CLIENTS: usize = 1_000;

/// Which balancers the scenario has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ways {
    pub(super) ingress: bool,
    pub(super) load_balancer: bool,
}

/// What the scenario says, or one fortio client.
pub(super) fn clients(fields: &mut Fields<'_>, nodes: u32, ways: Ways) -> Vec<ClientSpec> {
    if let Some(fault) = too_many(fields) {
        let at = fields.entry("clients").map(|entry| entry.node.at);
        if let Some(at) = at {
            fields.error("clients", at, fault);
        }
        return vec![profile_defaults(ClientProfile::Fortio)];
    }
    let clients = fields.each("clients", |fields| client(fields, nodes, ways));
    match clients {
        Some(clients) if !clients.is_empty() => clients,
        Some(_) => {
            refuse_none(fields);
            vec![profile_defaults(ClientProfile::Fortio)]
        }
        None => vec![profile_defaults(ClientProfile::Fortio)],
    }
}

fn too_many(fields: &mut Fields<'_>) -> Option<Fault> {
    let Value::Array(items) = &fields.entry("clients")?.node.value else { return None };
    let message = format!("must be at most {MOST_CLIENTS} clients, found {}", items.len());
    let fault = || Fault::new("out-of-range", message).help("give one client more connections or a higher rate");
    (items.len() > MOST_CLIENTS).then(fault)
}

fn refuse_none(fields: &mut Fields<'_>) {
    let Some(entry) = fields.entry("clients") else { return };
    if matches!(&entry.node.value, Value::Array(items) if items.is_empty()) {
        let fault = Fault::new("missing-key", "needs at least one client");
        fields.error("clients", entry.node.at, fault.help("remove the key: then one fortio client sends"));
    }
}

fn client(fields: &mut Fields<'_>, nodes: u32, ways: Ways) -> ClientSpec {
    let profile = fields.or("profile", |node| names::CLIENT_PROFILE.parse(node), ClientProfile::Fortio);
    let row = profile_defaults(profile);
    let method = fields.or("method", |node| names::METHOD.parse(node), row.method);
    ClientSpec {
        profile,
        connections: connections(fields, &row),
        rate: fields.or("rate", rate, row.rate),
        arrivals: fields.or("arrivals", |node| arrivals(node, profile), row.arrivals),
        via: fields.or("via", |node| via(node, ways), row.via),
        method,
        idempotent: fields.or("idempotent", truth, method.is_idempotent()),
        node: fields.or("node", |node| entry_node(node, nodes), row.node),
        keep_alive: fields.or("keep_alive", truth, row.keep_alive),
        warm_up: fields.or("warm_up", truth, row.warm_up),
        spread_to_end: fields.or("spread_to_end", truth, row.spread_to_end),
        retry: fields.or("retry", |node| names::RETRY.parse(node), row.retry),
        notices_close: fields.or("notices_close", truth, row.notices_close),
        honours_connection_close: fields.or("honours_connection_close", truth, row.honours_connection_close),
        free_connect: fields.or("free_connect", truth, row.free_connect),
        connect_timeout: fields.or("connect_timeout", period, row.connect_timeout),
        request_timeout: fields.or("request_timeout", period, row.request_timeout),
    }
}

fn connections(fields: &mut Fields<'_>, row: &ClientSpec) -> u32 {
    if row.profile == ClientProfile::Open {
        let fault = Fault::new("not-settable", "is not for an open client: it opens the connections it needs");
        fields.refuse("connections", fault.help("remove it, or use profile = \"paced\""));
        return row.connections;
    }
    fields.or("connections", whole(1..=100_000), row.connections)
}

/// The ways of arriving that a profile can have: closed loops pace their connections, open loops do not.
pub(super) const fn arrival_names(profile: ClientProfile) -> Names<Arrivals> {
    match profile {
        ClientProfile::Open => names::OPEN_ARRIVALS,
        ClientProfile::Fortio | ClientProfile::Paced => names::PACED_ARRIVALS,
    }
}

fn arrivals(node: &Node, profile: ClientProfile) -> Result<Arrivals, Fault> {
    let name = names::CLIENT_PROFILE.of(profile);
    let fault = |fault: Fault| match profile {
        ClientProfile::Open => fault.help_unless("together and staggered are for the profiles fortio and paced"),
        _ => fault.help_unless("constant and poisson are for profile = \"open\""),
    };
    arrival_names(profile)
        .parse(node)
        .map_err(|wrong| fault(Fault { message: format!("of the profile \"{name}\" {}", wrong.message), ..wrong }))
}

/// A way that exists.
fn via(node: &Node, ways: Ways) -> Result<Via, Fault> {
    let via = names::VIA.parse(node)?;
    let missing = match via {
        Via::Ingress if !ways.ingress => "ingress",
        Via::LoadBalancer if !ways.load_balancer => "load_balancer",
        _ => return Ok(via),
    };
    let fault = Fault::new("missing-key", format!("is \"{missing}\", but the scenario has no [{missing}]"));
    Err(fault.help(format!("add [{missing}], or use via = \"service\"")))
}

fn entry_node(node: &Node, nodes: u32) -> Result<EntryNode, Fault> {
    match &node.value {
        Value::Text(text) if text == "spread" => Ok(EntryNode::Spread),
        Value::Whole(..) => match whole(0..=i128::from(nodes) - 1)(node) {
            Ok(number) => Ok(EntryNode::Node(NodeId(number))),
            Err(fault) => Err(fault.help(format!("the cluster has {nodes} nodes, counted from 0"))),
        },
        _ => Err(wrong_type("\"spread\" or the number of a node", node)),
    }
}

/// The client table's row.
fn profile_defaults(profile: ClientProfile) -> ClientSpec {
    let paced = ClientSpec {
        profile,
        connections: 8,
        rate: per_second(500),
        arrivals: Arrivals::Staggered,
        via: Via::Service,
        method: Method::Get,
        idempotent: true,
        node: EntryNode::Spread,
        keep_alive: true,
        warm_up: false,
        spread_to_end: false,
        retry: Retry::None,
        notices_close: true,
        honours_connection_close: true,
        free_connect: false,
        connect_timeout: SimDuration::from_secs(3),
        request_timeout: SimDuration::from_secs(3),
    };
    match profile {
        ClientProfile::Paced => paced,
        // It opens what it needs; the number is not read.
        ClientProfile::Open => ClientSpec { connections: 1, arrivals: Arrivals::Poisson, ..paced },
        ClientProfile::Fortio => ClientSpec {
            connections: 4,
            rate: per_second(8),
            arrivals: Arrivals::Together,
            warm_up: true,
            spread_to_end: true,
            retry: Retry::ReusedOnce,
            notices_close: false,
            honours_connection_close: false,
            ..paced
        },
    }
}

fn per_second(number: u32) -> Rate {
    Rate::per_second(f64::from(number)).unwrap_or(Rate::ZERO)
}
