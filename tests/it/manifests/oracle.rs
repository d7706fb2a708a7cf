//! The fields that are read, against the API's own types: each is there, under its name and with its type, and comes through.

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::networking::v1::Ingress;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use rollsim::manifests::PortRef;
use rollsim::manifests::object::{Get, HookAction, ProbeAction};
use rollsim::units::IntOrPercent;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::objects;

/// A type that does not know a field drops it, so what comes back equal has none that the API does not have.
fn check_known<T: DeserializeOwned + Serialize>(object: &Value) {
    let typed: T = serde_json::from_value(object.clone()).unwrap();
    assert_eq!(&serde_json::to_value(typed).unwrap(), object);
}

fn container() -> Value {
    json!({
        "name": "web", "image": "nginx:1.27", "command": ["a"], "args": ["b"],
        "ports": [{"containerPort": 8080, "name": "http", "hostPort": 80}],
        "readinessProbe": {
            "httpGet": {
                "path": "/ready", "port": "http", "scheme": "HTTPS", "host": "web.example",
                "httpHeaders": [{"name": "Host", "value": "web"}]
            },
            "initialDelaySeconds": 1, "periodSeconds": 2,
            "timeoutSeconds": 3, "successThreshold": 4, "failureThreshold": 5
        },
        "livenessProbe": {"exec": {"command": ["x"]}, "terminationGracePeriodSeconds": 6},
        "startupProbe": {"tcpSocket": {"port": 8080}},
        "lifecycle": {
            "preStop": {"sleep": {"seconds": 7}}, "postStart": {"exec": {"command": ["y"]}}, "stopSignal": "SIGQUIT"
        }
    })
}

fn template() -> Value {
    json!({
        "metadata": {"labels": {"app": "web"}, "annotations": {"kubectl.kubernetes.io/default-container": "web"}},
        "spec": {
            "terminationGracePeriodSeconds": 45, "hostNetwork": true, "shareProcessNamespace": true,
            "readinessGates": [{"conditionType": "target-health.elbv2.k8s.aws/x"}],
            "initContainers": [{"name": "proxy", "restartPolicy": "Always", "lifecycle": {"preStop": {"httpGet": {"path": "/q", "port": 1}}}}],
            "containers": [container()]
        }
    })
}

fn workload(kind: &str, spec: Value) -> Value {
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "web", "namespace": "shop", "uid": "1"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template(), "minReadySeconds": 9}
    });
    let all = object["spec"].as_object_mut().unwrap();
    all.extend(spec.as_object().unwrap().clone());
    object
}

fn deployment() -> Value {
    let rolling = json!({"maxSurge": "30%", "maxUnavailable": 2});
    workload(
        "Deployment",
        json!({"replicas": 5, "progressDeadlineSeconds": 99, "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling}}),
    )
}

#[test]
fn every_field_that_is_read_is_the_apis() {
    check_known::<Deployment>(&deployment());
    let partition = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 2, "maxUnavailable": 1}});
    check_known::<StatefulSet>(&workload(
        "StatefulSet",
        json!({"replicas": 5, "serviceName": "web", "podManagementPolicy": "Parallel", "updateStrategy": partition}),
    ));
    let surge = json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}});
    check_known::<DaemonSet>(&workload("DaemonSet", json!({"updateStrategy": surge})));
    check_known::<Service>(&service());
    check_known::<Ingress>(&ingress());
    check_known::<HorizontalPodAutoscaler>(&json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"},
        "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "web"}, "minReplicas": 2, "maxReplicas": 9}
    }));
    check_known::<PodDisruptionBudget>(&json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "minAvailable": "50%", "maxUnavailable": 1}
    }));
}

fn service() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "web", "namespace": "shop", "annotations": {"a": "b"}},
        "spec": {
            "type": "LoadBalancer", "clusterIP": "None", "selector": {"app": "web"},
            "ports": [{"name": "http", "port": 80, "targetPort": "http"}],
            "externalTrafficPolicy": "Local", "internalTrafficPolicy": "Local", "sessionAffinity": "ClientIP",
            "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 60}}, "trafficDistribution": "PreferSameZone",
            "publishNotReadyAddresses": true, "loadBalancerClass": "service.k8s.aws/nlb"
        }
    })
}

fn ingress() -> Value {
    let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {
            "ingressClassName": "nginx", "defaultBackend": backend,
            "rules": [{"host": "x", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}]
        }
    })
}

#[test]
fn every_field_comes_through_with_its_value() {
    let text = [deployment(), service(), ingress()].map(|object| object.to_string()).join("\n");
    let objects = objects(&[("a.json", &text)]).unwrap();
    let [workload] = &objects.workloads[..] else { panic!("one workload") };
    assert_eq!((workload.meta.title().as_str(), workload.meta.namespace.as_str()), ("Deployment/web", "shop"));
    assert!(workload.meta.is_live);
    assert_eq!(workload.replicas.map(|at| at.value), Some(5));
    assert_eq!(workload.strategy.max_surge.map(|at| at.value), Some(IntOrPercent::Percent(30)));
    assert_eq!(workload.strategy.max_unavailable.map(|at| at.value), Some(IntOrPercent::Int(2)));
    assert_eq!((workload.min_ready.unwrap().value, workload.progress_deadline.unwrap().value), (9, 99));
    let pod = &workload.pod;
    assert_eq!((pod.grace.unwrap().value, pod.host_network, pod.shares_processes), (45, true, true));
    assert_eq!((pod.sidecars.len(), pod.readiness_gates.len()), (1, 1));
    let [container] = &pod.containers[..] else { panic!("one container") };
    let probe = container.readiness.as_ref().unwrap();
    let get = Get {
        path: "/ready".into(),
        port: Some(PortRef::Named("http".into())),
        scheme: Some("HTTPS".into()),
        host: Some("web.example".into()),
        headers: vec![("Host".into(), "web".into())],
    };
    assert_eq!(probe.action, Some(ProbeAction::Http(get)));
    let read = [probe.initial_delay_s(), probe.period_s(), probe.timeout_s(), probe.successes(), probe.failures()];
    assert_eq!(read, [1, 2, 3, 4, 5]);
    assert_eq!(container.pre_stop.as_ref().unwrap().action, Some(HookAction::Sleep(7)));
    assert!(container.has_host_port && container.has_port(&PortRef::Number(8080)));
    let service = &objects.services[0];
    assert!(service.is_local() && service.headless.is_some() && service.publishes_not_ready.unwrap().value);
    assert_eq!(objects.ingresses[0].backends.len(), 2);
}
