//! Hazards of PodDisruptionBudgets.

use super::{Findings, Subject, patch};
use crate::manifests::object::{Budget, WorkloadKind, selects};

pub(super) fn look(findings: &mut Findings<'_>, subject: Subject<'_>) {
    if subject.workload.kind == WorkloadKind::DaemonSet {
        return;
    }
    let (workload, replicas) = (subject.workload, subject.replicas());
    let covers = |budget: &&Budget| {
        budget.meta.namespace == workload.meta.namespace && selects(&budget.selector, &workload.pod.labels)
    };
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
        findings.add("no-budget", subject.title(), workload.meta.at, message, Some(new_budget(subject)));
    }
}

fn new_budget(subject: Subject<'_>) -> String {
    let labels: String = subject
        .workload
        .selector
        .iter()
        .map(|(key, value)| format!("      {}: {}\n", patch::quoted(key), patch::quoted(&value.value)))
        .collect();
    let name = patch::quoted(&subject.workload.meta.name);
    format!(
        "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata:\n  name: {name}\nspec:\n  maxUnavailable: 1\n  selector:\n    \
         matchLabels:\n{labels}"
    )
}
