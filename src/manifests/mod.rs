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
/// script whose last command is not run by `exec`. (Shells replace themselves by the command of a script that has no other.)
pub fn shell_keeps_signal(container: &Container) -> bool {
    let words = container.words();
    let Some(script) = script::shell_script(&words) else { return false };
    let commands = script::simple_commands(script);
    let last = commands.last().and_then(|command| command.first());
    let has_trap = commands.iter().any(|command| command.first().is_some_and(|first| first == "trap"));
    commands.len() > 1 && !has_trap && last.is_some_and(|first| first != "exec" && first != "wait")
}
