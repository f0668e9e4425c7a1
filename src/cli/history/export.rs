//! `evenly history export`: what a suite's tests take, as another tool keeps it.

use super::super::error::Error;
use super::super::print::{json, note, out};
use super::super::project::read_config;
use super::args::{ExportArgs, ExportFormat};
use super::{HistoryCommandError, Known, listed, load, suite_named};
use crate::exit::Exit;
use crate::framework::{Naming, Preset, WarmFramework};
use crate::history::SuiteRecord;
use crate::history::export::{Exported, Form, export};
use crate::model::{SuiteName, counted};
use crate::store;

pub(super) fn run(args: &ExportArgs) -> Result<Exit, Error> {
    let Known { history, .. } = load(&args.history);
    let suites: Vec<SuiteRecord<'_>> = history.suites().collect();
    let names = suites.iter().map(|suite| suite.name());
    let suite = match (&args.suite, suites.as_slice()) {
        (_, []) => return Err(HistoryCommandError::Empty(args.history.clone()).into()),
        (Some(name), _) => suite_named(name, names)?,
        (None, [only]) => only.name(),
        (None, [..]) => return Err(HistoryCommandError::WhichSuite(listed(names)).into()),
    };
    let record = suites.iter().find(|record| record.name() == suite);
    let record = *record.expect("the suite was found among these");
    let form = match args.format {
        ExportFormat::PytestSplit => Form::PytestSplit,
        ExportFormat::Knapsack => Form::Knapsack,
        ExportFormat::Junit => Form::Junit(naming(args, suite)?),
        ExportFormat::Bun => Form::Bun,
    };
    let Exported { text, tests, left_out } = export(record, form);
    let written = format!("{} of suite `{suite}`", counted(tests, "test"));
    match (&args.out, args.format) {
        (Some(path), _) => {
            store::replace(path, text.as_bytes())?;
            note(&format!("wrote {written} to `{}`", path.display()));
        }
        (None, ExportFormat::PytestSplit | ExportFormat::Knapsack | ExportFormat::Bun) => {
            json(&text);
        }
        (None, ExportFormat::Junit) => out(&text),
    }
    if left_out > 0 {
        let tests = counted(left_out, "test");
        note(&format!("left out {tests} without a duration or, where files are wanted, a file"));
    }
    Ok(Exit::Passed)
}

/// How the suite's framework names its tests in JUnit.
fn naming(args: &ExportArgs, suite: &SuiteName) -> Result<Naming, Error> {
    let config = read_config(&args.config)?;
    let settings = config.suites.iter().find(|settings| settings.name == *suite);
    let Some(framework) = settings.map(|settings| &settings.framework) else {
        return Ok(Naming::ClassAndName);
    };
    if let Some(warm) = WarmFramework::named(framework) {
        return Ok(warm.naming());
    }
    Ok(Preset::named(framework).map_or(Naming::ClassAndName, |preset| preset.naming))
}
