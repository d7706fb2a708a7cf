//! A log-normal interval from what was left of it when somebody came along: a request that arrives during it waits until
//! its end. Long intervals catch more requests, so the density of such a remainder is that of renewal theory, S(d) / E[T]
//! (Feller, An Introduction to Probability Theory II, XI.4), whatever the number of requests.

use super::law::normal_cdf;
use super::search::peak2;

/// Mean and standard deviation of the logarithm (seconds) of the interval T at the largest likelihood Π S(d) / E[T] of
/// its positive remainders; none without any.
pub fn log_normal(remainders: &[f64]) -> Option<(f64, f64)> {
    let logs: Vec<f64> = remainders.iter().filter(|d| **d > 0.0).map(|d| libm::log(*d)).collect();
    let low = logs.iter().copied().reduce(f64::min)?;
    let high = logs.iter().copied().reduce(f64::max)?;
    let likelihood = |mu: f64, ln_sigma: f64| ln_likelihood(&logs, mu, libm::exp(ln_sigma));
    let (mu, ln_sigma) = peak2((low - 2.0, high + 2.0), (-3.0, 1.1), &likelihood);
    Some((mu, libm::exp(ln_sigma)))
}

fn ln_likelihood(logs: &[f64], mu: f64, sigma: f64) -> f64 {
    let ln_survival = |log: &f64| libm::log((1.0 - normal_cdf((log - mu) / sigma)).max(1e-300));
    logs.iter().map(ln_survival).sum::<f64>() - logs.len() as f64 * (mu + sigma * sigma / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::Dist;
    use crate::engine::StreamKey;

    /// Poisson arrivals during log-normal intervals of median 3 ms and spread 0.8: median within 10 %, spread within 10 %.
    #[test]
    fn the_interval_is_found_from_its_remainders() {
        let mut stream = StreamKey { seed: 9, replication: 0 }.stream("test", "residual", 0);
        let interval = super::super::law::lognormal(libm::log(0.003), 0.8);
        let gap = Dist::Exponential(crate::units::SimDuration::from_millis(6));
        let mut remainders = Vec::new();
        for _ in 0..4_000 {
            let (length, mut at) = (interval.draw(&mut stream).as_secs_f64(), 0.0);
            loop {
                at += gap.draw(&mut stream).as_secs_f64();
                if at >= length {
                    break;
                }
                remainders.push(length - at);
            }
        }
        let (mu, sigma) = log_normal(&remainders).unwrap();
        assert!((libm::exp(mu) / 0.003 - 1.0).abs() < 0.1 && (sigma / 0.8 - 1.0).abs() < 0.1, "{mu} {sigma}");
    }

    #[test]
    fn nothing_gives_nothing() {
        assert_eq!(log_normal(&[]), None);
        assert_eq!(log_normal(&[0.0, -1.0]), None);
    }
}
