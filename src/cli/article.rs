//! `rollsim` without arguments: the article's rollout without and with a hook, what it means, and what to try next.

use super::failure::Failure;
use super::input::{self, ARTICLE};
use super::print;
use super::simulate::{self, How, Measured};
use crate::report::{article, table};

/// Many installers set it so; the default up to Kubernetes 1.19 is 0.
const BATCHED: &str = "kube_proxy.min_sync_period=1s";

const INTRODUCTION: &str = "\
A rolling update of three nginx pods under 500 requests a second for a minute, simulated many times: once as it is,
once with a preStop hook that keeps each old pod serving for ten more seconds.

";

const NEXT: &str = "
Try next:
  rollsim explain article-no-hook                               one rollout told as a story: why each request is lost
  rollsim run article-no-hook --set pod.pre_stop.sleep=1s       how short may the hook be?
  rollsim run article-no-hook --ablate                          what does each mechanism contribute?
  rollsim run my.toml                                           your own rollout; rollsim --help shows more
";

/// Simulates the pair and prints the comparison; writes no files.
pub(super) fn run() -> Result<(), Failure> {
    let (plain, batched) = (simulated(&[])?, simulated(&[BATCHED.to_owned()])?);
    let mut text = INTRODUCTION.to_owned() + &table::render(&simulate::together(&plain)) + "\n";
    sentences(&plain, &batched).iter().for_each(|sentence| text += &article::wrapped(sentence));
    print::result(&(text + NEXT))
}

fn simulated(sets: &[String]) -> Result<Vec<Measured>, Failure> {
    simulate::all(&input::load_builtin(&ARTICLE, sets)?, How::default())
}

fn sentences(plain: &[Measured], batched: &[Measured]) -> Vec<String> {
    let losses = plain.iter().map(|one| article::losses(&one.result));
    let observed = plain.iter().zip([article::NO_HOOK, article::WITH_HOOK]);
    let placed = observed.map(|(one, seen)| article::against_the_article(&one.result, &one.replications, seen));
    let batched_losses = batched.iter().map(|one| article::losses(&one.result));
    let head = "If kube-proxy writes its rules at most once a second (minSyncPeriod 1s, as many installers set it):";
    losses.chain(placed).chain([head.to_owned()]).chain(batched_losses).collect()
}
