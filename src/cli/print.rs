//! Printing: results to stdout, everything else to stderr. Colours are dropped where they do not belong (`NO_COLOR`, a
//! pipe, a file). A reader that has closed its end has seen enough: that is no failure.

use std::io::{self, ErrorKind, Write};

use super::failure::Failure;
use super::input::Input;

/// Prints a result.
pub(super) fn result(text: &str) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    settled(written)
}

fn settled(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::Environment(vec![format!("failed to print the result: {error}")]))
        }
        _ => Ok(()),
    }
}

/// Prints an error.
pub(super) fn error(message: &str) {
    stderr(&format!("error: {message}\n"));
}

/// Prints a note.
pub(super) fn note(message: &str) {
    stderr(&format!("{message}\n"));
}

/// Prints what a scenario from manifests rests on, beside a result that has no place for it.
pub(super) fn assumptions(input: &Input) {
    for one in &input.assumptions {
        note(&format!("{}: {} = {} ({}: {})", one.place, one.key, one.value, one.basis, one.why));
    }
}

/// Prints problems as `scenario` rendered them.
pub(super) fn problems(text: &str) {
    stderr(text);
}

/// Where notes cannot be printed there is nobody to tell.
fn stderr(text: &str) {
    let mut err = anstream::stderr().lock();
    drop(err.write_all(text.as_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_went_away_is_no_failure() {
        assert!(settled(Err(ErrorKind::BrokenPipe.into())).is_ok());
        assert!(settled(Err(ErrorKind::StorageFull.into())).is_err());
        assert!(settled(Ok(())).is_ok());
    }
}
