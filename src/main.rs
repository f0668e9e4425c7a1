//! The program: everything is in the library.

use std::process::ExitCode;

use evenly::process::{SUPERVISE, supervise};

fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|argument| argument == SUPERVISE) {
        return supervise();
    }
    evenly::cli::main(std::env::args_os()).into()
}
