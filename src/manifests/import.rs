//! Settles a draft, with what the user says beside it, and writes it as a scenario file that tells of each key where it comes
//! from.

use super::settle::{Basis, Draft, Fact};
use crate::model::spec::Scenario;
use crate::scenario::{Problem, Source, Statement, Text, plain, read_imported};

/// A key of the scenario that the manifests do not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The dotted key.
    pub key: String,
    /// Its value as TOML.
    pub value: String,
    /// `guessed` or `assumed`.
    pub basis: String,
    /// Why.
    pub why: String,
    /// `file:line:column` of what made us think so.
    pub place: String,
}

/// A settled scenario with what it rests on.
#[derive(Debug)]
pub struct Settled {
    /// The scenario.
    pub scenario: Scenario,
    /// Doubts about it, and what is left out.
    pub problems: Vec<Problem>,
    /// What was guessed and assumed, as far as the user does not say otherwise.
    pub known: Vec<Known>,
}

/// Settles a draft; `side` is a scenario file that says what the manifests cannot, `sets` are `--set`s.
///
/// # Errors
/// Everything that is wrong, at the place in the manifests that says so.
pub fn settle(texts: &[Text], draft: &Draft, side: Option<&Source>, sets: &[String]) -> Result<Settled, Vec<Problem>> {
    let statements: Vec<Statement> = draft.facts.iter().map(|fact| fact.statement.clone()).collect();
    let imported = read_imported(texts, &statements, side, sets).map_err(|problems| said_of(draft, problems))?;
    let counts = |(fact, counts): (&Fact, &bool)| {
        (*counts && matches!(fact.basis, Basis::Guessed | Basis::Assumed)).then(|| known(texts, fact))
    };
    let mut problems = draft.doubts.clone();
    problems.extend(imported.warnings);
    Ok(Settled {
        scenario: imported.scenario,
        problems,
        known: draft.facts.iter().zip(&imported.counts).filter_map(counts).collect(),
    })
}

/// A key that this version refuses was not the user's: what is missing is said of the workload.
fn said_of(draft: &Draft, problems: Vec<Problem>) -> Vec<Problem> {
    let is_ours = |key: &str| draft.facts.iter().any(|fact| fact.statement.key.starts_with(key));
    let said = |problem: Problem| match problem.key.as_deref() {
        Some(key) if problem.code == "not-modelled" && is_ours(key) => {
            let what = if key == "rollout.kind" { "rollouts by Recreate" } else { "updates of this kind of workload" };
            Problem {
                message: format!("{}: {what} are not simulated in this version", draft.title),
                help: None,
                ..problem
            }
        }
        _ => problem,
    };
    problems.into_iter().map(said).collect()
}

fn known(texts: &[Text], fact: &Fact) -> Known {
    Known {
        key: fact.statement.key.clone(),
        value: plain(&fact.statement.value),
        basis: fact.basis.name().to_owned(),
        why: plain(&fact.why),
        place: place(texts, fact),
    }
}

fn place(texts: &[Text], fact: &Fact) -> String {
    let at = fact.statement.at;
    let place = texts[at.text].place(at.start, at.end);
    format!("{}:{}:{}", place.file, place.line, place.column)
}

/// The draft as a scenario file. Behind each key stands where it comes from.
pub fn scenario_toml(texts: &[Text], draft: &Draft) -> String {
    let mut out = format!("# {} as a scenario. What is guessed or assumed says so; correct it.\n", plain(&draft.title));
    for doubt in &draft.doubts {
        let place = doubt.place.as_ref().map(|place| format!("{}:{}: ", place.file, place.line)).unwrap_or_default();
        out.push_str(&format!("# {place}{}\n", plain(&doubt.message)));
    }
    let mut tables: Vec<(&str, Vec<(&str, &Fact)>)> = Vec::new();
    for fact in &draft.facts {
        let (table, key) = fact.statement.key.rsplit_once('.').unwrap_or(("", &fact.statement.key));
        match tables.iter_mut().find(|(name, _)| *name == table) {
            Some((_, keys)) => keys.push((key, fact)),
            None => tables.push((table, vec![(key, fact)])),
        }
    }
    for (table, keys) in tables {
        match table.strip_suffix(".0") {
            _ if table.is_empty() => {}
            Some(array) => out.push_str(&format!("\n[[{array}]]\n")),
            None => out.push_str(&format!("\n[{table}]\n")),
        }
        keys.into_iter().for_each(|(key, fact)| out.push_str(&line(texts, key, fact)));
    }
    out
}

fn line(texts: &[Text], key: &str, fact: &Fact) -> String {
    let why = match fact.basis {
        Basis::Read => place(texts, fact),
        basis => format!("{}: {}", basis.name(), fact.why),
    };
    format!("{:<40} # {}\n", format!("{key} = {}", fact.statement.value), plain(&why))
}
