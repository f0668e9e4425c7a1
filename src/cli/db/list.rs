//! `evenly db list` and `evenly db clean`.

use comfy_table::{Table, presets};
use serde_json::json;

use super::super::args::{DbCleanArgs, DbListArgs};
use super::super::error::Error;
use super::super::print;
use super::site::{Site, block_on};
use super::state::State;
use crate::exit::Exit;
use crate::model::{counted, one_line};
use crate::process::Liveness;
use crate::provision::{Act, Fate, Kind, Survey, Templates, Thing, survey};

pub(super) fn list(args: &DbListArgs) -> Result<Exit, Error> {
    let DbListArgs { config, json } = args;
    let Survey { things, errors } = look(&Site::open(config)?, Act::Look)?;
    if *json {
        print::json(&format!("{}\n", document(&things, &errors)));
    } else if things.is_empty() {
        print::note("there is nothing that evenly made");
    } else {
        print::out(&table(&things));
    }
    Ok(told(&errors))
}

pub(super) fn clean(args: &DbCleanArgs) -> Result<Exit, Error> {
    let DbCleanArgs { config, templates, dry_run } = args;
    let templates = if *templates { Templates::Remove } else { Templates::Keep };
    let (act, verb) = if *dry_run {
        (Act::Try(templates), "would remove")
    } else {
        (Act::Clean(templates), "removed")
    };
    let Survey { things, errors } = look(&Site::open(config)?, act)?;
    let (gone, kept): (Vec<_>, Vec<_>) =
        things.into_iter().partition(|thing| thing.fate != Fate::Kept);
    for thing in &gone {
        let Thing { place, name, kind, .. } = thing;
        let (name, place, kind) = (one_line(name), one_line(place), word(*kind));
        print::out(&format!("{verb} the {kind} `{name}` ({place}), {}\n", whose(thing)));
    }
    if gone.is_empty() {
        print::note("there is nothing to remove");
    }
    let spared = kept.iter().filter(|thing| thing.kind == Kind::Template).count();
    if templates == Templates::Remove && spared > 0 {
        let spared = counted(spared, "template");
        print::note(&format!("{spared} stay: a live run, or `evenly db up`, may be using them"));
    }
    Ok(told(&errors))
}

/// Everything on the project's servers, those of `up` included.
fn look(site: &Site, act: Act) -> Result<Survey, Error> {
    for suite in site.suites_with_own_databases() {
        print::note(&format!(
            "servers of the settings of suite `{suite}` are not looked at, only those of \
             `[database.NAME]`: its next run removes what dead ones left there"
        ));
    }
    let state = State::read(&site.state())?;
    let held = state.filter(|state| state.runs().unwrap_or(false)).map(|state| state.databases);
    let held = held.into_iter().flatten().filter(|database| database.managed);
    let held: Vec<_> = held.map(|database| (database.name, database.url)).collect();
    block_on(survey(&site.config.databases, &held, &site.base, act))
}

/// Tells what could not be looked at or removed; the exit code that follows.
fn told(errors: &[crate::provision::ProvisionError]) -> Exit {
    for error in errors {
        print::err(&format!("error: {error}\n"));
    }
    if errors.is_empty() { Exit::Passed } else { Exit::Infrastructure }
}

fn table(things: &[Thing]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["name", "kind", "whose", "owner is", "made", "where"]);
    for thing in things {
        let Thing { place, name, kind, owner: _, liveness, made, fate: _ } = thing;
        let made = made.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        table.add_row([
            one_line(name).into_owned(),
            word(*kind).to_owned(),
            whose(thing),
            life(*liveness).to_owned(),
            made,
            one_line(place).into_owned(),
        ]);
    }
    table.trim_fmt() + "\n"
}

fn document(things: &[Thing], errors: &[crate::provision::ProvisionError]) -> serde_json::Value {
    let thing = |thing: &Thing| {
        let Thing { place, name, kind, owner, liveness, made, fate: _ } = thing;
        let owner = owner.as_ref();
        json!({
            "server": place,
            "name": name,
            "kind": word(*kind),
            "run": owner.map(|owner| &owner.run),
            "host": owner.map(|owner| &owner.host),
            "pid": owner.map(|owner| owner.pid),
            "owner": life(*liveness),
            "made": made.to_string(),
        })
    };
    json!({
        "format": 1,
        "found": things.iter().map(thing).collect::<Vec<_>>(),
        "errors": errors.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn whose(thing: &Thing) -> String {
    match &thing.owner {
        Some(owner) => {
            let (run, host) = (one_line(&owner.run), one_line(&owner.host));
            format!("run {run}, process {} on {host}", owner.pid)
        }
        None => "nobody's".to_owned(),
    }
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Building => "building",
        Kind::Template => "template",
        Kind::Clone => "clone",
        Kind::Server => "server",
    }
}

fn life(liveness: Liveness) -> &'static str {
    match liveness {
        Liveness::Alive => "alive",
        Liveness::Dead => "dead",
        Liveness::Unknown => "unknown",
    }
}
