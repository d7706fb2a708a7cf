//! What the README shows is what the program prints.

use std::process::Command;

/// The lines that a README shows after `$ rollsim …`.
fn shown(file: &str, command: &str) -> Vec<String> {
    let readme = std::fs::read_to_string(file).unwrap();
    let start = format!("```console\n$ {command}\n");
    let from = readme.find(&start).unwrap_or_else(|| panic!("the README shows {command}")) + start.len();
    let lines = readme[from..].lines().take_while(|line| !line.starts_with("```") && *line != "…");
    lines.map(str::to_owned).collect()
}

fn check(command: &str, arguments: &[&str]) {
    check_in("README.md", command, arguments);
}

fn check_in(file: &str, command: &str, arguments: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_rollsim")).args(arguments).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let printed: Vec<&str> = printed.lines().collect();
    let shown = shown(file, command);
    assert!(shown.len() > 5, "{command}");
    assert!(
        printed.windows(shown.len()).any(|lines| lines == shown),
        "{file} is behind: {command}\n{}",
        printed.join("\n")
    );
}

/// The shell's `*.toml` is in alphabetical order.
fn check_paths() {
    let mut files: Vec<String> = std::fs::read_dir("scenarios/paths")
        .unwrap()
        .map(|entry| entry.unwrap().path().display().to_string())
        .collect();
    files.sort();
    let arguments = ["run"].into_iter().chain(files.iter().map(String::as_str)).chain(["--quiet", "--out", "none"]);
    check("rollsim run scenarios/paths/*.toml", &arguments.collect::<Vec<_>>());
}

/// The main job and the ablation take 11,000 replications: only where time is given.
#[test]
fn the_readme_shows_what_is_printed() {
    let story = "rollsim explain article-no-hook --replication 2";
    check(story, &["explain", "article-no-hook", "--replication", "2", "--quiet", "--out", "none"]);
    if std::env::var_os("ROLLSIM_SLOW").is_some() {
        check("rollsim", &[]);
        check("rollsim validate --quiet", &["validate", "--quiet", "--out", "none"]);
        let recommend = "rollsim recommend article-no-hook --target 1e-5 --confidence 0.99 --hook-only";
        let arguments: Vec<&str> = recommend.split(' ').skip(1).chain(["--quiet", "--out", "none"]).collect();
        check(recommend, &arguments);
        let ablation = ["run", "article-no-hook", "--ablate", "--quiet", "--out", "none"];
        check("rollsim run article-no-hook --ablate", &ablation);
        check_paths();
        let published = ["validate", "--published", "--quiet"];
        check_in("scenarios/published/README.md", "rollsim validate --published --quiet", &published);
    }
}
