//! One replication: the functional core ends here. A pure function of scenario and replication, without threads, files
//! or wall time.

use crate::engine::{Forcing, ForcingPlan, StreamKey};
use crate::model::spec::Scenario;
use crate::record::RunOutput;
use crate::world::World;

pub use crate::world::{Driver, Estimator, Options, Refusal, refusals};

/// Simulates replication `replication` of the scenario.
pub fn run_once(scenario: &Scenario, replication: u64, options: Options) -> RunOutput {
    let key = StreamKey { seed: scenario.run.seed, replication };
    World::new(scenario, key, options).run(key)
}

/// What a forced replication leaves besides its output.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weighed {
    /// The weight of the replication.
    pub weight: f64,
    /// Candidates for forcing that were drawn.
    pub drawn: u32,
}

/// The same with one delay on the way to the rules forced as `plan` says; means need the weight.
pub fn run_forced(scenario: &Scenario, replication: u64, options: Options, plan: ForcingPlan) -> (RunOutput, Weighed) {
    let key = StreamKey { seed: scenario.run.seed, replication };
    let forcing = Forcing::new(plan, key);
    let output = World::forced(scenario, key, options, Some(forcing.clone())).run(key);
    (output, Weighed { weight: forcing.weight(), drawn: forcing.drawn() })
}
