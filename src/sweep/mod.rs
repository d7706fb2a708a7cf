//! Sweeps: a plan of numbered points, each simulated many times with the same luck, on all threads at once.
//!
//! `design` lays points, `plan` settles and numbers them (both pure), `points` runs them as one flat queue of
//! (point, block of replications), `store` keeps the rows of finished points so that nothing finished is lost, `outputs`
//! makes the files from the rows, `parts` splits a plan into shards and joins them, `emit` prints what starts the shards on
//! engines that exist. Leaves out any engine of its own: a shard is a run of this program.

mod design;
mod emit;
mod lines;
mod outputs;
mod parts;
mod plan;
mod points;
mod store;

pub use emit::{Emission, EmissionError, Trace, k8s_job, slurm};
pub use outputs::{Finished, write_files};
pub use parts::{MergeError, Parts, Shard, part_name, write_part};
pub use plan::Plan;
pub use points::{How, SweepError, simulate};
pub use store::{Store, StoreError};

use std::io;

/// The rows of all points, read one at a time: all of them need not fit into memory.
pub trait Rows {
    /// The line of a point.
    ///
    /// # Errors
    ///
    /// If it cannot be read from where it is kept.
    fn row(&mut self, point: u64) -> io::Result<String>;
}
