//! The kubelet of one node.
//!
//! Models: pod start (worker, image, sandbox, container, PLEG), readiness with and without a probe, startup and liveness
//! probes by the rules of each version, the kill and restart of a container that fails them with its CrashLoop back-off,
//! the order in which a sidecar starts and stops, serial status writes under the client rate limit; termination (preStop hook, grace countdown, the 2 s
//! minimum, stop signal, SIGKILL), begun up to 1.21 when the pod worker has ended its sync; namespace teardown, removal of the object; works of the container runtime that slow
//! each other. Leaves out: postStart, containers
//! that end by themselves. Source: kubernetes/kubernetes pkg/kubelet at v1.20.2,
//! prober/worker.go at 61ecc560, kuberuntime_container.go at fbba6b47 (mechanics 1.16, 3.1 to 3.7).

mod controller;
mod probe;
mod pulls;
mod restart;
mod rounds;
mod runtime;
mod termination;

pub use controller::{Kubelet, Timer};
pub use probe::ProbeWorker;
pub use restart::CrashLoop;
pub use termination::{StopPlan, hook_length, plan_stop};
