//! `rollsim teach`: writes the page with the simulator inside, and opens it if that is asked for.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use super::args::TeachArgs;
use super::failure::Failure;
use super::print;
use crate::report::html;
use crate::report::sink::Folder;

/// What opens a file with the program that the user has for it.
const OPENER: &str = if cfg!(target_os = "macos") {
    "open"
} else if cfg!(windows) {
    "explorer"
} else {
    "xdg-open"
};

/// Runs the command.
pub(super) fn run(args: &TeachArgs) -> Result<(), Failure> {
    let Some(name) = args.out.file_name().and_then(OsStr::to_str) else {
        return Err(Failure::BadRequest(format!("--out {}: names no file", args.out.display())));
    };
    let parent = args.out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Folder::prepare(parent)?.write(name, html::teach().as_bytes())?;
    if !args.quiet {
        print::note(&format!("written: {}; it works offline, in any browser", args.out.display()));
    }
    if args.open { open(&args.out) } else { Ok(()) }
}

/// The browser lives on after the program.
fn open(page: &Path) -> Result<(), Failure> {
    let mut command = Command::new(OPENER);
    command.arg(page).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let started = command.spawn();
    started.map(drop).map_err(|error| {
        Failure::Environment(vec![format!("failed to start {OPENER}: {error}; open {} yourself", page.display())])
    })
}
