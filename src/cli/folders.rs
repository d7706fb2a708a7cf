//! Where a command writes: `output/<scenario>/`, a folder of the user's choice, or nowhere.

use std::path::{Path, PathBuf};

use super::failure::Failure;
use crate::report::sink::Folder;

/// Makes a folder for each name and tries to write to it, before the long work; none of them if `out` says `none`.
///
/// A folder of the user's choice is taken as it is for one scenario, and holds a folder for each of several.
pub(super) fn prepare(out: Option<&str>, names: &[&str]) -> Result<Vec<Option<Folder>>, Failure> {
    let paths = places(out, names);
    paths.iter().map(|path| Ok(path.as_deref().map(Folder::prepare).transpose()?)).collect()
}

fn places(out: Option<&str>, names: &[&str]) -> Vec<Option<PathBuf>> {
    let base = Path::new(out.unwrap_or("output"));
    let alone = out.is_some() && names.len() == 1;
    let place = |name: &&str| if alone { base.to_owned() } else { base.join(folder_name(name)) };
    names.iter().map(|name| (out != Some("none")).then(|| place(name))).collect()
}

/// The name with everything replaced that could lead elsewhere or that a file system may refuse.
fn folder_name(name: &str) -> String {
    let safe = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let name: String = name.chars().take(100).map(safe).collect();
    let name = name.trim_start_matches(['.', '-']);
    if name.is_empty() { "scenario".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(out: Option<&str>, names: &[&str], expected: &[Option<&str>]) {
        let expected: Vec<Option<PathBuf>> = expected.iter().map(|path| path.map(PathBuf::from)).collect();
        assert_eq!(places(out, names), expected);
    }

    #[test]
    fn each_scenario_has_its_folder() {
        check(None, &["a"], &[Some("output/a")]);
        check(None, &["a", "b"], &[Some("output/a"), Some("output/b")]);
        check(Some("x/y"), &["a"], &[Some("x/y")]);
        check(Some("x"), &["a", "b"], &[Some("x/a"), Some("x/b")]);
        check(Some("none"), &["a", "b"], &[None, None]);
        check(Some("./none"), &["a"], &[Some("./none")]);
    }

    #[test]
    fn no_name_leads_elsewhere() {
        check(None, &["../../etc"], &[Some("output/etc")]);
        check(None, &["a b/c"], &[Some("output/a-b-c")]);
        check(None, &[".."], &[Some("output/scenario")]);
    }
}
