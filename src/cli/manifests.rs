//! Kubernetes manifests as input: told from scenario files, folders opened, read and settled.

use std::path::Path;
use std::{fs, io};

use super::args::ManifestArgs;
use super::failure::Failure;
use super::input::{self, Input};
use crate::hazards::{self, Finding, Level};
use crate::manifests::{self, Draft, Known, Manifest, Objects, Selection};
use crate::report::Assumption;
use crate::scenario::{Place, Problem, Severity, Source, Text, plain};

/// The files, by what they are.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    /// Scenario files: name and bytes.
    pub(super) scenarios: Vec<(String, Vec<u8>)>,
    /// Manifests, those in folders, too.
    pub(super) manifests: Vec<Bytes>,
}

/// The bytes of a manifest.
#[derive(Debug)]
pub(super) struct Bytes {
    name: String,
    bytes: Vec<u8>,
    /// Else it is larger than what is read.
    is_whole: bool,
    is_named: bool,
}

/// Reads all files, and all manifests in folders.
pub(super) fn sort(files: &[String]) -> Result<Sorted, Failure> {
    let (mut sorted, mut messages) = (Sorted::default(), Vec::new());
    for file in files {
        let outcome = if Path::new(file).is_dir() { folder(file, &mut sorted) } else { one(file, &mut sorted) };
        messages.extend(outcome.err());
    }
    if messages.is_empty() { Ok(sorted) } else { Err(Failure::Environment(messages)) }
}

fn one(file: &str, sorted: &mut Sorted) -> Result<(), String> {
    let name = input::shown_name(file);
    let failed = |error: &io::Error| format!("failed to read {name}: {error}{}", input::hint(error));
    let (bytes, is_whole) = input::read_beginning(file).map_err(|error| failed(&error))?;
    if is_manifest(&name, &bytes) {
        sorted.manifests.push(Bytes { name, bytes, is_whole, is_named: true });
    } else if is_whole {
        sorted.scenarios.push((name, bytes));
    } else {
        return Err(failed(&input::too_large()));
    }
    Ok(())
}

const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];

fn has_extension(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|found| EXTENSIONS.iter().any(|known| found.eq_ignore_ascii_case(known)))
}

/// By the extension, else by the first line that says something: TOML's has a `=` or is a table's head.
pub(super) fn is_manifest(name: &str, bytes: &[u8]) -> bool {
    if has_extension(name) || name.ends_with(".toml") {
        return has_extension(name);
    }
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(1 << 16)]);
    let says = |line: &&str| !line.is_empty() && !line.starts_with('#');
    let Some(line) = head.trim_start_matches('\u{feff}').lines().map(str::trim).find(says) else { return false };
    let is_toml_key = line.find('=').is_some_and(|equals| line.find(':').is_none_or(|colon| equals < colon));
    line.starts_with(['{', '%'])
        || line.starts_with("---")
        || line.contains(':') && !is_toml_key && !line.starts_with('[')
}

/// A file, also behind a link. Links to folders are not followed, pipes would never end, and a link to nothing is not there.
fn is_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file())
}

/// Files in a folder and its folders, in the order of their paths, as kubectl takes them with `-R`.
fn folder(path: &str, sorted: &mut Sorted) -> Result<(), String> {
    let found = found_in(path)?;
    if found.is_empty() {
        let path = plain(path);
        return Err(format!("failed to read {path}: there are no manifests (*.yaml, *.yml, *.json) in this folder"));
    }
    for name in found {
        let (bytes, is_whole) =
            input::read_beginning(&name).map_err(|error| format!("failed to read {}: {error}", plain(&name)))?;
        sorted.manifests.push(Bytes { name, bytes, is_whole, is_named: false });
    }
    Ok(())
}

/// A folder without manifests.
pub(super) fn is_bare_folder(path: &str) -> bool {
    Path::new(path).is_dir() && found_in(path).is_ok_and(|found| found.is_empty())
}

/// Nothing is wrong, there is just nothing to simulate.
pub(super) fn is_about_absence(problem: &Problem) -> bool {
    ["no-workload", "nothing-served", "no-objects"].contains(&problem.code)
}

fn found_in(path: &str) -> Result<Vec<String>, String> {
    let mut waiting = vec![Path::new(path).to_owned()];
    let mut found = Vec::new();
    while let Some(path) = waiting.pop() {
        let listed = fs::read_dir(&path)
            .map_err(|error| format!("failed to read {}: {error}", plain(&path.display().to_string())))?;
        for entry in listed {
            let entry =
                entry.map_err(|error| format!("failed to read {}: {error}", plain(&path.display().to_string())))?;
            let kind = entry
                .file_type()
                .map_err(|error| format!("failed to read {}: {error}", plain(&path.display().to_string())))?;
            if kind.is_dir() && !entry.file_name().to_string_lossy().starts_with('.') {
                waiting.push(entry.path());
            } else if is_file(&entry.path()) && has_extension(&entry.path().display().to_string()) {
                found.push(entry.path().display().to_string());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Options that say nothing without manifests.
pub(super) fn refuse_what_is_for_manifests(asked: &ManifestArgs, manifests: &[Bytes]) -> Result<(), Failure> {
    let given = [("--with", asked.with.is_some()), ("--workload", !asked.workload.is_empty())];
    match given.into_iter().find(|(_, given)| *given) {
        Some((option, _)) if manifests.is_empty() => {
            Err(Failure::BadRequest(format!("{option} is for Kubernetes manifests, and none are given")))
        }
        _ => Ok(()),
    }
}

/// Reads the objects of all manifests.
pub(super) fn objects(manifests: &[Bytes], as_json: bool) -> Result<Objects, Failure> {
    let (mut texts, mut problems) = (Vec::new(), Vec::new());
    for manifest in manifests {
        if !manifest.is_whole {
            problems.push(too_large(manifest));
            continue;
        }
        match Source::from_bytes(&manifest.name, &manifest.bytes) {
            Ok(source) => {
                texts.push(Manifest { text: Text::new(source.name, source.text), is_named: manifest.is_named })
            }
            Err(problem) => {
                problems.push(Problem { help: Some("manifests are YAML or JSON in UTF-8".to_owned()), ..problem })
            }
        }
    }
    match manifests::read(&texts) {
        Ok(objects) if problems.is_empty() => Ok(objects),
        Ok(_) => Err(Failure::BadInput { problems, as_json }),
        Err(more) => Err(Failure::BadInput { problems: [problems, more].concat(), as_json }),
    }
}

/// Points behind what was read. A line is counted by its bytes: the file may be no text at all.
fn too_large(manifest: &Bytes) -> Problem {
    let newlines = manifest.bytes.iter().filter(|byte| **byte == b'\n').count();
    let last = manifest.bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let place = Place {
        file: manifest.name.clone(),
        line: newlines + 1,
        column: manifest.bytes.len() - last + 1,
        len: 0,
        line_text: String::new(),
    };
    Problem {
        severity: Severity::Error,
        code: "too-large",
        key: None,
        message: "the file is larger than 16 MiB".to_owned(),
        place: Some(place),
        other: None,
        help: Some("give fewer objects at once, as by kubectl get -n NAMESPACE or -l LABEL".to_owned()),
    }
}

/// The drafts of the workloads that are asked for, and notes about the others.
pub(super) fn drafts(
    objects: &Objects,
    asked: &ManifestArgs,
    as_json: bool,
) -> Result<(Vec<Draft>, Vec<String>), Failure> {
    let found = manifests::drafts(objects, &Selection(asked.workload.clone()));
    let (drafts, mut notes) = found.map_err(|problems| Failure::BadInput { problems, as_json })?;
    notes.extend(skipped(objects));
    Ok((drafts, notes))
}

/// The scenario file of `--with`.
pub(super) fn side(asked: &ManifestArgs) -> Result<Option<Source>, Failure> {
    let Some(file) = &asked.with else { return Ok(None) };
    let (name, bytes) = input::read_all(std::slice::from_ref(file))?.swap_remove(0);
    let bad = |problem| Failure::BadInput { problems: vec![problem], as_json: false };
    Source::from_bytes(&name, &bytes).map(Some).map_err(bad)
}

/// Scenarios of the workloads in these manifests. Of several, those that cannot be simulated are left out with a warning.
pub(super) fn settle(
    manifests: &[Bytes],
    asked: &ManifestArgs,
    sets: &[String],
    as_json: bool,
) -> Result<Vec<Input>, Failure> {
    let objects = objects(manifests, as_json)?;
    let (drafts, notes) = drafts(&objects, asked, as_json)?;
    let side = side(asked)?;
    let findings = hazards::find(&objects);
    let (mut inputs, mut failed) = (Vec::new(), Vec::new());
    for draft in &drafts {
        match manifests::settle(&objects.texts, draft, side.as_ref(), sets) {
            Ok(settled) => {
                let mut input = as_input(&objects, draft, settled);
                input.problems.extend(findings.iter().filter(|finding| is_about(finding, draft)).map(warning));
                inputs.push(input);
            }
            Err(problems) => failed.extend(problems),
        }
    }
    let only_unmodelled = failed.iter().all(|problem: &Problem| problem.code == "not-modelled");
    let Some(first) = inputs.first_mut().filter(|_| only_unmodelled) else {
        return Err(Failure::BadInput { problems: failed, as_json });
    };
    first.notes.extend(notes);
    first.problems.extend(failed.into_iter().map(|problem| Problem { severity: Severity::Warning, ..problem }));
    Ok(inputs)
}

/// Notes are for `rollsim check`.
fn is_about(finding: &Finding, draft: &Draft) -> bool {
    finding.object == draft.title && finding.ignored.is_none() && finding.level > Level::Note
}

fn warning(finding: &Finding) -> Problem {
    Problem {
        severity: Severity::Warning,
        code: finding.hazard.code,
        key: None,
        message: finding.message.clone(),
        place: Some(finding.place.clone()),
        other: None,
        help: Some(finding.hazard.mend.to_owned()),
    }
}

fn as_input(objects: &Objects, draft: &Draft, settled: manifests::Settled) -> Input {
    let workload = &objects.workloads[draft.workload];
    let meta = &workload.meta;
    Input {
        scenario: settled.scenario,
        problems: settled.problems,
        assumptions: settled.known.into_iter().map(assumption).collect(),
        notes: Vec::new(),
        workload: Some(plain(&format!("{}/{}", meta.namespace, meta.title()))),
        container: manifests::route(objects, workload).container.map(|container| container.name.clone()),
    }
}

fn assumption(known: Known) -> Assumption {
    Assumption { key: known.key, value: known.value, basis: known.basis, why: known.why, place: known.place }
}

/// Objects of other kinds, each kind once.
fn skipped(objects: &Objects) -> Option<String> {
    let mut kinds: Vec<(&str, usize)> = Vec::new();
    for skipped in &objects.skipped {
        let kind = if skipped.kind.is_empty() { "no object" } else { skipped.kind.as_str() };
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => kinds.push((kind, 1)),
        }
    }
    let listed: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    (!listed.is_empty()).then(|| format!("note: skipped, since no rollout depends on it: {}", listed.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, text: &str, expected: bool) {
        assert_eq!(is_manifest(name, text.as_bytes()), expected, "{name} {text}");
    }

    #[test]
    fn manifests_are_told_from_scenarios() {
        check("a.yaml", "name = \"a\"", true);
        check("<stdin>", "apiVersion: v1\nitems: []", true);
        check("<stdin>", "# from helm\n---\n# Source: a\nkind: Service", true);
        check("<stdin>", "{\"kind\": \"List\"}", true);
        check("<stdin>", "name = \"a: b\"", false);
        check("<stdin>", "# c: d\n[run]\nduration = \"60s\"", false);
        check("a", "", false);
    }
}
