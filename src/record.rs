//! The facts a run leaves: metrics of one replication, what happened to each pod and rule, and each lost request.
//!
//! Rooms and the request path produce these; statistics, stories and pictures read them and nothing else.

mod histogram;
mod series;

use crate::engine::Digest;
use crate::ids::{Element, NodeId, PodId, ReplicaId, Revision, SlotId};
use crate::units::{SimDuration, SimTime};

pub(crate) use histogram::Histogram;
pub use series::{Hump, Level, Row, Series, Served};

/// Why a request failed, as its client sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureKind {
    /// The SYN was answered by RST or by ICMP port unreachable.
    ConnectRefused,
    /// No answer to the SYN within the client's connect timeout.
    ConnectTimeout,
    /// ICMP host unreachable, or no address behind the name.
    HostUnreachable,
    /// RST before any byte of the response.
    Reset,
    /// The connection was closed before any byte of the response.
    Eof,
    /// The connection was closed in the middle of the response.
    Truncated,
    /// No response within the client's request timeout.
    Timeout,
    /// A balancer answered 502 bad gateway.
    Http502,
    /// A balancer answered 503 service unavailable.
    Http503,
    /// A balancer answered 504 gateway timeout.
    Http504,
}

impl FailureKind {
    /// All kinds, in the order of the result's columns.
    pub const ALL: [FailureKind; 10] = [
        FailureKind::ConnectRefused,
        FailureKind::ConnectTimeout,
        FailureKind::HostUnreachable,
        FailureKind::Reset,
        FailureKind::Eof,
        FailureKind::Truncated,
        FailureKind::Timeout,
        FailureKind::Http502,
        FailureKind::Http503,
        FailureKind::Http504,
    ];

    /// The metric that counts this kind.
    pub const fn metric(self) -> Metric {
        match self {
            FailureKind::ConnectRefused => Metric::FailedConnectRefused,
            FailureKind::ConnectTimeout => Metric::FailedConnectTimeout,
            FailureKind::HostUnreachable => Metric::FailedHostUnreachable,
            FailureKind::Reset => Metric::FailedReset,
            FailureKind::Eof => Metric::FailedEof,
            FailureKind::Truncated => Metric::FailedTruncated,
            FailureKind::Timeout => Metric::FailedTimeout,
            FailureKind::Http502 => Metric::FailedHttp502,
            FailureKind::Http503 => Metric::FailedHttp503,
            FailureKind::Http504 => Metric::FailedHttp504,
        }
    }

    /// A few words for people.
    pub const fn words(self) -> &'static str {
        match self {
            FailureKind::ConnectRefused => "connection refused",
            FailureKind::ConnectTimeout => "connect timed out",
            FailureKind::HostUnreachable => "host unreachable",
            FailureKind::Reset => "connection reset",
            FailureKind::Eof => "connection closed before the response",
            FailureKind::Truncated => "response cut short",
            FailureKind::Timeout => "no response in time",
            FailureKind::Http502 => "502 bad gateway",
            FailureKind::Http503 => "503 service unavailable",
            FailureKind::Http504 => "504 gateway timeout",
        }
    }
}

/// Declares the metrics with their names and what they mean.
macro_rules! metrics {
    ($($id:ident = $name:literal: $what:literal,)*) => {
        /// One number a replication yields: a count or seconds.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Metric { $(#[doc = $what] $id,)* }

        impl Metric {
            /// All metrics, in the order of the result.
            pub const ALL: &[Metric] = &[$(Metric::$id,)*];

            /// How many there are.
            pub const COUNT: usize = Metric::ALL.len();

            /// The name in results and columns.
            pub const fn name(self) -> &'static str {
                match self { $(Metric::$id => $name,)* }
            }

            /// One line on what is counted.
            pub const fn what(self) -> &'static str {
                match self { $(Metric::$id => $what,)* }
            }
        }
    };
}

metrics! {
    Requests = "requests": "requests sent, warm-up excluded",
    Succeeded = "succeeded": "requests answered",
    Failed = "failed": "requests lost, of all kinds",
    FailedConnectRefused = "failed_connect_refused": "connection refused",
    FailedConnectTimeout = "failed_connect_timeout": "no answer to the SYN in time",
    FailedHostUnreachable = "failed_host_unreachable": "ICMP host unreachable",
    FailedReset = "failed_reset": "connection reset before any byte of the response",
    FailedEof = "failed_eof": "connection closed before any byte of the response",
    FailedTruncated = "failed_truncated": "connection closed in the middle of the response",
    FailedTimeout = "failed_timeout": "no response in time",
    FailedHttp502 = "failed_http_502": "bad gateway",
    FailedHttp503 = "failed_http_503": "service unavailable",
    FailedHttp504 = "failed_http_504": "gateway timeout",
    Retried = "retried": "requests saved by a hidden second attempt",
    Duplicated = "duplicated": "requests that may have run twice",
    ConnectionsOpened = "connections_opened": "connection attempts, warm-up included (fortio: sockets used)",
    ConnectionsSevered = "connections_severed": "established connections closed by a server that stopped, or by a balancer that reloaded",
    RetryAmplification = "retry_amplification": "attempts for each request, those of balancers included",
    LatencyMeanS = "latency_mean_s": "mean latency of the requests answered, seconds",
    LatencyP50S = "latency_p50_s": "median latency of the requests answered, seconds",
    LatencyP90S = "latency_p90_s": "90th percentile of the latency, seconds",
    LatencyP99S = "latency_p99_s": "99th percentile of the latency, seconds",
    LatencyP999S = "latency_p999_s": "99.9th percentile of the latency, seconds",
    LatencyMaxS = "latency_max_s": "longest latency, seconds",
    RolloutDurationS = "rollout_duration_s": "template change to Deployment complete, seconds",
    AllTerminatedS = "all_terminated_s": "template change to the end of the last old pod's process, seconds",
    MinReadyPods = "min_ready_pods": "fewest pods Ready and not terminating at any time",
    MaxPods = "max_pods": "most pod objects at any time, terminating ones included",
    MaxReplicas = "max_replicas": "largest size of the Deployment (in runs with an autoscaler)",
    ContainerRestarts = "container_restarts": "containers that ended and were started again (where a probe may kill them)",
    PodSeconds = "pod_seconds": "sum over pod objects of the time that each was there, seconds",
    LowestCapacity = "lowest_capacity": "least capacity that clients could be sent to at any time, in warm pods",
    WaitingMeanS = "waiting_mean_s": "mean wait of a request for a worker, seconds (of a loaded run, or with series)",
    UtilisationPeak = "utilisation_peak": "busiest second: share of the workers' time at work (of a loaded run, or with series)",
    QueuePeak = "queue_peak": "longest queue: most requests waiting for workers, mean over a second (of a loaded run, or with series)",
    HumpBeginsS = "hump_begins_s": "template change to the first second with raised latency, seconds (of a loaded run, or with series)",
    HumpPeakS = "hump_peak_s": "highest mean latency of a second of the hump, seconds (of a loaded run, or with series)",
    HumpEndsS = "hump_ends_s": "template change to the end of the last second with raised latency, seconds (of a loaded run, or with series)",
    FailureSpanS = "failure_span_s": "first to last failure, seconds",
    ExposureS = "exposure_s": "time in the rules after the listener closed, mean over terminated pods and elements that choose for clients, seconds",
    ExposedShareS = "exposed_share_s": "sum over terminated pods of the integral of 1/endpoints over their exposure, seconds",
    StartExposureS = "start_exposure_s": "time in the rules before listening, mean over started pods and such elements, seconds",
}

impl Metric {
    /// Whether the metric is a time in seconds, not a count.
    pub fn is_seconds(self) -> bool {
        self.name().ends_with("_s")
    }

    /// Whether every value is a whole number.
    pub fn is_count(self) -> bool {
        let measured = [
            Metric::RetryAmplification,
            Metric::PodSeconds,
            Metric::LowestCapacity,
            Metric::UtilisationPeak,
            Metric::QueuePeak,
        ];
        !self.is_seconds() && !measured.contains(&self)
    }

    /// Whether the metric is a part of a whole, from 0 to 1.
    pub fn is_share(self) -> bool {
        self == Metric::UtilisationPeak
    }
}

/// The metrics of one replication. A metric whose event did not happen (a rollout that did not complete before the
/// end) is absent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metrics([Option<f64>; Metric::COUNT]);

impl Default for Metrics {
    fn default() -> Self {
        Metrics([None; Metric::COUNT])
    }
}

impl Metrics {
    /// The value of a metric, if it happened.
    pub fn get(&self, metric: Metric) -> Option<f64> {
        self.0[metric as usize]
    }

    /// Sets a metric.
    pub fn set(&mut self, metric: Metric, value: impl Into<Option<f64>>) {
        self.0[metric as usize] = value.into();
    }
}

/// A moment in the life of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PodEvent {
    /// The pod object is stored.
    Created,
    /// The binding to a node is stored.
    Scheduled,
    /// The kubelet's pod worker starts.
    KubeletSeen,
    /// Sandbox and network are up.
    SandboxReady,
    /// The container's process starts.
    Started,
    /// The process listens.
    Listening,
    /// A readiness probe succeeded often enough.
    ProbeSucceeded,
    /// The API server stores Ready.
    Ready,
    /// An EndpointSlice with the pod ready is stored.
    EndpointIn,
    /// The API server stores the deletion timestamp: both chains start.
    Deleted,
    /// The kubelet's pod worker begins the termination.
    KubeletDeleted,
    /// The preStop hook begins.
    HookBegan,
    /// The preStop hook ends, fails or is given up.
    HookEnded,
    /// The stop signal arrives.
    Signalled,
    /// SIGKILL arrives.
    Killed,
    /// The listening socket is closed.
    ListenerClosed,
    /// The process has ended.
    Exited,
    /// The network namespace is gone.
    NamespaceGone,
    /// The EndpointSlice controller sees the deletion.
    EndpointsSeen,
    /// An EndpointSlice without the pod among the ready ones is stored.
    EndpointOut,
    /// The pod object is gone.
    Removed,
    /// A container that ended is started again, in the same pod.
    Restarted,
}

impl PodEvent {
    /// All events in the order in which a life usually passes them.
    pub const ALL: [PodEvent; 22] = [
        PodEvent::Created,
        PodEvent::Scheduled,
        PodEvent::KubeletSeen,
        PodEvent::SandboxReady,
        PodEvent::Started,
        PodEvent::Listening,
        PodEvent::ProbeSucceeded,
        PodEvent::Ready,
        PodEvent::EndpointIn,
        PodEvent::Deleted,
        PodEvent::KubeletDeleted,
        PodEvent::HookBegan,
        PodEvent::HookEnded,
        PodEvent::Signalled,
        PodEvent::Killed,
        PodEvent::ListenerClosed,
        PodEvent::Exited,
        PodEvent::NamespaceGone,
        PodEvent::EndpointsSeen,
        PodEvent::EndpointOut,
        PodEvent::Removed,
        PodEvent::Restarted,
    ];

    /// What belongs to the end of one container.
    const ENDING: [PodEvent; 6] = [
        PodEvent::HookBegan,
        PodEvent::HookEnded,
        PodEvent::Signalled,
        PodEvent::Killed,
        PodEvent::ListenerClosed,
        PodEvent::Exited,
    ];
}

/// A moment in the life of a pod's rule on one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleEvent {
    /// kube-proxy sees that the pod has to come in.
    InSeen,
    /// The sync that brings it in begins.
    InSync,
    /// The rule is in force.
    In,
    /// kube-proxy sees that the pod has to go.
    OutSeen,
    /// The sync that takes it out begins.
    OutSync,
    /// The rule is gone.
    Out,
}

/// A moment of a pod in the list of one worker of a balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RouteEvent {
    /// The worker may choose it from now on.
    In,
    /// The replica sees that the pod has to go.
    OutSeen,
    /// The update that takes it out begins.
    OutBegins,
    /// The worker does not choose it any more.
    Out,
}

impl RouteEvent {
    /// The same moment in the life of a rule.
    pub fn as_of_a_rule(self) -> RuleEvent {
        match self {
            RouteEvent::In => RuleEvent::In,
            RouteEvent::OutSeen => RuleEvent::OutSeen,
            RouteEvent::OutBegins => RuleEvent::OutSync,
            RouteEvent::Out => RuleEvent::Out,
        }
    }
}

/// One fact of a run; producers write them at the time they happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    /// Something happened to a pod.
    Pod {
        /// When.
        at: SimTime,
        /// To which.
        pod: PodId,
        /// What.
        event: PodEvent,
    },
    /// Something happened to a pod's rule on a node.
    Rule {
        /// When.
        at: SimTime,
        /// Whose rule.
        pod: PodId,
        /// Where.
        node: NodeId,
        /// What.
        event: RuleEvent,
    },
    /// A pod came into the list of a worker of a balancer, or went.
    Route {
        /// When.
        at: SimTime,
        /// Which pod.
        pod: PodId,
        /// Of which replica.
        replica: ReplicaId,
        /// Which of its workers.
        worker: u16,
        /// What.
        event: RouteEvent,
    },
    /// The Deployment controller set the size of a ReplicaSet.
    Scaled {
        /// When.
        at: SimTime,
        /// Which ReplicaSet.
        revision: Revision,
        /// To which size.
        replicas: u32,
    },
    /// The API server stored the new template.
    TemplateChanged {
        /// When.
        at: SimTime,
    },
    /// The Deployment's status says complete.
    RolloutComplete {
        /// When.
        at: SimTime,
    },
    /// Pods begin to leave in another way than by a new template.
    PodsLeave {
        /// When.
        at: SimTime,
    },
    /// The size of the Deployment was set (in runs with an autoscaler).
    Resized {
        /// When.
        at: SimTime,
        /// To which size.
        replicas: u32,
    },
    /// Condition Progressing says ProgressDeadlineExceeded.
    DeadlineExceeded {
        /// When.
        at: SimTime,
    },
}

/// The life of one pod.
#[derive(Debug, Clone, PartialEq)]
pub struct PodRecord {
    /// Which pod.
    pub pod: PodId,
    /// Old: it ran before the run began. New: it was created during it.
    pub revision: Revision,
    /// On which node, once bound.
    pub node: Option<NodeId>,
    times: [Option<SimTime>; PodEvent::ALL.len()],
}

impl PodRecord {
    /// A pod to which nothing has happened yet.
    pub fn new(pod: PodId, revision: Revision, node: Option<NodeId>) -> Self {
        PodRecord { pod, revision, node, times: [None; PodEvent::ALL.len()] }
    }

    /// When `event` happened first, if it did; of the end of a container, that of the last one. Old pods were created and made
    /// ready before the run: those events of theirs have no time.
    pub fn at(&self, event: PodEvent) -> Option<SimTime> {
        self.times[event as usize]
    }

    /// Notes when `event` happened; the first time counts. A container that is started again may end again.
    pub fn note(&mut self, event: PodEvent, at: SimTime) {
        if event == PodEvent::Restarted {
            PodEvent::ENDING.iter().for_each(|ending| self.times[*ending as usize] = None);
        }
        self.times[event as usize].get_or_insert(at);
    }
}

/// A pod's rule on one node, or its place on a worker's list; the events of its last way in and its way out.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleRecord {
    /// Whose rule.
    pub pod: PodId,
    /// Where.
    pub element: Element,
    times: [Option<SimTime>; 6],
}

impl RuleRecord {
    /// A rule to which nothing has happened yet.
    pub fn new(pod: PodId, element: impl Into<Element>) -> Self {
        RuleRecord { pod, element: element.into(), times: [None; 6] }
    }

    /// When `event` happened, if it did.
    pub fn at(&self, event: RuleEvent) -> Option<SimTime> {
        self.times[event as usize]
    }

    /// Notes when `event` happened; the first time counts.
    pub fn note(&mut self, event: RuleEvent, at: SimTime) {
        self.times[event as usize].get_or_insert(at);
    }
}

/// A pod came into the list of a worker of a balancer, or went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteRecord {
    /// When.
    pub at: SimTime,
    /// Which pod.
    pub pod: PodId,
    /// Of which replica.
    pub replica: ReplicaId,
    /// Which of its workers.
    pub worker: u16,
    /// What.
    pub event: RouteEvent,
}

/// What the packet that sealed a request's fate met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Met {
    /// The pod's process had not opened its listener yet.
    NotListeningYet,
    /// The listener was closed, the network namespace still there.
    ListenerClosed,
    /// The network namespace was gone.
    NamespaceGone,
    /// No endpoint in the node's rules: rejected there.
    NoEndpoints,
    /// Policy Local and no endpoint on the node, or an ipvs that drops a SYN once: nothing answered.
    NoLocalEndpoint,
    /// The name had no address.
    NoAddress,
    /// The node's ipvs had deleted the pod under the open connection.
    RealServerDeleted,
    /// The server had closed the idle connection; the client had been told, or was told before anything else.
    ClosedIdle,
    /// The server closed the connection while the request was on its way or waited unread.
    ClosedUnread,
    /// The server closed the connection while it worked on the request.
    CutInService,
    /// The server closed the connection while it sent the response.
    CutInResponse,
    /// A server that was too slow for the client's patience.
    SlowServer,
    /// A network that was too slow for the client's connect timeout.
    SlowNetwork,
    /// A balancer that had no target.
    NoTargets,
    /// A load balancer that forwards connections reset those to a target that its checks found unhealthy.
    UnhealthyTarget,
    /// A balancer replaced its workers and the old ones closed the connection.
    ClosedByReload,
    /// A server that stops and answers 503 until it has.
    StoppingServer,
    /// A server with too many requests in flight, which answered 503.
    Overload,
    /// The accept queue of the listener was full: the SYN was dropped.
    BacklogFull,
}

impl Met {
    /// A few words for people.
    pub const fn words(self) -> &'static str {
        match self {
            Met::NotListeningYet => "process not listening yet",
            Met::ListenerClosed => "listener closed, namespace still alive",
            Met::NamespaceGone => "network namespace gone",
            Met::NoEndpoints => "no endpoint in the rules",
            Met::NoLocalEndpoint => "no endpoint on the node, dropped there",
            Met::NoAddress => "the name had no address",
            Met::RealServerDeleted => "connection to a pod that ipvs had deleted",
            Met::ClosedIdle => "idle connection closed by the server",
            Met::ClosedUnread => "connection closed with the request unread",
            Met::CutInService => "connection cut while the server worked on the request",
            Met::CutInResponse => "connection cut while the response was being sent",
            Met::SlowServer => "server slower than the client's timeout",
            Met::SlowNetwork => "network slower than the client's connect timeout",
            Met::NoTargets => "no target in the balancer's list",
            Met::UnhealthyTarget => "connection reset by the load balancer, its target being unhealthy",
            Met::ClosedByReload => "connection closed by a reload of the balancer",
            Met::StoppingServer => "server stopping, which answered 503",
            Met::Overload => "server with too many requests in flight, which answered 503",
            Met::BacklogFull => "SYN dropped at a full accept queue",
        }
    }
}

/// A request that was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LostRequest {
    /// Which client of the scenario.
    pub client: u32,
    /// Which of its connections.
    pub slot: SlotId,
    /// The how-manieth request of that connection, from 0; of an open-loop client the how-manieth of the client.
    pub call: u64,
    /// When its first attempt was sent.
    pub sent: SimTime,
    /// When the packet that sealed its fate reached the node or the pod; when it was sent, if the connection was known to
    /// be closed by then.
    pub met_at: SimTime,
    /// When the client knew.
    pub known: SimTime,
    /// How the client saw it.
    pub kind: FailureKind,
    /// What the packet met.
    pub met: Met,
    /// Which pod it met, unless there was no endpoint.
    pub pod: Option<PodId>,
    /// Through which node it entered.
    pub node: NodeId,
    /// The last balancer's replica on its way, if there was one.
    pub replica: Option<ReplicaId>,
    /// Whether the connection had carried a request before.
    pub reused: bool,
    /// Attempts made: 1 or 2 of the client's; those of balancers are added.
    pub attempts: u8,
}

/// Everything that happened in one replication, for stories and pictures.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trace {
    /// Number of old pods, for names.
    pub replicas: u32,
    /// Number of nodes.
    pub nodes: u32,
    /// Clients find pods by name: the Service is headless, and there are no rules.
    pub by_name: bool,
    /// What chooses pods for the clients; nothing said means every node.
    pub choosers: Vec<Element>,
    /// The nodes whose rules held each old pod at the start; empty if all did.
    pub held_by: Vec<Vec<NodeId>>,
    /// Pods in the order of their ids.
    pub pods: Vec<PodRecord>,
    /// Rules and places on lists, by pod and element.
    pub rules: Vec<RuleRecord>,
    /// Lost requests in the order of `known`.
    pub lost: Vec<LostRequest>,
    /// Pods in the lists of balancers' workers, as they came and went; old pods were in all of them at the start.
    pub routes: Vec<RouteRecord>,
    /// Sizes the Deployment controller set: when, which, how many.
    pub scaled: Vec<(SimTime, Revision, u32)>,
    /// Sizes that an autoscaler or a user gave the Deployment, in runs with an autoscaler.
    pub resized: Vec<(SimTime, u32)>,
    /// When the template changed.
    pub template_changed: Option<SimTime>,
    /// When the Deployment was complete.
    pub rollout_complete: Option<SimTime>,
    /// When pods began to leave in another way than by a new template.
    pub pods_leave: Option<SimTime>,
    /// When condition Progressing said ProgressDeadlineExceeded first.
    pub deadline_exceeded: Option<SimTime>,
    /// When the clients stopped.
    pub end: SimTime,
    /// Pod of each connection over time: (when, connection, pod), one entry for each connection established.
    pub connected: Vec<(SimTime, SlotId, PodId)>,
}

impl Trace {
    /// The record of one pod.
    pub fn pod(&self, pod: PodId) -> Option<&PodRecord> {
        self.pods.iter().find(|record| record.pod == pod)
    }

    /// The record of a pod's rule on a node, or of its place on a worker's list.
    pub fn rule(&self, pod: PodId, element: impl Into<Element>) -> Option<&RuleRecord> {
        let element = element.into();
        self.rules.iter().find(|record| record.pod == pod && record.element == element)
    }

    /// How many elements choose pods for the clients.
    pub fn n_choosers(&self) -> usize {
        if self.choosers.is_empty() { self.nodes as usize } else { self.choosers.len() }
    }

    /// Whether an element chooses pods for the clients.
    pub fn chooses(&self, element: Element) -> bool {
        match element {
            Element::Node(_) if self.choosers.is_empty() => true,
            _ => self.choosers.contains(&element),
        }
    }

    /// Puts a fact in its place.
    pub fn note(&mut self, fact: Fact) {
        match fact {
            Fact::Pod { at, pod, event } => self.pod_mut(pod).note(event, at),
            Fact::Rule { at, pod, node, event } => self.rule_mut(pod, Element::Node(node)).note(event, at),
            Fact::Scaled { at, revision, replicas } => self.scaled.push((at, revision, replicas)),
            Fact::Route { at, pod, replica, worker, event } => {
                self.routes.push(RouteRecord { at, pod, replica, worker, event });
                self.rule_mut(pod, Element::Worker(replica, worker)).note(event.as_of_a_rule(), at);
            }
            Fact::TemplateChanged { at } => {
                self.template_changed.get_or_insert(at);
            }
            Fact::RolloutComplete { at } => {
                self.rollout_complete.get_or_insert(at);
            }
            Fact::PodsLeave { at } => {
                self.pods_leave.get_or_insert(at);
            }
            Fact::Resized { at, replicas } => self.resized.push((at, replicas)),
            Fact::DeadlineExceeded { at } => {
                self.deadline_exceeded.get_or_insert(at);
            }
        }
    }

    /// The record of one pod, begun if there is none: pods that a run makes beyond those that replace the old ones.
    pub fn pod_mut(&mut self, pod: PodId) -> &mut PodRecord {
        let next = self.pods.len() as u32;
        self.pods.extend((next..=pod.0).map(|id| PodRecord::new(PodId(id), Revision::New, None)));
        &mut self.pods[pod.index()]
    }

    fn rule_mut(&mut self, pod: PodId, element: Element) -> &mut RuleRecord {
        let place = self.rules.binary_search_by_key(&(pod, element), |record| (record.pod, record.element));
        let index = place.unwrap_or_else(|index| {
            self.rules.insert(index, RuleRecord::new(pod, element));
            index
        });
        &mut self.rules[index]
    }
}

impl Fact {
    /// The fact as words for the trace digest.
    pub fn words(&self) -> [u64; 4] {
        match *self {
            Fact::Pod { at, pod, event } => [1, at.as_nanos(), pod.0.into(), event as u64],
            Fact::Rule { at, pod, node, event } => {
                [2, at.as_nanos(), u64::from(pod.0) << 32 | u64::from(node.0), event as u64]
            }
            Fact::Scaled { at, revision, replicas } => [3, at.as_nanos(), revision as u64, replicas.into()],
            Fact::TemplateChanged { at } => [4, at.as_nanos(), 0, 0],
            Fact::RolloutComplete { at } => [5, at.as_nanos(), 0, 0],
            Fact::DeadlineExceeded { at } => [9, at.as_nanos(), 0, 0],
            Fact::Resized { at, replicas } => [11, at.as_nanos(), replicas.into(), 0],
            Fact::PodsLeave { at } => [10, at.as_nanos(), 0, 0],
            Fact::Route { at, pod, replica, worker, event } => {
                let whose = u64::from(replica.number) << 32 | u64::from(worker) << 8 | replica.layer as u64;
                [8, at.as_nanos(), u64::from(pod.0) << 8 | event as u64, whose]
            }
        }
    }
}

/// What one replication leaves.
#[derive(Debug, Clone, PartialEq)]
pub struct RunOutput {
    /// The numbers.
    pub metrics: Metrics,
    /// Order-free digest of the facts of the control plane and the data plane.
    pub digest: Digest,
    /// Order-free digest of every request's outcome, if the run was checked or traced.
    pub requests_digest: Option<Digest>,
    /// Events of the control plane that happened: what its cost is measured by.
    pub events: u64,
    /// The story, if it was asked for.
    pub trace: Option<Trace>,
    /// How it went second by second, if that was asked for or the run was loaded.
    pub series: Option<Box<Series>>,
    /// Requests that were counted without being simulated.
    pub skipped: u64,
}

/// A span of time in a record, for sums in reports.
pub fn between(from: Option<SimTime>, to: Option<SimTime>) -> Option<SimDuration> {
    Some(to?.saturating_since(from?))
}
