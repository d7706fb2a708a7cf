//! Hazards of PodDisruptionBudgets.

use super::{Findings, Subject, patch};
use crate::manifests::At;
use crate::manifests::object::{Budget, Requirement, Selector, WorkloadKind};

pub(super) fn look(findings: &mut Findings<'_>, subject: Subject<'_>) {
    if subject.workload.kind == WorkloadKind::DaemonSet {
        return;
    }
    let (workload, replicas) = (subject.workload, subject.replicas());
    let covers =
        |budget: &&Budget| budget.meta.namespace == workload.meta.namespace && budget.covers(&workload.pod.labels);
    let budgets: Vec<&Budget> = subject.objects.budgets.iter().filter(covers).collect();
    for budget in &budgets {
        let desired = budget.desired_healthy(replicas);
        if desired >= replicas {
            let message = format!("of {replicas} pods {desired} have to be healthy: no eviction is ever allowed");
            let mend = patch::spec("minAvailable: null\nmaxUnavailable: 1\n");
            let at = budget.min_available.or(budget.max_unavailable).map_or(budget.meta.at, |at| at.at);
            findings.add("budget-blocks-drains", budget.meta.title(), at, message, Some(mend));
        }
    }
    if budgets.is_empty() && replicas > 1 && subject.route.service.is_some() {
        let message =
            format!("no PodDisruptionBudget covers {}: a drain may evict all its pods at once", subject.title());
        findings.add("no-budget", subject.title(), workload.meta.at, message, new_budget(subject));
    }
}

/// A budget of the workload's own selector, in its namespace. None if nothing tells its pods apart: an empty selector would
/// select every pod of the namespace.
fn new_budget(subject: Subject<'_>) -> Option<String> {
    let workload = subject.workload;
    let of_pods = Selector { labels: workload.pod.labels.clone(), expressions: Vec::new() };
    let selector = if workload.selector.is_empty() { &of_pods } else { &workload.selector };
    if selector.is_empty() {
        return None;
    }
    let meta = &workload.meta;
    let namespace =
        if meta.has_namespace { format!("  namespace: {}\n", patch::quoted(&meta.namespace)) } else { String::new() };
    Some(format!(
        "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata:\n  name: {}\n{namespace}spec:\n  maxUnavailable: 1\n  \
         selector:\n{}",
        patch::quoted(&meta.name),
        selector_lines(selector)
    ))
}

fn selector_lines(selector: &Selector) -> String {
    let label = |(key, value): &(String, At<String>)| {
        format!("      {}: {}\n", patch::quoted(key), patch::quoted(&value.value))
    };
    let expression = |Requirement { key, operator, values }: &Requirement| {
        let values: Vec<String> = values.iter().map(|value| patch::quoted(value)).collect();
        let values =
            if values.is_empty() { String::new() } else { format!("        values: [{}]\n", values.join(", ")) };
        format!("      - key: {}\n        operator: {}\n{values}", patch::quoted(key), patch::quoted(operator))
    };
    let part = |name: &str, lines: String| {
        if lines.is_empty() { lines } else { format!("    {name}:\n{lines}") }
    };
    part("matchLabels", selector.labels.iter().map(label).collect())
        + &part("matchExpressions", selector.expressions.iter().map(expression).collect())
}
