//! Files that users have: results of load generators, kube-proxy's metrics and streams of `kubectl`.
//!
//! | file | delays |
//! |---|---|
//! | [`fortio`], [`k6`], [`vegeta`] | `rtt_pod` by way of [`load_test`] |
//! | [`kube_proxy`] | `kp_sync` |
//! | [`kubectl_pods`] | `sandbox` and `create_start`, as a sum in whole seconds |
//! | [`kubectl_events`] | `sandbox`, `pull`, `create_start` |
//! | [`kubectl_endpointslices`] | `eps_batch`, if it is a second or more |

mod cumulative;
pub mod fortio;
mod json;
pub mod k6;
pub mod kube_proxy;
pub mod kubectl_endpointslices;
pub mod kubectl_events;
pub mod kubectl_pods;
pub mod load_test;
mod objects;
mod stamp;
mod stamped;
#[cfg(test)]
mod tests;
pub mod vegeta;

use super::Estimate;

/// What a file gave: delays, and what it cannot say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reading {
    /// The delays.
    pub estimates: Vec<Estimate>,
    /// Why a delay that such files may give is not among them, one sentence each.
    pub notes: Vec<String>,
}
