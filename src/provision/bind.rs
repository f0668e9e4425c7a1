//! Which database each suite has under which name: what the configuration says and what the
//! frameworks say, put together.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{self, Config, Database, Filling, Fresh, Prepare, ServerKind, Suite};
use crate::framework::protocol::WarmDatabase;
use crate::model::{Engine, Group, SuiteName};

/// The alias that a framework's only database goes by.
const DEFAULT: &str = "default";

/// Every database there is, and which suite has which.
#[derive(Debug, Clone, Default)]
pub struct Databases {
    /// Those of the configuration and those that frameworks bring, by name.
    pub all: BTreeMap<String, Database>,
    suites: BTreeMap<SuiteName, Vec<Binding>>,
}

/// A database under a suite's name for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// Which of [`Databases::all`] it is.
    pub database: String,
    /// The framework's name for it, where it has one.
    pub alias: Option<String>,
}

/// Why databases of a framework and of the configuration don't fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BindError {
    /// `aliases` has a name that the framework does not know.
    #[error("suite `{suite}`: `aliases` names `{alias}`, and its framework has {known}")]
    NoAlias {
        /// The suite.
        suite: SuiteName,
        /// The name.
        alias: String,
        /// What there is.
        known: String,
    },
    /// A database of the suite is not any of the framework's.
    #[error(
        "suite `{suite}`: nothing says which alias `[database.{database}]` is; its framework has \
         {known}: write `aliases = {{ ALIAS = \"{database}\" }}`"
    )]
    Unclaimed {
        /// The suite.
        suite: SuiteName,
        /// The database.
        database: String,
        /// What there is.
        known: String,
    },
    /// The settings and the configuration name different kinds of servers.
    #[error(
        "suite `{suite}`: the settings have {ours} for the alias `{alias}`, and \
         `[database.{database}]` is {theirs}"
    )]
    Engine {
        /// The suite.
        suite: SuiteName,
        /// The framework's name.
        alias: String,
        /// The framework's engine.
        ours: String,
        /// The configuration's name.
        database: String,
        /// The configuration's engine.
        theirs: Engine,
    },
    /// Two frameworks would fill one template, each in its own way.
    #[error(
        "`[database.{database}]` would be filled by `{first}` and, differently, by `{second}`: \
         give each its own, or say how with `prepare`"
    )]
    Twice {
        /// The database.
        database: String,
        /// A suite and its alias.
        first: String,
        /// Another one.
        second: String,
    },
}

impl Databases {
    /// Puts the configuration's databases and those that frameworks listed together. An alias is
    /// the database that `aliases` says; else one of the suite's `databases` of its name; else, if
    /// the suite has only one and this is its framework's default one, that; else one that is made
    /// of what the framework says.
    ///
    /// # Errors
    /// When they don't fit.
    pub fn new(
        config: &Config,
        listed: &BTreeMap<SuiteName, Vec<WarmDatabase>>,
    ) -> Result<Self, BindError> {
        let mut databases = Self { all: config.databases.clone(), suites: BTreeMap::new() };
        for suite in &config.suites {
            let bindings = match listed.get(&suite.name) {
                Some(listed) if !listed.is_empty() => databases.bind(suite, listed)?,
                Some(_) | None => plain(suite),
            };
            databases.suites.insert(suite.name.clone(), bindings);
        }
        Ok(databases)
    }

    /// Those of a group, in its suite's order.
    pub fn of(&self, group: &Group) -> impl Iterator<Item = &Binding> {
        let suite = self.suites.get(&group.id.suite).filter(|_| group.databases);
        let used = group.aliases.as_ref().map(|aliases| &aliases.used);
        suite.into_iter().flatten().filter(move |binding| match (used, &binding.alias) {
            (Some(used), Some(alias)) => used.contains(alias),
            (None, _) | (_, None) => true,
        })
    }

    fn bind(&mut self, suite: &Suite, listed: &[WarmDatabase]) -> Result<Vec<Binding>, BindError> {
        let known = || {
            let names = listed.iter().map(|database| format!("`{}`", database.alias));
            names.collect::<Vec<_>>().join(", ")
        };
        let has = |alias: &str| listed.iter().any(|database| database.alias == alias);
        if let Some(alias) = suite.aliases.keys().find(|alias| !has(alias)) {
            let (suite, alias) = (suite.name.clone(), alias.clone());
            return Err(BindError::NoAlias { suite, alias, known: known() });
        }
        let names = self.names(suite, listed);
        let claimed: BTreeSet<&String> = names.values().collect();
        if let Some(database) = suite.databases.iter().find(|name| !claimed.contains(name)) {
            let (suite, database) = (suite.name.clone(), database.clone());
            return Err(BindError::Unclaimed { suite, database, known: known() });
        }
        for database in listed.iter().filter(|database| database.mirror.is_none()) {
            self.take(suite, database, &names)?;
        }
        let binding = |database: &WarmDatabase| {
            let alias = &database.alias;
            let target = target(listed, database);
            let bound = names.get(alias).or_else(|| names.get(&target.alias))?.clone();
            Some(Binding { database: bound, alias: Some(alias.clone()) })
        };
        Ok(listed.iter().filter_map(binding).collect())
    }

    /// Which database each alias that has one of its own is.
    fn names(&self, suite: &Suite, listed: &[WarmDatabase]) -> BTreeMap<String, String> {
        let mut names = suite.aliases.clone();
        let own = || listed.iter().filter(|database| database.mirror.is_none());
        for WarmDatabase { alias, .. } in own() {
            if suite.databases.contains(alias) {
                names.entry(alias.clone()).or_insert_with(|| alias.clone());
            }
        }
        let alone = own().count() == 1;
        let default = own().find(|database| alone || database.alias == DEFAULT);
        if let ([only], Some(default)) = (suite.databases.as_slice(), default)
            && !names.values().any(|name| name == only)
        {
            names.entry(default.alias.clone()).or_insert_with(|| only.clone());
        }
        for database in own() {
            if !names.contains_key(&database.alias) {
                let name = self.free(suite, database, &names);
                names.insert(database.alias.clone(), name);
            }
        }
        names
    }

    /// A name for a database that a framework brings: its alias, unless that is another one's.
    fn free(
        &self,
        suite: &Suite,
        database: &WarmDatabase,
        taken: &BTreeMap<String, String>,
    ) -> String {
        let letter = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' };
        let alias: String = database.alias.chars().map(letter).collect();
        let of_suite: String = suite.name.as_str().chars().map(letter).collect();
        let counted = (2..).map(|count| format!("{of_suite}_{alias}_{count}"));
        let names = [alias.clone(), format!("{of_suite}_{alias}")].into_iter().chain(counted);
        let names = names.filter(|name| taken.values().all(|other| other != name));
        let mut free = names.filter(|name| {
            // Two suites with the same settings share a template.
            if let Some(there) = self.all.get(name) {
                return is_same(there, database);
            }
            let variable = config::variable(name);
            self.all.keys().all(|other| config::variable(other) != variable)
        });
        free.next().expect("the numbers don't end")
    }

    /// Settles how a database is filled that a framework lists.
    fn take(
        &mut self,
        suite: &Suite,
        listed: &WarmDatabase,
        names: &BTreeMap<String, String>,
    ) -> Result<(), BindError> {
        let WarmDatabase { alias, url, name: _, in_memory: _, mirror: _, after, key } = listed;
        let name = &names[alias];
        let before = after.iter().filter_map(|alias| Some((alias, names.get(alias)?)));
        let before: BTreeMap<String, String> = before
            .filter(|(_, other)| *other != name)
            .map(|(alias, other)| (alias.clone(), other.clone()))
            .collect();
        let after: Vec<String> = before.values().cloned().collect();
        let filling = Filling {
            suite: suite.name.clone(),
            alias: alias.clone(),
            key: key.clone(),
            after: before,
        };
        let Some(there) = self.all.get_mut(name) else {
            let made = brought(url, filling, after);
            self.all.insert(name.clone(), made);
            return Ok(());
        };
        let theirs = there.engine();
        if let Some(theirs) = theirs.filter(|theirs| Some(*theirs) != Engine::of_url(url)) {
            return Err(BindError::Engine {
                suite: suite.name.clone(),
                alias: alias.clone(),
                ours: Engine::of_url(url)
                    .map_or_else(|| "another engine".to_owned(), |engine| engine.to_string()),
                database: name.clone(),
                theirs,
            });
        }
        match &there.prepare {
            Prepare::Framework(first) if first.key != filling.key => Err(BindError::Twice {
                database: name.clone(),
                first: format!("{}:{}", first.suite, first.alias),
                second: format!("{}:{}", filling.suite, filling.alias),
            }),
            Prepare::Nothing if there.is_unfilled() => {
                there.prepare = Prepare::Framework(filling);
                there.after.extend(after);
                Ok(())
            }
            Prepare::Framework(_) | Prepare::Nothing | Prepare::Command(_) | Prepare::Existing => {
                Ok(())
            }
        }
    }
}

/// The databases of a suite whose framework has no names of its own for them.
fn plain(suite: &Suite) -> Vec<Binding> {
    let binding = |name: &String| Binding { database: name.clone(), alias: None };
    suite.databases.iter().map(binding).collect()
}

/// What a mirror is another name for; a chain that does not end is cut.
fn target<'a>(listed: &'a [WarmDatabase], mut database: &'a WarmDatabase) -> &'a WarmDatabase {
    for _ in listed {
        let Some(mirror) = &database.mirror else { break };
        let Some(next) = listed.iter().find(|other| other.alias == *mirror) else { break };
        database = next;
    }
    database
}

/// A database on the server that a framework is configured for.
fn brought(url: &str, filling: Filling, after: Vec<String>) -> Database {
    Database {
        // What looks like a variable is none.
        url: Some(url.replace("${", "%24%7B")),
        server: ServerKind::External,
        engine: None,
        prepare: Prepare::Framework(filling),
        schema: None,
        inputs: Vec::new(),
        fresh: Fresh::Worker,
        mirror: None,
        after,
    }
}

fn is_same(there: &Database, listed: &WarmDatabase) -> bool {
    let Prepare::Framework(filling) = &there.prepare else { return false };
    let url = listed.url.replace("${", "%24%7B");
    filling.key == listed.key && there.url.as_ref() == Some(&url)
}

#[cfg(test)]
mod tests;
