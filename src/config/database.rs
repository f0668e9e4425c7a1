//! `[database.NAME]`: what each worker gets a database of its own of.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{Error as _, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

use super::error::ConfigError;
use crate::model::{Engine, SuiteName};

/// One `[database.NAME]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Database {
    /// The server and the base name, as a URL; `${VARIABLE}` is replaced from the environment.
    #[serde(default)]
    pub url: Option<String>,
    /// Whose server it is.
    #[serde(default)]
    pub server: ServerKind,
    /// Of a managed server: which.
    #[serde(default)]
    pub engine: Option<Engine>,
    /// How the template is filled.
    #[serde(default)]
    pub prepare: Prepare,
    /// A file of SQL that fills the template, relative to the configuration.
    #[serde(default)]
    pub schema: Option<String>,
    /// What the template depends on: globs relative to the configuration.
    #[serde(default)]
    pub inputs: Vec<String>,
    /// How long a clone lives.
    #[serde(default)]
    pub fresh: Fresh,
    /// It is another one, under this name too.
    #[serde(default)]
    pub mirror: Option<String>,
    /// Those whose templates must be finished before this one is begun.
    #[serde(default)]
    pub after: Vec<String>,
}

/// Whose server a database is on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServerKind {
    /// One that runs already.
    #[default]
    External,
    /// A private one that evenly starts and stops.
    Managed,
}

/// How long a clone lives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fresh {
    /// As long as its worker.
    #[default]
    Worker,
    /// As long as one execution of a group.
    Group,
}

/// How a template is filled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Prepare {
    /// By nothing but `schema`.
    #[default]
    Nothing,
    /// By this command, with `DATABASE_URL` pointing at the template.
    Command(String),
    /// It is there already: the database that `url` names.
    Existing,
    /// By a suite's framework; no file says so.
    Framework(Filling),
}

/// Which framework fills a template, and with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filling {
    /// The framework's suite.
    pub suite: SuiteName,
    /// The framework's name for the database.
    pub alias: String,
    /// A hash of everything that the filled database depends on.
    pub key: String,
    /// The databases that come before it, by the framework's names for them.
    pub after: BTreeMap<String, String>,
}

impl Database {
    /// Whether nothing says how its template is filled.
    #[must_use]
    pub fn is_unfilled(&self) -> bool {
        self.prepare == Prepare::Nothing && self.schema.is_none() && self.mirror.is_none()
    }

    /// The engine, where it can be told without the environment.
    #[must_use]
    pub fn engine(&self) -> Option<Engine> {
        self.engine.or_else(|| Engine::of_url(self.url.as_deref()?))
    }
}

impl<'de> Deserialize<'de> for Prepare {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Prepare;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a command, or `false` where `url` names a database that is ready")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Prepare, E> {
                if text.trim().is_empty() {
                    return Err(E::invalid_value(Unexpected::Str(text), &self));
                }
                Ok(Prepare::Command(text.to_owned()))
            }

            fn visit_bool<E: serde::de::Error>(self, wanted: bool) -> Result<Prepare, E> {
                if wanted {
                    return Err(E::invalid_value(Unexpected::Bool(wanted), &self));
                }
                Ok(Prepare::Existing)
            }
        }
        deserializer.deserialize_any(Either).map_err(D::Error::custom)
    }
}

/// Checks each database by itself and against the others; gives their names so that each comes
/// after those that it needs.
///
/// # Errors
/// When keys contradict each other, a name is not known, or they wait for each other in a circle.
pub(super) fn check(databases: &BTreeMap<String, Database>) -> Result<(), ConfigError> {
    for (name, database) in databases {
        check_one(name, database)
            .map_err(|why| ConfigError::plain(format!("`[database.{name}]` {why}")))?;
        for other in database.after.iter().chain(&database.mirror) {
            if !databases.contains_key(other) {
                return Err(ConfigError::plain(format!(
                    "`[database.{name}]` names `{other}`, and there is no `[database.{other}]`"
                )));
            }
        }
        if let Some(target) = &database.mirror
            && databases[target].mirror.is_some()
        {
            return Err(ConfigError::plain(format!(
                "`[database.{name}]` mirrors `{target}`, which is a mirror itself"
            )));
        }
    }
    check_variables(databases)?;
    in_order(databases).map(|_| ())
}

/// The variable that tells tests the URL of a database: its name in upper case, all but letters and
/// digits `_`.
#[must_use]
pub fn variable(name: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    format!("DATABASE_URL_{}", name.chars().map(letter).collect::<String>())
}

fn check_variables(databases: &BTreeMap<String, Database>) -> Result<(), ConfigError> {
    let mut names: BTreeMap<String, &String> = BTreeMap::new();
    for name in databases.keys() {
        let variable = variable(name);
        if let Some(other) = names.insert(variable.clone(), name) {
            return Err(ConfigError::plain(format!(
                "`[database.{other}]` and `[database.{name}]` would both be `{variable}`: give one \
                 of them another name"
            )));
        }
    }
    Ok(())
}

fn check_one(name: &str, database: &Database) -> Result<(), &'static str> {
    let Database { url, server, engine, prepare, schema, inputs: _, fresh: _, mirror, after: _ } =
        database;
    if SuiteName::new(name).is_err() {
        return Err("is no name: use letters, digits, `-`, `_` and `.`");
    }
    if mirror.is_some() {
        let alone = url.is_none() && engine.is_none() && schema.is_none();
        let alone = alone && *server == ServerKind::External && *prepare == Prepare::Nothing;
        return if alone { Ok(()) } else { Err("is a mirror, so it has nothing of its own") };
    }
    match (server, url, engine) {
        (ServerKind::External, None, _) => return Err("needs `url`, or `server = \"managed\"`"),
        (ServerKind::External, Some(_), Some(_)) => {
            return Err("has its engine from its `url`; `engine` is for managed servers");
        }
        (ServerKind::Managed, Some(_), _) => {
            return Err("is on a managed server, whose `url` evenly makes itself");
        }
        (ServerKind::Managed, None, None) => {
            return Err("needs `engine = \"postgres\"` or `\"mysql\"`");
        }
        (ServerKind::Managed, None, Some(Engine::Sqlite)) => {
            return Err("needs no server for SQLite: give `url = \"sqlite:path\"`");
        }
        (ServerKind::Managed, None, Some(_)) | (ServerKind::External, Some(_), None) => {}
    }
    match (prepare, schema, server) {
        (Prepare::Existing, Some(_), _) => Err("is ready as it is, so `schema` has no use"),
        (Prepare::Existing, None, ServerKind::Managed) => {
            Err("is on a server that is empty: say how it is filled, with `prepare` or `schema`")
        }
        _ => Ok(()),
    }
}

/// The names, each after those that it needs.
///
/// # Errors
/// When some wait for each other in a circle.
pub fn in_order(databases: &BTreeMap<String, Database>) -> Result<Vec<&str>, ConfigError> {
    let mut ordered: Vec<&str> = Vec::with_capacity(databases.len());
    let mut left: BTreeSet<&str> = databases.keys().map(String::as_str).collect();
    while !left.is_empty() {
        let ready: Vec<&str> = left
            .iter()
            .copied()
            .filter(|name| {
                let database = &databases[*name];
                let needs = database.after.iter().chain(&database.mirror);
                needs.into_iter().all(|other| !left.contains(other.as_str()))
            })
            .collect();
        if ready.is_empty() {
            let names: Vec<String> = left.iter().map(|name| format!("`{name}`")).collect();
            return Err(ConfigError::plain(format!(
                "the databases {} wait for each other in a circle",
                names.join(", ")
            )));
        }
        for name in ready {
            left.remove(name);
            ordered.push(name);
        }
    }
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    const SUITE: &str = "[[suite]]\nname = \"a\"\nframework = \"command\"\n";

    fn config(text: &str) -> Result<Config, ConfigError> {
        Config::parse(&format!("{SUITE}{text}"))
    }

    #[test]
    fn a_database_is_read() {
        let config = config(
            "databases = [\"main\"]\n[database.main]\nurl = \"postgres://h/shop\"\n\
             prepare = \"migrate\"\ninputs = [\"m/*.py\"]\nfresh = \"group\"\n\
             [database.ready]\nurl = \"mysql://h/x\"\nprepare = false\n\
             [database.ours]\nserver = \"managed\"\nengine = \"mariadb\"\nschema = \"s.sql\"\n\
             after = [\"main\"]\n[database.again]\nmirror = \"ours\"\n",
        )
        .unwrap();
        let databases = &config.databases;
        assert_eq!(databases["main"].prepare, Prepare::Command("migrate".to_owned()));
        assert_eq!(databases["main"].fresh, Fresh::Group);
        assert_eq!(databases["ready"].prepare, Prepare::Existing);
        assert_eq!(databases["ours"].engine, Some(Engine::Mysql));
        assert_eq!(in_order(databases).unwrap(), ["main", "ready", "ours", "again"]);
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        for (text, part) in [
            ("[database.x]\n", "needs `url`"),
            ("[database.x]\nserver = \"managed\"\n", "needs `engine"),
            ("[database.x]\nserver = \"managed\"\nurl = \"x\"\n", "makes itself"),
            ("[database.x]\nserver = \"managed\"\nengine = \"sqlite\"\n", "no server"),
            ("[database.x]\nurl = \"x\"\nengine = \"mysql\"\n", "from its `url`"),
            ("[database.x]\nurl = \"x\"\nprepare = true\n", "a command"),
            ("[database.x]\nurl = \"x\"\nprepare = false\nschema = \"s\"\n", "no use"),
            ("[database.x]\nmirror = \"y\"\n", "no `[database.y]`"),
            ("[database.x]\nmirror = \"x\"\n", "mirror itself"),
            ("[database.x]\nurl = \"u\"\nafter = [\"x\"]\n", "circle"),
            ("[database.x-y]\nurl = \"u\"\n[database.x_Y]\nurl = \"u\"\n", "`DATABASE_URL_X_Y`"),
            ("databases = [\"nope\"]\n", "no `[database.nope]`"),
            ("[database.x]\nurl = \"x\"\nfresh = \"test\"\n", "unknown variant"),
        ] {
            let error = config(text).expect_err(text);
            assert!(error.to_string().contains(part), "{text}: {error}");
        }
    }
}
