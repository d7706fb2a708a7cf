//! From objects to scenarios: one for each workload that somebody sends requests to, with the API server's defaults
//! where a field is absent, guesses from image names, and assumptions where manifests cannot know. Every key points at the
//! place that made it what it is.

mod facts;
mod paths;
mod pod;
mod rollout;
mod route;

pub use facts::{Basis, Fact};
pub use pod::fails as hook_fails_readiness;
pub use route::{Route, route};

use super::object::{Workload, WorkloadKind};
use super::read::Objects;
use crate::scenario::{Problem, Severity, Statement};
use facts::{Facts, quoted};

/// A scenario before it is settled.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Which of [`Objects::workloads`].
    pub workload: usize,
    /// `Deployment/web`.
    pub title: String,
    /// Its keys.
    pub facts: Vec<Fact>,
    /// What the manifest says and the simulator leaves out.
    pub doubts: Vec<Problem>,
}

/// Which workloads are meant: `name`, `kind/name`, `namespace/name` or `namespace/kind/name`, all if there are none.
#[derive(Debug, Clone, Default)]
pub struct Selection(pub Vec<String>);

impl Selection {
    fn has(&self, workload: &Workload) -> bool {
        self.0.is_empty() || self.0.iter().any(|wanted| names(wanted, workload))
    }
}

/// Whether `wanted` means this workload; kinds as kubectl knows them, in small letters.
fn names(wanted: &str, workload: &Workload) -> bool {
    let (before, name) = wanted.rsplit_once('/').map_or(("", wanted), |(before, name)| (before, name));
    let is_here = |namespace: &str| namespace == workload.meta.namespace;
    let fits = match before.split_once('/') {
        Some((namespace, kind)) => is_here(namespace) && is_kind(kind, workload),
        None => before.is_empty() || is_kind(before, workload) || is_here(before),
    };
    fits && name == workload.meta.name
}

fn is_kind(kind: &str, workload: &Workload) -> bool {
    let kind = kind.to_lowercase();
    let full = workload.kind.name().to_lowercase();
    let short = match workload.kind {
        WorkloadKind::Deployment => "deploy",
        WorkloadKind::StatefulSet => "sts",
        WorkloadKind::DaemonSet => "ds",
    };
    kind == full || kind == format!("{full}s") || kind == short || kind == format!("{full}.apps")
}

/// The scenarios of these objects, and notes about workloads that get none.
///
/// # Errors
/// If there is none: no workload, or none of this name.
pub fn drafts(objects: &Objects, selection: &Selection) -> Result<(Vec<Draft>, Vec<String>), Vec<Problem>> {
    let meant: Vec<usize> = (0..objects.workloads.len()).filter(|&i| selection.has(&objects.workloads[i])).collect();
    if meant.is_empty() {
        return Err(vec![no_workload(objects, selection)]);
    }
    let (mut served, mut left_out) = (Vec::new(), Vec::new());
    let many = meant.len() > 1 && selection.0.is_empty();
    for index in meant {
        let workload = &objects.workloads[index];
        let route = route(objects, workload);
        if many && workload.replicas.is_some_and(|replicas| replicas.value == 0) {
            left_out.push(format!("note: {} is left out: it has no replicas", workload.meta.title()));
        } else if many && route.service.is_none() {
            left_out.push(format!("note: {} is left out: no Service sends requests to it", workload.meta.title()));
        } else {
            served.push((index, route));
        }
    }
    if served.is_empty() {
        return Err(vec![nothing_served(objects)]);
    }
    Ok((served.into_iter().map(|(index, route)| draft(objects, index, &route)).collect(), left_out))
}

impl Draft {
    /// The user says it on the command line; `value` is a string unless it is TOML.
    pub fn say(&mut self, key: &str, value: &str) {
        let is_toml = format!("x = {value}").parse::<toml::Table>().is_ok();
        let value = if is_toml { value.to_owned() } else { quoted(value) };
        let at = self.facts.first().map(|fact| fact.statement.at).unwrap_or_default();
        self.facts.retain(|fact| fact.statement.key != key);
        let statement = Statement { key: key.to_owned(), value, at };
        self.facts.push(Fact { statement, basis: Basis::Said, why: "on the command line".to_owned() });
    }
}

fn draft(objects: &Objects, index: usize, route: &Route<'_>) -> Draft {
    let workload = &objects.workloads[index];
    let mut facts = Facts::new(&objects.texts);
    facts.read("name", quoted(&workload.meta.name), workload.meta.at);
    facts.read("description", quoted(description(objects, workload)), workload.meta.at);
    rollout::run(&mut facts, workload);
    rollout::workload(&mut facts, objects, workload);
    pod::pod(&mut facts, workload, route);
    paths::paths(&mut facts, workload, route);
    paths::others(&mut facts, objects, route);
    paths::clients(&mut facts, workload, route);
    Draft { workload: index, title: workload.meta.title(), facts: facts.facts, doubts: facts.doubts }
}

fn description(objects: &Objects, workload: &Workload) -> String {
    format!("{} from {}", workload.meta.title(), objects.texts[workload.meta.at.text].name())
}

fn no_workload(objects: &Objects, selection: &Selection) -> Problem {
    let known: Vec<String> = objects.workloads.iter().map(|workload| workload.meta.title()).collect();
    let (message, help) = match (known.is_empty(), selection.0.is_empty()) {
        (true, _) => (
            "there is no Deployment, StatefulSet or DaemonSet here, so nothing is rolled out".to_owned(),
            format!("found: {}", kinds(objects)),
        ),
        (false, _) => {
            (format!("there is no workload {}", selection.0.join(" or ")), format!("there are {}", known.join(", ")))
        }
    };
    at_start(objects, "no-workload", message, help)
}

fn nothing_served(objects: &Objects) -> Problem {
    let message = "no Service sends requests to any of these workloads".to_owned();
    let known: Vec<String> = objects.workloads.iter().map(|workload| workload.meta.title()).collect();
    let help = format!("give the Services, too, or choose one with --workload: {}", known.join(", "));
    at_start(objects, "nothing-served", message, help)
}

fn at_start(objects: &Objects, code: &'static str, message: String, help: String) -> Problem {
    Problem {
        severity: Severity::Error,
        code,
        key: None,
        message,
        place: objects.texts.first().map(|text| text.place(0, 0)),
        other: None,
        help: Some(help),
    }
}

fn kinds(objects: &Objects) -> String {
    let services = objects.services.iter().map(|service| service.meta.title());
    let others = objects.skipped.iter().map(|skipped| format!("{}/{}", skipped.kind, skipped.name));
    let mut all: Vec<String> = services.chain(others).take(9).collect();
    if all.len() > 8 {
        all.truncate(8);
        all.push("…".to_owned());
    }
    if all.is_empty() { "nothing that runs pods".to_owned() } else { all.join(", ") }
}
