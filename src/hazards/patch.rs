//! Patches as YAML: strategic merge patches of the object, in which containers merge by name.

/// `spec.template.spec` with these lines.
pub(super) fn pod(lines: &str) -> String {
    format!("spec:\n  template:\n    spec:\n{}", indented(lines, 6))
}

/// A container of the pod with these lines.
pub(super) fn container(name: &str, lines: &str) -> String {
    pod(&format!("containers:\n- name: {}\n{}", quoted(name), indented(lines, 2)))
}

/// `spec` with these lines.
pub(super) fn spec(lines: &str) -> String {
    format!("spec:\n{}", indented(lines, 2))
}

/// A sleep hook in a container, and another grace period. A hook may have one action only: any other is removed.
pub(super) fn sleep(container_name: &str, seconds: u64, grace: Option<u64>) -> String {
    let grace = grace.map(|grace| format!("terminationGracePeriodSeconds: {grace}\n")).unwrap_or_default();
    let hook = format!(
        "containers:\n- name: {}\n  lifecycle:\n    preStop:\n      sleep:\n        seconds: {seconds}\n      exec: null\n      \
         httpGet: null\n      tcpSocket: null\n",
        quoted(container_name)
    );
    pod(&(grace + &hook))
}

/// A rolling update with this surge and nothing unavailable.
pub(super) fn surge_one() -> String {
    spec("strategy:\n  type: RollingUpdate\n  rollingUpdate:\n    maxSurge: 1\n    maxUnavailable: 0\n")
}

fn indented(lines: &str, by: usize) -> String {
    lines.lines().map(|line| format!("{}{line}\n", " ".repeat(by))).collect()
}

/// A YAML string.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
