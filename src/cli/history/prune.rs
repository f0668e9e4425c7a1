//! `evenly history prune`: forgets what the project no longer has. A test that is gone ages out by
//! itself in 50 runs; this is for who renamed much, or took a suite away.

use std::collections::HashSet;

use super::super::error::Error;
use super::super::print::out;
use super::args::PruneArgs;
use super::{change, discover};
use crate::exit::Exit;
use crate::history::History;
use crate::model::{Group, SuiteName, counted};

pub(super) fn run(args: &PruneArgs) -> Result<Exit, Error> {
    let (project, discovery) = discover(&args.config, &args.history)?;
    let present = Present::of(&discovery.groups);
    let prune = |history: &mut History| {
        let forgotten = history.prune(|suite, test, group| present.has(suite, test, group));
        (forgotten, history.tests())
    };
    let (verb, (forgotten, kept)) = if args.dry_run {
        ("would forget", prune(&mut project.known.history.clone()))
    } else {
        ("forgot", change(&args.history, prune)?)
    };
    out(&format!("{verb} {}, {} stay\n", counted(forgotten, "test"), counted(kept, "test")));
    Ok(Exit::Passed)
}

/// What is there.
struct Present<'a> {
    tests: HashSet<(&'a SuiteName, &'a str)>,
    /// Groups whose tests are not listed, whole and by their members.
    unlisted: HashSet<(&'a SuiteName, &'a str)>,
}

impl<'a> Present<'a> {
    fn of(groups: &'a [Group]) -> Self {
        let mut present = Self { tests: HashSet::new(), unlisted: HashSet::new() };
        for group in groups {
            let suite = &group.id.suite;
            if let Some(tests) = &group.tests {
                present.tests.extend(tests.iter().map(|test| (suite, test.as_str())));
            } else {
                present.unlisted.insert((suite, &*group.id.name));
                let members = group.members.iter().map(|member| (suite, &*member.name));
                present.unlisted.extend(members);
            }
        }
        present
    }

    /// A listed test is there in whatever group; of a group that does not list, all are.
    fn has(&self, suite: &SuiteName, test: &str, group: &str) -> bool {
        self.tests.contains(&(suite, test)) || self.unlisted.contains(&(suite, group))
    }
}
