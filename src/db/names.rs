//! Names of databases: who may share a server must not share a name.

use std::fmt;

use sha2::{Digest, Sha256};

use super::location::Engine;
use crate::model::hex;

/// The name of a database as its server knows it; for SQLite a file's name without its ending.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DatabaseName(String);

/// The name of a template's database.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TemplateName(pub DatabaseName);

/// What all names of a run's clones share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Naming {
    /// Whose limits hold.
    pub engine: Engine,
    /// Behind the name where the server may be shared by several shards or runs.
    pub tag: Option<String>,
}

impl DatabaseName {
    /// A name that is there already.
    #[must_use]
    pub fn existing(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DatabaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TemplateName {
    /// The template of a configured database: `key` is what it depends on, as hex digits.
    #[must_use]
    pub fn new(engine: Engine, name: &str, key: &str) -> Self {
        let key: String = key.chars().take(16).collect();
        Self(fitted(engine, format!("evenly_tpl_{name}_{key}")))
    }
}

impl Naming {
    /// The database of a worker; `serial` counts those of `fresh = "group"`.
    #[must_use]
    pub fn clone_of(&self, worker: u32, name: &str, serial: Option<u64>) -> DatabaseName {
        let mut text = format!("test_{worker}_{name}");
        if let Some(serial) = serial {
            text.push_str(&format!("_{serial}"));
        }
        if let Some(tag) = &self.tag {
            text.push_str(&format!("_{tag}"));
        }
        fitted(self.engine, text)
    }
}

impl Naming {
    /// The database for work by hand.
    #[must_use]
    pub fn local(&self, name: &str) -> DatabaseName {
        let tag = self.tag.iter().map(|tag| format!("_{tag}"));
        fitted(self.engine, format!("test_local_{name}") + &tag.collect::<String>())
    }
}

/// Within the server's limit: the tail of a longer name is replaced by a hash of the whole.
fn fitted(engine: Engine, name: String) -> DatabaseName {
    const HASH_HEX: usize = 16;
    let max = engine.name_bytes_max();
    if name.len() <= max {
        return DatabaseName(name);
    }
    let hash = hex(&Sha256::digest(&name)[..HASH_HEX / 2]);
    let mut head = max - HASH_HEX - 1;
    while !name.is_char_boundary(head) {
        head -= 1;
    }
    DatabaseName(format!("{}_{hash}", &name[..head]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naming(tag: Option<&str>) -> Naming {
        Naming { engine: Engine::Postgres, tag: tag.map(str::to_owned) }
    }

    #[test]
    fn a_server_of_our_own_has_plain_names() {
        assert_eq!(naming(None).clone_of(3, "shop", None).as_str(), "test_3_shop");
        assert_eq!(naming(None).clone_of(3, "shop", Some(7)).as_str(), "test_3_shop_7");
    }

    #[test]
    fn a_shared_server_has_the_run_in_the_name() {
        assert_eq!(naming(Some("0a1b")).clone_of(0, "shop", None).as_str(), "test_0_shop_0a1b");
    }

    #[test]
    fn long_names_keep_to_the_limit_and_differ() {
        let long = "é".repeat(60);
        let [a, b] = [0, 1].map(|worker| naming(Some("tag")).clone_of(worker, &long, None));
        assert!(a.as_str().len() <= 63 && a != b, "{a} {b}");
        let [a, b] = ["x", "y"].map(|tag| naming(Some(tag)).clone_of(0, &long, None));
        assert_ne!(a, b);
    }
}
