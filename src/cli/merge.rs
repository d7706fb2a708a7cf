//! `rollsim merge`: the parts of shards in, the files of the whole sweep out.

use super::args::MergeArgs;
use super::failure::Failure;
use super::folders;
use super::sweep::Delivery;
use crate::sweep::Parts;

/// Runs the command.
pub(super) fn run(args: &MergeArgs) -> Result<(), Failure> {
    let mut parts = Parts::open(&args.parts)?;
    let manifest = parts.manifest.clone();
    let folder = folders::prepare(args.output.out.as_deref(), &[&manifest.scenario])?.into_iter().next().flatten();
    let delivery = Delivery {
        manifest: &manifest,
        folder: folder.as_ref(),
        format: args.format,
        gates: &args.fail_if,
        quiet: args.output.quiet,
    };
    let unpainted = delivery.written(&mut parts)?;
    let told = delivery.shown(&mut parts)?;
    told.tell()?;
    delivery.notes(unpainted.as_deref());
    told.judge()
}
