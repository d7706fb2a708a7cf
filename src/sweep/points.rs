//! Runs points × replications as one flat queue of (point, block of replications) on rayon's work-stealing threads.
//!
//! A few points are open at a time: a finished one opens the next, so that memory is bounded by the points in flight.
//! Without a precision all blocks of an open point are queued; with one a point has only so many blocks under way as it
//! takes to keep the threads busy, and whether it goes on is decided after whole blocks, in order. So the row of a point
//! depends on its scenario alone: not on the threads, not on the other points.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rayon::ScopeFifo;
use thiserror::Error;

use super::Plan;
use crate::engine::Digest;
use crate::model::spec::Scenario;
use crate::record::Metrics;
use crate::replications::{BLOCK, Replicated, ThreadsError, is_precise};
use crate::report::RunResult;
use crate::report::result::Identity;
use crate::report::sink::SinkError;
use crate::report::sweep::PointResult;
use crate::run::{self, Estimator, Options};

/// Open points for each thread: enough that no thread waits while others finish theirs.
const OPEN_PER_THREAD: usize = 2;

/// On how many threads, and whether invariants are checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct How {
    /// Threads; as many as there are processors if none is said.
    pub threads: Option<usize>,
    /// Run the checkers of invariants.
    pub check: bool,
}

/// Why a sweep did not come to its end.
#[derive(Debug, Error)]
pub enum SweepError {
    /// The operating system gives no threads.
    #[error(transparent)]
    Threads(#[from] ThreadsError),
    /// A finished point could not be kept.
    #[error(transparent)]
    Sink(#[from] SinkError),
}

/// Simulates the points `todo`. `keep` gets each as soon as it is finished, in whatever order; `progress` is told how many
/// replications have been done since it was last called.
///
/// # Errors
///
/// If there are no threads, or with the first failure of `keep`, after which no further point is begun.
pub fn simulate(
    plan: &Plan,
    todo: &[u64],
    how: How,
    progress: &(dyn Fn(u64) + Sync),
    keep: &mut (dyn FnMut(&PointResult) -> Result<(), SinkError> + Send),
) -> Result<(), SweepError> {
    let estimator = plan.manifest.estimator.as_ref().map_or(Estimator::EveryRequest, |_| Estimator::FailuresOnly);
    let options = Options { check: how.check, estimator, ..Options::default() };
    let run = |scenario: &Scenario, replication| {
        let output = run::run_once(scenario, replication, options);
        (output.metrics, output.digest)
    };
    simulate_with(plan, todo, how, &Hooks { run: &run, progress, keep: Mutex::new(keep) })
}

type Run<'a> = &'a (dyn Fn(&Scenario, u64) -> (Metrics, Digest) + Sync);
type Keep<'a> = &'a mut (dyn FnMut(&PointResult) -> Result<(), SinkError> + Send);

/// What the queue calls.
struct Hooks<'a> {
    run: Run<'a>,
    progress: &'a (dyn Fn(u64) + Sync),
    keep: Mutex<Keep<'a>>,
}

fn simulate_with(plan: &Plan, todo: &[u64], how: How, hooks: &Hooks<'_>) -> Result<(), SweepError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(how.threads.unwrap_or(0)).build();
    let pool = pool.map_err(ThreadsError::from)?;
    let threads = pool.current_num_threads();
    let open = todo.len().min(threads * OPEN_PER_THREAD);
    let job = Job {
        plan,
        todo,
        hooks,
        ahead: plan.manifest.precision.map(|_| threads.div_ceil(open.max(1)) as u64),
        next: AtomicUsize::new(0),
        failed: AtomicBool::new(false),
        failure: Mutex::new(None),
    };
    pool.scope_fifo(|scope| (0..open).for_each(|_| job.open_next(scope)));
    locked(&job.failure).take().map_or(Ok(()), |failure| Err(failure.into()))
}

/// A thread that panicked ends the program; no lock outlives it.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All points and what has become of them.
struct Job<'a, 'h> {
    plan: &'a Plan,
    todo: &'a [u64],
    hooks: &'a Hooks<'h>,
    /// Blocks of one point under way at once; all of them if there is no precision to look at.
    ahead: Option<u64>,
    next: AtomicUsize,
    failed: AtomicBool,
    failure: Mutex<Option<SinkError>>,
}

/// An open point.
struct OpenPoint {
    point: u64,
    scenario: Scenario,
    replications: u64,
    precision: Option<f64>,
    blocks: Mutex<Blocks>,
}

/// Blocks that are done, in order up to the first that is missing.
#[derive(Default)]
struct Blocks {
    taken: Replicated,
    n_taken: u64,
    waiting: BTreeMap<u64, Vec<(Metrics, Digest)>>,
    n_queued: u64,
    closed: bool,
}

/// What a finished block leads to.
enum Next {
    Queue(u64),
    Finish(Replicated),
    Wait,
}

impl Job<'_, '_> {
    fn open_next<'s>(&'s self, scope: &ScopeFifo<'s>) {
        let next = self.todo.get(self.next.fetch_add(1, Ordering::Relaxed));
        let Some(&point) = next.filter(|_| !self.failed.load(Ordering::Relaxed)) else { return };
        let open = Arc::new(OpenPoint {
            point,
            scenario: self.plan.scenario(point),
            replications: self.plan.manifest.replications.into(),
            precision: self.plan.manifest.precision,
            blocks: Mutex::default(),
        });
        let queued = self.ahead.unwrap_or(u64::MAX).min(open.n_blocks());
        locked(&open.blocks).n_queued = queued;
        (0..queued).for_each(|block| self.queue(scope, &open, block));
    }

    fn queue<'s>(&'s self, scope: &ScopeFifo<'s>, open: &Arc<OpenPoint>, block: u64) {
        let open = Arc::clone(open);
        scope.spawn_fifo(move |scope| self.run_block(scope, &open, block));
    }

    fn run_block<'s>(&'s self, scope: &ScopeFifo<'s>, open: &Arc<OpenPoint>, block: u64) {
        if self.failed.load(Ordering::Relaxed) || locked(&open.blocks).closed {
            return;
        }
        let range = open.range(block);
        let n = range.end - range.start;
        let outputs = range.map(|replication| (self.hooks.run)(&open.scenario, replication)).collect();
        (self.hooks.progress)(n);
        match open.take(block, outputs) {
            Next::Queue(block) => self.queue(scope, open, block),
            Next::Finish(replicated) => {
                self.finish(open, replicated);
                self.open_next(scope);
            }
            Next::Wait => {}
        }
    }

    fn finish(&self, open: &OpenPoint, replicated: Replicated) {
        let Replicated { metrics, digest, precise, .. } = replicated;
        (self.hooks.progress)(open.replications - metrics.len() as u64);
        let scenario = &open.scenario;
        let identity = Identity { scenario: &scenario.name, seed: scenario.run.seed, digest: digest.value() };
        let mut result = RunResult::new(&identity, &metrics, Vec::new());
        self.plan.manifest.estimator.iter().for_each(|name| result.name_estimator(name));
        let row = PointResult::new(open.point, self.plan.axes(open.point), precise, result);
        if let Err(error) = (locked(&self.hooks.keep))(&row) {
            self.failed.store(true, Ordering::Relaxed);
            locked(&self.failure).get_or_insert(error);
        }
    }
}

impl OpenPoint {
    fn n_blocks(&self) -> u64 {
        self.replications.div_ceil(BLOCK)
    }

    fn range(&self, block: u64) -> std::ops::Range<u64> {
        block * BLOCK..self.replications.min((block + 1) * BLOCK)
    }

    /// Takes a finished block, and every block that waited for it.
    fn take(&self, block: u64, outputs: Vec<(Metrics, Digest)>) -> Next {
        let mut blocks = locked(&self.blocks);
        if blocks.closed {
            return Next::Wait;
        }
        blocks.waiting.insert(block, outputs);
        if blocks.take_in_order(self.precision) || blocks.n_taken == self.n_blocks() {
            blocks.closed = true;
            return Next::Finish(std::mem::take(&mut blocks.taken));
        }
        if blocks.n_queued == self.n_blocks() {
            return Next::Wait;
        }
        blocks.n_queued += 1;
        Next::Queue(blocks.n_queued - 1)
    }
}

impl Blocks {
    /// Whether the precision is reached; what lies behind the block that reaches it is dropped.
    fn take_in_order(&mut self, precision: Option<f64>) -> bool {
        while let Some(outputs) = self.waiting.remove(&self.n_taken) {
            self.taken.take(outputs);
            self.n_taken += 1;
            self.taken.precise = precision.is_none_or(|precision| is_precise(&self.taken.metrics, precision));
            if precision.is_some() && self.taken.precise {
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests;
