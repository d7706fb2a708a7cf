//! The kubelet of one node.
//!
//! Models: pod start (worker, image, sandbox, container, PLEG), readiness with and without a probe by the rules of each
//! version, serial status writes under the client rate limit; termination (preStop hook, grace countdown, the 2 s
//! minimum, stop signal, SIGKILL), namespace teardown, removal of the object; works of the container runtime that slow
//! each other. Leaves out: start-up and liveness probes, sidecars, postStart, pulls in series, restarts. Source: kubernetes/kubernetes pkg/kubelet at v1.20.2,
//! prober/worker.go at 61ecc560, kuberuntime_container.go at fbba6b47 (mechanics 3.1 to 3.7).

mod controller;
mod probe;
mod pulls;
mod rounds;
mod runtime;
mod termination;

pub use controller::{Kubelet, Timer};
pub use probe::ReadinessWorker;
pub use termination::{StopPlan, hook_length, plan_stop};
