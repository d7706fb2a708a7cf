//! The client's address decides by a lookup table in which each target has an equal share and keeps most of it when
//! others come or go (Eisenbud et al., NSDI 2016; Envoy's `maglev`).

use super::{Active, Choice, Policy};
use crate::engine::mix;
use crate::model::balancer::Target;

/// Places of the table: a prime far above the number of targets; 65,537 is the paper's small table.
const PLACES: usize = 65_537;

/// See the file.
#[derive(Debug)]
pub struct Maglev {
    targets: Vec<Target>,
    table: Vec<u32>,
}

impl Maglev {
    pub(super) fn new(_: u64) -> Self {
        Maglev { targets: Vec::new(), table: Vec::new() }
    }

    /// Fills the table: the targets take turns, each taking the next free place of its own permutation.
    fn fill(&mut self, targets: &[Target]) {
        self.targets = targets.to_vec();
        self.table = vec![u32::MAX; PLACES];
        let mut walks: Vec<Walk> = self.targets.iter().map(|target| Walk::of(*target)).collect();
        for turn in 0..PLACES {
            let whose = turn % walks.len();
            let walk = &mut walks[whose];
            while self.table[walk.place] != u32::MAX {
                walk.step();
            }
            self.table[walk.place] = whose as u32;
        }
    }
}

/// A target's permutation of the places.
#[derive(Debug)]
struct Walk {
    place: usize,
    skip: usize,
}

impl Walk {
    fn of(target: Target) -> Self {
        let hash = mix(target.ordinal());
        let places = PLACES as u64;
        Walk { place: (hash % places) as usize, skip: (mix(hash) % (places - 1)) as usize + 1 }
    }

    fn step(&mut self) {
        self.place = (self.place + self.skip) % PLACES;
    }
}

impl Policy for Maglev {
    fn pick(&mut self, targets: &[Target], _: Active<'_>, choice: Choice) -> Target {
        if self.targets != targets {
            self.fill(targets);
        }
        targets[self.table[(mix(choice.source) % PLACES as u64) as usize] as usize]
    }
}
