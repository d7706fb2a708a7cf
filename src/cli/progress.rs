//! The progress bar: on stderr, only on a terminal, never with `--quiet`.

use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar over several pieces of work.
#[derive(Debug)]
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// A bar of `total` replications.
    pub(super) fn new(total: u64, quiet: bool) -> Progress {
        let shown = !quiet && stderr().is_terminal();
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        let template = "{wide_bar} {human_pos}/{human_len} replications, {per_sec}, {eta} left";
        Progress(
            bar.with_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())),
        )
    }

    /// A counter of replications, for work whose end nobody knows.
    pub(super) fn endless(quiet: bool) -> Progress {
        let progress = Progress::new(0, quiet);
        let style = ProgressStyle::with_template("{spinner} {human_pos} replications, {per_sec}, {elapsed}");
        progress.0.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        progress
    }

    /// What the next piece of work calls with the number of replications done so far.
    pub(super) fn piece(&self) -> impl Fn(u64) + Sync + use<> {
        let bar = self.0.clone();
        move |_done| bar.inc(1)
    }

    /// What is called with the number of replications done since it was last called.
    pub(super) fn steps(&self) -> impl Fn(u64) + Sync + use<> {
        let bar = self.0.clone();
        move |more| bar.inc(more)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
