//! Of two random targets the one that answered faster lately: an exponentially weighted moving average of the latency,
//! forgotten over ten seconds (ingress-nginx rootfs/etc/nginx/lua/balancer/ewma.lua).

use std::collections::BTreeMap;

use super::{Active, Choice, Policy, two_of};
use crate::model::balancer::Target;
use crate::units::{SimDuration, SimTime};

/// Time in which an old average loses all but 1/e of its weight.
const DECAY: SimDuration = SimDuration::from_secs(10);

/// See the file.
#[derive(Debug)]
pub struct Ewma(BTreeMap<Target, (SimTime, f64)>);

impl Ewma {
    pub(super) fn new(_: u64) -> Self {
        Ewma(BTreeMap::new())
    }

    /// The average as of now, in seconds.
    fn score(&self, target: Target, now: SimTime) -> f64 {
        self.0.get(&target).map_or(0.0, |(at, average)| average * weight(now.saturating_since(*at)))
    }
}

fn weight(age: SimDuration) -> f64 {
    libm::exp(-age.as_secs_f64() / DECAY.as_secs_f64())
}

impl Policy for Ewma {
    fn pick(&mut self, targets: &[Target], _: Active<'_>, choice: Choice) -> Target {
        let (one, other) = two_of(choice.bits, targets);
        let score = |target| self.score(target, choice.now);
        if score(other) < score(one) { other } else { one }
    }

    fn on_response(&mut self, target: Target, now: SimTime, latency: SimDuration) {
        let (at, average) = self.0.get(&target).copied().unwrap_or((now, latency.as_secs_f64()));
        let kept = weight(now.saturating_since(at));
        self.0.insert(target, (now.max(at), average * kept + latency.as_secs_f64() * (1.0 - kept)));
    }
}
