//! One replication: the functional core ends here. A pure function of scenario and replication, without threads, files
//! or wall time.

use crate::engine::StreamKey;
use crate::model::spec::Scenario;
use crate::record::RunOutput;
use crate::world::World;

pub use crate::world::{Driver, Estimator, Options, Refusal, refusals};

/// Simulates replication `replication` of the scenario.
pub fn run_once(scenario: &Scenario, replication: u64, options: Options) -> RunOutput {
    let key = StreamKey { seed: scenario.run.seed, replication };
    World::new(scenario, key, options).run(key)
}
