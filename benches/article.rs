//! One replication of the article's rollout in this process, in requests a second, beside the least that any event
//! simulation must do: put each request into a heap and take it out again.
//!
//! Machines differ and share their cores; the ratio between the two differs less.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use divan::Bencher;
use divan::counter::ItemsCount;
use rollsim::model::spec::Scenario;
use rollsim::run::{Options, run_once};
use rollsim::scenario::{Source, read};

const NO_HOOK: &str = include_str!("../scenarios/article-no-hook.toml");
const WITH_HOOK: &str = include_str!("../scenarios/article-with-hook.toml");

/// Requests of one replication: 500 a second for 60 s.
const REQUESTS: u64 = 30_000;

/// Connections of the article's client: events pending at any time.
const CONNECTIONS: u64 = 8;

fn main() {
    divan::main();
}

fn scenario(text: &str) -> Scenario {
    let Ok((scenario, _)) = read(&Source::new("article.toml", text), &[]) else { panic!("a shipped scenario is read") };
    scenario
}

/// Replications in turn, so that no branch predictor learns one by heart.
fn replications(bencher: Bencher<'_, '_>, text: &str) {
    let scenario = scenario(text);
    let mut replication = 0;
    bencher.counter(ItemsCount::new(REQUESTS)).bench_local(|| {
        replication += 1;
        run_once(&scenario, replication, Options::default()).metrics
    });
}

#[divan::bench]
fn without_hook(bencher: Bencher<'_, '_>) {
    replications(bencher, NO_HOOK);
}

#[divan::bench]
fn with_hook(bencher: Bencher<'_, '_>) {
    replications(bencher, WITH_HOOK);
}

/// The heap alone: as many pending events as there are connections, one pushed and one popped for each request.
#[divan::bench]
fn heap_alone(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(REQUESTS)).bench_local(|| {
        let mut heap: BinaryHeap<Reverse<(u64, u64)>> = (0..CONNECTIONS).map(|slot| Reverse((slot, slot))).collect();
        for request in 0..REQUESTS {
            if let Some(Reverse((at, slot))) = heap.pop() {
                heap.push(Reverse((at + 16_000_000 + (request & 7) * 1_000, slot)));
            }
        }
        divan::black_box(heap.pop())
    });
}
