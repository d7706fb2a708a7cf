//! The answer as a strategic merge patch of the Deployment, for `kubectl patch deployment NAME --patch-file FILE`.
//!
//! Containers merge by name. A hook of another kind is removed by a null: a hook may have one action only.

use super::lab::{NATIVE_SLEEP, Setup, Strategy};
use crate::units::{IntOrPercent, Version};

/// What the patch is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    /// The Deployment's name, for the comment.
    pub(super) deployment: &'a str,
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
    let name: String = subject.deployment.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!(
        "# kubectl patch deployment NAME --patch-file patch.yaml   (from the scenario {name})\n\
         # The container has to be called as in your Deployment; `rollsim recommend --container NAME` writes another name.\n"
    )
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
        let subject =
            Subject { deployment: "shop", container: "app", version: Version::minor(minor), strategy, grace_s: 30 };
        let setup = Setup { sleep_s, grace_s, strategy: Strategy { surge, ..strategy } };
        let written = patch(subject, setup);
        let body: Vec<&str> = written.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(body.join("\n"), expected, "{written}");
    }

    #[test]
    fn the_kubelet_sleeps_from_1_29_on() {
        let expected = "spec:\n  template:\n    spec:\n      containers:\n      - name: \"app\"\n        lifecycle:\n          preStop:\n            sleep:\n              seconds: 5\n            exec: null\n            httpGet: null";
        check(29, 5, 30, IntOrPercent::Int(1), expected);
    }

    #[test]
    fn before_a_command_sleeps() {
        let expected = "spec:\n  template:\n    spec:\n      terminationGracePeriodSeconds: 45\n      containers:\n      - name: \"app\"\n        lifecycle:\n          preStop:\n            exec:\n              command: [\"sleep\", \"40\"]\n            httpGet: null";
        check(28, 40, 45, IntOrPercent::Int(1), expected);
    }

    #[test]
    fn another_strategy_and_no_hook() {
        let expected = "spec:\n  minReadySeconds: 0\n  strategy:\n    type: RollingUpdate\n    rollingUpdate:\n      maxSurge: \"50%\"\n      maxUnavailable: 0\n  template:\n    spec:\n      containers:\n      - name: \"app\"\n        lifecycle:\n          preStop: null";
        check(34, 0, 30, IntOrPercent::Percent(50), expected);
    }
}
