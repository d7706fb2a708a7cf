//! The names of enum values in scenario files, one table for reading and writing. The second list of each holds names
//! of the design that later versions will model.

use crate::model::spec::{
    Accepts, Arrivals, BalancerPreset, BalancingPolicy, ClientBalancing, ClientDns, ClientProfile, ClientProtocol,
    ClusterSize, Cni, Discipline, IdlePolicy, Images, InFlightPolicy, IptablesBackend, Jitter, LatencyFrom, Method,
    NewConnections, PodManagement, PodReplacementPolicy, Protocol, ProxyMode, QueuedPolicy, Retry, ServerProfile,
    ServiceKind, SessionAffinity, SidecarKind, Spread, StopBehaviour, TargetKind, Traffic, TrafficDistribution,
    TrafficPolicy, Via,
};
use crate::scenario::values::Names;

pub(super) const SPREAD: Names<Spread> = Names {
    built: &[("least_pods", Spread::LeastPods), ("template", Spread::Template), ("strict", Spread::Strict)],
    later: &[],
};
pub(super) const IMAGES: Names<Images> = Names {
    built: &[
        ("every_pod", Images::EveryPod),
        ("every_pod_in_series", Images::EveryPodInSeries),
        ("first_on_node", Images::FirstOnNode),
    ],
    later: &[],
};
pub(super) const SIDECAR: Names<SidecarKind> =
    Names { built: &[("classic", SidecarKind::Classic), ("native", SidecarKind::Native)], later: &[] };
pub(super) const POD_MANAGEMENT: Names<PodManagement> = Names {
    built: &[("ordered_ready", PodManagement::OrderedReady), ("parallel", PodManagement::Parallel)],
    later: &[],
};
pub(super) const POD_REPLACEMENT_POLICY: Names<PodReplacementPolicy> = Names {
    built: &[
        ("termination_started", PodReplacementPolicy::TerminationStarted),
        ("termination_complete", PodReplacementPolicy::TerminationComplete),
    ],
    later: &[],
};
pub(super) const CLUSTER_SIZE: Names<ClusterSize> =
    Names { built: &[("small", ClusterSize::Small), ("large", ClusterSize::Large)], later: &[] };
pub(super) const CNI: Names<Cni> = Names { built: &[("bridge", Cni::Bridge), ("routed", Cni::Routed)], later: &[] };
pub(super) const SERVICE_KIND: Names<ServiceKind> = Names {
    built: &[
        ("cluster_ip", ServiceKind::ClusterIp),
        ("node_port", ServiceKind::NodePort),
        ("load_balancer", ServiceKind::LoadBalancer),
        ("headless", ServiceKind::Headless),
    ],
    later: &[],
};
pub(super) const TRAFFIC_POLICY: Names<TrafficPolicy> =
    Names { built: &[("cluster", TrafficPolicy::Cluster), ("local", TrafficPolicy::Local)], later: &[] };
pub(super) const SESSION_AFFINITY: Names<SessionAffinity> =
    Names { built: &[("none", SessionAffinity::None), ("client_ip", SessionAffinity::ClientIp)], later: &[] };
pub(super) const TRAFFIC_DISTRIBUTION: Names<TrafficDistribution> = Names {
    built: &[
        ("none", TrafficDistribution::None),
        ("prefer_close", TrafficDistribution::PreferClose),
        ("prefer_same_zone", TrafficDistribution::PreferSameZone),
        ("prefer_same_node", TrafficDistribution::PreferSameNode),
    ],
    later: &[],
};
pub(super) const PROXY_MODE: Names<ProxyMode> = Names {
    built: &[
        ("iptables", ProxyMode::Iptables),
        ("nftables", ProxyMode::Nftables),
        ("ipvs", ProxyMode::Ipvs),
        ("ebpf", ProxyMode::Ebpf),
        ("instant", ProxyMode::Instant),
    ],
    later: &[],
};
pub(super) const IPTABLES_BACKEND: Names<IptablesBackend> =
    Names { built: &[("legacy", IptablesBackend::Legacy), ("nft", IptablesBackend::Nft)], later: &[] };
pub(super) const SERVER_PROFILE: Names<ServerProfile> = Names { built: ServerProfile::NAMES, later: &[] };
pub(super) const STOP_BEHAVIOUR: Names<StopBehaviour> =
    Names { built: &[("stops", StopBehaviour::Stops), ("ignores", StopBehaviour::Ignores)], later: &[] };
pub(super) const IN_FLIGHT: Names<InFlightPolicy> =
    Names { built: &[("drain", InFlightPolicy::Drain), ("cut", InFlightPolicy::Cut)], later: &[] };
pub(super) const QUEUED: Names<QueuedPolicy> =
    Names { built: &[("reset", QueuedPolicy::Reset), ("serve", QueuedPolicy::Serve)], later: &[] };
pub(super) const IDLE: Names<IdlePolicy> = Names {
    built: &[
        ("close", IdlePolicy::Close),
        ("serve", IdlePolicy::Serve),
        ("last", IdlePolicy::Last),
        ("reject", IdlePolicy::Reject),
    ],
    later: &[],
};
pub(super) const NEW_CONNECTIONS: Names<NewConnections> =
    Names { built: &[("refuse", NewConnections::Refuse), ("reject", NewConnections::Reject)], later: &[] };
pub(super) const DISCIPLINE: Names<Discipline> =
    Names { built: &[("fifo", Discipline::Fifo), ("processor_sharing", Discipline::ProcessorSharing)], later: &[] };
pub(super) const ACCEPTS: Names<Accepts> =
    Names { built: &[("at_once", Accepts::AtOnce), ("when_free", Accepts::WhenFree)], later: &[] };
pub(super) const CLIENT_PROFILE: Names<ClientProfile> = Names {
    built: &[
        ("fortio", ClientProfile::Fortio),
        ("fortio-std", ClientProfile::FortioStd),
        ("hey", ClientProfile::Hey),
        ("wrk", ClientProfile::Wrk),
        ("wrk2", ClientProfile::Wrk2),
        ("ab", ClientProfile::Ab),
        ("vegeta", ClientProfile::Vegeta),
        ("k6", ClientProfile::K6),
        ("go", ClientProfile::Go),
        ("python-requests", ClientProfile::PythonRequests),
        ("okhttp", ClientProfile::OkHttp),
        ("curl", ClientProfile::Curl),
        ("browser", ClientProfile::Browser),
        ("grpc", ClientProfile::Grpc),
        ("session", ClientProfile::Session),
        ("paced", ClientProfile::Paced),
        ("open", ClientProfile::Open),
    ],
    later: &[],
};
pub(super) const CLOSED_ARRIVALS: Names<Arrivals> = Names {
    built: &[
        ("together", Arrivals::Together),
        ("staggered", Arrivals::Staggered),
        ("spaced", Arrivals::Spaced),
        ("think", Arrivals::Think),
    ],
    later: &[],
};
pub(super) const OPEN_ARRIVALS: Names<Arrivals> = Names {
    built: &[
        ("constant", Arrivals::Constant),
        ("poisson", Arrivals::Poisson),
        ("bursty", Arrivals::Bursty),
        ("daily", Arrivals::Daily),
        ("trace", Arrivals::Trace),
    ],
    later: &[],
};
pub(super) const ANY_ARRIVALS: Names<Arrivals> = Names {
    built: &[
        ("constant", Arrivals::Constant),
        ("poisson", Arrivals::Poisson),
        ("bursty", Arrivals::Bursty),
        ("daily", Arrivals::Daily),
        ("trace", Arrivals::Trace),
        ("together", Arrivals::Together),
        ("staggered", Arrivals::Staggered),
        ("spaced", Arrivals::Spaced),
        ("think", Arrivals::Think),
    ],
    later: &[],
};
pub(super) const TRAFFIC: Names<Traffic> =
    Names { built: &[("internal", Traffic::Internal), ("external", Traffic::External)], later: &[] };
/// Besides the length of the client's own cache.
pub(super) const CLIENT_DNS: Names<ClientDns> = Names {
    built: &[("each_connect", ClientDns::EachConnect), ("ttl", ClientDns::Ttl), ("once", ClientDns::Once)],
    later: &[],
};
pub(super) const VIA: Names<Via> = Names {
    built: &[("service", Via::Service), ("ingress", Via::Ingress), ("load_balancer", Via::LoadBalancer)],
    later: &["pod"],
};
pub(super) const METHOD: Names<Method> = Names {
    built: &[
        ("GET", Method::Get),
        ("HEAD", Method::Head),
        ("PUT", Method::Put),
        ("DELETE", Method::Delete),
        ("OPTIONS", Method::Options),
        ("POST", Method::Post),
        ("PATCH", Method::Patch),
    ],
    later: &[],
};
pub(super) const INGRESS_KIND: Names<bool> = Names { built: &[("reload", true), ("dynamic", false)], later: &[] };
pub(super) const INGRESS_PRESET: Names<BalancerPreset> = Names {
    built: &[
        ("nginx", BalancerPreset::Nginx),
        ("ingress-nginx", BalancerPreset::IngressNginx),
        ("haproxy", BalancerPreset::Haproxy),
        ("traefik", BalancerPreset::Traefik),
        ("envoy", BalancerPreset::Envoy),
        ("istio", BalancerPreset::Istio),
        ("skipper", BalancerPreset::Skipper),
    ],
    later: &[],
};
pub(super) const LOAD_BALANCER_PRESET: Names<BalancerPreset> = Names {
    built: &[("aws-alb", BalancerPreset::AwsAlb), ("aws-nlb", BalancerPreset::AwsNlb), ("gcp", BalancerPreset::Gcp)],
    later: &["azure"],
};
pub(super) const PROTOCOL: Names<Protocol> =
    Names { built: &[("http", Protocol::Http), ("tcp", Protocol::Tcp)], later: &[] };
pub(super) const INGRESS_TARGET: Names<TargetKind> =
    Names { built: &[("ip", TargetKind::Ip), ("service", TargetKind::Service)], later: &[] };
pub(super) const LOAD_BALANCER_TARGET: Names<TargetKind> = Names {
    built: &[("ip", TargetKind::Ip), ("instance", TargetKind::Instance), ("ingress", TargetKind::Ingress)],
    later: &[],
};
pub(super) const BALANCING_POLICY: Names<BalancingPolicy> = Names { built: BalancingPolicy::NAMES, later: &[] };
pub(super) const LATENCY_FROM: Names<LatencyFrom> =
    Names { built: &[("sent", LatencyFrom::Sent), ("due", LatencyFrom::Due)], later: &[] };
pub(super) const RETRY: Names<Retry> = Names {
    built: &[
        ("none", Retry::None),
        ("reused_once", Retry::ReusedOnce),
        ("reused_closed", Retry::ReusedClosed),
        ("reused_idempotent", Retry::ReusedIdempotent),
    ],
    later: &[],
};
pub(super) const CLIENT_PROTOCOL: Names<ClientProtocol> =
    Names { built: &[("http1", ClientProtocol::Http1), ("http2", ClientProtocol::Http2)], later: &["http3"] };
pub(super) const CLIENT_BALANCING: Names<ClientBalancing> = Names {
    built: &[("pick_first", ClientBalancing::PickFirst), ("round_robin", ClientBalancing::RoundRobin)],
    later: &[],
};
pub(super) const JITTER: Names<Jitter> =
    Names { built: &[("none", Jitter::None), ("equal", Jitter::Equal), ("full", Jitter::Full)], later: &[] };
