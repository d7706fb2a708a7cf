//! The answer as a strategic merge patch of the workload, for `kubectl patch deployment NAME --patch-file FILE`.
//!
//! Containers merge by name. A hook of another kind is removed by a null: a hook may have one action only.

use super::Patched;
use super::lab::{NATIVE_SLEEP, Setup, Strategy};
use crate::units::{IntOrPercent, Version};

/// What the patch is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    /// The scenario's name, for the comment.
    pub(super) scenario: &'a str,
    /// The kind of workload, as kubectl has it.
    pub(super) kind: &'a str,
    /// The workload, where it is known from manifests.
    pub(super) workload: Option<&'a Patched>,
    /// The container with the hook.
    pub(super) container: &'a str,
    pub(super) version: Version,
    /// Replaced by the patch if it is another one.
    pub(super) strategy: Strategy,
    pub(super) grace_s: u64,
}

/// The patch as YAML.
pub(super) fn patch(subject: Subject<'_>, setup: Setup) -> String {
    let mut out = heading(subject);
    out.push_str("spec:\n");
    if setup.strategy != subject.strategy {
        strategy(&mut out, setup.strategy);
    }
    out.push_str("  template:\n    spec:\n");
    if setup.grace_s != subject.grace_s {
        line(&mut out, 6, &format!("terminationGracePeriodSeconds: {}", setup.grace_s));
    }
    line(&mut out, 6, "containers:");
    line(&mut out, 6, &format!("- name: {}", quoted(subject.container)));
    hook(&mut out, subject.version, setup.sleep_s);
    out
}

fn heading(subject: Subject<'_>) -> String {
    let Some(Patched { name, namespace, .. }) = subject.workload else {
        return format!(
            "# kubectl patch {} NAME --patch-file patch.yaml   (from the scenario {})\n\
             # The container has to be called as in your manifest; `rollsim recommend --container NAME` writes another name.\n",
            subject.kind,
            on_a_line(subject.scenario)
        );
    };
    let namespace = if namespace == "default" { String::new() } else { format!(" -n {}", on_a_line(namespace)) };
    format!("# kubectl patch {} {}{namespace} --patch-file patch.yaml\n", subject.kind, on_a_line(name))
}

fn on_a_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn strategy(out: &mut String, strategy: Strategy) {
    let value = |value| match value {
        IntOrPercent::Int(number) => number.to_string(),
        percent @ IntOrPercent::Percent(_) => quoted(&percent.to_string()),
    };
    line(out, 2, &format!("minReadySeconds: {}", strategy.min_ready.as_whole_secs()));
    line(out, 2, "strategy:");
    line(out, 4, "type: RollingUpdate");
    line(out, 4, "rollingUpdate:");
    line(out, 6, &format!("maxSurge: {}", value(strategy.surge)));
    line(out, 6, &format!("maxUnavailable: {}", value(strategy.unavailable)));
}

fn hook(out: &mut String, version: Version, sleep_s: u64) {
    line(out, 8, "lifecycle:");
    if sleep_s == 0 {
        line(out, 10, "preStop: null");
        return;
    }
    line(out, 10, "preStop:");
    if version < NATIVE_SLEEP {
        line(out, 12, "exec:");
        line(out, 14, &format!("command: [\"sleep\", \"{sleep_s}\"]"));
    } else {
        line(out, 12, "sleep:");
        line(out, 14, &format!("seconds: {sleep_s}"));
        line(out, 12, "exec: null");
    }
    line(out, 12, "httpGet: null");
    line(out, 12, "tcpSocket: null");
}

fn line(out: &mut String, indent: usize, text: &str) {
    out.push_str(&" ".repeat(indent));
    out.push_str(text);
    out.push('\n');
}

/// A double-quoted YAML string, which is a JSON string.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::SimDuration;

    fn check(minor: u32, sleep_s: u64, grace_s: u64, surge: IntOrPercent, expected: &str) {
        let strategy =
            Strategy { surge: IntOrPercent::Int(1), unavailable: IntOrPercent::Int(0), min_ready: SimDuration::ZERO };
        let subject = Subject {
            scenario: "shop",
            kind: "deployment",
            workload: None,
            container: "app",
            version: Version::minor(minor),
            strategy,
            grace_s: 30,
        };
        let setup = Setup { sleep_s, grace_s, strategy: Strategy { surge, ..strategy } };
        let written = patch(subject, setup);
        let body: Vec<&str> = written.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(body.join("\n"), expected, "{written}");
    }

    #[test]
    fn the_kubelet_sleeps_by_default_from_1_30_on() {
        let expected = "spec:\n  template:\n    spec:\n      containers:\n      - name: \"app\"\n        lifecycle:\n          preStop:\n            sleep:\n              seconds: 5\n            exec: null\n            httpGet: null\n            tcpSocket: null";
        check(30, 5, 30, IntOrPercent::Int(1), expected);
    }

    #[test]
    fn before_a_command_sleeps() {
        let expected = "spec:\n  template:\n    spec:\n      terminationGracePeriodSeconds: 45\n      containers:\n      - name: \"app\"\n        lifecycle:\n          preStop:\n            exec:\n              command: [\"sleep\", \"40\"]\n            httpGet: null\n            tcpSocket: null";
        check(29, 40, 45, IntOrPercent::Int(1), expected);
    }

    #[test]
    fn another_strategy_and_no_hook() {
        let expected = "spec:\n  minReadySeconds: 0\n  strategy:\n    type: RollingUpdate\n    rollingUpdate:\n      maxSurge: \"50%\"\n      maxUnavailable: 0\n  template:\n    spec:\n      containers:\n      - name: \"app\"\n        lifecycle:\n          preStop: null";
        check(34, 0, 30, IntOrPercent::Percent(50), expected);
    }

    fn check_heading(kind: &str, named: Option<(&str, &str)>, expected: &str) {
        let strategy =
            Strategy { surge: IntOrPercent::Int(1), unavailable: IntOrPercent::Int(0), min_ready: SimDuration::ZERO };
        let named = named.map(|(name, namespace)| Patched { name: name.to_owned(), namespace: namespace.to_owned() });
        let workload = named.as_ref();
        let version = Version::minor(34);
        let subject = Subject { scenario: "shop", kind, workload, container: "web", version, strategy, grace_s: 30 };
        assert!(heading(subject).starts_with(expected), "{}", heading(subject));
    }

    #[test]
    fn a_workload_of_a_manifest_is_patched_by_its_name_and_kind() {
        check_heading(
            "deployment",
            Some(("web", "default")),
            "# kubectl patch deployment web --patch-file patch.yaml\n",
        );
        let prod = "# kubectl patch statefulset db -n prod --patch-file patch.yaml\n";
        check_heading("statefulset", Some(("db", "prod")), prod);
        check_heading("daemonset", None, "# kubectl patch daemonset NAME ");
    }
}
