//! Parse, run, exit code. Nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    hrload::cli::main()
}
