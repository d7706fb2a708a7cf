//! The elements of the data plane that choose pods: the rules of nodes, and the lists of balancers' workers. Which of
//! them clients go through, and what share of the load enters at each.

use crate::ids::{Element, Layer, NodeId, ReplicaId};
use crate::model::spec::{BalancerSpec, Scenario, TargetKind, Via};

/// Elements by number: nodes first, then the workers of each balancer, replica by replica.
#[derive(Debug, Clone, Copy)]
pub(super) struct Elements<'s> {
    scenario: &'s Scenario,
}

impl<'s> Elements<'s> {
    pub(super) fn of(scenario: &'s Scenario) -> Self {
        Elements { scenario }
    }

    /// How many there are.
    pub(super) fn count(self) -> usize {
        self.nodes() + self.workers(Layer::LoadBalancer) + self.workers(Layer::Ingress)
    }

    fn nodes(self) -> usize {
        self.scenario.cluster.nodes as usize
    }

    fn workers(self, layer: Layer) -> usize {
        self.scenario.balancer(layer).map_or(0, |balancer| (balancer.replicas * balancer.workers) as usize)
    }

    fn first(self, layer: Layer) -> usize {
        match layer {
            Layer::LoadBalancer => self.nodes(),
            Layer::Ingress => self.nodes() + self.workers(Layer::LoadBalancer),
        }
    }

    /// The number of a worker of a replica.
    pub(super) fn worker(self, replica: ReplicaId, worker: u16) -> usize {
        let workers = self.scenario.balancer(replica.layer).map_or(1, |balancer| balancer.workers as usize);
        self.first(replica.layer) + replica.index() * workers + usize::from(worker)
    }

    /// Which elements choose pods for requests that go this way, with their shares. `nodes` is the share of a client of the
    /// Service that enters at each node.
    pub(super) fn chosen_by(self, via: Via, nodes: &[(NodeId, f64)]) -> Vec<(usize, f64)> {
        match (via, &self.scenario.load_balancer, &self.scenario.ingress) {
            (Via::LoadBalancer, Some(balancer), Some(ingress)) if balancer.target == TargetKind::Ingress => {
                self.of_balancer(Layer::Ingress, ingress)
            }
            (Via::LoadBalancer, Some(balancer), _) => self.of_balancer(Layer::LoadBalancer, balancer),
            (Via::Ingress, _, Some(ingress)) => self.of_balancer(Layer::Ingress, ingress),
            _ => nodes.iter().map(|(node, share)| (node.index(), *share)).collect(),
        }
    }

    fn of_balancer(self, layer: Layer, balancer: &BalancerSpec) -> Vec<(usize, f64)> {
        let equal = |elements: Vec<usize>| {
            let share = 1.0 / elements.len() as f64;
            elements.into_iter().map(|element| (element, share)).collect()
        };
        match balancer.target {
            TargetKind::Ip => equal((self.first(layer)..).take(self.workers(layer)).collect()),
            TargetKind::Instance => equal((0..self.nodes()).collect()),
            TargetKind::Service => {
                equal((0..balancer.replicas as usize).map(|replica| replica % self.nodes()).collect())
            }
            TargetKind::Ingress => Vec::new(),
        }
    }

    /// The elements that `counted` says, by their names.
    pub(super) fn named(self, counted: &[bool]) -> Vec<Element> {
        let nodes = (0..self.scenario.cluster.nodes).map(|node| Element::Node(NodeId(node)));
        let all = nodes.chain(self.workers_of(Layer::LoadBalancer)).chain(self.workers_of(Layer::Ingress));
        all.zip(counted).filter(|(_, counts)| **counts).map(|(element, _)| element).collect()
    }

    fn workers_of(self, layer: Layer) -> impl Iterator<Item = Element> {
        let (replicas, workers) =
            self.scenario.balancer(layer).map_or((0, 0), |balancer| (balancer.replicas, balancer.workers));
        (0..replicas).flat_map(move |number| {
            (0..workers as u16).map(move |worker| Element::Worker(ReplicaId { layer, number }, worker))
        })
    }

    /// Whether an element is one of those that `used` names, or a node beside such a node.
    pub(super) fn counts(self, used: &[(usize, f64)]) -> Vec<bool> {
        let nodes = used.iter().any(|(element, _)| *element < self.nodes());
        let is_used = |element: usize| used.iter().any(|(other, _)| *other == element);
        (0..self.count()).map(|element| if element < self.nodes() { nodes } else { is_used(element) }).collect()
    }
}
