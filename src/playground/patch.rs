//! What the page's settings mean for a Deployment, as a strategic merge patch for `kubectl patch deployment NAME
//! --patch-file FILE`: replicas, strategy, grace period, hook and readiness probe.
//!
//! What the scenario does not know (the container's name, the probe's path) is left to the reader, in a comment.

use crate::model::spec::{PreStop, PreStopAction, ProbeSpec, Scenario};
use crate::units::{IntOrPercent, Version};

/// The first release in which the kubelet itself sleeps.
const NATIVE_SLEEP: Version = Version::minor(29);

const HEADING: &str = "\
# kubectl patch deployment NAME --patch-file patch.yaml
# Put your container's name in place of app.
";

/// The patch as YAML.
pub(super) fn patch(scenario: &Scenario) -> String {
    let (deployment, pod) = (&scenario.deployment, &scenario.pod);
    let mut out = HEADING.to_owned();
    let mut line = |indent: usize, text: &str| out.extend([&" ".repeat(indent), text, "\n"]);
    line(0, "spec:");
    line(2, &format!("replicas: {}", deployment.replicas));
    line(2, &format!("minReadySeconds: {}", deployment.min_ready.as_whole_secs()));
    line(2, "strategy:");
    line(4, "type: RollingUpdate");
    line(4, "rollingUpdate:");
    line(6, &format!("maxSurge: {}", quantity(deployment.max_surge)));
    line(6, &format!("maxUnavailable: {}", quantity(deployment.max_unavailable)));
    line(2, "template:");
    line(4, "spec:");
    line(6, &format!("terminationGracePeriodSeconds: {}", pod.termination_grace_period.as_whole_secs()));
    line(6, "containers:");
    line(6, "- name: app");
    line(8, "lifecycle:");
    hook(pod.pre_stop, scenario.cluster.version).iter().for_each(|(indent, text)| line(10 + indent, text));
    probe(pod.readiness_probe.as_ref()).iter().for_each(|(indent, text)| line(8 + indent, text));
    out
}

fn quantity(value: IntOrPercent) -> String {
    match value {
        IntOrPercent::Int(number) => number.to_string(),
        percent @ IntOrPercent::Percent(_) => format!("\"{percent}\""),
    }
}

/// A hook may have one action only; one of another kind is removed by a null.
fn hook(hook: Option<PreStop>, version: Version) -> Vec<(usize, String)> {
    let Some(hook) = hook else { return vec![(0, "preStop: null".to_owned())] };
    let seconds = hook.duration.as_secs_f64();
    let action = match hook.action {
        PreStopAction::Http => {
            vec![(2, "httpGet: {port: 80, path: /pre-stop}   # yours".to_owned()), (2, "exec: null".to_owned())]
        }
        PreStopAction::Sleep if version >= NATIVE_SLEEP => vec![
            (2, "sleep:".to_owned()),
            (4, format!("seconds: {seconds}")),
            (2, "exec: null".to_owned()),
            (2, "httpGet: null".to_owned()),
        ],
        PreStopAction::Sleep | PreStopAction::Exec => vec![
            (2, "exec:".to_owned()),
            (4, format!("command: [\"sh\", \"-c\", \"{}sleep {seconds}\"]", first(hook.fails_readiness))),
            (2, "httpGet: null".to_owned()),
        ],
    };
    [vec![(0, "preStop:".to_owned())], action].concat()
}

/// What makes the probe fail is the application's; the article's removes a file.
fn first(fails_readiness: bool) -> &'static str {
    if fails_readiness { "rm -f healthy.html; " } else { "" }
}

fn probe(probe: Option<&ProbeSpec>) -> Vec<(usize, String)> {
    let Some(probe) = probe else { return vec![(0, "readinessProbe: null".to_owned())] };
    let seconds = |name, value: crate::units::SimDuration| (2, format!("{name}: {}", value.as_whole_secs()));
    vec![
        (0, "readinessProbe:   # with the action that you have".to_owned()),
        seconds("initialDelaySeconds", probe.initial_delay),
        seconds("periodSeconds", probe.period),
        seconds("timeoutSeconds", probe.timeout),
        (2, format!("successThreshold: {}", probe.success_threshold)),
        (2, format!("failureThreshold: {}", probe.failure_threshold)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Source, read};

    fn patched(text: &str) -> String {
        let (scenario, _) = read(&Source::new("a.toml", text), &[]).unwrap();
        patch(&scenario)
    }

    #[test]
    fn the_kubelet_sleeps_by_itself_from_1_29_on() {
        let text = "[cluster]\nversion = \"1.29\"\n[pod.pre_stop]\nsleep = \"5s\"\n[deployment]\nmax_surge = \"50%\"\n";
        insta::assert_snapshot!(patched(text));
    }

    #[test]
    fn the_article_runs_a_command() {
        let text = patched(include_str!("../../scenarios/article-with-hook.toml"));
        assert!(text.contains("command: [\"sh\", \"-c\", \"rm -f healthy.html; sleep 10\"]"), "{text}");
        assert!(text.contains("periodSeconds: 1\n"), "{text}");
    }

    #[test]
    fn no_hook_and_no_probe_are_nulls() {
        let text = patched("name = \"a\"\n");
        assert!(text.contains("preStop: null") && text.contains("readinessProbe: null"), "{text}");
    }
}
