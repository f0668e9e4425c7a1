//! Which frameworks a project has: each room looks for its own, in every directory that is a
//! project of its kind.

use super::setup::Setup;
use super::{Found, Suite, node, others, python};
use crate::framework::{Preset, WarmFramework};
use crate::init::Facts;

/// How many suites are written.
const SUITES_MAX: usize = 20;

pub(super) fn find(facts: &Facts, found: &mut Found) {
    python::find(facts, found);
    node::find(facts, found);
    others::find(facts, found);
    if found.suites.len() > SUITES_MAX {
        found.advice.push(format!(
            "{} suites were found; the first {SUITES_MAX} are written",
            found.suites.len()
        ));
        found.suites.truncate(SUITES_MAX);
    }
}

/// What is seen of one framework.
pub(super) struct Seen<'a> {
    /// What people call it.
    pub(super) called: &'a str,
    /// What evenly may call it, the best first.
    pub(super) names: &'a [&'a str],
    pub(super) dir: &'a str,
    pub(super) why: String,
    pub(super) keys: Vec<(&'static str, String)>,
    pub(super) remarks: Vec<String>,
    pub(super) setup: Setup,
}

impl Found {
    /// Tells of a framework, and adds its suite where evenly has it.
    pub(super) fn suite(&mut self, seen: Seen<'_>) {
        let Seen { called, names, dir, why, keys, remarks, setup } = seen;
        let place = if dir.is_empty() { String::new() } else { format!(" in `{dir}`") };
        if !is_plain(dir) {
            self.tell(
                format!("{called} in a directory of an unusual name, left out"),
                format!("{why}; write its suite by hand: {dir:?}"),
            );
            return;
        }
        let Some(framework) = names.iter().copied().find(|name| is_known(name)) else {
            self.tell(format!("{called}{place}, left out"), why);
            self.advice.push(format!(
                "evenly has no preset for {called}; a `command` suite can run it: see \
                 docs/guide/frameworks.md"
            ));
            return;
        };
        self.tell(format!("{called}{place}"), why);
        let name = self.free_name(framework, dir);
        self.suites.push(Suite {
            name,
            framework: framework.to_owned(),
            dir: dir.to_owned(),
            keys,
            remarks,
            setup,
            base: None,
        });
    }

    /// A name that no other suite has: the framework's, or that of its directory.
    fn free_name(&self, framework: &str, dir: &str) -> String {
        let last = dir.rsplit('/').next().unwrap_or_default();
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let from_dir: String = last.chars().map(|c| if fits(c) { c } else { '-' }).collect();
        let base = if from_dir.is_empty() { framework.to_owned() } else { from_dir };
        let base: String = base.chars().take(40).collect();
        let taken = |name: &str| self.suites.iter().any(|suite| suite.name == name);
        let with_framework = format!("{base}-{framework}");
        let counted = (2..).map(|number| format!("{base}-{number}"));
        let mut names = [base.clone(), with_framework].into_iter().chain(counted);
        names.find(|name| !taken(name)).unwrap_or_else(|| base.clone())
    }
}

/// Whether evenly can run it.
pub(super) fn is_known(framework: &str) -> bool {
    WarmFramework::named(framework).is_some() || Preset::named(framework).is_some()
}

/// Whether a path has only what needs no thought in TOML, YAML, a shell and a CI's expressions.
pub(super) fn is_plain(path: &str) -> bool {
    let fits =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '@' | '+');
    path.chars().all(fits) && !path.starts_with('-')
}
