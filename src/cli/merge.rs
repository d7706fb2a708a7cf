//! `rollsim merge`: the parts of shards in, the files of the whole sweep out.

use super::args::MergeArgs;
use super::failure::Failure;
use super::{folders, sweep};
use crate::sweep::Parts;

/// Runs the command.
pub(super) fn run(args: &MergeArgs) -> Result<(), Failure> {
    let mut parts = Parts::open(&args.parts)?;
    let manifest = parts.manifest.clone();
    let folder = folders::prepare(args.output.out.as_deref(), &[&manifest.scenario])?.into_iter().next().flatten();
    sweep::deliver(&manifest, folder.as_ref(), args.format, &mut parts)?;
    sweep::notes(args.output.quiet, folder.as_ref(), &manifest);
    Ok(())
}
