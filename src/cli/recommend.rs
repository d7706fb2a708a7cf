//! `rollsim recommend`: the smallest hook that meets a target.

use super::args::{RecommendArgs, RecommendFormat};
use super::failure::Failure;
use super::input::Input;
use super::progress::Progress;
use super::{folders, input, print};
use crate::recommend::{self, Patched, Question, Recommendation};
use crate::replications;
use crate::report::sink::Folder;
use crate::report::{json, picture};
use crate::scenario;

/// Runs the command.
pub(super) fn run(args: &RecommendArgs) -> Result<(), Failure> {
    if args.longest.as_whole_secs() == 0 {
        return Err(Failure::BadRequest(
            "--longest must be a second at least: Kubernetes knows whole seconds".to_owned(),
        ));
    }
    let input = load(args)?;
    let folder = folders::prepare(args.output.out.as_deref(), &[&input.scenario.name])?.pop().flatten();
    let progress = Progress::endless(args.output.quiet);
    let (question, piece) = (question(args, &input), progress.piece());
    let found =
        replications::on_threads(args.threads.number(), || recommend::recommend(&input.scenario, &question, &piece))?;
    drop(progress);
    let found = found.map_err(|never| Failure::BadRequest(format!("{}: {never}", input.scenario.name)))?;
    if let Some(folder) = &folder {
        write(&found, folder)?;
    }
    print::result(&rendered(&found, args.format))?;
    if let Some(folder) = folder.filter(|_| !args.output.quiet) {
        print::note(&format!("written: {}", folder.path().display()));
    }
    Ok(())
}

fn load(args: &RecommendArgs) -> Result<Input, Failure> {
    let json = args.format == RecommendFormat::Json;
    let input = input::load_one(&args.file, &args.manifests, &args.changes.as_sets(None), json)?;
    if !args.output.quiet {
        print::problems(&scenario::render(&input.problems, true));
        input.notes.iter().for_each(|note| print::note(note));
        print::assumptions(&input);
    }
    Ok(input)
}

fn question(args: &RecommendArgs, input: &Input) -> Question {
    let container = args.container.as_ref().or(input.container.as_ref());
    Question {
        target: args.target,
        confidence: args.confidence,
        longest_s: args.longest.as_whole_secs(),
        strategies: !args.hook_only,
        container: container.map_or_else(|| "app".to_owned(), Clone::clone),
        workload: input.workload.as_deref().and_then(patched),
    }
}

/// Of `namespace/Kind/name`.
fn patched(workload: &str) -> Option<Patched> {
    let (namespace, title) = workload.split_once('/')?;
    let (_, name) = title.split_once('/')?;
    Some(Patched { name: name.to_owned(), namespace: namespace.to_owned() })
}

fn rendered(found: &Recommendation, format: RecommendFormat) -> String {
    match format {
        RecommendFormat::Text => recommend::render(found),
        RecommendFormat::Json => json::render(found),
        RecommendFormat::Yaml => found.patch.clone().unwrap_or_else(|| format!("# {}\n", recommend::no_answer(found))),
    }
}

/// The answer as files: all of it, the patch and the pictures.
fn write(found: &Recommendation, folder: &Folder) -> Result<(), Failure> {
    folder.write("recommend.json", json::render(found).as_bytes())?;
    // What an earlier answer left is not beside this one.
    ["patch.yaml", "strategies.svg", "strategies.png"].into_iter().try_for_each(|name| folder.remove(name))?;
    if let Some(patch) = &found.patch {
        folder.write("patch.yaml", patch.as_bytes())?;
    }
    draw("curve", &recommend::curve_chart(found), folder)?;
    if !found.strategies.is_empty() {
        draw("strategies", &recommend::front_chart(found), folder)?;
    }
    Ok(())
}

fn draw(name: &str, chart: &picture::Chart, folder: &Folder) -> Result<(), Failure> {
    folder.write(&format!("{name}.svg"), picture::chart_svg(chart).as_bytes())?;
    #[cfg(feature = "png")]
    match picture::chart_png(chart) {
        Ok(png) => folder.write(&format!("{name}.png"), &png)?,
        Err(error) => print::note(&format!("{name}.png could not be drawn: {error}")),
    }
    Ok(())
}
