//! What the container runtime of one node does at once: setting up sandboxes, starting containers, tearing sandboxes down.
//!
//! Models: works under way at the same time slow each other. With `n` of them each advances at `1 / (1 + c (n - 1))` of its
//! speed alone, `c` being the delay table's `contention`: 0 is a node with processors for all of them. Leaves out: that
//! kube-proxy's syncs and the pods' own load slow them, too. Source: tests/data/measurements, in which a sandbox set up while
//! another is torn down takes a third longer than the first of a run, and a teardown beside which nothing starts 0.6 of others.

use super::controller::Timer;
use crate::engine::Tie;
use crate::ids::PodId;
use crate::model::msg::RoomOut;
use crate::units::{SimDuration, SimTime};

/// A work under way.
#[derive(Debug)]
struct Work {
    pod: PodId,
    /// Rings when it is done.
    timer: Timer,
    /// Nanoseconds that it would still take alone.
    left: f64,
    pending: Tie,
}

/// The works of one node.
#[derive(Debug)]
pub(super) struct Runtime {
    contention: f64,
    works: Vec<Work>,
    /// Until when `left` has been counted.
    counted: SimTime,
}

impl Runtime {
    /// Nothing under way. Each other work slows one by the share `contention`.
    pub(super) fn new(contention: f64) -> Self {
        Runtime { contention, works: Vec::new(), counted: SimTime::ZERO }
    }

    /// Begins a work on `pod` that takes `alone` if no other is under way; `timer` rings when it is done.
    pub(super) fn begin(
        &mut self,
        now: SimTime,
        pod: PodId,
        alone: SimDuration,
        timer: Timer,
        out: &mut RoomOut<Timer>,
    ) {
        let pending = out.set_timer(pod.0, now + alone, timer);
        if self.contention > 0.0 {
            self.count(now);
            self.works.push(Work { pod, timer, left: alone.as_nanos() as f64, pending });
            self.arrange_anew(now, out);
        }
    }

    /// The work of this timer is done, or nobody waits for it any more.
    pub(super) fn end(&mut self, now: SimTime, timer: Timer, out: &mut RoomOut<Timer>) {
        let Some(index) = self.works.iter().position(|work| work.timer == timer) else { return };
        self.count(now);
        self.works.remove(index);
        self.arrange_anew(now, out);
    }

    fn slowness(&self) -> f64 {
        1.0 + self.contention * self.works.len().saturating_sub(1) as f64
    }

    fn count(&mut self, now: SimTime) {
        let done = now.saturating_since(self.counted).as_nanos() as f64 / self.slowness();
        self.works.iter_mut().for_each(|work| work.left = (work.left - done).max(0.0));
        self.counted = now;
    }

    /// How many there are has changed, and with it when each is done.
    fn arrange_anew(&mut self, now: SimTime, out: &mut RoomOut<Timer>) {
        let slowness = self.slowness();
        for work in &mut self.works {
            out.cancel(work.pending);
            let left = SimDuration::from_nanos_f64_rounded(work.left * slowness);
            work.pending = out.set_timer(work.pod.0, now + left, work.timer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Calendar, Effect, Out};

    /// When each work ends, milliseconds; a work is (begins, takes alone), for pods 0, 1, …
    fn ends(contention: f64, works: &[(u64, u64)]) -> Vec<(u32, f64)> {
        let at = |millis: u64| SimTime::ZERO + SimDuration::from_millis(millis);
        let (mut runtime, mut out, mut calendar) = (Runtime::new(contention), Out::new(4), Calendar::default());
        let mut ends = Vec::new();
        for pod in 0..works.len() as u32 {
            calendar.schedule(at(works[pod as usize].0), Tie::new(0, pod, 0), Timer::WorkerStarts(PodId(pod)));
        }
        while let Some((now, timer)) = calendar.pop() {
            if let Timer::WorkerStarts(pod) = timer {
                let alone = SimDuration::from_millis(works[pod.index()].1);
                runtime.begin(now, pod, alone, Timer::SandboxReady(pod), &mut out);
            } else if let Timer::SandboxReady(pod) = timer {
                runtime.end(now, timer, &mut out);
                ends.push((pod.0, (now - SimTime::ZERO).as_secs_f64() * 1_000.0));
            }
            out.drain().for_each(|effect| match effect {
                Effect::Timer(at, tie, timer) => calendar.schedule(at, tie, timer),
                Effect::Cancel(tie) => calendar.cancel(tie),
                Effect::Send(..) | Effect::Record(_) => unreachable!("only timers"),
            });
        }
        ends
    }

    #[test]
    fn works_without_contention_take_what_they_take_alone() {
        assert_eq!(ends(0.0, &[(0, 100), (10, 30), (20, 200)]), [(1, 40.0), (0, 100.0), (2, 220.0)]);
    }

    #[test]
    fn each_work_is_slower_while_another_is_under_way() {
        // Alone for 50 ms, then 50 ms of work at half speed; the other has done 50 of its 100 ms then, and goes on alone.
        assert_eq!(ends(1.0, &[(0, 100), (50, 100)]), [(0, 150.0), (1, 200.0)]);
        // Three at a third each.
        assert_eq!(ends(1.0, &[(0, 10), (0, 10), (0, 10)]), [(0, 30.0), (1, 30.0), (2, 30.0)]);
    }
}
