//! The objects that decide a rollout, with the fields that matter and the place of each. What the API server would fill in
//! is filled in later, by `settle`: here a field that is absent is absent.

mod autoscaler;
mod ingress;
mod misplaced;
mod pod;
mod selector;
mod service;
mod workload;

pub use autoscaler::{Autoscaler, Budget};
pub use ingress::{Backend, Cloud, Ingress};
pub use misplaced::Misplaced;
pub use pod::{Container, Get, Hook, HookAction, Pod, Probe, ProbeAction};
pub use selector::{Requirement, Selector};
pub use service::{Service, ServicePort};
pub use workload::{Strategy, Workload, WorkloadKind};

pub(super) use autoscaler::{autoscaler, budget};
pub(super) use ingress::ingress;
pub(super) use service::service;
pub(super) use workload::workload;

use super::fields::{At, Fields};
use super::text::Range;
use crate::scenario::Spot;

/// Labels or annotations, in the order of the text.
pub type Labels = Vec<(String, At<String>)>;

/// What every object has.
#[derive(Debug, Clone)]
pub struct Meta {
    /// `kind`, as it is written.
    pub kind: String,
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`; the default one if it is absent.
    pub namespace: String,
    /// Whether the manifest says the namespace.
    pub has_namespace: bool,
    /// `metadata.annotations`.
    pub annotations: Labels,
    /// Where the name stands; the kind if there is none.
    pub at: Spot,
    /// All of the object.
    pub whole: Spot,
    /// It came from a cluster, which has filled in fields that nobody wrote.
    pub is_live: bool,
}

impl Meta {
    /// `Deployment/web`.
    pub fn title(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }

    /// An annotation.
    pub fn annotation(&self, key: &str) -> Option<&At<String>> {
        find(&self.annotations, key)
    }
}

/// The value of a label.
pub fn find<'a>(labels: &'a Labels, key: &str) -> Option<&'a At<String>> {
    labels.iter().find(|(name, _)| name == key).map(|(_, value)| value)
}

/// Whether `labels` have all that `selector` asks for; nothing is selected by a selector that asks for nothing.
pub fn selects(selector: &Labels, labels: &Labels) -> bool {
    let has = |(key, wanted): &(String, At<String>)| find(labels, key).is_some_and(|found| found.value == wanted.value);
    !selector.is_empty() && selector.iter().all(has)
}

/// What the object is, before what is in it is read.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) group: String,
    pub(super) version: String,
    pub(super) kind: At<String>,
}

/// `apiVersion` and `kind`; a problem if one is missing or wrong.
pub(super) fn head(fields: &Fields<'_>) -> Option<Head> {
    let (version, kind) = (fields.text("apiVersion"), fields.text("kind"));
    let missing = [("apiVersion", &version), ("kind", &kind)].into_iter().filter(|(_, value)| value.is_none());
    let missing: Vec<&str> = missing.map(|(name, _)| name).collect();
    if let (Some(version), Some(kind)) = (version, kind) {
        let (group, version) = version.value.split_once('/').unwrap_or(("", &version.value));
        return Some(Head { group: group.to_owned(), version: version.to_owned(), kind });
    }
    let at = fields.node().entries().first().map_or(fields.node().at, |entry| entry.at);
    let message = format!("this is no object of Kubernetes: it has no {}", missing.join(" and no "));
    fields.log().error("not-an-object", at, message, None);
    None
}

/// `metadata`.
pub(super) fn meta(fields: &Fields<'_>, head: &Head) -> Meta {
    let metadata = fields.map("metadata");
    let text = |name| metadata.as_ref().and_then(|metadata| metadata.text(name));
    let name = text("name");
    let namespace = text("namespace");
    let is_live = text("uid").is_some();
    if name.is_none() {
        let message = format!("this {} has no metadata.name", head.kind.value);
        let at = Range { start: head.kind.at.start, end: head.kind.at.end };
        fields.log().error("missing-field", at, message, None);
    }
    Meta {
        kind: head.kind.value.clone(),
        at: name.as_ref().map_or(head.kind.at, |name| name.at),
        name: name.map(|name| name.value).unwrap_or_default(),
        has_namespace: namespace.is_some(),
        namespace: namespace.map_or_else(|| "default".to_owned(), |namespace| namespace.value),
        annotations: metadata.map(|metadata| metadata.strings("annotations")).unwrap_or_default(),
        whole: fields.at(),
        is_live,
    }
}
