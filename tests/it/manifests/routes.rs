//! Which Service, port and Ingress lead to a workload: the same ones in whatever order the objects come.

use rollsim::manifests::{Selection, drafts, route};

use super::objects;

const WORKLOAD: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: exporter, image: exporter, ports: [{containerPort: 9113}]}
      - {name: web, image: web, ports: [{containerPort: 8080}]}
---
";

fn service(name: &str, ports: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{selector: {{app: web}}, ports: [{ports}]}}\n---\n"
    )
}

fn ingress(name: &str, class: &str) -> String {
    let backend = "backend: {service: {name: web, port: {name: http}}}";
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: {name}}}\nspec: {{ingressClassName: {class}, \
         rules: [{{http: {{paths: [{{path: /, pathType: Prefix, {backend}}}]}}}}]}}\n---\n"
    )
}

fn taken(parts: &[String]) -> (String, String, String) {
    let objects = objects(&[("a.yaml", &(WORKLOAD.to_owned() + &parts.concat()))]).unwrap();
    let route = route(&objects, &objects.workloads[0]);
    let ingress = route.ingress.map(|ingress| ingress.meta.name.clone()).unwrap_or_default();
    (route.service.unwrap().meta.name.clone(), route.container.unwrap().name.clone(), ingress)
}

fn check(parts: &[String], service: &str, ingress: &str) {
    let backwards: Vec<String> = parts.iter().rev().cloned().collect();
    for parts in [parts, &backwards] {
        assert_eq!(taken(parts), (service.to_owned(), "web".to_owned(), ingress.to_owned()));
    }
}

#[test]
fn the_order_of_services_decided_which_container_serves() {
    check(&[service("web-metrics", "{port: 9113}"), service("web", "{port: 80, targetPort: 8080}")], "web", "");
}

#[test]
fn the_port_that_comes_first_was_taken_though_the_ingress_names_another() {
    let ports = "{name: monitor, port: 9113}, {name: http, port: 80, targetPort: 8080}";
    check(&[service("web", ports), ingress("front", "nginx")], "web", "front");
    check(&[service("web", "{name: metrics, port: 9113}, {name: http, port: 80, targetPort: 8080}")], "web", "");
}

#[test]
fn of_two_ingresses_the_slower_is_taken_and_the_other_named() {
    let parts =
        [service("web", "{name: http, port: 80, targetPort: 8080}"), ingress("a", "nginx"), ingress("b", "alb")];
    check(&parts, "web", "b");
    let objects = objects(&[("a.yaml", &(WORKLOAD.to_owned() + &parts.concat()))]).unwrap();
    let (drafts, _) = drafts(&objects, &Selection::default()).unwrap();
    let doubts: Vec<&str> = drafts[0].doubts.iter().map(|doubt| doubt.message.as_str()).collect();
    assert!(
        doubts.contains(&"requests come through Ingress/b; those through Ingress/a are not simulated"),
        "{doubts:?}"
    );
}

#[test]
fn items_of_typed_lists_have_the_kind_of_their_list() {
    let item =
        r#"{"metadata":{"name":"web"},"spec":{"selector":{},"template":{"spec":{"containers":[{"name":"a"}]}}}}"#;
    let text = format!(r#"{{"apiVersion":"apps/v1","kind":"DeploymentList","items":[{item}]}}"#);
    assert_eq!(objects(&[("a.json", &text)]).unwrap().workloads[0].meta.title(), "Deployment/web");
}
