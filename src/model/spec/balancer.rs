//! `[ingress]` and `[load_balancer]`: balancers between clients and pods. Both are one thing with different parameters.

use crate::dist::Dist;
use crate::model::spec::BalancingPolicy;
use crate::units::{Rate, SimDuration};

/// Rows of the balancer table (mechanics 6.1, 6.3, 6.4); each is a set of defaults and nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BalancerPreset {
    /// An nginx that reloads its configuration at every change of endpoints.
    Nginx,
    /// ingress-nginx: endpoints pushed to Lua workers.
    IngressNginx,
    /// HAProxy ingress: runtime API, rate-limited.
    Haproxy,
    /// Traefik: provider events throttled.
    Traefik,
    /// Envoy, fed by a control plane through xDS.
    Envoy,
    /// Istio's gateway: Envoy with debounced pushes and a default retry policy.
    Istio,
    /// Skipper: polls the API server.
    Skipper,
    /// AWS Application Load Balancer.
    AwsAlb,
    /// AWS Network Load Balancer.
    AwsNlb,
    /// Google Cloud's container-native load balancer.
    Gcp,
}

/// `protocol`: what a balancer does with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// It terminates connections and chooses for each request.
    Http,
    /// It forwards connections and chooses for each connection.
    Tcp,
}

/// `target`: where a balancer sends to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetKind {
    /// Pod addresses, from the EndpointSlices.
    Ip,
    /// Nodes, whose rules choose the pod.
    Instance,
    /// The Service's address, through the rules of the replica's own node.
    Service,
    /// The replicas of the ingress.
    Ingress,
}

/// How a change of endpoints reaches the workers of a replica. A part that is zero is not there.
#[derive(Debug, Clone, PartialEq)]
pub struct UpdateSpec {
    /// `kind = "reload"`: an update replaces the workers.
    pub reloads: bool,
    /// An event waits until it has been quiet for so long …
    pub debounce: SimDuration,
    /// … but not longer than this.
    pub debounce_max: SimDuration,
    /// The first event opens a window; all in it are one update.
    pub batch_window: SimDuration,
    /// Updates a second, burst 1.
    pub sync_rate_limit: Rate,
    /// Least time from one update to the next; the newest event wins.
    pub throttle: SimDuration,
    /// The replica asks for the endpoints instead of being told, this often.
    pub poll: SimDuration,
    /// Time to put an update in force, for a configuration of no objects.
    pub apply: Dist,
    /// What each object adds to it.
    pub apply_per_object: SimDuration,
    /// Objects in the configuration.
    pub configuration_objects: u32,
    /// Each worker looks for the new endpoints this often, at a phase of its own.
    pub worker_poll: SimDuration,
    /// After that a target that comes is known to the data plane (a cloud's API and propagation).
    pub registration: Dist,
    /// After that a target that goes is known to the data plane.
    pub deregistration: Dist,
    /// A target that goes may finish its requests for so long; for ever if absent.
    pub deregistration_delay: Option<SimDuration>,
}

/// `health_check`: a balancer that asks its targets whether they serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthCheckSpec {
    /// Time between checks of one target by one replica.
    pub interval: SimDuration,
    /// How long an answer may take.
    pub timeout: SimDuration,
    /// Successes in a row after which a target is healthy.
    pub healthy_threshold: u32,
    /// Failures in a row after which it is not.
    pub unhealthy_threshold: u32,
}

/// `outlier_detection`: a target that fails requests is left out for a while (nginx max_fails, Envoy).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutlierSpec {
    /// Failures in a row.
    pub consecutive_failures: u32,
    /// For so long.
    pub ejection_time: SimDuration,
}

/// What a balancer tries again on another target, in nginx' words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetrySpec {
    /// `next_upstream` has "error": connection refused, unreachable, reset or closed before the response.
    pub error: bool,
    /// It has "timeout".
    pub timeout: bool,
    /// It has "http_502".
    pub http_502: bool,
    /// It has "http_503".
    pub http_503: bool,
    /// It has "http_504".
    pub http_504: bool,
    /// Only failures before the request was sent are tried again.
    pub connect_only: bool,
    /// Requests that are not idempotent are tried again even once sent.
    pub non_idempotent: bool,
    /// Tries in all; 0 is without limit.
    pub tries: u32,
    /// No try begins later than this after the first; zero is without limit.
    pub timeout_budget: SimDuration,
    /// Wait before another try.
    pub pause: SimDuration,
    /// A target that this request has tried is avoided.
    pub avoids_tried: bool,
    /// All tries but the last connect to the same target, as long as it is listed, after the pause (HAProxy's
    /// `option redispatch`).
    pub redispatches_last: bool,
    /// A connection that breaks after it has carried other requests costs no try (nginx, Go's transport).
    pub gives_back: bool,
    /// `error_status = 503`: what broke is answered by 503, as Envoy does, not by 502.
    pub answers_503: bool,
}

/// Connections from a balancer to its targets.
#[derive(Debug, Clone, PartialEq)]
pub struct UpstreamSpec {
    /// Idle connections a worker keeps; 0 opens one for each request.
    pub keep_alive: u32,
    /// Idle time after which the balancer closes one.
    pub keep_alive_timeout: SimDuration,
    /// Requests after which it closes one.
    pub keep_alive_requests: u32,
    /// Idle connections to a target that has left the list are closed at once.
    pub closes_removed: bool,
    /// How long a connect may take.
    pub connect_timeout: SimDuration,
    /// How long the balancer waits for a response.
    pub read_timeout: SimDuration,
    /// Round trip between balancer and target.
    pub rtt: Dist,
}

/// `[ingress]` or `[load_balancer]`.
#[derive(Debug, Clone, PartialEq)]
pub struct BalancerSpec {
    /// Which row of the table gave the defaults.
    pub preset: BalancerPreset,
    /// What it does with a connection.
    pub protocol: Protocol,
    /// Where it sends to.
    pub target: TargetKind,
    /// Replicas, each late in its own way.
    pub replicas: u32,
    /// Workers of a replica, each with its own list, turn and pool.
    pub workers: u32,
    /// How it chooses.
    pub policy: BalancingPolicy,
    /// How it learns of changes.
    pub update: UpdateSpec,
    /// At a reload old workers finish what they have, up to this.
    pub worker_shutdown_timeout: SimDuration,
    /// Active health checks.
    pub health_check: Option<HealthCheckSpec>,
    /// Connections that are forwarded to a target which becomes unhealthy are ended by RST.
    pub resets_unhealthy: bool,
    /// Passive ones.
    pub outlier_detection: Option<OutlierSpec>,
    /// What is tried again.
    pub retry: RetrySpec,
    /// Connections to targets.
    pub upstream: UpstreamSpec,
    /// Idle time after which a client's connection is closed.
    pub keep_alive_timeout: SimDuration,
    /// Requests after which it is closed.
    pub keep_alive_requests: u32,
    /// A new pod is Ready only once all replicas find it healthy.
    pub readiness_gate: bool,
}
