//! All hazards: code, usual level, why requests are lost, the source of the mechanism, and how it is mended.

use std::fmt::Write;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Worth a thought.
    Note,
    /// Requests may be lost.
    Warning,
    /// The API server refuses it, or it cannot do what it is there for.
    Error,
}

impl Level {
    /// The word in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Level::Note => "note",
            Level::Warning => "warning",
            Level::Error => "error",
        }
    }
}

/// A kind of finding.
#[derive(Debug, PartialEq, Eq)]
pub struct Hazard {
    /// Its name for machines, and in `# rollsim:ignore CODE reason`.
    pub code: &'static str,
    /// How bad it usually is.
    pub level: Level,
    /// What it is, in a few words.
    pub title: &'static str,
    /// Why it loses requests.
    pub why: &'static str,
    /// Where the mechanism is written down.
    pub source: &'static str,
    /// What mends it.
    pub mend: &'static str,
}

/// The hazard of this code.
pub fn by_code(code: &str) -> Option<&'static Hazard> {
    ALL.iter().find(|hazard| hazard.code == code)
}

/// All hazards as the reference page in Markdown.
pub fn document() -> String {
    let mut out = String::from(
        "# Hazards that `rollsim check` finds\n\n\
         Each has an example that fires and one that does not in `tests/data/hazards/CODE/`. A finding is silenced by a comment in\n\
         its object, on the lines above it or below it in its document, `# rollsim:ignore CODE reason`; without a reason it is not.\n\n\
         `error`: the API server refuses it, or it cannot do what it is there for. `warning`: requests may be lost. `note`: worth a\n\
         thought. This page is written from the program's own list; a test keeps it so.\n",
    );
    for hazard in ALL {
        let Hazard { code, level, title, why, source, mend } = hazard;
        // Writing to a string cannot fail.
        let _ = write!(
            out,
            "\n## {code}\n\n*{}*: {title}\n\n{why}\n\nMended by: {mend}\n\nSource: {source}\n",
            level.name()
        );
    }
    out
}

/// In the order of the lines that a manifest has them in.
pub static ALL: &[Hazard] = &[
    Hazard {
        code: "field-at-wrong-level",
        level: Level::Error,
        title: "A field that decides the rollout stands where nobody reads it.",
        why: "The API server prunes it or kubectl refuses it, depending on version and validation; what is left are the defaults, \
              such as 25 % surge and 25 % unavailable, or no hook.",
        source: "kubectl --validate (KEP-2885, on since 1.27); pkg/apis/apps/v1/defaults.go",
        mend: "moving the field to the path that the message names",
    },
    Hazard {
        code: "one-replica-goes-down",
        level: Level::Error,
        title: "The only pod is stopped before its replacement is ready.",
        why: "With one replica and a maxUnavailable that comes out as 1 the first sync of the Deployment controller already deletes the \
              pod; a StatefulSet never has a surge, which is a warning only. There is no endpoint until the new pod is Ready.",
        source: "pkg/controller/deployment/rolling.go; pkg/controller/statefulset (no surge)",
        mend: "maxSurge: 1 and maxUnavailable: 0 in a Deployment; else a second replica, if what runs there can have one",
    },
    Hazard {
        code: "fenceposts-zero",
        level: Level::Error,
        title: "maxSurge and maxUnavailable are both 0.",
        why: "No pod could be replaced: the API server refuses the Deployment.",
        source: "pkg/apis/apps/validation",
        mend: "maxSurge: 1",
    },
    Hazard {
        code: "fenceposts-round-to-one",
        level: Level::Warning,
        title: "Without surge, a maxUnavailable that rounds down to 0 becomes 1.",
        why: "Surge rounds up and unavailable rounds down; if both come out as 0 the controller sets unavailable to 1. A pod goes before \
              its replacement is ready although the percentage was meant to forbid it.",
        source: "pkg/controller/deployment/util/deployment_util.go, ResolveFenceposts",
        mend: "maxSurge: 1 and maxUnavailable: 0",
    },
    Hazard {
        code: "recreate-strategy",
        level: Level::Warning,
        title: "All old pods are stopped before any new one starts.",
        why: "Recreate waits until every old pod is gone. From the first stop signal to the first Ready pod every request is lost.",
        source: "pkg/controller/deployment/recreate.go",
        mend: "strategy.type: RollingUpdate, if two versions may run side by side and share their volumes",
    },
    Hazard {
        code: "deadline-within-min-ready",
        level: Level::Error,
        title: "progressDeadlineSeconds is not longer than minReadySeconds.",
        why: "The API server refuses it: no pod could become available in time.",
        source: "pkg/apis/apps/validation",
        mend: "a progressDeadlineSeconds above minReadySeconds",
    },
    Hazard {
        code: "replicas-beside-autoscaler",
        level: Level::Warning,
        title: "replicas is fixed although a HorizontalPodAutoscaler sets it.",
        why: "Each apply resets the number of pods to the manifest's at the start of the rollout: from 20 to 3 stops 17 pods at once, and the \
              autoscaler needs 15 s a doubling to come back.",
        source: "pkg/controller/podautoscaler/horizontal.go; Kubernetes documentation, migrating Deployments to horizontal autoscaling",
        mend: "leaving out spec.replicas",
    },
    Hazard {
        code: "host-port-blocks-surge",
        level: Level::Warning,
        title: "Pods with a host port or the host's network cannot surge onto a node that has one.",
        why: "The scheduler places one such pod a node. With maxUnavailable 0 and a pod on every node the new pod stays Pending and the rollout \
              stands still until its deadline.",
        source: "scheduler plugin NodePorts",
        mend: "maxUnavailable: 1 and maxSurge: 0 with a second pod elsewhere, or no host port",
    },
    Hazard {
        code: "no-readiness-probe",
        level: Level::Warning,
        title: "The container that answers has no readiness probe.",
        why: "Its pods are Ready as soon as the container runs. Until the process listens, connections are refused; and old pods are stopped for \
              new ones that do not answer yet.",
        source: "pkg/kubelet/prober/prober_manager.go, UpdatePodStatus",
        mend: "a readinessProbe that asks what clients ask, or at least whether the port is open",
    },
    Hazard {
        code: "readiness-slower-than-termination",
        level: Level::Note,
        title: "A failing readiness probe is noticed later than the pod ends.",
        why: "period × failureThreshold is the time until the probe's failure counts. A hook that makes the probe fail so that traffic leaves \
              relies on it; deletion itself removes the pod from Services without the probe.",
        source: "pkg/kubelet/prober/worker.go; EndpointSlice controller, podToEndpoint",
        mend: "a shorter period, or a hook that waits longer",
    },
    Hazard {
        code: "liveness-kills-slow-start",
        level: Level::Warning,
        title: "The liveness probe may kill the container while it starts.",
        why: "Without a startup probe liveness counts from initialDelaySeconds on. An image whose server takes longer to listen is restarted \
              again and again under load, when starts are slowest, and the rollout stalls.",
        source: "pkg/kubelet/prober/worker.go",
        mend: "a startupProbe",
    },
    Hazard {
        code: "liveness-as-strict-as-readiness",
        level: Level::Note,
        title: "Liveness asks the same as readiness and gives up no later.",
        why: "Under overload both fail together: instead of leaving the Service for a while the container is killed, its requests with it, and \
              the load moves to the others.",
        source: "Kubernetes documentation, liveness, readiness and startup probes",
        mend: "a higher failureThreshold for liveness, or a cheaper question",
    },
    Hazard {
        code: "grace-zero",
        level: Level::Error,
        title: "terminationGracePeriodSeconds is 0.",
        why: "The container is killed at once: no hook runs, no stop signal arrives, every request in service is cut.",
        source: "pkg/kubelet/kuberuntime/kuberuntime_container.go",
        mend: "a grace period for the hook and the drain, 30 s by default",
    },
    Hazard {
        code: "no-pre-stop-hook",
        level: Level::Warning,
        title: "Nothing delays the stop signal until the pod is out of the rules.",
        why: "Deletion starts two chains that nothing orders: the kubelet sends the stop signal within tens of milliseconds, while \
              kube-proxies, ingresses and load balancers learn later. In between new connections meet a closed listener.",
        source: "Kubernetes documentation, Pod lifecycle, termination of Pods",
        mend: "a preStop sleep; `rollsim recommend` finds how long",
    },
    Hazard {
        code: "hook-shorter-than-unroute",
        level: Level::Warning,
        title: "The hook ends before the path has learned that the pod is going.",
        why: "The path to the pods may need longer than the hook to stop sending: each part has its own batching, polling or propagation.",
        source: "kube-proxy minSyncPeriod; ingress-nginx --sync-rate-limit and its 1 s poll; Traefik providersThrottleDuration; AWS and GCP \
                 deregistration",
        mend: "a longer hook, with a grace period above it",
    },
    Hazard {
        code: "sleep-beyond-grace",
        level: Level::Error,
        title: "The sleep hook is longer than the grace period.",
        why: "The API server refuses it.",
        source: "pkg/apis/core/validation (KEP-3960)",
        mend: "a longer terminationGracePeriodSeconds",
    },
    Hazard {
        code: "hook-not-below-grace",
        level: Level::Warning,
        title: "The hook takes the whole grace period.",
        why: "The grace clock runs during the hook. What is left for the server to finish its requests are 2 s, then SIGKILL.",
        source: "pkg/kubelet/kuberuntime/kuberuntime_container.go, minimumGracePeriodInSeconds",
        mend: "terminationGracePeriodSeconds above the hook plus the time to drain",
    },
    Hazard {
        code: "exec-hook-without-shell",
        level: Level::Error,
        title: "The hook runs a program that the image does not have.",
        why: "A hook that fails is no hook: the event FailedPreStopHook is written and the stop signal follows at once. Only shells and tools \
              of a base system are said to be missing: an error in public images, a warning where the tag says distroless.",
        source: "pkg/kubelet/lifecycle/handlers.go; Kubernetes documentation, container lifecycle hooks",
        mend: "preStop.sleep, which the kubelet does itself (1.29; on by default from 1.30)",
    },
    Hazard {
        code: "hook-does-nothing",
        level: Level::Error,
        title: "The hook is one that the kubelet does not carry out, or it waits for nothing.",
        why: "tcpSocket hooks are accepted and never carried out; a hook without an action, or one that ends at once, does not delay the stop \
              signal.",
        source: "core/v1 LifecycleHandler, tcpSocket; pkg/kubelet/lifecycle/handlers.go",
        mend: "preStop.sleep",
    },
    Hazard {
        code: "hook-stops-server",
        level: Level::Warning,
        title: "The hook itself stops the server before the pod is out of the rules.",
        why: "The listener closes at the beginning of the hook, when every rule still names the pod: the hook is no better than the stop signal.",
        source: "nginx src/os/unix/ngx_process_cycle.c; the two chains of deletion",
        mend: "a sleep before the command",
    },
    Hazard {
        code: "hook-on-one-container-only",
        level: Level::Warning,
        title: "Another container of the pod gets the stop signal at once.",
        why: "Hooks and stop signals are each container's own: while one waits in its hook the others stop. A proxy or an application that goes \
              first takes the requests of the other with it. Istio's proxy drains for its terminationDrainDuration, 5 s by default: a note \
              where that outlasts the path, nothing where it outlasts the hook.",
        source: "pkg/kubelet/kuberuntime, killContainersWithSyncResult; KEP-753 for native sidecars",
        mend: "the same hook in each container, or a native sidecar (init container with restartPolicy: Always)",
    },
    Hazard {
        code: "server-cuts-requests",
        level: Level::Warning,
        title: "By its image the server cuts requests when it gets the stop signal.",
        why: "Requests in service end without an answer. A hook removes new requests first, but those that last longer than it are still cut. \
              (A note where the image is not the server's own but only called like it.)",
        source: "docker-nginx commits 16ec71e and 3fb70dd; the servers' documentation",
        mend: "an image whose stop signal is graceful, or a hook longer than the longest request",
    },
    Hazard {
        code: "shell-as-pid-1",
        level: Level::Warning,
        title: "A shell is the first process and does not pass the stop signal on.",
        why: "The kernel ignores signals to process 1 that it has no handler for. The server runs until SIGKILL at the end of the grace period, \
              then all its requests are cut.",
        source: "signal(7), pid_namespaces(7)",
        mend: "exec before the last command of the script",
    },
    Hazard {
        code: "keep-alive-without-lame-duck",
        level: Level::Note,
        title: "Kept connections are not asked to leave before the server stops.",
        why: "Connections that are open stay on their pod whatever the rules say; a sleeping hook keeps serving them, and the stop signal closes \
              them all at once. A client that is about to send sees a reset unless it tries again. (Said of servers that are known by their \
              images; others may say Connection: close first.)",
        source: "conntrack keeps established flows (kubernetes/kubernetes#115299); Go and nginx shutdown",
        mend: "a hook that makes the server answer with Connection: close, or clients that retry",
    },
    Hazard {
        code: "local-policy-takes-node-out",
        level: Level::Warning,
        title: "With a policy Local a node is without an endpoint while its pod is replaced.",
        why: "Policy Local sends to pods of the same node only. When the node's only pod goes, connections that still arrive there are dropped \
              until the load balancer's health check has noticed. Until then the pod that ends still gets them: a hook of 60 s outlasts \
              every cloud's default check, one of 24 s or of unknown length some (a note).",
        source: "pkg/proxy/topology.go; KEP-1669; Service healthCheckNodePort",
        mend: "two pods a node, maxSurge: 1 for a DaemonSet, or policy Cluster",
    },
    Hazard {
        code: "health-check-slower-than-hook",
        level: Level::Warning,
        title: "The load balancer's health check notices later than the hook ends.",
        why: "interval × unhealthy threshold is the time until a load balancer that sends to nodes stops sending to one without endpoints (policy \
              Local); a shorter hook ends before. Where pods are the targets they are deregistered besides (a note).",
        source: "AWS Elastic Load Balancing documentation, target group health checks",
        mend: "a hook longer than interval × threshold, or shorter checks",
    },
    Hazard {
        code: "no-readiness-gate",
        level: Level::Note,
        title: "New pods count before the load balancer sends to them.",
        why: "A cloud load balancer that sends to pods registers them and checks their health first, for 15 s and more. Without a readiness gate \
              old pods are stopped meanwhile. (A gate that a namespace label injects does not show here.)",
        source: "aws-load-balancer-controller documentation, pod readiness gate",
        mend: "the namespace label elbv2.k8s.aws/pod-readiness-gate-inject: enabled",
    },
    Hazard {
        code: "publishes-not-ready",
        level: Level::Warning,
        title: "The Service sends to pods that are not Ready.",
        why: "publishNotReadyAddresses marks pods ready from the time they have an address until they are gone: those that start and those that \
              stop get requests.",
        source: "EndpointSlice controller, podToEndpoint",
        mend: "a Service of its own, headless, for peers",
    },
    Hazard {
        code: "named-port-missing",
        level: Level::Error,
        title: "The Service's targetPort names a port that no container has.",
        why: "A pod without a port of this name is no endpoint: the Service refuses every connection.",
        source: "EndpointSlice controller, FindPort",
        mend: "a container port of this name",
    },
    Hazard {
        code: "budget-blocks-drains",
        level: Level::Warning,
        title: "The PodDisruptionBudget allows no disruption at all.",
        why: "Every eviction is answered with 429: a node drain waits for ever, until somebody deletes the pods without the budget's protection.",
        source: "pkg/controller/disruption/disruption.go; pkg/registry/core/pod/storage/eviction.go",
        mend: "maxUnavailable: 1, or a replica more than minAvailable",
    },
    Hazard {
        code: "no-budget",
        level: Level::Note,
        title: "Nothing keeps a node drain from evicting all pods at once.",
        why: "A drain evicts every pod of the node in the same instant, and nothing creates replacements first. If the pods share a node, the \
              Service has no endpoint until they are Ready elsewhere.",
        source: "kubectl drain; pkg/registry/core/pod/storage/eviction.go",
        mend: "a PodDisruptionBudget with maxUnavailable: 1",
    },
    Hazard {
        code: "ignore-without-reason",
        level: Level::Warning,
        title: "A `# rollsim:ignore` says no reason, names no hazard that is known, or belongs to no object.",
        why: "Whoever reads it later cannot tell whether it still holds; it silences nothing.",
        source: "this page",
        mend: "# rollsim:ignore CODE reason",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_words_that_occur_once() {
        for (index, hazard) in ALL.iter().enumerate() {
            assert!(
                hazard.code.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'),
                "{}",
                hazard.code
            );
            assert!(ALL[..index].iter().all(|other| other.code != hazard.code), "{}", hazard.code);
            assert!(![hazard.title, hazard.why, hazard.source, hazard.mend].contains(&""), "{}", hazard.code);
        }
    }
}
