//! What a result rests on that nobody said: guesses from manifests, and assumptions.

use super::markdown::pipes;
use super::{Assumption, RunResult};

const SAY_OTHERWISE: &str = "say otherwise with --traffic, --boot, --set or --with FILE.toml";

/// The assumptions of a run as lines for a terminal; nothing if there are none.
pub(super) fn lines(run: &RunResult) -> String {
    if run.assumptions.is_empty() {
        return String::new();
    }
    let keys: Vec<String> = run.assumptions.iter().map(setting).collect();
    let width = keys.iter().map(|key| key.chars().count()).max().unwrap_or_default().min(56);
    let line = |(key, assumption): (&String, &Assumption)| {
        format!("  {key:width$}  {}: {}\n", assumption.basis, assumption.why)
    };
    let body: String = keys.iter().zip(&run.assumptions).map(line).collect();
    format!("\n{} rests on what its manifests do not say ({SAY_OTHERWISE}):\n{body}", run.scenario)
}

/// The same as a table of pipes that a reader opens.
pub(super) fn markdown(run: &RunResult) -> String {
    if run.assumptions.is_empty() {
        return String::new();
    }
    let row = |assumption: &Assumption| {
        let key = format!("`{}`", setting(assumption));
        vec![key, assumption.basis.clone(), assumption.why.clone(), assumption.place.clone()]
    };
    let header = ["key", "", "why", "where"].map(str::to_owned);
    let table = pipes(&header, run.assumptions.iter().map(row).collect());
    format!(
        "\n<details><summary>{} rests on {} assumptions</summary>\n\n{table}\n</details>\n",
        run.scenario,
        run.assumptions.len()
    )
}

fn setting(assumption: &Assumption) -> String {
    format!("{} = {}", assumption.key, assumption.value)
}
