//! Image pulls on one node.

use crate::model::spec::Images;
use crate::units::{SimDuration, SimTime};

/// When the image is there.
#[derive(Debug)]
pub(super) struct Pulls {
    images: Images,
    /// When the last pull ends; none has begun.
    last: Option<SimTime>,
}

impl Pulls {
    /// No pull yet: the image of the new template is on no node.
    pub(super) fn new(images: Images) -> Self {
        Pulls { images, last: None }
    }

    /// When a pod that asks now has its image, a pull taking `length`.
    pub(super) fn pulled(&mut self, now: SimTime, length: SimDuration) -> SimTime {
        match (self.images, self.last) {
            (Images::EveryPod, _) => now + length,
            (Images::FirstOnNode, Some(last)) => last.max(now),
            (Images::EveryPodInSeries | Images::FirstOnNode, last) => {
                let end = last.unwrap_or(now).max(now) + length;
                self.last = Some(end);
                end
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(images: Images, expected: [u64; 3]) {
        let mut pulls = Pulls::new(images);
        let at = |secs| SimTime::ZERO + SimDuration::from_secs(secs);
        let found = [0, 1, 30].map(|asked| pulls.pulled(at(asked), SimDuration::from_secs(10)));
        assert_eq!(found, expected.map(at));
    }

    #[test]
    fn pulls_wait_for_each_other_or_are_made_once() {
        check(Images::EveryPod, [10, 11, 40]);
        check(Images::EveryPodInSeries, [10, 20, 40]);
        check(Images::FirstOnNode, [10, 10, 30]);
    }
}
