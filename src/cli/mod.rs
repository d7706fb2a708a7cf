//! The command line: arguments in, exit code out. Results go to stdout; progress, notes and problems to stderr.
//!
//! Reading files, printing and exit codes live here and nowhere else. A command is: settle the input, do the work in the
//! library, print what a renderer made of it.

mod against;
mod args;
mod article;
mod calibrate;
mod check;
mod explain;
mod failure;
mod folders;
mod import;
mod importance;
mod input;
mod manifest_args;
mod manifests;
mod merge;
mod print;
mod progress;
mod published;
mod recommend;
mod report;
mod run;
mod sensitivity;
mod simulate;
mod sweep;
mod teach;
mod validate;
mod watch;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use args::{Args, Command, EstimatorName, SchemaOf};
use failure::Failure;

/// Runs the program with these arguments, the first of which is its name.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let outcome = Args::try_parse_from(arguments).map_err(Failure::Usage).and_then(dispatch);
    if let Err(failure) = &outcome {
        failure.explain();
    }
    ExitCode::from(failure::exit_code(&outcome))
}

fn dispatch(args: Args) -> Result<(), Failure> {
    match args.command {
        None => article::run(),
        Some(Command::Run(args)) if args.estimator == EstimatorName::Importance => importance::run(&args),
        Some(Command::Run(args)) => run::run(&args),
        Some(Command::Import(args)) => import::run(&args),
        Some(Command::Check(args)) => check::run(&args),
        Some(Command::Explain(args)) => explain::run(&args),
        Some(Command::Sweep(args)) => sweep::run(&args),
        Some(Command::Merge(args)) => merge::run(&args),
        Some(Command::Validate(args)) => validate::run(&args),
        Some(Command::Calibrate(args)) => calibrate::run(&args),
        Some(Command::Recommend(args)) => recommend::run(&args),
        Some(Command::Sensitivity(args)) => sensitivity::run(&args),
        Some(Command::Report(args)) => report::run(&args),
        Some(Command::Teach(args)) => teach::run(&args),
        Some(Command::Schema { what }) => print::result(schema(what)),
        Some(Command::Completions { shell }) => completions(shell),
    }
}

fn schema(what: SchemaOf) -> &'static str {
    match what {
        SchemaOf::Result => crate::report::schema::RESULT,
        SchemaOf::Importance => crate::report::schema::IMPORTANCE,
        SchemaOf::Recommend => crate::report::schema::RECOMMEND,
        SchemaOf::Sensitivity => crate::report::schema::SENSITIVITY,
    }
}

fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "rollsim", &mut script);
    print::result(&String::from_utf8_lossy(&script))
}
