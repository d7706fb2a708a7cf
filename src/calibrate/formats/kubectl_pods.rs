//! The stream of `kubectl get pods -w -o json`: concatenated JSON objects, one a change → `sandbox` and `create_start`.
//!
//! Stamps are whole seconds, rounded down ([`Known::WholeSeconds`]). What is measured is PodScheduled to the container's
//! start. It holds `sandbox` and `create_start`, and an image pull where there was one (hop and worker wait are a few ms
//! beside them): the defaults' proportion, 2 to 1, splits the median, and both get the spread of the sum. The stream of
//! events tells the steps apart: [`super::kubectl_events`].

use std::collections::BTreeMap;

use super::objects::{Object, objects};
use super::stamped::{self, LogNormal};
use crate::calibrate::Estimate;
use crate::calibrate::fit;
use crate::calibrate::interval::Known;
use crate::calibrate::tables::{DataError, File};
use crate::model::spec::DelayId;

const WHAT: &str = "what `kubectl get pods -w -o json` prints";
const SEGMENT: &str = "kubectl pods: scheduled to container started";

/// Shares of the median, as the default medians of 300 and 150 ms have them.
const SHARES: [(DelayId, f64); 2] = [(DelayId::Sandbox, 2.0 / 3.0), (DelayId::CreateStart, 1.0 / 3.0)];

/// The two delays from all pods of the stream that were seen started, restarted ones apart.
pub fn read(file: File<'_>) -> Result<Vec<Estimate>, DataError> {
    let starts: Vec<Known> = starts(file)?.into_values().collect();
    if starts.is_empty() {
        let what = "no pod with the condition PodScheduled and a running container";
        return Err(file.error_at(0, format!("{what}, expected {WHAT}")));
    }
    let Some(sum) = stamped::log_normal(DelayId::Sandbox, &starts) else {
        let (n, fewest) = (starts.len(), fit::FEWEST);
        return Err(file.error_at(
            0,
            format!("{n} pods are fewer than {fewest}, or all started in the second they were scheduled in"),
        ));
    };
    Ok(SHARES.iter().map(|(id, share)| estimate(*id, *share, &sum, starts.len())).collect())
}

fn estimate(id: DelayId, share: f64, sum: &LogNormal, n: usize) -> Estimate {
    let part = LogNormal { mu: sum.mu + libm::log(share), ..*sum };
    let found = stamped::of_log_normal(id, SEGMENT, &part);
    let note = format!("{}; sandbox and create_start split 2 to 1", found.note);
    Estimate { n, censored: n, note, ..found }
}

/// From scheduled to started, by the pod's uid.
fn starts(file: File<'_>) -> Result<BTreeMap<String, Known>, DataError> {
    let mut starts = BTreeMap::new();
    for pod in objects(file, WHAT)? {
        starts.extend(start(file, &pod)?);
    }
    Ok(starts)
}

fn start(file: File<'_>, pod: &Object) -> Result<Option<(String, Known)>, DataError> {
    let status = &pod.value["status"];
    let find =
        |list: &str, key: &str, value: serde_json::Value| status[list].as_array()?.iter().find(|one| one[key] == value);
    let scheduled = find("conditions", "type", "PodScheduled".into());
    let container = find("containerStatuses", "restartCount", 0.into());
    let (Some(uid), Some(scheduled), Some(container)) = (pod.text("/metadata/uid"), scheduled, container) else {
        return Ok(None);
    };
    let scheduled = pod.stamp_of(file, "lastTransitionTime", &scheduled["lastTransitionTime"])?;
    let started = pod.stamp_of(file, "startedAt", &container["state"]["running"]["startedAt"])?;
    let pair = scheduled.zip(started).filter(|(scheduled, started)| started >= scheduled);
    Ok(pair.map(|(scheduled, started)| (uid.to_owned(), started.since(scheduled))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(uid: u32, started: &str) -> String {
        format!(
            "{{\"kind\": \"Pod\", \"metadata\": {{\"uid\": \"{uid}\"}}, \"status\": {{\"conditions\": [{{\"type\": \"PodScheduled\", \
             \"lastTransitionTime\": \"2026-02-28T23:59:59Z\"}}], \"containerStatuses\": [{{\"restartCount\": 0, \"state\": \
             {{\"running\": {{\"startedAt\": \"{started}\"}}}}}}]}}}}\n"
        )
    }

    #[test]
    fn a_stream_gives_the_two_start_delays() {
        let stamps = ["2026-02-28T23:59:59Z", "2026-03-01T00:00:00Z", "2026-03-01T00:00:01Z"];
        let text: String = (0..12).map(|uid| pod(uid, stamps[uid as usize % 3])).collect();
        let found = read(File { name: "pods.json", text: &text }).unwrap();
        assert_eq!(
            found.iter().map(|one| (one.id, one.n)).collect::<Vec<_>>(),
            [(DelayId::Sandbox, 12), (DelayId::CreateStart, 12)]
        );
        let sum: f64 = found.iter().map(|one| one.fitted.unwrap().0).sum();
        assert!((0.4..1.6).contains(&sum), "{sum}");
    }

    /// Of twelve pods that took 0.5 s half started in the next second: that says 0.5 s, but no spread.
    #[test]
    fn two_neighbouring_seconds_tell_the_median_only() {
        let stamps = ["2026-02-28T23:59:59Z", "2026-03-01T00:00:00Z"];
        let text: String = (0..12).map(|uid| pod(uid, stamps[uid as usize % 2])).collect();
        let found = read(File { name: "pods.json", text: &text }).unwrap();
        let medians: Vec<f64> = found.iter().map(|one| one.fitted.unwrap().0).collect();
        assert!((medians[0] / medians[1] - 2.0).abs() < 1e-6, "{medians:?}");
        assert!((0.3..0.6).contains(&(medians[0] + medians[1])), "{medians:?}");
        assert!(found[0].note.contains("too coarse to show a spread"), "{}", found[0].note);
    }

    #[test]
    fn bad_streams_are_refused() {
        let check = |text: &str, expected: &str| {
            let message = read(File { name: "p", text }).unwrap_err().to_string();
            assert!(message.starts_with(expected), "{message}");
        };
        check("{}\n{\"a\":\n", "p:3:1: the JSON ends too early");
        check("{}", "p:1:1: no pod with");
        check(&pod(1, "soon"), "p:1:219: `startedAt` is \"soon\", expected a time such as");
        check(&pod(1, "2026-03-01T00:00:00Z"), "p:1:1: 1 pods are fewer than 5, or");
        let same: String = (0..9).map(|uid| pod(uid, "2026-02-28T23:59:59Z")).collect();
        check(&same, "p:1:1: 9 pods are fewer than 5, or all started in the second");
    }
}
