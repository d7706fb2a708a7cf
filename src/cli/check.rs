//! `rollsim check`: hazards of manifests and scenarios, without simulating.

use super::args::{CheckArgs, CheckFormat, Deny};
use super::failure::Failure;
use super::{input, manifests, print};
use crate::hazards::{self, Finding, Level};
use crate::manifests::Objects;
use crate::report::json;
use crate::scenario::{self, Problem};

/// Runs the command.
pub(super) fn run(args: &CheckArgs) -> Result<(), Failure> {
    if args.list {
        return print::result(&hazards::document());
    }
    let as_json = args.format == CheckFormat::Json;
    let sorted = manifests::sort(&args.files)?;
    let doubts: Vec<Problem> =
        input::settle(&sorted.scenarios, &[], as_json)?.into_iter().flat_map(|input| input.problems).collect();
    let objects = manifests::objects(&sorted.manifests, as_json)?;
    let findings = hazards::find(&objects);
    print::problems(&scenario::render(&doubts, true));
    print::result(&rendered(&objects, &findings, args.format))?;
    judge(args.deny, &findings, &doubts)
}

fn rendered(objects: &Objects, findings: &[Finding], format: CheckFormat) -> String {
    match format {
        CheckFormat::Text => hazards::text(findings, true),
        CheckFormat::Json => json::render(&hazards::report(findings)),
        CheckFormat::Sarif => hazards::sarif(findings),
        CheckFormat::Junit => {
            let workloads: Vec<String> = objects.workloads.iter().map(|workload| workload.meta.title()).collect();
            hazards::junit(findings, &workloads)
        }
        CheckFormat::Github => hazards::annotations(findings),
    }
}

/// A doubt about a scenario file counts as a warning.
fn judge(deny: Option<Deny>, findings: &[Finding], doubts: &[Problem]) -> Result<(), Failure> {
    let (level, name) = match deny {
        None => return Ok(()),
        Some(Deny::Warning) => (Level::Warning, "warning"),
        Some(Deny::Error) => (Level::Error, "error"),
    };
    let denied = findings.iter().filter(|finding| finding.ignored.is_none() && finding.level >= level).count();
    let denied = denied + if level == Level::Warning { doubts.len() } else { 0 };
    if denied == 0 {
        return Ok(());
    }
    Err(Failure::Gates(vec![format!("--deny {name}: {denied} found")]))
}
