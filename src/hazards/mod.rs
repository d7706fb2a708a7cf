//! What can be told to lose requests without simulating: hazards of manifests, each with a code, why it loses requests, the
//! source of the mechanism, and a patch that mends it.
//!
//! `catalogue` has all of them; the files beside it look for them, by what they are about; `ignored` reads the comments that
//! silence a finding; `text`, `sarif`, `junit` and `annotations` write findings for people and for machines. Leaves out whatever
//! depends on traffic and on delays: that is simulated.

mod annotations;
mod budget;
mod catalogue;
mod hook;
mod ignored;
mod junit;
mod network;
mod patch;
mod pod;
mod sarif;
mod strategy;
mod text;
mod unroute;

pub use annotations::render as annotations;
pub use catalogue::{ALL, Hazard, Level, by_code, document};
pub use junit::render as junit;
pub use sarif::render as sarif;
pub use text::render as text;

use serde::Serialize;

use crate::manifests::object::{Container, Workload};
use crate::manifests::{Objects, Route, route};
use crate::scenario::{Place, Spot};

/// A hazard that was found.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Which.
    pub hazard: &'static Hazard,
    /// How bad it is here.
    pub level: Level,
    /// The object it is about: `Deployment/web`.
    pub object: String,
    /// What is wrong.
    pub message: String,
    /// Where.
    pub place: Place,
    at: Spot,
    /// YAML that mends it, for `kubectl patch` or to be copied.
    pub patch: Option<String>,
    /// The reason that a comment gives for leaving it as it is.
    pub ignored: Option<String>,
}

/// A workload with what is around it.
#[derive(Debug, Clone, Copy)]
struct Subject<'a> {
    objects: &'a Objects,
    workload: &'a Workload,
    route: Route<'a>,
}

/// What is found, while it is looked for.
#[derive(Debug)]
struct Findings<'a> {
    objects: &'a Objects,
    found: Vec<Finding>,
}

impl Findings<'_> {
    /// Adds one at its usual level.
    fn add(&mut self, code: &str, object: String, at: Spot, message: String, patch: Option<String>) {
        let Some(hazard) = by_code(code) else { return };
        self.add_at(hazard.level, code, object, at, message, patch);
    }

    fn add_at(&mut self, level: Level, code: &str, object: String, at: Spot, message: String, patch: Option<String>) {
        let Some(hazard) = by_code(code) else { return };
        let place = self.objects.texts[at.text].place(at.start, at.end);
        self.found.push(Finding { hazard, level, object, message, place, at, patch, ignored: None });
    }
}

impl<'a> Subject<'a> {
    fn title(&self) -> String {
        self.workload.meta.title()
    }

    /// The container that answers requests, if there are any.
    fn serving(&self) -> Option<&'a Container> {
        self.route.service.and(self.route.container)
    }

    /// The pods it should have, within the bounds of its HorizontalPodAutoscaler.
    fn replicas(&self) -> u32 {
        let said = self.workload.replicas.map(|replicas| replicas.value);
        self.route.autoscaler.map_or(said.unwrap_or(1), |scaler| scaler.bounded(said))
    }
}

/// Every hazard of these objects, in the order of the texts; those that a comment silences are marked.
pub fn find(objects: &Objects) -> Vec<Finding> {
    let mut findings = Findings { objects, found: Vec::new() };
    for workload in objects.workloads.iter().filter(|workload| workload.replicas.is_none_or(|at| at.value > 0)) {
        let subject = Subject { objects, workload, route: route(objects, workload) };
        hook::look(&mut findings, subject);
        pod::look(&mut findings, subject);
        strategy::look(&mut findings, subject);
        network::look(&mut findings, subject);
        budget::look(&mut findings, subject);
    }
    let mut found = findings.found;
    ignored::mark(objects, &mut found);
    found.sort_by_key(|finding| finding.at);
    found
}

/// The findings as data.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    schema: &'static str,
    findings: Vec<Row<'a>>,
}

#[derive(Debug, Serialize)]
struct Row<'a> {
    code: &'a str,
    level: &'a str,
    object: &'a str,
    message: &'a str,
    why: &'a str,
    source: &'a str,
    file: &'a str,
    line: usize,
    column: usize,
    patch: Option<&'a str>,
    ignored: Option<&'a str>,
}

/// The findings for `--format json`.
pub fn report(findings: &[Finding]) -> Report<'_> {
    Report { schema: "rollsim/check/v1", findings: findings.iter().map(row).collect() }
}

fn row(finding: &Finding) -> Row<'_> {
    Row {
        code: finding.hazard.code,
        level: finding.level.name(),
        object: &finding.object,
        message: &finding.message,
        why: finding.hazard.why,
        source: finding.hazard.source,
        file: &finding.place.file,
        line: finding.place.line,
        column: finding.place.column,
        patch: finding.patch.as_deref(),
        ignored: finding.ignored.as_deref(),
    }
}
