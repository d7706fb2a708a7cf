//! Arguments in, exit code out; the library does the rest.

use std::process::ExitCode;

fn main() -> ExitCode {
    rollsim::cli::main(std::env::args_os())
}
