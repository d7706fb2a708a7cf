//! Good manifests about which something wrong was once said, and what they are settled to.

use rollsim::hazards::{Finding, Level};

use super::patches::found;
use super::settled;

pub(super) const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: prod}
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 25%, maxUnavailable: 0}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 60
      containers:
      - name: web
        image: ghcr.io/acme/web:1.2.3
        ports: [{name: http, containerPort: 8080}]
        readinessProbe: {httpGet: {path: /readyz, port: http}, periodSeconds: 2}
        lifecycle: {preStop: {sleep: {seconds: 15}}}
";

pub(super) const SERVICE: &str = "\
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: prod}
spec:
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: http}]
";

const BUDGET: &str = "\
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: prod}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: web}}}
";

pub(super) const IMAGE: &str = "ghcr.io/acme/web:1.2.3";
pub(super) const STRATEGY: &str =
    "  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 25%, maxUnavailable: 0}}\n";
const HOOK: &str = "sleep: {seconds: 15}";

pub(super) fn replaced(text: &str, old: &str, new: &str) -> String {
    assert!(text.contains(old), "{old} is in\n{text}");
    text.replacen(old, new, 1)
}

/// The good manifest with these changes.
pub(super) fn with(changes: &[(&str, &str)]) -> String {
    let text = [DEPLOYMENT, SERVICE, BUDGET].concat();
    changes.iter().fold(text, |text, (old, new)| replaced(&text, old, new))
}

fn ingress(class: &str, annotations: &str) -> String {
    format!(
        "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: web, namespace: prod, annotations: \
         {{{annotations}}}}}\nspec:\n{class}  defaultBackend: {{service: {{name: web, port: {{number: 80}}}}}}\n"
    )
}

fn codes(text: &str) -> Vec<&'static str> {
    found(text).iter().filter(|finding| finding.ignored.is_none()).map(|finding| finding.hazard.code).collect()
}

fn check_silent(text: &str) {
    assert_eq!(codes(text), [""; 0], "{text}");
}

fn only(code: &str, text: &str) -> Finding {
    let mut of_code: Vec<Finding> = found(text).into_iter().filter(|finding| finding.hazard.code == code).collect();
    assert_eq!(of_code.len(), 1, "{code} in {:?}", codes(text));
    of_code.remove(0)
}

fn exec(command: &str) -> String {
    format!("exec: {{command: {command}}}")
}

/// Seconds that the hook is simulated with, none if it fails.
fn hook_s(text: &str) -> String {
    format!("{:?}", settled(text, None).scenario.pod.pre_stop)
}

#[test]
fn the_base_is_good() {
    check_silent(&with(&[]));
    check_silent(&(with(&[]) + &ingress("  ingressClassName: nginx\n", "")));
}

#[test]
fn a_sleep_behind_an_assignment_is_a_sleep() {
    let text = with(&[(HOOK, &exec("[sh, -c, \"DELAY=x sleep 15\"]"))]);
    check_silent(&text);
    assert_eq!(hook_s(&text), hook_s(&with(&[(HOOK, &exec("[sleep, \"15\"]"))])));
}

#[test]
fn a_signal_that_stops_nothing_is_no_stop() {
    let text = with(&[(HOOK, &exec("[sh, -c, \"kill -USR1 1; sleep 15\"]"))]);
    check_silent(&text);
    assert_eq!(settled(&text, None).scenario.pod.server, settled(&with(&[]), None).scenario.pod.server);
}

#[test]
fn an_image_that_is_only_called_so_has_its_shell() {
    let shell = exec("[/bin/sh, -c, sleep 15]");
    for image in [
        "ghcr.io/acme/static:1.4",
        "cgr.dev/chainguard/wolfi-base",
        "cgr.dev/chainguard/bash:latest",
        "cgr.dev/chainguard/busybox:latest",
        "registry.acme.io/distroless-migration/web:1",
    ] {
        let text = with(&[(HOOK, &shell), (IMAGE, image)]);
        check_silent(&text);
        assert_eq!(hook_s(&text), hook_s(&with(&[(HOOK, &shell)])), "{image}");
    }
}

#[test]
fn an_images_own_binary_is_not_missing() {
    let own = exec("[/app/api, drain, --wait=15s]");
    let text = with(&[(HOOK, &own), (IMAGE, "ghcr.io/acme/api:1.4-distroless")]);
    check_silent(&text);
    assert_eq!(hook_s(&text), hook_s(&with(&[(HOOK, &own)])));
    let shell = with(&[(HOOK, &exec("[sh, -c, sleep 15]")), (IMAGE, "ghcr.io/acme/api:1.4-distroless")]);
    assert_eq!(only("exec-hook-without-shell", &shell).level, Level::Warning);
}

#[test]
fn a_worker_without_a_service_loses_no_requests() {
    let none_surges = STRATEGY.replace("25%", "0").replace("maxUnavailable: 0", "maxUnavailable: 1");
    for strategy in [none_surges.as_str(), "  strategy: {type: Recreate}\n"] {
        check_silent(&replaced(&replaced(DEPLOYMENT, STRATEGY, strategy), "replicas: 4", "replicas: 1"));
    }
}

#[test]
fn a_stateful_set_of_one_is_no_error() {
    let one = [("kind: Deployment", "kind: StatefulSet"), ("replicas: 4", "replicas: 1"), (STRATEGY, "")];
    assert_eq!(only("one-replica-goes-down", &with(&one)).level, Level::Warning);
}

#[test]
fn a_volume_that_one_pod_can_have_makes_an_outage_no_error() {
    let claim = "      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]\n      containers";
    let none_surges = STRATEGY.replace("25%", "0").replace("maxUnavailable: 0", "maxUnavailable: 1");
    let text = with(&[("replicas: 4", "replicas: 1"), (STRATEGY, &none_surges), ("      containers", claim)]);
    let finding = only("one-replica-goes-down", &text);
    assert_eq!((finding.level, finding.patch), (Level::Warning, None));
}

const SCALER: &str = "---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web, namespace: prod}\nspec:\n  \
                      minReplicas: 3\n  maxReplicas: 9\n  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}\n";

#[test]
fn the_autoscalers_minimum_is_more_than_replicas_of_one() {
    let one_goes = STRATEGY.replace("25%", "1").replace("maxUnavailable: 0", "maxUnavailable: 1");
    let text =
        with(&[("replicas: 4", "replicas: 1"), (STRATEGY, &one_goes), ("{maxUnavailable: 1,", "{minAvailable: 1,")]);
    let text = text + SCALER;
    assert_eq!(codes(&text), ["replicas-beside-autoscaler"]);
    assert_eq!(settled(&text, None).scenario.deployment.replicas, 3);
    check_silent(&(with(&[("  replicas: 4\n", "")]) + SCALER));
}

#[test]
fn a_budget_covers_by_expressions_and_by_an_empty_selector() {
    let by_labels = "selector: {matchLabels: {app: web}}}";
    check_silent(&with(&[(by_labels, "selector: {matchExpressions: [{key: app, operator: In, values: [web]}]}}")]));
    check_silent(&with(&[(by_labels, "selector: {}}")]));
    let excluding =
        "selector: {matchLabels: {app: web}, matchExpressions: [{key: app, operator: NotIn, values: [web]}]}}";
    assert_eq!(codes(&with(&[(by_labels, excluding)])), ["no-budget"]);
    assert_eq!(
        codes(&with(&[("{maxUnavailable: 1, selector: {matchLabels: {app: web}}}", "{maxUnavailable: 1}")])),
        ["no-budget"]
    );
    assert_eq!(codes(&with(&[(by_labels, "selector: {}}"), ("policy/v1", "policy/v1beta1")])), ["no-budget"]);
}

#[test]
fn the_mark_inside_a_string_silences_nothing() {
    let in_annotation =
        [("namespace: prod}", "namespace: prod, annotations: {doc: \"x # rollsim:ignore no-pre-stop-hook y\"}}")];
    let no_hook = ("        lifecycle: {preStop: {sleep: {seconds: 15}}}\n", "");
    assert_eq!(codes(&with(&[in_annotation[0], no_hook])), ["no-pre-stop-hook"]);
    let page = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: page}\ndata:\n  page: |\n    write\n    # rollsim:ignore CODE reason\n    \
                # rollsim:ignore no-budget\n";
    check_silent(&(with(&[]) + page));
    let script = "        command: [sh, -c]\n        args:\n        - |\n          # rollsim:ignore shell-as-pid-1 in a script\n          cd /srv\n          \
                  ./server\n        lifecycle";
    assert_eq!(codes(&with(&[("        lifecycle", script)])), ["shell-as-pid-1"]);
}

#[test]
fn a_comment_beside_a_block_still_silences() {
    let no_hook = ("        lifecycle: {preStop: {sleep: {seconds: 15}}}\n", "");
    let block = |header: &str, after: &str| {
        let annotation = format!(
            "metadata:\n  name: web\n  namespace: prod\n  annotations:\n    note: |{header}\n      text\n{after}spec"
        );
        with(&[("metadata: {name: web, namespace: prod}\nspec", &annotation), no_hook])
    };
    assert_eq!(codes(&block("", "")), ["no-pre-stop-hook"]);
    check_silent(&block(" # rollsim:ignore no-pre-stop-hook it drains by itself", ""));
    check_silent(&block("", "# rollsim:ignore no-pre-stop-hook it drains by itself\n"));
}

#[test]
fn a_comment_below_an_object_is_the_objects() {
    let no_hook = replaced(DEPLOYMENT, "        lifecycle: {preStop: {sleep: {seconds: 15}}}\n", "");
    let comment = "# rollsim:ignore no-pre-stop-hook it drains by itself\n";
    check_silent(&[&no_hook, comment, SERVICE, BUDGET].concat());
    check_silent(&[SERVICE, BUDGET, "---\n", &no_hook, comment].concat());
    let nobodys = [SERVICE, BUDGET, "---\n", DEPLOYMENT, "---\n", comment].concat();
    assert_eq!(codes(&nobodys), ["ignore-without-reason"]);
}

#[test]
fn a_hook_that_lets_nginx_finish_cuts_nothing() {
    let quits = exec("[/bin/sh, -c, \"sleep 15; nginx -s quit; sleep 20\"]");
    check_silent(&with(&[(HOOK, &quits), (IMAGE, "nginx:1.16")]));
    let text = with(&[(IMAGE, "ghcr.io/acme/nginx:1.16.0-custom")]);
    let finding = only("server-cuts-requests", &text);
    assert!(finding.level == Level::Note && finding.message.contains("if "), "{finding:?}");
}

#[test]
fn an_unknown_program_is_not_said_to_wait_for_nothing() {
    let local = ("  selector: {app: web}", "  type: NodePort\n  externalTrafficPolicy: Local\n  selector: {app: web}");
    let alb = ingress("  ingressClassName: alb\n", "");
    let unknown = with(&[(HOOK, &exec("[/app/drain-and-wait]")), local]) + &alb;
    assert!(!codes(&unknown).contains(&"health-check-slower-than-hook"));
    assert!(codes(&(with(&[local]) + &alb)).contains(&"health-check-slower-than-hook"));
}

/// Each node sends to pods elsewhere, so that none fails its check.
#[test]
fn a_node_that_may_send_elsewhere_passes_its_health_check() {
    check_silent(
        &(with(&[("  selector: {app: web}", "  type: NodePort\n  selector: {app: web}")])
            + &ingress("  ingressClassName: alb\n", "")),
    );
}

#[test]
fn fields_of_a_driver_are_the_users_own() {
    let volume = "      volumes: [{name: x, csi: {driver: x, volumeAttributes: {replicas: \"3\", strategy: x}}}, {name: y, flexVolume: {driver: y, \
                  options: {replicas: \"3\"}}}]\n      containers";
    check_silent(&with(&[("      containers", volume)]));
}

#[test]
fn annotations_tell_the_load_balancer_where_the_class_does_not() {
    let ip = "alb.ingress.kubernetes.io/target-type: ip";
    for class in ["", "  ingressClassName: aws-alb\n", "  ingressClassName: public\n"] {
        let text = with(&[]) + &ingress(class, ip);
        assert!(codes(&text).contains(&"no-readiness-gate"), "{class}");
        let scenario = settled(&text, None).scenario;
        assert!(scenario.ingress.is_none() && scenario.load_balancer.is_some(), "{class}");
    }
    for (class, annotations) in [("", ""), ("  ingressClassName: nginx-internal\n", ip)] {
        assert!(settled(&(with(&[]) + &ingress(class, annotations)), None).scenario.ingress.is_some());
    }
}

fn istio(config: &str) -> String {
    let labels = "    metadata: {labels: {app: web}}";
    let annotated =
        format!("    metadata: {{labels: {{app: web}}, annotations: {{proxy.istio.io/config: \"{config}\"}}}}");
    let proxy = "      - {name: istio-proxy, image: \"docker.io/istio/proxyv2:1.22.0\"}\n---\napiVersion: v1";
    with(&[(labels, &annotated), ("---\napiVersion: v1", proxy)])
}

#[test]
fn a_proxy_that_drains_as_long_as_the_hook_is_no_hazard() {
    check_silent(&istio("terminationDrainDuration: 20s"));
    check_silent(&istio("proxyMetadata: {EXIT_ON_ZERO_ACTIVE_CONNECTIONS: 'true'}"));
    let finding = only("hook-on-one-container-only", &istio("concurrency: 2"));
    assert!(finding.level == Level::Note && finding.message.contains("drains for 5 s"), "{finding:?}");
    let finding = only("hook-on-one-container-only", &istio("{terminationDrainDuration: 2s, concurrency: 2}"));
    assert!(finding.level == Level::Warning && finding.message.contains("drains for 2 s"), "{finding:?}");
}

#[test]
fn a_hook_beyond_the_health_check_keeps_a_local_node_in() {
    let local = |hook: &str, grace: &str| {
        with(&[
            ("  selector: {app: web}", "  type: LoadBalancer\n  externalTrafficPolicy: Local\n  selector: {app: web}"),
            (HOOK, hook),
            ("terminationGracePeriodSeconds: 60", grace),
        ])
    };
    let grace = "terminationGracePeriodSeconds: 300";
    check_silent(&local("sleep: {seconds: 60}", grace));
    assert_eq!(only("local-policy-takes-node-out", &local(&exec("[/wait-shutdown]"), grace)).level, Level::Note);
    assert_eq!(only("local-policy-takes-node-out", &local("sleep: {seconds: 10}", grace)).level, Level::Warning);
}

#[test]
fn extensions_have_no_deadline_by_default() {
    let text = with(&[("apps/v1", "extensions/v1beta1"), (STRATEGY, "  minReadySeconds: 700\n")]);
    assert!(!codes(&text).contains(&"deadline-within-min-ready"), "{:?}", codes(&text));
    assert_eq!(settled(&text, None).scenario.deployment.progress_deadline.as_whole_secs(), 2_147_483_647);
}

#[test]
fn a_sleeping_hook_of_an_unknown_server_is_not_doubted() {
    check_silent(&with(&[]));
    assert_eq!(codes(&with(&[(IMAGE, "nginx:1.27")])), ["keep-alive-without-lame-duck"]);
}
