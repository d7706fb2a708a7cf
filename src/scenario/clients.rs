//! `[[clients]]`: each profile is a row of defaults (mechanics 7.2), each parameter can be overridden.

use crate::ids::NodeId;
use crate::model::spec::{Arrivals, ClientDns, ClientProfile, ClientSpec, EntryNode, ServiceKind, Traffic, Via};
use crate::scenario::dist::dist;
use crate::scenario::log::Fault;
use crate::scenario::reader::Fields;
use crate::scenario::tree::{Node, Value};
use crate::scenario::values::{period, rate, truth, whole, wrong_type};
use crate::scenario::{client_load, client_profiles, client_rules, names};

/// More clients than this nobody measures with.
const MOST_CLIENTS: usize = 1_000;

/// By which ways requests can reach the pods: the Service, and which balancers there are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ways {
    pub(super) service: ServiceKind,
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
        return vec![client_profiles::row(ClientProfile::Fortio, ways.service)];
    }
    let clients = fields.each("clients", |fields| client(fields, nodes, ways));
    match clients {
        Some(clients) if !clients.is_empty() => clients,
        Some(_) => {
            refuse_none(fields);
            vec![client_profiles::row(ClientProfile::Fortio, ways.service)]
        }
        None => vec![client_profiles::row(ClientProfile::Fortio, ways.service)],
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
    let row = client_profiles::row(profile, ways.service);
    let method = fields.or("method", |node| names::METHOD.parse(node), row.method);
    let arrivals = fields.or("arrivals", |node| arrivals(node, profile), row.arrivals);
    let is_open = ClientSpec { arrivals, ..row.clone() }.is_open();
    let spec = ClientSpec {
        profile,
        users: closed_only(fields, "users", is_open, row.users),
        connections: closed_only(fields, "connections", is_open, row.connections),
        rate: fields.or("rate", rate, row.rate),
        arrivals,
        think_time: fields.or("think_time", dist, row.think_time),
        burst: fields.optional("burst", |fields| client_load::burst(fields, row.burst)).unwrap_or(row.burst),
        shape: client_load::shape(fields, row.shape),
        trace: client_load::trace(fields, arrivals),
        traffic: fields.or("traffic", |node| traffic(node, ways.service), row.traffic),
        protocol: fields.or("protocol", |node| names::CLIENT_PROTOCOL.parse(node), row.protocol),
        balancing: fields.or("balancing", |node| names::CLIENT_BALANCING.parse(node), row.balancing),
        via: fields.or("via", |node| via(node, ways), row.via),
        method,
        idempotent: fields.or("idempotent", client_rules::idempotent, f64::from(method.is_idempotent())),
        work: fields.or("work", client_rules::work, row.work),
        node: fields.or("node", |node| entry_node(node, nodes), row.node),
        addresses: fields.or("addresses", whole(1..=100_000), row.addresses),
        local_ports: fields.or("local_ports", whole(1..=64_512), row.local_ports),
        dns: fields.or("dns", client_dns, row.dns),
        keep_alive: fields.or("keep_alive", truth, row.keep_alive),
        warm_up: fields.or("warm_up", truth, row.warm_up),
        catch_up: fields.or("catch_up", truth, row.catch_up),
        latency_from: fields.or("latency_from", |node| names::LATENCY_FROM.parse(node), row.latency_from),
        spread_to_end: fields.or("spread_to_end", truth, row.spread_to_end),
        retry: fields.or("retry", |node| names::RETRY.parse(node), row.retry),
        retries: fields.optional("retries", client_rules::retries).or(row.retries),
        hedging: fields.optional("hedging", client_rules::hedging).or(row.hedging),
        reconnect: fields.optional("reconnect", client_rules::reconnect).or(row.reconnect),
        stops_on: fields.or("stops_on", client_rules::failures, row.stops_on),
        pool: client_rules::pool(fields, row.pool),
        notices_close: fields.or("notices_close", truth, row.notices_close),
        honours_connection_close: fields.or("honours_connection_close", truth, row.honours_connection_close),
        closes_after_error: fields.or("closes_after_error", truth, row.closes_after_error),
        free_connect: fields.or("free_connect", truth, row.free_connect),
        connect_timeout: fields.or("connect_timeout", period, row.connect_timeout),
        request_timeout: fields.or("request_timeout", period, row.request_timeout),
    };
    refuse_streams(fields, &spec);
    refuse_hedging(fields, &spec);
    spec
}

/// Streams are modelled of open loops that reach pods over connections of their own.
fn refuse_streams(fields: &Fields<'_>, spec: &ClientSpec) {
    let what = match () {
        () if !spec.multiplexes() => return,
        () if !spec.is_open() => "a closed loop: use open-loop arrivals",
        () if spec.via != Via::Service => "a client of a balancer: use via = \"service\"",
        () if !spec.keep_alive => "keep_alive = false: streams share a connection that is kept",
        () => return,
    };
    fields.complain(Fault::new("not-modelled", format!("has protocol = \"http2\", which is not modelled with {what}")));
}

/// A second attempt needs a connection of its own, and rules of its own.
fn refuse_hedging(fields: &Fields<'_>, spec: &ClientSpec) {
    if spec.hedging.is_some() && !spec.is_open() {
        let fault = "has `hedging`, which is not modelled with a closed loop: use open-loop arrivals";
        fields.complain(Fault::new("not-modelled", fault));
    } else if spec.hedging.is_some() && (spec.retries.is_some() || !spec.stops_on.is_empty()) {
        let fault = Fault::new("conflict", "has `hedging` and also `retries` or `stops_on`");
        fields.complain(fault.help("keep one of them: a request that fails is sent again at once by hedging"));
    }
}

/// A number of users or of connections.
fn closed_only(fields: &mut Fields<'_>, key: &str, is_open: bool, default: u32) -> u32 {
    if is_open {
        let fault = Fault::new("not-settable", "is not for an open client: it opens the connections it needs");
        fields.refuse(key, fault.help("remove it, or use profile = \"paced\""));
        return default;
    }
    fields.or(key, whole(1..=100_000), default)
}

fn arrivals(node: &Node, profile: ClientProfile) -> Result<Arrivals, Fault> {
    let name = names::CLIENT_PROFILE.of(profile);
    let fault = |fault: Fault| match profile {
        ClientProfile::Open | ClientProfile::Vegeta => {
            fault.help_unless("together, staggered, spaced and think are for closed loops, such as profile = \"paced\"")
        }
        _ => fault
            .help_unless("constant, poisson, bursty, daily and trace are for open loops, such as profile = \"open\""),
    };
    client_profiles::arrival_names(profile)
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

/// Only some kinds of Service can be reached from outside.
fn traffic(node: &Node, service: ServiceKind) -> Result<Traffic, Fault> {
    let traffic = names::TRAFFIC.parse(node)?;
    if traffic == Traffic::External && !service.is_externally_accessible() {
        let message =
            format!("= \"external\" does not reach a Service of kind \"{}\"", names::SERVICE_KIND.of(service));
        return Err(Fault::new("conflict", message).help("use service.kind = \"node_port\" or \"load_balancer\""));
    }
    Ok(traffic)
}

/// When the client resolves again, or the length of its own cache.
fn client_dns(node: &Node) -> Result<ClientDns, Fault> {
    let is_duration = matches!(&node.value, Value::Text(text) if text.starts_with(|c: char| c.is_ascii_digit()));
    if is_duration {
        return period(node).map(ClientDns::CachedFor);
    }
    names::CLIENT_DNS.parse(node).map_err(|fault| fault.help_unless("or the length of the client's own cache: \"30s\""))
}
