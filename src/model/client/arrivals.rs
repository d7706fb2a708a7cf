//! When the requests of an open loop come.

use crate::engine::Stream;
use crate::model::spec::{Arrivals, ClientSpec};
use crate::units::{SimDuration, SimTime};

/// The arrivals of one client.
#[derive(Debug)]
pub struct ArrivalProcess<'s> {
    client: &'s ClientSpec,
    stream: Stream,
    /// Of a bursty client: whether there is a burst, and until when that lasts.
    phase: Option<(bool, SimTime)>,
    /// Of a trace: how many have come.
    come: usize,
}

impl<'s> ArrivalProcess<'s> {
    /// Nothing has come yet.
    pub fn new(client: &'s ClientSpec, stream: Stream) -> Self {
        ArrivalProcess { client, stream, phase: None, come: 0 }
    }

    /// When the next request comes after the one at `now`; never if the trace is over.
    pub fn next(&mut self, now: SimTime) -> SimTime {
        let rate = self.client.rate.as_per_second();
        match self.client.arrivals {
            Arrivals::Poisson => now + SimDuration::from_secs_f64_rounded(-libm::log(self.stream.uniform()) / rate),
            Arrivals::Bursty => self.next_of_bursts(now),
            Arrivals::Daily => self.next_of_day(now),
            Arrivals::Trace => self.next_of_trace(),
            _ => now + SimDuration::from_secs_f64_rounded(1.0 / rate),
        }
    }

    fn exponential(&mut self, mean_secs: f64) -> SimDuration {
        SimDuration::from_secs_f64_rounded(-libm::log(self.stream.uniform()) * mean_secs)
    }

    /// The state is drawn from its long-run shares at the start. A gap that outlasts its phase begins anew in the next one:
    /// exponential gaps do not remember.
    fn next_of_bursts(&mut self, now: SimTime) -> SimTime {
        let burst = self.client.burst;
        let peak = self.client.rate.as_per_second() * burst.peak();
        let (mut bursts, mut ends) = match self.phase {
            Some(phase) => phase,
            None => {
                let on = burst.on.as_secs_f64();
                let bursts = self.stream.uniform() < on / (on + burst.off.as_secs_f64());
                (bursts, now + self.phase_length(bursts))
            }
        };
        let mut from = now;
        loop {
            let rate = if bursts { peak } else { peak * burst.quiet };
            if rate > 0.0 {
                let at = from + self.exponential(1.0 / rate);
                if at < ends {
                    self.phase = Some((bursts, ends));
                    return at;
                }
            }
            (from, bursts) = (ends, !bursts);
            ends = from + self.phase_length(bursts);
        }
    }

    fn phase_length(&mut self, bursts: bool) -> SimDuration {
        let burst = self.client.burst;
        let mean = if bursts { burst.on } else { burst.off };
        // A phase of no length would be no phase.
        self.exponential(mean.as_secs_f64()).max(SimDuration::from_nanos(1))
    }

    /// Of Poisson arrivals at the highest rate as many are kept as the shape says (thinning, Lewis and Shedler 1979).
    fn next_of_day(&mut self, now: SimTime) -> SimTime {
        let shape = &self.client.shape;
        let highest = shape.highest();
        let mut at = now;
        loop {
            at += self.exponential(1.0 / (self.client.rate.as_per_second() * highest));
            if self.stream.uniform() * highest < shape.factor(at - SimTime::ZERO) {
                return at;
            }
        }
    }

    fn next_of_trace(&mut self) -> SimTime {
        let next = self.client.trace.get(self.come);
        self.come += 1;
        next.map_or(SimTime::MAX, |at| SimTime::ZERO + *at)
    }
}
