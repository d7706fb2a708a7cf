//! From Kubernetes manifests to scenarios: Deployments, StatefulSets and DaemonSets with the Services, Ingresses,
//! HorizontalPodAutoscalers and PodDisruptionBudgets around them.
//!
//! `text` reads YAML and JSON, each value with its place; `fields` and `object` take from it what decides a rollout; `read`
//! collects the objects of all texts; `settle` makes keys of scenarios of them, each with its place and how well it is known;
//! `image` and `script` are what names of images and commands of hooks let one guess; `import` settles and writes.
//! Leaves out what the API server would refuse for reasons that no rollout depends on.

mod fields;
pub mod image;
mod import;
pub mod object;
mod read;
pub mod script;
mod settle;
mod text;

pub use fields::{At, PortRef};
pub use import::{Known, Settled, scenario_toml, settle};
pub use read::{Manifest, Objects, Skipped, read};
pub use settle::{Basis, Draft, Fact, Route, Selection, drafts, hook_fails_readiness, route};

use object::Container;

/// Whether a shell is the first process of the container and stays it, so that the stop signal does not reach the server: a
/// script of several commands with no `exec`, no `trap` and no `wait`. (Shells replace themselves by the command of a script that
/// has no other.) What a condition or a loop does is not followed, so nothing is said of scripts that have one.
pub fn shell_keeps_signal(container: &Container) -> bool {
    let words = container.words();
    script::shell_script(&words).is_some_and(script_keeps_signal)
}

fn script_keeps_signal(script: &str) -> bool {
    let commands = script::simple_commands(script);
    let is_unsure = |command: &Vec<String>| command.iter().any(|word| UNSURE.contains(&word.as_str()));
    commands.len() > 1 && !commands.iter().any(is_unsure)
}

/// Words with which a script hands over, waits, or depends on something.
const UNSURE: [&str; 11] = ["exec", "trap", "wait", "if", "for", "while", "until", "case", "{", "eval", "source"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_that_hand_over_were_taken_for_shells_that_stay() {
        let handing_over = [
            "exec java -jar a.jar >/dev/null 2>&1",
            "java -jar a.jar 2>&1",
            "if [ -f a ]; then exec a; else exec b; fi",
            "migrate && exec server || exit 1",
            "trap 'kill $child' TERM; server & wait",
        ];
        for script in handing_over {
            assert!(!script_keeps_signal(script), "{script}");
        }
        assert!(script_keeps_signal("migrate && server"));
        assert!(script_keeps_signal("echo begin; server 2>&1"));
    }
}
