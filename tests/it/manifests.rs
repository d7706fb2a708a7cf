//! Kubernetes manifests as users have them: read as the API's own types say, settled to scenarios, run.

mod good;
mod hazards;
mod hostile;
mod oracle;
mod patches;
mod projects;
mod routes;

use rollsim::manifests::{Basis, Draft, Manifest, Objects, Selection, Settled, drafts, read, settle};
use rollsim::model::spec::Scenario;
use rollsim::scenario::{Problem, Source, Text};

/// The objects of texts with their names.
pub(crate) fn objects(texts: &[(&str, &str)]) -> Result<Objects, Vec<Problem>> {
    let manifest = |(name, text): &(&str, &str)| Manifest { text: Text::new(*name, *text), is_named: true };
    read(&texts.iter().map(manifest).collect::<Vec<_>>())
}

fn one_draft(objects: &Objects) -> Draft {
    let (mut drafts, _) = drafts(objects, &Selection::default()).unwrap();
    assert_eq!(drafts.len(), 1);
    drafts.remove(0)
}

fn settled(text: &str, side: Option<&str>) -> Settled {
    let objects = objects(&[("a.yaml", text)]).unwrap();
    let side = side.map(|side| Source::new("side.toml", side));
    settle(&objects.texts, &one_draft(&objects), side.as_ref(), &[]).unwrap()
}

fn file(path: &str) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// The same scenario is the same run, to the last byte.
fn check_article(name: &str) {
    let manifest = file(&format!("tests/data/manifests/article/{name}.yaml"));
    let imported = settled(&manifest, Some(&file("tests/data/manifests/article/conditions.toml"))).scenario;
    let shipped = file(&format!("scenarios/article-{name}.toml"));
    let (shipped, _) = rollsim::scenario::read(&Source::new("a.toml", shipped), &[]).unwrap();
    assert_eq!(Scenario { name: shipped.name.clone(), description: shipped.description.clone(), ..imported }, shipped);
}

#[test]
fn the_articles_manifests_are_the_articles_scenarios() {
    check_article("no-hook");
    check_article("with-hook");
}

/// The keys that are read, guessed and assumed of a manifest.
fn keys(text: &str, basis: Basis) -> Vec<String> {
    let objects = objects(&[("a.yaml", text)]).unwrap();
    let facts = one_draft(&objects).facts;
    let of = facts.iter().filter(|fact| fact.basis == basis);
    of.map(|fact| format!("{} = {}", fact.statement.key, fact.statement.value)).collect()
}

const POD: &str = "  template:\n    metadata: {labels: {app: web}}\n    spec:\n      containers:\n      - name: web\n        \
                   image: shop:3\n        ports: [{containerPort: 80}]\n";

fn deployment(spec: &str) -> String {
    format!("apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n{spec}{POD}")
}

fn service(spec: &str) -> String {
    format!("---\napiVersion: v1\nkind: Service\nmetadata: {{name: web}}\nspec:\n  selector: {{app: web}}\n{spec}")
}

#[test]
fn what_is_absent_is_what_the_api_server_fills_in() {
    let scenario = settled(&(deployment("  replicas: 4\n") + &service("  ports: [{port: 80}]\n")), None).scenario;
    let deployment = &scenario.deployment;
    assert_eq!(
        (deployment.max_surge.to_string(), deployment.max_unavailable.to_string()),
        ("25%".into(), "25%".into())
    );
    assert_eq!(scenario.pod.termination_grace_period.as_whole_secs(), 30);
    assert!(scenario.pod.readiness_probe.is_none() && scenario.pod.pre_stop.is_none());
    assert_eq!(scenario.clients.len(), 1);
}

#[test]
fn an_ingress_a_load_balancer_and_a_headless_service_are_ways_of_their_own() {
    let ingress = |class: &str| {
        format!(
            "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: web\n  annotations:\n    \
             alb.ingress.kubernetes.io/target-type: ip\n    nginx.ingress.kubernetes.io/proxy-next-upstream-tries: \"5\"\n\
             spec:\n  ingressClassName: {class}\n  rules:\n  - http:\n      paths:\n      - path: /\n        pathType: Prefix\n        \
             backend: {{service: {{name: web, port: {{number: 80}}}}}}\n"
        )
    };
    let with = |more: &str| deployment("  replicas: 3\n") + &service("  ports: [{port: 80}]\n") + more;
    let nginx = settled(&with(&ingress("nginx")), None).scenario;
    assert_eq!(nginx.ingress.unwrap().retry.tries, 5);
    let alb = settled(&with(&ingress("alb")), None).scenario;
    assert!(alb.ingress.is_none() && alb.load_balancer.is_some());
    let headless = settled(&(deployment("") + &service("  clusterIP: None\n")), None).scenario;
    assert_eq!(headless.service.kind, rollsim::model::spec::ServiceKind::Headless);
}

#[test]
fn an_autoscaler_gives_the_replicas_that_a_deployment_does_not() {
    let hpa = "---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\nspec:\n  \
               scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}\n  minReplicas: 6\n  maxReplicas: 20\n";
    let assumed = keys(&(deployment("  minReadySeconds: 3\n") + &service("") + hpa), Basis::Assumed);
    assert!(assumed.contains(&"deployment.replicas = 6".to_owned()), "{assumed:?}");
}

/// The code and `line:column` of the first problem.
fn check_wrong(text: &str, code: &str, place: &str) {
    let problems = match objects(&[("a.yaml", text)]) {
        Err(problems) => problems,
        Ok(objects) => {
            let draft = drafts(&objects, &Selection::default()).map(|(mut drafts, _)| drafts.remove(0));
            draft.and_then(|draft| settle(&objects.texts, &draft, None, &[])).unwrap_err()
        }
    };
    let first = problems.first().unwrap();
    let at = first.place.as_ref().unwrap();
    assert_eq!((first.code, format!("{}:{}", at.line, at.column)), (code, place.to_owned()), "{}", first.message);
}

#[test]
fn what_is_wrong_is_said_with_line_and_column() {
    check_wrong(&deployment("  replicas: \"3\"\n"), "wrong-type", "5:13");
    check_wrong(&deployment("  replicas: -1\n"), "wrong-type", "5:13");
    check_wrong(&deployment("  strategy:\n    rollingUpdate: {maxSurge: 25percent}\n"), "wrong-type", "6:31");
    check_wrong(
        &deployment("  strategy:\n    rollingUpdate: {maxSurge: 0, maxUnavailable: 0}\n"),
        "fenceposts-zero",
        "6:50",
    );
    check_wrong(&deployment("  minReadySeconds: 700\n"), "deadline-within-min-ready", "5:20");
    check_wrong(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 1}\n",
        "missing-field",
        "4:8",
    );
    check_wrong("kind: Deployment\nmetadata: {name: web}\n", "not-an-object", "1:1");
    check_wrong("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n", "no-workload", "1:1");
    check_wrong(&(deployment("") + "---\n" + &deployment("")), "same-object-twice", "15:18");
    check_wrong("", "no-objects", "1:1");
}
