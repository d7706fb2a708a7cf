//! From measured latencies to the distributions of the delay table: `[delays]` of a scenario.
//!
//! Texts in, numbers out. Failed counts are never an input: of `runs.csv` only settings are read.
//!
//! | delay | measured segment | why |
//! |---|---|---|
//! | `node_load` | what sandboxes, starts and teardowns of one run have in common | a busy machine slows all of them; its share is taken out of their spread |
//! | `contention` | how much longer sandboxes, starts and teardowns take beside each other | they share a node's processors and locks |
//! | `sandbox` | `sandbox_begin_s` to `sandbox_ready_s`, as it would be without contention | containerd's own stamps around the same work |
//! | `create_start` | `sandbox_ready_s` to `container_started_s`, likewise | likewise |
//! | `del_seen` | `kubelet_delete_s` to `stopcontainer_s` of pods without a hook | kubelet's and containerd's stamps; what is left of kubelet_delete_to_sigterm is `stop_rpc` |
//! | `stop_rpc` | stopcontainer_call_to_signal | the call itself |
//! | `hook_exec_start` | prestop_duration less N of `sleep N` | hooks that did more, or that the grace period cut, do not show the overhead |
//! | `server_stop` | signal_to_exit_terminated and _quit of nginx, less the exit event's lag | nginx closes its listener and exits; the slow servers finish requests or ignore the signal |
//! | `read_lag`, `listener_lag` | what requests waited for a reset (`failures.csv`: times, never counts) | remainders of the time in which nobody reads, or accepts |
//! | `exit_teardown` | `exit_s` to `net_down_s`, less the log's lag, plus the exit event's, as it would be without contention | the same segment; both lags are measured, the log's by connects refused and unanswered (`failures.csv`: times, never counts) |
//! | `obj_gone` | `exit_s` to `removed_s`, less up to a round of 10 s | a removal waits for the status manager's round |
//! | `pleg` | container_started_to_first_probe_ok less two half seconds | the mean of two grids of a second each; what is left is how long a look takes |
//! | `kp_sync` | `sync_took_s` without preloaded Services | the same segment |
//! | `kp_tail` | `rule_in_s` or `rule_out_s` to `sync_end_s` | the sync's own stamp against the kernel's notice |
//! | `api_write`, `watch_hop`, `queue_wait`, `dep_sync`, `rs_sync` | new_pod_ready_to_old_pod_deletion | three hops, three waits, three writes, three syncs: one sum cannot tell them apart, so the defaults keep their proportions, with one factor on the medians and one on the spreads |
//! | `eps_sync` | ready_to_endpointslice_in | a hop, a wait, a write as found above, and this |
//! | `eps_del_seen` | deletion_to_endpointslice_out | the same chain, which takes longer when a pod goes (both controllers are late together) |
//! | `sched` | created_to_scheduled | a hop and a write as found above, and this |
//!
//! Not fitted: `kubelet_seen` and `probe_rtt` (shorter than the error of the watch's stamps), `rtt_pod`, `hook_sleep`,
//! `kp_sync_spread`, `pull`, `eps_batch` (not in the data). Users' own files give `rtt_pod`, `pull` and `eps_batch`, too:
//! [`formats`].
//!
//! Slightly negative values come from stamps taken late: in sums everything below [`chain::STAMP_S`] is censored there;
//! in segments with the components' own stamps values at or below zero are left out and counted.

pub mod chain;
mod contention;
pub mod correlation;
pub mod fit;
pub mod formats;
mod groups;
pub mod interval;
pub mod ks;
pub mod law;
mod load;
pub mod measurements;
pub mod render;
pub mod residual;
pub mod search;
mod segments;
mod server_end;
mod silence;
pub mod tables;
#[cfg(test)]
mod tests;

use serde::{Serialize, Serializer};

use crate::dist::Dist;
use crate::model::spec::DelayId;
pub use groups::Dependence;
use ks::Ks;
pub use measurements::{Files, Measurements};
pub use tables::{DataError, File};

/// One delay, fitted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    /// Which delay.
    #[serde(serialize_with = "by_name")]
    pub id: DelayId,
    /// Where it was measured.
    pub segment: String,
    /// Values used, the censored ones among them.
    pub n: usize,
    /// Values known only from one side.
    pub censored: usize,
    /// Values left out because their stamps are in the wrong order.
    pub left_out: usize,
    /// The chosen family.
    pub family: String,
    /// What a scenario may hold.
    #[serde(serialize_with = "as_printed")]
    pub dist: Dist,
    /// Akaike's criterion of the best family; none for parts of sums.
    pub aic: Option<f64>,
    /// Distance of the best family; none for parts of sums, whose sum is checked instead.
    pub ks: Option<Ks>,
    /// 25 %, 50 %, 75 % and 95 % points of the values, seconds; none for parts of sums.
    pub measured: Option<[f64; 4]>,
    /// Median and 95th percentile of what was chosen, seconds.
    pub fitted: Option<(f64, f64)>,
    /// What else to know.
    pub note: String,
}

/// A sum of delays against what was measured of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// The measured segment.
    pub segment: &'static str,
    /// Whether delays were fitted to it.
    pub how: &'static str,
    /// Values.
    pub n: usize,
    /// 25 %, 50 %, 75 % and 95 % points of the values, seconds.
    pub measured: [f64; 4],
    /// Median and 95th percentile of the sum of fitted delays, seconds.
    pub fitted: (f64, f64),
    /// Distance between the two.
    pub ks: Ks,
}

/// All that a calibration found.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Calibration {
    /// A row for each delay, in the order of the delay table.
    pub estimates: Vec<Estimate>,
    /// Sums of delays.
    pub checks: Vec<Check>,
    /// Which delays go together.
    pub dependence: Vec<Dependence>,
}

impl Calibration {
    /// Adds a delay, in place of what there was of it: a user's own file says more than a folder of measurements.
    pub fn add(&mut self, estimate: Estimate) {
        self.estimates.retain(|other| other.id != estimate.id);
        self.estimates.push(estimate);
        self.estimates.sort_by_key(|estimate| estimate.id);
    }
}

impl Estimate {
    fn new(id: DelayId, segment: &str, family: String, dist: Dist) -> Estimate {
        Estimate {
            id,
            segment: segment.to_owned(),
            n: 0,
            censored: 0,
            left_out: 0,
            family,
            dist,
            aic: None,
            ks: None,
            measured: None,
            fitted: None,
            note: String::new(),
        }
    }
}

/// Fits every delay that the measurements hold.
pub fn calibrate(measured: &Measurements) -> Calibration {
    segments::calibrate(measured)
}

fn by_name<S: Serializer>(id: &DelayId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(id.name())
}

fn as_printed<S: Serializer>(dist: &Dist, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(dist)
}
