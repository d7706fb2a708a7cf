//! Manifests of public projects: they import, and what is said about them is true.

use rollsim::hazards::{Level, find};
use rollsim::manifests::{Selection, drafts, settle};

use super::{file, objects};

/// A file, the workloads that are simulated or would be, and the hazards of level warning and above, each once.
///
/// Every hazard here was looked up in the manifest.
const PROJECTS: &[(&str, &[&str], &[&str])] = &[
    ("cassandra", &["StatefulSet/cassandra", "Deployment/cassandra-test-server"], &["no-pre-stop-hook"]),
    ("cockroachdb", &["StatefulSet/cockroachdb"], &["no-readiness-probe"]),
    ("coredns", &["Deployment/coredns"], &["no-pre-stop-hook", "one-replica-goes-down"]),
    (
        "dashboard",
        &["Deployment/kubernetes-dashboard", "Deployment/dashboard-metrics-scraper"],
        &["no-pre-stop-hook", "no-readiness-probe"],
    ),
    ("elastic", &["StatefulSet/elasticsearch-logging", "Deployment/kibana-logging"], &["no-pre-stop-hook"]),
    ("etcd", &["StatefulSet/etcd"], &["no-readiness-probe"]),
    ("glbc", &["Deployment/l7-default-backend"], &["no-pre-stop-hook", "no-readiness-probe"]),
    (
        "guestbook",
        &["Deployment/agnhost-primary", "Deployment/agnhost-replica", "Deployment/frontend"],
        &["no-pre-stop-hook", "no-readiness-probe"],
    ),
    ("metrics-server", &["Deployment/metrics-server-v0.3.6"], &["no-pre-stop-hook", "no-readiness-probe"]),
    ("mysql-galera", &["StatefulSet/mysql"], &[]),
    ("nginx", &["StatefulSet/web"], &["no-readiness-probe", "server-cuts-requests"]),
    ("nodelocaldns", &["DaemonSet/node-local-dns"], &["no-readiness-probe"]),
    ("npd", &["DaemonSet/npd-v0.8.5"], &[]),
    ("redis", &["StatefulSet/rd"], &[]),
    ("sky", &["DaemonSet/fusermount-server"], &[]),
    ("typha", &["Deployment/calico-typha"], &["no-pre-stop-hook"]),
    ("zookeeper", &["StatefulSet/zoo"], &[]),
];

#[test]
fn public_projects_import_without_a_wrong_word() {
    assert!(PROJECTS.len() >= 10);
    let mut found = String::new();
    for (name, workloads, hazards) in PROJECTS {
        let objects = objects(&[(name, &file(&format!("tests/data/manifests/projects/{name}.yaml")))]).unwrap();
        let (drafts, _) = drafts(&objects, &Selection::default()).unwrap();
        let titles: Vec<&str> = drafts.iter().map(|draft| draft.title.as_str()).collect();
        for draft in &drafts {
            let problems = match settle(&objects.texts, draft, None, &[]) {
                Ok(settled) => settled.problems,
                Err(problems) => problems,
            };
            assert!(problems.iter().all(|problem| problem.code.starts_with("not-")), "{name}: {problems:?}");
        }
        let mut codes: Vec<&str> = find(&objects)
            .iter()
            .filter(|finding| finding.level > Level::Note)
            .map(|finding| finding.hazard.code)
            .collect();
        codes.sort_unstable();
        codes.dedup();
        if titles != *workloads || codes != *hazards {
            found += &format!("    ({name:?}, &{titles:?}, &{codes:?}),\n");
        }
    }
    assert!(found.is_empty(), "\n{found}");
}
