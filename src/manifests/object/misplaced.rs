//! Fields that decide a rollout but stand where nobody reads them. kubectl prunes or refuses them, depending on its version
//! and options; the rollout then runs with the defaults.

use super::workload::WorkloadKind;
use crate::manifests::fields::Fields;
use crate::manifests::text::{Node, Value};
use crate::scenario::Spot;

/// A field in the wrong place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misplaced {
    /// Its name.
    pub field: String,
    /// Where it stands.
    pub at: Spot,
    /// The path that it stands at.
    pub found: String,
    /// The path at which it would be read.
    pub expected: &'static str,
}

/// A field and the path at which it is read, list indices left out.
type Rule = (&'static str, &'static str);

const OF_PODS: &[Rule] = &[
    ("terminationGracePeriodSeconds", "spec.template.spec.terminationGracePeriodSeconds"),
    ("readinessProbe", "spec.template.spec.containers.readinessProbe"),
    ("livenessProbe", "spec.template.spec.containers.livenessProbe"),
    ("startupProbe", "spec.template.spec.containers.startupProbe"),
    ("lifecycle", "spec.template.spec.containers.lifecycle"),
    ("preStop", "spec.template.spec.containers.lifecycle.preStop"),
    ("readinessGates", "spec.template.spec.readinessGates"),
    ("minReadySeconds", "spec.minReadySeconds"),
];

const OF_DEPLOYMENTS: &[Rule] = &[
    ("strategy", "spec.strategy"),
    ("updateStrategy", "spec.strategy"),
    ("rollingUpdate", "spec.strategy.rollingUpdate"),
    ("maxSurge", "spec.strategy.rollingUpdate.maxSurge"),
    ("maxUnavailable", "spec.strategy.rollingUpdate.maxUnavailable"),
    ("progressDeadlineSeconds", "spec.progressDeadlineSeconds"),
    ("replicas", "spec.replicas"),
];

const OF_OTHERS: &[Rule] = &[
    ("strategy", "spec.updateStrategy"),
    ("updateStrategy", "spec.updateStrategy"),
    ("rollingUpdate", "spec.updateStrategy.rollingUpdate"),
    ("maxSurge", "spec.updateStrategy.rollingUpdate.maxSurge"),
    ("maxUnavailable", "spec.updateStrategy.rollingUpdate.maxUnavailable"),
];

/// Where keys are the user's own: whatever they are called, they mean nothing to Kubernetes.
const FREE: [&str; 11] = [
    "metadata",
    "status",
    "matchLabels",
    "nodeSelector",
    "data",
    "volumeAttributes",
    "options",
    "limits",
    "requests",
    "capacity",
    "overhead",
];

/// Where containers of another kind have the same fields.
const OTHER_CONTAINERS: [&str; 2] = ["initContainers", "ephemeralContainers"];

/// The misplaced fields of a workload.
pub(super) fn find(fields: &Fields<'_>, kind: WorkloadKind) -> Vec<Misplaced> {
    let rules = if kind == WorkloadKind::Deployment { OF_DEPLOYMENTS } else { OF_OTHERS };
    let rules: Vec<Rule> = OF_PODS.iter().chain(rules).copied().collect();
    let mut found = Vec::new();
    walk(fields, fields.node(), "", &rules, &mut found);
    found
}

fn walk(fields: &Fields<'_>, node: &Node, path: &str, rules: &[Rule], found: &mut Vec<Misplaced>) {
    for entry in node.entries().iter().filter(|entry| !FREE.contains(&entry.key.as_str())) {
        let here = if path.is_empty() { entry.key.clone() } else { format!("{path}.{}", entry.key) };
        let rule = rules.iter().find(|(field, _)| *field == entry.key);
        match rule {
            Some((_, expected)) if !is_read(&here, expected) => found.push(Misplaced {
                field: entry.key.clone(),
                at: fields.log().spot(entry.at),
                found: here,
                expected,
            }),
            _ if matches!(entry.node.value, Value::List(_)) => {
                entry.node.items().iter().for_each(|item| walk(fields, item, &here, rules, found));
            }
            _ => walk(fields, &entry.node, &here, rules, found),
        }
    }
}

/// A probe's own grace period (KEP-2238) and the containers that are not in `containers` have these fields, too.
fn is_read(path: &str, expected: &str) -> bool {
    let as_container = OTHER_CONTAINERS.iter().any(|list| path == expected.replace("containers", list));
    let of_a_probe = path.ends_with("Probe.terminationGracePeriodSeconds");
    path == expected || as_container || of_a_probe
}
