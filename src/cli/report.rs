//! `rollsim report`: saved results in, one page out. Nothing is simulated.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::args::ReportArgs;
use super::failure::Failure;
use super::{print, run};
use crate::record::{Metric, Metrics};
use crate::report::html::{self, Piece};
use crate::report::picture::{self, Chart, Distribution};
use crate::report::result::{RUN_SCHEMA, values};
use crate::report::sink::Folder;
use crate::report::{RunResult, RunsResult, article, csv};

/// The page's name in a folder of results.
pub(super) const PAGE: &str = "report.html";
/// The replication that the page shows.
pub(super) const RACE: &str = "race.json";

/// The distribution of the failed requests.
pub(super) const FAILED: &str = "failed.svg";

/// Runs the command.
pub(super) fn run(args: &ReportArgs) -> Result<(), Failure> {
    let places: Vec<PathBuf> = args.results.iter().map(|name| folder_of(Path::new(name))).collect();
    let (mut runs, mut pieces) = (Vec::new(), Vec::new());
    for (name, place) in args.results.iter().zip(&places) {
        runs.push(read_result(Path::new(name))?);
        pieces.push(read_piece(place)?);
    }
    let results = html::joined_results(runs, &pieces);
    let folder = Folder::prepare(args.out.as_deref().map_or(&places[0], Path::new))?;
    write(&folder, &results, &pieces)?;
    if let Some(format) = args.format {
        print::result(&run::rendered(&results, format))?;
    }
    if !args.quiet {
        print::note(&format!("written: {}", folder.path().join(PAGE).display()));
    }
    Ok(())
}

/// Writes the page.
pub(super) fn write(folder: &Folder, results: &RunsResult, pieces: &[Piece]) -> Result<(), Failure> {
    Ok(folder.write(PAGE, html::report(results, pieces).as_bytes())?)
}

/// A folder of results, or the one that a file stands in.
fn folder_of(path: &Path) -> PathBuf {
    if path.is_dir() {
        return path.to_owned();
    }
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

fn read_result(path: &Path) -> Result<RunResult, Failure> {
    let file = if path.is_dir() { path.join("result.json") } else { path.to_owned() };
    let text = fs::read_to_string(&file)
        .map_err(|error| Failure::Environment(vec![format!("failed to read {}: {error}", file.display())]))?;
    let bad = |what: String| Failure::BadRequest(format!("{}: {what}", file.display()));
    let result: RunResult = serde_json::from_str(&text)
        .map_err(|error| bad(format!("is no result of rollsim run ({error}); rollsim schema result documents them")))?;
    if result.schema != RUN_SCHEMA {
        return Err(bad(format!("has the schema '{}', expected '{RUN_SCHEMA}'", result.schema)));
    }
    Ok(result)
}

/// What stands beside a result; a file that is not there is left out of the page.
fn read_piece(folder: &Path) -> Result<Piece, Failure> {
    let replications = beside(folder, "replications.csv")?.unwrap_or_default();
    let replications = csv::read_replications(&replications)
        .map_err(|what| Failure::BadRequest(format!("{}: {what}", folder.join("replications.csv").display())))?;
    let race = beside(folder, RACE)?;
    if let Some(Err(error)) = race.as_deref().map(serde_json::from_str::<serde::de::IgnoredAny>) {
        return Err(Failure::BadRequest(format!("{}: is no JSON: {error}", folder.join(RACE).display())));
    }
    let (settled, failed) = (beside(folder, "scenario.toml")?, beside(folder, FAILED)?);
    Ok(Piece { settled, race, replications, failed: failed.filter(|svg| svg.starts_with("<svg")) })
}

/// How many replications lose how many requests, with what was measured.
pub(super) fn distribution(result: &RunResult, replications: &[Metrics], observed: &[u64]) -> String {
    let article = article::observed(&result.scenario).map(|seen| (seen.failed, "the article".to_owned()));
    let measured = observed.iter().map(|&number| (number as f64, format!("measured: {number}")));
    picture::chart_svg(&Chart::Distribution(Distribution {
        title: format!("{}: requests lost by a rollout", result.scenario),
        label: "requests lost".to_owned(),
        values: values(Metric::Failed, replications),
        marked: article.into_iter().chain(measured).collect(),
    }))
}

fn beside(folder: &Path, name: &str) -> Result<Option<String>, Failure> {
    let path = folder.join(name);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::Environment(vec![format!("failed to read {}: {error}", path.display())])),
    }
}
