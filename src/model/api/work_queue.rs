//! The work queue of a controller, for one key.

/// Where one key stands: events are coalesced, and a key is never worked on twice at once (client-go
/// util/workqueue). The five workers of a controller never run short, since a rollout has fewer keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WorkQueue {
    queued: bool,
    running: bool,
    dirty: bool,
}

impl WorkQueue {
    /// An event for the key. True if a worker has to be called for it.
    #[must_use]
    pub fn add(&mut self) -> bool {
        if self.running {
            self.dirty = true;
            return false;
        }
        !std::mem::replace(&mut self.queued, true)
    }

    /// A worker takes the key.
    pub fn start(&mut self) {
        assert!(self.queued && !self.running, "a worker takes a key that is queued and not worked on");
        (self.queued, self.running) = (false, true);
    }

    /// The worker is done. True if events came meanwhile, so that a worker has to be called again.
    #[must_use]
    pub fn done(&mut self) -> bool {
        assert!(self.running, "a worker that is done had started");
        self.running = false;
        self.queued = std::mem::take(&mut self.dirty);
        self.queued
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coalesces_and_runs_again_if_dirty() {
        let mut queue = WorkQueue::default();
        assert!(queue.add());
        assert!(!queue.add());
        queue.start();
        assert!(!queue.add());
        assert!(!queue.add());
        assert!(queue.done());
        queue.start();
        assert!(!queue.done());
        assert!(queue.add());
    }
}
