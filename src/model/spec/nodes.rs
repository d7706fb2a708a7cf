//! What nodes hold, and what a pod asks of them.

/// `nodes.spread`: which node among those with room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Spread {
    /// The one with the fewest pods of the workload, whatever their template: most free requests.
    #[default]
    LeastPods,
    /// The one with the fewest pods of the same template, as the default constraints count, then as above.
    Template,
    /// A topology spread constraint by host with `maxSkew: 1` and `DoNotSchedule`.
    Strict,
}

/// `nodes.images`: when an image is pulled for a new pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Images {
    /// For every pod, each in its own time.
    #[default]
    EveryPod,
    /// For every pod, one pull after the other on a node (`serializeImagePulls`).
    EveryPodInSeries,
    /// For the first on a node; others there wait for that pull.
    FirstOnNode,
}

/// `[nodes]`: what every node has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NodesSpec {
    /// Allocatable CPU in thousandths; none is without limit.
    pub cpu: Option<u64>,
    /// Allocatable memory in bytes; none is without limit.
    pub memory: Option<u64>,
    /// Allocatable pods (`maxPods`); none is without limit.
    pub pods: Option<u32>,
    /// Which node a pod goes to.
    pub spread: Spread,
    /// When images are pulled.
    pub images: Images,
}

impl NodesSpec {
    /// Whether a node can be full.
    pub fn are_limited(&self) -> bool {
        self.cpu.is_some() || self.memory.is_some() || self.pods.is_some()
    }
}

/// `[pod.requests]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Requests {
    /// CPU in thousandths.
    pub cpu: u64,
    /// Memory in bytes.
    pub memory: u64,
}
