//! Who goes which way through a scenario: through which balancers, and by whose rules.

use crate::ids::Layer;
use crate::model::spec::{BalancerSpec, ClientSpec, Protocol, Scenario, ServiceKind, TargetKind, Traffic, Via};

/// The table that describes the balancer of a layer.
pub(super) const fn table(layer: Layer) -> &'static str {
    match layer {
        Layer::LoadBalancer => "load_balancer",
        Layer::Ingress => "ingress",
    }
}

/// Whether the requests of a client go through the balancer of a layer.
fn passes(scenario: &Scenario, client: &ClientSpec, layer: Layer) -> bool {
    let before = scenario.load_balancer.as_ref();
    match (client.via, layer) {
        (Via::Ingress, Layer::Ingress) | (Via::LoadBalancer, Layer::LoadBalancer) => true,
        (Via::LoadBalancer, Layer::Ingress) => before.is_some_and(|before| before.target == TargetKind::Ingress),
        _ => false,
    }
}

/// Whether a client's requests go through it, or new pods wait for it.
pub(super) fn is_used(scenario: &Scenario, layer: Layer) -> bool {
    let gates = scenario.balancer(layer).is_some_and(|spec| spec.readiness_gate && spec.target == TargetKind::Ip);
    gates || scenario.clients.iter().any(|client| passes(scenario, client, layer))
}

/// How else requests might have come to a balancer.
pub(super) const fn no_other_way(layer: Layer) -> &'static str {
    match layer {
        Layer::Ingress => ", and no load balancer that is used has the target \"ingress\"",
        Layer::LoadBalancer => "",
    }
}

/// The balancer that terminates the connections of a client, if one does.
pub(super) fn entry(scenario: &Scenario, client: &ClientSpec) -> Option<Layer> {
    let terminates = |layer| scenario.balancer(layer).is_some_and(|spec| spec.protocol == Protocol::Http);
    [Layer::LoadBalancer, Layer::Ingress]
        .into_iter()
        .find(|layer| passes(scenario, client, *layer) && terminates(*layer))
}

/// The clients whose connections end at the balancer of a layer.
pub(super) fn entering(scenario: &Scenario, layer: Layer) -> impl Iterator<Item = &ClientSpec> {
    scenario.clients.iter().filter(move |client| entry(scenario, client) == Some(layer))
}

pub(super) fn is_headless(scenario: &Scenario) -> bool {
    scenario.service.kind == ServiceKind::Headless
}

/// Whether a client resolves the name of a headless Service.
pub(super) fn resolves(scenario: &Scenario, client: &ClientSpec) -> bool {
    is_headless(scenario) && client.via == Via::Service
}

/// Whether kube-proxy's rules choose the pod of the client's own connections at the node where they enter.
pub(super) fn enters_at_a_node(scenario: &Scenario, client: &ClientSpec) -> bool {
    !is_headless(scenario) && client.via == Via::Service
}

/// Whether kube-proxy's rules see the client's own connections.
pub(super) fn meets_rules(scenario: &Scenario, client: &ClientSpec) -> bool {
    let forwarded = |spec: &BalancerSpec| spec.protocol == Protocol::Tcp && spec.target == TargetKind::Instance;
    let to_a_node = client.via == Via::LoadBalancer && scenario.load_balancer.as_ref().is_some_and(forwarded);
    enters_at_a_node(scenario, client) || to_a_node
}

/// Whether kube-proxy's rules see connections of this kind, of clients or of balancers.
pub(super) fn rules_see(scenario: &Scenario, traffic: Traffic) -> bool {
    let of_clients = scenario.clients.iter().any(|one| one.traffic == traffic && meets_rules(scenario, one));
    of_clients || [Layer::LoadBalancer, Layer::Ingress].into_iter().any(|layer| sends(scenario, layer) == Some(traffic))
}

/// Whether a result depends on the rules for this traffic: also exposures do, which follow that of the clients, whoever is
/// seen.
pub(super) fn rules_mind(scenario: &Scenario, traffic: Traffic) -> bool {
    let any_external = scenario.clients.iter().any(|client| client.traffic == Traffic::External);
    rules_see(scenario, traffic) || any_external == (traffic == Traffic::External)
}

/// Whether kube-proxy's rules see anything at all.
pub(super) fn rules_are_used(scenario: &Scenario) -> bool {
    [Traffic::Internal, Traffic::External].into_iter().any(|traffic| rules_see(scenario, traffic))
}

/// What the connections of a balancer that is used are to kube-proxy's rules, if they meet them.
fn sends(scenario: &Scenario, layer: Layer) -> Option<Traffic> {
    let spec = scenario.balancer(layer).filter(|_| is_used(scenario, layer))?;
    match (spec.target, spec.protocol) {
        (TargetKind::Instance, Protocol::Http) => Some(Traffic::External),
        (TargetKind::Service, _) => Some(Traffic::Internal),
        _ => None,
    }
}
