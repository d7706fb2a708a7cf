//! The kube-proxy of one node, and the rules it has written.
//!
//! Models: modes iptables (both generations of the sync runner, full and partial syncs, sync duration by rule count),
//! nftables (a transaction for the changed Service), ipvs (round robin, entries of client ports), an eBPF agent (each
//! change by itself) and one that applies each change after a delay; syncs started by other Services; which endpoints are
//! used by traffic policy and hints; session affinity; the health-check node port. Leaves out: failed restores, source
//! ranges, hairpins, health checks that heed a deleted node (KEP-3836), other schedulers of ipvs than rr, its syncs' cost in
//! the number of Services. Source: kubernetes/kubernetes pkg/util/async/bounded_frequency_runner.go at v1.20.2,
//! pkg/proxy/runner/bounded_frequency_runner.go at 95cca0b3, pkg/proxy/topology.go at 803d40a5 (mechanics 5.1 to 5.6).

mod affinity;
mod forwarding;
mod ipvs;
mod proxy;
mod route;
mod rules;
mod runner;
mod topology;

pub use proxy::{KubeProxy, Timer};
pub use route::{Route, Syn};
pub use runner::{Runner, Verdict};
pub use topology::{Categorized, Topology, TrafficPolicies, categorize_endpoints};
