//! From texts to objects: every document of every text, Lists taken apart, all that is wrong collected.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::fields::{At, Fields, Log};
use super::object::{self, Autoscaler, Budget, Head, Ingress, Service, Workload, WorkloadKind};
use super::text::{self, Node, Value};
use crate::scenario::{Problem, Severity, Spot, Text};

/// A text of manifests.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// Its name and what is in it.
    pub text: Text,
    /// Whether somebody named it. What was found in a folder may be something else, which is skipped.
    pub is_named: bool,
}

/// An object that says nothing about rollouts here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Its kind; empty if it is no object of Kubernetes at all.
    pub kind: String,
    /// Its name, if it has one.
    pub name: String,
    /// Where it stands.
    pub at: Spot,
}

/// All objects that were given.
#[derive(Debug, Default)]
pub struct Objects {
    /// The texts, to which places point.
    pub texts: Vec<Text>,
    /// In the order of the texts.
    pub workloads: Vec<Workload>,
    /// Services.
    pub services: Vec<Service>,
    /// Which of them are rather taken as the way to a workload: found once, since there may be thousands.
    pub(super) ranked_services: OnceLock<Vec<usize>>,
    /// Ingresses.
    pub ingresses: Vec<Ingress>,
    /// HorizontalPodAutoscalers.
    pub autoscalers: Vec<Autoscaler>,
    /// PodDisruptionBudgets.
    pub budgets: Vec<Budget>,
    /// Everything else.
    pub skipped: Vec<Skipped>,
    /// Where each object begins and ends, for comments that belong to one.
    pub extents: Vec<Spot>,
    /// Keys and strings in which a `#` stands: there it begins no comment.
    pub strings: Vec<Spot>,
}

/// Reads all texts.
///
/// # Errors
/// Everything that is wrong with any of them, each with its place.
pub fn read(manifests: &[Manifest]) -> Result<Objects, Vec<Problem>> {
    let mut objects = Objects { texts: manifests.iter().map(|one| one.text.clone()).collect(), ..Objects::default() };
    let mut problems = Vec::new();
    for (index, manifest) in manifests.iter().enumerate() {
        let log = Log::new(&manifest.text, index);
        let (documents, unreadable) = text::documents(&manifest.text);
        for document in &documents {
            strings(&log, document, manifest.text.as_str(), &mut objects.strings);
            document_objects(&log, document, manifest.is_named, &mut objects);
        }
        if let Some(unreadable) = unreadable {
            log.error(unreadable.code, unreadable.at, unreadable.message, unreadable.help);
        } else if documents.is_empty() && manifest.is_named {
            let help = Some("give a file with a Deployment, as kubectl get deploy,svc -o yaml prints it".to_owned());
            log.error("no-objects", text::Range::default(), "there are no objects here".to_owned(), help);
        }
        problems.extend(log.into_problems());
    }
    problems.extend(twice(&objects));
    if problems.iter().any(Problem::is_error) { Err(problems) } else { Ok(objects) }
}

/// The keys and strings of a document that have a `#` in them.
fn strings(log: &Log<'_>, node: &Node, text: &str, found: &mut Vec<Spot>) {
    let has_hash = |at: &text::Range| text.get(at.start..at.end).is_some_and(|written| written.contains('#'));
    if matches!(node.value, Value::Text(_)) {
        found.extend(Some(node.at).filter(has_hash).map(|at| log.spot(at)));
    }
    for entry in node.entries() {
        found.extend(Some(entry.at).filter(has_hash).map(|at| log.spot(at)));
        strings(log, &entry.node, text, found);
    }
    node.items().iter().for_each(|item| strings(log, item, text, found));
}

fn document_objects(log: &Log<'_>, node: &Node, is_named: bool, objects: &mut Objects) {
    let Some(fields) = Fields::root(log, node) else { return };
    let is_object = node.get("apiVersion").is_some() && node.get("kind").is_some();
    if !is_object && !is_named {
        objects.skipped.push(Skipped { kind: String::new(), name: String::new(), at: log.spot(node.at) });
        return;
    }
    let Some(head) = object::head(&fields) else { return };
    if is_list(&head) {
        let items = node.get("items").map(|entry| entry.node.items()).unwrap_or_default();
        let unlabelled = head.kind.value.strip_suffix("List").filter(|kind| !kind.is_empty());
        items.iter().for_each(|item| item_objects(log, item, &head, unlabelled, objects));
        return;
    }
    objects.extents.push(fields.at());
    one(&fields, &head, objects);
}

/// The API answers with typed lists whose items have no kind of their own.
fn item_objects(log: &Log<'_>, item: &Node, head: &Head, kind: Option<&str>, objects: &mut Objects) {
    match (kind, Fields::root(log, item)) {
        (Some(kind), Some(fields)) if item.get("kind").is_none() => {
            let kind = At { value: kind.to_owned(), at: log.spot(item.at) };
            objects.extents.push(fields.at());
            one(&fields, &Head { group: head.group.clone(), version: head.version.clone(), kind }, objects);
        }
        _ => document_objects(log, item, true, objects),
    }
}

/// `v1` List, and the typed lists that the API answers with: DeploymentList and its like.
fn is_list(head: &Head) -> bool {
    head.kind.value == "List" || head.kind.value.strip_suffix("List").is_some_and(|kind| group_fits(kind, &head.group))
}

/// The groups in which a kind is, or once was, what we know by its name.
fn group_fits(kind: &str, group: &str) -> bool {
    match kind {
        "Deployment" | "DaemonSet" => matches!(group, "apps" | "extensions"),
        "StatefulSet" => group == "apps",
        "Service" => group.is_empty(),
        "Ingress" => matches!(group, "networking.k8s.io" | "extensions"),
        "HorizontalPodAutoscaler" => group == "autoscaling",
        "PodDisruptionBudget" => group == "policy",
        _ => false,
    }
}

fn one(fields: &Fields<'_>, head: &Head, objects: &mut Objects) {
    let kind = head.kind.value.as_str();
    if !group_fits(kind, &head.group) {
        let name = fields.node().get("metadata").and_then(|metadata| metadata.node.get("name"));
        let name = name.map(|name| name.node.plain_text()).unwrap_or_default();
        objects.skipped.push(Skipped { kind: kind.to_owned(), name, at: head.kind.at });
        return;
    }
    let meta = object::meta(fields, head);
    let fields = &fields.clone().called(format!("{} ", meta.title()));
    let workload = |kind| object::workload(fields, meta.clone(), kind, head.group == "extensions");
    match kind {
        "Deployment" => objects.workloads.extend(workload(WorkloadKind::Deployment)),
        "StatefulSet" => objects.workloads.extend(workload(WorkloadKind::StatefulSet)),
        "DaemonSet" => objects.workloads.extend(workload(WorkloadKind::DaemonSet)),
        "Service" => objects.services.extend(object::service(fields, meta)),
        "Ingress" => objects.ingresses.extend(object::ingress(fields, meta)),
        "HorizontalPodAutoscaler" => objects.autoscalers.extend(object::autoscaler(fields, meta)),
        _ => objects.budgets.extend(object::budget(fields, meta, &head.version)),
    }
}

/// Two workloads of one name: the cluster would keep the last one only.
fn twice(objects: &Objects) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut known: BTreeMap<(&str, &str, &str), &Workload> = BTreeMap::new();
    for workload in &objects.workloads {
        let meta = &workload.meta;
        let first = *known.entry((&meta.kind, &meta.namespace, &meta.name)).or_insert(workload);
        if std::ptr::eq(first, workload) {
            continue;
        }
        let place = |at: Spot| Some(objects.texts[at.text].place(at.start, at.end));
        problems.push(Problem {
            severity: Severity::Error,
            code: "same-object-twice",
            key: None,
            message: format!("{} is given twice: which one is meant?", workload.meta.title()),
            place: place(workload.meta.at),
            other: place(first.meta.at),
            help: Some("give the manifests of one state of the cluster; --against takes those of another".to_owned()),
        });
    }
    problems
}
