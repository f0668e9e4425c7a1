//! The command line: what was typed becomes plain settings, a command does its work, and whatever
//! comes of it becomes an exit code.

mod args;
mod bisect;
mod databases;
mod db;
mod emit;
mod error;
mod failed;
mod history;
mod init;
mod local;
mod merge;
mod observe;
mod only;
mod order;
mod parts;
mod plan;
mod planning;
mod print;
mod project;
mod publish;
mod quarantine;
mod run;
mod runtime;
mod shard;
mod sizing;

use std::ffi::OsString;

use clap::Parser;

use crate::exit::Exit;
use args::{Cli, Command};

/// Runs the program with these arguments, its own name first.
#[must_use]
pub fn main(arguments: impl Iterator<Item = OsString>) -> Exit {
    survive_full_disks();
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return misused(&error),
    };
    let result = match &cli.command {
        Command::Init(args) => init::run(args),
        Command::Run(args) => run::run(args),
        Command::Merge(args) => merge::run(args),
        Command::Publish(args) => publish::run(args),
        Command::Plan(args) => plan::run(args),
        Command::Local(args) => local::run(args),
        Command::Bisect(args) => bisect::run(args),
        Command::History(command) => history::run(command),
        Command::Db(command) => db::run(command),
    };
    result.unwrap_or_else(|error| {
        print::err(&format!("error: {error}\n"));
        if let Some(hint) = error.hint() {
            print::err(&format!("hint: {hint}\n"));
        }
        error.exit()
    })
}

/// Says what is wrong with the command line, or what was asked about it.
fn misused(error: &clap::Error) -> Exit {
    let text = error.render().ansi().to_string();
    if !error.use_stderr() {
        print::out(&text);
        return Exit::Passed;
    }
    print::err(&text);
    for (name, _) in std::env::vars_os().filter(|(_, value)| value.is_empty()) {
        let name = name.to_string_lossy();
        if name.starts_with("EVENLY_") {
            print::err(&format!("hint: `{name}` is set, but empty: unset it or give it a value\n"));
        }
    }
    Exit::Usage
}

/// Turns SIGXFSZ, whose default is death, into an error of the write that was too much: a limit on
/// file size is to be told like a full disk.
fn survive_full_disks() {
    let heard = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    // It fails for signals that cannot be caught, and this one can.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, heard);
}
