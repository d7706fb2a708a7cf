//! Why a command ends without success, and its exit code.

use serde::Serialize;

use super::print;
use crate::replications::ThreadsError;
use crate::report::json;
use crate::report::sink::SinkError;
use crate::scenario::{self, Problem};
use crate::sweep::{MergeError, StoreError, SweepError};

/// Why a command did not succeed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The arguments; also `--help` and `--version`, which clap returns the same way.
    Usage(clap::Error),
    /// The environment: a path, a permission, a full disk. One message for each.
    Environment(Vec<String>),
    /// Scenarios with problems.
    BadInput {
        /// All problems of all files.
        problems: Vec<Problem>,
        /// Print them as data on stdout too.
        as_json: bool,
    },
    /// Arguments that do not fit together or with the input.
    BadRequest(String),
    /// `--fail-if` held. One message for each.
    Gates(Vec<String>),
}

/// The only place where an outcome becomes an exit code: 0 done, 1 environment, 2 bad input, 3 a gate held.
pub(super) fn exit_code(outcome: &Result<(), Failure>) -> u8 {
    match outcome {
        Ok(()) => 0,
        Err(Failure::Usage(error)) if !error.use_stderr() => 0,
        Err(Failure::Environment(_)) => 1,
        Err(Failure::Usage(_) | Failure::BadInput { .. } | Failure::BadRequest(_)) => 2,
        Err(Failure::Gates(_)) => 3,
    }
}

impl Failure {
    /// Says on stderr what happened (help and version go to stdout).
    pub(super) fn explain(&self) {
        match self {
            // Nobody is left to tell that printing the help failed.
            Failure::Usage(error) => drop(error.print()),
            Failure::Environment(messages) => messages.iter().for_each(|message| print::error(message)),
            Failure::BadRequest(message) => print::error(message),
            Failure::Gates(messages) => messages.iter().for_each(|message| print::note(message)),
            Failure::BadInput { problems, as_json } => explain_problems(problems, *as_json),
        }
    }
}

#[derive(Serialize)]
struct Problems<'a> {
    schema: &'static str,
    problems: &'a [Problem],
}

fn explain_problems(problems: &[Problem], as_json: bool) {
    print::problems(&scenario::render(problems, true));
    if as_json {
        let text = json::render(&Problems { schema: "rollsim/problems/v1", problems });
        // The exit code says already that there is no result.
        drop(print::result(&text));
    }
}

impl From<SinkError> for Failure {
    fn from(error: SinkError) -> Self {
        Failure::Environment(vec![error.to_string()])
    }
}

impl From<ThreadsError> for Failure {
    fn from(error: ThreadsError) -> Self {
        Failure::Environment(vec![error.to_string()])
    }
}

impl From<SweepError> for Failure {
    fn from(error: SweepError) -> Self {
        Failure::Environment(vec![error.to_string()])
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Sink(error) => error.into(),
            StoreError::Busy(_) => Failure::Environment(vec![error.to_string()]),
            StoreError::Foreign(..) | StoreError::Unreadable(_) => Failure::BadRequest(error.to_string()),
        }
    }
}

impl From<MergeError> for Failure {
    fn from(error: MergeError) -> Self {
        match error {
            MergeError::Read(..) => Failure::Environment(vec![error.to_string()]),
            MergeError::Unfit(sentence) => Failure::BadRequest(sentence),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_has_its_exit_code() {
        let help = clap::Error::new(clap::error::ErrorKind::DisplayHelp);
        let unknown = clap::Error::new(clap::error::ErrorKind::UnknownArgument);
        for (outcome, expected) in [
            (Ok(()), 0),
            (Err(Failure::Usage(help)), 0),
            (Err(Failure::Environment(Vec::new())), 1),
            (Err(Failure::Usage(unknown)), 2),
            (Err(Failure::BadInput { problems: Vec::new(), as_json: false }), 2),
            (Err(Failure::BadRequest(String::new())), 2),
            (Err(Failure::Gates(Vec::new())), 3),
        ] {
            assert_eq!(exit_code(&outcome), expected, "{outcome:?}");
        }
    }
}
