//! The command line: what was typed becomes plain settings, a command does its work, and whatever
//! comes of it becomes an exit code.

mod args;
mod error;
mod history;
mod local;
mod merge;
mod observe;
mod plan;
mod print;
mod project;
mod run;
mod shard;

use std::ffi::OsString;

use clap::Parser;

use args::{Cli, Command};
use crate::exit::Exit;

/// Runs the program with these arguments, its own name first.
#[must_use]
pub fn main(arguments: impl Iterator<Item = OsString>) -> Exit {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Passed };
        }
    };
    let result = match &cli.command {
        Command::Run(args) => run::run(args),
        Command::Merge(args) => merge::run(args),
        Command::Plan(args) => plan::run(args),
        Command::Local(args) => local::run(args),
    };
    result.unwrap_or_else(|error| {
        print::err(&format!("error: {error}\n"));
        if let Some(hint) = error.hint() {
            print::err(&format!("hint: {hint}\n"));
        }
        error.exit()
    })
}
