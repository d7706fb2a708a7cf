//! The plan of a sweep: its points, numbered, settled and checked before the first one runs.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::design::Layout;
use crate::engine::{label_hash, mix};
use crate::model::spec::Scenario;
use crate::report::FAILURES_ONLY;
use crate::report::sweep::{AxisHead, AxisValue, MANIFEST_SCHEMA, Manifest};
use crate::run::{Refusal, refusals};
use crate::scenario::{Axis, Coordinate, Problem, Severity, SweepFile, VariedValue, in_order, settled_toml};

/// Points at whose scenarios doubts are looked for.
const MOST_DOUBTED: u64 = 256;

/// Different problems shown of all points together.
const MOST_PROBLEMS: usize = 200;

/// Numbered points, each a scenario. Points share their seed, so replication `i` has the same luck at each of them.
#[derive(Debug)]
pub struct Plan {
    /// What is swept.
    pub manifest: Manifest,
    file: SweepFile,
    layout: Layout,
    warnings: Vec<Problem>,
}

impl Plan {
    /// Settles every point; or tells what is wrong with any of them, each problem once.
    pub fn new(file: SweepFile) -> Result<Plan, Vec<Problem>> {
        let layout = Layout::new(&file.sweep, file.base.run.seed);
        let hashes = settle_all(&file, &layout)?;
        let manifest = manifest(&file, &layout, &hashes);
        let warnings = warnings(&file, &layout);
        let mut plan = Plan { manifest, file, layout, warnings };
        plan.find_whole_columns();
        Ok(plan)
    }

    /// Number of points.
    pub fn points(&self) -> u64 {
        self.manifest.points
    }

    /// Doubts about the points.
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// The scenario of a point.
    pub fn scenario(&self, point: u64) -> Scenario {
        let settled = self.file.point(&self.layout.at(point));
        settled.unwrap_or_else(|_| unreachable!("point {point} was settled when the plan was made"))
    }

    /// The columns of the axes with their values at a point.
    pub fn axes(&self, point: u64) -> Vec<(String, AxisValue)> {
        let values = self.file.values(&self.layout.at(point));
        let is_whole = |name: &String| self.manifest.axes.iter().any(|axis| axis.whole.contains(name));
        let shown = |(name, value): (String, VariedValue)| {
            let value = axis_value(value, is_whole(&name));
            (name, value)
        };
        values.into_iter().map(shown).collect()
    }

    /// A column is whole if its values are so at every point: one with a fraction anywhere has one everywhere. Quantities with
    /// a unit are measured, not counted.
    fn find_whole_columns(&mut self) {
        let counted = |axis: &AxisHead| axis.numbers.iter().filter(|name| axis.keys.contains(name)).cloned().collect();
        let mut whole: BTreeSet<String> = self.manifest.axes.iter().flat_map::<Vec<String>, _>(counted).collect();
        let mut points = 0..self.manifest.points;
        while let Some(point) = points.next().filter(|_| !whole.is_empty()) {
            let values = self.file.values(&self.layout.at(point));
            whole.retain(|name| values.iter().all(|(other, value)| other != name || is_whole(value)));
        }
        for axis in &mut self.manifest.axes {
            axis.whole = axis.numbers.iter().filter(|name| whole.contains(*name)).cloned().collect();
        }
    }
}

/// The hash of each settled point.
fn settle_all(file: &SweepFile, layout: &Layout) -> Result<Vec<u64>, Vec<Problem>> {
    let settle = |point: u64| {
        let coordinates = layout.at(point);
        let scenario = file.point(&coordinates)?;
        let against = if file.sweep.failures_only { refused(file, &coordinates, &scenario) } else { Vec::new() };
        if against.is_empty() { Ok(label_hash(&settled_toml(&scenario), "", point)) } else { Err(against) }
    };
    let settled: Vec<Result<u64, Vec<Problem>>> = (0..layout.points()).into_par_iter().map(settle).collect();
    let problems = || settled.iter().filter_map(|point| point.as_ref().err()).flatten().cloned();
    match in_order(problems().collect()) {
        problems if problems.is_empty() => Ok(settled.into_iter().flatten().collect()),
        mut problems => {
            problems.truncate(MOST_PROBLEMS);
            Err(problems)
        }
    }
}

/// What stands against the estimator of failures at a point.
fn refused(file: &SweepFile, coordinates: &[Coordinate], scenario: &Scenario) -> Vec<Problem> {
    let problem = |refusal: Refusal| Problem {
        severity: Severity::Error,
        code: "estimator-refused",
        message: format!("{} stands against sweep.estimator = \"{FAILURES_ONLY}\": {}", refusal.key, refusal.why),
        key: Some(refusal.key),
        place: None,
        other: None,
        help: Some("set sweep.estimator = \"every_request\", or leave --estimator out".to_owned()),
    };
    refusals(scenario).into_iter().flat_map(|refusal| file.placed(coordinates, problem(refusal))).collect()
}

/// Doubts about the points, each once and with how many points it is about; of a large sweep some points are looked at, spread
/// over all.
fn warnings(file: &SweepFile, layout: &Layout) -> Vec<Problem> {
    let looked_at = layout.points().min(MOST_DOUBTED);
    let mut found: Vec<(Problem, u64)> = Vec::new();
    for index in 0..looked_at {
        let point = u128::from(index) * u128::from(layout.points()) / u128::from(looked_at);
        for doubt in file.doubts(&layout.at(point as u64)) {
            match found.iter_mut().find(|(known, _)| (known.code, &known.key) == (doubt.code, &doubt.key)) {
                Some((_, points)) => *points += 1,
                None => found.push((doubt, 1)),
            }
        }
    }
    let told = |(doubt, points): (Problem, u64)| match points {
        points if points >= looked_at => doubt,
        points => Problem { message: format!("{} (at {points} of {looked_at} points)", doubt.message), ..doubt },
    };
    found.into_iter().map(told).collect()
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
        sweep: file.sweep_toml.clone(),
    }
}

fn axis_head(axis: &Axis) -> AxisHead {
    let columns = axis.columns();
    let numbers = columns.iter().filter(|(_, is_number)| *is_number).map(|(name, _)| name.clone()).collect();
    AxisHead {
        keys: axis.keys.iter().map(|key| key.key.clone()).collect(),
        columns: columns.into_iter().map(|(name, _)| name).collect(),
        numbers,
        whole: Vec::new(),
        log: axis.is_log(),
    }
}

fn axis_value(value: VariedValue, is_whole: bool) -> AxisValue {
    match value {
        VariedValue::Text(text) => AxisValue::Text(text),
        VariedValue::Number(value) if is_whole => AxisValue::Whole(value as i64),
        VariedValue::Number(value) => AxisValue::Number(value),
    }
}

fn is_whole(value: &VariedValue) -> bool {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    matches!(value, VariedValue::Number(value) if value.abs() <= EXACT && value.trunc().total_cmp(value).is_eq())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Source, read_sweep};

    fn plan(text: &str) -> Result<Plan, Vec<Problem>> {
        Plan::new(read_sweep(&Source::new("a.toml", format!("name = \"a\"\n{text}")), &[]).unwrap())
    }

    fn warnings(text: &str) -> Vec<(&'static str, String)> {
        plan(text).unwrap().warnings().iter().map(|warning| (warning.code, warning.message.clone())).collect()
    }

    #[test]
    fn an_axis_without_effect_is_warned_of_once() {
        let found = warnings("[sweep.vary]\n\"ingress.replicas\" = [1, 2]");
        let idle: Vec<_> = found.iter().filter(|(code, _)| *code == "unused-balancer").collect();
        assert!(idle.len() == 1 && !idle[0].1.contains("points"), "{found:?}");
    }

    #[test]
    fn a_doubt_says_at_how_many_points() {
        let hook = "[pod]\ntermination_grace_period = \"10s\"\n[sweep.vary]\n\"pod.pre_stop.exec.duration\"";
        let found = warnings(&format!("{hook} = [\"1s\", \"20s\", \"30s\"]"));
        assert!(found.iter().any(|(_, message)| message.ends_with("(at 2 of 3 points)")), "{found:?}");
        let none = warnings(&format!("{hook} = [\"1s\", \"2s\"]"));
        assert!(!none.iter().any(|(_, message)| message.contains("points")), "{none:?}");
    }

    #[test]
    fn a_refused_estimator_is_told_at_the_value_that_it_minds() {
        let text =
            "[sweep]\nestimator = \"failures_only\"\n[sweep.vary]\n\"kube_proxy.mode\" = [\"iptables\", \"ipvs\"]";
        let problems = plan(text).unwrap_err();
        let mode = problems.iter().find(|problem| problem.key.as_deref() == Some("kube_proxy.mode")).unwrap();
        let place = mode.place.as_ref().unwrap();
        assert_eq!((place.line, place.column), (5, 34), "{problems:?}");
    }
}
