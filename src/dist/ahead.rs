//! The draws of one distribution from one stream, some at a time: what a stream is asked for costs less by the dozen.

use crate::dist::Dist;
use crate::engine::Stream;
use crate::units::SimDuration;

/// Draws made at a time.
const AHEAD: usize = 32;

/// Draws made at a time at first, and for good once others have been left out: it is likely then that most would never be asked
/// for.
const FEW: usize = 8;

/// A stream all of whose numbers go into draws of one distribution; which draw is the how-manieth does not change by
/// their being made ahead.
#[derive(Debug)]
pub struct Ahead {
    stream: Stream,
    drawn: [SimDuration; AHEAD],
    next: usize,
    /// Nothing has been drawn.
    is_new: bool,
    /// Draws have been left out.
    skips: bool,
}

impl Ahead {
    /// No draw made yet.
    pub fn new(stream: Stream) -> Self {
        Ahead { stream, drawn: [SimDuration::ZERO; AHEAD], next: AHEAD, is_new: true, skips: false }
    }

    /// The next draw; `dist` must be the same every time.
    #[inline(always)]
    pub fn draw(&mut self, dist: &Dist) -> SimDuration {
        if self.next >= AHEAD {
            self.refill(dist);
        }
        let drawn = self.drawn[self.next];
        self.next += 1;
        drawn
    }

    /// Leaves out the next `count` draws of a distribution each of whose draws takes one number
    /// ([`Dist::takes_one_number`]).
    pub fn skip(&mut self, count: u64) {
        let ahead = (AHEAD - self.next) as u64;
        if count <= ahead {
            self.next += count as usize;
            return;
        }
        (self.next, self.skips) = (AHEAD, true);
        self.stream.skip(count - ahead);
    }

    #[inline(never)]
    fn refill(&mut self, dist: &Dist) {
        match self.drawn.last_chunk_mut::<FEW>() {
            Some(last) if std::mem::take(&mut self.is_new) || self.skips => {
                self.next = AHEAD - FEW;
                fill(&mut self.stream, dist, last);
            }
            _ => {
                self.next = 0;
                fill(&mut self.stream, dist, &mut self.drawn);
            }
        }
    }
}

/// The next `N` draws.
fn fill<const N: usize>(stream: &mut Stream, dist: &Dist, into: &mut [SimDuration; N]) {
    match dist {
        Dist::LogNormal(lognormal) => lognormal.quantiles(&stream.uniforms::<N>(), into),
        dist => into.fill_with(|| dist.draw(stream)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::StreamKey;

    #[test]
    fn draws_that_are_skipped_are_left_out() {
        let dist = Dist::Exponential(SimDuration::from_millis(2));
        let ahead = || Ahead::new(StreamKey { seed: 3, replication: 1 }.stream("test", "ahead", 0));
        let (mut all, mut some) = (ahead(), ahead());
        let mut draws = std::iter::repeat_with(|| all.draw(&dist));
        for skipped in [0, 1, 30, 31, 32, 100, 3] {
            some.skip(skipped);
            assert_eq!(Some(some.draw(&dist)), draws.nth(skipped as usize), "{skipped}");
        }
    }

    #[test]
    fn draws_made_ahead_are_those_made_one_by_one() {
        let ms = SimDuration::from_millis;
        let gamma = Dist::Sum(vec![Dist::Constant(ms(1)), Dist::Gamma(2.5, ms(3))]);
        for dist in [Dist::lognormal_ms(3, 15), Dist::Exponential(ms(2)), gamma] {
            let stream = || StreamKey { seed: 3, replication: 1 }.stream("test", "ahead", 0);
            let (mut ahead, mut plain) = (Ahead::new(stream()), stream());
            for number in 0..100 {
                assert_eq!(ahead.draw(&dist), dist.draw(&mut plain), "{dist}, draw {number}");
            }
        }
    }
}
