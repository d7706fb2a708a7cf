//! What `[[faults]]` do to the cluster, each at its time.

use crate::ids::Revision;
use crate::model::api::Write;
use crate::model::spec::FaultKind;

/// What is asked of the API server.
pub(super) fn write(kind: FaultKind) -> Write {
    match kind {
        FaultKind::Scale { replicas } => Write::ScaleDeployment { replicas },
        FaultKind::Pause => Write::PauseDeployment(true),
        FaultKind::Resume => Write::PauseDeployment(false),
        FaultKind::Rollback => Write::ChangeTemplate(Revision::Old),
    }
}

/// Whether it may leave fewer pods ready than a rolling update promises. A rollback makes old pods the new ones, whose
/// availability, as last written, may count some that were condemned a moment before.
pub(super) fn takes(kind: FaultKind) -> bool {
    match kind {
        FaultKind::Scale { .. } | FaultKind::Rollback => true,
        FaultKind::Pause | FaultKind::Resume => false,
    }
}
