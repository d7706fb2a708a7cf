//! The stream of `kubectl get pods -w -o json`: concatenated JSON objects, one a change → `sandbox` and `create_start`.
//!
//! Stamps are whole seconds, rounded down, so a difference of d lies between d − 1 and d + 1: interval-censored. What is
//! measured is PodScheduled to the container's start. It holds `sandbox` and `create_start` (hop and worker wait are a
//! few ms beside them): the defaults' proportion, 2 to 1, splits the median, and both get the spread of the sum.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::calibrate::Estimate;
use crate::calibrate::interval::{Between, log_normal};
use crate::calibrate::law::{Law, Shifted};
use crate::calibrate::tables::{DataError, File};
use crate::model::spec::DelayId;

const SEGMENT: &str = "kubectl pods: scheduled to container started";

/// Shares of the median, as the default medians of 300 and 150 ms have them.
const SHARES: [(DelayId, f64); 2] = [(DelayId::Sandbox, 2.0 / 3.0), (DelayId::CreateStart, 1.0 / 3.0)];

/// The two delays from all pods of the stream that were seen started, restarted ones apart.
pub fn read(file: File<'_>) -> Result<Vec<Estimate>, DataError> {
    let between: Vec<Between> = starts(file)?.values().map(|seconds| whole_seconds(*seconds)).collect();
    let Some((mu, sigma)) = log_normal(&between) else {
        return Err(file.error(1, "no pod with the condition PodScheduled and a running container"));
    };
    Ok(SHARES.iter().map(|(id, share)| estimate(*id, mu + libm::log(*share), sigma, between.len())).collect())
}

fn whole_seconds(seconds: i64) -> Between {
    Between { low: seconds as f64 - 1.0, high: seconds as f64 + 1.0, count: 1.0 }
}

fn estimate(id: DelayId, mu: f64, sigma: f64, n: usize) -> Estimate {
    let law = Shifted::plain(Law::LogNormal(mu, sigma));
    let mut estimate = Estimate::new(id, SEGMENT, law.name(), law.dist());
    (estimate.n, estimate.censored) = (n, n);
    estimate.fitted = Some((law.quantile(0.5), law.quantile(0.95)));
    "stamps in whole seconds; sandbox and create_start split 2 to 1".clone_into(&mut estimate.note);
    estimate
}

/// Seconds from scheduled to started, by the pod's uid.
fn starts(file: File<'_>) -> Result<BTreeMap<String, i64>, DataError> {
    let mut starts = BTreeMap::new();
    for object in serde_json::Deserializer::from_str(file.text).into_iter::<Value>() {
        let object = object.map_err(|error| file.error(error.line() as u64, format!("no JSON: {error}")))?;
        let listed = object["items"].as_array().cloned();
        for pod in listed.unwrap_or_else(|| vec![object]) {
            starts.extend(start(&pod));
        }
    }
    Ok(starts)
}

fn start(pod: &Value) -> Option<(String, i64)> {
    let status = &pod["status"];
    let scheduled = status["conditions"].as_array()?.iter().find(|one| one["type"] == "PodScheduled")?;
    let container = status["containerStatuses"].as_array()?.iter().find(|one| one["restartCount"] == 0)?;
    let started = second(&container["state"]["running"]["startedAt"])?;
    let seconds = started - second(&scheduled["lastTransitionTime"])?;
    Some((pod["metadata"]["uid"].as_str()?.to_owned(), seconds)).filter(|(_, seconds)| *seconds >= 0)
}

/// The second of a stamp such as `2026-01-31T10:00:07Z`, counted from a day long ago.
fn second(stamp: &Value) -> Option<i64> {
    let (date, time) = stamp.as_str()?.strip_suffix('Z')?.split_once('T')?;
    let [year, month, day] = three(date, '-')?;
    let [hours, minutes, seconds] = three(time, ':')?;
    Some(((days(year, month, day) * 24 + hours) * 60 + minutes) * 60 + seconds)
}

fn three(text: &str, separator: char) -> Option<[i64; 3]> {
    let parts: Vec<i64> = text.split(separator).map(|part| part.parse().ok()).collect::<Option<_>>()?;
    parts.try_into().ok()
}

/// Days of the Gregorian calendar, years beginning in March so that the leap day comes last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + (153 * month + 2) / 5 + day
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

    #[test]
    fn bad_streams_are_refused() {
        let check = |text: &str, expected: &str| {
            let message = read(File { name: "p", text }).unwrap_err().to_string();
            assert!(message.starts_with(expected), "{message}");
        };
        check("{}\n{\"a\":\n", "p:3: no JSON");
        check("{}", "p:1: no pod with");
    }
}
