//! `[[faults]]`: what happens besides the rollout, each at a time of its own.

use crate::dist::Dist;
use crate::model::spec::{FaultKind, FaultSpec};
use crate::scenario::dist::dist;
use crate::scenario::log::Fault;
use crate::scenario::reader::Fields;
use crate::scenario::settled::Out;
use crate::scenario::tree::Node;
use crate::scenario::values::{Names, whole};
use crate::units::SimDuration;

/// The kinds, before their own keys are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Scale,
    Pause,
    Resume,
    Rollback,
}

const KIND: Names<Kind> = Names {
    built: &[("scale", Kind::Scale), ("pause", Kind::Pause), ("resume", Kind::Resume), ("rollback", Kind::Rollback)],
    later: &[],
};

/// One of them; nothing if it does not say what happens.
pub(super) fn fault(fields: &mut Fields<'_>) -> Option<FaultSpec> {
    let at = fields.or("at", dist, Dist::Constant(SimDuration::from_secs(30)));
    let kind = match required(fields, "kind", "write kind = \"rollback\"", |node| KIND.parse(node))? {
        Kind::Scale => {
            FaultKind::Scale { replicas: required(fields, "replicas", "write replicas = 5", whole(0..=10_000))? }
        }
        Kind::Pause => FaultKind::Pause,
        Kind::Resume => FaultKind::Resume,
        Kind::Rollback => FaultKind::Rollback,
    };
    Some(FaultSpec { at, kind })
}

/// A key without a default.
fn required<T>(
    fields: &mut Fields<'_>,
    name: &str,
    help: &str,
    parse: impl Fn(&Node) -> Result<T, Fault>,
) -> Option<T> {
    if !fields.has(name) {
        fields.complain(Fault::new("missing-key", format!("needs the key `{name}`")).help(help));
    }
    fields.get(name, parse)
}

/// Writes one as it would be read.
pub(super) fn settled(out: &mut Out, fault: &FaultSpec) {
    out.line("\n[[faults]]");
    out.raw("at", &fault.at);
    match fault.kind {
        FaultKind::Scale { replicas } => {
            out.quoted("kind", KIND.of(Kind::Scale));
            out.raw("replicas", replicas);
        }
        FaultKind::Pause => out.quoted("kind", KIND.of(Kind::Pause)),
        FaultKind::Resume => out.quoted("kind", KIND.of(Kind::Resume)),
        FaultKind::Rollback => out.quoted("kind", KIND.of(Kind::Rollback)),
    }
}
