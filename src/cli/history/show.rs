//! `evenly history show`: one test's trend, or what stands out of all.

use super::super::error::Error;
use super::super::print::{columns, json, out};
use super::args::ShowArgs;
use super::{HistoryCommandError, Known, load, suite_named};
use crate::exit::Exit;
use crate::history::show::{self, Overview};
use crate::history::{History, SuiteRecord, TestRecord};
use crate::model::{TestId, one_line};

/// How many tests are told where the one asked for is not known.
const NEAREST_MAX: usize = 5;

pub(super) fn run(args: &ShowArgs) -> Result<Exit, Error> {
    let Known { history, .. } = load(&args.history);
    if history.is_empty() {
        return Err(HistoryCommandError::Empty(args.history.clone()).into());
    }
    let (document, text) = if let Some(id) = &args.id {
        let test = find(&history, id)?;
        (show::test_json(&test), show::chart(&test, columns()))
    } else {
        let names: Vec<_> = history.suites().map(SuiteRecord::name).collect();
        let only = args.suite.as_deref().map(|name| suite_named(name, names.iter().copied()));
        let overview = Overview::new(&history, only.transpose()?, args.top);
        (show::overview_json(&overview), show::overview(&overview, columns()))
    };
    if args.json {
        json(&format!("{document}\n"));
    } else {
        out(&text);
    }
    Ok(Exit::Passed)
}

/// The test of an id, or of a name that one suite has.
fn find<'h>(history: &'h History, id: &str) -> Result<TestRecord<'h>, HistoryCommandError> {
    let in_suites = |id: &TestId| {
        let suite = history.suites().find(|suite| *suite.name() == id.suite)?;
        suite.test(&id.name)
    };
    if let Some(test) = id.parse().ok().as_ref().and_then(in_suites) {
        return Ok(test);
    }
    let mut found: Vec<TestRecord<'_>> =
        history.suites().filter_map(|suite| suite.test(id)).collect();
    let shown = one_line(id).into_owned();
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => {
            let near = show::nearest(history, id, NEAREST_MAX);
            let near = near.iter().map(|id| one_line(id).into_owned()).collect();
            Err(HistoryCommandError::NoTest { id: shown, near })
        }
        _ => {
            let ids = found.iter().map(|test| one_line(&test.id.to_string()).into_owned());
            Err(HistoryCommandError::WhichTest { id: shown, ids: ids.collect() })
        }
    }
}
