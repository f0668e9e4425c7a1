//! What evenly made and is still there, and how it goes: databases on the servers that a
//! configuration names, and directories of our own servers on this machine.
//!
//! Promises: what a live run has, or may have, is never touched; what one server refuses keeps
//! nobody from the others.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;
use url::Url;

use super::owner::{is_alive, is_over};
use super::server::{FoundHome, homes};
use super::{ProvisionError, external, now};
use crate::config::{Database, ServerKind};
use crate::db::{self, Found, Location, Owner, Server};
use crate::model::Engine;
use crate::process::Liveness;

/// What a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A template that is, or was, being built.
    Building,
    /// A finished template.
    Template,
    /// A clone.
    Clone,
    /// The directory of a server of our own.
    Server,
}

/// What became of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It stays.
    Kept,
    /// It would go.
    Doomed,
    /// It is gone.
    Removed,
}

/// Something that evenly made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    /// The server, without credentials; for a server of our own, this machine.
    pub place: String,
    /// The database's name, or the directory.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Who made it, where that is known.
    pub owner: Option<Owner>,
    /// Whether who made it lives.
    pub liveness: Liveness,
    /// When it was made.
    pub made: Timestamp,
    /// What became of it.
    pub fate: Fate,
}

/// Whether finished templates go too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Templates {
    /// They stay for later runs.
    Keep,
    /// Those go that no live run can be using.
    Remove,
}

/// What to do with what is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Only look.
    Look,
    /// Find out what [`Act::Clean`] would remove.
    Try(Templates),
    /// Remove what dead runs left.
    Clean(Templates),
}

/// What was found.
#[derive(Debug, Default)]
pub struct Survey {
    /// Everything, server by server.
    pub things: Vec<Thing>,
    /// What could not be looked at or removed.
    pub errors: Vec<ProvisionError>,
}

/// Looks at every server that these databases are on, at further ones by URL (each with a name for
/// errors), and at the directories of our own servers.
pub async fn survey<'a>(
    databases: impl IntoIterator<Item = (&'a String, &'a Database)>,
    further: &[(String, String)],
    base: &Path,
    act: Act,
) -> Survey {
    let mut survey = Survey::default();
    let mut seen = BTreeSet::new();
    let databases = databases.into_iter().filter(|(_, database)| {
        database.mirror.is_none() && database.server == ServerKind::External
    });
    let configured =
        databases.map(|(name, database)| (name.clone(), external(base, base, name, database)));
    let further = further.iter().map(|(name, url)| {
        let location = Location::parse(url, base.to_owned());
        let fail = |error| ProvisionError::Db { database: name.clone(), error };
        (name.clone(), location.map_err(fail))
    });
    for (name, location) in configured.chain(further) {
        match location {
            // Its files live in a run's own directory and go with it.
            Ok(location) if location.engine() == Engine::Sqlite => {}
            Ok(location) => {
                let mut server = location.url().clone();
                server.set_path("");
                if seen.insert(server.to_string()) {
                    survey.visit(&name, &location, act).await;
                }
            }
            Err(error) => survey.errors.push(error),
        }
    }
    for home in homes() {
        survey.home(home, act);
    }
    survey
}

/// Removes what dead runs left of servers of our own.
pub fn remove_dead_servers() {
    for home in homes().into_iter().filter(FoundHome::is_left) {
        // What cannot be removed now is found by the next start.
        let _ = home.remove();
    }
}

impl Survey {
    async fn visit(&mut self, name: &str, location: &Location, act: Act) {
        let fail = |error| ProvisionError::Db { database: name.to_owned(), error };
        let server = match Server::connect(location).await {
            Ok(server) => server,
            Err(error) => return self.errors.push(fail(error)),
        };
        let place = server_label(location.engine(), location.url());
        match server.list().await {
            Err(error) => self.errors.push(fail(error)),
            Ok(found) => {
                let in_use = found.iter().any(may_use_templates);
                for found in found {
                    let wanted = goes(&found, act, in_use);
                    let dropped = match (wanted, act) {
                        (true, Act::Clean(_)) => server.drop_database(&found.name).await,
                        _ => Ok(()),
                    };
                    let dropped = dropped.map_err(fail);
                    let fate = self.fate(wanted, act, dropped);
                    // Two URLs, as of two users, may lead to one server.
                    let thing = thing(place.clone(), found, fate);
                    let known = |other: &Thing| other.place == place && other.name == thing.name;
                    if !self.things.iter().any(known) {
                        self.things.push(thing);
                    }
                }
            }
        }
        server.close().await;
    }

    fn home(&mut self, home: FoundHome, act: Act) {
        let left = home.is_left();
        let wanted = left && act != Act::Look;
        let removed = match (wanted, act) {
            (true, Act::Clean(_)) => home.remove().map_err(|source| {
                let act = "remove";
                let path = home.path.clone();
                let error = db::DbError::File { act, path, source };
                ProvisionError::Db { database: "a managed server".to_owned(), error }
            }),
            _ => Ok(()),
        };
        let fate = self.fate(wanted, act, removed);
        let liveness = home.owner.as_ref().map_or(Liveness::Unknown, is_alive);
        self.things.push(Thing {
            place: "this machine".to_owned(),
            name: home.path.display().to_string(),
            kind: Kind::Server,
            owner: home.owner,
            liveness,
            made: Timestamp::try_from(home.changed).unwrap_or(Timestamp::UNIX_EPOCH),
            fate,
        });
    }

    fn fate(&mut self, wanted: bool, act: Act, done: Result<(), ProvisionError>) -> Fate {
        match (wanted, act, done) {
            (true, Act::Clean(_), Ok(())) => Fate::Removed,
            (true, Act::Try(_), Ok(())) => Fate::Doomed,
            (true, Act::Look, Ok(())) | (false, _, Ok(())) => Fate::Kept,
            (_, _, Err(error)) => {
                self.errors.push(error);
                Fate::Kept
            }
        }
    }
}

/// Whether somebody may be cloning a template of the same server: nothing says which template a
/// clone came from, so any that may be in use spares them all.
fn may_use_templates(found: &Found) -> bool {
    match found.kind {
        db::Kind::Template => false,
        db::Kind::Building | db::Kind::Clone => !is_over(&found.owner, now()),
    }
}

fn goes(found: &Found, act: Act, templates_in_use: bool) -> bool {
    let (Act::Try(templates) | Act::Clean(templates)) = act else { return false };
    let over = is_over(&found.owner, now());
    match (found.kind, templates) {
        (db::Kind::Building | db::Kind::Clone, _) => found.is_left_over(over),
        (db::Kind::Template, Templates::Keep) => false,
        (db::Kind::Template, Templates::Remove) => over && !templates_in_use,
    }
}

fn thing(place: String, found: Found, fate: Fate) -> Thing {
    let Found { name, kind, owner, made } = found;
    let name = name.as_str().to_owned();
    let kind = match kind {
        db::Kind::Building => Kind::Building,
        db::Kind::Template => Kind::Template,
        db::Kind::Clone => Kind::Clone,
    };
    let liveness = is_alive(&owner);
    // Killed between making and signing: nobody's.
    let owner = (owner.pid != 0).then_some(owner);
    Thing { place, name, kind, owner, liveness, made, fate }
}

/// Engine and place of a server, without credentials.
fn server_label(engine: Engine, url: &Url) -> String {
    let (parameter, port) = match engine {
        Engine::Postgres => ("host", 5432),
        Engine::Mysql => ("socket", 3306),
        Engine::Sqlite => return engine.to_string(),
    };
    if let Some((_, path)) = url.query_pairs().find(|(key, _)| key == parameter) {
        return format!("{engine} at {path}");
    }
    let host = percent_encoding::percent_decode_str(url.host_str().unwrap_or("localhost"));
    format!("{engine} at {}:{}", host.decode_utf8_lossy(), url.port().unwrap_or(port))
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::super::owner::owner_of_this_process;
    use super::*;
    use crate::db::DatabaseName;
    use crate::db::Kind::{Building, Clone, Template};

    fn found(kind: db::Kind, owner: Owner) -> Found {
        let name = DatabaseName::existing("x");
        Found { name, kind, owner, made: Timestamp::UNIX_EPOCH }
    }

    #[test]
    fn only_what_the_dead_left_goes_and_templates_by_request() {
        let alive = owner_of_this_process("r", Timestamp::now() - 1.hour());
        // Number 1 is there, but started at another time.
        let dead = Owner { pid: 1, ..alive.clone() };
        let later = Timestamp::now() + 1.hour();
        let elsewhere = Owner { started: "a/b/1".to_owned(), until: later, ..dead.clone() };
        let clean = |templates| Act::Clean(templates);
        for (kind, owner, templates, in_use, expected) in [
            (Clone, &dead, Templates::Keep, false, true),
            (Building, &dead, Templates::Keep, true, true),
            (Clone, &alive, Templates::Remove, false, false),
            (Clone, &elsewhere, Templates::Remove, false, false),
            (Template, &dead, Templates::Keep, false, false),
            (Template, &dead, Templates::Remove, false, true),
            (Template, &dead, Templates::Remove, true, false),
            (Template, &elsewhere, Templates::Remove, false, false),
            (Template, &alive, Templates::Remove, false, false),
        ] {
            let found = found(kind, owner.clone());
            assert_eq!(goes(&found, clean(templates), in_use), expected, "{found:?} {templates:?}");
            assert!(!goes(&found, Act::Look, in_use));
        }
        assert!(may_use_templates(&found(Clone, elsewhere)));
        assert!(!may_use_templates(&found(Clone, dead)));
    }

    #[test]
    fn a_label_has_no_credentials() {
        let label = |engine, url: &str| server_label(engine, &Url::parse(url).unwrap());
        assert_eq!(label(Engine::Postgres, "postgres://u:p@h/x"), "Postgres at h:5432");
        let socket = label(Engine::Mysql, "mysql://u:p@localhost/x?socket=%2Frun%2Fs");
        assert_eq!(socket, "MySQL at /run/s");
    }
}
