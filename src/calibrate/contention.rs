//! Contention: how much the container runtime's works on a node slow each other, and what each would take alone.
//!
//! A work that lasts from one stamp to another while others come and go has advanced, with `n` others under way, by
//! `1 / (1 + c n)` of the time. For each `c` that gives what every work would take alone; `c` is where those are most
//! likely as log-normals, one for each delay. It is kept only if zero is less likely by what a 99 % interval leaves out.

use std::collections::BTreeMap;

use super::fit::{FEWEST, mean};
use super::measurements::{Measurements, Pod};
use super::search::{peak, root};
use super::{Estimate, law};
use crate::dist::Dist;
use crate::model::spec::DelayId;
use crate::units::SimDuration;

/// Works slow each other at most so much.
const MOST: f64 = 5.0;
/// Half of the 95 % and 99 % points of a chi-squared variable with one degree of freedom: what a logarithm of a likelihood
/// loses at the ends of an interval.
const HALF_CHI_95: f64 = 1.92;
const HALF_CHI_99: f64 = 3.32;

/// How late two stamps are, seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Late {
    /// The runtime's exit event, after the process closed its sockets.
    pub(super) exit_seen: f64,
    /// The log of a teardown, after the address fell silent.
    pub(super) logged: f64,
}

/// A work, and what it would take alone.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Work {
    pub(super) id: DelayId,
    /// Which pod's, by its row.
    pub(super) pod: usize,
    pub(super) run: String,
    /// Seconds.
    pub(super) alone: f64,
}

/// A work with the seconds that it was under way beside 0, 1, 2, … others, and beside how many it ended.
#[derive(Debug, Clone, PartialEq)]
struct Beside {
    seconds: Vec<f64>,
    at_end: usize,
}

impl Beside {
    fn alone(&self, contention: f64) -> f64 {
        self.seconds.iter().enumerate().map(|(others, seconds)| seconds / slowness(contention, others)).sum()
    }
}

fn slowness(contention: f64, others: usize) -> f64 {
    1.0 + contention * others as f64
}

/// The contention, if there is any, and all works of the runtime as they would be alone, one delay after the other.
pub(super) fn taken_out(measured: &Measurements, late: Late) -> (Option<Estimate>, Vec<Work>) {
    let spans = spans(measured, late);
    let beside: Vec<Beside> = spans.iter().map(|span| span.beside(&spans)).collect();
    let log_likelihood = |contention: f64| log_likelihood(contention, &spans, &beside);
    let found = peak(0.0, MOST, &log_likelihood);
    let gain = log_likelihood(found) - log_likelihood(0.0);
    let is_there = spans.len() >= FEWEST && gain > HALF_CHI_99;
    let contention = if is_there { found } else { 0.0 };
    let work = |(span, beside): (&Span<'_>, &Beside)| Work {
        id: span.id,
        pod: span.pod,
        run: span.run.to_owned(),
        alone: beside.alone(contention),
    };
    let works = spans.iter().zip(&beside).map(work).collect();
    (is_there.then(|| estimate(found, gain, &beside, &log_likelihood)), works)
}

fn estimate(found: f64, gain: f64, beside: &[Beside], log_likelihood: &dyn Fn(f64) -> f64) -> Estimate {
    let segment = "sandbox, create_start and exit_teardown of a node at the same time";
    let dist = Dist::Constant(SimDuration::from_secs_f64_rounded(law::significant(found)));
    let mut estimate = Estimate::new(DelayId::Contention, segment, "constant".to_owned(), dist);
    estimate.n = beside.iter().filter(|work| work.seconds.iter().skip(1).any(|seconds| *seconds > 0.0)).count();
    let lost = |contention: f64| log_likelihood(found) - HALF_CHI_95 - log_likelihood(contention);
    let low = root(0.0, found, &|contention| -lost(contention));
    let high = root(found, MOST, &lost);
    let [low, high] = [low, high].map(law::significant);
    estimate.note = format!("95 % interval {low} to {high}; log-likelihood {gain:.1} above none");
    estimate
}

/// When a work of one pod was under way.
#[derive(Debug, Clone, Copy)]
struct Span<'m> {
    id: DelayId,
    pod: usize,
    run: &'m str,
    from: f64,
    to: f64,
}

impl Span<'_> {
    fn beside(&self, all: &[Span<'_>]) -> Beside {
        let is_other = |other: &&Span<'_>| other.run == self.run && (other.id, other.pod) != (self.id, self.pod);
        let others: Vec<&Span<'_>> = all.iter().filter(is_other).collect();
        let ends = others.iter().flat_map(|other| [other.from, other.to]);
        let mut cuts: Vec<f64> =
            ends.filter(|at| self.from < *at && *at < self.to).chain([self.from, self.to]).collect();
        cuts.sort_by(f64::total_cmp);
        let mut beside = Beside { seconds: vec![0.0; others.len() + 1], at_end: 0 };
        for pair in cuts.windows(2) {
            let middle = f64::midpoint(pair[0], pair[1]);
            beside.at_end = others.iter().filter(|other| other.from < middle && middle < other.to).count();
            beside.seconds[beside.at_end] += pair[1] - pair[0];
        }
        beside
    }
}

fn spans(measured: &Measurements, late: Late) -> Vec<Span<'_>> {
    let of_pod = |(pod, row): (usize, &'_ Pod)| {
        let ends = [
            (DelayId::Sandbox, row.at("sandbox_begin_s"), row.at("sandbox_ready_s")),
            (DelayId::CreateStart, row.at("sandbox_ready_s"), row.at("container_started_s")),
            (
                DelayId::ExitTeardown,
                row.at("exit_s").map(|at| at - late.exit_seen),
                row.at("net_down_s").map(|at| at - late.logged),
            ),
        ];
        ends.into_iter().filter_map(move |(id, from, to)| Some((id, pod, from?, to?))).collect::<Vec<_>>()
    };
    let all = measured.pods.iter().enumerate().flat_map(of_pod);
    let span = |(id, pod, from, to): (DelayId, usize, f64, f64)| {
        (from < to).then(|| Span { id, pod, run: measured.pods[pod].run.as_str(), from, to })
    };
    let mut spans: Vec<Span<'_>> = all.filter_map(span).collect();
    spans.sort_by_key(|span| span.id);
    spans
}

/// Of the times alone as log-normals, one for each delay; the density of what was measured is that times the speed at the
/// end of the work.
fn log_likelihood(contention: f64, spans: &[Span<'_>], beside: &[Beside]) -> f64 {
    let mut logs: BTreeMap<DelayId, Vec<f64>> = BTreeMap::new();
    for (span, beside) in spans.iter().zip(beside) {
        logs.entry(span.id).or_default().push(libm::log(beside.alone(contention)));
    }
    let speeds: f64 = beside.iter().map(|beside| -libm::log(slowness(contention, beside.at_end))).sum();
    speeds + logs.values().map(|logs| log_normal(logs)).sum::<f64>()
}

fn log_normal(logs: &[f64]) -> f64 {
    let middle = mean(logs);
    let variance = logs.iter().map(|log| (log - middle).powi(2)).sum::<f64>() / logs.len() as f64;
    -(logs.len() as f64) / 2.0 * libm::log(variance.max(1e-12)) - logs.iter().sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibrate::tables::File;
    use crate::calibrate::{Files, Measurements};

    const ON_TIME: Late = Late { exit_seen: 0.0, logged: 0.0 };

    /// Two pods a run: one is torn down from 1 s on and takes `alone` if nothing else goes on; the other's sandbox is set
    /// up from `from` on. Both go on together until the first is done, each `1 + c` times slower.
    fn measured(name: &str, contention: f64, from: f64) -> Measurements {
        let mut pods = "run,scenario,sandbox_begin_s,sandbox_ready_s,exit_s,net_down_s\n".to_owned();
        for run in 0..40_u32 {
            let (teardown, sandbox) = (0.2 + 0.01 * f64::from(run % 7), 0.4 + 0.01 * f64::from(run % 5));
            let before = (from - 1.0).clamp(0.0, teardown);
            let together = (teardown - before) * (1.0 + contention);
            let torn = 1.0 + before + together;
            let set_up = from + together + sandbox - together / (1.0 + contention);
            pods += &format!("{name}{run},s,,,1.0,{torn}\n{name}{run},s,{from},{set_up},,\n");
        }
        let file = |text| File { name: "a.csv", text };
        let files = Files {
            micro: file("name,value_s,scenario,run\n"),
            pods: file(&pods),
            proxy_sync: file("run,scenario,preloaded_services,sync_end_s,sync_took_s\n"),
            runs: file("run,handler,prestop,run_s\n"),
            failures: None,
            syn_after_stop: None,
        };
        Measurements::read(&files, &[]).unwrap()
    }

    /// The contention found among runs of which half have works beside each other.
    fn found(contention: f64) -> (Option<Estimate>, Vec<Work>) {
        let (mut together, apart) = (measured("beside", contention, 1.05), measured("apart", contention, 1.3));
        together.pods.extend(apart.pods);
        taken_out(&together, ON_TIME)
    }

    #[test]
    fn works_beside_each_other_give_the_contention_and_what_each_takes_alone() {
        let (estimate, works) = found(0.8);
        let Dist::Constant(contention) = estimate.unwrap().dist else { unreachable!("a constant") };
        assert!((contention.as_secs_f64() - 0.8).abs() < 0.05, "{contention}");
        let teardowns: Vec<&Work> = works.iter().filter(|work| work.id == DelayId::ExitTeardown).collect();
        assert_eq!(teardowns.len(), 80);
        assert!(teardowns.iter().all(|work| (0.19..0.28).contains(&work.alone)), "{teardowns:?}");
    }

    #[test]
    fn works_that_do_not_slow_each_other_show_no_contention() {
        let (estimate, works) = found(0.0);
        assert_eq!(estimate, None);
        assert!(works.iter().filter(|work| work.pod == 0).all(|work| (work.alone - 0.2).abs() < 1e-9));
    }
}
