//! Every patch, applied to the manifest that it is for, takes the hazard away and brings no error with it.
//!
//! A small strategic merge: mappings merge, containers merge by name, other lists are replaced, null deletes.

use rollsim::hazards::{ALL, Finding, Level, find};
use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

use super::good::{self, DEPLOYMENT, SERVICE};
use super::{file, objects};

/// The documents of a YAML text as JSON, without aliases.
pub(super) fn yaml(text: &str) -> Vec<Value> {
    let (mut done, mut open): (Vec<Value>, Vec<(Value, Option<String>)>) = (Vec::new(), Vec::new());
    for event in Parser::new_from_str(text) {
        let finished = match event.unwrap().0 {
            Event::MappingStart(..) => {
                open.push((Value::Object(Map::new()), None));
                continue;
            }
            Event::SequenceStart(..) => {
                open.push((Value::Array(Vec::new()), None));
                continue;
            }
            Event::MappingEnd | Event::SequenceEnd => open.pop().unwrap().0,
            Event::Scalar(text, style, ..) => scalar(&text, style),
            _ => continue,
        };
        match open.last_mut() {
            None => done.push(finished),
            Some((Value::Array(items), _)) => items.push(finished),
            Some((Value::Object(map), key)) => match key.take() {
                Some(key) => assert!(map.insert(key, finished).is_none()),
                None => *key = Some(finished.as_str().unwrap().to_owned()),
            },
            Some(_) => panic!("only collections are open"),
        }
    }
    done
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    match text {
        _ if style != ScalarStyle::Plain => Value::from(text),
        "" | "null" => Value::Null,
        "true" => Value::from(true),
        "false" => Value::from(false),
        text => text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from),
    }
}

fn merge(old: &mut Value, new: &Value, key: &str) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in new {
                if value.is_null() {
                    old.remove(key);
                } else {
                    merge(old.entry(key).or_insert(Value::Null), value, key);
                }
            }
        }
        (Value::Array(old), Value::Array(new)) if key == "containers" => {
            for item in new {
                let same = old.iter_mut().find(|other| other["name"] == item["name"]);
                merge(same.expect("a patch adds no container"), item, "");
            }
        }
        (old @ Value::Null, Value::Object(_)) => {
            *old = Value::Object(Map::new());
            merge(old, new, key);
        }
        (old, new) => *old = new.clone(),
    }
}

/// The manifest with the patch of this finding.
pub(super) fn patched(text: &str, finding: &Finding) -> String {
    let (mut documents, patch) = (yaml(text), yaml(finding.patch.as_ref().unwrap()).remove(0));
    if patch.get("apiVersion").is_some() {
        documents.push(patch);
    } else {
        let title =
            |it: &Value| format!("{}/{}", it["kind"].as_str().unwrap(), it["metadata"]["name"].as_str().unwrap());
        let meant = documents.iter_mut().find(|it| title(it) == finding.object).unwrap();
        merge(meant, &patch, "");
    }
    documents.iter().map(|document| format!("{document}\n---\n")).collect()
}

pub(super) fn found(text: &str) -> Vec<Finding> {
    find(&objects(&[("a.yaml", text)]).unwrap_or_else(|problems| panic!("{problems:?}\n{text}")))
}

/// Applies each patch for itself. A hook may have one action, and the grace period is never lowered.
fn check_patches(text: &str) -> usize {
    let (before, mut count) = (found(text), 0);
    for finding in before.iter().filter(|finding| finding.patch.is_some() && finding.ignored.is_none()) {
        let text_after = patched(text, finding);
        let after = found(&text_after);
        let same = |it: &&Finding| it.hazard.code == finding.hazard.code;
        let context = || format!("{}: {}\n{after:#?}", finding.hazard.code, finding.patch.as_ref().unwrap());
        assert!(after.iter().filter(same).count() < before.iter().filter(same).count(), "{}", context());
        let is_new_error = |it: &&Finding| {
            it.level == Level::Error && !before.iter().any(|old| old.hazard == it.hazard && old.level == it.level)
        };
        assert_eq!(after.iter().find(is_new_error).map(|it| it.hazard.code), None, "{}", context());
        check_allowed(&yaml(text), &yaml(&text_after));
        count += 1;
    }
    count
}

fn check_allowed(before: &[Value], after: &[Value]) {
    for (old, new) in before.iter().zip(after) {
        let spec = |it: &Value| it["spec"]["template"]["spec"].clone();
        let grace = |it: &Value| spec(it)["terminationGracePeriodSeconds"].as_i64().unwrap_or(30);
        assert!(grace(new) >= grace(old), "{new}");
        for container in spec(new)["containers"].as_array().into_iter().flatten() {
            let hook = container["lifecycle"]["preStop"].as_object();
            assert!(hook.is_none_or(|hook| hook.len() == 1), "{hook:?}");
        }
    }
}

#[test]
fn every_patch_takes_its_hazard_away_and_brings_no_error() {
    let counts: usize =
        ALL.iter().map(|hazard| check_patches(&file(&format!("tests/data/hazards/{}/fires.yaml", hazard.code)))).sum();
    assert!(counts >= 23, "{counts}");
}

/// The patch of this hazard, which is found in the text; all patches are tried.
fn patch_of(code: &str, text: &str) -> String {
    check_patches(text);
    let findings = found(text);
    let finding = findings.iter().find(|finding| finding.hazard.code == code);
    let finding = finding.unwrap_or_else(|| panic!("{code} is not found: {findings:#?}"));
    finding.patch.clone().unwrap_or_default()
}

const HOOK: &str = "sleep: {seconds: 15}";

#[test]
fn a_hook_by_tcp_socket_is_replaced_and_not_joined() {
    let text = good::with(&[(HOOK, "tcpSocket: {port: 8080}")]);
    assert!(patch_of("hook-does-nothing", &text).contains("tcpSocket: null"));
}

#[test]
fn a_hook_beyond_the_grace_period_raises_it() {
    let nlb = "metadata: {name: web, namespace: prod, annotations: {\
               service.beta.kubernetes.io/aws-load-balancer-nlb-target-type: ip}}\nspec:\n  type: LoadBalancer\n";
    let sidecar = "      - {name: envoy, image: \"envoyproxy/envoy:v1.30\"}\n---\napiVersion: v1";
    let text = good::with(&[("---\napiVersion: v1", sidecar)])
        .replace("kind: Service\nmetadata: {name: web, namespace: prod}\nspec:\n", &format!("kind: Service\n{nlb}"));
    let patch = patch_of("hook-on-one-container-only", &text);
    assert!(patch.contains("terminationGracePeriodSeconds: 145") && patch.contains("seconds: 120"), "{patch}");
}

const ALB: &str = "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web, namespace: prod, annotations: {\
                   alb.ingress.kubernetes.io/target-type: ip}}\nspec:\n  ingressClassName: alb\n  defaultBackend: {service: {name: web, \
                   port: {number: 80}}}\n";

#[test]
fn a_long_grace_period_is_not_lowered() {
    let text = good::with(&[("terminationGracePeriodSeconds: 60", "terminationGracePeriodSeconds: 300")]) + ALB;
    let patch = patch_of("health-check-slower-than-hook", &text);
    assert!(!patch.contains("terminationGrace") && patch.contains("seconds: 30"), "{patch}");
}

fn startup_of(liveness: &str) -> String {
    let probe = format!("        livenessProbe: {{{liveness}, periodSeconds: 5}}\n        lifecycle");
    patch_of(
        "liveness-kills-slow-start",
        &good::with(&[("        lifecycle", &probe), (good::IMAGE, "eclipse-temurin:21")]),
    )
}

#[test]
fn the_startup_probe_asks_as_the_liveness_probe_does() {
    let https = startup_of("httpGet: {path: /h, port: 8443, scheme: HTTPS, httpHeaders: [{name: Host, value: x}]}");
    assert!(https.contains("scheme: \"HTTPS\"") && https.contains("- name: \"Host\""), "{https}");
    let grpc = startup_of("grpc: {port: 9000}");
    assert!(grpc.contains("port: 9000") && !grpc.contains("8080"), "{grpc}");
    assert!(startup_of("exec: {command: [cat, /ready]}").contains("command: [\"cat\", \"/ready\"]"));
    assert_eq!(startup_of("initialDelaySeconds: 1"), "");
}

fn budget_of(changes: &[(&str, &str)]) -> String {
    let text = DEPLOYMENT.to_owned() + SERVICE;
    patch_of("no-budget", &changes.iter().fold(text, |text, (old, new)| good::replaced(&text, old, new)))
}

#[test]
fn a_new_budget_is_in_the_namespace_and_selects_the_workloads_pods_only() {
    let in_namespace = budget_of(&[]);
    assert!(
        in_namespace.contains("namespace: \"prod\"") && in_namespace.contains("\"app\": \"web\""),
        "{in_namespace}"
    );
    let by_expression =
        budget_of(&[("matchLabels: {app: web}", "matchExpressions: [{key: app, operator: In, values: [web]}]")]);
    assert!(by_expression.contains("values: [\"web\"]") && !by_expression.contains("matchLabels"), "{by_expression}");
}

#[test]
fn a_readiness_probe_asks_the_port_that_the_service_sends_to() {
    let probe = "        readinessProbe: {httpGet: {path: /readyz, port: http}, periodSeconds: 2}\n";
    let metrics = ("ports: [{name: http,", "ports: [{name: metrics, containerPort: 9090}, {name: http,");
    let patch = patch_of("no-readiness-probe", &good::with(&[(probe, ""), metrics]));
    assert!(patch.contains("tcpSocket:") && patch.contains("port: \"http\"") && !patch.contains("path"), "{patch}");
}

#[test]
fn a_pod_with_a_host_port_or_a_volume_is_not_told_to_surge() {
    let daemon = [
        ("kind: Deployment", "kind: DaemonSet"),
        ("  replicas: 4\n", ""),
        ("    spec:\n      termination", "    spec:\n      hostNetwork: true\n      termination"),
        ("  selector: {app: web}", "  type: LoadBalancer\n  externalTrafficPolicy: Local\n  selector: {app: web}"),
        (good::STRATEGY, ""),
    ];
    assert_eq!(patch_of("local-policy-takes-node-out", &good::with(&daemon)), "");
    let claim = "      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]\n      containers";
    let recreate = [(good::STRATEGY, "  strategy: {type: Recreate}\n"), ("      containers", claim)];
    assert_eq!(patch_of("recreate-strategy", &good::with(&recreate)), "");
}

#[test]
fn a_stateful_set_of_one_is_not_told_to_have_two() {
    let one = [("kind: Deployment", "kind: StatefulSet"), ("replicas: 4", "replicas: 1"), (good::STRATEGY, "")];
    assert_eq!(patch_of("one-replica-goes-down", &good::with(&one)), "");
}
