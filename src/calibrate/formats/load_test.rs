//! What load generators measured of answered requests → `rtt_pod`.
//!
//! A client's latency is the round trip plus the time of the server; the data do not tell them apart. The service time
//! is therefore a constant that the user knows, and is subtracted. What else the latency holds stays in `rtt_pod`:
//! waiting for a busy server, proxies on the way, the connection's set-up where the client opened one for the request,
//! and the client's own delays. So the result of a test at a rate that the server bears easily, with connections kept
//! alive, is the one to use. Latencies of a rollout's own test hold what the rollout did to them, which is what the
//! simulator is to predict.
//!
//! How many calls failed is not read. Several tests are pooled, each request with the same weight.

use super::cumulative::{self, Cumulative};
use super::json::Json;
use crate::calibrate::Estimate;
use crate::calibrate::law::{Law, Shifted};
use crate::calibrate::tables::DataError;
use crate::model::spec::DelayId;
use crate::units::SimDuration;

/// Nobody waits longer for an answer, seconds: longer ones are in another unit than the file says.
const LONGEST_S: f64 = 86_400.0;

/// The answered requests of one load test.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadTest {
    tool: &'static str,
    /// Latencies less the service time, seconds.
    answers: Cumulative,
    service_time: SimDuration,
    note: String,
}

/// What a reader found in its file.
pub(super) struct Answers<'a, 'f> {
    /// The program that wrote the file.
    pub(super) tool: &'static str,
    /// What to name if the latencies are not usable.
    pub(super) at: &'a Json<'f>,
    /// Ends in seconds with the number of answers at or below.
    pub(super) ends: Vec<(f64, f64)>,
    /// Number of answers.
    pub(super) n: f64,
    /// What to know of them.
    pub(super) note: String,
}

impl LoadTest {
    /// Checks what a reader found, and subtracts the service time.
    pub(super) fn new(found: Answers<'_, '_>, service_time: SimDuration) -> Result<LoadTest, DataError> {
        let Answers { tool, at, ends, n, note } = found;
        if let Some((end, _)) = ends.iter().find(|(end, _)| !(0.0..=LONGEST_S).contains(end)) {
            return Err(at.error(&format!("has a latency of {end:.3e} s, which is not between zero and a day")));
        }
        let all = Cumulative::new(ends, n).ok_or_else(|| {
            at.error("has latencies that are not in rising order, or more calls that failed than were made")
        })?;
        let answers = all.less(service_time.as_secs_f64()).ok_or_else(|| {
            at.error(&format!("says that half of the answers took no longer than the service time of {service_time}"))
        })?;
        if !answers.shows_spread() {
            let what = "tells fewer than two points of the latencies' distribution (fortio: use a smaller -r)";
            return Err(at.error(what));
        }
        Ok(LoadTest { tool, answers, service_time, note })
    }
}

/// The delay `rtt_pod` of all tests together; none without tests.
pub fn rtt_pod(tests: &[LoadTest]) -> Option<Estimate> {
    let (mu, sigma) = cumulative::fitted(tests.iter().map(|test| &test.answers))?;
    let law = Shifted::plain(Law::LogNormal(mu, sigma));
    let tools: Vec<&str> = tests.iter().map(|test| test.tool).collect();
    let segment = format!("{}: latency of answers", tools.join(", "));
    let n = tests.iter().map(|test| test.answers.n()).sum::<f64>() as usize;
    let (fitted, note) = (Some((law.quantile(0.5), law.quantile(0.95))), note(tests, mu, sigma));
    Some(Estimate { n, censored: n, fitted, note, ..Estimate::new(DelayId::RttPod, &segment, law.name(), law.dist()) })
}

fn note(tests: &[LoadTest], mu: f64, sigma: f64) -> String {
    let service = tests.first().map_or(SimDuration::ZERO, |test| test.service_time);
    let service = if service.is_zero() {
        "the time of the server is in it, for --service-time is 0".to_owned()
    } else {
        format!("less a service time of {service}, taken as a constant")
    };
    let distance = tests.iter().map(|test| test.answers.distance(mu, sigma)).fold(0.0, f64::max);
    let far = format!("largest distance of the log-normal from what was measured {distance:.3}");
    let own = tests.iter().filter(|test| !test.note.is_empty()).map(|test| format!("{}: {}", test.tool, test.note));
    [service, far].into_iter().chain(own).collect::<Vec<_>>().join("; ")
}
