//! The plan of a sweep: its points, numbered, settled and checked before the first one runs.

use rayon::prelude::*;

use super::design::Layout;
use crate::engine::{label_hash, mix};
use crate::model::spec::Scenario;
use crate::report::FAILURES_ONLY;
use crate::report::sweep::{AxisHead, AxisValue, MANIFEST_SCHEMA, Manifest};
use crate::run::{Refusal, refusals};
use crate::scenario::{Axis, Problem, Severity, SweepFile, VariedValue, in_order, settled_toml};

/// Different problems shown of all points together.
const MOST_PROBLEMS: usize = 200;

/// Numbered points, each a scenario. Points share their seed, so replication `i` has the same luck at each of them.
#[derive(Debug)]
pub struct Plan {
    /// What is swept.
    pub manifest: Manifest,
    file: SweepFile,
    layout: Layout,
}

impl Plan {
    /// Settles every point; or tells what is wrong with any of them, each problem once.
    pub fn new(file: SweepFile) -> Result<Plan, Vec<Problem>> {
        let layout = Layout::new(&file.sweep, file.base.run.seed);
        let hashes = settle_all(&file, &layout)?;
        let manifest = manifest(&file, &layout, &hashes);
        Ok(Plan { manifest, file, layout })
    }

    /// Number of points.
    pub fn points(&self) -> u64 {
        self.manifest.points
    }

    /// Doubts about the scenario without its axes.
    pub fn warnings(&self) -> &[Problem] {
        &self.file.warnings
    }

    /// The scenario of a point.
    pub fn scenario(&self, point: u64) -> Scenario {
        let settled = self.file.point(&self.layout.at(point));
        settled.unwrap_or_else(|_| unreachable!("point {point} was settled when the plan was made"))
    }

    /// The columns of the axes with their values at a point.
    pub fn axes(&self, point: u64) -> Vec<(String, AxisValue)> {
        let values = self.file.values(&self.layout.at(point));
        values.into_iter().map(|(name, value)| (name, axis_value(value))).collect()
    }
}

/// The hash of each settled point.
fn settle_all(file: &SweepFile, layout: &Layout) -> Result<Vec<u64>, Vec<Problem>> {
    let settle = |point: u64| {
        let scenario = file.point(&layout.at(point))?;
        let against = if file.sweep.failures_only { refused(&scenario) } else { Vec::new() };
        if against.is_empty() { Ok(label_hash(&settled_toml(&scenario), "", point)) } else { Err(against) }
    };
    let settled: Vec<Result<u64, Vec<Problem>>> = (0..layout.points()).into_par_iter().map(settle).collect();
    let mut problems: Vec<Problem> = Vec::new();
    for problem in settled.iter().filter_map(|point| point.as_ref().err()).flatten() {
        if problems.len() < MOST_PROBLEMS && !problems.contains(problem) {
            problems.push(problem.clone());
        }
    }
    if problems.is_empty() { Ok(settled.into_iter().flatten().collect()) } else { Err(in_order(problems)) }
}

/// What stands against the estimator of failures at a point.
fn refused(scenario: &Scenario) -> Vec<Problem> {
    let problem = |refusal: Refusal| Problem {
        severity: Severity::Error,
        code: "estimator-refused",
        message: format!("{} stands against sweep.estimator = \"{FAILURES_ONLY}\": {}", refusal.key, refusal.why),
        key: Some(refusal.key),
        place: None,
        other: None,
        help: Some("set sweep.estimator = \"every_request\", or leave --estimator out".to_owned()),
    };
    refusals(scenario).into_iter().map(problem).collect()
}

fn manifest(file: &SweepFile, layout: &Layout, hashes: &[u64]) -> Manifest {
    let (base, sweep) = (&file.base, &file.sweep);
    let plan = hashes.iter().fold(label_hash("sweep", "plan", hashes.len() as u64), |all, hash| mix(all ^ hash));
    Manifest {
        schema: MANIFEST_SCHEMA.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        scenario: base.name.clone(),
        seed: base.run.seed,
        replications: sweep.replications.unwrap_or(base.run.replications),
        precision: sweep.precision,
        estimator: sweep.failures_only.then(|| FAILURES_ONLY.to_owned()),
        design: sweep.design.name().to_owned(),
        points: layout.points(),
        plan: format!("{plan:016x}"),
        axes: sweep.axes.iter().map(axis_head).collect(),
        settled: settled_toml(base),
    }
}

fn axis_head(axis: &Axis) -> AxisHead {
    let columns = axis.columns();
    let numbers = columns.iter().filter(|(_, is_number)| *is_number).map(|(name, _)| name.clone()).collect();
    AxisHead {
        keys: axis.keys.iter().map(|key| key.key.clone()).collect(),
        columns: columns.into_iter().map(|(name, _)| name).collect(),
        numbers,
        log: axis.is_log(),
    }
}

/// Whole numbers are said without a fraction.
fn axis_value(value: VariedValue) -> AxisValue {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        VariedValue::Text(text) => AxisValue::Text(text),
        VariedValue::Number(value) if value.abs() <= EXACT && value.trunc().total_cmp(&value).is_eq() => {
            AxisValue::Whole(value as i64)
        }
        VariedValue::Number(value) => AxisValue::Number(value),
    }
}
