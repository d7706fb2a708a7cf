//! kube-proxy's own histogram of its syncs, as `curl localhost:10249/metrics` prints it → `kp_sync`.
//!
//! A histogram says between which ends each sync lies; the log-normal is that of the largest likelihood of just that.

use std::collections::BTreeMap;

use super::cumulative::{self, Cumulative};
use crate::calibrate::Estimate;
use crate::calibrate::law::{Law, Shifted};
use crate::calibrate::tables::{DataError, File};
use crate::model::spec::DelayId;

const WHAT: &str = "kube-proxy's metrics, as `curl localhost:10249/metrics` prints them";
/// Seconds that no sync takes.
const LONGEST: f64 = 86_400.0;

const METRIC: &str = "kubeproxy_sync_proxy_rules_duration_seconds";

/// The delay `kp_sync` from a text of Prometheus metrics; histograms of several IP families are added up.
pub fn read(file: File<'_>) -> Result<Estimate, DataError> {
    let buckets = buckets(file)?;
    let n = buckets.values().copied().fold(0.0, f64::max);
    if n < 1.0 {
        return Err(file.error_at(0, format!("no syncs in {METRIC}_bucket, expected {WHAT}")));
    }
    let ends = buckets.iter().map(|(end, count)| (f64::from_bits(*end), *count));
    let syncs = Cumulative::new(ends, n).ok_or_else(|| file.error_at(0, format!("{METRIC}_bucket does not rise")))?;
    let fitted = cumulative::fitted([&syncs].into_iter()).filter(|_| syncs.shows_spread());
    let (mu, sigma) =
        fitted.ok_or_else(|| file.error_at(0, format!("all syncs in fewer than three buckets of {METRIC}_bucket")))?;
    // ln p99 of the log-normal; written so that no number is no time of a sync either.
    let longest = mu + 2.326_347_874 * sigma;
    if longest < libm::log(LONGEST) {
        return Ok(estimate(Law::LogNormal(mu, sigma), n as usize));
    }
    Err(file.error_at(0, format!("{METRIC}_bucket says that syncs take a day and longer, expected seconds")))
}

fn estimate(law: Law, n: usize) -> Estimate {
    let law = Shifted::plain(law);
    let mut estimate = Estimate::new(DelayId::KpSync, METRIC, law.name(), law.dist());
    (estimate.n, estimate.censored) = (n, n);
    estimate.fitted = Some((law.quantile(0.5), law.quantile(0.95)));
    "each sync known to its bucket".clone_into(&mut estimate.note);
    estimate
}

/// Cumulative counts by upper end; ends are ordered as the bits of positive numbers are.
fn buckets(file: File<'_>) -> Result<BTreeMap<u64, f64>, DataError> {
    let mut buckets = BTreeMap::new();
    for line in file.text.lines() {
        let Some(rest) = line.trim().strip_prefix(METRIC).and_then(|rest| rest.strip_prefix("_bucket{")) else {
            continue;
        };
        let at = rest.as_ptr() as usize - file.text.as_ptr() as usize;
        let (end, count) =
            bucket(rest).ok_or_else(|| file.error_at(at, "expected le=\"SECONDS\" and a count in a bucket"))?;
        *buckets.entry(end.to_bits()).or_insert(0.0) += count;
    }
    Ok(buckets)
}

/// The upper end and the count of `le="0.064"} 12`.
fn bucket(rest: &str) -> Option<(f64, f64)> {
    let (labels, count) = rest.split_once('}')?;
    let label = labels.split(',').find_map(|label| label.trim().strip_prefix("le=\""))?;
    let end = match label.strip_suffix('"')? {
        "+Inf" => f64::INFINITY,
        number => number.parse().ok().filter(|end: &f64| *end > 0.0)?,
    };
    let count = count.split_whitespace().next()?.parse().ok().filter(|count: &f64| *count >= 0.0)?;
    Some((end, count))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Buckets as kube-proxy has them, with the counts of a log-normal of median 80 ms and p99 250 ms.
    const SAMPLE: &str = "\
# HELP kubeproxy_sync_proxy_rules_duration_seconds [ALPHA] SyncProxyRules latency in seconds
# TYPE kubeproxy_sync_proxy_rules_duration_seconds histogram
kubeproxy_sync_proxy_rules_duration_seconds_bucket{ip_family=\"IPv4\",le=\"0.016\"} 0
kubeproxy_sync_proxy_rules_duration_seconds_bucket{ip_family=\"IPv4\",le=\"0.032\"} 31
kubeproxy_sync_proxy_rules_duration_seconds_bucket{ip_family=\"IPv4\",le=\"0.064\"} 324
kubeproxy_sync_proxy_rules_duration_seconds_bucket{ip_family=\"IPv4\",le=\"0.128\"} 831
kubeproxy_sync_proxy_rules_duration_seconds_bucket{ip_family=\"IPv4\",le=\"0.256\"} 991
kubeproxy_sync_proxy_rules_duration_seconds_bucket{ip_family=\"IPv4\",le=\"+Inf\"} 1000
kubeproxy_sync_proxy_rules_duration_seconds_sum{ip_family=\"IPv4\"} 90.2
";

    #[test]
    fn syncs_are_fitted_to_their_buckets() {
        let found = read(File { name: "metrics", text: SAMPLE }).unwrap();
        let (median, p95) = found.fitted.unwrap();
        assert!((median - 0.080).abs() < 0.002 && (p95 - 0.179).abs() < 0.005, "{found:?}");
        assert_eq!((found.id, found.n), (DelayId::KpSync, 1_000));
    }

    /// The table said 9223372036.854775807s, which no scenario takes.
    #[test]
    fn syncs_of_centuries_were_fitted() {
        let text = SAMPLE.replace("0.064", "1e300").replace("0.128", "2e300").replace("0.256", "4e300");
        let error = read(File { name: "m", text: &text }).unwrap_err().to_string();
        assert!(error.starts_with("m:1:1: ") && error.contains("take a day and longer"), "{error}");
    }

    #[test]
    fn a_bad_bucket_is_named() {
        let check = |text: &str, expected: &str| {
            assert_eq!(read(File { name: "m", text }).unwrap_err().to_string(), expected);
        };
        check("a 1\n", &format!("m:1:1: no syncs in {METRIC}_bucket, expected {WHAT}"));
        let bad = "\nkubeproxy_sync_proxy_rules_duration_seconds_bucket{le=\"x\"} 0\n";
        check(bad, "m:2:52: expected le=\"SECONDS\" and a count in a bucket");
        let bucket = |end: &str, count: u32| format!("{METRIC}_bucket{{le=\"{end}\"}} {count}\n");
        let few = bucket("0.016", 0) + &bucket("0.032", 7) + &bucket("0.064", 9) + &bucket("+Inf", 9);
        check(&few, &format!("m:1:1: all syncs in fewer than three buckets of {METRIC}_bucket"));
        check(&(bucket("1", 7) + &bucket("2", 5)), &format!("m:1:1: {METRIC}_bucket does not rise"));
    }
}
