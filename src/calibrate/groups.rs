//! Which delays go together: on one pod, between the means of runs, within runs. Reported only: the model draws each
//! delay independently.

use std::collections::BTreeMap;

use serde::Serialize;

use super::correlation::{Coefficient, intraclass, spearman};
use super::measurements::{Measurements, Pod, Sample};

/// One finding.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Dependence {
    /// Between what.
    pub what: String,
    /// `spearman` or `intraclass`.
    pub kind: &'static str,
    /// The coefficient with its interval.
    #[serde(flatten)]
    pub coefficient: Coefficient,
}

/// A delay as the difference of two stamps of a pod.
type Stretch = (&'static str, &'static str, &'static str);

const SANDBOX: Stretch = ("sandbox", "sandbox_begin_s", "sandbox_ready_s");
const CREATE_START: Stretch = ("create_start", "sandbox_ready_s", "container_started_s");
const BOUND: Stretch = ("created to scheduled", "created_s", "scheduled_s");
const SLICE_OUT: Stretch = ("deletion to slice out", "deletion_s", "eps_out_s");
const STOP: Stretch = ("server_stop", "sigterm_s", "exit_s");
const TEARDOWN: Stretch = ("exit_teardown", "exit_s", "net_down_s");

const PAIRS: [(Stretch, Stretch); 4] =
    [(SANDBOX, CREATE_START), (BOUND, SANDBOX), (STOP, TEARDOWN), (SLICE_OUT, TEARDOWN)];

const WITHIN: [Stretch; 6] = [BOUND, SANDBOX, CREATE_START, SLICE_OUT, STOP, TEARDOWN];

/// All findings that the measurements are enough for.
pub(super) fn all(measured: &Measurements) -> Vec<Dependence> {
    let pods = PAIRS.iter().filter_map(|(one, other)| same_pod(measured, *one, *other));
    let within = WITHIN.iter().filter_map(|stretch| by_run(stretch.0, &of_pods(measured, *stretch)));
    let syncs: Vec<(&str, f64)> = measured.syncs.iter().map(|sync| (sync.run.as_str(), sync.value)).collect();
    let means =
        [SANDBOX, CREATE_START, SLICE_OUT, TEARDOWN].into_iter().filter_map(|one| with_syncs(measured, one, &syncs));
    pods.chain(successive(&measured.syncs)).chain(means).chain(within).chain(by_run("kp_sync", &syncs)).collect()
}

fn dependence(what: String, kind: &'static str, coefficient: Option<Coefficient>) -> Option<Dependence> {
    coefficient.map(|coefficient| Dependence { what, kind, coefficient })
}

fn length(pod: &Pod, (_, from, to): Stretch) -> Option<f64> {
    pod.between(from, to)
}

/// The slow servers stop by another rule.
fn of_pods(measured: &Measurements, stretch: Stretch) -> Vec<(&str, f64)> {
    let pods = measured.pods.iter().filter(|pod| measured.nginx(&pod.run));
    pods.filter_map(|pod| Some((pod.run.as_str(), length(pod, stretch)?))).collect()
}

fn same_pod(measured: &Measurements, one: Stretch, other: Stretch) -> Option<Dependence> {
    let pods = measured.pods.iter().filter(|pod| measured.nginx(&pod.run));
    let pairs: Vec<(f64, f64)> = pods.filter_map(|pod| Some((length(pod, one)?, length(pod, other)?))).collect();
    dependence(format!("{} and {} of one pod", one.0, other.0), "spearman", spearman(&pairs))
}

fn successive(syncs: &[Sample]) -> Option<Dependence> {
    let pairs = syncs.windows(2).filter(|pair| pair[0].run == pair[1].run);
    let pairs: Vec<(f64, f64)> = pairs.map(|pair| (pair[0].value, pair[1].value)).collect();
    dependence("kp_sync and the next one of the run".to_owned(), "spearman", spearman(&pairs))
}

fn with_syncs(measured: &Measurements, stretch: Stretch, syncs: &[(&str, f64)]) -> Option<Dependence> {
    let (one, other) = (means(&of_pods(measured, stretch)), means(syncs));
    let pairs: Vec<(f64, f64)> = one.iter().filter_map(|(run, value)| Some((*value, *other.get(run)?))).collect();
    dependence(format!("{} and kp_sync, means of a run", stretch.0), "spearman", spearman(&pairs))
}

fn means<'a>(values: &[(&'a str, f64)]) -> BTreeMap<&'a str, f64> {
    let mut sums: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for (run, value) in values {
        let (sum, n) = sums.entry(run).or_default();
        (*sum, *n) = (*sum + value, *n + 1.0);
    }
    sums.into_iter().map(|(run, (sum, n))| (run, sum / n)).collect()
}

fn by_run(what: &str, values: &[(&str, f64)]) -> Option<Dependence> {
    dependence(format!("{what} within a run"), "intraclass", intraclass(values))
}
