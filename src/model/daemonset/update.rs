//! Which pods a sync creates and deletes: pure, a function of the pods on each node.

use crate::ids::PodId;

/// A pod of one template on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DaemonPod {
    /// Which.
    pub pod: PodId,
    /// Being deleted.
    pub terminating: bool,
    /// Ready for `minReadySeconds`.
    pub available: bool,
}

/// The pods of the set on one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NodePods {
    /// Of the template before.
    pub old: Option<DaemonPod>,
    /// Of the template in force.
    pub new: Option<DaemonPod>,
}

/// What a sync does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Step {
    /// Nodes, by their places in the list, that get a pod of the template in force.
    pub create: Vec<usize>,
    /// Pods that go.
    pub delete: Vec<PodId>,
}

impl NodePods {
    fn is_available(&self) -> bool {
        [self.old, self.new].into_iter().flatten().any(|pod| pod.available && !pod.terminating)
    }

    fn is_empty(&self) -> bool {
        self.old.is_none() && self.new.is_none()
    }

    /// The old pod, unless it goes already.
    fn old_to_go(&self) -> Option<DaemonPod> {
        self.old.filter(|old| !old.terminating)
    }
}

/// What one sync does: nodes without a pod get one; then the update. Source: daemon_controller.go manage, update.go
/// rollingUpdate.
pub fn next_steps(nodes: &[NodePods], max_unavailable: u32, max_surge: u32) -> Step {
    let mut step = if max_surge == 0 { replace(nodes, max_unavailable) } else { surge(nodes, max_surge) };
    step.create.extend((0..nodes.len()).filter(|&node| nodes[node].is_empty()));
    step
}

/// Without surge: old pods that are not available go at once, others while few enough are unavailable.
fn replace(nodes: &[NodePods], max_unavailable: u32) -> Step {
    let unavailable = nodes.iter().filter(|node| !node.is_available()).count();
    let room = (max_unavailable as usize).saturating_sub(unavailable);
    let (available, broken): (Vec<_>, Vec<_>) =
        nodes.iter().filter_map(NodePods::old_to_go).partition(|old| old.available);
    let delete = broken.into_iter().chain(available.into_iter().take(room)).map(|old| old.pod).collect();
    Step { create: Vec::new(), delete }
}

/// With surge: a new pod beside the old one on so many nodes; the old one goes when the new one is available. Nodes whose
/// old pod is not available need not wait.
fn surge(nodes: &[NodePods], max_surge: u32) -> Step {
    let starts = |node: &&NodePods| node.old.is_some() && node.new.is_some_and(|new| !new.available);
    let room = (max_surge as usize).saturating_sub(nodes.iter().filter(starts).count());
    let waits = |node: &usize| nodes[*node].new.is_none() && nodes[*node].old_to_go().is_some();
    let (healthy, broken): (Vec<usize>, Vec<usize>) =
        (0..nodes.len()).filter(waits).partition(|&node| nodes[node].is_available());
    let done = nodes.iter().filter(|node| node.new.is_some_and(|new| new.available));
    Step {
        create: broken.into_iter().chain(healthy.into_iter().take(room)).collect(),
        delete: done.filter_map(NodePods::old_to_go).map(|old| old.pod).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each node by its old and its new pod: `a` available, `u` unavailable, `t` terminating, `-` none.
    fn check(nodes: &[&str], fenceposts: (u32, u32), created: &[usize], deleted: &[u32]) {
        let pod = |state: char, id: usize| {
            let pod = DaemonPod { pod: PodId(id as u32), terminating: state == 't', available: "at".contains(state) };
            (state != '-').then_some(pod)
        };
        let node = |(id, states): (usize, &&str)| {
            let mut states = states.chars();
            NodePods { old: pod(states.next().unwrap(), id), new: pod(states.next().unwrap(), 100 + id) }
        };
        let nodes: Vec<NodePods> = nodes.iter().enumerate().map(node).collect();
        let step = next_steps(&nodes, fenceposts.0, fenceposts.1);
        let delete = deleted.iter().map(|pod| PodId(*pod)).collect();
        assert_eq!(step, Step { create: created.to_vec(), delete });
    }

    #[test]
    fn one_node_at_a_time_and_unavailable_ones_first() {
        check(&["a-", "a-", "a-"], (1, 0), &[], &[0]);
        check(&["t-", "a-", "a-"], (1, 0), &[], &[]);
        check(&["--", "a-", "a-"], (1, 0), &[0], &[]);
        check(&["-u", "a-", "a-"], (1, 0), &[], &[]);
        check(&["-a", "a-", "u-"], (1, 0), &[], &[2]);
        check(&["-a", "a-", "a-"], (2, 0), &[], &[1, 2]);
    }

    #[test]
    fn with_surge_the_old_pod_goes_when_the_new_one_beside_it_is_available() {
        check(&["a-", "a-", "a-"], (0, 1), &[0], &[]);
        check(&["au", "a-", "a-"], (0, 1), &[], &[]);
        check(&["aa", "a-", "u-"], (0, 1), &[2, 1], &[0]);
        check(&["ta", "au", "a-"], (0, 1), &[], &[]);
    }
}
