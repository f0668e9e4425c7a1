//! `evenly db`: what evenly made on database servers, and servers for work by hand.

mod down;
mod hold;
mod list;
mod site;
mod state;
mod up;

use super::args::DbCommand;
use super::error::Error;
use crate::exit::Exit;

pub(super) fn run(command: &DbCommand) -> Result<Exit, Error> {
    match command {
        DbCommand::List(args) => list::list(args),
        DbCommand::Clean(args) => list::clean(args),
        DbCommand::Up(args) => up::up(args),
        DbCommand::Down(args) => down::down(args),
        DbCommand::Hold(args) => hold::hold(args),
    }
}
