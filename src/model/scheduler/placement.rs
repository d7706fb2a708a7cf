//! Which nodes a pod can go to: pure.

use crate::ids::Revision;
use crate::model::spec::{NodesSpec, Requests, Spread};

/// What the scheduler knows of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NodeRoom {
    /// Pods of the workload, by template, terminating ones included.
    pub pods: [u32; 2],
    /// Those of them that are being deleted: they hold their room, but do not count where pods are spread.
    pub terminating: [u32; 2],
    /// `spec.unschedulable`.
    pub cordoned: bool,
}

impl NodeRoom {
    fn all(&self) -> u32 {
        self.pods.iter().sum()
    }

    /// Pods of a template that count where pods are spread. Source: plugin PodTopologySpread (mechanics 1.15).
    fn counted(&self, revision: Revision) -> u32 {
        self.pods[revision as usize] - self.terminating[revision as usize]
    }

    fn all_counted(&self) -> u32 {
        self.counted(Revision::Old) + self.counted(Revision::New)
    }
}

/// How many pods with these requests fit on a node. Source: scheduler plugin NodeResourcesFit.
pub fn capacity(nodes: &NodesSpec, requests: &Requests) -> u32 {
    let fits = |room: Option<u64>, each: u64| room.filter(|_| each > 0).map_or(u64::MAX, |room| room / each);
    let by_requests = fits(nodes.cpu, requests.cpu).min(fits(nodes.memory, requests.memory));
    u32::try_from(by_requests).unwrap_or(u32::MAX).min(nodes.pods.unwrap_or(u32::MAX))
}

/// The best of the nodes with room, by their numbers; none if the pod has to wait.
pub fn candidates(nodes: &[NodeRoom], capacity: u32, spread: Spread, revision: Revision) -> Vec<usize> {
    let open: Vec<usize> = (0..nodes.len()).filter(|&node| !nodes[node].cordoned).collect();
    // A cordoned node counts with the pods that it has: `nodeTaintsPolicy` is Ignore unless the constraint says otherwise.
    let least_of_all = nodes.iter().map(NodeRoom::all_counted).min();
    let fits = |node: &usize| {
        let skewed = spread == Spread::Strict && least_of_all.is_some_and(|least| nodes[*node].all_counted() > least);
        nodes[*node].all() < capacity && !skewed
    };
    let score = |node: usize| match spread {
        Spread::LeastPods | Spread::Strict => (nodes[node].all(), 0),
        Spread::Template => (nodes[node].counted(revision), nodes[node].all()),
    };
    let fitting: Vec<usize> = open.into_iter().filter(fits).collect();
    let best = fitting.iter().map(|&node| score(node)).min();
    fitting.into_iter().filter(|&node| Some(score(node)) == best).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(old: u32, new: u32) -> NodeRoom {
        NodeRoom { pods: [old, new], ..NodeRoom::default() }
    }

    /// Mechanics 1.15: a node of 3920m holds 7 pods of 500m.
    #[test]
    fn requests_and_slots_limit_a_node() {
        let nodes = NodesSpec { cpu: Some(3_920), pods: Some(110), ..NodesSpec::default() };
        assert_eq!(capacity(&nodes, &Requests { cpu: 500, memory: 0 }), 7);
        assert_eq!(capacity(&NodesSpec { pods: Some(5), ..nodes }, &Requests { cpu: 500, memory: 0 }), 5);
        assert_eq!(capacity(&nodes, &Requests::default()), 110);
    }

    #[test]
    fn spreading_looks_at_all_pods_or_at_those_of_the_template() {
        let nodes = [room(2, 0), room(0, 1), room(1, 1)];
        let found = |spread| candidates(&nodes, 10, spread, Revision::New);
        assert_eq!(found(Spread::LeastPods), [1]);
        assert_eq!(found(Spread::Template), [0]);
        assert_eq!(candidates(&nodes, 1, Spread::LeastPods, Revision::New), [0; 0]);
        let cordoned = [NodeRoom { cordoned: true, ..nodes[1] }, nodes[0]];
        assert_eq!(candidates(&cordoned, 10, Spread::LeastPods, Revision::New), [1]);
        assert_eq!(candidates(&[room(1, 0), room(3, 0)], 1, Spread::Strict, Revision::New), [0; 0]);
    }

    /// It went anywhere, and left a node without a pod.
    #[test]
    fn a_pod_takes_the_place_of_one_that_terminates_where_they_are_spread_by_host() {
        let leaves = NodeRoom { terminating: [1, 0], ..room(1, 0) };
        let nodes = [room(1, 0), leaves, room(1, 0)];
        let found = |spread, most| candidates(&nodes, most, spread, Revision::New);
        assert_eq!(found(Spread::Strict, 10), [1]);
        assert_eq!(found(Spread::LeastPods, 10), [0, 1, 2]);
        assert_eq!(found(Spread::Strict, 1), [0; 0], "it holds its room until it is gone");
    }

    /// The others took its pods.
    #[test]
    fn a_drained_node_holds_the_others_back_where_pods_are_spread_by_host() {
        let nodes = [NodeRoom { cordoned: true, ..room(0, 0) }, room(1, 0), room(1, 0)];
        let found = |spread| candidates(&nodes, 10, spread, Revision::New);
        assert_eq!((found(Spread::Strict), found(Spread::LeastPods)), (vec![], vec![1, 2]));
    }
}
