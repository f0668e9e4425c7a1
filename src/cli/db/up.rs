//! `evenly db up`: databases for work by hand, told as variables for a shell.
//!
//! Servers of our own are held by a process that stays ([`super::hold`]); where none is wanted,
//! everything is done here.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use super::super::args::DbUpArgs;
use super::super::error::Error;
use super::super::print;
use super::super::project::local_workers;
use super::hold::make;
use super::site::{Site, block_on};
use super::state::{Holder, State, private};
use crate::exit::Exit;
use crate::model::TemplateOrigin;
use crate::process::{become_reaper, kill_orphans, last_words};
use crate::provision::{Told, variables_of};
use crate::store;

/// What the holder tells `up`, a JSON line each.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Message {
    Note(String),
    Warning(String),
    /// It could not do it.
    Failed(String),
    /// The state is written.
    Ready,
}

impl Message {
    fn print(&self) {
        match self {
            Self::Note(text) => print::note(text),
            Self::Warning(text) => print::warn(text),
            Self::Failed(_) | Self::Ready => {}
        }
    }
}

impl From<Told> for Message {
    fn from(told: Told) -> Self {
        match told {
            Told::Template { database, origin, took_us } => {
                let took = crate::model::human_time(took_us);
                let how = match origin {
                    TemplateOrigin::Built => "built",
                    TemplateOrigin::Found => "found on the server",
                    TemplateOrigin::Restored => "restored from an earlier run",
                    TemplateOrigin::Existing => "there already",
                };
                Self::Note(format!("database `{database}`: template {how}, {took}"))
            }
            Told::Note(text) => Self::Note(text),
            Told::Warning(text) => Self::Warning(text),
        }
    }
}

pub(super) fn up(args: &DbUpArgs) -> Result<Exit, Error> {
    let site = Site::open(&args.config)?;
    let wanted = site.wanted(&args.databases)?;
    for (name, suite) in site.filled_by_suites(&wanted) {
        print::note(&format!(
            "`[database.{name}]` is empty here: suite `{suite}` fills it when it runs; with \
             `prepare` it would be filled"
        ));
    }
    let path = site.state();
    let _alone = store::lock_for_update(&path)?;
    let before = State::read(&path)?;
    let state = match before {
        Some(state) if state.runs()? => {
            let has = |name: &String| state.databases.iter().any(|there| there.name == *name);
            if let Some(missing) = wanted.iter().find(|name| !has(name)) {
                return Err(Error::UpWithout(format!("`{missing}`")));
            }
            print::note("the servers run already");
            state
        }
        before => {
            if let Some(Holder { pid, .. }) =
                before.as_ref().and_then(|state| state.holder.as_ref())
            {
                print::note(&format!(
                    "process {pid}, which held the servers, is gone: starting anew"
                ));
            }
            let mut state = made(args, &site, &wanted)?;
            state.take_over(before);
            state.write(&path)?;
            state
        }
    };
    print::out(&exports(&site, &state, &wanted));
    Ok(Exit::Passed)
}

/// Makes what is wanted: in a process that stays where servers of our own are, else here.
fn made(args: &DbUpArgs, site: &Site, wanted: &BTreeSet<String>) -> Result<State, Error> {
    if wanted.iter().any(|name| site.is_managed(name)) {
        start_holder(args, site)?;
        return State::read(&site.state())?.ok_or_else(|| ended(&site.log()));
    }
    let workers = local_workers(args.workers.unwrap_or(site.config.run.workers));
    let request = site.request(wanted.clone(), workers)?;
    let locals = block_on(async {
        become_reaper().map_err(|source| Error::System { act: "adopt processes", source })?;
        let mut tell = |told: Told| Message::from(told).print();
        let (provision, locals) = make(&request, &mut tell).await?;
        provision.leave().await;
        kill_orphans().await;
        Ok::<_, Error>(locals)
    });
    Ok(State::new(None, locals??))
}

/// Starts the process that holds the servers, and waits until they are there.
fn start_holder(args: &DbUpArgs, site: &Site) -> Result<(), Error> {
    let system = |act| move |source| Error::System { act, source };
    let log = site.log();
    let errors = private(&log).map_err(system("write `.evenly/server.log`"))?;
    let mut command = Command::new(std::env::current_exe().map_err(Error::Program)?);
    command.args(["db", "hold", "--config"]).arg(&site.path);
    command.args(args.databases.iter().map(|name| format!("--database={name}")));
    let workers = local_workers(args.workers.unwrap_or(site.config.run.workers));
    command.arg(format!("--workers={workers}"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors);
    let mut holder = command.spawn().map_err(system("start what holds the servers"))?;
    let told = holder.stdout.take().map(BufReader::new);
    for line in told.into_iter().flat_map(BufRead::lines).map_while(Result::ok) {
        match serde_json::from_str(&line) {
            Ok(Message::Ready) => return Ok(()),
            Ok(Message::Failed(why)) => {
                let _ = holder.wait();
                return Err(Error::Held(why));
            }
            Ok(message @ (Message::Note(_) | Message::Warning(_))) => message.print(),
            // Not its own: it goes where talk goes.
            Err(_) => print::err(&format!("{line}\n")),
        }
    }
    let _ = holder.wait();
    Err(ended(&log))
}

fn ended(log: &Path) -> Error {
    let words = last_words(&std::fs::read(log).unwrap_or_default(), "");
    Error::Holder { log: log.to_owned(), words }
}

/// The lines for a shell; the first suite's first database is `DATABASE_URL`.
fn exports(site: &Site, state: &State, wanted: &BTreeSet<String>) -> String {
    let mut names: Vec<&String> = Vec::new();
    let of_suites = site.config.suites.iter().flat_map(|suite| &suite.databases);
    for name in of_suites.chain(wanted) {
        if wanted.contains(name) && !names.contains(&name) {
            names.push(name);
        }
    }
    let there = names.into_iter().filter_map(|name| {
        let found = state.databases.iter().find(|there| there.name == *name)?;
        Some((name.as_str(), found.url.clone()))
    });
    let lines = variables_of(&there.collect::<Vec<_>>()).into_iter().map(|(name, url)| {
        let (name, url) = (name.to_string_lossy(), url.to_string_lossy());
        format!("export {name}={}\n", quoted(&url))
    });
    lines.collect()
}

/// One word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_url_holds_is_one_word() {
        assert_eq!(quoted("a&b'$(c)"), r"'a&b'\''$(c)'");
    }
}
