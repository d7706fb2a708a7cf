//! How much later the teardown of a network namespace is logged than its address falls silent.
//!
//! While the pod's rule is still there, clients see the moment itself: the last connect that was refused was made before
//! it, the first one that nothing answered after it. Both are taken as ends of an interval, from `failures.csv`, times
//! only; where the requests of a run do not show it, the machine at rest does (`syn_after_stop_summary.csv`). Under load
//! the log is later than at rest.

use super::fit::{FEWEST, mean};
use super::interval::{Between, log_normal};
use super::measurements::{FailedConnect, Measurements, Pod};

/// A rule must outlive its pod's namespace by so much, seconds: what is refused or silent then was sent to that pod.
const RULE_STAYS_S: f64 = 0.05;

/// The log is never later than this, seconds.
const LATEST_S: f64 = 0.3;

/// Seconds, the mean.
pub(super) fn logged_after(measured: &Measurements) -> f64 {
    let seen: Vec<Between> = measured.pods.iter().filter_map(|pod| seen_by_clients(measured, pod)).collect();
    let under_load = (seen.len() >= FEWEST).then(|| log_normal(&seen)).flatten();
    let at_rest = &measured.teardown_log_lag;
    match under_load {
        Some((mu, sigma)) => libm::exp(mu + sigma * sigma / 2.0),
        None if at_rest.is_empty() => 0.0,
        None => mean(at_rest),
    }
}

/// Between which ends the lateness of the log lies, if clients met the pod before and after its address fell silent and
/// no other pod that had ended was in the rules.
fn seen_by_clients(measured: &Measurements, pod: &Pod) -> Option<Between> {
    let (exit, logged, rule_out) = (pod.at("exit_s")?, pod.at("net_down_s")?, pod.at("rule_out_s")?);
    let is_alone = measured.pods.iter().filter(|other| other.run == pod.run && *other != pod).all(|other| {
        let exposed = other.at("exit_s").zip(other.at("rule_out_s"));
        exposed.is_none_or(|(from, to)| to < exit || from > logged)
    });
    if rule_out < logged + RULE_STAYS_S || !is_alone {
        return None;
    }
    let until = rule_out.min(logged + LATEST_S);
    let sent = |refused: bool| {
        let of_pod = move |one: &&FailedConnect| one.run == pod.run && one.refused == refused;
        measured.failed_connects.iter().filter(of_pod).map(|one| one.sent).filter(move |at| (exit..until).contains(at))
    };
    let (last_refused, first_silent) = (sent(true).reduce(f64::max)?, sent(false).reduce(f64::min)?);
    let (low, high) = (logged - first_silent, logged - last_refused);
    (low < high && high > 0.0 && high < LATEST_S).then_some(Between { low, high, count: 1.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibrate::tables::File;
    use crate::calibrate::{Files, Measurements};

    /// One pod a run, exit at 1 s, teardown logged at 1.3 s, rule out at 2 s; connects refused and silent 10 ms before and
    /// after the address falls silent.
    fn measured(runs: u32, silent_after_s: impl Fn(u32) -> f64) -> Measurements {
        let (mut pods, mut failures) = (String::new(), String::new());
        for run in 0..runs {
            pods += &format!("r{run},s,1.0,1.3,2.0\n");
            let silent = 1.3 - silent_after_s(run);
            failures += &format!(
                "r{run},{},0,0,connect_refused\nr{run},{},0,0,connect_timeout\n",
                silent - 0.01,
                silent + 0.01
            );
            // What other pods met, before and after.
            failures += &format!("r{run},0.5,0,0,connect_timeout\nr{run},2.5,0,0,connect_refused\n");
        }
        let texts = [
            "name,value_s,scenario,run\n".to_owned(),
            format!("run,scenario,exit_s,net_down_s,rule_out_s\n{pods}"),
            "run,scenario,preloaded_services,sync_end_s,sync_took_s\n".to_owned(),
            "run,handler,prestop,run_s\n".to_owned(),
            format!("run,start_s,end_s,reused,result\n{failures}"),
            "teardown_logged_after_exit_s,last_refused_s,first_timeout8s_start_s\n0.12,0.09,0.1\n".to_owned(),
        ];
        let [micro, pods, proxy_sync, runs, failures, syn] = texts.each_ref().map(|text| File { name: "a.csv", text });
        let files = Files { micro, pods, proxy_sync, runs, failures: Some(failures), syn_after_stop: Some(syn) };
        Measurements::read(&files, &[]).unwrap()
    }

    #[test]
    fn clients_see_how_late_the_log_is_under_load() {
        let found = logged_after(&measured(20, |run| 0.04 + 0.001 * f64::from(run % 5)));
        assert!((found - 0.042).abs() < 0.003, "{found}");
    }

    #[test]
    fn a_machine_at_rest_tells_it_if_no_client_does() {
        let found = logged_after(&measured(2, |_| 0.04));
        assert!((found - 0.025).abs() < 1e-9, "{found}");
    }
}
