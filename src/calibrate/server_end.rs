//! The end of a server as its clients see it: `server_stop`, `read_lag`, `listener_lag`, and how late two stamps are.
//!
//! Two stamps are later than what they stamp, and both lags are measured: the runtime's exit event comes after the
//! process closed its sockets (by the last reset of each pod, which is sent when the listener closes), and the teardown
//! of a network namespace is logged after its address fell silent ([`silence`](super::silence)). Of resets only times are
//! used, never how many there were: a request that is not read waits until its connection or the listener is closed, and
//! what it waited is a remainder of that time ([`residual`](super::residual)).

use std::collections::BTreeMap;

use super::contention::Late;
use super::fit::{self, FEWEST};
use super::law::{Law, Shifted, lognormal};
use super::measurements::{Measurements, Reset};
use super::segments::{Direct, direct};
use super::silence;
use super::{Estimate, residual};
use crate::model::spec::DelayId;

/// All that the measurements say of it.
pub(super) fn estimates(measured: &Measurements, late: Late) -> Vec<Estimate> {
    server_stop(measured, late.exit_seen).into_iter().chain(lags(measured)).collect()
}

/// How late the two stamps are.
pub(super) fn late(measured: &Measurements) -> Late {
    Late { exit_seen: exit_seen_after(measured), logged: silence::logged_after(measured) }
}

/// The slow servers' exits measure how long they take to answer, or the grace period.
fn server_stop(measured: &Measurements, exit_seen: f64) -> Option<Estimate> {
    let both = ["signal_to_exit_terminated", "signal_to_exit_quit"].into_iter().flat_map(|name| measured.micro(name));
    let nginx = both.filter(|sample| measured.nginx(&sample.run));
    let values = nginx.map(|sample| sample.value - exit_seen).collect();
    let estimate = direct(&Direct { id: DelayId::ServerStop, segment: "signal_to_exit of nginx", values })?;
    Some(noted(estimate, &[(-exit_seen, "the exit event's lag")]))
}

/// The note of what the stamps of a teardown were corrected by.
pub(super) fn corrected(estimate: Estimate, late: Late) -> Estimate {
    if estimate.id != DelayId::ExitTeardown {
        return estimate;
    }
    noted(estimate, &[(-late.logged, "the log's lag"), (late.exit_seen, "the exit event's lag")])
}

fn noted(mut estimate: Estimate, corrections: &[(f64, &str)]) -> Estimate {
    let made = corrections.iter().filter(|(seconds, _)| seconds.abs() > 0.0);
    let notes = made.map(|(seconds, what)| format!("{:+.1} ms for {what}", seconds * 1_000.0));
    let all = Some(estimate.note.clone()).filter(|note| !note.is_empty()).into_iter().chain(notes);
    estimate.note = all.collect::<Vec<_>>().join("; ");
    estimate
}

/// Median over the pods that reset something of: last reset to the exit event, seconds; 0 with too few.
fn exit_seen_after(measured: &Measurements) -> f64 {
    let mut last: BTreeMap<(&str, u64), f64> = BTreeMap::new();
    for reset in nginx_resets(measured) {
        if let Some(exit) = exit_near(measured, reset) {
            let lag = last.entry((&reset.run, exit.to_bits())).or_insert(f64::INFINITY);
            *lag = lag.min(exit - reset.came);
        }
    }
    let lags: Vec<f64> = last.into_values().collect();
    if lags.len() < FEWEST { 0.0 } else { fit::points(&lags).map_or(0.0, |points| points[1].max(0.0)) }
}

fn nginx_resets(measured: &Measurements) -> impl Iterator<Item = &Reset> {
    measured.resets.iter().filter(|reset| measured.nginx(&reset.run))
}

fn exit_near(measured: &Measurements, reset: &Reset) -> Option<f64> {
    let exits = measured.pods.iter().filter(|pod| pod.run == reset.run).filter_map(|pod| pod.at("exit_s"));
    exits.min_by(|one, other| (one - reset.came).abs().total_cmp(&(other - reset.came).abs()))
}

/// On connections in use a reset ends `read_lag`; on fresh ones, which nobody accepted, `read_lag` and `listener_lag`.
fn lags(measured: &Measurements) -> Vec<Estimate> {
    let waited = |reused: bool| -> Vec<f64> {
        let resets = nginx_resets(measured).filter(|reset| reset.reused == reused);
        resets.map(|reset| reset.came - reset.sent).filter(|waited| *waited > 0.0).collect()
    };
    let (reused, fresh) = (waited(true), waited(false));
    if reused.len() < FEWEST || fresh.len() < FEWEST {
        return Vec::new();
    }
    let (Some(read), Some(both)) = (residual::log_normal(&reused), residual::log_normal(&fresh)) else {
        return Vec::new();
    };
    let read_lag = remainder_estimate(DelayId::ReadLag, "resets on connections in use", read, &reused, "");
    let left = mean_of(both) - mean_of(read);
    let listener = (left > 0.0).then(|| (libm::log(left) - both.1 * both.1 / 2.0, both.1));
    let note = "the mean is what read_lag leaves";
    let listener_lag =
        listener.map(|law| remainder_estimate(DelayId::ListenerLag, "resets on fresh connections", law, &fresh, note));
    std::iter::once(read_lag).chain(listener_lag).collect()
}

fn mean_of((mu, sigma): (f64, f64)) -> f64 {
    libm::exp(mu + sigma * sigma / 2.0)
}

fn remainder_estimate(id: DelayId, segment: &str, (mu, sigma): (f64, f64), values: &[f64], note: &str) -> Estimate {
    let mut estimate = Estimate::new(id, segment, "lognormal".to_owned(), lognormal(mu, sigma));
    let law = Shifted::plain(Law::LogNormal(mu, sigma));
    (estimate.n, estimate.fitted) = (values.len(), Some((law.quantile(0.5), law.quantile(0.95))));
    let remainders = "from remainders: long ones are seen more often";
    estimate.note = if note.is_empty() { remainders.to_owned() } else { format!("{remainders}; {note}") };
    estimate
}
