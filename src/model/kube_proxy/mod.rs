//! The kube-proxy of one node, and the rules it has written.
//!
//! Models: iptables mode with both generations of the sync runner, sync duration by rule count, full and partial syncs,
//! syncs started by other Services, which endpoints are used, one uniform choice for each new connection; and a mode
//! that applies every change on its own after a delay. Leaves out: local traffic policies, session affinity, topology
//! hints, failed restores. Source: kubernetes/kubernetes pkg/util/async/bounded_frequency_runner.go at v1.20.2,
//! pkg/proxy/runner/bounded_frequency_runner.go at 95cca0b3, pkg/proxy/topology.go at 803d40a5 (mechanics 5.1 to 5.4).

mod proxy;
mod runner;
mod topology;

pub use proxy::{KubeProxy, Timer};
pub use runner::{Runner, Verdict};
pub use topology::{Categorized, TrafficPolicies, categorize_endpoints, usable_endpoints};
