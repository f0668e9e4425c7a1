//! What a project seems to be, and the files that set evenly up for it.
//!
//! Pure: paths and texts go in, findings with their reasons and whole files come out. Only
//! frameworks that evenly has are written, whatever is found; a project is read, never imported or
//! run. Paths and texts came from strangers: what is written quotes them for TOML, YAML and the
//! shell, and directories with unusual names are told instead of used.

mod databases;
mod facts;
mod github;
mod gitlab;
mod home;
mod node;
mod others;
mod python;
mod setup;
mod suites;
#[cfg(test)]
mod tests;
mod toml;

use databases::Base;
pub use facts::{FILES_MAX, Facts, HEAD_BYTES, TEXT_BYTES_MAX, Want, is_left_out, wants};
pub use home::Home;
use setup::Setup;

/// The configuration that is written.
pub const CONFIG: &str = "evenly.toml";
/// How many shards the workflow has when nothing else is said.
pub const SHARDS: u32 = 4;
/// The most that every CI takes that a workflow is written for.
pub const SHARDS_MAX: u32 = 200;

/// What is asked for beyond what is found.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    /// Whose workflow is written; none to go by what is found.
    pub home: Option<Home>,
    /// How many shards the workflow has.
    pub shards: u32,
}

/// Something that was found, and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub what: String,
    /// What says so.
    pub why: String,
}

/// A file that is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Where, below the project.
    pub path: String,
    /// All of it.
    pub text: String,
}

/// What a project is, and what follows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What was found, each with its reason.
    pub found: Vec<Finding>,
    /// What is worth doing by hand, a line each.
    pub advice: Vec<String>,
    /// The files; none where no framework was found.
    pub files: Vec<Written>,
}

/// One `[[suite]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Suite {
    name: String,
    framework: String,
    /// Empty for the project's own directory.
    dir: String,
    /// Further keys, their values as TOML.
    keys: Vec<(&'static str, String)>,
    /// What stands above it.
    remarks: Vec<String>,
    /// What a job must do before it.
    setup: Setup,
    /// What its settings say of databases.
    base: Option<Base>,
}

/// What the rooms below add to.
#[derive(Debug, Default)]
struct Found {
    findings: Vec<Finding>,
    advice: Vec<String>,
    suites: Vec<Suite>,
}

impl Found {
    fn tell(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.findings.push(Finding { what: what.into(), why: why.into() });
    }
}

/// Looks at a project's files and writes what sets evenly up.
#[must_use]
pub fn init(facts: &Facts, wish: Wish) -> Outcome {
    let mut found = Found::default();
    suites::find(facts, &mut found);
    let database = databases::find(facts, &mut found);
    let home = home::find(facts, wish.home, &mut found);
    let Found { findings, advice, suites } = found;
    let mut outcome = Outcome { found: findings, advice, files: Vec::new() };
    if suites.is_empty() {
        return outcome;
    }
    let text = toml::write(&suites, database.as_ref());
    outcome.files.push(Written { path: CONFIG.to_owned(), text });
    match home {
        Home::Github => outcome.files.push(github::write(&suites, wish.shards)),
        Home::Gitlab => gitlab::write(facts, &suites, wish.shards, &mut outcome),
        Home::None => {}
    }
    outcome
}
